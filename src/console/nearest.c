/*
 * nearest: see nearest.h. Letters changed, added, left out or swapped with their neighbour count one each.
 */
#include "console/nearest.h"

#include <ctype.h>
#include <string.h>

#include "komet/assert.h"

#define WORD_MAX   48
#define NEIGHBOURS 300 /* tags looked at on either side in the alphabet */

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

static bool same_letter(char a, char b)
{
    return toupper((unsigned char)a) == toupper((unsigned char)b);
}

static unsigned distance(const char *a, const char *b)
{
    unsigned rows[3][WORD_MAX + 1]; /* two rows back are needed for a swap */
    size_t columns = strlen(b);
    KOMET_ASSERT(columns <= WORD_MAX);
    for (unsigned i = 0; i <= columns; i++) {
        rows[0][i] = i;
    }
    unsigned line = 0;
    for (; a[line] != '\0'; line++) {
        const unsigned *above = rows[line % 3], *before = rows[(line + 2) % 3];
        unsigned *row = rows[(line + 1) % 3];
        row[0] = line + 1;
        for (size_t k = 0; k < columns; k++) {
            unsigned change = above[k] + (same_letter(a[line], b[k]) ? 0 : 1);
            row[k + 1] = least(change, least(above[k + 1], row[k]) + 1);
            if (line > 0 && k > 0 && same_letter(a[line], b[k - 1]) && same_letter(a[line - 1], b[k])) {
                row[k + 1] = least(row[k + 1], before[k - 1] + 1);
            }
        }
    }
    return rows[line % 3][columns];
}

void nearest_offer(struct nearest *nearest, const char *candidate)
{
    KOMET_ASSERT(nearest->word != NULL);
    KOMET_ASSERT(candidate != NULL);
    size_t typed = strlen(nearest->word), size = strlen(candidate);
    if (typed == 0 || typed > WORD_MAX || size > WORD_MAX) {
        return;
    }
    unsigned allowed = typed < 6 ? 1 : typed < 9 ? 2 : 3; /* further away it is another word */
    size_t difference = typed > size ? typed - size : size - typed;
    if (difference > allowed) {
        return;
    }
    unsigned found = distance(nearest->word, candidate);
    if (found <= allowed && (nearest->found == NULL || found < nearest->distance)) {
        nearest->found = candidate;
        nearest->distance = found;
    }
}

const char *nearest_tag(const struct site *site, const char *name)
{
    KOMET_ASSERT(site != NULL);
    uint32_t low = 0, high = site->tag_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (name_compare(site->tags_by_name[middle]->name, name) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    struct nearest nearest = {.word = name};
    uint32_t first = low > NEIGHBOURS ? low - NEIGHBOURS : 0;
    uint32_t end = site->tag_count - low > NEIGHBOURS ? low + NEIGHBOURS : site->tag_count;
    for (uint32_t i = first; i < end; i++) {
        nearest_offer(&nearest, site->tags_by_name[i]->name);
    }
    return nearest.found;
}
