/*
 * masters_site: see masters_site.h.
 */
#include "sim/masters_site.h"

#include <stdio.h>
#include <string.h>

#include "sim/site.h"

static const char *const output_names[OUTPUT_COUNT] = {"D1", "D2", "D3", "D4", "P", "L"};

void masters_site_draw(struct sim_site *site, struct test_random *random)
{
    static const uint16_t buffers[] = {100, 400, 4000};
    struct sim_centre *centre = &site->centre;
    if (test_random_below(random, 3) == 0) {
        return;
    }
    centre->group_count = (uint8_t)(1 + test_random_below(random, SIM_GROUPS_MAX));
    for (unsigned i = 0; i < centre->group_count; i++) {
        centre->master_counts[i] = (uint8_t)(1 + test_random_below(random, SIM_GROUP_MASTERS_MAX));
    }
    centre->buffer = buffers[test_random_below(random, sizeof buffers / sizeof buffers[0])];
    centre->confirms = (uint8_t)(1 + test_random_below(random, 3));
    centre->selects = test_random_below(random, 2) == 0;
    centre->initializes = test_random_below(random, 2) == 0;
    centre->selects_of = (uint8_t)test_random_below(random, 1u << SIM_STATIONS_MAX);
    site->processes[site->process_count++] =
        (struct sim_process){.name = "SRV.KOM",
                             .first_instance = 1,
                             .last_instance = (uint8_t)(1 + test_random_below(random, SIM_SERVING_MAX)),
                             .first_station = (uint8_t)site->station_count,
                             .serves = true};
}

static void write_line(struct sim_site *site)
{
    const struct sim_centre *centre = &site->centre;
    sim_append(site->text, sizeof site->text,
               "      L.CENTRE:\n"
               "        protocol: iec104-server\n"
               "        category: tcp\n"
               "        number: 1\n"
               "        listen: \"ALL:2404\"\n"
               "        reconnect: 100 ms\n"
               "        parameters: {WT1: 3 s, WT2: 1 s, WT3: 5 s, OBUF: %u, EOI: %u}\n"
               "        masters: [",
               centre->buffer, centre->initializes ? 1u : 0u);
    for (unsigned g = 0; g < centre->group_count; g++) {
        sim_append(site->text, sizeof site->text, "%s[", g > 0 ? ", " : "");
        for (unsigned m = 0; m < centre->master_counts[g]; m++) {
            sim_append(site->text, sizeof site->text, "%s\"10.9.%u.%u\"", m > 0 ? ", " : "", g, 1 + m);
        }
        sim_append(site->text, sizeof site->text, "]");
    }
    sim_append(
        site->text, sizeof site->text,
        "]\n"
        "        stations:\n"
        "          B.OUT: {address: 1, tags: centre.csv, time: utc, parameters: {CMDC: %u, SBE: %s}}\n",
        centre->confirms, centre->selects ? "true" : "false");
}

static void write_table(struct sim_site *site)
{
    char *table = site->centre_table;
    size_t size = sizeof site->centre_table;
    sim_append(table, size, "name,type,address,asdu,source\n");
    for (unsigned s = 0; s < site->station_count; s++) {
        unsigned first = s * OUTPUT_STATION_ADDRESSES + OUTPUT_FIRST_ADDRESS;
        for (unsigned i = 0; i < OUTPUT_MEASURED; i++) {
            sim_append(table, size, "U%u.%s,Dout,%u,30,%s\n", s, output_names[i], first + i,
                       sim_tag_name(s, POINT_FIRST_INPUT + i).text);
        }
        sim_append(table, size, "U%u.%s,Ao,%u,36,%s\n", s, output_names[OUTPUT_MEASURED],
                   first + OUTPUT_MEASURED, sim_tag_name(s, POINT_FEEDBACK).text);
        sim_append(table, size, "U%u.%s,Ao,%u,13,%s\n", s, output_names[OUTPUT_LAST], first + OUTPUT_LAST,
                   sim_tag_name(s, POINT_FEEDBACK).text);
        sim_append(table, size, "U%u.IN,Ai,%u,50,\n", s, s * OUTPUT_STATION_ADDRESSES + OUTPUT_COMMAND);
    }
}

void masters_site_write(struct sim_site *site)
{
    write_line(site);
    write_table(site);
}

void masters_site_add_file(struct sim_site *site)
{
    if (site->centre.group_count > 0) {
        site->files[site->file_count++] =
            (struct site_file){"centre.csv", site->centre_table, strlen(site->centre_table)};
    }
}

void masters_site_write_source(struct sim_site *site, unsigned station)
{
    char *table = site->tables[station];
    char source[16] = "";
    if (site->centre.group_count > 0) {
        snprintf(source, sizeof source, "U%u.IN", station);
    }
    sim_append(table, sizeof site->tables[station], "%s\n", source);
}

int masters_site_output(const char *name)
{
    unsigned station;
    char rest[16];
    if (sscanf(name, "U%u.%15s", &station, rest) != 2) {
        return -1;
    }
    for (unsigned i = 0; i < OUTPUT_COUNT; i++) {
        if (strcmp(rest, output_names[i]) == 0) {
            return (int)(station * OUTPUT_COUNT + i);
        }
    }
    return -1;
}

int masters_site_output_at(uint32_t ioa)
{
    uint32_t station = ioa / OUTPUT_STATION_ADDRESSES, at = ioa % OUTPUT_STATION_ADDRESSES;
    bool output = at >= OUTPUT_FIRST_ADDRESS && at < OUTPUT_FIRST_ADDRESS + OUTPUT_COUNT;
    return station < SIM_STATIONS_MAX && output ? (int)(station * OUTPUT_COUNT + at - OUTPUT_FIRST_ADDRESS)
                                                : -1;
}

int masters_site_command_at(uint32_t ioa)
{
    bool command = ioa % OUTPUT_STATION_ADDRESSES == OUTPUT_COMMAND;
    return command && ioa / OUTPUT_STATION_ADDRESSES < SIM_STATIONS_MAX
               ? (int)(ioa / OUTPUT_STATION_ADDRESSES)
               : -1;
}

unsigned masters_site_source(unsigned output, uint32_t *ioa)
{
    unsigned kind = output % OUTPUT_COUNT;
    *ioa = kind < OUTPUT_MEASURED ? POINT_FIRST_INPUT + kind : POINT_FEEDBACK;
    return output / OUTPUT_COUNT;
}
