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

static const char site_text[] =
    "site: fuzz\n"
    "group: {name: FUZZ, lease: 600 ms, servers: [{name: A, listen: \"127.0.0.1:3119\"}]}\n"
    "processes:\n"
    "  SELF.KOM:\n"
    "    lines:\n"
    "      L.RTU: {protocol: iec104, category: tcp, number: 1, hosts: [\"127.0.0.1:2404\"],\n"
    "              stations: {B.RTU: {address: 1, tags: rtu.csv}}}\n";
static const char tags_text[] = "name,type,address,asdu\nM.A,Di,1,\nM.B,Ai,2,\nM.C,Dout,3,45\nM.D,Ao,4,50\n";

static const struct site *fuzz_site(void)
{
    static struct site_result result;
    if (result.site == NULL) {
        const struct site_file files[] = {{"site.yaml", site_text, sizeof site_text - 1},
                                          {"rtu.csv", tags_text, sizeof tags_text - 1}};
        result = site_read(files, 2, NULL);
        KOMET_ASSERT(result.site != NULL);
    }
    return result.site;
}

struct fuzz {
    struct server *server;
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
        } else {
            order(fuzz);
        }
        break;
    }
    drain(fuzz);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void *memory;
    const struct site *site = fuzz_site();
    memory = memory != NULL ? memory : malloc(server_size(site));
    KOMET_ASSERT(memory != NULL);
    struct fuzz fuzz = {.now = {{KOMET_SECONDS(1000)}, {INT64_C(1795219200000)}}, .data = data, .size = size};
    fuzz.server = server_init(memory, server_size(site), site, "A", fuzz.now);
    server_recovered(fuzz.server, fuzz.now);
    for (unsigned i = 0; i < STEPS_MAX && fuzz.size > 0; i++) {
        step(&fuzz);
    }
    return 0;
}
