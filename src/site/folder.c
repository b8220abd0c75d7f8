/*
 * folder: a site's files from disk into memory; see reader.h.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "komet/assert.h"
#include "site/file_text.h"
#include "site/reader.h"

#define FILE_SIZE_MAX ((size_t)256 * 1024 * 1024)
#define FILES_MAX     1024

static bool load_file(struct site_folder *folder, const char *directory, const char *name)
{
    char path[4096];
    struct site_file *file = &folder->files[folder->count];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    file->text = file_text_read(folder->arena, path, FILE_SIZE_MAX, &file->size);
    if (file->text == NULL) {
        snprintf(folder->fault, sizeof folder->fault, "%.400s: %s", path,
                 errno == EFBIG ? "it is larger than 256 MiB" : strerror(errno));
        return false;
    }
    file->name = arena_text(folder->arena, name, strlen(name));
    folder->count++;
    return true;
}

static bool is_table(const char *name)
{
    size_t size = strlen(name);
    return size > 4 && strcmp(name + size - 4, ".csv") == 0 && name[0] != '.';
}

struct site_folder site_folder_load(const char *directory)
{
    struct site_folder folder = {.arena = arena_new()};
    folder.files = arena_take(folder.arena, FILES_MAX * sizeof *folder.files);
    struct dirent **names = NULL;
    if (!load_file(&folder, directory, "site.yaml")) {
        return folder;
    }
    int count =
        scandir(directory, &names, NULL, alphasort); /* sorted: the same folder gives the same order */
    for (int i = 0; i < count; i++) {
        if (is_table(names[i]->d_name) && folder.count < FILES_MAX && folder.fault[0] == '\0') {
            load_file(&folder, directory, names[i]->d_name);
        }
        free(names[i]);
    }
    free(names);
    return folder;
}

struct site_folder site_folder_copy(const struct site_file *files, size_t count)
{
    struct site_folder folder = {.arena = arena_new(), .count = count};
    folder.files = arena_take(folder.arena, (count + 1) * sizeof *folder.files);
    for (size_t i = 0; i < count; i++) {
        folder.files[i] =
            (struct site_file){.name = arena_text(folder.arena, files[i].name, strlen(files[i].name)),
                               .text = arena_text(folder.arena, files[i].text, files[i].size),
                               .size = files[i].size};
    }
    return folder;
}

void site_folder_release(struct site_folder *folder)
{
    arena_free(folder->arena);
    folder->arena = NULL;
    folder->files = NULL;
    folder->count = 0;
}

size_t site_files_of_process(const struct site *site, const struct site_folder *folder,
                             const struct process *process, const struct site_file **files, size_t capacity)
{
    (void)site;
    KOMET_ASSERT(capacity > 0 && folder->count > 0);
    size_t count = 0;
    files[count++] = &folder->files[0];
    for (size_t i = 1; i < folder->count; i++) {
        bool needed = false;
        for (unsigned k = 0; k < process->station_count && !needed; k++) {
            const char *table = process->stations[k]->tag_file;
            needed = table != NULL && strcmp(table, folder->files[i].name) == 0;
        }
        if (needed && count < capacity) {
            files[count++] = &folder->files[i];
        }
    }
    return count;
}
