/* Every engine of libkomet refuses memory that is not aligned, by an assertion and before it writes to it. */
#include "support.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "komet/komet.h"

enum { MEMORY_SIZE = 65536 };

static const struct komet_instant zero = {0};

static void begin_link(void *memory, size_t size)
{
    const struct komet_link_settings settings = komet_link_settings_standard(KOMET_CONTROLLED);
    komet_link_init(memory, size, &settings, zero);
}

static void begin_group(void *memory, size_t size)
{
    const struct komet_group_settings settings = {.link = komet_link_settings_standard(KOMET_CONTROLLED),
                                                  .connections = 1,
                                                  .buffer_size = KOMET_GROUP_BUFFER_MIN};
    komet_group_init(memory, size, &settings);
}

static void begin_station(void *memory, size_t size)
{
    static const uint16_t address = 1;
    struct komet_station_settings settings = komet_station_settings_standard();
    settings.addresses = &address;
    settings.address_count = 1;
    komet_station_init(memory, size, &settings);
}

static void begin_centre(void *memory, size_t size)
{
    const struct komet_centre_settings settings = komet_centre_settings_standard();
    komet_centre_init(memory, size, &settings);
}

static void begin_file_sender(void *memory, size_t size)
{
    const struct komet_file_settings settings = komet_file_settings_standard(1);
    komet_file_sender_init(memory, size, &settings);
}

static void begin_file_receiver(void *memory, size_t size)
{
    const struct komet_file_settings settings = komet_file_settings_standard(1);
    komet_file_receiver_init(memory, size, &settings);
}

/* How a child ends that begins an engine `offset` octets behind an aligned place. */
static int ends(void (*begin)(void *memory, size_t size), size_t offset)
{
    int status;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        static _Alignas(max_align_t) uint8_t memory[MEMORY_SIZE];
        fclose(stderr); /* an assertion's text, which is no failure here */
        begin(memory + offset, sizeof memory - offset);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void test_alignment(void **state)
{
    static void (*const begins[])(void *memory, size_t size) = {
        begin_link, begin_group, begin_station, begin_centre, begin_file_sender, begin_file_receiver};
    (void)state;
    for (size_t i = 0; i < sizeof begins / sizeof *begins; i++) {
        assert_int_equal(ends(begins[i], 0), 0);
        int status = ends(begins[i], 1);
        assert_true(WIFSIGNALED(status));
        assert_int_equal(WTERMSIG(status), SIGABRT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_alignment)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
