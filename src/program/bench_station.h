/*
 * bench_station: a station that does nothing but send, and takes the time until each value is acknowledged.
 */
#ifndef KOMET_PROGRAM_BENCH_STATION_H
#define KOMET_PROGRAM_BENCH_STATION_H

#include <stdbool.h>
#include <stdint.h>

struct bench_load {
    uint16_t k;       /* window, 1..32767 */
    unsigned objects; /* of an ASDU, 1..16: M_ME_TF_1, addresses from 1 on */
    double rate;      /* ASDUs per second, on a fixed beat; 0: as fast as the partner acknowledges */
    double seconds;
};

struct bench_load_result {
    double values_per_second; /* acknowledged */
    double p50, p99;          /* seconds from when a value was due to be sent until its N(R) */
};

struct bench_station; /* opaque: one connection, used for load after load */

/* Waits for the partner on `listener` (a listening socket), and for STARTDT and the interrogation behind it.
 * NULL: `fault` (200 octets) says what went wrong. */
struct bench_station *bench_station_accept(int listener, uint16_t k, char *fault);
/* One load. False: the connection ended; `fault` says why. */
bool bench_station_run(struct bench_station *station, const struct bench_load *load,
                       struct bench_load_result *result, char *fault);
void bench_station_free(struct bench_station *station); /* NULL is allowed */

#endif
