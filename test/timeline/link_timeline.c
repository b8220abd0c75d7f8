/*
 * link_timeline: runs a script against the real link engine. The script owns the clock.
 *
 * Everything that the link wants done becomes a line of text with its instant ("send 68 04 …", "state
 * started", "close t1-test"), one for each frame and event. `expect` takes the first of them; a line that was
 * not expected before the script goes on is an error, as is anything that happens before the end of a wait.
 * So a script says all that happens, and when. README.md describes the language.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "komet/link.h"

#include "script.h"

enum { EVENTS_MAX = 64, EVENT_TEXT_SIZE = 800, FEED_MAX = 300 };

struct event {
    struct komet_instant at;
    char text[EVENT_TEXT_SIZE];
};

struct runner {
    struct script script;
    struct komet_link_settings settings;
    bool acknowledge_by_script;
    bool octet_by_octet;
    bool output_blocked;
    struct komet_link *link; /* NULL while settings are read */
    struct komet_instant now;
    struct event events[EVENTS_MAX];
    size_t event_first, event_count;
    uint64_t peer_sent; /* I formats that the script sent */
    uint64_t ours_seen; /* I formats that left the link */
    uint64_t ours_expected;
    uint8_t cut[KOMET_APDU_SIZE_MAX]; /* a sent frame that is not complete yet */
    size_t cut_size;
};

/* Interrogation of station 1: stands for any ASDU. */
static const uint8_t standard_asdu[] = {0x64, 1, 6, 0, 1, 0, 0, 0, 0, 0x14};

static void hex_text(char *text, const char *word, const uint8_t *octets, size_t size)
{
    int length = snprintf(text, EVENT_TEXT_SIZE, "%s", word);
    for (size_t i = 0; i < size; i++) {
        length += snprintf(text + length, (size_t)(EVENT_TEXT_SIZE - length), " %02x", octets[i]);
    }
}

/* ---- what happens ---- */

static char *add_event(struct runner *r)
{
    if (r->event_first + r->event_count == EVENTS_MAX) {
        script_fail(&r->script, "more than %d events wait to be expected", EVENTS_MAX);
    }
    struct event *event = &r->events[r->event_first + r->event_count++];
    event->at = r->now;
    event->text[0] = '\0';
    return event->text;
}

static void note_sent(struct runner *r, const uint8_t *octets, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        r->cut[r->cut_size++] = octets[i];
        if (r->cut_size >= 2 && r->cut_size == (size_t)r->cut[1] + 2) {
            hex_text(add_event(r), "send", r->cut, r->cut_size);
            r->ours_seen += (r->cut[2] & 1) == 0;
            r->cut_size = 0;
        }
    }
}

static void note_output(struct runner *r, const struct komet_link_output *output)
{
    switch (output->kind) {
    case KOMET_LINK_OUT_STATE:
        snprintf(add_event(r), EVENT_TEXT_SIZE, "state %s", komet_link_state_name(output->state));
        return;
    case KOMET_LINK_OUT_ASDU:
        hex_text(add_event(r), output->cf3_mark ? "marked-asdu" : "asdu", output->octets, output->size);
        if (!r->acknowledge_by_script) {
            komet_link_acknowledge(r->link, r->now, output->received);
        }
        return;
    case KOMET_LINK_OUT_ACKNOWLEDGED:
        snprintf(add_event(r), EVENT_TEXT_SIZE, "acknowledged %llu",
                 (unsigned long long)output->acknowledged);
        return;
    case KOMET_LINK_OUT_SEND:
        note_sent(r, output->octets, output->size);
        komet_link_written(r->link, output->size);
        return;
    case KOMET_LINK_OUT_CLOSE:
        snprintf(add_event(r), EVENT_TEXT_SIZE, "close %s", komet_reason_name(output->reason));
        return;
    }
}

static void drain(struct runner *r)
{
    struct komet_link_output output;
    while (komet_link_next(r->link, r->now, &output)) {
        if (output.kind == KOMET_LINK_OUT_SEND && r->output_blocked) {
            return;
        }
        note_output(r, &output);
    }
}

static void refuse_unexpected(struct runner *r)
{
    if (r->event_count > 0) {
        const struct event *event = &r->events[r->event_first];
        script_fail(&r->script, "not expected: %s (at %lld us)", event->text, (long long)event->at.us);
    }
    r->event_first = 0;
}

static void pass_time(struct runner *r, struct komet_instant until)
{
    while (r->event_count == 0 && komet_reached(until, komet_link_deadline(r->link))) {
        struct komet_instant deadline = komet_link_deadline(r->link);
        r->now = deadline.us > r->now.us ? deadline : r->now;
        komet_link_tick(r->link, r->now);
        drain(r);
    }
    if (r->event_count > 0 && r->now.us < until.us) {
        script_fail(&r->script, "%lld us before the end of this wait (at %lld us) came: %s",
                    (long long)komet_elapsed_us(until, r->now), (long long)r->now.us,
                    r->events[r->event_first].text);
    }
    r->now = until;
    komet_link_tick(r->link, r->now);
    drain(r);
}

/* ---- frames in the script ---- */

/* "STARTDT act" and so on; false when the next word is no function. */
static bool u_frame(struct runner *r, uint8_t *octets)
{
    static const enum komet_u_function functions[] = {KOMET_U_STARTDT_ACT, KOMET_U_STARTDT_CON,
                                                      KOMET_U_STOPDT_ACT,  KOMET_U_STOPDT_CON,
                                                      KOMET_U_TESTFR_ACT,  KOMET_U_TESTFR_CON};
    const char *word = script_peek(&r->script);
    if (word == NULL ||
        (strcmp(word, "STARTDT") != 0 && strcmp(word, "STOPDT") != 0 && strcmp(word, "TESTFR") != 0)) {
        return false;
    }
    char name[32];
    script_word(&r->script);
    const char *kind = script_word(&r->script);
    snprintf(name, sizeof name, "%s %s", word, kind != NULL ? kind : "");
    for (size_t i = 0; i < 6; i++) {
        if (strcmp(name, komet_u_function_name(functions[i])) == 0) {
            komet_apdu_encode_u(octets, functions[i]);
            return true;
        }
    }
    script_fail(&r->script, "'%s' is no function of the U format", name);
}

static uint16_t number_or(struct runner *r, uint64_t otherwise)
{
    if (script_peek(&r->script) == NULL) {
        return (uint16_t)(otherwise % KOMET_SEQUENCE_MODULUS);
    }
    return (uint16_t)script_number(&r->script, KOMET_SEQUENCE_MODULUS - 1);
}

/* A frame: "I NS NR", "S NR", a function, or octets. `ns` and `nr` are what stands for missing numbers. */
static size_t frame(struct runner *r, uint8_t *octets, uint64_t ns, uint64_t nr)
{
    size_t size = KOMET_APDU_HEADER_SIZE;
    if (script_take(&r->script, "I")) {
        uint16_t first = number_or(r, ns);
        komet_apdu_encode_i(octets, first, number_or(r, nr), sizeof standard_asdu);
        memcpy(octets + size, standard_asdu, sizeof standard_asdu);
        size += sizeof standard_asdu;
    } else if (script_take(&r->script, "S")) {
        komet_apdu_encode_s(octets, number_or(r, nr));
    } else if (!u_frame(r, octets)) {
        size = script_octets(&r->script, octets, FEED_MAX);
        if (size == 0) {
            script_fail(&r->script, "a frame is missing: I, S, a function such as TESTFR act, or octets");
        }
    }
    script_end_of_line(&r->script);
    return size;
}

/* ---- the words of the language ---- */

static void do_receive(struct runner *r)
{
    uint8_t octets[FEED_MAX];
    size_t size = frame(r, octets, r->peer_sent, r->settings.first_vs + r->ours_seen);
    r->peer_sent += size > KOMET_APDU_HEADER_SIZE && octets[0] == KOMET_APDU_START && (octets[2] & 1) == 0;
    for (size_t taken = 0; taken < size;) {
        size_t part = r->octet_by_octet ? 1 : size - taken;
        taken += komet_link_feed(r->link, r->now, octets + taken, part);
        drain(r);
    }
}

static void do_send(struct runner *r)
{
    bool refused = script_take(&r->script, "refused");
    uint64_t count = refused || script_peek(&r->script) == NULL ? 1 : script_number(&r->script, 32767);
    script_end_of_line(&r->script);
    for (uint64_t i = 0; i < count; i++) {
        uint8_t *place = komet_link_reserve(r->link);
        if ((place == NULL) != refused) {
            script_fail(&r->script, refused ? "the link takes an I format, and should refuse it"
                                            : "the link has no room for an I format");
        }
        if (place != NULL) {
            memcpy(place, standard_asdu, sizeof standard_asdu);
            komet_link_commit(r->link, r->now, sizeof standard_asdu);
        }
    }
    drain(r);
}

static void do_close(struct runner *r)
{
    const char *word = script_word(&r->script);
    for (unsigned reason = 1; word != NULL && reason < KOMET_REASON_COUNT; reason++) {
        if (strcmp(word, komet_reason_name((enum komet_reason)reason)) == 0) {
            komet_link_close(r->link, (enum komet_reason)reason);
            drain(r);
            return;
        }
    }
    script_fail(&r->script, "'%s' is no reason", word != NULL ? word : "");
}

static void expect_number(struct runner *r, const char *what, uint64_t got)
{
    uint64_t expected = script_number(&r->script, UINT64_MAX);
    if (got != expected) {
        script_fail(&r->script, "expected %s %llu, got %llu", what, (unsigned long long)expected,
                    (unsigned long long)got);
    }
}

/* The text of the event that the line expects. */
static void expected_text(struct runner *r, char *text)
{
    uint8_t octets[FEED_MAX];
    if (script_take(&r->script, "send")) {
        size_t size = frame(r, octets, r->settings.first_vs + r->ours_expected, r->peer_sent);
        r->ours_expected += (octets[2] & 1) == 0;
        hex_text(text, "send", octets, size);
        return;
    }
    const char *word = script_word(&r->script);
    if (word != NULL && (strcmp(word, "asdu") == 0 || strcmp(word, "marked-asdu") == 0)) {
        size_t size = script_octets(&r->script, octets, KOMET_ASDU_SIZE_MAX);
        hex_text(text, word, size > 0 ? octets : standard_asdu, size > 0 ? size : sizeof standard_asdu);
        return;
    }
    if (word != NULL && strcmp(word, "acknowledged") == 0 && script_peek(&r->script) == NULL) {
        snprintf(text, EVENT_TEXT_SIZE, "acknowledged %llu", (unsigned long long)r->ours_expected);
        return;
    }
    const char *argument = script_word(&r->script);
    bool known = word != NULL && (strcmp(word, "state") == 0 || strcmp(word, "close") == 0 ||
                                  strcmp(word, "acknowledged") == 0);
    if (!known || argument == NULL) {
        script_fail(&r->script, "expect what? send FRAME, asdu, state NAME, acknowledged N, close REASON, "
                                "nothing, room N, open N");
    }
    snprintf(text, EVENT_TEXT_SIZE, "%s %s", word, argument);
}

static void do_expect(struct runner *r)
{
    struct komet_link_counters counters;
    komet_link_counters(r->link, &counters);
    if (script_take(&r->script, "nothing")) {
        refuse_unexpected(r);
        return;
    }
    if (script_take(&r->script, "room")) {
        expect_number(r, "room", komet_link_room(r->link));
        return;
    }
    if (script_take(&r->script, "open")) { /* received, and not acknowledged to the peer */
        expect_number(r, "open", counters.unacknowledged_received);
        return;
    }
    char text[EVENT_TEXT_SIZE];
    expected_text(r, text);
    script_end_of_line(&r->script);
    if (r->event_count == 0) {
        script_fail(&r->script, "expected: %s; got nothing (at %lld us, state %s)", text,
                    (long long)r->now.us, komet_link_state_name(komet_link_state(r->link)));
    }
    const struct event *event = &r->events[r->event_first];
    if (strcmp(event->text, text) != 0) {
        script_fail(&r->script, "expected: %s; got: %s (at %lld us)", text, event->text,
                    (long long)event->at.us);
    }
    r->event_first++;
    r->event_count--;
}

/* A line that comes before the first action; false when it is none of these. */
static bool setting(struct runner *r)
{
    struct script *script = &r->script;
    struct komet_link_settings *settings = &r->settings;
    if (script_take(script, "role")) {
        if (script_take(script, "controlling")) {
            settings->role = KOMET_CONTROLLING;
        } else if (!script_take(script, "controlled")) {
            script_fail(script, "a role is controlling or controlled");
        }
    } else if (script_take(script, "k")) {
        settings->k = (uint16_t)script_number(script, UINT16_MAX);
        settings->w = settings->w > settings->k ? settings->k : settings->w;
    } else if (script_take(script, "w")) {
        settings->w = (uint16_t)script_number(script, UINT16_MAX);
    } else if (script_take(script, "t1")) {
        settings->t1_us = script_duration(script);
    } else if (script_take(script, "t2")) {
        settings->t2_us = script_duration(script);
    } else if (script_take(script, "t3")) {
        settings->t3_us = script_duration(script);
    } else if (script_take(script, "first-vs")) {
        settings->first_vs = (uint16_t)script_number(script, UINT16_MAX);
    } else if (script_take(script, "output")) {
        settings->output_size = script_number(script, 1000000);
    } else if (script_take(script, "cf3-mark")) {
        settings->tolerate_cf3_mark = script_take(script, "tolerated");
    } else if (script_take(script, "acknowledge-by-script")) {
        r->acknowledge_by_script = true;
    } else if (script_take(script, "octet-by-octet")) {
        r->octet_by_octet = true;
    } else {
        return false;
    }
    script_end_of_line(script);
    return true;
}

static void connect(struct runner *r)
{
    const char *fault = komet_link_settings_fault(&r->settings);
    if (fault != NULL) {
        script_fail(&r->script, "%s", fault);
    }
    size_t size = komet_link_size(&r->settings);
    free(r->link);
    r->link = komet_link_init(malloc(size), size, &r->settings, r->now);
    r->peer_sent = r->ours_seen = r->ours_expected = r->cut_size = 0;
}

static void host_action(struct runner *r)
{
    struct script *script = &r->script;
    if (script_take(script, "start")) {
        komet_link_start(r->link, r->now);
    } else if (script_take(script, "stop")) {
        komet_link_stop(r->link, r->now);
    } else if (script_take(script, "test")) {
        komet_link_test(r->link, r->now);
    } else if (script_take(script, "acknowledge")) {
        komet_link_acknowledge(r->link, r->now, script_number(script, UINT64_MAX));
    } else if (script_take(script, "connect")) {
        connect(r);
    } else if (script_take(script, "block")) {
        r->output_blocked = true;
    } else if (script_take(script, "unblock")) {
        r->output_blocked = false;
    } else {
        script_fail(script, "'%s' is no word of this language", script_peek(script));
    }
    script_end_of_line(script);
    drain(r);
}

static void action(struct runner *r)
{
    struct script *script = &r->script;
    if (script_take(script, "expect")) {
        do_expect(r);
        return;
    }
    refuse_unexpected(r);
    if (script_take(script, "at")) {
        struct komet_instant until = {script_duration(script)};
        if (until.us < r->now.us) {
            script_fail(script, "it is %lld us already", (long long)r->now.us);
        }
        pass_time(r, until);
    } else if (script_take(script, "wait")) {
        pass_time(r, komet_after(r->now, script_duration(script)));
    } else if (script_take(script, "receive")) {
        do_receive(r);
    } else if (script_take(script, "send")) {
        do_send(r);
    } else if (script_take(script, "close")) {
        do_close(r);
    } else {
        host_action(r);
    }
    script_end_of_line(script);
}

/* Runs the lines from `first` to the `end` that closes this block; returns the line behind it. */
static size_t run_block(struct runner *r, size_t first, bool nested)
{
    size_t line = first;
    while (line < r->script.line_count) {
        if (!script_read_line(&r->script, line)) {
            line++;
        } else if (script_take(&r->script, "end")) {
            if (!nested) {
                script_fail(&r->script, "an end without a repeat");
            }
            return line + 1;
        } else if (script_take(&r->script, "repeat")) {
            uint64_t times = script_number(&r->script, 1000000);
            size_t behind = line + 1;
            for (uint64_t i = 0; i < times; i++) {
                behind = run_block(r, line + 1, true);
            }
            line = behind;
        } else {
            if (r->link == NULL && !setting(r)) {
                connect(r);
            }
            if (r->link != NULL) {
                action(r);
            }
            line++;
        }
    }
    if (nested) {
        script_fail(&r->script, "a repeat without an end");
    }
    return line;
}

int main(int argc, char **argv)
{
    static struct runner runner;
    if (argc != 2) {
        fprintf(stderr, "usage: %s SCRIPT\n", argv[0]);
        return 2;
    }
    runner.settings = komet_link_settings_standard(KOMET_CONTROLLED);
    script_open(&runner.script, argv[1]);
    run_block(&runner, 0, false);
    if (runner.link == NULL) {
        script_fail(&runner.script, "the script does nothing");
    }
    refuse_unexpected(&runner);
    free(runner.link);
    script_close(&runner.script);
    return 0;
}
