/*
 * bench_site: a whole site of real processes on this machine: the bench plays the station, the server and an
 * instance are this same program.
 *
 * site_throughput    values per second, 16 an ASDU, station's window 1,000: from the station to N(R), which
 *                    waits for the journal. Limit: SQLite alone, the same rows, in transactions of 1,000
 * site_latency_p50, site_latency_p99    20,000 values a second, one an ASDU, on a fixed beat: from when it
 * was due to its N(R). Limit: the median of fdatasync behind 4 KiB site_start_100k    a server of 100,000
 * tags: from its start until it takes connections, its journal made before memory_tag         octets of the
 * server's memory for each tag of that site
 */
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "komet/assert.h"
#include "program/bench.h"
#include "program/bench_place.h"
#include "program/bench_process.h"
#include "program/bench_station.h"

#define STATION_K     1000
#define LOAD_SECONDS  2.0
#define LATENCY_RATE  20000.0
#define SITE_TAGS     1600
#define BIG_SITE_TAGS 100000

static bool make_site(struct bench_place *place, unsigned tags)
{
    FILE *site, *table;
    if (!bench_place_make(place, false) || (site = bench_place_site(place)) == NULL) {
        return false;
    }
    fprintf(site,
            "      L.RTU: {protocol: iec104, category: tcp, number: 1, hosts: [\"127.0.0.1:%u\"], reconnect: "
            "100 ms,\n"
            "              stations: {B.RTU: {address: 1, tags: tags.csv}}}\n",
            place->station_port);
    if (!bench_place_close(place, site) || (table = bench_place_open(place, "tags.csv")) == NULL) {
        return false;
    }
    fputs("name,type,address\n", table);
    for (unsigned i = 0; i < tags; i++) {
        fprintf(table, "M.T%06u,Ai,%u\n", i, i + 1);
    }
    return bench_place_close(place, table);
}

/* ---- the limits ---- */

/* Rows per second that SQLite takes, in transactions of 1,000. */
static double bare_journal(struct bench_place *place, double seconds)
{
    char path[BENCH_PATH_SIZE + 16];
    sqlite3 *database = NULL;
    sqlite3_stmt *insert = NULL;
    uint64_t rows = 0;
    snprintf(path, sizeof path, "%s/bare.db", place->folder);
    if (sqlite3_open(path, &database) != SQLITE_OK ||
        sqlite3_exec(database,
                     "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=4000;"
                     "CREATE TABLE IF NOT EXISTS events(seq INTEGER PRIMARY KEY, a, b, c, d, e, f, g, h, i, "
                     "j, k, l, m, n)",
                     NULL, NULL, NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(database, "INSERT INTO events VALUES(NULL,?,?,?,?,?,?,?,?,?,?,?,?,?,?)", -1,
                           &insert, NULL) != SQLITE_OK) {
        sqlite3_close(database);
        return 0;
    }
    double begin = bench_now();
    while (bench_now() - begin < seconds) {
        sqlite3_exec(database, "BEGIN IMMEDIATE", NULL, NULL, NULL);
        for (unsigned i = 0; i < 1000; i++, rows++) {
            for (int column = 1; column < 14; column++) {
                sqlite3_bind_int64(insert, column, column * 1000 + (int)i);
            }
            sqlite3_bind_blob(insert, 14, "0123456789abcdef", 15, SQLITE_STATIC);
            sqlite3_step(insert);
            sqlite3_reset(insert);
        }
        sqlite3_exec(database, "COMMIT", NULL, NULL, NULL);
    }
    double rate = (double)rows / (bench_now() - begin);
    sqlite3_finalize(insert);
    sqlite3_close(database);
    return rate;
}

/* The median time of fdatasync behind 4 KiB. */
static double bare_sync(struct bench_place *place)
{
    enum { SYNCS = 101 };
    char path[BENCH_PATH_SIZE + 16];
    static const char block[4096];
    double times[SYNCS];
    snprintf(path, sizeof path, "%s/bare", place->folder);
    int file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    for (unsigned i = 0; i < SYNCS; i++) {
        double begin = bench_now();
        if (file < 0 || write(file, block, sizeof block) != sizeof block || fdatasync(file) != 0) {
            close(file);
            return 0;
        }
        times[i] = bench_now() - begin;
    }
    close(file);
    bench_sort(times, SYNCS);
    return bench_quantile(times, SYNCS, 0.5);
}

/* ---- the rows ---- */

struct site_rounds {
    struct bench_rounds throughput, p50, p99;
};

static bool run_rounds(const struct bench_report *report, struct bench_place *place,
                       struct bench_station *station, struct site_rounds *rounds)
{
    const double seconds = LOAD_SECONDS * report->scale;
    const struct bench_load full = {STATION_K, 16, 0, seconds};
    const struct bench_load beat = {STATION_K, 1, LATENCY_RATE, seconds};
    struct bench_load_result result;
    for (unsigned i = 0; i < report->rounds; i++) {
        if (!bench_station_run(station, &full, &result, place->fault)) {
            return false;
        }
        rounds->throughput.values[i] = result.values_per_second;
        rounds->throughput.limits[i] = bare_journal(place, seconds / 2);
        if (!bench_station_run(station, &beat, &result, place->fault)) {
            return false;
        }
        rounds->p50.values[i] = result.p50;
        rounds->p99.values[i] = result.p99;
        rounds->p50.limits[i] = rounds->p99.limits[i] = bare_sync(place);
    }
    return true;
}

static bool bench_values(struct bench_report *report)
{
    struct bench_place place;
    struct site_rounds rounds = {0};
    struct bench_station *station = NULL;
    bool done = make_site(&place, SITE_TAGS);
    if (done) {
        bench_place_start_server(&place);
        bench_place_start_kom(&place);
        station = bench_station_accept(place.listener, STATION_K, place.fault);
        done = station != NULL && run_rounds(report, &place, station, &rounds);
    }
    if (done) {
        bench_add(report, "site_throughput", "1/s", true, &rounds.throughput);
        bench_add(report, "site_latency_p50", "s", false, &rounds.p50);
        bench_add(report, "site_latency_p99", "s", false, &rounds.p99);
    } else {
        fprintf(stderr, "komet bench: %s\n", place.fault);
    }
    bench_station_free(station);
    bench_place_remove(&place);
    return done;
}

/* Octets of memory that a process has to itself. */
static double memory_of(pid_t child)
{
    char path[64], line[128];
    long kilobytes = 0;
    snprintf(path, sizeof path, "/proc/%d/status", (int)child);
    FILE *status = fopen(path, "r");
    while (status != NULL && fgets(line, sizeof line, status) != NULL) {
        if (sscanf(line, "RssAnon: %ld kB", &kilobytes) == 1) {
            break;
        }
    }
    if (status != NULL) {
        fclose(status);
    }
    return (double)kilobytes * 1024;
}

/* Starts the server so many times, after a first time that makes the journal. */
static bool start_rounds(struct bench_place *place, unsigned count, struct bench_rounds *starts,
                         double memory[BENCH_ROUNDS])
{
    for (int i = -1; i < (int)count; i++) {
        double begin = bench_now();
        bench_place_start_server(place);
        double taken = bench_place_await_server(place, begin);
        if (taken < 0) {
            snprintf(place->fault, sizeof place->fault, "the server did not start");
            return false;
        }
        if (i >= 0) {
            starts->values[i] = taken;
            memory[i] = memory_of(place->server);
        }
        bench_end_child(&place->server, SIGTERM);
    }
    return true;
}

static bool bench_start(struct bench_report *report)
{
    struct bench_place small, big;
    struct bench_rounds starts = {0}, memory = {0}, nothing = {0};
    double small_memory[BENCH_ROUNDS], big_memory[BENCH_ROUNDS];
    bool done = make_site(&small, 1) && start_rounds(&small, report->rounds, &nothing, small_memory);
    if (!done) {
        fprintf(stderr, "komet bench: %s\n", small.fault);
    }
    bench_place_remove(&small);
    done = make_site(&big, BIG_SITE_TAGS) && done && start_rounds(&big, report->rounds, &starts, big_memory);
    for (unsigned i = 0; done && i < report->rounds; i++) {
        memory.values[i] = (big_memory[i] - small_memory[i]) / BIG_SITE_TAGS;
    }
    if (done) {
        bench_add(report, "site_start_100k", "s", false, &starts);
        bench_add(report, "memory_tag", "octets", false, &memory);
    } else if (big.fault[0] != '\0') {
        fprintf(stderr, "komet bench: %s\n", big.fault);
    }
    bench_place_remove(&big);
    return done;
}

int bench_site(struct bench_report *report)
{
    return bench_values(report) && bench_start(report) ? 0 : 1;
}
