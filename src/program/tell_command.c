/*
 * tell_command: see tell_command.h.
 */
#include "program/tell_command.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "console/commands.h"
#include "console/grammar.h"
#include "console/rows.h"
#include "komet/assert.h"
#include "model/site.h"
#include "program/tell_text.h"
#include "program/tell_trace.h"

#define HELP_OCTETS 1024 /* more than a row of HELP takes */

/* One command under way. */
struct run {
    struct tell *tell;
    struct command command;
    struct tell_output output;
    struct tell_trace *trace; /* LNTRACE */
};

static bool is_of_role(enum verb verb)
{
    return verb == VERB_SET_ACT_INST || verb == VERB_SET_PREFERRED_INST || verb == VERB_STOP;
}

/* A command that changes something and answers with its result. */
static bool is_order(enum verb verb)
{
    return verb == VERB_SET || verb == VERB_INTERROGATE || verb == VERB_CLOCK || verb == VERB_ENABLE ||
           verb == VERB_DISABLE || verb == VERB_SIMULATE || verb == VERB_SET_LOAD_BAL_MODE ||
           verb == VERB_RELOAD || is_of_role(verb);
}

/* Why the output went no further. A reader that has gone, as `head` does, wants no sentence. */
static int output_failed(struct run *run)
{
    if (run->output.fault[0] != '\0') {
        tell_text_complain("%s", run->output.fault);
        return TELL_FAILED;
    }
    if (run->output.error != EPIPE) {
        tell_text_complain("standard output cannot be written: %s", strerror(run->output.error));
    }
    run->tell->unwritable = true;
    return TELL_FAILED;
}

/* What is to be said of an order whose answer did not come, or does not say how it ended. */
static const char *unknown_end(enum verb verb)
{
    if (verb == VERB_SET) {
        return "; whether the command was carried out is not known: COMMANDS shows its end";
    }
    if (is_of_role(verb)) {
        return "; whether it was done is not known: PROCESS shows which instances run, and which is active";
    }
    return is_order(verb) ? "; whether it was done is not known" : "; the answer is not whole";
}

/* What an order goes to; RELOAD goes to nothing that has a name. */
static const char *name_of(const struct command *command)
{
    return command->verb == VERB_RELOAD ? "RELOAD" : command->name;
}

static int answer_ended(struct run *run)
{
    if (run->trace != NULL && !tell_trace_end(run->trace)) {
        return output_failed(run);
    }
    if (!tell_output_end(&run->output)) {
        return output_failed(run);
    }
    const char *outcome = tell_output_outcome(&run->output);
    enum verb verb = run->command.verb;
    if (is_order(verb) && outcome != NULL) {
        tell_text_complain("%s: %s", name_of(&run->command), outcome);
        return TELL_FAILED;
    }
    if (is_order(verb) && !run->output.done) {
        tell_text_complain("%s: the answer has no result%s", name_of(&run->command), unknown_end(verb));
        return TELL_FAILED;
    }
    if (run->output.rows == 0 && run->output.format != TELL_JSON && run->trace == NULL) {
        tell_text_complain("nothing matches");
    }
    return TELL_DONE;
}

/* ---- HELP ---- */

static int answer_help(struct run *run)
{
    for (size_t i = 0; i < command_count(); i++) {
        char text[HELP_OCTETS], *row = text;
        struct json json;
        if (!name_matches(run->command.name, command_row(i)->word)) {
            continue;
        }
        json_begin(&json, text, sizeof text);
        rows_help(&json, command_row(i));
        bool whole = json_end(&json);
        KOMET_ASSERT(whole);
        if (!tell_output_page(&run->output, &row, 1, false)) {
            return output_failed(run);
        }
    }
    return answer_ended(run);
}

/* For people the usage is enough of a heading. */
static int show_help(struct run *run)
{
    for (size_t i = 0; i < command_count(); i++) {
        const struct command_row *row = command_row(i);
        if (name_matches(run->command.name, row->word)) {
            printf("%s\n    %s%s\n", row->usage, row->sentence,
                   row->verb == VERB_NOT_BUILT ? " Not built yet." : "");
            run->output.rows++;
        }
    }
    return answer_ended(run);
}

/* ---- the server's answers ---- */

static bool take_page(void *context, const Komet__Wire__Answer *answer)
{
    struct run *run = context;
    if (answer->trace != NULL && run->trace != NULL) {
        return tell_trace_page(run->trace, answer->trace);
    }
    return tell_output_page(&run->output, answer->rows, answer->n_rows, answer->single);
}

static int question_ended(struct run *run, enum tell_end end, const char *reason)
{
    enum verb verb = run->command.verb;
    switch (end) {
    case TELL_END_DONE:
        if (run->output.fault[0] != '\0' || run->output.error != 0) {
            return output_failed(run);
        }
        return answer_ended(run);
    case TELL_END_REFUSED:
    case TELL_END_UNREACHABLE:
        tell_text_complain("%s", reason);
        return TELL_FAILED;
    case TELL_END_LOST:
        tell_text_complain("%s%s", reason, unknown_end(verb));
        return TELL_FAILED;
    case TELL_END_TERMINATED:
        run->tell->terminated = true;
        break;
    case TELL_END_INTERRUPTED:
        break;
    }
    if (verb == VERB_WATCH || (verb == VERB_LNTRACE && run->command.live)) {
        return run->trace != NULL ? answer_ended(run) : TELL_DONE;
    }
    tell_text_complain("interrupted%s", unknown_end(verb));
    return TELL_FAILED;
}

/* It goes on until it is interrupted. */
static bool is_lasting(const struct command *command)
{
    return command->verb == VERB_WATCH ||
           (command->verb == VERB_LNTRACE && command->live && command->trace != TRACE_MODE_OFF);
}

static int ask(struct run *run, const char *const *words, size_t count)
{
    char reason[TELL_REASON_SIZE];
    struct tell_question question = {.words = words,
                                     .count = count,
                                     .user = run->tell->user,
                                     .seconds = run->command.seconds,
                                     .lasting = is_lasting(&run->command),
                                     .page = take_page,
                                     .context = run};
    enum tell_end end = tell_session_ask(run->tell->session, &question, reason);
    int status = question_ended(run, end, reason);
    fflush(stdout); /* what came of an answer that is not whole */
    return status;
}

bool tell_command_ends(const char *word)
{
    return strcasecmp(word, "quit") == 0 || strcasecmp(word, "exit") == 0;
}

int tell_command_run(struct tell *tell, const char *const *words, size_t count)
{
    struct run run = {.tell = tell};
    char mistake[GRAMMAR_MISTAKE_SIZE];
    int status;
    if (!grammar_parse(words, count, &run.command, mistake)) {
        tell_text_complain("%s", mistake);
        return TELL_USAGE;
    }
    bool traces = run.command.verb == VERB_LNTRACE && run.command.trace != TRACE_MODE_OFF;
    if (traces && tell->format == TELL_CSV && run.command.file == NULL) {
        tell_text_complain("LNTRACE has no CSV: frames are not alike; right would be -o json");
        return TELL_USAGE;
    }
    bool lines = is_lasting(&run.command) || (traces && run.command.file == NULL);
    tell_output_begin(&run.output, stdout, tell->format, lines);
    run.trace = traces ? tell_trace_new(&run.command, &run.output) : NULL;
    if (run.command.verb == VERB_HELP) {
        status = tell->format == TELL_TABLE ? show_help(&run) : answer_help(&run);
    } else {
        status = ask(&run, words, count);
    }
    tell_trace_free(run.trace);
    tell_output_free(&run.output);
    return status;
}
