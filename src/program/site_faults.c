/*
 * site_faults: see site_faults.h.
 */
#include "program/site_faults.h"

static void print_fault(FILE *out, const char *directory, const char *kind, const struct site_fault *fault)
{
    if (directory != NULL) {
        fprintf(out, "%s/", directory);
    }
    fprintf(out, "%s:%d:%d: %s%s", fault->file, fault->line, fault->column, kind, fault->what);
    fprintf(out, fault->right[0] != '\0' ? "; %s\n" : "%s\n", fault->right);
}

void site_faults_print(FILE *out, const char *directory, const struct site_result *result)
{
    for (size_t i = 0; i < result->fault_count; i++) {
        print_fault(out, directory, "", &result->faults[i]);
    }
    for (size_t i = 0; i < result->warning_count; i++) {
        print_fault(out, directory, "warning: ", &result->warnings[i]);
    }
}
