/*
 * bench_process: the processes that a bench starts, where they run and what they cost. None outlives it.
 */
#ifndef KOMET_PROGRAM_BENCH_PROCESS_H
#define KOMET_PROGRAM_BENCH_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* As fork, but the child is killed when this process ends, however that happens; also what the child then
 * executes. -1: errno says why. */
pid_t bench_fork(void);

/* Sends `signal` to a child, waits for its end, and makes it 0. 0 or -1: nothing is done. */
void bench_end_child(pid_t *child, int signal);

/* Cores that this process may run on. */
unsigned bench_cores(void);

/* This process runs on one core from now on: the `number`-th of those it may run on, from 0. */
void bench_pin(unsigned number);

/* Seconds of CPU that a process has used, in its own code and in the kernel; 0 when there is no such process.
 */
double bench_cpu_seconds(pid_t process);

/* Raises this process's limit of open files as far as it may. False when `needed` are too many: `fault`, of
 * `size` octets, says what the limit is. */
bool bench_open_files(unsigned needed, char *fault, size_t size);

#endif
