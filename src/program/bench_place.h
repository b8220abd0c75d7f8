/*
 * bench_place: where a bench runs a site of real processes: a folder for its files, ports of the loopback, and
 * the server and instance, which are this same program.
 */
#ifndef KOMET_PROGRAM_BENCH_PLACE_H
#define KOMET_PROGRAM_BENCH_PLACE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

enum { BENCH_PATH_SIZE = 512, BENCH_FAULT_SIZE = 200 };

struct bench_place {
    char folder[BENCH_PATH_SIZE];
    int listener; /* for the instance's partner, who is played: does not block, is closed with the place */
    uint16_t station_port, server_port; /* the listener's; one that was free */
    pid_t server, kom;                  /* 0: does not run */
    char fault[BENCH_FAULT_SIZE];       /* what went wrong; empty: nothing */
};

/*
 * Makes the folder, in $TMPDIR or else /var/tmp, and finds the ports.
 *   networks  the listener is reached at every address of the loopback, so that a partner has several; else only
 *             at 127.0.0.1
 * False: `fault` says why; bench_place_remove is still the caller's to call.
 */
bool bench_place_make(struct bench_place *place, bool networks);

/* Ends the processes, and removes the folder with all that is in it. */
void bench_place_remove(struct bench_place *place);

/* Opens a file of the folder to be written, and closes it; NULL, false: `fault` says why. */
FILE *bench_place_open(struct bench_place *place, const char *name);
bool bench_place_close(struct bench_place *place, FILE *file);

/* Writes the first lines of site.yaml, up to the lines of process SELF.KOM, which are the caller's to go on with.
 * NULL as above. */
FILE *bench_place_site(struct bench_place *place);

/* Each starts its process; the site is written before. */
void bench_place_start_server(struct bench_place *place);
void bench_place_start_kom(struct bench_place *place);

/* Seconds from `since` (bench_now) until the server takes a connection; negative: it does not. */
double bench_place_await_server(const struct bench_place *place, double since);

/* `what`, and what errno says, becomes the fault. Returns false. */
bool bench_place_failed(struct bench_place *place, const char *what);

#endif
