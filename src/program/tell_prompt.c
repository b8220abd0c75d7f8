/*
 * tell_prompt: see tell_prompt.h. libedit edits the line; what it reads goes through the session, so that
 * signals and the end of an idle connection are noticed between two keys.
 */
#include "program/tell_prompt.h"

#include <errno.h>
#include <histedit.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include "program/programs.h"
#include "program/tell_completion.h"
#include "program/tell_history.h"
#include "program/tell_text.h"
#include "program/tell_words.h"

#define LINE_SIZE     1024
#define WIDTH_DEFAULT 80
#define GAP           2

struct prompt {
    struct tell *tell;
    EditLine *edit;
    struct tell_history history;
    bool interrupted; /* Ctrl-C while a line was edited */
};

static struct prompt *prompt_of(EditLine *edit)
{
    struct prompt *prompt = NULL;
    el_get(edit, EL_CLIENTDATA, &prompt);
    return prompt;
}

static char *prompt_text(EditLine *edit)
{
    static char text[] = "komet> ";
    (void)edit;
    return text;
}

/* ---- keys ---- */

/* One octet from the terminal: 1, 0 at its end, or -1 and errno EINTR when a signal came. */
static int read_octet(struct prompt *prompt, char *octet)
{
    enum tell_end end = tell_session_wait(prompt->tell->session, STDIN_FILENO);
    if (end == TELL_END_DONE) {
        ssize_t size;
        do {
            size = read(STDIN_FILENO, octet, 1);
        } while (size < 0 && errno == EINTR);
        return (int)size;
    }
    prompt->interrupted = end == TELL_END_INTERRUPTED;
    prompt->tell->terminated = end != TELL_END_INTERRUPTED;
    errno = EINTR;
    return -1;
}

static int read_key(EditLine *edit, wchar_t *key)
{
    mbstate_t state = {0};
    for (;;) {
        char octet;
        int size = read_octet(prompt_of(edit), &octet);
        if (size <= 0) {
            return size;
        }
        size_t used = mbrtowc(key, &octet, 1, &state);
        if (used == (size_t)-1) {
            state = (mbstate_t){0}; /* no character of this locale: passed over */
        } else if (used != (size_t)-2) {
            return 1;
        }
    }
}

/* ---- completion ---- */

static void list_candidates(const struct tell_completion *completion)
{
    struct winsize size;
    size_t widest = 1, column = 0;
    for (size_t i = 0; i < completion->count; i++) {
        size_t width = strlen(completion->candidate[i]);
        widest = width > widest ? width : widest;
    }
    bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
    size_t columns = (known ? size.ws_col : WIDTH_DEFAULT) / (widest + GAP);
    putchar('\n');
    for (size_t i = 0; i < completion->count; i++) {
        bool last = ++column >= columns || i + 1 == completion->count;
        column = last ? 0 : column;
        printf("%-*s", last ? 0 : (int)(widest + GAP), completion->candidate[i]);
        fputs(last ? "\n" : "", stdout);
    }
    fputs(completion->more ? "and more\n" : "", stdout);
    fflush(stdout);
}

static unsigned char complete(EditLine *edit, wint_t key)
{
    (void)key;
    struct prompt *prompt = prompt_of(edit);
    const LineInfo *line = el_line(edit);
    struct tell_completion completion;
    char text[LINE_SIZE], grown[LINE_SIZE];
    unsigned char result = CC_REFRESH;
    if (line->cursor - line->buffer >= (ptrdiff_t)sizeof text) {
        return CC_REFRESH_BEEP;
    }
    snprintf(text, sizeof text, "%.*s", (int)(line->cursor - line->buffer), line->buffer);
    tell_completion_find(&completion, prompt->tell, text);
    size_t common = tell_completion_common(&completion), typed = strlen(completion.typed);
    bool only = completion.count == 1 && !completion.more;
    if (completion.count == 0) {
        result = CC_REFRESH_BEEP;
    } else if (common > typed || only) {
        snprintf(grown, sizeof grown, "%.*s%s", (int)common, completion.candidate[0], only ? " " : "");
        el_deletestr(edit, (int)tell_text_width(completion.typed));
        result = el_insertstr(edit, grown) == 0 ? CC_REFRESH : CC_REFRESH_BEEP;
    } else {
        list_candidates(&completion);
        result = CC_REDISPLAY;
    }
    tell_completion_free(&completion);
    return result;
}

/* ---- lines ---- */

static bool begin(struct prompt *prompt)
{
    setlocale(LC_CTYPE, "");
    prompt->edit = el_init("komet", stdin, stdout, stderr);
    if (prompt->edit == NULL) {
        tell_text_complain("there can be no prompt on this terminal; give the command on the command line");
        return false;
    }
    tell_session_hold_signals(prompt->tell->session);
    tell_history_begin(&prompt->history);
    el_set(prompt->edit, EL_CLIENTDATA, prompt);
    el_set(prompt->edit, EL_PROMPT, prompt_text);
    el_set(prompt->edit, EL_EDITOR, "emacs");
    el_set(prompt->edit, EL_HIST, history, prompt->history.history);
    el_set(prompt->edit, EL_GETCFN, read_key);
    /* Wide, because libedit never frees its copies of narrow ones. */
    el_wset(prompt->edit, EL_ADDFN, L"komet-complete", L"completes a word of a command", complete);
    el_set(prompt->edit, EL_BIND, "^I", "komet-complete", NULL);
    el_source(prompt->edit, NULL); /* the user's own keys */
    return true;
}

/* False: the prompt ends. */
static bool run_line(struct prompt *prompt, const char *line)
{
    struct tell_words words;
    char fault[TELL_WORDS_FAULT_SIZE];
    char *copy = strdup(line), *kept = strdup(line);
    bool on = true;
    if (copy == NULL || kept == NULL || !tell_words_cut(copy, &words, fault)) {
        tell_text_complain("%s", copy == NULL || kept == NULL ? "there is no memory" : fault);
    } else if (words.count > 0) {
        kept[strcspn(kept, "\n")] = '\0';
        tell_history_add(&prompt->history, kept);
        on = !tell_command_ends(words.word[0]);
        if (on) {
            tell_command_run(prompt->tell, words.word, words.count);
        }
    }
    free(copy);
    free(kept);
    return on && !prompt->tell->terminated && !prompt->tell->unwritable;
}

int tell_prompt_run(struct tell *tell)
{
    struct prompt prompt = {.tell = tell};
    bool on = begin(&prompt);
    if (!on) {
        return TELL_FAILED;
    }
    puts("komet tell " KOMET_VERSION ": HELP lists the commands, TAB completes, quit ends");
    while (on) {
        int size;
        el_resize(prompt.edit);               /* the terminal may have changed its size meanwhile */
        el_set(prompt.edit, EL_PREP_TERM, 1); /* before the prompt shows: keys may come at once */
        const char *line = el_gets(prompt.edit, &size);
        if (line != NULL && size > 0) {
            on = run_line(&prompt, line);
        } else {
            putchar('\n');
            on = prompt.interrupted && !tell->terminated;
            prompt.interrupted = false;
        }
    }
    fflush(stdout);
    el_end(prompt.edit);
    tell_history_end(&prompt.history);
    return TELL_DONE;
}
