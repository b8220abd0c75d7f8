/*
 * What the harness does wrong on purpose, by name. See check.h.
 */
#include "sim/pairs/check.h"

static const struct {
    const char *name;
    enum pair_check checker;
} breaks[BREAK_COUNT] = {
    [BREAK_NONE] = {"none", CHECK_COUNT},
    [BREAK_STANDBY_SENDS] = {"standby-sends", CHECK_HOT},
    [BREAK_ROLE_TO_ALL] = {"role-to-all", CHECK_ONE_ACTS},
    [BREAK_OTHER_PATH] = {"other-path", CHECK_ONE_PATH},
    [BREAK_STORED_EARLY] = {"stored-early", CHECK_STORED},
    [BREAK_DROPS_RECORD] = {"drops-record", CHECK_LOST},
    [BREAK_OTHER_OCTETS] = {"other-octets", CHECK_ONCE},
    [BREAK_REORDERS] = {"reorders", CHECK_ORDER},
    [BREAK_COMMAND_TWICE] = {"command-twice", CHECK_COMMANDS},
    [BREAK_COMMAND_FORGED] = {"command-forged", CHECK_COMMANDS},
    [BREAK_END_TWICE] = {"end-twice", CHECK_ENDS},
    [BREAK_SLOW_SERVER] = {"slow-server", CHECK_SWITCH},
    [BREAK_WRONG_VALUE] = {"wrong-value", CHECK_END},
};

const char *pair_break_name(enum pair_break broken)
{
    return breaks[broken].name;
}

enum pair_check pair_break_checker(enum pair_break broken)
{
    return breaks[broken].checker;
}

const char *pair_check_name(enum pair_check check)
{
    static const char *const names[CHECK_COUNT] = {
        [CHECK_HOT] = "only HOT sends",
        [CHECK_ONE_ACTS] = "one acts",
        [CHECK_ONE_PATH] = "one path carries data",
        [CHECK_STORED] = "acknowledged means stored",
        [CHECK_LOST] = "nothing lost",
        [CHECK_ONCE] = "once",
        [CHECK_ORDER] = "in order",
        [CHECK_COMMANDS] = "commands at most once",
        [CHECK_ENDS] = "orders end once",
        [CHECK_SWITCH] = "values go on in time",
        [CHECK_END] = "all comes right",
    };
    return names[check];
}
