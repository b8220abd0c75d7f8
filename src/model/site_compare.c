/*
 * site_compare: see site_compare.h.
 */
#include "model/site_compare.h"

#include <string.h>

static bool is_same_processing(const struct processing *a, const struct processing *b)
{
    if (a == NULL || b == NULL) {
        return a == b;
    }
    bool same = a->given == b->given;
    for (unsigned i = 0; i < NUMBER_COUNT && same; i++) {
        same = a->number[i] == b->number[i];
    }
    return same;
}

/* The tag that another one names; NULL: none. */
static bool is_same_name(const struct tag *a, const struct tag *b)
{
    return a == NULL || b == NULL ? a == b : name_compare(a->name, b->name) == 0;
}

bool same_tag(const struct tag *a, const struct tag *b)
{
    return a->type == b->type && a->ignored == b->ignored && a->ioa == b->ioa && a->asdu == b->asdu &&
           a->groups == b->groups && is_same_name(a->source, b->source) && a->column_rows == b->column_rows &&
           is_same_name(a->master, b->master) && is_same_processing(a->processing, b->processing);
}

static bool is_same_set(const struct parameter_set *a, const struct parameter_set *b,
                        bool (*meant)(enum parameter_id id))
{
    for (unsigned i = 0; i < PARAMETER_COUNT; i++) {
        if (a->value[i] != b->value[i] && (meant == NULL || meant((enum parameter_id)i))) {
            return false;
        }
    }
    return true;
}

bool same_station_service(const struct station *a, const struct station *b)
{
    return a->communication_disabled == b->communication_disabled && a->keep_when_off == b->keep_when_off &&
           a->clock_sync_us == b->clock_sync_us && is_same_name(a->control_object, b->control_object) &&
           is_same_set(&a->parameters, &b->parameters, NULL);
}

bool same_station_time(const struct station *a, const struct station *b)
{
    return a->zone == b->zone && a->zone_offset_minutes == b->zone_offset_minutes &&
           a->summer_time == b->summer_time && a->summer_time_eu == b->summer_time_eu;
}

/* Parameters of a line that are looked at each time they are used; all others hold for a whole connection. */
static bool holds_for_connection(enum parameter_id id)
{
    return parameter_row(id)->scope == SCOPE_LINE && id != PARAMETER_PSD && id != PARAMETER_WT0 &&
           id != PARAMETER_WTN;
}

static bool is_same_address(const struct address *a, const struct address *b)
{
    if (a->host == NULL || b->host == NULL) {
        return a->host == b->host;
    }
    return strcmp(a->host, b->host) == 0 && a->port == b->port;
}

static bool are_same_addresses(const struct address *a, const struct address *b, unsigned count)
{
    bool same = true;
    for (unsigned i = 0; i < count && same; i++) {
        same = is_same_address(&a[i], &b[i]);
    }
    return same;
}

/* A group of masters is known by its addresses. */
static bool is_same_group(const struct master_group *a, const struct master_group *b)
{
    bool same = a->address_count == b->address_count && strcmp(a->name, b->name) == 0;
    for (unsigned i = 0; i < a->address_count && same; i++) {
        same = network_address_same(&a->addresses[i], &b->addresses[i]);
    }
    return same;
}

static bool is_same_host(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* The systems of a redundant partner, and our addresses for them; their names are for people. */
static bool are_same_systems(const struct line *a, const struct line *b)
{
    bool same = a->partner_count == b->partner_count;
    for (unsigned i = 0; i < SITE_NETWORKS_MAX && same; i++) {
        same = is_same_host(a->local[i], b->local[i]);
    }
    for (unsigned i = 0; i < a->partner_count && same; i++) {
        const struct partner *left = &a->partners[i], *right = &b->partners[i];
        same = left->address_count == right->address_count &&
               are_same_addresses(left->addresses, right->addresses, left->address_count);
    }
    return same;
}

/* Whom it connects to, or who connects to it. */
static bool are_same_partners(const struct line *a, const struct line *b)
{
    bool same = a->host_count == b->host_count && a->master_count == b->master_count &&
                are_same_addresses(a->hosts, b->hosts, a->host_count) &&
                is_same_address(&a->listen, &b->listen);
    for (unsigned i = 0; i < a->master_count && same; i++) {
        same = is_same_group(&a->masters[i], &b->masters[i]);
    }
    return same && are_same_systems(a, b);
}

bool same_line_connection(const struct line *a, const struct line *b)
{
    return a->protocol == b->protocol && a->category == b->category && a->number == b->number &&
           a->standby == b->standby && a->without_server == b->without_server && are_same_partners(a, b) &&
           is_same_set(&a->parameters, &b->parameters, holds_for_connection);
}

bool same_line(const struct line *a, const struct line *b)
{
    bool same = a->reconnect_us == b->reconnect_us && a->store_limit_us == b->store_limit_us &&
                a->acknowledge == b->acknowledge && a->line_loss_us == b->line_loss_us &&
                a->station_count == b->station_count && is_same_set(&a->parameters, &b->parameters, NULL);
    for (unsigned i = 0; i < a->station_count && same; i++) {
        same = name_compare(a->stations[i].name, b->stations[i].name) == 0;
    }
    return same;
}
