/*
 * A station under any sequence of calls and any ASDUs: no assertion fails, and what leaves can be read.
 *
 * Octet 0 chooses settings; then each operation is one octet, with its arguments behind it.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "komet/station.h"

struct script {
    const uint8_t *octets;
    size_t size;
};

static void check(bool condition)
{
    if (!condition) {
        abort();
    }
}

static uint8_t take_octet(struct script *script)
{
    if (script->size == 0) {
        return 0;
    }
    script->size--;
    return *script->octets++;
}

static const uint16_t addresses[] = {1, 2};
static struct komet_point points[] = {
    {.ca = 1, .ioa = 1, .type = KOMET_M_SP_NA_1, .groups = 1},
    {.ca = 1, .ioa = 2, .type = KOMET_M_ME_NC_1, .groups = 2},
    {.ca = 1, .ioa = 3, .type = KOMET_M_IT_NA_1, .groups = 1},
    {.ca = 1, .ioa = 4, .type = KOMET_P_ME_NC_1},
    {.ca = 1, .ioa = 5, .type = KOMET_P_ME_NA_1},
    {.ca = 1, .ioa = 6, .type = KOMET_C_SC_NA_1},
    {.ca = 1, .ioa = 7, .type = KOMET_C_DC_NA_1, .select = KOMET_SELECT_REQUIRED},
    {.ca = 1, .ioa = 8, .type = KOMET_C_SE_NA_1, .minimum = -0.5, .maximum = 0.5},
    {.ca = 1, .ioa = 9, .type = KOMET_C_SE_NB_1, .minimum = -5, .maximum = 5},
    {.ca = 2, .ioa = 1, .type = KOMET_C_SE_NC_1, .minimum = -1e30, .maximum = 2},
    {.ca = 2, .ioa = 2, .type = KOMET_C_BO_NA_1},
    {.ca = 2, .ioa = 3, .type = KOMET_C_RC_NA_1, .select = KOMET_SELECT_NEVER},
};

static struct komet_station_settings settings_of(uint8_t choice)
{
    struct komet_station_settings settings = komet_station_settings_standard();
    settings.profile = choice % 2 != 0 ? &komet_profile_sinaut : &komet_profile_104;
    settings.addresses = addresses;
    settings.address_count = 2;
    settings.points = points;
    settings.point_count = sizeof points / sizeof *points;
    settings.connections = 2;
    settings.answers = choice & 2 ? 4 : 16;
    settings.commands = choice & 4 ? 1 : 2;
    settings.command_age_ms = choice & 8 ? 1000 : 0;
    settings.broadcast_once = (choice & 16) != 0;
    settings.limit_set_points = (choice & 32) != 0;
    settings.clock_event = (choice & 64) != 0;
    settings.summer_time = (choice & 128) != 0;
    return settings;
}

struct host {
    struct script script;
    struct komet_station_settings settings;
    struct komet_station *station;
    struct komet_instant now;
    struct komet_utc utc;
    uint32_t last_id;
};

static size_t write_one(struct host *host, unsigned c)
{
    uint8_t octets[KOMET_ASDU_SIZE_MAX];
    struct komet_asdu asdu;
    size_t size = komet_station_write(host->station, host->now, host->utc, c, octets);
    if (size > 0) {
        enum komet_asdu_result result = komet_asdu_decode(host->settings.profile, octets, size, &asdu);
        check(result == KOMET_ASDU_OK || result == KOMET_ASDU_UNKNOWN_TYPE);
        check(asdu.cause != KOMET_COT_ACTIVATION);
    }
    return size;
}

static void receive(struct host *host, unsigned c)
{
    struct komet_station_event event;
    size_t size = take_octet(&host->script);
    size = size < host->script.size ? size : host->script.size;
    enum komet_station_result result =
        komet_station_receive(host->station, host->now, host->utc, c, host->script.octets, size, &event);
    check(result == KOMET_STATION_TAKEN || event.kind == KOMET_STATION_NOTHING);
    check(event.point == KOMET_POINT_NONE || event.point < host->settings.point_count);
    host->last_id = event.id != 0 ? event.id : host->last_id;
    host->script.octets += size;
    host->script.size -= size;
}

static void operate(struct host *host)
{
    uint8_t operation = take_octet(&host->script);
    unsigned c = operation >> 7;
    switch (operation % 10) {
    case 0:
        komet_station_stopped(host->station, c);
        return;
    case 1:
        komet_station_started(host->station, c);
        return;
    case 2:
        write_one(host, c);
        return;
    case 3:
        komet_station_confirm(host->station, host->now, host->last_id - (operation >> 6 & 1), true);
        return;
    case 4:
        if ((operation & 64) != 0) {
            komet_station_refuse(host->station, host->last_id, KOMET_COT_UNKNOWN_IOA);
        } else {
            komet_station_confirm(host->station, host->now, host->last_id, false);
        }
        return;
    case 5:
        komet_station_finish(host->station, host->last_id, (operation & 64) != 0);
        return;
    case 6:
        komet_station_scan(host->station, c, (uint16_t)(1 + (operation >> 6 & 1)), operation,
                           KOMET_COT_PERIODIC);
        return;
    case 7:
        host->now.us += (int64_t)take_octet(&host->script) * 1000000;
        return;
    default:
        receive(host, c);
        return;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct host host = {.script = {data, size}, .utc = {INT64_C(1795264496789)}};
    host.settings = settings_of(take_octet(&host.script));
    size_t needed = komet_station_size(&host.settings);
    void *memory = malloc(needed);
    check(memory != NULL);
    host.station = komet_station_init(memory, needed, &host.settings);
    komet_station_started(host.station, 0);
    while (host.script.size > 0) {
        operate(&host);
    }
    for (unsigned c = 0; c < 2; c++) {
        komet_station_started(host.station, c);
        check(write_one(&host, c) == 0); /* answers were forgotten */
    }
    free(memory);
    return 0;
}
