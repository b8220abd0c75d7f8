/*
 * Prints doc/interoperability.md: what the table of types and of their causes says, for the roles a tender
 * asks for.
 */
#include <stdio.h>
#include <string.h>

#include "komet/asdu.h"

static const char *const head =
    "# Interoperability\n"
    "\n"
    "Made by `test/conformance/interoperability.c` from the tables of libkomet; `./dev test` fails when this "
    "page is\n"
    "another. Its order is that of clause 9 of IEC 60870-5-104. It says what the library does as\n"
    "\n"
    "- **client**: controlling station (`komet/centre.h`, `komet/link.h`),\n"
    "- **server**: controlled station (`komet/station.h`, `komet/group.h`),\n"
    "- **Sinaut**: a partner of Siemens Sinaut Spectrum, which is both at once, with the addresses' high "
    "octet first.\n"
    "\n"
    "What the program `komet kom` makes of it is in `configuration.md`: its lines `iec104` are clients,\n"
    "those of `iec104-server` servers, those of `iec104-sinaut` Sinaut.\n"
    "\n"
    "## System\n"
    "\n"
    "| | Client | Server | Sinaut |\n"
    "|---|---|---|---|\n"
    "| controlling station | yes | | yes |\n"
    "| controlled station | | yes | yes |\n"
    "\n"
    "## Network and link\n"
    "\n"
    "| Parameter | Value |\n"
    "|---|---|\n"
    "| transport | TCP, IPv4 and IPv6; port 2404 or any other; either side may connect |\n"
    "| APDU | 4 to 253 octets of length |\n"
    "| t0 | the host's: it makes the connection; standard 30 s |\n"
    "| t1, t2, t3 | any, t2 below t1; standard 15 s, 10 s, 20 s; t3 may be 0 |\n"
    "| k, w | 1 to 32767, w not above k; standard 12, 8 |\n"
    "| redundancy groups | up to 8 connections a group; one started (the standard) or all (Sinaut) |\n"
    "\n"
    "## Application layer\n"
    "\n"
    "| Parameter | Client and server | Sinaut |\n"
    "|---|---|---|\n"
    "| octet order of values | low first | low first |\n"
    "| cause of transmission | 2 octets, the second is the originator; 1 octet for -101 | 2 octets |\n"
    "| common address of ASDU | 2 octets, low first; 1 octet for -101; or high first | 2 octets, high first "
    "|\n"
    "| information object address | 3 octets, low first; 1 or 2 for -101; or high first | 3 octets, high "
    "first |\n"
    "| ASDU | up to 249 octets | up to 249 octets |\n"
    "| time tags | CP24Time2a, CP56Time2a with IV, SU, day of week; UTC or local time, as set | the same |\n"
    "\n";

static const struct section {
    enum komet_direction direction;
    const char *title;
} sections[] = {
    {KOMET_MONITOR, "Process and system information in monitor direction"},
    {KOMET_CONTROL, "Process information in control direction"},
    {KOMET_SYSTEM_CONTROL, "System information in control direction"},
    {KOMET_PARAMETER, "Parameters in control direction"},
    {KOMET_FILE, "File transfer"},
};

static const char *word(bool sends, bool receives)
{
    return sends && receives ? "both" : sends ? "sends" : receives ? "receives" : "";
}

static void print_types(const struct section *section)
{
    size_t count;
    const struct komet_type_row *rows = komet_type_table(&count);
    printf("## %s\n\n| Type | Name | | Client | Server | Sinaut |\n|---:|---|---|---|---|---|\n",
           section->title);
    for (size_t i = 0; i < count; i++) {
        if (rows[i].direction != section->direction) {
            continue;
        }
        /* A type that is only ever answered with is the other side's; mirrors do not make a sender. */
        bool to = komet_causes_to_station(rows[i].type) != 0;
        bool from = rows[i].direction == KOMET_MONITOR || rows[i].direction == KOMET_FILE;
        printf("| %u | %s | %s | %s | %s | both |\n", rows[i].type, rows[i].name, rows[i].title,
               word(to, from), word(from, to));
    }
    printf("\n");
}

static const struct {
    const char *name;
    unsigned cause; /* stands for the whole range */
} columns[] = {
    {"1", 1}, {"2", 2},   {"3", 3},   {"4", 4},   {"5", 5},   {"6", 6},      {"7", 7},      {"8", 8},
    {"9", 9}, {"10", 10}, {"11", 11}, {"12", 12}, {"13", 13}, {"20–36", 20}, {"37–41", 37}, {"44–47", 44},
};
enum { COLUMNS = sizeof columns / sizeof columns[0] };

/* X: sent in the standard direction, to the station for control and from it for monitor; a: answered with. */
static const char *mark(const struct komet_type_row *row, unsigned cause)
{
    bool to = (komet_causes_to_station(row->type) >> cause & 1) != 0;
    bool from = (komet_causes_from_station(row->type) >> cause & 1) != 0;
    bool told = row->direction == KOMET_MONITOR || row->direction == KOMET_FILE;
    bool answer = from && (!told || cause >= KOMET_COT_UNKNOWN_TYPE);
    return to && from ? "B" : answer ? "a" : to || from ? "X" : "";
}

static void print_causes(void)
{
    size_t count;
    const struct komet_type_row *rows = komet_type_table(&count);
    printf("## Types and causes of transmission\n\nX: used. a: what the station answers with. B: used both "
           "ways.\n\n| Type |");
    for (size_t i = 0; i < COLUMNS; i++) {
        printf(" %s |", columns[i].name);
    }
    printf("\n|---|");
    for (size_t i = 0; i < COLUMNS; i++) {
        printf("---|");
    }
    for (size_t i = 0; i < count; i++) {
        printf("\n| %u %s |", rows[i].type, rows[i].name);
        for (size_t c = 0; c < COLUMNS; c++) {
            printf(" %s |", mark(&rows[i], columns[c].cause));
        }
    }
    printf("\n\n");
}

/* `case_of` is the conformance case that shows it, in doc/conformance.md. */
static const struct {
    const char *function, *client, *server, *sinaut, *case_of;
} services[] = {
    {"station initialization: end of initialization", "yes", "yes", "yes", "A25"},
    {"cyclic data transmission", "yes", "yes", "yes", "A37"},
    {"background scan", "yes", "yes", "yes", "A37"},
    {"read", "yes", "yes", "yes", "A21"},
    {"spontaneous transmission, without and with time tag", "yes", "yes", "yes", "A37"},
    {"station interrogation: global, groups 1 to 16", "yes", "yes", "yes", "A17"},
    {"interrogation of the global address, answered by each or once", "yes", "by each or once", "once", "A6"},
    {"counter interrogation: general, groups 1 to 4", "yes", "yes", "yes", "A20"},
    {"counters: freeze, freeze with reset, reset; modes A to D", "yes", "yes", "yes", "A20"},
    {"clock synchronisation", "yes", "yes, or refused", "yes", "A22"},
    {"direct command, direct set-point command", "yes", "yes", "yes", "A26"},
    {"select and execute, of commands and set points", "yes", "yes", "yes", "A27"},
    {"activation termination", "used", "used", "used", "A26"},
    {"no additional definition, short, long, persistent output", "any QU", "any QU, the host's", "any QU",
     "A26"},
    {"supervision of the time tag of commands", "sent", "refused or discarded", "as set", "A31"},
    {"parameter loading, activation", "yes", "yes", "yes", "A35"},
    {"test procedure: types 104 and 107", "yes", "yes", "yes", "A23"},
    {"reset process", "yes", "yes", "yes", "A24"},
    {"file transfer in monitor and control direction, directory", "yes", "yes", "yes", "A36"},
    {"acquisition of transmission delay", "yes", "yes", "yes", "A22"},
    {"refusals: unknown type, cause, common address, object address", "understood", "yes", "yes", "A1"},
    {"private types 128 to 255", "as octets", "as octets", "as octets", "A1"},
};

static void print_services(void)
{
    printf("## Basic application functions\n\n| Function | Client | Server | Sinaut | Shown by "
           "|\n|---|---|---|---|---|\n");
    for (size_t i = 0; i < sizeof services / sizeof services[0]; i++) {
        printf("| %s | %s | %s | %s | case %s |\n", services[i].function, services[i].client,
               services[i].server, services[i].sinaut, services[i].case_of);
    }
    printf("\nCases: `conformance.md`.\n");
}

int main(void)
{
    fputs(head, stdout);
    for (size_t i = 0; i < sizeof sections / sizeof sections[0]; i++) {
        print_types(&sections[i]);
    }
    print_causes();
    print_services();
    return 0;
}
