/* What a journal gives back: to the next server at its start, and to who asks for events and commands. */
#include "journal_harness.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* The newest page, and how many came. */
static struct {
    unsigned count;
    struct journal_page page;
    char fault[JOURNAL_FAULT_SIZE];
    struct journal_event_row events[JOURNAL_PAGE_ROWS];
    struct journal_command_row commands[JOURNAL_PAGE_ROWS];
} newest;

static void put_batch(struct world *world, uint8_t instance, uint64_t run, uint64_t sequence)
{
    struct record given = world_record(world, RECORD_BATCH, "SELF.KOM");
    given.instance = instance;
    given.of.batch.run = run;
    given.of.batch.sequence = sequence;
    journal_append(world->journal, &given);
}

static void put_grant(struct world *world, const char *process, uint64_t epoch)
{
    struct record given = world_record(world, RECORD_GRANT, process);
    given.of.grant.epoch = epoch;
    journal_append(world->journal, &given);
}

static void put_command(struct world *world, uint64_t id, const char *tag, int64_t given_ms, uint8_t result,
                        const char *reason)
{
    struct record given =
        world_record(world, result == 0 ? RECORD_COMMAND_BEGIN : RECORD_COMMAND_END, "SELF.KOM");
    struct record_command *command = &given.of.command;
    *command = (struct record_command){.id = id,
                                       .word = "SET",
                                       .number = 12.5,
                                       .flags = 0x8001,
                                       .user = {"alice", true},
                                       .epoch = 3,
                                       .given = {given_ms},
                                       .ended = KOMET_UTC_UNKNOWN,
                                       .result = result};
    if (result != 0) {
        command->ended.ms = given_ms + 7;
    }
    snprintf(command->tag, sizeof command->tag, "%s", tag);
    snprintf(command->reason, sizeof command->reason, "%s", reason);
    journal_append(world->journal, &given);
}

static void on_page(void *context, const struct journal_page *page)
{
    (void)context;
    newest.count++;
    newest.page = *page;
    snprintf(newest.fault, sizeof newest.fault, "%s", page->fault);
    if (page->events != NULL) {
        memcpy(newest.events, page->events, page->count * sizeof page->events[0]);
    }
    if (page->commands != NULL) {
        memcpy(newest.commands, page->commands, page->count * sizeof page->commands[0]);
    }
}

static struct journal_query query(enum journal_query_kind kind, const char *mask)
{
    struct journal_query made = {.kind = kind, .from = KOMET_UTC_UNKNOWN, .to = KOMET_UTC_UNKNOWN};
    snprintf(made.mask, sizeof made.mask, "%s", mask);
    return made;
}

static bool has_page(const struct world *world)
{
    (void)world;
    return newest.count > 0;
}

/* Reads one page into `newest`. */
static void read_page(struct world *world, const struct journal_query *wanted)
{
    newest.count = 0;
    journal_read(world->journal, wanted, on_page, world);
    world_run_until(world, has_page);
    assert_string_equal(newest.fault, "");
}

/* A server is made from what the journal has. */
static void recover(struct world *world)
{
    harness_restart(&world->harness);
    assert_true(journal_recover(world->journal, world->harness.server, world->fault));
    server_recovered(world->harness.server, world->harness.now);
}

static double shown(const struct world *world, const char *name)
{
    return server_value(world->harness.server, harness_tag(&world->harness, name))->number;
}

/* ---- what a server gets back ---- */

static void test_grants_and_batches_come_back(void **state)
{
    struct world *world = *state;
    struct harness *harness = &world->harness;
    world_open(world);
    world_next_ticket(world);
    put_grant(world, "SELF.KOM", 8);
    put_grant(world, "SELF.KOM", 9);
    put_grant(world, "OTHER.KOM", 4);
    put_batch(world, 1, 1001, 1);
    put_batch(world, 2, 7, 500);
    put_batch(world, 1, 1001, 2);
    world_put_event(world, "M.P", 1, 1000);
    world_commit_and_wait(world);
    world_reopen(world);
    recover(world);
    harness_kom(harness, 1);
    harness_hello(harness, 8, "OTHER.KOM", 1, 1);
    assert_int_equal(harness_records(harness, RECORD_GRANT), 0); /* one lease is waited */
    harness_forget(harness);
    harness_advance(harness, HARNESS_LEASE);
    assert_int_equal(harness_records(harness, RECORD_GRANT), 2);
    assert_int_equal(harness->records[0].of.grant.epoch, 10);
    assert_int_equal(harness->records[1].of.grant.epoch, 5);
    harness_store(harness);
    harness->epoch = 10;
    harness->sequence = 1;
    harness->connection = 9;
    struct given given = {.tag = "M.P", .number = 7, .cot = 3, .time_ms = 9000, .tagged = true};
    harness_forget(harness);
    harness_give(harness, 1, given); /* sequence 2 was taken */
    assert_int_equal(harness->record_count, 0);
    harness_give(harness, 1, given);
    assert_int_equal(harness_records(harness, RECORD_EVENT), 1);
}

static void test_the_newest_event_of_each_tag_comes_back(void **state)
{
    struct world *world = *state;
    world_open(world);
    world_next_ticket(world);
    world_put_event(world, "M.D", 1, 1000);
    world_put_event(world, "M.P", 1.25, 1000);
    world_put_event(world, "M.D", 0, 2000);
    world_put_event(world, "M.B", 1, 500);
    world_commit_and_wait(world);
    world_reopen(world);
    world_next_ticket(world);
    world_put_event(world, "M.P", 2.25, 3000);
    world_commit_and_wait(world);
    world_reopen(world);
    recover(world);
    assert_true(shown(world, "M.D") == 0 && shown(world, "M.P") == 2.25 && shown(world, "M.B") == 1);
    const struct value *value = server_value(world->harness.server, harness_tag(&world->harness, "M.P"));
    assert_int_equal(value->status, STATUS_VALID);
    assert_true(value->time.ms == 3000 && value->arrived.ms == 3010);
    assert_true(value->cot == KOMET_COT_SPONTANEOUS && value->asdu_type == KOMET_M_ME_TF_1);
    value = server_value(world->harness.server, harness_tag(&world->harness, "M.U"));
    assert_int_equal(value->status, STATUS_UNKNOWN);
}

/* More events of one tag than are read at a start: the others come from the list of the newest. */
static void flood(struct world *world)
{
    world_next_ticket(world);
    for (int i = 0; i < 3 * RECOVERED_EVENTS_MAX + 10; i++) { /* there are three lines */
        world_put_event(world, "M.P", i, 100000 + i);
    }
    world_commit_and_wait(world);
}

static void test_a_tag_that_is_rarely_heard_comes_back(void **state)
{
    struct world *world = *state;
    world_open(world);
    world_next_ticket(world);
    world_put_event(world, "M.D", 0, 1000);
    world_put_event(world, "M.D", 1, 2000);
    world_commit_and_wait(world);
    flood(world);
    world_reopen(world);
    recover(world);
    assert_true(shown(world, "M.D") == 1);
    assert_true(shown(world, "M.P") == 3 * RECOVERED_EVENTS_MAX + 9);
}

/* What the engine of a server hands out becomes what the next one shows. */
static void put_all_records(struct world *world)
{
    const struct harness *harness = &world->harness;
    for (unsigned i = 0; i < harness->record_count; i++) {
        journal_append(world->journal, &harness->records[i]);
        world->ticket = harness->records[i].ticket;
    }
    world_commit_and_wait(world);
}

/* A process's value is an event like a tag's, and its newest comes back; the preferred instance, too. */
static void test_values_of_processes_and_the_preferred_instance_come_back(void **state)
{
    struct world *world = *state;
    struct harness *harness = &world->harness;
    const struct process *process = harness_process(harness, "SELF.KOM");
    const struct journal_query wanted = query(JOURNAL_EVENTS, "*SELF.KOM");
    value_flags flags;
    struct komet_utc time;
    world_open(world);
    harness_kom(harness, 1);
    harness_kom(harness, 2);
    harness_close(harness, 2, true);
    server_set_preferred(harness->server, harness->now, 1, &(struct record_user){"alice", true}, process, 2);
    harness_drain(harness);
    put_all_records(world);
    read_page(world, &wanted);
    assert_int_equal(newest.page.count, 7);
    static const char *const names[] = {"[1]_SELF.KOM", "SELF.KOM", "[2]_SELF.KOM", "SELF.KOM",
                                        "[2]_SELF.KOM", "SELF.KOM", "SELF.KOM"};
    for (unsigned i = 0; i < 7; i++) {
        assert_string_equal(newest.events[i].tag, names[i]);
        assert_true(newest.events[i].of_process);
        assert_string_equal(newest.events[i].user.name, i == 6 ? "alice" : ""); /* who prefers instance 2 */
    }
    assert_true(newest.events[4].value.number == PROCESS_CRASH && newest.events[4].instance == 2);
    assert_int_equal(newest.events[5].value.flags, 0x2);
    world_reopen(world);
    recover(world);
    assert_int_equal(server_instances(harness->server, process)->preferred, 2);
    assert_int_equal(server_instances(harness->server, process)->member[2].value, PROCESS_CRASH);
    assert_int_equal(server_process_value(harness->server, process, &flags, &time), PROCESS_RUN);
    assert_int_equal(flags, 0x2);
    assert_int_equal(time.ms, newest.events[5].value.time.ms);
}

/* What was said of a station holds over a restart, and is a command; its value is an event. */
static void test_stations_come_back(void **state)
{
    struct world *world = *state;
    struct harness *harness = &world->harness;
    const struct station *station = site_find_station(harness->site.site, "B.A");
    const struct journal_query events = query(JOURNAL_EVENTS, "B.*");
    const struct journal_query commands = query(JOURNAL_COMMANDS, "");
    world_open(world);
    harness_kom(harness, 1);
    server_control(harness->server, harness->now, 1, &(struct record_user){"alice", true}, station,
                   STATION_DISABLE);
    harness_drain(harness);
    harness_store(harness);
    put_all_records(world);
    read_page(world, &events);
    assert_int_equal(newest.page.count, 1);
    assert_string_equal(newest.events[0].tag, "B.A");
    assert_true(newest.events[0].of_station && newest.events[0].value.number == STATION_OFF);
    read_page(world, &commands);
    assert_int_equal(newest.page.count, 1);
    assert_true(newest.commands[0].of_station);
    assert_string_equal(newest.commands[0].word, "DISABLE");
    assert_string_equal(newest.commands[0].command.user.name, "alice");
    assert_int_equal(newest.commands[0].command.result, COMMAND_DONE);
    world_reopen(world);
    recover(world);
    harness_drain(harness);
    assert_int_equal(server_station_mode(harness->server, station), STATION_DISABLED);
    assert_int_equal(harness_records(harness, RECORD_STATION_VALUE), 0); /* it is what it was */
}

/* Values without time tag have no order but that of the journal, also when our clock was set back. */
static void test_untagged_values_come_back_in_order(void **state)
{
    struct world *world = *state;
    struct harness *harness = &world->harness;
    world_open(world);
    harness_active(harness, 1);
    for (int number = 1; number <= 3; number++) {
        harness->now.utc.ms -= 1000;
        harness_give(harness, 1,
                     (struct given){.tag = "M.BACK",
                                    .number = number,
                                    .cot = KOMET_COT_SPONTANEOUS,
                                    .time_ms = harness->now.utc.ms,
                                    .arrival = true});
    }
    put_all_records(world);
    world_reopen(world);
    recover(world);
    assert_true(shown(world, "M.BACK") == 3);
}

static void test_an_older_event_is_not_the_newest(void **state)
{
    struct world *world = *state;
    struct harness *harness = &world->harness;
    world_open(world);
    harness_active(harness, 1);
    harness_give(harness, 1,
                 (struct given){.tag = "M.BACK", .number = 5, .cot = 3, .time_ms = 2000, .tagged = true});
    harness_give(harness, 1,
                 (struct given){.tag = "M.BACK", .number = 4, .cot = 3, .time_ms = 1000, .tagged = true});
    assert_true(shown(world, "M.BACK") == 5);
    put_all_records(world);
    world_reopen(world);
    recover(world);
    assert_true(shown(world, "M.BACK") == 5); /* both are near */
    flood(world);
    world_reopen(world);
    recover(world);
    assert_true(shown(world, "M.BACK") == 5); /* both are far */
}

static void test_repeats_are_known_after_a_restart(void **state)
{
    struct world *world = *state;
    struct harness *harness = &world->harness;
    world_open(world);
    harness_active(harness, 1);
    const struct given first = {.tag = "M.P", .number = 1, .cot = 3, .time_ms = 1000, .tagged = true};
    const struct given second = {.tag = "M.B", .number = 1, .cot = 3, .time_ms = 2000, .tagged = true};
    harness_give(harness, 1, first);
    harness_give(harness, 1, first); /* two events with the same octets */
    harness_give(harness, 1, second);
    put_all_records(world);
    world_reopen(world);
    recover(world);
    harness_advance(harness, HARNESS_LEASE);
    harness_active(harness, 2);
    harness_forget(harness);
    harness_give(harness, 2, first);
    harness_give(harness, 2, first);
    harness_give(harness, 2, second);
    assert_int_equal(harness_records(harness, RECORD_EVENT), 0);
    harness_give(harness, 2, first);
    assert_int_equal(harness_records(harness, RECORD_EVENT), 1);
}

static void test_what_cannot_be_read_is_said(void **state)
{
    struct world *world = *state;
    world_open(world);
    world_ask_file(world, "DROP TABLE grants");
    harness_restart(&world->harness);
    assert_false(journal_recover(world->journal, world->harness.server, world->fault));
    assert_string_equal(world->fault, "the journal cannot be read: no such table: grants");
    server_recovered(world->harness.server, world->harness.now);
}

/* ---- reading ---- */

/* Out of an instance's own buffer: in the rows, for the choice of what a tag shows, and taken once. */
static void test_what_came_late_is_known_as_such(void **state)
{
    struct world *world = *state;
    struct harness *harness = &world->harness;
    world_open(world);
    harness_active(harness, 1);
    harness_give(harness, 1,
                 (struct given){.tag = "M.P", .number = 5, .cot = 20, .time_ms = 9000, .arrival = true});
    struct columns *columns = harness_batch(harness);
    columns->body.buffer = UINT64_MAX - 1; /* any number of 64 bits */
    columns->body.sequence = 8;
    harness_put(harness, columns,
                (struct given){.tag = "M.P", .number = 4, .cot = 3, .time_ms = 10000, .tagged = true});
    harness_feed(harness, 1, &columns->message);
    put_all_records(world);
    world_reopen(world);
    recover(world);
    assert_true(shown(world, "M.P") == 5);
    struct journal_query all = query(JOURNAL_EVENTS, "M.P");
    read_page(world, &all);
    assert_int_equal(newest.page.count, 2);
    assert_false(newest.events[0].archived);
    assert_true(newest.events[0].value.time_origin == TIME_OF_ARRIVAL);
    assert_true(newest.events[1].archived);
    assert_true(newest.events[1].value.time_origin == TIME_FROM_STATION);
    harness_kom(harness, 1);
    harness_forget(harness);
    columns = harness_batch(harness);
    columns->body.buffer = UINT64_MAX - 1;
    columns->body.sequence = 8;
    harness_put(harness, columns,
                (struct given){.tag = "M.P", .number = 3, .cot = 3, .time_ms = 11000, .tagged = true});
    harness_feed(harness, 1, &columns->message);
    assert_int_equal(harness_records(harness, RECORD_EVENT), 0);
}

static void test_an_event_is_read_as_it_was_put_in(void **state)
{
    struct world *world = *state;
    world_open(world);
    world_next_ticket(world);
    world_put_event(world, "M.P", 12.5, 1000);
    struct record given = world_record(world, RECORD_EVENT, "OTHER.KOM");
    const struct tag *tag = harness_tag(&world->harness, "M.O");
    given.instance = 15;
    given.of.event = (struct record_event){.tag = tag->name,
                                           .tag_number = tag_site_number(tag),
                                           .type = TAG_DI,
                                           .value = {.number = NAN,
                                                     .status = STATUS_INVALID,
                                                     .flags = 0xFFFF,
                                                     .cot = 20,
                                                     .asdu_type = 255,
                                                     .time_origin = TIME_OF_ARRIVAL,
                                                     .time = KOMET_UTC_UNKNOWN,
                                                     .arrived = {-5}},
                                           .epoch = UINT64_C(1) << 40};
    journal_append(world->journal, &given);
    world_commit_and_wait(world);
    struct journal_query all = query(JOURNAL_EVENTS, "");
    read_page(world, &all);
    assert_true(newest.page.end);
    assert_int_equal(newest.page.count, 2);
    const struct journal_event_row *row = &newest.events[0];
    assert_string_equal(row->tag, "M.P");
    assert_string_equal(row->process, "SELF.KOM");
    assert_true(row->type == TAG_AI && row->instance == 1 && row->epoch == 3);
    assert_true(row->value.number == 12.5 && row->value.status == STATUS_VALID && row->value.flags == 0);
    assert_true(row->value.time.ms == 1000 && row->value.arrived.ms == 1010);
    assert_int_equal(row->value.time_origin, TIME_FROM_STATION);
    assert_true(row[1].seq > row[0].seq);
    row++;
    assert_string_equal(row->tag, "M.O");
    assert_string_equal(row->process, "OTHER.KOM");
    assert_true(row->type == TAG_DI && row->instance == 15 && row->epoch == UINT64_C(1) << 40);
    assert_true(isnan(row->value.number) && row->value.status == STATUS_INVALID);
    assert_int_equal(row->value.flags, 0xFFFF);
    assert_true(row->value.cot == 20 && row->value.asdu_type == 255);
    assert_int_equal(row->value.time_origin, TIME_OF_ARRIVAL);
    assert_false(komet_utc_known(row->value.time));
    assert_int_equal(row->value.arrived.ms, -5);
}

static void test_pages_follow_each_other(void **state)
{
    struct world *world = *state;
    const unsigned total = 2 * JOURNAL_PAGE_ROWS + 3;
    world_open(world);
    world_next_ticket(world);
    for (unsigned i = 0; i < total; i++) {
        world_put_event(world, "M.P", i, 1000 + i);
    }
    world_commit_and_wait(world);
    struct journal_query wanted = query(JOURNAL_EVENTS, "");
    unsigned seen = 0;
    do {
        read_page(world, &wanted);
        for (unsigned i = 0; i < newest.page.count; i++) {
            assert_true(newest.events[i].value.number == seen++);
        }
        assert_true(newest.page.after > wanted.after);
        wanted.after = newest.page.after;
    } while (!newest.page.end);
    assert_int_equal(seen, total);
    read_page(world, &wanted); /* behind the end */
    assert_true(newest.page.end && newest.page.count == 0);
    world_next_ticket(world);
    world_put_event(world, "M.P", 77, 1000);
    world_commit_and_wait(world);
    read_page(world, &wanted); /* what came since */
    assert_true(newest.page.end && newest.page.count == 1 && newest.events[0].value.number == 77);
}

static void test_a_query_names_tags_and_times(void **state)
{
    struct world *world = *state;
    world_open(world);
    world_next_ticket(world);
    world_put_event(world, "M.P", 1, 1000);
    world_put_event(world, "M.D", 1, 2000);
    world_put_event(world, "M.BACK", 1, 2500);
    world_put_event(world, "M.D", 0, 3000);
    world_commit_and_wait(world);
    struct journal_query wanted = query(JOURNAL_EVENTS, "m.?");
    read_page(world, &wanted);
    assert_int_equal(newest.page.count, 3);
    wanted.from.ms = 2000; /* both bounds are included */
    wanted.to.ms = 3000;
    read_page(world, &wanted);
    assert_int_equal(newest.page.count, 2);
    assert_true(newest.events[0].value.time.ms == 2000 && newest.events[1].value.time.ms == 3000);
    wanted.from.ms = 2001;
    wanted.to.ms = 2999;
    read_page(world, &wanted);
    assert_true(newest.page.count == 0 && newest.page.end);
    wanted = query(JOURNAL_EVENTS, "NOTHING*");
    read_page(world, &wanted);
    assert_true(newest.page.count == 0 && newest.page.end);
}

/* A page looks at so many rows at the most: a mask that matches little takes several. */
static void test_a_rare_tag_is_found_over_several_pages(void **state)
{
    struct world *world = *state;
    world_open(world);
    world_next_ticket(world);
    for (int i = 0; i < 45000; i++) {
        world_put_event(world, "M.P", i, i);
    }
    world_put_event(world, "M.D", 1, 2000);
    world_commit_and_wait(world);
    struct journal_query wanted = query(JOURNAL_EVENTS, "M.D");
    unsigned found = 0, pages = 0;
    do {
        read_page(world, &wanted);
        found += newest.page.count;
        wanted.after = newest.page.after;
        pages++;
    } while (!newest.page.end && pages < 100);
    assert_int_equal(found, 1);
    assert_true(newest.page.end && pages > 1);
}

static void test_commands_are_read_with_how_they_ended(void **state)
{
    struct world *world = *state;
    world_open(world);
    world_next_ticket(world);
    put_command(world, 101, "M.SET", 1000, 0, "");
    put_command(world, 102, "M.CMD", 2000, 0, "");
    put_command(world, 101, "M.SET", 1000, COMMAND_REFUSED, "the station refused");
    put_command(world, 103, "M.GONE", 3000, COMMAND_EXPIRED, "too late"); /* ended before it began */
    world_commit_and_wait(world);
    struct journal_query wanted = query(JOURNAL_COMMANDS, "");
    read_page(world, &wanted);
    assert_true(newest.page.end);
    assert_int_equal(newest.page.count, 3);
    const struct record_command *command = &newest.commands[0].command;
    assert_int_equal(command->id, 101);
    assert_string_equal(command->tag, "M.SET");
    assert_true(command->number == 12.5 && command->flags == 0x8001 && command->epoch == 3);
    assert_string_equal(command->user.name, "alice");
    assert_true(command->user.authenticated);
    assert_true(command->given.ms == 1000 && command->ended.ms == 1007);
    assert_int_equal(command->result, COMMAND_REFUSED);
    assert_string_equal(command->reason, "the station refused");
    assert_string_equal(newest.commands[0].process, "SELF.KOM");
    assert_int_equal(newest.commands[0].type, TAG_AO);
    assert_int_equal(newest.commands[1].command.result, 0); /* still open */
    assert_false(komet_utc_known(newest.commands[1].command.ended));
    assert_int_equal(newest.commands[2].type, TAG_TYPE_COUNT); /* a tag that the site has not */
    wanted = query(JOURNAL_COMMANDS, "M.?????");
    read_page(world, &wanted);
    assert_int_equal(newest.page.count, 0);
    wanted = query(JOURNAL_COMMANDS, "M.CMD");
    wanted.from.ms = wanted.to.ms = 2000;
    read_page(world, &wanted);
    assert_int_equal(newest.page.count, 1);
    wanted.after = newest.page.after;
    read_page(world, &wanted);
    assert_int_equal(newest.page.count, 0);
}

static void test_commands_of_an_earlier_run_are_unknown(void **state)
{
    struct world *world = *state;
    world_open(world);
    world_next_ticket(world);
    put_command(world, 101, "M.SET", 1000, 0, "");
    put_command(world, 102, "M.CMD", 2000, 0, "");
    put_command(world, 102, "M.CMD", 2000, COMMAND_DONE, "");
    world_commit_and_wait(world);
    world_reopen(world);
    struct journal_query wanted = query(JOURNAL_COMMANDS, "");
    read_page(world, &wanted);
    assert_int_equal(newest.page.count, 2);
    assert_int_equal(newest.commands[0].command.result, COMMAND_UNKNOWN);
    assert_string_equal(newest.commands[0].command.reason, "the server ended before it was known");
    assert_true(komet_utc_known(newest.commands[0].command.ended));
    assert_int_equal(newest.commands[1].command.result, COMMAND_DONE);
}

static bool three_pages(const struct world *world)
{
    (void)world;
    return newest.count == 3;
}

static void test_closing_ends_open_queries(void **state)
{
    struct world *world = *state;
    world_open(world);
    world_next_ticket(world);
    world_put_event(world, "M.P", 1, 1000);
    world_commit_and_wait(world);
    struct journal_query events = query(JOURNAL_EVENTS, ""), commands = query(JOURNAL_COMMANDS, "");
    newest.count = 0;
    journal_read(world->journal, &events, on_page, world);
    journal_read(world->journal, &commands, on_page, world);
    journal_read(world->journal, &events, on_page, world);
    assert_int_equal(newest.count, 0); /* never from inside the call */
    journal_close(world->journal);
    world->journal = NULL;
    world_run_until(world, three_pages);
    assert_string_equal(newest.fault, "the journal is being closed");
    assert_int_equal(newest.page.count, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_set_up, world_tear_down)

static const struct CMUnitTest tests[] = {
    TEST(test_grants_and_batches_come_back),
    TEST(test_values_of_processes_and_the_preferred_instance_come_back),
    TEST(test_stations_come_back),
    TEST(test_the_newest_event_of_each_tag_comes_back),
    TEST(test_a_tag_that_is_rarely_heard_comes_back),
    TEST(test_untagged_values_come_back_in_order),
    TEST(test_an_older_event_is_not_the_newest),
    TEST(test_what_came_late_is_known_as_such),
    TEST(test_repeats_are_known_after_a_restart),
    TEST(test_what_cannot_be_read_is_said),
    TEST(test_an_event_is_read_as_it_was_put_in),
    TEST(test_pages_follow_each_other),
    TEST(test_a_query_names_tags_and_times),
    TEST(test_a_rare_tag_is_found_over_several_pages),
    TEST(test_commands_are_read_with_how_they_ended),
    TEST(test_commands_of_an_earlier_run_are_unknown),
    TEST(test_closing_ends_open_queries),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
