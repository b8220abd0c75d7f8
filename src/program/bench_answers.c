/*
 * bench_answers: see bench_answers.h.
 */
#include "program/bench_answers.h"

#include <string.h>

static void add(struct bench_answers *answers, const struct komet_asdu *asdu, uint8_t cause)
{
    if (answers->count < BENCH_ANSWERS_MAX) {
        struct bench_answer *answer =
            &answers->waiting[(answers->first + answers->count) % BENCH_ANSWERS_MAX];
        memcpy(answer->octets, asdu->octets, asdu->size);
        answer->size = (uint8_t)asdu->size;
        answer->cause = cause;
        answers->count++;
    }
}

void bench_answers_take(struct bench_answers *answers, const uint8_t *octets, size_t size)
{
    struct komet_asdu asdu;
    if (komet_asdu_decode(&komet_profile_104, octets, size, &asdu) != KOMET_ASDU_OK ||
        asdu.row->direction == KOMET_MONITOR || asdu.cause != KOMET_COT_ACTIVATION) {
        return;
    }
    add(answers, &asdu, KOMET_COT_ACTIVATION_CON);
    if (asdu.type == KOMET_C_IC_NA_1 || asdu.type == KOMET_C_CI_NA_1) {
        add(answers, &asdu, KOMET_COT_ACTIVATION_TERMINATION);
    }
    answers->commands += asdu.row->direction == KOMET_CONTROL;
}

bool bench_answers_send(struct bench_answers *answers, struct bench_connection *connection)
{
    while (answers->count > 0) {
        const struct bench_answer *answer = &answers->waiting[answers->first];
        uint8_t *place = komet_link_reserve(connection->link);
        if (place == NULL) {
            return false;
        }
        memcpy(place, answer->octets, answer->size);
        komet_asdu_mirror(place, answer->cause, false);
        komet_link_commit(connection->link, bench_host_now(connection->host).instant, answer->size);
        answers->terminations += answer->cause == KOMET_COT_ACTIVATION_TERMINATION;
        answers->first = (answers->first + 1) % BENCH_ANSWERS_MAX;
        answers->count--;
    }
    return true;
}
