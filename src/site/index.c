/*
 * index: numbers, back pointers and sorted lists of a site that was read, and the mistakes that only show
 * there: names and addresses that stand twice.
 */
#include <stdlib.h>
#include <string.h>

#include "komet/assert.h"
#include "site/reading.h"

static int by_name(const void *a, const void *b)
{
    return name_compare((*(struct tag *const *)a)->name, (*(struct tag *const *)b)->name);
}

static int by_address(const void *a, const void *b)
{
    const struct tag *left = *(struct tag *const *)a, *right = *(struct tag *const *)b;
    if (left->ioa != right->ioa) {
        return left->ioa < right->ioa ? -1 : 1;
    }
    return left->row - right->row;
}

struct place tag_place(const struct tag *tag)
{
    return (struct place){tag->station->tag_file, tag->row, 1};
}

/* Two outputs of one type on one address would be one to the other end. */
static int by_sent_address(const void *a, const void *b)
{
    const struct tag *left = *(struct tag *const *)a, *right = *(struct tag *const *)b;
    int order = by_address(a, b);
    if (left->ioa == right->ioa && left->asdu != right->asdu) {
        order = left->asdu < right->asdu ? -1 : 1;
    }
    return order;
}

static void check_outputs(struct reading *reading, const struct station *station)
{
    struct tag **outputs = arena_take(reading->arena, (station->tag_count + 1) * sizeof(struct tag *));
    uint32_t count = 0;
    for (uint32_t i = 0; i < station->tag_count; i++) {
        struct tag *tag = &station->tags[i];
        if (tag->ignored || !tag_type_is_output(tag->type)) {
            continue;
        }
        outputs[count++] = tag;
        if (tag_sends_value(tag) && station->line->protocol == PROTOCOL_IEC104) {
            reading_fault(reading, tag_place(tag), "types 45 to 51 and 58 to 64 are commands",
                          "output '%s' would send type %u, and line '%s' gives commands only", tag->name,
                          tag->asdu, station->line->name);
        }
    }
    qsort(outputs, count, sizeof(struct tag *), by_sent_address);
    for (uint32_t i = 1; i < count; i++) {
        const struct tag *tag = outputs[i], *before = outputs[i - 1];
        if (tag->ioa == before->ioa && tag->asdu == before->asdu && tag->asdu != 0) {
            reading_fault(reading, tag_place(tag), "outputs on one address have types of their own",
                          "outputs '%s' and '%s' of station '%s' send type %u to the same address %u",
                          before->name, tag->name, station->name, tag->asdu, tag->ioa);
        }
    }
}

static void index_station(struct reading *reading, struct station *station, struct process *process)
{
    station->number = process->station_count;
    station->first_tag = process->tag_count;
    process->stations[process->station_count++] = station;
    station->by_address = arena_take(reading->arena, (station->tag_count + 1) * sizeof(struct tag *));
    for (uint32_t i = 0; i < station->tag_count; i++) {
        struct tag *tag = &station->tags[i];
        tag->number = process->tag_count;
        process->tags[process->tag_count++] = tag;
        bool with_master = tag->master != NULL && tag->master->first_row == tag; /* gets what he gets */
        if (!tag->ignored && !tag_type_is_output(tag->type) && !with_master) {
            station->by_address[station->by_address_count++] = tag;
        }
    }
    check_outputs(reading, station);
    qsort(station->by_address, station->by_address_count, sizeof(struct tag *), by_address);
    for (uint32_t i = 1; i < station->by_address_count; i++) {
        const struct tag *tag = station->by_address[i], *before = station->by_address[i - 1];
        if (tag->ioa == before->ioa) {
            reading_fault(reading, tag_place(tag), "one input tag an address; outputs may share it",
                          "inputs '%s' and '%s' of station '%s' have the same address %u", before->name,
                          tag->name, station->name, tag->ioa);
        }
    }
}

static void index_process(struct reading *reading, struct site *site, struct process *process)
{
    uint32_t tags = 0, stations = 0;
    for (unsigned i = 0; i < process->line_count; i++) {
        stations += process->lines[i].station_count;
        for (unsigned k = 0; k < process->lines[i].station_count; k++) {
            tags += process->lines[i].stations[k].tag_count;
        }
    }
    process->tags = arena_take(reading->arena, (tags + 1) * sizeof(struct tag *));
    process->stations = arena_take(reading->arena, (stations + 1) * sizeof(struct station *));
    process->first_tag = site->tag_count;
    for (unsigned i = 0; i < process->line_count; i++) {
        for (unsigned k = 0; k < process->lines[i].station_count; k++) {
            index_station(reading, &process->lines[i].stations[k], process);
        }
    }
    KOMET_ASSERT(process->tag_count == tags);
    site->tag_count += tags;
}

static void check_names(struct reading *reading, const struct site *site)
{
    for (uint32_t i = 1; i < site->tag_count; i++) {
        const struct tag *tag = site->tags_by_name[i], *before = site->tags_by_name[i - 1];
        if (name_compare(tag->name, before->name) == 0 && *tag->name != '\0') {
            reading_fault(reading, tag_place(tag->row < before->row ? before : tag),
                          "give each tag its own name", "tag '%s' stands twice, also in %s:%d", tag->name,
                          (tag->row < before->row ? tag : before)->station->tag_file,
                          (tag->row < before->row ? tag : before)->row);
        }
    }
}

/* Lines and stations are few: each is looked up by its name and must be the first with it. */
static void check_line_names(struct reading *reading, const struct site *site)
{
    for (unsigned i = 0; i < site->process_count; i++) {
        const struct process *process = &site->processes[i];
        for (unsigned k = 0; k < process->line_count; k++) {
            const struct line *line = &process->lines[k];
            struct place place = {reading->files[0].name, 1, 1};
            const struct line *first = site_find_line(site, line->name);
            if (first->process != process) { /* within a process the key was told already */
                reading_fault(reading, place, "give each line its own name", "line '%s' stands twice",
                              line->name);
            }
        }
        for (unsigned k = 0; k < process->station_count; k++) {
            struct place place = {reading->files[0].name, 1, 1};
            const struct station *first = site_find_station(site, process->stations[k]->name);
            if (first->line != process->stations[k]->line) {
                reading_fault(reading, place, "give each station its own name", "station '%s' stands twice",
                              process->stations[k]->name);
            }
        }
    }
}

/* Only a server looks at them: with one process alone the tag may be in a part that was not read. */
static void find_control_objects(struct reading *reading, const struct site *site)
{
    for (const struct control_object *control = reading->controls; control != NULL; control = control->next) {
        const struct tag *tag = site_find_tag(site, control->name);
        if (reading->only_process != NULL) {
            continue;
        }
        if (tag == NULL) {
            reading_fault(reading, control->place, "name a tag of type Di or Dout of another station",
                          "control_object: there is no tag '%s'", control->name);
        } else if (tag->type != TAG_DI && tag->type != TAG_DOUT) {
            reading_fault(reading, control->place, "name a tag of type Di or Dout of another station",
                          "control_object: '%s' is of type %s", tag->name, tag_type_name(tag->type));
        } else if (tag->station == control->station) {
            reading_fault(reading, control->place, "name a tag of another station",
                          "control_object: '%s' belongs to the station itself, which it would stop for good",
                          tag->name);
        } else {
            control->station->control_object = tag;
        }
    }
}

void site_index(struct reading *reading, struct site *site)
{
    for (unsigned i = 0; i < site->process_count; i++) {
        index_process(reading, site, &site->processes[i]);
    }
    site->tags = arena_take(reading->arena, (site->tag_count + 1) * sizeof(struct tag *));
    site->tags_by_name = arena_take(reading->arena, (site->tag_count + 1) * sizeof(struct tag *));
    for (unsigned i = 0; i < site->process_count; i++) {
        const struct process *process = &site->processes[i];
        if (process->tag_count > 0) {
            memcpy(site->tags + process->first_tag, process->tags, process->tag_count * sizeof(struct tag *));
        }
    }
    if (site->tag_count > 0) {
        memcpy(site->tags_by_name, site->tags, site->tag_count * sizeof(struct tag *));
    }
    qsort(site->tags_by_name, site->tag_count, sizeof(struct tag *), by_name);
    check_names(reading, site);
    check_line_names(reading, site);
    find_control_objects(reading, site);
    index_sources(reading, site);
}
