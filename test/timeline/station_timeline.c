/*
 * station_timeline: runs a script against the real services of the controlled side. ASDUs only: the link
 * under them has timelines of its own.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "komet/station.h"

#include "asdu_words.h"
#include "stage.h"

enum { POINTS_MAX = 600, ADDRESSES_MAX = 8, UNLIMITED = 1000000 };

struct runner {
    struct stage stage;
    struct komet_station_settings settings;
    uint16_t addresses[ADDRESSES_MAX];
    struct komet_point points[POINTS_MAX];
    struct komet_utc utc; /* at 0 */
    struct komet_station *station;
    unsigned room[KOMET_STATION_CONNECTIONS_MAX]; /* how many frames may leave */
};

static struct komet_utc utc_now(const struct runner *r)
{
    return komet_utc_known(r->utc) ? (struct komet_utc){r->utc.ms + r->stage.now.us / 1000} : r->utc;
}

/* ---- what happens ---- */

static void drain(struct runner *r)
{
    uint8_t octets[KOMET_ASDU_SIZE_MAX];
    char text[ASDU_WORDS_TEXT_SIZE];
    for (unsigned c = 0; c < r->settings.connections; c++) {
        size_t size = 0;
        while (r->room[c] > 0 &&
               (size = komet_station_write(r->station, r->stage.now, utc_now(r), c, octets)) > 0) {
            asdu_text(text, r->settings.profile, octets, size);
            stage_note(&r->stage, "send %u %s", c, text);
            r->room[c] -= r->room[c] < UNLIMITED;
        }
    }
}

static void note_object(struct runner *r, const char *word, const struct komet_station_event *event)
{
    char point[40] = "";
    if (event->point != KOMET_POINT_NONE) {
        snprintf(point, sizeof point, " ioa %u", (unsigned)r->points[event->point].ioa);
    }
    stage_note(&r->stage, "%s %u ca %u%s value %g qualifier %u", word, (unsigned)event->id, event->ca, point,
               komet_object_number(&event->object), event->object.qualifier);
}

static void note_event(struct runner *r, const struct komet_station_event *event)
{
    switch (event->kind) {
    case KOMET_STATION_NOTHING:
        return;
    case KOMET_STATION_COMMAND:
        note_object(r, event->object.select ? "select" : "execute", event);
        return;
    case KOMET_STATION_PARAMETER:
        note_object(r, "parameter", event);
        return;
    case KOMET_STATION_PARAMETER_ACTIVATION:
        note_object(r, event->activate ? "activate" : "deactivate", event);
        return;
    case KOMET_STATION_CLOCK:
        stage_note(&r->stage, "clock %lld", (long long)event->utc.ms);
        return;
    case KOMET_STATION_FREEZE:
        stage_note(&r->stage, "freeze ca %u group %u mode %u", event->ca, event->group,
                   event->object.qualifier);
        return;
    case KOMET_STATION_RESET:
        stage_note(&r->stage, "reset ca %u qualifier %u", event->ca, event->object.qualifier);
        return;
    }
}

/* ---- settings ---- */

static double number_word(struct script *script)
{
    const char *word = script_word(script);
    char *end = NULL;
    double number = word != NULL ? strtod(word, &end) : 0;
    if (word == NULL || *end != '\0') {
        script_fail(script, "'%s' is not a number", word != NULL ? word : "");
    }
    return number;
}

static void set_value(const struct komet_point *point, struct komet_object *object, double number)
{
    enum komet_element element = komet_type_find(point->type)->element;
    if (element == KOMET_ELEMENT_SINGLE) {
        object->value.single = number != 0;
    } else if (element == KOMET_ELEMENT_FLOAT) {
        object->value.real = (float)number;
    } else if (element == KOMET_ELEMENT_BITS) {
        object->value.bits = (uint32_t)number;
    } else {
        object->value.number = (int32_t)number;
    }
}

static uint8_t type_word(struct script *script)
{
    const char *word = script_word(script);
    size_t count;
    const struct komet_type_row *rows = komet_type_table(&count);
    for (size_t i = 0; word != NULL && i < count; i++) {
        if (strcmp(word, rows[i].name) == 0) {
            return rows[i].type;
        }
    }
    script_fail(script, "'%s' is no type", word != NULL ? word : "");
}

static void point_word(struct runner *r, struct komet_point *point)
{
    struct script *script = &r->stage.script;
    if (script_take(script, "group")) {
        point->groups |= (uint16_t)(1u << (script_number(script, 16) - 1));
    } else if (script_take(script, "value")) {
        set_value(point, &point->object, number_word(script));
    } else if (script_take(script, "qualifier")) {
        point->object.qualifier = (uint8_t)script_number(script, 255);
    } else if (script_take(script, "quality")) {
        point->object.quality = (uint8_t)script_number(script, 255);
    } else if (script_take(script, "select-required")) {
        point->select = KOMET_SELECT_REQUIRED;
    } else if (script_take(script, "select-never")) {
        point->select = KOMET_SELECT_NEVER;
    } else if (script_take(script, "from")) {
        point->minimum = number_word(script);
    } else if (script_take(script, "to")) {
        point->maximum = number_word(script);
    } else {
        script_fail(script, "'%s' is no word of a point", script_peek(script));
    }
}

/* point CA IOA[..IOA] TYPE …: one, or as many as there are addresses in the range. */
static void add_points(struct runner *r)
{
    struct script *script = &r->stage.script;
    struct komet_point point = {.ca = (uint16_t)script_number(script, 65535)};
    uint64_t first = script_number(script, 0xFFFFFF);
    uint64_t last = script_take(script, "..") ? script_number(script, 0xFFFFFF) : first;
    point.type = type_word(script);
    while (script_peek(script) != NULL) {
        point_word(r, &point);
    }
    for (uint64_t ioa = first; ioa <= last; ioa++) {
        if (r->settings.point_count == POINTS_MAX) {
            script_fail(script, "more than %d points", POINTS_MAX);
        }
        point.ioa = (uint32_t)ioa;
        r->points[r->settings.point_count++] = point;
    }
}

static bool flag_setting(struct runner *r)
{
    struct komet_station_settings *settings = &r->settings;
    const struct {
        const char *word;
        bool *flag, value;
    } flags[] = {
        {"summer-time", &settings->summer_time, true},
        {"no-clock-sync", &settings->clock_sync, false},
        {"clock-event", &settings->clock_event, true},
        {"broadcast-once", &settings->broadcast_once, true},
        {"limit-set-points", &settings->limit_set_points, true},
    };
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        if (script_take(&r->stage.script, flags[i].word)) {
            *flags[i].flag = flags[i].value;
            return true;
        }
    }
    return false;
}

static bool setting(struct stage *stage)
{
    struct runner *r = stage->context;
    struct script *script = &stage->script;
    struct komet_station_settings *settings = &r->settings;
    if (script_take(script, "address")) {
        if (settings->address_count == ADDRESSES_MAX) {
            script_fail(script, "more than %d addresses", ADDRESSES_MAX);
        }
        r->addresses[settings->address_count++] = (uint16_t)script_number(script, 65535);
    } else if (script_take(script, "point")) {
        add_points(r);
    } else if (script_take(script, "connections")) {
        settings->connections = (unsigned)script_number(script, KOMET_STATION_CONNECTIONS_MAX);
    } else if (script_take(script, "answers")) {
        settings->answers = (unsigned)script_number(script, 1000);
    } else if (script_take(script, "commands")) {
        settings->commands = (unsigned)script_number(script, 1000);
    } else if (script_take(script, "select-time")) {
        settings->select_us = script_duration(script);
    } else if (script_take(script, "command-age")) {
        settings->command_age_ms = script_duration(script) / 1000;
    } else if (script_take(script, "too-old")) {
        settings->too_old =
            script_take(script, "discarded") ? KOMET_TOO_OLD_DISCARDED : KOMET_TOO_OLD_REFUSED;
    } else if (script_take(script, "zone")) {
        settings->zone_minutes = (int)number_word(script);
    } else if (script_take(script, "sinaut")) {
        settings->profile = &komet_profile_sinaut;
    } else if (script_take(script, "utc")) {
        r->utc.ms = (int64_t)script_number(script, INT64_MAX);
    } else if (script_take(script, "no-clock")) {
        r->utc = KOMET_UTC_UNKNOWN;
    } else {
        return flag_setting(r);
    }
    return true;
}

static void begin(struct stage *stage)
{
    struct runner *r = stage->context;
    if (r->settings.address_count == 0) {
        r->addresses[r->settings.address_count++] = 1;
    }
    const char *fault = komet_station_settings_fault(&r->settings);
    if (fault != NULL) {
        script_fail(&stage->script, "%s", fault);
    }
    size_t size = komet_station_size(&r->settings);
    r->station = komet_station_init(malloc(size), size, &r->settings);
    for (unsigned c = 0; c < r->settings.connections; c++) {
        r->room[c] = UNLIMITED;
        komet_station_started(r->station, c);
    }
}

/* ---- the words of the language ---- */

static unsigned connection_word(struct runner *r)
{
    return (unsigned)script_number(&r->stage.script, r->settings.connections - 1);
}

static void do_receive(struct runner *r)
{
    uint8_t octets[KOMET_ASDU_SIZE_MAX];
    struct komet_station_event event;
    unsigned c = connection_word(r);
    size_t size = script_asdu(&r->stage.script, r->settings.profile, octets);
    switch (komet_station_receive(r->station, r->stage.now, utc_now(r), c, octets, size, &event)) {
    case KOMET_STATION_TAKEN:
        note_event(r, &event);
        return;
    case KOMET_STATION_BAD_ASDU:
        stage_note(&r->stage, "bad-asdu");
        return;
    case KOMET_STATION_FULL:
        stage_note(&r->stage, "full");
        return;
    }
}

/* The place of the point that CA IOA name. */
static size_t point_of(struct runner *r)
{
    uint16_t ca = (uint16_t)script_number(&r->stage.script, 65535);
    size_t i = komet_station_find(r->station, ca, (uint32_t)script_number(&r->stage.script, 0xFFFFFF));
    if (i == KOMET_POINT_NONE) {
        script_fail(&r->stage.script, "there is no such point");
    }
    return i;
}

static void do_event(struct runner *r)
{
    uint8_t octets[KOMET_ASDU_SIZE_ONE];
    char text[ASDU_WORDS_TEXT_SIZE];
    size_t i = point_of(r);
    enum komet_cause cause = (enum komet_cause)script_number(&r->stage.script, 63);
    size_t size = komet_station_event(r->station, i, cause, utc_now(r), octets);
    asdu_text(text, r->settings.profile, octets, size);
    stage_note(&r->stage, "event %s", text);
}

static void do_initialized(struct runner *r, uint8_t coi)
{
    uint8_t octets[KOMET_ASDU_SIZE_ONE];
    char text[ASDU_WORDS_TEXT_SIZE];
    for (unsigned i = 0; i < r->settings.address_count; i++) {
        asdu_text(text, r->settings.profile, octets, komet_station_initialized(r->station, i, coi, octets));
        stage_note(&r->stage, "event %s", text);
    }
}

static void note_stale(struct runner *r, bool taken)
{
    if (!taken) {
        stage_note(&r->stage, "stale");
    }
}

static void do_scan(struct runner *r)
{
    struct script *script = &r->stage.script;
    unsigned c = connection_word(r);
    uint16_t ca = (uint16_t)script_number(script, 65535);
    uint16_t groups = (uint16_t)script_number(script, 65535);
    if (!komet_station_scan(r->station, c, ca, groups, (enum komet_cause)script_number(script, 63))) {
        stage_note(&r->stage, "full");
    }
}

/* What the host does. */
static bool host_action(struct runner *r)
{
    struct script *script = &r->stage.script;
    if (script_take(script, "confirm")) {
        uint32_t id = (uint32_t)script_number(script, UINT32_MAX);
        note_stale(r, komet_station_confirm(r->station, r->stage.now, id, script_take(script, "yes")));
        script_take(script, "no");
    } else if (script_take(script, "refuse")) {
        uint32_t id = (uint32_t)script_number(script, UINT32_MAX);
        note_stale(r, komet_station_refuse(r->station, id, (uint8_t)script_number(script, 47)));
    } else if (script_take(script, "finish")) {
        uint32_t id = (uint32_t)script_number(script, UINT32_MAX);
        note_stale(r, komet_station_finish(r->station, id, script_take(script, "done")));
        script_take(script, "failed");
    } else if (script_take(script, "set")) {
        size_t i = point_of(r);
        set_value(&r->points[i], &r->points[i].object, number_word(script));
    } else if (script_take(script, "event")) {
        do_event(r);
    } else if (script_take(script, "scan")) {
        do_scan(r);
    } else if (script_take(script, "jump")) { /* of the calendar clock, in ms */
        r->utc.ms += (int64_t)number_word(script);
    } else if (script_take(script, "initialized")) {
        do_initialized(r, (uint8_t)script_number(script, 255));
    } else {
        return false;
    }
    return true;
}

static bool action(struct stage *stage)
{
    struct runner *r = stage->context;
    struct script *script = &stage->script;
    if (script_take(script, "receive")) {
        do_receive(r);
    } else if (script_take(script, "start")) {
        komet_station_started(r->station, connection_word(r));
    } else if (script_take(script, "stop")) {
        komet_station_stopped(r->station, connection_word(r));
    } else if (script_take(script, "block")) {
        r->room[connection_word(r)] = 0;
    } else if (script_take(script, "unblock")) {
        r->room[connection_word(r)] = UNLIMITED;
    } else if (script_take(script, "room")) { /* room CONNECTION FRAMES */
        unsigned c = connection_word(r);
        r->room[c] = (unsigned)script_number(script, UNLIMITED);
    } else if (!host_action(r)) {
        return false;
    }
    drain(r);
    return true;
}

static bool expect_now(struct stage *stage)
{
    struct runner *r = stage->context;
    struct komet_station_counters counters = komet_station_counters(r->station);
    if (!script_take(&stage->script, "counter")) {
        return false;
    }
    const struct {
        const char *word;
        uint64_t number;
    } all[] = {
        {"requests", counters.requests}, {"refused", counters.refused},
        {"ignored", counters.ignored},   {"too-old", counters.too_old},
        {"executed", counters.executed}, {"interrogations", counters.interrogations},
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (script_take(&stage->script, all[i].word)) {
            stage_expect_number(stage, all[i].word, all[i].number);
            return true;
        }
    }
    script_fail(&stage->script, "'%s' is no counter", script_peek(&stage->script));
}

static void asdu_again(struct runner *r, char *text)
{
    uint8_t octets[KOMET_ASDU_SIZE_MAX];
    size_t size = script_asdu(&r->stage.script, r->settings.profile, octets);
    asdu_text(text, r->settings.profile, octets, size);
}

static bool expected(struct stage *stage, char *text)
{
    struct runner *r = stage->context;
    struct script *script = &stage->script;
    char asdu[ASDU_WORDS_TEXT_SIZE];
    if (script_take(script, "send")) {
        unsigned c = connection_word(r);
        asdu_again(r, asdu);
        snprintf(text, STAGE_TEXT_SIZE, "send %u %s", c, asdu);
        return true;
    }
    if (script_take(script, "event")) {
        asdu_again(r, asdu);
        snprintf(text, STAGE_TEXT_SIZE, "event %s", asdu);
        return true;
    }
    const char *word = script_word(script);
    size_t used = (size_t)snprintf(text, STAGE_TEXT_SIZE, "%s", word != NULL ? word : "");
    while (script_peek(script) != NULL && used < STAGE_TEXT_SIZE) {
        used += (size_t)snprintf(text + used, STAGE_TEXT_SIZE - used, " %s", script_word(script));
    }
    return word != NULL;
}

static struct komet_instant deadline(const struct stage *stage)
{
    (void)stage;
    return KOMET_NEVER;
}

static void tick(struct stage *stage)
{
    drain(stage->context);
}

int main(int argc, char **argv)
{
    static const struct stage_engine engine = {
        .setting = setting,
        .begin = begin,
        .action = action,
        .expect_now = expect_now,
        .expected = expected,
        .deadline = deadline,
        .tick = tick,
        .expectations =
            "send CONNECTION ASDU, event ASDU, select, execute, parameter, activate, deactivate, clock, "
            "freeze, reset, bad-asdu, full, stale, counter NAME N",
    };
    static struct runner runner = {.stage = {.engine = &engine, .context = &runner}};
    runner.settings = komet_station_settings_standard();
    runner.settings.addresses = runner.addresses;
    runner.settings.points = runner.points;
    runner.utc = (struct komet_utc){INT64_C(1795264496789)}; /* 2026-11-21 12:34:56.789 */
    int status = stage_run(&runner.stage, argc, argv);
    free(runner.station);
    return status;
}
