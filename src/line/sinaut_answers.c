/*
 * What a partner asks of a Sinaut line: its commands are confirmed by CMDC, with the originator that they
 * have, when the value that they brought is stored; its interrogations are answered with what our outputs
 * have. Facts: reference 1.7, S9, S10, S15.
 *
 * All of it goes over the path that carries the partner's data, whichever path the question came on.
 */
#include <string.h>

#include "line/sinaut_private.h"

/* ---- commands ---- */

static void add_answer(struct sinaut *line, const struct sinaut_answer *answer)
{
    for (unsigned i = 0; i < SINAUT_ANSWERS_MAX; i++) {
        if (!line->answers[i].used) {
            line->answers[i] = *answer;
            line->answer_end = i < line->answer_end ? line->answer_end : i + 1;
            return;
        }
    }
    sinaut_note(line, "%s: too many commands of partners are open; one is not confirmed", line->line->name);
}

void sinaut_answers_refuse(struct sinaut *line, unsigned path, const uint8_t *octets, size_t size,
                           uint8_t cause)
{
    if (line->counters.unknown_cause++ == 0) {
        sinaut_note(line, "%s: an ASDU of type %u of the partner's is refused with cause %u",
                    line->line->name, octets[0], cause);
    }
    struct sinaut_answer answer = {
        .used = true, .path = (uint8_t)path, .due = true, .causes = {cause}, .negative = true};
    if (size > sizeof answer.octets) {
        return; /* longer than any that we know: nothing to be told apart by */
    }
    memcpy(answer.octets, octets, size);
    answer.size = (uint8_t)size;
    add_answer(line, &answer);
}

void sinaut_answers_command(struct sinaut *line, unsigned path, uint64_t frame, const struct komet_asdu *asdu,
                            bool accepted)
{
    const struct station *station = sinaut_station(line, asdu->ca);
    int64_t cmdc = station->parameters.value[PARAMETER_CMDC];
    struct sinaut_answer answer = {
        .used = true, .path = (uint8_t)path, .frame = frame, .negative = !accepted};
    if (cmdc == 0) {
        return;
    }
    answer.causes[0] = cmdc == 2 ? KOMET_COT_ACTIVATION_TERMINATION : KOMET_COT_ACTIVATION_CON;
    answer.causes[1] = cmdc == 3 ? KOMET_COT_ACTIVATION_TERMINATION : 0;
    KOMET_ASSERT(asdu->size <= sizeof answer.octets);
    memcpy(answer.octets, asdu->octets, asdu->size);
    answer.size = (uint8_t)asdu->size;
    add_answer(line, &answer);
}

void sinaut_answers_stored(struct sinaut *line, unsigned path, uint64_t frame)
{
    for (unsigned i = 0; i < line->answer_end; i++) {
        struct sinaut_answer *answer = &line->answers[i];
        answer->due = answer->due || (answer->used && answer->path == path && answer->frame <= frame);
    }
}

void sinaut_answers_abandon(struct sinaut *line, unsigned path)
{
    for (unsigned i = 0; i < line->answer_end; i++) {
        if (path == PARTNERS_NO_PATH || line->answers[i].path == path) {
            line->answers[i].used = false;
        }
    }
    for (unsigned p = 0; p < PARTNERS_MAX && path == PARTNERS_NO_PATH; p++) {
        line->partner[p].question_count = 0;
    }
}

/* False: no room. */
static bool send_mirrored(struct sinaut *line, struct line_now now, unsigned partner, const uint8_t *octets,
                          size_t size, uint8_t cause, bool negative)
{
    uint8_t *out = sinaut_reserve(line, partner);
    if (out == NULL) {
        return false;
    }
    memcpy(out, octets, size);
    komet_asdu_mirror(out, cause, negative);
    sinaut_commit(line, now, partner, size);
    return true;
}

static void send_answer(struct sinaut *line, struct line_now now, struct sinaut_answer *answer)
{
    unsigned partner = sinaut_partner_of(answer->path);
    while (answer->causes[0] != 0) {
        if (!send_mirrored(line, now, partner, answer->octets, answer->size, answer->causes[0],
                           answer->negative)) {
            return;
        }
        answer->causes[0] = answer->causes[1];
        answer->causes[1] = 0;
    }
    answer->used = false;
}

/* ---- interrogations ---- */

void sinaut_answers_interrogation(struct sinaut *line, unsigned path, const struct komet_asdu *asdu)
{
    struct sinaut_partner *partner = &line->partner[sinaut_partner_of(path)];
    struct komet_object object;
    komet_asdu_object(asdu, 0, &object);
    const struct station *station = sinaut_station(line, asdu->ca);
    bool known = asdu->ca == CA_GLOBAL || (station != NULL && sinaut_speaks(line, station));
    bool all = asdu->type == KOMET_C_IC_NA_1 ? object.qualifier == 20 : (object.qualifier & 0x3Fu) == 5;
    if (!known) {
        sinaut_answers_refuse(line, path, asdu->octets, asdu->size, KOMET_COT_UNKNOWN_CA);
    } else if (!all || partner->question_count == SINAUT_QUESTIONS_MAX) {
        sinaut_answers_refuse(line, path, asdu->octets, asdu->size, KOMET_COT_ACTIVATION_CON);
    } else {
        struct sinaut_question *question = &partner->questions[partner->question_count++];
        KOMET_ASSERT(asdu->size <= sizeof question->octets);
        *question = (struct sinaut_question){.size = (uint8_t)asdu->size, .type = asdu->type, .ca = asdu->ca};
        memcpy(question->octets, asdu->octets, asdu->size);
    }
}

static bool is_total(uint8_t type)
{
    return type == KOMET_M_IT_NA_1 || type == KOMET_M_IT_TA_1 || type == KOMET_M_IT_TB_1;
}

/* Does a tag belong into the answer? */
static bool is_asked(const struct sinaut *line, const struct sinaut_question *question, const struct tag *tag)
{
    const struct station *station = tag->station;
    if (!tag_sends_value(tag) || tag->ignored || !sinaut_speaks(line, station) ||
        (question->ca != CA_GLOBAL && question->ca != station->ca)) {
        return false;
    }
    if (question->type == KOMET_C_CI_NA_1) {
        return is_total(tag->asdu);
    }
    return !is_total(tag->asdu) || station->parameters.value[PARAMETER_ICCI] != 0;
}

/* The next tag that belongs into the answer, from question->next on; NULL: there is none. */
static const struct tag *next_asked(const struct sinaut *line, struct sinaut_question *question)
{
    const struct line *of = line->line;
    for (; question->next < line->tag_count; question->next++) {
        uint32_t index = question->next;
        unsigned s = 0;
        while (index >= of->stations[s].tag_count) {
            index -= of->stations[s++].tag_count;
        }
        if (is_asked(line, question, &of->stations[s].tags[index])) {
            return &of->stations[s].tags[index];
        }
    }
    return NULL;
}

/* Fills one ASDU with values of one type and station that follow each other. */
static size_t fill(struct sinaut *line, struct line_now now, struct sinaut_question *question, uint8_t *out)
{
    const struct tag *first = next_asked(line, question), *tag = first;
    struct komet_asdu_writer writer;
    struct komet_asdu_header header = {.type = first->asdu,
                                       .cause = question->type == KOMET_C_IC_NA_1
                                                    ? KOMET_COT_INTERROGATED_STATION
                                                    : KOMET_COT_COUNTERS_GENERAL,
                                       .oa = line->line->number,
                                       .ca = first->station->ca};
    bool begun = komet_asdu_begin(&writer, line->manner->profile, &header, out, KOMET_ASDU_SIZE_MAX);
    KOMET_ASSERT(begun);
    while (tag != NULL && tag->asdu == first->asdu && tag->station == first->station) {
        struct komet_object object;
        sinaut_outgoing_object(line, now, tag, &object);
        if (!komet_asdu_add(&writer, &object)) {
            break;
        }
        question->count++;
        question->next++;
        tag = next_asked(line, question);
    }
    return komet_asdu_end(&writer);
}

/* Goes on with the first question of a partner. True when it is answered. */
static bool answer_question(struct sinaut *line, struct line_now now, unsigned partner)
{
    struct sinaut_question *question = &line->partner[partner].questions[0];
    if (!question->confirmed) {
        question->confirmed = send_mirrored(line, now, partner, question->octets, question->size,
                                            KOMET_COT_ACTIVATION_CON, false);
    }
    if (!line->told) {
        return false; /* the values come at once */
    }
    while (question->confirmed && next_asked(line, question) != NULL) {
        uint8_t *out = sinaut_reserve(line, partner);
        if (out == NULL) {
            return false;
        }
        sinaut_commit(line, now, partner, fill(line, now, question, out));
    }
    return question->confirmed && send_mirrored(line, now, partner, question->octets, question->size,
                                                KOMET_COT_ACTIVATION_TERMINATION, false);
}

void sinaut_answers_work(struct sinaut *line, struct line_now now)
{
    for (unsigned i = 0; i < line->answer_end; i++) {
        if (line->answers[i].used && line->answers[i].due) {
            send_answer(line, now, &line->answers[i]);
        }
    }
    while (line->answer_end > 0 && !line->answers[line->answer_end - 1].used) {
        line->answer_end--;
    }
    for (unsigned p = 0; p < line->line->partner_count; p++) {
        struct sinaut_partner *partner = &line->partner[p];
        while (partner->question_count > 0 && answer_question(line, now, p)) {
            if (sinaut_debugs(line, NULL, PARAMETER_DBGO, DEBUG_OUT_COUNT)) {
                sinaut_note(line, "%s: an interrogation of %s was answered with %u values", line->line->name,
                            line->line->partners[p].name, partner->questions[0].count);
            }
            partner->question_count--;
            memmove(partner->questions, partner->questions + 1,
                    partner->question_count * sizeof partner->questions[0]);
        }
    }
}
