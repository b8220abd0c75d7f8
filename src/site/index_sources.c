/*
 * index_sources: the tags that outputs follow, and what a line that listens wants of its tags: one address a
 * tag, since masters know them by nothing else.
 */
#include <stdlib.h>

#include "model/server_value.h"
#include "site/reading.h"

/* The sentence that says why a tag cannot follow another one; NULL when it can. */
static const char *source_fault(const struct tag *tag, const struct tag *source)
{
    bool sent = tag_is_outgoing(tag);
    bool commanded = line_is_server(source->station->line) && !tag_type_is_output(source->type);
    if (tag == source) {
        return "a tag does not follow itself";
    }
    if (!tag_type_is_output(tag->type)) {
        return "an input follows nothing: it has its value from a partner";
    }
    if (!sent && !commanded) {
        return "a command follows an input tag of a line that listens, by which a master gives it";
    }
    if (sent && tag_is_outgoing(source)) {
        return "name the tag that has the value, not one that is itself sent";
    }
    return NULL;
}

/* Commands go to what takes their kind of number. */
static bool fits(const struct tag *tag, const struct tag *source)
{
    return tag_is_outgoing(tag)
               ? server_follows(tag->type, source->type)
               : server_follows(tag->type, source->type) && (tag->type != TAG_CO || source->type != TAG_AI);
}

static void find_source(struct reading *reading, const struct site *site, const struct named_source *named)
{
    const struct tag *source = site_find_tag(site, named->name);
    if (source == NULL) {
        if (reading->only_process == NULL) { /* else it may be in a part that was not read */
            reading_fault(reading, named->place, "name a tag of the site", "source: there is no tag '%s'",
                          named->name);
        }
        return;
    }
    const char *fault = source_fault(named->tag, source);
    if (fault != NULL) {
        reading_fault(reading, named->place, fault, "source: '%s' cannot follow '%s'", named->tag->name,
                      source->name);
    } else if (!fits(named->tag, source)) {
        reading_fault(reading, named->place, "see the table of sources in the configuration's manual",
                      "source: a tag of type %s cannot follow '%s', which is of type %s",
                      tag_type_name(named->tag->type), source->name, tag_type_name(source->type));
    } else {
        named->tag->source = source;
    }
}

static int by_address(const void *a, const void *b)
{
    const struct tag *left = *(struct tag *const *)a, *right = *(struct tag *const *)b;
    return left->ioa != right->ioa ? (left->ioa < right->ioa ? -1 : 1) : left->row - right->row;
}

static void check_station(struct reading *reading, const struct station *station)
{
    struct tag **tags = arena_take(reading->arena, (station->tag_count + 1) * sizeof *tags);
    uint32_t count = 0;
    for (uint32_t i = 0; i < station->tag_count; i++) {
        struct tag *tag = &station->tags[i];
        if (tag->ignored) {
            continue;
        }
        tags[count++] = tag;
        if (tag->ioa == 0) {
            reading_fault(reading, tag_place(tag), "1 to 16777215",
                          "tag '%s' of a line that listens has the address 0, which is none", tag->name);
        }
    }
    qsort(tags, count, sizeof *tags, by_address);
    for (uint32_t i = 1; i < count; i++) {
        bool inputs = !tag_type_is_output(tags[i]->type) && !tag_type_is_output(tags[i - 1]->type);
        if (tags[i]->ioa == tags[i - 1]->ioa &&
            !inputs) { /* two inputs were told where stations are indexed */
            reading_fault(reading, tag_place(tags[i]), "masters know each tag by an address of its own",
                          "tags '%s' and '%s' of station '%s' have the same address %u", tags[i - 1]->name,
                          tags[i]->name, station->name, tags[i]->ioa);
        }
    }
}

void index_sources(struct reading *reading, const struct site *site)
{
    for (const struct named_source *named = reading->sources; named != NULL; named = named->next) {
        find_source(reading, site, named);
    }
    for (unsigned i = 0; i < site->process_count; i++) {
        const struct process *process = &site->processes[i];
        for (unsigned k = 0; k < process->station_count; k++) {
            if (line_is_server(process->stations[k]->line)) {
                check_station(reading, process->stations[k]);
            }
        }
    }
}
