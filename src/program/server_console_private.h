/*
 * server_console_private: what the files of server_console share: an open answer, and the page in which rows
 * are put together before they are sent.
 */
#ifndef KOMET_PROGRAM_SERVER_CONSOLE_PRIVATE_H
#define KOMET_PROGRAM_SERVER_CONSOLE_PRIVATE_H

#include "console/grammar.h"
#include "console/json.h"
#include "console/rows.h"
#include "program/server_console.h"

#define OPEN_MAX        256 /* answers open at a time; one more is refused */
#define OPEN_PER_CLIENT 16
#define PAGE_ROWS       200
#define ROW_OCTETS      (32u * 1024)               /* more than any row but STATUS takes */
#define PAGE_OCTETS     (256u * 1024 + ROW_OCTETS) /* a row begins only while ROW_OCTETS are left */
#define SCAN_MAX        20000 /* objects looked at for a page: a mask that matches little holds up nobody */
#define REASON_SIZE     256
#define MISTAKE_SIZE    512
#define JOURNAL_LOST    "the server's journal cannot be read now; its log says why"

enum open_kind {
    OPEN_FREE,
    OPEN_LIST,    /* rows of what the engine has, from `next` on */
    OPEN_JOURNAL, /* pages of EVENTS or COMMANDS, from `after` on */
    OPEN_ORDER,   /* SET, INTERROGATE, CLOCK, SET_ACT_INST: `waiting` ends are still to come */
    OPEN_WATCH,   /* tags of `changed`, for ever */
    OPEN_TRACE    /* traffic, as it comes from the KOMs */
};

struct open {
    enum open_kind kind;
    unsigned client;
    uint64_t id;     /* the client's */
    uint32_t serial; /* of this use of the slot: an end or page for an earlier use finds nobody */
    struct command command;
    bool in_flight;              /* a page is on its way: the next one waits for server_console_sent */
    uint32_t next;               /* LIST: next object; WATCH: next tag, so that each gets its turn */
    struct rows_started started; /* CHECK DIRTY */
    const struct parameter_set *parameters; /* SHOW; NULL: of a tag */
    bool of_line;                           /* SHOW: parameters of a line, else of a station */
    uint64_t after;                         /* JOURNAL */
    bool reading;                           /* JOURNAL: a query is out */
    const struct tag *tag;                  /* SET, SHOW */
    const struct process *process;          /* SET_ACT_INST */
    const char *target;                     /* INTERROGATE, CLOCK: name of the station or line */
    const struct line *line;                /* INTERROGATE, CLOCK of all stations of a line, else NULL */
    bool awaits_site;                       /* RELOAD: it is being read */
    struct configuration wrong;             /* RELOAD: the site that was refused */
    struct rows_reload reload;              /* RELOAD: what the answer will say */
    unsigned waiting;
    enum command_result result; /* the worst so far */
    char reason[REASON_SIZE];
    uint64_t *changed; /* WATCH: a bit a tag of the site; its memory */
    uint32_t pending;  /* bits set */
};

/* Rows on their way into one Answer. */
struct page {
    char *text; /* PAGE_OCTETS */
    size_t used;
    char *rows[PAGE_ROWS];
    size_t count;
    bool spoilt; /* a row was larger than ROW_OCTETS */
};

struct journal_reading;

struct server_console {
    struct server *server;
    struct journal *journal;
    struct server_running running;
    server_console_send *send;
    void *context;
    uint32_t serial;
    struct open open[OPEN_MAX];
    struct page page;
    struct journal_reading *readings; /* queries that are out: they outlive their answer and the console */
};

/* The token of an open answer; `part`: of several that are awaited, from 0. */
uint64_t open_token(const struct server_console *console, const struct open *open, uint16_t part);
/* The answer a token is of; NULL when it is closed. */
struct open *open_of_token(struct server_console *console, uint64_t token);
/* Forgets an answer and frees what it has. */
void open_close(struct server_console *console, struct open *open);

void page_reset(struct page *page);
bool page_has_room(const struct page *page);
/* A row: begin, write into `json`, end. */
void page_begin_row(struct page *page, struct json *json);
void page_end_row(struct page *page, struct json *json);

/* Encodes and sends. The client may be gone afterwards. */
void send_answer(struct server_console *console, unsigned client, Komet__Wire__Answer *answer);
/* Sends the page. When `end` the answer is closed. The client may be gone afterwards: `open` is not to be
 * used again without open_of_token. */
void send_page(struct server_console *console, struct open *open, bool end, bool single);
/* Says why not, and closes the answer. */
void send_refusal(struct server_console *console, struct open *open, const char *why);

/* server_console_orders.c: begin a command; false: `mistake` says what would be right. */
bool order_begin(struct server_console *console, struct line_now now, struct open *open,
                 const struct record_user *user, char *mistake);
void order_ended(struct server_console *console, const struct server_ended *ended);

/* server_console_reload.c */
bool reload_begin(struct server_console *console, struct line_now now, struct open *open,
                  const struct record_user *user);
/* What a RELOAD does not change. */
struct rows_started console_started(const struct server_console *console);
void reload_ended(struct server_console *console, struct open *open, const struct server_ended *ended);

/* server_console_lists.c: the next page of an answer, when there is one. */
bool list_begin(struct server_console *console, struct open *open, char *mistake);
void list_pump(struct server_console *console, struct open *open);
void status_send(struct server_console *console, struct open *open);
void version_send(struct server_console *console, struct open *open);
bool watch_begin(struct server_console *console, struct open *open, char *mistake);
void watch_changed(struct open *open, const struct tag *tag);
void watch_pump(struct server_console *console, struct open *open);

/* The bits of a WATCH, none set; is that of a tag set. */
uint64_t *watch_bits(const struct site *site);
bool watch_has(const uint64_t *bits, uint32_t number);

/* server_console_journal.c */
bool journal_begin(struct server_console *console, struct open *open, char *mistake);
void journal_pump(struct server_console *console, struct open *open);
/* Queries that are out are told that nobody waits for them. */
void journal_abandon(struct server_console *console);

/* server_console_trace.c: LNTRACE. */
bool trace_begin(struct server_console *console, struct open *open, char *mistake);
void trace_page(struct server_console *console, const struct server_output *output);

/* What is named in `name`, or NULL and `mistake` says what would be right. */
const struct process *named_process(const struct site *site, const char *name, char *mistake);
/* A line or a station: exactly one of the two is set when true is returned. */
bool named_line_or_station(const struct site *site, const char *name, const struct line **line,
                           const struct station **station, char *mistake);

#endif
