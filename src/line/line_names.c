/*
 * The names of what a line reports: the same word in log, console and manual.
 */
#include "komet/assert.h"
#include "line/line.h"

const char *command_result_name(enum command_result result)
{
    switch (result) {
    case COMMAND_DONE:
        return "done";
    case COMMAND_REFUSED:
        return "refused";
    case COMMAND_EXPIRED:
        return "expired";
    case COMMAND_UNKNOWN:
        return "unknown";
    }
    KOMET_ASSERT_NEVER("a result without a name");
}

const char *station_value_name(enum station_value value)
{
    switch (value) {
    case STATION_OFF:
        return "StOFF";
    case STATION_ON:
        return "StON";
    case STATION_COMERR:
        return "StCOMERR";
    case STATION_HARDERR:
        return "StHARDERR";
    case STATION_SIMUL:
        return "StSIMUL";
    case STATION_WAIT:
        return "StWAIT";
    }
    KOMET_ASSERT_NEVER("a value of a station without a name");
}

const char *station_mode_refusal(unsigned mode)
{
    KOMET_ASSERT(mode <= STATION_MODES);
    if ((mode & STATION_SIMULATED) != 0) {
        return "station is simulated";
    }
    if ((mode & STATION_DISABLED) != 0) {
        return "station is disabled";
    }
    return (mode & STATION_WAITS) != 0 ? "station is stopped by its control object" : NULL;
}

enum station_value station_mode_value(unsigned mode)
{
    KOMET_ASSERT(mode > 0 && mode <= STATION_MODES);
    if ((mode & STATION_SIMULATED) != 0) {
        return STATION_SIMUL;
    }
    return (mode & STATION_DISABLED) != 0 ? STATION_OFF : STATION_WAIT;
}

const char *station_order_name(enum station_order order)
{
    switch (order) {
    case STATION_ENABLE:
        return "ENABLE";
    case STATION_DISABLE:
        return "DISABLE";
    case STATION_SIMULATE_ON:
        return "SIMULATE ON";
    case STATION_SIMULATE_OFF:
        return "SIMULATE OFF";
    }
    KOMET_ASSERT_NEVER("an order without a name");
}

const char *connection_state_name(enum connection_state state)
{
    switch (state) {
    case CONNECTION_CLOSED:
        return "closed";
    case CONNECTION_CONNECTING:
        return "connecting";
    case CONNECTION_STOPPED:
        return "stopped";
    case CONNECTION_STARTING:
        return "starting";
    case CONNECTION_STARTED:
        return "started";
    case CONNECTION_STOPPING:
        return "stopping";
    }
    KOMET_ASSERT_NEVER("a state of a connection without a name");
}
