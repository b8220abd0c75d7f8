/*
 * journal_file: the tables of a journal and the statements that write and read them. One SQLite connection;
 * no thread, no loop: journal.c brings these.
 */
#ifndef SHELL_JOURNAL_FILE_H
#define SHELL_JOURNAL_FILE_H

#include <sqlite3.h>

#include "shell/journal.h"

/* Types of events that are no tags': the value of an instance, of a process, of a station. */
#define JOURNAL_TYPE_OF_INSTANCE 100
#define JOURNAL_TYPE_OF_PROCESS  101
#define JOURNAL_TYPE_OF_STATION  102
/* In the column `cause`, above cause and type. */
#define JOURNAL_CAUSE_ARRIVAL  0x10000
#define JOURNAL_CAUSE_ARCHIVED 0x20000
#define JOURNAL_CAUSE_STANDBY  0x40000

/* What a writer has prepared. */
enum journal_statement {
    STATEMENT_BEGIN,
    STATEMENT_COMMIT,
    STATEMENT_EVENT,
    STATEMENT_EVENT_USER,
    STATEMENT_TAG_ROW,
    STATEMENT_LATEST,
    STATEMENT_BATCH,
    STATEMENT_ARCHIVED,
    STATEMENT_GRANT,
    STATEMENT_PREFERRED,
    STATEMENT_VALUE_NAME,
    STATEMENT_VALUE,
    STATEMENT_VALUE_LATEST,
    STATEMENT_STATION,
    STATEMENT_STATION_VALUE,
    STATEMENT_TAKEN,
    STATEMENT_LOAD_BALANCE,
    STATEMENT_COMMAND_BEGIN,
    STATEMENT_COMMAND_END,
    STATEMENT_COUNT
};

struct journal_file {
    sqlite3 *database;
    const struct site *site;
    sqlite3_stmt *statements[STATEMENT_COUNT];
    sqlite3_int64 *tag_rows;     /* by number of the tag in the site */
    sqlite3_int64 *process_rows; /* by index of the process */
    sqlite3_int64 next_seq;
    sqlite3_int64 *latest; /* by tag: seq of its newest event of this transaction, 0 none */
    uint32_t *touched;     /* tags with one */
    uint32_t touched_count;
};

/* journal_names.c: room for what is kept by the numbers of a site; each of its names gets a row, unless it
 * has one already; another site takes its place (RELOAD), of which only the new names are looked for; the row
 * of a name that the site has no more, 0: it cannot be read. False: the database says why. */
void journal_names_room(struct journal_file *file, const struct site *site);
void journal_names_free(struct journal_file *file);
bool journal_names_find(struct journal_file *file);
bool journal_names_take(struct journal_file *file, const struct site_difference *difference);
sqlite3_int64 journal_names_gone(struct journal_file *file, const char *name);

/* Opens and, where needed, makes DIRECTORY/journal.db for writing. False: `fault` says why. Close in any
 * case. */
bool journal_file_open(struct journal_file *file, const char *directory, const struct site *site,
                       char *fault);
void journal_file_close(struct journal_file *file);

/* Writes records in one transaction, and returns when they are on disk. NULL, or why it failed (static or of
 * the database): then nothing of it can be relied on. */
const char *journal_file_write(struct journal_file *file, const struct record *records, size_t count);

/* Tells a server what the journal has. */
bool journal_file_recover(struct journal_file *file, struct server *server, char *fault);

/* For its parts. A prepared statement whose parameters are bound; each row of a text, whose
 * parameter is `parameter`; the value that stands in a row from column `first` on. */
#define JOURNAL_EVENT_COLUMNS                                                                                \
    "events.seq, tags.name, events.type, number, state, cause, time, arrived, processes.name, instance, "    \
    "epoch"
#define JOURNAL_EVENT_JOINS                                                                                  \
    " JOIN tags ON tags.id = events.tag JOIN processes ON processes.id = events.process"
bool journal_file_step(struct journal_file *file, enum journal_statement which);
bool journal_file_each_row(struct journal_file *file, const char *text, sqlite3_int64 parameter,
                           struct server *server, void (*take)(struct server *, sqlite3_stmt *), char *fault);
void journal_file_value(sqlite3_stmt *row, int first, struct value *value);

/* A connection for reading only. NULL: `fault`. */
sqlite3 *journal_reader_open(const char *directory, char *fault);

/* A page as it is read: rows of either kind. */
struct journal_rows {
    char fault[JOURNAL_FAULT_SIZE];
    bool end;
    uint64_t after;
    unsigned count;
    struct journal_event_row *events; /* JOURNAL_PAGE_ROWS of them, or NULL */
    struct journal_command_row *commands;
};
void journal_reader_page(sqlite3 *database, const struct site *site, const struct journal_query *query,
                         struct journal_rows *rows);

#endif
