/*
 * site_faults: the mistakes of a site as lines for people, FILE:LINE:COLUMN first.
 */
#ifndef KOMET_PROGRAM_SITE_FAULTS_H
#define KOMET_PROGRAM_SITE_FAULTS_H

#include <stdio.h>

#include "site/reader.h"

/* Prints all faults and warnings of `result`. directory: what the files are in; NULL: nothing stands before
 * them. */
void site_faults_print(FILE *out, const char *directory, const struct site_result *result);

#endif
