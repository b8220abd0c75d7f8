/*
 * The server of one of two simulated sites. See world.h.
 */
#include <stdlib.h>
#include <string.h>

#include "sim/pairs/world.h"

#define ARENA_SIZE     (1u << 20)
#define SYNC_MIN_US    200
#define SYNC_JITTER_US 3000
#define SYNC_SLOW_US   KOMET_SECONDS(2)

static unsigned side_of(const struct world *world, const struct world_site *site)
{
    return (unsigned)(site - world->sites);
}

void message_send(struct world *world, struct tcp *tcp, unsigned end, const wire_message *message)
{
    size_t size = wire_encoded_size(message);
    uint8_t *octets = malloc(size);
    KOMET_ASSERT(octets != NULL);
    size_t written = wire_encode(message, octets, size);
    KOMET_ASSERT(written == size);
    tcp_send(world, tcp, end, octets, size);
    free(octets);
}

void server_start(struct world *world, struct world_site *site)
{
    site->runs = site->touched = true;
    site->disk_failed = false;
    site->dies_in = 0;
    site->back = KOMET_NEVER;
    site->server = server_init(site->memory, server_size(site->site.site), site->site.site, "A",
                               world_server_time(world, site));
    disk_recover(&site->disk, site->server, true, true);
    server_recovered(site->server, world_server_time(world, site));
    world_say(world, "%s: the server starts, %zu records on disk", world_side_name(side_of(world, site)),
              site->disk.count);
}

static struct tcp *link_of(struct world *world, const struct world_site *site, unsigned client)
{
    for (unsigned i = 0; i < TCP_MAX; i++) {
        struct tcp *tcp = &world->tcps[i];
        if (tcp->used && tcp->open[1] && tcp->kom[1] == NULL && tcp->client == client &&
            &world->sites[tcp->kom[0]->side] == site) {
            return tcp;
        }
    }
    return NULL;
}

void server_lose(struct world *world, struct world_site *site, int64_t back_us)
{
    site->runs = false;
    site->back = komet_after(world->now, back_us);
    disk_crash(&site->disk);
    for (unsigned i = 0; i < TCP_MAX; i++) {
        struct tcp *tcp = &world->tcps[i];
        if (tcp->used && tcp->kom[1] == NULL && &world->sites[tcp->kom[0]->side] == site) {
            tcp_close(tcp, 1);
        }
    }
    memset(site->client_used, 0, sizeof site->client_used);
    for (uint32_t number = 1; number <= site->check.count; number++) {
        site->check.orders[number].ended = true; /* nobody is left to say how */
    }
}

/* ---- what it wants ---- */

static void add_files(const struct world_site *site, wire_message *message)
{
    static Komet__Wire__SiteFile files[2];
    static Komet__Wire__SiteFile *list[2] = {&files[0], &files[1]};
    for (unsigned i = 0; i < 2; i++) {
        komet__wire__site_file__init(&files[i]);
        files[i].name = (char *)(uintptr_t)site->files[i].name;
        files[i].text.data = (uint8_t *)(uintptr_t)site->files[i].text;
        files[i].text.len = site->files[i].size;
    }
    message->welcome->n_files = 2;
    message->welcome->files = list;
}

static void send_to_client(struct world *world, struct world_site *site, const struct server_output *output)
{
    struct tcp *link = link_of(world, site, output->client);
    wire_message *message = output->message;
    bool role = message->body_case == KOMET__WIRE__MESSAGE__BODY_ROLE && message->role->active;
    if (link == NULL) {
        return;
    }
    if (message->body_case == KOMET__WIRE__MESSAGE__BODY_WELCOME && message->welcome->refused[0] == '\0') {
        add_files(site, message);
    }
    message_send(world, link, 1, message);
    for (unsigned i = 0; i < TCP_MAX && role && world->broken == BREAK_ROLE_TO_ALL; i++) {
        struct tcp *other = &world->tcps[i];
        if (other->used && other != link && other->open[1] && other->kom[1] == NULL &&
            other->kom[0]->side == link->kom[0]->side) {
            message_send(world, other, 1, message);
        }
    }
}

static void close_client(struct world *world, struct world_site *site, unsigned client)
{
    struct tcp *link = link_of(world, site, client);
    if (link != NULL) {
        tcp_close(link, 1);
    }
    site->client_used[client] = false;
    server_closed(site->server, world_server_time(world, site), client, false);
}

static bool is_command(const struct record *record)
{
    return record->kind == RECORD_EVENT && record->of.event.value.cot == KOMET_COT_ACTIVATION;
}

static void append(struct world *world, struct world_site *site, const struct record *record)
{
    bool event = record->kind == RECORD_EVENT;
    if (world->broken == BREAK_DROPS_RECORD && event && test_random_below(&world->random, 100) == 0) {
        return;
    }
    if (world->broken == BREAK_REORDERS && event && site->disk.count > site->disk.synced + 1) {
        disk_append_before(&site->disk, record);
    } else {
        disk_append(&site->disk, record);
    }
    if (world->broken == BREAK_COMMAND_TWICE && is_command(record)) {
        disk_append(&site->disk, record);
    }
}

static void act(struct world *world, struct world_site *site, const struct server_output *output)
{
    unsigned side = side_of(world, site);
    bool twice = world->broken == BREAK_END_TWICE && test_random_below(&world->random, 20) == 0;
    switch (output->kind) {
    case SERVER_OUT_SEND:
        send_to_client(world, site, output);
        break;
    case SERVER_OUT_CLOSE:
        close_client(world, site, output->client);
        break;
    case SERVER_OUT_RECORD:
        append(world, site, output->record);
        break;
    case SERVER_OUT_ENDED:
        checks_ended(world, side, &output->ended);
        if (twice) {
            checks_ended(world, side, &output->ended);
        }
        break;
    case SERVER_OUT_NOTE:
        world_say(world, "%s: server: %s", world_side_name(side), output->text);
        break;
    case SERVER_OUT_TRACE:
    case SERVER_OUT_CHANGE:
        break;
    }
}

static void drain_engine(struct world *world, struct world_site *site)
{
    struct server_output output;
    while (site->runs && server_next(site->server, world_server_time(world, site), &output)) {
        act(world, site, &output);
        if (site->dies_in > 0 && --site->dies_in == 0) {
            world_say(world, "%s: the server dies", world_side_name(side_of(world, site)));
            server_lose(world, site, KOMET_MS(5 + test_random_below(&world->random, 3000)));
            return;
        }
    }
    site->due = clock_true(&site->clock, server_deadline(site->server));
}

static void drain(struct world *world, struct world_site *site)
{
    drain_engine(world, site);
    if (!site->runs) {
        return;
    }
    if (world->broken == BREAK_STORED_EARLY && site->disk.count > site->disk.synced) {
        server_stored(site->server, world_server_time(world, site),
                      site->disk.records[site->disk.count - 1].ticket);
        drain_engine(world, site);
    }
    bool slow = !komet_reached(world->now, site->disk.slow_until);
    int64_t sync_us = SYNC_MIN_US + test_random_below(&world->random, SYNC_JITTER_US);
    if (slow) { /* drawn behind it, whichever compiler: a seed is one site */
        sync_us += test_random_below(&world->random, SYNC_SLOW_US);
    }
    disk_start_sync(&site->disk, world->now, sync_us);
}

/* ---- what comes to it ---- */

/* What no KOM of ours sends. */
static void damage(const struct world *world, Komet__Wire__Batch *batch)
{
    for (size_t i = 0; i < batch->n_tag; i++) {
        if (world->broken == BREAK_WRONG_VALUE && batch->octets_size[i] == 0) {
            batch->number[i] += 0.5;
        }
    }
    if (world->broken == BREAK_OTHER_OCTETS && batch->standby) {
        for (size_t i = 0; i < batch->octets.len; i++) {
            batch->octets.data[i] ^= 0x80;
        }
    }
}

/* What no server of ours does: it stands still when a fault has struck alone. */
static bool is_late(const struct world *world)
{
    return world->broken == BREAK_SLOW_SERVER && world->now.us <= world->checks.single.until.us;
}

bool server_reads(const struct world *world, const struct world_site *site)
{
    return site->runs && !is_late(world);
}

static void receive(struct world *world, struct world_site *site, struct tcp *link)
{
    wire_message *message;
    size_t consumed, size;
    while (site->runs && link->open[1] && tcp_passes(world, link, 1) &&
           (size = stream_arrived(&link->to[1], world->now)) > 0) {
        enum wire_fault fault = wire_decode(link->to[1].octets, size, &site->arena, &message, &consumed);
        KOMET_ASSERT(fault == WIRE_OK);
        if (consumed == 0) {
            break;
        }
        stream_take(&link->to[1], consumed);
        if (message->body_case == KOMET__WIRE__MESSAGE__BODY_BATCH) {
            damage(world, message->batch);
        }
        server_feed(site->server, world_server_time(world, site), link->client, message);
        drain(world, site);
        site->touched = true;
    }
}

struct tcp *server_accept(struct world *world, struct world_kom *kom)
{
    struct world_site *site = &world->sites[kom->side];
    unsigned client = 0;
    while (client < SERVER_CLIENTS_MAX && site->client_used[client]) {
        client++;
    }
    if (!site->runs || client == SERVER_CLIENTS_MAX) {
        return NULL;
    }
    struct tcp *tcp = tcp_open(world, kom, NULL, 0);
    site->client_used[client] = true;
    tcp->client = client;
    server_opened(site->server, world_server_time(world, site), client);
    site->touched = true;
    return tcp;
}

void server_hear_closed(struct world *world, struct tcp *tcp)
{
    struct world_site *site = &world->sites[tcp->kom[0]->side];
    tcp_close(tcp, 1);
    site->client_used[tcp->client] = false;
    server_closed(site->server, world_server_time(world, site), tcp->client, true);
    drain(world, site);
    site->touched = true;
}

void server_step(struct world *world, struct world_site *site)
{
    uint64_t ticket;
    if (komet_reached(world->now, site->back)) {
        server_start(world, site);
    }
    if (!site->runs) {
        return;
    }
    if (disk_synced(&site->disk, world->now, &ticket)) {
        checks_synced(world, side_of(world, site));
        server_stored(site->server, world_server_time(world, site), ticket);
        site->touched = true;
    }
    if ((site->touched || komet_reached(world->now, site->due)) && !is_late(world)) {
        site->touched = false;
        server_tick(site->server, world_server_time(world, site));
        drain(world, site);
    }
    for (unsigned i = 0; i < TCP_MAX; i++) {
        struct tcp *tcp = &world->tcps[i];
        if (tcp->used && tcp->kom[1] == NULL && &world->sites[tcp->kom[0]->side] == site && !is_late(world)) {
            receive(world, site, tcp);
        }
    }
}

struct komet_instant server_next_instant(const struct world *world, const struct world_site *site)
{
    if (!site->runs) {
        return site->back;
    }
    if (is_late(world)) {
        return komet_earlier(komet_after(world->checks.single.until, 1), disk_deadline(&site->disk));
    }
    if (site->touched) {
        return world->now;
    }
    return komet_earlier(disk_deadline(&site->disk), site->due);
}
