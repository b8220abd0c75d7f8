/*
 * tell_history: see tell_history.h.
 */
#include "program/tell_history.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "komet/assert.h"
#include "program/tell_text.h"

/* False: the environment names no place for it. */
static bool find_path(char *path, size_t size)
{
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    int written = -1;
    if (state != NULL && state[0] == '/') {
        written = snprintf(path, size, "%s/komet/history", state);
    } else if (home != NULL && home[0] == '/') {
        written = snprintf(path, size, "%s/.local/state/komet/history", home);
    }
    return written > 0 && (size_t)written < size;
}

/* Makes the folders of a file that are not there. */
static bool make_folders(char *path)
{
    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        bool failed = mkdir(path, 0700) != 0 && errno != EEXIST;
        *slash = '/';
        if (failed) {
            return false;
        }
    }
    return true;
}

/* The file is there and only its owner may read it. */
static bool make_file(char *path)
{
    int file = make_folders(path) ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1;
    if (file < 0) {
        return false;
    }
    bool made = fchmod(file, 0600) == 0;
    close(file);
    return made;
}

void tell_history_begin(struct tell_history *kept)
{
    HistEvent event;
    kept->history = history_init();
    KOMET_ASSERT(kept->history != NULL);
    history(kept->history, &event, H_SETSIZE, TELL_HISTORY_LINES);
    history(kept->history, &event, H_SETUNIQUE, 1); /* of equal neighbours one is kept */
    if (!find_path(kept->path, sizeof kept->path)) {
        tell_text_complain("the history is not kept: neither XDG_STATE_HOME nor HOME names a folder");
        kept->path[0] = '\0';
    } else if (!make_file(kept->path)) {
        tell_text_complain("the history is not kept: %s: %s", kept->path, strerror(errno));
        kept->path[0] = '\0';
    } else {
        history(kept->history, &event, H_LOAD, kept->path); /* an empty file has none */
    }
}

void tell_history_add(struct tell_history *kept, const char *line)
{
    HistEvent event;
    history(kept->history, &event, H_ENTER, line);
    if (kept->path[0] != '\0' && history(kept->history, &event, H_SAVE, kept->path) < 0) {
        tell_text_complain("the history is not kept: %s: %s", kept->path, strerror(errno));
        kept->path[0] = '\0';
    }
}

void tell_history_end(struct tell_history *kept)
{
    history_end(kept->history);
}
