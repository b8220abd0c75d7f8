/* The journal on a real disk: what is stored when, what cannot be opened, and what happens when the disk
 * takes no more. What is read back is journal_read_test's. */
#include "journal_harness.h"

#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- storing ---- */

static void test_a_record_is_stored_when_it_is_committed(void **state)
{
    struct world *world = *state;
    world_open(world);
    world_commit(world); /* nothing was put in */
    world_next_ticket(world);
    world_put_event(world, "M.P", 1, 1000);
    for (int i = 0; i < 5; i++) {
        uv_run(&world->loop, UV_RUN_ONCE);
    }
    assert_int_equal(world->stored_count, 0);
    assert_int_equal(world_ask_file(world, "SELECT count(*) FROM events"), 0);
    world_commit_and_wait(world);
    assert_int_equal(world->stored, 1);
    assert_int_equal(world_ask_file(world, "SELECT count(*) FROM events"), 1);
}

static void test_closing_writes_what_was_committed(void **state)
{
    struct world *world = *state;
    world_open(world);
    world_next_ticket(world);
    world_put_event(world, "M.P", 1, 1000);
    world_commit(world);
    world_next_ticket(world);
    world_put_event(world, "M.P", 2, 2000); /* staged only */
    world_close(world);
    assert_int_equal(world->stored_count, 0); /* nobody is there any more to be told */
    assert_int_equal(world_ask_file(world, "SELECT count(*) FROM events"), 1);
    journal_close(NULL);
}

/* Groups of many sizes, committed a few at a time: whenever one looks, whole groups are there, and all that
 * was told. Group n has n mod 7 + 1 events. */
static unsigned group_size(uint64_t group)
{
    return (unsigned)(group % 7) + 1;
}

static uint64_t events_up_to(uint64_t group)
{
    uint64_t events = 0;
    for (uint64_t i = 1; i <= group; i++) {
        events += group_size(i);
    }
    return events;
}

static void put_group(struct world *world)
{
    world_next_ticket(world);
    for (unsigned i = 0; i < group_size(world->ticket); i++) {
        world_put_event(world, "M.P", (double)world->ticket, 1000);
    }
}

/* Returns how many groups the file has; fails when one of them is not whole. */
static uint64_t whole_groups(const struct world *world)
{
    uint64_t both = (uint64_t)world_ask_file(
        world, "SELECT CAST(coalesce(max(number), 0) AS INTEGER) << 32 | count(*) FROM events");
    assert_int_equal(events_up_to(both >> 32), both & 0xFFFFFFFF);
    return both >> 32;
}

/* One more group goes in, as fast as the disk takes them. */
static void store_group(struct world *world)
{
    put_group(world);
    world_commit(world);
    uv_run(&world->loop, world->ticket - world->stored > 1000 ? UV_RUN_ONCE : UV_RUN_NOWAIT);
}

static void test_a_group_is_never_split(void **state)
{
    struct world *world = *state;
    world_open(world);
    struct test_random random = {1};
    for (int round = 0; round < 400; round++) {
        for (uint32_t i = 0; i <= test_random_below(&random, 5); i++) {
            put_group(world);
        }
        world_commit(world);
        if (test_random_below(&random, 4) == 0) {
            uv_run(&world->loop, UV_RUN_NOWAIT);
            uint64_t told = world->stored;
            assert_true(whole_groups(world) >= told);
        }
    }
    world_run_until(world, world_all_stored);
    assert_int_equal(whole_groups(world), world->ticket);
    assert_true(world->ticket > 400 && world->stored_count > 1);
}

/* RELOAD: tags in front of the others, one gone, a process gone, in the middle of a transaction. */
static void test_another_site_gives_tags_other_numbers(void **state)
{
    struct world *world = *state;
    struct harness *harness = &world->harness;
    const struct site_edit edits[] = {{"a.csv", "M.D,Di,1", "M.NEW,Ai,9,,\nM.D,Di,1"},
                                      {"a.csv", "M.U,Ai,2,,deadband=0.5\n", ""},
                                      {"site.yaml", "  OTHER.KOM:\n", "  THIRD.KOM:\n"},
                                      {NULL, NULL, NULL}};
    world_open(world);
    struct site_result before = harness->site, after = harness_read_site(harness, edits);
    size_t size = site_difference_size(before.site, after.site);
    void *memory = malloc(size);
    assert_non_null(memory);
    const struct site_difference *difference = site_difference_make(memory, size, before.site, after.site);
    world_next_ticket(world);
    world_put_event(world, "M.U", 1, 1000);
    world_put_event(world, "M.P", 1, 1000);
    world_next_ticket(world);
    struct record record = world_record(world, RECORD_SITE, "SELF.KOM");
    record.of.site.difference = difference;
    journal_append(world->journal, &record);
    harness->site = after;
    world_next_ticket(world);
    world_put_event(world, "M.P", 2, 2000);
    world_put_event(world, "M.NEW", 3, 2000);
    record = world_record(world, RECORD_EVENT, "SELF.KOM");
    record.of.event = (struct record_event){.tag = "M.U", .tag_number = RECORD_TAG_GONE, .type = TAG_AI};
    record.of.event.value.number = 4;
    journal_append(world->journal, &record);
    record = world_record(world, RECORD_GRANT, "THIRD.KOM");
    record.of.grant.epoch = 7;
    journal_append(world->journal, &record);
    world_commit_and_wait(world);
    assert_false(journal_reads_former(world->journal));
    /* The numbers of each, and whether the newest is known as such. */
#define VALUES(name)                                                                                         \
    "SELECT CAST(sum(number * 10 + (events.seq = latest.seq)) AS INTEGER) FROM events"                       \
    " JOIN tags ON tags.id = events.tag JOIN latest ON latest.tag = tags.id WHERE tags.name = '" name "'"
    assert_int_equal(world_ask_file(world, VALUES("M.P")), 10 + 20 + 1);
    assert_int_equal(world_ask_file(world, VALUES("M.NEW")), 30 + 1);
    assert_int_equal(world_ask_file(world, VALUES("M.U")), 10 + 40 + 1);
    assert_int_equal(world_ask_file(world, "SELECT epoch FROM grants JOIN processes ON processes.id = process"
                                           " WHERE name = 'THIRD.KOM'"),
                     7);
    world_close(world);
    free(memory);
    site_result_release(&before);
}

/* A process that stores groups until it is killed; what it was told is written to `out`. */
static void child(struct world *world, int out)
{
    uint64_t told = 0;
    uv_loop_fork(&world->loop);
    world->journal = world_try_open(world, world->folder);
    while (world->journal != NULL && world->failed_count == 0) {
        store_group(world);
        if (world->stored > told) {
            told = world->stored;
            if (write(out, &told, sizeof told) != sizeof told) {
                break;
            }
        }
    }
    _exit(1);
}

static void test_what_was_told_is_there_after_a_kill(void **state)
{
    struct world *world = *state;
    int ends[2];
    uint64_t told = 0, newest = 0;
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        close(ends[0]);
        child(world, ends[1]);
    }
    close(ends[1]);
    while (newest < 200 && read(ends[0], &told, sizeof told) == sizeof told) {
        newest = told;
    }
    kill(pid, SIGKILL);
    while (read(ends[0], &told, sizeof told) == sizeof told) {
        newest = told;
    }
    close(ends[0]);
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && newest >= 200);
    world_open(world); /* its lock ended with it */
    assert_true(whole_groups(world) >= newest);
}

/* ---- what cannot be opened ---- */

static void test_one_server_a_journal(void **state)
{
    struct world *world = *state;
    char expected[JOURNAL_FAULT_SIZE];
    world_open(world);
    assert_null(world_try_open(world, world->folder));
    snprintf(expected, sizeof expected,
             "another server uses the journal in %.160s; give this one its own --data", world->folder);
    assert_string_equal(world->fault, expected);
    world_reopen(world); /* and when it has ended, it is free */
}

static void test_a_folder_that_cannot_be_made(void **state)
{
    struct world *world = *state;
    char path[512], expected[JOURNAL_FAULT_SIZE];
    snprintf(path, sizeof path, "%s/not/there", world->folder);
    assert_null(world_try_open(world, path));
    snprintf(expected, sizeof expected, "%.180s cannot be made: No such file or directory", path);
    assert_string_equal(world->fault, expected);
}

static void test_a_folder_that_is_a_file(void **state)
{
    struct world *world = *state;
    char path[512], expected[JOURNAL_FAULT_SIZE];
    snprintf(path, sizeof path, "%s/journal.db", world->folder);
    close(open(path, O_CREAT | O_WRONLY, 0600));
    assert_null(world_try_open(world, path));
    snprintf(expected, sizeof expected, "%.150s/journal.lock cannot be opened: Not a directory", path);
    assert_string_equal(world->fault, expected);
}

static void test_a_file_that_is_no_journal(void **state)
{
    struct world *world = *state;
    char path[512];
    snprintf(path, sizeof path, "%s/journal.db", world->folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    for (int i = 0; i < 1000; i++) {
        fputs("this is a shopping list\n", file);
    }
    fclose(file);
    assert_null(world_try_open(world, world->folder));
    assert_non_null(
        strstr(world->fault, "/journal.db: the journal cannot be used: file is not a database; "));
    assert_non_null(strstr(world->fault, "move it away"));
}

static void test_a_journal_of_a_newer_komet(void **state)
{
    struct world *world = *state;
    world_open(world);
    world_close(world);
    world_ask_file(world, "PRAGMA user_version = 3");
    assert_null(world_try_open(world, world->folder));
    assert_non_null(strstr(world->fault, "the journal was written by a newer Komet (its version is 3)"));
    assert_int_equal(world_ask_file(world, "PRAGMA user_version"), 3); /* it stays what it is */
    world_ask_file(world, "PRAGMA user_version = 2");
    world_open(world);
}

static void test_a_journal_of_the_first_version_goes_on(void **state)
{
    struct world *world = *state;
    world_open(world);
    world_close(world);
    world_ask_file(world, "ALTER TABLE commands DROP COLUMN authenticated");
    world_ask_file(world, "ALTER TABLE commands DROP COLUMN word");
    world_ask_file(world, "PRAGMA user_version = 1");
    world_open(world);
    world_close(world);
    assert_int_equal(world_ask_file(world, "SELECT count(authenticated) FROM commands"), 0);
    assert_int_equal(world_ask_file(world, "PRAGMA user_version"), 2);
    world_open(world);
}

static bool has_failed(const struct world *world)
{
    return world->failed_count > 0;
}

/* ---- the disk takes no more ---- */

static struct rlimit no_limit;

/* Files may grow to `size` octets; SIGXFSZ is ignored, so that a write fails as on a full disk. */
static void limit_files(rlim_t size)
{
    struct rlimit limit = {.rlim_cur = size, .rlim_max = no_limit.rlim_max};
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static rlim_t wal_size(const struct world *world)
{
    char path[512];
    struct stat status;
    snprintf(path, sizeof path, "%s/journal.db-wal", world->folder);
    assert_int_equal(stat(path, &status), 0);
    return (rlim_t)status.st_size;
}

static void fill_disk(struct world *world)
{
    uint64_t end = uv_hrtime() + WORLD_PATIENCE_NS;
    limit_files(wal_size(world) + 65536);
    while (world->failed_count == 0 && uv_hrtime() < end) {
        store_group(world);
    }
}

static void test_a_full_disk(void **state)
{
    struct world *world = *state;
    getrlimit(RLIMIT_FSIZE, &no_limit);
    world_open(world);
    put_group(world);
    world_commit_and_wait(world);
    fill_disk(world);
    for (int i = 0; i < 100; i++) { /* it goes on, and nothing of it counts */
        put_group(world);
        world_commit(world);
        uv_run(&world->loop, UV_RUN_NOWAIT);
    }
    uint64_t told = world->stored;
    unsigned failed = world->failed_count;
    world_close(world);
    setrlimit(RLIMIT_FSIZE, &no_limit);
    assert_int_equal(failed, 1);
    assert_true(strlen(world->why) > 0);
    assert_null(strstr(world->why, "too slow"));
    assert_true(told >= 1 && told < world->ticket);
    world_reopen(world);
    assert_true(whole_groups(world) >= told);
    world->ticket = 1;
    world_put_event(world, "M.D", 1, 5000);
    world_commit_and_wait(world); /* and it works again */
}

static void test_a_disk_that_takes_nothing_at_the_start(void **state)
{
    struct world *world = *state;
    getrlimit(RLIMIT_FSIZE, &no_limit);
    limit_files(0);
    struct journal *journal = world_try_open(world, world->folder);
    setrlimit(RLIMIT_FSIZE, &no_limit);
    assert_null(journal);
    assert_non_null(strstr(world->fault, "the journal cannot be used: "));
    world_open(world);
}

static bool file_has_an_event(const struct world *world)
{
    return world_ask_file(world, "SELECT count(*) FROM events") > 0;
}

static void on_time(uv_timer_t *timer)
{
    (void)timer;
}

static bool timer_was_due(const struct world *world)
{
    return uv_timer_get_due_in(&world->timer) == 0;
}

/* The disk hangs (another one holds the database) until more waits than is allowed. */
static void test_a_disk_that_is_too_slow(void **state)
{
    struct world *world = *state;
    char path[512];
    sqlite3 *database = NULL;
    world_open(world);
    snprintf(path, sizeof path, "%s/journal.db", world->folder);
    assert_int_equal(sqlite3_open_v2(path, &database, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_exec(database, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    world_next_ticket(world);
    world_put_event(world, "M.D", 1, 1000);
    world_commit(world);
    world_next_ticket(world);
    for (unsigned i = 0; i <= JOURNAL_QUEUE_MAX; i++) {
        world_put_event(world, "M.P", i, 1000);
    }
    world_commit(world);
    world_run_until(world, has_failed);
    assert_non_null(strstr(world->why, "the disk is too slow"));
    assert_int_equal(world->failed_count, 1);
    assert_int_equal(world->stored_count, 0);
    assert_int_equal(sqlite3_exec(database, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(database);
    /* The first group still reaches the disk; after a failure nobody is told. */
    world_run_until(world, file_has_an_event);
    uv_timer_start(&world->timer, on_time, 100, 0);
    world_run_until(world, timer_was_due);
    assert_int_equal(world->failed_count, 1);
    assert_int_equal(world->stored_count, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_set_up, world_tear_down)

static const struct CMUnitTest tests[] = {
    TEST(test_what_was_told_is_there_after_a_kill), /* first: it forks while there is one thread */
    TEST(test_a_record_is_stored_when_it_is_committed),
    TEST(test_closing_writes_what_was_committed),
    TEST(test_a_group_is_never_split),
    TEST(test_another_site_gives_tags_other_numbers),
    TEST(test_one_server_a_journal),
    TEST(test_a_folder_that_cannot_be_made),
    TEST(test_a_folder_that_is_a_file),
    TEST(test_a_file_that_is_no_journal),
    TEST(test_a_journal_of_a_newer_komet),
    TEST(test_a_journal_of_the_first_version_goes_on),
    TEST(test_a_full_disk),
    TEST(test_a_disk_that_takes_nothing_at_the_start),
    TEST(test_a_disk_that_is_too_slow),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
