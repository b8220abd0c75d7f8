/*
 * asdu_file: the objects of file transfer, octets to fields and back (-5-101 7.3.6).
 *
 * All begin with the name of the file. Which members follow is one row a type here.
 */
#include "komet/file.h"

#include <string.h>

#include "komet/assert.h"

#include "asdu_private.h"
#include "time_tag_private.h"

enum { NAME_SIZE = 2, LENGTH_SIZE = 3, FILE_TYPES = KOMET_F_SC_NB_1 - KOMET_F_FR_NA_1 + 1 };

/* What an object has behind the name of its file, in the order in which it stands there. */
static const struct layout {
    bool section, length, qualifier, checksum, segment, time, stop;
} layouts[FILE_TYPES] = {
    [KOMET_F_FR_NA_1 - KOMET_F_FR_NA_1] = {.length = true, .qualifier = true},
    [KOMET_F_SR_NA_1 - KOMET_F_FR_NA_1] = {.section = true, .length = true, .qualifier = true},
    [KOMET_F_SC_NA_1 - KOMET_F_FR_NA_1] = {.section = true, .qualifier = true},
    [KOMET_F_LS_NA_1 - KOMET_F_FR_NA_1] = {.section = true, .qualifier = true, .checksum = true},
    [KOMET_F_AF_NA_1 - KOMET_F_FR_NA_1] = {.section = true, .qualifier = true},
    [KOMET_F_SG_NA_1 - KOMET_F_FR_NA_1] = {.section = true, .segment = true},
    [KOMET_F_DR_TA_1 - KOMET_F_FR_NA_1] = {.length = true, .qualifier = true, .time = true},
    [KOMET_F_SC_NB_1 - KOMET_F_FR_NA_1] = {.time = true, .stop = true},
};

static const struct layout *layout_of(const struct komet_type_row *row)
{
    KOMET_ASSERT(row != NULL && row->element == KOMET_ELEMENT_FILE);
    KOMET_ASSERT(row->type >= KOMET_F_FR_NA_1 && row->type <= KOMET_F_SC_NB_1);
    return &layouts[row->type - KOMET_F_FR_NA_1];
}

void komet_asdu_file(const struct komet_asdu *asdu, unsigned index, struct komet_file_object *file)
{
    struct komet_object object;
    const struct layout *layout = layout_of(asdu->row);
    komet_asdu_object(asdu, index, &object);
    const uint8_t *octets = object.octets;
    *file = (struct komet_file_object){.ioa = object.ioa, .name = octets_u16(octets)};
    octets += NAME_SIZE;
    if (layout->section) {
        file->section = *octets++;
    }
    if (layout->length) {
        file->length = octets_address(octets, LENGTH_SIZE, false);
        octets += LENGTH_SIZE;
    }
    if (layout->qualifier) {
        file->qualifier = *octets++;
    }
    if (layout->checksum) {
        file->checksum = *octets++;
    }
    if (layout->segment) {
        file->segment_size = *octets++;
        file->segment = octets;
        octets += file->segment_size;
    }
    if (layout->time) {
        komet_cp56_decode(octets, &file->time);
        octets += KOMET_CP56_SIZE;
    }
    if (layout->stop) {
        komet_cp56_decode(octets, &file->stop);
        octets += KOMET_CP56_SIZE;
    }
    KOMET_ASSERT(octets == object.octets + object.octets_size);
}

static void write_file(const struct layout *layout, uint8_t *octets, const struct komet_file_object *file)
{
    put_u16(octets, file->name);
    octets += NAME_SIZE;
    if (layout->section) {
        *octets++ = file->section;
    }
    if (layout->length) {
        put_address(octets, LENGTH_SIZE, false, file->length);
        octets += LENGTH_SIZE;
    }
    if (layout->qualifier) {
        *octets++ = file->qualifier;
    }
    if (layout->checksum) {
        *octets++ = file->checksum;
    }
    if (layout->segment) {
        *octets++ = file->segment_size;
        if (file->segment_size > 0) {
            memcpy(octets, file->segment, file->segment_size);
        }
    }
    if (layout->time) {
        komet_cp56_encode(octets, &file->time);
        octets += KOMET_CP56_SIZE;
    }
    if (layout->stop) {
        komet_cp56_encode(octets, &file->stop);
    }
}

bool komet_asdu_add_file(struct komet_asdu_writer *writer, const struct komet_file_object *file)
{
    const struct layout *layout = layout_of(writer->row);
    KOMET_ASSERT(file->length <= KOMET_FILE_LENGTH_MAX);
    KOMET_ASSERT(file->segment_size <= KOMET_SEGMENT_SIZE_MAX);
    size_t size = writer->row->element_size + (layout->segment ? (size_t)file->segment_size : 0);
    uint8_t *octets = asdu_add_element(writer, file->ioa, size);
    if (octets == NULL) {
        return false;
    }
    write_file(layout, octets, file);
    return true;
}
