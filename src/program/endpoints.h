/*
 * endpoints: HOST:PORT lists of the command lines.
 */
#ifndef KOMET_PROGRAM_ENDPOINTS_H
#define KOMET_PROGRAM_ENDPOINTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ENDPOINTS_MAX      8
#define ENDPOINT_HOST_SIZE 254  /* longest name of DNS, the closing zero included */
#define ENDPOINT_PORT      3119 /* of a Komet server */

struct endpoint {
    char host[ENDPOINT_HOST_SIZE]; /* name, IPv4, or IPv6 without brackets */
    uint16_t port;
};

struct endpoints {
    struct endpoint list[ENDPOINTS_MAX];
    size_t count;
};

/*
 * Reads "HOST[:PORT][,HOST[:PORT]…]"; IPv6 in brackets, such as [::1]:3119.
 *   port   of an entry without one; 0: every entry needs one
 *   fault  200 octets: what is wrong and what would be right, when false is returned
 */
bool endpoints_parse(const char *text, uint16_t port, struct endpoints *endpoints, char *fault);

#endif
