/*
 * network_address: see network_address.h.
 */
#include "model/network_address.h"

#include <stdio.h>
#include <string.h>

struct network_address network_address_plain(struct network_address address)
{
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
    struct network_address plain = {.family = 4};
    if (address.family != 6 || memcmp(address.octets, mapped, sizeof mapped) != 0) {
        return address;
    }
    memcpy(plain.octets, address.octets + sizeof mapped, 4);
    return plain;
}

bool network_address_same(const struct network_address *a, const struct network_address *b)
{
    return a->family == b->family && memcmp(a->octets, b->octets, a->family == 4 ? 4 : 16) == 0;
}

void network_address_text(const struct network_address *address, char *text)
{
    const uint8_t *octets = address->octets;
    size_t used = 0;
    if (address->family == 4) {
        snprintf(text, NETWORK_ADDRESS_TEXT_SIZE, "%u.%u.%u.%u", octets[0], octets[1], octets[2], octets[3]);
        return;
    }
    snprintf(text, NETWORK_ADDRESS_TEXT_SIZE, "?");
    for (unsigned i = 0; address->family == 6 && i < 16; i += 2) {
        used += (size_t)snprintf(text + used, NETWORK_ADDRESS_TEXT_SIZE - used, i > 0 ? ":%x" : "%x",
                                 (unsigned)octets[i] << 8 | octets[i + 1]);
    }
}
