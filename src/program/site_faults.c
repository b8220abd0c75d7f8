/*
 * site_faults: see site_faults.h.
 */
#include "program/site_faults.h"

static void print_fault(FILE *out, const char *directory, const char *kind, const struct site_fault *fault)
{
    if (directory != NULL) {
        fprintf(out, "%s/", directory);
    }
    fputs(fault->file, out);
    if (fault->line > 0) {
        fprintf(out, ":%d:%d", fault->line, fault->column);
    }
    fprintf(out, ": %s%s%s%s\n", kind, fault->what, fault->right[0] != '\0' ? "; " : "", fault->right);
}

void site_fault_list_print(FILE *out, const char *directory, const char *kind,
                           const struct site_fault *faults, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        print_fault(out, directory, kind, &faults[i]);
    }
}

void site_faults_print(FILE *out, const char *directory, const struct site_result *result)
{
    site_fault_list_print(out, directory, "", result->faults, result->fault_count);
    site_fault_list_print(out, directory, "warning: ", result->warnings, result->warning_count);
}
