/*
 * partners: the systems of a redundant partner (Sinaut) as one end of a line sees them: which one is HOT,
 * which of its paths carries data, who is to be interrogated, what the line and its stations are worth
 * (architecture 7; reference 1.7, S1 to S3, S9, S11, S12, S16).
 *
 * Pure. A path is one TCP connection, of one partner on one network: paths 0 and 1 are partner 0's, 2 and 3
 * partner 1's. The line tells what happens to its paths and what it hears on them; it asks what follows, and
 * takes out what has changed (partners_next) for its log.
 *
 *   HOT      Nobody says that he is: a partner is HOT that delivers values or answers our interrogation. At
 *            most one is: the latest to deliver. It stays so until it is lost, another one delivers, or it
 *            marks what it sends as a standby's. A partner that is the only one is HOT as soon as a path to
 *            it is started. While nobody is, who asks us is asked back, and all are asked in each interval of
 *            `reconnect`: a partner that was passive when it was asked did not answer, and says nothing of
 *            itself when it acts.
 *   path     The first one started carries data, until it is started no more; then the other one, if it is.
 *            No way back. What comes on the other path counts all the same.
 *   attempt  While no path to a HOT partner is started, a round in which each path that is not has failed
 *            once; or, where nothing fails since we listen or all paths are up, each interval of
 *            `reconnect`.
 *
 * Where one path may be started at a time (one_started: iec104 on tcp-redundant, whose station marks
 * nothing), the first one that is connected is started, and with that its partner is HOT; the others are kept
 * ready, and the next one is started when it ends. That which has failed comes last.
 */
#ifndef ROLE_PARTNERS_H
#define ROLE_PARTNERS_H

#include <stdbool.h>
#include <stdint.h>

#define PARTNERS_MAX      2
#define PARTNERS_NETWORKS 2
#define PARTNERS_PATHS    (PARTNERS_MAX * PARTNERS_NETWORKS)
#define PARTNERS_NO_PATH  0xFFu
#define PARTNERS_NOBODY   0xFFu
#define PARTNERS_NEWS_MAX 8

enum partners_path { PATH_CLOSED, PATH_OPEN, PATH_STARTED, PATH_STATES };

/* What happens to a path: TCP is connected, data transfer runs, it does not any more, TCP has ended (also of
 * an attempt to connect). */
enum partners_path_event { PATH_CONNECTS, PATH_STARTS, PATH_STOPS, PATH_CLOSES, PATH_EVENTS };

enum partner_standing { PARTNER_LOST, PARTNER_STANDBY, PARTNER_HOT, PARTNER_STANDINGS };
const char *partner_standing_name(enum partner_standing standing); /* "lost", "standby", "HOT" */

/* What a partner is heard to send, S and U formats apart. */
enum partners_heard {
    HEARD_VALUES,  /* causes 1 to 5, 11, 12 */
    HEARD_ANSWER,  /* causes 20 to 41, or a confirmation or termination of our own interrogation */
    HEARD_MARKED,  /* values marked as a standby's, which the line is set to ignore (ICF3, IT) */
    HEARD_QUESTION /* its own interrogation, which a standby may send, too */
};

/* When a partner is to be interrogated. */
enum partners_interrogation { INTERROGATE_NOT, INTERROGATE_AFTER_START, INTERROGATE_AT_ONCE };

struct partners_settings {
    uint8_t paths;             /* those that are configured, as bits */
    uint8_t required;          /* SRCS: started paths that make the line true */
    unsigned ping_count;       /* PCNT */
    bool listens;              /* the partner connects: no attempt of ours fails */
    bool interrogates_passive; /* we interrogate also while we do not act */
    bool one_started;          /* the partners are connections to one controlled station, of which one may be
                                  started at a time: the one that is has all there is */
    bool open_counts;          /* for the line, a path counts as soon as it is connected */
};

enum partners_news_kind {
    PARTNERS_NEWS_STANDING, /* old and new are enum partner_standing */
    PARTNERS_NEWS_PATH,     /* old and new are paths that carry data, or PARTNERS_NO_PATH */
    PARTNERS_NEWS_CONFLICT, /* a partner delivers that had given way to the other, which is still there */
    PARTNERS_NEWS_DEAD,     /* path `new` answers no ping: the line closes it */
    PARTNERS_NEWS_ALIVE,    /* the address of path `new`, which was dead, answers again */
    PARTNERS_NEWS_START     /* one_started: data transfer is to be started on path `new` */
};

struct partners_news {
    enum partners_news_kind kind;
    uint8_t partner;
    uint8_t old, new;
    const char *reason; /* static storage */
};

struct partners {
    struct partners_settings settings;
    bool acting;
    struct {
        uint8_t state;   /* enum partners_path */
        bool failed;     /* in the round of attempts that runs */
        bool dead;       /* answers no ping */
        unsigned misses; /* pings in a row */
    } path[PARTNERS_PATHS];
    struct {
        uint8_t standing;    /* enum partner_standing */
        uint8_t data;        /* path, or PARTNERS_NO_PATH */
        uint8_t interrogate; /* enum partners_interrogation */
        bool asked;          /* an interrogation has gone out on `data` */
        bool gave_way;       /* was HOT until the other one delivered */
    } partner[PARTNERS_MAX];
    uint8_t chosen;    /* one_started: the path that is started, or is to be; or PARTNERS_NO_PATH */
    unsigned attempts; /* since a path to a HOT partner was started last */
    uint64_t conflicts;
    struct partners_news news[PARTNERS_NEWS_MAX];
    uint8_t news_count, news_next;
};

/* Nothing is connected, and we do not act. `paths` is not 0, `required` 1 to 4. */
void partners_init(struct partners *partners, const struct partners_settings *settings);

/* What happens to a path that is configured. An event that cannot happen in its state is the caller's mistake
 * (asserted), save PATH_CLOSES, which always can. */
void partners_path_event(struct partners *partners, unsigned path, enum partners_path_event event);
/* What is heard on a path; nothing while it is not started. */
void partners_heard(struct partners *partners, unsigned path, enum partners_heard heard);
/* Whether a ping of a path's address was answered in its time. */
void partners_pinged(struct partners *partners, unsigned path, bool answered);
/* Its address is not pinged any more, or not yet: nothing is known of it, and nothing told. */
void partners_forget_pings(struct partners *partners, unsigned path);
/* An interval of `reconnect` is over. */
void partners_interval(struct partners *partners);
/* We act, or do no more. */
void partners_set_acting(struct partners *partners, bool acting);
/* Stations begin to be spoken with, all of them: the attempts before count no more. */
void partners_forget_attempts(struct partners *partners);

/* When a partner is to be interrogated, on its path that carries data; and that it was. */
enum partners_interrogation partners_interrogates(const struct partners *partners, unsigned partner);
void partners_interrogated(struct partners *partners, unsigned partner);

/* The HOT partner; PARTNERS_NOBODY: none is known. */
unsigned partners_hot(const struct partners *partners);
/* The path of a partner that carries data, or PARTNERS_NO_PATH. */
unsigned partners_data_path(const struct partners *partners, unsigned partner);
/* May there be a connection on a path? Not while its address is dead. */
bool partners_may_connect(const struct partners *partners, unsigned path);

/* The line: true when as many paths are started as are required (connected, where that counts); flags A to D
 * (bits 0 to 3) those that are. */
bool partners_line(const struct partners *partners, uint16_t *flags);

/* A station: reached, lost but not for long enough, in communication error, in hard error. `sce`, `she`:
 * attempts, sce not above she. */
enum partners_reach { REACH_ON, REACH_UNDECIDED, REACH_COMERR, REACH_HARDERR };
enum partners_reach partners_reach(const struct partners *partners, unsigned sce, unsigned she);

/* What has changed since, in order; false when there is no more. To be taken out after each of the calls
 * above. */
bool partners_next(struct partners *partners, struct partners_news *news);

#endif
