/*
 * journal_file: records are written. See journal_file.h.
 */
#include "shell/journal_file.h"

#include "komet/assert.h"
#include "shell/journal_outgoing.h"

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
                       (value->time_origin == TIME_OF_ARRIVAL ? JOURNAL_CAUSE_ARRIVAL : 0) |
                           (event->archived ? JOURNAL_CAUSE_ARCHIVED : 0) |
                           (event->standby ? JOURNAL_CAUSE_STANDBY : 0) | value->cot << 8 | value->asdu_type);
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
                                      .type = value->of_process ? JOURNAL_TYPE_OF_PROCESS
                                                                : JOURNAL_TYPE_OF_INSTANCE,
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
                                      .type = JOURNAL_TYPE_OF_STATION,
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
