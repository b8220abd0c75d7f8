/*
 * kom_harness: see kom_harness.h.
 */
#include "kom_harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_SIZE (4u << 20)

static const char site_yaml[] = "site: test\n"
                                "group: {name: G, servers: [{name: A, listen: \"127.0.0.1:1\"}]}\n"
                                "processes:\n"
                                "  SELF.KOM:\n"
                                "    lines:\n"
                                "      L.A:\n"
                                "        protocol: iec104\n"
                                "        category: tcp\n"
                                "        number: 3\n"
                                "        hosts: [\"10.0.0.1:2404\", \"10.0.0.2:2404\"]\n"
                                "        reconnect: 1 s\n"
                                "        without_server: buffer\n"
                                "        stations:\n"
                                "          B.A: {address: 1, tags: a.csv, time: utc}\n"
                                "      L.B:\n"
                                "        protocol: iec104\n"
                                "        category: tcp\n"
                                "        number: 4\n"
                                "        hosts: [\"10.0.0.3:2405\"]\n"
                                "        reconnect: 1 s\n"
                                "        stations:\n"
                                "          B.B: {address: 1, tags: b.csv, time: utc}\n";
static const char a_csv[] = "name,type,address,asdu\nM.D,Di,1,\nM.U,Ai,2,\nM.SET,Ao,6,50\n";
static const char b_csv[] = "name,type,address,asdu,processing\nM.B,Di,1,,\n"
                            "M.TRAP,Di,2,,changes-only\nM.TIMED,Di,3,,changes-only; new-time\n"
                            "M.BAND,Ai,4,,discard=0 100; deadband=0.5\n";

static const struct kom_identity identity = {"SELF.KOM", 2, 4711, "host-a", 99};

static struct komet_link_settings station_settings(void)
{
    struct komet_link_settings settings = komet_link_settings_standard(KOMET_CONTROLLED);
    settings.k = KOM_TEST_WINDOW;
    settings.output_size = (size_t)KOM_TEST_WINDOW * 64;
    return settings;
}

static const struct site_file site_files[] = {{"site.yaml", site_yaml, sizeof site_yaml - 1},
                                              {"a.csv", a_csv, sizeof a_csv - 1},
                                              {"b.csv", b_csv, sizeof b_csv - 1}};

int world_set_up(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    assert_non_null(world);
    world->now = (struct line_now){{KOMET_SECONDS(100)}, {INT64_C(1782648000000)}};
    world->site = site_edited(site_files, 3, NULL);
    world->process = &world->site.site->processes[0];
    world->memory = malloc(kom_size());
    memset(world->memory, 0xA5, kom_size());
    world->kom = kom_init(world->memory, kom_size(), &identity, world->now);
    world->arena_memory = malloc(ARENA_SIZE);
    world->arena = (struct wire_arena){world->arena_memory, ARENA_SIZE, 0};
    struct komet_link_settings settings = station_settings();
    for (unsigned i = 0; i < KOM_LINES; i++) {
        world->lines[i].memory = malloc(komet_link_size(&settings));
    }
    *state = world;
    return 0;
}

void world_forget(struct world *world)
{
    for (unsigned i = 0; i < world->said_count; i++) {
        free(world->said[i].octets);
    }
    world->said_count = 0;
    world->outputs[0] = world->notes[0] = '\0';
    for (unsigned i = 0; i < KOM_LINES; i++) {
        world->lines[i].asked = world->lines[i].aborted = false;
    }
}

int world_tear_down(void **state)
{
    struct world *world = *state;
    world_forget(world);
    for (unsigned i = 0; i < KOM_LINES; i++) {
        free(world->lines[i].memory);
    }
    free(world->arena_memory);
    free(world->lines_memory);
    free(world->memory);
    site_result_release(&world->site);
    free(world);
    return 0;
}

/* ---- the KOM's outputs ---- */

static void feed(struct world *world, wire_message *message)
{
    kom_feed(world->kom, world->now, message);
}

static void configure(struct world *world)
{
    size_t size = kom_lines_size(world->process);
    free(world->lines_memory);
    world->lines_memory = malloc(size);
    assert_non_null(world->lines_memory);
    memset(world->lines_memory, 0xA5, size);
    kom_configure(world->kom, world->lines_memory, size, world->process, world->now);
}

static void keep_message(struct world *world, const wire_message *message)
{
    assert_true(world->said_count < KOM_SAID_MAX);
    struct said *said = &world->said[world->said_count++];
    said->kind = message->body_case;
    said->size = wire_encoded_size(message);
    said->octets = malloc(said->size);
    assert_int_equal(wire_encode(message, said->octets, said->size), said->size);
    if (message->body_case == BODY(HEARTBEAT) && world->server_answers) {
        int64_t sent_us = message->heartbeat->sent_us;
        wire_message reply = KOMET__WIRE__MESSAGE__INIT;
        Komet__Wire__Heartbeat body = KOMET__WIRE__HEARTBEAT__INIT;
        body.sent_us = sent_us;
        body.reply = true;
        body.epoch = KOM_TEST_EPOCH;
        reply.body_case = BODY(HEARTBEAT);
        reply.heartbeat = &body;
        feed(world, &reply);
    }
}

static void close_end(struct station_end *end)
{
    end->link = NULL;
    end->size = 0;
}

/* What the station's link wants: octets are put under way, ASDUs are kept. */
static bool drain_station(struct world *world, struct station_end *end)
{
    struct komet_link_output output;
    bool moved = false;
    while (end->link != NULL && komet_link_next(end->link, world->now.instant, &output)) {
        moved = true;
        if (output.kind == KOMET_LINK_OUT_SEND) {
            assert_true(end->size + output.size <= sizeof end->octets);
            memcpy(end->octets + end->size, output.octets, output.size);
            end->size += output.size;
            komet_link_written(end->link, output.size);
        } else if (output.kind == KOMET_LINK_OUT_ASDU) {
            memcpy(end->asdu, output.octets, output.size);
            end->asdu_count++;
            komet_link_acknowledge(end->link, world->now.instant, output.received);
        } else if (output.kind == KOMET_LINK_OUT_ACKNOWLEDGED) {
            end->acknowledged = output.acknowledged;
        } else if (output.kind == KOMET_LINK_OUT_CLOSE) {
            close_end(end);
        }
    }
    return moved;
}

static void to_station(struct world *world, const struct kom_output *output)
{
    struct station_end *end = &world->lines[output->line];
    size_t at = 0;
    bool there = end->link != NULL && output->connection == end->connection;
    while (there && end->link != NULL && at < output->size) {
        at += komet_link_feed(end->link, world->now.instant, output->octets + at, output->size - at);
        drain_station(world, end);
    }
    kom_line_written(world->kom, output->line, output->connection, output->size);
}

static void note_output(struct world *world, enum kom_output_kind kind)
{
    static const char letters[] = {
        [KOM_OUT_MESSAGE] = 'M',   [KOM_OUT_CONFIGURE] = 'C',  [KOM_OUT_REFUSED] = 'R',
        [KOM_OUT_RECONNECT] = 'X', [KOM_OUT_CONNECT] = 'T',    [KOM_OUT_SEND] = 'S',
        [KOM_OUT_ABORT] = 'A',     [KOM_OUT_NOTE] = 'N',       [KOM_OUT_END] = 'E',
        [KOM_OUT_LISTEN] = 'L',    [KOM_OUT_LISTEN_END] = 'l', [KOM_OUT_KEEP] = 'K',
        [KOM_OUT_RECALL] = 'c',    [KOM_OUT_FORGET] = 'F',     [KOM_OUT_RECONFIGURE] = 'G',
        [KOM_OUT_PING] = 'P',      [KOM_OUT_FIND] = 'D'};
    size_t used = strlen(world->outputs);
    if (used + 1 < sizeof world->outputs) {
        world->outputs[used] = letters[kind];
        world->outputs[used + 1] = '\0';
    }
}

static void act(struct world *world, const struct kom_output *output)
{
    struct station_end *end = &world->lines[output->line];
    size_t used = strlen(world->notes);
    note_output(world, output->kind);
    switch (output->kind) {
    case KOM_OUT_MESSAGE:
        keep_message(world, output->message);
        break;
    case KOM_OUT_CONFIGURE:
        configure(world);
        break;
    case KOM_OUT_RECONFIGURE:
        world->reconfigures = true;
        break;
    case KOM_OUT_REFUSED:
        snprintf(world->refusal, sizeof world->refusal, "%s", output->text);
        break;
    case KOM_OUT_RECONNECT:
        world->reconnects++;
        break;
    case KOM_OUT_END:
        world->ends++;
        break;
    case KOM_OUT_LISTEN:
    case KOM_OUT_LISTEN_END:
    case KOM_OUT_PING:
    case KOM_OUT_FIND:
        break;
    case KOM_OUT_CONNECT:
        assert_null(end->link); /* never two at a time */
        end->asked = true;
        end->connection = output->connection;
        snprintf(end->host, sizeof end->host, "%s:%u", output->address->host, output->address->port);
        break;
    case KOM_OUT_SEND:
        to_station(world, output);
        break;
    case KOM_OUT_ABORT:
        end->aborted = true;
        end->aborted_connection = output->connection;
        end->reason = output->reason;
        close_end(end);
        break;
    case KOM_OUT_KEEP:
        keep_message(world, output->message);
        world->kept = output->sequence;
        break;
    case KOM_OUT_RECALL:
        world->recalls++;
        world->recalled = output->sequence;
        break;
    case KOM_OUT_FORGET:
        world->forgotten = output->sequence;
        break;
    case KOM_OUT_NOTE:
        snprintf(world->notes + used, sizeof world->notes - used, "%s\n", output->text);
        break;
    }
}

static bool drain_kom(struct world *world)
{
    struct kom_output output;
    bool moved = false;
    while (kom_next(world->kom, world->now, &output)) {
        act(world, &output);
        moved = true;
    }
    return moved;
}

/* What is under way arrives, as far as the KOM takes it. */
static bool deliver(struct world *world, uint16_t line)
{
    struct station_end *end = &world->lines[line];
    if (world->holds || end->size == 0) {
        return false;
    }
    size_t taken = kom_line_feed(world->kom, world->now, line, end->connection, end->octets, end->size);
    memmove(end->octets, end->octets + taken, end->size - taken);
    end->size -= taken;
    return taken > 0;
}

void world_pump(struct world *world)
{
    bool moved = true;
    for (int rounds = 0; moved; rounds++) {
        assert_true(rounds < 1000);
        moved = drain_kom(world);
        for (uint16_t i = 0; i < KOM_LINES; i++) {
            struct station_end *end = &world->lines[i];
            if (end->link != NULL) {
                komet_link_tick(end->link, world->now.instant);
            }
            moved = drain_station(world, end) || moved;
            moved = deliver(world, i) || moved;
        }
    }
}

void world_later(struct world *world, int64_t duration_us)
{
    world->now.instant = komet_after(world->now.instant, duration_us);
    world->now.utc.ms += duration_us / 1000;
}

void world_advance(struct world *world, int64_t duration_us)
{
    world_later(world, duration_us);
    kom_tick(world->kom, world->now);
    world_pump(world);
}

void world_live(struct world *world, int64_t duration_us)
{
    world->server_answers = true;
    while (duration_us > 0) {
        int64_t step = duration_us < KOMET_MS(50) ? duration_us : KOMET_MS(50);
        world_advance(world, step);
        duration_us -= step;
    }
    world->server_answers = false;
}

/* ---- the server's part ---- */

void world_connect(struct world *world)
{
    kom_server_connected(world->kom, world->now);
    world_pump(world);
}

void world_welcome(struct world *world, int64_t lease_us)
{
    wire_message message = KOMET__WIRE__MESSAGE__INIT;
    Komet__Wire__Welcome welcome = KOMET__WIRE__WELCOME__INIT;
    welcome.server = (char *)(uintptr_t) "A";
    welcome.lease_ms = (uint32_t)(lease_us / 1000);
    message.body_case = BODY(WELCOME);
    message.welcome = &welcome;
    feed(world, &message);
    world_pump(world);
}

void world_send_configuration(struct world *world)
{
    wire_message message = KOMET__WIRE__MESSAGE__INIT;
    Komet__Wire__Configuration configuration = KOMET__WIRE__CONFIGURATION__INIT;
    configuration.number = ++world->configuration;
    message.body_case = BODY(CONFIGURATION);
    message.configuration = &configuration;
    feed(world, &message);
    world_pump(world);
}

/* Stations go with their lines; what is left over has no line. */
static void move_ends(struct world *world, const struct process *process,
                      const struct site_difference *difference)
{
    struct station_end *before = malloc(sizeof world->lines);
    bool taken[KOM_LINES] = {false}, placed[KOM_LINES] = {false};
    assert_non_null(before);
    memcpy(before, world->lines, sizeof world->lines);
    for (unsigned i = 0; i < process->line_count; i++) {
        const struct line *was = difference_line_was(difference, &process->lines[i]);
        if (was != NULL) {
            world->lines[i] = before[was->index];
            taken[was->index] = placed[i] = true;
        }
    }
    for (unsigned i = 0, left = 0; i < KOM_LINES; i++) {
        if (!placed[i]) {
            while (taken[left]) {
                left++;
            }
            world->lines[i] = before[left++];
        }
    }
    free(before);
}

void world_apply(struct world *world, const struct site_edit *edits)
{
    struct site_result site = site_edited(site_files, 3, edits);
    size_t size = site_difference_size(world->site.site, site.site);
    void *memory = malloc(size);
    assert_non_null(memory);
    struct site_difference *difference = site_difference_make(memory, size, world->site.site, site.site);
    assert_true(world->reconfigures);
    world->reconfigures = false;
    kom_leave_lines(world->kom, world->now, difference);
    drain_kom(world);
    const struct process *process = &site.site->processes[0];
    size_t lines_size = kom_lines_size(process);
    void *lines_memory = malloc(lines_size);
    assert_non_null(lines_memory);
    memset(lines_memory, 0xA5, lines_size);
    kom_reconfigure(world->kom, lines_memory, lines_size, process, difference, world->now);
    free(world->lines_memory);
    world->lines_memory = lines_memory;
    move_ends(world, process, difference);
    free(memory);
    site_result_release(&world->site);
    world->site = site;
    world->process = process;
    world_pump(world);
}

void world_reload(struct world *world, const struct site_edit *edits)
{
    world_send_configuration(world);
    world_apply(world, edits);
}

void world_role(struct world *world, bool active, uint64_t epoch)
{
    wire_message message = KOMET__WIRE__MESSAGE__INIT;
    Komet__Wire__Role role = KOMET__WIRE__ROLE__INIT;
    role.active = active;
    role.epoch = epoch;
    message.body_case = BODY(ROLE);
    message.role = &role;
    feed(world, &message);
    world_pump(world);
}

void world_modes(struct world *world, unsigned a, unsigned b)
{
    wire_message message = KOMET__WIRE__MESSAGE__INIT;
    Komet__Wire__StationModes modes = KOMET__WIRE__STATION_MODES__INIT;
    uint32_t mode[] = {a, b};
    modes.n_mode = 2;
    modes.mode = mode;
    message.body_case = BODY(STATION_MODES);
    message.station_modes = &modes;
    feed(world, &message);
    world_pump(world);
}

void world_reply(struct world *world, int64_t sent_us, uint64_t epoch)
{
    wire_message message = KOMET__WIRE__MESSAGE__INIT;
    Komet__Wire__Heartbeat reply = KOMET__WIRE__HEARTBEAT__INIT;
    reply.sent_us = sent_us;
    reply.reply = true;
    reply.epoch = epoch;
    message.body_case = BODY(HEARTBEAT);
    message.heartbeat = &reply;
    feed(world, &message);
    world_pump(world);
}

static void feed_stored(struct world *world, uint64_t sequence, const char *refused)
{
    wire_message message = KOMET__WIRE__MESSAGE__INIT;
    Komet__Wire__Stored stored = KOMET__WIRE__STORED__INIT;
    stored.sequence = sequence;
    stored.refused = (char *)(uintptr_t)refused;
    message.body_case = BODY(STORED);
    message.stored = &stored;
    feed(world, &message);
    world_pump(world);
}

void world_stored(struct world *world, uint64_t sequence)
{
    feed_stored(world, sequence, "");
}

void world_refuse_batch(struct world *world, uint64_t sequence)
{
    feed_stored(world, sequence, "its grant is not valid any more");
}

void world_command(struct world *world, uint64_t id, uint64_t epoch, enum line_command_kind kind,
                   uint32_t tag, uint32_t station)
{
    wire_message message = KOMET__WIRE__MESSAGE__INIT;
    Komet__Wire__Command command = KOMET__WIRE__COMMAND__INIT;
    command.id = id;
    command.epoch = epoch;
    command.kind = (uint32_t)kind;
    command.tag = tag;
    command.station = station;
    command.number = 12.5;
    command.deadline_ms = 5000;
    message.body_case = BODY(COMMAND);
    message.command = &command;
    feed(world, &message);
}

void world_activate(struct world *world)
{
    world_connect(world);
    world_welcome(world, KOM_TEST_LEASE);
    world_role(world, true, KOM_TEST_EPOCH);
    assert_true(kom_is_active(world->kom, world->now));
}

/* ---- the stations' part ---- */

void world_accept(struct world *world, uint16_t line)
{
    struct station_end *end = &world->lines[line];
    struct komet_link_settings settings = station_settings();
    assert_true(end->asked);
    end->asked = false;
    end->acknowledged = 0;
    end->link = komet_link_init(end->memory, komet_link_size(&settings), &settings, world->now.instant);
    kom_line_connected(world->kom, world->now, line, end->connection);
    world_pump(world);
}

void world_queue(struct world *world, uint16_t line, uint8_t type, uint8_t cause, struct komet_object object)
{
    struct station_end *end = &world->lines[line];
    assert_non_null(end->link);
    uint8_t *out = komet_link_reserve(end->link);
    assert_non_null(out);
    struct komet_asdu_writer writer;
    struct komet_asdu_header header = {.type = type, .cause = cause, .oa = 3, .ca = 1};
    assert_true(komet_asdu_begin(&writer, &komet_profile_104, &header, out, KOMET_ASDU_SIZE_MAX));
    assert_true(komet_asdu_add(&writer, &object));
    komet_link_commit(end->link, world->now.instant, komet_asdu_end(&writer));
}

void world_send(struct world *world, uint16_t line, uint8_t type, uint8_t cause, struct komet_object object)
{
    world_queue(world, line, type, cause, object);
    world_pump(world);
}

void world_change(struct world *world, uint16_t line, uint32_t ioa)
{
    world_send(world, line, KOMET_M_SP_NA_1, KOMET_COT_SPONTANEOUS,
               (struct komet_object){.ioa = ioa, .value.single = true});
}

/* ---- what came of it ---- */

unsigned world_said(const struct world *world, Komet__Wire__Message__BodyCase kind)
{
    unsigned count = 0;
    for (unsigned i = 0; i < world->said_count; i++) {
        count += world->said[i].kind == kind ? 1 : 0;
    }
    return count;
}

const wire_message *world_nth(struct world *world, Komet__Wire__Message__BodyCase kind, unsigned index)
{
    for (unsigned i = 0; i < world->said_count; i++) {
        if (world->said[i].kind == kind && index-- == 0) {
            wire_message *message = NULL;
            size_t consumed;
            assert_int_equal(
                wire_decode(world->said[i].octets, world->said[i].size, &world->arena, &message, &consumed),
                WIRE_OK);
            assert_non_null(message);
            return message;
        }
    }
    fail_msg("the KOM did not say it");
    return NULL;
}

const wire_message *world_newest(struct world *world, Komet__Wire__Message__BodyCase kind)
{
    return world_nth(world, kind, world_said(world, kind) - 1);
}

void world_start(struct world *world)
{
    world_activate(world);
    world_accept(world, LINE_A);
    world_forget(world);
}

void world_assert_stopped(struct world *world, uint64_t epoch)
{
    assert_int_equal(world_said(world, BODY(STOPPED)), 1);
    assert_int_equal(world_newest(world, BODY(STOPPED))->stopped->epoch, epoch);
    assert_int_equal(world->said[world->said_count - 1].kind, BODY(STOPPED)); /* behind all else */
}

void world_assert_end(struct world *world, uint64_t id, enum command_result result, const char *reason)
{
    assert_int_equal(world_said(world, BODY(COMMAND_END)), 1);
    const Komet__Wire__CommandEnd *end = world_newest(world, BODY(COMMAND_END))->command_end;
    assert_int_equal(end->id, id);
    assert_int_equal(end->result, result);
    assert_string_equal(end->reason, reason);
    world_forget(world);
}
