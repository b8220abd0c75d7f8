/*
 * masters_world: see masters_world.h.
 */
#include "masters_world.h"

#include <stdlib.h>

static const char site_text[] =
    "site: test\n"
    "processes:\n"
    "  SELF.KOM:\n"
    "    lines:\n"
    "      L.A: {protocol: iec104, category: tcp, number: 3, hosts: [\"127.0.0.1:2404\"], stations: {\n"
    "        B.A: {address: 1, tags: a.csv}, B.S: {address: 2, tags: s.csv, parameters: {SBE: true}}}}\n"
    "  SRV.KOM:\n"
    "    lines:\n"
    "      L.C: {protocol: iec104-server, category: tcp, number: 1, listen: \"ALL:2404\", masters: "
    "[[10.9.0.1], "
    "[10.9.0.2]],\n"
    "        parameters: {OBUF: 120}, stations: {B.C: {address: 1, tags: c.csv}}}\n";
static const char a_csv[] =
    "name,type,address,asdu,source\nM.D,Di,1,,\nM.U,Ai,2,,\nM.D.CMD,Dout,10,45,M.IN\n";
static const char s_csv[] = "name,type,address,asdu,source\nM.S.CMD,Dout,10,45,M.IN.S\n";
static const char c_csv[] = "name,type,address,asdu,source\nM.UP.D,Dout,1,30,M.D\nM.UP.U,Ao,2,36,M.U\n"
                            "M.UP.OWN,Ao,3,13,\nM.IN,Di,4,45,\nM.IN.S,Di,5,45,\nM.IN.FREE,Di,6,45,\n";

uint64_t masters_epochs[8];

uint64_t masters_epoch(const struct harness *harness, unsigned client)
{
    const struct sent *role = harness_sent(harness, client, BODY(ROLE));
    assert_non_null(role);
    return role->of.role.active ? role->of.role.epoch : 0;
}

void masters_connect(struct harness *harness, unsigned instance)
{
    unsigned client = MASTERS_SRV - 1 + instance;
    harness_hello(harness, client, "SRV.KOM", instance, 2000 + instance);
    harness_store(harness);
    masters_epochs[client] = masters_epoch(harness, client);
}

/* Both processes have an instance 1 that acts. */
static void begin(struct harness *harness)
{
    static const struct site_file files[] = {{"site.yaml", site_text, sizeof site_text - 1},
                                             {"a.csv", a_csv, sizeof a_csv - 1},
                                             {"s.csv", s_csv, sizeof s_csv - 1},
                                             {"c.csv", c_csv, sizeof c_csv - 1}};
    harness_begin_with(harness, files, 4);
    harness_active(harness, MASTERS_SELF);
    masters_connect(harness, 1);
}

int masters_world_set_up(void **state)
{
    struct harness *harness = malloc(sizeof *harness);
    begin(harness);
    *state = harness;
    return 0;
}

void masters_value(struct harness *harness, const char *tag, double number)
{
    harness_give(harness, MASTERS_SELF,
                 (struct given){tag, number, 3, 30, .time_ms = harness->now.utc.ms, .tagged = true});
}

void masters_taken(struct harness *harness, unsigned client, unsigned group, uint64_t position)
{
    harness_taken(harness, client, masters_epochs[client], 0, group, position);
}

void masters_command_of(struct harness *harness, unsigned client, uint64_t id, const char *tag, double number,
                        bool select)
{
    wire_message message = KOMET__WIRE__MESSAGE__INIT;
    Komet__Wire__MasterCommand body = KOMET__WIRE__MASTER_COMMAND__INIT;
    body.epoch = masters_epochs[client];
    body.id = id;
    body.tag =
        (harness->numbers != NULL ? site_find_tag(harness->numbers, tag) : harness_tag(harness, tag))->number;
    body.number = number;
    body.flags = 5;
    body.cause = 45 | 0x10000;
    body.time_ms = body.arrived_ms = harness->now.utc.ms;
    body.select = select;
    body.master = (char *)(uintptr_t) "L.C 10.9.0.1";
    message.body_case = BODY(MASTER_COMMAND);
    message.master_command = &body;
    harness_feed(harness, client, &message);
}

const struct sent *masters_outgoing(struct harness *harness, unsigned client)
{
    const struct sent *sent = harness_sent(harness, client, BODY(OUTGOING));
    assert_non_null(sent);
    return sent;
}

uint32_t masters_answer(struct harness *harness, unsigned client)
{
    const struct sent *sent = harness_sent(harness, client, BODY(MASTER_ANSWER));
    return sent != NULL ? sent->of.master_answer.result : 99;
}

void masters_replay(struct harness *harness, const struct record *kept, unsigned count)
{
    harness_restart(harness);
    for (unsigned i = 0; i < count; i++) {
        const struct record *record = &kept[i];
        if (record->kind == RECORD_EVENT) {
            server_recover_event(harness->server, record->process, record->instance, &record->of.event);
        } else if (record->kind == RECORD_GRANT) {
            server_recover_grant(harness->server, record->process, record->of.grant.epoch);
        } else if (record->kind == RECORD_LOAD_BALANCE) {
            server_recover_load_balance(harness->server, record->process, record->of.load_balance);
        }
    }
    for (unsigned i = 0; i < count; i++) {
        const struct record_event *event = &kept[i].of.event;
        if (kept[i].kind == RECORD_EVENT && event->connection == 0 && event->frame > 0) {
            server_recover_outgoing(harness->server, event->tag, &event->value, event->frame, false);
        }
    }
    for (unsigned i = 0; i < count; i++) {
        if (kept[i].kind == RECORD_TAKEN) {
            server_recover_taken(harness->server, kept[i].of.taken.line, kept[i].of.taken.masters,
                                 kept[i].instance, kept[i].of.taken.position);
        }
    }
    server_recovered(harness->server, harness->now);
}
