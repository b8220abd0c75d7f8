/*
 * station_answer: the answers that wait, and the frames that are made of them when these can leave.
 *
 * An answer of one frame goes before one with values, so that a command is confirmed while an interrogation
 * runs; among its like, what came first goes first.
 */
#include <string.h>

#include "station_private.h"

/* ---- the queue ---- */

bool station_has_room(const struct komet_station *station, unsigned c, unsigned count)
{
    unsigned taken = station->connections[c].answer_count + station_promised_answers(station, c);
    return taken + count <= station->settings.answers;
}

static struct answer *add_answer(struct komet_station *station, unsigned c, enum answer_kind kind)
{
    struct connection *connection = &station->connections[c];
    KOMET_ASSERT(connection->answer_count < station->settings.answers);
    struct answer *answer = &connection->answers[connection->answer_count++];
    *answer = (struct answer){.kind = kind, .point = KOMET_POINT_NONE};
    return answer;
}

static void keep_request(struct connection *connection, struct answer *answer, const uint8_t *octets,
                         size_t size)
{
    KOMET_ASSERT(size <= KOMET_ASDU_SIZE_MAX);
    answer->size = (uint8_t)size;
    answer->large = size > sizeof answer->octets;
    if (answer->large) {
        KOMET_ASSERT(!connection->large_taken);
        connection->large_taken = true;
    }
    memcpy(answer->large ? connection->large : answer->octets, octets, size);
}

struct answer *station_enqueue(struct request *request, enum answer_kind kind, uint8_t cause, bool negative)
{
    struct answer *answer = add_answer(request->station, request->c, kind);
    answer->cause = cause;
    answer->negative = negative;
    answer->address = request->first;
    answer->last = request->last;
    answer->own_name = request->own_name;
    keep_request(&request->station->connections[request->c], answer, request->asdu->octets,
                 request->asdu->size);
    return answer;
}

void station_enqueue_octets(struct komet_station *station, unsigned c, const uint8_t *octets, size_t size,
                            uint8_t cause, bool negative)
{
    struct answer *answer = add_answer(station, c, ANSWER_MIRROR);
    answer->cause = cause;
    answer->negative = negative;
    keep_request(&station->connections[c], answer, octets, size);
}

static void drop_answer(struct connection *connection, struct answer *answer)
{
    size_t place = (size_t)(answer - connection->answers);
    if (answer->large) {
        connection->large_taken = false;
    }
    connection->answer_count--;
    memmove(answer, answer + 1, (connection->answer_count - place) * sizeof *answer);
}

/* Has values, and may take long. */
static bool is_long(const struct answer *answer)
{
    return answer->kind == ANSWER_INTERROGATION || answer->kind == ANSWER_COUNTERS ||
           answer->kind == ANSWER_SCAN;
}

/* The running answer to the same question: type, addresses and qualifier; the octets say all three. */
static struct answer *find_interrogation(const struct request *request)
{
    const struct connection *connection = &request->station->connections[request->c];
    const struct komet_asdu *asdu = request->asdu;
    size_t behind_cot = (size_t)ASDU_COT_OFFSET + asdu->profile->cot_size;
    for (unsigned i = 0; i < connection->answer_count; i++) {
        struct answer *answer = &connection->answers[i];
        if (is_long(answer) && answer->kind != ANSWER_SCAN && answer->octets[0] == asdu->type &&
            memcmp(answer->octets + behind_cot, asdu->octets + behind_cot, asdu->size - behind_cot) == 0) {
            return answer;
        }
    }
    return NULL;
}

bool station_is_interrogating(const struct request *request)
{
    return find_interrogation(request) != NULL;
}

bool station_drop_interrogation(struct request *request)
{
    struct answer *answer = find_interrogation(request);
    if (answer != NULL) {
        drop_answer(&request->station->connections[request->c], answer);
    }
    return answer != NULL;
}

bool komet_station_scan(struct komet_station *station, unsigned c, uint16_t ca, uint16_t groups,
                        enum komet_cause cause)
{
    KOMET_ASSERT(c < station->settings.connections);
    KOMET_ASSERT(cause == KOMET_COT_PERIODIC || cause == KOMET_COT_BACKGROUND);
    if (!station_has_room(station, c, 1)) {
        return false;
    }
    for (unsigned i = 0; i < station->settings.address_count; i++) {
        if (station->settings.addresses[i] == ca) {
            struct answer *answer = add_answer(station, c, ANSWER_SCAN);
            answer->stage = STAGE_VALUES;
            answer->values = true;
            answer->value_cause = (uint8_t)cause;
            answer->groups = groups;
            answer->address = answer->last = i;
        }
    }
    return true;
}

/* ---- frames ---- */

/* What is written now. */
struct frame {
    struct komet_station *station;
    struct connection *connection;
    struct answer *answer;
    struct komet_instant now;
    uint8_t *octets;
};

static const uint8_t *request_of(const struct frame *frame)
{
    return frame->answer->large ? frame->connection->large : frame->answer->octets;
}

static uint16_t address_of(const struct frame *frame)
{
    return frame->station->settings.addresses[frame->answer->address];
}

static size_t write_mirror(const struct frame *frame, uint8_t cause, bool negative)
{
    const struct komet_profile *profile = frame->station->settings.profile;
    memcpy(frame->octets, request_of(frame), frame->answer->size);
    komet_asdu_mirror(frame->octets, cause, negative);
    if (frame->answer->own_name) {
        put_address(frame->octets + ASDU_COT_OFFSET + profile->cot_size, profile->ca_size,
                    profile->big_endian_addresses, address_of(frame));
    }
    return frame->answer->size;
}

/* The header of values, with originator and test bit of the request. */
static struct komet_asdu_header value_header(const struct frame *frame, uint8_t type, uint8_t cause, bool sq)
{
    const uint8_t *cot = frame->answer->octets + ASDU_COT_OFFSET;
    bool asked = frame->answer->size > 0;
    return (struct komet_asdu_header){
        .type = type,
        .sq = sq,
        .cause = cause,
        .test = asked && (cot[0] & ASDU_COT_TEST) != 0,
        .oa = asked && frame->station->settings.profile->cot_size == 2 ? cot[1] : 0,
        .ca = address_of(frame),
    };
}

static void begin(const struct frame *frame, struct komet_asdu_writer *writer,
                  const struct komet_asdu_header *header)
{
    bool begun = komet_asdu_begin(writer, frame->station->settings.profile, header, frame->octets,
                                  KOMET_ASDU_SIZE_MAX);
    KOMET_ASSERT(begun);
}

static bool add_point(struct komet_asdu_writer *writer, const struct komet_point *point)
{
    struct komet_object object = point->object;
    object.ioa = point->ioa;
    return komet_asdu_add(writer, &object);
}

/* Whether a point's value belongs into the answer. */
static bool belongs(const struct answer *answer, const struct komet_point *point)
{
    bool counter = point->type == KOMET_M_IT_NA_1;
    bool command = komet_type_find(point->type)->direction == KOMET_CONTROL;
    if (command || counter != (answer->kind == ANSWER_COUNTERS)) {
        return false;
    }
    if ((komet_causes_from_station(point->type) >> answer->value_cause & 1) == 0) {
        return false; /* such as a single point, periodically */
    }
    return answer->groups == 0 || (answer->groups & point->groups) != 0;
}

/* The answer's next point of its address from `at` on; the end of the table when there is none. */
static size_t next_point(const struct frame *frame, size_t at)
{
    const struct komet_station_settings *settings = &frame->station->settings;
    while (at < settings->point_count && settings->points[at].ca == address_of(frame)) {
        if (belongs(frame->answer, &settings->points[at])) {
            return at;
        }
        at++;
    }
    return settings->point_count;
}

static bool follows(const struct komet_point *point, const struct komet_point *next)
{
    return next->type == point->type && next->ioa == point->ioa + 1;
}

/* One ASDU of values of one type: those at addresses behind each other as a sequence (SQ = 1), others one by
 * one. 0 when the address has no more. */
static size_t write_values(const struct frame *frame)
{
    const struct komet_station_settings *settings = &frame->station->settings;
    struct answer *answer = frame->answer;
    if (answer->point == KOMET_POINT_NONE) {
        answer->point = station_first_point(frame->station, address_of(frame));
    }
    size_t at = next_point(frame, answer->point);
    if (at == settings->point_count) {
        return 0;
    }
    const struct komet_point *points = settings->points;
    size_t next = next_point(frame, at + 1);
    bool sq = next < settings->point_count && follows(&points[at], &points[next]) &&
              komet_type_find(points[at].type)->sequence_allowed;
    struct komet_asdu_writer writer;
    struct komet_asdu_header header = value_header(frame, points[at].type, answer->value_cause, sq);
    begin(frame, &writer, &header);
    uint8_t type = points[at].type;
    while (at < settings->point_count && points[at].type == type && add_point(&writer, &points[at])) {
        at = next_point(frame, at + 1);
    }
    answer->point = at;
    return komet_asdu_end(&writer);
}

/* Confirmation, values and termination of what was asked, for one address or, with `broadcast_once`, for all.
 */
static size_t write_long(const struct frame *frame)
{
    struct answer *answer = frame->answer;
    if (answer->stage == STAGE_CON) {
        answer->stage = answer->values ? STAGE_VALUES : STAGE_TERMINATION;
        return write_mirror(frame, answer->cause, answer->negative);
    }
    while (answer->stage == STAGE_VALUES) {
        size_t size = write_values(frame);
        if (size > 0) {
            return size;
        }
        if (!answer->own_name && answer->address < answer->last) {
            answer->address++;
            answer->point = KOMET_POINT_NONE;
        } else {
            answer->stage = STAGE_TERMINATION;
        }
    }
    bool more = answer->own_name && answer->address < answer->last;
    size_t size =
        answer->kind == ANSWER_SCAN ? 0 : write_mirror(frame, KOMET_COT_ACTIVATION_TERMINATION, false);
    if (more) {
        answer->address++;
        answer->point = KOMET_POINT_NONE;
        answer->stage = STAGE_CON;
    } else {
        drop_answer(frame->connection, answer);
    }
    return size;
}

static size_t write_read(const struct frame *frame)
{
    struct komet_asdu_writer writer;
    const struct komet_point *point = &frame->station->settings.points[frame->answer->point];
    struct komet_asdu_header header = value_header(frame, point->type, KOMET_COT_REQUEST, false);
    begin(frame, &writer, &header);
    bool added = add_point(&writer, point);
    KOMET_ASSERT(added);
    return komet_asdu_end(&writer);
}

/* The delay that came and what has passed here since (-5-101 7.4.7). */
static size_t write_delay(const struct frame *frame)
{
    size_t size = write_mirror(frame, frame->answer->cause, frame->answer->negative);
    uint8_t *place = frame->octets + size - KOMET_CP16_SIZE;
    int64_t passed_ms = komet_elapsed_us(frame->now, frame->answer->received) / 1000;
    int64_t delay_ms = octets_u16(place) + (passed_ms > 0 ? passed_ms : 0);
    put_u16(place, (uint16_t)(delay_ms > DELAY_MAX_MS ? DELAY_MAX_MS : delay_ms));
    return size;
}

/* An answer of one frame, or of one for each address. */
static size_t write_short(const struct frame *frame)
{
    struct answer *answer = frame->answer;
    size_t size = 0;
    switch (answer->kind) {
    case ANSWER_MIRROR:
        size = write_mirror(frame, answer->cause, answer->negative);
        break;
    case ANSWER_READ:
        size = write_read(frame);
        break;
    case ANSWER_DELAY:
        size = write_delay(frame);
        break;
    case ANSWER_INTERROGATION:
    case ANSWER_COUNTERS:
    case ANSWER_SCAN:
        KOMET_ASSERT_NEVER("an answer with values");
    }
    if (answer->own_name && answer->address < answer->last) {
        answer->address++;
    } else {
        drop_answer(frame->connection, answer);
    }
    return size;
}

bool komet_station_pending(const struct komet_station *station, unsigned c)
{
    KOMET_ASSERT(c < station->settings.connections);
    const struct connection *connection = &station->connections[c];
    return connection->started && connection->answer_count > 0;
}

size_t komet_station_write(struct komet_station *station, struct komet_instant now, struct komet_utc utc,
                           unsigned c, uint8_t *octets)
{
    (void)utc;
    KOMET_ASSERT(c < station->settings.connections);
    struct connection *connection = &station->connections[c];
    if (!connection->started) {
        return 0;
    }
    struct frame frame = {.station = station, .connection = connection, .now = now, .octets = octets};
    for (unsigned i = 0; i < connection->answer_count; i++) {
        if (!is_long(&connection->answers[i])) {
            frame.answer = &connection->answers[i];
            return write_short(&frame);
        }
    }
    while (connection->answer_count > 0) { /* a scan may turn out to be empty */
        frame.answer = &connection->answers[0];
        size_t size = write_long(&frame);
        if (size > 0) {
            return size;
        }
    }
    return 0;
}
