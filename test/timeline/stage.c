/*
 * stage: see stage.h. README.md describes the language.
 */
#include "stage.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- what happens ---- */

static char *add_event(struct stage *stage)
{
    if (stage->event_first + stage->event_count == STAGE_EVENTS_MAX) {
        script_fail(&stage->script, "more than %d events wait to be expected", STAGE_EVENTS_MAX);
    }
    struct stage_event *event = &stage->events[stage->event_first + stage->event_count++];
    event->at = stage->now;
    event->text[0] = '\0';
    return event->text;
}

void stage_note(struct stage *stage, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(add_event(stage), STAGE_TEXT_SIZE, format, arguments);
    va_end(arguments);
}

void stage_hex(char *text, const char *word, const uint8_t *octets, size_t size)
{
    int length = snprintf(text, STAGE_TEXT_SIZE, "%s", word);
    for (size_t i = 0; i < size && length < STAGE_TEXT_SIZE; i++) {
        length += snprintf(text + length, (size_t)(STAGE_TEXT_SIZE - length), " %02x", octets[i]);
    }
}

void stage_note_hex(struct stage *stage, const char *word, const uint8_t *octets, size_t size)
{
    stage_hex(add_event(stage), word, octets, size);
}

static void refuse_unexpected(struct stage *stage)
{
    if (stage->event_count > 0) {
        const struct stage_event *event = &stage->events[stage->event_first];
        script_fail(&stage->script, "not expected: %s (at %lld us)", event->text, (long long)event->at.us);
    }
    stage->event_first = 0;
}

/* ---- time ---- */

static void pass_time(struct stage *stage, struct komet_instant until)
{
    while (stage->event_count == 0 && komet_reached(until, stage->engine->deadline(stage))) {
        struct komet_instant deadline = stage->engine->deadline(stage);
        stage->now = deadline.us > stage->now.us ? deadline : stage->now;
        stage->engine->tick(stage);
    }
    if (stage->event_count > 0 && stage->now.us < until.us) {
        script_fail(&stage->script, "%lld us before the end of this wait (at %lld us) came: %s",
                    (long long)komet_elapsed_us(until, stage->now), (long long)stage->now.us,
                    stage->events[stage->event_first].text);
    }
    stage->now = until;
    stage->engine->tick(stage);
}

/* ---- the words of the language ---- */

void stage_expect_number(struct stage *stage, const char *what, uint64_t got)
{
    uint64_t expected = script_number(&stage->script, UINT64_MAX);
    if (got != expected) {
        script_fail(&stage->script, "expected %s %llu, got %llu", what, (unsigned long long)expected,
                    (unsigned long long)got);
    }
}

static void expect(struct stage *stage)
{
    if (script_take(&stage->script, "nothing")) {
        refuse_unexpected(stage);
        return;
    }
    if (stage->engine->expect_now != NULL && stage->engine->expect_now(stage)) {
        return;
    }
    char text[STAGE_TEXT_SIZE];
    if (!stage->engine->expected(stage, text)) {
        script_fail(&stage->script, "expect what? %s, nothing", stage->engine->expectations);
    }
    script_end_of_line(&stage->script);
    if (stage->event_count == 0) {
        script_fail(&stage->script, "expected: %s; got nothing (at %lld us)", text, (long long)stage->now.us);
    }
    const struct stage_event *event = &stage->events[stage->event_first];
    if (strcmp(event->text, text) != 0) {
        script_fail(&stage->script, "expected: %s; got: %s (at %lld us)", text, event->text,
                    (long long)event->at.us);
    }
    stage->event_first++;
    stage->event_count--;
}

static void action(struct stage *stage)
{
    struct script *script = &stage->script;
    if (script_take(script, "expect")) {
        expect(stage);
        return;
    }
    refuse_unexpected(stage);
    if (script_take(script, "at")) {
        struct komet_instant until = {script_duration(script)};
        if (until.us < stage->now.us) {
            script_fail(script, "it is %lld us already", (long long)stage->now.us);
        }
        pass_time(stage, until);
    } else if (script_take(script, "wait")) {
        pass_time(stage, komet_after(stage->now, script_duration(script)));
    } else if (!stage->engine->action(stage)) {
        script_fail(script, "'%s' is no word of this language", script_peek(script));
    }
    script_end_of_line(script);
}

static void line(struct stage *stage)
{
    if (!stage->begun && stage->engine->setting(stage)) {
        script_end_of_line(&stage->script);
        return;
    }
    if (!stage->begun) {
        stage->begun = true;
        stage->engine->begin(stage);
    }
    action(stage);
}

/* Runs the lines from `first` to the `end` that closes this block; returns the line behind it. */
static size_t run_block(struct stage *stage, size_t first, bool nested)
{
    size_t at = first;
    while (at < stage->script.line_count) {
        if (!script_read_line(&stage->script, at)) {
            at++;
        } else if (script_take(&stage->script, "end")) {
            if (!nested) {
                script_fail(&stage->script, "an end without a repeat");
            }
            return at + 1;
        } else if (script_take(&stage->script, "repeat")) {
            uint64_t times = script_number(&stage->script, 1000000);
            size_t behind = at + 1;
            for (uint64_t i = 0; i < times; i++) {
                behind = run_block(stage, at + 1, true);
            }
            at = behind;
        } else {
            line(stage);
            at++;
        }
    }
    if (nested) {
        script_fail(&stage->script, "a repeat without an end");
    }
    return at;
}

int stage_run(struct stage *stage, int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s SCRIPT\n", argv[0]);
        return 2;
    }
    script_open(&stage->script, argv[1]);
    run_block(stage, 0, false);
    if (!stage->begun) {
        script_fail(&stage->script, "the script does nothing");
    }
    refuse_unexpected(stage);
    script_close(&stage->script);
    return 0;
}
