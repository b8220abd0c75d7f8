/*
 * replay: see replay.h.
 */
#include "partner/replay.h"

#include <stdio.h>
#include <string.h>

#include "komet/assert.h"

struct replay_answer {
    uint8_t cause;
    bool then_ends; /* a termination follows */
    uint8_t size;
    uint8_t octets[KOMET_ASDU_SIZE_MAX];
};

struct replay {
    struct replay_plan plan;
    struct komet_link_settings settings;
    struct komet_link *link; /* NULL: not connected */
    void *link_memory;
    struct komet_instant start; /* of the list's clock; KOMET_NEVER before the first data transfer */
    int64_t *times;             /* when each ASDU is due, since the start, in us */
    uint64_t *frame_ends;       /* ASDUs sent with and before our I format n, at (n - 1) modulo k */
    size_t sent, acknowledged;
    struct replay_answer answers[REPLAY_ANSWERS_MAX];
    unsigned answer_first, answer_count;
    bool answer_next; /* answers and the list take turns */
    char note[96];
    bool note_waits, end_noted;
    struct replay_counters counters;
};

static struct komet_link_settings link_settings(const struct replay_plan *plan)
{
    struct komet_link_settings settings = komet_link_settings_standard(KOMET_CONTROLLED);
    settings.k = plan->k;
    settings.w = plan->w;
    return settings;
}

static size_t aligned(size_t size)
{
    return (size + 15) / 16 * 16;
}

size_t replay_size(const struct replay_plan *plan)
{
    struct komet_link_settings settings = link_settings(plan);
    return aligned(sizeof(struct replay)) + aligned(plan->count * sizeof(int64_t)) +
           aligned(plan->k * sizeof(uint64_t)) + komet_link_size(&settings);
}

struct replay *replay_init(void *memory, size_t size, const struct replay_plan *plan)
{
    KOMET_ASSERT(size >= replay_size(plan));
    KOMET_ASSERT(plan->speed > 0);
    uint8_t *octets = memory;
    struct replay *replay = memory;
    memset(replay, 0, sizeof *replay);
    replay->plan = *plan;
    replay->settings = link_settings(plan);
    octets += aligned(sizeof *replay);
    replay->times = (int64_t *)(void *)octets;
    octets += aligned(plan->count * sizeof(int64_t));
    replay->frame_ends = (uint64_t *)(void *)octets;
    replay->link_memory = octets + aligned(plan->k * sizeof(uint64_t));
    replay->start = KOMET_NEVER;
    int64_t latest = 0;
    for (size_t i = 0; i < plan->count; i++) {
        KOMET_ASSERT(plan->asdus[i].size >= 1 && plan->asdus[i].size <= KOMET_ASDU_SIZE_MAX);
        latest = plan->asdus[i].time_us > latest ? plan->asdus[i].time_us : latest;
        replay->times[i] = (int64_t)((double)latest / plan->speed);
    }
    return replay;
}

static void drop_link(struct replay *replay)
{
    replay->link = NULL;
    replay->sent = replay->acknowledged;
    replay->answer_first = replay->answer_count = 0;
}

void replay_connected(struct replay *replay, struct rtu_now now)
{
    drop_link(replay);
    replay->link = komet_link_init(replay->link_memory, komet_link_size(&replay->settings), &replay->settings,
                                   now.instant);
}

void replay_closed(struct replay *replay, struct rtu_now now)
{
    (void)now;
    drop_link(replay);
}

size_t replay_feed(struct replay *replay, struct rtu_now now, const uint8_t *octets, size_t size)
{
    return replay->link == NULL ? size : komet_link_feed(replay->link, now.instant, octets, size);
}

void replay_written(struct replay *replay, size_t size)
{
    if (replay->link != NULL) {
        komet_link_written(replay->link, size);
    }
}

void replay_tick(struct replay *replay, struct rtu_now now)
{
    if (replay->link != NULL) {
        komet_link_tick(replay->link, now.instant);
    }
}

static struct komet_instant due(const struct replay *replay)
{
    if (replay->start.us == KOMET_NEVER.us || replay->sent == replay->plan.count) {
        return KOMET_NEVER;
    }
    return komet_after(replay->start, replay->times[replay->sent]);
}

struct komet_instant replay_deadline(const struct replay *replay)
{
    if (replay->link == NULL) {
        return KOMET_NEVER;
    }
    struct komet_instant deadline = komet_link_deadline(replay->link);
    /* with a full window an acknowledgement comes first, and that is no matter of time */
    return komet_link_room(replay->link) > 0 ? komet_earlier(deadline, due(replay)) : deadline;
}

static void say(struct replay *replay, const char *text)
{
    snprintf(replay->note, sizeof replay->note, "%s", text);
    replay->note_waits = true;
}

static void receive(struct replay *replay, const uint8_t *octets, size_t size)
{
    struct komet_asdu asdu;
    enum komet_asdu_result result = komet_asdu_decode(replay->plan.profile, octets, size, &asdu);
    if (result != KOMET_ASDU_OK && result != KOMET_ASDU_UNKNOWN_TYPE) {
        komet_link_close(replay->link, KOMET_BAD_ASDU);
        return;
    }
    if (replay->answer_count == REPLAY_ANSWERS_MAX) {
        replay->counters.answers_dropped++;
        say(replay, "a request is dropped: too many wait for an answer already");
        return;
    }
    bool deactivation = asdu.cause == KOMET_COT_DEACTIVATION;
    struct replay_answer *answer =
        &replay->answers[(replay->answer_first + replay->answer_count++) % REPLAY_ANSWERS_MAX];
    answer->cause = deactivation ? KOMET_COT_DEACTIVATION_CON : KOMET_COT_ACTIVATION_CON;
    answer->then_ends = !deactivation && (asdu.type == KOMET_C_IC_NA_1 || asdu.type == KOMET_C_CI_NA_1);
    answer->size = (uint8_t)size;
    memcpy(answer->octets, octets, size);
    replay->counters.requests++;
}

static void commit(struct replay *replay, struct rtu_now now, size_t size)
{
    uint64_t number = komet_link_commit(replay->link, now.instant, size);
    replay->frame_ends[(number - 1) % replay->plan.k] = replay->sent;
}

static bool send_answer(struct replay *replay, struct rtu_now now)
{
    if (replay->answer_count == 0) {
        return false;
    }
    struct replay_answer *answer = &replay->answers[replay->answer_first];
    uint8_t *octets = komet_link_reserve(replay->link);
    KOMET_ASSERT(octets != NULL);
    memcpy(octets, answer->octets, answer->size);
    komet_asdu_mirror(octets, answer->cause, false);
    commit(replay, now, answer->size);
    if (answer->then_ends) {
        answer->then_ends = false;
        answer->cause = KOMET_COT_ACTIVATION_TERMINATION;
    } else {
        replay->answer_first = (replay->answer_first + 1) % REPLAY_ANSWERS_MAX;
        replay->answer_count--;
    }
    return true;
}

static bool send_captured(struct replay *replay, struct rtu_now now)
{
    if (!komet_reached(now.instant, due(replay))) {
        return false;
    }
    const struct replay_asdu *asdu = &replay->plan.asdus[replay->sent++];
    uint8_t *octets = komet_link_reserve(replay->link);
    KOMET_ASSERT(octets != NULL);
    memcpy(octets, asdu->octets, asdu->size);
    commit(replay, now, asdu->size);
    return true;
}

static bool fill(struct replay *replay, struct rtu_now now)
{
    bool any = false, more = true;
    while (more && komet_link_room(replay->link) > 0) {
        replay->answer_next = !replay->answer_next;
        more = replay->answer_next ? send_answer(replay, now) || send_captured(replay, now)
                                   : send_captured(replay, now) || send_answer(replay, now);
        any = any || more;
    }
    return any;
}

static void take_acknowledged(struct replay *replay, uint64_t number)
{
    replay->acknowledged = replay->frame_ends[(number - 1) % replay->plan.k];
    replay->counters.acknowledged = replay->acknowledged;
    if (replay->acknowledged == replay->plan.count && !replay->end_noted) {
        replay->end_noted = true;
        say(replay, "all of the capture was sent and acknowledged");
    }
}

static void take_state(struct replay *replay, struct rtu_now now, enum komet_link_state state)
{
    if (state == KOMET_LINK_STARTED && replay->start.us == KOMET_NEVER.us) {
        replay->start = now.instant;
        say(replay, "data transfer has started: the capture begins");
    }
}

/* An output of the link that is not SEND. True when `output` was filled. */
static bool take_link_output(struct replay *replay, struct rtu_now now, const struct komet_link_output *from,
                             struct rtu_output *output)
{
    switch (from->kind) {
    case KOMET_LINK_OUT_STATE:
        take_state(replay, now, from->state);
        return false;
    case KOMET_LINK_OUT_ASDU:
        receive(replay, from->octets, from->size);
        komet_link_acknowledge(replay->link, now.instant, from->received);
        return false;
    case KOMET_LINK_OUT_ACKNOWLEDGED:
        take_acknowledged(replay, from->acknowledged);
        return false;
    case KOMET_LINK_OUT_SEND:
        KOMET_ASSERT_NEVER("SEND is taken by the caller");
    case KOMET_LINK_OUT_CLOSE:
        drop_link(replay);
        *output = (struct rtu_output){.kind = RTU_OUT_CLOSE, .reason = from->reason};
        return true;
    }
    KOMET_ASSERT_NEVER("an unknown output of the link");
}

bool replay_next(struct replay *replay, struct rtu_now now, struct rtu_output *output)
{
    struct komet_link_output from;
    for (;;) {
        if (replay->note_waits) {
            replay->note_waits = false;
            *output = (struct rtu_output){.kind = RTU_OUT_NOTE, .text = replay->note};
            return true;
        }
        if (replay->link == NULL) {
            return false;
        }
        bool more = komet_link_next(replay->link, now.instant, &from);
        if (more && from.kind != KOMET_LINK_OUT_SEND) {
            if (take_link_output(replay, now, &from, output)) {
                return true;
            }
        } else if (fill(replay, now)) {
            continue;
        } else if (more) {
            *output = (struct rtu_output){.kind = RTU_OUT_SEND, .octets = from.octets, .size = from.size};
            return true;
        } else {
            return false;
        }
    }
}

struct replay_counters replay_counters(const struct replay *replay)
{
    return replay->counters;
}
