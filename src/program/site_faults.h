/*
 * site_faults: the mistakes of a site, or of a simulated station's description, as lines for people:
 * FILE:LINE:COLUMN first, or FILE alone when the whole file is meant.
 */
#ifndef KOMET_PROGRAM_SITE_FAULTS_H
#define KOMET_PROGRAM_SITE_FAULTS_H

#include <stdio.h>

#include "site/reader.h"

/* Prints all faults and warnings of `result`. directory: what the files are in; NULL: nothing stands before
 * them. */
void site_faults_print(FILE *out, const char *directory, const struct site_result *result);
/* The same of a list. kind: stands before each sentence, such as "warning: "; "" nothing. */
void site_fault_list_print(FILE *out, const char *directory, const char *kind,
                           const struct site_fault *faults, size_t count);

#endif
