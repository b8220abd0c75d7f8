/*
 * centre: what the timelines cannot see: settings, what may be asked, memory, events that the host has not
 * taken yet, the link in front of it, the station at the other end, and any sequence of calls at all.
 */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "komet/centre.h"
#include "komet/link.h"
#include "komet/station.h"

static const struct komet_instant zero = {0};
static const struct komet_utc noon = {INT64_C(1795176000000)};

static struct komet_centre *make(const struct komet_centre_settings *settings)
{
    size_t size = komet_centre_size(settings);
    struct komet_centre *centre = komet_centre_init(malloc(size), size, settings);
    komet_centre_connected(centre, zero);
    return centre;
}

static struct komet_centre_request command(uint32_t ioa)
{
    return (struct komet_centre_request){
        .type = KOMET_C_SC_NA_1, .ca = 1, .object = {.ioa = ioa}, .deadline = KOMET_NEVER};
}

static uint64_t ask(struct komet_centre *centre, const struct komet_centre_request *request)
{
    uint64_t id = 0;
    assert_int_equal(komet_centre_request(centre, zero, request, &id), KOMET_CENTRE_TAKEN);
    return id;
}

/* ---- settings and requests ---- */

static void assert_settings_fault(struct komet_centre_settings settings, const char *word)
{
    const char *fault = komet_centre_settings_fault(&settings);
    assert_non_null(fault);
    assert_non_null(strstr(fault, word));
}

static void test_settings(void **state)
{
    (void)state;
    static const uint16_t twice[] = {7, 8, 7}, everybody[] = {1, 0xFFFF}, nobody[] = {0};
    static const struct komet_profile wrong = {.cot_size = 3, .ca_size = 2, .ioa_size = 3};
    static const struct komet_profile narrow = {.cot_size = 1, .ca_size = 1, .ioa_size = 2};
    const struct komet_centre_settings standard = komet_centre_settings_standard();
    assert_null(komet_centre_settings_fault(&standard));
    struct komet_centre_settings settings = standard;
    settings.profile = NULL;
    assert_settings_fault(settings, "profile");
    settings.profile = &wrong;
    assert_settings_fault(settings, "profile");
    settings.profile = &narrow;
    assert_null(komet_centre_settings_fault(&settings));
    settings.oa = 1;
    assert_settings_fault(settings, "originator");
    settings = standard;
    settings.requests = 0;
    assert_settings_fault(settings, "requests");
    settings.requests = KOMET_CENTRE_REQUESTS_MAX + 1;
    assert_settings_fault(settings, "requests");
    settings = standard;
    settings.confirm_us = 0;
    assert_settings_fault(settings, "confirmation");
    settings = standard;
    settings.terminate_us = -1;
    assert_settings_fault(settings, "termination");
    settings = standard;
    settings.select_us = 0;
    assert_settings_fault(settings, "select");
    settings = standard;
    settings.stations = twice;
    settings.station_count = 3;
    assert_settings_fault(settings, "twice");
    settings.stations = everybody;
    settings.station_count = 2;
    assert_settings_fault(settings, "address");
    settings.stations = nobody;
    settings.station_count = 1;
    assert_settings_fault(settings, "address");
    settings.station_count = KOMET_CENTRE_STATIONS_MAX + 1;
    assert_settings_fault(settings, "64");
}

struct fault_case {
    uint8_t type;
    enum komet_centre_procedure procedure;
    uint16_t ca;
    uint32_t ioa;
    int32_t number;
    uint8_t qualifier;
    const char *word; /* of the sentence; NULL: it may be asked */
};

static void test_requests_that_cannot_be_asked(void **state)
{
    (void)state;
    static const struct fault_case cases[] = {
        {KOMET_M_SP_NA_1, KOMET_CENTRE_ACTIVATE, 1, 1, 0, 0, "type is none"},
        {200, KOMET_CENTRE_ACTIVATE, 1, 1, 0, 0, "type is none"},
        {KOMET_C_SC_NA_1, (enum komet_centre_procedure)9, 1, 1, 0, 0, "procedure"},
        {KOMET_C_BO_TA_1, KOMET_CENTRE_SELECT_EXECUTE, 1, 1, 0, 0, "no select"},
        {KOMET_C_IC_NA_1, KOMET_CENTRE_SELECT, 1, 0, 0, 20, "no select"},
        {KOMET_P_ME_NA_1, KOMET_CENTRE_DEACTIVATE, 1, 1, 0, 0, "deactivated"},
        {KOMET_C_RD_NA_1, KOMET_CENTRE_DEACTIVATE, 1, 1, 0, 0, "deactivated"},
        {KOMET_C_SC_NA_1, KOMET_CENTRE_ACTIVATE, 0, 1, 0, 0, "common address"},
        {KOMET_C_SC_NA_1, KOMET_CENTRE_ACTIVATE, 0xFFFF, 1, 0, 0, "broadcast"},
        {KOMET_C_SC_NA_1, KOMET_CENTRE_ACTIVATE, 1, 0x1000000, 0, 0, "object address"},
        {KOMET_C_TS_NA_1, KOMET_CENTRE_ACTIVATE, 1, 5, 0, 0, "addressed to the station"},
        {KOMET_C_DC_NA_1, KOMET_CENTRE_ACTIVATE, 1, 1, 0, 0, "1 or 2"},
        {KOMET_C_RC_TA_1, KOMET_CENTRE_ACTIVATE, 1, 1, 3, 0, "1 or 2"},
        {KOMET_C_SE_NB_1, KOMET_CENTRE_ACTIVATE, 1, 1, 32768, 0, "32767"},
        {KOMET_P_ME_NA_1, KOMET_CENTRE_ACTIVATE, 1, 1, -32769, 0, "32767"},
        {KOMET_C_SC_NA_1, KOMET_CENTRE_ACTIVATE, 1, 1, 0, 32, "0 to 31"},
        {KOMET_C_SE_NC_1, KOMET_CENTRE_ACTIVATE, 1, 1, 0, 128, "0 to 127"},
        {KOMET_C_IC_NA_1, KOMET_CENTRE_ACTIVATE, 1, 0, 0, 37, "20 to 36"},
        {KOMET_C_CI_NA_1, KOMET_CENTRE_ACTIVATE, 1, 0, 0, 0xC0, "1 to 5"},
        {KOMET_C_RP_NA_1, KOMET_CENTRE_ACTIVATE, 1, 0, 0, 3, "1 or 2"},
        {KOMET_C_SC_NA_1, KOMET_CENTRE_SELECT_EXECUTE, 0xFFFE, 0xFFFFFF, 1, 31, NULL},
        {KOMET_C_SE_TA_1, KOMET_CENTRE_SELECT, 1, 1, -32768, 127, NULL},
        {KOMET_C_CI_NA_1, KOMET_CENTRE_DEACTIVATE, 0xFFFF, 0, 0, 0xC5, NULL},
        {KOMET_P_ME_NC_1, KOMET_CENTRE_ACTIVATE, 1, 1, 0, 255, NULL},
        {KOMET_C_BO_NA_1, KOMET_CENTRE_ACTIVATE, 1, 1, -1, 0, NULL},
        {KOMET_C_RP_NA_1, KOMET_CENTRE_ACTIVATE, 0xFFFF, 0, 0, 2, NULL},
    };
    struct komet_centre_settings settings = komet_centre_settings_standard();
    struct komet_centre *centre = make(&settings);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct komet_centre_request request = {
            .type = cases[i].type,
            .procedure = cases[i].procedure,
            .ca = cases[i].ca,
            .object = {.ioa = cases[i].ioa, .value.number = cases[i].number, .qualifier = cases[i].qualifier},
            .deadline = KOMET_NEVER};
        const char *fault = komet_centre_request_fault(centre, &request);
        if ((fault == NULL) != (cases[i].word == NULL) ||
            (fault != NULL && strstr(fault, cases[i].word) == NULL)) {
            fail_msg("case %zu: %s", i, fault != NULL ? fault : "no fault");
        }
    }
    free(centre);
}

/* ---- memory ---- */

static void test_settings_are_copied(void **state)
{
    (void)state;
    uint16_t stations[] = {3, 4};
    struct komet_centre_settings settings = komet_centre_settings_standard();
    settings.stations = stations;
    settings.station_count = 2;
    struct komet_centre *centre = make(&settings);
    stations[0] = stations[1] = 9;
    settings.requests = 0;
    struct komet_centre_request request = {.type = KOMET_C_RP_NA_1,
                                           .ca = KOMET_CA_BROADCAST_2,
                                           .object = {.qualifier = 1},
                                           .deadline = KOMET_NEVER};
    uint8_t octets[KOMET_ASDU_SIZE_ONE];
    struct komet_centre_event event;
    ask(centre, &request);
    size_t size = komet_centre_write(centre, zero, noon, octets);
    assert_int_equal(size, 10);
    komet_asdu_mirror(octets, KOMET_COT_ACTIVATION_CON, false);
    for (uint8_t ca = 3; ca <= 4; ca++) {
        struct komet_asdu asdu;
        octets[4] = ca;
        octets[5] = 0;
        assert_int_equal(komet_asdu_decode(&komet_profile_104, octets, size, &asdu), KOMET_ASDU_OK);
        assert_true(komet_centre_receive(centre, zero, &asdu));
        memset(&asdu, 0xAA, sizeof asdu);
        assert_true(komet_centre_next(centre, &event));
        assert_int_equal(event.kind, KOMET_CENTRE_CONFIRMED);
        assert_int_equal(event.ca, ca);
        assert_null(event.object.octets);
        assert_int_equal(komet_centre_next(centre, &event), ca == 4);
    }
    assert_int_equal(event.kind, KOMET_CENTRE_DONE);
    assert_int_equal(event.confirmed, 2);
    free(centre);
}

/* Only as many octets as it asked for are touched. */
static void test_size(void **state)
{
    (void)state;
    uint16_t stations[KOMET_CENTRE_STATIONS_MAX];
    for (unsigned i = 0; i < KOMET_CENTRE_STATIONS_MAX; i++) {
        stations[i] = (uint16_t)(100 + i);
    }
    struct komet_centre_settings settings = komet_centre_settings_standard();
    settings.requests = 3;
    settings.stations = stations;
    settings.station_count = KOMET_CENTRE_STATIONS_MAX;
    size_t size = komet_centre_size(&settings);
    uint8_t *memory = malloc(size + 1);
    assert_non_null(memory);
    memset(memory, 0x5A, size + 1);
    struct komet_centre *centre = komet_centre_init(memory, size, &settings);
    komet_centre_connected(centre, zero);
    uint8_t octets[KOMET_ASDU_SIZE_ONE];
    for (uint32_t ioa = 1; ioa <= 3; ioa++) {
        struct komet_centre_request request = command(ioa);
        ask(centre, &request);
        assert_int_equal(komet_centre_write(centre, zero, noon, octets), 10);
    }
    assert_int_equal(memory[size], 0x5A);
    free(memory);
}

/* ---- events that wait ---- */

/* Room comes with the taking of an end. A request that has ended is told once, whatever happens meanwhile. */
static void test_ends_wait_for_the_host(void **state)
{
    (void)state;
    struct komet_centre_settings settings = komet_centre_settings_standard();
    settings.requests = 1;
    struct komet_centre *centre = make(&settings);
    struct komet_centre_request request = command(5001);
    struct komet_centre_event event;
    uint64_t id = ask(centre, &request), other = 0;
    request.deadline = zero;
    komet_centre_disconnected(centre, zero);
    komet_centre_connected(centre, zero);
    komet_centre_disconnected(centre, zero);
    komet_centre_tick(centre, (struct komet_instant){KOMET_SECONDS(1000)});
    komet_centre_connected(centre, zero);
    assert_int_equal(komet_centre_deadline(centre).us, KOMET_NEVER.us);
    assert_int_equal(komet_centre_request(centre, zero, &request, &other), KOMET_CENTRE_FULL);
    assert_true(komet_centre_next(centre, &event));
    assert_int_equal(event.kind, KOMET_CENTRE_EXPIRED);
    assert_int_equal(event.id, id);
    assert_false(komet_centre_next(centre, &event));
    assert_int_equal(ask(centre, &request), id + 1);
    struct komet_centre_counters counters = komet_centre_counters(centre);
    assert_int_equal(counters.requests, 2);
    assert_int_equal(counters.ended, 1);
    assert_int_equal(counters.written, 0);
    free(centre);
}

/* ---- with a link ---- */

static void drain(struct komet_link *link)
{
    struct komet_link_output output;
    while (komet_link_next(link, zero, &output)) {
        if (output.kind == KOMET_LINK_OUT_SEND) {
            komet_link_written(link, output.size);
        }
    }
}

/* Writes what the centre has into the link; returns how many ASDUs. */
static unsigned pump(struct komet_centre *centre, struct komet_link *link)
{
    unsigned count = 0;
    for (uint8_t *place; (place = komet_link_reserve(link)) != NULL; count++) {
        size_t size = komet_centre_write(centre, zero, noon, place);
        if (size == 0) {
            break;
        }
        komet_link_commit(link, zero, size);
    }
    return count;
}

/* The window of k closes: the rest waits, and goes out in order behind the acknowledgement. */
static void test_link_window(void **state)
{
    (void)state;
    static const uint8_t startdt_con[] = {0x68, 4, 0x0B, 0, 0, 0}, s_format[] = {0x68, 4, 1, 0, 4, 0};
    struct komet_link_settings link_settings = komet_link_settings_standard(KOMET_CONTROLLING);
    link_settings.k = link_settings.w = 2;
    size_t size = komet_link_size(&link_settings);
    struct komet_link *link = komet_link_init(malloc(size), size, &link_settings, zero);
    struct komet_centre_settings settings = komet_centre_settings_standard();
    struct komet_centre *centre = make(&settings);
    struct komet_link_output output;
    for (uint32_t ioa = 1; ioa <= 3; ioa++) {
        struct komet_centre_request request = command(ioa);
        ask(centre, &request);
    }
    komet_link_start(link, zero);
    drain(link);
    assert_int_equal(pump(centre, link), 0); /* STARTDT con has not come */
    assert_int_equal(komet_link_feed(link, zero, startdt_con, sizeof startdt_con), sizeof startdt_con);
    drain(link);
    assert_int_equal(pump(centre, link), 2);
    assert_int_equal(pump(centre, link), 0);
    drain(link);
    assert_int_equal(komet_link_feed(link, zero, s_format, sizeof s_format), sizeof s_format);
    assert_true(komet_link_next(link, zero, &output));
    assert_int_equal(output.acknowledged, 2);
    assert_int_equal(pump(centre, link), 1);
    free(centre);
    free(link);
}

/* ---- against the station ---- */

enum { BREAKER, VOLTAGE, ENERGY, LIMIT, COMMAND, SELECTED, SET_POINT, POINT_COUNT };

/* Both engines, and what is between them: the ASDUs themselves. */
struct world {
    struct komet_instant now;
    struct komet_point points[POINT_COUNT];
    struct komet_centre *centre;
    struct komet_station *station;
    struct komet_utc station_clock; /* as the centre set it */
    struct komet_centre_event ends[64];
    unsigned end_count;
};

static const uint16_t addresses[] = {1, 2};

static void begin_world(struct world *world)
{
    struct komet_centre_settings settings = komet_centre_settings_standard();
    struct komet_station_settings station_settings = komet_station_settings_standard();
    *world = (struct world){
        .points = {
            [BREAKER] = {.ca = 1, .ioa = 100, .type = KOMET_M_SP_NA_1, .groups = 1},
            [VOLTAGE] = {.ca = 1, .ioa = 200, .type = KOMET_M_ME_NC_1, .object.value.real = 110.5F},
            [ENERGY] = {.ca = 1, .ioa = 300, .type = KOMET_M_IT_NA_1, .groups = 2},
            [LIMIT] = {.ca = 1, .ioa = 400, .type = KOMET_P_ME_NC_1},
            [COMMAND] = {.ca = 1, .ioa = 500, .type = KOMET_C_SC_NA_1},
            [SELECTED] = {.ca = 1, .ioa = 501, .type = KOMET_C_DC_NA_1, .select = KOMET_SELECT_REQUIRED},
            [SET_POINT] = {.ca = 2, .ioa = 500, .type = KOMET_C_SE_NC_1, .minimum = 1, .maximum = 2},
        }};
    station_settings.addresses = settings.stations = addresses;
    station_settings.address_count = settings.station_count = 2;
    station_settings.points = world->points;
    station_settings.point_count = POINT_COUNT;
    world->centre = make(&settings);
    size_t size = komet_station_size(&station_settings);
    world->station = komet_station_init(malloc(size), size, &station_settings);
    komet_station_started(world->station, 0);
}

static void end_world(struct world *world)
{
    free(world->centre);
    free(world->station);
}

/* The station's host: it agrees to everything. */
static void serve_station(struct world *world, const uint8_t *octets, size_t size)
{
    struct komet_station_event event;
    assert_int_equal(komet_station_receive(world->station, world->now, noon, 0, octets, size, &event),
                     KOMET_STATION_TAKEN);
    if (event.kind == KOMET_STATION_COMMAND || event.kind == KOMET_STATION_PARAMETER ||
        event.kind == KOMET_STATION_PARAMETER_ACTIVATION) {
        komet_station_confirm(world->station, world->now, event.id, true);
    }
    if (event.kind == KOMET_STATION_COMMAND && !event.object.select) {
        komet_station_finish(world->station, event.id, true);
    } else if (event.kind == KOMET_STATION_CLOCK) {
        world->station_clock = event.utc;
    }
}

static void note_ends(struct world *world)
{
    struct komet_centre_event event;
    while (komet_centre_next(world->centre, &event)) {
        if (event.kind >= KOMET_CENTRE_DONE) {
            world->ends[world->end_count++] = event;
        }
    }
}

/* Lets both talk until neither has anything to say; each ASDU is under way for 10 ms. */
static void talk(struct world *world)
{
    uint8_t octets[KOMET_ASDU_SIZE_MAX];
    for (bool any = true; any;) {
        size_t size = komet_centre_write(world->centre, world->now, noon, octets);
        any = size > 0;
        if (any) {
            world->now = komet_after(world->now, KOMET_MS(10));
            serve_station(world, octets, size);
        }
        while ((size = komet_station_write(world->station, world->now, noon, 0, octets)) > 0) {
            struct komet_asdu asdu;
            any = true;
            world->now = komet_after(world->now, KOMET_MS(10));
            assert_int_equal(komet_asdu_decode(&komet_profile_104, octets, size, &asdu), KOMET_ASDU_OK);
            komet_centre_receive(world->centre, world->now, &asdu);
            note_ends(world);
        }
        note_ends(world);
    }
}

/* Asks, lets both talk, and gives the one end that follows. */
static struct komet_centre_event run(struct world *world, uint8_t type, enum komet_centre_procedure procedure,
                                     uint16_t ca, struct komet_object object)
{
    struct komet_centre_request request = {.type = type,
                                           .procedure = procedure,
                                           .ca = ca,
                                           .terminates = true,
                                           .object = object,
                                           .deadline = KOMET_NEVER};
    assert_null(komet_centre_request_fault(world->centre, &request));
    assert_int_equal(komet_centre_request(world->centre, world->now, &request, NULL), KOMET_CENTRE_TAKEN);
    world->end_count = 0;
    talk(world);
    assert_int_equal(world->end_count, 1);
    return world->ends[0];
}

#define RUN(type, procedure, ca, ...)                                                                        \
    run(&world, type, KOMET_CENTRE_##procedure, ca, (struct komet_object){__VA_ARGS__})

static void test_services_against_the_station(void **state)
{
    (void)state;
    struct world world;
    struct komet_centre_event end;
    begin_world(&world);
    end = RUN(KOMET_C_IC_NA_1, ACTIVATE, 1, .qualifier = 20);
    assert_int_equal(end.kind, KOMET_CENTRE_DONE);
    assert_int_equal(end.values, 3);
    end = RUN(KOMET_C_IC_NA_1, ACTIVATE, 1, .qualifier = 21);
    assert_int_equal(end.values, 1);
    end = RUN(KOMET_C_IC_NA_1, ACTIVATE, KOMET_CA_BROADCAST_2, .qualifier = 20);
    assert_int_equal(end.kind, KOMET_CENTRE_DONE);
    assert_int_equal(end.terminated, 2);
    assert_int_equal(end.values, 3);
    end = RUN(KOMET_C_CI_NA_1, ACTIVATE, 1, .qualifier = 5);
    assert_int_equal(end.kind, KOMET_CENTRE_DONE);
    assert_int_equal(end.values, 1);
    end = RUN(KOMET_C_RD_NA_1, ACTIVATE, 1, .ioa = 200);
    assert_int_equal(end.kind, KOMET_CENTRE_DONE);
    assert_true(komet_object_number(&end.object) == 110.5);
    end = RUN(KOMET_C_RD_NA_1, ACTIVATE, 1, .ioa = 201);
    assert_int_equal(end.cause, KOMET_COT_UNKNOWN_IOA);
    end = RUN(KOMET_C_CS_NA_1, ACTIVATE, KOMET_CA_BROADCAST_2, .ioa = 0);
    assert_int_equal(end.kind, KOMET_CENTRE_DONE);
    assert_int_equal(end.confirmed, 2);
    assert_int_equal(world.station_clock.ms, noon.ms);
    assert_int_equal(RUN(KOMET_C_TS_NA_1, ACTIVATE, 1, .ioa = 0).kind, KOMET_CENTRE_DONE);
    assert_int_equal(RUN(KOMET_C_TS_TA_1, ACTIVATE, 1, .ioa = 0).kind, KOMET_CENTRE_DONE);
    assert_int_equal(RUN(KOMET_C_RP_NA_1, ACTIVATE, 1, .qualifier = 1).kind, KOMET_CENTRE_DONE);
    end = RUN(KOMET_C_CD_NA_1, ACTIVATE, 1, .ioa = 0);
    assert_int_equal(end.kind, KOMET_CENTRE_DONE);
    assert_int_equal(end.delay_us, KOMET_MS(10));
    RUN(KOMET_C_CS_NA_1, ACTIVATE, 1, .ioa = 0);
    assert_int_equal(world.station_clock.ms, noon.ms + 10);
    end_world(&world);
}

static void test_commands_against_the_station(void **state)
{
    (void)state;
    struct world world;
    struct komet_centre_event end;
    begin_world(&world);
    end = RUN(KOMET_C_SC_NA_1, ACTIVATE, 1, .ioa = 500, .value.single = true);
    assert_int_equal(end.kind, KOMET_CENTRE_DONE);
    assert_int_equal(end.terminated, 1);
    end = RUN(KOMET_C_SC_TA_1, SELECT_EXECUTE, 1, .ioa = 500, .value.single = true);
    assert_int_equal(end.kind, KOMET_CENTRE_DONE);
    end = RUN(KOMET_C_DC_NA_1, ACTIVATE, 1, .ioa = 501, .value.number = 1);
    assert_int_equal(end.kind, KOMET_CENTRE_REFUSED);
    assert_int_equal(end.cause, KOMET_COT_ACTIVATION_CON);
    assert_false(end.select_only);
    end = RUN(KOMET_C_DC_NA_1, SELECT_EXECUTE, 1, .ioa = 501, .value.number = 1);
    assert_int_equal(end.kind, KOMET_CENTRE_DONE);
    end = RUN(KOMET_C_DC_NA_1, SELECT, 1, .ioa = 501, .value.number = 1);
    assert_int_equal(end.kind, KOMET_CENTRE_DONE);
    assert_true(end.select_only);
    end = RUN(KOMET_C_DC_NA_1, DEACTIVATE, 1, .ioa = 501, .value.number = 1);
    assert_int_equal(end.kind, KOMET_CENTRE_DONE);
    end = RUN(KOMET_C_SE_NC_1, SELECT_EXECUTE, 2, .ioa = 500, .value.real = 9);
    assert_int_equal(end.kind, KOMET_CENTRE_REFUSED);
    assert_true(end.select_only);
    end = RUN(KOMET_C_SC_NA_1, ACTIVATE, 3, .ioa = 500);
    assert_int_equal(end.cause, KOMET_COT_UNKNOWN_CA);
    end = RUN(KOMET_C_BO_NA_1, ACTIVATE, 1, .ioa = 500);
    assert_int_equal(end.kind, KOMET_CENTRE_REFUSED);
    end = RUN(KOMET_P_ME_NC_1, ACTIVATE, 1, .ioa = 400, .value.real = 0.5F, .qualifier = 1);
    assert_int_equal(end.kind, KOMET_CENTRE_DONE);
    assert_true(world.points[LIMIT].object.value.real == 0.5F);
    end = RUN(KOMET_P_AC_NA_1, DEACTIVATE, 1, .ioa = 400, .qualifier = 3);
    assert_int_equal(end.kind, KOMET_CENTRE_DONE);
    assert_int_equal(komet_centre_counters(world.centre).unexpected, 0);
    end_world(&world);
}

/* ---- anything at all ---- */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void test_any_sequence(void **state)
{
    (void)state;
    enum { SCRIPTS = 20000, SIZE_MAX_OCTETS = 1200 };
    struct test_random random = {1};
    uint8_t octets[SIZE_MAX_OCTETS];
    for (unsigned script = 0; script < SCRIPTS; script++) {
        size_t size = 1 + test_random_below(&random, SIZE_MAX_OCTETS);
        for (size_t i = 0; i < size; i++) {
            octets[i] = (uint8_t)test_random_next(&random);
        }
        if (size > 2) {
            octets[1] = 13; /* connected to begin with: else half of the scripts send little */
        }
        LLVMFuzzerTestOneInput(octets, size);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_settings),
        cmocka_unit_test(test_requests_that_cannot_be_asked),
        cmocka_unit_test(test_settings_are_copied),
        cmocka_unit_test(test_size),
        cmocka_unit_test(test_ends_wait_for_the_host),
        cmocka_unit_test(test_link_window),
        cmocka_unit_test(test_services_against_the_station),
        cmocka_unit_test(test_commands_against_the_station),
        cmocka_unit_test(test_any_sequence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
