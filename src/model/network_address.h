/*
 * network_address: the address of an IP host as octets, for whoever has to tell one from the other.
 */
#ifndef MODEL_NETWORK_ADDRESS_H
#define MODEL_NETWORK_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>

struct network_address {
    uint8_t family;     /* 4, 6; 0: not known */
    uint8_t octets[16]; /* in the order of the network; of family 4 the first four */
};

/* An IPv4 address that came as one of IPv6 (::ffff:10.9.0.1) is that of IPv4. */
struct network_address network_address_plain(struct network_address address);

/* The same host; of two plain addresses. */
bool network_address_same(const struct network_address *a, const struct network_address *b);

#define NETWORK_ADDRESS_TEXT_SIZE 40
/* "10.9.0.1", "2001:db8:0:0:0:0:0:2", "?" when it is not known; `text`: NETWORK_ADDRESS_TEXT_SIZE octets. */
void network_address_text(const struct network_address *address, char *text);

#endif
