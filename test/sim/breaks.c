/*
 * breaks: see breaks.h.
 */
#include "sim/breaks.h"

struct row {
    const char *name;
    enum check checker;
};

static const struct row rows[BREAK_COUNT] = {
    [BREAK_NONE] = {"none", CHECK_COUNT},
    [BREAK_ROLE_TO_ALL] = {"role-to-all", CHECK_ONE_ACTS},
    [BREAK_PASSIVE_CONNECTS] = {"passive-connects", CHECK_SILENT},
    [BREAK_SLOW_CLOCK] = {"slow-clock", CHECK_LEASE},
    [BREAK_STORED_EARLY] = {"stored-early", CHECK_STORED},
    [BREAK_DROPS_RECORD] = {"drops-record", CHECK_STORED},
    [BREAK_NO_OCTETS] = {"no-octets", CHECK_ONCE},
    [BREAK_REORDERS] = {"reorders", CHECK_ORDER},
    [BREAK_COMMAND_TWICE] = {"command-twice", CHECK_COMMANDS},
    [BREAK_END_WRONG] = {"end-wrong", CHECK_COMMANDS},
    [BREAK_END_TWICE] = {"end-twice", CHECK_ENDS},
    [BREAK_END_LOST] = {"end-lost", CHECK_ENDS},
    [BREAK_SLOW_SERVER] = {"slow-server", CHECK_SWITCH},
    [BREAK_BATCH_FLOOD] = {"batch-flood", CHECK_BOUNDS},
    [BREAK_OLD_EPOCH] = {"old-epoch", CHECK_EPOCHS},
    [BREAK_WRONG_ANSWER] = {"wrong-answer", CHECK_END},
    [BREAK_KEPT_EARLY] = {"kept-early", CHECK_STORED},
    [BREAK_KEPT_TWICE] = {"kept-twice", CHECK_ONCE},
    [BREAK_VALUE_EARLY] = {"value-early", CHECK_SENT},
    [BREAK_VALUE_LOST] = {"value-lost", CHECK_MISSED},
    [BREAK_VALUES_REORDER] = {"values-reorder", CHECK_ORDER},
    [BREAK_VALUES_OLDER] = {"values-older", CHECK_END},
    [BREAK_LOST_UNSAID] = {"lost-unsaid", CHECK_MISSED},
    [BREAK_TAKEN_FORGOTTEN] = {"taken-forgotten", CHECK_AGAIN},
    [BREAK_MASTERS_STAY] = {"masters-stay", CHECK_SILENT},
    [BREAK_MASTER_TWICE] = {"master-twice", CHECK_COMMANDS},
    [BREAK_ANSWER_WRONG] = {"master-answer-wrong", CHECK_ANSWERS},
    [BREAK_ANSWER_TWICE] = {"master-answer-twice", CHECK_ANSWERS},
};

const char *sim_break_name(enum sim_break broken)
{
    return rows[broken].name;
}

enum check sim_break_checker(enum sim_break broken)
{
    return rows[broken].checker;
}
