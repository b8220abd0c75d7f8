/*
 * reload: see reload.h.
 */
#include "sim/reload.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/kom_shell.h"
#include "sim/server_shell.h"

#define READING_MAX_MS 300

/* ---- the ways ---- */

enum { WAY_AS_PLANNED, WAY_TAGS_IN_FRONT, WAY_MORE_TAGS, WAY_RECONNECTS };

/* `text` with `insert` behind its first line. */
static char *insert_rows(const char *text, const char *insert)
{
    const char *end = strchr(text, '\n') + 1;
    char *edited = malloc(strlen(text) + strlen(insert) + 1);
    KOMET_ASSERT(edited != NULL);
    sprintf(edited, "%.*s%s%s", (int)(end - text), text, insert, end);
    return edited;
}

/* A table with `count` tags more, of addresses that no station has. */
static char *write_table(const struct site_file *file, unsigned station, unsigned count)
{
    char rows[256] = "";
    for (unsigned i = 0; i < count; i++) {
        if (strstr(file->name, "rtu") != NULL) {
            sim_append(rows, sizeof rows, "M%u.X%u,Di,%u,,\n", station, i, i + 1);
        } else { /* masters are told of these when they ask, and there is nothing to tell */
            sim_append(rows, sizeof rows, "U.X%u,Dout,%u,30,\n", i, 1000 + i);
        }
    }
    return insert_rows(file->text, rows);
}

static char *write_yaml(const struct site_file *file, unsigned way)
{
    char *text = strdup(file->text);
    KOMET_ASSERT(text != NULL);
    for (char *at = text; way == WAY_RECONNECTS && (at = strstr(at, "WT2: 1 s")) != NULL; at++) {
        memcpy(at, "WT2: 2 s", strlen("WT2: 2 s"));
    }
    return text;
}

void reload_init(struct world *world)
{
    struct sim_reload *reload = &world->reload;
    for (unsigned way = 0; way < SIM_WAYS; way++) {
        for (unsigned i = 0; i < world->plan.file_count; i++) {
            const struct site_file *file = &world->plan.files[i];
            unsigned count = way == WAY_TAGS_IN_FRONT ? 3 : way == WAY_MORE_TAGS ? 5 : 0;
            char *text = i == 0 ? write_yaml(file, way) : write_table(file, i - 1, count);
            reload->files[way][i] = (struct site_file){file->name, text, strlen(text)};
        }
        reload->sites[way] = site_read(reload->files[way], world->plan.file_count, NULL);
        KOMET_ASSERT(reload->sites[way].site != NULL);
    }
    reload->read_by = KOMET_NEVER;
    world->site = reload->sites[0];
}

static void forget(struct sim_reload *reload)
{
    free(reload->difference_memory);
    reload->difference_memory = NULL;
    reload->difference = NULL;
    reload->read = false;
    reload->read_by = KOMET_NEVER;
}

void reload_free(struct world *world)
{
    struct sim_reload *reload = &world->reload;
    forget(reload);
    free(reload->former_difference);
    for (unsigned way = 0; way < SIM_WAYS; way++) {
        site_result_release(&reload->sites[way]);
        for (unsigned i = 0; i < world->plan.file_count; i++) {
            free((void *)(uintptr_t)reload->files[way][i].text);
        }
    }
}

/* ---- the server ---- */

void reload_order(struct world *world)
{
    static const struct record_user user = {"engineer", true};
    struct sim_reload *reload = &world->reload;
    unsigned way = test_random_below(&world->random, SIM_WAYS + 1);
    bool another = server_reloads(world->server);
    world_say(world, "RELOAD, site %u%s", way, another ? ": another is being applied" : "");
    server_reload_begin(world->server, world_server_time(world), 0, &user);
    if (!another && server_reloads(world->server)) {
        reload->written = way < SIM_WAYS ? way : reload->written;
        reload->next = way;
        reload->read_by =
            komet_after(world->now, KOMET_MS(1 + test_random_below(&world->random, READING_MAX_MS)));
    }
}

void reload_restart(struct world *world)
{
    struct sim_reload *reload = &world->reload;
    forget(reload);
    reload->runs = reload->written;
    world->site = reload->sites[reload->runs];
    free(world->server_memory);
    world->server_memory = malloc(server_size(world->site.site));
    KOMET_ASSERT(world->server_memory != NULL);
}

static void compare(struct world *world)
{
    struct sim_reload *reload = &world->reload;
    const struct site *after = reload->sites[reload->next].site;
    size_t size = site_difference_size(world->site.site, after);
    reload->difference_memory = malloc(size);
    KOMET_ASSERT(reload->difference_memory != NULL);
    reload->difference = site_difference_make(reload->difference_memory, size, world->site.site, after);
    reload->read = true;
}

static void swap(struct world *world)
{
    struct sim_reload *reload = &world->reload;
    const struct site *after = reload->sites[reload->next].site;
    size_t size = server_size(after);
    void *memory = malloc(size);
    KOMET_ASSERT(memory != NULL);
    memset(memory, 0xA5, size);
    world->server =
        server_reload(memory, size, world->server, after, reload->difference, world_server_time(world));
    free(world->server_memory);
    world->server_memory = memory;
    reload->runs = reload->next;
    world->site = reload->sites[reload->runs];
    free(reload->former_difference); /* that order has ended, else this one would have been refused */
    reload->former_difference = reload->difference_memory;
    reload->difference_memory = NULL;
    reload->read = false;
    server_shell_drain(world);
}

void reload_follow(struct world *world)
{
    struct sim_reload *reload = &world->reload;
    if (!world->server_runs || !server_reloads(world->server)) {
        forget(reload);
        return;
    }
    if (komet_reached(world->now, reload->read_by)) {
        reload->read_by = KOMET_NEVER;
        if (reload->next < SIM_WAYS) {
            compare(world);
        } else {
            server_reload_refuse(world->server, world_server_time(world), "the site is wrong");
            server_shell_drain(world);
        }
    }
    if (!reload->read) {
        return;
    }
    server_reload_ready(world->server, world_server_time(world), reload->difference);
    server_shell_drain(world);
    if (world->server_runs && server_reloads(world->server) &&
        server_reload_ready(world->server, world_server_time(world), reload->difference)) {
        swap(world);
    }
}

void reload_add_files(struct world *world, wire_message *message)
{
    static Komet__Wire__SiteFile files[SIM_FILES_MAX], *list[SIM_FILES_MAX];
    size_t count = world->plan.file_count;
    for (size_t i = 0; i < count; i++) {
        const struct site_file *file = &world->reload.files[world->reload.runs][i];
        komet__wire__site_file__init(&files[i]);
        files[i].name = (char *)(uintptr_t)file->name;
        files[i].text.data = (uint8_t *)(uintptr_t)file->text;
        files[i].text.len = file->size;
        list[i] = &files[i];
    }
    if (message->body_case == KOMET__WIRE__MESSAGE__BODY_WELCOME && message->welcome->refused[0] == '\0') {
        message->welcome->n_files = count;
        message->welcome->files = list;
    } else if (message->body_case == KOMET__WIRE__MESSAGE__BODY_CONFIGURATION) {
        message->configuration->n_files = count;
        message->configuration->files = list;
    }
}

/* ---- the instances ---- */

void reload_forget_reading(struct sim_kom *kom)
{
    kom->reads_by = KOMET_NEVER;
    if (kom->next_site.arena != NULL) {
        site_result_release(&kom->next_site);
        kom->next_site = (struct site_result){0};
    }
}

void reload_begin_reading(struct world *world, struct sim_kom *kom,
                          const Komet__Wire__Configuration *configuration)
{
    struct site_file files[SIM_FILES_MAX];
    const struct site_wanted wanted = {.process = kom->identity.process, .instance = kom->identity.instance};
    KOMET_ASSERT(configuration->n_files <= SIM_FILES_MAX && kom->next_site.arena == NULL);
    for (size_t i = 0; i < configuration->n_files; i++) {
        files[i] = (struct site_file){configuration->files[i]->name,
                                      (const char *)configuration->files[i]->text.data,
                                      configuration->files[i]->text.len};
    }
    kom->next_site = site_read_wanted(files, configuration->n_files, &wanted);
    KOMET_ASSERT(kom->next_site.site != NULL);
    kom->reads_by = komet_after(world->now, KOMET_MS(test_random_below(&world->random, READING_MAX_MS)));
}

static void reconfigure(struct world *world, struct sim_kom *kom, const struct site_difference *difference)
{
    const struct process *process = site_find_process(kom->next_site.site, kom->identity.process);
    size_t size = kom_lines_size(process);
    void *memory = malloc(size);
    KOMET_ASSERT(memory != NULL);
    memset(memory, 0xA5, size);
    kom_reconfigure(kom->engine, memory, size, process, difference, world_time(world, kom));
    free(kom->lines_memory);
    kom->lines_memory = memory;
    site_result_release(&kom->site);
    kom->site = kom->next_site;
    kom->next_site = (struct site_result){0};
    kom->reads_by = KOMET_NEVER;
    kom->touched = true;
    kom_shell_drain(world, kom);
}

void reload_apply(struct world *world, struct sim_kom *kom)
{
    if (!komet_reached(world->now, kom->reads_by)) {
        return;
    }
    size_t size = site_difference_size(kom->site.site, kom->next_site.site);
    void *memory = malloc(size);
    KOMET_ASSERT(memory != NULL);
    const struct site_difference *difference =
        site_difference_make(memory, size, kom->site.site, kom->next_site.site);
    kom_leave_lines(kom->engine, world_time(world, kom), difference);
    kom_shell_drain(world, kom);
    if (kom->next_site.arena != NULL) { /* it lives, and the server is still there */
        reconfigure(world, kom, difference);
    }
    free(memory);
}
