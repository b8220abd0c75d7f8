/*
 * centre_steps: the life of one request. The table says what each event means in each state; every change of
 * a state passes one setter, which also knows the time limit of each state.
 */
#include "komet/assert.h"

#include "centre_private.h"

enum action {
    IGNORE,   /* it means nothing here: an answer is unexpected */
    OURS,     /* it cannot happen but by a mistake of ours */
    SEND,     /* the next step of the request is on its way */
    SELECT,   /* the select holds: the execute is next */
    CONFIRM,  /* by some of the stations, or by all */
    REFUSE,   /* the same */
    FINISH,   /* a station has terminated */
    COUNT,    /* a value */
    EXPIRE,   /* too late to be written */
    WITHDRAW, /* not written, and the connection is gone */
    GIVE_UP,  /* no station answers in time any more */
    LOSE      /* written, and the connection is gone */
};

/* clang-format off */
static const enum action actions[SLOT_STATES][SLOT_EVENTS] = {
    /*                  WRITTEN CONFIRMED DENIED  UNKNOWN TERMINATED FAILED  VALUE   LIMIT    CUT */
    [SLOT_FREE]      = {OURS,   OURS,     OURS,   OURS,   OURS,      OURS,   OURS,   OURS,    IGNORE},
    [SLOT_WAITING]   = {SEND,   IGNORE,   IGNORE, IGNORE, IGNORE,    IGNORE, IGNORE, EXPIRE,  WITHDRAW},
    [SLOT_SELECTING] = {OURS,   SELECT,   REFUSE, REFUSE, IGNORE,    IGNORE, IGNORE, GIVE_UP, LOSE},
    [SLOT_SELECTED]  = {SEND,   IGNORE,   REFUSE, REFUSE, IGNORE,    IGNORE, IGNORE, EXPIRE,  LOSE},
    [SLOT_ASKING]    = {OURS,   CONFIRM,  REFUSE, REFUSE, IGNORE,    IGNORE, COUNT,  GIVE_UP, LOSE},
    [SLOT_RUNNING]   = {OURS,   IGNORE,   IGNORE, IGNORE, FINISH,    REFUSE, COUNT,  GIVE_UP, LOSE},
    [SLOT_LOADING]   = {SEND,   IGNORE,   IGNORE, IGNORE, IGNORE,    IGNORE, IGNORE, EXPIRE,  LOSE},
    [SLOT_ENDED]     = {OURS,   IGNORE,   IGNORE, IGNORE, IGNORE,    IGNORE, IGNORE, OURS,    IGNORE},
};
/* clang-format on */

static bool move_is_legal(enum slot_state from, enum slot_state to)
{
    switch (from) {
    case SLOT_WAITING:
        return to == SLOT_SELECTING || to == SLOT_ASKING || to == SLOT_ENDED;
    case SLOT_SELECTING:
        return to == SLOT_SELECTED || to == SLOT_ENDED;
    case SLOT_SELECTED:
        return to == SLOT_ASKING || to == SLOT_ENDED;
    case SLOT_ASKING:
        return to == SLOT_RUNNING || to == SLOT_LOADING || to == SLOT_ENDED;
    case SLOT_RUNNING:
    case SLOT_LOADING:
        return to == SLOT_ENDED;
    case SLOT_FREE:
        return to == SLOT_WAITING;
    case SLOT_ENDED:
        return to == SLOT_FREE;
    case SLOT_STATES:
        break;
    }
    KOMET_ASSERT_NEVER("a value of enum slot_state");
}

static struct komet_instant limit_of(const struct komet_centre *centre, const struct slot *slot,
                                     struct komet_instant now, enum slot_state state)
{
    const struct komet_centre_settings *settings = &centre->settings;
    switch (state) {
    case SLOT_WAITING:
        return slot->request.deadline;
    case SLOT_SELECTING:
    case SLOT_ASKING:
        return komet_after(now, settings->confirm_us);
    case SLOT_SELECTED:
        return komet_earlier(slot->request.deadline, komet_after(now, settings->select_us));
    case SLOT_RUNNING:
        return komet_after(now, settings->terminate_us);
    case SLOT_LOADING:
        return komet_earlier(slot->request.deadline, komet_after(now, settings->confirm_us));
    case SLOT_FREE:
    case SLOT_ENDED:
        return KOMET_NEVER;
    case SLOT_STATES:
        break;
    }
    KOMET_ASSERT_NEVER("a value of enum slot_state");
}

void centre_set_state(struct komet_centre *centre, struct slot *slot, struct komet_instant now,
                      enum slot_state state)
{
    KOMET_ASSERT(move_is_legal(slot->state, state));
    slot->limit = limit_of(centre, slot, now, state);
    slot->state = state;
}

static void end(struct komet_centre *centre, struct slot *slot, enum komet_centre_kind kind)
{
    slot->end = kind;
    centre->counters.ended++;
    centre_set_state(centre, slot, KOMET_NEVER, SLOT_ENDED);
}

static void report(struct slot *slot, enum komet_centre_kind kind)
{
    KOMET_ASSERT(!slot->has_report); /* the host takes events between two ASDUs, and an ASDU causes one */
    slot->report = kind;
    slot->has_report = true;
}

/* ---- the stations of one request ---- */

static bool awaits_termination(const struct slot *slot)
{
    const struct komet_centre_request *request = &slot->request;
    bool command = komet_type_find(request->type)->direction == KOMET_CONTROL;
    switch (request->procedure) {
    case KOMET_CENTRE_ACTIVATE:
    case KOMET_CENTRE_SELECT_EXECUTE:
        return type_is_interrogation(request->type) || (command && request->terminates);
    case KOMET_CENTRE_SELECT:
    case KOMET_CENTRE_DEACTIVATE:
        return false;
    }
    KOMET_ASSERT_NEVER("a value of enum komet_centre_procedure");
}

static uint64_t running_stations(const struct slot *slot)
{
    return awaits_termination(slot) ? slot->confirmed & ~(slot->terminated | slot->refused | slot->silent)
                                    : 0;
}

static uint64_t unanswered_stations(const struct slot *slot)
{
    return slot->awaited & ~(slot->confirmed | slot->refused | slot->silent);
}

/* The state in which the request is for those stations that answer now: with several of them, some may run
 * while others are still asked. */
static enum slot_state state_for(const struct slot *slot, enum slot_event event, uint64_t who)
{
    bool answer = event >= EVENT_CONFIRMED && event <= EVENT_FAILED;
    if (!answer || (slot->state != SLOT_ASKING && slot->state != SLOT_RUNNING)) {
        return slot->state;
    }
    if ((who & unanswered_stations(slot)) != 0) {
        return SLOT_ASKING;
    }
    return (who & running_stations(slot)) != 0 ? SLOT_RUNNING : SLOT_ENDED;
}

/* An interrogation that was asked before its deactivation, and is still open, has been broken off. */
static void stop_interrogation(struct komet_centre *centre, const struct slot *by)
{
    for (unsigned i = 0; i < centre->settings.requests; i++) {
        struct slot *slot = &centre->slots[i];
        bool written = slot->state == SLOT_ASKING || slot->state == SLOT_RUNNING;
        if (written && slot->id < by->id && slot->request.type == by->request.type &&
            slot->request.ca == by->request.ca && slot->request.procedure == KOMET_CENTRE_ACTIVATE &&
            slot->request.object.qualifier == by->request.object.qualifier) {
            end(centre, slot, KOMET_CENTRE_STOPPED);
        }
    }
}

/* Ends the request when no station is awaited any more. */
static void settle(struct komet_centre *centre, struct slot *slot, struct komet_instant now)
{
    if (unanswered_stations(slot) != 0) {
        return;
    }
    if (running_stations(slot) != 0) {
        if (slot->state == SLOT_ASKING) {
            centre_set_state(centre, slot, now, SLOT_RUNNING);
        }
        return;
    }
    if (slot->silent != 0) {
        end(centre, slot, KOMET_CENTRE_TIMEOUT);
    } else if (slot->refused != 0) {
        end(centre, slot, KOMET_CENTRE_REFUSED);
    } else {
        if (type_is_interrogation(slot->request.type) && slot->request.procedure == KOMET_CENTRE_DEACTIVATE) {
            stop_interrogation(centre, slot);
        }
        end(centre, slot, KOMET_CENTRE_DONE);
    }
}

/* ---- what is done ---- */

static void note_answer(struct slot *slot, const struct slot_input *input)
{
    slot->answer_ca = input->ca;
    slot->answer_cause = input->cause;
    slot->answer = input->object;
    slot->answer.octets = NULL;
    slot->answer.octets_size = 0;
}

static void send(struct komet_centre *centre, struct slot *slot, struct komet_instant now)
{
    slot->written_at = now;
    if (slot->state == SLOT_LOADING) {
        end(centre, slot, KOMET_CENTRE_DONE);
        return;
    }
    bool select_first = slot->state == SLOT_WAITING && slot->request.procedure == KOMET_CENTRE_SELECT_EXECUTE;
    slot->select_only = select_first || slot->request.procedure == KOMET_CENTRE_SELECT;
    centre_set_state(centre, slot, now, select_first ? SLOT_SELECTING : SLOT_ASKING);
}

/* The delay is half of the way there and back without the time for which the station kept the request (-5-101
 * 7.4.6). The station adds that time to the one that it was sent, which is 0: so its answer is understood
 * alike whether it adds, mirrors, or names its own time alone. False when there and back was shorter than
 * that. */
static bool measure(struct slot *slot, const struct slot_input *input)
{
    int64_t round_us = komet_elapsed_us(input->now, slot->written_at);
    int64_t rest_us = round_us - KOMET_MS(input->object.elapsed_ms);
    if (rest_us < -KOMET_MS(1)) { /* as exact as what is named */
        return false;
    }
    slot->delay_us = rest_us > 0 ? rest_us / 2 : 0;
    return true;
}

static void refuse(struct komet_centre *centre, struct slot *slot, const struct slot_input *input)
{
    uint64_t unanswered = input->who & unanswered_stations(slot);
    slot->refusal_ca = input->ca;
    slot->refusal_cause = input->cause;
    slot->refused |= unanswered != 0 ? unanswered : input->who & running_stations(slot);
    settle(centre, slot, input->now);
    if (is_broadcast(centre->settings.profile, slot->request.ca)) {
        report(slot, KOMET_CENTRE_STATION_REFUSED);
    }
}

static void confirm_delay(struct komet_centre *centre, struct slot *slot, const struct slot_input *input)
{
    if (measure(slot, input)) {
        slot->confirmed = input->who;
        centre_set_state(centre, slot, input->now, SLOT_LOADING);
        report(slot, KOMET_CENTRE_CONFIRMED);
    } else {
        refuse(centre, slot, input);
    }
}

static void confirm(struct komet_centre *centre, struct slot *slot, const struct slot_input *input)
{
    if (slot->request.type == KOMET_C_CD_NA_1) {
        confirm_delay(centre, slot, input);
        return;
    }
    slot->confirmed |= input->who & unanswered_stations(slot);
    settle(centre, slot, input->now);
    if (slot->state != SLOT_ENDED || is_broadcast(centre->settings.profile, slot->request.ca)) {
        report(slot, KOMET_CENTRE_CONFIRMED);
    }
}

static void count(struct komet_centre *centre, struct slot *slot, const struct slot_input *input)
{
    slot->values += input->values;
    if (slot->request.type == KOMET_C_RD_NA_1) {
        note_answer(slot, input);
        end(centre, slot, KOMET_CENTRE_DONE);
    } else if (slot->state == SLOT_RUNNING) {
        slot->limit = komet_after(input->now, centre->settings.terminate_us);
    }
}

static void give_up(struct komet_centre *centre, struct slot *slot, struct komet_instant now)
{
    slot->silent |= slot->state == SLOT_RUNNING ? running_stations(slot) : unanswered_stations(slot);
    settle(centre, slot, now);
}

bool centre_step(struct komet_centre *centre, struct slot *slot, enum slot_event event,
                 const struct slot_input *input)
{
    enum action action = actions[state_for(slot, event, input->who)][event];
    if (action == CONFIRM || action == REFUSE || action == FINISH || action == SELECT) {
        note_answer(slot, input);
    }
    switch (action) {
    case IGNORE:
        return false;
    case SEND:
        send(centre, slot, input->now);
        return true;
    case SELECT:
        centre_set_state(centre, slot, input->now, SLOT_SELECTED);
        report(slot, KOMET_CENTRE_SELECTED);
        return true;
    case CONFIRM:
        confirm(centre, slot, input);
        return true;
    case REFUSE:
        refuse(centre, slot, input);
        return true;
    case FINISH:
        slot->terminated |= input->who & running_stations(slot);
        settle(centre, slot, input->now);
        return true;
    case COUNT:
        count(centre, slot, input);
        return true;
    case EXPIRE:
        end(centre, slot, KOMET_CENTRE_EXPIRED);
        return true;
    case WITHDRAW:
        if (!slot->request.waits) {
            end(centre, slot, KOMET_CENTRE_EXPIRED);
        }
        return true;
    case GIVE_UP:
        give_up(centre, slot, input->now);
        return true;
    case LOSE:
        end(centre, slot, KOMET_CENTRE_LOST);
        return true;
    case OURS:
        break;
    }
    KOMET_ASSERT_NEVER("an event that this state cannot have");
}
