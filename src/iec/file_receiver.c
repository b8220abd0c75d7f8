/*
 * file_receiver: the states of the side that wants a file (-5-101 7.4.11). What happens when is the table;
 * what it means is one function a cell's word.
 */
#include "file_receiver_private.h"

/* What a cell of the table does. */
enum action {
    UNWRITTEN, /* no cell has this */
    IGNORE,    /* by our own event, or because it may rightly come late */
    NEVER,     /* our own event in a state in which it cannot come */
    DROP,      /* the peer's mistake, which does no harm */
    REFUSE,    /* file refused: unexpected service */
    ANNOUNCE,  /* the host is asked */
    CALL_FILE,
    CALL_SECTION, /* if it is the next one and its length can be */
    TAKE,         /* a segment's octets, as far as they belong there */
    CHECK,        /* all of the section: accepted, or wanted again */
    LOSE,         /* the peer deactivated the section: wanted again */
    COMPLETE,     /* all of the file: accepted or refused */
    DELETED,
    NOT_READY, /* the peer has it not */
    REJECT,    /* the peer does not do it */
    LEAVE,     /* the peer does not go on: deactivated */
    CONFUSED,  /* the peer does what does not belong there: deactivated */
    WITHDRAWN, /* the peer has deactivated the file */
    DECLINE,   /* the host does not want what was announced */
    EXPIRE,    /* the host did not say in time */
    ABORT,     /* by the host's decision: deactivated */
    SILENT,    /* because nothing moved: deactivated */
    GIVE_UP,   /* a deletion, which cannot be deactivated: by the host's decision */
    FORGET,    /* the same, because nothing came */
    CUT,       /* the section is deactivated, and wanted again */
    LOST       /* the connection has ended */
};

/* A row an event, a column a state. */
/* clang-format off */
static const uint8_t table[RECEIVER_EVENTS][RECEIVER_STATES] = {
    /*                                idle      offered    selecting  deleting   awaiting      receiving  cutting */
    [RECEIVER_FILE_READY]          = {ANNOUNCE, IGNORE,    CALL_FILE, DELETED,   IGNORE,       CONFUSED,  CONFUSED},
    [RECEIVER_FILE_NOT_READY]      = {IGNORE,   WITHDRAWN, NOT_READY, NOT_READY, NOT_READY,    NOT_READY, NOT_READY},
    [RECEIVER_SECTION_READY]       = {REFUSE,   CONFUSED,  DROP,      DROP,      CALL_SECTION, CONFUSED,  CONFUSED},
    [RECEIVER_SECTION_NOT_READY]   = {DROP,     DROP,      DROP,      DROP,      IGNORE,       DROP,      DROP},
    [RECEIVER_SEGMENT]             = {DROP,     DROP,      DROP,      DROP,      DROP,         TAKE,      IGNORE},
    [RECEIVER_LAST_SEGMENT]        = {REFUSE,   CONFUSED,  DROP,      DROP,      CONFUSED,     CHECK,     IGNORE},
    [RECEIVER_SECTION_DEACTIVATED] = {DROP,     DROP,      DROP,      DROP,      DROP,         LOSE,      LOSE},
    [RECEIVER_LAST_SECTION]        = {REFUSE,   CONFUSED,  DROP,      DROP,      COMPLETE,     CONFUSED,  CONFUSED},
    [RECEIVER_FILE_DEACTIVATED]    = {IGNORE,   WITHDRAWN, DROP,      DROP,      WITHDRAWN,    WITHDRAWN, WITHDRAWN},
    [RECEIVER_NO_LAST]             = {REFUSE,   CONFUSED,  DROP,      DROP,      CONFUSED,     CONFUSED,  CONFUSED},
    [RECEIVER_REJECTED]            = {NEVER,    DROP,      REJECT,    REJECT,    LEAVE,        LEAVE,     LEAVE},
    [RECEIVER_ACCEPT]              = {IGNORE,   CALL_FILE, IGNORE,    IGNORE,    IGNORE,       IGNORE,    IGNORE},
    [RECEIVER_DECLINE]             = {IGNORE,   DECLINE,   IGNORE,    IGNORE,    IGNORE,       IGNORE,    IGNORE},
    [RECEIVER_ABORT]               = {IGNORE,   DECLINE,   ABORT,     GIVE_UP,   ABORT,        ABORT,     ABORT},
    [RECEIVER_ABORT_SECTION]       = {IGNORE,   IGNORE,    IGNORE,    IGNORE,    IGNORE,       CUT,       IGNORE},
    [RECEIVER_TIME_LIMIT]          = {NEVER,    EXPIRE,    SILENT,    FORGET,    SILENT,       SILENT,    SILENT},
    [RECEIVER_CONNECTION_LOST]     = {IGNORE,   LOST,      LOST,      LOST,      LOST,         LOST,      LOST},
};
/* clang-format on */

/* ---- states ---- */

static void progress(struct komet_file_receiver *receiver, struct komet_instant now)
{
    receiver->deadline = komet_after(now, receiver->side.settings.time_limit_us);
}

/* The only place where the state changes. */
static void set_state(struct komet_file_receiver *receiver, struct komet_instant now,
                      enum receiver_state state)
{
    receiver->state = state;
    progress(receiver, now);
    if (state == RECEIVER_IDLE) {
        receiver->deadline = KOMET_NEVER;
        receiver->session.word.size = 0;
    }
}

void file_receiver_begin(struct komet_file_receiver *receiver, struct komet_instant now,
                         enum receiver_state state, const struct receiver_subject *subject)
{
    KOMET_ASSERT(receiver->state == RECEIVER_IDLE);
    receiver->session = (struct receiver_session){.subject = *subject};
    set_state(receiver, now, state);
}

static struct komet_file_event event_of(const struct komet_file_receiver *receiver,
                                        enum komet_file_event_kind kind)
{
    const struct receiver_session *session = &receiver->session;
    return (struct komet_file_event){
        .kind = kind,
        .connection = session->subject.connection,
        .ioa = session->subject.ioa,
        .name = session->subject.name,
        .length = session->length,
    };
}

static void note(struct komet_file_receiver *receiver, enum komet_file_event_kind kind)
{
    const struct komet_file_event event = event_of(receiver, kind);
    file_note(&receiver->side, &event);
}

static void fail(struct komet_file_receiver *receiver, struct komet_instant now, enum komet_file_end end)
{
    struct komet_file_event event = event_of(receiver, KOMET_FILE_EVENT_FAILED);
    event.end = end;
    file_note(&receiver->side, &event);
    set_state(receiver, now, RECEIVER_IDLE);
}

/* ---- what is said ---- */

static uint8_t with_error(unsigned qualifier, enum komet_file_error error)
{
    return (uint8_t)(qualifier | (unsigned)error << FILE_ERROR_SHIFT);
}

static struct komet_file_object object_of(const struct komet_file_receiver *receiver, uint8_t section,
                                          uint8_t qualifier)
{
    const struct receiver_subject *subject = &receiver->session.subject;
    return (struct komet_file_object){
        .ioa = subject->ioa, .name = subject->name, .section = section, .qualifier = qualifier};
}

static void say(struct komet_file_receiver *receiver, uint8_t type, uint8_t section, uint8_t qualifier)
{
    const struct komet_file_object object = object_of(receiver, section, qualifier);
    file_say(&receiver->side, &receiver->session.word, type, receiver->side.settings.oa, &object);
}

/* What is said when the session ends. */
static void last_word(struct komet_file_receiver *receiver, uint8_t type, uint8_t qualifier)
{
    const struct komet_file_object object = object_of(receiver, receiver->session.section, qualifier);
    file_answer(&receiver->side, receiver->session.subject.connection, type, receiver->side.settings.oa,
                &object);
}

static void deactivate(struct komet_file_receiver *receiver, struct komet_instant now,
                       enum komet_file_end end, enum komet_file_error error)
{
    last_word(receiver, KOMET_F_SC_NA_1, with_error(KOMET_CALL_DEACTIVATE_FILE, error));
    receiver->unconfirmed = receiver->session.subject;
    receiver->unconfirmed_until = komet_after(now, receiver->side.settings.time_limit_us);
    fail(receiver, now, end);
}

static void refuse_file(struct komet_file_receiver *receiver, struct komet_instant now,
                        enum komet_file_end end, enum komet_file_error error)
{
    last_word(receiver, KOMET_F_AF_NA_1, with_error(KOMET_FILE_REFUSED, error));
    fail(receiver, now, end);
}

/* What belongs to no transfer of ours. */
static void refuse(struct komet_file_receiver *receiver, const struct receiver_input *input)
{
    struct komet_file_object object = {
        .ioa = input->object->ioa,
        .name = input->object->name,
        .section = input->object->section,
        .qualifier = with_error(KOMET_FILE_REFUSED, KOMET_FILE_UNEXPECTED_SERVICE),
    };
    receiver->side.counters.refused++;
    file_answer(&receiver->side, input->connection, KOMET_F_AF_NA_1, input->oa, &object);
}

/* ---- what the cells do ---- */

static void announce(struct komet_file_receiver *receiver, struct komet_instant now,
                     const struct receiver_input *input)
{
    const struct komet_file_object *object = input->object;
    file_receiver_begin(receiver, now, RECEIVER_OFFERED,
                        &(struct receiver_subject){input->connection, object->ioa, object->name});
    receiver->session.length = object->length;
    if (object->length > receiver->side.settings.length_max) {
        refuse_file(receiver, now, KOMET_FILE_END_TOO_LONG, KOMET_FILE_NO_MEMORY);
        return;
    }
    note(receiver, KOMET_FILE_EVENT_ANNOUNCED);
}

static void call_file(struct komet_file_receiver *receiver, struct komet_instant now,
                      const struct receiver_input *input)
{
    if (input->object != NULL) {
        receiver->session.length = input->object->length;
    }
    if (receiver->session.length > receiver->side.settings.length_max) {
        deactivate(receiver, now, KOMET_FILE_END_TOO_LONG, KOMET_FILE_NO_MEMORY);
        return;
    }
    say(receiver, KOMET_F_SC_NA_1, 0, KOMET_CALL_FILE);
    set_state(receiver, now, RECEIVER_AWAITING);
}

/* A section of no octets is right in an empty file alone, where it is the only one. */
static void call_section(struct komet_file_receiver *receiver, struct komet_instant now,
                         const struct komet_file_object *object)
{
    struct receiver_session *session = &receiver->session;
    if (object->section != session->accepted + 1) {
        deactivate(receiver, now, KOMET_FILE_END_UNEXPECTED, KOMET_FILE_UNEXPECTED_SECTION);
        return;
    }
    bool first_of_empty = session->length == 0 && session->accepted == 0;
    if (object->length > session->length - session->begin || (object->length == 0 && !first_of_empty)) {
        deactivate(receiver, now, KOMET_FILE_END_LENGTH, KOMET_FILE_UNEXPECTED_SECTION);
        return;
    }
    session->section = object->section;
    session->at = session->begin;
    session->end = session->begin + object->length;
    session->section_sum = 0;
    session->fault = KOMET_FILE_END_DONE;
    say(receiver, KOMET_F_SC_NA_1, session->section, KOMET_CALL_SECTION);
    set_state(receiver, now, RECEIVER_RECEIVING);
}

/* Behind the first octet that is not right nothing of the section is handed out. */
static void take(struct komet_file_receiver *receiver, struct komet_instant now,
                 const struct komet_file_object *object)
{
    struct receiver_session *session = &receiver->session;
    if (session->fault == KOMET_FILE_END_DONE && object->section != session->section) {
        session->fault = KOMET_FILE_END_UNEXPECTED;
    } else if (session->fault == KOMET_FILE_END_DONE && object->segment_size > session->end - session->at) {
        session->fault = KOMET_FILE_END_LENGTH;
    }
    if (session->fault != KOMET_FILE_END_DONE || object->segment_size == 0) {
        receiver->side.counters.dropped++;
        return;
    }
    struct komet_file_event event = event_of(receiver, KOMET_FILE_EVENT_DATA);
    event.section = session->section;
    event.offset = session->at;
    event.octets = object->segment;
    event.size = object->segment_size;
    file_note(&receiver->side, &event);
    session->section_sum = (uint8_t)(session->section_sum + file_sum(object->segment, object->segment_size));
    session->at += object->segment_size;
    receiver->side.counters.octets += object->segment_size;
    progress(receiver, now);
}

/* The section is wanted again, unless it was too often. */
static bool once_more(struct komet_file_receiver *receiver, struct komet_instant now, enum komet_file_end end,
                      enum komet_file_error error)
{
    if (receiver->session.repeats == receiver->side.settings.repeats) {
        deactivate(receiver, now, end, error);
        return false;
    }
    receiver->session.repeats++;
    receiver->side.counters.repeats++;
    set_state(receiver, now, RECEIVER_AWAITING);
    return true;
}

static void check_section(struct komet_file_receiver *receiver, struct komet_instant now,
                          const struct komet_file_object *object)
{
    struct receiver_session *session = &receiver->session;
    enum komet_file_end fault = session->fault != KOMET_FILE_END_DONE      ? session->fault
                                : object->section != session->section      ? KOMET_FILE_END_UNEXPECTED
                                : session->at != session->end              ? KOMET_FILE_END_LENGTH
                                : object->checksum != session->section_sum ? KOMET_FILE_END_CHECKSUM
                                                                           : KOMET_FILE_END_DONE;
    if (fault != KOMET_FILE_END_DONE) {
        enum komet_file_error error =
            fault == KOMET_FILE_END_UNEXPECTED ? KOMET_FILE_UNEXPECTED_SECTION : KOMET_FILE_CHECKSUM;
        if (once_more(receiver, now, fault, error)) {
            say(receiver, KOMET_F_AF_NA_1, session->section, with_error(KOMET_SECTION_REFUSED, error));
        }
        return;
    }
    struct komet_file_event event = event_of(receiver, KOMET_FILE_EVENT_SECTION_DONE);
    event.section = session->section;
    event.offset = session->begin;
    event.length = session->end - session->begin;
    file_note(&receiver->side, &event);
    session->accepted = session->section;
    session->begin = session->end;
    session->repeats = 0;
    session->file_sum = (uint8_t)(session->file_sum + session->section_sum);
    say(receiver, KOMET_F_AF_NA_1, session->section, KOMET_SECTION_ACCEPTED);
    set_state(receiver, now, RECEIVER_AWAITING);
}

static void complete(struct komet_file_receiver *receiver, struct komet_instant now,
                     const struct komet_file_object *object)
{
    const struct receiver_session *session = &receiver->session;
    if (session->begin != session->length) {
        refuse_file(receiver, now, KOMET_FILE_END_LENGTH, KOMET_FILE_CHECKSUM);
        return;
    }
    if (object->checksum != session->file_sum) {
        refuse_file(receiver, now, KOMET_FILE_END_CHECKSUM, KOMET_FILE_CHECKSUM);
        return;
    }
    last_word(receiver, KOMET_F_AF_NA_1, KOMET_FILE_ACCEPTED);
    note(receiver, KOMET_FILE_EVENT_DONE);
    set_state(receiver, now, RECEIVER_IDLE);
}

static void lose(struct komet_file_receiver *receiver, struct komet_instant now)
{
    if (once_more(receiver, now, KOMET_FILE_END_REPEATS, KOMET_FILE_OK)) {
        receiver->session.word.size = 0; /* a call, or a deactivation, that has come to nothing */
    }
}

static void cut(struct komet_file_receiver *receiver, struct komet_instant now)
{
    say(receiver, KOMET_F_SC_NA_1, receiver->session.section, KOMET_CALL_DEACTIVATE_SECTION);
    set_state(receiver, now, RECEIVER_CUTTING);
}

static enum komet_file_end rejection(uint8_t cause)
{
    return cause == KOMET_COT_UNKNOWN_IOA ? KOMET_FILE_END_UNKNOWN : KOMET_FILE_END_REFUSED;
}

static void act(struct komet_file_receiver *receiver, struct komet_instant now, enum action action,
                const struct receiver_input *input)
{
    switch (action) {
    case IGNORE:
        return;
    case DROP:
        receiver->side.counters.dropped++;
        return;
    case REFUSE:
        refuse(receiver, input);
        return;
    case ANNOUNCE:
        announce(receiver, now, input);
        return;
    case CALL_FILE:
        call_file(receiver, now, input);
        return;
    case CALL_SECTION:
        call_section(receiver, now, input->object);
        return;
    case TAKE:
        take(receiver, now, input->object);
        return;
    case CHECK:
        check_section(receiver, now, input->object);
        return;
    case LOSE:
        lose(receiver, now);
        return;
    case COMPLETE:
        complete(receiver, now, input->object);
        return;
    case DELETED:
        note(receiver, KOMET_FILE_EVENT_DELETED);
        set_state(receiver, now, RECEIVER_IDLE);
        return;
    case NOT_READY:
        fail(receiver, now, KOMET_FILE_END_REFUSED);
        return;
    case REJECT:
        fail(receiver, now, rejection(input->cause));
        return;
    case LEAVE:
        deactivate(receiver, now, rejection(input->cause), KOMET_FILE_OK);
        return;
    case CONFUSED:
        deactivate(receiver, now, KOMET_FILE_END_UNEXPECTED, KOMET_FILE_UNEXPECTED_SERVICE);
        return;
    case WITHDRAWN:
        fail(receiver, now, KOMET_FILE_END_DEACTIVATED);
        return;
    case DECLINE:
        refuse_file(receiver, now, KOMET_FILE_END_ABORTED, KOMET_FILE_OK);
        return;
    case EXPIRE:
        refuse_file(receiver, now, KOMET_FILE_END_SILENT, KOMET_FILE_OK);
        return;
    case ABORT:
        deactivate(receiver, now, KOMET_FILE_END_ABORTED, KOMET_FILE_OK);
        return;
    case SILENT:
        deactivate(receiver, now, KOMET_FILE_END_SILENT, KOMET_FILE_OK);
        return;
    case GIVE_UP:
        fail(receiver, now, KOMET_FILE_END_ABORTED);
        return;
    case FORGET:
        fail(receiver, now, KOMET_FILE_END_SILENT);
        return;
    case CUT:
        cut(receiver, now);
        return;
    case LOST:
        fail(receiver, now, KOMET_FILE_END_DISCONNECTED);
        return;
    case UNWRITTEN:
    case NEVER:
        break;
    }
    KOMET_ASSERT_NEVER("a cell that is never reached");
}

void file_receiver_handle(struct komet_file_receiver *receiver, struct komet_instant now,
                          enum receiver_event event, const struct receiver_input *input)
{
    const struct komet_file_object *object = input->object;
    enum action action = (enum action)table[event][receiver->state];
    if (object != NULL && receiver->state != RECEIVER_IDLE &&
        !file_receiver_ours(receiver, input->connection, object->ioa, object->name)) {
        action = (enum action)table[event][RECEIVER_IDLE]; /* what is in transfer is not disturbed */
        action = action == ANNOUNCE ? REFUSE : action;
    }
    act(receiver, now, action, input);
    KOMET_ASSERT((receiver->state == RECEIVER_IDLE) == (receiver->deadline.us == KOMET_NEVER.us));
}
