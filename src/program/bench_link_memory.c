/*
 * bench_link_memory: what the link costs without a network: two of them in one process, 16-object ASDUs from
 * one to the other with every acknowledgement, in turns of a window.
 *
 * link_k12_memory, link_k100_memory, link_k10000_memory   ASDUs per second: flat in k is the aim
 * link_k12_memory_octets                                  octets per second on the line
 * memory_connection                                       octets of memory that a standard link takes, all in
 *
 * The limit is a loop that copies the same frames there in the same turns and walks over them.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "komet/link.h"
#include "program/bench.h"

enum { ASDU_SIZE = 246, APDU_SIZE = ASDU_SIZE + KOMET_APDU_HEADER_SIZE, TURNS = 64 };

struct pair {
    struct komet_link *station, *centre;
    unsigned k;
    uint8_t asdu[ASDU_SIZE];
    uint8_t sink[KOMET_ASDU_SIZE_MAX];
    uint8_t *bare; /* the bare loop's window of frames */
};

static const struct komet_instant now = {0};

/* Hands what `from` sends to `to`, and drains both, until `from` has nothing more. */
static void carry(struct pair *pair, struct komet_link *from, struct komet_link *to)
{
    struct komet_link_output output, other;
    while (komet_link_next(from, now, &output)) {
        if (output.kind != KOMET_LINK_OUT_SEND) {
            continue;
        }
        for (size_t taken = 0; taken < output.size;) {
            taken += komet_link_feed(to, now, output.octets + taken, output.size - taken);
            while (komet_link_next(to, now, &other) && other.kind != KOMET_LINK_OUT_SEND) {
                if (other.kind == KOMET_LINK_OUT_ASDU) {
                    memcpy(pair->sink, other.octets, other.size);
                    komet_link_acknowledge(to, now, other.received);
                }
            }
        }
        komet_link_written(from, output.size);
    }
}

static size_t link_work(void *context)
{
    struct pair *pair = context;
    size_t sent = 0;
    for (unsigned turn = 0; turn < TURNS; turn++) {
        for (uint8_t *place; (place = komet_link_reserve(pair->station)) != NULL; sent++) {
            memcpy(place, pair->asdu, ASDU_SIZE);
            komet_link_commit(pair->station, now, ASDU_SIZE);
        }
        carry(pair, pair->station, pair->centre);
        carry(pair, pair->centre, pair->station);
    }
    return sent;
}

static size_t bare_work(void *context)
{
    struct pair *pair = context;
    for (unsigned turn = 0; turn < TURNS; turn++) {
        uint8_t *place = pair->bare;
        for (unsigned i = 0; i < pair->k; i++, place += APDU_SIZE) {
            memcpy(place, "\x68\xFA\0\0\0\0", KOMET_APDU_HEADER_SIZE);
            memcpy(place + KOMET_APDU_HEADER_SIZE, pair->asdu, ASDU_SIZE);
        }
        __asm__ volatile("" : : "r"(pair->bare) : "memory");
        for (uint8_t *frame = pair->bare; frame < place; frame += frame[1] + 2) {
            memcpy(pair->sink, frame + KOMET_APDU_HEADER_SIZE, frame[1] - (size_t)4);
            __asm__ volatile("" : : "r"(pair->sink) : "memory");
        }
    }
    return (size_t)pair->k * TURNS;
}

static struct komet_link *make(enum komet_link_role role, uint16_t k)
{
    struct komet_link_settings settings = komet_link_settings_standard(role);
    settings.k = k;
    settings.w = (uint16_t)(k * 2 / 3);
    if (k > 12) {
        settings.output_size = 65536;
    }
    size_t size = komet_link_size(&settings);
    void *memory = malloc(size);
    return memory == NULL ? NULL : komet_link_init(memory, size, &settings, now);
}

static int measure(struct bench_report *report, const char *name, uint16_t k)
{
    struct bench_rounds rounds = {0};
    struct pair pair = {.station = make(KOMET_CONTROLLED, k), .centre = make(KOMET_CONTROLLING, k), .k = k};
    pair.bare = malloc((size_t)k * APDU_SIZE);
    if (pair.station == NULL || pair.centre == NULL || pair.bare == NULL) {
        fputs("komet bench: no memory for two links\n", stderr);
        free(pair.station);
        free(pair.centre);
        free(pair.bare);
        return 1;
    }
    komet_link_start(pair.centre, now);
    carry(&pair, pair.centre, pair.station);
    carry(&pair, pair.station, pair.centre);
    for (unsigned i = 0; i < report->rounds; i++) {
        rounds.values[i] = bench_rate(0.1 * report->scale, link_work, &pair);
        rounds.limits[i] = bench_rate(0.1 * report->scale, bare_work, &pair);
    }
    bench_add(report, name, "1/s", true, &rounds);
    bool open = komet_link_state(pair.station) == KOMET_LINK_STARTED &&
                komet_link_state(pair.centre) == KOMET_LINK_STARTED;
    if (!open) {
        fprintf(stderr, "komet bench: a link of %s closed: %s\n", name,
                komet_reason_name(komet_link_reason(pair.centre)));
    }
    free(pair.station);
    free(pair.centre);
    free(pair.bare);
    return open ? 0 : 1;
}

static void add_octets(struct bench_report *report)
{
    struct bench_row row = report->rows[report->count - 1];
    row.name = "link_k12_memory_octets";
    row.unit = "octets/s";
    row.value *= APDU_SIZE;
    row.min *= APDU_SIZE;
    row.max *= APDU_SIZE;
    row.limit *= APDU_SIZE;
    report->rows[report->count++] = row;
}

int bench_link_memory(struct bench_report *report)
{
    if (measure(report, "link_k12_memory", 12) != 0) {
        return 1;
    }
    add_octets(report);
    if (measure(report, "link_k100_memory", 100) != 0 || measure(report, "link_k10000_memory", 10000) != 0) {
        return 1;
    }
    struct komet_link_settings settings = komet_link_settings_standard(KOMET_CONTROLLED);
    struct bench_rounds rounds;
    for (unsigned i = 0; i < report->rounds; i++) {
        rounds.values[i] = (double)komet_link_size(&settings);
        rounds.limits[i] = 12.0 * KOMET_APDU_SIZE_MAX; /* the octets of a window */
    }
    bench_add(report, "memory_connection", "octets", false, &rounds);
    return 0;
}
