/*
 * komet tell [-s HOST:PORT[,HOST:PORT…]] [-o table|json|csv] [-u USER] [--tls DIR] [COMMAND…]
 *
 * The operator's console: one command from the command line, commands from a file or pipe line by line, or a
 * prompt on a terminal. Here are the options; a command's way is in tell_command.
 */
#include <getopt.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "program/endpoints.h"
#include "program/programs.h"
#include "program/tell_command.h"
#include "program/tell_prompt.h"
#include "program/tell_text.h"
#include "program/tell_words.h"
#include "program/tls_option.h"
#include "program/usage.h"

#define SERVERS_DEFAULT "127.0.0.1"
#define USER_SIZE       64
#define FAULT_SIZE      200

struct options {
    struct endpoints servers;
    enum tell_format format;
    char user[USER_SIZE];
    const char *tls; /* NULL: not given */
    bool done;       /* an option asked for nothing but a text */
};

static const char usage[] =
    "usage: komet tell [-s HOST:PORT[,HOST:PORT...]] [-o table|json|csv] [-u USER] [--tls DIR] "
    "[COMMAND...]\n"
    "\n"
    "Gives a command to a Komet server and prints its answer. Without a command: a prompt, or, when "
    "standard\n"
    "input is no terminal, one command a line from there. komet tell HELP lists the commands.\n"
    "\n"
    "  -s, --server LIST    addresses, tried in turn; without it KOMET_SERVER, else 127.0.0.1:3119\n"
    "  -o, --output FORMAT  table (default), json or csv\n"
    "  -u, --user NAME      who gives commands, for the record; without it the login name;\n"
    "                       with --tls it is the certificate that says who\n"
    "      --tls DIR        certificate, key and the site's CA (komet certificate); without it KOMET_TLS;\n"
    "                       needed for a server on another machine\n"
    "      --help           prints this\n"
    "      --version        prints the version\n"
    "\n"
    "Options come before the command, so that its words may begin with a dash: SET M.X -5.\n"
    "Exit status: 0 done; 1 refused or failed, standard error says why; 2 wrong command line or command.\n";

static int refuse(const char *what, const char *argument)
{
    tell_text_complain("%s%s%s; see komet tell --help", what, argument[0] != '\0' ? ": " : "", argument);
    return TELL_USAGE;
}

static int read_servers(struct options *options, const char *text, const char *whose)
{
    char fault[FAULT_SIZE];
    if (!endpoints_parse(text, ENDPOINT_PORT, &options->servers, fault)) {
        tell_text_complain("%s: %s", whose, fault);
        return TELL_USAGE;
    }
    return TELL_DONE;
}

static int read_user(struct options *options, const char *text)
{
    if (text[0] == '\0' || strlen(text) >= sizeof options->user) {
        return refuse("--user takes a name of 1 to 63 octets, not", text);
    }
    snprintf(options->user, sizeof options->user, "%s", text);
    return TELL_DONE;
}

/* Who is logged in, also behind su and sudo; where nobody is, as in a timer's job, whose process this is. */
static void take_login_name(struct options *options)
{
    if (getlogin_r(options->user, sizeof options->user) != 0) {
        const struct passwd *entry = getpwuid(geteuid());
        if (entry != NULL) {
            snprintf(options->user, sizeof options->user, "%s", entry->pw_name);
        } else {
            snprintf(options->user, sizeof options->user, "uid %u", (unsigned)geteuid());
        }
    }
}

static int read_option(struct options *options, int option, char **argv)
{
    switch (option) {
    case 's':
        return read_servers(options, optarg, "--server");
    case 'o':
        return tell_format_parse(optarg, &options->format)
                   ? TELL_DONE
                   : refuse("--output takes table, json or csv, not", optarg);
    case 'u':
        return read_user(options, optarg);
    case 't':
        options->tls = optarg;
        return TELL_DONE;
    case 'h':
        fputs(usage, stdout);
        options->done = true;
        return TELL_DONE;
    case 'v':
        puts("komet " KOMET_VERSION);
        options->done = true;
        return TELL_DONE;
    default:
        return refuse(usage_option_fault(option), argv[optind - 1]);
    }
}

static int read_options(struct options *options, int argc, char **argv)
{
    static const struct option table[] = {{"server", required_argument, NULL, 's'},
                                          {"output", required_argument, NULL, 'o'},
                                          {"user", required_argument, NULL, 'u'},
                                          {"tls", required_argument, NULL, 't'},
                                          {"help", no_argument, NULL, 'h'},
                                          {"version", no_argument, NULL, 'v'},
                                          {NULL, 0, NULL, 0}};
    int option;
    int status = TELL_DONE;
    optind = 0; /* begins anew, whoever used getopt before */
    while (status == TELL_DONE && !options->done &&
           (option = getopt_long(argc, argv, "+:s:o:u:", table, NULL)) != -1) {
        status = read_option(options, option, argv);
    }
    if (status != TELL_DONE || options->done) {
        return status;
    }
    if (options->servers.count == 0) {
        const char *named = getenv("KOMET_SERVER");
        bool given = named != NULL && named[0] != '\0';
        status = read_servers(options, given ? named : SERVERS_DEFAULT, "KOMET_SERVER");
    }
    if (options->user[0] == '\0') {
        take_login_name(options);
    }
    return status;
}

/* Commands line by line; empty lines and those that begin with # are passed over. */
static int run_lines(struct tell *tell, FILE *file)
{
    char *line = NULL;
    size_t capacity = 0;
    int status = TELL_DONE;
    while (!tell->terminated && !tell->unwritable && getline(&line, &capacity, file) >= 0) {
        struct tell_words words;
        char fault[TELL_WORDS_FAULT_SIZE];
        if (line[0] == '#') {
            continue;
        }
        if (!tell_words_cut(line, &words, fault)) {
            tell_text_complain("%s", fault);
            status = TELL_FAILED;
        } else if (words.count > 0 && tell_command_ends(words.word[0])) {
            break;
        } else if (words.count > 0 && tell_command_run(tell, words.word, words.count) != TELL_DONE) {
            status = TELL_FAILED;
        }
    }
    free(line);
    return status;
}

/* One command from the command line. An option behind it was taken for a word of it. */
static int run_words(struct tell *tell, int argc, char **argv)
{
    int status = tell_command_run(tell, (const char *const *)argv, (size_t)argc);
    for (int i = 1; status == TELL_USAGE && i < argc; i++) {
        if (argv[i][0] == '-' && strspn(argv[i], "-0123456789.") < 2) {
            tell_text_complain("%s: options come before the command", argv[i]);
            break;
        }
    }
    return status;
}

int program_tell(int argc, char **argv)
{
    struct options options = {.format = TELL_TABLE};
    int status = read_options(&options, argc, argv);
    if (status != TELL_DONE || options.done) {
        return status;
    }
    struct tell tell = {.format = options.format, .user = options.user};
    struct tls_credentials *credentials;
    char fault[TLS_TEXT_SIZE];
    if (!tls_option_load(options.tls, &credentials, fault)) {
        tell_text_complain("%s", fault);
        return TELL_FAILED;
    }
    tell.session = tell_session_new(&options.servers, credentials);
    if (tell.session == NULL) {
        tell_text_complain("there is no memory");
        return TELL_FAILED;
    }
    if (optind < argc) {
        status = run_words(&tell, argc - optind, argv + optind);
    } else if (isatty(STDIN_FILENO)) {
        status = tell_prompt_run(&tell);
    } else {
        status = run_lines(&tell, stdin);
    }
    if (!tell_session_free(tell.session)) {
        fflush(NULL);
        _exit(status); /* a name server that does not answer holds up nobody */
    }
    tls_credentials_free(credentials);
    return status;
}
