/*
 * The checkers of roles: one acts, epochs grow, passive is silent, nobody outlives its grant, switch-over
 * within its bound; and how much an instance may have under way.
 *
 * An instance's right to act is counted here a second time, from the messages alone and by the true clock: it
 * ends one lease after the newest request that the server has answered was sent.
 */
#include <string.h>

#include "komet/assert.h"
#include "sim/checkers.h"
#include "sim/world.h"

#define LEASE_US         KOMET_MS(SIM_LEASE_MS)
#define SYNC_MAX_US      3200 /* of a disk that is not slow */
#define SWITCH_PIECES    16   /* octets that go over the network one after the other in a switch-over */
#define SWITCH_SYNCS     4
#define SWITCH_EVENT_US  (21000 * SIM_STATIONS_MAX) /* until the station has something new to say */
#define SWITCH_MARGIN_US 5000

static struct check_process *check_of(struct world *world, const char *process)
{
    unsigned p = 0;
    while (p < world->plan.process_count && name_compare(world->plan.processes[p].name, process) != 0) {
        p++;
    }
    KOMET_ASSERT(p < world->plan.process_count);
    return &world->checkers.processes[p];
}

/* ---- an instance's right to act ---- */

void checkers_kom_connected(struct world *world, struct sim_kom *kom)
{
    kom->check = (struct check_kom){.asked = world->now, .may_be_alone = kom->check.may_be_alone};
}

void checkers_kom_closed(struct world *world, struct sim_kom *kom)
{
    if (kom->process->serves) {
        checkers_masters_link_closed(world, kom);
    }
    kom->check = (struct check_kom){.may_be_alone = kom->runs && kom->check.may_be_alone};
}

void checkers_kom_says(struct world *world, struct sim_kom *kom, const wire_message *message)
{
    struct check_kom *check = &kom->check;
    if (message->body_case != KOMET__WIRE__MESSAGE__BODY_BATCH) {
        return;
    }
    if (message->batch->n_tag > KOM_BATCH_VALUES_MAX) {
        checkers_breach(world, CHECK_BOUNDS, "a batch has %zu values", message->batch->n_tag);
    }
    if (message->batch->buffer != 0) {
        if (check->forwards) {
            checkers_breach(world, CHECK_BOUNDS, "two batches of a buffer are under way");
        }
        check->forwards = true;
        return;
    }
    if (check->batch_count == KOM_BATCHES_MAX) {
        checkers_breach(world, CHECK_BOUNDS, "an instance has more than %u batches under way",
                        (unsigned)KOM_BATCHES_MAX);
        return;
    }
    check->batches[check->batch_count++] = message->batch->sequence;
}

static void hear_stored(struct check_kom *check, uint64_t sequence, uint64_t archived)
{
    unsigned kept = 0;
    if (archived != 0) {
        check->forwards = false;
        return;
    }
    for (unsigned i = 0; i < check->batch_count; i++) {
        if (check->batches[i] > sequence) {
            check->batches[kept++] = check->batches[i];
        }
    }
    check->batch_count = kept;
}

void checkers_kom_hears(struct world *world, struct sim_kom *kom, const wire_message *message)
{
    struct check_kom *check = &kom->check;
    checkers_masters_heard(world, kom, message);
    if (message->body_case == KOMET__WIRE__MESSAGE__BODY_HEARTBEAT && message->heartbeat->reply) {
        struct komet_instant sent =
            clock_true(&kom->clock, (struct komet_instant){message->heartbeat->sent_us});
        check->asked = sent.us > check->asked.us ? sent : check->asked;
        if (check->granted && message->heartbeat->epoch == check->epoch) {
            check->lease_end = komet_after(check->asked, LEASE_US);
        }
    } else if (message->body_case == KOMET__WIRE__MESSAGE__BODY_ROLE) {
        check->granted = check->may_be_alone = message->role->active;
        check->epoch = message->role->epoch;
        check->lease_end = komet_after(check->asked, LEASE_US);
    } else if (message->body_case == KOMET__WIRE__MESSAGE__BODY_WELCOME) {
        check->may_be_alone = false;
    } else if (message->body_case == KOMET__WIRE__MESSAGE__BODY_STORED) {
        hear_stored(check, message->stored->sequence, message->stored->archived);
    }
}

/* ---- on telemetry ---- */

/* Its grant is the newest one, or, where all act, its own newest. */
static bool has_newest(const struct check_process *process, const struct sim_kom *kom)
{
    const struct check_modes *modes = &process->modes;
    uint8_t instance = kom->identity.instance;
    if (modes->of_all[process->newest_epoch % CHECK_EPOCHS_MAX]) {
        return kom->check.epoch == modes->newest_of[instance];
    }
    return kom->check.epoch == process->newest_epoch && instance == process->holder;
}

static void check_right(struct world *world, const struct sim_kom *kom, const char *what)
{
    const struct check_kom *check = &kom->check;
    const struct run_name name = run_name(kom->process->name, kom->identity.instance);
    const struct check_process *process = check_of(world, kom->process->name);
    if (!check->granted) {
        checkers_breach(world, CHECK_SILENT, "%s is passive and %s", name.text, what);
    } else if (komet_reached(world->now, check->lease_end)) {
        checkers_breach(world, CHECK_LEASE, "%s %s %.3f ms after the end of its lease", name.text, what,
                        (double)(world->now.us - check->lease_end.us) / 1e3);
    } else if (!has_newest(process, kom)) {
        checkers_breach(world, CHECK_ONE_ACTS, "%s %s under epoch %llu, and %s has epoch %llu", name.text,
                        what, (unsigned long long)check->epoch,
                        run_name(kom->process->name, process->holder).text,
                        (unsigned long long)process->newest_epoch);
    }
}

void checkers_kom_serves(struct world *world, const struct sim_kom *kom, const char *what)
{
    check_right(world, kom, what);
}

/* What a line gives up that is read on without a server: its instance needs no grant, but it had one, and no
 * server has welcomed it since. */
static bool reads_alone(const struct sim_kom *kom, const struct sim_station *station)
{
    return station->buffered && kom_is_alone(kom->engine) && kom->check.may_be_alone;
}

void checkers_kom_connects(struct world *world, const struct sim_kom *kom, const struct sim_station *station)
{
    if (!station->warm && !reads_alone(kom, station)) {
        check_right(world, kom, "connects to a station");
    }
}

/* Of frames, what starts data transfer, acknowledges or tests: none has an ASDU. */
static bool no_asdu(const uint8_t *octets, size_t size)
{
    size_t at = 0;
    while (at + KOMET_APDU_HEADER_SIZE <= size && octets[at + 1] == KOMET_APDU_HEADER_SIZE - 2) {
        at += KOMET_APDU_HEADER_SIZE;
    }
    return at == size;
}

/* What stands by sends nothing else. */
static bool only_test_frames(const uint8_t *octets, size_t size)
{
    size_t at = 0;
    while (at + KOMET_APDU_HEADER_SIZE <= size &&
           (octets[at + 2] == KOMET_U_TESTFR_ACT || octets[at + 2] == KOMET_U_TESTFR_CON)) {
        at += KOMET_APDU_HEADER_SIZE;
    }
    return at == size;
}

void checkers_kom_sends(struct world *world, const struct sim_kom *kom, const struct sim_station *station,
                        const uint8_t *octets, size_t size)
{
    bool alone = reads_alone(kom, station);
    if (alone && !no_asdu(octets, size)) {
        checkers_breach(world, CHECK_SILENT, "%s sends an ASDU without a server",
                        run_name(kom->process->name, kom->identity.instance).text);
    } else if (!alone && !(station->warm && only_test_frames(octets, size))) {
        check_right(world, kom, "sends to a station");
    }
}

/* ---- the grants ---- */

/* The mode as the server has it; what was granted in the mode of all may hold a lease longer. */
static void follow_mode(struct world *world, const char *process)
{
    struct check_modes *modes = &check_of(world, process)->modes;
    if (!world->server_runs) {
        return;
    }
    const struct process *of = site_find_process(world->site.site, process);
    bool all_act = server_instances(world->server, of)->all_act;
    if (modes->all_act && !all_act) {
        modes->ends = komet_after(world->now, LEASE_US + LEASE_US * CLOCK_PPM_MAX / 1000000);
    }
    modes->all_act = all_act;
}

void checkers_granted(struct world *world, const char *process, uint8_t instance, uint64_t epoch)
{
    struct check_process *check = check_of(world, process);
    follow_mode(world, process);
    if (epoch <= check->newest_epoch) {
        checkers_breach(world, CHECK_EPOCHS, "after epoch %llu of %s, epoch %llu was granted",
                        (unsigned long long)check->newest_epoch, process, (unsigned long long)epoch);
    }
    check->newest_epoch = epoch;
    check->holder = instance;
    check->modes.newest_of[instance] = epoch;
    check->modes.of_all[epoch % CHECK_EPOCHS_MAX] = check->modes.all_act;
}

/* A grant that was not synced was never told. */
void checkers_forgot(struct world *world)
{
    for (unsigned p = 0; p < world->plan.process_count; p++) {
        struct check_process *check = &world->checkers.processes[p];
        check->newest_epoch = 0;
        memset(check->modes.newest_of, 0, sizeof check->modes.newest_of);
        for (size_t i = 0; i < world->disk.count; i++) {
            const struct record *record = &world->disk.records[i];
            if (record->kind == RECORD_GRANT && record->of.grant.epoch > check->newest_epoch &&
                name_compare(record->process, world->plan.processes[p].name) == 0) {
                check->newest_epoch = record->of.grant.epoch;
                check->holder = record->instance;
                check->modes.newest_of[record->instance] = record->of.grant.epoch;
            }
        }
    }
}

static bool one_acts(const struct world *world, const struct check_process *check)
{
    return !check->modes.all_act && (!check->modes.of_all[check->newest_epoch % CHECK_EPOCHS_MAX] ||
                                     komet_reached(world->now, check->modes.ends));
}

static void check_one_acts(struct world *world, const struct sim_process *process)
{
    unsigned acting = 0;
    for (unsigned i = 0; i < SIM_KOMS_MAX; i++) {
        const struct sim_kom *kom = &world->koms[i];
        acting += kom->process == process && kom->runs && kom_is_active(kom->engine, world_time(world, kom))
                      ? 1
                      : 0;
    }
    if (acting > 1 && one_acts(world, check_of(world, process->name))) {
        checkers_breach(world, CHECK_ONE_ACTS, "%u instances of %s hold a grant", acting, process->name);
    }
}

/* ---- switch-over ---- */

/* Would this one act at once, if it were told to? */
static bool is_ready(const struct sim_kom *kom)
{
    return world_runs(kom) && kom->cut == 0 && kom->dies_in == 0 && kom->link != NULL && kom->link->there;
}

/* All is well but for `kom`, and whoever the server may choose instead of it is ready. */
static bool can_measure(const struct world *world, const struct sim_kom *kom)
{
    const struct instances *instances = server_instances(world->server, world_process(world, kom));
    const struct role_member *holder = &instances->member[kom->identity.instance];
    bool fast = komet_reached(world->now, world->disk.slow_until) &&
                komet_reached(world->now, world->disk.full_until) && world->network.slow_us == 0;
    fast = fast && (world->disk.syncing == 0 ||
                    komet_reached(komet_after(world->now, SYNC_MAX_US), world->disk.sync_ends));
    unsigned others = 0;
    if (!fast || holder->standing != ROLE_ACTIVE || instances->active != kom->identity.instance ||
        instances->wanted <= ROLE_INSTANCE_MAX || holder->leaving) {
        return false;
    }
    for (unsigned i = 0; i < SIM_KOMS_MAX; i++) { /* who reads on by itself is in the way of who acts */
        if (world->koms[i].process == kom->process && world->koms[i].runs &&
            kom_is_alone(world->koms[i].engine)) {
            return false;
        }
    }
    for (unsigned i = 0; i < kom->process->station_count; i++) {
        if (world->plan.buffered[kom->process->first_station + i] ||
            server_station_mode(world->server, world_station(world, kom->process->first_station + i)) != 0) {
            return false;
        }
    }
    for (unsigned i = 0; i < SIM_KOMS_MAX; i++) {
        const struct sim_kom *other = &world->koms[i];
        if (other->process != kom->process || other == kom) {
            continue;
        }
        const struct role_member *member = &instances->member[other->identity.instance];
        bool connected = instances_connected(instances, other->identity.instance);
        bool runs_alone = other->identity.instance != kom->identity.instance;
        if ((other->runs && other->beside) || (connected && (!is_ready(other) || !runs_alone))) {
            return false;
        }
        others += connected && member->loaded && !member->silent && !member->leaving ? 1 : 0;
    }
    return others > 0;
}

void checkers_watch_switch(struct world *world, const struct sim_kom *kom, bool silently)
{
    struct check_process *check = check_of(world, kom->process->name);
    bool acts = kom_is_active(kom->engine, world_time(world, kom)) && world->server_runs &&
                !world->disk_failed && kom->check.epoch == check->newest_epoch && !kom->process->serves;
    if (!acts || !can_measure(world, kom)) {
        return;
    }
    int64_t allowed_us = (silently ? LEASE_US + LEASE_US * CLOCK_PPM_MAX / 1000000 : 0) +
                         SWITCH_PIECES * network_delay_max(&world->network) + SWITCH_SYNCS * SYNC_MAX_US +
                         SWITCH_EVENT_US + SWITCH_MARGIN_US;
    check->watches = true;
    check->silently = silently;
    check->lost_epoch = kom->check.epoch;
    check->first_value = 0;
    check->lost = world->now;
    check->must_act = komet_after(world->now, allowed_us);
}

void checkers_disturbed(struct world *world)
{
    for (unsigned p = 0; p < SIM_PROCESSES_MAX; p++) {
        world->checkers.processes[p].watches = false;
    }
}

void checkers_came_back(struct world *world, const struct sim_kom *kom)
{
    check_of(world, kom->process->name)->watches = false;
}

void checkers_value(struct world *world, const char *process, uint64_t epoch, size_t at)
{
    struct check_process *check = check_of(world, process);
    if (check->watches && epoch > check->lost_epoch && check->first_value == 0) {
        check->first_value = at;
    }
}

static void look_at_switch(struct world *world, const struct sim_process *process)
{
    struct check_process *check = check_of(world, process->name);
    int64_t took_ms = (world->now.us - check->lost.us) / 1000;
    if (!check->watches) {
        return;
    }
    if (check->first_value != 0 && check->first_value <= world->disk.synced) {
        struct check_switches *switches = check->silently ? &world->checkers.silent : &world->checkers.told;
        switches->took_ms[took_ms < CHECK_SWITCH_MS_MAX ? took_ms : CHECK_SWITCH_MS_MAX - 1]++;
        check->watches = false;
    } else if (komet_reached(world->now, check->must_act)) {
        check->watches = false;
        checkers_breach(world, CHECK_SWITCH, "%s has no value %lld ms after it lost its active instance",
                        process->name, (long long)took_ms);
    }
}

void checkers_look_at_roles(struct world *world)
{
    for (unsigned p = 0; p < world->plan.process_count; p++) {
        follow_mode(world, world->plan.processes[p].name);
        check_one_acts(world, &world->plan.processes[p]);
        look_at_switch(world, &world->plan.processes[p]);
    }
}
