/*
 * ASDUs in a timeline, in words: header fields by name, objects as octets.
 *
 *     C_SC_NA_1 cause 6 oa 7 ca 1 ioa 5000 81
 *     M_SP_NA_1 cause 20 ca 1 ioa 100 01 ioa 103 00
 *     M_ME_NB_1 cause 20 ca 1 sq ioa 200 01 00 00 02 00 00
 *     C_IC_NA_1 cause 7 negative test ca 65535 ioa 0 14
 *     type 200 count 1 cause 6 ca 1 ioa 0 01 02           a type that is not in the table
 *     octets 64 01 06 …                                   all of it, as it is
 *
 * `cause` 0, `oa` 0, `ca` 1 when not given; the number of objects is counted, unless `count` gives it.
 */
#ifndef TIMELINE_ASDU_WORDS_H
#define TIMELINE_ASDU_WORDS_H

#include "komet/asdu.h"

#include "script.h"

enum { ASDU_WORDS_TEXT_SIZE = 1200 };

/* Reads the rest of the line into `octets` of KOMET_ASDU_SIZE_MAX; returns the size. */
size_t script_asdu(struct script *script, const struct komet_profile *profile, uint8_t *octets);

/* An ASDU in the same words, so that what happened can be compared and read. `text` has ASDU_WORDS_TEXT_SIZE.
 */
void asdu_text(char *text, const struct komet_profile *profile, const uint8_t *octets, size_t size);

#endif
