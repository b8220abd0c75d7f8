/*
 * journal_outgoing: what the journal has of masters: how far they have what they were sent, what that was,
 * and in which mode a process acts. Part of journal_file.
 */
#ifndef SHELL_JOURNAL_OUTGOING_H
#define SHELL_JOURNAL_OUTGOING_H

#include "shell/journal_file.h"

/* RECORD_TAKEN; RECORD_LOAD_BALANCE of the process with that row. False: the database says why. */
bool journal_outgoing_write_taken(struct journal_file *file, const struct record *record);
bool journal_outgoing_write_mode(struct journal_file *file, const struct record *record,
                                 sqlite3_int64 process);
/* Gives them back to a server; `fault` as of journal_file_recover. */
bool journal_outgoing_recover(struct journal_file *file, struct server *server, char *fault);

#endif
