/*
 * The centre's inside, shared by its five files.
 *
 * centre.c          life, settings, time, connections, the events handed to the host
 * centre_request.c  what may be asked, and what is asked already
 * centre_steps.c    what each event means in each state: the table, and what is done
 * centre_write.c    the ASDUs of requests
 * centre_receive.c  which request an ASDU answers, and which of the events it is
 *
 * A request is in a slot from its taking until its end was handed out. Stations that a broadcast request
 * awaits are bits, in the order of the settings; any other request awaits one station, bit 0.
 */
#ifndef IEC_CENTRE_PRIVATE_H
#define IEC_CENTRE_PRIVATE_H

#include "komet/centre.h"

/* What the files share has a name of libkomet's in the objects: a static library stands in the name space of
 * its user. */
#define centre_step       komet_private_centre_step
#define centre_set_state  komet_private_centre_set_state
#define centre_can_select komet_private_centre_can_select

enum slot_state {
    SLOT_FREE,
    SLOT_WAITING,   /* not written yet */
    SLOT_SELECTING, /* the select is written, its confirmation awaited */
    SLOT_SELECTED,  /* confirmed: the execute is to be written */
    SLOT_ASKING,    /* written: confirmation or value awaited, of one station at least */
    SLOT_RUNNING,   /* confirmed by all that will: terminations awaited */
    SLOT_LOADING,   /* 106: measured, the delay is to be written */
    SLOT_ENDED,     /* the host has not taken the end yet */
    SLOT_STATES
};

enum slot_event {
    EVENT_WRITTEN,    /* what was to be written is */
    EVENT_CONFIRMED,  /* cause 7, 9 */
    EVENT_DENIED,     /* cause 7, 9 with P/N */
    EVENT_UNKNOWN,    /* cause 44 to 47 */
    EVENT_TERMINATED, /* cause 10 */
    EVENT_FAILED,     /* cause 10 with P/N */
    EVENT_VALUE,      /* of its interrogation, or what it reads */
    EVENT_LIMIT,      /* the slot's time limit has come */
    EVENT_CUT,        /* the connection has ended */
    SLOT_EVENTS
};

struct slot {
    enum slot_state state;
    enum komet_centre_kind end;    /* ENDED: how */
    enum komet_centre_kind report; /* an event on the way, when has_report */
    bool has_report;
    bool select_only; /* the last that was written is a select */
    uint64_t id;
    struct komet_centre_request request; /* its object as it was written last */
    struct komet_instant limit;
    struct komet_instant written_at;
    uint64_t awaited;                        /* stations that answer */
    uint64_t confirmed, refused, terminated; /* of these */
    uint64_t silent;                         /* of these: the time for their answer is over */
    uint64_t values;
    int64_t delay_us;
    uint16_t answer_ca, refusal_ca; /* of the last answer, and the last that was a refusal */
    uint8_t answer_cause, refusal_cause;
    struct komet_object answer;
};

struct komet_centre {
    struct komet_centre_settings settings; /* its stations lie behind the slots */
    struct slot *slots;
    bool connected;
    bool host_owes_next; /* an ASDU caused events; the host must take them before the next */
    uint64_t last_id;
    uint16_t test_counter; /* TSC of the last 107 */
    bool initialized;      /* type 70 came: the host is to be told */
    uint16_t initialized_ca;
    struct komet_object initialized_object;
    struct komet_centre_counters counters;
};

/* What came, for EVENT_CONFIRMED to EVENT_VALUE; of the others only `now` is looked at. */
struct slot_input {
    struct komet_instant now;
    uint64_t who; /* which of the awaited stations; all of them: the broadcast CA */
    uint16_t ca;
    uint8_t cause;
    uint64_t values; /* objects */
    struct komet_object object;
};

/* Does what the table says. False: the event means nothing to this slot, and nothing was done. */
bool centre_step(struct komet_centre *centre, struct slot *slot, enum slot_event event,
                 const struct slot_input *input);

/* The only place where the state changes; sets the time limit that belongs to it. */
void centre_set_state(struct komet_centre *centre, struct slot *slot, struct komet_instant now,
                      enum slot_state state);

static inline uint16_t broadcast_ca(const struct komet_profile *profile)
{
    return profile->ca_size == 1 ? KOMET_CA_BROADCAST_1 : KOMET_CA_BROADCAST_2;
}

static inline bool is_broadcast(const struct komet_profile *profile, uint16_t ca)
{
    return ca == broadcast_ca(profile);
}

/* True for the commands that have an S/E bit. */
bool centre_can_select(const struct komet_type_row *row);

static inline bool slot_is_open(const struct slot *slot)
{
    return slot->state != SLOT_FREE && slot->state != SLOT_ENDED;
}

/* True for the slots of which the next thing is that they are written. */
static inline bool slot_wants_writing(const struct slot *slot)
{
    return slot->state == SLOT_WAITING || slot->state == SLOT_SELECTED || slot->state == SLOT_LOADING;
}

/* True for 100 and 101, whose qualifier says which of several may be open at a time. */
static inline bool type_is_interrogation(uint8_t type)
{
    return type == KOMET_C_IC_NA_1 || type == KOMET_C_CI_NA_1;
}

#endif
