/*
 * Any clients at the server's engine: connections that come and go, messages of any content, time, disk. No
 * peer may reach an assertion.
 *
 * Each step is an octet (what, and which client) and what it needs.
 */
#include <stdlib.h>
#include <string.h>

#include "komet/assert.h"
#include "server/server.h"
#include "site/reader.h"
#include "wire/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CLIENTS = 4, STEPS_MAX = 400 };

enum { SITES = 3 };

/* Names, numbers and a whole process come and go between them. */
static const char *const site_texts[SITES] = {
    "site: fuzz\n"
    "group: {name: FUZZ, lease: 600 ms, servers: [{name: A, listen: \"127.0.0.1:3119\"}]}\n"
    "processes:\n"
    "  SELF.KOM:\n"
    "    lines:\n"
    "      L.RTU: {protocol: iec104, category: tcp, number: 1, hosts: [\"127.0.0.1:2404\"],\n"
    "              stations: {B.RTU: {address: 1, tags: rtu.csv}}}\n",
    "site: fuzz\n"
    "group: {name: FUZZ, lease: 600 ms, servers: [{name: A, listen: \"127.0.0.1:3119\"}]}\n"
    "processes:\n"
    "  OTHER.KOM:\n"
    "    lines:\n"
    "      L.O: {protocol: iec104, category: tcp, number: 1, hosts: [\"127.0.0.1:2404\"],\n"
    "            stations: {B.O: {address: 1, tags: other.csv}}}\n"
    "  SELF.KOM:\n"
    "    lines:\n"
    "      L.A: {protocol: iec104, category: tcp, number: 1, hosts: [\"127.0.0.1:2404\"],\n"
    "            stations: {B.A: {address: 1, tags: a.csv}}}\n"
    "      L.RTU: {protocol: iec104, category: tcp, number: 1, hosts: [\"127.0.0.1:2404\"],\n"
    "              parameters: {K: 3, W: 2}, stations: {B.RTU: {address: 1, tags: less.csv, control_object: "
    "M.E}}}\n",
    "site: fuzz\n"
    "group: {name: FUZZ, lease: 600 ms, servers: [{name: A, listen: \"127.0.0.1:3119\"}]}\n"
    "processes:\n"
    "  OTHER.KOM:\n"
    "    lines:\n"
    "      L.O: {protocol: iec104, category: tcp, number: 1, hosts: [\"127.0.0.1:2404\"],\n"
    "            stations: {B.O: {address: 1, tags: other.csv}}}\n"};
#define HEAD "name,type,address,asdu\n"
static const char rtu_csv[] = HEAD "M.A,Di,1,\nM.B,Ai,2,\nM.C,Dout,3,45\nM.D,Ao,4,50\n";
static const char less_csv[] = HEAD "M.D,Ao,4,50\nM.B,Ai,2,\n";
static const char a_csv[] = HEAD "M.A,Ai,1,\n";
static const char other_csv[] = HEAD "M.E,Di,1,\nM.C,Dout,3,45\n";

static const struct site *fuzz_site(unsigned number)
{
    static struct site_result results[SITES];
    if (results[number].site == NULL) {
        const struct site_file files[] = {{"site.yaml", site_texts[number], strlen(site_texts[number])},
                                          {"rtu.csv", rtu_csv, sizeof rtu_csv - 1},
                                          {"less.csv", less_csv, sizeof less_csv - 1},
                                          {"a.csv", a_csv, sizeof a_csv - 1},
                                          {"other.csv", other_csv, sizeof other_csv - 1}};
        results[number] = site_read(files, sizeof files / sizeof files[0], NULL);
        KOMET_ASSERT(results[number].site != NULL);
    }
    return results[number].site;
}

/* Made once for each two of them. */
static const struct site_difference *fuzz_difference(unsigned before, unsigned after)
{
    static const struct site_difference *made[SITES][SITES];
    if (made[before][after] == NULL) {
        const struct site *from = fuzz_site(before), *to = fuzz_site(after);
        size_t size = site_difference_size(from, to);
        void *memory = malloc(size);
        KOMET_ASSERT(memory != NULL);
        made[before][after] = site_difference_make(memory, size, from, to);
    }
    return made[before][after];
}

struct fuzz {
    struct server *server;
    void *memory;        /* of the engine */
    unsigned site, next; /* that runs; that a RELOAD is to bring */
    bool read;           /* and has been read */
    struct line_now now;
    bool open[CLIENTS];
    uint64_t ticket; /* newest that was handed out */
    bool failed;
    const uint8_t *data;
    size_t size;
};

static uint8_t octet(struct fuzz *fuzz)
{
    if (fuzz->size == 0) {
        return 0;
    }
    fuzz->size--;
    return *fuzz->data++;
}

static void drain(struct fuzz *fuzz)
{
    struct server_output output;
    while (server_next(fuzz->server, fuzz->now, &output)) {
        switch (output.kind) {
        case SERVER_OUT_SEND:
            KOMET_ASSERT(wire_encoded_size(output.message) > 0);
            break;
        case SERVER_OUT_CLOSE:
            server_closed(fuzz->server, fuzz->now, output.client, false);
            fuzz->open[output.client] = false;
            break;
        case SERVER_OUT_RECORD:
            KOMET_ASSERT(output.record->ticket >= fuzz->ticket);
            fuzz->ticket = output.record->ticket;
            break;
        case SERVER_OUT_CHANGE:
        case SERVER_OUT_ENDED:
        case SERVER_OUT_TRACE:
        case SERVER_OUT_NOTE:
            break;
        }
    }
}

static void give_message(struct fuzz *fuzz, unsigned client)
{
    static uint8_t memory[1 << 18], frame[260];
    struct wire_arena arena = {memory, sizeof memory, 0};
    wire_message *message;
    size_t consumed, size = octet(fuzz);
    size = size < fuzz->size ? size : fuzz->size;
    memcpy(frame, (const uint8_t[]){0, 0, 0, (uint8_t)size}, 4);
    memcpy(frame + 4, fuzz->data, size);
    fuzz->data += size;
    fuzz->size -= size;
    if (fuzz->open[client] && wire_decode(frame, size + 4, &arena, &message, &consumed) == WIRE_OK &&
        consumed > 0) {
        server_feed(fuzz->server, fuzz->now, client, message);
        drain(fuzz);
    }
}

static void trace(struct fuzz *fuzz, uint8_t which)
{
    const struct server_trace_settings settings = {
        .mask = "L.*", .instance = which & 1, .memory = true, .live = (which & 2) != 0};
    if (which < 248) {
        server_trace(fuzz->server, which & 3, &settings);
    } else if (which < 252) {
        server_trace_more(fuzz->server, which & 3);
    } else {
        server_untrace(fuzz->server, which & 3);
    }
}

static void order(struct fuzz *fuzz)
{
    const struct site *site = server_site(fuzz->server);
    static const struct record_user user = {"user", false};
    uint8_t which = octet(fuzz);
    const struct tag *tag = site->tags[which % site->tag_count];
    const struct station *station = site->processes[0].stations[0];
    if (which < 128) {
        server_set(fuzz->server, fuzz->now, which, &user, tag, which % 3, 0, KOMET_MS(which * 20 + 1));
    } else if (which < 160) {
        server_control(fuzz->server, fuzz->now, which, &user, station,
                       (enum station_order)(STATION_ENABLE + which % 4));
    } else if (which < 192) {
        server_interrogate(fuzz->server, fuzz->now, which, &user, station, LINE_COMMAND_INTERROGATE);
    } else if (which < 216) {
        server_set_active(fuzz->server, fuzz->now, which, &user, &site->processes[0], which % 16);
    } else if (which < 230) {
        server_set_preferred(fuzz->server, fuzz->now, which, &user, &site->processes[0], which % 16);
    } else if (which < 242) {
        server_stop(fuzz->server, fuzz->now, which, &user, &site->processes[0], which % 16);
    } else {
        trace(fuzz, which);
    }
    drain(fuzz);
}

static void reload(struct fuzz *fuzz)
{
    static const struct record_user user = {"user", false};
    uint8_t which = octet(fuzz);
    bool another = server_reloads(fuzz->server);
    server_reload_begin(fuzz->server, fuzz->now, 0, &user);
    if (!another && server_reloads(fuzz->server)) {
        fuzz->next = which % SITES;
        fuzz->read = which < 240;
        if (!fuzz->read) {
            server_reload_refuse(fuzz->server, fuzz->now, "fuzz");
        }
    }
    drain(fuzz);
}

/* What goes away ends; when it is on disk, the site is swapped in. */
static void follow_reload(struct fuzz *fuzz)
{
    if (!fuzz->read) {
        return;
    }
    if (!server_reloads(fuzz->server)) {
        fuzz->read = false;
        return;
    }
    const struct site_difference *difference = fuzz_difference(fuzz->site, fuzz->next);
    server_reload_ready(fuzz->server, fuzz->now, difference);
    drain(fuzz);
    if (!server_reload_ready(fuzz->server, fuzz->now, difference)) {
        return;
    }
    const struct site *site = fuzz_site(fuzz->next);
    void *memory = malloc(server_size(site));
    KOMET_ASSERT(memory != NULL);
    fuzz->server = server_reload(memory, server_size(site), fuzz->server, site, difference, fuzz->now);
    free(fuzz->memory);
    fuzz->memory = memory;
    fuzz->site = fuzz->next;
    fuzz->read = false;
    drain(fuzz);
}

static void step(struct fuzz *fuzz)
{
    uint8_t what = octet(fuzz);
    unsigned client = what >> 4 & 3;
    switch (what & 7) {
    case 0:
    case 1:
        if (!fuzz->open[client]) {
            server_opened(fuzz->server, fuzz->now, client);
            fuzz->open[client] = true;
        }
        break;
    case 2:
        if (fuzz->open[client]) {
            server_closed(fuzz->server, fuzz->now, client, (what & 8) != 0);
            fuzz->open[client] = false;
        }
        break;
    case 3:
    case 4:
        give_message(fuzz, client);
        return;
    case 5:
        fuzz->now.instant = komet_after(fuzz->now.instant, KOMET_MS(octet(fuzz) * 5));
        server_tick(fuzz->server, fuzz->now);
        break;
    case 6:
        if (!fuzz->failed) {
            server_stored(fuzz->server, fuzz->now, fuzz->ticket);
        }
        break;
    default:
        if (what == 0xFF && !fuzz->failed) {
            fuzz->failed = true;
            server_journal_failed(fuzz->server, fuzz->now, "fuzz");
        } else if (what == 0xF7) {
            reload(fuzz);
        } else {
            order(fuzz);
        }
        break;
    }
    drain(fuzz);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct site *site = fuzz_site(0);
    struct fuzz fuzz = {.now = {{KOMET_SECONDS(1000)}, {INT64_C(1795219200000)}}, .data = data, .size = size};
    fuzz.memory = malloc(server_size(site));
    KOMET_ASSERT(fuzz.memory != NULL);
    fuzz.server = server_init(fuzz.memory, server_size(site), site, "A", fuzz.now);
    server_recovered(fuzz.server, fuzz.now);
    for (unsigned i = 0; i < STEPS_MAX && fuzz.size > 0; i++) {
        step(&fuzz);
        follow_reload(&fuzz);
    }
    free(fuzz.memory);
    return 0;
}
