/*
 * recode: every ASDU of a capture read to fields, written again from these fields alone, and compared octet
 * for octet. test_recode.py runs it.
 *
 *     recode [--order sinaut] FILE
 *
 * Prints a JSON object a line: what did not come back as it was or could not be read, each with its octets;
 * then a summary. Status 0 when the file could be read, whatever was found in it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "capture/capture.h"
#include "komet/asdu.h"
#include "komet/file.h"

#include "command_line.h"

struct recode {
    const struct komet_profile *profile;
    uint64_t apdus;   /* of all formats */
    uint64_t asdus;   /* that could be read */
    uint64_t objects; /* of these */
    uint64_t same;    /* objects that came back octet for octet, in an ASDU that did */
    uint64_t objects_of_type[256];
};

static void print_member(const char *name, const uint8_t *octets, size_t size)
{
    printf(",\"%s\":", name);
    print_octets(octets, size);
}

/* Appends object `index` of what was read; false when its address has left the octets of an address, or the
 * writer has no room, which an ASDU that decoded never needs. */
static bool write_object(const struct recode *recode, struct komet_asdu_writer *writer,
                         const struct komet_asdu *asdu, unsigned index)
{
    struct komet_object object;
    komet_asdu_object(asdu, index, &object);
    if (object.ioa >> (8 * recode->profile->ioa_size) != 0) {
        return false;
    }
    if (asdu->row->element == KOMET_ELEMENT_FILE) {
        struct komet_file_object file;
        komet_asdu_file(asdu, index, &file);
        return komet_asdu_add_file(writer, &file);
    }
    /* The fields alone: the octets that were borrowed are not to be had. */
    object.octets = NULL;
    object.octets_size = 0;
    return komet_asdu_add(writer, &object);
}

/* The ASDU written anew; its size, 0 when it cannot be. */
static size_t write_again(const struct recode *recode, const struct komet_asdu *asdu, uint8_t *octets)
{
    struct komet_asdu_writer writer;
    const struct komet_asdu_header header = {.type = asdu->type,
                                             .sq = asdu->sq,
                                             .cause = asdu->cause,
                                             .negative = asdu->negative,
                                             .test = asdu->test,
                                             .oa = asdu->oa,
                                             .ca = asdu->ca};
    if (!komet_asdu_begin(&writer, recode->profile, &header, octets, KOMET_ASDU_SIZE_MAX)) {
        return 0;
    }
    for (unsigned i = 0; i < asdu->count; i++) {
        if (!write_object(recode, &writer, asdu, i)) {
            return 0;
        }
    }
    return komet_asdu_end(&writer);
}

static void compare_objects(struct recode *recode, const struct capture_item *item,
                            const struct komet_asdu *asdu, const struct komet_asdu *again)
{
    bool same_address = memcmp(asdu->octets, again->octets, (size_t)(asdu->objects - asdu->octets)) == 0;
    for (unsigned i = 0; i < asdu->count; i++) {
        struct komet_object was, is;
        komet_asdu_object(asdu, i, &was);
        komet_asdu_object(again, i, &is);
        if (same_address && was.ioa == is.ioa && was.octets_size == is.octets_size &&
            memcmp(was.octets, is.octets, was.octets_size) == 0) {
            recode->same++;
            continue;
        }
        printf("{\"kind\":\"differs\",\"packet\":%" PRIu64 ",\"type\":%u,\"ioa\":%" PRIu32, item->packet,
               asdu->type, was.ioa);
        print_member("octets", was.octets, was.octets_size);
        print_member("again", is.octets, is.octets_size);
        printf("}\n");
    }
}

static void take_asdu(struct recode *recode, const struct capture_item *item)
{
    uint8_t octets[KOMET_ASDU_SIZE_MAX];
    struct komet_asdu asdu, again;
    const struct komet_apdu *apdu = &item->apdu;
    enum komet_asdu_result result = komet_asdu_decode(recode->profile, apdu->asdu, apdu->asdu_size, &asdu);
    if (result != KOMET_ASDU_OK) {
        printf("{\"kind\":\"%s\",\"packet\":%" PRIu64, komet_asdu_result_name(result), item->packet);
        print_member("octets", apdu->asdu, apdu->asdu_size);
        printf("}\n");
        return;
    }
    recode->asdus++;
    recode->objects += asdu.count;
    recode->objects_of_type[asdu.type] += asdu.count;
    size_t size = write_again(recode, &asdu, octets);
    if (size == asdu.size && memcmp(octets, asdu.octets, size) == 0) {
        recode->same += asdu.count;
    } else if (komet_asdu_decode(recode->profile, octets, size, &again) == KOMET_ASDU_OK &&
               again.count == asdu.count) {
        compare_objects(recode, item, &asdu, &again);
    } else {
        printf("{\"kind\":\"not-written\",\"packet\":%" PRIu64, item->packet);
        print_member("octets", asdu.octets, asdu.size);
        print_member("again", octets, size);
        printf("}\n");
    }
}

static void take_items(struct recode *recode, struct capture *capture)
{
    struct capture_item item;
    while (capture_next(capture, &item)) {
        if (item.kind != CAPTURE_APDU) {
            static const char *const kinds[] = {
                [CAPTURE_MALFORMED] = "malformed", [CAPTURE_CUT] = "cut", [CAPTURE_GAP] = "gap"};
            printf("{\"kind\":\"%s\",\"packet\":%" PRIu64, kinds[item.kind], item.packet);
            print_member("octets", item.octets, item.size);
            printf("}\n");
            continue;
        }
        recode->apdus++;
        if (item.apdu.format == KOMET_FORMAT_I) {
            take_asdu(recode, &item);
        }
    }
}

static void print_summary(const struct recode *recode)
{
    const char *comma = "";
    printf("{\"kind\":\"summary\",\"apdus\":%" PRIu64 ",\"asdus\":%" PRIu64 ",\"objects\":%" PRIu64
           ",\"same\":%" PRIu64 ",\"types\":{",
           recode->apdus, recode->asdus, recode->objects, recode->same);
    for (unsigned type = 0; type < 256; type++) {
        if (recode->objects_of_type[type] > 0) {
            printf("%s\"%u\":%" PRIu64, comma, type, recode->objects_of_type[type]);
            comma = ",";
        }
    }
    printf("}}\n");
}

static bool read_file(struct recode *recode, struct capture *capture, FILE *file)
{
    static uint8_t octets[65536];
    size_t size;
    while ((size = fread(octets, 1, sizeof octets, file)) > 0) {
        for (size_t at = 0; at < size;) {
            at += capture_feed(capture, octets + at, size - at);
            take_items(recode, capture);
        }
    }
    capture_end(capture);
    take_items(recode, capture);
    return !ferror(file) && capture_fault(capture) == PACKET_FILE_OK;
}

int main(int argc, char **argv)
{
    static struct recode recode;
    const struct capture_settings settings = capture_settings_standard();
    recode.profile = read_order(argc, argv, 1);
    if (recode.profile == NULL) {
        fputs("usage: recode [--order sinaut] FILE\n", stderr);
        return 2;
    }
    FILE *file = fopen(argv[argc - 1], "rb");
    void *memory = malloc(capture_size(&settings));
    if (file == NULL || memory == NULL) {
        perror(argv[argc - 1]);
        return 1;
    }
    struct capture *capture = capture_init(memory, capture_size(&settings), &settings);
    bool whole = read_file(&recode, capture, file);
    print_summary(&recode);
    fclose(file);
    free(memory);
    return whole ? 0 : 1;
}
