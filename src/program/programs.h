/*
 * programs: the sub-commands of `komet`, one file each.
 *
 * Each takes its own arguments, argv[0] being its word, and returns the exit status: 0 done, 1 it could not
 * (standard error says why in one line), 2 wrong command line.
 */
#ifndef KOMET_PROGRAM_PROGRAMS_H
#define KOMET_PROGRAM_PROGRAMS_H

#ifndef KOMET_VERSION
#define KOMET_VERSION "0.1.0"
#endif

int program_bench(int argc, char **argv);
int program_certificate(int argc, char **argv);
int program_check(int argc, char **argv);
int program_dump(int argc, char **argv);
int program_sim(int argc, char **argv);
int program_kom(int argc, char **argv);
int program_server(int argc, char **argv);
int program_tell(int argc, char **argv);

#endif
