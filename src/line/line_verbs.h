/*
 * line_verbs: what a protocol is to a line: its verbs, one table a protocol. Nobody but src/line includes
 * it.
 *
 * Each protocol has files of its own, begins its engine's memory with a `struct line_engine`, and has a row
 * in line.c. The verbs are those of line/line.h, where they are described.
 */
#ifndef LINE_LINE_VERBS_H
#define LINE_LINE_VERBS_H

#include "line/line.h"

struct line_verbs {
    size_t (*size)(const struct line *line);
    /* `memory` has room for `size`; line_init sets `verbs` in it afterwards. */
    struct line_engine *(*init)(void *memory, const struct line *line, struct line_now now);
    /* `before` is of this protocol; `verbs` is set afterwards, as for init. */
    struct line_engine *(*move)(void *memory, struct line_engine *before, const struct line *line,
                                const struct site_difference *difference, struct line_now now);
    void (*succeed)(struct line_engine *engine, uint32_t connection, enum komet_reason reason);
    void (*activate)(struct line_engine *engine, struct line_now now);
    /* NULL where the protocol knows no other standby level than cold. */
    void (*stand_by)(struct line_engine *engine, struct line_now now);
    void (*deactivate)(struct line_engine *engine, struct line_now now, enum komet_reason reason);
    void (*read_only)(struct line_engine *engine, bool read_only); /* NULL where it cannot */
    void (*set_mode)(struct line_engine *engine, struct line_now now, const struct station *station,
                     unsigned mode);
    /* NULL where the protocol only connects, as the next one. */
    void (*listening)(struct line_engine *engine, struct line_now now, const char *fault);
    uint32_t (*accepted)(struct line_engine *engine, struct line_now now, const struct network_address *peer,
                         uint16_t port);
    /* NULL where it only listens. */
    void (*connected)(struct line_engine *engine, struct line_now now, uint32_t connection);
    void (*closed)(struct line_engine *engine, struct line_now now, uint32_t connection,
                   enum komet_reason reason);
    void (*outgoing_begin)(struct line_engine *engine, struct line_now now, const uint64_t *positions,
                           unsigned count); /* NULL where nothing goes out, as all up to master_answer */
    void (*outgoing)(struct line_engine *engine, struct line_now now, const struct line_outgoing *value);
    void (*outgoing_ready)(struct line_engine *engine, struct line_now now);
    void (*master_stored)(struct line_engine *engine, struct line_now now, uint64_t id);
    void (*master_answer)(struct line_engine *engine, struct line_now now, uint64_t id,
                          enum command_result result, uint8_t cause);
    void (*pinged)(struct line_engine *engine, struct line_now now, uint32_t ping,
                   bool answered); /* NULL where nothing is pinged */
    void (*found)(struct line_engine *engine, struct line_now now, uint32_t find,
                  const struct network_address *addresses,
                  unsigned count); /* NULL where no name is looked up */
    size_t (*feed)(struct line_engine *engine, struct line_now now, uint32_t connection,
                   const uint8_t *octets, size_t size);
    void (*written)(struct line_engine *engine, uint32_t connection, size_t size);
    void (*tick)(struct line_engine *engine, struct line_now now);
    struct komet_instant (*deadline)(const struct line_engine *engine);
    void (*stored)(struct line_engine *engine, struct line_now now, uint32_t connection, uint64_t frame);
    void (*command)(struct line_engine *engine, struct line_now now, const struct line_command *order);
    bool (*next)(struct line_engine *engine, struct line_now now, struct line_output *output);
    struct line_report (*report)(const struct line_engine *engine);
    struct line_counters (*counters)(const struct line_engine *engine);
};

struct line_engine {
    const struct line_verbs *verbs;
};

extern const struct line_verbs line_iec104;    /* iec104 on tcp, controlling station */
extern const struct line_verbs line_server104; /* iec104-server on tcp, controlled station */
extern const struct line_verbs line_sinaut;    /* iec104-sinaut, either side of connecting, both at once; and
                                                  iec104 on tcp-redundant */

/* What a line's parameters say of each of its connections. */
struct komet_link_settings line_link_settings(const struct line *line, enum komet_link_role role);
/* Is what has bit 0 of the third control octet, or the test bit of the cause, a standby's, and ignored? */
bool line_ignores_cf3_mark(const struct line *line);
bool line_ignores_test_mark(const struct line *line);

#endif
