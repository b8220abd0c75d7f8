/* A line that listens over a RELOAD: its masters notice nothing, and get everything once. */
#include "master_harness.h"
#include "site_edit.h"

#include <stdlib.h>
#include <string.h>

#include "komet/station.h"

static const char yaml[] = "site: test\n"
                           "processes:\n"
                           "  SRV.KOM:\n"
                           "    lines:\n"
                           "      L.CENTRE:\n"
                           "        protocol: iec104-server\n"
                           "        category: tcp\n"
                           "        number: 1\n"
                           "        listen: \"ALL:2404\"\n"
                           "        masters: [[10.9.0.1, 10.9.0.2], [10.9.0.9]]\n"
                           "        parameters: {OBUF: 100, EOI: 1}\n"
                           "        stations:\n"
                           "          B.OUT: {address: 1, tags: a.csv}\n"
                           "          B.TWO: {address: 2, tags: b.csv}\n";
static const char a_csv[] = "name,type,address,asdu\n"
                            "M.D,Dout,10,30\n"
                            "M.U,Ao,11,36\n"
                            "M.LAST,Ao,12,13\n"
                            "M.CMD,Di,20,45\n"
                            "M.SET,Ai,21,50\n";
static const char b_csv[] = "name,type,address,asdu\n"
                            "M.TWO,Ao,1,36\n";
static const struct site_file files[] = {{"site.yaml", yaml, sizeof yaml - 1},
                                         {"a.csv", a_csv, sizeof a_csv - 1},
                                         {"b.csv", b_csv, sizeof b_csv - 1}};

struct reload_world {
    struct masters_world *world;
    struct site_result site;
    bool without_groups; /* each connection is a group of its own */
};

static const struct line *line_of(const struct reload_world *reload)
{
    const struct line *line = site_find_line(reload->site.site, "L.CENTRE");
    assert_non_null(line);
    return line;
}

static struct site_result edited(const struct reload_world *reload, const struct site_edit *edits)
{
    struct site_edit all[8] = {{"site.yaml", "        masters: [[10.9.0.1, 10.9.0.2], [10.9.0.9]]\n", ""}};
    unsigned count = reload->without_groups ? 1 : 0;
    for (; edits != NULL && edits->file != NULL; edits++) {
        assert_true(count < 7);
        all[count++] = *edits;
    }
    all[count] = (struct site_edit){NULL, NULL, NULL};
    return site_edited(files, 3, all);
}

static int set_up_with(void **state, bool without_groups)
{
    struct reload_world *reload = calloc(1, sizeof *reload);
    masters_set_up((void **)&reload->world);
    reload->without_groups = without_groups;
    reload->site = edited(reload, NULL);
    struct masters_world *world = reload->world;
    free(world->memory);
    world->memory = malloc(line_size(line_of(reload)));
    world->line = line_init(world->memory, line_size(line_of(reload)), line_of(reload), world->now);
    *state = reload;
    return 0;
}

static int set_up(void **state)
{
    return set_up_with(state, false);
}

static int set_up_without_groups(void **state)
{
    return set_up_with(state, true);
}

static int tear_down(void **state)
{
    struct reload_world *reload = *state;
    masters_tear_down((void **)&reload->world);
    site_result_release(&reload->site);
    free(reload);
    return 0;
}

static const struct tag *tag_of(const struct reload_world *reload, const char *name)
{
    const struct tag *tag = site_find_tag(reload->site.site, name);
    assert_non_null(tag);
    return tag;
}

static void tell(struct reload_world *reload, const char *name, double number, uint64_t position)
{
    struct masters_world *world = reload->world;
    struct line_outgoing event = {.tag = tag_of(reload, name), .position = position};
    event.value = (struct value){.number = number,
                                 .status = STATUS_VALID,
                                 .cot = KOMET_COT_SPONTANEOUS,
                                 .asdu_type = event.tag->asdu,
                                 .time = world->now.utc,
                                 .arrived = world->now.utc};
    line_outgoing(world->line, world->now, &event);
}

static void event(struct reload_world *reload, const char *name, double number)
{
    tell(reload, name, number, ++reload->world->position);
    masters_pump(reload->world);
}

/* The line is moved into other memory; what was sent to it before is not told again yet. */
static void move(struct reload_world *reload, const struct site_edit *edits)
{
    struct masters_world *world = reload->world;
    struct site_result after = edited(reload, edits);
    size_t size = site_difference_size(reload->site.site, after.site);
    void *memory = malloc(size);
    struct site_difference *difference = site_difference_make(memory, size, reload->site.site, after.site);
    size_t before_size = line_size(line_of(reload));
    struct site_result before = reload->site;
    reload->site = after;
    const struct line *line = line_of(reload);
    assert_int_not_equal(difference_line_change(difference, line), LINE_RECONNECTS);
    void *moved = malloc(line_size(line));
    memset(moved, 0xA5, line_size(line));
    world->line = line_move(moved, line_size(line), world->line, line, difference, world->now);
    memset(world->memory, 0xA5, before_size);
    free(world->memory);
    world->memory = moved;
    free(memory);
    site_result_release(&before);
    masters_pump(world);
}

/* The server begins anew: what each output has, then the events from `from` on, as it kept them. */
static void begin_anew(struct reload_world *reload, uint64_t taken)
{
    const uint64_t positions[2] = {taken, taken};
    line_outgoing_begin(reload->world->line, reload->world->now, positions, 2);
}

static void ready(struct reload_world *reload)
{
    line_outgoing_ready(reload->world->line, reload->world->now);
    masters_pump(reload->world);
}

static const struct site_edit tag_in_front[] = {
    {"a.csv", "M.D,Dout,10,30\n", "M.NEW,Ao,9,36\nM.D,Dout,10,30\n"}, {NULL, NULL, NULL}};
static const struct site_edit nothing[] = {{NULL, NULL, NULL}};

static void test_masters_stand_and_get_each_event_once(void **state)
{
    struct reload_world *reload = *state;
    struct masters_world *world = reload->world;
    masters_activate(world, 0);
    masters_start(world, 0, 1);
    world->masters[1].silent = true;
    masters_start(world, 1, 9);
    for (int i = 1; i <= 5; i++) {
        event(reload, "M.U", i);
    }
    move(reload, tag_in_front);
    begin_anew(reload, 0); /* nothing is journaled of what they have taken */
    tell(reload, "M.U", 7, 0);
    for (int i = 1; i <= 7; i++) { /* two came while the site was read */
        tell(reload, "M.U", i, (uint64_t)i);
    }
    world->position = 7;
    ready(reload);
    event(reload, "M.NEW", 8);
    struct komet_object object;
    for (unsigned i = 0; i < 2; i++) {
        assert_non_null(world->masters[i].link);
        assert_int_equal(masters_got(world, i, 36, KOMET_COT_SPONTANEOUS, &object), 8);
        assert_true(object.value.real == 8 && object.ioa == 9);
    }
    assert_int_equal(world->taken[0], 8);
    masters_close(world, 1); /* it had acknowledged nothing: all of it comes again on the next connection */
    world->masters[1].silent = false;
    masters_start(world, 1, 9);
    assert_int_equal(masters_got(world, 1, 36, KOMET_COT_SPONTANEOUS, NULL), 8);
    assert_int_equal(world->taken[1], 8);
    assert_false(world->asked); /* to listen: it does */
}

static void test_a_line_is_put_in_front(void **state)
{
    struct reload_world *reload = *state;
    struct masters_world *world = reload->world;
    const struct site_edit edits[] = {{"site.yaml", "      L.CENTRE:\n",
                                       "      L.BEFORE: {protocol: iec104-server, category: tcp, number: 9, "
                                       "listen: \"ALL:2405\", stations: "
                                       "{B.BEFORE: {address: 1, tags: b.csv}}}\n      L.CENTRE:\n"},
                                      {"site.yaml", "          B.TWO: {address: 2, tags: b.csv}\n", ""},
                                      {NULL, NULL, NULL}};
    masters_activate(world, 0);
    masters_start(world, 0, 1);
    event(reload, "M.U", 1);
    event(reload, "M.TWO", 2);
    move(reload, edits);
    begin_anew(reload, 0);
    ready(reload);
    event(reload, "M.U", 3);
    assert_int_equal(masters_got(world, 0, 36, KOMET_COT_SPONTANEOUS, NULL), 3);
}

static void test_masters_without_a_memory_lose_nothing_that_waited(void **state)
{
    struct reload_world *reload = *state;
    struct masters_world *world = reload->world;
    masters_activate(world, 0);
    world->masters[0].silent = true;
    masters_start(world, 0, 1);
    for (int i = 1; i <= 100; i++) { /* more than frames are open */
        masters_advance(world, 1);
        event(reload, i % 2 != 0 ? "M.U" : "M.D", i % 4 == 0);
    }
    assert_in_range(world->masters[0].asdu_count, 1, 20);
    move(reload, tag_in_front);
    begin_anew(reload, 0);
    tell(reload, "M.U", 1, 101); /* the server goes on behind what the line was sent */
    ready(reload);
    for (unsigned before = 0; before < world->masters[0].asdu_count;) {
        before = world->masters[0].asdu_count;
        komet_link_acknowledge(world->masters[0].link, world->now.instant, before);
        masters_pump(world);
    }
    assert_int_equal(masters_got(world, 0, 36, KOMET_COT_SPONTANEOUS, NULL), 51);
    assert_int_equal(masters_got(world, 0, 30, KOMET_COT_SPONTANEOUS, NULL), 50);
}

static void test_events_of_an_output_that_is_gone_are_none(void **state)
{
    struct reload_world *reload = *state;
    struct masters_world *world = reload->world;
    masters_activate(world, 0);
    event(reload, "M.D", 1);
    event(reload, "M.U", 2);
    event(reload, "M.LAST", 3);
    event(reload, "M.LAST", 4);
    const struct site_edit edits[] = {
        {"a.csv", "M.D,Dout,10,30\n", ""}, {"a.csv", "M.U,Ao,11,36", "M.U,Ao,17,36"}, {NULL, NULL, NULL}};
    move(reload, edits);
    move(reload, edits);
    begin_anew(reload, 0);
    ready(reload);
    masters_start(world, 0, 1);
    struct komet_object object;
    assert_int_equal(masters_got(world, 0, 30, KOMET_COT_SPONTANEOUS, NULL), 0);
    assert_int_equal(masters_got(world, 0, 36, KOMET_COT_SPONTANEOUS, &object), 1);
    assert_int_equal(object.ioa, 17);
    assert_int_equal(masters_got(world, 0, 13, KOMET_COT_SPONTANEOUS, &object), 1); /* only the newer one */
    assert_true(object.value.real == 4);
    assert_int_equal(world->taken[0], 4);
}

static void interrogate(struct masters_world *world, unsigned master)
{
    masters_send(world, master, KOMET_C_IC_NA_1, KOMET_COT_ACTIVATION,
                 (struct komet_object){.qualifier = 20});
}

/* Values stay; an interrogation that would find a new output without a value waits for it. */
static void test_an_interrogation_finds_every_value(void **state)
{
    struct reload_world *reload = *state;
    struct masters_world *world = reload->world;
    masters_activate(world, 0);
    masters_start(world, 0, 1);
    event(reload, "M.LAST", 6);
    move(reload, nothing);
    struct komet_object object;
    interrogate(world, 0);
    assert_int_equal(masters_got(world, 0, 13, KOMET_COT_INTERROGATED_STATION, &object), 2);
    assert_true(object.value.real == 6);
    move(reload, tag_in_front);
    interrogate(world, 0);
    assert_int_equal(masters_got(world, 0, KOMET_C_IC_NA_1, KOMET_COT_ACTIVATION_CON, NULL), 1);
    begin_anew(reload, 1);
    tell(reload, "M.NEW", 3, 0);
    tell(reload, "M.LAST", 6, 0);
    ready(reload);
    assert_int_equal(masters_got(world, 0, KOMET_C_IC_NA_1, KOMET_COT_ACTIVATION_CON, NULL), 2);
    assert_int_equal(masters_got(world, 0, 13, KOMET_COT_INTERROGATED_STATION, &object), 5);
    assert_true(object.value.real == 6);
    assert_int_equal(masters_got(world, 0, 13, KOMET_COT_SPONTANEOUS, NULL), 1);
}

static void test_masters_hear_of_stations_with_new_outputs(void **state)
{
    struct reload_world *reload = *state;
    struct masters_world *world = reload->world;
    masters_activate(world, 0);
    masters_start(world, 0, 1);
    assert_int_equal(masters_got(world, 0, KOMET_M_EI_NA_1, KOMET_COT_INITIALIZED, NULL), 2);
    move(reload, nothing);
    begin_anew(reload, 0);
    ready(reload);
    assert_int_equal(masters_got(world, 0, KOMET_M_EI_NA_1, KOMET_COT_INITIALIZED, NULL), 2);
    move(reload, tag_in_front);
    begin_anew(reload, 0);
    assert_int_equal(masters_got(world, 0, KOMET_M_EI_NA_1, KOMET_COT_INITIALIZED, NULL), 2);
    ready(reload);
    struct komet_object object;
    assert_int_equal(masters_got(world, 0, KOMET_M_EI_NA_1, KOMET_COT_INITIALIZED, &object), 3);
    assert_int_equal(object.qualifier, KOMET_COI_MANUAL_RESET | KOMET_COI_CHANGED);
    move(reload, tag_in_front);
    begin_anew(reload, 0);
    ready(reload);
    assert_int_equal(masters_got(world, 0, KOMET_M_EI_NA_1, KOMET_COT_INITIALIZED, NULL), 3);
}

static void test_commands_go_on_where_their_point_is_there(void **state)
{
    struct reload_world *reload = *state;
    struct masters_world *world = reload->world;
    masters_activate(world, 0);
    masters_start(world, 0, 1);
    masters_send(world, 0, KOMET_C_SC_NA_1, KOMET_COT_ACTIVATION,
                 (struct komet_object){.ioa = 20, .value.single = true});
    masters_send(world, 0, KOMET_C_SE_NC_1, KOMET_COT_ACTIVATION,
                 (struct komet_object){.ioa = 21, .value.real = 4});
    assert_int_equal(world->command_count, 2);
    const struct site_edit edits[] = {{"a.csv", "M.D,Dout,10,30\n", "M.NEW,Di,9,45\nM.D,Dout,10,30\n"},
                                      {"a.csv", "M.SET,Ai,21,50\n", ""},
                                      {NULL, NULL, NULL}};
    move(reload, edits);
    struct komet_object object;
    struct komet_asdu asdu;
    assert_int_equal(masters_got(world, 0, KOMET_C_SC_NA_1, KOMET_COT_ACTIVATION_CON, NULL), 0);
    assert_int_equal(masters_got(world, 0, KOMET_C_SE_NC_1, KOMET_COT_ACTIVATION_CON, NULL), 1);
    const struct master *master = &world->masters[0];
    komet_asdu_decode(&komet_profile_104, master->asdus[master->asdu_count - 1].octets,
                      master->asdus[master->asdu_count - 1].size, &asdu);
    assert_true(asdu.negative);
    line_master_stored(world->line, world->now, world->commands[1].id); /* of nobody */
    line_master_stored(world->line, world->now, world->commands[0].id);
    line_master_answer(world->line, world->now, world->commands[1].id, COMMAND_DONE, 0);
    line_master_answer(world->line, world->now, world->commands[0].id, COMMAND_DONE, 0);
    masters_pump(world);
    assert_int_equal(masters_got(world, 0, KOMET_C_SC_NA_1, KOMET_COT_ACTIVATION_CON, &object), 1);
    assert_int_equal(masters_got(world, 0, KOMET_C_SE_NC_1, KOMET_COT_ACTIVATION_CON, NULL), 1);
    assert_true(object.ioa == 20);
}

static void test_a_selection_outlives_it(void **state)
{
    struct reload_world *reload = *state;
    struct masters_world *world = reload->world;
    struct komet_object select = {.ioa = 20, .value.single = true, .select = true};
    masters_activate(world, 0);
    masters_start(world, 0, 1);
    masters_send(world, 0, KOMET_C_SC_NA_1, KOMET_COT_ACTIVATION, select);
    line_master_answer(world->line, world->now, world->commands[0].id, COMMAND_DONE, 0);
    masters_pump(world);
    move(reload, tag_in_front);
    masters_start(world, 1, 9);
    select.select = false;
    masters_send(world, 1, KOMET_C_SC_NA_1, KOMET_COT_ACTIVATION, select); /* it is no station of its own */
    masters_send(world, 0, KOMET_C_SC_NA_1, KOMET_COT_ACTIVATION, select);
    assert_int_equal(world->command_count, 3);
    assert_string_equal(world->commands[2].tag->name, "M.CMD");
    assert_ptr_equal(world->commands[2].tag, tag_of(reload, "M.CMD"));
}

static void test_the_station_that_was_spoken_with_goes(void **state)
{
    struct reload_world *reload = *state;
    struct masters_world *world = reload->world;
    const struct site_edit edits[] = {{"site.yaml", "          B.OUT: {address: 1, tags: a.csv}\n", ""},
                                      {NULL, NULL, NULL}};
    masters_activate(world, 0);
    line_set_mode(world->line, world->now, tag_of(reload, "M.TWO")->station, STATION_DISABLED);
    masters_start(world, 0, 1);
    move(reload, edits);
    assert_int_equal(world->masters[0].closed, KOMET_DISABLED);
    assert_false(world->listens);
    line_set_mode(world->line, world->now, tag_of(reload, "M.TWO")->station, 0);
    masters_pump(world);
    assert_true(world->asked);
}

static void test_one_that_was_not_ready_is_told_from_the_beginning(void **state)
{
    struct reload_world *reload = *state;
    struct masters_world *world = reload->world;
    line_activate(world->line, world->now);
    begin_anew(reload, 0);
    event(reload, "M.U", 1);
    move(reload, tag_in_front);
    assert_false(world->asked);
    world->position = 0;
    begin_anew(reload, 0);
    event(reload, "M.U", 1);
    ready(reload);
    assert_true(world->asked);
    world->listens = true;
    line_listening(world->line, world->now, NULL);
    masters_start(world, 0, 1);
    assert_int_equal(masters_got(world, 0, 36, KOMET_COT_SPONTANEOUS, NULL), 1);
}

static void test_a_passive_one_acts_by_the_new_site(void **state)
{
    struct reload_world *reload = *state;
    struct masters_world *world = reload->world;
    move(reload, tag_in_front);
    masters_activate(world, 0);
    masters_start(world, 0, 1);
    event(reload, "M.NEW", 1);
    assert_int_equal(masters_got(world, 0, 36, KOMET_COT_SPONTANEOUS, NULL), 1);
    line_deactivate(world->line, world->now, KOMET_BECAME_PASSIVE);
    masters_pump(world);
    move(reload, nothing);
    masters_activate(world, 1);
    event(reload, "M.U", 2);
    masters_start(world, 1, 9);
    assert_int_equal(masters_got(world, 1, 36, KOMET_COT_SPONTANEOUS, NULL), 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_masters_stand_and_get_each_event_once),
        TEST(test_a_line_is_put_in_front),
        cmocka_unit_test_setup_teardown(test_masters_without_a_memory_lose_nothing_that_waited,
                                        set_up_without_groups, tear_down),
        TEST(test_events_of_an_output_that_is_gone_are_none),
        TEST(test_an_interrogation_finds_every_value),
        TEST(test_masters_hear_of_stations_with_new_outputs),
        TEST(test_commands_go_on_where_their_point_is_there),
        TEST(test_a_selection_outlives_it),
        TEST(test_the_station_that_was_spoken_with_goes),
        TEST(test_one_that_was_not_ready_is_told_from_the_beginning),
        TEST(test_a_passive_one_acts_by_the_new_site),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
