/*
 * rows: see rows.h; the rows that need no engine.
 */
#include "console/rows.h"

#include "komet/assert.h"
#include "server/server.h"

void rows_value(struct json *json, const char *name, enum tag_type type, double number, bool known)
{
    static const char *const states[4] = {"Trans", "Off", "On", "Err"};
    if (!known) {
        json_null(json, name);
        return;
    }
    switch (type) {
    case TAG_DI:
    case TAG_DOUT:
        json_bool(json, name, number != 0);
        return;
    case TAG_QI:
        json_string(json, name, number >= 0 && number < 4 ? states[(unsigned)number] : NULL);
        return;
    case TAG_AI:
    case TAG_AO:
    case TAG_CI:
    case TAG_CO:
    case TAG_TIR:
    case TAG_TYPE_COUNT:
        json_number(json, name, number);
        return;
    case TAG_TXTI: /* texts are not carried yet */
        json_null(json, name);
        return;
    }
    KOMET_ASSERT_NEVER("a tag type without a value");
}

static void put_flags(struct json *json, value_flags flags)
{
    char text[FLAGS_TEXT_SIZE];
    value_flags_text(flags, text);
    json_string(json, "flags", text);
}

/* The members of a tag and of an event, behind its value. */
static void put_state(struct json *json, const struct value *value)
{
    json_string(json, "status", value_status_name(value->status));
    put_flags(json, value->flags);
    json_time(json, "time", value->time);
    json_time(json, "arrived", value->arrived);
    if (value->cot == 0) {
        json_null(json, "cot");
    } else {
        json_unsigned(json, "cot", value->cot);
    }
}

/* The members that a tag and an event have in common. */
static void put_tag(struct json *json, const char *tag, enum tag_type type, const struct value *value)
{
    KOMET_ASSERT(tag != NULL);
    json_string(json, "name", tag);
    json_string(json, "type", type == TAG_TYPE_COUNT ? NULL : tag_type_name(type));
    rows_value(json, "value", type, value->number, value->status != STATUS_UNKNOWN);
    put_state(json, value);
}

static void put_process_value(struct json *json, const struct rows_event *event)
{
    unsigned value = (unsigned)event->value->number;
    bool known = event->value->number >= 0 && value < PROCESS_VALUE_COUNT;
    json_string(json, "name", event->tag);
    json_string(json, "type", "Process");
    json_string(json, "value", known ? process_value_name((enum process_value)value) : NULL);
    put_state(json, event->value);
}

static void put_station_value(struct json *json, const struct rows_event *event)
{
    double value = event->value->number;
    bool known = value >= STATION_OFF && value <= STATION_WAIT;
    json_string(json, "name", event->tag);
    json_string(json, "type", "Station");
    json_string(json, "value", known ? station_value_name((enum station_value)(unsigned)value) : NULL);
    put_state(json, event->value);
}

void rows_tag(struct json *json, const struct tag *tag, const struct value *value)
{
    KOMET_ASSERT(tag != NULL && value != NULL);
    json_open(json, NULL, '{');
    put_tag(json, tag->name, tag->type, value);
    json_close(json, '}');
}

/* Who, and whether a certificate says so. */
static void put_user(struct json *json, const struct record_user *user)
{
    bool known = user != NULL && user->name[0] != '\0';
    json_string(json, "user", known ? user->name : NULL);
    if (known) {
        json_bool(json, "authenticated", user->authenticated);
    } else {
        json_null(json, "authenticated");
    }
}

void rows_event(struct json *json, const struct rows_event *event)
{
    KOMET_ASSERT(event->value != NULL);
    json_open(json, NULL, '{');
    json_unsigned(json, "seq", event->seq);
    if (event->of_process) {
        put_process_value(json, event);
    } else if (event->of_station) {
        put_station_value(json, event);
    } else {
        put_tag(json, event->tag, event->type, event->value);
    }
    json_string(json, "process", event->process);
    json_unsigned(json, "instance", event->instance);
    json_unsigned(json, "epoch", event->epoch);
    put_user(json, event->user);
    json_bool(json, "archived", event->archived);
    json_close(json, '}');
}

static bool is_open(const struct record_command *command)
{
    return command->result < COMMAND_DONE || command->result > COMMAND_UNKNOWN;
}

/* The members before the value, and those behind it. */
static void begin_command(struct json *json, const struct record_command *command)
{
    json_open(json, NULL, '{');
    json_unsigned(json, "id", command->id);
    json_string(json, "command", command->word);
    json_string(json, "tag", command->tag);
    json_string(json, "result",
                is_open(command) ? NULL : command_result_name((enum command_result)command->result));
    json_string(json, "reason", command->reason);
}

static void end_command(struct json *json, const struct record_command *command)
{
    put_flags(json, command->flags);
    put_user(json, &command->user);
    json_time(json, "given", command->given);
    json_time(json, "ended", is_open(command) ? KOMET_UTC_UNKNOWN : command->ended);
    json_unsigned(json, "epoch", command->epoch);
    json_close(json, '}');
}

void rows_command(struct json *json, const struct record_command *command, enum tag_type type)
{
    begin_command(json, command);
    rows_value(json, "value", type, command->number, true);
    end_command(json, command);
}

void rows_station_command(struct json *json, const struct record_command *command)
{
    begin_command(json, command);
    json_null(json, "value");
    end_command(json, command);
}

static void put_result(struct json *json, enum command_result result, const char *reason)
{
    KOMET_ASSERT(result >= COMMAND_DONE && result <= COMMAND_UNKNOWN);
    json_string(json, "result", command_result_name(result));
    json_string(json, "reason", reason == NULL ? "" : reason);
}

void rows_set(struct json *json, const struct tag *tag, const struct server_ended *ended)
{
    KOMET_ASSERT(tag != NULL && ended != NULL);
    json_open(json, NULL, '{');
    json_unsigned(json, "id", ended->id);
    json_string(json, "tag", tag->name);
    put_result(json, ended->result, ended->reason);
    rows_value(json, "value", tag->type, ended->number, true);
    put_flags(json, ended->flags);
    json_close(json, '}');
}

void rows_interrogated(struct json *json, const char *target, enum command_result result, const char *reason)
{
    json_open(json, NULL, '{');
    json_string(json, "name", target);
    put_result(json, result, reason);
    json_close(json, '}');
}

void rows_instance_set(struct json *json, const struct process *process, uint8_t instance,
                       const struct server_ended *ended)
{
    KOMET_ASSERT(process != NULL && ended != NULL);
    json_open(json, NULL, '{');
    json_string(json, "process", process->name);
    json_unsigned(json, "instance", instance);
    put_result(json, ended->result, ended->reason);
    json_unsigned(json, "epoch", ended->epoch);
    json_close(json, '}');
}

/* `host`: of the one that is a text. */
static void put_parameter(struct json *json, const char *name, const struct parameter_row *row, int64_t value,
                          const char *host)
{
    char text[PARAMETER_TEXT_SIZE];
    switch (row->type) {
    case PARAMETER_INTEGER:
    case PARAMETER_MILLISECONDS:
        json_number(json, name, (double)value);
        return;
    case PARAMETER_BOOLEAN:
        json_bool(json, name, value != 0);
        return;
    case PARAMETER_LETTERS:
        parameter_text(row, value, text);
        json_string(json, name, text);
        return;
    case PARAMETER_TEXT:
        json_string(json, name, host);
        return;
    }
    KOMET_ASSERT_NEVER("a parameter without a type");
}

void rows_parameter(struct json *json, const struct parameter_row *row, const struct parameter_set *set)
{
    KOMET_ASSERT(row != NULL && set != NULL);
    json_open(json, NULL, '{');
    json_string(json, "name", row->full_name);
    json_string(json, "short", row->short_name);
    put_parameter(json, "value", row, set->value[row->id], set->server_host);
    put_parameter(json, "default", row, row->initial, "");
    json_string(json, "unit", row->unit);
    json_bool(json, "given", set->given[row->id]);
    json_close(json, '}');
}

void rows_processing(struct json *json, const struct processing_row *row, const struct tag *tag)
{
    KOMET_ASSERT(row != NULL && tag != NULL);
    bool given = processing_has(tag->processing, row->id);
    struct processing none = processing_none();
    json_open(json, NULL, '{');
    json_string(json, "name", row->word);
    json_string(json, "short", "");
    if (row->count == 0) {
        json_bool(json, "value", given);
        json_bool(json, "default", false);
        json_string(json, "unit", "");
    } else {
        char text[PROCESSING_TEXT_SIZE];
        processing_text(row, given ? tag->processing : &none, text);
        json_string(json, "value", text);
        processing_text(row, &none, text);
        json_string(json, "default", text);
        bool in_unit = processing_argument(row->first)->unit[0] != '\0';
        json_string(json, "unit", in_unit ? tag->unit : "");
    }
    json_bool(json, "given", given);
    json_close(json, '}');
}

void rows_help(struct json *json, const struct command_row *row)
{
    KOMET_ASSERT(row != NULL);
    json_open(json, NULL, '{');
    json_string(json, "command", row->word);
    json_string(json, "usage", row->usage);
    json_string(json, "help", row->sentence);
    json_bool(json, "built", row->verb != VERB_NOT_BUILT);
    json_close(json, '}');
}

void rows_version(struct json *json, const char *version, const char *server)
{
    KOMET_ASSERT(version != NULL && server != NULL);
    json_open(json, NULL, '{');
    json_string(json, "program", "komet server");
    json_string(json, "version", version);
    json_string(json, "server", server);
    json_unsigned(json, "messages", WIRE_VERSION);
    json_close(json, '}');
}
