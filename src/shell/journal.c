/*
 * journal: the threads around the journal's file. See journal.h.
 *
 * The queue is two arrays: the loop fills one while the journal's thread writes the other, so a transaction
 * always takes everything that came while the one before it was being synced. That is the group commit. What
 * the loop puts in is staged first, and passed on only by journal_commit: so the records of one ticket never
 * fall into two transactions, of which the first would say that the ticket is stored.
 */
#include "shell/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "komet/assert.h"
#include "shell/journal_file.h"

struct record_list {
    struct record *records;
    size_t count, capacity;
};

struct journal {
    uv_loop_t *loop;
    const struct site *site;
    char directory[512];
    int lock;
    journal_stored *stored;
    journal_failed *failed;
    void *context;
    struct journal_file file; /* the thread's, while it runs */
    sqlite3 *reader;
    uv_thread_t thread;
    uv_async_t wake_loop;
    unsigned open_queries, former_queries; /* former: of a site before `site` */
    bool closing, loop_handle_closed, failure_told;
    struct record_list staged; /* the loop's: put in and not committed */

    uv_mutex_t mutex; /* guards what follows */
    uv_cond_t wake_thread;
    struct record_list filling;
    bool stop, broken;
    uint64_t stored_ticket;
    char why[JOURNAL_FAULT_SIZE];
};

struct read_request {
    uv_work_t work;
    struct journal *journal;
    const struct site *site;
    struct journal_query query;
    journal_page_read *read;
    void *context;
    struct journal_rows rows;
};

/* ---- the journal's thread ---- */

static void write_loop(void *argument)
{
    struct journal *journal = argument;
    struct record_list writing = {0};
    uv_mutex_lock(&journal->mutex);
    for (;;) {
        while (journal->filling.count == 0 && !journal->stop) {
            uv_cond_wait(&journal->wake_thread, &journal->mutex);
        }
        if (journal->filling.count == 0 || journal->broken) {
            break;
        }
        struct record_list taken = journal->filling;
        journal->filling = writing;
        journal->filling.count = 0;
        uv_mutex_unlock(&journal->mutex);
        const char *why = journal_file_write(&journal->file, taken.records, taken.count);
        uv_mutex_lock(&journal->mutex);
        if (why != NULL) {
            journal->broken = true;
            snprintf(journal->why, sizeof journal->why, "%s", why);
        } else {
            journal->stored_ticket = taken.records[taken.count - 1].ticket;
        }
        writing = taken;
        uv_async_send(&journal->wake_loop);
    }
    uv_mutex_unlock(&journal->mutex);
    free(writing.records);
}

/* ---- the loop's thread ---- */

static void free_when_done(struct journal *journal)
{
    if (!journal->closing || !journal->loop_handle_closed || journal->open_queries > 0) {
        return;
    }
    sqlite3_close(journal->reader);
    uv_mutex_destroy(&journal->mutex);
    uv_cond_destroy(&journal->wake_thread);
    free(journal->filling.records);
    free(journal->staged.records);
    free(journal);
}

static void on_wake(uv_async_t *async)
{
    struct journal *journal = async->data;
    uv_mutex_lock(&journal->mutex);
    uint64_t ticket = journal->stored_ticket;
    bool broken = journal->broken && !journal->failure_told;
    uv_mutex_unlock(&journal->mutex);
    if (journal->closing) {
        return;
    }
    if (ticket > 0 && !journal->failure_told) {
        journal->stored(journal->context, ticket);
    }
    if (broken) {
        journal->failure_told = true;
        journal->failed(journal->context, journal->why);
    }
}

static int lock_directory(const char *directory, char *fault)
{
    char path[1024];
    if (mkdir(directory, 0777) != 0 && errno != EEXIST) {
        snprintf(fault, JOURNAL_FAULT_SIZE, "%.180s cannot be made: %s", directory, strerror(errno));
        return -1;
    }
    snprintf(path, sizeof path, "%s/journal.lock", directory);
    int lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (lock < 0) {
        snprintf(fault, JOURNAL_FAULT_SIZE, "%.180s cannot be opened: %s", path, strerror(errno));
        return -1;
    }
    if (flock(lock, LOCK_EX | LOCK_NB) != 0) {
        snprintf(fault, JOURNAL_FAULT_SIZE,
                 "another server uses the journal in %.160s; give this one its own --data", directory);
        close(lock);
        return -1;
    }
    return lock;
}

struct journal *journal_open(uv_loop_t *loop, const char *directory, const struct site *site,
                             journal_stored *stored, journal_failed *failed, void *context, char *fault)
{
    int lock = lock_directory(directory, fault);
    if (lock < 0) {
        return NULL;
    }
    struct journal *journal = calloc(1, sizeof *journal);
    KOMET_ASSERT(journal != NULL);
    *journal = (struct journal){
        .loop = loop, .site = site, .lock = lock, .stored = stored, .failed = failed, .context = context};
    snprintf(journal->directory, sizeof journal->directory, "%s", directory);
    bool opened = journal_file_open(&journal->file, directory, site, fault);
    if (!opened) {
        char why[JOURNAL_FAULT_SIZE];
        snprintf(why, sizeof why, "%s", fault);
        snprintf(
            fault, JOURNAL_FAULT_SIZE,
            "%.80s/journal.db: %.90s; see to the disk's room and rights, or move it away for a new journal",
            directory, why);
    }
    journal->reader = opened ? journal_reader_open(directory, fault) : NULL;
    if (journal->reader == NULL) {
        journal_file_close(&journal->file);
        close(lock);
        free(journal);
        return NULL;
    }
    int failure = uv_mutex_init(&journal->mutex);
    failure |= uv_cond_init(&journal->wake_thread);
    failure |= uv_async_init(loop, &journal->wake_loop, on_wake);
    journal->wake_loop.data = journal;
    failure |= uv_thread_create(&journal->thread, write_loop, journal);
    KOMET_ASSERT(failure == 0);
    return journal;
}

bool journal_recover(struct journal *journal, struct server *server, char *fault)
{
    return journal_file_recover(&journal->file, server, fault); /* the thread waits: nothing was put in yet */
}

static void list_reserve(struct record_list *list, size_t count)
{
    if (count > list->capacity) {
        list->capacity = count > list->capacity * 2 ? count : list->capacity * 2;
        list->records = realloc(list->records, list->capacity * sizeof list->records[0]);
        KOMET_ASSERT(list->records != NULL);
    }
}

void journal_append(struct journal *journal, const struct record *record)
{
    struct record_list *staged = &journal->staged;
    list_reserve(staged, staged->count + 1);
    staged->records[staged->count++] = *record;
    if (record->kind == RECORD_SITE) {
        journal->site = difference_after(record->of.site.difference);
        journal->former_queries = journal->open_queries;
    }
}

bool journal_reads_former(const struct journal *journal)
{
    return journal->former_queries > 0;
}

/* Puts what is staged behind what waits; the mutex is held. */
static void pass_on(struct journal *journal)
{
    struct record_list *staged = &journal->staged, *filling = &journal->filling;
    if (filling->count + staged->count > JOURNAL_QUEUE_MAX) {
        journal->broken = true;
        snprintf(journal->why, sizeof journal->why, "the disk is too slow: %zu records wait",
                 filling->count + staged->count);
        uv_async_send(&journal->wake_loop);
        return;
    }
    if (filling->count == 0) {
        struct record_list emptied = *filling;
        *filling = *staged;
        *staged = emptied;
    } else {
        list_reserve(filling, filling->count + staged->count);
        memcpy(filling->records + filling->count, staged->records, staged->count * sizeof staged->records[0]);
        filling->count += staged->count;
    }
    uv_cond_signal(&journal->wake_thread);
}

void journal_commit(struct journal *journal)
{
    if (journal->staged.count == 0) {
        return;
    }
    uv_mutex_lock(&journal->mutex);
    if (!journal->broken) {
        pass_on(journal);
    }
    uv_mutex_unlock(&journal->mutex);
    journal->staged.count = 0;
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct journal *journal = handle->data;
    journal->loop_handle_closed = true;
    free_when_done(journal);
}

void journal_close(struct journal *journal)
{
    if (journal == NULL) {
        return;
    }
    uv_mutex_lock(&journal->mutex);
    journal->stop = true;
    uv_cond_signal(&journal->wake_thread);
    uv_mutex_unlock(&journal->mutex);
    uv_thread_join(&journal->thread);
    journal_file_close(&journal->file);
    close(journal->lock);
    journal->closing = true;
    uv_close((uv_handle_t *)&journal->wake_loop, on_handle_closed);
}

/* ---- reading ---- */

static void read_page(uv_work_t *work)
{
    struct read_request *request = (struct read_request *)work;
    journal_reader_page(request->journal->reader, request->site, &request->query, &request->rows);
}

static void on_page(uv_work_t *work, int status)
{
    struct read_request *request = (struct read_request *)work;
    struct journal *journal = request->journal;
    struct journal_rows *rows = &request->rows;
    struct journal_page page = {.fault = rows->fault,
                                .end = rows->end,
                                .after = rows->after,
                                .count = rows->count,
                                .events = rows->events,
                                .commands = rows->commands};
    if (status != 0 || journal->closing) {
        page = (struct journal_page){.fault = "the journal is being closed"};
    }
    request->read(request->context, &page);
    free(rows->events);
    free(rows->commands);
    journal->former_queries -= request->site != journal->site ? 1 : 0;
    free(request);
    journal->open_queries--;
    free_when_done(journal);
}

void journal_read(struct journal *journal, const struct journal_query *query, journal_page_read *read,
                  void *context)
{
    struct read_request *request = calloc(1, sizeof *request);
    KOMET_ASSERT(request != NULL && !journal->closing);
    request->journal = journal;
    request->site = journal->site;
    request->query = *query;
    request->read = read;
    request->context = context;
    if (query->kind == JOURNAL_EVENTS) {
        request->rows.events = calloc(JOURNAL_PAGE_ROWS, sizeof *request->rows.events);
    } else {
        request->rows.commands = calloc(JOURNAL_PAGE_ROWS, sizeof *request->rows.commands);
    }
    KOMET_ASSERT(request->rows.events != NULL || request->rows.commands != NULL);
    journal->open_queries++;
    int failure = uv_queue_work(journal->loop, &request->work, read_page, on_page);
    KOMET_ASSERT(failure == 0);
}
