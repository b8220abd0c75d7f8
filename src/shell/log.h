/*
 * log: one line an event on standard error: time, level, who, what.
 */
#ifndef SHELL_LOG_H
#define SHELL_LOG_H

#include <stddef.h>

enum log_level { LOG_INFO_LEVEL, LOG_WARNING_LEVEL, LOG_ERROR_LEVEL };

/* Who speaks in every line from now on: "server A", "SELF.KOM,1". Borrowed for the program's life. */
void log_begin(const char *who);

/* Writes one line in one write, so that lines of several processes in one file do not mix. */
void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Copies text of a peer so that it is harmless on a terminal: control characters become '?'. */
void log_plain(char *to, size_t size, const char *from);

#define log_info(...)    log_line(LOG_INFO_LEVEL, __VA_ARGS__)
#define log_warning(...) log_line(LOG_WARNING_LEVEL, __VA_ARGS__)
#define log_error(...)   log_line(LOG_ERROR_LEVEL, __VA_ARGS__)

#endif
