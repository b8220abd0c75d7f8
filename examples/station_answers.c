/*
 * station_answers: the application of the example station. ASDUs in, ASDUs out; nothing of connections.
 */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <string.h>

#include <komet/komet.h>

#include "posix.h"
#include "station_answers.h"

enum { ANSWERS_MAX = 16 };

static bool breaker;
static float voltage = 110.0F;

static struct answer { /* they wait here while the window of k frames is full */
    uint8_t octets[KOMET_ASDU_SIZE_MAX];
    size_t size;
} answers[ANSWERS_MAX];
static unsigned answers_first, answers_count;

/* An ASDU with the value of the breaker or of the voltage. A type without time tag leaves the time out. */
static size_t write_value(uint8_t *octets, uint32_t ioa, uint8_t type, uint8_t cause)
{
    struct komet_asdu_header header = {.type = type, .cause = cause, .ca = CA};
    struct komet_object object = {.ioa = ioa};
    struct komet_asdu_writer writer;
    komet_cp56_from_utc(&object.time, calendar_time(), 0);
    if (ioa == BREAKER) {
        object.value.single = breaker;
    } else {
        object.value.real = voltage;
    }
    komet_asdu_begin(&writer, &komet_profile_104, &header, octets, KOMET_ASDU_SIZE_MAX);
    komet_asdu_add(&writer, &object);
    return komet_asdu_end(&writer);
}

/* An event goes into the group's buffer, and stays there until a centre has acknowledged it. */
static void event(struct komet_group *group, uint32_t ioa, uint8_t type, uint8_t cause)
{
    uint8_t octets[KOMET_ASDU_SIZE_MAX];
    komet_group_event(group, octets, write_value(octets, ioa, type, cause));
}

void change_voltage(struct komet_group *group)
{
    voltage = voltage < 111.0F ? voltage + 0.25F : 109.0F;
    event(group, VOLTAGE, KOMET_M_ME_TF_1, KOMET_COT_SPONTANEOUS);
}

/* A place for one answer. When all are taken, the newest gives way: a centre that asks so much asks again. */
static struct answer *new_answer(void)
{
    answers_count += answers_count < ANSWERS_MAX ? 1 : 0;
    return &answers[(answers_first + answers_count - 1) % ANSWERS_MAX];
}

static void answer_value(uint32_t ioa, uint8_t type)
{
    struct answer *answer = new_answer();
    answer->size = write_value(answer->octets, ioa, type, KOMET_COT_INTERROGATED_STATION);
}

/* Confirmations and refusals are the request itself with another cause. */
static void mirror(const struct komet_asdu *request, uint8_t cause, bool negative)
{
    struct answer *answer = new_answer();
    memcpy(answer->octets, request->octets, request->size);
    answer->size = request->size;
    komet_asdu_mirror(answer->octets, cause, negative);
}

static void do_command(struct komet_group *group, const struct komet_asdu *request)
{
    struct komet_object object;
    komet_asdu_object(request, 0, &object);
    if (object.ioa != BREAKER_COMMAND) {
        mirror(request, KOMET_COT_UNKNOWN_IOA, true);
        return;
    }
    mirror(request, KOMET_COT_ACTIVATION_CON, false);
    if (!object.select) {
        breaker = object.value.single;
        printf("the breaker is %s\n", breaker ? "on" : "off");
        event(group, BREAKER, KOMET_M_SP_TB_1, KOMET_COT_RETURN_REMOTE);
        mirror(request, KOMET_COT_ACTIVATION_TERMINATION, false);
    }
}

bool take_asdu(struct komet_group *group, const uint8_t *octets, size_t size)
{
    struct komet_asdu asdu;
    enum komet_asdu_result result = komet_asdu_decode(&komet_profile_104, octets, size, &asdu);
    if (result != KOMET_ASDU_OK && result != KOMET_ASDU_UNKNOWN_TYPE) {
        return false;
    }
    if (asdu.type != KOMET_C_IC_NA_1 && asdu.type != KOMET_C_SC_NA_1) {
        mirror(&asdu, KOMET_COT_UNKNOWN_TYPE, true);
    } else if (asdu.ca != CA && asdu.ca != KOMET_CA_BROADCAST_2) {
        mirror(&asdu, KOMET_COT_UNKNOWN_CA, true);
    } else if (asdu.cause != KOMET_COT_ACTIVATION) {
        mirror(&asdu, KOMET_COT_UNKNOWN_CAUSE, true);
    } else if (asdu.type == KOMET_C_SC_NA_1) {
        do_command(group, &asdu);
    } else {
        mirror(&asdu, KOMET_COT_ACTIVATION_CON, false);
        answer_value(BREAKER, KOMET_M_SP_NA_1);
        answer_value(VOLTAGE, KOMET_M_ME_NC_1);
        mirror(&asdu, KOMET_COT_ACTIVATION_TERMINATION, false);
    }
    return true;
}

void send_answers(struct komet_group *group, unsigned c)
{
    while (answers_count > 0) {
        const struct answer *answer = &answers[answers_first];
        if (!komet_group_send(group, now(), c, answer->octets, answer->size)) {
            return;
        }
        answers_first = (answers_first + 1) % ANSWERS_MAX;
        answers_count--;
    }
}

void forget_answers(void)
{
    answers_count = 0;
}
