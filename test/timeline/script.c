/*
 * script: the lines of a timeline read word by word, with messages that say file and line.
 */
#include "script.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Noreturn void script_fail(const struct script *script, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fflush(stdout);
    fprintf(stderr, "%s:%zu: ", script->path, script->line + 1);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(1);
}

static void *checked(void *memory)
{
    if (memory == NULL) {
        fputs("out of memory\n", stderr);
        exit(1);
    }
    return memory;
}

void script_open(struct script *script, const char *path)
{
    *script = (struct script){.path = path};
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        fprintf(stderr, "%s: cannot be read: %s\n", path, strerror(errno));
        exit(1);
    }
    char *line = NULL;
    size_t capacity = 0;
    while (getline(&line, &capacity, file) >= 0) {
        line[strcspn(line, "#\r\n")] = '\0';
        script->lines = checked(realloc(script->lines, (script->line_count + 1) * sizeof *script->lines));
        script->lines[script->line_count++] = checked(strdup(line));
    }
    free(line);
    fclose(file);
}

void script_close(struct script *script)
{
    for (size_t i = 0; i < script->line_count; i++) {
        free(script->lines[i]);
    }
    free(script->lines);
    free(script->word_text);
}

bool script_read_line(struct script *script, size_t line)
{
    script->line = line;
    script->next_word = 0;
    script->word_count = 0;
    free(script->word_text);
    script->word_text = checked(strdup(script->lines[line]));
    char *rest = script->word_text;
    for (char *word; (word = strtok_r(rest, " \t", &rest)) != NULL;) {
        if (script->word_count == SCRIPT_WORDS_MAX) {
            script_fail(script, "more than %d words in a line", SCRIPT_WORDS_MAX);
        }
        script->words[script->word_count++] = word;
    }
    return script->word_count > 0;
}

const char *script_peek(const struct script *script)
{
    return script->next_word < script->word_count ? script->words[script->next_word] : NULL;
}

const char *script_word(struct script *script)
{
    const char *word = script_peek(script);
    script->next_word += word != NULL;
    return word;
}

bool script_take(struct script *script, const char *word)
{
    const char *next = script_peek(script);
    if (next == NULL || strcmp(next, word) != 0) {
        return false;
    }
    script->next_word++;
    return true;
}

uint64_t script_number(struct script *script, uint64_t max)
{
    const char *word = script_word(script);
    char *end = NULL;
    if (word == NULL) {
        script_fail(script, "a number from 0 to %llu is missing at the end", (unsigned long long)max);
    }
    errno = 0;
    unsigned long long number = strtoull(word, &end, 10);
    if (errno != 0 || *end != '\0' || word[0] < '0' || word[0] > '9' || number > max) {
        script_fail(script, "'%s' is not a number from 0 to %llu", word, (unsigned long long)max);
    }
    return number;
}

int64_t script_duration(struct script *script)
{
    static const struct {
        const char *name;
        int64_t us;
    } units[] = {{"us", 1}, {"ms", 1000}, {"s", 1000000}, {"min", 60000000}, {"h", 3600000000}};
    int64_t number = (int64_t)script_number(script, 1000000000);
    const char *unit = script_word(script);
    for (size_t i = 0; unit != NULL && i < sizeof units / sizeof units[0]; i++) {
        if (strcmp(unit, units[i].name) == 0) {
            return number * units[i].us;
        }
    }
    script_fail(script, "'%s' is no unit of time: us, ms, s, min and h are", unit != NULL ? unit : "");
}

size_t script_octets(struct script *script, uint8_t *octets, size_t capacity)
{
    size_t size = 0;
    for (const char *word; (word = script_word(script)) != NULL;) {
        char *end = NULL;
        unsigned long octet = strtoul(word, &end, 16);
        if (strlen(word) != 2 || *end != '\0') {
            script_fail(script, "'%s' is not an octet of two hexadecimal digits", word);
        }
        if (size == capacity) {
            script_fail(script, "more than %zu octets", capacity);
        }
        octets[size++] = (uint8_t)octet;
    }
    return size;
}

void script_end_of_line(struct script *script)
{
    const char *word = script_peek(script);
    if (word != NULL) {
        script_fail(script, "'%s' is not understood here: the line should end before it", word);
    }
}
