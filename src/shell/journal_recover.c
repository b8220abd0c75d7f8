/*
 * journal_file: what a server needs at its start. See journal_file.h.
 */
#include "shell/journal_file.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "server/server.h"
#include "shell/journal_outgoing.h"

#define LINES_RECOVERED_MAX 256 /* so many lines' newest events are read at the most */

void journal_file_value(sqlite3_stmt *row, int first, struct value *value)
{
    sqlite3_int64 state = sqlite3_column_int64(row, first + 1), cause = sqlite3_column_int64(row, first + 2);
    enum value_status status = state >> 16 < STATUS_COUNT ? (enum value_status)(state >> 16) : STATUS_INVALID;
    bool number = sqlite3_column_type(row, first) != SQLITE_NULL;
    bool timed = sqlite3_column_type(row, first + 3) != SQLITE_NULL;
    bool arrived = sqlite3_column_type(row, first + 4) != SQLITE_NULL;
    *value = (struct value){
        .number = number ? sqlite3_column_double(row, first) : (double)NAN,
        .status = status,
        .flags = (value_flags)(state & 0xFFFF),
        .cot = (uint8_t)(cause >> 8 & 0xFF),
        .asdu_type = (uint8_t)(cause & 0xFF),
        .time_origin = (cause & JOURNAL_CAUSE_ARRIVAL) != 0 ? TIME_OF_ARRIVAL : TIME_FROM_STATION,
        .time = timed ? (struct komet_utc){sqlite3_column_int64(row, first + 3)} : KOMET_UTC_UNKNOWN,
        .arrived = arrived ? (struct komet_utc){sqlite3_column_int64(row, first + 4)} : KOMET_UTC_UNKNOWN,
    };
}

static void recover_event(struct server *server, sqlite3_stmt *row)
{
    struct record_event event = {.tag = (const char *)sqlite3_column_text(row, 1)};
    int type = sqlite3_column_int(row, 2);
    event.type = type >= 0 && type < TAG_TYPE_COUNT ? (enum tag_type)type : TAG_AI;
    journal_file_value(row, 3, &event.value);
    event.archived = (sqlite3_column_int64(row, 5) & JOURNAL_CAUSE_ARCHIVED) != 0;
    event.standby = (sqlite3_column_int64(row, 5) & JOURNAL_CAUSE_STANDBY) != 0;
    event.epoch = (uint64_t)sqlite3_column_int64(row, 10);
    event.line = (uint16_t)sqlite3_column_int(row, 11);
    event.connection = (uint32_t)sqlite3_column_int64(row, 12);
    event.frame = (uint64_t)sqlite3_column_int64(row, 13);
    int size = sqlite3_column_bytes(row, 14);
    if (size > 0 && size <= RECORD_OCTETS_MAX) {
        event.octets_size = (uint8_t)size;
        memcpy(event.octets, sqlite3_column_blob(row, 14), (size_t)size);
    }
    server_recover_event(server, (const char *)sqlite3_column_text(row, 8),
                         (uint8_t)sqlite3_column_int(row, 9), &event);
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
    const struct record_value of = {.of_process = sqlite3_column_int(row, 2) == JOURNAL_TYPE_OF_PROCESS,
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
                                 " JOIN events ON events.seq = latest.seq" JOURNAL_EVENT_JOINS
                                 " WHERE latest.seq < ?",
                                 cutoff, server, recover_event, fault) &&
           journal_file_each_row(file,
                                 "SELECT " JOURNAL_EVENT_COLUMNS
                                 ", line, connection, frame, octets FROM events" JOURNAL_EVENT_JOINS
                                 " WHERE events.seq >= ? ORDER BY events.seq",
                                 cutoff, server, recover_event, fault) &&
           journal_outgoing_recover(file, server, fault);
}
