/*
 * What the line of a Sinaut script wants done, in the words of the script.
 */
#include <stdio.h>
#include <string.h>

#include "sinaut_runner.h"

const char *const runner_path_names[RUNNER_PATHS] = {"A1", "A2", "B1", "B2"};
const char *const runner_path_addresses[RUNNER_PATHS] = {"10.1.0.1", "10.2.0.1", "10.1.0.2", "10.2.0.2"};

struct line_now runner_now(const struct runner *r)
{
    return (struct line_now){r->stage.now, {INT64_C(1782648000000) + r->stage.now.us / 1000}};
}

static unsigned path_of(const struct runner *r, uint32_t connection)
{
    for (unsigned path = 0; path < RUNNER_PATHS; path++) {
        if (r->ends[path].connection == connection || r->asked[path] == connection) {
            return path;
        }
    }
    script_fail(&r->stage.script, "connection %u is nobody's", connection);
}

static void note_frame(struct runner *r, unsigned path)
{
    struct far_end *end = &r->ends[path];
    struct komet_apdu apdu;
    size_t taken;
    char text[ASDU_WORDS_TEXT_SIZE];
    if (komet_apdu_decode(end->cut, end->cut_size, false, &apdu, &taken) != KOMET_OK) {
        script_fail(&r->stage.script, "what was sent is no frame");
    }
    switch (apdu.format) {
    case KOMET_FORMAT_I:
        asdu_text(text, r->profile, apdu.asdu, apdu.asdu_size);
        stage_note(&r->stage, "send %s %s", runner_path_names[path], text);
        end->received++;
        break;
    case KOMET_FORMAT_S:
        if (r->show_acknowledgements) {
            stage_note(&r->stage, "send %s S %u", runner_path_names[path], apdu.nr);
        }
        break;
    case KOMET_FORMAT_U:
        if (r->show_transport) {
            stage_note(&r->stage, "send %s %s", runner_path_names[path],
                       komet_u_function_name(apdu.function));
        }
        break;
    }
}

static void note_sent(struct runner *r, const struct line_output *output)
{
    unsigned path = path_of(r, output->connection);
    struct far_end *end = &r->ends[path];
    for (size_t i = 0; i < output->size; i++) {
        end->cut[end->cut_size++] = output->octets[i];
        if (end->cut_size >= 2 && end->cut_size == (size_t)end->cut[1] + 2) {
            note_frame(r, path);
            end->cut_size = 0;
        }
    }
    line_written(r->engine, output->connection, output->size);
}

static void note_values(struct runner *r, const struct line_output *output)
{
    for (unsigned i = 0; i < output->count; i++) {
        const struct line_value *value = &output->values[i];
        char text[VALUE_TEXT_SIZE], flags[FLAGS_TEXT_SIZE];
        value_text(value->tag->type, &value->value, text);
        value_flags_text(value->value.flags, flags);
        char time[32] = "";
        if (r->show_times) { /* within the minute */
            snprintf(time, sizeof time, " at %d ms", (int)(value->value.time.ms % 60000));
        }
        stage_note(&r->stage, "value %s %s %s%s%s%s", value->tag->name, text,
                   value_status_name(value->value.status), flags[0] != '\0' ? " " : "", flags, time);
    }
    if (!r->store_by_script) {
        line_stored(r->engine, runner_now(r), output->connection, output->frame);
    }
}

void runner_note_line(struct runner *r)
{
    struct line_report report = line_report(r->engine);
    char flags[FLAGS_TEXT_SIZE];
    value_flags_text(report.flags, flags);
    stage_note(&r->stage, "line %s%s%s", report.value ? "true" : "false", flags[0] != '\0' ? " " : "", flags);
}

static void note_connect(struct runner *r, const struct line_output *output)
{
    for (unsigned path = 0; path < RUNNER_PATHS; path++) {
        if (strcmp(output->address->host, runner_path_addresses[path]) == 0) {
            r->asked[path] = output->connection;
            if (r->show_transport) {
                stage_note(&r->stage, "connect %s%s%s", runner_path_names[path],
                           output->local != NULL ? " from " : "", output->local != NULL ? output->local : "");
            }
        }
    }
}

static void note_ping(struct runner *r, const struct line_output *output)
{
    for (unsigned path = 0; path < RUNNER_PATHS; path++) {
        if (strcmp(output->address->host, runner_path_addresses[path]) == 0) {
            r->pings[path] = output->ping;
            stage_note(&r->stage, "ping %s%s%s", runner_path_names[path],
                       output->local != NULL ? " from " : "", output->local != NULL ? output->local : "");
        }
    }
}

static void note_find(struct runner *r, const struct line_output *output)
{
    for (unsigned path = 0; path < RUNNER_PATHS; path++) {
        if (strcmp(output->address->host, runner_path_names[path]) == 0) {
            r->finds[path] = output->find;
            stage_note(&r->stage, "find %s", runner_path_names[path]);
        }
    }
}

/* The flags where the partner refused, and said some. */
static void note_end(struct runner *r, const struct line_output *output)
{
    char flags[FLAGS_TEXT_SIZE];
    value_flags_text(output->flags, flags);
    bool said = output->result == COMMAND_REFUSED && output->answered && flags[0] != '\0';
    stage_note(&r->stage, "end %u %s%s%s%s%s%s", (unsigned)output->id, command_result_name(output->result),
               output->text[0] != '\0' ? " " : "", output->text, said ? " with " : "", said ? flags : "",
               output->current ? ", current" : "");
}

/* As the server does: a write that gave its output a value is an event of it. */
static void tell_written(struct runner *r, const struct line_output *output)
{
    const char *name = r->written[output->id % RUNNER_WRITES].tag;
    if (name[0] != '\0' && (output->result == COMMAND_DONE || output->current)) {
        struct line_outgoing written = {.tag = site_find_tag(r->site.site, name),
                                        .value = r->written[output->id % RUNNER_WRITES].value,
                                        .position = ++r->position};
        written.value.time = runner_now(r).utc;
        line_outgoing(r->engine, runner_now(r), &written);
    }
}

static void note_output(struct runner *r, const struct line_output *output)
{
    switch (output->kind) {
    case LINE_OUT_LISTEN:
        stage_note(&r->stage, "listen");
        return;
    case LINE_OUT_LISTEN_END:
        stage_note(&r->stage, "listen-end");
        return;
    case LINE_OUT_MASTER: /* of a line of iec104-server */
        return;
    case LINE_OUT_TAKEN:
        if (r->show_taken) {
            stage_note(&r->stage, "taken %c %llu", 'A' + (int)output->group,
                       (unsigned long long)output->position);
        }
        return;
    case LINE_OUT_CONNECT:
        note_connect(r, output);
        return;
    case LINE_OUT_SEND:
        note_sent(r, output);
        return;
    case LINE_OUT_FIND:
        note_find(r, output);
        return;
    case LINE_OUT_PING:
        note_ping(r, output);
        return;
    case LINE_OUT_ABORT: {
        unsigned path = path_of(r, output->connection);
        r->ends[path].connection = r->asked[path] = 0;
        stage_note(&r->stage, "close %s %s", runner_path_names[path], komet_reason_name(output->reason));
        return;
    }
    case LINE_OUT_VALUES:
        note_values(r, output);
        return;
    case LINE_OUT_LINE:
        if (r->show_line) {
            runner_note_line(r);
        }
        return;
    case LINE_OUT_STATION:
        stage_note(&r->stage, "station %s %s", output->station->name,
                   station_value_name(output->station_value));
        return;
    case LINE_OUT_COMMAND_END:
        note_end(r, output);
        tell_written(r, output);
        return;
    case LINE_OUT_NOTE:
        if (r->show_notes) {
            stage_note(&r->stage, "note %s", output->text);
        }
        return;
    }
}

void runner_drain(struct runner *r)
{
    struct line_output output;
    while (line_next(r->engine, runner_now(r), &output)) {
        if (output.kind == LINE_OUT_SEND && (r->held >> path_of(r, output.connection) & 1u) != 0) {
            return; /* as a caller does that cannot write, or that takes octets last */
        }
        note_output(r, &output);
    }
}
