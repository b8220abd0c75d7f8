/*
 * Values of processes: each change of SELF.KOM and of its instances, [1]_SELF.KOM to [15]_SELF.KOM, becomes a
 * record. A run without a number has no name of its own: its value is that of the process.
 */
#include "server/server_private.h"

void values_begin(struct process_state *process)
{
    for (unsigned i = 0; i <= ROLE_INSTANCE_MAX; i++) {
        process->told[i] = process->instances.member[i].value;
    }
    process->value = (struct record_value){
        .of_process = true, .value = instances_value(&process->instances), .time = KOMET_UTC_UNKNOWN};
}

void server_recover_preferred(struct server *server, const char *process, uint8_t instance)
{
    struct process_state *state = server_find_process(server, process);
    if (state != NULL && instance <= ROLE_INSTANCE_MAX) {
        instances_recover_preferred(&state->instances, instance);
    }
}

void server_recover_value(struct server *server, const char *process, uint8_t instance,
                          const struct record_value *value)
{
    struct process_state *state = server_find_process(server, process);
    if (state == NULL || instance > ROLE_INSTANCE_MAX || value->value >= PROCESS_VALUE_COUNT) {
        return;
    }
    if (value->of_process) {
        state->value = *value;
    }
    if (value->of_process == (instance == 0)) {
        state->told[instance] = value->value;
        instances_recover_value(&state->instances, instance, value->value);
    }
}

static void write_record(struct server *server, const struct process_state *process, uint8_t instance,
                         const struct record_value *value, struct server_output *output)
{
    server->record = (struct record){.kind = RECORD_VALUE,
                                     .ticket = ++server->ticket,
                                     .process = process->process->name,
                                     .instance = instance};
    server->record.of.value = *value;
    output->kind = SERVER_OUT_RECORD;
    output->record = &server->record;
}

/* An instance whose value is not in the journal yet. */
static bool next_of_instances(struct server *server, struct line_now now, struct process_state *process,
                              struct server_output *output)
{
    for (uint8_t i = 0; i <= ROLE_INSTANCE_MAX; i++) {
        enum process_value value = process->instances.member[i].value;
        if (value == process->told[i]) {
            continue;
        }
        process->told[i] = value;
        process->told_instance = i;
        if (i > 0) {
            const struct record_value told = {.value = value, .time = now.utc};
            write_record(server, process, i, &told, output);
            return true;
        }
    }
    return false;
}

static bool next_of_process(struct server *server, struct line_now now, struct process_state *process,
                            struct server_output *output)
{
    if (process->told_changes == process->instances.changes) {
        return false;
    }
    if (next_of_instances(server, now, process, output)) {
        return true;
    }
    process->told_changes = process->instances.changes;
    const struct record_value value = {.of_process = true,
                                       .value = instances_value(&process->instances),
                                       .flags = instances_flags(&process->instances),
                                       .time = now.utc};
    if (value.value == process->value.value && value.flags == process->value.flags) {
        return false;
    }
    process->value = value;
    write_record(server, process, process->told_instance, &value, output);
    return true;
}

bool values_next_record(struct server *server, struct line_now now, struct server_output *output)
{
    for (unsigned p = 0; p < server->site->process_count; p++) {
        if (next_of_process(server, now, &server->processes[p], output)) {
            return true;
        }
    }
    return false;
}

enum process_value server_process_value(const struct server *server, const struct process *process,
                                        value_flags *flags, struct komet_utc *time)
{
    const struct process_state *state = &server->processes[process->index];
    *flags = instances_flags(&state->instances);
    *time = state->value.time;
    return instances_value(&state->instances);
}
