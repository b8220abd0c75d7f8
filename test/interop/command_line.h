/* What the programs of this folder have in common: the order of addresses from the command line, octets as
 * text. */
#ifndef INTEROP_COMMAND_LINE_H
#define INTEROP_COMMAND_LINE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "komet/asdu.h"

/* The profile that `[--order sinaut]` and then `files` names of files ask for; NULL when there is anything
 * else. */
static inline const struct komet_profile *read_order(int argc, char **argv, int files)
{
    if (argc == 1 + files) {
        return &komet_profile_104;
    }
    const bool sinaut =
        argc == 3 + files && strcmp(argv[1], "--order") == 0 && strcmp(argv[2], "sinaut") == 0;
    return sinaut ? &komet_profile_sinaut : NULL;
}

/* Prints a JSON string of hexadecimal digits. */
static inline void print_octets(const uint8_t *octets, size_t size)
{
    putchar('"');
    for (size_t i = 0; i < size; i++) {
        printf("%02x", octets[i]);
    }
    putchar('"');
}

#endif
