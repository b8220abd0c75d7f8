/*
 * Prints doc/quality.md: what the table of quality octets (src/model/quality.h) says of each type, both ways.
 */
#include "model/quality.h"

#include <stdio.h>
#include <string.h>

static const char *const head =
    "# Flags and quality, type by type\n"
    "\n"
    "Made by `test/conformance/quality.c` from the table by which values get their flags and status; `./dev "
    "test` "
    "fails when\n"
    "this page is another. Flags A to H of a value are bits 0 to 7 of the octet of its type, as received; a "
    "dash "
    "is a reserved\n"
    "bit, 0 in what is sent. IV makes a value Invalid, and what stands under Weak makes it Weak; a time tag "
    "that "
    "says of itself that\n"
    "it is invalid makes it Weak, too. `NF` leaves flags away and takes every value as Valid.\n"
    "\n"
    "What is sent gets these bits from the flags of the value, save those that the value itself sets (in "
    "brackets), and IV from\n"
    "an Invalid one. `Ignore Flagged` looks at what the bits mean: its letters do nothing where the type has "
    "no "
    "such bit or\n"
    "the bit is part of a value.\n"
    "\n";

static const char *const iccp = "\n"
                                "## ICCP flags mapping\n"
                                "\n"
                                "With `ICCP` flags A to H are these instead, our own choice, since the table "
                                "of Sinaut Spectrum is not public. "
                                "The status of a\n"
                                "value is as above.\n"
                                "\n"
                                "| Flags | Meaning | From | To, in what is sent |\n"
                                "|---|---|---|---|\n"
                                "| neither A nor B | valid | no bit of those below | |\n"
                                "| B | held | NT, BL | NT |\n"
                                "| A | suspect | OV; CY, CA of a counter | OV; CA of a counter |\n"
                                "| A and B | not valid | IV | IV |\n"
                                "| C | entered | SB | SB |\n"
                                "| F | the time is invalid | IV of the time tag | |\n";

static void print_letters(unsigned bits)
{
    for (unsigned i = 0; i < 8; i++) {
        if ((bits >> i & 1u) != 0) {
            putchar((int)('A' + i));
        }
    }
}

static void print_names(const struct quality_row *row, unsigned bits)
{
    const char *between = "";
    for (unsigned i = 0; i < 8; i++) {
        if ((bits >> i & 1u) != 0) {
            printf("%s%s", between, row->bits[i]);
            between = " ";
        }
    }
}

static void print_type(const struct komet_type_row *type, const struct quality_row *row)
{
    printf("| %u %s | %s |", type->type, type->name, row->name);
    for (unsigned i = 0; i < 8; i++) {
        bool of_value = (row->of_value >> i & 1u) != 0;
        const char *name = row->bits[i] != NULL ? row->bits[i] : row->name[0] != '\0' ? "–" : "";
        printf(of_value ? " (%s) |" : " %s |", name);
    }
    putchar(' ');
    for (unsigned i = 0; i < 8 && row->above[i] != NULL; i++) {
        printf("%s%c %s", i > 0 ? ", " : "", (char)('I' + i), row->above[i]);
    }
    fputs(" | ", stdout);
    print_names(row, row->weak);
    fputs(" | ", stdout);
    print_letters(row->ignorable);
    puts(" |");
}

static void print_direction(const char *title, enum komet_direction direction)
{
    size_t count;
    const struct komet_type_row *types = komet_type_table(&count);
    printf("## %s\n\n", title);
    puts("| Type | Octet | A | B | C | D | E | F | G | H | I to P | Weak | Ignore Flagged |");
    puts("|---|---|---|---|---|---|---|---|---|---|---|---|---|");
    for (size_t i = 0; i < count; i++) {
        enum quality_octet octet = quality_octet_of(types[i].type);
        if (types[i].direction == direction && octet != QUALITY_OCTET_COUNT) {
            print_type(&types[i], quality_row(octet));
        }
    }
}

int main(void)
{
    fputs(head, stdout);
    print_direction("Values", KOMET_MONITOR);
    putchar('\n');
    print_direction("Commands", KOMET_CONTROL);
    fputs(iccp, stdout);
    return 0;
}
