/*
 * bench_answers: what a station of the bench owes a centre that asks or commands: each request's
 * confirmation, and of an interrogation its end. It has no values to interrogate.
 */
#ifndef KOMET_PROGRAM_BENCH_ANSWERS_H
#define KOMET_PROGRAM_BENCH_ANSWERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "komet/asdu.h"
#include "program/bench_host.h"

enum { BENCH_ANSWERS_MAX = 64 }; /* that wait for room; what comes then is not answered */

struct bench_answer {
    uint8_t octets[KOMET_ASDU_SIZE_MAX]; /* the request's */
    uint8_t size;
    uint8_t cause;
};

struct bench_answers { /* zeros to begin with */
    struct bench_answer waiting[BENCH_ANSWERS_MAX];
    unsigned first, count;
    uint64_t commands;     /* confirmed, of control direction; without system commands */
    uint64_t terminations; /* of interrogations, sent */
};

/* Looks at an ASDU that came, and remembers what it asks for. */
void bench_answers_take(struct bench_answers *answers, const uint8_t *octets, size_t size);

/* Sends what waits, as far as there is room. True: all. */
bool bench_answers_send(struct bench_answers *answers, struct bench_connection *connection);

#endif
