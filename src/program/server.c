/*
 * komet server --site DIR [--name NAME] [--data DIR] [--listen HOST:PORT] [--tls DIR]
 *
 * Reads the site, and runs its server until SIGTERM or SIGINT. The work is server_host's.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "komet/assert.h"
#include "program/endpoints.h"
#include "program/programs.h"
#include "program/server_host.h"
#include "program/site_faults.h"
#include "program/usage.h"
#include "shell/log.h"
#include "shell/stop.h"
#include "site/reader.h"

static const char usage[] =
    "usage: komet server --site DIR [--name NAME] [--data DIR] [--listen HOST:PORT] [--tls DIR]\n"
    "\n"
    "Runs a server of the site in the folder DIR: tag database, journal, and who of the KOM instances is "
    "active.\n"
    "\n"
    "  --site DIR          the site's folder, with site.yaml\n"
    "  --name NAME         which of the servers in site.yaml this is; may be left out when there is one\n"
    "  --data DIR          where the journal is kept; data in the site's folder when left out\n"
    "  --listen HOST:PORT  instead of what site.yaml says\n"
    "  --tls DIR           its certificate, key and CA (komet certificate), instead of what site.yaml says\n"
    "  --help, --version\n"
    "\n"
    "Ends on SIGTERM or SIGINT. Exit status: 0 ended so; 1 it could not start; 2 wrong command line.\n";

struct server_options {
    const char *site, *name, *data, *listen, *tls;
    bool done;
};

static int read_options(struct server_options *options, int argc, char **argv)
{
    static const struct option rows[] = {
        {"site", required_argument, NULL, 's'}, {"name", required_argument, NULL, 'n'},
        {"data", required_argument, NULL, 'd'}, {"listen", required_argument, NULL, 'l'},
        {"tls", required_argument, NULL, 't'},  {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'v'},    {NULL, 0, NULL, 0}};
    int option;
    optind = 0;
    while ((option = getopt_long(argc, argv, ":", rows, NULL)) != -1) {
        switch (option) {
        case 's':
            options->site = optarg;
            break;
        case 'n':
            options->name = optarg;
            break;
        case 'd':
            options->data = optarg;
            break;
        case 'l':
            options->listen = optarg;
            break;
        case 't':
            options->tls = optarg;
            break;
        case 'h':
            fputs(usage, stdout);
            options->done = true;
            return STATUS_OK;
        case 'v':
            puts("komet server " KOMET_VERSION);
            options->done = true;
            return STATUS_OK;
        default:
            return usage_refuse("server", usage_option_fault(option), argv[optind - 1]);
        }
    }
    if (optind < argc) {
        return usage_refuse("server", "what is this for", argv[optind]);
    }
    return options->site == NULL ? usage_refuse("server", "--site DIR is missing", "") : STATUS_OK;
}

/* The server of the site that this one is; NULL: said why not. */
static const struct site_server *find_server(const struct site *site, const char *name)
{
    if (name == NULL && site->server_count == 1) {
        return &site->servers[0];
    }
    for (unsigned i = 0; name != NULL && i < site->server_count; i++) {
        if (strcmp(site->servers[i].name, name) == 0) {
            return &site->servers[i];
        }
    }
    fprintf(stderr, "komet server: %s%s%s; site.yaml has",
            name == NULL ? "which server is this? --name says it" : "no server '", name == NULL ? "" : name,
            name == NULL ? "" : "'");
    for (unsigned i = 0; i < site->server_count; i++) {
        fprintf(stderr, "%s %s", i == 0 ? "" : ",", site->servers[i].name);
    }
    fputc('\n', stderr);
    return NULL;
}

static void on_stop(void *context)
{
    log_info("stopping");
    server_host_stop(context);
}

static int run(const struct server_host_settings *settings)
{
    char fault[SERVER_HOST_FAULT_SIZE];
    char who[96];
    struct stop stop;
    snprintf(who, sizeof who, "server %s", settings->name);
    log_begin(who);
    struct server_host *host = server_host_start(settings, fault);
    if (host == NULL) {
        fprintf(stderr, "komet server: %s\n", fault);
        return STATUS_FAILED;
    }
    stop_begin(&stop, settings->loop, on_stop, host);
    log_info("site %s: listening on %s:%u%s, %u tags, journal in %s", settings->site->name, settings->host,
             settings->port, settings->tls != NULL ? " with TLS" : "", settings->site->tag_count,
             settings->data);
    uv_run(settings->loop, UV_RUN_DEFAULT);
    stop_end(&stop);
    uv_run(settings->loop, UV_RUN_DEFAULT);
    server_host_free(host);
    log_info("stopped");
    log_begin("komet");
    return STATUS_OK;
}

/* The credentials of the server at hand. False: said why not; true with *credentials NULL: it speaks plain,
 * which only this machine can hear. */
static bool load_credentials(const struct server_options *options, const struct site_server *server,
                             const char *host, struct tls_credentials **credentials)
{
    char folder[4096], fault[TLS_TEXT_SIZE];
    *credentials = NULL;
    if (options->tls != NULL || (server->tls != NULL && server->tls[0] == '/')) {
        snprintf(folder, sizeof folder, "%s", options->tls != NULL ? options->tls : server->tls);
    } else if (server->tls != NULL) {
        snprintf(folder, sizeof folder, "%s/%s", options->site, server->tls);
    } else if (address_is_loopback(host)) {
        return true;
    } else {
        fprintf(stderr,
                "komet server: %s may be reached from other machines, and nothing says who may speak to it; "
                "right "
                "would be tls: in site.yaml, or --tls DIR\n",
                host);
        return false;
    }
    *credentials = tls_credentials_load(folder, fault);
    if (*credentials == NULL) {
        fprintf(stderr, "komet server: %s\n", fault);
        return false;
    }
    if (tls_credentials_days_left(*credentials) < TLS_DAYS_WARNED) {
        log_warning("the certificate in %s ends in %ld days; make a new one (komet certificate)", folder,
                    tls_credentials_days_left(*credentials));
    }
    if (!identity_is_server(tls_credentials_identity(*credentials), server->name)) {
        fprintf(stderr,
                "komet server: the certificate in %s is that of %s; right would be that of server %s\n",
                folder, identity_text(tls_credentials_identity(*credentials)).text, server->name);
        tls_credentials_free(*credentials);
        return false;
    }
    return true;
}

static int run_site(const struct server_options *options, const struct site_folder *folder,
                    const struct site *site)
{
    const struct site_server *server = find_server(site, options->name);
    struct endpoints listen = {0};
    char fault[200], data[4096];
    if (server == NULL) {
        return STATUS_FAILED;
    }
    if (options->listen != NULL &&
        (!endpoints_parse(options->listen, ENDPOINT_PORT, &listen, fault) || listen.count != 1)) {
        return usage_refuse("server", "--listen takes one HOST:PORT, not", options->listen);
    }
    snprintf(data, sizeof data, "%s/data", options->site);
    const char *host = listen.count > 0 ? listen.list[0].host : server->listen.host;
    struct tls_credentials *credentials;
    if (!load_credentials(options, server, host, &credentials)) {
        return STATUS_FAILED;
    }
    uv_loop_t loop;
    KOMET_ASSERT(uv_loop_init(&loop) == 0);
    const struct server_host_settings settings = {.loop = &loop,
                                                  .site = site,
                                                  .folder = folder,
                                                  .directory = options->site,
                                                  .listen_given = listen.count > 0,
                                                  .tls_given = options->tls != NULL,
                                                  .name = server->name,
                                                  .data = options->data != NULL ? options->data : data,
                                                  .host = host,
                                                  .port = listen.count > 0 ? listen.list[0].port
                                                                           : server->listen.port,
                                                  .tls = credentials};
    int status = run(&settings);
    uv_loop_close(&loop);
    tls_credentials_free(credentials);
    return status;
}

int program_server(int argc, char **argv)
{
    struct server_options options = {0};
    int status = read_options(&options, argc, argv);
    if (status != STATUS_OK || options.done) {
        return status;
    }
    struct site_folder folder = site_folder_load(options.site);
    if (folder.fault[0] != '\0') {
        fprintf(stderr, "komet server: %s\n", folder.fault);
        site_folder_release(&folder);
        return STATUS_FAILED;
    }
    struct site_result result = site_read(folder.files, folder.count, NULL);
    site_faults_print(stderr, options.site, &result);
    status = result.site == NULL ? STATUS_FAILED : run_site(&options, &folder, result.site);
    site_result_release(&result);
    site_folder_release(&folder);
    return status;
}
