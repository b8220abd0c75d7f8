/*
 * komet certificate DIR [--site DIR] [--name SITE] [--server NAME]… [--kom PROCESS[,INSTANCE]]… [--user
 * NAME]…
 *
 * Makes a site's own CA in a folder, and beside it a folder with certificate and key for each server, process
 * and user: what they prove themselves with to each other. Run again, it adds to what is there.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "console/moment.h"
#include "program/programs.h"
#include "program/site_faults.h"
#include "program/usage.h"
#include "shell/certificate.h"
#include "site/reader.h"

#define WANTED_MAX     1000
#define DAYS_DEFAULT   1095
#define DAYS_AUTHORITY 7300
#define DAYS_MAX       36500
#define PATH_SIZE      4096

static const char usage[] =
    "usage: komet certificate DIR [--site DIR] [--name SITE] [--server NAME]... [--kom "
    "PROCESS[,INSTANCE]]...\n"
    "                         [--user NAME]... [--days N] [--ca-days N] [--from DATE]\n"
    "\n"
    "Makes the CA of a site in the folder DIR, when it has none yet, and a folder with certificate and key "
    "for\n"
    "each server, communication process and user: DIR/server-A, DIR/kom-SELF.KOM, DIR/user-anna. Each is to "
    "be\n"
    "copied to where it is used, as --tls of komet server, kom and tell. Nothing that exists is written "
    "over.\n"
    "\n"
    "  --site DIR           one for each server and process of the site in DIR that has none yet\n"
    "  --server NAME        one for that server, as site.yaml names it; may be given several times, as the "
    "next "
    "two\n"
    "  --kom PROCESS[,N]    one for all instances of a process, such as SELF.KOM, or for one, SELF.KOM,1\n"
    "  --user NAME          one for a person at a console; COMMANDS and EVENTS show the name\n"
    "  --name SITE          the site's name in a new CA; left out: that of --site\n"
    "  --days N             how long they are valid; 1095 (three years) when left out, never longer than the "
    "CA\n"
    "  --ca-days N          how long a new CA is valid; 7300 (twenty years) when left out\n"
    "  --from DATE          from when on, such as 2026-11-21; left out: since yesterday, for clocks that are "
    "behind\n"
    "  --help, --version\n"
    "\n"
    "Exit status: 0 done; 1 it could not, or something exists already; 2 wrong command line.\n";

struct wanted {
    struct identity identity;
    bool if_missing; /* from --site: one that exists is left as it is */
};

struct options {
    const char *folder, *site, *name;
    struct certificate_period period, authority_period;
    struct wanted wanted[WANTED_MAX];
    unsigned count;
    bool done;
};

/* ---- the command line ---- */

static int want(struct options *options, enum identity_role role, const char *name, bool if_missing)
{
    if (options->count == WANTED_MAX) {
        return usage_refuse("certificate", "too many at once; make them in several runs", "");
    }
    struct wanted *wanted = &options->wanted[options->count++];
    wanted->if_missing = if_missing;
    if (!identity_read(&wanted->identity, identity_role_name(role), name)) {
        return usage_refuse("certificate",
                            "a name has 1 to 63 letters, digits and . _ - @ + , and this one has not", name);
    }
    return STATUS_OK;
}

static int read_days(const char *text, int *days)
{
    char *end;
    long number = strtol(text, &end, 10);
    if (text[0] == '\0' || *end != '\0' || number < 1 || number > DAYS_MAX) {
        return usage_refuse("certificate", "days are a whole number from 1 to 36500, not", text);
    }
    *days = (int)number;
    return STATUS_OK;
}

static int read_from(struct options *options, const char *text)
{
    struct moment moment;
    if (!moment_parse(text, &moment)) {
        return usage_refuse("certificate", "--from takes a date such as 2026-11-21, not", text);
    }
    options->period.from = options->authority_period.from = moment.time.ms / 1000;
    return STATUS_OK;
}

static int read_option(struct options *options, int option, char **argv)
{
    switch (option) {
    case 'S':
        options->site = optarg;
        return STATUS_OK;
    case 'n':
        options->name = optarg;
        return STATUS_OK;
    case 's':
        return want(options, IDENTITY_SERVER, optarg, false);
    case 'k':
        return want(options, IDENTITY_KOM, optarg, false);
    case 'u':
        return want(options, IDENTITY_USER, optarg, false);
    case 'd':
        return read_days(optarg, &options->period.days);
    case 'D':
        return read_days(optarg, &options->authority_period.days);
    case 'f':
        return read_from(options, optarg);
    case 'h':
        fputs(usage, stdout);
        options->done = true;
        return STATUS_OK;
    case 'v':
        puts("komet certificate " KOMET_VERSION);
        options->done = true;
        return STATUS_OK;
    default:
        return usage_refuse("certificate", usage_option_fault(option), argv[optind - 1]);
    }
}

static int read_options(struct options *options, int argc, char **argv)
{
    static const struct option rows[] = {{"site", required_argument, NULL, 'S'},
                                         {"name", required_argument, NULL, 'n'},
                                         {"server", required_argument, NULL, 's'},
                                         {"kom", required_argument, NULL, 'k'},
                                         {"user", required_argument, NULL, 'u'},
                                         {"days", required_argument, NULL, 'd'},
                                         {"ca-days", required_argument, NULL, 'D'},
                                         {"from", required_argument, NULL, 'f'},
                                         {"help", no_argument, NULL, 'h'},
                                         {"version", no_argument, NULL, 'v'},
                                         {NULL, 0, NULL, 0}};
    int option, status = STATUS_OK;
    optind = 0;
    while (status == STATUS_OK && !options->done &&
           (option = getopt_long(argc, argv, ":", rows, NULL)) != -1) {
        status = read_option(options, option, argv);
    }
    if (status != STATUS_OK || options->done) {
        return status;
    }
    if (optind + 1 != argc) {
        return usage_refuse("certificate", "name one folder, where the site's CA is or is to be", "");
    }
    options->folder = argv[optind];
    if (options->count == 0 && options->site == NULL) {
        return usage_refuse("certificate", "for whom? --site, --server, --kom or --user says it", "");
    }
    return STATUS_OK;
}

/* ---- making them ---- */

static int fail(const char *fault)
{
    fprintf(stderr, "komet certificate: %s\n", fault);
    return STATUS_FAILED;
}

static int want_site(struct options *options, const struct site *site, char *name)
{
    int status = STATUS_OK;
    snprintf(name, CERTIFICATE_SITE_MAX + 1, "%s", site->name);
    for (unsigned i = 0; status == STATUS_OK && i < site->server_count; i++) {
        status = want(options, IDENTITY_SERVER, site->servers[i].name, true);
    }
    for (unsigned i = 0; status == STATUS_OK && i < site->process_count; i++) {
        status = want(options, IDENTITY_KOM, site->processes[i].name, true);
    }
    return status;
}

/* The servers and processes of --site are wanted too; `name` becomes the site's. */
static int read_site(struct options *options, char *name)
{
    struct site_folder folder = site_folder_load(options->site);
    struct site_result result = {0};
    int status = STATUS_FAILED;
    if (folder.fault[0] != '\0') {
        fail(folder.fault);
    } else {
        result = site_read(folder.files, folder.count, NULL);
        site_faults_print(stderr, options->site, &result);
        status = result.site != NULL ? want_site(options, result.site, name) : STATUS_FAILED;
        site_result_release(&result);
    }
    site_folder_release(&folder);
    return status;
}

/* The CA of the folder, made when it has none. */
static struct certificate_authority *find_authority(const struct options *options, const char *site,
                                                    char *fault)
{
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "%s/ca.crt", options->folder);
    if (mkdir(options->folder, 0700) != 0 && errno != EEXIST) {
        snprintf(fault, CERTIFICATE_TEXT_SIZE, "%.300s: %s", options->folder, strerror(errno));
        return NULL;
    }
    if (access(path, F_OK) != 0) {
        if (site[0] == '\0' || strlen(site) > CERTIFICATE_SITE_MAX) {
            snprintf(fault, CERTIFICATE_TEXT_SIZE,
                     "a new CA needs the site's name, of 1 to %d octets; --name SITE says it",
                     CERTIFICATE_SITE_MAX);
            return NULL;
        }
        if (!certificate_make_authority(options->folder, site, options->authority_period, fault)) {
            return NULL;
        }
        printf("%s/ca.crt  the CA of site %s; its key is %s/ca.key: keep it on no machine that runs Komet\n",
               options->folder, site, options->folder);
    }
    return certificate_authority_load(options->folder, fault);
}

/* Where it goes, and what names it there. */
static void print_made(const char *folder, const struct identity *identity, const char *end)
{
    static const char *const where[] = {"", "to its machine: tls: in site.yaml, or komet server --tls",
                                        "to each machine that runs it: komet kom --tls",
                                        "to that person's machine: komet tell --tls"};
    printf("%s  %s, until %s; copy it %s\n", folder, identity_text(identity).text, end,
           where[identity->role]);
}

static int make_all(const struct options *options, const struct certificate_authority *authority)
{
    char fault[CERTIFICATE_TEXT_SIZE], path[PATH_SIZE], end[CERTIFICATE_DATE_SIZE];
    int status = STATUS_OK;
    for (unsigned i = 0; i < options->count; i++) {
        const struct identity *identity = &options->wanted[i].identity;
        snprintf(path, sizeof path, "%s/%s-%s", options->folder, identity_role_name(identity->role),
                 identity->name);
        if (options->wanted[i].if_missing && access(path, F_OK) == 0) {
            printf("%s  is there already\n", path);
        } else if (certificate_make(authority, path, identity, options->period, end, fault)) {
            print_made(path, identity, end);
        } else {
            status = fail(fault);
        }
    }
    return status;
}

int program_certificate(int argc, char **argv)
{
    int64_t yesterday = (int64_t)time(NULL) - 86400;
    struct options *options = calloc(1, sizeof *options);
    char site[CERTIFICATE_SITE_MAX + 1] = "", fault[CERTIFICATE_TEXT_SIZE];
    if (options == NULL) {
        return fail("there is no memory");
    }
    options->period = (struct certificate_period){yesterday, DAYS_DEFAULT};
    options->authority_period = (struct certificate_period){yesterday, DAYS_AUTHORITY};
    int status = read_options(options, argc, argv);
    if (status == STATUS_OK && !options->done && options->site != NULL) {
        status = read_site(options, site);
    }
    if (status == STATUS_OK && !options->done) {
        struct certificate_authority *authority =
            find_authority(options, options->name != NULL ? options->name : site, fault);
        status = authority != NULL ? make_all(options, authority) : fail(fault);
        certificate_authority_free(authority);
    }
    free(options);
    return status;
}
