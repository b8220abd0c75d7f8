/*
 * tell_completion: see tell_completion.h.
 */
#include "program/tell_completion.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "console/commands.h"
#include "console/grammar.h"
#include "komet/assert.h"
#include "program/tell_json.h"
#include "program/tell_words.h"

#define LINE_SIZE 1024 /* a longer line is not completed */

/* What belongs behind the words so far. */
enum wanted {
    WANTED_NOTHING,
    WANTED_COMMAND,
    WANTED_COUNTERS,
    WANTED_PARAMETERS,
    WANTED_DIRTY,
    WANTED_SET,
    WANTED_ACTIVE,
    WANTED_SERVER,
    WANTED_PROCESS,
    WANTED_LINE,
    WANTED_STATION,
    WANTED_STATION_OR_LINE,
    WANTED_TAG,
    WANTED_OUTPUT
};

static enum wanted wanted_first(enum verb verb)
{
    switch (verb) {
    case VERB_SERVER:
        return WANTED_SERVER;
    case VERB_PROCESS:
    case VERB_SET_ACT_INST:
    case VERB_SET_PREFERRED_INST:
    case VERB_SET_LOAD_BAL_MODE:
    case VERB_STOP:
        return WANTED_PROCESS;
    case VERB_LINE:
    case VERB_LNTRACE:
        return WANTED_LINE;
    case VERB_STATION:
    case VERB_ENABLE:
    case VERB_DISABLE:
    case VERB_SIMULATE:
        return WANTED_STATION;
    case VERB_TAG:
    case VERB_WATCH:
    case VERB_EVENTS:
        return WANTED_TAG;
    case VERB_SET:
    case VERB_COMMANDS:
        return WANTED_OUTPUT;
    case VERB_INTERROGATE:
    case VERB_CLOCK:
    case VERB_SHOW:
        return WANTED_STATION_OR_LINE;
    case VERB_HELP:
        return WANTED_COMMAND;
    case VERB_CHECK:
        return WANTED_DIRTY;
    case VERB_STATUS:
    case VERB_VERSION:
    case VERB_RELOAD:
    case VERB_NOT_BUILT:
        return WANTED_NOTHING;
    }
    KOMET_ASSERT_NEVER("an unknown verb");
}

static enum wanted wanted_behind(const struct tell_words *words)
{
    static const enum wanted instance_set[] = {WANTED_SET, WANTED_ACTIVE, WANTED_PROCESS};
    if (words->count == 0) {
        return WANTED_COMMAND;
    }
    if (strcasecmp(words->word[0], COMMAND_INSTANCE) == 0) {
        return words->count <= 3 ? instance_set[words->count - 1] : WANTED_NOTHING;
    }
    const struct command_row *row = command_find(words->word[0]);
    if (row == NULL || words->count > 2) {
        return WANTED_NOTHING;
    }
    if (words->count == 1) {
        return wanted_first(row->verb);
    }
    return row->verb == VERB_SHOW          ? WANTED_PARAMETERS
           : row->verb == VERB_INTERROGATE ? WANTED_COUNTERS
           : row->verb == VERB_CHECK       ? WANTED_LINE
                                           : WANTED_NOTHING;
}

/* ---- candidates ---- */

static void offer(struct tell_completion *completion, const char *word)
{
    if (strncasecmp(word, completion->typed, strlen(completion->typed)) != 0) {
        return;
    }
    if (completion->count == TELL_CANDIDATES_MAX) {
        completion->more = true;
        return;
    }
    char *copy = strdup(word);
    KOMET_ASSERT(copy != NULL);
    completion->candidate[completion->count++] = copy;
}

static void offer_commands(struct tell_completion *completion, bool first)
{
    for (size_t i = 0; i < command_count(); i++) {
        if (command_row(i)->verb != VERB_NOT_BUILT) {
            offer(completion, command_row(i)->word);
        }
    }
    if (first) {
        offer(completion, COMMAND_INSTANCE);
        offer(completion, "quit");
        offer(completion, "exit");
    }
}

/* Names from the server, as they come. */
struct names {
    struct tell_completion *completion;
    bool outputs; /* only tags that can be set */
    size_t seen;
};

/* A name that the prompt would have to quote or to make harmless is not offered. */
static bool is_plain(const char *name)
{
    for (const char *at = name; *at != '\0'; at++) {
        unsigned char c = (unsigned char)*at;
        if (c <= ' ' || c >= 0x7F || c == '"' || c == '\'') {
            return false;
        }
    }
    return name[0] != '\0';
}

static bool is_output(const char *type)
{
    return type != NULL && (strcmp(type, "Dout") == 0 || strcmp(type, "Ao") == 0 || strcmp(type, "Co") == 0);
}

static bool take_names(void *context, const Komet__Wire__Answer *answer)
{
    struct names *names = context;
    for (size_t i = 0; i < answer->n_rows; i++) {
        struct tell_json row;
        if (!tell_json_read(answer->rows[i], &row)) {
            return false;
        }
        char *name = tell_json_string(tell_json_member(row, "name"));
        char *type = tell_json_string(tell_json_member(row, "type"));
        if (name != NULL && is_plain(name) && (!names->outputs || is_output(type))) {
            offer(names->completion, name);
        }
        free(name);
        free(type);
        names->seen++;
    }
    names->completion->more |= names->seen >= TELL_NAMES_MAX;
    return !names->completion->more;
}

static void ask_names(struct tell_completion *completion, struct tell *tell, const char *list, bool outputs)
{
    char mask[GRAMMAR_NAME_SIZE], reason[TELL_REASON_SIZE];
    const char *words[2] = {list, mask};
    struct names names = {completion, outputs, 0};
    struct tell_question question = {
        .words = words, .count = 2, .user = tell->user, .page = take_names, .context = &names};
    int size = snprintf(mask, sizeof mask, "%s*", completion->typed);
    if (size < 0 || (size_t)size >= sizeof mask || strpbrk(completion->typed, "*?") != NULL) {
        return;
    }
    if (tell_session_ask(tell->session, &question, reason) == TELL_END_TERMINATED) {
        tell->terminated = true;
    }
}

static void find(struct tell_completion *completion, struct tell *tell, enum wanted wanted, bool first)
{
    switch (wanted) {
    case WANTED_NOTHING:
        return;
    case WANTED_COMMAND:
        offer_commands(completion, first);
        return;
    case WANTED_COUNTERS:
        offer(completion, "COUNTERS");
        return;
    case WANTED_PARAMETERS:
        offer(completion, "PARAMETERS");
        return;
    case WANTED_DIRTY:
        offer(completion, "DIRTY");
        return;
    case WANTED_SET:
        offer(completion, "SET");
        return;
    case WANTED_ACTIVE:
        offer(completion, "ACTIVE");
        offer(completion, "PREFERRED");
        return;
    case WANTED_SERVER:
        ask_names(completion, tell, "SERVER", false);
        return;
    case WANTED_PROCESS:
        ask_names(completion, tell, "PROCESS", false);
        return;
    case WANTED_STATION_OR_LINE:
        ask_names(completion, tell, "STATION", false);
        ask_names(completion, tell, "LINE", false);
        return;
    case WANTED_LINE:
        ask_names(completion, tell, "LINE", false);
        return;
    case WANTED_STATION:
        ask_names(completion, tell, "STATION", false);
        return;
    case WANTED_TAG:
    case WANTED_OUTPUT:
        ask_names(completion, tell, "TAG", wanted == WANTED_OUTPUT);
        return;
    }
    KOMET_ASSERT_NEVER("something wanted that there is not");
}

void tell_completion_find(struct tell_completion *completion, struct tell *tell, const char *line)
{
    char copy[LINE_SIZE], fault[TELL_WORDS_FAULT_SIZE];
    struct tell_words words;
    const char *blank = line + strlen(line);
    while (blank > line && blank[-1] != ' ' && blank[-1] != '\t') {
        blank--;
    }
    *completion = (struct tell_completion){.typed = blank};
    if (strlen(line) >= sizeof copy || strpbrk(blank, "\"'") != NULL) {
        return;
    }
    snprintf(copy, sizeof copy, "%.*s", (int)(blank - line), line);
    if (tell_words_cut(copy, &words, fault)) {
        find(completion, tell, wanted_behind(&words), words.count == 0);
    }
}

size_t tell_completion_common(const struct tell_completion *completion)
{
    if (completion->count == 0) {
        return 0;
    }
    size_t common = strlen(completion->candidate[0]);
    for (size_t i = 1; i < completion->count; i++) {
        while (strncasecmp(completion->candidate[0], completion->candidate[i], common) != 0) {
            common--;
        }
    }
    return common;
}

void tell_completion_free(struct tell_completion *completion)
{
    for (size_t i = 0; i < completion->count; i++) {
        free(completion->candidate[i]);
    }
    completion->count = 0;
}
