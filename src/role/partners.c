/*
 * partners: see partners.h.
 */
#include "role/partners.h"

#include <string.h>

#include "komet/assert.h"

#define IMPOSSIBLE 0xFFu

/* ---- the two tables ---- */

static const uint8_t next_path[PATH_STATES][PATH_EVENTS] = {
    /*                 PATH_CONNECTS PATH_STARTS   PATH_STOPS  PATH_CLOSES */
    [PATH_CLOSED] = {PATH_OPEN, IMPOSSIBLE, IMPOSSIBLE, PATH_CLOSED},
    [PATH_OPEN] = {IMPOSSIBLE, PATH_STARTED, PATH_OPEN, PATH_CLOSED},
    [PATH_STARTED] = {IMPOSSIBLE, IMPOSSIBLE, PATH_OPEN, PATH_CLOSED},
};

enum partner_event {
    PARTNER_IS_REACHED, /* its first path is started */
    PARTNER_IS_LOST,    /* its last one is not any more */
    PARTNER_DELIVERS,
    PARTNER_MARKS,
    PARTNER_GIVES_WAY, /* the other one delivers */
    PARTNER_EVENTS
};

static const uint8_t next_standing[PARTNER_STANDINGS][PARTNER_EVENTS] = {
    /*                    REACHED          LOST          DELIVERS     MARKS            GIVES_WAY */
    [PARTNER_LOST] = {PARTNER_STANDBY, PARTNER_LOST, PARTNER_LOST, PARTNER_LOST, PARTNER_LOST},
    [PARTNER_STANDBY] = {PARTNER_STANDBY, PARTNER_LOST, PARTNER_HOT, PARTNER_STANDBY, PARTNER_STANDBY},
    [PARTNER_HOT] = {PARTNER_HOT, PARTNER_LOST, PARTNER_HOT, PARTNER_STANDBY, PARTNER_STANDBY},
};

/* ---- what is known ---- */

static unsigned partner_of(unsigned path)
{
    return path / PARTNERS_NETWORKS;
}

static bool configured(const struct partners *partners, unsigned path)
{
    return (partners->settings.paths >> path & 1u) != 0;
}

static bool is_started(const struct partners *partners, unsigned path)
{
    return partners->path[path].state == PATH_STARTED;
}

static bool is_alone(const struct partners *partners)
{
    unsigned first = (1u << PARTNERS_NETWORKS) - 1, paths = partners->settings.paths;
    return (paths & first) == 0 || (paths & ~first) == 0;
}

unsigned partners_hot(const struct partners *partners)
{
    for (unsigned p = 0; p < PARTNERS_MAX; p++) {
        if (partners->partner[p].standing == PARTNER_HOT) {
            return p;
        }
    }
    return PARTNERS_NOBODY;
}

unsigned partners_data_path(const struct partners *partners, unsigned partner)
{
    KOMET_ASSERT(partner < PARTNERS_MAX);
    return partners->partner[partner].data;
}

const char *partner_standing_name(enum partner_standing standing)
{
    static const char *const names[PARTNER_STANDINGS] = {"lost", "standby", "HOT"};
    KOMET_ASSERT((unsigned)standing < PARTNER_STANDINGS);
    return names[standing];
}

/* ---- changes ---- */

static void tell(struct partners *partners, struct partners_news news)
{
    KOMET_ASSERT(partners->news_count < PARTNERS_NEWS_MAX); /* taken out after each call */
    partners->news[partners->news_count++] = news;
}

static void ask(struct partners *partners, unsigned p, enum partners_interrogation when)
{
    bool may = partners->acting || partners->settings.interrogates_passive;
    if (may && partners->partner[p].data != PARTNERS_NO_PATH && partners->partner[p].interrogate < when) {
        partners->partner[p].interrogate = (uint8_t)when;
    }
}

/* The one place where a partner's standing changes. */
static void set_standing(struct partners *partners, unsigned p, enum partner_standing standing,
                         const char *reason)
{
    uint8_t old = partners->partner[p].standing;
    if (old == standing) {
        return;
    }
    KOMET_ASSERT(standing != PARTNER_HOT || partners_hot(partners) == PARTNERS_NOBODY);
    partners->partner[p].standing = (uint8_t)standing;
    if (standing == PARTNER_HOT) {
        partners->attempts = 0;
    }
    tell(partners,
         (struct partners_news){PARTNERS_NEWS_STANDING, (uint8_t)p, old, (uint8_t)standing, reason});
}

/* The one place where the path that carries a partner's data changes: what was asked on the old one is
 * answered no more. */
static void set_data_path(struct partners *partners, unsigned p, unsigned path, const char *reason)
{
    uint8_t old = partners->partner[p].data;
    if (old == path) {
        return;
    }
    partners->partner[p].data = (uint8_t)path;
    partners->partner[p].interrogate = INTERROGATE_NOT;
    partners->partner[p].asked = false;
    tell(partners, (struct partners_news){PARTNERS_NEWS_PATH, (uint8_t)p, old, (uint8_t)path, reason});
    ask(partners, p, old == PARTNERS_NO_PATH ? INTERROGATE_AFTER_START : INTERROGATE_AT_ONCE);
}

static void partner_event(struct partners *partners, unsigned p, enum partner_event event, const char *reason)
{
    set_standing(partners, p, (enum partner_standing)next_standing[partners->partner[p].standing][event],
                 reason);
}

/* A partner delivers: it is HOT, and the other one is no more. */
static void delivers(struct partners *partners, unsigned p, bool answer)
{
    unsigned other = 1 - p;
    if (next_standing[partners->partner[p].standing][PARTNER_DELIVERS] != PARTNER_HOT ||
        partners->partner[p].standing == PARTNER_HOT) {
        return;
    }
    if (partners->partner[other].standing == PARTNER_HOT) {
        if (partners->partner[p].gave_way) {
            partners->conflicts++;
            tell(partners,
                 (struct partners_news){PARTNERS_NEWS_CONFLICT, (uint8_t)p, PARTNER_STANDBY, PARTNER_HOT,
                                        "it had given way to the other one, which is still there"});
        }
        partner_event(partners, other, PARTNER_GIVES_WAY, "the other one delivers");
        partners->partner[other].gave_way = true;
    }
    partner_event(partners, p, PARTNER_DELIVERS, answer ? "it answers our interrogation" : "it sends values");
    if (!answer || !partners->partner[p].asked) {
        ask(partners, p, INTERROGATE_AT_ONCE);
    }
}

/* Its last path is gone. Who is left when HOT is lost is asked at once: he may be it by now. */
static void lose(struct partners *partners, unsigned p)
{
    unsigned other = 1 - p;
    bool was_hot = partners->partner[p].standing == PARTNER_HOT;
    partner_event(partners, p, PARTNER_IS_LOST, "no path to it is started");
    partners->partner[p].gave_way = partners->partner[other].gave_way = false;
    if (was_hot) {
        ask(partners, other, INTERROGATE_AT_ONCE);
    }
}

/* ---- paths ---- */

static void path_starts(struct partners *partners, unsigned path)
{
    unsigned p = partner_of(path);
    if (partners->partner[p].data != PARTNERS_NO_PATH) {
        return;
    }
    partner_event(partners, p, PARTNER_IS_REACHED, "a path to it is started");
    set_data_path(partners, p, path, "it is started");
    if (is_alone(partners) || partners->settings.one_started) {
        partner_event(partners, p, PARTNER_DELIVERS,
                      is_alone(partners) ? "it is the only one" : "it is the one that is started");
    }
}

static void path_ends(struct partners *partners, unsigned path)
{
    unsigned p = partner_of(path), other = path ^ 1u;
    if (partners->partner[p].data != path) {
        return;
    }
    if (is_started(partners, other)) {
        set_data_path(partners, p, other, "the one before it has ended");
    } else {
        set_data_path(partners, p, PARTNERS_NO_PATH, "it has ended, and there is no other");
        lose(partners, p);
    }
}

/* A round is over when every path that is not started has failed in it. The first one counts from before HOT
 * was lost: what ended then has failed. */
static void count_round(struct partners *partners)
{
    if (partners_hot(partners) != PARTNERS_NOBODY) {
        return;
    }
    for (unsigned path = 0; path < PARTNERS_PATHS; path++) {
        bool tried = partners->path[path].failed || partners->path[path].dead;
        if (configured(partners, path) && !is_started(partners, path) && !tried) {
            return;
        }
    }
    for (unsigned path = 0; path < PARTNERS_PATHS; path++) {
        partners->path[path].failed = false;
    }
    partners->attempts++;
}

/* One path is started at a time. The next one is chosen as soon as there is one; that which has just failed
 * comes last. A connection that is kept ready has not failed. */
static void follow_choice(struct partners *partners, unsigned path, enum partners_path_event event)
{
    bool ready = partners->path[path].state == PATH_OPEN;
    if (ready) {
        partners->path[path].failed = false;
        partner_event(partners, partner_of(path), PARTNER_IS_REACHED, "it is connected");
    } else if (event == PATH_CLOSES) {
        partner_event(partners, partner_of(path), PARTNER_IS_LOST, "its connection has ended");
    }
    if (partners->chosen == path && (event == PATH_STOPS || event == PATH_CLOSES)) {
        partners->chosen = PARTNERS_NO_PATH;
    }
    for (unsigned i = 1; i <= PARTNERS_PATHS && partners->chosen == PARTNERS_NO_PATH; i++) {
        unsigned next = (path + i) % PARTNERS_PATHS;
        if (partners->path[next].state == PATH_OPEN) {
            partners->chosen = (uint8_t)next;
            tell(partners, (struct partners_news){PARTNERS_NEWS_START, (uint8_t)partner_of(next), 0,
                                                  (uint8_t)next, "no other one is started"});
        }
    }
}

void partners_path_event(struct partners *partners, unsigned path, enum partners_path_event event)
{
    KOMET_ASSERT(path < PARTNERS_PATHS && configured(partners, path));
    bool was_started = is_started(partners, path);
    uint8_t next = next_path[partners->path[path].state][event];
    KOMET_ASSERT(next != IMPOSSIBLE);
    partners->path[path].state = next;
    if (next == PATH_STARTED) {
        partners->path[path].failed = false;
        path_starts(partners, path);
    } else if (was_started) {
        path_ends(partners, path);
    }
    if (partners->settings.one_started) {
        follow_choice(partners, path, event);
    }
    if (event == PATH_CLOSES && !partners->settings.listens) {
        partners->path[path].failed = true;
        count_round(partners);
    }
}

/* ---- what else happens ---- */

void partners_init(struct partners *partners, const struct partners_settings *settings)
{
    KOMET_ASSERT(settings->paths != 0 && settings->paths >> PARTNERS_PATHS == 0);
    KOMET_ASSERT(settings->required >= 1 && settings->required <= PARTNERS_PATHS);
    memset(partners, 0, sizeof *partners);
    partners->settings = *settings;
    partners->chosen = PARTNERS_NO_PATH;
    for (unsigned p = 0; p < PARTNERS_MAX; p++) {
        partners->partner[p].data = PARTNERS_NO_PATH;
    }
}

void partners_heard(struct partners *partners, unsigned path, enum partners_heard heard)
{
    KOMET_ASSERT(path < PARTNERS_PATHS && configured(partners, path));
    if (!is_started(partners, path)) {
        return;
    }
    unsigned p = partner_of(path);
    if (heard == HEARD_MARKED) {
        bool was_hot = partners->partner[p].standing == PARTNER_HOT;
        partner_event(partners, p, PARTNER_MARKS, "it marks its values as a standby's");
        if (was_hot) {
            ask(partners, 1 - p, INTERROGATE_AT_ONCE);
        }
    } else if (heard == HEARD_QUESTION) {
        if (partners_hot(partners) == PARTNERS_NOBODY) {
            ask(partners, p, INTERROGATE_AT_ONCE);
        }
    } else {
        delivers(partners, p, heard == HEARD_ANSWER);
    }
}

void partners_pinged(struct partners *partners, unsigned path, bool answered)
{
    KOMET_ASSERT(path < PARTNERS_PATHS && configured(partners, path));
    if (answered) {
        if (partners->path[path].dead) {
            tell(partners, (struct partners_news){PARTNERS_NEWS_ALIVE, (uint8_t)partner_of(path), 0,
                                                  (uint8_t)path, "it answers pings again"});
        }
        partners_forget_pings(partners, path);
        return;
    }
    partners->path[path].misses++;
    if (partners->path[path].misses == partners->settings.ping_count) {
        partners->path[path].dead = true;
        tell(partners, (struct partners_news){PARTNERS_NEWS_DEAD, (uint8_t)partner_of(path), 0, (uint8_t)path,
                                              "it answers no ping"});
    }
}

void partners_forget_pings(struct partners *partners, unsigned path)
{
    KOMET_ASSERT(path < PARTNERS_PATHS && configured(partners, path));
    partners->path[path].misses = 0;
    partners->path[path].dead = false;
}

void partners_interval(struct partners *partners)
{
    bool nothing_fails = true;
    for (unsigned path = 0; path < PARTNERS_PATHS; path++) {
        bool tried = partners_may_connect(partners, path) && !is_started(partners, path);
        nothing_fails = nothing_fails && (partners->settings.listens || !tried);
    }
    if (partners_hot(partners) != PARTNERS_NOBODY) {
        return;
    }
    partners->attempts += nothing_fails ? 1 : 0;
    for (unsigned p = 0; p < PARTNERS_MAX; p++) {
        if (partners->partner[p].asked) {
            ask(partners, p, INTERROGATE_AT_ONCE);
        }
    }
}

void partners_set_acting(struct partners *partners, bool acting)
{
    bool begins = acting && !partners->acting;
    partners->acting = acting;
    for (unsigned p = 0; p < PARTNERS_MAX; p++) {
        if (begins) {
            ask(partners, p, INTERROGATE_AT_ONCE);
        } else if (!acting && !partners->settings.interrogates_passive) {
            partners->partner[p].interrogate = INTERROGATE_NOT;
        }
    }
}

void partners_forget_attempts(struct partners *partners)
{
    partners->attempts = 0;
    for (unsigned path = 0; path < PARTNERS_PATHS; path++) {
        partners->path[path].failed = false;
    }
}

enum partners_interrogation partners_interrogates(const struct partners *partners, unsigned partner)
{
    KOMET_ASSERT(partner < PARTNERS_MAX);
    return (enum partners_interrogation)partners->partner[partner].interrogate;
}

void partners_interrogated(struct partners *partners, unsigned partner)
{
    KOMET_ASSERT(partner < PARTNERS_MAX && partners->partner[partner].data != PARTNERS_NO_PATH);
    partners->partner[partner].interrogate = INTERROGATE_NOT;
    partners->partner[partner].asked = true;
}

bool partners_may_connect(const struct partners *partners, unsigned path)
{
    KOMET_ASSERT(path < PARTNERS_PATHS);
    return configured(partners, path) && !partners->path[path].dead;
}

bool partners_line(const struct partners *partners, uint16_t *flags)
{
    unsigned count = 0, bits = 0, from = partners->settings.open_counts ? PATH_OPEN : PATH_STARTED;
    for (unsigned path = 0; path < PARTNERS_PATHS; path++) {
        if (partners->path[path].state >= from) {
            bits |= 1u << path;
            count++;
        }
    }
    *flags = (uint16_t)bits;
    return count >= partners->settings.required;
}

enum partners_reach partners_reach(const struct partners *partners, unsigned sce, unsigned she)
{
    if (partners_hot(partners) != PARTNERS_NOBODY) {
        return REACH_ON;
    }
    if (partners->attempts >= she) {
        return REACH_HARDERR;
    }
    return partners->attempts >= sce ? REACH_COMERR : REACH_UNDECIDED;
}

bool partners_next(struct partners *partners, struct partners_news *news)
{
    if (partners->news_next == partners->news_count) {
        partners->news_next = partners->news_count = 0;
        return false;
    }
    *news = partners->news[partners->news_next++];
    return true;
}
