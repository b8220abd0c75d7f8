/*
 * bench_alone: see bench_alone.h.
 */
#include "program/bench_alone.h"

#include <getopt.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "program/bench_host.h"
#include "program/endpoints.h"
#include "program/programs.h"

#define STATUS_OK    0
#define STATUS_USAGE 2
#define FAULT_SIZE   200
#define STATION_PORT 2404
#define SECONDS_MAX  3600.0
#define RATE_MAX     100000.0

static const char client_usage[] =
    "usage: komet bench client --connect HOST:PORT [options]\n"
    "\n"
    "Is the controlling station of an IEC 60870-5-104 station that is another program, starts data transfer, "
    "and\n"
    "measures in five rounds:\n"
    "\n"
    "  --measure throughput  ASDUs and values a second that the station sends by itself (default)\n"
    "  --measure events      from the time tag of each ASDU's last object until it is decoded: both clocks "
    "must be\n"
    "                        the same, the tags UTC; they tell whole milliseconds\n"
    "  --measure commands    single commands (C_SC_NA_1), one after the other: from giving it until its "
    "activation\n"
    "                        confirmation is decoded\n"
    "\n"
    "  --connect HOST:PORT   where the station listens; without a port 2404\n"
    "  --address N           the command's information object address, 1 to 16777215; without it 1\n"
    "  --seconds N           length of a round, 0.01 to 3600; without it 1\n"
    "  --k N, --w N          of the link: 1 to 32767, w not above k; without them 12 and 8\n"
    "  --json FILE           writes the rows as JSON too\n"
    "  --help                prints this\n"
    "\n"
    "The common address is 1. Exit status: 0 done; 1 it could not measure; 2 wrong command line.\n";

static const char station_usage[] =
    "usage: komet bench station --listen HOST:PORT [options]\n"
    "\n"
    "Is an IEC 60870-5-104 station for a controlling station that is another program. One connection at a "
    "time; what\n"
    "it was is printed at its end. It confirms all commands and interrogations, and sends:\n"
    "\n"
    "  --measure throughput  M_ME_TF_1, 16 an ASDU, as fast as k allows (default). Printed: ASDUs and values "
    "a\n"
    "                        second that were acknowledged\n"
    "  --measure events      M_ME_TF_1, one an ASDU, with the time of now (UTC), at an even rate. Printed: "
    "the time\n"
    "                        from giving it until N(R); with w = 1 there, that is there and back\n"
    "  --measure commands    nothing. Printed: commands confirmed, and how many a second: their time there "
    "and back,\n"
    "                        where the other end sends one after the other\n"
    "\n"
    "  --listen HOST:PORT    where; without a port 2404\n"
    "  --rate N              events a second, 0.1 to 100000; without it 100\n"
    "  --k N, --w N          of the link: 1 to 32767, w not above k; without them 12 and 8\n"
    "  --help                prints this\n"
    "\n"
    "It runs until SIGTERM or SIGINT. The common address is 1. Exit status: 0 ended by a signal; 1 it could "
    "not\n"
    "listen; 2 wrong command line.\n";

static const char *word_of(enum komet_link_role role)
{
    return role == KOMET_CONTROLLING ? "client" : "station";
}

static int refuse(enum komet_link_role role, const char *what, const char *argument)
{
    fprintf(stderr, "komet bench %s: %s: %s; see komet bench %s --help\n", word_of(role), what, argument,
            word_of(role));
    return STATUS_USAGE;
}

static int read_address(enum komet_link_role role, const char *argument, struct alone_options *options)
{
    struct endpoints endpoints;
    char fault[FAULT_SIZE], port[8];
    if (!endpoints_parse(argument, STATION_PORT, &endpoints, fault)) {
        return refuse(role, "the address cannot be read", fault);
    }
    if (endpoints.count != 1) {
        return refuse(role, "one address is wanted, not", argument);
    }
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                                   .ai_flags = AI_NUMERICSERV | (role == KOMET_CONTROLLED ? AI_PASSIVE : 0)};
    struct addrinfo *found;
    snprintf(port, sizeof port, "%u", endpoints.list[0].port);
    int failed = getaddrinfo(endpoints.list[0].host, port, &hints, &found);
    if (failed != 0) {
        return refuse(role, gai_strerror(failed), argument);
    }
    memcpy(&options->address, found->ai_addr, found->ai_addrlen);
    options->address_size = found->ai_addrlen;
    freeaddrinfo(found);
    return STATUS_OK;
}

static int read_measure(enum komet_link_role role, const char *argument, struct alone_options *options)
{
    static const char *const words[] = {
        [ALONE_THROUGHPUT] = "throughput", [ALONE_EVENTS] = "events", [ALONE_COMMANDS] = "commands"};
    for (unsigned i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(argument, words[i]) == 0) {
            options->measure = (enum alone_measure)i;
            return STATUS_OK;
        }
    }
    return refuse(role, "--measure is throughput, events or commands, not", argument);
}

/* A number from `min` to `max` at *number; false: it is none. */
static bool read_number(const char *argument, double min, double max, double *number)
{
    char *end;
    *number = strtod(argument, &end);
    return end != argument && *end == '\0' && *number >= min && *number <= max;
}

static int read_count(enum komet_link_role role, const char *argument, uint16_t *count)
{
    double number;
    if (!read_number(argument, 1, KOMET_SEQUENCE_MODULUS - 1, &number)) {
        return refuse(role, "k and w are 1 to 32767, not", argument);
    }
    *count = (uint16_t)number;
    return STATUS_OK;
}

static int read_option(enum komet_link_role role, int option, const char *word, struct alone_options *options)
{
    double number = 0;
    switch (option) {
    case 'a':
        return read_address(role, optarg, options);
    case 'm':
        return read_measure(role, optarg, options);
    case 'k':
        return read_count(role, optarg, &options->link.k);
    case 'w':
        return read_count(role, optarg, &options->link.w);
    case 'j':
        options->json = optarg;
        return STATUS_OK;
    case 's':
        return read_number(optarg, 0.01, SECONDS_MAX, &options->seconds)
                   ? STATUS_OK
                   : refuse(role, "--seconds is 0.01 to 3600, not", optarg);
    case 'r':
        return read_number(optarg, 0.1, RATE_MAX, &options->rate)
                   ? STATUS_OK
                   : refuse(role, "--rate is 0.1 to 100000, not", optarg);
    case 'c':
        if (!read_number(optarg, 1, 0xFFFFFF, &number)) {
            return refuse(role, "--address is 1 to 16777215, not", optarg);
        }
        options->command = (uint32_t)number;
        return STATUS_OK;
    case ':':
        return refuse(role, "this option wants a value", word);
    default:
        return refuse(role, "no such option", word);
    }
}

int alone_read_options(enum komet_link_role role, int argc, char **argv, struct alone_options *options,
                       bool *done)
{
    static const struct option of_client[] = {{"connect", required_argument, NULL, 'a'},
                                              {"address", required_argument, NULL, 'c'},
                                              {"seconds", required_argument, NULL, 's'},
                                              {"json", required_argument, NULL, 'j'},
                                              {"measure", required_argument, NULL, 'm'},
                                              {"k", required_argument, NULL, 'k'},
                                              {"w", required_argument, NULL, 'w'},
                                              {"help", no_argument, NULL, 'h'},
                                              {0}};
    static const struct option of_station[] = {{"listen", required_argument, NULL, 'a'},
                                               {"rate", required_argument, NULL, 'r'},
                                               {"measure", required_argument, NULL, 'm'},
                                               {"k", required_argument, NULL, 'k'},
                                               {"w", required_argument, NULL, 'w'},
                                               {"help", no_argument, NULL, 'h'},
                                               {0}};
    const struct option *known = role == KOMET_CONTROLLING ? of_client : of_station;
    int option, status = STATUS_OK;
    *options = (struct alone_options){
        .link = bench_link_settings(role, 12, 8), .seconds = 1, .rate = 100, .command = 1};
    optind = 1;
    while (status == STATUS_OK && (option = getopt_long(argc, argv, ":", known, NULL)) >= 0) {
        if (option == 'h') {
            fputs(role == KOMET_CONTROLLING ? client_usage : station_usage, stdout);
            *done = true;
            return STATUS_OK;
        }
        status = read_option(role, option, argv[optind - 1], options);
    }
    if (status != STATUS_OK) {
        return status;
    }
    if (optind < argc) {
        return refuse(role, "no such word", argv[optind]);
    }
    if (options->address_size == 0) {
        return refuse(role, "this option is needed",
                      role == KOMET_CONTROLLING ? "--connect HOST:PORT" : "--listen HOST:PORT");
    }
    options->link = bench_link_settings(role, options->link.k, options->link.w);
    const char *fault = komet_link_settings_fault(&options->link);
    return fault == NULL ? STATUS_OK : refuse(role, "--k, --w", fault);
}
