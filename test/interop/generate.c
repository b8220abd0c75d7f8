/*
 * generate: ASDUs of every type that the standard has, written with the library, and what was meant by each
 * field: for decoders that others wrote. test_agree.py runs it.
 *
 *     generate [--order sinaut]
 *
 * Prints a JSON object a line: the octets of an I format, what its header says, and its objects as whole
 * numbers (content.h). It is the same at each run. Of each type:
 *
 *     64 ASDUs of one object, each with another cause of transmission;
 *     ASDUs filled with objects of any addresses, where the type may have more than one;
 *     the same as sequences of successive addresses (SQ = 1), where it may be one.
 */
#include <stdio.h>

#include "komet/apdu.h"
#include "komet/assert.h"

#include "command_line.h"
#include "content.h"
#include "support.h"

enum { CAUSES = 64, OBJECTS_MAX = 127, IOA_MAX = 0xFFFFFF };

struct generate {
    const struct komet_profile *profile;
    struct test_random random;
    uint16_t ns;
    uint8_t apdu[KOMET_APDU_SIZE_MAX];
};

/* The ends of the range often, anything else often. */
static uint32_t random_up_to(struct test_random *random, uint32_t max)
{
    switch (test_random_below(random, 8)) {
    case 0:
        return 0;
    case 1:
        return max;
    case 2: /* an octet that is full below one that is not */
        return max & 0xFF;
    default:
        return test_random_below(random, max) + test_random_below(random, 2);
    }
}

static void print_object(const struct content *content, const struct meant *meant)
{
    printf("{\"ioa\":%u", (unsigned)meant->ioa);
    for (unsigned f = 0; f < FIELD_COUNT; f++) {
        if (content_has(content, f) && f != SEGMENT) {
            printf(",\"%s\":%lld", content_field_name(f), (long long)meant->of[f]);
        }
    }
    if (content_has(content, SEGMENT)) {
        printf(",\"segment\":");
        print_octets(meant->segment, (size_t)meant->of[SEGMENT]);
    }
    printf("}");
}

static void print_asdu(struct generate *generate, const struct content *content,
                       const struct komet_asdu_header *header, struct komet_asdu_writer *writer,
                       const struct meant *objects, unsigned count)
{
    const size_t size = komet_asdu_end(writer);
    komet_apdu_encode_i(generate->apdu, generate->ns, 0, size);
    generate->ns = (uint16_t)((generate->ns + 1) % KOMET_SEQUENCE_MODULUS);
    printf("{\"octets\":");
    print_octets(generate->apdu, KOMET_APDU_HEADER_SIZE + size);
    printf(",\"type\":%u,\"sq\":%d,\"cot\":%u,\"negative\":%d,\"test\":%d,\"oa\":%u,\"ca\":%u,\"objects\":[",
           header->type, header->sq, header->cause, header->negative, header->test, header->oa, header->ca);
    for (unsigned i = 0; i < count; i++) {
        printf("%s", i > 0 ? "," : "");
        print_object(content, &objects[i]);
    }
    printf("]}\n");
}

/* Writes one ASDU with the objects from number `first` on, until it is full or has `count`. Returns how many
 * it has. */
static unsigned write_asdu(struct generate *generate, const struct content *content, bool sequence,
                           unsigned first, unsigned count)
{
    static struct meant objects[OBJECTS_MAX + 1];
    struct test_random *random = &generate->random;
    struct komet_asdu_writer writer;
    const unsigned cause = first % CAUSES;
    const struct komet_asdu_header header = {
        .type = content->type,
        .sq = sequence,
        .cause = (uint8_t)cause,
        .negative = (cause + content->type) % 2 != 0, /* each of the four bits of P/N and T with each cause */
        .test = (cause + content->type) / 2 % 2 != 0,
        .oa = (uint8_t)random_up_to(random, 0xFF),
        .ca = (uint16_t)random_up_to(random, 0xFFFF)};
    const uint32_t base = sequence ? random_up_to(random, IOA_MAX - OBJECTS_MAX) : 0;
    unsigned used = 0;

    KOMET_ASSERT(komet_asdu_begin(&writer, generate->profile, &header,
                                  generate->apdu + KOMET_APDU_HEADER_SIZE, KOMET_ASDU_SIZE_MAX));
    for (bool room = true; room && used < count; used += room) {
        KOMET_ASSERT(used <= OBJECTS_MAX);
        content_choose(content, first + used, test_random_next(random), &objects[used]);
        objects[used].ioa = sequence ? base + used : random_up_to(random, IOA_MAX);
        room = content_add(&writer, content, &objects[used]);
    }
    print_asdu(generate, content, &header, &writer, objects, used);
    return used;
}

static void write_type(struct generate *generate, const struct content *content)
{
    KOMET_ASSERT(content_ends(content) <= CAUSES);
    for (unsigned i = 0; i < CAUSES; i++) {
        write_asdu(generate, content, false, i, 1);
    }
    for (unsigned i = 0; content->many && i < CAUSES;) {
        i += write_asdu(generate, content, false, i, OBJECTS_MAX + 1);
    }
    for (unsigned i = 0; content->sequence && i < CAUSES;) {
        i += write_asdu(generate, content, true, i, OBJECTS_MAX + 1);
    }
}

int main(int argc, char **argv)
{
    struct generate generate = {.profile = read_order(argc, argv, 0)};
    if (generate.profile == NULL) {
        fputs("usage: generate [--order sinaut]\n", stderr);
        return 2;
    }
    for (unsigned i = 0; i < content_count; i++) {
        generate.random.state = contents[i].type; /* so that one type's content does not move another's */
        write_type(&generate, &contents[i]);
    }
    return fflush(stdout) == 0 && !ferror(stdout) ? 0 : 1;
}
