/*
 * bench_ends: see bench_ends.h.
 */
#include "program/bench_ends.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "komet/assert.h"
#include "program/bench_process.h"

#define OTHER_FILES   64 /* that an end has open beside its connections */
#define BACKLOG       4096
#define ROUND_LIMIT_S 30.0 /* beside the time of measuring */
#define WARM_S        0.05

static int listen_on_loopback(struct sockaddr_in *address)
{
    *address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof *address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (listener >= 0 && bind(listener, (struct sockaddr *)address, size) == 0 &&
        listen(listener, BACKLOG) == 0 && getsockname(listener, (struct sockaddr *)address, &size) == 0) {
        return listener;
    }
    if (listener >= 0) {
        close(listener);
    }
    return -1;
}

static pid_t start_end(bench_end *run, const struct bench_round *round, unsigned core)
{
    pid_t child = bench_fork();
    if (child == 0) {
        bench_pin(core);
        run(round);
        _exit(0); /* not exit: what standard output still holds is the parent's to write */
    }
    return child;
}

/* True when the process ended by itself in time. */
static bool await_end(pid_t process, double seconds)
{
    double end = bench_now() + seconds;
    siginfo_t state = {0};
    sigset_t child_ended;
    sigemptyset(&child_ended);
    sigaddset(&child_ended, SIGCHLD);
    while (waitid(P_PID, (id_t)process, &state, WEXITED | WNOHANG | WNOWAIT) == 0 && state.si_pid == 0) {
        double left = end - bench_now();
        if (left <= 0) {
            return false;
        }
        struct timespec pause = {.tv_sec = (time_t)left,
                                 .tv_nsec = (long)((left - (double)(time_t)left) * 1e9)};
        sigtimedwait(&child_ended, NULL, &pause); /* blocked by the caller: none is missed */
    }
    return true;
}

/* Both ends of a round whose place is made. */
static bool run_ends(const struct bench_ends *ends, enum bench_placement placement, struct bench_round *round,
                     char *fault)
{
    round->partner = start_end(ends->partner, round, 0);
    pid_t measuring = -1;
    if (round->partner > 0) {
        measuring = start_end(ends->measuring, round, placement == BENCH_ONE_CORE ? 0 : 1);
    }
    bool in_time = measuring > 0 && await_end(measuring, round->seconds + ROUND_LIMIT_S);
    bench_end_child(&measuring, SIGKILL);
    bench_end_child(&round->partner, SIGKILL);
    if (round->shared->done) {
        return true;
    }
    if (round->shared->fault[0] != '\0') {
        snprintf(fault, BENCH_FAULT_SIZE, "%s", round->shared->fault);
    } else {
        snprintf(fault, BENCH_FAULT_SIZE, in_time ? "an end of the connection failed" : "it took too long");
    }
    return false;
}

bool bench_ends_run(const struct bench_ends *ends, enum bench_placement placement,
                    const struct bench_round *settings, double values[2], char *fault)
{
    struct bench_round round = *settings;
    if (placement == BENCH_TWO_CORES && bench_cores() < 2) {
        snprintf(fault, BENCH_FAULT_SIZE, "it needs two cores");
        return false;
    }
    if (!bench_open_files(round.connections + OTHER_FILES, fault, BENCH_FAULT_SIZE)) {
        return false;
    }
    round.listener = listen_on_loopback(&round.address);
    round.shared =
        mmap(NULL, sizeof *round.shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    bool done = false;
    if (round.listener >= 0 && round.shared != MAP_FAILED) {
        sigset_t child_ended, before;
        sigemptyset(&child_ended);
        sigaddset(&child_ended, SIGCHLD);
        sigprocmask(SIG_BLOCK, &child_ended, &before);
        done = run_ends(ends, placement, &round, fault);
        memcpy(values, round.shared->values, sizeof round.shared->values);
        sigprocmask(SIG_SETMASK, &before, NULL);
    } else {
        snprintf(fault, BENCH_FAULT_SIZE, "no port or no memory for a round: %s", strerror(errno));
    }
    if (round.shared != MAP_FAILED) {
        munmap(round.shared, sizeof *round.shared);
    }
    if (round.listener >= 0) {
        close(round.listener);
    }
    return done;
}

void bench_say(const struct bench_round *round, double first, double second)
{
    round->shared->values[0] = first;
    round->shared->values[1] = second;
    round->shared->done = true;
}

_Noreturn void bench_fail(const struct bench_round *round, const char *fault)
{
    if (round->shared->fault[0] == '\0') { /* the first is the cause, the other end's its consequence */
        snprintf(round->shared->fault, sizeof round->shared->fault, "%s", fault);
    }
    _exit(1);
}

bool bench_meter_over(struct bench_meter *meter, double now, uint64_t count, double *rate)
{
    if (meter->begin == 0) {
        meter->begin = now;
    } else if (!meter->warm && now - meter->begin >= WARM_S) {
        meter->warm = true;
        meter->begin = now;
        meter->count = count;
    }
    if (!meter->warm || now - meter->begin < meter->seconds) {
        return false;
    }
    *rate = (double)(count - meter->count) / (now - meter->begin);
    return true;
}

bool bench_contest(struct bench_report *report, const struct bench_contest *contest)
{
    struct bench_rounds rounds[2] = {0};
    struct bench_round round = contest->round;
    round.seconds *= report->scale;
    for (unsigned i = 0; i < report->rounds; i++) {
        double komet[2], bare[2];
        char fault[BENCH_FAULT_SIZE];
        if (!bench_ends_run(&contest->komet, contest->placement, &round, komet, fault) ||
            !bench_ends_run(&contest->bare, contest->placement, &round, bare, fault)) {
            fprintf(stderr, "komet bench: %s: %s\n", contest->names[0], fault);
            return false;
        }
        for (unsigned n = 0; n < 2; n++) {
            rounds[n].values[i] = komet[n];
            rounds[n].limits[i] = bare[n];
        }
    }
    for (unsigned n = 0; n < 2; n++) {
        if (contest->names[n] != NULL) {
            bench_add(report, contest->names[n], contest->unit, contest->rate, &rounds[n]);
        }
    }
    return true;
}
