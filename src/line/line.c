/*
 * line: each verb of a line is that of its protocol.
 */
#include "line/line.h"

#include <stdio.h>
#include <string.h>

#include "komet/assert.h"
#include "line/line_verbs.h"

static const struct line_verbs *verbs_of(const struct line *line)
{
    static const struct line_verbs *const verbs[PROTOCOL_COUNT] = {[PROTOCOL_IEC104] = &line_iec104,
                                                                   [PROTOCOL_IEC104_SERVER] = &line_server104,
                                                                   [PROTOCOL_IEC104_SINAUT] = &line_sinaut};
    return line_is_paired(line) ? &line_sinaut : verbs[line->protocol];
}

struct komet_link_settings line_link_settings(const struct line *line, enum komet_link_role role)
{
    const int64_t *value = line->parameters.value;
    struct komet_link_settings settings = komet_link_settings_standard(role);
    settings.k = (uint16_t)value[PARAMETER_K];
    settings.w = (uint16_t)value[PARAMETER_W];
    settings.t1_us = KOMET_MS(value[PARAMETER_WT1]);
    settings.t2_us = KOMET_MS(value[PARAMETER_WT2]);
    settings.t3_us = KOMET_MS(value[PARAMETER_WT3]);
    settings.first_vs = (uint16_t)value[PARAMETER_ISSN];
    settings.tolerate_cf3_mark = line_ignores_cf3_mark(line);
    return settings;
}

size_t line_size(const struct line *line)
{
    return verbs_of(line)->size(line);
}

struct line_engine *line_init(void *memory, size_t size, const struct line *line, struct line_now now)
{
    KOMET_ASSERT(size >= line_size(line));
    struct line_engine *engine = verbs_of(line)->init(memory, line, now);
    engine->verbs = verbs_of(line);
    return engine;
}

struct line_engine *line_move(void *memory, size_t size, struct line_engine *before, const struct line *line,
                              const struct site_difference *difference, struct line_now now)
{
    KOMET_ASSERT(size >= line_size(line) && before->verbs == verbs_of(line));
    KOMET_ASSERT(difference_line_change(difference, line) != LINE_RECONNECTS);
    struct line_engine *engine = before->verbs->move(memory, before, line, difference, now);
    engine->verbs = before->verbs;
    return engine;
}

void line_succeed(struct line_engine *engine, const struct line_engine *before)
{
    struct line_report report = line_report(before);
    if (engine->verbs->succeed != NULL) {
        engine->verbs->succeed(engine, report.connection,
                               report.connection_count > 0 ? report.connections[0].reason : KOMET_OK);
    }
}

void line_activate(struct line_engine *engine, struct line_now now)
{
    engine->verbs->activate(engine, now);
}

void line_stand_by(struct line_engine *engine, struct line_now now)
{
    if (engine->verbs->stand_by != NULL) {
        engine->verbs->stand_by(engine, now);
    }
}

void line_deactivate(struct line_engine *engine, struct line_now now, enum komet_reason reason)
{
    engine->verbs->deactivate(engine, now, reason);
}

bool line_read_only(struct line_engine *engine, bool read_only)
{
    if (engine->verbs->read_only == NULL) {
        return false;
    }
    engine->verbs->read_only(engine, read_only);
    return true;
}

void line_set_mode(struct line_engine *engine, struct line_now now, const struct station *station,
                   unsigned mode)
{
    engine->verbs->set_mode(engine, now, station, mode);
}

void line_listening(struct line_engine *engine, struct line_now now, const char *fault)
{
    KOMET_ASSERT(engine->verbs->listening != NULL);
    engine->verbs->listening(engine, now, fault);
}

uint32_t line_accepted(struct line_engine *engine, struct line_now now, const struct network_address *peer,
                       uint16_t port)
{
    KOMET_ASSERT(engine->verbs->accepted != NULL);
    return engine->verbs->accepted(engine, now, peer, port);
}

void line_connected(struct line_engine *engine, struct line_now now, uint32_t connection)
{
    KOMET_ASSERT(engine->verbs->connected != NULL);
    engine->verbs->connected(engine, now, connection);
}

void line_outgoing_begin(struct line_engine *engine, struct line_now now, const uint64_t *positions,
                         unsigned count)
{
    KOMET_ASSERT(engine->verbs->outgoing_begin != NULL);
    engine->verbs->outgoing_begin(engine, now, positions, count);
}

void line_outgoing(struct line_engine *engine, struct line_now now, const struct line_outgoing *value)
{
    KOMET_ASSERT(engine->verbs->outgoing != NULL);
    engine->verbs->outgoing(engine, now, value);
}

void line_outgoing_ready(struct line_engine *engine, struct line_now now)
{
    KOMET_ASSERT(engine->verbs->outgoing_ready != NULL);
    engine->verbs->outgoing_ready(engine, now);
}

void line_master_stored(struct line_engine *engine, struct line_now now, uint64_t id)
{
    KOMET_ASSERT(engine->verbs->master_stored != NULL);
    engine->verbs->master_stored(engine, now, id);
}

void line_master_answer(struct line_engine *engine, struct line_now now, uint64_t id,
                        enum command_result result, uint8_t cause)
{
    KOMET_ASSERT(engine->verbs->master_answer != NULL);
    engine->verbs->master_answer(engine, now, id, result, cause);
}

void line_closed(struct line_engine *engine, struct line_now now, uint32_t connection,
                 enum komet_reason reason)
{
    engine->verbs->closed(engine, now, connection, reason);
}

void line_pinged(struct line_engine *engine, struct line_now now, uint32_t ping, bool answered)
{
    KOMET_ASSERT(engine->verbs->pinged != NULL);
    engine->verbs->pinged(engine, now, ping, answered);
}

void line_found(struct line_engine *engine, struct line_now now, uint32_t find,
                const struct network_address *addresses, unsigned count)
{
    KOMET_ASSERT(engine->verbs->found != NULL);
    engine->verbs->found(engine, now, find, addresses, count);
}

size_t line_feed(struct line_engine *engine, struct line_now now, uint32_t connection, const uint8_t *octets,
                 size_t size)
{
    return engine->verbs->feed(engine, now, connection, octets, size);
}

void line_written(struct line_engine *engine, uint32_t connection, size_t size)
{
    engine->verbs->written(engine, connection, size);
}

void line_tick(struct line_engine *engine, struct line_now now)
{
    engine->verbs->tick(engine, now);
}

struct komet_instant line_deadline(const struct line_engine *engine)
{
    return engine->verbs->deadline(engine);
}

void line_stored(struct line_engine *engine, struct line_now now, uint32_t connection, uint64_t frame)
{
    engine->verbs->stored(engine, now, connection, frame);
}

void line_command(struct line_engine *engine, struct line_now now, const struct line_command *order)
{
    engine->verbs->command(engine, now, order);
}

bool line_next(struct line_engine *engine, struct line_now now, struct line_output *output)
{
    return engine->verbs->next(engine, now, output);
}

struct line_report line_report(const struct line_engine *engine)
{
    return engine->verbs->report(engine);
}

struct line_counters line_counters(const struct line_engine *engine)
{
    return engine->verbs->counters(engine);
}

void line_address_text(const char *host, uint16_t port, char *text)
{
    bool ipv6 = strchr(host, ':') != NULL;
    snprintf(text, LINE_ADDRESS_SIZE, ipv6 ? "[%.70s]:%u" : "%.70s:%u", host, port);
}
