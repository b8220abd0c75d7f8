/*
 * nearest: the word that somebody who mistyped one most likely meant.
 */
#ifndef CONSOLE_NEAREST_H
#define CONSOLE_NEAREST_H

#include <stddef.h>

#include "model/site.h"

/*
 * Keeps the nearest of the words offered so far. Begin with {.word = what was typed}; `found` stays NULL
 * while nothing was near: one letter of a short word, two or three of a long one may differ.
 */
struct nearest {
    const char *word;  /* borrowed */
    const char *found; /* borrowed from the offers */
    unsigned distance; /* of `found` */
};

void nearest_offer(struct nearest *nearest, const char *candidate);

/* The tag that was probably meant; NULL when none is near. Looks at some hundred neighbours in the alphabet,
 * so a site of a million tags does not hold up its server for somebody's typing. */
const char *nearest_tag(const struct site *site, const char *name);

#endif
