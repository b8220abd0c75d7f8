/*
 * journal_file: writing, and what a server needs at its start. See journal_file.h.
 *
 * Names of tags and processes are stored once and referred to by row; `latest` has each tag's newest event,
 * so that a start does not read the whole history. WAL with synchronous FULL: a commit returns after its
 * records are on disk.
 */
#include "shell/journal_file.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "komet/assert.h"
#include "server/server.h"
#include "shell/journal_outgoing.h"
#include "shell/log.h"

#define SCHEMA_VERSION 2 /* 2: who gave a command, and whether that is certain */
/* Types of events that are no tags': the value of an instance, of a process, of a station. */
#define TYPE_OF_INSTANCE 100
#define TYPE_OF_PROCESS  101
#define TYPE_OF_STATION  102
/* In the column `cause`, above cause and type. */
#define CAUSE_ARRIVAL       0x10000
#define CAUSE_ARCHIVED      0x20000
#define LINES_RECOVERED_MAX 256 /* so many lines' newest events are read at the most */

static const char schema[] =
    "CREATE TABLE IF NOT EXISTS processes(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);"
    "CREATE TABLE IF NOT EXISTS tags(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);"
    "CREATE TABLE IF NOT EXISTS events(seq INTEGER PRIMARY KEY, tag INTEGER NOT NULL, type INTEGER NOT NULL,"
    " number REAL, state INTEGER NOT NULL, cause INTEGER NOT NULL, time INTEGER, arrived INTEGER,"
    " process INTEGER NOT NULL, instance INTEGER NOT NULL, epoch INTEGER NOT NULL, line INTEGER NOT NULL,"
    " connection INTEGER NOT NULL, frame INTEGER NOT NULL, octets BLOB);"
    "CREATE TABLE IF NOT EXISTS latest(tag INTEGER PRIMARY KEY, seq INTEGER NOT NULL);"
    "CREATE TABLE IF NOT EXISTS batches(process INTEGER NOT NULL, instance INTEGER NOT NULL,"
    " run INTEGER NOT NULL, sequence INTEGER NOT NULL, PRIMARY KEY(process, instance)) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS archives(process INTEGER NOT NULL, instance INTEGER NOT NULL,"
    " buffer INTEGER NOT NULL, sequence INTEGER NOT NULL, UNIQUE(process, buffer));"
    "CREATE TABLE IF NOT EXISTS grants(process INTEGER NOT NULL, epoch INTEGER NOT NULL,"
    " instance INTEGER NOT NULL, PRIMARY KEY(process, epoch)) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS preferred(process INTEGER PRIMARY KEY, instance INTEGER NOT NULL);"
    "CREATE TABLE IF NOT EXISTS stations(name TEXT PRIMARY KEY, mode INTEGER NOT NULL, user TEXT NOT NULL,"
    " given INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS station_values(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS about(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS starts(id INTEGER PRIMARY KEY, time TEXT NOT NULL);"
    "CREATE TABLE IF NOT EXISTS commands(id INTEGER PRIMARY KEY, process INTEGER NOT NULL, instance INTEGER "
    "NOT NULL,"
    " tag TEXT NOT NULL, number REAL, flags INTEGER NOT NULL, user TEXT NOT NULL, epoch INTEGER NOT NULL,"
    " given INTEGER NOT NULL, ended INTEGER, result INTEGER NOT NULL, reason TEXT NOT NULL,"
    " authenticated INTEGER NOT NULL DEFAULT 0, word TEXT NOT NULL DEFAULT 'SET');"
    /* Few events are of a user's making: the others take no room for it. */
    "CREATE TABLE IF NOT EXISTS event_users(seq INTEGER PRIMARY KEY, user TEXT NOT NULL,"
    " authenticated INTEGER NOT NULL);"
    /* What masters were sent: few events are that. */
    "CREATE INDEX IF NOT EXISTS outgoing ON events(connection) WHERE connection = 0 AND frame > 0;"
    "CREATE TABLE IF NOT EXISTS taken(line TEXT NOT NULL, masters TEXT NOT NULL, instance INTEGER NOT NULL,"
    " position INTEGER NOT NULL, PRIMARY KEY(line, masters, instance)) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS load_balance(process INTEGER PRIMARY KEY, all_act INTEGER NOT NULL);";

static const char *const statement_texts[STATEMENT_COUNT] = {
    [STATEMENT_BEGIN] = "BEGIN IMMEDIATE",
    [STATEMENT_COMMIT] = "COMMIT",
    [STATEMENT_EVENT] = "INSERT INTO events VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
    [STATEMENT_EVENT_USER] = "INSERT INTO event_users VALUES(?,?,?)",
    [STATEMENT_TAG_ROW] = "SELECT id FROM tags WHERE name = ?",
    [STATEMENT_LATEST] = "INSERT OR REPLACE INTO latest VALUES(?,?)",
    [STATEMENT_BATCH] = "INSERT OR REPLACE INTO batches VALUES(?,?,?,?)",
    [STATEMENT_ARCHIVED] =
        "INSERT OR REPLACE INTO archives(process, instance, buffer, sequence) VALUES(?,?,?,?)",
    [STATEMENT_GRANT] = "INSERT INTO grants VALUES(?,?,?)",
    [STATEMENT_PREFERRED] = "INSERT OR REPLACE INTO preferred VALUES(?,?)",
    [STATEMENT_VALUE_NAME] = "INSERT OR IGNORE INTO tags(name) VALUES(?)",
    [STATEMENT_VALUE] =
        "INSERT INTO events SELECT ?,id,?,?,?,?,?,?,?,?,0,0,0,0,NULL FROM tags WHERE name = ?",
    [STATEMENT_VALUE_LATEST] = "INSERT OR REPLACE INTO latest SELECT id,? FROM tags WHERE name = ?",
    [STATEMENT_STATION] = "INSERT OR REPLACE INTO stations VALUES(?,?,?,?)",
    [STATEMENT_STATION_VALUE] = "INSERT OR REPLACE INTO station_values VALUES(?,?)",
    [STATEMENT_TAKEN] = "INSERT OR REPLACE INTO taken VALUES(?,?,?,?)",
    [STATEMENT_LOAD_BALANCE] = "INSERT OR REPLACE INTO load_balance VALUES(?,?)",
    [STATEMENT_COMMAND_BEGIN] = "INSERT INTO commands VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
    [STATEMENT_COMMAND_END] = "INSERT OR REPLACE INTO commands VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
};

static bool run(struct journal_file *file, const char *text, char *fault)
{
    char *why = NULL;
    if (sqlite3_exec(file->database, text, NULL, NULL, &why) == SQLITE_OK) {
        return true;
    }
    snprintf(fault, JOURNAL_FAULT_SIZE, "the journal cannot be used: %s", why != NULL ? why : "no memory");
    sqlite3_free(why);
    return false;
}

static bool read_integer(struct journal_file *file, const char *text, sqlite3_int64 *value, char *fault)
{
    sqlite3_stmt *statement = NULL;
    bool done = sqlite3_prepare_v2(file->database, text, -1, &statement, NULL) == SQLITE_OK &&
                sqlite3_step(statement) == SQLITE_ROW;
    if (done) {
        *value = sqlite3_column_int64(statement, 0);
    } else {
        snprintf(fault, JOURNAL_FAULT_SIZE, "the journal cannot be read: %s", sqlite3_errmsg(file->database));
    }
    sqlite3_finalize(statement);
    return done;
}

static bool prepare(struct journal_file *file, char *fault)
{
    for (unsigned i = 0; i < STATEMENT_COUNT; i++) {
        if (sqlite3_prepare_v3(file->database, statement_texts[i], -1, SQLITE_PREPARE_PERSISTENT,
                               &file->statements[i], NULL) != SQLITE_OK) {
            snprintf(fault, JOURNAL_FAULT_SIZE, "the journal cannot be used: %s",
                     sqlite3_errmsg(file->database));
            return false;
        }
    }
    return true;
}

/* A journal goes with one site; another one's is used, but not without a word: tags are matched by name. */
static void compare_site(struct journal_file *file)
{
    sqlite3_stmt *statement = NULL;
    const char *name = file->site->name;
    if (sqlite3_prepare_v2(file->database, "INSERT OR IGNORE INTO about VALUES('site', ?)", -1, &statement,
                           NULL) == SQLITE_OK) {
        sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
        sqlite3_step(statement);
    }
    sqlite3_finalize(statement);
    statement = NULL;
    if (sqlite3_prepare_v2(file->database, "SELECT value FROM about WHERE key = 'site'", -1, &statement,
                           NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW) {
        const char *begun = (const char *)sqlite3_column_text(statement, 0);
        if (begun != NULL && strcmp(begun, name) != 0) {
            log_warning("the journal was begun for the site '%s', and this is '%s'; is --data right?", begun,
                        name);
        }
    }
    sqlite3_finalize(statement);
}

static bool set_up(struct journal_file *file, char *fault)
{
    sqlite3_int64 version = 0;
    if (!run(file, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=4000;",
             fault) ||
        !read_integer(file, "PRAGMA user_version", &version, fault)) {
        return false;
    }
    if (version > SCHEMA_VERSION) {
        snprintf(fault, JOURNAL_FAULT_SIZE, "the journal was written by a newer Komet (its version is %lld)",
                 (long long)version);
        return false;
    }
    char mark[48];
    snprintf(mark, sizeof mark, "PRAGMA user_version=%d;", SCHEMA_VERSION);
    static const char from_1[] = "ALTER TABLE commands ADD COLUMN authenticated INTEGER NOT NULL DEFAULT 0;"
                                 "ALTER TABLE commands ADD COLUMN word TEXT NOT NULL DEFAULT 'SET';";
    return run(file, schema, fault) && (version != 1 || run(file, from_1, fault)) && run(file, mark, fault) &&
           run(file, "BEGIN IMMEDIATE", fault) &&
           (journal_names_find(file) ? run(file, "COMMIT", fault)
                                     : run(file, "ROLLBACK; SELECT name FROM missing", fault)) &&
           run(file,
               "UPDATE commands SET result = 4, ended = given, reason = 'the server ended before it was "
               "known'"
               " WHERE result = 0",
               fault) &&
           /* Also shows that the disk takes something, before anybody is told that this server works. */
           run(file, "INSERT INTO starts(time) VALUES(strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))", fault) &&
           read_integer(file, "SELECT coalesce(max(seq), 0) + 1 FROM events", &file->next_seq, fault) &&
           prepare(file, fault);
}

bool journal_file_open(struct journal_file *file, const char *directory, const struct site *site, char *fault)
{
    char path[1024];
    *file = (struct journal_file){0};
    snprintf(path, sizeof path, "%s/journal.db", directory);
    journal_names_room(file, site);
    if (sqlite3_open_v2(path, &file->database,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
                        NULL) != SQLITE_OK) {
        snprintf(fault, JOURNAL_FAULT_SIZE, "%.180s cannot be opened: %.40s", path,
                 sqlite3_errmsg(file->database));
        return false;
    }
    sqlite3_busy_timeout(file->database, 5000);
    if (!set_up(file, fault)) {
        return false;
    }
    compare_site(file);
    return true;
}

void journal_file_close(struct journal_file *file)
{
    for (unsigned i = 0; i < STATEMENT_COUNT; i++) {
        sqlite3_finalize(file->statements[i]);
    }
    sqlite3_close(file->database);
    journal_names_free(file);
    *file = (struct journal_file){0};
}

/* ---- writing ---- */

bool journal_file_step(struct journal_file *file, enum journal_statement which)
{
    sqlite3_stmt *statement = file->statements[which];
    bool done = sqlite3_step(statement) == SQLITE_DONE;
    sqlite3_reset(statement);
    return done;
}

static sqlite3_int64 process_row(const struct journal_file *file, const char *name)
{
    const struct process *process = site_find_process(file->site, name);
    KOMET_ASSERT(process != NULL);
    return file->process_rows[process->index];
}

static void bind_time(sqlite3_stmt *statement, int column, struct komet_utc time)
{
    if (komet_utc_known(time)) {
        sqlite3_bind_int64(statement, column, time.ms);
    } else {
        sqlite3_bind_null(statement, column);
    }
}

static bool write_user(struct journal_file *file, sqlite3_int64 seq, const struct record_user *user)
{
    sqlite3_stmt *to = file->statements[STATEMENT_EVENT_USER];
    sqlite3_bind_int64(to, 1, seq);
    sqlite3_bind_text(to, 2, user->name, -1, SQLITE_STATIC);
    sqlite3_bind_int(to, 3, user->authenticated);
    return journal_file_step(file, STATEMENT_EVENT_USER);
}

/* It will be the newest of its tag. */
static bool note_latest(struct journal_file *file, const struct record_event *event, sqlite3_int64 row)
{
    if (event->older) {
        return true;
    }
    if (event->tag_number == RECORD_TAG_GONE) {
        sqlite3_stmt *to = file->statements[STATEMENT_LATEST];
        sqlite3_bind_int64(to, 1, row);
        sqlite3_bind_int64(to, 2, file->next_seq);
        return journal_file_step(file, STATEMENT_LATEST);
    }
    if (file->latest[event->tag_number] == 0) {
        file->touched[file->touched_count++] = event->tag_number;
    }
    file->latest[event->tag_number] = file->next_seq;
    return true;
}

static bool write_event(struct journal_file *file, const struct record *record, sqlite3_int64 process)
{
    const struct record_event *event = &record->of.event;
    const struct value *value = &event->value;
    sqlite3_stmt *to = file->statements[STATEMENT_EVENT];
    bool gone = event->tag_number == RECORD_TAG_GONE;
    KOMET_ASSERT(gone || event->tag_number < file->site->tag_count);
    sqlite3_int64 row = gone ? journal_names_gone(file, event->tag) : file->tag_rows[event->tag_number];
    sqlite3_bind_int64(to, 1, file->next_seq);
    sqlite3_bind_int64(to, 2, row);
    sqlite3_bind_int(to, 3, (int)event->type);
    sqlite3_bind_double(to, 4, value->number); /* a value that is no number becomes NULL */
    sqlite3_bind_int64(to, 5, (sqlite3_int64)((uint32_t)value->status << 16 | value->flags));
    sqlite3_bind_int64(to, 6,
                       (value->time_origin == TIME_OF_ARRIVAL ? CAUSE_ARRIVAL : 0) |
                           (event->archived ? CAUSE_ARCHIVED : 0) | value->cot << 8 | value->asdu_type);
    bind_time(to, 7, value->time);
    bind_time(to, 8, value->arrived);
    sqlite3_bind_int64(to, 9, process);
    sqlite3_bind_int(to, 10, record->instance);
    sqlite3_bind_int64(to, 11, (sqlite3_int64)event->epoch);
    sqlite3_bind_int(to, 12, event->line);
    sqlite3_bind_int64(to, 13, event->connection);
    sqlite3_bind_int64(to, 14, (sqlite3_int64)event->frame);
    if (event->octets_size > 0) {
        sqlite3_bind_blob(to, 15, event->octets, event->octets_size, SQLITE_STATIC);
    } else {
        sqlite3_bind_null(to, 15);
    }
    bool noted = row != 0 && note_latest(file, event, row);
    sqlite3_int64 seq = file->next_seq++;
    return noted && journal_file_step(file, STATEMENT_EVENT) &&
           (event->user.name[0] == '\0' || write_user(file, seq, &event->user));
}

static bool write_command(struct journal_file *file, const struct record *record,
                          const struct record_command *command, sqlite3_int64 process)
{
    enum journal_statement which =
        record->kind == RECORD_COMMAND_BEGIN ? STATEMENT_COMMAND_BEGIN : STATEMENT_COMMAND_END;
    sqlite3_stmt *to = file->statements[which];
    sqlite3_bind_int64(to, 1, (sqlite3_int64)command->id);
    sqlite3_bind_int64(to, 2, process);
    sqlite3_bind_int(to, 3, record->instance);
    sqlite3_bind_text(to, 4, command->tag, -1, SQLITE_STATIC);
    sqlite3_bind_double(to, 5, command->number);
    sqlite3_bind_int(to, 6, command->flags);
    sqlite3_bind_text(to, 7, command->user.name, -1, SQLITE_STATIC);
    sqlite3_bind_int64(to, 8, (sqlite3_int64)command->epoch);
    bind_time(to, 9, command->given);
    bind_time(to, 10, command->ended);
    sqlite3_bind_int(to, 11, command->result);
    sqlite3_bind_text(to, 12, command->reason, -1, SQLITE_STATIC);
    sqlite3_bind_int(to, 13, command->user.authenticated);
    sqlite3_bind_text(to, 14, command->word, -1, SQLITE_STATIC);
    return journal_file_step(file, which);
}

static bool write_batch(struct journal_file *file, const struct record *record, sqlite3_int64 process)
{
    enum journal_statement which = record->kind == RECORD_BATCH ? STATEMENT_BATCH : STATEMENT_ARCHIVED;
    sqlite3_stmt *to = file->statements[which];
    sqlite3_bind_int64(to, 1, process);
    sqlite3_bind_int(to, 2, record->instance);
    sqlite3_bind_int64(to, 3, (sqlite3_int64)record->of.batch.run);
    sqlite3_bind_int64(to, 4, (sqlite3_int64)record->of.batch.sequence);
    return journal_file_step(file, which);
}

static bool write_grant(struct journal_file *file, const struct record *record, sqlite3_int64 process)
{
    sqlite3_stmt *to = file->statements[STATEMENT_GRANT];
    sqlite3_bind_int64(to, 1, process);
    sqlite3_bind_int64(to, 2, (sqlite3_int64)record->of.grant.epoch);
    sqlite3_bind_int(to, 3, record->instance);
    return journal_file_step(file, STATEMENT_GRANT);
}

static bool write_preferred(struct journal_file *file, const struct record *record, sqlite3_int64 process)
{
    sqlite3_stmt *to = file->statements[STATEMENT_PREFERRED];
    sqlite3_bind_int64(to, 1, process);
    sqlite3_bind_int(to, 2, record->instance);
    return journal_file_step(file, STATEMENT_PREFERRED);
}

/* A value that is no tag's: an event like that of a tag, under a name of its own. */
struct named_value {
    const char *name;
    int type;
    unsigned value;
    value_flags flags;
    struct komet_utc time;
    const struct record_user
        *user; /* whose change of role it was; NULL: it came by itself, and is recovered */
};

static bool write_named_value(struct journal_file *file, const struct named_value *value, uint8_t instance,
                              sqlite3_int64 process)
{
    sqlite3_stmt *named = file->statements[STATEMENT_VALUE_NAME];
    sqlite3_stmt *to = file->statements[STATEMENT_VALUE];
    sqlite3_stmt *latest = file->statements[STATEMENT_VALUE_LATEST];
    sqlite3_bind_text(named, 1, value->name, -1, SQLITE_STATIC);
    sqlite3_bind_int64(to, 1, file->next_seq);
    sqlite3_bind_int(to, 2, value->type);
    sqlite3_bind_double(to, 3, (double)value->value);
    sqlite3_bind_int64(to, 4, (sqlite3_int64)((uint32_t)STATUS_VALID << 16 | value->flags));
    sqlite3_bind_int64(to, 5, (sqlite3_int64)((uint32_t)TIME_OF_ARRIVAL << 16));
    bind_time(to, 6, value->time);
    bind_time(to, 7, value->time);
    sqlite3_bind_int64(to, 8, process);
    sqlite3_bind_int(to, 9, instance);
    sqlite3_bind_text(to, 10, value->name, -1, SQLITE_STATIC);
    sqlite3_int64 seq = file->next_seq++;
    sqlite3_bind_int64(latest, 1, seq);
    sqlite3_bind_text(latest, 2, value->name, -1, SQLITE_STATIC);
    return journal_file_step(file, STATEMENT_VALUE_NAME) && journal_file_step(file, STATEMENT_VALUE) &&
           (value->user == NULL ? journal_file_step(file, STATEMENT_VALUE_LATEST)
                                : write_user(file, seq, value->user));
}

static bool write_value(struct journal_file *file, const struct record *record, sqlite3_int64 process)
{
    const struct record_value *value = &record->of.value;
    const struct run_name name = run_value_name(record->process, value->of_process ? 0 : record->instance);
    const struct named_value named = {.name = name.text,
                                      .type = value->of_process ? TYPE_OF_PROCESS : TYPE_OF_INSTANCE,
                                      .value = value->value,
                                      .flags = value->flags,
                                      .time = value->time,
                                      .user = value->user.name[0] != '\0' ? &value->user : NULL};
    return write_named_value(file, &named, record->instance, process);
}

static bool write_station_value(struct journal_file *file, const struct record *record, sqlite3_int64 process)
{
    const struct record_station_value *value = &record->of.station_value;
    const struct named_value named = {.name = value->station,
                                      .type = TYPE_OF_STATION,
                                      .value = value->value,
                                      .flags = value->flags,
                                      .time = value->time};
    sqlite3_stmt *to = file->statements[STATEMENT_STATION_VALUE];
    sqlite3_bind_text(to, 1, value->station, -1, SQLITE_STATIC);
    sqlite3_bind_int(to, 2, value->value);
    return write_named_value(file, &named, record->instance, process) &&
           journal_file_step(file, STATEMENT_STATION_VALUE);
}

/* What somebody said of a station: what holds from now on, and a command like others. */
static bool write_station(struct journal_file *file, const struct record *record, sqlite3_int64 process)
{
    const struct record_command *command = &record->of.station.command;
    sqlite3_stmt *to = file->statements[STATEMENT_STATION];
    sqlite3_bind_text(to, 1, command->tag, -1, SQLITE_STATIC);
    sqlite3_bind_int(to, 2, record->of.station.mode);
    sqlite3_bind_text(to, 3, command->user.name, -1, SQLITE_STATIC);
    bind_time(to, 4, command->given);
    return journal_file_step(file, STATEMENT_STATION) && write_command(file, record, command, process);
}

static bool write_record(struct journal_file *file, const struct record *record, sqlite3_int64 process)
{
    switch (record->kind) {
    case RECORD_EVENT:
        return write_event(file, record, process);
    case RECORD_BATCH:
    case RECORD_ARCHIVED:
        return write_batch(file, record, process);
    case RECORD_GRANT:
        return write_grant(file, record, process);
    case RECORD_COMMAND_BEGIN:
    case RECORD_COMMAND_END:
        return write_command(file, record, &record->of.command, process);
    case RECORD_VALUE:
        return write_value(file, record, process);
    case RECORD_PREFERRED:
        return write_preferred(file, record, process);
    case RECORD_STATION:
        return write_station(file, record, process);
    case RECORD_TAKEN:
        return journal_outgoing_write_taken(file, record);
    case RECORD_LOAD_BALANCE:
        return journal_outgoing_write_mode(file, record, process);
    case RECORD_STATION_VALUE:
        return write_station_value(file, record, process);
    case RECORD_SITE:
        break;
    }
    KOMET_ASSERT_NEVER("an unknown kind of record");
}

static bool write_latest(struct journal_file *file)
{
    bool done = true;
    for (uint32_t i = 0; i < file->touched_count && done; i++) {
        uint32_t tag = file->touched[i];
        sqlite3_stmt *to = file->statements[STATEMENT_LATEST];
        sqlite3_bind_int64(to, 1, file->tag_rows[tag]);
        sqlite3_bind_int64(to, 2, file->latest[tag]);
        done = journal_file_step(file, STATEMENT_LATEST);
        file->latest[tag] = 0;
    }
    file->touched_count = 0;
    return done;
}

const char *journal_file_write(struct journal_file *file, const struct record *records, size_t count)
{
    bool done = journal_file_step(file, STATEMENT_BEGIN);
    const char *name = NULL;
    sqlite3_int64 process = 0;
    for (size_t i = 0; done && i < count; i++) {
        if (records[i].kind == RECORD_SITE) {
            done = write_latest(file) && journal_names_take(file, records[i].of.site.difference);
            name = NULL;
            continue;
        }
        if (records[i].process != name) { /* mostly the same as before, and the same pointer */
            name = records[i].process;
            process = process_row(file, name);
        }
        done = write_record(file, &records[i], process);
    }
    done = done && write_latest(file) && journal_file_step(file, STATEMENT_COMMIT);
    return done ? NULL : sqlite3_errmsg(file->database);
}

/* ---- recovery ---- */

void journal_file_value(sqlite3_stmt *row, int first, struct value *value)
{
    sqlite3_int64 state = sqlite3_column_int64(row, first + 1), cause = sqlite3_column_int64(row, first + 2);
    bool number = sqlite3_column_type(row, first) != SQLITE_NULL;
    bool timed = sqlite3_column_type(row, first + 3) != SQLITE_NULL;
    bool arrived = sqlite3_column_type(row, first + 4) != SQLITE_NULL;
    *value = (struct value){
        .number = number ? sqlite3_column_double(row, first) : (double)NAN,
        .status = state >> 16 < STATUS_COUNT ? (enum value_status)(state >> 16) : STATUS_INVALID,
        .flags = (value_flags)(state & 0xFFFF),
        .cot = (uint8_t)(cause >> 8 & 0xFF),
        .asdu_type = (uint8_t)(cause & 0xFF),
        .time_origin = (cause & CAUSE_ARRIVAL) != 0 ? TIME_OF_ARRIVAL : TIME_FROM_STATION,
        .time = timed ? (struct komet_utc){sqlite3_column_int64(row, first + 3)} : KOMET_UTC_UNKNOWN,
        .arrived = arrived ? (struct komet_utc){sqlite3_column_int64(row, first + 4)} : KOMET_UTC_UNKNOWN,
    };
}

#define EVENT_JOINS " JOIN tags ON tags.id = events.tag JOIN processes ON processes.id = events.process"

static void recover_event(struct server *server, sqlite3_stmt *row)
{
    struct record_event event = {.tag = (const char *)sqlite3_column_text(row, 1)};
    int type = sqlite3_column_int(row, 2);
    event.type = type >= 0 && type < TAG_TYPE_COUNT ? (enum tag_type)type : TAG_AI;
    journal_file_value(row, 3, &event.value);
    event.archived = (sqlite3_column_int64(row, 5) & CAUSE_ARCHIVED) != 0;
    event.epoch = (uint64_t)sqlite3_column_int64(row, 10);
    event.line = (uint16_t)sqlite3_column_int(row, 11);
    event.connection = (uint32_t)sqlite3_column_int64(row, 12);
    event.frame = (uint64_t)sqlite3_column_int64(row, 13);
    int size = sqlite3_column_bytes(row, 14);
    if (size > 0 && size <= RECORD_OCTETS_MAX) {
        event.octets_size = (uint8_t)size;
        memcpy(event.octets, sqlite3_column_blob(row, 14), (size_t)size);
    }
    server_recover_event(server, (const char *)sqlite3_column_text(row, 8), &event);
}

static void recover_grant(struct server *server, sqlite3_stmt *row)
{
    server_recover_grant(server, (const char *)sqlite3_column_text(row, 0),
                         (uint64_t)sqlite3_column_int64(row, 1));
}

static void recover_batch(struct server *server, sqlite3_stmt *row)
{
    server_recover_batch(server, (const char *)sqlite3_column_text(row, 0),
                         (uint8_t)sqlite3_column_int(row, 1), (uint64_t)sqlite3_column_int64(row, 2),
                         (uint64_t)sqlite3_column_int64(row, 3));
}

static void recover_archived(struct server *server, sqlite3_stmt *row)
{
    server_recover_archived(server, (const char *)sqlite3_column_text(row, 0),
                            (uint8_t)sqlite3_column_int(row, 1), (uint64_t)sqlite3_column_int64(row, 2),
                            (uint64_t)sqlite3_column_int64(row, 3));
}

static void recover_preferred(struct server *server, sqlite3_stmt *row)
{
    server_recover_preferred(server, (const char *)sqlite3_column_text(row, 0),
                             (uint8_t)sqlite3_column_int(row, 1));
}

static void recover_value(struct server *server, sqlite3_stmt *row)
{
    struct value value;
    journal_file_value(row, 3, &value);
    bool known = value.number >= 0 && value.number < PROCESS_VALUE_COUNT;
    const struct record_value of = {.of_process = sqlite3_column_int(row, 2) == TYPE_OF_PROCESS,
                                    .value =
                                        known ? (enum process_value)(unsigned)value.number : PROCESS_STOP,
                                    .flags = value.flags,
                                    .time = value.time};
    server_recover_value(server, (const char *)sqlite3_column_text(row, 8),
                         (uint8_t)sqlite3_column_int(row, 9), &of);
}

static void recover_station(struct server *server, sqlite3_stmt *row)
{
    server_recover_station(server, (const char *)sqlite3_column_text(row, 0),
                           (unsigned)sqlite3_column_int(row, 1));
}

static void recover_station_value(struct server *server, sqlite3_stmt *row)
{
    int value = sqlite3_column_int(row, 1);
    if (value >= STATION_OFF && value <= STATION_WAIT) {
        server_recover_station_value(server, (const char *)sqlite3_column_text(row, 0),
                                     (enum station_value)value);
    }
}

bool journal_file_each_row(struct journal_file *file, const char *text, sqlite3_int64 parameter,
                           struct server *server, void (*take)(struct server *, sqlite3_stmt *), char *fault)
{
    sqlite3_stmt *statement = NULL;
    int result = sqlite3_prepare_v2(file->database, text, -1, &statement, NULL);
    if (result == SQLITE_OK) {
        sqlite3_bind_int64(statement, 1, parameter); /* a text without parameter does not mind */
        while ((result = sqlite3_step(statement)) == SQLITE_ROW) {
            take(server, statement);
        }
    }
    if (result != SQLITE_DONE) {
        snprintf(fault, JOURNAL_FAULT_SIZE, "the journal cannot be read: %s", sqlite3_errmsg(file->database));
    }
    sqlite3_finalize(statement);
    return result == SQLITE_DONE;
}

bool journal_file_recover(struct journal_file *file, struct server *server, char *fault)
{
    sqlite3_int64 lines = 0;
    for (unsigned p = 0; p < file->site->process_count; p++) {
        lines += file->site->processes[p].line_count;
    }
    lines = lines < LINES_RECOVERED_MAX ? lines : LINES_RECOVERED_MAX;
    sqlite3_int64 cutoff = file->next_seq - RECOVERED_EVENTS_MAX * lines;
    return journal_file_each_row(
               file,
               "SELECT name, max(epoch) FROM grants JOIN processes ON processes.id = process GROUP BY "
               "process",
               0, server, recover_grant, fault) &&
           journal_file_each_row(
               file,
               "SELECT name, instance, run, sequence FROM batches JOIN processes ON processes.id = process",
               0, server, recover_batch, fault) &&
           journal_file_each_row(
               file,
               "SELECT name, instance, buffer, sequence FROM archives JOIN processes ON processes.id = "
               "process ORDER BY archives.rowid",
               0, server, recover_archived, fault) &&
           journal_file_each_row(
               file, "SELECT name, instance FROM preferred JOIN processes ON processes.id = process", 0,
               server, recover_preferred, fault) &&
           journal_file_each_row(file, "SELECT name, mode FROM stations", 0, server, recover_station,
                                 fault) &&
           journal_file_each_row(file, "SELECT name, value FROM station_values", 0, server,
                                 recover_station_value, fault) &&
           /* From the names, of which only the processes' are looked up any further. */
           journal_file_each_row(file,
                                 "SELECT " JOURNAL_EVENT_COLUMNS
                                 " FROM tags CROSS JOIN latest ON latest.tag = tags.id"
                                 " CROSS JOIN events ON events.seq = latest.seq"
                                 " JOIN processes ON processes.id = events.process"
                                 " WHERE tags.name LIKE '%.KOM' AND events.type >= 100 ORDER BY events.seq",
                                 0, server, recover_value, fault) &&
           journal_file_each_row(file,
                                 "SELECT " JOURNAL_EVENT_COLUMNS ", line, connection, frame, NULL FROM latest"
                                 " JOIN events ON events.seq = latest.seq" EVENT_JOINS
                                 " WHERE latest.seq < ?",
                                 cutoff, server, recover_event, fault) &&
           journal_file_each_row(file,
                                 "SELECT " JOURNAL_EVENT_COLUMNS
                                 ", line, connection, frame, octets FROM events" EVENT_JOINS
                                 " WHERE events.seq >= ? ORDER BY events.seq",
                                 cutoff, server, recover_event, fault) &&
           journal_outgoing_recover(file, server, fault);
}

/* ---- reading ---- */

sqlite3 *journal_reader_open(const char *directory, char *fault)
{
    char path[1024];
    sqlite3 *database = NULL;
    snprintf(path, sizeof path, "%s/journal.db", directory);
    if (sqlite3_open_v2(path, &database, SQLITE_OPEN_READONLY | SQLITE_OPEN_FULLMUTEX, NULL) != SQLITE_OK) {
        snprintf(fault, JOURNAL_FAULT_SIZE, "%.180s cannot be read: %.40s", path, sqlite3_errmsg(database));
        sqlite3_close(database);
        return NULL;
    }
    sqlite3_busy_timeout(database, 5000);
    return database;
}

static void copy_text(char *to, size_t size, sqlite3_stmt *row, int column)
{
    const unsigned char *text = sqlite3_column_text(row, column);
    snprintf(to, size, "%s", text != NULL ? (const char *)text : "");
}

/* The row at hand becomes the next of the page, when its tag matches. */
static void take_event(const struct site *site, const struct journal_query *query, sqlite3_stmt *row,
                       struct journal_rows *rows)
{
    (void)site;
    rows->after = (uint64_t)sqlite3_column_int64(row, 0);
    const char *name = (const char *)sqlite3_column_text(row, 1);
    if (name == NULL || !name_matches(query->mask, name)) {
        return;
    }
    struct journal_event_row *event = &rows->events[rows->count++];
    event->seq = rows->after;
    copy_text(event->tag, sizeof event->tag, row, 1);
    int type = sqlite3_column_int(row, 2);
    event->of_process = type == TYPE_OF_INSTANCE || type == TYPE_OF_PROCESS;
    event->of_station = type == TYPE_OF_STATION;
    event->type = type >= 0 && type < TAG_TYPE_COUNT ? (enum tag_type)type : TAG_AI;
    journal_file_value(row, 3, &event->value);
    event->archived = (sqlite3_column_int64(row, 5) & CAUSE_ARCHIVED) != 0;
    copy_text(event->process, sizeof event->process, row, 8);
    event->instance = (uint8_t)sqlite3_column_int(row, 9);
    event->epoch = (uint64_t)sqlite3_column_int64(row, 10);
    copy_text(event->user.name, sizeof event->user.name, row, 11);
    event->user.authenticated = sqlite3_column_int(row, 12) != 0;
}

static void take_command(const struct site *site, const struct journal_query *query, sqlite3_stmt *row,
                         struct journal_rows *rows)
{
    rows->after = (uint64_t)sqlite3_column_int64(row, 0);
    const char *name = (const char *)sqlite3_column_text(row, 1);
    if (name == NULL || !name_matches(query->mask, name)) {
        return;
    }
    struct journal_command_row *to = &rows->commands[rows->count++];
    struct record_command *command = &to->command;
    const struct tag *tag = site_find_tag(site, name);
    to->type = tag != NULL ? tag->type : TAG_TYPE_COUNT;
    to->of_station = tag == NULL && site_find_station(site, name) != NULL;
    command->id = rows->after;
    copy_text(command->tag, sizeof command->tag, row, 1);
    command->number = sqlite3_column_double(row, 2);
    command->flags = (value_flags)sqlite3_column_int(row, 3);
    copy_text(command->user.name, sizeof command->user.name, row, 4);
    command->epoch = (uint64_t)sqlite3_column_int64(row, 5);
    command->given.ms = sqlite3_column_int64(row, 6);
    command->ended = sqlite3_column_type(row, 7) != SQLITE_NULL
                         ? (struct komet_utc){sqlite3_column_int64(row, 7)}
                         : KOMET_UTC_UNKNOWN;
    command->result = (uint8_t)sqlite3_column_int(row, 8);
    copy_text(command->reason, sizeof command->reason, row, 9);
    copy_text(to->process, sizeof to->process, row, 10);
    command->user.authenticated = sqlite3_column_int(row, 11) != 0;
    copy_text(to->word, sizeof to->word, row, 12);
    command->word = to->word;
}

#define SCAN_MAX 20000 /* rows looked at for one page, whether they match or not */

void journal_reader_page(sqlite3 *database, const struct site *site, const struct journal_query *query,
                         struct journal_rows *rows)
{
    static const char events[] =
        "SELECT " JOURNAL_EVENT_COLUMNS ", user, authenticated FROM events" EVENT_JOINS
        " LEFT JOIN event_users ON event_users.seq = events.seq"
        " WHERE events.seq > ?1 AND coalesce(time, arrived) BETWEEN ?2 AND ?3"
        " ORDER BY events.seq LIMIT ?4";
    static const char commands[] =
        "SELECT commands.id, tag, number, flags, user, epoch, given, ended, result, reason, processes.name,"
        " authenticated, word"
        " FROM commands JOIN processes ON processes.id = process"
        " WHERE commands.id > ?1 AND given >= ?2 AND given <= ?3 ORDER BY commands.id LIMIT ?4";
    bool wants_events = query->kind == JOURNAL_EVENTS;
    sqlite3_stmt *statement = NULL;
    int result = sqlite3_prepare_v2(database, wants_events ? events : commands, -1, &statement, NULL);
    unsigned scanned = 0;
    rows->after = query->after;
    if (result == SQLITE_OK) {
        sqlite3_bind_int64(statement, 1, (sqlite3_int64)query->after);
        sqlite3_bind_int64(statement, 2, komet_utc_known(query->from) ? query->from.ms : INT64_MIN);
        sqlite3_bind_int64(statement, 3, komet_utc_known(query->to) ? query->to.ms : INT64_MAX);
        sqlite3_bind_int(statement, 4, SCAN_MAX);
        while (rows->count < JOURNAL_PAGE_ROWS && (result = sqlite3_step(statement)) == SQLITE_ROW) {
            scanned++;
            (wants_events ? take_event : take_command)(site, query, statement, rows);
        }
    }
    if (result != SQLITE_ROW && result != SQLITE_DONE && result != SQLITE_OK) {
        snprintf(rows->fault, sizeof rows->fault, "the journal cannot be read: %s", sqlite3_errmsg(database));
    }
    rows->end = result == SQLITE_DONE && scanned < SCAN_MAX;
    sqlite3_finalize(statement);
}
