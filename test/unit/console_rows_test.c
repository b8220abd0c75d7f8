/* Rows have the members that the manual names, by the type of what they show. */
#include "support.h"

#include <stdio.h>
#include <string.h>

#include "console/rows.h"
#include "server/server.h"
#include "site/reader.h"

static const char yaml[] = "site: s\nprocesses:\n  SELF.KOM:\n    lines:\n      L.R:\n        hosts: [rtu]\n"
                           "        parameters: {K: 20}\n        stations:\n"
                           "          B.R: {address: 1, tags: r.csv}\n";
static const char table[] =
    "name,type,address,asdu\nM.D,Di,1,\nM.Q,Qi,2,\nM.A,Ai,3,\nM.C,Ci,4,\nM.O,Dout,5,45\n";

static struct site_result result;
static char text[4096];
static struct json json;

static int read_the_site(void **state)
{
    (void)state;
    const struct site_file files[] = {{"site.yaml", yaml, sizeof yaml - 1},
                                      {"r.csv", table, sizeof table - 1}};
    result = site_read(files, 2, NULL);
    return result.site != NULL ? 0 : -1;
}

static int release_the_site(void **state)
{
    (void)state;
    site_result_release(&result);
    return 0;
}

static const char *tag_row(const char *name, double number, enum value_status status)
{
    struct value value = value_unknown();
    if (status != STATUS_UNKNOWN) {
        value = (struct value){
            .number = number, .status = status, .flags = 5, .cot = 3, .time = {0}, .arrived = {1}};
    }
    json_begin(&json, text, sizeof text);
    rows_tag(&json, site_find_tag(result.site, name), &value);
    assert_true(json_end(&json));
    return text;
}

static void test_a_tag_by_its_type(void **state)
{
    (void)state;
    assert_string_equal(
        tag_row("M.D", 1, STATUS_VALID),
        "{\"name\":\"M.D\",\"type\":\"Di\",\"value\":true,\"status\":\"Valid\",\"flags\":\"AC\","
        "\"time\":\"1970-01-01T00:00:00.000Z\",\"arrived\":\"1970-01-01T00:00:00.001Z\",\"cot\":3}");
    assert_non_null(strstr(tag_row("M.Q", 2, STATUS_INVALID), "\"value\":\"On\",\"status\":\"Invalid\""));
    assert_non_null(strstr(tag_row("M.A", 12.5, STATUS_WEAK), "\"value\":12.5,"));
    assert_non_null(strstr(tag_row("M.C", 70000, STATUS_VALID), "\"value\":70000,"));
    assert_non_null(strstr(tag_row("M.O", 0, STATUS_TRANSIENT), "\"value\":false,"));
    assert_string_equal(
        tag_row("M.A", 0, STATUS_UNKNOWN),
        "{\"name\":\"M.A\",\"type\":\"Ai\",\"value\":null,\"status\":\"Unknown\",\"flags\":\"\","
        "\"time\":null,\"arrived\":null,\"cot\":null}");
}

static void test_an_event(void **state)
{
    (void)state;
    const struct value value = {.number = 3, .status = STATUS_VALID, .cot = 3, .time = {0}, .arrived = {0}};
    const struct rows_event event = {"M.Q", TAG_QI, &value, 17, "SELF.KOM", 2, 9, false, false, NULL, true};
    json_begin(&json, text, sizeof text);
    rows_event(&json, &event);
    assert_true(json_end(&json));
    assert_non_null(strstr(text, "{\"seq\":17,\"name\":\"M.Q\""));
    assert_non_null(strstr(text, "\"value\":\"Err\""));
    assert_non_null(strstr(
        text, "\"process\":\"SELF.KOM\",\"instance\":2,\"epoch\":9,\"user\":null,\"authenticated\":null,"
              "\"archived\":true}"));
}

static void test_an_event_of_a_process(void **state)
{
    (void)state;
    const struct value value = {.number = PROCESS_CRASH, .status = STATUS_VALID, .time = {0}, .arrived = {0}};
    const struct rows_event event = {"[2]_SELF.KOM", TAG_TYPE_COUNT, &value, 18,   "SELF.KOM", 2, 0,
                                     true,           false,          NULL,   false};
    json_begin(&json, text, sizeof text);
    rows_event(&json, &event);
    assert_true(json_end(&json));
    assert_non_null(
        strstr(text, "{\"seq\":18,\"name\":\"[2]_SELF.KOM\",\"type\":\"Process\",\"value\":\"Crash\","));
    assert_non_null(
        strstr(text, "\"cot\":null,\"process\":\"SELF.KOM\",\"instance\":2,\"epoch\":0,\"user\":null,"));
}

static void test_commands(void **state)
{
    (void)state;
    struct record_command command = {
        .id = 4, .word = "SET", .tag = "M.O", .number = 1, .user = {"eva", true}, .epoch = 3};
    command.given = (struct komet_utc){0};
    json_begin(&json, text, sizeof text);
    rows_command(&json, &command, TAG_DOUT);
    assert_true(json_end(&json));
    assert_string_equal(
        text, "{\"id\":4,\"command\":\"SET\",\"tag\":\"M.O\",\"result\":null,\"reason\":\"\",\"value\":true,"
              "\"flags\":\"\","
              "\"user\":\"eva\",\"authenticated\":true,\"given\":\"1970-01-01T00:00:00.000Z\",\"ended\":null,"
              "\"epoch\":3}");
    const struct server_ended ended = {
        .id = 5, .result = COMMAND_REFUSED, .reason = "negative confirmation", .number = 1};
    json_begin(&json, text, sizeof text);
    rows_set(&json, site_find_tag(result.site, "M.O"), &ended);
    assert_true(json_end(&json));
    assert_string_equal(
        text, "{\"id\":5,\"tag\":\"M.O\",\"result\":\"refused\",\"reason\":\"negative confirmation\","
              "\"value\":true,\"flags\":\"\"}");
    json_begin(&json, text, sizeof text);
    rows_instance_set(&json, &result.site->processes[0], 2, &ended);
    assert_true(json_end(&json));
    assert_non_null(strstr(text, "{\"process\":\"SELF.KOM\",\"instance\":2,\"result\":\"refused\""));
}

static void test_parameters(void **state)
{
    (void)state;
    const struct line *line = site_find_line(result.site, "L.R");
    json_begin(&json, text, sizeof text);
    rows_parameter(&json, parameter_find("K"), &line->parameters);
    rows_parameter(&json, parameter_find("W"), &line->parameters);
    rows_parameter(&json, parameter_find("TND"), &line->parameters);
    assert_true(json_end(&json));
    assert_non_null(
        strstr(text, "\"short\":\"K\",\"value\":20,\"default\":12,\"unit\":\"\",\"given\":true}"));
    assert_non_null(strstr(text, "\"short\":\"W\",\"value\":8,\"default\":8,\"unit\":\"\",\"given\":false}"));
    assert_true(strstr(text, "\"default\":true") != NULL || strstr(text, "\"default\":false") != NULL);
}

static void test_the_processing_of_a_tag(void **state)
{
    (void)state;
    struct processing processing = processing_none();
    struct processing_fault fault;
    const struct tag plain = {.name = "M.U", .type = TAG_AI, .unit = "kV"};
    struct tag limited = plain;
    assert_true(processing_take(&processing, TAG_AI, processing_find("limit"), "0 100", &fault));
    assert_true(processing_take(&processing, TAG_AI, processing_find("new-time"), NULL, &fault));
    limited.processing = &processing;
    json_begin(&json, text, sizeof text);
    rows_processing(&json, processing_find("limit"), &limited);
    rows_processing(&json, processing_find("new-time"), &limited);
    rows_processing(&json, processing_find("limit"), &plain);
    rows_processing(&json, processing_find("polynomial"), &plain);
    rows_processing(&json, processing_find("scale"), &plain);
    assert_true(json_end(&json));
    static const char *const said[] = {
        "{\"name\":\"limit\",\"short\":\"\",\"value\":\"0 100\",\"default\":\"-inf "
        "inf\",\"unit\":\"kV\",\"given\":true}",
        "{\"name\":\"new-time\",\"short\":\"\",\"value\":true,\"default\":false,\"unit\":\"\",\"given\":"
        "true}",
        "\"value\":\"-inf inf\",\"default\":\"-inf inf\",\"unit\":\"kV\",\"given\":false}",
        "\"value\":\"0 1\",\"default\":\"0 1\"",
        "\"value\":\"1\",\"default\":\"1\",\"unit\":\"\",\"given\":false}"};
    for (unsigned i = 0; i < sizeof said / sizeof said[0]; i++) {
        assert_non_null(strstr(text, said[i]));
    }
}

static void test_help_and_version(void **state)
{
    (void)state;
    json_begin(&json, text, sizeof text);
    rows_help(&json, command_find("set"));
    rows_version(&json, "0.1.0", "A");
    assert_true(json_end(&json));
    assert_non_null(strstr(text, "\"usage\":\"SET tag value [flags]\""));
    assert_non_null(strstr(text, "\"version\":\"0.1.0\",\"server\":\"A\""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_tag_by_its_type),
        cmocka_unit_test(test_an_event),
        cmocka_unit_test(test_an_event_of_a_process),
        cmocka_unit_test(test_commands),
        cmocka_unit_test(test_parameters),
        cmocka_unit_test(test_the_processing_of_a_tag),
        cmocka_unit_test(test_help_and_version),
    };
    return cmocka_run_group_tests(tests, read_the_site, release_the_site);
}
