/*
 * check: see check.h.
 */
#include "sim/check.h"

const char *check_name(enum check check)
{
    static const char *const names[CHECK_COUNT] = {
        [CHECK_ONE_ACTS] = "one acts",
        [CHECK_EPOCHS] = "epochs grow",
        [CHECK_STORED] = "acknowledged is stored",
        [CHECK_ONCE] = "once",
        [CHECK_ORDER] = "in order",
        [CHECK_COMMANDS] = "commands at most once",
        [CHECK_ENDS] = "each command ends once",
        [CHECK_SILENT] = "passive is silent",
        [CHECK_LEASE] = "nobody outlives its grant",
        [CHECK_SWITCH] = "switch-over within its bound",
        [CHECK_BOUNDS] = "bounds",
        [CHECK_SENT] = "sent to masters is stored",
        [CHECK_MISSED] = "masters miss nothing",
        [CHECK_AGAIN] = "acknowledged is not sent again",
        [CHECK_ANSWERS] = "masters are answered once, and truly",
        [CHECK_END] = "all comes right",
    };
    return names[check];
}
