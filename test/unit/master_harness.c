/*
 * master_harness: see master_harness.h.
 */
#include "master_harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void pump_master(struct masters_world *world, struct master *master);

static struct master *find(struct masters_world *world, uint32_t serial)
{
    for (unsigned i = 0; i < MASTERS; i++) {
        if (world->masters[i].link != NULL && world->masters[i].serial == serial) {
            return &world->masters[i];
        }
    }
    return NULL;
}

static void to_master(struct masters_world *world, const struct line_output *from)
{
    uint8_t copy[8192];
    size_t at = 0, size = from->size;
    struct master *master = find(world, from->connection);
    assert_true(size <= sizeof copy);
    memcpy(copy, from->octets, size);
    line_written(world->line, from->connection, size);
    while (master != NULL && master->link != NULL && at < size) {
        at += komet_link_feed(master->link, world->now.instant, copy + at, size - at);
        pump_master(world, master);
    }
}

static void take_outputs(struct masters_world *world)
{
    struct line_output from;
    size_t used = strlen(world->notes);
    while (line_next(world->line, world->now, &from)) {
        switch (from.kind) {
        case LINE_OUT_LISTEN:
            world->asked = true;
            break;
        case LINE_OUT_LISTEN_END:
            world->listens = false;
            break;
        case LINE_OUT_SEND:
            if (find(world, from.connection) != NULL && find(world, from.connection)->blocked) {
                return;
            }
            to_master(world, &from);
            break;
        case LINE_OUT_ABORT: {
            struct master *master = find(world, from.connection);
            if (master != NULL) {
                master->link = NULL;
                master->closed = from.reason;
            }
            break;
        }
        case LINE_OUT_MASTER:
            assert_true(world->command_count < 8);
            world->commands[world->command_count++] = *from.master;
            break;
        case LINE_OUT_TAKEN:
            world->taken[from.group] = from.position;
            break;
        case LINE_OUT_STATION:
            world->station_value = from.station_value;
            break;
        case LINE_OUT_NOTE:
            snprintf(world->notes + used, sizeof world->notes - used, "%s\n", from.text);
            used = strlen(world->notes);
            break;
        case LINE_OUT_LINE:
            break;
        case LINE_OUT_CONNECT:
        case LINE_OUT_PING:
        case LINE_OUT_FIND:
        case LINE_OUT_VALUES:
        case LINE_OUT_COMMAND_END:
            fail_msg("a listening line does not");
        }
    }
}

static void pump_master(struct masters_world *world, struct master *master)
{
    struct komet_link_output output;
    while (master->link != NULL && komet_link_next(master->link, world->now.instant, &output)) {
        if (output.kind == KOMET_LINK_OUT_SEND) {
            uint8_t octets[8192];
            size_t size = output.size, taken = 0;
            memcpy(octets, output.octets, size);
            komet_link_written(master->link, size);
            while (master->link != NULL && taken < size) {
                taken += line_feed(world->line, world->now, master->serial, octets + taken, size - taken);
                take_outputs(world);
            }
        } else if (output.kind == KOMET_LINK_OUT_ASDU) {
            assert_true(master->asdu_count < 256);
            memcpy(master->asdus[master->asdu_count].octets, output.octets, output.size);
            master->asdus[master->asdu_count++].size = output.size;
            if (!master->silent) {
                komet_link_acknowledge(master->link, world->now.instant, output.received);
            }
        } else if (output.kind == KOMET_LINK_OUT_CLOSE) {
            line_closed(world->line, world->now, master->serial, KOMET_PEER_CLOSED);
            master->link = NULL;
        }
    }
}

void masters_pump(struct masters_world *world)
{
    line_tick(world->line, world->now);
    for (int rounds = 0; rounds < 8; rounds++) {
        take_outputs(world);
        for (unsigned i = 0; i < MASTERS; i++) {
            if (world->masters[i].link != NULL) {
                komet_link_tick(world->masters[i].link, world->now.instant);
                pump_master(world, &world->masters[i]);
            }
        }
    }
}

void masters_advance(struct masters_world *world, int64_t ms)
{
    world->now.instant = komet_after(world->now.instant, KOMET_MS(ms));
    world->now.utc.ms += ms;
}

void masters_again(struct masters_world *world)
{
    free(world->memory);
    world->memory = malloc(line_size(&world->site));
    world->line = line_init(world->memory, line_size(&world->site), &world->site, world->now);
    world->listens = world->asked = false;
    for (unsigned i = 0; i < MASTERS; i++) {
        world->masters[i].link = NULL;
    }
}

static struct network_address host(uint8_t last)
{
    return (struct network_address){4, {10, 9, 0, last}};
}

int masters_set_up(void **state)
{
    struct masters_world *world = calloc(1, sizeof *world);
    static const struct tag tags[MASTER_TAGS] = {
        {.name = "M.D", .type = TAG_DOUT, .ioa = 10, .asdu = KOMET_M_SP_TB_1, .groups = 1},
        {.name = "M.U", .type = TAG_AO, .ioa = 11, .asdu = KOMET_M_ME_TF_1, .groups = 2},
        {.name = "M.LAST", .type = TAG_AO, .ioa = 12, .asdu = KOMET_M_ME_NC_1},
        {.name = "M.C", .type = TAG_CO, .ioa = 13, .asdu = KOMET_M_IT_TB_1, .groups = 1},
        {.name = "M.CMD", .type = TAG_DI, .ioa = 20, .asdu = KOMET_C_SC_NA_1},
        {.name = "M.SET", .type = TAG_AI, .ioa = 21, .asdu = KOMET_C_SE_NC_1}};
    world->now = (struct line_now){{KOMET_SECONDS(100)}, {INT64_C(1782648000000)}};
    world->process = (struct process){.name = "SRV.KOM", .lines = &world->site, .line_count = 1};
    world->site =
        (struct line){.name = "L.CENTRE",
                      .protocol = PROTOCOL_IEC104_SERVER,
                      .number = 1,
                      .listen = {"0.0.0.0", 2404},
                      .reconnect_us = KOMET_SECONDS(1),
                      .parameters = parameter_server_defaults(),
                      .stations = &world->station,
                      .station_count = 1,
                      .master_count = 2,
                      .masters = {{.addresses = {host(1), host(2)}, .address_count = 2, .name = "10.9.0.1"},
                                  {.addresses = {host(9)}, .address_count = 1, .name = "10.9.0.9"}},
                      .process = &world->process};
    world->site.parameters.value[PARAMETER_OBUF] = 100;
    world->station = (struct station){.name = "B.OUT",
                                      .ca = 1,
                                      .parameters = parameter_server_defaults(),
                                      .tags = world->tags,
                                      .tag_count = MASTER_TAGS,
                                      .line = &world->site};
    world->changes = (struct processing){.given = 1u << PROCESSING_CHANGES_ONLY};
    world->changes.number[NUMBER_SCALE] = 1;
    memcpy(world->tags, tags, sizeof tags);
    for (unsigned i = 0; i < MASTER_TAGS; i++) {
        world->tags[i].station = &world->station;
        world->tags[i].number = i;
    }
    world->tags[TAG_CMD].processing = &world->changes;
    struct komet_link_settings settings = komet_link_settings_standard(KOMET_CONTROLLING);
    for (unsigned i = 0; i < MASTERS; i++) {
        world->masters[i].memory = malloc(komet_link_size(&settings));
    }
    masters_again(world);
    *state = world;
    return 0;
}

int masters_tear_down(void **state)
{
    struct masters_world *world = *state;
    for (unsigned i = 0; i < MASTERS; i++) {
        free(world->masters[i].memory);
    }
    free(world->memory);
    free(world);
    return 0;
}

void masters_activate(struct masters_world *world, uint64_t taken)
{
    const uint64_t positions[2] = {taken, taken};
    line_activate(world->line, world->now);
    masters_pump(world);
    assert_false(world->asked); /* it does not know yet what masters are to have */
    line_outgoing_begin(world->line, world->now, positions, 2);
    line_outgoing_ready(world->line, world->now);
    masters_pump(world);
    assert_true(world->asked);
    world->asked = false;
    world->listens = true;
    line_listening(world->line, world->now, NULL);
    masters_pump(world);
}

bool masters_connect(struct masters_world *world, unsigned number, uint8_t last)
{
    struct master *master = &world->masters[number];
    struct network_address peer = host(last);
    assert_null(master->link);
    assert_true(world->listens);
    uint32_t serial = line_accepted(world->line, world->now, &peer, (uint16_t)(40000 + number));
    if (serial != 0) {
        struct komet_link_settings settings = komet_link_settings_standard(KOMET_CONTROLLING);
        settings.w = 1; /* acknowledges at once */
        void *memory = master->memory;
        bool silent = master->silent;
        memset(master, 0, sizeof *master);
        master->memory = memory;
        master->silent = silent;
        master->serial = serial;
        master->link = komet_link_init(memory, komet_link_size(&settings), &settings, world->now.instant);
    }
    masters_pump(world);
    return serial != 0;
}

void masters_start(struct masters_world *world, unsigned master, uint8_t last)
{
    assert_true(masters_connect(world, master, last));
    komet_link_start(world->masters[master].link, world->now.instant);
    masters_pump(world);
    assert_int_equal(komet_link_state(world->masters[master].link), KOMET_LINK_STARTED);
}

void masters_close(struct masters_world *world, unsigned master)
{
    world->masters[master].link = NULL;
    line_closed(world->line, world->now, world->masters[master].serial, KOMET_PEER_CLOSED);
    masters_pump(world);
}

void masters_event(struct masters_world *world, unsigned tag, double number)
{
    struct line_outgoing event = {.tag = &world->tags[tag], .position = ++world->position};
    event.value = (struct value){.number = number,
                                 .status = STATUS_VALID,
                                 .cot = KOMET_COT_SPONTANEOUS,
                                 .asdu_type = world->tags[tag].asdu,
                                 .time = world->now.utc,
                                 .arrived = world->now.utc};
    line_outgoing(world->line, world->now, &event);
    masters_pump(world);
}

void masters_send(struct masters_world *world, unsigned master, uint8_t type, uint8_t cause,
                  struct komet_object object)
{
    struct komet_link *link = world->masters[master].link;
    uint8_t *out = komet_link_reserve(link);
    struct komet_asdu_writer writer;
    struct komet_asdu_header header = {.type = type, .cause = cause, .oa = 7, .ca = 1};
    assert_non_null(out);
    assert_true(komet_asdu_begin(&writer, &komet_profile_104, &header, out, KOMET_ASDU_SIZE_MAX));
    assert_true(komet_asdu_add(&writer, &object));
    komet_link_commit(link, world->now.instant, komet_asdu_end(&writer));
    masters_pump(world);
}

unsigned masters_got(const struct masters_world *world, unsigned master, uint8_t type, uint8_t cause,
                     struct komet_object *newest)
{
    const struct master *from = &world->masters[master];
    struct komet_object ignored;
    unsigned count = 0;
    for (unsigned i = 0; i < from->asdu_count; i++) {
        struct komet_asdu asdu;
        assert_int_equal(
            komet_asdu_decode(&komet_profile_104, from->asdus[i].octets, from->asdus[i].size, &asdu),
            KOMET_ASDU_OK);
        for (unsigned k = 0; k < asdu.count && asdu.type == type && asdu.cause == cause; k++, count++) {
            komet_asdu_object(&asdu, k, newest != NULL ? newest : &ignored);
        }
    }
    return count;
}
