/*
 * sinaut_timeline: runs a script against the real engine of a Sinaut line. The script plays the two systems
 * of the partner on four paths, A1 A2 B1 B2, and the server that stores. Numbers of frames are the runner's
 * business: what the partner sends is `from A1 ASDU`, and it acknowledges when the script says so. The line
 * may be one of iec104 on tcp-redundant: then A1 and A2 are the hosts of its first connection.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sinaut_runner.h"

/* ---- the site ---- */

static const char north_csv[] =
    "name,type,address,asdu,source,destination\n"
    "M.Q,Qi,\"0,0,1\",\nM.D,Di,2,\nM.U,Ai,3,\nM.C,Ci,4,\nM.T,TiR,5,\nM.STEP,Ci,6,\n"
    "M.Q.CMD,Dout,1,46\nM.D.CMD,Dout,2,45\nM.SET,Ao,3,50\nM.CO,Co,4,49\n";
static const char north_values_csv[] = "M.OD,Dout,2,1\nM.OU,Ao,100,36\nM.OT,Co,101,15\nM.OQ,Co,102,3\n";
static const char south_csv[] = "name,type,address,asdu\nM.S.U,Ai,3,\nM.S.SET,Ao,3,50\n";
static const char south_values_csv[] = "M.S.OU,Ao,10,13\n";

static void write_partners(const struct runner *r, char *text)
{
    const char *const *hosts = r->named ? runner_path_names : runner_path_addresses;
    size_t used = (size_t)snprintf(text, 200, "[[%s", hosts[0]);
    for (unsigned path = 1; path < r->paths; path++) {
        used += (size_t)snprintf(text + used, 200 - used, "%s%s", path % 2 == 0 ? "], [" : ", ", hosts[path]);
    }
    snprintf(text + used, 200 - used, "]]");
}

static void read_site(struct runner *r)
{
    static char yaml[6 * RUNNER_TEXT], south[RUNNER_TEXT];
    char partners[200];
    write_partners(r, partners);
    snprintf(yaml, sizeof yaml,
             "site: s\n"
             "processes:\n"
             "  SELF.KOM:\n"
             "    lines:\n"
             "      L.S:\n"
             "        protocol: %s\n"
             "        category: tcp-redundant\n"
             "        number: 7\n"
             "        %s: %s\n"
             "        parameters: {%s%s}\n"
             "%s"
             "        stations:\n"
             "          B.NORTH: {address: \"2,1\", tags: north.csv%s}\n"
             "          B.SOUTH: {address: 3, tags: south.csv%s}\n",
             r->paired ? "iec104" : "iec104-sinaut", r->paired ? "hosts" : "partners", partners,
             r->listens ? "SP: 2404, SH: ALL, " : "", r->parameters, r->line_keys, r->north, r->south);
    snprintf(south, sizeof south, "%s%s", south_csv, r->paired ? "" : south_values_csv);
    r->profile = r->paired ? &komet_profile_104 : &komet_profile_sinaut;
    const struct site_file files[] = {{"site.yaml", yaml, strlen(yaml)},
                                      {"north.csv", r->rows, strlen(r->rows)},
                                      {"south.csv", south, strlen(south)}};
    r->site = site_read(files, 3, NULL);
    if (r->site.site == NULL) {
        script_fail(&r->stage.script, "the site: %s", r->site.faults[0].what);
    }
    r->line = site_find_line(r->site.site, "L.S");
}

/* ---- settings ---- */

static void append_rest(struct script *script, char *text, const char *before, const char *behind)
{
    size_t used = strlen(text);
    used += (size_t)snprintf(text + used, RUNNER_TEXT - used, "%s", before);
    const char *between = "";
    while (script_peek(script) != NULL) {
        used += (size_t)snprintf(text + used, RUNNER_TEXT - used, "%s%s", between, script_word(script));
        between = " ";
    }
    snprintf(text + used, RUNNER_TEXT - used, "%s", behind);
}

static bool setting(struct stage *stage)
{
    struct runner *r = stage->context;
    struct script *script = &stage->script;
    if (script_take(script, "parameters")) {
        append_rest(script, r->parameters, "", ", ");
    } else if (script_take(script, "line")) {
        append_rest(script, r->line_keys, "        ", "\n");
    } else if (script_take(script, "north")) {
        append_rest(script, r->north, ", ", "");
    } else if (script_take(script, "south")) {
        append_rest(script, r->south, ", ", "");
    } else if (script_take(script, "tag")) {
        append_rest(script, r->tags, "", "\n");
    } else if (script_take(script, "paths")) {
        r->paths = (unsigned)script_number(script, RUNNER_PATHS);
    } else if (script_take(script, "paired")) {
        r->paired = true;
    } else if (script_take(script, "listens")) {
        r->listens = true;
    } else if (script_take(script, "store-by-script")) {
        r->store_by_script = true;
    } else if (script_take(script, "named")) {
        r->named = true;
    } else if (script_take(script, "values-by-script")) {
        r->values_by_script = true;
    } else if (script_take(script, "show")) {
        r->show_transport = r->show_transport || script_take(script, "transport");
        r->show_line = r->show_line || script_take(script, "line");
        r->show_times = r->show_times || script_take(script, "times");
        r->show_notes = r->show_notes || script_take(script, "notes");
        r->show_acknowledgements = r->show_acknowledgements || script_take(script, "acknowledgements");
        r->show_taken = r->show_taken || script_take(script, "taken");
    } else {
        return false;
    }
    return true;
}

static void begin(struct stage *stage)
{
    struct runner *r = stage->context;
    snprintf(r->rows, sizeof r->rows, "%s%s%s", north_csv, r->paired ? "" : north_values_csv, r->tags);
    read_site(r);
    size_t size = line_size(r->line);
    r->engine = line_init(malloc(size), size, r->line, runner_now(r));
}

/* ---- what happens ---- */

static unsigned path_word(struct runner *r)
{
    const char *word = script_word(&r->stage.script);
    for (unsigned path = 0; word != NULL && path < r->paths; path++) {
        if (strcmp(word, runner_path_names[path]) == 0) {
            return path;
        }
    }
    script_fail(&r->stage.script, "'%s' is no path: A1, A2, B1 or B2", word != NULL ? word : "");
}

static void feed(struct runner *r, unsigned path, const uint8_t *octets, size_t size)
{
    for (size_t at = 0; at < size;) {
        at += line_feed(r->engine, runner_now(r), r->ends[path].connection, octets + at, size - at);
        runner_drain(r);
    }
}

static void feed_function(struct runner *r, unsigned path, enum komet_u_function function)
{
    uint8_t octets[KOMET_APDU_SIZE_MAX];
    komet_apdu_encode_u(octets, function);
    feed(r, path, octets, KOMET_APDU_HEADER_SIZE);
}

static struct network_address address_of(const char *host)
{
    struct network_address address = {.family = 4};
    if (inet_pton(AF_INET, host, address.octets) != 1) {
        address.family = 6;
        inet_pton(AF_INET6, host, address.octets);
    }
    return address;
}

/* The addresses of a path's name; none: nobody knows it. */
static void do_found(struct runner *r)
{
    struct network_address addresses[8];
    unsigned path = path_word(r), count = 0;
    while (script_peek(&r->stage.script) != NULL && count < 8) {
        addresses[count++] = address_of(script_word(&r->stage.script));
    }
    line_found(r->engine, runner_now(r), r->finds[path], addresses, count);
}

static uint32_t accept_from(struct runner *r, const char *host)
{
    const struct network_address peer = address_of(host);
    return line_accepted(r->engine, runner_now(r), &peer, 40000);
}

/* TCP is there: as asked for, or by the partner. */
static void connect_path(struct runner *r, unsigned path)
{
    uint32_t connection = r->asked[path];
    if (r->listens) {
        connection = accept_from(r, runner_path_addresses[path]);
    }
    if (connection == 0) {
        script_fail(&r->stage.script, "no connection of %s is wanted", runner_path_names[path]);
    }
    runner_drain(r); /* the one before is closed, if there was one */
    r->asked[path] = 0;
    uint16_t first = (uint16_t)r->line->parameters.value[PARAMETER_ISSN]; /* of our N(S), which he expects */
    r->ends[path] = (struct far_end){.connection = connection, .received = first, .acknowledged = first};
    if (!r->listens) {
        line_connected(r->engine, runner_now(r), connection);
    }
    runner_drain(r);
}

static void do_up(struct runner *r)
{
    while (script_peek(&r->stage.script) != NULL) {
        unsigned path = path_word(r);
        connect_path(r, path);
        feed_function(r, path, r->listens ? KOMET_U_STARTDT_ACT : KOMET_U_STARTDT_CON);
    }
}

static void do_from(struct runner *r)
{
    uint8_t octets[KOMET_APDU_SIZE_MAX];
    unsigned path = path_word(r);
    struct far_end *end = &r->ends[path];
    struct script *script = &r->stage.script;
    bool marked = script_take(script, "marked");
    if (script_take(script, "S")) {
        end->acknowledged =
            script_peek(script) != NULL ? (uint16_t)script_number(script, 32767) : end->received;
        komet_apdu_encode_s(octets, end->acknowledged);
        feed(r, path, octets, KOMET_APDU_HEADER_SIZE);
        return;
    }
    if (script_take(script, "STARTDT")) {
        feed_function(r, path, script_take(script, "act") ? KOMET_U_STARTDT_ACT : KOMET_U_STARTDT_CON);
        script_take(script, "con");
        return;
    }
    if (script_take(script, "TESTFR")) {
        feed_function(r, path, script_take(script, "act") ? KOMET_U_TESTFR_ACT : KOMET_U_TESTFR_CON);
        script_take(script, "con");
        return;
    }
    size_t size = script_asdu(script, r->profile, octets + KOMET_APDU_HEADER_SIZE);
    komet_apdu_encode_i(octets, end->sent++, end->acknowledged, size);
    octets[4] = (uint8_t)(octets[4] | (marked ? 1u : 0u));
    feed(r, path, octets, KOMET_APDU_HEADER_SIZE + size);
}

static enum komet_reason reason_word(struct script *script, enum komet_reason otherwise)
{
    const char *word = script_word(script);
    for (unsigned reason = 0; word != NULL && reason < KOMET_REASON_COUNT; reason++) {
        if (strcmp(word, komet_reason_name((enum komet_reason)reason)) == 0) {
            return (enum komet_reason)reason;
        }
    }
    if (word != NULL) {
        script_fail(script, "'%s' is no reason", word);
    }
    return otherwise;
}

/* A connection ends, or does not come to be. */
static void do_lose(struct runner *r)
{
    unsigned path = path_word(r);
    uint32_t connection = r->asked[path] != 0 ? r->asked[path] : r->ends[path].connection;
    r->asked[path] = r->ends[path].connection = 0;
    line_closed(r->engine, runner_now(r), connection, reason_word(&r->stage.script, KOMET_PEER_CLOSED));
}

static const struct station *station_word(struct runner *r)
{
    const char *word = script_word(&r->stage.script);
    const struct station *station = word != NULL ? site_find_station(r->site.site, word) : NULL;
    if (station == NULL) {
        script_fail(&r->stage.script, "'%s' is no station", word != NULL ? word : "");
    }
    return station;
}

static void do_command(struct runner *r, enum line_command_kind kind)
{
    struct script *script = &r->stage.script;
    struct line_command order = {.id = ++r->commands, .kind = kind};
    order.deadline = komet_after(r->stage.now, KOMET_SECONDS(10));
    if (kind == LINE_COMMAND_WRITE || kind == LINE_COMMAND_SELECT) {
        const char *name = script_word(script);
        const struct tag *tag = name != NULL ? site_find_tag(r->site.site, name) : NULL;
        const char *number = script_word(script), *flags = script_word(script);
        if (tag == NULL || number == NULL || !value_parse(tag->type, number, &order.number) ||
            (flags != NULL && !value_flags_parse(flags, &order.flags))) {
            script_fail(script, "write TAG NUMBER [FLAGS]");
        }
        order.tag = tag;
        order.station = tag->station;
    } else {
        order.station = station_word(r);
    }
    bool value = order.tag != NULL && tag_sends_value(order.tag);
    struct value *wanted = &r->written[order.id % RUNNER_WRITES].value;
    snprintf(r->written[order.id % RUNNER_WRITES].tag, sizeof r->written[0].tag, "%s",
             value ? order.tag->name : "");
    *wanted = value_unknown();
    wanted->number = order.number;
    wanted->status = STATUS_VALID;
    wanted->flags = order.flags;
    line_command(r->engine, runner_now(r), &order);
}

static void do_activate(struct runner *r)
{
    uint64_t has[SITE_PARTNERS_MAX] = {0};
    if (script_peek(&r->stage.script) != NULL) {
        has[0] = script_number(&r->stage.script, UINT32_MAX);
        has[1] = script_number(&r->stage.script, UINT32_MAX);
        r->position = has[0] < has[1] ? has[0] : has[1];
    }
    line_activate(r->engine, runner_now(r));
    line_outgoing_begin(r->engine, runner_now(r), has, SITE_PARTNERS_MAX);
    if (!r->values_by_script) {
        line_outgoing_ready(r->engine, runner_now(r));
    }
}

/* What LINE in the console shows. */
static void do_report(struct runner *r)
{
    struct line_report report = line_report(r->engine);
    runner_note_line(r);
    for (unsigned i = 0; i < report.connection_count; i++) {
        const struct line_connection *own = &report.connections[i];
        stage_note(&r->stage, "connection %s %s %s %s %s%s%s", own->partner, own->address,
                   connection_state_name(own->state), own->role, own->path,
                   own->reason != KOMET_OK ? " " : "",
                   own->reason != KOMET_OK ? komet_reason_name(own->reason) : "");
    }
}

/* A row more in front of all others of B.NORTH, or one less. */
static void edit_rows(struct runner *r)
{
    static char rows[sizeof r->rows];
    bool front = script_take(&r->stage.script, "front"), without = script_take(&r->stage.script, "without");
    const char *word = script_word(&r->stage.script), *at = r->rows;
    size_t used = 0, size = word != NULL ? strlen(word) : 0;
    if (word == NULL || front == without) {
        script_fail(&r->stage.script, "reload [front ROW] [without TAG]");
    }
    for (; *at != '\0'; at = strchr(at, '\n') + 1) {
        bool heading = at == r->rows, gone = without && strncmp(at, word, size) == 0 && at[size] == ',';
        used += (size_t)snprintf(rows + used, sizeof rows - used, "%.*s",
                                 gone ? 0 : (int)(strchr(at, '\n') + 1 - at), at);
        used += front && heading ? (size_t)snprintf(rows + used, sizeof rows - used, "%s\n", word) : 0;
    }
    snprintf(r->rows, sizeof r->rows, "%s", rows);
}

/* RELOAD: the line goes on in other memory, and is told anew what its outputs have. */
static void do_reload(struct runner *r)
{
    struct site_result before = r->site;
    while (script_peek(&r->stage.script) != NULL) {
        edit_rows(r);
    }
    read_site(r);
    size_t size = site_difference_size(before.site, r->site.site);
    void *memory = malloc(size);
    struct site_difference *difference = site_difference_make(memory, size, before.site, r->site.site);
    struct line_engine *engine = r->engine;
    r->engine =
        line_move(malloc(line_size(r->line)), line_size(r->line), engine, r->line, difference, runner_now(r));
    free(engine);
    free(memory);
    site_result_release(&before);
    line_outgoing_begin(r->engine, runner_now(r), NULL, 0);
    if (!r->values_by_script) {
        line_outgoing_ready(r->engine, runner_now(r));
    }
}

/* The server says what an output has. */
static void do_outgoing(struct runner *r)
{
    struct script *script = &r->stage.script;
    bool older = script_take(script, "older"), event = older || script_take(script, "event");
    const char *name = script_word(script), *number = script_word(script), *flags = script_word(script);
    const struct tag *tag = name != NULL ? site_find_tag(r->site.site, name) : NULL;
    struct line_outgoing outgoing = {
        .tag = tag, .value = value_unknown(), .position = event ? ++r->position : 0, .older = older};
    bool known = number != NULL && strcmp(number, "unknown") != 0;
    if (tag == NULL || number == NULL || (known && !value_parse(tag->type, number, &outgoing.value.number)) ||
        (flags != NULL && !value_flags_parse(flags, &outgoing.value.flags))) {
        script_fail(script, "outgoing [event|older] TAG NUMBER|unknown [FLAGS]");
    }
    if (known) {
        outgoing.value.status = STATUS_VALID;
        outgoing.value.time = runner_now(r).utc;
    }
    line_outgoing(r->engine, runner_now(r), &outgoing);
}

static bool happens_on_a_path(struct runner *r)
{
    struct script *script = &r->stage.script;
    if (script_take(script, "up")) {
        do_up(r);
    } else if (script_take(script, "connected")) {
        connect_path(r, path_word(r));
    } else if (script_take(script, "lose")) {
        do_lose(r);
    } else if (script_take(script, "from")) {
        do_from(r);
    } else if (script_take(script, "store")) {
        unsigned path = path_word(r);
        line_stored(r->engine, runner_now(r), r->ends[path].connection, script_number(script, UINT32_MAX));
    } else if (script_take(script, "answers")) {
        while (script_peek(script) != NULL) {
            line_pinged(r->engine, runner_now(r), r->pings[path_word(r)], true);
        }
    } else if (script_take(script, "found")) {
        do_found(r);
    } else if (script_take(script, "no-pings")) {
        line_pinged(r->engine, runner_now(r), r->pings[path_word(r)], false);
    } else if (script_take(script, "hold")) {
        r->held |= 1u << path_word(r);
    } else if (script_take(script, "release")) {
        r->held &= ~(1u << path_word(r));
    } else if (script_take(script, "stranger")) {
        const char *host = script_word(script);
        stage_note(&r->stage, "stranger %s", accept_from(r, host) == 0 ? "refused" : "taken");
    } else {
        return false;
    }
    return true;
}

static bool action(struct stage *stage)
{
    struct runner *r = stage->context;
    struct script *script = &stage->script;
    if (happens_on_a_path(r)) {
        runner_drain(r);
        return true;
    }
    if (script_take(script, "activate")) {
        do_activate(r);
    } else if (script_take(script, "report")) {
        do_report(r);
    } else if (script_take(script, "reload")) {
        do_reload(r);
    } else if (script_take(script, "outgoing")) {
        do_outgoing(r);
    } else if (script_take(script, "outgoing-ready")) {
        line_outgoing_ready(r->engine, runner_now(r));
    } else if (script_take(script, "deactivate")) {
        line_deactivate(r->engine, runner_now(r), reason_word(script, KOMET_BECAME_PASSIVE));
    } else if (script_take(script, "stand-by")) {
        line_stand_by(r->engine, runner_now(r));
    } else if (script_take(script, "listening")) {
        line_listening(r->engine, runner_now(r), script_take(script, "fails") ? "the port is taken" : NULL);
    } else if (script_take(script, "mode")) {
        const struct station *station = station_word(r);
        line_set_mode(r->engine, runner_now(r), station, (unsigned)script_number(script, STATION_MODES));
    } else if (script_take(script, "write")) {
        do_command(r, LINE_COMMAND_WRITE);
    } else if (script_take(script, "select")) {
        do_command(r, LINE_COMMAND_SELECT);
    } else if (script_take(script, "interrogate")) {
        do_command(r, LINE_COMMAND_INTERROGATE);
    } else if (script_take(script, "counters")) {
        do_command(r, LINE_COMMAND_COUNTERS);
    } else if (script_take(script, "clock")) {
        do_command(r, LINE_COMMAND_CLOCK);
    } else {
        return false;
    }
    runner_drain(r);
    return true;
}

static bool expected(struct stage *stage, char *text)
{
    struct script *script = &stage->script;
    const char *word = script_word(script);
    size_t used = (size_t)snprintf(text, STAGE_TEXT_SIZE, "%s", word != NULL ? word : "");
    while (script_peek(script) != NULL && used < STAGE_TEXT_SIZE) {
        used += (size_t)snprintf(text + used, STAGE_TEXT_SIZE - used, " %s", script_word(script));
    }
    return word != NULL;
}

static bool expect_now(struct stage *stage)
{
    struct runner *r = stage->context;
    struct script *script = &stage->script;
    struct line_counters counters = line_counters(r->engine);
    if (script_take(script, "unknown-addresses")) {
        stage_expect_number(stage, "unknown-addresses", counters.unknown_address);
    } else if (script_take(script, "wrong-types")) {
        stage_expect_number(stage, "wrong-types", counters.wrong_type);
    } else if (script_take(script, "refused-connections")) {
        stage_expect_number(stage, "refused-connections", counters.refused);
    } else {
        return false;
    }
    return true;
}

static struct komet_instant deadline(const struct stage *stage)
{
    const struct runner *r = stage->context;
    return line_deadline(r->engine);
}

static void tick(struct stage *stage)
{
    struct runner *r = stage->context;
    line_tick(r->engine, runner_now(r));
    runner_drain(r);
}

int main(int argc, char **argv)
{
    static const struct stage_engine engine = {
        .setting = setting,
        .begin = begin,
        .action = action,
        .expect_now = expect_now,
        .expected = expected,
        .deadline = deadline,
        .tick = tick,
        .expectations =
            "send PATH ASDU, value TAG …, end ID RESULT, station NAME VALUE, close PATH REASON, listen, "
            "listen-end, ping PATH, find PATH, stranger refused, unknown-addresses N, wrong-types N, "
            "refused-connections N; "
            "behind `report`: line VALUE FLAGS, connection NAME ADDRESS STATE ROLE PATH REASON; "
            "where shown: connect PATH, line VALUE FLAGS, note …",
    };
    static struct runner runner = {.stage = {.engine = &engine, .context = &runner}, .paths = RUNNER_PATHS};
    int status = stage_run(&runner.stage, argc, argv);
    free(runner.engine);
    site_result_release(&runner.site);
    return status;
}
