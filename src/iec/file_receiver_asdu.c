/*
 * file_receiver_asdu: what an ASDU means to a receiver, the entries of directories, and what the host calls.
 */
#include <stdalign.h>

#include "file_receiver_private.h"

#define NOTHING_UNCONFIRMED ((struct komet_instant){INT64_MIN})

static bool same(const struct receiver_subject *subject, unsigned c, uint32_t ioa, uint16_t name)
{
    return subject->connection == c && subject->ioa == ioa && subject->name == name;
}

bool file_receiver_ours(const struct komet_file_receiver *receiver, unsigned c, uint32_t ioa, uint16_t name)
{
    return receiver->state != RECEIVER_IDLE && same(&receiver->session.subject, c, ioa, name);
}

/* ---- directories ---- */

static void directory_failed(struct komet_file_receiver *receiver, enum komet_file_end end)
{
    const struct komet_file_event event = {
        .kind = KOMET_FILE_EVENT_DIRECTORY_FAILED,
        .end = end,
        .connection = receiver->directory_connection,
        .ioa = receiver->directory_ioa,
    };
    file_note(&receiver->side, &event);
    receiver->directory_asked = false;
}

/* Entries are handed out by komet_file_receiver_next. One whose address has run past what the profile's
 * octets hold has none. */
static bool next_entry(struct komet_file_receiver *receiver, struct komet_file_event *event)
{
    while (receiver->entry < receiver->entry_count) {
        struct komet_file_object object;
        komet_asdu_file(&receiver->entries, receiver->entry++, &object);
        if (object.ioa >> (8 * receiver->entries.profile->ioa_size) != 0) {
            receiver->side.counters.dropped++;
            continue;
        }
        *event = (struct komet_file_event){
            .kind = KOMET_FILE_EVENT_ENTRY,
            .connection = receiver->entry_connection,
            .ioa = object.ioa,
            .name = object.name,
            .attributes = object.qualifier,
            .length = object.length,
            .time = object.time,
        };
        return true;
    }
    return false;
}

static void take_directory(struct komet_file_receiver *receiver, struct komet_instant now, unsigned c,
                           const struct komet_asdu *asdu)
{
    receiver->entries = *asdu;
    receiver->entry = 0;
    receiver->entry_count = asdu->count;
    receiver->entry_connection = c;
    if (asdu->cause == KOMET_COT_REQUEST && receiver->directory_asked &&
        receiver->directory_connection == c) {
        struct komet_file_object object;
        komet_asdu_file(asdu, asdu->count - 1U, &object);
        receiver->directory_asked = (object.qualifier & KOMET_SOF_LAST) == 0;
        receiver->directory_deadline = komet_after(now, receiver->side.settings.time_limit_us);
    }
}

/* ---- in ---- */

static enum receiver_event last_event(uint8_t qualifier)
{
    switch (qualifier) {
    case KOMET_LAST_FILE:
        return RECEIVER_LAST_SECTION;
    case KOMET_LAST_FILE_DEACTIVATED:
        return RECEIVER_FILE_DEACTIVATED;
    case KOMET_LAST_SECTION:
        return RECEIVER_LAST_SEGMENT;
    case KOMET_LAST_SECTION_DEACTIVATED:
        return RECEIVER_SECTION_DEACTIVATED;
    default:
        return RECEIVER_NO_LAST;
    }
}

static enum receiver_event event_of(uint8_t type, uint8_t qualifier)
{
    bool ready = (qualifier & KOMET_FILE_NOT_READY) == 0;
    switch (type) {
    case KOMET_F_FR_NA_1:
        return ready ? RECEIVER_FILE_READY : RECEIVER_FILE_NOT_READY;
    case KOMET_F_SR_NA_1:
        return ready ? RECEIVER_SECTION_READY : RECEIVER_SECTION_NOT_READY;
    case KOMET_F_LS_NA_1:
        return last_event(qualifier);
    default:
        return RECEIVER_SEGMENT;
    }
}

/* True when it is what still comes of a transfer that we have deactivated. */
static bool comes_late(struct komet_file_receiver *receiver, struct komet_instant now, unsigned c,
                       const struct komet_file_object *object, enum receiver_event event)
{
    if (komet_reached(now, receiver->unconfirmed_until) ||
        !same(&receiver->unconfirmed, c, object->ioa, object->name)) {
        return false;
    }
    if (event == RECEIVER_FILE_DEACTIVATED) {
        receiver->unconfirmed_until = NOTHING_UNCONFIRMED; /* it has confirmed */
        return true;
    }
    return !file_receiver_ours(receiver, c, object->ioa, object->name);
}

static void take_part(struct komet_file_receiver *receiver, struct komet_instant now, unsigned c,
                      const struct komet_asdu *asdu)
{
    struct komet_file_object object;
    komet_asdu_file(asdu, 0, &object);
    enum receiver_event event = event_of(asdu->type, object.qualifier);
    if (asdu->cause != KOMET_COT_FILE) {
        if (asdu->type == KOMET_F_SG_NA_1) {
            receiver->side.counters.dropped++;
            return;
        }
        file_mirror(&receiver->side, c, asdu, KOMET_COT_UNKNOWN_CAUSE, KOMET_FILE_OK);
        return;
    }
    if (comes_late(receiver, now, c, &object, event)) {
        return;
    }
    const struct receiver_input input = {.connection = c, .oa = asdu->oa, .object = &object};
    file_receiver_handle(receiver, now, event, &input);
}

/* The peer rejects what we sent. */
static void take_rejection(struct komet_file_receiver *receiver, struct komet_instant now, unsigned c,
                           const struct komet_asdu *asdu)
{
    struct komet_file_object object;
    komet_asdu_file(asdu, 0, &object);
    unsigned qualifier = asdu->type == KOMET_F_SC_NA_1 ? object.qualifier & FILE_QUALIFIER : 0;
    if (asdu->type == KOMET_F_SC_NA_1 && qualifier == KOMET_CALL_DIRECTORY) {
        if (receiver->directory_asked && receiver->directory_connection == c &&
            receiver->directory_ioa == object.ioa) {
            directory_failed(receiver, asdu->cause == KOMET_COT_UNKNOWN_IOA ? KOMET_FILE_END_UNKNOWN
                                                                            : KOMET_FILE_END_REFUSED);
        }
        return;
    }
    if (qualifier == KOMET_CALL_DEACTIVATE_FILE) {
        comes_late(receiver, now, c, &object, RECEIVER_FILE_DEACTIVATED); /* it had ended already */
        return;
    }
    if (!file_receiver_ours(receiver, c, object.ioa, object.name)) {
        receiver->side.counters.dropped++;
        return;
    }
    const struct receiver_input input = {.connection = c, .cause = asdu->cause};
    file_receiver_handle(receiver, now, RECEIVER_REJECTED, &input);
}

bool komet_file_receiver_receive(struct komet_file_receiver *receiver, struct komet_instant now, unsigned c,
                                 const struct komet_asdu *asdu)
{
    KOMET_ASSERT(file_is_up(&receiver->side, c));
    KOMET_ASSERT(file_events_taken(&receiver->side) && receiver->entry == receiver->entry_count);
    if (!file_is_for(&receiver->side, asdu) || file_is_request(asdu) != file_is_refusal(asdu)) {
        return false;
    }
    bool directory = asdu->type == KOMET_F_DR_TA_1;
    bool right_cause = asdu->cause == KOMET_COT_REQUEST || asdu->cause == KOMET_COT_SPONTANEOUS;
    if (file_is_refusal(asdu)) {
        take_rejection(receiver, now, c, asdu);
    } else if (asdu->test || (directory && !right_cause)) {
        receiver->side.counters.dropped++;
    } else if (directory) {
        take_directory(receiver, now, c, asdu);
    } else {
        take_part(receiver, now, c, asdu);
    }
    return true;
}

/* ---- out ---- */

size_t komet_file_receiver_write(struct komet_file_receiver *receiver, struct komet_instant now, unsigned c,
                                 uint8_t *octets)
{
    (void)now;
    size_t size = file_take_answer(&receiver->side, c, octets);
    if (size == 0 && receiver->directory_asked && receiver->directory_connection == c) {
        size = file_take(&receiver->directory_word, octets);
    }
    if (size == 0 && receiver->state != RECEIVER_IDLE && receiver->session.subject.connection == c) {
        size = file_take(&receiver->session.word, octets);
    }
    return size;
}

bool komet_file_receiver_next(struct komet_file_receiver *receiver, struct komet_file_event *event)
{
    return next_entry(receiver, event) || file_next(&receiver->side, event);
}

/* ---- what the host calls ---- */

size_t komet_file_receiver_size(const struct komet_file_settings *settings)
{
    return sizeof(struct komet_file_receiver) + file_side_size(settings);
}

struct komet_file_receiver *komet_file_receiver_init(void *memory, size_t size,
                                                     const struct komet_file_settings *settings)
{
    KOMET_ASSERT(memory != NULL && (uintptr_t)memory % alignof(struct komet_file_receiver) == 0);
    KOMET_ASSERT(size >= komet_file_receiver_size(settings));
    struct komet_file_receiver *receiver = memory;
    *receiver = (struct komet_file_receiver){
        .deadline = KOMET_NEVER,
        .unconfirmed_until = NOTHING_UNCONFIRMED,
    };
    file_side_init(&receiver->side, settings, receiver + 1);
    return receiver;
}

void komet_file_receiver_disconnected(struct komet_file_receiver *receiver, struct komet_instant now,
                                      unsigned c)
{
    file_disconnected(&receiver->side, c);
    if (receiver->unconfirmed.connection == c) {
        receiver->unconfirmed_until = NOTHING_UNCONFIRMED;
    }
    if (receiver->directory_asked && receiver->directory_connection == c) {
        directory_failed(receiver, KOMET_FILE_END_DISCONNECTED);
    }
    if (receiver->session.subject.connection == c) {
        file_receiver_handle(receiver, now, RECEIVER_CONNECTION_LOST, &(struct receiver_input){0});
    }
}

void komet_file_receiver_connected(struct komet_file_receiver *receiver, struct komet_instant now, unsigned c)
{
    komet_file_receiver_disconnected(receiver, now, c); /* one that is up already is replaced */
    file_connected(&receiver->side, c);
}

void komet_file_receiver_tick(struct komet_file_receiver *receiver, struct komet_instant now)
{
    if (receiver->directory_asked && komet_reached(now, receiver->directory_deadline)) {
        directory_failed(receiver, KOMET_FILE_END_SILENT);
    }
    if (komet_reached(now, receiver->deadline)) {
        file_receiver_handle(receiver, now, RECEIVER_TIME_LIMIT, &(struct receiver_input){0});
    }
}

struct komet_instant komet_file_receiver_deadline(const struct komet_file_receiver *receiver)
{
    return receiver->directory_asked ? komet_earlier(receiver->deadline, receiver->directory_deadline)
                                     : receiver->deadline;
}

struct komet_file_counters komet_file_receiver_counters(const struct komet_file_receiver *receiver)
{
    return receiver->side.counters;
}

bool komet_file_receiver_directory(struct komet_file_receiver *receiver, struct komet_instant now, unsigned c,
                                   uint32_t ioa)
{
    KOMET_ASSERT(ioa >> (8 * receiver->side.settings.profile->ioa_size) == 0);
    KOMET_ASSERT(file_events_taken(&receiver->side));
    if (receiver->directory_asked || !file_is_up(&receiver->side, c)) {
        return false;
    }
    receiver->directory_asked = true;
    receiver->directory_connection = c;
    receiver->directory_ioa = ioa;
    receiver->directory_deadline = komet_after(now, receiver->side.settings.time_limit_us);
    file_say(&receiver->side, &receiver->directory_word, KOMET_F_SC_NA_1, receiver->side.settings.oa,
             &(struct komet_file_object){.ioa = ioa, .qualifier = KOMET_CALL_DIRECTORY});
    return true;
}

/* Begins a session with its first word. */
static bool want(struct komet_file_receiver *receiver, struct komet_instant now, unsigned c,
                 enum receiver_state state, uint8_t type, const struct komet_file_object *object)
{
    KOMET_ASSERT(object->ioa >> (8 * receiver->side.settings.profile->ioa_size) == 0);
    KOMET_ASSERT(file_events_taken(&receiver->side));
    if (receiver->state != RECEIVER_IDLE || !file_is_up(&receiver->side, c)) {
        return false;
    }
    file_receiver_begin(receiver, now, state, &(struct receiver_subject){c, object->ioa, object->name});
    file_say(&receiver->side, &receiver->session.word, type, receiver->side.settings.oa, object);
    return true;
}

bool komet_file_receiver_get(struct komet_file_receiver *receiver, struct komet_instant now, unsigned c,
                             uint32_t ioa, uint16_t name)
{
    return want(receiver, now, c, RECEIVER_SELECTING, KOMET_F_SC_NA_1,
                &(struct komet_file_object){.ioa = ioa, .name = name, .qualifier = KOMET_CALL_SELECT_FILE});
}

bool komet_file_receiver_query(struct komet_file_receiver *receiver, struct komet_instant now, unsigned c,
                               uint32_t ioa, uint16_t name, const struct komet_time_tag *begin,
                               const struct komet_time_tag *end)
{
    return want(receiver, now, c, RECEIVER_SELECTING, KOMET_F_SC_NB_1,
                &(struct komet_file_object){.ioa = ioa, .name = name, .time = *begin, .stop = *end});
}

bool komet_file_receiver_delete(struct komet_file_receiver *receiver, struct komet_instant now, unsigned c,
                                uint32_t ioa, uint16_t name)
{
    return want(receiver, now, c, RECEIVER_DELETING, KOMET_F_SC_NA_1,
                &(struct komet_file_object){.ioa = ioa, .name = name, .qualifier = KOMET_CALL_DELETE_FILE});
}

static void host(struct komet_file_receiver *receiver, struct komet_instant now, enum receiver_event event)
{
    file_receiver_handle(receiver, now, event, &(struct receiver_input){0});
}

void komet_file_receiver_accept(struct komet_file_receiver *receiver, struct komet_instant now)
{
    KOMET_ASSERT(file_events_taken(&receiver->side));
    host(receiver, now, RECEIVER_ACCEPT);
}

void komet_file_receiver_decline(struct komet_file_receiver *receiver, struct komet_instant now)
{
    KOMET_ASSERT(file_events_taken(&receiver->side));
    host(receiver, now, RECEIVER_DECLINE);
}

void komet_file_receiver_abort(struct komet_file_receiver *receiver, struct komet_instant now)
{
    host(receiver, now, RECEIVER_ABORT);
}

void komet_file_receiver_abort_section(struct komet_file_receiver *receiver, struct komet_instant now)
{
    host(receiver, now, RECEIVER_ABORT_SECTION);
}
