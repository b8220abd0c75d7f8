/*
 * open_files: how many files, and so connections, this process may have open.
 */
#ifndef KOMET_PROGRAM_OPEN_FILES_H
#define KOMET_PROGRAM_OPEN_FILES_H

/*
 * Raises this process's limit to all that the system allows it (RLIMIT_NOFILE, from the soft to the hard limit):
 * shells and services begin with 1,024, whatever is allowed. What it starts has the same.
 *   needed  so many, where the hard limit is lower and this process may raise it; 0: no number
 * Returns the limit that holds now, which may be below `needed`; 0 when it cannot be read.
 */
unsigned long long open_files_raise(unsigned long long needed);

#endif
