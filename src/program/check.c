/*
 * komet check: reads a site and says, with file, line and column, all that is wrong with it.
 */
#include <stdio.h>
#include <string.h>

#include "program/programs.h"
#include "program/site_faults.h"
#include "site/reader.h"

static void print_summary(const struct site *site)
{
    unsigned lines = 0, stations = 0;
    for (unsigned i = 0; i < site->process_count; i++) {
        lines += site->processes[i].line_count;
        stations += site->processes[i].station_count;
    }
    printf("site %s: %u process%s, %u line%s, %u station%s, %u tag%s: no mistakes\n", site->name,
           site->process_count, site->process_count == 1 ? "" : "es", lines, lines == 1 ? "" : "s", stations,
           stations == 1 ? "" : "s", site->tag_count, site->tag_count == 1 ? "" : "s");
}

/* The table of parameters, for the manual: a row each, in Markdown. */
static void print_parameters(void)
{
    static const char *const types[] = {"whole number", "true or false", "time", "letters A to H", "text"};
    puts("| Full name | Short | Type | Unit | Range | Default | Belongs to | Meaning |");
    puts("|---|---|---|---|---|---|---|---|");
    for (unsigned i = 0; i < PARAMETER_COUNT; i++) {
        const struct parameter_row *row = parameter_row((enum parameter_id)i);
        char initial[PARAMETER_TEXT_SIZE];
        parameter_text(row, row->initial, initial);
        bool ranged = row->type == PARAMETER_INTEGER || row->type == PARAMETER_MILLISECONDS;
        printf("| %s | %s | %s | %s | ", row->full_name, row->short_name, types[row->type], row->unit);
        if (ranged) {
            printf("%lld to %lld", (long long)row->minimum, (long long)row->maximum);
        }
        printf(" | %s | %s | %s |\n", initial, row->scope == SCOPE_LINE ? "line" : "station", row->sentence);
    }
}

/* What the numbers of a step may be: range, unit, default. Neighbours of one kind are told together. */
static void print_numbers(const struct processing_row *row)
{
    for (unsigned i = 0; i < row->count; i++) {
        const struct processing_argument *one = processing_argument(row->first + i), *next = one + 1;
        bool has_default = i >= row->needed || row->count == 1;
        printf("%s", one->name);
        if (i + 1 < row->count && next->kind == one->kind && strcmp(next->unit, one->unit) == 0 &&
            has_default == (i + 1 >= row->needed)) {
            fputs(", ", stdout);
            continue;
        }
        printf(": %s%s%s", number_kind_text(one->kind), one->unit[0] != '\0' ? ", in the unit " : "",
               one->unit);
        if (has_default) {
            printf(", default %g", one->initial);
        }
        fputs(i + 1 < row->count ? "; " : "", stdout);
    }
}

/* The table of the steps of processing, for the manual: a row each, in their order, in Markdown. */
static void print_processing(void)
{
    puts("| Step | Numbers | For | Meaning |");
    puts("|---|---|---|---|");
    for (unsigned i = 0; i < PROCESSING_COUNT; i++) {
        const struct processing_row *row = processing_row((enum processing_step)i);
        char usage[PROCESSING_TEXT_SIZE], types[PROCESSING_TEXT_SIZE];
        processing_usage(row, usage);
        processing_types(row, types);
        printf("| `%s` | ", usage);
        print_numbers(row);
        printf(" | %s | %s |\n", types, row->sentence);
    }
}

static int check(const char *directory)
{
    struct site_folder folder = site_folder_load(directory);
    if (folder.fault[0] != '\0') {
        fprintf(stderr, "komet check: %s\n", folder.fault);
        site_folder_release(&folder);
        return 1;
    }
    struct site_result result = site_read(folder.files, folder.count, NULL);
    site_faults_print(stdout, directory, &result);
    int status = result.site != NULL ? 0 : 1;
    if (result.site != NULL) {
        print_summary(result.site);
    } else {
        printf("%zu mistake%s\n", result.fault_count, result.fault_count == 1 ? "" : "s");
    }
    site_result_release(&result);
    site_folder_release(&folder);
    return status;
}

int program_check(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        puts("komet check DIR\n\nSays all that is wrong with the site in the folder DIR (site.yaml and its "
             "tag tables).\n"
             "komet check --parameters lists the parameters of lines and stations, as Markdown.\n"
             "komet check --processing lists the steps of the column processing, as Markdown.");
        return 0;
    }
    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        puts("komet check " KOMET_VERSION);
        return 0;
    }
    if (argc == 2 && strcmp(argv[1], "--parameters") == 0) {
        print_parameters();
        return 0;
    }
    if (argc == 2 && strcmp(argv[1], "--processing") == 0) {
        print_processing();
        return 0;
    }
    if (argc != 2 || argv[1][0] == '-') {
        fputs("komet check: name one folder: komet check DIR\n", stderr);
        return 2;
    }
    return check(argv[1]);
}
