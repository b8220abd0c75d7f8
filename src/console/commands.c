/*
 * commands: see commands.h.
 */
#include "console/commands.h"

#include <strings.h>

#include "komet/assert.h"

static const struct command_row rows[] = {
    {"STATUS", VERB_STATUS, "STATUS",
     "Shows the whole site at a glance: servers, processes, lines and stations."},
    {"SERVER", VERB_SERVER, "SERVER [mask]", "Shows the servers: which is HOT, since when."},
    {"PROCESS", VERB_PROCESS, "PROCESS [mask]",
     "Shows communication processes: whether they run, and which instance is active."},
    {"LINE", VERB_LINE, "LINE [mask]",
     "Shows lines with their connections, and why the last one was closed."},
    {"STATION", VERB_STATION, "STATION [mask]", "Shows stations: StON, StCOMERR and so on."},
    {"TAG", VERB_TAG, "TAG [mask]", "Shows the current values of tags."},
    {"WATCH", VERB_WATCH, "WATCH [mask]",
     "Shows the current values of tags, then each change as it comes, until it is interrupted."},
    {"EVENTS", VERB_EVENTS, "EVENTS [mask] [FROM [TO]]",
     "Shows the journal, oldest first; times are UTC, such as 2026-11-21 10:00 or "
     "2026-11-21T10:00:00+01:00."},
    {"SET", VERB_SET, "SET tag value [flags]",
     "Writes an output tag, which gives a command to the station, and waits for its end."},
    {"COMMANDS", VERB_COMMANDS, "COMMANDS [mask] [FROM [TO]]",
     "Shows which commands were given, by whom, and how they ended."},
    {"INTERROGATE", VERB_INTERROGATE, "INTERROGATE station|line [COUNTERS]",
     "Asks a station, or all stations of a line, for all values, or for its counters."},
    {"CLOCK", VERB_CLOCK, "CLOCK station|line", "Sends the time to a station, or to all stations of a line."},
    {"SET_ACT_INST", VERB_SET_ACT_INST, "SET_ACT_INST process instance",
     "Makes an instance of a process the active one; also INSTANCE SET ACTIVE process instance."},
    {"SET_PREFERRED_INST", VERB_SET_PREFERRED_INST, "SET_PREFERRED_INST process instance|0",
     "Says which instance takes over when it connects, 0 for none; also INSTANCE SET PREFERRED process "
     "instance."},
    {"SET_LOAD_BAL_MODE", VERB_SET_LOAD_BAL_MODE, "SET_LOAD_BAL_MODE process ON|OFF",
     "Lets all instances of a process whose lines listen be active at once, or one again."},
    {"STOP", VERB_STOP, "STOP process[,instance]",
     "Ends an instance of a process, or all; another one takes over first."},
    {"ENABLE", VERB_ENABLE, "ENABLE station", "Takes up communication with a station."},
    {"DISABLE", VERB_DISABLE, "DISABLE station", "Ends communication with a station."},
    {"SIMULATE", VERB_SIMULATE, "SIMULATE station ON|OFF",
     "Ends communication with a station, whose tags are then set by hand, inputs too."},
    {"SHOW", VERB_SHOW, "SHOW line|station|tag PARAMETERS or SHOW process",
     "Shows the protocol parameters of a line or station, or the steps of a tag's processing, with their "
     "defaults; of a process its value."},
    {"LNTRACE", VERB_LNTRACE, "LNTRACE line[,instance] [ON|LAST|DEC|HEX|OFF] [SAVE file.pcap] [FOR seconds]",
     "Shows the frames of lines: those of the last minutes, then each as it comes, until it is interrupted; "
     "ON only what comes, LAST only what was, DEC and HEX the octets, OFF ends it everywhere; SAVE writes "
     "the last minutes into a capture file, with ON what comes."},
    {"RELOAD", VERB_RELOAD, "RELOAD",
     "Reads the site again and applies what changed; a wrong one is refused with all its mistakes."},
    {"CHECK", VERB_CHECK, "CHECK DIRTY [mask]",
     "Shows lines that run with an outdated configuration, and what of the site waits for a restart of the "
     "server."},
    {"HELP", VERB_HELP, "HELP [command]", "Shows what each command does."},
    {"VERSION", VERB_VERSION, "VERSION", "Shows the version of the server."},
    {"SET_HOT", VERB_NOT_BUILT, "SET_HOT server", "Makes another server the HOT one."},
    {"LNALTERPATH", VERB_NOT_BUILT, "LNALTERPATH line ON|OFF|PRIMARY|BACKUP|QUERY [1-4]",
     "Says which device a redundant line uses."},
    {"LNSTAT", VERB_NOT_BUILT, "LNSTAT OPEN|CLOSE line", "Frees or takes a serial port."},
    {"RESETPERF", VERB_NOT_BUILT, "RESETPERF", "Sets the counters to zero."},
    {"DI", VERB_NOT_BUILT, "DI ON|OFF mask", "Switches the diagnosis of tags."},
};

size_t command_count(void)
{
    return sizeof rows / sizeof rows[0];
}

const struct command_row *command_row(size_t index)
{
    KOMET_ASSERT(index < command_count());
    return &rows[index];
}

const struct command_row *command_find(const char *word)
{
    KOMET_ASSERT(word != NULL);
    for (size_t i = 0; i < command_count(); i++) {
        if (strcasecmp(rows[i].word, word) == 0) {
            return &rows[i];
        }
    }
    return NULL;
}
