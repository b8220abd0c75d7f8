/*
 * decoder: octets of a 104 connection as text.
 *
 *     decoder 68 04 07 00 00 00        hexadecimal, in one argument or in several
 *     decoder < octets                 as they are, from standard input
 *
 * One direction of a connection, from the beginning of a frame on. Decoding keeps no state: this is all it
 * takes.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include <komet/komet.h>

static void print_object(const struct komet_object *object)
{
    printf("    ioa %u", (unsigned)object->ioa);
    if (object->element != KOMET_ELEMENT_NONE) {
        printf("  value %g", komet_object_number(object));
    }
    printf("  quality 0x%02x  qualifier %u%s", (unsigned)object->quality, (unsigned)object->qualifier,
           object->select ? "  select" : "");
    if (object->time_size != KOMET_TIME_NONE) {
        const struct komet_time_tag *t = &object->time;
        if (object->time_size == KOMET_TIME_CP56) {
            printf("  20%02u-%02u-%02u %02u", (unsigned)t->year, (unsigned)t->month, (unsigned)t->day,
                   (unsigned)t->hour);
        }
        printf(":%02u:%02u.%03u%s", (unsigned)t->minute, t->milliseconds / 1000U, t->milliseconds % 1000U,
               t->invalid ? " (invalid)" : "");
    }
    printf("\n");
}

static void print_asdu(const uint8_t *octets, size_t size)
{
    struct komet_asdu asdu;
    enum komet_asdu_result result = komet_asdu_decode(&komet_profile_104, octets, size, &asdu);
    if (result != KOMET_ASDU_OK) {
        printf("  ASDU that cannot be read: %s\n", komet_asdu_result_name(result));
        return;
    }
    printf("  %s (%s) %s%s%s oa %u ca %u\n", asdu.row->name, asdu.row->title, komet_cause_name(asdu.cause),
           asdu.negative ? " negative" : "", asdu.test ? " test" : "", (unsigned)asdu.oa, (unsigned)asdu.ca);
    for (unsigned i = 0; i < asdu.count; i++) {
        struct komet_object object;
        komet_asdu_object(&asdu, i, &object);
        print_object(&object);
    }
}

static void print_apdu(const struct komet_apdu *apdu)
{
    switch (apdu->format) {
    case KOMET_FORMAT_U:
        printf("U %s\n", komet_u_function_name(apdu->function));
        return;
    case KOMET_FORMAT_S:
        printf("S nr %u\n", (unsigned)apdu->nr);
        return;
    case KOMET_FORMAT_I:
        printf("I ns %u nr %u\n", (unsigned)apdu->ns, (unsigned)apdu->nr);
        print_asdu(apdu->asdu, apdu->asdu_size);
        return;
    }
}

/* Prints the frames at the beginning of `octets`; *taken says how many octets they were. */
static enum komet_reason print_frames(const uint8_t *octets, size_t size, size_t *taken)
{
    *taken = 0;
    for (;;) {
        struct komet_apdu apdu;
        size_t consumed;
        enum komet_reason reason = komet_apdu_decode(octets + *taken, size - *taken, false, &apdu, &consumed);
        if (reason != KOMET_OK || consumed == 0) { /* 0: the rest of this frame is still to come */
            return reason;
        }
        print_apdu(&apdu);
        *taken += consumed;
    }
}

/* Hexadecimal digits to octets; spaces do not count. False: something else is among them. */
static bool read_hexadecimal(char **words, uint8_t *octets, size_t capacity, size_t *size)
{
    unsigned digits = 0;
    for (; *words != NULL; words++) {
        for (const char *c = *words; *c != '\0'; c++) {
            char digit[2] = {*c, '\0'};
            if (isspace((unsigned char)*c)) {
                continue;
            }
            if (!isxdigit((unsigned char)*c) || digits / 2 == capacity) {
                return false;
            }
            octets[digits / 2] = (uint8_t)(octets[digits / 2] * 16U + strtoul(digit, NULL, 16));
            digits++;
        }
    }
    *size = digits / 2;
    return digits % 2 == 0;
}

int main(int argc, char **argv)
{
    static uint8_t octets[65536];
    size_t size = 0, taken = 0;
    enum komet_reason reason = KOMET_OK;
    if (argc > 1 && !read_hexadecimal(argv + 1, octets, sizeof octets, &size)) {
        fprintf(stderr,
                "usage: decoder [OCTETS]: pairs of hexadecimal digits; without them standard input\n");
        return 2;
    }
    if (argc > 1) {
        reason = print_frames(octets, size, &taken);
    }
    for (size_t more = 1; argc == 1 && more > 0 && reason == KOMET_OK;) {
        more = fread(octets + size, 1, sizeof octets - size, stdin);
        size += more;
        reason = print_frames(octets, size, &taken);
        for (size_t i = taken; i < size; i++) { /* the beginning of a frame stays for the next read */
            octets[i - taken] = octets[i];
        }
        size -= taken;
        taken = 0;
    }
    if (reason != KOMET_OK) {
        printf("%s\n", komet_reason_sentence(reason));
    } else if (taken < size) {
        printf("%zu octets of a frame whose end is missing\n", size - taken);
    }
    return reason != KOMET_OK || taken < size ? 1 : 0;
}
