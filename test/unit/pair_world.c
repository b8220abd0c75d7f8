/* A simulated Sinaut pair and the other ends of its connections: see pair_world.h. */
#include "pair_world.h"

#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct rtu_point north[] = {
    {.ioa = 11, .type = 30, .count = 2},
    {.ioa = 21, .type = 13, .count = 1, .number = 12.5},
    {.ioa = 31, .type = 15, .count = 1, .number = 77},
    {.ioa = 41, .type = 45, .count = 1, .follows = 11},
    {.ioa = 42, .type = 50, .count = 1, .follows = 21},
};
static const struct rtu_point south[] = {{.ioa = 5, .type = 36, .count = 1, .number = 1}};
static const struct rtu_plan stations[] = {
    {.ca = 513, .points = north, .point_count = sizeof north / sizeof north[0], .seed = 1},
    {.ca = 3, .points = south, .point_count = sizeof south / sizeof south[0], .seed = 1},
};

void world_begin(struct pair_world *world)
{
    static struct rtu_plan whole[2];
    *world = (struct pair_world){.acknowledge = true};
    for (unsigned i = 0; i < 2; i++) {
        whole[i] = rtu_plan_standard();
        whole[i].ca = stations[i].ca;
        whole[i].points = stations[i].points;
        whole[i].point_count = stations[i].point_count;
    }
    world->now = (struct rtu_now){{KOMET_SECONDS(100)}, {INT64_C(1782648000000)}};
    world->plan = pair_plan_standard();
    world->plan.stations = whole;
    world->plan.station_count = 2;
    world->settings = komet_link_settings_standard(KOMET_CONTROLLED);
    world->settings.w = 1;
    world->settings.tolerate_cf3_mark = true;
}

void world_start(struct pair_world *world)
{
    size_t size = pair_size(&world->plan);
    world->settings.role = world->plan.connects ? KOMET_CONTROLLED : KOMET_CONTROLLING;
    world->memory = malloc(size);
    assert_non_null(world->memory);
    assert_null(pair_plan_fault(&world->plan));
    world->pair = pair_init(world->memory, size, &world->plan, world->now);
    for (unsigned c = 0; c < PAIR_CONNECTIONS; c++) {
        world->ends[c].memory = malloc(komet_link_size(&world->settings));
        assert_non_null(world->ends[c].memory);
    }
    world_pump(world);
}

void world_end(struct pair_world *world)
{
    for (unsigned c = 0; c < PAIR_CONNECTIONS; c++) {
        free(world->ends[c].memory);
    }
    free(world->memory);
}

static void begin_end(struct pair_world *world, unsigned c)
{
    struct far_end *end = &world->ends[c];
    end->link =
        komet_link_init(end->memory, komet_link_size(&world->settings), &world->settings, world->now.instant);
    pair_connected(world->pair, world->now, c);
    if (world->settings.role == KOMET_CONTROLLING) {
        komet_link_start(end->link, world->now.instant);
    }
}

static void keep_frame(struct pair_world *world, unsigned c, const struct komet_link_output *from)
{
    assert_true(world->frame_count < FAR_FRAMES_MAX);
    struct far_frame *frame = &world->frames[world->frame_count++];
    *frame = (struct far_frame){.connection = c, .size = from->size, .marked = from->cf3_mark};
    memcpy(frame->octets, from->octets, from->size);
    if (world->acknowledge) {
        komet_link_acknowledge(world->ends[c].link, world->now.instant, from->received);
    }
}

static void take_pair(struct pair_world *world, const struct pair_output *output);

/* What the pair wants; true when it wanted something. */
static bool pump_pair(struct pair_world *world)
{
    struct pair_output output;
    bool any = false;
    while (pair_next(world->pair, world->now, &output)) {
        take_pair(world, &output);
        any = true;
    }
    return any;
}

static bool pump_end(struct pair_world *world, unsigned c)
{
    struct far_end *end = &world->ends[c];
    struct komet_link_output from;
    if (end->link == NULL || !komet_link_next(end->link, world->now.instant, &from)) {
        return false;
    }
    switch (from.kind) {
    case KOMET_LINK_OUT_STATE:
    case KOMET_LINK_OUT_ACKNOWLEDGED:
        return true;
    case KOMET_LINK_OUT_ASDU:
        keep_frame(world, c, &from);
        return true;
    case KOMET_LINK_OUT_SEND:
        for (size_t at = 0; at < from.size;) {
            at += pair_feed(world->pair, world->now, c, from.octets + at, from.size - at);
            pump_pair(world);
            if (end->link == NULL) {
                return true;
            }
        }
        komet_link_written(end->link, from.size);
        return true;
    case KOMET_LINK_OUT_CLOSE:
        end->link = NULL;
        pair_closed(world->pair, world->now, c);
        return true;
    }
    return false;
}

static void feed_end(struct pair_world *world, unsigned c, const struct pair_output *output)
{
    uint8_t octets[8192];
    struct far_end *end = &world->ends[c];
    size_t size = output->size;
    assert_true(size <= sizeof octets);
    memcpy(octets, output->octets, size);
    pair_written(world->pair, c, size);
    for (size_t at = 0; at < size && end->link != NULL;) {
        struct komet_link_output from;
        at += komet_link_feed(end->link, world->now.instant, octets + at, size - at);
        while (end->link != NULL && komet_link_next(end->link, world->now.instant, &from) &&
               from.kind != KOMET_LINK_OUT_SEND) {
            if (from.kind == KOMET_LINK_OUT_ASDU) {
                keep_frame(world, c, &from);
            } else if (from.kind == KOMET_LINK_OUT_CLOSE) {
                end->link = NULL;
                pair_closed(world->pair, world->now, c);
            }
        }
    }
}

static void take_pair(struct pair_world *world, const struct pair_output *output)
{
    unsigned c = output->connection;
    switch (output->kind) {
    case PAIR_OUT_EVENT:
        world->event_count++;
        return;
    case PAIR_OUT_GOT:
        assert_true(world->got_count < WORLD_GOT_MAX);
        world->got[world->got_count++] = *output;
        return;
    case PAIR_OUT_NOTE:
        assert_true(world->note_count < WORLD_NOTES_MAX);
        snprintf(world->notes[world->note_count++], WORLD_NOTE_SIZE, "%s", output->text);
        return;
    case PAIR_OUT_CONNECT:
        if ((world->refused >> c & 1u) != 0) {
            pair_closed(world->pair, world->now, c);
        } else {
            begin_end(world, c);
        }
        return;
    case PAIR_OUT_SEND:
        if ((world->blocked >> c & 1u) == 0) {
            feed_end(world, c, output);
        }
        return;
    case PAIR_OUT_CLOSE:
        world->ends[c].link = NULL;
        world->ends[c].reason = output->reason;
        return;
    }
}

void world_pump(struct pair_world *world)
{
    bool any = true;
    while (any) {
        any = pump_pair(world);
        for (unsigned c = 0; c < PAIR_CONNECTIONS; c++) {
            any = pump_end(world, c) || any;
        }
    }
}

void world_advance(struct pair_world *world, int64_t ms)
{
    for (int64_t end = world->now.utc.ms + ms; world->now.utc.ms < end;) {
        int64_t step = end - world->now.utc.ms > 10 ? 10 : end - world->now.utc.ms;
        world->now.instant = komet_after(world->now.instant, KOMET_MS(step));
        world->now.utc.ms += step;
        pair_tick(world->pair, world->now);
        for (unsigned c = 0; c < PAIR_CONNECTIONS; c++) {
            if (world->ends[c].link != NULL) {
                komet_link_tick(world->ends[c].link, world->now.instant);
            }
        }
        world_pump(world);
    }
}

void world_obey(struct pair_world *world, const char *text)
{
    struct pair_order order;
    char fault[PAIR_ORDER_FAULT_SIZE] = "";
    if (!pair_order_parse(text, &order, fault)) {
        fail_msg("%s: %s", text, fault);
    }
    pair_obey(world->pair, world->now, &order);
    world_pump(world);
}

void world_connect(struct pair_world *world, unsigned connection)
{
    begin_end(world, connection);
    world_pump(world);
}

void world_send(struct pair_world *world, unsigned connection, struct komet_asdu_header header,
                struct komet_object object)
{
    struct komet_asdu_writer writer;
    struct komet_link *link = world->ends[connection].link;
    assert_non_null(link);
    uint8_t *octets = komet_link_reserve(link);
    assert_non_null(octets);
    assert_true(komet_asdu_begin(&writer, &komet_profile_sinaut, &header, octets, KOMET_ASDU_SIZE_MAX));
    assert_true(komet_asdu_add(&writer, &object));
    komet_link_commit(link, world->now.instant, komet_asdu_end(&writer));
    world_pump(world);
}

const char *world_frame(const struct pair_world *world, unsigned at)
{
    static char text[400];
    struct komet_asdu asdu;
    if (at >= world->frame_count) {
        return "none";
    }
    assert_int_equal(
        komet_asdu_decode(&komet_profile_sinaut, world->frames[at].octets, world->frames[at].size, &asdu),
        KOMET_ASDU_OK);
    int used = snprintf(text, sizeof text, "%c%u %u %u%s%s %u", 'a' + (int)(world->frames[at].connection / 4),
                        world->frames[at].connection % 2 + 1, asdu.type, asdu.cause, asdu.negative ? "-" : "",
                        asdu.test ? "T" : "", asdu.ca);
    for (unsigned i = 0; i < asdu.count; i++) {
        struct komet_object object;
        komet_asdu_object(&asdu, i, &object);
        used += snprintf(text + used, sizeof text - (size_t)used, "%s%u=%g", i == 0 ? " " : ",", object.ioa,
                         komet_object_number(&object));
    }
    return text;
}

void world_forget(struct pair_world *world)
{
    world->frame_count = world->got_count = world->note_count = world->event_count = 0;
}

bool world_said(const struct pair_world *world, const char *text)
{
    for (unsigned i = 0; i < world->note_count; i++) {
        if (strstr(world->notes[i], text) != NULL) {
            return true;
        }
    }
    return false;
}
