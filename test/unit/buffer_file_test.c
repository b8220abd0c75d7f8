/* An instance's own buffer on a real disk: what is there after an end of any kind, and what becomes of files
 * that are cut short, damaged, or none of ours. */
#include "support.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shell/buffer_file.h"

#define MIB (UINT64_C(1) << 20)

struct world {
    char folder[256];
    struct buffer_file *file;
    char fault[BUFFER_FAULT_SIZE];
};

/* In place of the system's own: what is synced, and a disk that fails. */
static unsigned syncs;
static bool sync_fails;

int fdatasync(int file)
{
    syncs++;
    if (sync_fails) {
        errno = EIO;
        return -1;
    }
    return fsync(file);
}

static void open_again(struct world *world)
{
    if (world->file != NULL) {
        buffer_file_close(world->file);
    }
    world->file = buffer_file_open(world->folder, MIB, world->fault);
    assert_non_null(world->file);
}

static int set_up(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    assert_non_null(world);
    sync_fails = false;
    snprintf(world->folder, sizeof world->folder, "%s/komet-buffer-XXXXXX",
             getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp");
    assert_non_null(mkdtemp(world->folder));
    open_again(world);
    *state = world;
    return 0;
}

static unsigned each_file(const struct world *world, bool delete, char *newest)
{
    unsigned count = 0;
    char path[600];
    DIR *folder = opendir(world->folder);
    assert_non_null(folder);
    struct dirent *entry;
    while ((entry = readdir(folder)) != NULL) {
        size_t size = strlen(entry->d_name);
        snprintf(path, sizeof path, "%s/%s", world->folder, entry->d_name);
        if (size > 7 && strcmp(entry->d_name + size - 7, ".buffer") == 0) {
            count++;
            if (newest != NULL && strcmp(newest, path) < 0) {
                snprintf(newest, 600, "%s", path);
            }
        }
        if (delete &&entry->d_name[0] != '.') {
            unlink(path);
        }
    }
    closedir(folder);
    return count;
}

static int tear_down(void **state)
{
    struct world *world = *state;
    buffer_file_close(world->file);
    each_file(world, true, NULL);
    rmdir(world->folder);
    free(world);
    return 0;
}

static void keep(struct world *world, const char *text)
{
    assert_true(buffer_file_append(world->file, (const uint8_t *)text, strlen(text), 2, world->fault));
    assert_true(buffer_file_sync(world->file, world->fault));
}

static void assert_next(struct world *world, uint64_t after, uint64_t number, const char *text)
{
    uint64_t found;
    size_t size;
    const uint8_t *octets = buffer_file_read(world->file, after, &found, &size);
    if (text == NULL) {
        assert_null(octets);
        return;
    }
    assert_non_null(octets);
    assert_int_equal(found, number);
    assert_int_equal(size, strlen(text));
    assert_memory_equal(octets, text, size);
}

static void newest_path(const struct world *world, char *path)
{
    path[0] = '\0';
    assert_true(each_file(world, false, path) > 0);
}

static off_t size_of(const char *path)
{
    struct stat about;
    assert_int_equal(stat(path, &about), 0);
    return about.st_size;
}

static void spoil(const char *path, off_t at)
{
    uint8_t octet;
    int file = open(path, O_RDWR);
    assert_true(file >= 0);
    assert_int_equal(pread(file, &octet, 1, at), 1);
    octet ^= 0x10;
    assert_int_equal(pwrite(file, &octet, 1, at), 1);
    close(file);
}

static void test_what_is_kept_is_read_in_order(void **state)
{
    struct world *world = *state;
    assert_next(world, 0, 0, NULL);
    keep(world, "one");
    keep(world, "two");
    assert_next(world, 0, 1, "one");
    assert_next(world, 0, 1, "one"); /* until it is forgotten */
    assert_next(world, 1, 2, "two");
    assert_next(world, 2, 0, NULL);
    keep(world, "three");
    assert_next(world, 2, 3, "three");
}

static void test_it_is_there_for_the_next_run(void **state)
{
    struct world *world = *state;
    uint64_t number = buffer_file_number(world->file);
    assert_true(number != 0);
    keep(world, "one");
    open_again(world);
    assert_string_equal(world->fault, "");
    assert_int_equal(buffer_file_number(world->file), number);
    keep(world, "two");
    assert_next(world, 0, 1, "one");
    assert_next(world, 1, 2, "two");
    assert_int_equal(buffer_file_book(world->file)->segments[0].values, 2);
}

/* Whoever reads the buffer counts by its numbers, and the server knows it by them. */
static void test_numbers_go_on_after_an_error(void **state)
{
    struct world *world = *state;
    uint64_t number = buffer_file_number(world->file);
    keep(world, "one");
    keep(world, "two");
    buffer_file_forget(world->file, 2);
    assert_true(buffer_file_open_again(world->file, world->fault));
    assert_int_equal(buffer_file_number(world->file), number);
    keep(world, "three");
    assert_next(world, 2, 3, "three");
}

/* It was said that it is not kept, so that the station sends it again. */
static void test_what_was_not_synced_is_not_there_after_an_error(void **state)
{
    struct world *world = *state;
    keep(world, "one");
    assert_true(buffer_file_append(world->file, (const uint8_t *)"two", 3, 2, world->fault));
    assert_true(buffer_file_open_again(world->file, world->fault));
    assert_next(world, 0, 1, "one");
    assert_next(world, 1, 0, NULL);
    keep(world, "three");
    assert_next(world, 1, 3, "three");
    open_again(world);
    assert_string_equal(world->fault, "");
    assert_next(world, 0, 1, "one");
    assert_next(world, 1, 3, "three");
}

/* A run that was killed before it had synced: what it wrote may be forwarded once it is on the disk. */
static void test_what_is_found_is_synced_before_it_is_used(void **state)
{
    struct world *world = *state;
    assert_true(buffer_file_append(world->file, (const uint8_t *)"one", 3, 2, world->fault));
    syncs = 0;
    open_again(world);
    assert_int_equal(syncs, 1);
    assert_next(world, 0, 1, "one");
    buffer_file_close(world->file);
    sync_fails = true;
    world->file = buffer_file_open(world->folder, MIB, world->fault);
    assert_null(world->file);
    assert_non_null(strstr(world->fault, strerror(EIO)));
    sync_fails = false;
    open_again(world);
    assert_next(world, 0, 1, "one");
}

static void test_a_sync_that_fails(void **state)
{
    struct world *world = *state;
    keep(world, "one");
    assert_true(buffer_file_append(world->file, (const uint8_t *)"two", 3, 2, world->fault));
    sync_fails = true;
    assert_false(buffer_file_sync(world->file, world->fault));
    assert_false(buffer_file_open_again(world->file, world->fault));
    assert_next(world, 0, 0, NULL);
    sync_fails = false;
    assert_true(buffer_file_open_again(world->file, world->fault));
    assert_next(world, 0, 1, "one");
    assert_next(world, 1, 0, NULL);
    keep(world, "three");
    assert_next(world, 1, 3, "three");
}

static void test_it_is_opened_again_when_its_folder_is_back(void **state)
{
    struct world *world = *state;
    char away[300];
    snprintf(away, sizeof away, "%s-away", world->folder);
    keep(world, "one");
    assert_int_equal(rename(world->folder, away), 0);
    int file = open(world->folder, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(file >= 0);
    close(file);
    assert_false(buffer_file_open_again(world->file, world->fault));
    assert_non_null(strstr(world->fault, world->folder));
    assert_next(world, 0, 0, NULL);
    buffer_file_forget(world->file, 1);
    assert_int_equal(unlink(world->folder), 0);
    assert_int_equal(rename(away, world->folder), 0);
    assert_true(buffer_file_open_again(world->file, world->fault));
    assert_next(world, 0, 1, "one");
}

static void test_what_the_server_has_is_deleted(void **state)
{
    struct world *world = *state;
    keep(world, "one");
    keep(world, "two");
    buffer_file_forget(world->file, 1);
    assert_int_equal(each_file(world, false, NULL), 1);
    buffer_file_forget(world->file, 2);
    assert_int_equal(each_file(world, false, NULL), 0);
    keep(world, "three");
    assert_next(world, 2, 3, "three");
    uint64_t number = buffer_file_number(world->file);
    buffer_file_forget(world->file, 3);
    open_again(world);
    assert_true(buffer_file_number(world->file) != number); /* its records begin with 1 again */
}

static void test_it_is_bounded(void **state)
{
    struct world *world = *state;
    static uint8_t octets[50000];
    for (unsigned i = 0; i < 60; i++) {
        octets[0] = (uint8_t)i;
        assert_true(buffer_file_append(world->file, octets, sizeof octets, 10, world->fault));
    }
    const struct buffer_book *book = buffer_file_book(world->file);
    assert_true(book->octets <= MIB);
    assert_int_equal(book->dropped, 10 * (60 - book->count));
    uint64_t number;
    size_t size;
    const uint8_t *oldest = buffer_file_read(world->file, 0, &number, &size);
    assert_int_equal(number, 61 - book->count);
    assert_int_equal(oldest[0], 60 - book->count);
    off_t total = 0;
    DIR *folder = opendir(world->folder);
    struct dirent *entry;
    while ((entry = readdir(folder)) != NULL) {
        char path[600];
        snprintf(path, sizeof path, "%s/%s", world->folder, entry->d_name);
        total += entry->d_name[0] != '.' ? size_of(path) : 0;
    }
    closedir(folder);
    assert_true((uint64_t)total == book->octets);
}

/* Cut short at every octet: the whole records before stay, and new ones go on behind them. */
static void test_a_torn_end_is_cut_off(void **state)
{
    struct world *world = *state;
    char path[600];
    keep(world, "one");
    newest_path(world, path);
    off_t whole = size_of(path);
    keep(world, "two");
    for (off_t size = size_of(path) - 1; size > whole; size--) {
        assert_int_equal(truncate(path, size), 0);
        open_again(world);
        assert_non_null(strstr(world->fault, "were cut off"));
        assert_int_equal(size_of(path), whole);
        assert_next(world, 0, 1, "one");
        assert_next(world, 1, 0, NULL);
    }
    keep(world, "again");
    assert_next(world, 1, 2, "again");
    open_again(world);
    assert_next(world, 1, 2, "again");
}

static void test_a_file_of_which_only_the_head_was_written(void **state)
{
    struct world *world = *state;
    char path[600];
    keep(world, "one");
    newest_path(world, path);
    assert_int_equal(truncate(path, 40), 0);
    open_again(world);
    assert_int_equal(each_file(world, false, NULL), 0);
    keep(world, "two");
    assert_next(world, 0, 1, "two");
}

/* A head that is half there says nothing of what it is. */
static void test_a_torn_head_is_put_aside(void **state)
{
    struct world *world = *state;
    char path[600];
    keep(world, "one");
    newest_path(world, path);
    assert_int_equal(truncate(path, 17), 0);
    open_again(world);
    assert_non_null(strstr(world->fault, "cannot be used"));
    assert_next(world, 0, 0, NULL);
}

/* One bit anywhere in a record: it and what is behind it in its file are not used, what is in other files is.
 */
static void test_a_damaged_record(void **state)
{
    struct world *world = *state;
    char first[600], second[600];
    keep(world, "one");
    newest_path(world, first);
    off_t whole = size_of(first);
    keep(world, "two");
    keep(world, "three");
    open_again(world); /* so that another file begins */
    keep(world, "four");
    newest_path(world, second);
    assert_string_not_equal(first, second);
    spoil(first, whole + 21);
    open_again(world);
    assert_non_null(strstr(world->fault, "were cut off"));
    assert_next(world, 0, 1, "one");
    assert_next(world, 1, 4, "four");
    assert_next(world, 4, 0, NULL);
}

static void test_damage_while_it_is_open(void **state)
{
    struct world *world = *state;
    char path[600];
    keep(world, "one");
    newest_path(world, path);
    spoil(path, 61);
    assert_next(world, 0, 0, NULL);
}

static void test_one_instance_a_folder(void **state)
{
    struct world *world = *state;
    char fault[BUFFER_FAULT_SIZE];
    assert_null(buffer_file_open(world->folder, MIB, fault));
    assert_non_null(strstr(fault, "another instance uses this buffer"));
}

static void test_a_folder_that_cannot_be_made(void **state)
{
    (void)state;
    char fault[BUFFER_FAULT_SIZE];
    assert_null(buffer_file_open("/proc/komet/buffer", MIB, fault));
    assert_non_null(strstr(fault, "/proc/komet/buffer"));
}

static void test_another_buffer_s_file_is_put_aside(void **state)
{
    struct world *world = *state;
    char path[600], moved[640];
    keep(world, "one");
    newest_path(world, path);
    snprintf(moved, sizeof moved, "%s/0000000000000000.buffer", world->folder);
    assert_int_equal(rename(path, moved), 0);
    buffer_file_close(world->file);
    /* A second buffer in the same folder, by hand. */
    spoil(moved, 0);
    world->file = buffer_file_open(world->folder, MIB, world->fault);
    assert_non_null(world->file);
    assert_non_null(strstr(world->fault, "0000000000000000.buffer.bad"));
    assert_next(world, 0, 0, NULL);
    snprintf(moved, sizeof moved, "%s/0000000000000000.buffer.bad", world->folder);
    assert_int_equal(unlink(moved), 0);
}

static void test_a_disk_that_takes_no_more(void **state)
{
    (void)state;
    char fault[BUFFER_FAULT_SIZE];
    struct buffer_file *file = buffer_file_open("/dev/full", MIB, fault);
    assert_null(file); /* no folder */
    assert_non_null(strstr(fault, "/dev/full"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_what_is_kept_is_read_in_order),
        TEST(test_it_is_there_for_the_next_run),
        TEST(test_numbers_go_on_after_an_error),
        TEST(test_what_was_not_synced_is_not_there_after_an_error),
        TEST(test_what_is_found_is_synced_before_it_is_used),
        TEST(test_a_sync_that_fails),
        TEST(test_it_is_opened_again_when_its_folder_is_back),
        TEST(test_what_the_server_has_is_deleted),
        TEST(test_it_is_bounded),
        TEST(test_a_torn_end_is_cut_off),
        TEST(test_a_file_of_which_only_the_head_was_written),
        TEST(test_a_torn_head_is_put_aside),
        TEST(test_a_damaged_record),
        TEST(test_damage_while_it_is_open),
        TEST(test_one_instance_a_folder),
        cmocka_unit_test(test_a_folder_that_cannot_be_made),
        TEST(test_another_buffer_s_file_is_put_aside),
        cmocka_unit_test(test_a_disk_that_takes_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
