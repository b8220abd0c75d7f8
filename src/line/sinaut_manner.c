/*
 * The two manners of the engine: Sinaut, and iec104 on tcp-redundant (a line that is paired).
 *
 * Paired, a partner is one of the two connections, and has one path: its addresses are tried one after the
 * other. Where the line knows a mark by which a standby is told (ARMSD, ICF3, IT), both are two systems, and
 * data transfer is started on both. Where it knows none, both lead to one redundancy group of the standard's,
 * which has one started connection: the other one is kept ready, with test frames.
 */
#include "line/sinaut_private.h"

static const struct sinaut_manner sinaut = {
    .profile = &komet_profile_sinaut, .balanced = true, .asks_all = true};
static const struct sinaut_manner paired = {
    .profile = &komet_profile_104, .alternates = true, .serves = true};

const struct sinaut_manner *sinaut_manner_of(const struct line *line)
{
    return line_is_paired(line) ? &paired : &sinaut;
}

bool line_ignores_cf3_mark(const struct line *line)
{
    const int64_t *value = line->parameters.value;
    return value[PARAMETER_CF3] != 0 || (line_is_paired(line) && value[PARAMETER_ARMSD] == 1);
}

bool line_ignores_test_mark(const struct line *line)
{
    const int64_t *value = line->parameters.value;
    return value[PARAMETER_IT] != 0 || (line_is_paired(line) && value[PARAMETER_ARMSD] == 2);
}

static bool starts_one(const struct line *line)
{
    return line_is_paired(line) && !line_ignores_cf3_mark(line) && !line_ignores_test_mark(line);
}

struct komet_group_settings sinaut_group_settings(const struct line *line)
{
    enum komet_link_role role = line_listens(line) ? KOMET_CONTROLLED : KOMET_CONTROLLING;
    bool sends_values = sinaut_manner_of(line)->balanced;
    struct komet_link_settings link = line_link_settings(line, role);
    return (struct komet_group_settings){
        .link = link,
        .start_when_told = starts_one(line),
        .connections = PARTNERS_NETWORKS,
        .mode = KOMET_GROUP_ALL_STARTED,
        .full = KOMET_GROUP_REFUSE,
        .buffer_size = sends_values ? (size_t)outgoing_receiver_room(link.k) * (KOMET_ASDU_SIZE_MAX + 1)
                                    : KOMET_GROUP_BUFFER_MIN};
}

/* A line that is paired is true as soon as one of its two is connected, as a line of one connection is. */
struct partners_settings sinaut_partners_settings(const struct line *line)
{
    const struct parameter_set *set = &line->parameters;
    const struct sinaut_manner *manner = sinaut_manner_of(line);
    unsigned paths = 0, connections = manner->alternates ? 1 : line_connections(line);
    for (unsigned p = 0; p < line->partner_count; p++) {
        unsigned networks = manner->alternates ? 1 : line->partners[p].address_count;
        for (unsigned n = 0; n < networks; n++) {
            paths |= 1u << (p * PARTNERS_NETWORKS + n);
        }
    }
    bool srcs = set->given[PARAMETER_SRCS] && !manner->alternates;
    return (struct partners_settings){.paths = (uint8_t)paths,
                                      .required = (uint8_t)(srcs ? set->value[PARAMETER_SRCS] : connections),
                                      .ping_count = (unsigned)set->value[PARAMETER_PCNT],
                                      .listens = line_listens(line),
                                      .interrogates_passive =
                                          line_stays_open(line) && set->value[PARAMETER_SIC] != 0,
                                      .one_started = starts_one(line),
                                      .open_counts = manner->alternates};
}

void sinaut_report_paired(const struct sinaut *line, struct line_report *report)
{
    report->flags = (value_flags)((report->flags & 1u) | (report->flags >> PARTNERS_NETWORKS & 1u) << 1);
    for (unsigned i = 0; i < report->connection_count; i++) {
        bool data = sinaut_data_path(line, i) != PARTNERS_NO_PATH && partners_hot(&line->partners) == i;
        report->connections[i].path = data ? "data" : "ready";
    }
}
