/*
 * log: see log.h.
 */
#include "shell/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static const char *who = "komet";
static const char *const level_names[] = {"info", "warning", "error"};

void log_begin(const char *name)
{
    who = name;
}

void log_plain(char *to, size_t size, const char *from)
{
    size_t i = 0;
    for (; from[i] != '\0' && i + 1 < size; i++) {
        to[i] = (unsigned char)from[i] < ' ' || from[i] == 0x7F ? '?' : from[i];
    }
    to[i] = '\0';
}

void log_line(enum log_level level, const char *format, ...)
{
    char line[1024];
    struct timespec now;
    struct tm parts;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &parts);
    size_t used = strftime(line, sizeof line, "%Y-%m-%dT%H:%M:%S", &parts);
    int written = snprintf(line + used, sizeof line - used, ".%03ldZ %-7s %s: ", now.tv_nsec / 1000000,
                           level_names[level], who);
    used += written > 0 ? (size_t)written : 0;
    va_list arguments;
    va_start(arguments, format);
    written = vsnprintf(line + used, sizeof line - used - 1, format, arguments);
    va_end(arguments);
    used += written > 0 ? (size_t)written : 0;
    if (used > sizeof line - 2) {
        used = sizeof line - 2; /* cut */
    }
    line[used] = '\0';
    log_plain(line, sizeof line, line); /* a peer's words must not write lines of their own */
    line[used++] = '\n';
    if (write(STDERR_FILENO, line, used) < 0) {
        return; /* nobody to tell it to */
    }
}
