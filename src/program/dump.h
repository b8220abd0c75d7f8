/* komet dump: the 104 traffic of a capture file as text. */
#ifndef KOMET_PROGRAM_DUMP_H
#define KOMET_PROGRAM_DUMP_H

/*
 * Runs the program.
 *   argv[0]  the word "dump"; its options and the file follow
 * Returns the exit status: 0 all was read, 1 the file cannot be read or is not whole (standard error says
 * what and where), 2 wrong command line.
 */
int program_dump(int argc, char **argv);

#endif
