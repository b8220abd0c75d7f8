/*
 * file_side: what both engines of file transfer have: settings, events, and ASDUs that wait.
 */
#include <string.h>

#include "asdu_private.h"
#include "file_private.h"

struct komet_file_settings komet_file_settings_standard(uint16_t ca)
{
    return (struct komet_file_settings){
        .profile = &komet_profile_104,
        .ca = ca,
        .connections = 1,
        .segment_size = KOMET_SEGMENT_SIZE_MAX,
        .repeats = 3,
        .length_max = KOMET_FILE_LENGTH_MAX,
        .time_limit_us = KOMET_SECONDS(30),
    };
}

const char *komet_file_settings_fault(const struct komet_file_settings *settings)
{
    KOMET_ASSERT(settings != NULL);
    if (settings->profile == NULL || !profile_usable(settings->profile)) {
        return "A profile has 1 or 2 octets of COT, 1 or 2 of CA, 1 to 3 of IOA.";
    }
    if (settings->profile->ca_size == 1 && settings->ca > 0xFF) {
        return "The common address must fit the profile: 0 to 255 in one octet.";
    }
    if (settings->connections < 1) {
        return "File transfer needs 1 to 255 connections.";
    }
    if (settings->segment_size < 1 || settings->segment_size > KOMET_SEGMENT_SIZE_MAX) {
        return "A segment must have 1 to 236 octets.";
    }
    if (settings->length_max > KOMET_FILE_LENGTH_MAX) {
        return "The largest length of a file must be 0 to 16777215 octets.";
    }
    if (settings->time_limit_us <= 0) {
        return "The time limit of a file transfer must be above 0; 30 s is usual.";
    }
    return NULL;
}

const char *komet_file_end_name(enum komet_file_end end)
{
    static const char *const names[KOMET_FILE_END_COUNT] = {
        [KOMET_FILE_END_DONE] = "done",
        [KOMET_FILE_END_REFUSED] = "refused",
        [KOMET_FILE_END_UNKNOWN] = "unknown",
        [KOMET_FILE_END_TOO_LONG] = "too-long",
        [KOMET_FILE_END_LENGTH] = "length",
        [KOMET_FILE_END_CHECKSUM] = "checksum",
        [KOMET_FILE_END_REPEATS] = "repeats",
        [KOMET_FILE_END_UNEXPECTED] = "unexpected",
        [KOMET_FILE_END_DEACTIVATED] = "deactivated",
        [KOMET_FILE_END_SILENT] = "silent",
        [KOMET_FILE_END_DISCONNECTED] = "disconnected",
        [KOMET_FILE_END_ABORTED] = "aborted",
    };
    KOMET_ASSERT((unsigned)end < KOMET_FILE_END_COUNT);
    return names[end];
}

size_t file_side_size(const struct komet_file_settings *settings)
{
    KOMET_ASSERT(komet_file_settings_fault(settings) == NULL);
    return settings->connections * sizeof(struct file_connection);
}

void file_side_init(struct file_side *side, const struct komet_file_settings *settings, void *memory)
{
    side->settings = *settings;
    side->connections = memory;
    for (unsigned c = 0; c < settings->connections; c++) {
        side->connections[c] = (struct file_connection){0};
    }
}

/* ---- connections ---- */

bool file_is_up(const struct file_side *side, unsigned c)
{
    KOMET_ASSERT(c < side->settings.connections);
    return side->connections[c].up;
}

void file_connected(struct file_side *side, unsigned c)
{
    KOMET_ASSERT(c < side->settings.connections);
    side->connections[c] = (struct file_connection){.up = true};
}

void file_disconnected(struct file_side *side, unsigned c)
{
    KOMET_ASSERT(c < side->settings.connections);
    side->connections[c] = (struct file_connection){0};
}

/* ---- events ---- */

void file_note(struct file_side *side, const struct komet_file_event *event)
{
    KOMET_ASSERT(side->event_count < FILE_EVENTS_MAX);
    side->events[(side->first_event + side->event_count) % FILE_EVENTS_MAX] = *event;
    side->event_count++;
}

bool file_next(struct file_side *side, struct komet_file_event *event)
{
    if (side->event_count == 0) {
        return false;
    }
    *event = side->events[side->first_event];
    side->first_event = (uint8_t)((side->first_event + 1) % FILE_EVENTS_MAX);
    side->event_count--;
    return true;
}

bool file_events_taken(const struct file_side *side)
{
    return side->event_count == 0;
}

/* ---- ASDUs ---- */

size_t file_encode(const struct file_side *side, uint8_t type, uint8_t oa,
                   const struct komet_file_object *object, uint8_t *octets, size_t capacity)
{
    struct komet_asdu_writer writer;
    bool directory = type == KOMET_F_SC_NA_1 && object->qualifier == KOMET_CALL_DIRECTORY;
    const struct komet_asdu_header header = {
        .type = type,
        .cause = directory ? KOMET_COT_REQUEST : KOMET_COT_FILE,
        .oa = oa,
        .ca = side->settings.ca,
    };
    bool written = komet_asdu_begin(&writer, side->settings.profile, &header, octets, capacity) &&
                   komet_asdu_add_file(&writer, object);
    KOMET_ASSERT(written);
    return komet_asdu_end(&writer);
}

size_t file_take(struct file_words *words, uint8_t *octets)
{
    size_t size = words->size;
    memcpy(octets, words->octets, size);
    words->size = 0;
    return size;
}

/* The place behind the answers that wait on `c`; NULL: dropped. */
static struct file_words *place_for_answer(struct file_side *side, unsigned c)
{
    struct file_connection *connection = &side->connections[c];
    if (connection->count == FILE_ANSWERS_MAX) {
        side->counters.dropped++;
        return NULL;
    }
    return &connection->answers[(connection->first + connection->count++) % FILE_ANSWERS_MAX];
}

void file_answer(struct file_side *side, unsigned c, uint8_t type, uint8_t oa,
                 const struct komet_file_object *object)
{
    struct file_words *words = place_for_answer(side, c);
    if (words != NULL) {
        file_say(side, words, type, oa, object);
    }
}

void file_mirror(struct file_side *side, unsigned c, const struct komet_asdu *asdu, uint8_t cause,
                 enum komet_file_error error)
{
    KOMET_ASSERT(asdu->size <= KOMET_ASDU_SIZE_ONE);
    side->counters.refused++;
    struct file_words *words = place_for_answer(side, c);
    if (words == NULL) {
        return;
    }
    words->size = (uint8_t)asdu->size;
    memcpy(words->octets, asdu->octets, asdu->size);
    komet_asdu_mirror(words->octets, cause, true);
    if (error != KOMET_FILE_OK && (asdu->type == KOMET_F_SC_NA_1 || asdu->type == KOMET_F_AF_NA_1)) {
        uint8_t *qualifier = &words->octets[asdu->size - 1]; /* the last octet of both */
        *qualifier = (uint8_t)((*qualifier & FILE_QUALIFIER) | (unsigned)error << FILE_ERROR_SHIFT);
    }
}

size_t file_take_answer(struct file_side *side, unsigned c, uint8_t *octets)
{
    KOMET_ASSERT(c < side->settings.connections);
    struct file_connection *connection = &side->connections[c];
    if (connection->count == 0) {
        return 0;
    }
    struct file_words *words = &connection->answers[connection->first];
    connection->first = (uint8_t)((connection->first + 1) % FILE_ANSWERS_MAX);
    connection->count--;
    return file_take(words, octets);
}

bool file_is_for(const struct file_side *side, const struct komet_asdu *asdu)
{
    return asdu->row != NULL && asdu->row->element == KOMET_ELEMENT_FILE && asdu->ca == side->settings.ca;
}

bool file_is_request(const struct komet_asdu *asdu)
{
    return asdu->type == KOMET_F_SC_NA_1 || asdu->type == KOMET_F_AF_NA_1 || asdu->type == KOMET_F_SC_NB_1;
}

bool file_is_refusal(const struct komet_asdu *asdu)
{
    return asdu->negative || (asdu->cause >= KOMET_COT_UNKNOWN_TYPE && asdu->cause <= KOMET_COT_UNKNOWN_IOA);
}

uint8_t file_sum(const uint8_t *octets, size_t size)
{
    unsigned sum = 0;
    for (size_t i = 0; i < size; i++) {
        sum += octets[i];
    }
    return (uint8_t)sum;
}
