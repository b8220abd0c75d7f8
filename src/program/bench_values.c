/*
 * bench_values: see bench_values.h.
 */
#include "program/bench_values.h"

#include "komet/assert.h"

/* The value of an address, exact in a float. */
static float value_of(uint32_t address)
{
    return (float)(address % 4096) * 0.25F;
}

uint64_t bench_send_values(struct bench_sender *sender, struct bench_connection *connection, unsigned objects)
{
    static const struct komet_asdu_header header = {
        .type = KOMET_M_ME_TF_1, .cause = KOMET_COT_SPONTANEOUS, .ca = 1};
    const struct komet_profile *profile = sender->profile != NULL ? sender->profile : &komet_profile_104;
    struct line_now now = bench_host_now(connection->host);
    struct komet_asdu_writer writer;
    KOMET_ASSERT(objects >= 1 && objects <= BENCH_OBJECTS);
    for (unsigned i = 0; i < objects; i++) {
        struct komet_object *object = &sender->objects[i];
        object->ioa = 1 + sender->next;
        object->value.real = value_of(object->ioa);
        komet_calendar_cp56(&sender->calendar, &object->time, now.utc, 0);
        sender->next = object->ioa < sender->addresses ? object->ioa : 0;
    }
    uint8_t *octets = komet_link_reserve(connection->link);
    komet_asdu_begin(&writer, profile, &header, octets, KOMET_ASDU_SIZE_MAX);
    komet_asdu_add_objects(&writer, sender->objects, objects);
    return komet_link_commit(connection->link, now.instant, komet_asdu_end(&writer));
}

void bench_send_command(struct bench_connection *connection, uint32_t address, bool on)
{
    static const struct komet_asdu_header header = {
        .type = KOMET_C_SC_NA_1, .cause = KOMET_COT_ACTIVATION, .ca = 1};
    const struct komet_object command = {.ioa = address, .value.single = on};
    struct komet_asdu_writer writer;
    uint8_t *octets = komet_link_reserve(connection->link);
    komet_asdu_begin(&writer, &komet_profile_104, &header, octets, KOMET_ASDU_SIZE_MAX);
    komet_asdu_add(&writer, &command);
    komet_link_commit(connection->link, bench_host_now(connection->host).instant, komet_asdu_end(&writer));
}

/* Whether an object is what the bench's sender sends behind the one before. */
static bool is_next(struct bench_receiver *receiver, const struct komet_object *object)
{
    uint32_t address = 1 + receiver->next;
    receiver->next = address < receiver->addresses ? address : 0;
    return object->ioa == address && object->value.real == value_of(address) && object->quality == 0 &&
           !object->time.invalid && object->time.milliseconds < 60000;
}

void bench_take_values(struct bench_receiver *receiver, const uint8_t *octets, size_t size)
{
    struct komet_asdu asdu;
    struct komet_object objects[BENCH_OBJECTS];
    receiver->asdus++;
    if (komet_asdu_decode(&komet_profile_104, octets, size, &asdu) != KOMET_ASDU_OK) {
        receiver->wrong = true;
        return;
    }
    for (unsigned done = 0; done < asdu.count;) {
        unsigned count = asdu.count - done < BENCH_OBJECTS ? asdu.count - done : BENCH_OBJECTS;
        komet_asdu_objects(&asdu, done, count, objects);
        for (unsigned i = 0; i < count && receiver->addresses > 0; i++) {
            receiver->wrong |= !is_next(receiver, &objects[i]);
        }
        receiver->last = objects[count - 1].time;
        done += count;
    }
    receiver->objects += asdu.count;
}
