/*
 * identity: see identity.h.
 */
#include "wire/identity.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static const char *const role_names[] = {"", "server", "kom", "user"};

const char *identity_role_name(enum identity_role role)
{
    return role_names[role];
}

static bool is_name(const char *name)
{
    size_t size = strlen(name);
    for (size_t i = 0; i < size; i++) {
        unsigned char octet = (unsigned char)name[i];
        if (octet > 0x7E || (!isalnum(octet) && strchr("._-@+,", octet) == NULL)) {
            return false;
        }
    }
    return size > 0 && size < IDENTITY_NAME_SIZE;
}

bool identity_read(struct identity *identity, const char *role, const char *name)
{
    *identity = (struct identity){IDENTITY_NONE, ""};
    for (int i = IDENTITY_SERVER; i <= IDENTITY_USER; i++) {
        if (strcmp(role, role_names[i]) == 0 && is_name(name)) {
            identity->role = (enum identity_role)i;
            snprintf(identity->name, sizeof identity->name, "%s", name);
            return true;
        }
    }
    return false;
}

struct identity_text identity_text(const struct identity *identity)
{
    struct identity_text text;
    if (identity->role == IDENTITY_NONE) {
        snprintf(text.text, sizeof text.text, "nobody");
    } else {
        snprintf(text.text, sizeof text.text, "%s %s", role_names[identity->role], identity->name);
    }
    return text;
}

bool identity_is_run(const struct identity *identity, const char *process, unsigned instance)
{
    char run[IDENTITY_NAME_SIZE + 16];
    if (identity->role != IDENTITY_KOM) {
        return false;
    }
    snprintf(run, sizeof run, "%.63s,%u", process, instance);
    return strcasecmp(identity->name, process) == 0 || (instance > 0 && strcasecmp(identity->name, run) == 0);
}

bool identity_is_server(const struct identity *identity, const char *name)
{
    return identity->role == IDENTITY_SERVER && strcasecmp(identity->name, name) == 0;
}
