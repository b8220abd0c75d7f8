/*
 * buffer_file: an instance's own buffer on its disk, for the time without a server: the segments that
 * kom/buffer_book.h speaks of, as files of a folder.
 *
 * A file has a head, and records that are only appended. Head and records have checksums. What a crash left
 * half written at the end of a file is cut off when the folder is opened; behind a record that is damaged
 * nothing of its file is used. No loop and no thread: the caller brings these, and calls from one thread at a
 * time.
 */
#ifndef SHELL_BUFFER_FILE_H
#define SHELL_BUFFER_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kom/buffer_book.h"

#define BUFFER_FAULT_SIZE 256
/* Octets of a record on the disk beside its own. */
#define BUFFER_RECORD_HEAD 20

struct buffer_file; /* opaque */

/*
 * Opens the folder, which is made where it is not there, and counts what is in it. One at a time: a second
 * one is refused.
 *   octets_max  of all files together, 1 MiB or more
 *   fault       BUFFER_FAULT_SIZE octets: why it cannot be used, when NULL is returned; else what was cut off
 *               or put aside, "" nothing
 */
struct buffer_file *buffer_file_open(const char *folder, uint64_t octets_max, char *fault);
void buffer_file_close(struct buffer_file *file);
/* After an error: the folder is opened anew, as the same buffer. What was not synced is not there any more;
 * records' numbers go on. False: `fault` says why, nothing is in it and it takes nothing: to be tried again.
 */
bool buffer_file_open_again(struct buffer_file *file, char *fault);

/* Which buffer: drawn when the folder was empty at buffer_file_open, never 0. */
uint64_t buffer_file_number(const struct buffer_file *file);
const struct buffer_book *buffer_file_book(const struct buffer_file *file);

/* Appends a record, of 1 to 16 MiB; on disk only behind buffer_file_sync. False, of both: `fault` says why,
 * and nobody knows what is on disk of what was not synced: buffer_file_open_again. */
bool buffer_file_append(struct buffer_file *file, const uint8_t *octets, size_t size, uint64_t values,
                        char *fault);
bool buffer_file_sync(struct buffer_file *file, char *fault);

/* The first record behind number `after`, borrowed until the next call; NULL: there is none. */
const uint8_t *buffer_file_read(struct buffer_file *file, uint64_t after, uint64_t *number, size_t *size);
/* The server has all up to `number`: files of which nothing is left are deleted. */
void buffer_file_forget(struct buffer_file *file, uint64_t number);

#endif
