/*
 * reader: from a site's files to a site, or to all its mistakes.
 *
 * Deterministic: the same files give the same site or the same faults. It reads text that the caller
 * supplies through `site_files`, so a folder on disk, a KOM that got the text over the wire and a test
 * are served by the same reader. It allocates (one arena a site); nothing else in it touches the world.
 */
#ifndef SITE_READER_H
#define SITE_READER_H

#include <stddef.h>

#include "model/site.h"

/* One file of a site. */
struct site_file {
    const char *name; /* relative to the site's folder: "site.yaml", "north.csv" */
    const char *text; /* not necessarily ended by NUL */
    size_t size;
};

/* One mistake. */
struct site_fault {
    const char *file;  /* as in site_file */
    int line, column;  /* from 1; 0 when the whole file is meant */
    const char *what;  /* what is wrong, a sentence */
    const char *right; /* what would be right, a sentence; "" when `what` says it */
};

struct site_result {
    struct site *site;         /* NULL when there is any fault */
    struct site_fault *faults; /* sorted by file and line */
    size_t fault_count;
    struct site_fault *warnings; /* nothing wrong, but looks unintended */
    size_t warning_count;
    struct site_arena *arena; /* owns everything above */
};

/*
 * Reads a site.
 *   files, count   the first is site.yaml; borrowed for the call only
 *   only_process   NULL, or the name of the one process wanted: tag tables of other processes are not
 *                  asked for and may be missing (a KOM got only its own)
 * All mistakes are found in one go. Release the result with site_result_release in any case.
 */
struct site_result site_read(const struct site_file *files, size_t count, const char *only_process);

/* The same for one instance of that process, whose lines are then as `instances` says for it.
 *   instance   1 to 15; 0: as every instance has them
 *   not_built  protocols that this version knows and does not run are no mistake: for tests of the reader */
struct site_wanted {
    const char *process;
    unsigned instance;
    bool not_built;
};
struct site_result site_read_wanted(const struct site_file *files, size_t count,
                                    const struct site_wanted *wanted);

/* Frees the site, faults and everything they point to. */
void site_result_release(struct site_result *result);

/* A folder's files in memory. */
struct site_folder {
    struct site_file *files; /* site.yaml first, then every file it names as tags */
    size_t count;
    char fault[512];          /* not "": the folder or a file could not be read, and why */
    struct site_arena *arena; /* owns the files */
};

/* Loads DIR/site.yaml and every CSV table beside it. Check `fault`. Release in any case. */
struct site_folder site_folder_load(const char *directory);
/* The same of files that are in memory already, which are copied. */
struct site_folder site_folder_copy(const struct site_file *files, size_t count);
void site_folder_release(struct site_folder *folder);

/* The names of the files that `process` needs: writes up to `capacity` pointers into `files` (site.yaml
 * first); returns how many. Used by the server to send a KOM its part. */
size_t site_files_of_process(const struct site *site, const struct site_folder *folder,
                             const struct process *process, const struct site_file **files, size_t capacity);

#endif
