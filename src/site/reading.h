/*
 * reading: what the parts of the reader share: the arena, the faults found so far, and small readers of
 * words.
 */
#ifndef SITE_READING_H
#define SITE_READING_H

#include "site/arena.h"
#include "site/reader.h"

#define SITE_FAULTS_MAX 1000 /* more are counted in the last one: nobody reads that many */

/* Where something stands in a file. */
struct place {
    const char *file;
    int line, column; /* from 1 */
};

/* A tag that is named before it is read. */
struct control_object {
    struct control_object *next;
    struct station *station;
    const char *name;
    struct place place;
};

/* A tag that follows another one, likewise. */
struct named_source {
    struct named_source *next;
    struct tag *tag;
    const char *name;
    struct place place;
};

struct reading {
    struct site_arena *arena;
    struct site_fault *faults, *warnings;
    size_t fault_count, warning_count;
    const struct site_file *files;
    size_t file_count;
    const char *only_process;
    unsigned only_instance; /* whose differences count; 0: nobody's */
    bool not_built;         /* what is known and not built is no mistake */
    struct control_object *controls;
    struct named_source *sources;
};

/* Begins: the lists of faults are taken from `arena`, all else is borrowed. */
struct reading reading_begin(struct site_arena *arena, const struct site_file *files, size_t count,
                             const char *only_process);
/* Puts faults into the order of files, lines and columns. */
void reading_sort(struct site_fault *faults, size_t count);

/* Notes a mistake; `right` is a finished sentence or "". */
void reading_fault(struct reading *reading, struct place place, const char *right, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
void reading_warning(struct reading *reading, struct place place, const char *right, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* The word of a list that is nearest to `word` (few letters differ), or NULL when none is near. */
const char *nearest_word(const char *word, const char *const *words, size_t count);

/* "host:port", "[v6]:port"; the port may be missing when `default_port` is not 0. False when it is none. */
bool address_parse(struct reading *reading, const char *text, uint16_t default_port, struct address *address);

/* Reads the tags of a station from its table (csv.c). `index`: the station's own faults are told there. */
void csv_read_tags(struct reading *reading, const struct site_file *file, struct station *station);

/* Reads the column `processing` of a tag's row (read_processing.c).
 *   first  where the text begins
 *   type   of the tag; TAG_TYPE_COUNT when that is no type
 *   text   cut into pieces on the way
 * NULL when it is empty. */
const struct processing *read_processing(struct reading *reading, struct place first, enum tag_type type,
                                         char *text);

/* Sources of tags, and what a line that listens wants of its tags (index_sources.c). */
void index_sources(struct reading *reading, const struct site *site);
/* Where a tag's row begins. */
struct place tag_place(const struct tag *tag);

/* Numbers, back pointers and sorted lists of a site whose parts were read (index.c). */
void site_index(struct reading *reading, struct site *site);

/* columns.c: what `destination` says of a tag; false: it is no column. */
bool column_parse(struct reading *reading, const char *text, struct tag *tag);
/* All tags of a station are read: the rows of columns come behind them. */
void columns_expand(struct reading *reading, struct station *station);

#endif
