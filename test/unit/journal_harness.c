/*
 * journal_harness: see journal_harness.h.
 */
#include "journal_harness.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- the loop ---- */

static void on_stored(void *context, uint64_t ticket)
{
    struct world *world = context;
    assert_int_equal(world->failed_count, 0); /* nothing is said to be stored behind a failure */
    assert_true(ticket >= world->stored && ticket <= world->ticket);
    world->stored = ticket;
    world->stored_count++;
}

static void on_failed(void *context, const char *why)
{
    struct world *world = context;
    world->failed_count++;
    snprintf(world->why, sizeof world->why, "%s", why);
}

static void on_timer(uv_timer_t *timer)
{
    (void)timer;
}

void world_run_until(struct world *world, bool (*condition)(const struct world *))
{
    uint64_t end = uv_hrtime() + WORLD_PATIENCE_NS;
    while (!condition(world)) {
        assert_true(uv_hrtime() < end);
        uv_run(&world->loop, UV_RUN_ONCE);
    }
}

bool world_all_stored(const struct world *world)
{
    return world->stored == world->ticket;
}

int world_set_up(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    const char *temporary = getenv("TMPDIR");
    assert_non_null(world);
    snprintf(world->folder, sizeof world->folder, "%s/komet-journal-XXXXXX",
             temporary != NULL ? temporary : P_tmpdir);
    assert_non_null(mkdtemp(world->folder));
    harness_begin(&world->harness, "600 ms");
    assert_int_equal(uv_loop_init(&world->loop), 0);
    uv_timer_init(&world->loop, &world->timer);
    uv_timer_start(&world->timer, on_timer, 20, 20);
    *state = world;
    return 0;
}

void world_close(struct world *world)
{
    journal_close(world->journal);
    world->journal = NULL;
    uv_timer_stop(&world->timer);
    uv_run(&world->loop, UV_RUN_DEFAULT); /* until it is idle */
    uv_timer_start(&world->timer, on_timer, 20, 20);
}

static void remove_file(const struct world *world, const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", world->folder, name);
    unlink(path);
}

int world_tear_down(void **state)
{
    struct world *world = *state;
    world_close(world);
    uv_close((uv_handle_t *)&world->timer, NULL);
    uv_run(&world->loop, UV_RUN_DEFAULT);
    int busy = uv_loop_close(&world->loop);
    static const char *const names[] = {"journal.db", "journal.db-wal", "journal.db-shm", "journal.lock"};
    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++) {
        remove_file(world, names[i]);
    }
    int left = rmdir(world->folder);
    harness_end(&world->harness);
    free(world);
    return busy != 0 || left != 0 ? -1 : 0;
}

struct journal *world_try_open(struct world *world, const char *folder)
{
    world->fault[0] = '\0';
    return journal_open(&world->loop, folder, world->harness.site.site, on_stored, on_failed, world,
                        world->fault);
}

void world_open(struct world *world)
{
    world->journal = world_try_open(world, world->folder);
    if (world->journal == NULL) {
        fail_msg("%s", world->fault);
    }
}

void world_reopen(struct world *world)
{
    world_close(world);
    world->ticket = world->stored = world->stored_count = world->failed_count = 0;
    world_open(world);
}

/* ---- what goes in and is there ---- */

struct record world_record(struct world *world, enum record_kind kind, const char *process)
{
    const struct process *of = harness_process(&world->harness, process);
    return (struct record){.kind = kind, .ticket = world->ticket, .process = of->name, .instance = 1};
}

void world_put_event(struct world *world, const char *name, double number, int64_t ms)
{
    const struct tag *tag = harness_tag(&world->harness, name);
    struct record given = world_record(world, RECORD_EVENT, "SELF.KOM");
    given.of.event = (struct record_event){.tag = tag->name,
                                           .tag_number = tag_site_number(tag),
                                           .type = tag->type,
                                           .value = {.number = number,
                                                     .status = STATUS_VALID,
                                                     .cot = KOMET_COT_SPONTANEOUS,
                                                     .asdu_type = KOMET_M_ME_TF_1,
                                                     .time = {ms},
                                                     .arrived = {ms + 10}},
                                           .epoch = 3,
                                           .connection = 1,
                                           .frame = 1,
                                           .octets_size = sizeof number};
    memcpy(given.of.event.octets, &number, sizeof number);
    journal_append(world->journal, &given);
}

void world_next_ticket(struct world *world)
{
    world->ticket++;
}

void world_commit(struct world *world)
{
    journal_commit(world->journal);
}

void world_commit_and_wait(struct world *world)
{
    world_commit(world);
    world_run_until(world, world_all_stored);
}

int64_t world_ask_file(const struct world *world, const char *text)
{
    char path[512];
    sqlite3 *database = NULL;
    sqlite3_stmt *statement = NULL;
    snprintf(path, sizeof path, "%s/journal.db", world->folder);
    assert_int_equal(sqlite3_open_v2(path, &database, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    sqlite3_busy_timeout(database, 10000);
    assert_int_equal(sqlite3_prepare_v2(database, text, -1, &statement, NULL), SQLITE_OK);
    int result = sqlite3_step(statement);
    int64_t value = result == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
    assert_true(result == SQLITE_ROW || result == SQLITE_DONE);
    sqlite3_finalize(statement);
    sqlite3_close(database);
    return value;
}
