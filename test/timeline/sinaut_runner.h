/*
 * sinaut_runner: what sinaut_timeline knows of a script that runs; and sinaut_notes.c, which says what the
 * line wants done.
 */
#ifndef TEST_TIMELINE_SINAUT_RUNNER_H
#define TEST_TIMELINE_SINAUT_RUNNER_H

#include "line/line.h"
#include "site/reader.h"

#include "asdu_words.h"
#include "stage.h"

enum { RUNNER_PATHS = 4, RUNNER_TEXT = 4096, RUNNER_WRITES = 128 };

/* The partner's end of a path. */
struct far_end {
    uint32_t connection; /* 0: none */
    uint16_t sent, received, acknowledged;
    uint8_t cut[KOMET_APDU_SIZE_MAX]; /* a frame of ours that is not complete yet */
    size_t cut_size;
};

struct runner {
    struct stage stage;
    char line_keys[RUNNER_TEXT], parameters[RUNNER_TEXT], north[RUNNER_TEXT], south[RUNNER_TEXT],
        tags[RUNNER_TEXT];
    char rows[2 * RUNNER_TEXT]; /* the table of B.NORTH */
    unsigned paths;
    bool paired; /* iec104 on tcp-redundant */
    const struct komet_profile *profile;
    bool listens, named, store_by_script, values_by_script, show_transport, show_line, show_times, show_notes,
        show_acknowledgements, show_taken;
    struct site_result site;
    const struct line *line;
    struct line_engine *engine;
    struct far_end ends[RUNNER_PATHS];
    uint32_t pings[RUNNER_PATHS], finds[RUNNER_PATHS]; /* the newest */
    uint32_t asked[RUNNER_PATHS];                      /* serial of the CONNECT that waits for an answer */
    uint64_t commands, position;                       /* of events that the server tells */
    struct {
        char tag[64]; /* "": it is no write of a value */
        struct value value;
    } written[RUNNER_WRITES]; /* by commands, modulo: what a write makes of its output */
    unsigned held;            /* paths that take no octets, as bits */
};

/* Of each path: its word in a script, and the partner's address on it. */
extern const char *const runner_path_names[RUNNER_PATHS];
extern const char *const runner_path_addresses[RUNNER_PATHS];

struct line_now runner_now(const struct runner *runner);
/* Takes what the line wants done, up to octets of a path that takes none, and notes each for the script. */
void runner_drain(struct runner *runner);
/* What the line reports. */
void runner_note_line(struct runner *runner);

#endif
