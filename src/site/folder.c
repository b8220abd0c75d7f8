/*
 * folder: a site's files from disk into memory; see reader.h.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "komet/assert.h"
#include "site/reader.h"

#define FILE_SIZE_MAX ((long)256 * 1024 * 1024)
#define FILES_MAX     1024

static bool load_file(struct site_folder *folder, const char *directory, const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *in = fopen(path, "rb");
    if (in == NULL || fseek(in, 0, SEEK_END) != 0) {
        snprintf(folder->fault, sizeof folder->fault, "%.400s: %s", path, strerror(errno));
        if (in != NULL) {
            fclose(in);
        }
        return false;
    }
    long size = ftell(in);
    char *text = size >= 0 && size <= FILE_SIZE_MAX ? malloc((size_t)size + 1) : NULL;
    rewind(in);
    bool whole = text != NULL && fread(text, 1, (size_t)size, in) == (size_t)size;
    fclose(in);
    if (!whole) {
        snprintf(folder->fault, sizeof folder->fault, "%.400s: cannot be read, or is larger than 256 MiB",
                 path);
        free(text);
        return false;
    }
    text[size] = '\0';
    folder->files[folder->count++] = (struct site_file){strdup(name), text, (size_t)size};
    return true;
}

static bool is_table(const char *name)
{
    size_t size = strlen(name);
    return size > 4 && strcmp(name + size - 4, ".csv") == 0 && name[0] != '.';
}

struct site_folder site_folder_load(const char *directory)
{
    struct site_folder folder = {.files = calloc(FILES_MAX, sizeof(struct site_file))};
    KOMET_ASSERT(folder.files != NULL);
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

void site_folder_release(struct site_folder *folder)
{
    for (size_t i = 0; i < folder->count; i++) {
        free((void *)(uintptr_t)folder->files[i].name);
        free((void *)(uintptr_t)folder->files[i].text);
    }
    free(folder->files);
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
