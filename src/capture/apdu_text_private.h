/* What the two forms of the text of an APDU share: quality names, calendar times, sentences of errors. */
#ifndef KOMET_CAPTURE_APDU_TEXT_PRIVATE_H
#define KOMET_CAPTURE_APDU_TEXT_PRIVATE_H

#include <stdbool.h>

#include "capture/apdu_text.h"
#include "capture/text_writer.h"

/* The names of the quality bits that are set, each between `quote`s, with `separator` between them. */
void apdu_text_quality(struct text_writer *text, const struct komet_object *object, const char *quote,
                       const char *separator);

/* True when the type's objects can have a qualifier; false when the octet means nothing. */
bool apdu_text_has_qualifier(const struct komet_asdu *asdu);

/* True when the type's objects have the select/execute bit. */
bool apdu_text_has_select(const struct komet_asdu *asdu);

/* What an object of file transfer carries: as members of its JSON object behind the others, or as words of
 * the line. */
void apdu_text_file_json(struct text_writer *text, const struct komet_asdu *asdu, unsigned index,
                         struct komet_utc about);
void apdu_text_file_line(struct text_writer *text, const struct komet_asdu *asdu, unsigned index,
                         struct komet_utc about);

/* An object's time tag: its fields as they stand. `about` chooses the century. */
void apdu_text_tag(struct text_writer *text, const struct komet_object *object, struct komet_utc about);

/* What a time tag says beside its time, as members of the JSON object that has it. In front of their names:
 * `of_the_tag` for invalid, substituted and implausible, `of_the_calendar` for summer_time and day_of_week.
 */
void apdu_text_tag_flags(struct text_writer *text, const struct komet_time_tag *tag,
                         enum komet_time_size size, const char *of_the_tag, const char *of_the_calendar);

/* "2024-05-01T12:00:00.123Z", with `microseconds` (0..999) behind it unless negative. The time is known. */
void apdu_text_utc(struct text_writer *text, struct komet_utc time, int microseconds);

/* What is wrong with an ASDU and what would be right. Static storage. */
const char *apdu_text_asdu_sentence(enum komet_asdu_result result);

/* True when the header fields of an ASDU with this result are valid. */
bool apdu_text_has_header(enum komet_asdu_result result);

#endif
