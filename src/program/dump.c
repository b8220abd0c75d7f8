/*
 * komet dump FILE|- [--order standard|sinaut] [--json] [--port N]
 *
 * Reads a capture file in pieces, so that it also works behind a pipe from a running capture, and prints one
 * line (or one JSON object) an APDU. All understanding is in src/capture; here are the options and the files.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture/apdu_text.h"
#include "capture/capture.h"
#include "program/programs.h"
#include "program/usage.h"

struct dump {
    const char *path; /* "-": standard input */
    const struct komet_profile *profile;
    bool json;
    bool done; /* an option asked for nothing but a text */
    uint16_t port;
    struct capture *capture;
    char text[APDU_TEXT_SIZE + 1];
};

static const char usage[] =
    "usage: komet dump FILE|- [--order standard|sinaut] [--json] [--port N]\n"
    "\n"
    "Prints the IEC 60870-5-104 traffic of a capture file (pcap or pcapng), one line an APDU.\n"
    "\n"
    "  FILE            the capture file; - reads standard input\n"
    "  --order ORDER   octet order of common and object addresses: standard (default) or sinaut\n"
    "  --json          one JSON object a line\n"
    "  --port N        TCP port of the stations; without it 2404, and connections that look like 104\n"
    "  --help          prints this\n"
    "  --version       prints the version\n"
    "\n"
    "Exit status: 0 all was read; 1 the file cannot be read or is not whole; 2 wrong command line.\n";

static int read_port(struct dump *dump, const char *argument)
{
    char *end;
    unsigned long port;

    errno = 0;
    port = strtoul(argument, &end, 10);
    if (argument[0] < '0' || argument[0] > '9' || *end != '\0' || errno != 0 || port < 1 || port > 65535) {
        return usage_refuse("dump", "--port takes a TCP port from 1 to 65535, not", argument);
    }
    dump->port = (uint16_t)port;
    return STATUS_OK;
}

static int read_options(struct dump *dump, int argc, char **argv)
{
    static const struct option options[] = {
        {"order", required_argument, NULL, 'o'}, {"json", no_argument, NULL, 'j'},
        {"port", required_argument, NULL, 'p'},  {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'v'},     {NULL, 0, NULL, 0}};
    int option;
    int status = STATUS_OK;

    optind = 0; /* begins anew, whoever used getopt before */
    while (status == STATUS_OK && (option = getopt_long(argc, argv, ":", options, NULL)) != -1) {
        switch (option) {
        case 'o':
            status = usage_read_order("dump", optarg, &dump->profile);
            break;
        case 'p':
            status = read_port(dump, optarg);
            break;
        case 'j':
            dump->json = true;
            break;
        case 'h':
            fputs(usage, stdout);
            dump->done = true;
            return STATUS_OK;
        case 'v':
            puts("komet " KOMET_VERSION);
            dump->done = true;
            return STATUS_OK;
        default:
            return usage_refuse("dump", usage_option_fault(option), argv[optind - 1]);
        }
    }
    if (status != STATUS_OK) {
        return status;
    }
    if (argc - optind != 1) {
        return usage_refuse(
            "dump", argc == optind ? "which file? Name one, or - for standard input" : "one file at a time",
            "");
    }
    dump->path = argv[optind];
    return STATUS_OK;
}

/* What is wrong with an item that is no APDU. */
static const char *error_of(const struct capture_item *item, char *out, size_t size)
{
    switch (item->kind) {
    case CAPTURE_APDU:
        return NULL;
    case CAPTURE_MALFORMED:
        snprintf(out, size, "%s: %s", komet_reason_name(item->reason), komet_reason_sentence(item->reason));
        break;
    case CAPTURE_CUT:
        snprintf(out, size, "cut: the other part of this APDU is not in the capture");
        break;
    case CAPTURE_GAP:
        if (item->missing == 0) {
            snprintf(out, size, "gap: octets are missing in the capture, how many is not known");
        } else {
            snprintf(out, size, "gap: %" PRIu64 " octets are missing in the capture", item->missing);
        }
        break;
    }
    return out;
}

static bool print_item(struct dump *dump, const struct capture_item *item)
{
    char error[256];
    struct apdu_text_item text = {.time = item->time,
                                  .microseconds = item->microseconds,
                                  .source = item->source,
                                  .destination = item->destination,
                                  .apdu = item->kind == CAPTURE_APDU ? &item->apdu : NULL,
                                  .error = error_of(item, error, sizeof error),
                                  .octets = item->octets,
                                  .size = item->size,
                                  .profile = dump->profile};
    size_t size = dump->json ? apdu_text_json(&text, dump->text, APDU_TEXT_SIZE)
                             : apdu_text_line(&text, dump->text, APDU_TEXT_SIZE);

    dump->text[size] = '\n';
    return fwrite(dump->text, 1, size + 1, stdout) == size + 1;
}

static bool print_items(struct dump *dump)
{
    struct capture_item item;

    while (capture_next(dump->capture, &item)) {
        if (!print_item(dump, &item)) {
            return false;
        }
    }
    return true;
}

/* Says what could not be used, so that a short output is not taken for little traffic. */
static void report_counters(const struct dump *dump)
{
    struct capture_counters c;
    struct {
        uint64_t count;
        const char *what;
    } rows[] = {{0, "packets passed over: link type not known"},
                {0, "packets passed over: IP fragments are not put together"},
                {0, "packets passed over: a header is cut off or contradicts itself"},
                {0, "packets passed over: too large"},
                {0, "packets passed over: their interface is not described"},
                {0, "connections dropped to make room for others"},
                {0, "gaps, because too many segments were out of order"}};

    capture_counters(dump->capture, &c);
    rows[0].count = c.results[PACKET_UNKNOWN_LINK];
    rows[1].count = c.results[PACKET_FRAGMENT];
    rows[2].count = c.results[PACKET_BAD_HEADER];
    rows[3].count = c.file.too_large;
    rows[4].count = c.file.without_interface;
    rows[5].count = c.streams.evicted;
    rows[6].count = c.streams.pool_full;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].count > 0) {
            fprintf(stderr, "komet dump: %s: %" PRIu64 " %s\n", dump->path, rows[i].count, rows[i].what);
        }
    }
}

static int output_failed(void)
{
    fprintf(stderr, "komet dump: standard output cannot be written: %s\n", strerror(errno));
    return STATUS_FAILED;
}

static int read_file(struct dump *dump, int file)
{
    static uint8_t octets[65536];
    enum packet_file_fault fault;

    for (;;) {
        ssize_t size = read(file, octets, sizeof octets);

        if (size < 0 && errno == EINTR) {
            continue;
        }
        if (size < 0) {
            fprintf(stderr, "komet dump: %s: %s\n", dump->path, strerror(errno));
            return STATUS_FAILED;
        }
        if (size == 0) {
            break;
        }
        for (size_t at = 0; at < (size_t)size;) {
            at += capture_feed(dump->capture, octets + at, (size_t)size - at);
            if (!print_items(dump)) {
                return output_failed();
            }
        }
        if (fflush(stdout) != 0) { /* a live capture is to be seen as it comes */
            return output_failed();
        }
    }
    capture_end(dump->capture);
    if (!print_items(dump) || fflush(stdout) != 0) {
        return output_failed();
    }
    report_counters(dump);
    fault = capture_fault(dump->capture);
    if (fault != PACKET_FILE_OK) {
        fprintf(stderr, "komet dump: %s: at octet %" PRIu64 ": %s\n", dump->path,
                capture_fault_offset(dump->capture), packet_file_fault_sentence(fault));
        return STATUS_FAILED;
    }
    return STATUS_OK;
}

int program_dump(int argc, char **argv)
{
    static struct dump dump;
    struct capture_settings settings = capture_settings_standard();
    void *memory;
    int file = STDIN_FILENO;
    int status;

    dump = (struct dump){.profile = &komet_profile_104};
    status = read_options(&dump, argc, argv);
    if (status != STATUS_OK || dump.done) {
        return status;
    }
    if (strcmp(dump.path, "-") == 0) {
        dump.path = "standard input";
    } else if ((file = open(dump.path, O_RDONLY | O_CLOEXEC)) < 0) {
        fprintf(stderr, "komet dump: %s: %s\n", dump.path, strerror(errno));
        return STATUS_FAILED;
    }
    settings.port = dump.port;
    memory = malloc(capture_size(&settings));
    if (memory == NULL) {
        fprintf(stderr, "komet dump: %zu octets of memory are not to be had\n", capture_size(&settings));
        status = STATUS_FAILED;
    } else {
        dump.capture = capture_init(memory, capture_size(&settings), &settings);
        status = read_file(&dump, file);
    }
    free(memory);
    if (file != STDIN_FILENO) {
        close(file);
    }
    return status;
}
