/*
 * The connections of the station that carry no data: they wait, with test frames, for STARTDT, by which one
 * of them takes the place of the one that carries data.
 */
#include "partner/rtu_private.h"

static bool waits(const struct rtu *rtu, unsigned connection)
{
    return rtu->ends[connection] != NULL && rtu->ends[connection] != rtu->link;
}

/* Data transfer has begun on it. One that was started is closed, as the standard's redundancy group wants it;
 * one that was not goes on waiting. */
static void take_over(struct rtu *rtu, struct rtu_now now, unsigned connection)
{
    if (rtu->link != NULL) {
        enum komet_link_state state = komet_link_state(rtu->link);
        if (state == KOMET_LINK_STARTED || state == KOMET_LINK_STOPPING) {
            rtu->replaced |= 1u << rtu->carrier;
            rtu->ends[rtu->carrier] = NULL;
        }
        rtu_drop_link(rtu);
    }
    rtu->link = rtu->ends[connection];
    rtu->carrier = connection;
    rtu_note(rtu, "data transfer: started on another connection");
    rtu_data_transfer(rtu, now, true);
}

/* One output of a connection that waits. True when `output` was filled. */
static bool take_output(struct rtu *rtu, struct rtu_now now, unsigned connection,
                        const struct komet_link_output *from, struct rtu_output *output)
{
    *output = (struct rtu_output){.connection = connection};
    switch (from->kind) {
    case KOMET_LINK_OUT_STATE:
        if (from->state == KOMET_LINK_STARTED) {
            take_over(rtu, now, connection);
        }
        return false;
    case KOMET_LINK_OUT_ASDU:
    case KOMET_LINK_OUT_ACKNOWLEDGED:
        return false; /* of before it was stopped: nobody waits for it any more */
    case KOMET_LINK_OUT_SEND:
        output->kind = RTU_OUT_SEND;
        output->octets = from->octets;
        output->size = from->size;
        return true;
    case KOMET_LINK_OUT_CLOSE:
        rtu->ends[connection] = NULL;
        output->kind = RTU_OUT_CLOSE;
        output->reason = from->reason;
        return true;
    }
    KOMET_ASSERT_NEVER("an unknown output of the link");
}

bool rtu_ends_next(struct rtu *rtu, struct rtu_now now, bool sends, struct rtu_output *output)
{
    struct komet_link_output from;
    for (unsigned i = 0; i < rtu->plan->connections; i++) {
        if ((rtu->replaced >> i & 1) != 0) {
            rtu->replaced &= ~(1u << i);
            *output = (struct rtu_output){.kind = RTU_OUT_CLOSE, .connection = i, .reason = KOMET_REPLACED};
            return true;
        }
        while (waits(rtu, i) && komet_link_next(rtu->ends[i], now.instant, &from)) {
            if (from.kind == KOMET_LINK_OUT_SEND && !sends) {
                break; /* it comes again */
            }
            if (take_output(rtu, now, i, &from, output)) {
                return true;
            }
        }
    }
    return false;
}

void rtu_ends_tick(struct rtu *rtu, struct rtu_now now)
{
    for (unsigned i = 0; i < rtu->plan->connections; i++) {
        if (rtu->ends[i] != NULL) {
            komet_link_tick(rtu->ends[i], now.instant);
        }
    }
}

struct komet_instant rtu_ends_deadline(const struct rtu *rtu)
{
    struct komet_instant deadline = KOMET_NEVER;
    for (unsigned i = 0; i < rtu->plan->connections; i++) {
        if (rtu->ends[i] != NULL) {
            deadline = komet_earlier(deadline, komet_link_deadline(rtu->ends[i]));
        }
    }
    return deadline;
}
