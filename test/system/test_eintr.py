"""Calls that a signal interrupts (EINTR) are repeated: no connection ends, and nothing is lost.

Signals that really come hit a call seldom. So every second call on a socket, and every second wait, of all processes of
a site is answered with EINTR by a library that is loaded in front of the C library.
"""

import re
import subprocess

import pytest

from komet_site import wait_for

ENOUGH = 100  # a process says when so many of its calls were interrupted
INTERRUPTER = """
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static int interrupts(unsigned *calls)
{
    static unsigned count;
    if ((*calls)++ % 2 != 0) {
        return 0;
    }
    if (__atomic_add_fetch(&count, 1, __ATOMIC_RELAXED) == ENOUGH) {
        fprintf(stderr, "%d calls were interrupted\\n", ENOUGH);
    }
    errno = EINTR;
    return 1;
}

static int is_socket(int file)
{
    struct stat status;
    return fstat(file, &status) == 0 && S_ISSOCK(status.st_mode);
}

#define CALL(type, name, if_it_is, parameters, ...)                   \\
    type name parameters                                              \\
    {                                                                 \\
        static _Thread_local unsigned calls;                          \\
        static type (*real) parameters;                               \\
        if (real == NULL) {                                           \\
            real = (type(*) parameters)dlsym(RTLD_NEXT, #name);       \\
        }                                                             \\
        return (if_it_is) && interrupts(&calls) ? (type)-1 : real(__VA_ARGS__); \\
    }

CALL(ssize_t, read, is_socket(f), (int f, void *o, size_t n), f, o, n)
CALL(ssize_t, write, is_socket(f), (int f, const void *o, size_t n), f, o, n)
CALL(ssize_t, writev, is_socket(f), (int f, const struct iovec *v, int n), f, v, n)
CALL(ssize_t, recvmsg, 1, (int f, struct msghdr *m, int flags), f, m, flags)
CALL(ssize_t, sendmsg, 1, (int f, const struct msghdr *m, int flags), f, m, flags)
CALL(int, accept4, 1, (int f, struct sockaddr *a, socklen_t *n, int flags), f, a, n, flags)
CALL(int, connect, 1, (int f, const struct sockaddr *a, socklen_t n), f, a, n)
CALL(int, epoll_wait, 1, (int f, struct epoll_event *e, int n, int ms), f, e, n, ms)
CALL(int, epoll_pwait, 1, (int f, struct epoll_event *e, int n, int ms, const sigset_t *s), f, e, n, ms, s)
"""


@pytest.fixture(name="interrupted")
def processes_with_interrupted_calls(tmp_path, monkeypatch):
    """All that is started from now on."""
    source, library = tmp_path / "interrupter.c", tmp_path / "interrupter.so"
    source.write_text(INTERRUPTER)
    subprocess.run(["cc", "-D_GNU_SOURCE", f"-DENOUGH={ENOUGH}", "-shared", "-fPIC", source, "-o", library, "-ldl"], check=True)
    monkeypatch.setenv("LD_PRELOAD", str(library))


@pytest.mark.usefixtures("interrupted")
def test_calls_that_a_signal_interrupts_lose_nothing(new_site):
    site = new_site()
    station = site.start_station()
    server = site.start_server()
    kom = site.start_kom(1)
    wait_for(lambda: site.active() == 1, "instance 1 is active")
    wait_for(lambda: site.value("M.U")["status"] == "Valid", "the first value")
    for number in range(1, 6):
        assert site.tell("SET", "M.P.SET", str(number))["result"] == "done"
        wait_for(lambda: site.value("M.P")["value"] == number, "the set point's feedback")
    for process in (station, server, kom):
        wait_for(lambda: f"{ENOUGH} calls were interrupted" in process.text(), f"{process.name} met EINTR")
        assert process.runs()
    assert len(re.findall("connected", station.text())) == 1, "a line that was interrupted connected again"
