/* A line against a station made of a controlled link, with the clock in the test. */
#include "steps.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "line/line.h"

struct world {
    struct line_now now;
    struct tag tags[4];
    struct tag *by_address[2];
    struct station station;
    struct process process;
    struct line site;
    void *memory, *station_memory;
    struct line_engine *line;
    struct komet_link *link; /* the station's end; NULL without a connection */
    uint32_t connection;
    bool asked, aborted, cut_at_note;
    enum komet_reason abort_reason;
    const struct address *address;
    struct line_value values[256];
    unsigned value_count;
    uint64_t frame; /* last that was handed out */
    bool store;     /* confirm at once */
    uint8_t asdus[16][KOMET_ASDU_SIZE_MAX];
    size_t asdu_sizes[16];
    unsigned asdu_count;   /* that the station received */
    uint64_t acknowledged; /* frames of the station */
    struct line_output end;
    char end_text[96];
    unsigned end_count, note_count;
    char note[256];
    enum station_value station_value;
};

static void advance(struct world *world, int64_t ms)
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
            world->station_value = from.station_value;
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

/* Lets both work until neither wants anything. */
static void pump(struct world *world)
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

static int set_up(void **state)
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
                                .stations = &world->station,
                                .station_count = 1,
                                .process = &world->process};
    world->station = (struct station){.name = "B.RTU",
                                      .ca = 1,
                                      .parameters = parameter_defaults(),
                                      .tags = world->tags,
                                      .tag_count = 4,
                                      .by_address = world->by_address,
                                      .by_address_count = 2,
                                      .line = &world->site};
    const struct tag tags[4] = {{.name = "M.D", .type = TAG_DI, .ioa = 1},
                                {.name = "M.U", .type = TAG_AI, .ioa = 2},
                                {.name = "M.CMD", .type = TAG_DOUT, .ioa = 5, .asdu = KOMET_C_SC_NA_1},
                                {.name = "M.SET", .type = TAG_AO, .ioa = 6, .asdu = KOMET_C_SE_NC_1}};
    memcpy(world->tags, tags, sizeof tags);
    for (unsigned i = 0; i < 4; i++) {
        world->tags[i].station = &world->station;
        world->tags[i].number = i;
    }
    world->by_address[0] = &world->tags[0];
    world->by_address[1] = &world->tags[1];
    world->memory = malloc(line_size(&world->site));
    world->line = line_init(world->memory, line_size(&world->site), &world->site, world->now);
    struct komet_link_settings settings = komet_link_settings_standard(KOMET_CONTROLLED);
    world->station_memory = malloc(komet_link_size(&settings));
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;
    free(world->memory);
    free(world->station_memory);
    free(world);
    return 0;
}

/* The station accepts: the line starts data transfer and interrogates. */
static void accept_connection(struct world *world)
{
    assert_true(world->asked);
    world->asked = false;
    struct komet_link_settings settings = komet_link_settings_standard(KOMET_CONTROLLED);
    world->link =
        komet_link_init(world->station_memory, komet_link_size(&settings), &settings, world->now.instant);
    line_connected(world->line, world->now, world->connection);
    pump(world);
}

static void start(struct world *world)
{
    line_activate(world->line, world->now);
    pump(world);
    accept_connection(world);
    assert_int_equal(line_report(world->line).state, CONNECTION_STARTED);
}

/* The station sends one object. */
static void station_sends(struct world *world, uint8_t type, uint8_t cause, bool negative, uint16_t ca,
                          struct komet_object object)
{
    uint8_t *out = komet_link_reserve(world->link);
    assert_non_null(out);
    struct komet_asdu_writer writer;
    struct komet_asdu_header header = {.type = type, .cause = cause, .negative = negative, .oa = 3, .ca = ca};
    assert_true(komet_asdu_begin(&writer, &komet_profile_104, &header, out, KOMET_ASDU_SIZE_MAX));
    assert_true(komet_asdu_add(&writer, &object));
    komet_link_commit(world->link, world->now.instant, komet_asdu_end(&writer));
    pump(world);
}

static void command(struct world *world, uint64_t id, unsigned tag, double number)
{
    struct line_command order = {.id = id,
                                 .kind = LINE_COMMAND_WRITE,
                                 .tag = &world->tags[tag],
                                 .station = &world->station,
                                 .number = number,
                                 .deadline = komet_after(world->now.instant, KOMET_SECONDS(5))};
    line_command(world->line, world->now, &order);
    pump(world);
}

static void test_a_full_window_is_no_matter_of_time(void **state)
{
    struct world *world = *state;
    world->site.parameters.value[PARAMETER_K] = 1;
    world->site.parameters.value[PARAMETER_W] = 1;
    world->station.clock_sync_us = KOMET_SECONDS(3600);
    world->line = line_init(world->memory, line_size(&world->site), &world->site, world->now);
    start(world);
    assert_int_equal(world->asdu_count, 1); /* the interrogation; the clock waits for its acknowledgement */
    assert_true(line_deadline(world->line).us > world->now.instant.us);
    line_tick(world->line, world->now);
    assert_true(line_deadline(world->line).us > world->now.instant.us);
    /* Initialized: its N(R) makes room for one, the clock; the new interrogation waits. */
    station_sends(world, KOMET_M_EI_NA_1, KOMET_COT_INITIALIZED, false, 1, (struct komet_object){0});
    assert_int_equal(world->asdu_count, 2);
    assert_int_equal(world->asdus[1][0], KOMET_C_CS_NA_1);
    assert_true(line_deadline(world->line).us > world->now.instant.us);
    advance(world, 10000); /* the station's t2 */
    pump(world);
    assert_int_equal(world->asdu_count, 3);
    assert_int_equal(world->asdus[2][0], KOMET_C_IC_NA_1);
    assert_true(line_deadline(world->line).us > world->now.instant.us);
}

static void test_it_starts_and_interrogates(void **state)
{
    struct world *world = *state;
    pump(world);
    assert_false(world->asked); /* passive is silent */
    start(world);
    assert_string_equal(world->address->host, "10.0.0.1");
    assert_int_equal(world->station_value, STATION_ON);
    assert_int_equal(world->asdu_count, 1);
    const uint8_t interrogation[] = {100, 1, 6, 3, 1, 0, 0, 0, 0, 20};
    assert_int_equal(world->asdu_sizes[0], sizeof interrogation);
    assert_memory_equal(world->asdus[0], interrogation, sizeof interrogation);
    assert_true(line_report(world->line).value);
    assert_int_equal(line_report(world->line).flags, 1);
}

static void test_values_go_to_their_tags(void **state)
{
    struct world *world = *state;
    start(world);
    struct komet_object object = {.ioa = 1, .value.single = true};
    komet_cp56_from_utc(&object.time, world->now.utc, 0);
    station_sends(world, KOMET_M_SP_TB_1, KOMET_COT_SPONTANEOUS, false, 1, object);
    station_sends(world, KOMET_M_ME_NC_1, KOMET_COT_INTERROGATED_STATION, false, 1,
                  (struct komet_object){.ioa = 2, .value.real = 12.5f});
    assert_int_equal(world->value_count, 2);
    assert_ptr_equal(world->values[0].tag, &world->tags[0]);
    assert_true(world->values[0].value.number == 1 && world->values[0].octets_size == 8);
    assert_true(world->values[0].value.time.ms == world->now.utc.ms);
    assert_true(world->values[1].value.number == 12.5 && world->values[1].octets_size == 0);
    assert_int_equal(world->values[1].value.cot, 20);
}

static void test_unknown_addresses_are_told_once(void **state)
{
    struct world *world = *state;
    start(world);
    for (int i = 0; i < 5; i++) {
        station_sends(world, KOMET_M_SP_NA_1, KOMET_COT_SPONTANEOUS, false, 1,
                      (struct komet_object){.ioa = 77});
        station_sends(world, KOMET_M_SP_NA_1, KOMET_COT_SPONTANEOUS, false, 9,
                      (struct komet_object){.ioa = 1});
    }
    assert_int_equal(world->note_count, 2);
    assert_int_equal(line_counters(world->line).unknown_address, 10);
    assert_int_equal(world->value_count, 0);
    assert_int_equal(world->frame, 10); /* they are acknowledged all the same */
}

static void test_nothing_is_acknowledged_before_it_is_stored(void **state)
{
    struct world *world = *state;
    start(world);
    world->store = false;
    for (int i = 0; i < 9; i++) {
        station_sends(world, KOMET_M_SP_NA_1, KOMET_COT_SPONTANEOUS, false, 1,
                      (struct komet_object){.ioa = 1});
    }
    advance(world, 9900);
    pump(world);
    assert_int_equal(world->acknowledged, 0);
    line_stored(world->line, world->now, world->connection, 8);
    pump(world);
    assert_int_equal(world->acknowledged, 8); /* w = 8 may be acknowledged: an S format */
    advance(world, 101);
    pump(world);
    assert_true(world->aborted); /* the ninth was not stored within store_limit */
    assert_int_equal(world->abort_reason, KOMET_NOT_STORED);
}

/* K is 4 here and the station's k 12: it may repeat more than the server looks at. */
static void test_a_larger_k_of_the_station_is_told_once_a_connection(void **state)
{
    struct world *world = *state;
    world->site.parameters.value[PARAMETER_K] = 4;
    world->site.parameters.value[PARAMETER_W] = 2;
    world->line = line_init(world->memory, line_size(&world->site), &world->site, world->now);
    start(world);
    for (unsigned connection = 1; connection <= 2; connection++) {
        for (unsigned i = 0; i < 12; i++) { /* what is stored and acknowledged counts no more */
            station_sends(world, KOMET_M_SP_NA_1, KOMET_COT_SPONTANEOUS, false, 1,
                          (struct komet_object){.ioa = 1});
        }
        world->store = false;
        for (unsigned i = 0; i < 12; i++) {
            assert_int_equal(world->note_count, connection - (i > 4 ? 0 : 1));
            station_sends(world, KOMET_M_SP_NA_1, KOMET_COT_SPONTANEOUS, false, 1,
                          (struct komet_object){.ioa = 1});
        }
        assert_int_equal(line_counters(world->line).larger_k, connection);
        line_closed(world->line, world->now, world->connection, KOMET_PEER_CLOSED);
        world->store = true;
        advance(world, 1000);
        pump(world);
        accept_connection(world);
    }
    assert_non_null(
        strstr(world->note, "L.RTU: the station leaves more than K = 4 frames open; set K to its k"));
}

static void test_hosts_are_tried_in_turn(void **state)
{
    struct world *world = *state;
    line_activate(world->line, world->now);
    pump(world);
    for (int attempt = 1; attempt <= 5; attempt++) {
        assert_true(world->asked);
        assert_string_equal(world->address->host, attempt % 2 == 1 ? "10.0.0.1" : "10.0.0.2");
        world->asked = false;
        line_closed(world->line, world->now, world->connection, KOMET_CONNECT_REFUSED);
        pump(world);
        assert_false(world->asked);
        assert_int_equal(world->station_value, attempt < 2   ? STATION_OFF
                                               : attempt < 5 ? STATION_COMERR
                                                             : STATION_HARDERR);
        advance(world, 1000);
        pump(world);
    }
    assert_int_equal(line_report(world->line).reason, KOMET_CONNECT_REFUSED);
    advance(world, 30000); /* t0: nobody answers at all */
    pump(world);
    assert_true(world->aborted);
    assert_int_equal(world->abort_reason, KOMET_T0_EXPIRED);
}

static void test_a_command_is_done_when_confirmed(void **state)
{
    struct world *world = *state;
    start(world);
    command(world, 41, 3, 1200);
    assert_int_equal(world->asdu_count, 2);
    assert_int_equal(world->asdus[1][0], KOMET_C_SE_NC_1);
    assert_int_equal(world->asdus[1][2], KOMET_COT_ACTIVATION);
    assert_int_equal(world->end_count, 0);
    command(world, 42, 3, 7);
    assert_int_equal(world->end_count, 1); /* one open command a tag */
    assert_int_equal(world->end.result, COMMAND_REFUSED);
    station_sends(world, KOMET_C_SE_NC_1, KOMET_COT_ACTIVATION_CON, false, 1,
                  (struct komet_object){.ioa = 6, .value.real = 999});
    assert_int_equal(world->end_count, 2);
    assert_true(world->end.id == 41 && world->end.result == COMMAND_DONE);
    assert_true(world->end.number == 999); /* the value in the confirmation counts */
}

static void test_a_command_is_refused(void **state)
{
    struct world *world = *state;
    command(world, 1, 2, 1);
    assert_int_equal(world->end.result, COMMAND_REFUSED);
    assert_string_equal(world->end_text, "not connected");
    start(world);
    command(world, 2, 2, 1);
    station_sends(world, KOMET_C_SC_NA_1, KOMET_COT_UNKNOWN_IOA, true, 1, (struct komet_object){.ioa = 5});
    assert_true(world->end.id == 2 && world->end.result == COMMAND_REFUSED);
    assert_non_null(strstr(world->end_text, "information object address"));
    command(world, 3, 2, 1);
    station_sends(world, KOMET_C_SC_NA_1, KOMET_COT_ACTIVATION_CON, true, 1, (struct komet_object){.ioa = 5});
    assert_true(world->end.id == 3 && world->end.result == COMMAND_REFUSED);
    command(world, 4, 2, 7);
    assert_true(world->end.id == 4 && world->end.result == COMMAND_REFUSED); /* does not fit the type */
}

static void test_a_command_without_confirmation_is_unknown(void **state)
{
    struct world *world = *state;
    start(world);
    command(world, 5, 2, 1);
    advance(world, 59999);
    line_tick(world->line, world->now); /* t3 and t1 are the link's matter: keep the peer alive */
    world->site.parameters.value[PARAMETER_WT3] = 0;
    line_deactivate(world->line, world->now, KOMET_BECAME_PASSIVE);
    pump(world);
    assert_true(world->end.id == 5 && world->end.result == COMMAND_UNKNOWN);
    assert_true(world->aborted);
    assert_int_equal(world->end_count, 1);
    advance(world, 100000);
    pump(world);
    assert_false(world->asked); /* passive again */
}

static void test_wtn_closes_the_connection(void **state)
{
    struct world *world = *state;
    world->site.parameters.value[PARAMETER_WTN] = 2000;
    start(world);
    command(world, 6, 2, 1);
    advance(world, 2000);
    pump(world);
    assert_true(world->end.id == 6 && world->end.result == COMMAND_UNKNOWN);
    assert_true(world->aborted);
    assert_int_equal(world->abort_reason, KOMET_CONFIRMATION_TIMEOUT);
}

static void test_cmdc_decides_what_confirms(void **state)
{
    struct world *world = *state;
    world->station.parameters.value[PARAMETER_CMDC] = 2;
    start(world);
    command(world, 7, 2, 1);
    station_sends(world, KOMET_C_SC_NA_1, KOMET_COT_ACTIVATION_CON, false, 1,
                  (struct komet_object){.ioa = 5, .value.single = true});
    assert_int_equal(world->end_count, 0);
    station_sends(world, KOMET_C_SC_NA_1, KOMET_COT_ACTIVATION_TERMINATION, false, 1,
                  (struct komet_object){.ioa = 5, .value.single = true});
    assert_true(world->end_count == 1 && world->end.result == COMMAND_DONE);
    world->station.parameters.value[PARAMETER_CMDC] = 0;
    command(world, 8, 2, 0);
    advance(world, 10000); /* t2 of the station: its S format acknowledges the command's frame */
    pump(world);
    assert_true(world->end_count == 2 && world->end.id == 8 && world->end.result == COMMAND_DONE);
}

static void test_a_command_towards_us_is_mirrored(void **state)
{
    struct world *world = *state;
    start(world);
    station_sends(world, KOMET_C_SC_NA_1, KOMET_COT_ACTIVATION, false, 1, (struct komet_object){.ioa = 5});
    assert_int_equal(world->asdu_count, 2);
    assert_int_equal(world->asdus[1][2], 0x40 | KOMET_COT_UNKNOWN_TYPE);
}

static void test_a_short_asdu_closes(void **state)
{
    struct world *world = *state;
    start(world);
    uint8_t *out = komet_link_reserve(world->link);
    const uint8_t octets[] = {1, 2, 3, 0, 1, 0, 1, 0, 0, 1};
    memcpy(out, octets, sizeof octets);
    komet_link_commit(world->link, world->now.instant, sizeof octets);
    pump(world);
    assert_true(world->aborted);
    assert_int_equal(world->abort_reason, KOMET_BAD_ASDU);
    advance(world, 1000);
    pump(world);
    assert_true(world->asked); /* and the next attempt comes */
}

/* A connection that ends while a frame's values wait to be taken: they are gone, and the station sends them
 * again. They must not be measured against themselves. */
static void test_values_that_nobody_took_hold_nothing_back(void **state)
{
    struct world *world = *state;
    struct processing changes_only = steps(TAG_DI, "changes-only");
    world->tags[0].processing = &changes_only;
    start(world);
    for (int i = 0; i < 3; i++) {
        uint8_t *out = komet_link_reserve(world->link);
        struct komet_asdu_writer writer;
        struct komet_asdu_header header = {
            .type = KOMET_M_SP_NA_1, .cause = KOMET_COT_SPONTANEOUS, .oa = 3, .ca = 1};
        world->cut_at_note = i == 0; /* of the address that no tag has */
        assert_true(komet_asdu_begin(&writer, &komet_profile_104, &header, out, KOMET_ASDU_SIZE_MAX));
        assert_true(komet_asdu_add(&writer, &(struct komet_object){.ioa = 1, .value.single = true}));
        assert_true(komet_asdu_add(&writer, &(struct komet_object){.ioa = 77}));
        komet_link_commit(world->link, world->now.instant, komet_asdu_end(&writer));
        pump(world);
        assert_int_equal(world->value_count, i == 0 ? 0 : 1);
        if (i == 0) {
            advance(world, 1000);
            pump(world);
            accept_connection(world);
        }
    }
    assert_int_equal(line_counters(world->line).unchanged, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_it_starts_and_interrogates),
        TEST(test_a_full_window_is_no_matter_of_time),
        TEST(test_values_go_to_their_tags),
        TEST(test_unknown_addresses_are_told_once),
        TEST(test_nothing_is_acknowledged_before_it_is_stored),
        TEST(test_a_larger_k_of_the_station_is_told_once_a_connection),
        TEST(test_hosts_are_tried_in_turn),
        TEST(test_a_command_is_done_when_confirmed),
        TEST(test_a_command_is_refused),
        TEST(test_a_command_without_confirmation_is_unknown),
        TEST(test_wtn_closes_the_connection),
        TEST(test_cmdc_decides_what_confirms),
        TEST(test_a_command_towards_us_is_mirrored),
        TEST(test_a_short_asdu_closes),
        TEST(test_values_that_nobody_took_hold_nothing_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
