/*
 * pair_order: see pair_order.h.
 */
#include "partner/pair_order.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "komet/asdu.h"
#include "komet/assert.h"
#include "komet/time.h"
#include "partner/rtu.h"

enum { WORDS_MAX = 8, WORD_SIZE = 32 };

static const char *const names[PAIR_MISBEHAVIOURS] = {
    [PAIR_LATE_CONFIRMATION] = "late-confirmation",
    [PAIR_NO_CONFIRMATION] = "no-confirmation",
    [PAIR_NO_TERMINATION] = "no-termination",
    [PAIR_NEGATIVE] = "negative",
    [PAIR_WRONG_CA] = "wrong-ca",
    [PAIR_STANDBY_SENDS] = "standby-sends",
    [PAIR_MARK_CF3] = "mark-cf3",
    [PAIR_MARK_TEST] = "mark-test",
};

const char *pair_misbehaviour_name(enum pair_misbehaviour what)
{
    KOMET_ASSERT((unsigned)what < PAIR_MISBEHAVIOURS);
    return names[what];
}

struct words {
    char word[WORDS_MAX][WORD_SIZE];
    unsigned count, next;
    char *fault;
};

/* False, with the fault told: for `return wrong(…)`. */
static bool wrong(const struct words *words, const char *what, const char *right)
{
    snprintf(words->fault, PAIR_ORDER_FAULT_SIZE, "%.40s: %.115s", what, right);
    return false;
}

static bool split(const char *text, struct words *words)
{
    while (*(text += strspn(text, " \t\r\n")) != '\0') {
        size_t size = strcspn(text, " \t\r\n");
        if (words->count == WORDS_MAX || size >= WORD_SIZE) {
            return wrong(words, "too long", "no order has so many words, or such a word");
        }
        memcpy(words->word[words->count], text, size);
        words->word[words->count++][size] = '\0';
        text += size;
    }
    return true;
}

/* The next word; NULL: there is none. */
static const char *peek(const struct words *words)
{
    return words->next < words->count ? words->word[words->next] : NULL;
}

static bool take(struct words *words, const char *word)
{
    const char *found = peek(words);
    bool same = found != NULL && strcmp(found, word) == 0;
    words->next += same ? 1 : 0;
    return same;
}

/* ---- parts of an order ---- */

/* The system that a word names; PAIR_NOBODY: none. */
static unsigned take_system(struct words *words)
{
    if (take(words, "a")) {
        return 0;
    }
    return take(words, "b") ? 1 : PAIR_NOBODY;
}

static bool read_system(struct words *words, struct pair_order *order)
{
    order->system = (uint8_t)take_system(words);
    return order->system != PAIR_NOBODY || wrong(words, "which system?", "a or b");
}

/* A number, or its octets from the high one on. */
static bool read_address(struct words *words, uint32_t high, unsigned octets, uint32_t *address)
{
    const char *text = peek(words);
    unsigned long number = 0;
    unsigned parts = 0;
    char *end = NULL;
    if (text == NULL) {
        return wrong(words, "an address is missing", "such as 513 or 2,1");
    }
    for (const char *at = text; parts == 0 || (*end == ',' && parts < octets); at = end + 1, parts++) {
        unsigned long part = strtoul(at, &end, 10);
        if (end == at || at[0] == '-' || (part > 255 && (parts > 0 || *end == ',')) || part > high) {
            return wrong(words, text, "no address; such as 513 or 2,1");
        }
        number = number * 256 + part;
    }
    if (*end != '\0' || (parts > 1 && parts != octets) || number < 1 || number > high) {
        return wrong(words, text, "no address; such as 513 or 2,1");
    }
    words->next++;
    *address = (uint32_t)number;
    return true;
}

static bool read_ca(struct words *words, struct pair_order *order)
{
    uint32_t ca;
    bool good = read_address(words, 65535, 2, &ca);
    order->ca = good ? (uint16_t)ca : 0;
    return good;
}

static bool read_number(struct words *words, double *number)
{
    const char *text = peek(words);
    char *end = NULL;
    *number = text != NULL ? strtod(text, &end) : 0;
    if (text == NULL || end == text || *end != '\0' || !isfinite(*number)) {
        return wrong(words, text != NULL ? text : "a number is missing", "a number, such as 12.5");
    }
    words->next++;
    return true;
}

/* "3 s", "3s", "500 ms". */
static bool read_time(struct words *words, int64_t *time_us)
{
    const char *text = peek(words);
    char *end = NULL;
    double number = text != NULL ? strtod(text, &end) : 0;
    words->next += text != NULL ? 1 : 0;
    const char *unit = end != NULL && *end != '\0' ? end : peek(words);
    bool own = end == NULL || *end == '\0';
    double unit_us = unit == NULL ? 0 : strcmp(unit, "ms") == 0 ? 1e3 : strcmp(unit, "s") == 0 ? 1e6 : 0;
    if (text == NULL || end == text || unit_us == 0 || !(number * unit_us >= 1) || number > 86400) {
        return wrong(words, "how late?", "a time above 0, such as 500 ms or 3 s");
    }
    words->next += own ? 1 : 0;
    *time_us = (int64_t)(number * unit_us);
    return true;
}

static bool read_paths(struct words *words, struct pair_order *order)
{
    const char *word;
    while ((word = peek(words)) != NULL) {
        if ((word[0] != 'a' && word[0] != 'b') || (word[1] != '1' && word[1] != '2') || word[2] != '\0') {
            return wrong(words, word, "no path; a1, a2, b1 or b2");
        }
        unsigned path = (word[0] == 'b' ? PAIR_NETWORKS : 0u) + (word[1] == '2' ? 1u : 0u);
        order->paths |= (uint8_t)(1u << path);
        words->next++;
    }
    return order->paths != 0 || wrong(words, "which path?", "a1, a2, b1 or b2");
}

static bool read_target(struct words *words, struct pair_order *order)
{
    if (take(words, "path")) {
        return read_paths(words, order);
    }
    if (take(words, "all")) {
        order->systems = PAIR_BOTH;
    } else if (take(words, "system") && read_system(words, order)) {
        order->systems = (uint8_t)(1u << order->system);
    } else {
        return wrong(words, "what?", "path a1, system a, or all");
    }
    for (unsigned system = 0; system < PAIR_SYSTEMS; system++) {
        order->paths |=
            (uint8_t)(pair_has_bit(order->systems, system) ? PAIR_BOTH << (system * PAIR_NETWORKS) : 0);
    }
    return true;
}

static bool read_misbehaviour(struct words *words, struct pair_order *order)
{
    bool good = order->kind == PAIR_ORDER_MISBEHAVE;
    order->systems = PAIR_BOTH;
    order->all = !good;
    for (unsigned what = 0; what < PAIR_MISBEHAVIOURS; what++) {
        if (take(words, names[what])) {
            order->what = (enum pair_misbehaviour)what;
            order->all = false;
            good = order->kind == PAIR_ORDER_BEHAVE || what != PAIR_LATE_CONFIRMATION ||
                   read_time(words, &order->time_us);
            if (!good) {
                return false;
            }
            unsigned system = take_system(words);
            order->systems = (uint8_t)(system != PAIR_NOBODY ? 1u << system : PAIR_BOTH);
            return true;
        }
    }
    if (peek(words) == NULL && order->all) {
        return true;
    }
    return wrong(
        words, "what?",
        "late-confirmation, no-confirmation, no-termination, negative, wrong-ca, standby-sends, mark-cf3, "
        "mark-test");
}

static bool read_command(struct words *words, struct pair_order *order)
{
    double type;
    if (!read_ca(words, order) || !read_address(words, 0xFFFFFF, 3, &order->ioa) ||
        !read_number(words, &type)) {
        return false;
    }
    order->type = type >= 0 && type <= 255 ? (uint8_t)type : 0;
    if (!rtu_is_command(order->type)) {
        return wrong(words, "no type of a command", "45 to 51, 58 to 64");
    }
    if (!read_number(words, &order->number)) {
        return false;
    }
    order->select = take(words, "select");
    return true;
}

/* ---- a whole one ---- */

static bool read_rest(struct words *words, struct pair_order *order)
{
    switch (order->kind) {
    case PAIR_ORDER_HOT:
        order->system = PAIR_NOBODY;
        return take(words, "none") || read_system(words, order);
    case PAIR_ORDER_LOSE:
    case PAIR_ORDER_FREEZE:
    case PAIR_ORDER_RESTORE:
        return read_target(words, order);
    case PAIR_ORDER_MISBEHAVE:
    case PAIR_ORDER_BEHAVE:
        return read_misbehaviour(words, order);
    case PAIR_ORDER_VALUE:
        return read_ca(words, order) && read_address(words, 0xFFFFFF, 3, &order->ioa) &&
               read_number(words, &order->number);
    case PAIR_ORDER_COMMAND:
        return read_command(words, order);
    case PAIR_ORDER_INTERROGATE:
        order->ca = 65535;
        return read_system(words, order) && (peek(words) == NULL || read_ca(words, order));
    }
    KOMET_ASSERT_NEVER("an unknown order");
}

bool pair_order_parse(const char *text, struct pair_order *order, char *fault)
{
    static const char *const kinds[] = {
        [PAIR_ORDER_HOT] = "hot",
        [PAIR_ORDER_LOSE] = "lose",
        [PAIR_ORDER_FREEZE] = "freeze",
        [PAIR_ORDER_RESTORE] = "restore",
        [PAIR_ORDER_MISBEHAVE] = "misbehave",
        [PAIR_ORDER_BEHAVE] = "behave",
        [PAIR_ORDER_VALUE] = "value",
        [PAIR_ORDER_COMMAND] = "command",
        [PAIR_ORDER_INTERROGATE] = "interrogate",
    };
    struct words words = {.fault = fault};
    if (!split(text, &words)) {
        return false;
    }
    for (unsigned kind = 0; kind < sizeof kinds / sizeof kinds[0]; kind++) {
        if (take(&words, kinds[kind])) {
            *order = (struct pair_order){.kind = (enum pair_order_kind)kind};
            return read_rest(&words, order) &&
                   (peek(&words) == NULL || wrong(&words, peek(&words), "that is one word too many"));
        }
    }
    return wrong(
        &words, peek(&words) != NULL ? peek(&words) : "nothing",
        "an order begins with hot, lose, freeze, restore, misbehave, behave, value, command, interrogate");
}
