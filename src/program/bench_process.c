/*
 * bench_process: see bench_process.h.
 */
#include "program/bench_process.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "komet/assert.h"
#include "program/open_files.h"

pid_t bench_fork(void)
{
    pid_t parent = getpid();
    pid_t child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent) { /* it ended before it was said */
            _exit(127);
        }
    }
    return child;
}

void bench_end_child(pid_t *child, int signal)
{
    if (*child <= 0) {
        return;
    }
    kill(*child, signal);
    while (waitpid(*child, NULL, 0) < 0 && errno == EINTR) {
    }
    *child = 0;
}

unsigned bench_cores(void)
{
    cpu_set_t allowed;
    return sched_getaffinity(0, sizeof allowed, &allowed) == 0 ? (unsigned)CPU_COUNT(&allowed) : 1;
}

void bench_pin(unsigned number)
{
    cpu_set_t allowed, one;
    if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) {
        return;
    }
    CPU_ZERO(&one);
    for (unsigned core = 0; core < CPU_SETSIZE; core++) {
        if (CPU_ISSET(core, &allowed) && number-- == 0) {
            CPU_SET(core, &one);
            int failed = sched_setaffinity(0, sizeof one, &one);
            KOMET_ASSERT(failed == 0);
            return;
        }
    }
    KOMET_ASSERT_NEVER("a core that this process may run on");
}

double bench_cpu_seconds(pid_t process)
{
    clockid_t clock;
    struct timespec used;
    if (clock_getcpuclockid(process, &clock) != 0 || clock_gettime(clock, &used) != 0) {
        return 0;
    }
    return (double)used.tv_sec + (double)used.tv_nsec * 1e-9;
}

bool bench_open_files(unsigned needed, char *fault, size_t size)
{
    unsigned long long allowed = open_files_raise(needed);
    if (allowed >= needed) {
        return true;
    }
    snprintf(fault, size, "%u open files are needed and %llu allowed (RLIMIT_NOFILE, ulimit -n)", needed,
             allowed);
    return false;
}
