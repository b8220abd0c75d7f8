/*
 * The inside of the KOM engine, shared by the files of src/kom. Nobody else includes it.
 */
#ifndef KOM_KOM_PRIVATE_H
#define KOM_KOM_PRIVATE_H

#include "kom/batch.h"
#include "kom/kom.h"
#include "komet/assert.h"

#define KOM_NOTES_MAX    32 /* further ones are dropped: notes are for people */
#define KOM_NOTE_SIZE    200
#define KOM_COMMANDS_MAX 512 /* open, or ended and not yet told; one more is dropped */
#define KOM_HEARTBEATS   4   /* in one lease */

struct kom_line {
    struct line_engine *engine;
    bool dirty;          /* it may have outputs */
    bool report;         /* a LineReport is to be sent */
    bool abort, connect; /* to be handed out, in this order */
    uint32_t abort_connection, connect_connection;
    enum komet_reason abort_reason;
    const struct address *address;
};

struct kom_station {
    bool report;
    enum station_value value;
};

struct kom_end {
    uint64_t id;
    enum command_result result;
    double number;
    value_flags flags;
    char reason[96];
};

/* Everything a message body may need, for one output at a time. */
struct kom_slot {
    wire_message message;
    union {
        Komet__Wire__Hello hello;
        Komet__Wire__Heartbeat heartbeat;
        Komet__Wire__Stopped stopped;
        Komet__Wire__CommandEnd command_end;
        Komet__Wire__LineReport line_report;
        Komet__Wire__StationReport station_report;
    } body;
    Komet__Wire__ConnectionReport connection;
    Komet__Wire__ConnectionReport *connections[1];
    char text[128];
};

struct kom {
    struct kom_identity identity;
    const struct process *process; /* NULL until configured */
    struct kom_line *lines;
    struct kom_station *stations;
    struct batch *batch;
    uint64_t batch_sequence; /* of the last batch that was sent, over all configurations of this run */

    bool connected;                            /* to the server */
    bool welcome;                              /* it greeted us */
    bool hello, configure, refused, reconnect; /* to be handed out */
    struct komet_instant heard;                /* when the server last said anything, or connected */
    const Komet__Wire__Welcome *welcome_message;
    int64_t lease_us;
    struct komet_instant heard_sent;     /* when the newest message was sent that the server has surely had */
    struct komet_instant heartbeat_sent; /* the newest; before the first: when we connected */
    struct komet_instant heartbeat_due;

    bool active;
    uint64_t epoch;
    struct komet_instant lease_end;
    bool stopped; /* Stopped is to be sent for `stopped_epoch`, behind everything else */
    uint64_t stopped_epoch;

    struct kom_end ends[KOM_COMMANDS_MAX];
    unsigned end_count, end_next;
    unsigned open_commands; /* given to a line, not ended */
    char notes[KOM_NOTES_MAX][KOM_NOTE_SIZE];
    unsigned note_count, note_next;
    char refusal[256];
    struct kom_slot slot;
};

/* kom.c */
void kom_note(struct kom *kom, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Takes from a line what it wants done, up to octets to be sent, which stay in the line. */
void kom_absorb(struct kom *kom, struct line_now now, uint16_t line);

/* kom_messages.c: the next message for the server, but batches. */
bool kom_next_message(struct kom *kom, struct line_now now, struct kom_output *output);
void kom_take_command(struct kom *kom, struct line_now now, const Komet__Wire__Command *command);
void kom_end_command(struct kom *kom, uint64_t id, enum command_result result, const char *reason);

#endif
