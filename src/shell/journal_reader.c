/*
 * journal_reader: pages of events and commands, for people. See journal_file.h.
 */
#include "shell/journal_file.h"

#include <stdio.h>
#include <string.h>

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
    event->of_process = type == JOURNAL_TYPE_OF_INSTANCE || type == JOURNAL_TYPE_OF_PROCESS;
    event->of_station = type == JOURNAL_TYPE_OF_STATION;
    event->type = type >= 0 && type < TAG_TYPE_COUNT ? (enum tag_type)type : TAG_AI;
    journal_file_value(row, 3, &event->value);
    event->archived = (sqlite3_column_int64(row, 5) & JOURNAL_CAUSE_ARCHIVED) != 0;
    copy_text(event->process, sizeof event->process, row, 8);
    event->instance = (uint8_t)sqlite3_column_int(row, 9);
    bool standby = (sqlite3_column_int64(row, 5) & JOURNAL_CAUSE_STANDBY) != 0;
    event->epoch = standby ? 0 : (uint64_t)sqlite3_column_int64(row, 10); /* it came under no grant */
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
        "SELECT " JOURNAL_EVENT_COLUMNS ", user, authenticated FROM events" JOURNAL_EVENT_JOINS
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
