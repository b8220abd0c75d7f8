/*
 * Any octets as a stream of APDUs: frames are found, ASDUs decoded, all objects read and written again. What
 * is written must equal what was read, save for reserved bits; those the table below knows on its own.
 *
 * The first octet chooses the profile.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "komet/asdu.h"
#include "komet/file.h"

static void check(bool condition)
{
    if (!condition) {
        abort();
    }
}

/* Which bits of a CP56Time2a or CP24Time2a are not reserved. */
static const uint8_t time_mask[7] = {0xFF, 0xFF, 0xFF, 0x9F, 0xFF, 0x0F, 0x7F};

/* Which bits of an element, without its time tag, the standard gives a meaning; FF where nothing is reserved.
 */
static void element_mask(const struct komet_type_row *row, uint8_t *mask)
{
    bool command = row->direction != KOMET_MONITOR; /* or a parameter: a qualifier in place of the quality */
    memset(mask, 0xFF, row->element_size);
    switch (row->element) {
    case KOMET_ELEMENT_SINGLE:
        mask[0] = command ? 0xFD : 0xF1;
        break;
    case KOMET_ELEMENT_DOUBLE:
        mask[0] = command ? 0xFF : 0xF3;
        break;
    case KOMET_ELEMENT_STEP:
        mask[1] = 0xF1;
        break;
    case KOMET_ELEMENT_BITS:
        if (!command) {
            mask[4] = 0xF1;
        }
        break;
    case KOMET_ELEMENT_NORMALIZED:
    case KOMET_ELEMENT_SCALED:
        if (!command && row->type != 21) {
            mask[2] = 0xF1;
        }
        break;
    case KOMET_ELEMENT_FLOAT:
        mask[4] = command ? 0xFF : 0xF1;
        break;
    case KOMET_ELEMENT_PROTECTION:
        if (row->type == 17 || row->type == 38) {
            mask[0] = 0xFB;
        } else {
            mask[1] = 0xF8;
        }
        break;
    case KOMET_ELEMENT_NONE:
    case KOMET_ELEMENT_FILE:
    case KOMET_ELEMENT_REGULATING:
    case KOMET_ELEMENT_COUNTER:
        break;
    }
    size_t time_size = row->time == KOMET_TIME_NONE ? 0 : row->time == KOMET_TIME_CP24 ? 3 : 7;
    memcpy(mask + row->element_size - time_size, time_mask, time_size);
}

static void compare(const struct komet_asdu *asdu, const uint8_t *written, size_t size)
{
    uint8_t mask[KOMET_ASDU_SIZE_MAX];
    element_mask(asdu->row, mask);
    size_t ioa_size = asdu->profile->ioa_size;
    check(size == asdu->size);
    size_t header = size - asdu->objects_size;
    check(memcmp(written, asdu->octets, header) == 0);
    for (size_t i = header, in_object = 0; i < size; i++, in_object++) {
        if (in_object == ioa_size + asdu->row->element_size) {
            in_object = asdu->sq ? ioa_size : 0;
        }
        uint8_t keep = in_object < ioa_size ? 0xFF : mask[in_object - ioa_size];
        check(written[i] == (asdu->octets[i] & keep));
    }
}

/* Nothing is reserved in file transfer but in the time tags. */
static void write_file_again(const struct komet_asdu *asdu)
{
    uint8_t octets[KOMET_ASDU_SIZE_MAX];
    struct komet_asdu_writer writer;
    struct komet_asdu_header header = {.type = asdu->type, .sq = asdu->sq, .ca = asdu->ca};
    check(komet_asdu_begin(&writer, asdu->profile, &header, octets, sizeof octets));
    for (unsigned i = 0; i < asdu->count; i++) {
        struct komet_file_object file, again;
        struct komet_asdu written;
        komet_asdu_file(asdu, i, &file);
        check(file.segment_size == 0 || (file.segment >= asdu->objects &&
                                         file.segment + file.segment_size == asdu->octets + asdu->size));
        if (file.ioa >> (8 * asdu->profile->ioa_size) != 0) {
            return; /* SQ = 1 ran out of addresses */
        }
        if (file.segment_size > KOMET_SEGMENT_SIZE_MAX) { /* widths that are narrower than those of 104 */
            return;
        }
        check(komet_asdu_add_file(&writer, &file));
        check(komet_asdu_decode(asdu->profile, octets, komet_asdu_end(&writer), &written) == KOMET_ASDU_OK);
        komet_asdu_file(&written, i, &again);
        check(again.name == file.name && again.section == file.section && again.length == file.length);
        check(again.qualifier == file.qualifier && again.checksum == file.checksum);
        check(again.segment_size == file.segment_size);
        check(memcmp(&again.time, &file.time, sizeof file.time) == 0);
        check(memcmp(&again.stop, &file.stop, sizeof file.stop) == 0);
    }
}

static void write_again(const struct komet_asdu *asdu)
{
    uint8_t octets[KOMET_ASDU_SIZE_MAX];
    struct komet_asdu_writer writer;
    struct komet_asdu_header header = {.type = asdu->type,
                                       .sq = asdu->sq,
                                       .cause = asdu->cause,
                                       .negative = asdu->negative,
                                       .test = asdu->test,
                                       .oa = asdu->oa,
                                       .ca = asdu->ca};
    static struct komet_object objects[127];
    check(komet_asdu_begin(&writer, asdu->profile, &header, octets, sizeof octets));
    komet_asdu_objects(asdu, 0, asdu->count, objects);
    for (unsigned i = 0; i < asdu->count; i++) {
        struct komet_object object;
        komet_asdu_object(asdu, i, &object);
        check(object.ioa == objects[i].ioa && object.octets == objects[i].octets);
        check(object.value.bits == objects[i].value.bits && object.quality == objects[i].quality);
        check(memcmp(&object.time, &objects[i].time, sizeof object.time) == 0);
        (void)komet_object_number(&object);
        (void)komet_object_status_octet(asdu, &object);
        (void)komet_time_tag_plausible(&object.time);
        check(object.octets >= asdu->objects);
        check(object.octets + object.octets_size <= asdu->octets + asdu->size);
        if (object.ioa >> (8 * asdu->profile->ioa_size) != 0) {
            return; /* SQ = 1 ran out of addresses */
        }
        check(komet_asdu_add(&writer, &object));
    }
    compare(asdu, octets, komet_asdu_end(&writer));
}

static void read_asdu(const struct komet_profile *profile, const uint8_t *octets, size_t size)
{
    struct komet_asdu asdu;
    enum komet_asdu_result result = komet_asdu_decode(profile, octets, size, &asdu);
    check(komet_asdu_result_name(result) != NULL);
    if (result == KOMET_ASDU_OK) {
        (void)komet_cause_name(asdu.cause);
        if (asdu.row->element == KOMET_ELEMENT_FILE) {
            write_file_again(&asdu);
        } else {
            write_again(&asdu);
        }
    } else if (result == KOMET_ASDU_UNKNOWN_TYPE) {
        uint8_t copy[KOMET_ASDU_SIZE_MAX];
        memcpy(copy, octets, size);
        komet_asdu_mirror(copy, KOMET_COT_UNKNOWN_TYPE, true);
        check((copy[2] & 0x7F) == 0x6C);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    unsigned choice = *data++;
    size--;
    const struct komet_profile narrow = {.cot_size = (uint8_t)(1 + (choice >> 2) % 2),
                                         .ca_size = (uint8_t)(1 + (choice >> 3) % 2),
                                         .ioa_size = (uint8_t)(1 + (choice >> 4) % 3),
                                         .big_endian_addresses = choice >> 7 != 0};
    const struct komet_profile *profiles[4] = {&komet_profile_104, &komet_profile_104, &komet_profile_sinaut,
                                               &narrow};
    for (;;) {
        struct komet_apdu apdu;
        size_t consumed;
        if (komet_apdu_decode(data, size, choice % 2 != 0, &apdu, &consumed) != KOMET_OK || consumed == 0) {
            return 0;
        }
        check(consumed <= size && consumed <= KOMET_APDU_SIZE_MAX);
        if (apdu.asdu_size > 0) {
            read_asdu(profiles[choice % 4], apdu.asdu, apdu.asdu_size);
        }
        data += consumed;
        size -= consumed;
    }
}
