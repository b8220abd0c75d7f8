/*
 * kom_options: see kom_options.h.
 *
 * D2000's options are letters with their value behind them, after / or - (reference 4.1): /WSELF,1 /SHOST
 * /RDGROUP /DBSH. Komet's own -W and -S take the value also as the next word, the others are long options.
 */
#include "program/kom_options.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "role/instances.h"

struct words {
    char **next; /* NULL ends them */
    bool keep;   /* /KX */
    bool size;   /* /KA, --buffer-size */
};

static bool fail(char *fault, const char *what, const char *word)
{
    snprintf(fault, KOM_OPTIONS_FAULT_SIZE, "%s%.80s", what, word);
    return false;
}

/* "SELF.KOM,1", "SELF,1", "SELF.KOM": names without a dot are those of processes, "SELF.KOM". */
static bool read_name(struct kom_options *options, const char *text, char *fault)
{
    const char *comma = strchr(text, ',');
    size_t size = comma != NULL ? (size_t)(comma - text) : strlen(text);
    bool short_name = memchr(text, '.', size) == NULL;
    if (size < 1 || size + 5 > sizeof options->process) {
        return fail(fault, "-W takes the process and the instance, such as SELF.KOM,1, not ", text);
    }
    snprintf(options->process, sizeof options->process, "%.*s%s", (int)size, text, short_name ? ".KOM" : "");
    for (char *at = options->process; *at != '\0'; at++) {
        *at = (char)toupper((unsigned char)*at);
    }
    options->instance = 0; /* of a name given before */
    if (comma == NULL) {
        return true;
    }
    char *end;
    unsigned long number = strtoul(comma + 1, &end, 10);
    if (!isdigit((unsigned char)comma[1]) || *end != '\0' || number < 1 || number > ROLE_INSTANCE_MAX) {
        return fail(fault, "instances have the numbers 1 to 15; right would be -W SELF.KOM,1, not ", text);
    }
    options->instance = (uint8_t)number;
    return true;
}

static bool read_servers(struct kom_options *options, const char *text, char *fault)
{
    char why[200];
    if (!endpoints_parse(text, ENDPOINT_PORT, &options->servers, why)) {
        snprintf(fault, KOM_OPTIONS_FAULT_SIZE, "-S: %s", why);
        return false;
    }
    return true;
}

/* The value of `option`: behind it in the word, or the next word. NULL: there is none, which was said. */
static const char *value_of(struct words *words, const char *option, const char *rest, char *fault)
{
    if (rest[0] != '\0') {
        return rest[0] == '=' ? rest + 1 : rest;
    }
    if (*words->next == NULL) {
        fail(fault, "a value is missing behind ", option);
        return NULL;
    }
    return *words->next++;
}

/* A word "--NAME" or "--NAME=VALUE": what stands behind the name, or NULL when it is another option. */
static const char *behind(const char *word, const char *name)
{
    size_t size = strlen(name);
    return strncmp(word, name, size) == 0 && (word[size] == '\0' || word[size] == '=') ? word + size : NULL;
}

static bool read_trace_memory(struct kom_options *options, const char *text, char *fault)
{
    char *end;
    unsigned long mebibytes = text != NULL ? strtoul(text, &end, 10) : 0;
    if (text == NULL) {
        return false; /* which was said */
    }
    if (!isdigit((unsigned char)text[0]) || *end != '\0' || mebibytes > KOM_TRACE_MIB_MAX) {
        return fail(fault, "--trace-memory takes MiB, from 0 (none) to 4096, not ", text);
    }
    options->trace_memory = (size_t)mebibytes << 20;
    return true;
}

static bool read_buffer_size(struct kom_options *options, struct words *words, const char *text, char *fault)
{
    char *end;
    unsigned long mebibytes = text != NULL ? strtoul(text, &end, 10) : 0;
    if (text == NULL) {
        return false; /* which was said */
    }
    if (!isdigit((unsigned char)text[0]) || *end != '\0' || mebibytes < 1 || mebibytes > KOM_BUFFER_MIB_MAX) {
        return fail(fault, "--buffer-size (/KA) takes MiB, from 1 to 400, not ", text);
    }
    options->buffer_mib = (unsigned)mebibytes;
    words->size = true;
    return true;
}

/* D2000's KOM archive: /KX keep working without a server, /KA100 so many MiB, /KCDIR where. */
static bool read_archive(struct kom_options *options, struct words *words, const char *word, char *fault)
{
    const char *rest = word + 3;
    switch (word[2]) {
    case 'X':
        words->keep = true;
        return rest[0] == '\0' || fail(fault, "this option is not known: ", word);
    case 'A':
        return read_buffer_size(options, words, rest, fault);
    case 'C':
        options->buffer = rest;
        return rest[0] != '\0' || fail(fault, "the folder stands right behind /KC: ", word);
    default:
        return fail(fault, "this option is not known: ", word);
    }
}

static bool read_long(struct kom_options *options, struct words *words, const char *word, char *fault)
{
    const char *rest;
    if (strcmp(word, "--help") == 0) {
        options->help = true;
    } else if (strcmp(word, "--version") == 0) {
        options->version = true;
    } else if (strcmp(word, "--stay") == 0) {
        options->stay = true;
    } else if (strcmp(word, "--close-serial-when-passive") == 0) {
        options->close_serial = true;
    } else if ((rest = behind(word, "--trace-memory")) != NULL) {
        return read_trace_memory(options, value_of(words, "--trace-memory", rest, fault), fault);
    } else if ((rest = behind(word, "--buffer-size")) != NULL) {
        return read_buffer_size(options, words, value_of(words, "--buffer-size", rest, fault), fault);
    } else if ((rest = behind(word, "--buffer")) != NULL) {
        words->keep = true;
        return (options->buffer = value_of(words, "--buffer", rest, fault)) != NULL;
    } else if ((rest = behind(word, "--group")) != NULL) {
        return (options->group = value_of(words, "--group", rest, fault)) != NULL;
    } else if ((rest = behind(word, "--tls")) != NULL) {
        return (options->tls = value_of(words, "--tls", rest, fault)) != NULL;
    } else if ((rest = behind(word, "--site")) != NULL) {
        return (options->site = value_of(words, "--site", rest, fault)) != NULL;
    } else {
        return fail(fault, "this option is not known: ", word);
    }
    return true;
}

static bool read_short(struct kom_options *options, struct words *words, const char *word, char *fault)
{
    const char *value;
    const char *rest = word + 2;
    switch (word[1]) {
    case 'W':
    case 'w':
        value = value_of(words, "-W", rest, fault);
        return value != NULL && read_name(options, value, fault);
    case 'S':
    case 's':
        value = value_of(words, "-S", rest, fault);
        return value != NULL && read_servers(options, value, fault);
    case 'R':
        if (word[2] == 'D' && word[3] != '\0') {
            options->group = word + 3;
            return true;
        }
        return fail(fault, "the group stands right behind /RD, as in /RDMYGRP: ", word);
    case 'D':
        if (strcmp(word + 1, "DBSH") == 0) {
            options->close_serial = true;
            return true;
        }
        break;
    case 'K':
        return read_archive(options, words, word, fault);
    default:
        break;
    }
    return fail(fault, "this option is not known: ", word);
}

static bool check_buffer(const struct kom_options *options, const struct words *words, char *fault)
{
    if (words->keep && options->buffer == NULL) {
        return fail(fault, "/KX needs a folder for its buffer: --buffer DIR, or /KCDIR", "");
    }
    if (!words->keep && (words->size || options->buffer != NULL)) {
        return fail(fault, "/KA and /KC go with /KX; --buffer-size goes with --buffer DIR", "");
    }
    return true;
}

static bool check(struct kom_options *options, char *fault)
{
    if (options->process[0] == '\0') {
        return fail(fault, "-W PROCESS[,INSTANCE] is missing", "");
    }
    if (options->servers.count > 0 && options->group != NULL) {
        return fail(fault, "-S names servers, --group a group of them: give one of the two", "");
    }
    if (options->stay && options->servers.count == 0) {
        return fail(fault, "--stay goes with -S: it stays with one of the servers named there", "");
    }
    if (options->group != NULL && options->site == NULL) {
        return fail(fault, "--site DIR is missing: the addresses of the group's servers are in its site.yaml",
                    "");
    }
    /* Neither: the server of the same computer, as in D2000. */
    return options->servers.count > 0 || options->group != NULL || read_servers(options, "127.0.0.1", fault);
}

bool kom_options_read(struct kom_options *options, int argc, char **argv, char *fault)
{
    struct words words = {.next = argv + (argc > 0 ? 1 : 0)};
    *options =
        (struct kom_options){.trace_memory = (size_t)KOM_TRACE_MIB << 20, .buffer_mib = KOM_BUFFER_MIB};
    while (*words.next != NULL) {
        const char *word = *words.next++;
        bool dashes = word[0] == '-' && word[1] == '-';
        bool option = (word[0] == '-' || word[0] == '/') && word[1] != '\0';
        if (!option) {
            return fail(fault, "what is this for? ", word);
        }
        if (!(dashes ? read_long(options, &words, word, fault) : read_short(options, &words, word, fault))) {
            return false;
        }
        if (options->help || options->version) {
            return true;
        }
    }
    return check_buffer(options, &words, fault) && check(options, fault);
}
