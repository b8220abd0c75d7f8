/*
 * journal_names: the rows of the names of a site, by the numbers that its tags and processes have; and how
 * they go over to another site (RELOAD). See journal_file.h.
 */
#include <stdio.h>
#include <stdlib.h>

#include "komet/assert.h"
#include "shell/journal_file.h"

void journal_names_room(struct journal_file *file, const struct site *site)
{
    file->site = site;
    file->tag_rows = calloc(site->tag_count + 1, sizeof *file->tag_rows);
    file->latest = calloc(site->tag_count + 1, sizeof *file->latest);
    file->touched = calloc(site->tag_count + 1, sizeof *file->touched);
    file->process_rows = calloc(site->process_count + 1u, sizeof *file->process_rows);
    KOMET_ASSERT(file->tag_rows && file->latest && file->touched && file->process_rows);
}

void journal_names_free(struct journal_file *file)
{
    free(file->tag_rows);
    free(file->latest);
    free(file->touched);
    free(file->process_rows);
}

/* Gives every name of the site a row in `table`, but those that have one in `rows` already. */
static bool name_rows(struct journal_file *file, const char *table, size_t count,
                      const char *(*name_of)(const struct site *, size_t), sqlite3_int64 *rows)
{
    char insert[96], select[96];
    snprintf(insert, sizeof insert, "INSERT OR IGNORE INTO %s(name) VALUES(?)", table);
    snprintf(select, sizeof select, "SELECT id FROM %s WHERE name = ?", table);
    sqlite3_stmt *inserting = NULL, *selecting = NULL;
    bool done = sqlite3_prepare_v2(file->database, insert, -1, &inserting, NULL) == SQLITE_OK &&
                sqlite3_prepare_v2(file->database, select, -1, &selecting, NULL) == SQLITE_OK;
    for (size_t i = 0; done && i < count; i++) {
        const char *name = name_of(file->site, i);
        if (rows[i] != 0) {
            continue;
        }
        sqlite3_bind_text(selecting, 1, name, -1, SQLITE_STATIC);
        int found = sqlite3_step(selecting);
        if (found == SQLITE_ROW) {
            rows[i] = sqlite3_column_int64(selecting, 0);
        } else {
            sqlite3_bind_text(inserting, 1, name, -1, SQLITE_STATIC);
            done = found == SQLITE_DONE && sqlite3_step(inserting) == SQLITE_DONE;
            rows[i] = sqlite3_last_insert_rowid(file->database);
            sqlite3_reset(inserting);
        }
        sqlite3_reset(selecting);
    }
    sqlite3_finalize(inserting);
    sqlite3_finalize(selecting);
    return done;
}

static const char *tag_name(const struct site *site, size_t number)
{
    return site->tags[number]->name;
}

static const char *process_name(const struct site *site, size_t index)
{
    return site->processes[index].name;
}

bool journal_names_find(struct journal_file *file)
{
    const struct site *site = file->site;
    return name_rows(file, "tags", site->tag_count, tag_name, file->tag_rows) &&
           name_rows(file, "processes", site->process_count, process_name, file->process_rows);
}

/* RELOAD: from here on the numbers are those of another site. Only names that are new to it are looked for.
 */
bool journal_names_take(struct journal_file *file, const struct site_difference *difference)
{
    const struct site *site = difference_after(difference);
    struct journal_file before = *file;
    KOMET_ASSERT(difference_before(difference) == file->site);
    journal_names_room(file, site);
    for (uint32_t i = 0; i < site->tag_count; i++) {
        const struct tag *was = difference_tag_was(difference, site->tags[i]);
        file->tag_rows[i] = was != NULL ? before.tag_rows[tag_site_number(was)] : 0;
    }
    for (unsigned i = 0; i < site->process_count; i++) {
        const struct process *was = difference_process_was(difference, &site->processes[i]);
        file->process_rows[i] = was != NULL ? before.process_rows[was->index] : 0;
    }
    journal_names_free(&before);
    return journal_names_find(file);
}

sqlite3_int64 journal_names_gone(struct journal_file *file, const char *name)
{
    sqlite3_stmt *statement = file->statements[STATEMENT_TAG_ROW];
    sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
    sqlite3_int64 row = sqlite3_step(statement) == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
    sqlite3_reset(statement);
    return row;
}
