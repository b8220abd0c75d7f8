/*
 * site_edit: a site read again after a person has edited its files.
 */
#ifndef TEST_UNIT_SITE_EDIT_H
#define TEST_UNIT_SITE_EDIT_H

#include "support.h"

#include "site/reader.h"

/* The one place in `file` where `from` stands becomes `to`. */
struct site_edit {
    const char *file, *from, *to;
};

/* Reads files after edits, up to one whose `file` is NULL; each is to fit exactly once. Fails the test when
 * the site is wrong then. Release the result. */
struct site_result site_edited(const struct site_file *files, size_t count, const struct site_edit *edits);

#endif
