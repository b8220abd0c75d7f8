/* TLS between two ends in memory: who the other end is, octets in any pieces, and each refusal's word. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "shell/certificate.h"
#include "shell/tls.h"

#define DAY     86400
#define PATH    512
#define LARGE   (1024u * 1024)
#define PATIENT 100 /* rounds of octets; a handshake takes three */

struct world {
    char folder[PATH];
    struct certificate_authority *authority;
    struct tls_credentials *server, *kom;
};

struct pair {
    struct tls *client, *server;
};

static int64_t today(void)
{
    return (int64_t)time(NULL);
}

static void run(const char *format, const char *folder)
{
    char command[3 * PATH];
    int size = snprintf(command, sizeof command, format, folder);
    assert_true(size > 0 && (size_t)size < sizeof command);
    assert_int_equal(system(command), 0);
}

/* Makes credentials in a folder of the world's and loads them. */
static struct tls_credentials *credentials(struct world *world, const char *role, const char *name,
                                           int64_t from, int days)
{
    struct identity identity;
    char path[PATH], end[CERTIFICATE_DATE_SIZE], fault[TLS_TEXT_SIZE] = "";
    assert_true(identity_read(&identity, role, name));
    snprintf(path, sizeof path, "%.200s/%s-%s", world->folder, role, name);
    assert_true(certificate_make(world->authority, path, &identity, (struct certificate_period){from, days},
                                 end, fault));
    struct tls_credentials *loaded = tls_credentials_load(path, fault);
    assert_string_equal(fault, "");
    return loaded;
}

static struct certificate_authority *authority(const char *folder)
{
    char fault[CERTIFICATE_TEXT_SIZE];
    assert_true(certificate_make_authority(folder, "test",
                                           (struct certificate_period){today() - 1000 * DAY, 2000}, fault));
    return certificate_authority_load(folder, fault);
}

static int begin(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    strcpy(world->folder, "/tmp/komet-tls-XXXXXX");
    assert_non_null(mkdtemp(world->folder));
    world->authority = authority(world->folder);
    assert_non_null(world->authority);
    world->server = credentials(world, "server", "A", today() - DAY / 2, 100);
    world->kom = credentials(world, "kom", "SELF.KOM", today() - DAY / 2, 20);
    *state = world;
    return 0;
}

static int end(void **state)
{
    struct world *world = *state;
    tls_credentials_free(world->server);
    tls_credentials_free(world->kom);
    certificate_authority_free(world->authority);
    run("rm -r %s", world->folder);
    free(world);
    return 0;
}

/* Carries what `from` has to `to`, in pieces of `piece`; true when there was anything. */
static bool carry(struct tls *from, struct tls *to, size_t piece)
{
    uint8_t octets[4096];
    size_t size;
    bool any = false;
    while ((size = tls_output(from, octets, piece)) > 0) {
        tls_feed(to, octets, size);
        any = true;
    }
    return any;
}

static void shake_hands(struct pair *pair, const struct tls_credentials *client,
                        const struct tls_credentials *server, size_t piece)
{
    pair->client = tls_new(client, TLS_CLIENT);
    pair->server = tls_new(server, TLS_SERVER);
    for (unsigned i = 0; i < PATIENT; i++) {
        bool any = carry(pair->client, pair->server, piece);
        if (!carry(pair->server, pair->client, piece) && !any) {
            return;
        }
    }
    fail();
}

static void part(struct pair *pair)
{
    tls_free(pair->client);
    tls_free(pair->server);
}

static void assert_failed(const struct tls *tls, enum tls_fault fault, const char *part_of_sentence)
{
    const char *sentence;
    assert_string_equal(tls_fault_name(tls_failure(tls, &sentence)), tls_fault_name(fault));
    assert_non_null(strstr(sentence, part_of_sentence));
}

/* A client that is refused hears of it when it reads: in TLS 1.3 its own handshake is done by then. */
static void hear(struct tls *client)
{
    uint8_t octet;
    assert_int_equal(tls_read(client, &octet, 1), 0);
}

static void both_ends_know_each_other(void **state)
{
    struct world *world = *state;
    struct pair pair;
    shake_hands(&pair, world->kom, world->server, 4096);
    assert_true(tls_is_open(pair.client) && tls_is_open(pair.server));
    assert_string_equal(identity_text(tls_peer(pair.server)).text, "kom SELF.KOM");
    assert_string_equal(identity_text(tls_peer(pair.client)).text, "server A");
    assert_int_equal(tls_peer_days_left(pair.server), 19);
    assert_int_equal(tls_credentials_days_left(world->server), 99);
    part(&pair);
}

static void octets_arrive_in_order_in_any_pieces(void **state)
{
    struct world *world = *state;
    struct pair pair;
    struct test_random random = {7};
    uint8_t *sent = malloc(LARGE), *got = malloc(LARGE);
    for (size_t i = 0; i < LARGE; i++) {
        sent[i] = (uint8_t)test_random_next(&random);
    }
    shake_hands(&pair, world->kom, world->server, 1);
    assert_true(tls_is_open(pair.client) && tls_is_open(pair.server));
    size_t count = 0, size;
    uint8_t octets[4096];
    tls_write(pair.client, sent, LARGE);
    while ((size = tls_output(pair.client, octets, 1 + test_random_below(&random, sizeof octets))) > 0) {
        tls_feed(pair.server, octets, size);
        while ((size = tls_read(pair.server, got + count, LARGE - count)) > 0) {
            count += size;
        }
    }
    assert_int_equal(count, LARGE);
    assert_memory_equal(sent, got, LARGE);
    tls_shutdown(pair.client);
    carry(pair.client, pair.server, 4096);
    hear(pair.server);
    const char *sentence;
    assert_int_equal(tls_failure(pair.server, &sentence), TLS_OK);
    part(&pair);
    free(sent);
    free(got);
}

static void another_ca_is_refused(void **state)
{
    struct world *world = *state;
    struct world other = {.folder = ""};
    struct pair pair;
    snprintf(other.folder, sizeof other.folder, "%.100s/other", world->folder);
    run("mkdir %s", other.folder);
    other.authority = authority(other.folder);
    struct tls_credentials *foreign = credentials(&other, "server", "A", today() - DAY, 100);
    shake_hands(&pair, world->kom, foreign, 4096);
    assert_failed(pair.client, TLS_WRONG_CA, "the certificate of server A is not from this site's CA");
    assert_failed(pair.server, TLS_WRONG_CA, "does not know the CA of our certificate, of server A");
    part(&pair);
    tls_credentials_free(foreign);
    certificate_authority_free(other.authority);
}

static void times_are_kept(void **state)
{
    struct world *world = *state;
    struct pair pair;
    struct tls_credentials *late = credentials(world, "user", "late", today() - 100 * DAY, 10);
    struct tls_credentials *early = credentials(world, "user", "early", today() + DAY, 10);
    assert_true(tls_credentials_days_left(late) < 0);
    shake_hands(&pair, late, world->server, 4096);
    assert_failed(pair.server, TLS_EXPIRED, "the certificate of user late ended on 20");
    hear(pair.client);
    assert_failed(pair.client, TLS_EXPIRED, "our certificate, of user late, has expired");
    part(&pair);
    shake_hands(&pair, early, world->server, 4096);
    assert_failed(pair.server, TLS_NOT_YET_VALID, "the certificate of user early is not valid yet");
    part(&pair);
    tls_credentials_free(late);
    tls_credentials_free(early);
}

static void nobody_but_a_server_is_a_server(void **state)
{
    struct world *world = *state;
    struct pair pair;
    shake_hands(&pair, world->kom, world->kom, 4096);
    assert_failed(pair.client, TLS_WRONG_ROLE,
                  "the server shows the certificate of kom SELF.KOM; right would be that of a server");
    part(&pair);
}

static void what_is_no_tls_is_told(void **state)
{
    struct world *world = *state;
    static const uint8_t plain[] = {0, 0, 0, 12, 0x0A, 0x0A, 8, 1};
    uint8_t answer[16];
    struct tls *server = tls_new(world->server, TLS_SERVER);
    tls_feed(server, plain, sizeof plain);
    assert_failed(server, TLS_NOT_SPOKEN, "the client does not speak TLS");
    size_t size = tls_output(server, answer, sizeof answer);
    assert_true(tls_looks_like(answer, size)); /* so a plain program of ours knows what is spoken there */
    tls_free(server);
    assert_false(tls_looks_like(plain, sizeof plain));
    struct tls *client = tls_new(world->kom, TLS_CLIENT);
    const char *sentence;
    assert_int_equal(tls_silence(client, &sentence), TLS_NOT_SPOKEN);
    tls_feed(client, plain, sizeof plain);
    assert_failed(client, TLS_NOT_SPOKEN, "the server does not speak TLS");
    tls_free(client);
}

static void folders_that_are_wrong_are_told(void **state)
{
    struct world *world = *state;
    char path[PATH], fault[TLS_TEXT_SIZE];
    assert_null(tls_credentials_load("/nowhere", fault));
    assert_non_null(strstr(fault, "/nowhere/own.key cannot be read"));
    snprintf(path, sizeof path, "%.100s/server-A", world->folder);
    run("chmod 644 %s/own.key", path);
    assert_null(tls_credentials_load(path, fault));
    assert_non_null(strstr(fault, "chmod 600"));
    run("chmod 600 %s/own.key", path);
    run("cp %1$s/../kom-SELF.KOM/own.key %1$s/own.key", path);
    assert_null(tls_credentials_load(path, fault));
    assert_non_null(strstr(fault, "is not the key of own.crt"));
    run("echo nonsense >%s/ca.crt", path);
    assert_null(tls_credentials_load(path, fault));
    assert_non_null(strstr(fault, "ca.crt cannot be read as a certificate"));
}

/* So long the loop that answers leases stands still for one that connects. Printed, not judged: machines
 * differ; the system tests look at what becomes of it. */
static void a_handshake_takes_little_of_the_servers_time(void **state)
{
    struct world *world = *state;
    uint8_t octets[16384];
    int64_t longest_ns = 0, sum_ns = 0;
    for (unsigned i = 0; i < 100; i++) {
        struct tls *client = tls_new(world->kom, TLS_CLIENT);
        struct timespec from, to;
        clock_gettime(CLOCK_MONOTONIC, &from);
        struct tls *server = tls_new(world->server, TLS_SERVER);
        clock_gettime(CLOCK_MONOTONIC, &to);
        int64_t ns = (to.tv_sec - from.tv_sec) * 1000000000LL + to.tv_nsec - from.tv_nsec;
        for (unsigned k = 0; k < PATIENT && !tls_is_open(server); k++) {
            size_t size = tls_output(client, octets, sizeof octets);
            clock_gettime(CLOCK_MONOTONIC, &from);
            tls_feed(server, octets, size);
            size = tls_output(server, octets, sizeof octets);
            clock_gettime(CLOCK_MONOTONIC, &to);
            ns += (to.tv_sec - from.tv_sec) * 1000000000LL + to.tv_nsec - from.tv_nsec;
            tls_feed(client, octets, size);
        }
        assert_true(tls_is_open(server));
        longest_ns = ns > longest_ns ? ns : longest_ns;
        sum_ns += ns;
        tls_free(client);
        tls_free(server);
    }
    print_message("a handshake takes %.3f ms of the server, the longest of 100 %.3f ms\n",
                  (double)sum_ns / 1e8, (double)longest_ns / 1e6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(both_ends_know_each_other, begin, end),
        cmocka_unit_test_setup_teardown(octets_arrive_in_order_in_any_pieces, begin, end),
        cmocka_unit_test_setup_teardown(another_ca_is_refused, begin, end),
        cmocka_unit_test_setup_teardown(times_are_kept, begin, end),
        cmocka_unit_test_setup_teardown(nobody_but_a_server_is_a_server, begin, end),
        cmocka_unit_test_setup_teardown(what_is_no_tls_is_told, begin, end),
        cmocka_unit_test_setup_teardown(folders_that_are_wrong_are_told, begin, end),
        cmocka_unit_test_setup_teardown(a_handshake_takes_little_of_the_servers_time, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
