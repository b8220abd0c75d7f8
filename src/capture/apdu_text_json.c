/* An APDU as a JSON object: the members that the header of this folder's apdu_text.h lists, in that order. */
#include "capture/apdu_text_private.h"
#include "komet/assert.h"

static const char *boolean(bool value)
{
    return value ? "true" : "false";
}

static void write_value(struct text_writer *text, const struct komet_object *object)
{
    switch (object->element) {
    case KOMET_ELEMENT_NONE:
    case KOMET_ELEMENT_FILE:
        text_print(text, "null");
        break;
    case KOMET_ELEMENT_SINGLE:
        text_print(text, "%s", boolean(object->value.single));
        break;
    case KOMET_ELEMENT_DOUBLE:
    case KOMET_ELEMENT_REGULATING:
    case KOMET_ELEMENT_STEP:
    case KOMET_ELEMENT_SCALED:
    case KOMET_ELEMENT_COUNTER:
        text_print(text, "%d", (int)object->value.number);
        break;
    case KOMET_ELEMENT_NORMALIZED:
        text_double(text, komet_object_number(object));
        break;
    case KOMET_ELEMENT_BITS:
    case KOMET_ELEMENT_PROTECTION:
        text_print(text, "%u", (unsigned)object->value.bits);
        break;
    case KOMET_ELEMENT_FLOAT:
        text_float(text, object->value.real, true);
        break;
    }
}

/* Members that only some types have. */
static void write_extras(struct text_writer *text, const struct komet_asdu *asdu,
                         const struct komet_object *object)
{
    if (object->element == KOMET_ELEMENT_NORMALIZED) {
        text_print(text, ",\"raw\":%d", (int)object->value.number);
    }
    if (object->element == KOMET_ELEMENT_STEP) {
        text_print(text, ",\"transient\":%s", boolean(object->transient));
    }
    if (object->element == KOMET_ELEMENT_COUNTER) {
        text_print(text, ",\"sequence\":%u", object->sequence);
    }
    if (object->element == KOMET_ELEMENT_PROTECTION || asdu->type == KOMET_M_EP_TA_1 ||
        asdu->type == KOMET_M_EP_TD_1 || asdu->type == KOMET_C_CD_NA_1) {
        text_print(text, ",\"elapsed_ms\":%u", object->elapsed_ms);
    }
    if (apdu_text_has_qualifier(asdu)) {
        text_print(text, ",\"qualifier\":%u", object->qualifier);
    }
    if (apdu_text_has_select(asdu)) {
        text_print(text, ",\"select\":%s", boolean(object->select));
    }
    if (asdu->type == KOMET_C_TS_NA_1 || asdu->type == KOMET_C_TS_TA_1) {
        text_print(text, ",\"pattern\":%u", object->test_pattern);
    }
}

static void write_object(struct text_writer *text, const struct komet_asdu *asdu, unsigned index,
                         struct komet_utc about)
{
    struct komet_object read;
    const struct komet_object *object = &read;
    komet_asdu_object(asdu, index, &read);
    text_print(text, "{\"ioa\":%u,\"value\":", (unsigned)object->ioa);
    write_value(text, object);
    text_print(text, ",\"quality\":[");
    apdu_text_quality(text, object, "\"", ",");
    text_print(text, "],\"time\":");
    if (object->time_size == KOMET_TIME_NONE) {
        text_print(text, "null");
    } else {
        text_print(text, "\"");
        apdu_text_tag(text, object, about);
        text_print(text, "\"");
        apdu_text_tag_flags(text, &object->time, object->time_size, "time_", "");
    }
    write_extras(text, asdu, object);
    if (object->element == KOMET_ELEMENT_FILE) {
        apdu_text_file_json(text, asdu, index, about);
    }
    text_print(text, "}");
}

static void write_asdu(struct text_writer *text, const struct komet_asdu *asdu, bool with_objects,
                       struct komet_utc about)
{
    text_print(text, ",\"asdu\":{\"type\":%u,\"name\":", asdu->type);
    if (asdu->row != NULL) {
        text_json_string(text, asdu->row->name);
    } else {
        text_print(text, "null");
    }
    text_print(text, ",\"sq\":%s,\"cot\":%u,\"cause\":", boolean(asdu->sq), asdu->cause);
    text_json_string(text, komet_cause_name(asdu->cause));
    text_print(text, ",\"negative\":%s,\"test\":%s,\"oa\":%u,\"ca\":%u,\"objects\":[",
               boolean(asdu->negative), boolean(asdu->test), asdu->oa, asdu->ca);
    for (unsigned i = 0; with_objects && i < asdu->count; i++) {
        text_print(text, "%s", i > 0 ? "," : "");
        write_object(text, asdu, i, about);
    }
    text_print(text, "]}");
}

static void write_error(struct text_writer *text, const char *word, const char *sentence,
                        const struct apdu_text_item *item)
{
    text_print(text, ",\"error\":\"%s%s%s\"", word, word[0] != '\0' ? ": " : "", sentence);
    if (item->size > 0) {
        text_print(text, ",\"octets\":\"");
        text_hex(text, item->octets, item->size);
        text_print(text, "\"");
    }
}

static void write_i(struct text_writer *text, const struct apdu_text_item *item)
{
    const struct komet_apdu *apdu = item->apdu;
    struct komet_asdu asdu;
    enum komet_asdu_result result = komet_asdu_decode(item->profile, apdu->asdu, apdu->asdu_size, &asdu);

    text_print(text, ",\"format\":\"I\",\"ns\":%u,\"nr\":%u%s", apdu->ns, apdu->nr,
               apdu->cf3_mark ? ",\"cf3_mark\":true" : "");
    if (result != KOMET_ASDU_OK) {
        write_error(text, komet_asdu_result_name(result), apdu_text_asdu_sentence(result), item);
    }
    if (apdu_text_has_header(result)) {
        write_asdu(text, &asdu, result == KOMET_ASDU_OK, item->time);
    }
}

size_t apdu_text_json(const struct apdu_text_item *item, char *out, size_t capacity)
{
    struct text_writer text;

    KOMET_ASSERT(capacity >= APDU_TEXT_SIZE);
    KOMET_ASSERT((item->apdu == NULL) == (item->error != NULL));
    text_begin(&text, out, capacity);
    text_print(&text, "{\"time\":");
    if (komet_utc_known(item->time)) {
        text_print(&text, "\"");
        apdu_text_utc(&text, item->time, -1);
        text_print(&text, "\"");
    } else {
        text_print(&text, "null");
    }
    text_print(&text, ",\"source\":");
    text_json_string(&text, item->source);
    text_print(&text, ",\"destination\":");
    text_json_string(&text, item->destination);
    if (item->apdu == NULL) {
        write_error(&text, "", item->error, item);
    } else {
        switch (item->apdu->format) {
        case KOMET_FORMAT_I:
            write_i(&text, item);
            break;
        case KOMET_FORMAT_S:
            text_print(&text, ",\"format\":\"S\",\"nr\":%u", item->apdu->nr);
            break;
        case KOMET_FORMAT_U:
            text_print(&text, ",\"format\":\"U\",\"function\":\"%s\"",
                       komet_u_function_name(item->apdu->function));
            break;
        }
    }
    text_print(&text, "}");
    KOMET_ASSERT(!text.full);
    return text.used;
}
