/*
 * late_answers: see late_answers.h.
 */
#include "line/late_answers.h"

void late_answers_forget(struct late_answers *late, unsigned partner)
{
    for (unsigned i = 0; i < LATE_ANSWERS_MAX; i++) {
        if (late->of[i].partner == partner) {
            late->of[i].tag = NULL;
        }
    }
}

static struct late_answer *answers_of(struct late_answers *late, unsigned partner, const struct tag *tag)
{
    for (unsigned i = 0; i < LATE_ANSWERS_MAX; i++) {
        if (late->of[i].tag == tag && late->of[i].partner == partner) {
            return &late->of[i];
        }
    }
    struct late_answer *oldest = &late->of[late->next++ % LATE_ANSWERS_MAX];
    *oldest = (struct late_answer){.tag = tag, .partner = (uint8_t)partner};
    return oldest;
}

void late_answers_expect(struct late_answers *late, unsigned partner, const struct tag *tag, uint8_t cause)
{
    if (cause == KOMET_COT_ACTIVATION_TERMINATION) {
        return; /* nothing comes behind it */
    }
    struct late_answer *of = answers_of(late, partner, tag);
    of->confirmations = (uint8_t)(of->confirmations + (cause == 0 && of->confirmations < UINT8_MAX));
    of->terminations = (uint8_t)(of->terminations + (of->terminations < UINT8_MAX));
}

static bool is_of(const struct late_answer *of, unsigned partner, const struct komet_asdu *asdu,
                  const struct komet_object *object)
{
    return of->tag != NULL && of->partner == partner && of->tag->ioa == object->ioa &&
           of->tag->asdu == asdu->type && of->tag->station->ca == asdu->ca && !object->select;
}

bool late_answers_take(struct late_answers *late, unsigned partner, const struct komet_asdu *asdu,
                       const struct komet_object *object)
{
    for (unsigned i = 0; i < LATE_ANSWERS_MAX; i++) {
        struct late_answer *of = &late->of[i];
        if (!is_of(of, partner, asdu, object)) {
            continue;
        }
        uint8_t none = 0;
        uint8_t *count = asdu->cause == KOMET_COT_ACTIVATION_CON           ? &of->confirmations
                         : asdu->cause == KOMET_COT_ACTIVATION_TERMINATION ? &of->terminations
                                                                           : &none;
        bool expected = *count > 0;
        *count = (uint8_t)(*count - expected);
        return expected;
    }
    return false;
}

void late_answers_move(struct late_answers *late, const struct site_difference *difference)
{
    for (unsigned i = 0; i < LATE_ANSWERS_MAX; i++) {
        late->of[i].tag = tag_kept(difference, late->of[i].tag);
    }
}

const struct tag *tag_kept(const struct site_difference *difference, const struct tag *was)
{
    const struct tag *tag = was != NULL ? difference_tag(difference, was) : NULL;
    return tag != NULL && difference_tag_is_kept(difference, tag) ? tag : NULL;
}
