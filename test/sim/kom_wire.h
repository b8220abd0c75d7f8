/*
 * kom_wire: what comes over the wire between a simulated server and its instances, whichever world they are
 * in: messages off a stream, and the site in a Welcome.
 */
#ifndef SIM_KOM_WIRE_H
#define SIM_KOM_WIRE_H

#include "kom/kom.h"
#include "sim/stream.h"
#include "site/reader.h"
#include "wire/frame.h"

/* The next message that has arrived whole, taken off the stream, until the next call in the arena; NULL: none.
 */
wire_message *kom_wire_next(struct stream *from, struct komet_instant now, struct wire_arena *arena);

/* Reads the site of a Welcome as the program does and configures the engine with it. `site` and `lines_memory`
 * are those of the configuration before, which is over, and then of this one: the caller's to release. */
void kom_wire_configure(struct kom *engine, struct line_now now, const struct kom_identity *identity,
                        const Komet__Wire__Welcome *welcome, struct site_result *site, void **lines_memory);

#endif
