/*
 * komet kom -W PROCESS[,INSTANCE] (-S HOST:PORT[,…] | --group NAME --site DIR) [--tls DIR], and kom
 * /WPROCESS[,INSTANCE] …
 *
 * Runs one instance of a communication process until SIGTERM or SIGINT. The work is kom_host's.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "komet/assert.h"
#include "program/kom_host.h"
#include "program/kom_options.h"
#include "program/open_files.h"
#include "program/programs.h"
#include "program/site_faults.h"
#include "program/tls_option.h"
#include "program/usage.h"
#include "shell/log.h"
#include "shell/stop.h"
#include "site/reader.h"

static const char usage[] =
    "usage: komet kom -W PROCESS[,INSTANCE] [-S HOST:PORT[,...] [--stay] | --group NAME --site DIR] [--tls "
    "DIR]\n"
    "                 [--buffer DIR [--buffer-size MIB]]\n"
    "       kom /WPROCESS[,INSTANCE] [/SHOST:PORT] [/RDGROUP] [/DBSH] [/KX /KCDIR [/KAMIB]]   (the same in "
    "D2000's spelling)\n"
    "\n"
    "Runs an instance of a communication process: works its lines while it is the active one.\n"
    "\n"
    "  -W PROCESS[,INSTANCE]  such as SELF.KOM,1; instances are 1 to 15; .KOM may be left out\n"
    "  -S HOST:PORT[,...]     servers, tried in turn; left out: 127.0.0.1, port 3119\n"
    "  --stay                 stay with the first server that answers; else another one is tried when it is "
    "lost\n"
    "  --group NAME           the servers of that group, as named in the site's site.yaml (also /RDNAME)\n"
    "  --site DIR             the site's folder, for --group; nothing else is read from it\n"
    "  --trace-memory MIB     memory for the newest traffic of the lines, for LNTRACE; 16 when left out, 0 "
    "none\n"
    "  --buffer DIR           where it keeps what it reads without a server, from lines that the site sets "
    "so "
    "(also /KX /KCDIR)\n"
    "  --buffer-size MIB      of that, at most: 1 to 400, 100 when left out (also /KAMIB)\n"
    "  --tls DIR              its certificate, key and the site's CA (komet certificate); without it "
    "KOMET_TLS;\n"
    "                         needed for a server on another machine\n"
    "  --close-serial-when-passive   frees serial ports while passive (also /DBSH)\n"
    "  --help, --version\n"
    "\n"
    "Ends on SIGTERM or SIGINT, relieved by another instance; at once on a second one. Exit status: 0 ended "
    "so,\n"
    "or from the console; 1 refused by the server; 2 wrong command line.\n";

/* The addresses of the group's servers, from a site's folder. */
static bool find_group(const struct kom_options *options, struct endpoints *servers)
{
    struct site_folder folder = site_folder_load(options->site);
    struct site_result result = {0};
    bool found = false;
    if (folder.fault[0] != '\0') {
        fprintf(stderr, "komet kom: %s\n", folder.fault);
    } else {
        result = site_read(folder.files, folder.count, NULL);
        site_faults_print(stderr, options->site, &result);
    }
    if (result.site != NULL && strcmp(result.site->group, options->group) != 0) {
        fprintf(stderr, "komet kom: the group of the site in %s is %s, not %s\n", options->site,
                result.site->group[0] != '\0' ? result.site->group : "without a name", options->group);
    } else if (result.site != NULL) {
        found = true;
        for (unsigned i = 0; i < result.site->server_count && servers->count < ENDPOINTS_MAX; i++) {
            struct endpoint *server = &servers->list[servers->count++];
            snprintf(server->host, sizeof server->host, "%s", result.site->servers[i].listen.host);
            server->port = result.site->servers[i].listen.port;
        }
    }
    if (result.arena != NULL) {
        site_result_release(&result);
    }
    site_folder_release(&folder);
    return found;
}

static void on_stop(void *context)
{
    log_info("stopping");
    kom_host_stop(context);
}

static int run(const struct kom_options *options, const struct endpoints *servers,
               const struct tls_credentials *credentials)
{
    const struct run_name who = run_name(options->process, options->instance);
    char host_name[256] = "";
    struct timespec now;
    uv_loop_t loop;
    struct stop stop;
    clock_gettime(CLOCK_REALTIME, &now);
    gethostname(host_name, sizeof host_name - 1);
    char buffer[1024];
    if (options->buffer != NULL) { /* one folder for all instances of a machine, one within for each */
        mkdir(options->buffer, 0750);
        snprintf(buffer, sizeof buffer, "%s/%s", options->buffer, who.text);
    }
    log_begin(who.text);
    open_files_raise(0);
    int failed = uv_loop_init(&loop);
    KOMET_ASSERT(failed == 0);
    const struct kom_host_settings settings = {
        .loop = &loop,
        .identity = {.process = options->process,
                     .instance = options->instance,
                     .run = (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000,
                     .host = host_name,
                     .pid = (uint32_t)getpid()},
        .servers = servers,
        .traffic = options->trace_memory,
        .tls = credentials,
        .stay = options->stay,
        .buffer = options->buffer != NULL ? buffer : NULL,
        .buffer_octets = (uint64_t)options->buffer_mib << 20};
    struct kom_host *host = kom_host_start(&settings);
    stop_begin(&stop, &loop, on_stop, host);
    log_info("started; connecting to %s:%u%s", servers->list[0].host, servers->list[0].port,
             servers->count > 1 ? " and others" : "");
    uv_run(&loop, UV_RUN_DEFAULT);
    stop_end(&stop);
    uv_run(&loop, UV_RUN_DEFAULT);
    int status = kom_host_free(host);
    uv_loop_close(&loop);
    log_info("stopped");
    log_begin("komet");
    return status;
}

int program_kom(int argc, char **argv)
{
    struct kom_options options;
    char fault[KOM_OPTIONS_FAULT_SIZE];
    if (!kom_options_read(&options, argc, argv, fault)) {
        return usage_refuse("kom", fault, "");
    }
    if (options.help) {
        fputs(usage, stdout);
        return 0;
    }
    if (options.version) {
        puts("komet kom " KOMET_VERSION);
        return 0;
    }
    struct endpoints servers = options.servers;
    if (servers.count == 0 && !find_group(&options, &servers)) {
        return 1;
    }
    struct tls_credentials *credentials;
    char why[TLS_TEXT_SIZE];
    if (!tls_option_load(options.tls, &credentials, why)) {
        fprintf(stderr, "komet kom: %s\n", why);
        return 1;
    }
    int status = run(&options, &servers, credentials);
    tls_credentials_free(credentials);
    return status;
}
