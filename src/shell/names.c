/*
 * names: see names.h.
 */
#include "shell/names.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "komet/assert.h"

struct names {
    uv_loop_t *loop;
    names_found found;
    void *context;
    unsigned open; /* questions that are not answered */
    bool closing;
};

struct question {
    uv_getaddrinfo_t request;
    struct names *names;
    uint64_t token;
};

struct names *names_open(uv_loop_t *loop, names_found found, void *context)
{
    struct names *names = calloc(1, sizeof *names);
    KOMET_ASSERT(names != NULL);
    names->loop = loop;
    names->found = found;
    names->context = context;
    return names;
}

static bool address_of(const struct addrinfo *row, struct network_address *address)
{
    *address = (struct network_address){.family = 0};
    if (row->ai_family == AF_INET) {
        address->family = 4;
        memcpy(address->octets, &((const struct sockaddr_in *)(const void *)row->ai_addr)->sin_addr, 4);
    } else if (row->ai_family == AF_INET6) {
        address->family = 6;
        memcpy(address->octets, &((const struct sockaddr_in6 *)(const void *)row->ai_addr)->sin6_addr, 16);
    }
    *address = network_address_plain(*address);
    return address->family != 0;
}

static unsigned copy(const struct addrinfo *rows, struct network_address *addresses)
{
    unsigned count = 0;
    for (const struct addrinfo *row = rows; row != NULL && count < NAMES_ADDRESSES_MAX; row = row->ai_next) {
        bool known = !address_of(row, &addresses[count]);
        for (unsigned i = 0; i < count; i++) {
            known = known || network_address_same(&addresses[i], &addresses[count]);
        }
        count += known ? 0 : 1;
    }
    return count;
}

static void on_found(uv_getaddrinfo_t *request, int status, struct addrinfo *rows)
{
    struct question *question = (struct question *)request;
    struct names *names = question->names;
    struct network_address addresses[NAMES_ADDRESSES_MAX];
    uint64_t token = question->token;
    unsigned count = status == 0 ? copy(rows, addresses) : 0;
    uv_freeaddrinfo(rows);
    free(question);
    names->open--;
    if (!names->closing) {
        names->found(names->context, token, addresses, count);
    } else if (names->open == 0) {
        free(names);
    }
}

bool names_find(struct names *names, const char *host, uint64_t token)
{
    static const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    if (names->open == NAMES_OPEN_MAX) {
        return false;
    }
    struct question *question = calloc(1, sizeof *question);
    KOMET_ASSERT(question != NULL);
    question->names = names;
    question->token = token;
    if (uv_getaddrinfo(names->loop, &question->request, on_found, host, NULL, &hints) != 0) {
        free(question);
        return false;
    }
    names->open++;
    return true;
}

void names_close(struct names *names)
{
    names->closing = true;
    if (names->open == 0) {
        free(names);
    }
}
