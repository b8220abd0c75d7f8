/*
 * read_partners: see read_partners.h.
 */
#include "site/read_partners.h"

#include <arpa/inet.h>
#include <string.h>

#include "komet/assert.h"

#define DEFAULT_PORT 2404

/* Of networks, or alternates. */
static void read_addresses(struct yaml_reader *yaml, const yaml_node_t *node, bool alternates,
                           struct partner *partner)
{
    const char *key = alternates ? "hosts" : "addresses";
    unsigned index = 0, most = alternates ? SITE_ADDRESSES_MAX : SITE_NETWORKS_MAX;
    const yaml_node_t *item;
    while (sequence_next(yaml, node, key, &index, &item)) {
        if (partner->address_count == most) {
            reading_fault(yaml->reading, node_place(yaml, item),
                          alternates ? "they are tried one after the other" : "one for each of two networks",
                          "more than %u addresses of %s %s", most, alternates ? "connection" : "partner",
                          partner->name);
            return;
        }
        struct address *address = &partner->addresses[partner->address_count];
        if (node_address(yaml, item, key, DEFAULT_PORT, address)) {
            partner->address_count++;
        }
    }
}

static void read_partner(struct yaml_reader *yaml, const yaml_node_t *node, struct partner *partner)
{
    static const char *const keys[] = {"name", "addresses"};
    unsigned index = 0;
    const char *key;
    const yaml_node_t *key_node, *value, *addresses = node;
    if (node->type == YAML_MAPPING_NODE) {
        addresses = NULL;
        while (mapping_next(yaml, node, "a partner", &index, &key, &key_node, &value)) {
            int found = key_find(yaml, key, key_node, "a partner", keys, 2);
            const char *name = found == 0 ? node_text(yaml, value, "name") : NULL;
            partner->name = name != NULL ? name : partner->name;
            addresses = found == 1 ? value : addresses;
        }
    }
    if (addresses != NULL) {
        read_addresses(yaml, addresses, false, partner);
    }
    if (partner->address_count == 0) {
        reading_fault(yaml->reading, node_place(yaml, node), "its addresses, one a network",
                      "partner %s has no address", partner->name);
    }
}

static const char *const partner_names[SITE_PARTNERS_MAX] = {"A", "B"};

void read_paired_hosts(struct yaml_reader *yaml, const yaml_node_t *node, struct line *line)
{
    if (line->partner_count == SITE_PARTNERS_MAX) {
        reading_fault(yaml->reading, node_place(yaml, node), "one list for each of the two connections",
                      "more than %d lists of hosts of line '%s'", SITE_PARTNERS_MAX, line->name);
        return;
    }
    struct partner *partner = &line->partners[line->partner_count];
    partner->name = partner_names[line->partner_count++];
    read_addresses(yaml, node, true, partner);
    if (partner->address_count == 0) {
        reading_fault(yaml->reading, node_place(yaml, node), "its addresses, tried one after the other",
                      "connection %s of line '%s' has no host", partner->name, line->name);
    }
}

void read_partners(struct yaml_reader *yaml, const yaml_node_t *node, struct line *line)
{
    unsigned index = 0;
    const yaml_node_t *item;
    if (line->partner_count > 0) {
        return; /* the key stands twice, which was told */
    }
    while (sequence_next(yaml, node, "partners", &index, &item)) {
        if (line->partner_count == SITE_PARTNERS_MAX) {
            reading_fault(yaml->reading, node_place(yaml, item), "a partner is one system or two",
                          "more than %d partners of line '%s'", SITE_PARTNERS_MAX, line->name);
            return;
        }
        struct partner *partner = &line->partners[line->partner_count];
        partner->name = partner_names[line->partner_count++];
        read_partner(yaml, item, partner);
    }
}

void read_local(struct yaml_reader *yaml, const yaml_node_t *node, struct line *line)
{
    unsigned index = 0, count = 0;
    const yaml_node_t *item;
    line->local[0] = line->local[1] = NULL;
    while (sequence_next(yaml, node, "local", &index, &item)) {
        if (count == SITE_NETWORKS_MAX) {
            reading_fault(yaml->reading, node_place(yaml, item), "one for each of two networks",
                          "more than %d local addresses", SITE_NETWORKS_MAX);
            return;
        }
        const char *text = node_text(yaml, item, "local");
        if (text != NULL) {
            line->local[count++] = *text != '\0' ? text : NULL;
        }
    }
}

/* ---- what goes together ---- */

/* The partner and its path are told by the address: no two may be the same. Where we connect, the port tells
 * them apart, too. Of a line that is paired no two either: its connections would meet at one address. */
static void check_addresses(struct reading *reading, struct place place, const struct line *line)
{
    const struct address *all[SITE_PARTNERS_MAX * SITE_ADDRESSES_MAX];
    unsigned count = 0;
    bool listens = line_listens(line);
    for (unsigned i = 0; i < line->partner_count; i++) {
        for (unsigned k = 0; k < line->partners[i].address_count; k++) {
            all[count] = &line->partners[i].addresses[k];
            for (unsigned before = 0; before < count; before++) {
                if (name_compare(all[before]->host, all[count]->host) == 0 &&
                    (listens || all[before]->port == all[count]->port)) {
                    reading_fault(
                        reading, place,
                        line_is_paired(line) ? "each address in one of the lists, and once"
                                             : "each partner has an address of its own on each network",
                        "two connections of line '%s' have the address %s", line->name, all[count]->host);
                }
            }
            count++;
        }
    }
}

/* Whoever connects is known by his address alone; that of a name is looked up when the line runs. */
static void read_networks(struct line *line)
{
    for (unsigned i = 0; i < line->partner_count; i++) {
        struct partner *partner = &line->partners[i];
        for (unsigned k = 0; k < partner->address_count; k++) {
            struct network_address address = {.family = 4};
            const char *host = partner->addresses[k].host;
            if (inet_pton(AF_INET, host, address.octets) != 1) {
                address.family = inet_pton(AF_INET6, host, address.octets) == 1 ? 6 : 0;
            }
            partner->networks[k] = network_address_plain(address);
        }
    }
}

static void check_counts(struct reading *reading, struct place place, const struct line *line)
{
    const struct parameter_set *set = &line->parameters;
    unsigned connections = line_connections(line);
    if (line->partner_count == 0) {
        reading_fault(reading, place,
                      "partners: [[\"10.1.0.1\", \"10.2.0.1\"], [\"10.1.0.2\", \"10.2.0.2\"]]",
                      "line '%s' has no partner", line->name);
        return;
    }
    if (line->category == CATEGORY_TCP && connections > 1) {
        reading_fault(reading, place, "category: tcp-redundant, or one partner with one address",
                      "line '%s' has %u connections, and category tcp has one", line->name, connections);
    }
    if (set->given[PARAMETER_SRCS] && set->value[PARAMETER_SRCS] > connections) {
        reading_fault(reading, place, "at most as many as it has partners and networks",
                      "SRCS is %lld, and line '%s' has %u connections", (long long)set->value[PARAMETER_SRCS],
                      line->name, connections);
    }
}

/* ALL and * are every interface, and those of IPv6 too where a partner has such an address. */
static const char *listening_host(const struct line *line)
{
    const char *host = line->parameters.server_host;
    bool ipv6 = name_compare(host, "[ALL]") == 0 || strcmp(host, "[*]") == 0;
    if (!ipv6 && name_compare(host, "ALL") != 0 && strcmp(host, "*") != 0) {
        return host;
    }
    for (unsigned i = 0; i < line->partner_count; i++) {
        for (unsigned k = 0; k < line->partners[i].address_count; k++) {
            ipv6 = ipv6 || strchr(line->partners[i].addresses[k].host, ':') != NULL;
        }
    }
    return ipv6 ? "::" : "0.0.0.0";
}

void check_partners(struct yaml_reader *yaml, const yaml_node_t *node, struct line *line)
{
    struct place place = node_place(yaml, node);
    const struct parameter_set *set = &line->parameters;
    uint16_t port = (uint16_t)set->value[PARAMETER_SP];
    bool listens = port > 0 && set->server_host[0] != '\0';
    line->listen = listens ? (struct address){listening_host(line), port} : (struct address){0};
    if (line->host_count > 0) {
        reading_fault(yaml->reading, place, "write partners in their place",
                      "line '%s' has hosts, which a line of protocol iec104-sinaut has not", line->name);
    }
    if ((set->value[PARAMETER_SP] > 0) != (set->server_host[0] != '\0')) {
        reading_fault(yaml->reading, place, "both, and it listens, such as SP: 2404, SH: ALL; or neither",
                      "line '%s' has only one of SP and SH", line->name);
    }
    if (listens) {
        read_networks(line);
    }
    check_counts(yaml->reading, place, line);
    check_addresses(yaml->reading, place, line);
}

/* What iec104 can on category tcp, and not here: better told than left out. */
static void check_paired_stations(struct reading *reading, struct place place, const struct line *line)
{
    for (unsigned i = 0; i < line->station_count; i++) {
        if (line->stations[i].parameters.value[PARAMETER_SBE] != 0) {
            reading_fault(reading, place, "category: tcp has it",
                          "station '%s' has SBE, which is not on tcp-redundant in this version",
                          line->stations[i].name);
        }
    }
}

void check_paired(struct yaml_reader *yaml, const yaml_node_t *node, struct line *line)
{
    struct place place = node_place(yaml, node);
    if (line->host_count > 0 || line->partner_count != SITE_PARTNERS_MAX) {
        reading_fault(yaml->reading, place, "hosts: [[\"10.1.0.1\", \"10.1.0.2\"], [\"10.2.0.1\"]]",
                      "line '%s' does not have two lists of hosts, one for each connection", line->name);
    }
    if (line->standby == STANDBY_WARM) {
        reading_fault(yaml->reading, place, "standby: cold",
                      "line '%s' is warm, which is not on tcp-redundant in this version", line->name);
    }
    if (line->without_server == WITHOUT_SERVER_BUFFER) {
        reading_fault(yaml->reading, place, "without_server: close",
                      "line '%s' is read without a server, which is not on tcp-redundant in this version",
                      line->name);
    }
    check_paired_stations(yaml->reading, place, line);
    check_addresses(yaml->reading, place, line);
}
