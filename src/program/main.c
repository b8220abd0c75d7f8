/*
 * komet: one binary, one sub-command a program. Dispatch and nothing else.
 */
#include <stdio.h>
#include <string.h>

#include "program/programs.h"

struct program {
    const char *word;
    int (*run)(int argc, char **argv);
    const char *purpose;
};

static const struct program programs[] = {
    {"server", program_server, "tag database, journal, and who of the KOM instances is active"},
    {"kom", program_kom, "an instance of a communication process: runs its lines"},
    {"tell", program_tell, "ask and command a running site: the console"},
    {"check", program_check, "say all that is wrong with a site's configuration"},
    {"certificate", program_certificate,
     "make a site's CA, and certificates for servers, processes and users"},
    {"dump", program_dump, "decode 104 traffic from a capture file"},
    {"sim", program_sim, "play a station, described or captured"},
    {"bench", program_bench, "measure codec and link on this machine"},
};

static void print_help(FILE *out)
{
    fputs("komet: a redundant telecontrol front-end for IEC 60870-5-104\n\n", out);
    for (size_t i = 0; i < sizeof programs / sizeof programs[0]; i++) {
        fprintf(out, "  komet %-11s %s\n", programs[i].word, programs[i].purpose);
    }
    fputs("\nkomet PROGRAM --help says more; komet --version says which this is.\n", out);
}

int main(int argc, char **argv)
{
    const char *slash = argc > 0 ? strrchr(argv[0], '/') : NULL;
    if (argc > 0 && strcmp(slash != NULL ? slash + 1 : argv[0], "kom") == 0) {
        return program_kom(argc, argv); /* D2000's name of the program */
    }
    if (argc < 2) {
        print_help(stderr);
        return 2;
    }
    if (strcmp(argv[1], "--help") == 0) {
        print_help(stdout);
        return 0;
    }
    if (strcmp(argv[1], "--version") == 0) {
        puts("komet " KOMET_VERSION);
        return 0;
    }
    for (size_t i = 0; i < sizeof programs / sizeof programs[0]; i++) {
        if (strcmp(argv[1], programs[i].word) == 0) {
            return programs[i].run(argc - 1, argv + 1);
        }
    }
    fprintf(stderr, "komet: no such program: %s; `komet --help` lists them\n", argv[1]);
    return 2;
}
