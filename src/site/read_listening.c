/*
 * read_listening: see read_listening.h.
 */
#include "site/read_listening.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define PORT_104 2404

/* ALL and * are every interface: of IPv4, between brackets of IPv6. */
static const char *host_of(const char *text, const char *host)
{
    bool every = strcasecmp(host, "ALL") == 0 || strcmp(host, "*") == 0;
    return !every ? host : *text == '[' ? "::" : "0.0.0.0";
}

void read_listen(struct yaml_reader *yaml, const yaml_node_t *node, struct address *listen)
{
    const char *text = node_text(yaml, node, "listen");
    if (text == NULL) {
        return;
    }
    char *end;
    long port = strtol(text, &end, 10);
    if (end != text && *end == '\0' && port >= 1 && port <= 65535) { /* a port alone */
        *listen = (struct address){"0.0.0.0", (uint16_t)port};
    } else if (address_parse(yaml->reading, text, PORT_104, listen)) {
        listen->host = host_of(text, listen->host);
    } else {
        reading_fault(yaml->reading, node_place(yaml, node),
                      "\"ALL:2404\", \"[ALL]:2404\", \"10.9.0.5:2404\", \"[2001:db8::5]:2404\" or a port",
                      "listen: '%s' is no address to listen on", text);
    }
}

static bool parse_host(const char *text, struct network_address *address)
{
    char host[64];
    size_t size = strlen(text);
    bool brackets = size > 2 && text[0] == '[' && text[size - 1] == ']';
    if (size >= sizeof host) {
        return false;
    }
    memcpy(host, brackets ? text + 1 : text, brackets ? size - 2 : size + 1);
    host[brackets ? size - 2 : size] = '\0';
    *address = (struct network_address){.family = 4};
    if (!brackets && inet_pton(AF_INET, host, address->octets) == 1) {
        return true;
    }
    *address = (struct network_address){.family = 6};
    bool done = inet_pton(AF_INET6, host, address->octets) == 1;
    *address = network_address_plain(*address);
    return done;
}

/* True when one of the line's groups has the address already. */
static bool is_taken(const struct line *line, const struct network_address *address)
{
    for (unsigned i = 0; i < line->master_count; i++) {
        for (unsigned k = 0; k < line->masters[i].address_count; k++) {
            if (network_address_same(&line->masters[i].addresses[k], address)) {
                return true;
            }
        }
    }
    return false;
}

static void read_master(struct yaml_reader *yaml, const yaml_node_t *node, struct line *line,
                        struct master_group *group)
{
    struct network_address address;
    const char *text = node_text(yaml, node, "masters");
    if (text == NULL) {
        return;
    }
    if (!parse_host(text, &address)) {
        reading_fault(yaml->reading, node_place(yaml, node),
                      "an address without a port, such as 10.9.0.1 or 2001:db8::1",
                      "masters: '%s' is no address", text);
    } else if (is_taken(line, &address)) {
        reading_fault(yaml->reading, node_place(yaml, node), "each address belongs to one group",
                      "masters: '%s' stands twice", text);
    } else if (group->address_count == SITE_ADDRESSES_MAX) {
        reading_fault(yaml->reading, node_place(yaml, node), "",
                      "more than %d addresses in a group of masters", SITE_ADDRESSES_MAX);
    } else {
        group->name = group->address_count == 0 ? text : group->name;
        group->addresses[group->address_count++] = address;
    }
}

void read_masters(struct yaml_reader *yaml, const yaml_node_t *node, struct line *line)
{
    unsigned index = 0;
    const yaml_node_t *item, *one;
    while (sequence_next(yaml, node, "masters", &index, &item)) {
        unsigned inner = 0;
        if (line->master_count == SITE_MASTERS_MAX) {
            reading_fault(yaml->reading, node_place(yaml, item), "", "more than %d groups of masters",
                          SITE_MASTERS_MAX);
            return;
        }
        struct master_group *group = &line->masters[line->master_count++]; /* seen by is_taken, too */
        *group = (struct master_group){.name = ""};
        while (sequence_next(yaml, item, "a group of masters", &inner, &one)) {
            read_master(yaml, one, line, group);
        }
        if (group->address_count == 0) {
            line->master_count--; /* its mistakes were told, or it is empty */
            if (sequence_size(item) == 0 && item->type == YAML_SEQUENCE_NODE) {
                reading_fault(yaml->reading, node_place(yaml, item), "masters: [[10.9.0.1, 10.9.0.2]]",
                              "a group of masters has no address");
            }
        }
    }
}

/* ---- checks ---- */

static bool is_every(const char *host)
{
    return strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0;
}

static bool same_place(const struct address *a, const struct address *b)
{
    return a->port == b->port &&
           (is_every(a->host) || is_every(b->host) || strcasecmp(a->host, b->host) == 0);
}

void check_listening(struct yaml_reader *yaml, const yaml_node_t *node, const struct line *line)
{
    struct place place = node_place(yaml, node);
    if (!line_is_server(line)) {
        bool listens =
            line->listen.host != NULL && line->protocol != PROTOCOL_IEC104_SINAUT; /* which has SP, SH */
        if (listens || line->master_count > 0) {
            reading_fault(yaml->reading, place, "leave out listen and masters",
                          "line '%s' connects: its protocol is %s", line->name,
                          line_protocol_name(line->protocol));
        }
        return;
    }
    if (line->host_count > 0) {
        reading_fault(yaml->reading, place, "leave out hosts; masters says who may connect",
                      "line '%s' listens and has hosts", line->name);
    }
    if (line->station_count == 0 && node->type == YAML_MAPPING_NODE) {
        reading_fault(yaml->reading, place, "stations: {B.OUT: {address: 1, tags: out.csv}}",
                      "line '%s' listens and has no station to answer for", line->name);
    }
    for (unsigned i = 0; i < line->station_count; i++) {
        if (line->stations[i].ca == 0) {
            reading_fault(yaml->reading, place, "1 to 65534",
                          "station '%s' of a line that listens has the address 0", line->stations[i].name);
        }
    }
    if (line->without_server == WITHOUT_SERVER_BUFFER) {
        reading_fault(yaml->reading, place, "leave out without_server",
                      "line '%s' listens: masters have nothing to hear without a server", line->name);
    }
    if (line->listen.host == NULL) {
        reading_fault(yaml->reading, place, "listen: \"ALL:2404\"", "line '%s' does not say where it listens",
                      line->name);
        return;
    }
    for (unsigned i = 0; i < line->index; i++) {
        const struct line *other = &line->process->lines[i];
        if (other->listen.host != NULL && same_place(&other->listen, &line->listen)) {
            reading_fault(yaml->reading, place, "each line has its own address or port",
                          "lines '%s' and '%s' listen on the same address, %s:%u", other->name, line->name,
                          line->listen.host, line->listen.port);
        }
    }
}
