/*
 * file_timeline: runs a script against a real sender or receiver of file transfer.
 *
 * After each action everything that is to be sent is written, unless the connection is blocked.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "komet/file_transfer.h"

#include "asdu_words.h"
#include "stage.h"

enum { FILES_MAX = 64, DATA_SIZE = 70000, CONNECTIONS_MAX = 4 };

struct runner {
    struct stage stage;
    struct komet_file_settings settings;
    struct komet_file_sender *sender; /* one of both */
    struct komet_file_receiver *receiver;
    bool is_receiver;
    bool blocked[CONNECTIONS_MAX];
    struct komet_file files[FILES_MAX];
    size_t file_count;
    uint8_t data[DATA_SIZE]; /* of every file: octet i is i + 1 */
};

/* 2026-11-21 12:34:56.789: every file's, d5 dd 22 0c d5 0b 1a. */
static const struct komet_time_tag file_time = {
    .milliseconds = 56789, .minute = 34, .hour = 12, .day = 21, .day_of_week = 6, .month = 11, .year = 26};

/* ---- what happens ---- */

static void note_event(struct runner *r, const struct komet_file_event *event)
{
    struct stage *stage = &r->stage;
    unsigned c = event->connection, ioa = event->ioa, name = event->name;
    char word[64];
    switch (event->kind) {
    case KOMET_FILE_EVENT_DONE:
        stage_note(stage, "done %u %u %u length %u", c, ioa, name, (unsigned)event->length);
        return;
    case KOMET_FILE_EVENT_FAILED:
        stage_note(stage, "failed %u %u %u %s", c, ioa, name, komet_file_end_name(event->end));
        return;
    case KOMET_FILE_EVENT_DELETE:
        stage_note(stage, "delete? %u %u %u question %u", c, ioa, name, (unsigned)event->question);
        return;
    case KOMET_FILE_EVENT_QUERY:
        stage_note(stage, "query? %u %u %u question %u minute %u to %u", c, ioa, name,
                   (unsigned)event->question, event->time.minute, event->stop.minute);
        return;
    case KOMET_FILE_EVENT_ANNOUNCED:
        stage_note(stage, "announced %u %u %u length %u", c, ioa, name, (unsigned)event->length);
        return;
    case KOMET_FILE_EVENT_DATA:
        snprintf(word, sizeof word, "data %u %u", event->section, (unsigned)event->offset);
        stage_note_hex(stage, word, event->octets, event->size);
        return;
    case KOMET_FILE_EVENT_SECTION_DONE:
        stage_note(stage, "section %u %u length %u", event->section, (unsigned)event->offset,
                   (unsigned)event->length);
        return;
    case KOMET_FILE_EVENT_DELETED:
        stage_note(stage, "deleted %u %u %u", c, ioa, name);
        return;
    case KOMET_FILE_EVENT_ENTRY:
        stage_note(stage, "entry %u %u %u length %u sof %02x minute %u", c, ioa, name,
                   (unsigned)event->length, event->attributes, event->time.minute);
        return;
    case KOMET_FILE_EVENT_DIRECTORY_FAILED:
        stage_note(stage, "directory-failed %u %u %s", c, ioa, komet_file_end_name(event->end));
        return;
    }
}

static void note_sent(struct runner *r, unsigned c, const uint8_t *octets, size_t size)
{
    char text[ASDU_WORDS_TEXT_SIZE];
    asdu_text(text, r->settings.profile, octets, size);
    stage_note(&r->stage, "send %u %.*s", c, STAGE_TEXT_SIZE - 20, text);
}

static void drain(struct runner *r)
{
    struct komet_file_event event;
    while (r->is_receiver ? komet_file_receiver_next(r->receiver, &event)
                          : komet_file_sender_next(r->sender, &event)) {
        note_event(r, &event);
    }
    for (unsigned c = 0; c < r->settings.connections; c++) {
        uint8_t octets[KOMET_ASDU_SIZE_MAX];
        size_t size;
        while (!r->blocked[c] &&
               (size = r->is_receiver ? komet_file_receiver_write(r->receiver, r->stage.now, c, octets)
                                      : komet_file_sender_write(r->sender, r->stage.now, c, octets)) > 0) {
            note_sent(r, c, octets, size);
        }
    }
}

/* ---- the words of the language ---- */

static unsigned connection(struct runner *r)
{
    return (unsigned)script_number(&r->stage.script, r->settings.connections - 1U);
}

static uint32_t ioa_of(struct runner *r)
{
    return (uint32_t)script_number(&r->stage.script, 0xFFFFFF);
}

static uint16_t name_of(struct runner *r)
{
    return (uint16_t)script_number(&r->stage.script, UINT16_MAX);
}

static void must(struct runner *r, bool taken, bool refused)
{
    if (taken == refused) {
        script_fail(&r->stage.script,
                    refused ? "the engine takes it, and should refuse it" : "the engine refuses it");
    }
}

static void connect(struct runner *r, unsigned c, bool up)
{
    if (r->is_receiver) {
        (up ? komet_file_receiver_connected : komet_file_receiver_disconnected)(r->receiver, r->stage.now, c);
    } else {
        (up ? komet_file_sender_connected : komet_file_sender_disconnected)(r->sender, r->stage.now, c);
    }
}

static void do_receive(struct runner *r)
{
    uint8_t octets[KOMET_ASDU_SIZE_MAX];
    struct komet_asdu asdu;
    unsigned c = connection(r);
    size_t size = script_asdu(&r->stage.script, r->settings.profile, octets);
    enum komet_asdu_result result = komet_asdu_decode(r->settings.profile, octets, size, &asdu);
    if (result != KOMET_ASDU_OK && result != KOMET_ASDU_UNKNOWN_TYPE) {
        script_fail(&r->stage.script, "no ASDU: %s", komet_asdu_result_name(result));
    }
    bool taken = r->is_receiver ? komet_file_receiver_receive(r->receiver, r->stage.now, c, &asdu)
                                : komet_file_sender_receive(r->sender, r->stage.now, c, &asdu);
    if (!taken) {
        stage_note(&r->stage, "not-taken");
    }
    drain(r); /* while the octets are there: DATA is borrowed from them */
}

static void read_file(struct runner *r)
{
    struct script *script = &r->stage.script;
    struct komet_file file = {.section_size = 1, .data = r->data, .time = file_time};
    file.ioa = ioa_of(r);
    file.name = name_of(r);
    while (script_peek(script) != NULL) {
        if (script_take(script, "length")) {
            file.length = (uint32_t)script_number(script, DATA_SIZE);
            file.section_size = file.length > 0 ? file.length : 1;
        } else if (script_take(script, "section")) {
            file.section_size = (uint32_t)script_number(script, DATA_SIZE);
        } else if (script_take(script, "status")) {
            file.attributes |= (uint8_t)script_number(script, 31);
        } else if (script_take(script, "directory")) {
            file.attributes |= KOMET_SOF_DIRECTORY;
        } else {
            script_fail(script, "a file has length, section (its size), status, directory");
        }
    }
    if (r->file_count == FILES_MAX) {
        script_fail(script, "more than %d files", FILES_MAX);
    }
    r->files[r->file_count++] = file;
}

static void remove_file(struct runner *r)
{
    uint32_t ioa = ioa_of(r);
    uint16_t name = name_of(r);
    size_t kept = 0;
    for (size_t i = 0; i < r->file_count; i++) {
        if (r->files[i].ioa != ioa || r->files[i].name != name) {
            r->files[kept++] = r->files[i];
        }
    }
    r->file_count = kept;
    komet_file_sender_files(r->sender, r->files, r->file_count);
}

static bool setting(struct stage *stage)
{
    struct runner *r = stage->context;
    struct script *script = &stage->script;
    struct komet_file_settings *settings = &r->settings;
    if (script_take(script, "receiver")) {
        r->is_receiver = true;
    } else if (script_take(script, "sender")) {
        r->is_receiver = false;
    } else if (script_take(script, "oa")) {
        settings->oa = (uint8_t)script_number(script, UINT8_MAX);
    } else if (script_take(script, "connections")) {
        settings->connections = (uint8_t)script_number(script, CONNECTIONS_MAX);
    } else if (script_take(script, "segment")) {
        settings->segment_size = (uint8_t)script_number(script, UINT8_MAX);
    } else if (script_take(script, "repeats")) {
        settings->repeats = (uint8_t)script_number(script, UINT8_MAX);
    } else if (script_take(script, "length-max")) {
        settings->length_max = (uint32_t)script_number(script, UINT32_MAX);
    } else if (script_take(script, "time-limit")) {
        settings->time_limit_us = script_duration(script);
    } else if (script_take(script, "file")) {
        read_file(r);
    } else {
        return false;
    }
    return true;
}

static void begin(struct stage *stage)
{
    struct runner *r = stage->context;
    const char *fault = komet_file_settings_fault(&r->settings);
    if (fault != NULL) {
        script_fail(&stage->script, "%s", fault);
    }
    size_t size =
        r->is_receiver ? komet_file_receiver_size(&r->settings) : komet_file_sender_size(&r->settings);
    if (r->is_receiver) {
        r->receiver = komet_file_receiver_init(malloc(size), size, &r->settings);
    } else {
        r->sender = komet_file_sender_init(malloc(size), size, &r->settings);
        komet_file_sender_files(r->sender, r->files, r->file_count);
    }
    for (unsigned c = 0; c < r->settings.connections; c++) {
        connect(r, c, true);
    }
}

static bool sender_action(struct runner *r)
{
    struct script *script = &r->stage.script;
    if (script_take(script, "announce")) {
        bool refused = script_take(script, "refused");
        unsigned c = connection(r);
        uint32_t ioa = ioa_of(r);
        must(r, komet_file_sender_announce(r->sender, r->stage.now, c, ioa, name_of(r)), refused);
    } else if (script_take(script, "answer")) {
        uint32_t question = (uint32_t)script_number(script, UINT32_MAX);
        bool yes = script_take(script, "yes");
        if (!yes && !script_take(script, "no")) {
            script_fail(script, "an answer is yes or no");
        }
        komet_file_sender_answer(r->sender, r->stage.now, question, yes);
    } else if (script_take(script, "file")) {
        read_file(r);
        komet_file_sender_files(r->sender, r->files, r->file_count);
    } else if (script_take(script, "remove")) {
        remove_file(r);
    } else if (script_take(script, "abort")) {
        komet_file_sender_abort(r->sender, r->stage.now);
    } else if (script_take(script, "abort-section")) {
        komet_file_sender_abort_section(r->sender, r->stage.now);
    } else {
        return false;
    }
    return true;
}

/* "get 0 100 1" and so on; false when the next word is none of these. */
static bool want(struct runner *r)
{
    struct script *script = &r->stage.script;
    const char *word = script_peek(script);
    static const struct komet_time_tag until = {
        .minute = 59, .hour = 12, .day = 21, .day_of_week = 6, .month = 11, .year = 26};
    if (strcmp(word, "directory") != 0 && strcmp(word, "get") != 0 && strcmp(word, "query") != 0 &&
        strcmp(word, "delete") != 0) {
        return false;
    }
    script_word(script);
    bool refused = script_take(script, "refused");
    unsigned c = connection(r);
    uint32_t ioa = ioa_of(r);
    struct komet_instant now = r->stage.now;
    if (strcmp(word, "directory") == 0) {
        must(r, komet_file_receiver_directory(r->receiver, now, c, ioa), refused);
    } else if (strcmp(word, "get") == 0) {
        must(r, komet_file_receiver_get(r->receiver, now, c, ioa, name_of(r)), refused);
    } else if (strcmp(word, "delete") == 0) {
        must(r, komet_file_receiver_delete(r->receiver, now, c, ioa, name_of(r)), refused);
    } else {
        must(r, komet_file_receiver_query(r->receiver, now, c, ioa, name_of(r), &file_time, &until), refused);
    }
    return true;
}

static bool receiver_action(struct runner *r)
{
    struct script *script = &r->stage.script;
    if (script_take(script, "accept")) {
        komet_file_receiver_accept(r->receiver, r->stage.now);
    } else if (script_take(script, "decline")) {
        komet_file_receiver_decline(r->receiver, r->stage.now);
    } else if (script_take(script, "abort")) {
        komet_file_receiver_abort(r->receiver, r->stage.now);
    } else if (script_take(script, "abort-section")) {
        komet_file_receiver_abort_section(r->receiver, r->stage.now);
    } else {
        return want(r);
    }
    return true;
}

static bool action(struct stage *stage)
{
    struct runner *r = stage->context;
    struct script *script = &stage->script;
    if (script_take(script, "receive")) {
        do_receive(r);
    } else if (script_take(script, "connect")) {
        connect(r, connection(r), true);
    } else if (script_take(script, "disconnect")) {
        connect(r, connection(r), false);
    } else if (script_take(script, "block")) {
        r->blocked[connection(r)] = true;
    } else if (script_take(script, "unblock")) {
        r->blocked[connection(r)] = false;
    } else if (!(r->is_receiver ? receiver_action(r) : sender_action(r))) {
        return false;
    }
    drain(r);
    return true;
}

static bool expect_now(struct stage *stage)
{
    struct runner *r = stage->context;
    struct komet_file_counters counters =
        r->is_receiver ? komet_file_receiver_counters(r->receiver) : komet_file_sender_counters(r->sender);
    if (script_take(&stage->script, "refused")) {
        stage_expect_number(stage, "refused", counters.refused);
    } else if (script_take(&stage->script, "dropped")) {
        stage_expect_number(stage, "dropped", counters.dropped);
    } else if (script_take(&stage->script, "repeats")) {
        stage_expect_number(stage, "repeats", counters.repeats);
    } else {
        return false;
    }
    return true;
}

static bool expected(struct stage *stage, char *text)
{
    struct runner *r = stage->context;
    if (script_take(&stage->script, "send")) {
        uint8_t octets[KOMET_ASDU_SIZE_MAX];
        char words[ASDU_WORDS_TEXT_SIZE];
        unsigned c = connection(r);
        asdu_text(words, r->settings.profile, octets,
                  script_asdu(&stage->script, r->settings.profile, octets));
        snprintf(text, STAGE_TEXT_SIZE, "send %u %.*s", c, STAGE_TEXT_SIZE - 20, words);
        return true;
    }
    size_t used = 0;
    for (const char *word; (word = script_word(&stage->script)) != NULL && used < STAGE_TEXT_SIZE;) {
        used += (size_t)snprintf(text + used, STAGE_TEXT_SIZE - used, "%s%s", used > 0 ? " " : "", word);
    }
    return used > 0;
}

static struct komet_instant deadline(const struct stage *stage)
{
    const struct runner *r = stage->context;
    return r->is_receiver ? komet_file_receiver_deadline(r->receiver) : komet_file_sender_deadline(r->sender);
}

static void tick(struct stage *stage)
{
    struct runner *r = stage->context;
    if (r->is_receiver) {
        komet_file_receiver_tick(r->receiver, stage->now);
    } else {
        komet_file_sender_tick(r->sender, stage->now);
    }
    drain(r);
}

int main(int argc, char **argv)
{
    static const struct stage_engine engine = {
        .setting = setting,
        .begin = begin,
        .action = action,
        .expect_now = expect_now,
        .expected = expected,
        .deadline = deadline,
        .tick = tick,
        .expectations = "send C ASDU, or an event",
    };
    static struct runner runner = {.stage = {.engine = &engine, .context = &runner}};
    runner.settings = komet_file_settings_standard(1);
    runner.settings.connections = 2;
    for (size_t i = 0; i < DATA_SIZE; i++) {
        runner.data[i] = (uint8_t)(i + 1);
    }
    int status = stage_run(&runner.stage, argc, argv);
    free(runner.sender);
    free(runner.receiver);
    return status;
}
