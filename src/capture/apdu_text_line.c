/*
 * An APDU as a line for people:
 *
 *     2024-05-01T12:00:00.123456Z 10.0.0.1:2404 -> 10.0.0.9:40000 I 12 3 M_SP_TB_1 spontaneous CA 1: 100=on …
 */
#include "capture/apdu_text_private.h"
#include "komet/assert.h"

static void write_value(struct text_writer *text, const struct komet_object *object)
{
    static const char *const positions[4] = {"intermediate", "off", "on", "faulty"};
    static const char *const steps[4] = {"0", "lower", "higher", "3"};

    switch (object->element) {
    case KOMET_ELEMENT_NONE:
    case KOMET_ELEMENT_FILE:
        break;
    case KOMET_ELEMENT_SINGLE:
        text_print(text, "=%s", object->value.single ? "on" : "off");
        break;
    case KOMET_ELEMENT_DOUBLE:
        text_print(text, "=%s", positions[object->value.number & 3]);
        break;
    case KOMET_ELEMENT_REGULATING:
        text_print(text, "=%s", steps[object->value.number & 3]);
        break;
    case KOMET_ELEMENT_STEP:
    case KOMET_ELEMENT_SCALED:
    case KOMET_ELEMENT_COUNTER:
        text_print(text, "=%d%s", (int)object->value.number, object->transient ? " transient" : "");
        break;
    case KOMET_ELEMENT_NORMALIZED:
        text_print(text, "=");
        text_double(text, komet_object_number(object));
        break;
    case KOMET_ELEMENT_BITS:
        text_print(text, "=0x%08x", (unsigned)object->value.bits);
        break;
    case KOMET_ELEMENT_PROTECTION:
        text_print(text, "=0x%02x after %u ms", (unsigned)object->value.bits, object->elapsed_ms);
        break;
    case KOMET_ELEMENT_FLOAT:
        text_print(text, "=");
        text_float(text, object->value.real, false);
        break;
    }
}

static void write_object(struct text_writer *text, const struct komet_asdu *asdu, unsigned index,
                         struct komet_utc about)
{
    struct komet_object read;
    const struct komet_object *object = &read;
    komet_asdu_object(asdu, index, &read);
    text_print(text, "%u", (unsigned)object->ioa);
    write_value(text, object);
    if (object->quality != 0) {
        text_print(text, " ");
        apdu_text_quality(text, object, "", ",");
    }
    if (apdu_text_has_select(asdu)) {
        text_print(text, " %s", object->select ? "select" : "execute");
    }
    if (apdu_text_has_qualifier(asdu) && (object->qualifier != 0 || !apdu_text_has_select(asdu))) {
        text_print(text, " qualifier %u", object->qualifier);
    }
    if (object->element == KOMET_ELEMENT_FILE) {
        apdu_text_file_line(text, asdu, index, about);
    }
    if (object->time_size != KOMET_TIME_NONE) {
        text_print(text, " ");
        apdu_text_tag(text, object, about);
        text_print(text, "%s%s", object->time.invalid ? " (time invalid)" : "",
                   object->time.summer_time ? " (summer time)" : "");
    }
}

static void write_octets(struct text_writer *text, const struct apdu_text_item *item)
{
    if (item->size > 0) {
        text_print(text, " [");
        text_hex(text, item->octets, item->size);
        text_print(text, "]");
    }
}

static void write_asdu(struct text_writer *text, const struct komet_asdu *asdu, bool with_objects,
                       struct komet_utc about)
{
    if (asdu->row != NULL) {
        text_print(text, " %s", asdu->row->name);
    } else {
        text_print(text, " type %u", asdu->type);
    }
    text_print(text, " %s%s%s CA %u", komet_cause_name(asdu->cause), asdu->negative ? " negative" : "",
               asdu->test ? " test" : "", asdu->ca);
    if (asdu->oa != 0) {
        text_print(text, " OA %u", asdu->oa);
    }
    for (unsigned i = 0; with_objects && i < asdu->count; i++) {
        text_print(text, "%s", i > 0 ? "; " : ": ");
        write_object(text, asdu, i, about);
    }
}

static void write_i(struct text_writer *text, const struct apdu_text_item *item)
{
    const struct komet_apdu *apdu = item->apdu;
    struct komet_asdu asdu;
    enum komet_asdu_result result = komet_asdu_decode(item->profile, apdu->asdu, apdu->asdu_size, &asdu);

    text_print(text, " I %u %u%s", apdu->ns, apdu->nr, apdu->cf3_mark ? " (marked)" : "");
    if (apdu_text_has_header(result)) {
        write_asdu(text, &asdu, result == KOMET_ASDU_OK, item->time);
    }
    if (result != KOMET_ASDU_OK) {
        text_print(text, " error %s: %s", komet_asdu_result_name(result), apdu_text_asdu_sentence(result));
        write_octets(text, item);
    }
}

size_t apdu_text_line(const struct apdu_text_item *item, char *out, size_t capacity)
{
    struct text_writer text;

    KOMET_ASSERT(capacity >= APDU_TEXT_SIZE);
    KOMET_ASSERT((item->apdu == NULL) == (item->error != NULL));
    text_begin(&text, out, capacity);
    if (komet_utc_known(item->time)) {
        apdu_text_utc(&text, item->time, item->microseconds);
    } else {
        text_print(&text, "(no time)");
    }
    text_print(&text, " %s -> %s", item->source, item->destination);
    if (item->apdu == NULL) {
        text_print(&text, " error %s", item->error);
        write_octets(&text, item);
    } else {
        switch (item->apdu->format) {
        case KOMET_FORMAT_I:
            write_i(&text, item);
            break;
        case KOMET_FORMAT_S:
            text_print(&text, " S %u", item->apdu->nr);
            break;
        case KOMET_FORMAT_U:
            text_print(&text, " U %s", komet_u_function_name(item->apdu->function));
            break;
        }
    }
    KOMET_ASSERT(!text.full);
    return text.used;
}
