/*
 * Objects of file transfer as text (-5-101 7.3.6). A member that a type has not is left out; the time of a
 * directory entry is the object's time tag, which stands with those of all other types.
 */
#include "capture/apdu_text_private.h"
#include "komet/file.h"

static bool has_section(uint8_t type)
{
    return type >= KOMET_F_SR_NA_1 && type <= KOMET_F_SG_NA_1;
}

static bool has_length(uint8_t type)
{
    return type == KOMET_F_FR_NA_1 || type == KOMET_F_SR_NA_1 || type == KOMET_F_DR_TA_1;
}

static bool has_qualifier(uint8_t type)
{
    return type != KOMET_F_SG_NA_1 && type != KOMET_F_SC_NB_1;
}

/* A tag of the query log; apdu_text_tag wants it in an object. */
static void write_tag(struct text_writer *text, const struct komet_time_tag *tag, struct komet_utc about)
{
    struct komet_object object = {.time_size = KOMET_TIME_CP56, .time = *tag};
    apdu_text_tag(text, &object, about);
}

void apdu_text_file_json(struct text_writer *text, const struct komet_asdu *asdu, unsigned index,
                         struct komet_utc about)
{
    struct komet_file_object file;
    komet_asdu_file(asdu, index, &file);
    text_print(text, ",\"file\":%u", file.name);
    if (has_section(asdu->type)) {
        text_print(text, ",\"section\":%u", file.section);
    }
    if (has_length(asdu->type)) {
        text_print(text, ",\"length\":%u", (unsigned)file.length);
    }
    if (has_qualifier(asdu->type)) {
        text_print(text, ",\"qualifier\":%u", file.qualifier);
    }
    if (asdu->type == KOMET_F_LS_NA_1) {
        text_print(text, ",\"checksum\":%u", file.checksum);
    }
    if (asdu->type == KOMET_F_SG_NA_1) {
        text_print(text, ",\"segment\":\"");
        text_hex(text, file.segment, file.segment_size);
        text_print(text, "\"");
    }
    if (asdu->type == KOMET_F_SC_NB_1) {
        text_print(text, ",\"start\":\"");
        write_tag(text, &file.time, about);
        text_print(text, "\"");
        apdu_text_tag_flags(text, &file.time, KOMET_TIME_CP56, "start_", "start_");
        text_print(text, ",\"stop\":\"");
        write_tag(text, &file.stop, about);
        text_print(text, "\"");
        apdu_text_tag_flags(text, &file.stop, KOMET_TIME_CP56, "stop_", "stop_");
    }
}

void apdu_text_file_line(struct text_writer *text, const struct komet_asdu *asdu, unsigned index,
                         struct komet_utc about)
{
    struct komet_file_object file;
    komet_asdu_file(asdu, index, &file);
    text_print(text, " file %u", file.name);
    if (has_section(asdu->type)) {
        text_print(text, " section %u", file.section);
    }
    if (has_length(asdu->type)) {
        text_print(text, " %u octets", (unsigned)file.length);
    }
    if (has_qualifier(asdu->type)) {
        text_print(text, " qualifier %u", file.qualifier);
    }
    if (asdu->type == KOMET_F_LS_NA_1) {
        text_print(text, " checksum %u", file.checksum);
    }
    if (asdu->type == KOMET_F_SG_NA_1) {
        text_print(text, " segment of %u octets", file.segment_size);
    }
    if (asdu->type == KOMET_F_SC_NB_1) {
        text_print(text, " from ");
        write_tag(text, &file.time, about);
        text_print(text, " to ");
        write_tag(text, &file.stop, about);
    }
}
