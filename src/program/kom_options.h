/*
 * kom_options: the command line of a KOM, in Komet's spelling and in D2000's.
 */
#ifndef KOMET_PROGRAM_KOM_OPTIONS_H
#define KOMET_PROGRAM_KOM_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "program/endpoints.h"

struct kom_options {
    char process[64];         /* "SELF.KOM" */
    uint8_t instance;         /* 1..15, 0 without a number */
    struct endpoints servers; /* -S, or the server of the same computer; count 0: `group` says where */
    const char *group;        /* --group, /RD; NULL: not given */
    const char *site;         /* --site: where the addresses of the group's servers are; NULL: not given */
    size_t trace_memory;      /* --trace-memory, in octets; 0: no traffic is kept */
    const char *tls;          /* --tls: folder of its certificate; NULL: not given */
    const char *buffer;       /* --buffer, /KC: where its own buffer is kept; NULL: it has none */
    unsigned buffer_mib;      /* --buffer-size, /KA */
    bool stay;                /* --stay: with the first server that welcomes it */
    bool close_serial;        /* /DBSH */
    bool help, version;
};

#define KOM_OPTIONS_FAULT_SIZE 256
#define KOM_TRACE_MIB          16 /* --trace-memory, when it is not given */
#define KOM_TRACE_MIB_MAX      4096
#define KOM_BUFFER_MIB         100 /* --buffer-size, when it is not given */
#define KOM_BUFFER_MIB_MAX     400

/* Reads argv[1] and on; the options borrow from it. False: `fault` (KOM_OPTIONS_FAULT_SIZE octets) says what
 * is wrong and what would be right. */
bool kom_options_read(struct kom_options *options, int argc, char **argv, char *fault);

#endif
