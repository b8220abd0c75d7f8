/*
 * The TCP connections of two simulated sites: of their instances to their servers, and between the instances
 * over two networks. See world.h.
 */
#include <string.h>

#include "sim/pairs/world.h"

#define LOST_IN  100   /* one of so many pieces of octets is lost, */
#define AGAIN_US 20000 /* and sent again */

struct komet_instant tcp_arrival(struct world *world)
{
    uint32_t delay_us = world->delay_us + test_random_below(&world->random, world->jitter_us);
    if (test_random_below(&world->random, LOST_IN) == 0) {
        delay_us += test_random_below(&world->random, AGAIN_US);
    }
    return komet_after(world->now, delay_us);
}

struct tcp *tcp_open(struct world *world, struct world_kom *from, struct world_kom *to, unsigned network)
{
    for (unsigned i = 0; i < TCP_MAX; i++) {
        struct tcp *tcp = &world->tcps[i];
        if (tcp->used) {
            continue;
        }
        struct stream first = tcp->to[0], second = tcp->to[1]; /* their memory goes on */
        stream_clear(&first);
        stream_clear(&second);
        memset(tcp, 0, sizeof *tcp);
        tcp->serial = ++world->newest_tcp;
        tcp->used = tcp->open[0] = tcp->open[1] = true;
        tcp->kom[0] = from;
        tcp->kom[1] = to;
        tcp->network = network;
        tcp->told = KOMET_NEVER;
        tcp->to[0] = first;
        tcp->to[1] = second;
        return tcp;
    }
    KOMET_ASSERT_NEVER("more connections than two sites can have");
}

void tcp_send(struct world *world, struct tcp *tcp, unsigned end, const uint8_t *octets, size_t size)
{
    stream_send(&tcp->to[1 - end], octets, size, tcp_arrival(world));
}

unsigned tcp_ways_out(const struct world *world, unsigned west, unsigned east, unsigned network)
{
    return world->paths[west][east][network].ways;
}

bool tcp_passes(const struct world *world, const struct tcp *tcp, unsigned to)
{
    unsigned out = tcp->kom[1] == NULL ? tcp->kom[0]->cut
                                       : tcp_ways_out(world, tcp->kom[0]->instance - 1u,
                                                      tcp->kom[1]->instance - 1u, tcp->network);
    return (out & (to == 1 ? WAY_OUT : WAY_BACK)) == 0;
}

void tcp_close(struct tcp *tcp, unsigned end)
{
    tcp->open[end] = false;
    stream_clear(&tcp->to[end]);
}

/* What did not get through is not sent again: the socket is gone. */
void tcp_reset(struct world *world, struct tcp *tcp, unsigned end)
{
    tcp_close(tcp, end);
    if (!tcp_passes(world, tcp, 1 - end)) {
        stream_clear(&tcp->to[1 - end]);
    }
}

static bool reads(const struct world *world, const struct tcp *tcp, unsigned end)
{
    return tcp->kom[end] != NULL ? kom_reads(tcp, end)
                                 : server_reads(world, &world->sites[tcp->kom[0]->side]);
}

/* Who is to be told that the other end is closed, now that nothing stands before it; 2: nobody. */
static unsigned to_tell(const struct world *world, const struct tcp *tcp)
{
    if (tcp->open[0] == tcp->open[1]) {
        return 2;
    }
    unsigned end = tcp->open[0] ? 0 : 1;
    bool alive = tcp->kom[end] == NULL || world_kom_runs(tcp->kom[end]);
    return alive && tcp_passes(world, tcp, end) && tcp->to[end].size == 0 ? end : 2;
}

static void tell(struct world *world, struct tcp *tcp, unsigned end)
{
    if (tcp->kom[end] != NULL) {
        kom_hear_closed(world, tcp, end);
    } else {
        server_hear_closed(world, tcp);
    }
}

void tcp_step(struct world *world)
{
    for (unsigned i = 0; i < TCP_MAX; i++) {
        struct tcp *tcp = &world->tcps[i];
        unsigned end = tcp->used ? to_tell(world, tcp) : 2;
        if (end < 2 && tcp->told.us == KOMET_NEVER.us) {
            tcp->told = tcp_arrival(world);
        }
        if (end < 2 && komet_reached(world->now, tcp->told)) {
            tell(world, tcp, end);
        }
        tcp->used = tcp->used && (tcp->open[0] || tcp->open[1]);
    }
}

struct komet_instant tcp_next(const struct world *world)
{
    struct komet_instant next = KOMET_NEVER;
    for (unsigned i = 0; i < TCP_MAX; i++) {
        const struct tcp *tcp = &world->tcps[i];
        if (!tcp->used) {
            continue;
        }
        for (unsigned end = 0; end < 2; end++) {
            if (tcp->open[end] && tcp_passes(world, tcp, end) && reads(world, tcp, end)) {
                next = komet_earlier(next, stream_next(&tcp->to[end]));
            }
        }
        if (to_tell(world, tcp) < 2) {
            next = komet_earlier(next, tcp->told.us == KOMET_NEVER.us ? world->now : tcp->told);
        }
    }
    return next;
}
