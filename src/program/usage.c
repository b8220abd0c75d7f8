/*
 * usage: see usage.h.
 */
#include "program/usage.h"

#include <stdio.h>
#include <string.h>

int usage_refuse(const char *program, const char *what, const char *argument)
{
    fprintf(stderr, "komet %s: %s%s%s; see komet %s --help\n", program, what, argument[0] != '\0' ? ": " : "",
            argument, program);
    return STATUS_USAGE;
}

const char *usage_option_fault(int option)
{
    return option == ':' ? "a value is missing behind" : "this option is not known or is used wrongly";
}

int usage_read_order(const char *program, const char *argument, const struct komet_profile **profile)
{
    if (strcmp(argument, "standard") == 0) {
        *profile = &komet_profile_104;
    } else if (strcmp(argument, "sinaut") == 0) {
        *profile = &komet_profile_sinaut;
    } else {
        return usage_refuse(program, "--order takes standard or sinaut, not", argument);
    }
    return STATUS_OK;
}
