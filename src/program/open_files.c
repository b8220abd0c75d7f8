/*
 * open_files: see open_files.h.
 */
#include "program/open_files.h"

#include <sys/resource.h>

unsigned long long open_files_raise(unsigned long long needed)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return 0;
    }
    struct rlimit wanted = {.rlim_cur = limit.rlim_max, .rlim_max = limit.rlim_max};
    if (wanted.rlim_max < needed) { /* root may go above its own */
        wanted = (struct rlimit){.rlim_cur = needed, .rlim_max = needed};
    }
    if (setrlimit(RLIMIT_NOFILE, &wanted) == 0) {
        return wanted.rlim_cur;
    }
    wanted = (struct rlimit){.rlim_cur = limit.rlim_max, .rlim_max = limit.rlim_max};
    return setrlimit(RLIMIT_NOFILE, &wanted) == 0 ? limit.rlim_max : limit.rlim_cur;
}
