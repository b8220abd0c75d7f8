/*
 * kom_wire: see kom_wire.h.
 */
#include "sim/kom_wire.h"

#include <stdlib.h>

#include "komet/assert.h"

#define FILES_MAX 16

wire_message *kom_wire_next(struct stream *from, struct komet_instant now, struct wire_arena *arena)
{
    wire_message *message = NULL;
    size_t consumed = 0, size = stream_arrived(from, now);
    if (size > 0) {
        enum wire_fault fault = wire_decode(from->octets, size, arena, &message, &consumed);
        KOMET_ASSERT(fault == WIRE_OK);
    }
    if (consumed == 0) {
        return NULL;
    }
    stream_take(from, consumed); /* the message is in the arena */
    return message;
}

void kom_wire_configure(struct kom *engine, struct line_now now, const struct kom_identity *identity,
                        const Komet__Wire__Welcome *welcome, struct site_result *site, void **lines_memory)
{
    struct site_file files[FILES_MAX];
    const struct site_wanted wanted = {.process = identity->process, .instance = identity->instance};
    KOMET_ASSERT(welcome->n_files <= FILES_MAX);
    for (size_t i = 0; i < welcome->n_files; i++) {
        files[i] = (struct site_file){welcome->files[i]->name, (const char *)welcome->files[i]->text.data,
                                      welcome->files[i]->text.len};
    }
    if (site->arena != NULL) {
        site_result_release(site);
    }
    free(*lines_memory);
    *site = site_read_wanted(files, welcome->n_files, &wanted);
    KOMET_ASSERT(site->site != NULL);
    const struct process *process = site_find_process(site->site, identity->process);
    size_t size = kom_lines_size(process);
    *lines_memory = malloc(size);
    KOMET_ASSERT(*lines_memory != NULL);
    kom_configure(engine, *lines_memory, size, process, now);
}
