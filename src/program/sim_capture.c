/*
 * sim_capture: see sim_capture.h.
 */
#include "program/sim_capture.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture/capture.h"
#include "komet/assert.h"
#include "site/arena.h"

#define TIME_MAX_MS INT64_C(100000000000000) /* a clock of a capture that says more is wrong */
#define SPAN_MAX_US INT64_C(1000000000000000)

/* An ASDU of any station. */
struct kept {
    struct komet_utc time; /* may be KOMET_UTC_UNKNOWN */
    uint16_t microseconds;
    uint8_t size;
    size_t station;
    const uint8_t *octets;
};

struct collector {
    struct sim_capture *capture;
    struct capture *decoder;
    struct kept *kept;
    size_t count, capacity;
    size_t station_capacity;
};

/* `items` with room for one more behind `count`. */
static void *grown(void *items, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity) {
        return items;
    }
    *capacity = *capacity * 2 + 64;
    items = realloc(items, *capacity * size);
    KOMET_ASSERT(items != NULL); /* a program without memory ends */
    return items;
}

/* The sender's place in the list, made when it is new. */
static size_t station_of(struct collector *collector, const char *name)
{
    struct sim_capture *capture = collector->capture;
    for (size_t i = capture->station_count; i > 0; i--) {
        if (strcmp(capture->stations[i - 1].name, name) == 0) {
            return i - 1;
        }
    }
    capture->stations = grown(capture->stations, capture->station_count, &collector->station_capacity,
                              sizeof *capture->stations);
    struct sim_capture_station *station = &capture->stations[capture->station_count];
    *station = (struct sim_capture_station){.number = capture->station_count};
    snprintf(station->name, sizeof station->name, "%s", name);
    return capture->station_count++;
}

static void keep(struct collector *collector, const struct capture_item *item, size_t station)
{
    collector->kept = grown(collector->kept, collector->count, &collector->capacity, sizeof *collector->kept);
    uint8_t *octets = arena_take(collector->capture->arena, item->apdu.asdu_size);
    memcpy(octets, item->apdu.asdu, item->apdu.asdu_size);
    bool timed = item->time.ms > -TIME_MAX_MS && item->time.ms < TIME_MAX_MS;
    collector->kept[collector->count++] = (struct kept){.time = timed ? item->time : KOMET_UTC_UNKNOWN,
                                                        .microseconds = item->microseconds,
                                                        .size = (uint8_t)item->apdu.asdu_size,
                                                        .station = station,
                                                        .octets = octets};
    collector->capture->stations[station].asdus++;
}

/* Who is the station may turn out only later: until then both ends are looked at as if they were. */
static void take_item(struct collector *collector, const struct capture_item *item)
{
    if (item->from == CAPTURE_SIDE_CENTRE) {
        return;
    }
    size_t at = station_of(collector, item->source);
    struct sim_capture_station *station = &collector->capture->stations[at];
    station->sure = station->sure || item->from == CAPTURE_SIDE_STATION;
    switch (item->kind) {
    case CAPTURE_APDU:
        if (item->apdu.format == KOMET_FORMAT_I && item->apdu.asdu_size > 0) {
            keep(collector, item, at);
        }
        break;
    case CAPTURE_MALFORMED:
    case CAPTURE_CUT:
    case CAPTURE_GAP:
        station->holes++;
        break;
    }
}

static bool read_file(struct collector *collector, const char *path, int file)
{
    static uint8_t octets[65536];
    struct capture_item item;
    ssize_t size;
    do {
        size = read(file, octets, sizeof octets);
        if (size < 0 && errno != EINTR) {
            snprintf(collector->capture->fault, sizeof collector->capture->fault, "%.150s: %s", path,
                     strerror(errno));
            return false;
        }
        for (size_t at = 0; size > 0 && at < (size_t)size;) {
            at += capture_feed(collector->decoder, octets + at, (size_t)size - at);
            while (capture_next(collector->decoder, &item)) {
                take_item(collector, &item);
            }
        }
    } while (size != 0);
    capture_end(collector->decoder);
    while (capture_next(collector->decoder, &item)) {
        take_item(collector, &item);
    }
    enum packet_file_fault fault = capture_fault(collector->decoder);
    if (fault != PACKET_FILE_OK) {
        snprintf(collector->capture->warning, sizeof collector->capture->warning,
                 "%.100s: at octet %" PRIu64 ": %s", path, capture_fault_offset(collector->decoder),
                 packet_file_fault_sentence(fault));
    }
    return true;
}

/* ---- which station ---- */

static int by_asdus(const void *a, const void *b)
{
    const struct sim_capture_station *left = a, *right = b;
    if (left->asdus != right->asdus) {
        return left->asdus > right->asdus ? -1 : 1;
    }
    return strcmp(left->name, right->name);
}

/* Leaves the stations that are ones, most ASDUs first. */
static void sort_stations(struct sim_capture *capture)
{
    size_t count = 0;
    for (size_t i = 0; i < capture->station_count; i++) {
        if (capture->stations[i].sure && capture->stations[i].asdus > 0) {
            capture->stations[count++] = capture->stations[i];
        }
    }
    capture->station_count = count;
    if (count > 1) {
        qsort(capture->stations, count, sizeof *capture->stations, by_asdus);
    }
}

/* "10.0.0.1:2404" is wanted as itself or as "10.0.0.1", "[::1]:2404" also as "[::1]" or "::1". */
static bool is_wanted(const char *name, const char *wanted)
{
    if (wanted == NULL || strcmp(name, wanted) == 0) {
        return true;
    }
    size_t host = (size_t)(strrchr(name, ':') - name), size = strlen(wanted);
    bool bare = name[0] == '[' && wanted[0] != '[';
    name += bare ? 1 : 0;
    host -= bare ? 2 : 0;
    return size == host && memcmp(name, wanted, size) == 0;
}

static bool choose(struct sim_capture *capture, const char *path, const char *wanted)
{
    if (capture->station_count == 0) {
        snprintf(capture->fault, sizeof capture->fault, "%.180s: no station in it sends an ASDU", path);
        return false;
    }
    while (capture->chosen < capture->station_count &&
           !is_wanted(capture->stations[capture->chosen].name, wanted)) {
        capture->chosen++;
    }
    if (capture->chosen < capture->station_count) {
        return true;
    }
    int used = snprintf(capture->fault, sizeof capture->fault, "%.80s: no station %.40s in it; it has", path,
                        wanted);
    for (size_t i = 0; i < capture->station_count && i < 3; i++) {
        used += snprintf(capture->fault + used, sizeof capture->fault - (size_t)used, "%s %s",
                         i == 0 ? "" : ",", capture->stations[i].name);
        used = used < (int)sizeof capture->fault ? used : (int)sizeof capture->fault - 1;
    }
    return false;
}

/* The chosen station's ASDUs, their times counted from the first that has one. */
static void take_asdus(struct collector *collector)
{
    struct sim_capture *capture = collector->capture;
    struct komet_utc first = KOMET_UTC_UNKNOWN;
    uint16_t first_microseconds = 0;
    int64_t before_us = 0;
    size_t station = capture->stations[capture->chosen].number;
    size_t room = capture->stations[capture->chosen].asdus;
    capture->asdus = arena_take(capture->arena, room * sizeof *capture->asdus);
    for (size_t i = 0; i < collector->count; i++) {
        const struct kept *kept = &collector->kept[i];
        if (kept->station != station) {
            continue;
        }
        if (komet_utc_known(kept->time)) {
            if (!komet_utc_known(first)) {
                first = kept->time;
                first_microseconds = kept->microseconds;
            }
            before_us = (kept->time.ms - first.ms) * 1000 + kept->microseconds - first_microseconds;
            before_us = before_us < 0 ? 0 : before_us > SPAN_MAX_US ? SPAN_MAX_US : before_us;
        }
        KOMET_ASSERT(capture->count < room);
        capture->asdus[capture->count++] =
            (struct replay_asdu){.time_us = before_us, .octets = kept->octets, .size = kept->size};
    }
}

static struct sim_capture failed(struct sim_capture capture, const char *path, const char *why)
{
    snprintf(capture.fault, sizeof capture.fault, "%.150s: %s", path, why);
    return capture;
}

struct sim_capture sim_capture_read(const char *path, const char *wanted)
{
    struct sim_capture capture = {.arena = arena_new()};
    struct collector collector = {.capture = &capture};
    struct capture_settings settings = capture_settings_standard();
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) {
        return failed(capture, path, strerror(errno));
    }
    void *memory = malloc(capture_size(&settings));
    KOMET_ASSERT(memory != NULL);
    collector.decoder = capture_init(memory, capture_size(&settings), &settings);
    if (read_file(&collector, path, file)) {
        sort_stations(&capture);
        if (choose(&capture, path, wanted)) {
            take_asdus(&collector);
            capture.usable = true;
        }
    }
    close(file);
    free(memory);
    free(collector.kept);
    return capture;
}

void sim_capture_release(struct sim_capture *capture)
{
    free(capture->stations);
    arena_free(capture->arena);
    *capture = (struct sim_capture){.usable = false};
}
