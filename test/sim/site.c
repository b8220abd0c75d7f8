/*
 * site: see site.h.
 */
#include "sim/site.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "komet/assert.h"

void sim_append(char *text, size_t size, const char *format, ...)
{
    size_t used = strlen(text);
    va_list arguments;
    va_start(arguments, format);
    int written = vsnprintf(text + used, size - used, format, arguments);
    va_end(arguments);
    KOMET_ASSERT(written >= 0 && (size_t)written < size - used);
}

static void write_line(struct sim_site *site, unsigned station)
{
    sim_append(site->text, sizeof site->text,
               "      L.RTU%u:\n"
               "        protocol: iec104\n"
               "        category: tcp\n"
               "        number: 3\n"
               "        hosts: [\"127.0.0.1:%u\"]\n"
               "        reconnect: 100 ms\n"
               "        parameters: {WT1: 3 s, WT2: 1 s, WT3: 5 s}\n"
               "        standby: %s\n"
               "        without_server: %s\n"
               "        stations:\n"
               "          B.RTU%u: {address: 1, tags: rtu%u.csv, time: utc, parameters: {SBE: %s}}\n",
               station, 2404 + station, site->warm[station] ? "warm" : "cold",
               site->buffered[station] ? "buffer" : "close", station, station,
               ((unsigned)site->centre.selects_of >> station & 1u) != 0 ? "true" : "false");
    char *table = site->tables[station];
    size_t size = sizeof site->tables[station];
    sim_append(table, size, "name,type,address,asdu,source\n");
    for (uint32_t i = 0; i < POINT_INPUTS; i++) {
        sim_append(table, size, "M%u.D%u,Di,%u,,\n", station, POINT_FIRST_INPUT + i, POINT_FIRST_INPUT + i);
    }
    sim_append(table, size, "M%u.P%u,Ai,%u,,\nM%u.P%u.SET,Ao,%u,50,", station, POINT_FEEDBACK, POINT_FEEDBACK,
               station, POINT_SET_POINT, POINT_SET_POINT);
    masters_site_write_source(site, station);
}

static void write_files(struct sim_site *site)
{
    static char names[SIM_STATIONS_MAX][24];
    sim_append(site->text, sizeof site->text,
               "site: simulated\n"
               "group: {name: SIM, lease: %u ms, servers: [{name: A, listen: \"127.0.0.1:3119\"}]}\n"
               "processes:\n",
               (unsigned)SIM_LEASE_MS);
    for (unsigned p = 0; p < site->process_count; p++) {
        const struct sim_process *process = &site->processes[p];
        sim_append(site->text, sizeof site->text, "  %s:\n    lines:\n", process->name);
        for (unsigned i = 0; i < process->station_count; i++) {
            write_line(site, process->first_station + i);
        }
        if (process->serves) {
            masters_site_write(site);
        }
    }
    site->files[0] = (struct site_file){"site.yaml", site->text, strlen(site->text)};
    for (unsigned i = 0; i < site->station_count; i++) {
        snprintf(names[i], sizeof names[i], "rtu%u.csv", i);
        site->files[1 + i] = (struct site_file){names[i], site->tables[i], strlen(site->tables[i])};
    }
    site->file_count = 1 + site->station_count;
    masters_site_add_file(site);
}

void sim_site_init(struct sim_site *site, struct test_random *random)
{
    *site = (struct sim_site){.process_count = 1};
    uint8_t instances = (uint8_t)(1 + test_random_below(random, SIM_INSTANCES_MAX));
    uint8_t stations = (uint8_t)(1 + test_random_below(random, 2));
    site->processes[0] = (struct sim_process){"SELF.KOM", 1, instances, 0, stations, false};
    site->station_count = stations;
    if (test_random_below(random, 3) == 0) {
        bool numbered = test_random_below(random, 2) == 0;
        site->processes[1] =
            (struct sim_process){"OTHER.KOM", numbered ? 1 : 0, numbered ? 2 : 0, stations, 1, false};
        site->process_count++;
        site->station_count++;
    }
    bool buffers = test_random_below(random, 4) == 0;
    for (unsigned i = 0; i < site->station_count; i++) {
        site->buffered[i] = buffers && test_random_below(random, 3) > 0;
        site->warm[i] = test_random_below(random, 2) == 0;
    }
    masters_site_draw(site, random);
    write_files(site);
}

struct sim_name sim_tag_name(unsigned station, uint32_t ioa)
{
    struct sim_name name;
    snprintf(name.text, sizeof name.text, "M%u.%c%u%s", station, ioa >= POINT_FEEDBACK ? 'P' : 'D',
             (unsigned)ioa, ioa == POINT_SET_POINT ? ".SET" : "");
    return name;
}

bool sim_tag_point(const char *name, unsigned *station, uint32_t *ioa)
{
    unsigned address;
    char kind;
    if (name[0] != 'M') {
        return false;
    }
    int read = sscanf(name, "M%u.%c%u", station, &kind, &address);
    KOMET_ASSERT(read == 3 && *station < SIM_STATIONS_MAX);
    *ioa = address;
    return address != POINT_SET_POINT;
}
