/*
 * journal_file: its tables, and the statements of a writer. See journal_file.h.
 *
 * Names of tags and processes are stored once and referred to by row; `latest` has each tag's newest event,
 * so that a start does not read the whole history. WAL with synchronous FULL: a commit returns after its
 * records are on disk.
 */
#include "shell/journal_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shell/log.h"

#define SCHEMA_VERSION 2 /* 2: who gave a command, and whether that is certain */

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
