/*
 * process_value: see process_value.h.
 */
#include "role/process_value.h"

#include "komet/assert.h"

/* Of one that is not connected: only a connection changes that. */
static enum process_value after_without_connection(enum process_value value,
                                                   enum instance_happening happening)
{
    switch (happening) {
    case INSTANCE_CONNECTED:
        return PROCESS_RUN;
    case INSTANCE_SILENT:
    case INSTANCE_HEARD:
    case INSTANCE_ENDED:
    case INSTANCE_LOST:
        return value;
    }
    KOMET_ASSERT_NEVER("an unknown happening");
}

static enum process_value after_with_connection(enum instance_happening happening)
{
    switch (happening) {
    case INSTANCE_CONNECTED: /* again, before the end of the old connection was noticed */
    case INSTANCE_HEARD:
        return PROCESS_RUN;
    case INSTANCE_SILENT:
        return PROCESS_WDERR;
    case INSTANCE_ENDED:
        return PROCESS_STOP;
    case INSTANCE_LOST:
        return PROCESS_CRASH;
    }
    KOMET_ASSERT_NEVER("an unknown happening");
}

enum process_value process_value_after(enum process_value value, enum instance_happening happening)
{
    switch (value) {
    case PROCESS_RUN:
    case PROCESS_WDERR:
        return after_with_connection(happening);
    case PROCESS_STOP:
    case PROCESS_CRASH:
        return after_without_connection(value, happening);
    case PROCESS_VALUE_COUNT:
        break;
    }
    KOMET_ASSERT_NEVER("an unknown value of a process");
}

const char *process_value_name(enum process_value value)
{
    static const char *const names[PROCESS_VALUE_COUNT] = {"Run", "Stop", "Crash", "WDErr"};
    KOMET_ASSERT(value < PROCESS_VALUE_COUNT);
    return names[value];
}
