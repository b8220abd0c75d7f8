/*
 * asdu_words: see asdu_words.h.
 */
#include "asdu_words.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- reading ---- */

struct reading {
    const struct komet_profile *profile;
    struct komet_asdu_header header;
    uint8_t objects[KOMET_ASDU_SIZE_MAX];
    size_t size, object_count, element_octets;
    uint64_t count;
    bool count_given;
};

static uint8_t type_of(struct script *script)
{
    const char *word = script_word(script);
    size_t count;
    const struct komet_type_row *rows = komet_type_table(&count);
    for (size_t i = 0; word != NULL && i < count; i++) {
        if (strcmp(word, rows[i].name) == 0) {
            return rows[i].type;
        }
    }
    if (word == NULL || strcmp(word, "type") != 0) {
        script_fail(script, "'%s' is no type: a name such as C_SC_NA_1, or type NUMBER",
                    word != NULL ? word : "");
    }
    return (uint8_t)script_number(script, 255);
}

static void put(struct script *script, struct reading *reading, uint8_t octet)
{
    if (reading->size == sizeof reading->objects) {
        script_fail(script, "more octets than an ASDU has");
    }
    reading->objects[reading->size++] = octet;
}

static void read_object(struct script *script, struct reading *reading)
{
    uint32_t ioa = (uint32_t)script_number(script, 0xFFFFFF);
    unsigned width = reading->profile->ioa_size;
    for (unsigned i = 0; i < width; i++) {
        unsigned shift = 8 * (reading->profile->big_endian_addresses ? width - 1 - i : i);
        put(script, reading, (uint8_t)(ioa >> shift));
    }
    reading->object_count++;
    for (const char *word; (word = script_peek(script)) != NULL && strcmp(word, "ioa") != 0;) {
        char *end = NULL;
        unsigned long octet = strtoul(script_word(script), &end, 16);
        if (strlen(word) != 2 || *end != '\0') {
            script_fail(script, "'%s' is not an octet of two hexadecimal digits", word);
        }
        put(script, reading, (uint8_t)octet);
        reading->element_octets++;
    }
}

static void read_word(struct script *script, struct reading *reading)
{
    if (script_take(script, "cause")) {
        reading->header.cause = (uint8_t)script_number(script, 63);
    } else if (script_take(script, "oa")) {
        reading->header.oa = (uint8_t)script_number(script, 255);
    } else if (script_take(script, "ca")) {
        reading->header.ca = (uint16_t)script_number(script, 65535);
    } else if (script_take(script, "count")) {
        reading->count = script_number(script, 127);
        reading->count_given = true;
    } else if (script_take(script, "negative")) {
        reading->header.negative = true;
    } else if (script_take(script, "test")) {
        reading->header.test = true;
    } else if (script_take(script, "sq")) {
        reading->header.sq = true;
    } else if (script_take(script, "ioa")) {
        read_object(script, reading);
    } else {
        script_fail(script, "'%s' is no word of an ASDU: cause, oa, ca, count, negative, test, sq, ioa",
                    script_peek(script));
    }
}

size_t script_asdu(struct script *script, const struct komet_profile *profile, uint8_t *octets)
{
    struct reading reading = {.profile = profile, .header = {.ca = 1}};
    if (script_take(script, "octets")) {
        return script_octets(script, octets, KOMET_ASDU_SIZE_MAX);
    }
    reading.header.type = type_of(script);
    while (script_peek(script) != NULL) {
        read_word(script, &reading);
    }
    const struct komet_type_row *row = komet_type_find(reading.header.type);
    uint64_t count = reading.object_count;
    if (reading.header.sq && row != NULL && row->element_size > 0) {
        count = reading.element_octets / row->element_size;
    }
    count = reading.count_given ? reading.count : count;
    size_t size = komet_asdu_write_octets(profile, &reading.header, (uint8_t)count, reading.objects,
                                          reading.size, octets, KOMET_ASDU_SIZE_MAX);
    if (size == 0 || count > 127) {
        script_fail(script, "that is more than an ASDU holds");
    }
    return size;
}

/* ---- writing ---- */

static void print(char *text, size_t *used, const char *format, ...) __attribute__((format(printf, 3, 4)));

static void print(char *text, size_t *used, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text + *used, ASDU_WORDS_TEXT_SIZE - *used, format, arguments);
    va_end(arguments);
    if (length > 0) {
        *used += (size_t)length;
        *used = *used < ASDU_WORDS_TEXT_SIZE ? *used : ASDU_WORDS_TEXT_SIZE - 1;
    }
}

static void print_hex(char *text, size_t *used, const uint8_t *octets, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        print(text, used, " %02x", octets[i]);
    }
}

void asdu_text(char *text, const struct komet_profile *profile, const uint8_t *octets, size_t size)
{
    struct komet_asdu asdu;
    size_t used = 0;
    enum komet_asdu_result result = komet_asdu_decode(profile, octets, size, &asdu);
    if (result != KOMET_ASDU_OK && result != KOMET_ASDU_UNKNOWN_TYPE) {
        print(text, &used, "octets");
        print_hex(text, &used, octets, size);
        return;
    }
    if (asdu.row == NULL) {
        print(text, &used, "type %u count %u", asdu.type, asdu.count);
    } else {
        print(text, &used, "%s", asdu.row->name);
    }
    print(text, &used, " cause %u%s%s", asdu.cause, asdu.negative ? " negative" : "",
          asdu.test ? " test" : "");
    if (asdu.oa != 0) {
        print(text, &used, " oa %u", asdu.oa);
    }
    print(text, &used, " ca %u%s", asdu.ca, asdu.sq ? " sq" : "");
    if (asdu.row == NULL) {
        print_hex(text, &used, asdu.objects, asdu.objects_size);
        return;
    }
    for (unsigned i = 0; i < asdu.count; i++) {
        struct komet_object object;
        komet_asdu_object(&asdu, i, &object);
        if (i == 0 || !asdu.sq) {
            print(text, &used, " ioa %u", (unsigned)object.ioa);
        }
        print_hex(text, &used, object.octets, object.octets_size);
    }
}
