/* That nothing is lost to masters, whatever happens in whatever order: instances, masters, the disk, restarts. */
#include "masters_world.h"

#include <string.h>

#define JOURNAL_MAX 20000

/* Two instances, of which one acts; two groups of masters, each with a connection to who acts; and a disk. */
struct site_run {
    struct harness *harness;
    struct record journal[JOURNAL_MAX];
    unsigned kept, pending; /* records on disk; and behind them, handed out */
    uint64_t have[2][2];    /* events from .. to of which each instance knows: behind the first, up to */
    uint64_t begun[2][2];   /* where each instance began with each group */
    uint64_t got[2];        /* what each group of masters really has */
    uint64_t told[2];       /* what the server knows of that */
    uint64_t produced;      /* position of the newest event that is on disk */
    uint64_t repeats, runs;
};

/* Records that came, and messages to the instances. */
static void look(struct site_run *run)
{
    struct harness *harness = run->harness;
    for (unsigned i = 0; i < harness->record_count; i++) {
        assert_true(run->kept + run->pending < JOURNAL_MAX);
        run->journal[run->kept + run->pending++] = harness->records[i];
    }
    for (unsigned i = 0; i < harness->sent_count; i++) {
        const struct sent *sent = &harness->sent[i];
        if (sent->client != MASTERS_SRV && sent->client != MASTERS_SRV + 1) {
            continue;
        }
        unsigned instance = sent->client - MASTERS_SRV;
        if (sent->kind == BODY(ROLE)) {
            masters_epochs[sent->client] = sent->of.role.active ? sent->of.role.epoch : 0;
        } else if (sent->kind == BODY(OUTGOING) && sent->of.outgoing.begin) {
            for (unsigned g = 0; g < 2; g++) {
                run->begun[instance][g] = sent->of.outgoing.group[g];
                assert_true(run->begun[instance][g] <= run->got[g]);  /* nothing is skipped */
                assert_true(run->begun[instance][g] >= run->told[g]); /* nor sent for nothing */
            }
            run->have[instance][0] = run->have[instance][1] = 0;
        } else if (sent->kind == BODY(OUTGOING) && sent->of.outgoing.first > 0) {
            uint64_t *have = run->have[instance];
            assert_true(have[1] == 0 || sent->of.outgoing.first == have[1] + 1); /* in order */
            have[0] = have[1] == 0 ? sent->of.outgoing.first : have[0];
            have[1] = sent->of.outgoing.last;
            assert_int_equal(sent->of.outgoing.count, sent->of.outgoing.last - sent->of.outgoing.first + 1);
        }
    }
    harness->record_count = harness->sent_count = harness->ended_count = harness->changed_count = 0;
    harness->notes[0] = '\0';
}

static void to_disk(struct site_run *run)
{
    look(run);
    run->kept += run->pending;
    if (run->pending > 0) {
        server_stored(run->harness->server, run->harness->now, run->journal[run->kept - 1].ticket);
        harness_drain(run->harness);
    }
    run->pending = 0;
    for (unsigned i = run->kept; i > 0 && run->journal[i - 1].ticket > 0; i--) {
        const struct record *record = &run->journal[i - 1];
        if (record->kind == RECORD_EVENT && record->of.event.frame > 0 && record->of.event.connection == 0) {
            run->produced = record->of.event.frame > run->produced ? record->of.event.frame : run->produced;
            break;
        }
    }
    look(run);
}

/* The instance that acts sends its masters what they have not, up to `most` events. */
static void deliver(struct site_run *run, unsigned most)
{
    for (unsigned instance = 0; instance < 2; instance++) {
        for (unsigned g = 0; g < 2 && masters_epochs[MASTERS_SRV + instance] != 0; g++) {
            const uint64_t *have = run->have[instance];
            uint64_t from = run->begun[instance][g] + 1;
            for (uint64_t n = from; n <= have[1] && n < from + most; n++) {
                assert_true(n >= have[0] && n <= run->got[g] + 1); /* no gap */
                run->repeats += n <= run->got[g] ? 1 : 0;
                run->got[g] = n > run->got[g] ? n : run->got[g];
                run->begun[instance][g] = n;
            }
        }
    }
}

static void tell(struct site_run *run, unsigned g)
{
    for (unsigned instance = 0; instance < 2; instance++) {
        if (masters_epochs[MASTERS_SRV + instance] != 0 && run->begun[instance][g] > run->told[g]) {
            run->told[g] = run->begun[instance][g];
            masters_taken(run->harness, MASTERS_SRV + instance, g, run->told[g]);
            assert_false(run->harness->closed[MASTERS_SRV + instance]);
        }
    }
}

static void come(struct site_run *run, unsigned client)
{
    struct harness *harness = run->harness;
    if (!harness->open[client]) {
        harness_hello(harness, client, client == MASTERS_SELF ? "SELF.KOM" : "SRV.KOM",
                      client == MASTERS_SELF ? 1 : client - MASTERS_SRV + 1, 5000 + ++run->runs);
        look(run);
        to_disk(run);
    }
}

static void lose(struct site_run *run, unsigned client)
{
    if (run->harness->open[client]) {
        masters_epochs[client] = 0;
        harness_close(run->harness, client, true);
        look(run);
    }
}

static void restart(struct site_run *run)
{
    look(run);
    run->pending = 0; /* what was not on disk is gone */
    run->told[0] = run->told[1] = 0;
    for (unsigned i = 0; i < run->kept; i++) {
        if (run->journal[i].kind == RECORD_TAKEN) {
            const struct record_taken *of = &run->journal[i].of.taken;
            run->told[strcmp(of->masters, "10.9.0.1") == 0 ? 0 : 1] = of->position;
        }
    }
    masters_epochs[MASTERS_SRV] = masters_epochs[MASTERS_SRV + 1] = 0;
    masters_replay(run->harness, run->journal, run->kept);
    harness_advance(run->harness, KOMET_SECONDS(4));
    to_disk(run);
}

/* Its grant is known as the newest Role said; a new run has nothing yet. */
static void self_value(struct site_run *run, double number)
{
    struct harness *harness = run->harness;
    if (!harness->open[MASTERS_SELF]) {
        harness_hello(harness, MASTERS_SELF, "SELF.KOM", 1, 5000 + ++run->runs);
        harness_store(harness);
        harness->epoch = masters_epoch(harness, MASTERS_SELF);
        harness->sequence = 0;
        to_disk(run);
    }
    harness_heartbeat(harness, MASTERS_SELF, harness->now.instant.us);
    harness->now.utc.ms++;
    masters_value(harness, "M.U", number);
    look(run);
}

/* Whatever happens in whatever order: each group of masters gets every event that is on disk, in order and
 * without a gap; what it gets twice is what the server could not know that it had. */
static void test_nothing_is_lost_to_a_group_in_any_order(void **state)
{
    static struct site_run run;
    struct test_random random = {3};
    run = (struct site_run){.harness = *state};
    harness_forget(run.harness);
    restart(&run); /* with an empty journal */
    for (unsigned i = 0; i < 6000; i++) {
        switch (test_random_below(&random, 40)) {
        case 0:
        case 1:
            lose(&run, MASTERS_SRV + test_random_below(&random, 2));
            break;
        case 2:
            restart(&run);
            break;
        case 3:
        case 4:
        case 5:
            come(&run, MASTERS_SRV + test_random_below(&random, 2));
            break;
        case 6:
        case 7:
        case 8:
        case 9:
        case 10:
        case 11:
            if (run.produced < run.got[0] + 40 && run.produced < run.got[1] + 40) { /* OBUF is 120 */
                self_value(&run, i);
            }
            break;
        case 12:
        case 13:
        case 14:
        case 15:
        case 16:
        case 17:
            tell(&run, test_random_below(&random, 2));
            break;
        case 18:
        case 19:
        case 20:
        case 21:
        case 22:
            to_disk(&run);
            break;
        default:
            deliver(&run, test_random_below(&random, 8));
        }
        look(&run);
    }
    come(&run, MASTERS_SRV);
    to_disk(&run);
    to_disk(&run);
    deliver(&run, 1000);
    assert_true(run.produced > 200);
    assert_int_equal(run.got[0], run.produced);
    assert_int_equal(run.got[1], run.produced);
    assert_true(run.repeats > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_nothing_is_lost_to_a_group_in_any_order, masters_world_set_up,
                                        harness_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
