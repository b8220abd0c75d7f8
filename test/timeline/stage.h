/*
 * stage: what all timelines have in common: the clock, the words for time, the list of what happened,
 * `expect`, `repeat`. A runner (link_timeline.c and others) brings its engine and the engine's words.
 *
 * Everything that an engine wants done becomes a line of text with its instant, one for each frame and event.
 * `expect` takes the first of them; a line that was not expected before the script goes on is an error, as is
 * anything that happens before the end of a wait. So a script says all that happens, and when.
 */
#ifndef TIMELINE_STAGE_H
#define TIMELINE_STAGE_H

#include "komet/time.h"

#include "script.h"

enum { STAGE_EVENTS_MAX = 64, STAGE_TEXT_SIZE = 1600 };

struct stage_event {
    struct komet_instant at;
    char text[STAGE_TEXT_SIZE];
};

struct stage;

/* What a runner is. All functions go on after reading their words from stage->script. */
struct stage_engine {
    /* A line in front of the first action; false when it is none of these, and nothing was read. */
    bool (*setting)(struct stage *stage);
    /* The first action comes: make the engine. */
    void (*begin)(struct stage *stage);
    /* A line that is neither `expect` nor about time; false when its first word is not known. */
    bool (*action)(struct stage *stage);
    /* `expect …` that asks for a state and not for an event: checks it. False when it is none of these. May
     * be NULL. */
    bool (*expect_now)(struct stage *stage);
    /* The text of the event that a line expects; false when its first word is not known. */
    bool (*expected)(struct stage *stage, char *text);
    struct komet_instant (*deadline)(const struct stage *stage);
    /* Lets the engine see stage->now, and notes what it wants. */
    void (*tick)(struct stage *stage);
    /* What may stand behind `expect`, for the message. */
    const char *expectations;
};

struct stage {
    const struct stage_engine *engine;
    void *context; /* the runner's own */
    struct script script;
    struct komet_instant now;
    bool begun;
    struct stage_event events[STAGE_EVENTS_MAX];
    size_t event_first, event_count;
};

/* Runs the script that is the program's argument; returns the program's status. A mistake ends it. */
int stage_run(struct stage *stage, int argc, char **argv);

/* Notes that something happened now. */
void stage_note(struct stage *stage, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* "WORD 68 04 …" into `text` of STAGE_TEXT_SIZE; as an event. */
void stage_hex(char *text, const char *word, const uint8_t *octets, size_t size);
void stage_note_hex(struct stage *stage, const char *word, const uint8_t *octets, size_t size);

/* Fails unless the number that comes next in the line is `got`. */
void stage_expect_number(struct stage *stage, const char *what, uint64_t got);

#endif
