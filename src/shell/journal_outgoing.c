/*
 * journal_outgoing: see journal_outgoing.h.
 *
 * What masters were sent are events like others, of the connection 0 and with their position in the line as
 * the frame; an index of these alone finds the newest.
 */
#include "shell/journal_outgoing.h"

#include "server/server.h"

bool journal_outgoing_write_taken(struct journal_file *file, const struct record *record)
{
    sqlite3_stmt *to = file->statements[STATEMENT_TAKEN];
    sqlite3_bind_text(to, 1, record->of.taken.line, -1, SQLITE_STATIC);
    sqlite3_bind_text(to, 2, record->of.taken.masters, -1, SQLITE_STATIC);
    sqlite3_bind_int(to, 3, record->instance);
    sqlite3_bind_int64(to, 4, (sqlite3_int64)record->of.taken.position);
    return journal_file_step(file, STATEMENT_TAKEN);
}

bool journal_outgoing_write_mode(struct journal_file *file, const struct record *record,
                                 sqlite3_int64 process)
{
    sqlite3_stmt *to = file->statements[STATEMENT_LOAD_BALANCE];
    sqlite3_bind_int64(to, 1, process);
    sqlite3_bind_int(to, 2, record->of.load_balance);
    return journal_file_step(file, STATEMENT_LOAD_BALANCE);
}

static void recover_taken(struct server *server, sqlite3_stmt *row)
{
    server_recover_taken(server, (const char *)sqlite3_column_text(row, 0),
                         (const char *)sqlite3_column_text(row, 1), (uint8_t)sqlite3_column_int(row, 2),
                         (uint64_t)sqlite3_column_int64(row, 3));
}

static void recover_mode(struct server *server, sqlite3_stmt *row)
{
    server_recover_load_balance(server, (const char *)sqlite3_column_text(row, 0),
                                sqlite3_column_int(row, 1) != 0);
}

static void recover_event(struct server *server, sqlite3_stmt *row)
{
    struct value value;
    journal_file_value(row, 3, &value);
    bool older = sqlite3_column_int64(row, 0) < sqlite3_column_int64(row, 12);
    server_recover_outgoing(server, (const char *)sqlite3_column_text(row, 1), &value,
                            (uint64_t)sqlite3_column_int64(row, 11), older);
}

bool journal_outgoing_recover(struct journal_file *file, struct server *server, char *fault)
{
    sqlite3_int64 kept = 0;
    for (unsigned p = 0; p < file->site->process_count; p++) {
        const struct process *process = &file->site->processes[p];
        for (unsigned i = 0; i < process->line_count; i++) {
            kept += (sqlite3_int64)line_outgoing_capacity(&process->lines[i]);
        }
    }
    return journal_file_each_row(
               file, "SELECT name, all_act FROM load_balance JOIN processes ON processes.id = process", 0,
               server, recover_mode, fault) &&
           (kept == 0 ||
            (journal_file_each_row(
                 file,
                 "SELECT " JOURNAL_EVENT_COLUMNS ", frame, latest.seq FROM"
                 " (SELECT * FROM events WHERE connection = 0 AND frame > 0 ORDER BY seq DESC LIMIT ?) AS "
                 "events"
                 " JOIN tags ON tags.id = events.tag JOIN processes ON processes.id = events.process"
                 " JOIN latest ON latest.tag = events.tag ORDER BY events.seq",
                 kept, server, recover_event, fault) &&
             journal_file_each_row(file, "SELECT line, masters, instance, position FROM taken", 0, server,
                                   recover_taken, fault)));
}
