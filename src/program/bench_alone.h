/*
 * bench_alone: one end of a connection, for another program at the other: `komet bench client` and `komet
 * bench station`. Here are the options of both.
 */
#ifndef KOMET_PROGRAM_BENCH_ALONE_H
#define KOMET_PROGRAM_BENCH_ALONE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "komet/link.h"

enum alone_measure {
    ALONE_THROUGHPUT, /* full ASDUs as fast as k allows */
    ALONE_EVENTS,     /* single events */
    ALONE_COMMANDS    /* single commands */
};

struct alone_options {
    struct sockaddr_storage address;
    socklen_t address_size;
    enum alone_measure measure;
    struct komet_link_settings link;
    double seconds;   /* of a round; client */
    double rate;      /* events a second; station */
    uint32_t command; /* address of the command; client */
    const char *json; /* NULL: none; client */
};

/* As programs.h says. */
int bench_alone_client(int argc, char **argv);
int bench_alone_station(int argc, char **argv);

/*
 * Reads a command line.
 *   role  KOMET_CONTROLLING: of the client, else of the station
 *   done  whether an option asked for nothing but a text
 * Returns the exit status: 0, or 2 after standard error said what is wrong.
 */
int alone_read_options(enum komet_link_role role, int argc, char **argv, struct alone_options *options,
                       bool *done);

#endif
