/*
 * line_harness: see line_harness.h.
 */
#include "line_harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void line_advance(struct world *world, int64_t ms)
{
    world->now.instant = komet_after(world->now.instant, KOMET_MS(ms));
    world->now.utc.ms += ms;
}

static void pump_station(struct world *world);

static void keep_values(struct world *world, const struct line_output *from)
{
    memcpy(world->values + world->value_count, from->values, from->count * sizeof *from->values);
    world->value_count += from->count;
    world->frame = from->frame;
    if (world->store) {
        line_stored(world->line, world->now, from->connection, from->frame);
    }
}

static void to_station(struct world *world, const struct line_output *from)
{
    uint8_t copy[8192];
    size_t at = 0, size = from->size;
    assert_true(size <= sizeof copy);
    memcpy(copy, from->octets, size);
    line_written(world->line, from->connection, size);
    while (world->link != NULL && at < size) {
        at += komet_link_feed(world->link, world->now.instant, copy + at, size - at);
        pump_station(world);
    }
}

/* All that the line wants now. */
static void take_line_outputs(struct world *world)
{
    struct line_output from;
    while (line_next(world->line, world->now, &from)) {
        switch (from.kind) {
        case LINE_OUT_VALUES:
            keep_values(world, &from);
            break;
        case LINE_OUT_SEND:
            to_station(world, &from);
            break;
        case LINE_OUT_ABORT:
            world->aborted = true;
            world->abort_reason = from.reason;
            world->link = NULL;
            break;
        case LINE_OUT_COMMAND_END:
            world->end = from;
            snprintf(world->end_text, sizeof world->end_text, "%s", from.text);
            world->end_count++;
            break;
        case LINE_OUT_STATION:
            *(from.station == world->stations ? &world->station_value : &world->second_value) =
                from.station_value;
            break;
        case LINE_OUT_NOTE:
            world->note_count++;
            snprintf(world->note, sizeof world->note, "%s", from.text);
            if (world->cut_at_note) {
                line_closed(world->line, world->now, world->connection, KOMET_PEER_CLOSED);
                world->link = NULL;
            }
            break;
        case LINE_OUT_CONNECT:
            world->asked = true;
            world->address = from.address;
            world->connection = from.connection;
            break;
        case LINE_OUT_LINE:
        case LINE_OUT_LISTEN:
        case LINE_OUT_MASTER:
        case LINE_OUT_TAKEN:
        case LINE_OUT_LISTEN_END:
        case LINE_OUT_PING:
        case LINE_OUT_FIND:
            break;
        }
    }
}

static void to_line(struct world *world, const struct komet_link_output *output)
{
    uint8_t octets[8192];
    size_t size = output->size, taken = 0;
    assert_true(size <= sizeof octets);
    memcpy(octets, output->octets, size);
    komet_link_written(world->link, size);
    while (taken < size) {
        taken += line_feed(world->line, world->now, world->connection, octets + taken, size - taken);
        take_line_outputs(world);
    }
}

/* All that the station's link wants now: octets go to the line, ASDUs are kept. */
static void pump_station(struct world *world)
{
    struct komet_link_output output;
    while (world->link != NULL && komet_link_next(world->link, world->now.instant, &output)) {
        if (output.kind == KOMET_LINK_OUT_SEND) {
            to_line(world, &output);
        } else if (output.kind == KOMET_LINK_OUT_ASDU) {
            assert_true(world->asdu_count < 16);
            memcpy(world->asdus[world->asdu_count], output.octets, output.size);
            world->asdu_sizes[world->asdu_count++] = output.size;
            komet_link_acknowledge(world->link, world->now.instant, output.received);
        } else if (output.kind == KOMET_LINK_OUT_ACKNOWLEDGED) {
            world->acknowledged = output.acknowledged;
        } else if (output.kind == KOMET_LINK_OUT_CLOSE) {
            world->link = NULL;
        }
    }
}

void line_pump(struct world *world)
{
    line_tick(world->line, world->now);
    for (int rounds = 0; rounds < 8; rounds++) {
        take_line_outputs(world);
        if (world->link != NULL) {
            komet_link_tick(world->link, world->now.instant);
            pump_station(world);
        }
    }
}

void line_again(struct world *world)
{
    free(world->memory);
    world->memory = malloc(line_size(&world->site));
    world->line = line_init(world->memory, line_size(&world->site), &world->site, world->now);
}

int line_set_up(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    world->now = (struct line_now){{KOMET_SECONDS(100)}, {INT64_C(1782648000000)}};
    world->store = true;
    world->process = (struct process){.name = "SELF.KOM", .lines = &world->site, .line_count = 1};
    world->site = (struct line){.name = "L.RTU",
                                .number = 3,
                                .hosts = {{"10.0.0.1", 2404}, {"10.0.0.2", 2404}},
                                .host_count = 2,
                                .reconnect_us = KOMET_SECONDS(1),
                                .store_limit_us = KOMET_SECONDS(10),
                                .parameters = parameter_defaults(),
                                .stations = world->stations,
                                .station_count = 1,
                                .process = &world->process};
    world->stations[0] = (struct station){.name = "B.RTU",
                                          .ca = 1,
                                          .parameters = parameter_defaults(),
                                          .tags = world->tags,
                                          .tag_count = 4,
                                          .by_address = world->by_address,
                                          .by_address_count = 2,
                                          .line = &world->site};
    world->stations[1] = world->stations[0];
    world->stations[1].name = "B.TWO";
    world->stations[1].ca = 2;
    world->stations[1].first_tag = 4;
    world->stations[1].number = 1;
    world->stations[1].tag_count = world->stations[1].by_address_count = 0;
    const struct tag tags[4] = {{.name = "M.D", .type = TAG_DI, .ioa = 1},
                                {.name = "M.U", .type = TAG_AI, .ioa = 2},
                                {.name = "M.CMD", .type = TAG_DOUT, .ioa = 5, .asdu = KOMET_C_SC_NA_1},
                                {.name = "M.SET", .type = TAG_AO, .ioa = 6, .asdu = KOMET_C_SE_NC_1}};
    memcpy(world->tags, tags, sizeof tags);
    for (unsigned i = 0; i < 4; i++) {
        world->tags[i].station = world->stations;
        world->tags[i].number = i;
    }
    world->by_address[0] = &world->tags[0];
    world->by_address[1] = &world->tags[1];
    line_again(world);
    struct komet_link_settings settings = komet_link_settings_standard(KOMET_CONTROLLED);
    world->station_memory = malloc(komet_link_size(&settings));
    *state = world;
    return 0;
}

int line_tear_down(void **state)
{
    struct world *world = *state;
    free(world->memory);
    free(world->station_memory);
    free(world);
    return 0;
}

void line_accept(struct world *world)
{
    assert_true(world->asked);
    world->asked = false;
    struct komet_link_settings settings = komet_link_settings_standard(KOMET_CONTROLLED);
    world->link =
        komet_link_init(world->station_memory, komet_link_size(&settings), &settings, world->now.instant);
    line_connected(world->line, world->now, world->connection);
    line_pump(world);
}

void line_start(struct world *world)
{
    line_activate(world->line, world->now);
    line_pump(world);
    line_accept(world);
    assert_int_equal(line_report(world->line).connections[0].state, CONNECTION_STARTED);
}

void line_station_sends(struct world *world, uint8_t type, uint8_t cause, bool negative, uint16_t ca,
                        struct komet_object object)
{
    uint8_t *out = komet_link_reserve(world->link);
    assert_non_null(out);
    struct komet_asdu_writer writer;
    struct komet_asdu_header header = {.type = type, .cause = cause, .negative = negative, .oa = 3, .ca = ca};
    assert_true(komet_asdu_begin(&writer, &komet_profile_104, &header, out, KOMET_ASDU_SIZE_MAX));
    assert_true(komet_asdu_add(&writer, &object));
    komet_link_commit(world->link, world->now.instant, komet_asdu_end(&writer));
    line_pump(world);
}

void line_give(struct world *world, uint64_t id, unsigned tag, double number)
{
    struct line_command order = {.id = id,
                                 .kind = LINE_COMMAND_WRITE,
                                 .tag = &world->tags[tag],
                                 .station = world->stations,
                                 .number = number,
                                 .deadline = komet_after(world->now.instant, KOMET_SECONDS(5))};
    line_command(world->line, world->now, &order);
    line_pump(world);
}
