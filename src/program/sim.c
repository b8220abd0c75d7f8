/*
 * komet sim: a simulated telemetry partner, from a description of a station or of a Sinaut pair, or from a
 * capture of a station. Here are the options and what is made of them; sim_host and sim_pair_host put it on
 * the network.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "program/programs.h"
#include "program/sim_capture.h"
#include "program/sim_host.h"
#include "program/sim_pair_host.h"
#include "program/sim_pair_plan.h"
#include "program/sim_plan.h"
#include "program/site_faults.h"
#include "program/usage.h"
#include "shell/clock.h"
#include "shell/log.h"

#define STATION_PORT 2404
#define SPEED_MIN    0.001
#define SPEED_MAX    1000000.0
#define FAULT_SIZE   200
#define WHAT_SIZE    400
#define OTHERS_MAX   20 /* stations of a capture that are named */

struct sim {
    const char *path;    /* of a station's description; NULL: `pair` or `capture` */
    const char *pair;    /* of a pair's description */
    const char *capture; /* of a capture file */
    const char *station; /* of the capture; NULL: any */
    const char *log;
    const char *got; /* the record of what a pair got */
    struct endpoints listen;
    bool wired; /* --listen or --order was given, which a pair says in its description */
    double speed;
    const struct komet_profile *profile;
    bool done; /* an option asked for nothing but a text */
};

static const char usage[] =
    "usage: komet sim FILE.yaml [options]\n"
    "       komet sim --pair FILE.yaml [options]\n"
    "       komet sim --capture FILE [--station ADDRESS[:PORT]] [options]\n"
    "\n"
    "Plays an IEC 60870-5-104 station, one that FILE.yaml describes or the one of a capture (pcap, pcapng); "
    "or\n"
    "a Sinaut pair: two systems on two networks, which obey lines on standard input.\n"
    "\n"
    "  --listen HOST:PORT  where the controlling station connects; without it 127.0.0.1:2404\n"
    "  --speed N           patterns, periods and replays run N times faster: 0.001 to 1000000\n"
    "  --order ORDER       octet order of common and object addresses: standard (default) or sinaut\n"
    "  --log FILE          records every event of FILE.yaml as CSV: ioa,type,value,time_ms; ca first with "
    "--pair\n"
    "  --pair FILE.yaml    plays the Sinaut pair that the file describes\n"
    "  --received FILE     records everything that the pair gets as CSV\n"
    "  --capture FILE      plays the ASDUs that a station sent in this capture, at their times\n"
    "  --station ADDRESS[:PORT]  which station of the capture; without it the one with most ASDUs\n"
    "  --help              prints this\n"
    "  --version           prints the version\n"
    "\n"
    "It runs until SIGTERM or SIGINT. One connection at a time: a new one takes the place of the old one.\n"
    "Exit status: 0 ended by a signal; 1 it could not run; 2 wrong command line.\n";

/* ---- options ---- */

static int read_listen(struct sim *sim, const char *argument)
{
    char fault[FAULT_SIZE];
    if (!endpoints_parse(argument, STATION_PORT, &sim->listen, fault)) {
        return usage_refuse("sim", "--listen", fault);
    }
    return sim->listen.count == 1 ? STATUS_OK
                                  : usage_refuse("sim", "--listen takes one address, not", argument);
}

static int read_speed(struct sim *sim, const char *argument)
{
    char *end;
    sim->speed = strtod(argument, &end);
    if (end == argument || *end != '\0' || !(sim->speed >= SPEED_MIN && sim->speed <= SPEED_MAX)) {
        return usage_refuse("sim", "--speed takes a number from 0.001 to 1000000, not", argument);
    }
    return STATUS_OK;
}

static int read_option(struct sim *sim, int option, char **argv)
{
    switch (option) {
    case 'l':
        sim->wired = true;
        return read_listen(sim, optarg);
    case 's':
        return read_speed(sim, optarg);
    case 'o':
        sim->wired = true;
        return usage_read_order("sim", optarg, &sim->profile);
    case 'g':
        sim->log = optarg;
        return STATUS_OK;
    case 'p':
        sim->pair = optarg;
        return STATUS_OK;
    case 'r':
        sim->got = optarg;
        return STATUS_OK;
    case 'c':
        sim->capture = optarg;
        return STATUS_OK;
    case 't':
        sim->station = optarg;
        return STATUS_OK;
    case 'h':
        fputs(usage, stdout);
        sim->done = true;
        return STATUS_OK;
    case 'v':
        puts("komet " KOMET_VERSION);
        sim->done = true;
        return STATUS_OK;
    default:
        return usage_refuse("sim", usage_option_fault(option), argv[optind - 1]);
    }
}

/* What goes with what. */
static int check_options(const struct sim *sim, int files)
{
    if (files > 1) {
        return usage_refuse("sim", "one station at a time", "");
    }
    if (files == 0 && sim->capture == NULL && sim->pair == NULL) {
        return usage_refuse("sim", "which station? Name its FILE.yaml, or a capture with --capture", "");
    }
    if (files + (sim->capture != NULL) + (sim->pair != NULL) > 1) {
        return usage_refuse("sim", "FILE.yaml, --pair or --capture: one of them", "");
    }
    if (sim->pair != NULL && sim->wired) {
        return usage_refuse("sim", "a pair has its addresses in its file, and Sinaut's order", "");
    }
    if (sim->pair == NULL && sim->got != NULL) {
        return usage_refuse("sim", "--received records what a pair gets", "");
    }
    if (sim->capture == NULL && sim->station != NULL) {
        return usage_refuse("sim", "--station chooses among the stations of --capture", "");
    }
    if (sim->capture != NULL && sim->log != NULL) {
        return usage_refuse("sim", "--log records the events of FILE.yaml; a capture makes none", "");
    }
    return STATUS_OK;
}

static int read_options(struct sim *sim, int argc, char **argv)
{
    static const struct option options[] = {{"listen", required_argument, NULL, 'l'},
                                            {"speed", required_argument, NULL, 's'},
                                            {"order", required_argument, NULL, 'o'},
                                            {"log", required_argument, NULL, 'g'},
                                            {"pair", required_argument, NULL, 'p'},
                                            {"received", required_argument, NULL, 'r'},
                                            {"capture", required_argument, NULL, 'c'},
                                            {"station", required_argument, NULL, 't'},
                                            {"help", no_argument, NULL, 'h'},
                                            {"version", no_argument, NULL, 'v'},
                                            {NULL, 0, NULL, 0}};
    int option, status = STATUS_OK;
    optind = 0; /* begins anew, whoever used getopt before */
    while (status == STATUS_OK && !sim->done &&
           (option = getopt_long(argc, argv, ":", options, NULL)) != -1) {
        status = read_option(sim, option, argv);
    }
    if (status != STATUS_OK || sim->done) {
        return status;
    }
    sim->path = argc > optind ? argv[optind] : NULL;
    return check_options(sim, argc - optind);
}

/* ---- playing ---- */

static int no_memory(size_t size)
{
    fprintf(stderr, "komet sim: %zu octets of memory are not to be had\n", size);
    return STATUS_FAILED;
}

static int run(const struct sim *sim, const struct sim_partner *partner, struct sim_log *log,
               const char *what)
{
    char who[ENDPOINT_HOST_SIZE + 16];
    snprintf(who, sizeof who, "sim %u", sim->listen.list[0].port);
    log_begin(who);
    struct sim_host_settings settings = {
        .partner = partner, .listen = &sim->listen.list[0], .log = log, .what = what};
    return sim_host_run(&settings);
}

static bool open_record(struct sim_log *log, const char *path, const char *header)
{
    bool open = sim_log_open(log, path, header);
    if (!open) {
        fprintf(stderr, "komet sim: %s cannot be written: %s\n", path, strerror(errno));
    }
    return open;
}

/* Returns `status`, or that it failed. */
static int close_record(struct sim_log *log, int status)
{
    const char *path = log->path;
    if (sim_log_close(log)) {
        return status;
    }
    fprintf(stderr, "komet sim: %s cannot be written: %s\n", path, strerror(errno));
    return STATUS_FAILED;
}

static int run_logged(const struct sim *sim, const struct sim_partner *partner, const char *what)
{
    struct sim_log log;
    return open_record(&log, sim->log, SIM_LOG_EVENTS) ? close_record(&log, run(sim, partner, &log, what))
                                                       : STATUS_FAILED;
}

static int play_station(const struct sim *sim, struct sim_plan *plan)
{
    char what[WHAT_SIZE];
    plan->plan.profile = sim->profile;
    size_t size = rtu_size(&plan->plan);
    void *memory = malloc(size);
    if (memory == NULL) {
        return no_memory(size);
    }
    struct line_now now = clock_now();
    struct sim_partner partner = {
        .rtu = rtu_init(memory, size, &plan->plan, (struct rtu_now){now.instant, now.utc}),
        .connections = plan->plan.connections};
    snprintf(what, sizeof what, "%s: common address %u, %zu points and commands", sim->path, plan->plan.ca,
             plan->point_count);
    int status = run_logged(sim, &partner, what);
    free(memory);
    return status;
}

static int run_station(const struct sim *sim)
{
    struct sim_plan plan = sim_plan_read(sim->path, sim->speed);
    int status = STATUS_FAILED;
    site_fault_list_print(stderr, NULL, "", plan.faults, plan.fault_count);
    if (plan.usable) {
        status = play_station(sim, &plan);
    }
    sim_plan_release(&plan);
    return status;
}

static int play_pair(const struct sim *sim, const struct sim_pair_plan *plan)
{
    char what[WHAT_SIZE];
    struct sim_log log, got;
    size_t size = pair_size(&plan->plan);
    void *memory = malloc(size);
    if (memory == NULL) {
        return no_memory(size);
    }
    int status = STATUS_FAILED;
    struct line_now now = clock_now();
    struct sim_pair_host_settings settings = {
        .pair = pair_init(memory, size, &plan->plan, (struct rtu_now){now.instant, now.utc}),
        .plan = plan,
        .events = &log,
        .got = &got,
        .what = what};
    snprintf(what, sizeof what, "%s: %zu stations, %zu points and commands", sim->pair,
             plan->plan.station_count, plan->point_count);
    log_begin("sim pair");
    if (open_record(&log, sim->log, SIM_PAIR_EVENTS)) {
        if (open_record(&got, sim->got, SIM_PAIR_GOT)) {
            status = close_record(&got, sim_pair_host_run(&settings));
        }
        status = close_record(&log, status);
    }
    free(memory);
    return status;
}

static int run_pair(const struct sim *sim)
{
    struct sim_pair_plan plan = sim_pair_plan_read(sim->pair, sim->speed);
    site_fault_list_print(stderr, NULL, "", plan.faults, plan.fault_count);
    int status = plan.usable ? play_pair(sim, &plan) : STATUS_FAILED;
    sim_pair_plan_release(&plan);
    return status;
}

/* Which station is played, and which are not. */
static void tell_stations(const struct sim_capture *capture)
{
    const struct sim_capture_station *chosen = &capture->stations[capture->chosen];
    fprintf(stderr, "komet sim: the capture's station %s is played: %zu ASDUs\n", chosen->name,
            chosen->asdus);
    if (chosen->holes > 0) {
        fprintf(stderr, "komet sim: in %zu place%s its octets are not whole APDUs: they are left out\n",
                chosen->holes, chosen->holes == 1 ? "" : "s");
    }
    for (size_t i = 0, told = 0; i < capture->station_count && told < OTHERS_MAX; i++) {
        if (i != capture->chosen) {
            fprintf(stderr, "komet sim: another one is %s: %zu ASDUs; --station plays it\n",
                    capture->stations[i].name, capture->stations[i].asdus);
            told++;
        }
    }
}

static int play_capture(const struct sim *sim, const struct sim_capture *capture)
{
    char what[WHAT_SIZE];
    struct sim_log log = {.path = NULL};
    struct rtu_plan standard = rtu_plan_standard();
    struct replay_plan plan = {.asdus = capture->asdus,
                               .count = capture->count,
                               .speed = sim->speed,
                               .k = standard.k,
                               .w = standard.w,
                               .profile = sim->profile};
    size_t size = replay_size(&plan);
    void *memory = malloc(size);
    if (memory == NULL) {
        return no_memory(size);
    }
    struct sim_partner partner = {.replay = replay_init(memory, size, &plan), .asdus = capture->count};
    snprintf(what, sizeof what, "%s: %zu ASDUs of %s", sim->capture, capture->count,
             capture->stations[capture->chosen].name);
    int status = run(sim, &partner, &log, what);
    free(memory);
    return status;
}

static int run_capture(const struct sim *sim)
{
    struct sim_capture capture = sim_capture_read(sim->capture, sim->station);
    int status = STATUS_FAILED;
    if (capture.warning[0] != '\0') {
        fprintf(stderr, "komet sim: %s\n", capture.warning);
    }
    if (!capture.usable) {
        fprintf(stderr, "komet sim: %s\n", capture.fault);
    } else {
        tell_stations(&capture);
        status = play_capture(sim, &capture);
    }
    sim_capture_release(&capture);
    return status;
}

int program_sim(int argc, char **argv)
{
    struct sim sim = {.speed = 1, .profile = &komet_profile_104};
    int status = read_listen(&sim, "127.0.0.1:2404");
    if (status == STATUS_OK) {
        status = read_options(&sim, argc, argv);
    }
    if (status != STATUS_OK || sim.done) {
        return status;
    }
    if (sim.pair != NULL) {
        return run_pair(&sim);
    }
    return sim.path != NULL ? run_station(&sim) : run_capture(&sim);
}
