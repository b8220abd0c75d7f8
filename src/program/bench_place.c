/*
 * bench_place: see bench_place.h.
 */
#include "program/bench_place.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "program/bench.h"
#include "program/bench_process.h"

#define START_LIMIT_S 20.0
#define BACKLOG       4096 /* all that connect at once */

bool bench_place_failed(struct bench_place *place, const char *what)
{
    snprintf(place->fault, sizeof place->fault, "%.120s: %.60s", what, strerror(errno));
    return false;
}

/* ---- ports ---- */

/* A socket that listens on a free port, of 127.0.0.1 or (`networks`) of all that is the loopback's; or only had it
 * when `keep` is false. Negative: there is none. */
static int free_port(uint16_t *port, bool networks, bool keep)
{
    static const char loopback[] = "lo";
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(networks ? INADDR_ANY : INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int found = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (found < 0 ||
        (networks && setsockopt(found, SOL_SOCKET, SO_BINDTODEVICE, loopback, sizeof loopback) != 0) ||
        bind(found, (struct sockaddr *)&address, size) != 0 || listen(found, BACKLOG) != 0 ||
        getsockname(found, (struct sockaddr *)&address, &size) != 0) {
        return -1;
    }
    *port = ntohs(address.sin_port);
    if (!keep) {
        close(found);
        return 0;
    }
    return found;
}

bool bench_place_make(struct bench_place *place, bool networks)
{
    const char *temporary = getenv("TMPDIR");
    *place = (struct bench_place){.listener = -1};
    /* Not /tmp, which may be in memory: the disk is part of what is measured. */
    snprintf(place->folder, sizeof place->folder, "%s/komet-bench-XXXXXX",
             temporary != NULL ? temporary : "/var/tmp");
    if (mkdtemp(place->folder) == NULL) {
        bench_place_failed(place, place->folder);
        place->folder[0] = '\0';
        return false;
    }
    place->listener = free_port(&place->station_port, networks, true);
    if (place->listener < 0 || free_port(&place->server_port, false, false) < 0) {
        return bench_place_failed(place, "no port on the loopback");
    }
    return true;
}

/* ---- files ---- */

FILE *bench_place_open(struct bench_place *place, const char *name)
{
    char path[BENCH_PATH_SIZE + 32];
    snprintf(path, sizeof path, "%s/%s", place->folder, name);
    FILE *file = fopen(path, "w");
    if (file == NULL) {
        bench_place_failed(place, path);
    }
    return file;
}

bool bench_place_close(struct bench_place *place, FILE *file)
{
    return fclose(file) == 0 ? true : bench_place_failed(place, place->folder);
}

FILE *bench_place_site(struct bench_place *place)
{
    FILE *site = bench_place_open(place, "site.yaml");
    if (site != NULL) {
        fprintf(site,
                "site: bench\n"
                "group: {name: BENCH, lease: 5 s, servers: [{name: A, listen: \"127.0.0.1:%u\"}]}\n"
                "processes:\n  SELF.KOM:\n    lines:\n",
                place->server_port);
    }
    return site;
}

static void remove_files(const char *folder)
{
    char path[BENCH_PATH_SIZE + 300];
    DIR *list = opendir(folder);
    const struct dirent *entry;
    while (list != NULL && (entry = readdir(list)) != NULL) {
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        unlink(path); /* neither "." and "..", nor the folder in it, which was removed before */
    }
    if (list != NULL) {
        closedir(list);
    }
    rmdir(folder);
}

void bench_place_remove(struct bench_place *place)
{
    char data[BENCH_PATH_SIZE + 8];
    bench_end_child(&place->kom, SIGTERM);
    bench_end_child(&place->server, SIGTERM);
    if (place->folder[0] != '\0') {
        snprintf(data, sizeof data, "%s/data", place->folder);
        remove_files(data);
        remove_files(place->folder);
    }
    if (place->listener >= 0) {
        close(place->listener);
    }
}

/* ---- processes ---- */

static pid_t start(const char *const *words)
{
    pid_t child = bench_fork();
    if (child == 0) {
        int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
        dup2(nowhere, STDERR_FILENO);
        execv("/proc/self/exe", (char *const *)(uintptr_t)words);
        _exit(127);
    }
    return child;
}

void bench_place_start_server(struct bench_place *place)
{
    char data[BENCH_PATH_SIZE + 8];
    snprintf(data, sizeof data, "%s/data", place->folder);
    const char *const words[] = {"komet", "server", "--site", place->folder, "--data", data, NULL};
    place->server = start(words);
}

void bench_place_start_kom(struct bench_place *place)
{
    char address[32];
    snprintf(address, sizeof address, "127.0.0.1:%u", place->server_port);
    const char *const words[] = {"komet", "kom", "-W", "SELF.KOM,1", "-S", address, NULL};
    place->kom = start(words);
}

double bench_place_await_server(const struct bench_place *place, double since)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                  .sin_port = htons(place->server_port)};
    while (bench_now() - since < START_LIMIT_S) {
        int probe = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        bool connected = connect(probe, (struct sockaddr *)&address, sizeof address) == 0;
        close(probe);
        if (connected) {
            return bench_now() - since;
        }
        poll(NULL, 0, 1);
    }
    return -1;
}
