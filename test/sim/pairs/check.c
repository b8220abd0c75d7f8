/*
 * check: see check.h. What is sent is looked at as it leaves an instance, what is stored as a sync ends.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "komet/apdu.h"
#include "komet/asdu.h"
#include "sim/pairs/world.h"

#define WELL_FOR KOMET_SECONDS(9) /* without a fault, before one strikes alone */

void checks_breach(struct world *world, enum pair_check check, const char *format, ...)
{
    world->checks.failed[check] = world->checks.any_failed = true;
    if (world->checks.quiet) {
        return;
    }
    va_list arguments;
    printf("seed %llu at %.6f s: '%s': ", (unsigned long long)world->seed, (double)world->now.us / 1e6,
           pair_check_name(check));
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\n  again: komet-simulate-pairs --seed %llu --verbose\n", (unsigned long long)world->seed);
}

/* ---- orders ---- */

static bool is_event_channel(unsigned channel)
{
    return channel == CHANNEL_EVENT || channel == CHANNEL_EVENT_2;
}

uint32_t checks_order(struct world *world, unsigned side, unsigned channel)
{
    struct check_site *site = &world->sites[side].check;
    if (site->count + 1 >= site->capacity) {
        site->capacity = site->capacity == 0 ? 1024 : site->capacity * 2;
        site->orders = realloc(site->orders, site->capacity * sizeof site->orders[0]);
        KOMET_ASSERT(site->orders != NULL);
    }
    site->orders[++site->count] = (struct check_order){.channel = (uint8_t)channel, .given = world->now};
    return site->count;
}

void checks_ended(struct world *world, unsigned side, const struct server_ended *ended)
{
    struct check_site *site = &world->sites[side].check;
    if (ended->token == 0) { /* a change of role, or what nobody gave */
        return;
    }
    KOMET_ASSERT(ended->token <= site->count);
    struct check_order *order = &site->orders[ended->token];
    if (order->ended) {
        checks_breach(world, CHECK_ENDS, "order %llu of %s ends once more", (unsigned long long)ended->token,
                      world_side_name(side));
        return;
    }
    order->ended = true;
    order->result = (uint8_t)ended->result;
    order->epoch = ended->epoch;
    order->wanted = is_event_channel(order->channel) && (ended->result == COMMAND_DONE || ended->current);
    world->checks.results[ended->result]++;
}

/* ---- what is sent ---- */

static void check_sender(struct world *world, struct world_kom *kom)
{
    struct check_site *site = &world->sites[kom->side].check;
    uint64_t epoch = kom_epoch(kom->engine);
    if (!kom_is_active(kom->engine, world_time(world, kom))) {
        checks_breach(world, CHECK_HOT, "%s,%u sends an I format and does not act",
                      world_side_name(kom->side), kom->instance);
        return;
    }
    if (epoch < site->newest_epoch || (epoch == site->newest_epoch && site->newest_sender != kom->instance)) {
        checks_breach(world, CHECK_ONE_ACTS, "%s,%u sends under epoch %llu, %u did under %llu",
                      world_side_name(kom->side), kom->instance, (unsigned long long)epoch,
                      site->newest_sender, (unsigned long long)site->newest_epoch);
    }
    site->newest_epoch = epoch;
    site->newest_sender = kom->instance;
}

static void check_path(struct world *world, struct world_kom *kom, const struct tcp *tcp, unsigned end)
{
    unsigned partner = tcp->kom[1 - end]->instance - 1u;
    const struct tcp *data = kom->check.data[partner];
    if (data != NULL && data != tcp && data->used && data->open[end] &&
        data->serial == kom->check.data_serial[partner]) {
        checks_breach(world, CHECK_ONE_PATH, "%s,%u sends data on network %u while %u carries it",
                      world_side_name(kom->side), kom->instance, tcp->network + 1, data->network + 1);
    }
    kom->check.data[partner] = tcp;
    kom->check.data_serial[partner] = tcp->serial;
}

/* The order of which an object says the event; 0: of none. */
static uint32_t event_of(const struct world *world, unsigned side, const struct komet_object *object)
{
    uint32_t number = (uint32_t)object->value.real;
    bool echo = object->ioa == 150;
    return !echo && number <= world->sites[side].check.count ? number : 0;
}

/* An I format: the events in it. */
static void carry(struct world *world, struct tcp *tcp, unsigned end, const struct komet_apdu *apdu)
{
    unsigned side = tcp->kom[end]->side, to = tcp->kom[1 - end]->instance - 1u;
    struct check_site *site = &world->sites[side].check;
    struct komet_asdu asdu;
    tcp->check.frames[end]++;
    if (komet_asdu_decode(&komet_profile_sinaut, apdu->asdu, apdu->asdu_size, &asdu) != KOMET_ASDU_OK ||
        asdu.type != KOMET_M_ME_TF_1 || asdu.cause != KOMET_COT_SPONTANEOUS) {
        return;
    }
    for (unsigned i = 0; i < asdu.count; i++) {
        struct komet_object object;
        komet_asdu_object(&asdu, i, &object);
        uint32_t number = event_of(world, side, &object);
        if (number == 0) {
            continue;
        }
        struct check_order *order = &site->orders[number];
        uint32_t *newest = &tcp->check.newest[end][order->channel];
        if (number <= *newest) {
            checks_breach(world, CHECK_ORDER, "%s,%u sends event %u behind %u", world_side_name(side),
                          tcp->kom[end]->instance, number, *newest);
        }
        *newest = number;
        order->repeated[to] = ++site->sent_to[to];
        order->sent[to] = order->sent[to] == 0 ? order->repeated[to] : order->sent[to];
        KOMET_ASSERT(tcp->check.count[end] < CHECK_CARRIED_MAX);
        unsigned at = (tcp->check.first[end] + tcp->check.count[end]++) % CHECK_CARRIED_MAX;
        tcp->check.carried[end][at].frame = tcp->check.frames[end];
        tcp->check.carried[end][at].number = number;
    }
}

/* `end` acknowledges what the other one has sent. */
static void check_acknowledged(struct world *world, struct tcp *tcp, unsigned end, uint16_t nr)
{
    unsigned from = 1 - end;
    struct check_tcp *check = &tcp->check;
    const struct check_site *site = &world->sites[tcp->kom[from]->side].check;
    check->acknowledged[from] +=
        (nr + KOMET_SEQUENCE_MODULUS - check->acknowledged[from] % KOMET_SEQUENCE_MODULUS) %
        KOMET_SEQUENCE_MODULUS;
    while (check->count[from] > 0 &&
           check->carried[from][check->first[from]].frame <= check->acknowledged[from]) {
        uint32_t number = check->carried[from][check->first[from]].number;
        if (site->orders[number].stored == 0) {
            checks_breach(world, CHECK_STORED, "%s,%u acknowledges event %u, which is not stored",
                          world_side_name(tcp->kom[end]->side), tcp->kom[end]->instance, number);
        }
        check->first[from] = (check->first[from] + 1) % CHECK_CARRIED_MAX;
        check->count[from]--;
    }
}

void checks_sends(struct world *world, struct tcp *tcp, unsigned end, const uint8_t *octets, size_t size)
{
    struct komet_apdu apdu;
    size_t used;
    for (size_t at = 0; at < size; at += used) {
        enum komet_reason reason = komet_apdu_decode(octets + at, size - at, false, &apdu, &used);
        KOMET_ASSERT(reason == KOMET_OK && used > 0); /* an engine hands out whole frames */
        if (apdu.format == KOMET_FORMAT_I) {
            check_sender(world, tcp->kom[end]);
            check_path(world, tcp->kom[end], tcp, end);
            carry(world, tcp, end, &apdu);
        }
        if (apdu.format != KOMET_FORMAT_U) {
            check_acknowledged(world, tcp, end, apdu.nr);
        }
    }
}

/* ---- what is stored ---- */

static void note_switch(struct world *world, unsigned sender, const struct check_order *order)
{
    struct check_switch *single = &world->checks.single;
    if (!single->waits[sender] || world->calm || order->given.us < single->since.us) {
        return;
    }
    int64_t took_ms = komet_elapsed_us(world->now, single->since) / 1000;
    single->waits[sender] = false;
    world->checks.switches++;
    world->checks.took_ms[took_ms < CHECK_SWITCH_MS_MAX ? took_ms : CHECK_SWITCH_MS_MAX - 1]++;
}

static void check_order_of(struct world *world, unsigned side, uint8_t instance,
                           const struct check_order *order, uint32_t number)
{
    struct check_site *site = &world->sites[side].check;
    if (order->repeated[instance - 1] < site->last[order->channel][instance].place &&
        order->epoch == site->last[order->channel][instance].epoch) {
        checks_breach(world, CHECK_ORDER, "%s,%u has stored event %u behind a later one",
                      world_side_name(side), instance, number);
    }
    site->last[order->channel][instance].place = order->sent[instance - 1];
    site->last[order->channel][instance].epoch = order->epoch;
}

static void take_event(struct world *world, unsigned side, const struct record *record, unsigned channel)
{
    const struct value *value = &record->of.event.value;
    struct check_site *sender = &world->sites[1 - side].check;
    bool command = channel == CHANNEL_COMMAND;
    if (value->status != STATUS_VALID || cot_is_interrogated(value->cot) || channel == CHANNEL_VALUE) {
        return;
    }
    uint32_t number = value->number >= 1 && value->number <= sender->count ? (uint32_t)value->number : 0;
    struct check_order *order = number != 0 ? &sender->orders[number] : NULL;
    if (order == NULL || order->channel != channel) {
        checks_breach(world, CHECK_ONCE, "%s has stored %g in %s, which was never sent",
                      world_side_name(side), value->number, record->of.event.tag);
        return;
    }
    if (++order->stored > 1) {
        checks_breach(world, command ? CHECK_COMMANDS : CHECK_ONCE, "%s has stored order %u twice, by %u",
                      world_side_name(side), number, record->instance);
    } else if (!command) {
        world->checks.events++;
        check_order_of(world, side, record->instance, order, number);
        note_switch(world, 1 - side, order);
    }
}

/* What EAST sent comes back: WEST's M.ECHO follows M.IN.E, and EAST stores it as M.ECHOED. */
static void take_echo(struct world *world, unsigned side, const struct record_event *event)
{
    struct check_site *east = &world->sites[EAST].check;
    bool follows = side == WEST && strcmp(event->tag, "M.ECHO") == 0 && event->frame > 0;
    bool echoed =
        side == EAST && strcmp(event->tag, "M.ECHOED") == 0 && !cot_is_interrogated(event->value.cot);
    double number = event->value.number;
    if ((!follows && !echoed) || event->value.status != STATUS_VALID || number < 1 ||
        number > (double)east->count) {
        return;
    }
    struct check_order *order = &east->orders[(uint32_t)number];
    order->follows = (uint16_t)(order->follows + (follows ? 1 : 0));
    order->echoed = (uint16_t)(order->echoed + (echoed ? 1 : 0));
    if (order->echoed > order->follows) {
        checks_breach(world, CHECK_ONCE, "event %g has come back to EAST %u times, and was sent %u times",
                      number, order->echoed, order->follows);
    }
}

void checks_synced(struct world *world, unsigned side)
{
    struct world_site *site = &world->sites[side];
    for (; site->check.scanned < site->disk.synced; site->check.scanned++) {
        const struct record *record = &site->disk.records[site->check.scanned];
        if (record->kind == RECORD_EVENT) {
            take_echo(world, side, &record->of.event);
        }
        for (unsigned channel = 0; record->kind == RECORD_EVENT && channel < CHANNELS; channel++) {
            if (strcmp(record->of.event.tag, world_tag_name((enum channel)channel, true)) == 0) {
                take_event(world, side, record, channel);
            }
        }
    }
}

/* ---- how long it takes ---- */

static bool is_whole(const struct world *world)
{
    for (unsigned side = 0; side < SIDES; side++) {
        const struct world_site *site = &world->sites[side];
        for (unsigned i = 0; i < INSTANCES; i++) {
            const struct world_kom *kom = &site->koms[i];
            if (!world_kom_runs(kom) || kom->cut != 0 || kom->link == NULL) {
                return false;
            }
        }
        if (!site->runs || site->dies_in > 0 || !komet_reached(world->now, site->disk.slow_until)) {
            return false;
        }
    }
    for (unsigned i = 0; i < INSTANCES * INSTANCES * NETWORKS; i++) {
        if (world->paths[i / (INSTANCES * NETWORKS)][i / NETWORKS % INSTANCES][i % NETWORKS].ways != 0) {
            return false;
        }
    }
    return true;
}

void checks_struck(struct world *world, int kind, int64_t bound_us)
{
    struct check_switch *single = &world->checks.single;
    bool alone = komet_reached(world->now, world->checks.well_since) && is_whole(world);
    world->checks.well_since = komet_after(world->now, WELL_FOR);
    *single = (struct check_switch){.kind = kind};
    if (alone && bound_us >= 0) {
        *single = (struct check_switch){{true, true}, world->now, komet_after(world->now, bound_us), kind};
    }
}

void checks_step(struct world *world)
{
    struct check_switch *single = &world->checks.single;
    for (unsigned side = 0; side < SIDES; side++) {
        if (single->waits[side] && !world->calm && komet_reached(world->now, single->until)) {
            single->waits[side] = false;
            checks_breach(world, CHECK_SWITCH, "%lld ms after '%s' no value of %s has arrived yet",
                          (long long)(komet_elapsed_us(world->now, single->since) / 1000),
                          pair_fault_name((enum pair_fault)single->kind), world_side_name(side));
        }
    }
}

/* ---- the end ---- */

static bool is_missing(const struct check_order *order)
{
    return (order->wanted && order->stored == 0) || (order->follows > 0 && order->echoed == 0);
}

bool checks_complete(struct world *world)
{
    for (unsigned side = 0; side < SIDES; side++) {
        const struct check_site *site = &world->sites[side].check;
        for (uint32_t number = 1; number <= site->count; number++) {
            const struct check_order *order = &site->orders[number];
            if (!order->ended || is_missing(order)) {
                return false;
            }
        }
    }
    for (unsigned side = 0; side < SIDES; side++) { /* commands are as their ends say */
        const struct check_site *site = &world->sites[side].check;
        for (uint32_t number = 1; number <= site->count; number++) {
            const struct check_order *order = &site->orders[number];
            bool done = order->result == COMMAND_DONE;
            bool not_done = order->result == COMMAND_REFUSED || order->result == COMMAND_EXPIRED;
            if (order->channel == CHANNEL_COMMAND &&
                ((done && order->stored == 0) || (not_done && order->stored > 0))) {
                checks_breach(world, CHECK_COMMANDS,
                              "command %u of %s was said to be %s, and is stored %u times", number,
                              world_side_name(side), command_result_name((enum command_result)order->result),
                              order->stored);
            }
        }
    }
    return true;
}

void checks_missing(struct world *world)
{
    for (unsigned side = 0; side < SIDES; side++) {
        const struct check_site *site = &world->sites[side].check;
        for (uint32_t number = 1; number <= site->count; number++) {
            const struct check_order *order = &site->orders[number];
            if (is_missing(order)) {
                checks_breach(world, CHECK_LOST,
                              "event %u of %s, given at %.6f s and sent under epoch %llu, %s lost", number,
                              world_side_name(side), (double)order->given.us / 1e6,
                              (unsigned long long)order->epoch,
                              order->follows > 0 && order->echoed == 0 ? "has come and its echo is" : "is");
                return;
            }
            if (!order->ended) {
                checks_breach(world, CHECK_ENDS, "order %u of %s has not ended", number,
                              world_side_name(side));
                return;
            }
        }
    }
}

void checks_free(struct world *world)
{
    free(world->sites[WEST].check.orders);
    free(world->sites[EAST].check.orders);
}
