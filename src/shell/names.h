/*
 * names: the addresses of host names, looked up beside a libuv loop.
 */
#ifndef SHELL_NAMES_H
#define SHELL_NAMES_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "model/network_address.h"

struct names; /* opaque */

#define NAMES_OPEN_MAX      64 /* questions at a time */
#define NAMES_ADDRESSES_MAX 16 /* of one name that are told */

/* The addresses of `token`'s name, in the order in which they are to be tried, plain and each once; none: it
 * has none now. Never called from within names_find. */
typedef void (*names_found)(void *context, uint64_t token, const struct network_address *addresses,
                            unsigned count);

/* `context`: borrowed for its life. */
struct names *names_open(uv_loop_t *loop, names_found found, void *context);
/* Asks for the addresses of a name, or of an address, which is its own. False: too many questions are open,
 * and there is no answer. */
bool names_find(struct names *names, const char *host, uint64_t token);
/* Frees itself some time later; `found` is not called any more. */
void names_close(struct names *names);

#endif
