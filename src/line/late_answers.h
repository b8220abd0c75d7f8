/*
 * late_answers: answers that are still to come to commands that have ended: the first of two ended it (CMDC
 * 3), or the acknowledgement of its frame did (CMDC 0). They say nothing of the next command to that object
 * (reference 1.6, CMDC; -5-101 7.4.6: a command has one confirmation and one termination).
 *
 * Of the newest commands, as many as a line may have open. Pure: memory is the line's, zero is empty.
 */
#ifndef LINE_LATE_ANSWERS_H
#define LINE_LATE_ANSWERS_H

#include "line/line.h"
#include "model/site_difference.h"

#define LATE_ANSWERS_MAX 64 /* the oldest gives way */

struct late_answers {
    struct late_answer {
        const struct tag *tag; /* NULL: none */
        uint8_t partner;       /* who owes them, 0 on: what another one answers is another command's */
        uint8_t confirmations, terminations;
    } of[LATE_ANSWERS_MAX];
    unsigned next;
};

/* A connection to the partner is gone, and with it what would have come. */
void late_answers_forget(struct late_answers *late, unsigned partner);

/* An executed command to `tag` was done by `cause`: activation confirmation or termination; 0: by the
 * acknowledgement of its frame. With a partner that answers only once what is expected grows, and its next
 * command is ended by the same answer as ever. */
void late_answers_expect(struct late_answers *late, unsigned partner, const struct tag *tag, uint8_t cause);

/* True: the answer is to a command that has ended, and is used up. Never one to a selection: what is late is
 * of an execution. */
bool late_answers_take(struct late_answers *late, unsigned partner, const struct komet_asdu *asdu,
                       const struct komet_object *object);

/* RELOAD: the tags are those of another site; of one that is gone or means another thing nothing is awaited. */
void late_answers_move(struct late_answers *late, const struct site_difference *difference);

/* The tag as it is now; NULL when it is gone, or what a line knows of it does not hold any more. */
const struct tag *tag_kept(const struct site_difference *difference, const struct tag *was);

#endif
