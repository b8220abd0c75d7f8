/*
 * tell_text: see tell_text.h.
 */
#include "program/tell_text.h"

#include <stdarg.h>
#include <stdbool.h>

#define SENTENCE_SIZE 4096

/* How many octets follow the first of a character of UTF-8; -1: it is no first octet. */
static int following(uint8_t first)
{
    if (first < 0x80) {
        return 0;
    }
    if (first >= 0xC2 && first < 0xE0) {
        return 1;
    }
    if (first >= 0xE0 && first < 0xF0) {
        return 2;
    }
    return first >= 0xF0 && first < 0xF5 ? 3 : -1;
}

size_t tell_text_character(const char *text, uint32_t *character)
{
    static const uint32_t smallest[4] = {0, 0x80, 0x800, 0x10000};
    uint8_t first = (uint8_t)text[0];
    int more = following(first);
    if (more < 0) {
        return 0;
    }
    uint32_t value = more == 0 ? first : first & (0x3Fu >> more);
    for (int i = 1; i <= more; i++) {
        uint8_t octet = (uint8_t)text[i];
        if ((octet & 0xC0) != 0x80) {
            return 0;
        }
        value = value << 6 | (octet & 0x3Fu);
    }
    if (value < smallest[more] || value > 0x10FFFF || (value >= 0xD800 && value < 0xE000)) {
        return 0;
    }
    *character = value;
    return (size_t)more + 1;
}

static bool is_harmful(uint32_t character)
{
    return character < 0x20 || (character >= 0x7F && character < 0xA0) ||
           (character >= 0x2028 && character <= 0x202E) || (character >= 0x2066 && character <= 0x2069) ||
           character == 0x200E || character == 0x200F || character == 0x061C;
}

static void put_shown(FILE *out, uint32_t character)
{
    switch (character) {
    case '\n':
        fputs("\\n", out);
        break;
    case '\r':
        fputs("\\r", out);
        break;
    case '\t':
        fputs("\\t", out);
        break;
    default:
        fprintf(out, character < 0x80 ? "\\x%02x" : "\\u%04x", (unsigned)character);
    }
}

/* Writes as much of `text` as is harmless, and returns where it stopped: at the end, or at a character of
 * *size octets that is to be shown; *size 0: at an octet that is not UTF-8. */
static const char *put_harmless(FILE *out, const char *text, uint32_t *character, size_t *size)
{
    const char *at = text;
    *size = 0;
    while (*at != '\0') {
        *size = tell_text_character(at, character);
        if (*size == 0 || is_harmful(*character)) {
            break;
        }
        at += *size;
    }
    fwrite(text, 1, (size_t)(at - text), out);
    return at;
}

void tell_text_put(FILE *out, const char *text)
{
    uint32_t character;
    size_t size;
    while (*(text = put_harmless(out, text, &character, &size)) != '\0') {
        if (size == 0) {
            fprintf(out, "\\x%02x", (unsigned)(uint8_t)*text);
        } else {
            put_shown(out, character);
        }
        text += size > 0 ? size : 1;
    }
}

void tell_text_put_json(FILE *out, const char *json)
{
    uint32_t character;
    size_t size;
    while (*(json = put_harmless(out, json, &character, &size)) != '\0') {
        if (size == 0) {
            fputs("\\ufffd", out);
        } else if (character == '\n' || character == '\r' || character == '\t') {
            fputc(' ', out); /* valid JSON has them between its pieces only */
        } else {
            fprintf(out, "\\u%04x", (unsigned)character);
        }
        json += size > 0 ? size : 1;
    }
}

size_t tell_text_width(const char *text)
{
    size_t width = 0;
    for (; *text != '\0'; text++) {
        width += ((uint8_t)*text & 0xC0) != 0x80;
    }
    return width;
}

void tell_text_complain(const char *format, ...)
{
    char sentence[SENTENCE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    fputs("komet tell: ", stderr);
    tell_text_put(stderr, sentence);
    fputc('\n', stderr);
}
