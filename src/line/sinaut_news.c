/*
 * sinaut_news: what follows when a partner's standing, or the path that carries his data, has changed.
 */
#include "line/sinaut_private.h"

static void path_changed(struct sinaut *line, struct line_now now, unsigned partner,
                         const struct partners_news *news)
{
    struct sinaut_partner *own = &line->partner[partner];
    own->wanted = 0;
    own->answer_by = KOMET_NEVER;
    own->calm_at = now.instant;
    own->calm_when_asked = false;
    own->question_count = 0; /* it asks anew, as we do */
    sinaut_outgoing_follow(line, partner);
    for (unsigned i = 0; i < line->line->station_count; i++) {
        line->stations[i].wanted[partner] = 0;
    }
    if (news->old == PARTNERS_NO_PATH) {
        own->start_at = komet_after(now.instant, KOMET_MS(sinaut_parameter(line, PARAMETER_PSD)));
    }
    if (news->new != PARTNERS_NO_PATH && line->manner->alternates) {
        sinaut_note(line, "%s: connection %s carries data: %s", line->line->name,
                    sinaut_partner_facts(line, partner)->name, news->reason);
    } else if (news->new != PARTNERS_NO_PATH) {
        sinaut_note(line, "%s: network %u carries the data of %s: %s", line->line->name,
                    sinaut_network_of(news->new) + 1, sinaut_partner_facts(line, partner)->name,
                    news->reason);
    }
}

/* They may take turns with each value: in each `reconnect` it is told once, and each asked once. */
static void take_conflict(struct sinaut *line, struct line_now now, const char *name, const char *reason)
{
    if (komet_reached(now.instant, line->quiet_at)) {
        sinaut_note(line, "%s: both partners deliver: %s, %s", line->line->name, name, reason);
        line->quiet_at = komet_after(now.instant, line->line->reconnect_us);
    }
    line->partner[0].calm_when_asked = line->partner[1].calm_when_asked = true;
}

void sinaut_follow(struct sinaut *line, struct line_now now)
{
    struct partners_news news;
    unsigned dead = PARTNERS_NO_PATH;
    while (partners_next(&line->partners, &news)) {
        struct komet_group *group = line->partner[news.partner].group;
        const char *name = sinaut_partner_facts(line, news.partner)->name;
        line->report_changed = true;
        switch (news.kind) {
        case PARTNERS_NEWS_STANDING:
            if (news.old == PARTNER_HOT && line->open) { /* whole intervals count */
                line->interval_at = komet_after(now.instant, line->line->reconnect_us);
            }
            if (komet_reached(now.instant, line->quiet_at)) {
                sinaut_note(line, "%s: %s was %s and is %s: %s", line->line->name, name,
                            partner_standing_name((enum partner_standing)news.old),
                            partner_standing_name((enum partner_standing)news.new), news.reason);
            }
            if (news.new == PARTNER_HOT) {
                sinaut_services_begin(line, now);
            }
            break;
        case PARTNERS_NEWS_PATH:
            path_changed(line, now, news.partner, &news);
            break;
        case PARTNERS_NEWS_CONFLICT:
            take_conflict(line, now, name, news.reason);
            break;
        case PARTNERS_NEWS_DEAD:
            dead = news.new;
            sinaut_note(line, "%s: %s is dead on network %u: %s", line->line->name, name,
                        sinaut_network_of(dead) + 1, news.reason);
            break;
        case PARTNERS_NEWS_ALIVE:
            sinaut_note(line, "%s: %s lives on network %u: %s", line->line->name, name,
                        sinaut_network_of(news.new) + 1, news.reason);
            if (line->open && !line->listens && line->path[news.new].state == CONNECTION_CLOSED) {
                sinaut_connect(line, now, news.new);
            }
            break;
        case PARTNERS_NEWS_START:
            if (line->open) { /* else the line closes, one path after the other */
                komet_group_start(group, now.instant, sinaut_network_of(news.new));
            }
            break;
        }
    }
    if (line->active) {
        sinaut_stations_follow(line);
    }
    if (dead != PARTNERS_NO_PATH) {
        sinaut_drop(line, now, dead, KOMET_PING_UNANSWERED, true);
    }
}
