/* A listening line: who may connect, what goes out, what comes in, and what is left when a connection ends.
 */
#include "master_harness.h"

#include <stdio.h>
#include <string.h>

static void test_it_listens_only_when_it_acts_and_knows_its_values(void **state)
{
    struct masters_world *world = *state;
    masters_pump(world);
    assert_false(world->asked);
    masters_activate(world, 0);
    assert_true(line_report(world->line).value);
    masters_start(world, 0, 1);
    line_deactivate(world->line, world->now, KOMET_BECAME_PASSIVE);
    masters_pump(world);
    assert_false(world->listens);
    assert_false(line_report(world->line).value);
    assert_int_equal(world->masters[0].closed, KOMET_BECAME_PASSIVE);
    masters_activate(world, 0); /* and again */
    masters_start(world, 0, 1);
}

static void test_an_address_that_is_taken_is_tried_again(void **state)
{
    struct masters_world *world = *state;
    masters_activate(world, 0);
    line_deactivate(world->line, world->now, KOMET_BECAME_PASSIVE);
    masters_pump(world);
    line_activate(world->line, world->now);
    line_outgoing_begin(world->line, world->now, NULL, 0);
    line_outgoing_ready(world->line, world->now);
    masters_pump(world);
    world->asked = false;
    line_listening(world->line, world->now, "address in use");
    masters_pump(world);
    assert_false(world->asked || line_report(world->line).value);
    masters_advance(world, 1000);
    assert_true(komet_reached(world->now.instant, line_deadline(world->line)));
    masters_pump(world);
    assert_true(world->asked);
}

/* Conformance R6. */
static void test_a_stranger_is_refused_counted_and_told_once(void **state)
{
    struct masters_world *world = *state;
    masters_activate(world, 0);
    assert_false(masters_connect(world, 0, 77));
    assert_false(masters_connect(world, 0, 77));
    assert_false(masters_connect(world, 0, 78));
    assert_int_equal(line_counters(world->line).refused, 3);
    assert_string_equal(world->notes, "L.CENTRE: 10.9.0.77 is refused: it is none of the line's masters\n"
                                      "L.CENTRE: 10.9.0.78 is refused: it is none of the line's masters\n");
    assert_int_equal(line_report(world->line).connection_count, 0);
}

static void test_one_of_a_group_is_started_and_each_start_has_a_letter(void **state)
{
    struct masters_world *world = *state;
    masters_activate(world, 0);
    assert_int_equal(world->station_value, STATION_COMERR);
    masters_start(world, 0, 1);
    assert_int_equal(line_report(world->line).flags, 1);
    assert_int_equal(world->station_value, STATION_ON);
    masters_start(world, 1, 9);
    assert_int_equal(line_report(world->line).flags, 3);
    masters_start(world, 2, 2); /* of the group of the first, which is closed */
    assert_int_equal(world->masters[0].closed, KOMET_REPLACED);
    assert_int_equal(line_report(world->line).flags, 6);
    struct line_report report = line_report(world->line);
    assert_int_equal(report.connection_count, 3);
    assert_string_equal(report.connections[0].address, "10.9.0.1:40000");
    assert_int_equal(report.connections[0].reason, KOMET_REPLACED);
    for (unsigned i = 0; i < 14; i++) { /* behind P comes A again */
        masters_close(world, 1);
        masters_start(world, 1, 9);
    }
    assert_int_equal(line_report(world->line).flags, 1 | 4);
}

static void test_events_wait_for_each_group_and_come_again_on_its_next_connection(void **state)
{
    struct masters_world *world = *state;
    struct komet_object object;
    masters_activate(world, 0);
    masters_event(world, TAG_D, 1); /* nobody is there */
    masters_start(world, 0, 1);     /* which acknowledges each frame */
    assert_int_equal(masters_got(world, 0, 30, KOMET_COT_SPONTANEOUS, &object), 1);
    assert_true(object.value.single && object.quality == 0 && !object.time.invalid);
    assert_int_equal(world->taken[0], 1);
    assert_int_equal(world->taken[1], 0);
    world->masters[0].silent = true;
    masters_event(world, TAG_U, 1.5);
    masters_event(world, TAG_U, 2.5);
    assert_int_equal(masters_got(world, 0, 36, KOMET_COT_SPONTANEOUS, NULL), 2);
    assert_int_equal(world->taken[0], 1);
    masters_close(world, 0);
    masters_start(world, 2, 2); /* the group's other address */
    assert_int_equal(masters_got(world, 2, 30, KOMET_COT_SPONTANEOUS, NULL), 0);
    assert_int_equal(masters_got(world, 2, 36, KOMET_COT_SPONTANEOUS, &object), 2);
    assert_true(object.value.real == 2.5f);
    masters_start(world, 3, 9); /* the other group has had nothing yet */
    assert_int_equal(masters_got(world, 3, 30, KOMET_COT_SPONTANEOUS, NULL), 1);
    assert_int_equal(masters_got(world, 3, 36, KOMET_COT_SPONTANEOUS, NULL), 2);
}

/* A master acknowledges at its w, which is about 2/3 of k: with fewer frames under way it would wait for t2. */
static void test_as_many_frames_are_under_way_as_the_window_has_room_for(void **state)
{
    struct masters_world *world = *state;
    world->site.parameters.value[PARAMETER_K] = 90;
    world->site.parameters.value[PARAMETER_W] = 60;
    masters_again(world);
    masters_activate(world, 0);
    masters_start(world, 0, 1);
    world->masters[0].silent = true;
    for (unsigned i = 0; i < 89; i++) {
        masters_event(world, TAG_D, i % 2);
    }
    assert_int_equal(masters_got(world, 0, 30, KOMET_COT_SPONTANEOUS, NULL), 89);
}

static void test_of_values_without_time_the_newest_goes_out(void **state)
{
    struct masters_world *world = *state;
    struct komet_object object;
    masters_activate(world, 0);
    masters_event(world, TAG_LAST, 1);
    masters_event(world, TAG_D, 1);
    masters_event(world, TAG_LAST, 2);
    masters_start(world, 0, 1);
    assert_int_equal(masters_got(world, 0, 13, KOMET_COT_SPONTANEOUS, &object), 1);
    assert_true(object.value.real == 2.0f);
}

static void test_the_oldest_of_a_full_buffer_make_room_and_are_counted(void **state)
{
    struct masters_world *world = *state;
    struct komet_object object;
    masters_activate(world, 0);
    for (unsigned i = 1; i <= 105; i++) {
        masters_event(world, TAG_U, i);
    }
    assert_int_equal(line_counters(world->line).outgoing_lost, 2 * 5);
    assert_non_null(strstr(world->notes, "did not take their values: the oldest of 100 are lost"));
    masters_start(world, 0, 1);
    assert_int_equal(masters_got(world, 0, 36, KOMET_COT_SPONTANEOUS, &object), 100);
    assert_true(object.value.real == 105.0f);
}

static unsigned told(const struct masters_world *world, const char *what)
{
    unsigned count = 0;
    for (const char *at = world->notes; (at = strstr(at, what)) != NULL; at++) {
        count++;
    }
    return count;
}

/* Events until so many are lost; returns the position of the newest. */
static uint64_t lose(struct masters_world *world, unsigned lost)
{
    while (line_counters(world->line).outgoing_lost < lost) {
        masters_event(world, TAG_U, 1);
        assert_true(world->position < 10000);
    }
    return world->position;
}

/* Each acknowledgement made place for it to be told again, as often as masters too slow acknowledged. */
static void test_a_loss_is_told_once_and_again_when_the_masters_have_what_waited(void **state)
{
    struct masters_world *world = *state;
    char again[80];
    world->site.master_count = 1;
    masters_again(world);
    world->masters[0].silent = true;
    masters_activate(world, 0);
    masters_start(world, 0, 1);
    lose(world, 1);
    assert_int_equal(told(world, "did not take their values: the oldest of 100 are lost"), 1);
    komet_link_acknowledge(world->masters[0].link, world->now.instant, 4);
    masters_pump(world);
    assert_true(world->taken[0] > 0);
    uint64_t newest = lose(world, 10);
    masters_close(world, 0);
    assert_int_equal(told(world, "are lost"), 1);
    masters_start(world, 0, 1);
    for (unsigned rounds = 0; world->taken[0] < newest; rounds++) {
        assert_int_equal(told(world, "are lost"), 1);
        assert_true(rounds < 20);
        komet_link_acknowledge(world->masters[0].link, world->now.instant, world->masters[0].asdu_count);
        masters_pump(world);
    }
    snprintf(again, sizeof again, "masters %s take their values again: 10 are lost",
             world->site.masters[0].name);
    assert_int_equal(told(world, again), 1);
    masters_close(world, 0);
    lose(world, 11);
    assert_int_equal(told(world, "did not take their values"), 2);
}

static void test_what_the_masters_have_or_need_not_is_not_lost(void **state)
{
    struct masters_world *world = *state;
    masters_activate(world, 105);
    for (unsigned i = 1; i <= 105; i++) { /* they had them from another instance */
        masters_event(world, TAG_U, i);
    }
    for (unsigned i = 1; i <= 205; i++) { /* only the newest is wanted */
        masters_event(world, TAG_LAST, i);
    }
    assert_int_equal(line_counters(world->line).outgoing_lost, 0);
    assert_int_equal(told(world, "are lost"), 0);
}

static void test_what_the_masters_have_is_not_sent_again(void **state)
{
    struct masters_world *world = *state;
    const uint64_t positions[2] = {2, 3};
    line_activate(world->line, world->now);
    line_outgoing_begin(world->line, world->now, positions, 2);
    for (unsigned i = 1; i <= 4; i++) { /* what another instance sent before, from the journal */
        masters_event(world, TAG_U, i);
    }
    line_outgoing_ready(world->line, world->now);
    masters_pump(world);
    world->listens = true;
    line_listening(world->line, world->now, NULL);
    masters_start(world, 0, 1);
    masters_start(world, 1, 9);
    assert_int_equal(masters_got(world, 0, 36, KOMET_COT_SPONTANEOUS, NULL), 2);
    assert_int_equal(masters_got(world, 1, 36, KOMET_COT_SPONTANEOUS, NULL), 1);
}

static void test_without_groups_each_connection_begins_with_what_comes(void **state)
{
    struct masters_world *world = *state;
    world->site.master_count = 0;
    masters_again(world);
    masters_activate(world, 0);
    masters_event(world, TAG_U, 1);
    for (unsigned i = 0; i < LINE_CONNECTIONS_MAX; i++) {
        masters_start(world, i, (uint8_t)(100 + i)); /* none replaces another */
    }
    assert_false(masters_connect(world, LINE_CONNECTIONS_MAX, 1));
    masters_event(world, TAG_U, 2);
    for (unsigned i = 0; i < LINE_CONNECTIONS_MAX; i++) {
        assert_int_equal(masters_got(world, i, 36, KOMET_COT_SPONTANEOUS, NULL), 1);
    }
    masters_close(world, 3);
    masters_event(world, TAG_U, 3);
    masters_start(world, 3, 103);
    assert_int_equal(masters_got(world, 3, 36, KOMET_COT_SPONTANEOUS, NULL), 0);
}

static void test_interrogations_are_answered_with_what_the_tags_have(void **state)
{
    struct masters_world *world = *state;
    struct komet_object object;
    masters_activate(world, 0);
    masters_start(world, 0, 1);
    masters_event(world, TAG_D, 1);
    masters_event(world, TAG_C, 42);
    masters_send(world, 0, KOMET_C_IC_NA_1, KOMET_COT_ACTIVATION, (struct komet_object){.qualifier = 20});
    assert_int_equal(masters_got(world, 0, 1, 20, &object), 1);
    assert_true(object.value.single);
    assert_int_equal(masters_got(world, 0, 13, 20, &object), 2);
    assert_int_equal(object.quality, KOMET_QUALITY_IV | KOMET_QUALITY_NT); /* nobody knows it */
    assert_int_equal(masters_got(world, 0, KOMET_C_IC_NA_1, KOMET_COT_ACTIVATION_TERMINATION, NULL), 1);
    masters_send(world, 0, KOMET_C_IC_NA_1, KOMET_COT_ACTIVATION, (struct komet_object){.qualifier = 21});
    assert_int_equal(masters_got(world, 0, 1, 21, NULL), 1);
    masters_send(world, 0, KOMET_C_CI_NA_1, KOMET_COT_ACTIVATION, (struct komet_object){.qualifier = 5});
    assert_int_equal(masters_got(world, 0, 15, KOMET_COT_COUNTERS_GENERAL, &object), 1);
    assert_int_equal(object.value.number, 42);
    masters_send(world, 0, KOMET_C_RD_NA_1, KOMET_COT_REQUEST, (struct komet_object){.ioa = 10});
    assert_int_equal(masters_got(world, 0, 1, KOMET_COT_REQUEST, NULL), 1);
    struct komet_object clock = {.time_size = KOMET_TIME_CP56};
    komet_cp56_from_utc(&clock.time, world->now.utc, 0);
    masters_send(world, 0, KOMET_C_CS_NA_1, KOMET_COT_ACTIVATION, clock);
    assert_int_equal(masters_got(world, 0, KOMET_C_CS_NA_1, KOMET_COT_ACTIVATION_CON, NULL), 1);
}

/* The command goes to the server; its frame is acknowledged when it is on disk, and it is confirmed at its
 * end. */
static void test_a_command_is_confirmed_when_it_has_ended(void **state)
{
    struct masters_world *world = *state;
    struct komet_link_counters counters;
    masters_activate(world, 0);
    masters_start(world, 0, 1);
    masters_send(world, 0, KOMET_C_SC_NA_1, KOMET_COT_ACTIVATION,
                 (struct komet_object){.ioa = 20, .value.single = true, .qualifier = 1});
    assert_int_equal(world->command_count, 1);
    const struct line_master_command *command = &world->commands[0];
    assert_ptr_equal(command->tag, &world->tags[TAG_CMD]);
    assert_true(command->value.number == 1 && !command->select);
    assert_int_equal(command->value.flags, 0x05); /* SCO as it came */
    assert_string_equal(command->master, "L.CENTRE 10.9.0.1");
    masters_advance(world, 11000); /* beyond our t2: what is not stored is not acknowledged */
    masters_pump(world);
    komet_link_counters(world->masters[0].link, &counters);
    assert_int_equal(counters.unacknowledged_sent, 1);
    line_master_stored(world->line, world->now, command->id);
    masters_advance(world, 11000);
    masters_pump(world);
    assert_int_equal(masters_got(world, 0, KOMET_C_SC_NA_1, KOMET_COT_ACTIVATION_CON, NULL), 0);
    line_master_answer(world->line, world->now, command->id, COMMAND_DONE, 0);
    masters_pump(world);
    assert_int_equal(masters_got(world, 0, KOMET_C_SC_NA_1, KOMET_COT_ACTIVATION_CON, NULL), 1);
    assert_int_equal(masters_got(world, 0, KOMET_C_SC_NA_1, KOMET_COT_ACTIVATION_TERMINATION, NULL),
                     0);                                                       /* CMDC 1 */
    line_master_answer(world->line, world->now, command->id, COMMAND_DONE, 0); /* means nothing any more */
    masters_pump(world);
    assert_int_equal(masters_got(world, 0, KOMET_C_SC_NA_1, KOMET_COT_ACTIVATION_CON, NULL), 1);
}

static void test_confirmations_are_what_cmdc_says(void **state)
{
    struct masters_world *world = *state;
    for (int64_t cmdc = 0; cmdc <= 3; cmdc++) {
        world->station.parameters.value[PARAMETER_CMDC] = cmdc;
        masters_again(world);
        world->command_count = 0;
        masters_activate(world, 0);
        masters_start(world, 0, 1);
        for (unsigned i = 0; i < 2; i++) {
            masters_send(world, 0, KOMET_C_SE_NC_1, KOMET_COT_ACTIVATION,
                         (struct komet_object){.ioa = 21, .value.real = 1.5f});
            line_master_stored(world->line, world->now, world->commands[i].id);
            line_master_answer(world->line, world->now, world->commands[i].id,
                               i == 0 ? COMMAND_DONE : COMMAND_REFUSED, 0);
            masters_pump(world);
        }
        /* The refused one always. */
        assert_int_equal(masters_got(world, 0, KOMET_C_SE_NC_1, KOMET_COT_ACTIVATION_CON, NULL),
                         1 + ((cmdc & 1) != 0 ? 1 : 0));
        assert_int_equal(masters_got(world, 0, KOMET_C_SE_NC_1, KOMET_COT_ACTIVATION_TERMINATION, NULL),
                         (cmdc & 2) != 0 ? 1 : 0);
        line_deactivate(world->line, world->now, KOMET_SHUTDOWN);
        masters_pump(world);
    }
}

static void test_a_refusal_has_the_cause_of_the_station_that_refused(void **state)
{
    struct masters_world *world = *state;
    masters_activate(world, 0);
    masters_start(world, 0, 1);
    for (uint8_t cause = KOMET_COT_UNKNOWN_TYPE; cause <= KOMET_COT_UNKNOWN_IOA; cause++) {
        masters_send(world, 0, KOMET_C_SE_NC_1, KOMET_COT_ACTIVATION,
                     (struct komet_object){.ioa = 21, .value.real = cause});
        uint64_t id = world->commands[world->command_count - 1].id;
        line_master_stored(world->line, world->now, id);
        line_master_answer(world->line, world->now, id, COMMAND_REFUSED, cause);
        masters_pump(world);
        assert_int_equal(masters_got(world, 0, KOMET_C_SE_NC_1, cause, NULL), 1);
    }
    assert_int_equal(masters_got(world, 0, KOMET_C_SE_NC_1, KOMET_COT_ACTIVATION_CON, NULL), 0);
}

/* The seed's trap: what equals the last value that this instance let go on goes nowhere, with changes-only.
 */
static void test_the_filter_of_an_instance_and_its_way_out(void **state)
{
    struct masters_world *world = *state;
    struct komet_object off = {.ioa = 20}, on = {.ioa = 20, .value.single = true};
    masters_activate(world, 0);
    masters_start(world, 0, 1);
    const struct komet_object given[] = {off, off, on, on};
    const unsigned handed_on[] = {1, 1, 2, 2};
    for (unsigned i = 0; i < 4; i++) {
        masters_send(world, 0, KOMET_C_SC_NA_1, KOMET_COT_ACTIVATION, given[i]);
        assert_int_equal(world->command_count, handed_on[i]);
        if (i % 2 == 0) {
            line_master_answer(world->line, world->now, world->commands[world->command_count - 1].id,
                               COMMAND_DONE, 0);
            masters_pump(world);
        }
        assert_int_equal(masters_got(world, 0, KOMET_C_SC_NA_1, KOMET_COT_ACTIVATION_CON, NULL), i + 1);
    }
    world->changes.given = (uint16_t)(world->changes.given | 1u << PROCESSING_NEW_TIME);
    masters_advance(world, 5);
    masters_send(world, 0, KOMET_C_SC_NA_1, KOMET_COT_ACTIVATION, on);
    assert_int_equal(world->command_count, 3);
}

static void test_selections(void **state)
{
    struct masters_world *world = *state;
    struct komet_object execute = {.ioa = 21, .value.real = 2}, select = execute;
    select.select = true;
    world->station.parameters.value[PARAMETER_SBE] = 1;
    masters_again(world);
    masters_activate(world, 0);
    masters_start(world, 0, 1);
    masters_send(world, 0, KOMET_C_SE_NC_1, KOMET_COT_ACTIVATION, execute); /* refused: nothing is selected */
    assert_int_equal(world->command_count, 0);
    assert_int_equal(masters_got(world, 0, KOMET_C_SE_NC_1, KOMET_COT_ACTIVATION_CON, NULL), 1);
    masters_send(world, 0, KOMET_C_SE_NC_1, KOMET_COT_ACTIVATION, select);
    assert_int_equal(world->command_count, 1);
    assert_true(world->commands[0].select);
    line_master_answer(world->line, world->now, world->commands[0].id, COMMAND_DONE, 0);
    masters_pump(world);
    assert_int_equal(masters_got(world, 0, KOMET_C_SE_NC_1, KOMET_COT_ACTIVATION_CON, NULL), 2);
    masters_send(world, 0, KOMET_C_SE_NC_1, KOMET_COT_ACTIVATION, execute);
    assert_int_equal(world->command_count, 2);
    assert_false(world->commands[1].select);
}

static void test_an_answer_for_a_master_that_is_gone_means_nothing(void **state)
{
    struct masters_world *world = *state;
    masters_activate(world, 0);
    masters_start(world, 0, 1);
    masters_send(world, 0, KOMET_C_SE_NC_1, KOMET_COT_ACTIVATION, (struct komet_object){.ioa = 21});
    masters_close(world, 0);
    masters_start(world, 1, 2);
    line_master_stored(world->line, world->now, world->commands[0].id);
    line_master_answer(world->line, world->now, world->commands[0].id, COMMAND_DONE, 0);
    masters_pump(world);
    assert_int_equal(world->masters[1].asdu_count, 0);
}

static void test_what_fits_nothing_is_mirrored(void **state)
{
    struct masters_world *world = *state;
    masters_activate(world, 0);
    masters_start(world, 0, 1);
    masters_send(world, 0, KOMET_C_SC_NA_1, KOMET_COT_ACTIVATION, (struct komet_object){.ioa = 99});
    assert_int_equal(masters_got(world, 0, KOMET_C_SC_NA_1, KOMET_COT_UNKNOWN_IOA, NULL), 1);
    masters_send(world, 0, KOMET_C_SC_NA_1, KOMET_COT_SPONTANEOUS, (struct komet_object){.ioa = 20});
    assert_int_equal(masters_got(world, 0, KOMET_C_SC_NA_1, KOMET_COT_UNKNOWN_CAUSE, NULL), 1);
    masters_send(world, 0, KOMET_P_ME_NC_1, KOMET_COT_ACTIVATION, (struct komet_object){.ioa = 20});
    assert_int_equal(world->command_count, 0);
}

static void test_the_end_of_initialization_comes_first(void **state)
{
    struct masters_world *world = *state;
    world->site.parameters.value[PARAMETER_EOI] = 1;
    masters_again(world);
    masters_activate(world, 0);
    masters_event(world, TAG_U, 1);
    world->masters[0].silent = true;
    masters_start(world, 0, 1);
    assert_int_equal(world->masters[0].asdus[0].octets[0], KOMET_M_EI_NA_1);
    assert_int_equal(masters_got(world, 0, 36, KOMET_COT_SPONTANEOUS, NULL), 1);
    masters_close(world, 0);
    world->masters[0].silent = false;
    masters_start(world, 0, 1); /* it was not acknowledged */
    assert_int_equal(masters_got(world, 0, KOMET_M_EI_NA_1, KOMET_COT_INITIALIZED, NULL), 1);
    masters_close(world, 0);
    masters_start(world, 0, 1); /* now it was */
    assert_int_equal(masters_got(world, 0, KOMET_M_EI_NA_1, KOMET_COT_INITIALIZED, NULL), 0);
}

/* Who stops at the octets of one connection has taken what came on the others. */
static void test_octets_go_last(void **state)
{
    struct masters_world *world = *state;
    masters_activate(world, 0);
    masters_start(world, 0, 1);
    masters_start(world, 1, 9);
    world->masters[0].blocked = true;
    masters_event(world, TAG_D, 1);
    masters_send(world, 1, KOMET_C_SC_NA_1, KOMET_COT_ACTIVATION,
                 (struct komet_object){.ioa = 20, .value.single = true});
    assert_int_equal(world->command_count, 1);
    masters_send(world, 1, KOMET_C_SE_NC_1, KOMET_COT_ACTIVATION,
                 (struct komet_object){.ioa = 21, .value.real = 2.5f});
    assert_int_equal(world->command_count, 2);
    world->masters[0].blocked = false;
    masters_pump(world);
    assert_int_equal(masters_got(world, 0, 30, KOMET_COT_SPONTANEOUS, NULL), 1);
    assert_int_equal(masters_got(world, 1, 30, KOMET_COT_SPONTANEOUS, NULL), 1);
}

static void test_with_a_disabled_station_is_not_spoken(void **state)
{
    struct masters_world *world = *state;
    masters_activate(world, 0);
    masters_start(world, 0, 1);
    line_set_mode(world->line, world->now, &world->station, STATION_DISABLED);
    masters_pump(world);
    assert_int_equal(world->masters[0].closed, KOMET_DISABLED);
    assert_false(world->listens);
    assert_int_equal(world->station_value, STATION_OFF);
    line_set_mode(world->line, world->now, &world->station, 0);
    masters_pump(world);
    assert_true(world->asked);
}

static void test_a_master_that_asks_and_takes_no_answer_is_closed(void **state)
{
    struct masters_world *world = *state;
    masters_activate(world, 0);
    masters_start(world, 0, 1);
    world->masters[0].silent = true;
    for (unsigned i = 0; i < 100 && world->masters[0].link != NULL; i++) {
        if (komet_link_room(world->masters[0].link) == 0) {
            masters_advance(world, 10001); /* our t2 */
            masters_pump(world);
            continue;
        }
        masters_send(world, 0, KOMET_C_RD_NA_1, KOMET_COT_REQUEST, (struct komet_object){.ioa = 10});
    }
    assert_null(world->masters[0].link);
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, masters_set_up, masters_tear_down)
    const struct CMUnitTest tests[] = {
        CASE(test_it_listens_only_when_it_acts_and_knows_its_values),
        CASE(test_an_address_that_is_taken_is_tried_again),
        CASE(test_a_stranger_is_refused_counted_and_told_once),
        CASE(test_one_of_a_group_is_started_and_each_start_has_a_letter),
        CASE(test_events_wait_for_each_group_and_come_again_on_its_next_connection),
        CASE(test_as_many_frames_are_under_way_as_the_window_has_room_for),
        CASE(test_of_values_without_time_the_newest_goes_out),
        CASE(test_the_oldest_of_a_full_buffer_make_room_and_are_counted),
        CASE(test_a_loss_is_told_once_and_again_when_the_masters_have_what_waited),
        CASE(test_what_the_masters_have_or_need_not_is_not_lost),
        CASE(test_what_the_masters_have_is_not_sent_again),
        CASE(test_without_groups_each_connection_begins_with_what_comes),
        CASE(test_interrogations_are_answered_with_what_the_tags_have),
        CASE(test_a_command_is_confirmed_when_it_has_ended),
        CASE(test_confirmations_are_what_cmdc_says),
        CASE(test_a_refusal_has_the_cause_of_the_station_that_refused),
        CASE(test_the_filter_of_an_instance_and_its_way_out),
        CASE(test_selections),
        CASE(test_an_answer_for_a_master_that_is_gone_means_nothing),
        CASE(test_what_fits_nothing_is_mirrored),
        CASE(test_the_end_of_initialization_comes_first),
        CASE(test_octets_go_last),
        CASE(test_with_a_disabled_station_is_not_spoken),
        CASE(test_a_master_that_asks_and_takes_no_answer_is_closed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
