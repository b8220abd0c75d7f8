/*
 * file_sender_asdu: what an ASDU means to a sender, the directories and segments it writes, and what the host
 * calls.
 */
#include <stdalign.h>

#include "file_sender_private.h"

/* ---- files ---- */

static bool is_directory(const struct komet_file *file)
{
    return (file->attributes & KOMET_SOF_DIRECTORY) != 0;
}

const struct komet_file *file_sender_find(const struct komet_file_sender *sender, uint32_t ioa, uint16_t name)
{
    for (size_t i = 0; i < sender->file_count; i++) {
        const struct komet_file *file = &sender->files[i];
        if (file->ioa == ioa && file->name == name && !is_directory(file)) {
            return file;
        }
    }
    return NULL;
}

/* The first file from `index` on that belongs to the directory of an address; file_count: none. */
static size_t next_entry(const struct komet_file_sender *sender, uint32_t ioa, size_t index)
{
    while (index < sender->file_count && ioa != 0 && sender->files[index].ioa != ioa) {
        index++;
    }
    return index;
}

/* True when there is a file at an address; of a directory, 0 stands for all. */
static bool has_address(const struct komet_file_sender *sender, uint32_t ioa, bool directory)
{
    return (ioa != 0 || directory) && next_entry(sender, ioa, 0) < sender->file_count;
}

bool file_sender_ours(const struct komet_file_sender *sender, unsigned c, uint32_t ioa, uint16_t name)
{
    const struct sender_session *session = &sender->session;
    return sender->state != SENDER_IDLE && session->connection == c && session->file.ioa == ioa &&
           session->file.name == name;
}

/* ---- in ---- */

static enum sender_event call_event(uint8_t qualifier)
{
    switch (qualifier & FILE_QUALIFIER) {
    case KOMET_CALL_SELECT_FILE:
        return SENDER_SELECT;
    case KOMET_CALL_FILE:
        return SENDER_CALL_FILE;
    case KOMET_CALL_DEACTIVATE_FILE:
        return SENDER_DEACTIVATE_FILE;
    case KOMET_CALL_DELETE_FILE:
        return SENDER_DELETE;
    case KOMET_CALL_SELECT_SECTION:
        return SENDER_SELECT_SECTION;
    case KOMET_CALL_SECTION:
        return SENDER_CALL_SECTION;
    case KOMET_CALL_DEACTIVATE_SECTION:
        return SENDER_DEACTIVATE_SECTION;
    default: /* the directory is no part of a transfer; the rest is reserved */
        return SENDER_NO_SERVICE;
    }
}

static enum sender_event acknowledge_event(uint8_t qualifier)
{
    switch (qualifier & FILE_QUALIFIER) {
    case KOMET_FILE_ACCEPTED:
        return SENDER_FILE_ACCEPTED;
    case KOMET_FILE_REFUSED:
        return SENDER_FILE_REFUSED;
    case KOMET_SECTION_ACCEPTED:
        return SENDER_SECTION_ACCEPTED;
    case KOMET_SECTION_REFUSED:
        return SENDER_SECTION_REFUSED;
    default:
        return SENDER_NO_SERVICE;
    }
}

static bool is_about_a_section(enum sender_event event)
{
    return event == SENDER_SELECT_SECTION || event == SENDER_CALL_SECTION ||
           event == SENDER_DEACTIVATE_SECTION || event == SENDER_SECTION_ACCEPTED ||
           event == SENDER_SECTION_REFUSED;
}

static void refuse(struct komet_file_sender *sender, unsigned c, const struct komet_asdu *asdu,
                   enum komet_file_error error)
{
    file_mirror(&sender->side, c, asdu, KOMET_COT_FILE, error);
}

static void take_call(struct komet_file_sender *sender, struct komet_instant now, unsigned c,
                      const struct komet_asdu *asdu, const struct komet_file_object *object)
{
    const struct sender_session *session = &sender->session;
    enum sender_event event = asdu->type == KOMET_F_SC_NB_1   ? SENDER_QUERY
                              : asdu->type == KOMET_F_SC_NA_1 ? call_event(object->qualifier)
                                                              : acknowledge_event(object->qualifier);
    bool ours = file_sender_ours(sender, c, object->ioa, object->name);
    bool begins = event == SENDER_SELECT || event == SENDER_DELETE || event == SENDER_QUERY;
    if (!ours && !begins && sender->state != SENDER_IDLE && session->connection == c) {
        refuse(sender, c, asdu, KOMET_FILE_UNEXPECTED_NAME);
        return;
    }
    if (ours && is_about_a_section(event) && session->section != 0 && session->section != object->section) {
        refuse(sender, c, asdu, KOMET_FILE_UNEXPECTED_SECTION);
        return;
    }
    const struct sender_input input = {
        .connection = c,
        .oa = asdu->oa,
        .ioa = object->ioa,
        .name = object->name,
        .time = object->time,
        .stop = object->stop,
        .asdu = asdu,
    };
    file_sender_handle(sender, now, event, &input);
}

static void take_request(struct komet_file_sender *sender, struct komet_instant now, unsigned c,
                         const struct komet_asdu *asdu)
{
    struct komet_file_object object;
    komet_asdu_file(asdu, 0, &object);
    bool directory = asdu->type == KOMET_F_SC_NA_1 && asdu->cause == KOMET_COT_REQUEST &&
                     object.qualifier == KOMET_CALL_DIRECTORY;
    bool ours = file_sender_ours(sender, c, object.ioa, object.name);
    if (asdu->cause != KOMET_COT_FILE && !directory) {
        file_mirror(&sender->side, c, asdu, KOMET_COT_UNKNOWN_CAUSE, KOMET_FILE_OK);
    } else if (asdu->test) {
        refuse(sender, c, asdu, KOMET_FILE_UNEXPECTED_SERVICE); /* nothing is moved by way of test */
    } else if (!ours && !has_address(sender, object.ioa, directory)) {
        file_mirror(&sender->side, c, asdu, KOMET_COT_UNKNOWN_IOA, KOMET_FILE_OK);
    } else if (directory) {
        sender->directories[c] =
            (struct sender_directory){.running = true, .oa = asdu->oa, .ioa = object.ioa};
    } else {
        take_call(sender, now, c, asdu, &object);
    }
}

/* The peer rejects what we sent: type, cause, address or the transfer itself. */
static void take_rejection(struct komet_file_sender *sender, struct komet_instant now, unsigned c,
                           const struct komet_asdu *asdu)
{
    struct komet_file_object object;
    komet_asdu_file(asdu, 0, &object);
    if (asdu->type == KOMET_F_DR_TA_1 || !file_sender_ours(sender, c, object.ioa, object.name)) {
        sender->side.counters.dropped++;
        return;
    }
    const struct sender_input input = {.connection = c, .ioa = object.ioa, .name = object.name, .asdu = asdu};
    file_sender_handle(sender, now, SENDER_REJECTED, &input);
}

bool komet_file_sender_receive(struct komet_file_sender *sender, struct komet_instant now, unsigned c,
                               const struct komet_asdu *asdu)
{
    KOMET_ASSERT(file_is_up(&sender->side, c));
    KOMET_ASSERT(file_events_taken(&sender->side));
    if (!file_is_for(&sender->side, asdu) || file_is_request(asdu) == file_is_refusal(asdu)) {
        return false;
    }
    if (file_is_refusal(asdu)) {
        take_rejection(sender, now, c, asdu);
    } else {
        take_request(sender, now, c, asdu);
    }
    return true;
}

/* ---- out ---- */

/* As many files as fit: neighbours of consecutive addresses. */
static size_t write_directory(struct komet_file_sender *sender, struct sender_directory *directory,
                              uint8_t *octets)
{
    const struct komet_file_settings *settings = &sender->side.settings;
    struct komet_asdu_writer writer;
    const struct komet_asdu_header header = {.type = KOMET_F_DR_TA_1,
                                             .sq = true,
                                             .cause = KOMET_COT_REQUEST,
                                             .oa = directory->oa,
                                             .ca = settings->ca};
    bool begun = komet_asdu_begin(&writer, settings->profile, &header, octets, KOMET_ASDU_SIZE_MAX);
    KOMET_ASSERT(begun);
    size_t at = next_entry(sender, directory->ioa, directory->next);
    while (at < sender->file_count) {
        const struct komet_file *file = &sender->files[at];
        size_t following = next_entry(sender, directory->ioa, at + 1);
        bool active = sender->state >= SENDER_SELECTED &&
                      file_sender_ours(sender, sender->session.connection, file->ioa, file->name);
        struct komet_file_object object = {
            .ioa = file->ioa,
            .name = file->name,
            .length = file->length,
            .qualifier = (uint8_t)(file->attributes | (following == sender->file_count ? KOMET_SOF_LAST : 0) |
                                   (active ? KOMET_SOF_ACTIVE : 0)),
            .time = file->time,
        };
        if (!komet_asdu_add_file(&writer, &object)) {
            break;
        }
        at = following;
    }
    directory->next = at;
    directory->running = at < sender->file_count;
    return komet_asdu_end(&writer);
}

/* The next segment; behind the last octet of the section, the last segment with its checksum. */
static size_t write_section(struct komet_file_sender *sender, struct komet_instant now, uint8_t *octets)
{
    struct sender_session *session = &sender->session;
    const struct komet_file_settings *settings = &sender->side.settings;
    struct komet_file_object object = {
        .ioa = session->file.ioa, .name = session->file.name, .section = session->section};
    if (session->at == session->end) {
        object.qualifier = KOMET_LAST_SECTION;
        object.checksum = session->section_sum;
        file_sender_handle(sender, now, SENDER_LAST_WRITTEN, &(struct sender_input){0});
        return file_encode(&sender->side, KOMET_F_LS_NA_1, session->oa, &object, octets, KOMET_ASDU_SIZE_MAX);
    }
    uint32_t rest = session->end - session->at;
    object.segment = session->file.data + session->at;
    object.segment_size = rest < settings->segment_size ? (uint8_t)rest : settings->segment_size;
    session->section_sum = (uint8_t)(session->section_sum + file_sum(object.segment, object.segment_size));
    session->at += object.segment_size;
    sender->side.counters.octets += object.segment_size;
    file_sender_progress(sender, now);
    return file_encode(&sender->side, KOMET_F_SG_NA_1, session->oa, &object, octets, KOMET_ASDU_SIZE_MAX);
}

size_t komet_file_sender_write(struct komet_file_sender *sender, struct komet_instant now, unsigned c,
                               uint8_t *octets)
{
    struct sender_session *session = &sender->session;
    size_t size = file_take_answer(&sender->side, c, octets);
    if (size == 0 && sender->directories[c].running) {
        size = write_directory(sender, &sender->directories[c], octets);
    }
    if (size > 0 || sender->state == SENDER_IDLE || session->connection != c) {
        return size;
    }
    if (session->word.size > 0) {
        return file_take(&session->word, octets);
    }
    return sender->state == SENDER_SENDING ? write_section(sender, now, octets) : 0;
}

/* ---- what the host calls ---- */

size_t komet_file_sender_size(const struct komet_file_settings *settings)
{
    return sizeof(struct komet_file_sender) + settings->connections * sizeof(struct sender_directory) +
           file_side_size(settings);
}

struct komet_file_sender *komet_file_sender_init(void *memory, size_t size,
                                                 const struct komet_file_settings *settings)
{
    KOMET_ASSERT(memory != NULL && (uintptr_t)memory % alignof(struct komet_file_sender) == 0);
    KOMET_ASSERT(size >= komet_file_sender_size(settings));
    struct komet_file_sender *sender = memory;
    *sender = (struct komet_file_sender){.deadline = KOMET_NEVER};
    sender->directories = (struct sender_directory *)(sender + 1);
    for (unsigned c = 0; c < settings->connections; c++) {
        sender->directories[c] = (struct sender_directory){0};
    }
    file_side_init(&sender->side, settings, sender->directories + settings->connections);
    return sender;
}

static void check_file(const struct komet_file_sender *sender, const struct komet_file *file)
{
    KOMET_ASSERT(file->ioa > 0 && file->ioa >> (8 * sender->side.settings.profile->ioa_size) == 0);
    KOMET_ASSERT(file->length <= KOMET_FILE_LENGTH_MAX);
    KOMET_ASSERT(file->length == 0 || (file->data != NULL && file->section_size > 0));
    KOMET_ASSERT(file->length == 0 || (file->length - 1) / file->section_size < FILE_SECTIONS_MAX);
    KOMET_ASSERT((file->attributes & (KOMET_SOF_LAST | KOMET_SOF_ACTIVE)) == 0); /* the engine's own */
}

void komet_file_sender_files(struct komet_file_sender *sender, const struct komet_file *files, size_t count)
{
    KOMET_ASSERT(files != NULL || count == 0);
    for (size_t i = 0; i < count; i++) {
        check_file(sender, &files[i]);
    }
    sender->files = files;
    sender->file_count = count;
}

void komet_file_sender_disconnected(struct komet_file_sender *sender, struct komet_instant now, unsigned c)
{
    file_disconnected(&sender->side, c);
    sender->directories[c] = (struct sender_directory){0};
    if (sender->session.connection == c) {
        file_sender_handle(sender, now, SENDER_CONNECTION_LOST, &(struct sender_input){.connection = c});
    }
}

void komet_file_sender_connected(struct komet_file_sender *sender, struct komet_instant now, unsigned c)
{
    komet_file_sender_disconnected(sender, now, c); /* one that is up already is replaced */
    file_connected(&sender->side, c);
}

bool komet_file_sender_next(struct komet_file_sender *sender, struct komet_file_event *event)
{
    return file_next(&sender->side, event);
}

void komet_file_sender_tick(struct komet_file_sender *sender, struct komet_instant now)
{
    if (komet_reached(now, sender->deadline)) {
        file_sender_handle(sender, now, SENDER_TIME_LIMIT, &(struct sender_input){0});
    }
}

struct komet_instant komet_file_sender_deadline(const struct komet_file_sender *sender)
{
    return sender->deadline;
}

struct komet_file_counters komet_file_sender_counters(const struct komet_file_sender *sender)
{
    return sender->side.counters;
}

bool komet_file_sender_announce(struct komet_file_sender *sender, struct komet_instant now, unsigned c,
                                uint32_t ioa, uint16_t name)
{
    KOMET_ASSERT(file_events_taken(&sender->side));
    if (sender->state != SENDER_IDLE || !file_is_up(&sender->side, c) ||
        file_sender_find(sender, ioa, name) == NULL) {
        return false;
    }
    const struct sender_input input = {
        .connection = c, .oa = sender->side.settings.oa, .ioa = ioa, .name = name};
    file_sender_handle(sender, now, SENDER_ANNOUNCE, &input);
    return true;
}

void komet_file_sender_answer(struct komet_file_sender *sender, struct komet_instant now, uint32_t question,
                              bool yes)
{
    bool open = sender->state == SENDER_DELETE_ASKED || sender->state == SENDER_QUERY_ASKED;
    if (open && sender->session.question == question) {
        file_sender_handle(sender, now, yes ? SENDER_YES : SENDER_NO, &(struct sender_input){0});
    }
}

void komet_file_sender_abort(struct komet_file_sender *sender, struct komet_instant now)
{
    file_sender_handle(sender, now, SENDER_ABORT, &(struct sender_input){0});
}

void komet_file_sender_abort_section(struct komet_file_sender *sender, struct komet_instant now)
{
    file_sender_handle(sender, now, SENDER_ABORT_SECTION, &(struct sender_input){0});
}
