/*
 * centre_timeline: runs a script against the real application services of a controlling station.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "komet/centre.h"

#include "asdu_words.h"
#include "stage.h"

/* 2026-11-20 12:00:00.000, a Friday: the calendar time at time 0. */
#define CALENDAR_MS INT64_C(1795176000000)

struct runner {
    struct stage stage;
    struct komet_centre_settings settings;
    struct komet_profile profile;
    uint16_t stations[KOMET_CENTRE_STATIONS_MAX];
    struct komet_centre *centre;
    bool connected, blocked, calendar_unknown;
};

/* ---- what happens ---- */

static bool carries_value(const struct komet_centre_event *event)
{
    const struct komet_type_row *row = komet_type_find(event->type);
    bool answered = event->kind == KOMET_CENTRE_CONFIRMED || event->kind == KOMET_CENTRE_DONE;
    return answered && row->type != KOMET_P_AC_NA_1 &&
           (row->direction != KOMET_SYSTEM_CONTROL || row->type == KOMET_C_RD_NA_1);
}

static int print_content(char *text, size_t size, const struct komet_centre_event *event)
{
    const struct komet_object *object = &event->object;
    bool answered = event->kind == KOMET_CENTRE_CONFIRMED || event->kind == KOMET_CENTRE_DONE;
    if (carries_value(event)) {
        return snprintf(text, size, " value %g", komet_object_number(object));
    }
    if (answered && event->type == KOMET_C_CS_NA_1) {
        return snprintf(text, size, " clock %02u:%02u:%02u.%03u", object->time.hour, object->time.minute,
                        object->time.milliseconds / 1000U, object->time.milliseconds % 1000U);
    }
    if (answered && event->type == KOMET_C_TS_TA_1) {
        return snprintf(text, size, " counter %u", object->test_pattern);
    }
    if (answered && event->type == KOMET_C_CD_NA_1) {
        return snprintf(text, size, " delay %lld", (long long)event->delay_us);
    }
    return 0;
}

static void note_event(struct runner *r, const struct komet_centre_event *event)
{
    enum komet_centre_kind kind = event->kind;
    char text[STAGE_TEXT_SIZE];
    size_t size = sizeof text;
    int used = snprintf(text, size, "%s", komet_centre_kind_name(kind));
    if (kind == KOMET_CENTRE_INITIALIZED) {
        stage_note(&r->stage, "%s ca %u coi %u", text, event->ca, event->object.qualifier);
        return;
    }
    used += snprintf(text + used, size - (size_t)used, " %llu", (unsigned long long)event->id);
    if (kind == KOMET_CENTRE_CONFIRMED || kind == KOMET_CENTRE_STATION_REFUSED) {
        used += snprintf(text + used, size - (size_t)used, " ca %u", event->ca);
    }
    if (kind == KOMET_CENTRE_REFUSED || kind == KOMET_CENTRE_STATION_REFUSED) {
        used += snprintf(text + used, size - (size_t)used, " cause %u", event->cause);
    }
    bool ended = kind >= KOMET_CENTRE_DONE;
    if (ended && event->select_only) {
        used += snprintf(text + used, size - (size_t)used, " select-only");
    }
    used += print_content(text + used, size - (size_t)used, event);
    if (ended && event->values > 0) {
        used += snprintf(text + used, size - (size_t)used, " values %llu", (unsigned long long)event->values);
    }
    if (ended && r->settings.station_count > 0) {
        snprintf(text + used, size - (size_t)used, " confirmed %u terminated %u refused %u", event->confirmed,
                 event->terminated, event->refused);
    }
    stage_note(&r->stage, "%s", text);
}

static void note_events(struct runner *r)
{
    struct komet_centre_event event;
    while (komet_centre_next(r->centre, &event)) {
        note_event(r, &event);
    }
}

static void note_asdu(struct runner *r, const uint8_t *octets, size_t size)
{
    char text[ASDU_WORDS_TEXT_SIZE];
    asdu_text(text, &r->profile, octets, size);
    stage_note(&r->stage, "send %s", text);
}

/* A host that always has room, unless the script blocks it; it also tries while nothing is connected. */
static void drain(struct runner *r)
{
    struct komet_utc utc = {CALENDAR_MS + r->stage.now.us / 1000};
    uint8_t octets[KOMET_ASDU_SIZE_ONE];
    note_events(r);
    if (r->calendar_unknown) {
        utc = KOMET_UTC_UNKNOWN;
    }
    for (size_t size; !r->blocked && (size = komet_centre_write(r->centre, r->stage.now, utc, octets)) > 0;) {
        if (!r->connected) {
            script_fail(&r->stage.script, "it writes, and nothing is connected");
        }
        note_asdu(r, octets, size);
        note_events(r);
    }
    note_events(r);
}

/* ---- the words of the language ---- */

/* An ASDU of one object; octets of its element that the script leaves out are 0. */
static void read_asdu(struct runner *r, uint8_t octets[KOMET_ASDU_SIZE_MAX], struct komet_asdu *asdu)
{
    memset(octets, 0, KOMET_ASDU_SIZE_MAX);
    size_t size = script_asdu(&r->stage.script, &r->profile, octets);
    enum komet_asdu_result result;
    while ((result = komet_asdu_decode(&r->profile, octets, size, asdu)) == KOMET_ASDU_TOO_SHORT &&
           size < KOMET_ASDU_SIZE_MAX) {
        size++;
    }
    if (result != KOMET_ASDU_OK && result != KOMET_ASDU_UNKNOWN_TYPE) {
        script_fail(&r->stage.script, "no ASDU that a host would hand on: %s",
                    komet_asdu_result_name(result));
    }
}

static bool read_option(struct runner *r, struct komet_centre_request *request)
{
    struct script *script = &r->stage.script;
    if (script_take(script, "within")) {
        request->deadline = komet_after(r->stage.now, script_duration(script));
    } else if (script_take(script, "waits")) {
        request->waits = true;
    } else if (script_take(script, "terminates")) {
        request->terminates = true;
    } else if (script_take(script, "summer")) {
        request->summer_time = true;
    } else if (script_take(script, "east")) {
        request->offset_minutes = (int16_t)script_number(script, 1500);
    } else {
        return false;
    }
    return true;
}

static enum komet_centre_procedure read_procedure(struct runner *r)
{
    static const char *const names[] = {
        [KOMET_CENTRE_ACTIVATE] = "activate",
        [KOMET_CENTRE_SELECT_EXECUTE] = "select-execute",
        [KOMET_CENTRE_SELECT] = "select",
        [KOMET_CENTRE_DEACTIVATE] = "deactivate",
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (script_take(&r->stage.script, names[i])) {
            return (enum komet_centre_procedure)i;
        }
    }
    script_fail(&r->stage.script, "a procedure is activate, select-execute, select or deactivate");
}

static void ask(struct runner *r)
{
    static const char *const results[] = {
        [KOMET_CENTRE_BUSY] = "busy",
        [KOMET_CENTRE_FULL] = "full",
        [KOMET_CENTRE_NOT_CONNECTED] = "not-connected",
    };
    struct komet_centre_request request = {.deadline = KOMET_NEVER};
    uint8_t octets[KOMET_ASDU_SIZE_MAX];
    struct komet_asdu asdu;
    while (read_option(r, &request)) {
    }
    request.procedure = read_procedure(r);
    read_asdu(r, octets, &asdu);
    request.type = asdu.type;
    request.ca = asdu.ca;
    request.test = asdu.test;
    if (asdu.row != NULL) {
        komet_asdu_object(&asdu, 0, &request.object);
    }
    if (komet_centre_request_fault(r->centre, &request) != NULL) {
        stage_note(&r->stage, "local unfit");
        return;
    }
    uint64_t id = 0;
    enum komet_centre_result result = komet_centre_request(r->centre, r->stage.now, &request, &id);
    if (result != KOMET_CENTRE_TAKEN) {
        stage_note(&r->stage, "local %s", results[result]);
    }
}

static void receive(struct runner *r)
{
    uint8_t octets[KOMET_ASDU_SIZE_MAX];
    struct komet_asdu asdu;
    read_asdu(r, octets, &asdu);
    if (!komet_centre_receive(r->centre, r->stage.now, &asdu)) {
        stage_note(&r->stage, "passed");
    }
}

/* The text of the event that the line expects. */
static bool expected(struct stage *stage, char *text)
{
    struct runner *r = stage->context;
    if (script_take(&stage->script, "send")) {
        uint8_t octets[KOMET_ASDU_SIZE_MAX];
        char words[ASDU_WORDS_TEXT_SIZE];
        size_t size = script_asdu(&stage->script, &r->profile, octets);
        asdu_text(words, &r->profile, octets, size);
        snprintf(text, STAGE_TEXT_SIZE, "send %.700s", words);
        return true;
    }
    size_t used = 0;
    text[0] = '\0';
    for (const char *word; used < STAGE_TEXT_SIZE && (word = script_word(&stage->script)) != NULL;) {
        used += (size_t)snprintf(text + used, STAGE_TEXT_SIZE - used, "%s%s", used > 0 ? " " : "", word);
    }
    return used > 0;
}

static bool expect_now(struct stage *stage)
{
    const struct runner *r = stage->context;
    if (!script_take(&stage->script, "unexpected")) {
        return false;
    }
    stage_expect_number(stage, "unexpected", komet_centre_counters(r->centre).unexpected);
    return true;
}

static bool setting(struct stage *stage)
{
    struct runner *r = stage->context;
    struct script *script = &stage->script;
    struct komet_centre_settings *settings = &r->settings;
    if (script_take(script, "oa")) {
        settings->oa = (uint8_t)script_number(script, UINT8_MAX);
    } else if (script_take(script, "requests")) {
        settings->requests = (unsigned)script_number(script, KOMET_CENTRE_REQUESTS_MAX);
    } else if (script_take(script, "confirm")) {
        settings->confirm_us = script_duration(script);
    } else if (script_take(script, "terminate")) {
        settings->terminate_us = script_duration(script);
    } else if (script_take(script, "select")) {
        settings->select_us = script_duration(script);
    } else if (script_take(script, "widths")) {
        r->profile.cot_size = (uint8_t)script_number(script, 2);
        r->profile.ca_size = (uint8_t)script_number(script, 2);
        r->profile.ioa_size = (uint8_t)script_number(script, 3);
    } else if (script_take(script, "stations")) {
        while (script_peek(script) != NULL && settings->station_count < KOMET_CENTRE_STATIONS_MAX) {
            r->stations[settings->station_count++] = (uint16_t)script_number(script, UINT16_MAX);
        }
    } else {
        return false;
    }
    return true;
}

static void begin(struct stage *stage)
{
    struct runner *r = stage->context;
    const char *fault = komet_centre_settings_fault(&r->settings);
    if (fault != NULL) {
        script_fail(&stage->script, "%s", fault);
    }
    size_t size = komet_centre_size(&r->settings);
    r->centre = komet_centre_init(malloc(size), size, &r->settings);
}

static bool action(struct stage *stage)
{
    struct runner *r = stage->context;
    struct script *script = &stage->script;
    if (script_take(script, "ask")) {
        ask(r);
    } else if (script_take(script, "receive")) {
        receive(r);
    } else if (script_take(script, "connect")) {
        r->connected = true;
        komet_centre_connected(r->centre, stage->now);
    } else if (script_take(script, "disconnect")) {
        r->connected = false;
        komet_centre_disconnected(r->centre, stage->now);
    } else if (script_take(script, "block")) {
        r->blocked = true;
    } else if (script_take(script, "unblock")) {
        r->blocked = false;
    } else if (script_take(script, "calendar")) {
        r->calendar_unknown = !script_take(script, "known");
        script_take(script, "unknown");
    } else {
        return false;
    }
    drain(r);
    return true;
}

static struct komet_instant deadline(const struct stage *stage)
{
    const struct runner *r = stage->context;
    return komet_centre_deadline(r->centre);
}

static void tick(struct stage *stage)
{
    struct runner *r = stage->context;
    komet_centre_tick(r->centre, stage->now);
    drain(r);
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
        .expectations = "send ASDU, passed, local WORD, the name of an event, unexpected N",
    };
    static struct runner runner = {.stage = {.engine = &engine, .context = &runner}};
    runner.profile = komet_profile_104;
    runner.settings = komet_centre_settings_standard();
    runner.settings.profile = &runner.profile;
    runner.settings.stations = runner.stations;
    int status = stage_run(&runner.stage, argc, argv);
    free(runner.centre);
    return status;
}
