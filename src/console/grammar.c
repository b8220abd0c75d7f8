/*
 * grammar: see grammar.h. One function a form; each takes words from the front and says what it misses.
 */
#include "console/grammar.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "console/moment.h"
#include "console/nearest.h"
#include "komet/assert.h"
#include "model/site.h"

#define TRACE_SECONDS_MAX 86400

/* The words not yet read, and where a mistake goes. */
struct words {
    const char *const *word;
    size_t count;
    const struct command_row *row;
    char *mistake;
};

static const char *next_word(struct words *words)
{
    if (words->count == 0) {
        return NULL;
    }
    words->count--;
    return *words->word++;
}

static bool wrong(struct words *words, const char *what, const char *word)
{
    KOMET_ASSERT(words->row != NULL);
    snprintf(words->mistake, GRAMMAR_MISTAKE_SIZE, "%s '%.80s'; usage: %s", what, word, words->row->usage);
    return false;
}

static bool missing(struct words *words, const char *what)
{
    KOMET_ASSERT(words->row != NULL);
    snprintf(words->mistake, GRAMMAR_MISTAKE_SIZE, "%s: %s is missing; usage: %s", words->row->word, what,
             words->row->usage);
    return false;
}

static bool at_end(struct words *words)
{
    return words->count == 0 || wrong(words, "one word too many:", words->word[0]);
}

static bool take_name(struct words *words, const char *what, struct command *command)
{
    const char *word = next_word(words);
    if (word == NULL) {
        return missing(words, what);
    }
    if (word[0] == '\0' || strlen(word) >= sizeof command->name) {
        return wrong(words, "no name:", word);
    }
    snprintf(command->name, sizeof command->name, "%s", word);
    return true;
}

static bool parse_mask(struct words *words, struct command *command)
{
    return (words->count == 0 || take_name(words, "a mask", command)) && at_end(words);
}

/* One time: a word, or a date and a time of day in two. `end`: of a day without a time, its last instant. */
static bool take_time(struct words *words, bool end, struct komet_utc *time)
{
    struct moment moment;
    const char *word = next_word(words);
    KOMET_ASSERT(word != NULL);
    if (!moment_parse(word, &moment)) {
        snprintf(
            words->mistake, GRAMMAR_MISTAKE_SIZE,
            "'%.80s' is no time; right would be 2026-11-21, 2026-11-21 10:00 or 2026-11-21T10:00:00+01:00; "
            "usage: %s",
            word, words->row->usage);
        return false;
    }
    if (moment.day_only && words->count > 0 && !moment_looks_like(words->word[0])) {
        char both[64];
        const char *of_day = next_word(words);
        snprintf(both, sizeof both, "%s %.40s", word, of_day);
        if (!moment_parse(both, &moment)) {
            return wrong(words, "no time of day, such as 10:00:", of_day);
        }
    }
    time->ms = moment.time.ms + (end ? moment.span_ms - 1 : 0);
    return true;
}

/* [mask] [FROM [TO]]: what begins like a date is one. */
static bool parse_range(struct words *words, struct command *command)
{
    if (words->count > 0 && !moment_looks_like(words->word[0]) && !take_name(words, "a mask", command)) {
        return false;
    }
    if (words->count > 0 && !take_time(words, false, &command->from)) {
        return false;
    }
    if (words->count > 0 && !take_time(words, true, &command->to)) {
        return false;
    }
    if (komet_utc_known(command->to) && command->to.ms < command->from.ms) {
        snprintf(words->mistake, GRAMMAR_MISTAKE_SIZE, "FROM lies behind TO; usage: %s", words->row->usage);
        return false;
    }
    return at_end(words);
}

static bool parse_set(struct words *words, struct command *command)
{
    if (!take_name(words, "the tag", command)) {
        return false;
    }
    command->value = next_word(words);
    if (command->value == NULL) {
        return missing(words, "the value");
    }
    const char *flags = next_word(words);
    if (flags != NULL && !value_flags_parse(flags, &command->flags)) {
        return wrong(words, "flags are letters from A to P, such as AD, not", flags);
    }
    return at_end(words);
}

static bool parse_interrogate(struct words *words, struct command *command)
{
    if (!take_name(words, "the station or line", command)) {
        return false;
    }
    const char *word = next_word(words);
    if (word != NULL && strcasecmp(word, "COUNTERS") != 0) {
        return wrong(words, "COUNTERS or nothing stands behind the name, not", word);
    }
    command->counters = word != NULL;
    return at_end(words);
}

/* A name, and ON or OFF. */
static bool parse_switch(struct words *words, const char *what, const char *right, struct command *command)
{
    if (!take_name(words, what, command)) {
        return false;
    }
    const char *word = next_word(words);
    if (word == NULL) {
        return missing(words, "ON or OFF");
    }
    command->on = strcasecmp(word, "ON") == 0;
    if (!command->on && strcasecmp(word, "OFF") != 0) {
        return wrong(words, right, word);
    }
    return at_end(words);
}

static bool take_instance(struct words *words, const char *text, struct command *command)
{
    char *end;
    long instance = strtol(text, &end, 10);
    bool none = command->verb == VERB_SET_PREFERRED_INST;
    if (end != text && *end == '\0' && instance >= (none ? 0 : 1) && instance <= INSTANCE_MAX) {
        command->instance = (uint8_t)instance;
        return true;
    }
    return wrong(words,
                 none ? "an instance is a number from 1 to 15, or 0 for none, not"
                      : "an instance is a number from 1 to 15, not",
                 text);
}

/* An instance in one word with the name, which loses it: [2]_SELF.KOM or SELF.KOM,2. Without one *found is
 * false and `instance` stays 0. */
static bool cut_instance(struct words *words, struct command *command, bool *found)
{
    char *comma = strrchr(command->name, ',');
    char *bracket = command->name[0] == '[' ? strstr(command->name, "]_") : NULL;
    *found = comma != NULL || bracket != NULL;
    if (bracket != NULL) {
        *bracket = '\0';
        if (!take_instance(words, command->name + 1, command)) {
            return false;
        }
        memmove(command->name, bracket + 2, strlen(bracket + 2) + 1);
    } else if (comma != NULL) {
        *comma = '\0';
        return take_instance(words, comma + 1, command);
    }
    return true;
}

/* Process and instance: two words, or one. */
static bool parse_process_instance(struct words *words, struct command *command)
{
    bool found;
    if (!take_name(words, "the process", command) || !cut_instance(words, command, &found)) {
        return false;
    }
    if (!found) {
        const char *word = next_word(words);
        if (word == NULL) {
            return command->verb == VERB_STOP || missing(words, "the instance");
        }
        if (!take_instance(words, word, command)) {
            return false;
        }
    }
    return command->name[0] == '\0' ? missing(words, "the process") : at_end(words);
}

/* Every process, and nothing else, is named so. */
static bool names_process(const char *name)
{
    size_t size = strlen(name);
    return size > 4 && strcasecmp(name + size - 4, ".KOM") == 0;
}

static bool parse_show(struct words *words, struct command *command)
{
    if (!take_name(words, "the line, station, tag or process", command)) {
        return false;
    }
    const char *word = next_word(words);
    if (word == NULL && names_process(command->name)) {
        command->verb = VERB_PROCESS;
        return true;
    }
    if (word == NULL) {
        return missing(words, "PARAMETERS");
    }
    if (strcasecmp(word, "PARAMETERS") != 0) {
        return wrong(words, "PARAMETERS is what can be shown, not", word);
    }
    return at_end(words);
}

static bool parse_check(struct words *words, struct command *command)
{
    const char *word = next_word(words);
    if (word == NULL) {
        return missing(words, "DIRTY");
    }
    if (strcasecmp(word, "DIRTY") != 0) {
        bool later = strcasecmp(word, "CERTS") == 0;
        return wrong(words, later ? "not built yet:" : "DIRTY is what can be checked, not", word);
    }
    return parse_mask(words, command);
}

/* The word at hand is `keyword`: it is taken. */
static bool take_keyword(struct words *words, const char *keyword)
{
    bool taken = words->count > 0 && strcasecmp(words->word[0], keyword) == 0;
    if (taken) {
        next_word(words);
    }
    return taken;
}

static bool take_seconds(struct words *words, struct command *command)
{
    const char *word = next_word(words);
    if (word == NULL) {
        return missing(words, "the number of seconds");
    }
    char *end;
    long seconds = strtol(word, &end, 10);
    if (end == word || *end != '\0' || seconds < 1 || seconds > TRACE_SECONDS_MAX) {
        return wrong(words, "FOR takes seconds, from 1 to 86400, not", word);
    }
    command->seconds = (uint32_t)seconds;
    return true;
}

/* line [ON|LAST|DEC|HEX|OFF] [SAVE file] [FOR seconds]. */
static bool parse_lntrace(struct words *words, struct command *command)
{
    bool one; /* without: all instances */
    if (!take_name(words, "the line", command) || !cut_instance(words, command, &one)) {
        return false;
    }
    bool last = take_keyword(words, "LAST"), on = !last && take_keyword(words, "ON");
    if (!last && !on) {
        command->trace = take_keyword(words, "DEC")   ? TRACE_MODE_DEC
                         : take_keyword(words, "HEX") ? TRACE_MODE_HEX
                         : take_keyword(words, "OFF") ? TRACE_MODE_OFF
                                                      : TRACE_MODE_DECODED;
    }
    bool decoded = command->trace == TRACE_MODE_DECODED;
    if (decoded && take_keyword(words, "SAVE")) {
        command->file = next_word(words);
        if (command->file == NULL || command->file[0] == '\0') {
            return missing(words, "the file");
        }
    }
    command->memory = !on;
    command->live = !last && (on || command->file == NULL);
    if (command->live && command->trace != TRACE_MODE_OFF && take_keyword(words, "FOR") &&
        !take_seconds(words, command)) {
        return false;
    }
    return at_end(words);
}

static bool unknown_word(const char *word, char *mistake)
{
    struct nearest nearest = {.word = word};
    for (size_t i = 0; i < command_count(); i++) {
        nearest_offer(&nearest, command_row(i)->word);
    }
    if (nearest.found != NULL) {
        snprintf(mistake, GRAMMAR_MISTAKE_SIZE, "no command '%.80s'; did you mean %s?", word, nearest.found);
    } else {
        snprintf(mistake, GRAMMAR_MISTAKE_SIZE, "no command '%.80s'; HELP lists them", word);
    }
    return false;
}

static bool parse_help(struct words *words, struct command *command)
{
    if (!parse_mask(words, command)) {
        return false;
    }
    if (command->name[0] != '\0' && strpbrk(command->name, "*?") == NULL &&
        command_find(command->name) == NULL) {
        return unknown_word(command->name, words->mistake);
    }
    return true;
}

/* INSTANCE SET ACTIVE is SET_ACT_INST, INSTANCE SET PREFERRED is SET_PREFERRED_INST. */
static bool take_instance_set(struct words *words)
{
    const char *set = next_word(words), *what = next_word(words);
    words->row = NULL;
    if (set != NULL && what != NULL && strcasecmp(set, "SET") == 0) {
        words->row = strcasecmp(what, "ACTIVE") == 0      ? command_find("SET_ACT_INST")
                     : strcasecmp(what, "PREFERRED") == 0 ? command_find("SET_PREFERRED_INST")
                                                          : NULL;
    }
    if (words->row == NULL) {
        snprintf(words->mistake, GRAMMAR_MISTAKE_SIZE,
                 "usage: INSTANCE SET ACTIVE process instance, or INSTANCE SET PREFERRED process instance|0");
    }
    return words->row != NULL;
}

static bool parse_rest(struct words *words, struct command *command)
{
    command->verb = words->row->verb;
    switch (command->verb) {
    case VERB_STATUS:
    case VERB_VERSION:
    case VERB_RELOAD:
        return at_end(words);
    case VERB_SERVER:
    case VERB_PROCESS:
    case VERB_LINE:
    case VERB_STATION:
    case VERB_TAG:
    case VERB_WATCH:
        return parse_mask(words, command);
    case VERB_HELP:
        return parse_help(words, command);
    case VERB_EVENTS:
    case VERB_COMMANDS:
        return parse_range(words, command);
    case VERB_SET:
        return parse_set(words, command);
    case VERB_INTERROGATE:
        return parse_interrogate(words, command);
    case VERB_CLOCK:
        return take_name(words, "the station or line", command) && at_end(words);
    case VERB_SET_ACT_INST:
    case VERB_SET_PREFERRED_INST:
    case VERB_STOP:
        return parse_process_instance(words, command);
    case VERB_ENABLE:
    case VERB_DISABLE:
        return take_name(words, "the station", command) && at_end(words);
    case VERB_SIMULATE:
        return parse_switch(words, "the station", "ON or OFF stands behind the station, not", command);
    case VERB_SET_LOAD_BAL_MODE:
        return parse_switch(words, "the process", "ON or OFF stands behind the process, not", command);
    case VERB_SHOW:
        return parse_show(words, command);
    case VERB_CHECK:
        return parse_check(words, command);
    case VERB_LNTRACE:
        return parse_lntrace(words, command);
    case VERB_NOT_BUILT:
        snprintf(words->mistake, GRAMMAR_MISTAKE_SIZE, "%s is not built yet", words->row->word);
        return false;
    }
    KOMET_ASSERT_NEVER("an unknown verb");
}

bool grammar_parse(const char *const *words, size_t count, struct command *command, char *mistake)
{
    KOMET_ASSERT(command != NULL);
    KOMET_ASSERT(mistake != NULL);
    struct words rest = {.word = words, .count = count, .mistake = mistake};
    *command = (struct command){.from = KOMET_UTC_UNKNOWN, .to = KOMET_UTC_UNKNOWN};
    mistake[0] = '\0';
    const char *word = next_word(&rest);
    if (word == NULL) {
        snprintf(mistake, GRAMMAR_MISTAKE_SIZE, "no command was given; HELP lists them");
        return false;
    }
    if (strcasecmp(word, COMMAND_INSTANCE) == 0) {
        return take_instance_set(&rest) && parse_rest(&rest, command);
    }
    rest.row = command_find(word);
    if (rest.row == NULL) {
        return unknown_word(word, mistake);
    }
    return parse_rest(&rest, command);
}
