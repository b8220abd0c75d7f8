/*
 * file_sender: the states of the side that has files (-5-101 7.4.11). What happens when is the table; what it
 * means is one function a cell's word.
 */
#include "file_sender_private.h"

/* What a cell of the table does. */
enum action {
    UNWRITTEN, /* no cell has this */
    IGNORE,
    NEVER,   /* our own event in a state in which it cannot come */
    REFUSE,  /* negative mirror: unexpected service */
    BUSY,    /* file not ready */
    SELECT,  /* file ready, or not; in a session that begins */
    AGAIN,   /* file ready once more */
    ASK,     /* the host is asked */
    DELETED, /* the host has deleted it */
    GRANTED, /* the host has made the log's file */
    DENY,    /* the host does not want to */
    EXPIRE,  /* the host did not answer in time */
    FIRST,   /* section 1 is ready */
    OFFER,   /* the same section is ready, once more */
    SEND,    /* its segments */
    SENT,    /* all of them */
    NEXT,    /* the section was accepted: the next one, or the last section */
    REPEAT,  /* it was not: once more, or too often */
    CUT,     /* the section is deactivated, and offered again */
    DONE,
    REFUSED, /* the receiver does not want the file (any more) */
    STOP,    /* the receiver deactivates the file */
    ABORT,   /* we do: by the host's decision */
    SILENT,  /* because nothing moved */
    LOST     /* the connection has ended */
};

/* A row an event, a column a state. */
/* clang-format off */
static const uint8_t table[SENDER_EVENTS][SENDER_STATES] = {
    /*                             idle    delete?  query?   selected offered  sending  sent     file sent */
    [SENDER_SELECT]             = {SELECT, BUSY,    BUSY,    AGAIN,   BUSY,    BUSY,    BUSY,    BUSY},
    [SENDER_CALL_FILE]          = {REFUSE, REFUSE,  REFUSE,  FIRST,   REFUSE,  REFUSE,  REFUSE,  REFUSE},
    [SENDER_DEACTIVATE_FILE]    = {REFUSE, REFUSE,  STOP,    STOP,    STOP,    STOP,    STOP,    STOP},
    [SENDER_DELETE]             = {ASK,    BUSY,    BUSY,    BUSY,    BUSY,    BUSY,    BUSY,    BUSY},
    [SENDER_SELECT_SECTION]     = {REFUSE, REFUSE,  REFUSE,  REFUSE,  OFFER,   REFUSE,  REFUSE,  REFUSE},
    [SENDER_CALL_SECTION]       = {REFUSE, REFUSE,  REFUSE,  REFUSE,  SEND,    REFUSE,  REFUSE,  REFUSE},
    [SENDER_DEACTIVATE_SECTION] = {REFUSE, REFUSE,  REFUSE,  REFUSE,  CUT,     CUT,     CUT,     REFUSE},
    [SENDER_QUERY]              = {ASK,    BUSY,    BUSY,    BUSY,    BUSY,    BUSY,    BUSY,    BUSY},
    [SENDER_FILE_ACCEPTED]      = {REFUSE, REFUSE,  REFUSE,  REFUSE,  REFUSE,  REFUSE,  REFUSE,  DONE},
    [SENDER_FILE_REFUSED]       = {REFUSE, REFUSE,  REFUSE,  REFUSED, REFUSED, REFUSED, REFUSED, REFUSED},
    [SENDER_SECTION_ACCEPTED]   = {REFUSE, REFUSE,  REFUSE,  REFUSE,  REFUSE,  REFUSE,  NEXT,    REFUSE},
    [SENDER_SECTION_REFUSED]    = {REFUSE, REFUSE,  REFUSE,  REFUSE,  REFUSE,  REFUSE,  REPEAT,  REFUSE},
    [SENDER_NO_SERVICE]         = {REFUSE, REFUSE,  REFUSE,  REFUSE,  REFUSE,  REFUSE,  REFUSE,  REFUSE},
    [SENDER_REJECTED]           = {NEVER,  IGNORE,  IGNORE,  REFUSED, REFUSED, REFUSED, REFUSED, REFUSED},
    [SENDER_LAST_WRITTEN]       = {NEVER,  NEVER,   NEVER,   NEVER,   NEVER,   SENT,    NEVER,   NEVER},
    [SENDER_ANNOUNCE]           = {SELECT, NEVER,   NEVER,   NEVER,   NEVER,   NEVER,   NEVER,   NEVER},
    [SENDER_YES]                = {NEVER,  DELETED, GRANTED, NEVER,   NEVER,   NEVER,   NEVER,   NEVER},
    [SENDER_NO]                 = {NEVER,  DENY,    DENY,    NEVER,   NEVER,   NEVER,   NEVER,   NEVER},
    [SENDER_ABORT]              = {IGNORE, DENY,    DENY,    ABORT,   ABORT,   ABORT,   ABORT,   ABORT},
    [SENDER_ABORT_SECTION]      = {IGNORE, IGNORE,  IGNORE,  IGNORE,  IGNORE,  CUT,     CUT,     IGNORE},
    [SENDER_TIME_LIMIT]         = {NEVER,  EXPIRE,  EXPIRE,  SILENT,  SILENT,  SILENT,  SILENT,  SILENT},
    [SENDER_CONNECTION_LOST]    = {IGNORE, LOST,    LOST,    LOST,    LOST,    LOST,    LOST,    LOST},
};
/* clang-format on */

/* ---- states ---- */

void file_sender_progress(struct komet_file_sender *sender, struct komet_instant now)
{
    sender->deadline = komet_after(now, sender->side.settings.time_limit_us);
}

/* The only place where the state changes. */
static void set_state(struct komet_file_sender *sender, struct komet_instant now, enum sender_state state)
{
    sender->state = state;
    file_sender_progress(sender, now);
    if (state == SENDER_IDLE) {
        sender->deadline = KOMET_NEVER;
        sender->session.word.size = 0;
    }
}

static struct komet_file_event event_of(const struct komet_file_sender *sender,
                                        enum komet_file_event_kind kind)
{
    const struct sender_session *session = &sender->session;
    return (struct komet_file_event){
        .kind = kind,
        .connection = session->connection,
        .ioa = session->file.ioa,
        .name = session->file.name,
        .length = session->file.length,
    };
}

static void fail(struct komet_file_sender *sender, struct komet_instant now, enum komet_file_end end)
{
    struct komet_file_event event = event_of(sender, KOMET_FILE_EVENT_FAILED);
    event.end = end;
    file_note(&sender->side, &event);
    set_state(sender, now, SENDER_IDLE);
}

/* ---- what is said ---- */

static void say(struct komet_file_sender *sender, uint8_t type, const struct komet_file_object *object)
{
    file_say(&sender->side, &sender->session.word, type, sender->session.oa, object);
}

static void say_file_ready(struct komet_file_sender *sender)
{
    const struct komet_file *file = &sender->session.file;
    say(sender, KOMET_F_FR_NA_1,
        &(struct komet_file_object){.ioa = file->ioa, .name = file->name, .length = file->length});
}

static void say_section_ready(struct komet_file_sender *sender)
{
    const struct sender_session *session = &sender->session;
    say(sender, KOMET_F_SR_NA_1,
        &(struct komet_file_object){.ioa = session->file.ioa,
                                    .name = session->file.name,
                                    .section = session->section,
                                    .length = session->end - session->begin});
}

static struct komet_file_object last(const struct komet_file_sender *sender, enum komet_file_last qualifier,
                                     uint8_t checksum)
{
    const struct sender_session *session = &sender->session;
    return (struct komet_file_object){
        .ioa = session->file.ioa,
        .name = session->file.name,
        .section = session->section,
        .qualifier = (uint8_t)qualifier,
        .checksum = checksum,
    };
}

/* The peer is told that the file, or the section, is deactivated; in front of all that the session says. */
static void answer_last(struct komet_file_sender *sender, enum komet_file_last qualifier, uint8_t checksum)
{
    const struct komet_file_object object = last(sender, qualifier, checksum);
    file_answer(&sender->side, sender->session.connection, KOMET_F_LS_NA_1, sender->session.oa, &object);
}

/* Yes or no to select, query log and delete. */
static void answer_ready(struct komet_file_sender *sender, const struct sender_input *input, bool ready)
{
    sender->side.counters.refused += !ready;
    file_answer(&sender->side, input->connection, KOMET_F_FR_NA_1, input->oa,
                &(struct komet_file_object){
                    .ioa = input->ioa, .name = input->name, .qualifier = ready ? 0 : KOMET_FILE_NOT_READY});
}

static struct sender_input asked(const struct komet_file_sender *sender)
{
    const struct sender_session *session = &sender->session;
    return (struct sender_input){
        .connection = session->connection,
        .oa = session->oa,
        .ioa = session->file.ioa,
        .name = session->file.name,
    };
}

/* ---- what the cells do ---- */

static void begin(struct komet_file_sender *sender, struct komet_instant now,
                  const struct sender_input *input)
{
    const struct komet_file *file = file_sender_find(sender, input->ioa, input->name);
    if (file == NULL) {
        answer_ready(sender, input, false);
        set_state(sender, now, SENDER_IDLE);
        return;
    }
    sender->session =
        (struct sender_session){.connection = input->connection, .oa = input->oa, .file = *file};
    say_file_ready(sender);
    set_state(sender, now, SENDER_SELECTED);
}

static void ask(struct komet_file_sender *sender, struct komet_instant now, enum sender_event what,
                const struct sender_input *input)
{
    if (file_sender_find(sender, input->ioa, input->name) == NULL) {
        answer_ready(sender, input, false);
        return;
    }
    sender->session = (struct sender_session){
        .connection = input->connection,
        .oa = input->oa,
        .file = {.ioa = input->ioa, .name = input->name},
        .question = ++sender->questions,
    };
    bool query = what == SENDER_QUERY;
    struct komet_file_event event =
        event_of(sender, query ? KOMET_FILE_EVENT_QUERY : KOMET_FILE_EVENT_DELETE);
    event.question = sender->session.question;
    event.time = input->time;
    event.stop = input->stop;
    file_note(&sender->side, &event);
    set_state(sender, now, query ? SENDER_QUERY_ASKED : SENDER_DELETE_ASKED);
}

static void offer(struct komet_file_sender *sender, struct komet_instant now)
{
    struct sender_session *session = &sender->session;
    session->at = session->begin;
    session->section_sum = 0;
    say_section_ready(sender);
    set_state(sender, now, SENDER_SECTION_OFFERED);
}

static void next_section(struct komet_file_sender *sender, struct komet_instant now)
{
    struct sender_session *session = &sender->session;
    session->begin = session->end;
    uint32_t rest = session->file.length - session->begin;
    session->end += rest < session->file.section_size ? rest : session->file.section_size;
    session->section++;
    session->repeats = 0;
    offer(sender, now);
}

static void section_accepted(struct komet_file_sender *sender, struct komet_instant now)
{
    struct sender_session *session = &sender->session;
    session->file_sum = (uint8_t)(session->file_sum + session->section_sum);
    if (session->end < session->file.length) {
        next_section(sender, now);
        return;
    }
    const struct komet_file_object object = last(sender, KOMET_LAST_FILE, session->file_sum);
    say(sender, KOMET_F_LS_NA_1, &object);
    set_state(sender, now, SENDER_FILE_SENT);
}

static void deactivate(struct komet_file_sender *sender, struct komet_instant now, enum komet_file_end end)
{
    answer_last(sender, KOMET_LAST_FILE_DEACTIVATED, sender->session.file_sum);
    fail(sender, now, end);
}

static void once_more(struct komet_file_sender *sender, struct komet_instant now)
{
    if (sender->session.repeats == sender->side.settings.repeats) {
        deactivate(sender, now, KOMET_FILE_END_REPEATS);
        return;
    }
    sender->session.repeats++;
    sender->side.counters.repeats++;
    offer(sender, now);
}

/* A question that the host did not answer with yes. */
static void deny(struct komet_file_sender *sender, struct komet_instant now, bool in_time)
{
    const struct sender_input input = asked(sender);
    answer_ready(sender, &input, false);
    if (!in_time) {
        fail(sender, now, KOMET_FILE_END_SILENT);
        return;
    }
    set_state(sender, now, SENDER_IDLE);
}

static void done(struct komet_file_sender *sender, struct komet_instant now)
{
    const struct komet_file_event event = event_of(sender, KOMET_FILE_EVENT_DONE);
    file_note(&sender->side, &event);
    set_state(sender, now, SENDER_IDLE);
}

static void grant(struct komet_file_sender *sender, struct komet_instant now, bool deletion)
{
    const struct sender_input input = asked(sender);
    if (!deletion) {
        begin(sender, now, &input);
        return;
    }
    answer_ready(sender, &input, true);
    set_state(sender, now, SENDER_IDLE);
}

static void act(struct komet_file_sender *sender, struct komet_instant now, enum action action,
                enum sender_event event, const struct sender_input *input)
{
    switch (action) {
    case IGNORE:
        return;
    case REFUSE:
        file_mirror(&sender->side, input->connection, input->asdu, KOMET_COT_FILE,
                    KOMET_FILE_UNEXPECTED_SERVICE);
        return;
    case BUSY:
        answer_ready(sender, input, false);
        return;
    case SELECT:
        begin(sender, now, input);
        return;
    case AGAIN:
        say_file_ready(sender); /* no progress: a peer that only selects holds nothing for longer */
        return;
    case ASK:
        ask(sender, now, event, input);
        return;
    case DELETED:
    case GRANTED:
        grant(sender, now, action == DELETED);
        return;
    case DENY:
    case EXPIRE:
        deny(sender, now, action == DENY);
        return;
    case FIRST:
        next_section(sender, now); /* of an empty file too: an empty one */
        return;
    case NEXT:
        section_accepted(sender, now);
        return;
    case OFFER:
        say_section_ready(sender);
        return;
    case SEND:
        sender->session.word.size = 0; /* it is called before it was offered once more */
        set_state(sender, now, SENDER_SENDING);
        return;
    case SENT:
        set_state(sender, now, SENDER_SECTION_SENT);
        return;
    case CUT:
        answer_last(sender, KOMET_LAST_SECTION_DEACTIVATED, sender->session.section_sum);
        once_more(sender, now);
        return;
    case REPEAT:
        once_more(sender, now);
        return;
    case DONE:
        done(sender, now);
        return;
    case REFUSED:
        fail(sender, now, KOMET_FILE_END_REFUSED);
        return;
    case LOST:
        fail(sender, now, KOMET_FILE_END_DISCONNECTED);
        return;
    case STOP:
        deactivate(sender, now, KOMET_FILE_END_DEACTIVATED);
        return;
    case ABORT:
        deactivate(sender, now, KOMET_FILE_END_ABORTED);
        return;
    case SILENT:
        deactivate(sender, now, KOMET_FILE_END_SILENT);
        return;
    case UNWRITTEN:
    case NEVER:
        break;
    }
    KOMET_ASSERT_NEVER("a cell that is never reached");
}

/* What another connection, or another file, gets while one is in transfer: nothing of that is disturbed. */
static enum action elsewhere(enum sender_event event)
{
    enum action action = (enum action)table[event][SENDER_IDLE];
    return action == SELECT || action == ASK ? BUSY : action;
}

void file_sender_handle(struct komet_file_sender *sender, struct komet_instant now, enum sender_event event,
                        const struct sender_input *input)
{
    bool foreign =
        input->asdu != NULL && !file_sender_ours(sender, input->connection, input->ioa, input->name);
    enum action action = (enum action)table[event][sender->state];
    if (foreign && sender->state != SENDER_IDLE) {
        action = elsewhere(event);
    }
    act(sender, now, action, event, input);
    KOMET_ASSERT((sender->state == SENDER_IDLE) == (sender->deadline.us == KOMET_NEVER.us));
}
