/*
 * repeats: see repeats.h.
 *
 * Entries have a serial that only grows; the ring keeps the newest `capacity` of them. A bucket of the hash
 * holds the serial of its newest entry, each entry that of the next older one in its bucket, and a serial
 * that has left the ring ends the chain: nothing is ever removed. The connections lie in a ring and a hash of
 * their own, likewise.
 */
#include "server/repeats.h"

#include <string.h>

#include "komet/assert.h"
#include "model/site_difference.h"

#define OBJECTS_PER_FRAME 22 /* the most time-tagged elements with addresses in one ASDU */
#define WINDOWS           4  /* so many windows are remembered: several connections may die in a row */
#define CAPACITY_MIN      256
#define CAPACITY_MAX      REPEATS_VALUES_MAX
#define CONNECTIONS       64 /* of a line that nothing comes late of; else as many as values */

struct delivery {
    uint64_t older; /* serial of the next older entry of the bucket; 0 none */
    uint64_t frame;
    struct komet_instant came;
    uint32_t tag;
    uint32_t connection; /* its serial */
    uint32_t streams;    /* that have brought this event, as bits; 0: it is no event's first delivery */
    uint8_t octets[RECORD_OCTETS_MAX];
    uint8_t size;
    uint8_t stream;
    bool standby; /* only instances that stood by have brought this event */
    bool matched; /* a later connection has delivered it again */
};

struct seen_connection {
    struct repeats_connection name;
    uint32_t serial; /* from 1; grows */
    uint32_t older;  /* serial of the next older one of the bucket; 0 none */
    uint64_t newest_frame;
};

struct repeats {
    uint32_t capacity;  /* a power of two */
    uint32_t equal_max; /* of one hash: so many are looked at */
    uint16_t window;
    struct komet_instant now;
    uint64_t next;             /* serial of the next entry, from 1 */
    uint32_t first_connection; /* those before it are forgotten in any case */
    uint32_t next_connection;
    uint32_t connection_capacity; /* a power of two */
    struct seen_connection *connections;
    uint32_t *connection_buckets; /* connection_capacity of them */
    uint64_t *buckets;            /* capacity of them */
    struct delivery *ring;
};

static uint32_t capacity_for(uint16_t window, uint32_t values)
{
    uint32_t of_window = (uint32_t)window * OBJECTS_PER_FRAME * WINDOWS;
    uint32_t wanted = values > of_window ? values : of_window;
    uint32_t capacity = CAPACITY_MIN;
    while (capacity < wanted && capacity < CAPACITY_MAX) {
        capacity *= 2;
    }
    return capacity;
}

/* Each has brought one value at the least: of a connection that is forgotten, nothing is remembered. */
static uint32_t connections_for(uint16_t window, uint32_t values)
{
    return values > 0 ? capacity_for(window, values) : CONNECTIONS;
}

size_t repeats_size(uint16_t window, uint32_t values)
{
    size_t capacity = capacity_for(window, values), connections = connections_for(window, values);
    return sizeof(struct repeats) + connections * (sizeof(uint32_t) + sizeof(struct seen_connection)) +
           capacity * (sizeof(uint64_t) + sizeof(struct delivery));
}

struct repeats *repeats_init(void *memory, size_t size, uint16_t window, uint32_t values)
{
    KOMET_ASSERT(window > 0 && size >= repeats_size(window, values));
    struct repeats *repeats = memory;
    memset(repeats, 0, sizeof *repeats);
    repeats->capacity = capacity_for(window, values);
    repeats->equal_max = capacity_for(window, 0);
    repeats->window = window;
    repeats->next = 1;
    repeats->first_connection = repeats->next_connection = 1;
    repeats->connection_capacity = connections_for(window, values);
    repeats->buckets = (uint64_t *)(void *)(repeats + 1);
    repeats->ring = (struct delivery *)(void *)(repeats->buckets + repeats->capacity);
    repeats->connections = (struct seen_connection *)(void *)(repeats->ring + repeats->capacity);
    repeats->connection_buckets = (uint32_t *)(void *)(repeats->connections + repeats->connection_capacity);
    memset(repeats->buckets, 0, repeats->capacity * sizeof(uint64_t));
    memset(repeats->connection_buckets, 0, repeats->connection_capacity * sizeof(uint32_t));
    return repeats;
}

void repeats_set_time(struct repeats *repeats, struct komet_instant now)
{
    repeats->now = now;
}

static struct seen_connection *connection_at(const struct repeats *repeats, uint32_t serial)
{
    return &repeats->connections[serial & (repeats->connection_capacity - 1)];
}

static bool is_seen(const struct repeats *repeats, uint32_t serial)
{
    return serial >= repeats->first_connection &&
           serial + repeats->connection_capacity >= repeats->next_connection;
}

static uint32_t *connection_bucket(struct repeats *repeats, struct repeats_connection name)
{
    uint64_t sum = ((name.life ^ (uint64_t)name.stream << 56) * UINT64_C(1099511628211) ^ name.connection) *
                   UINT64_C(11400714819323198485);
    return &repeats->connection_buckets[sum >> 32 & (repeats->connection_capacity - 1)];
}

static struct seen_connection *find_connection(struct repeats *repeats, struct repeats_connection name)
{
    uint32_t *bucket = connection_bucket(repeats, name);
    for (uint32_t at = *bucket; is_seen(repeats, at); at = connection_at(repeats, at)->older) {
        struct seen_connection *seen = connection_at(repeats, at);
        if (seen->name.life == name.life && seen->name.connection == name.connection &&
            seen->name.stream == name.stream) {
            return seen;
        }
    }
    struct seen_connection *fresh = connection_at(repeats, repeats->next_connection);
    *fresh = (struct seen_connection){name, repeats->next_connection, *bucket, 0};
    *bucket = repeats->next_connection++;
    return fresh;
}

static uint64_t hash(uint32_t tag, const uint8_t *octets, unsigned size)
{
    uint64_t sum = UINT64_C(14695981039346656037) ^ tag;
    for (unsigned i = 0; i < size; i++) {
        sum = (sum ^ octets[i]) * UINT64_C(1099511628211);
    }
    return sum ^ sum >> 32;
}

static bool in_ring(const struct repeats *repeats, uint64_t serial)
{
    return serial != 0 && serial + repeats->capacity >= repeats->next;
}

/* Could the partner send `delivery` again on another connection of its stream than `connection`? */
static bool may_come_again(const struct repeats *repeats, const struct delivery *delivery,
                           uint32_t connection, int64_t back_us)
{
    if (delivery->matched || delivery->connection == connection) {
        return false;
    }
    const struct seen_connection *seen = connection_at(repeats, delivery->connection);
    bool known = is_seen(repeats, delivery->connection);
    bool recent = back_us > 0 && komet_elapsed_us(repeats->now, delivery->came) <= back_us;
    return recent || (known && delivery->frame + repeats->window > seen->newest_frame);
}

/* The newest entry of all. */
static void put(struct repeats *repeats, const struct delivery *delivery)
{
    uint64_t *bucket =
        &repeats->buckets[hash(delivery->tag, delivery->octets, delivery->size) & (repeats->capacity - 1)];
    struct delivery *entry = &repeats->ring[repeats->next & (repeats->capacity - 1)];
    *entry = *delivery;
    entry->older = *bucket;
    *bucket = repeats->next++;
}

static void move_connections(struct repeats *repeats, const struct repeats *before)
{
    uint32_t count = before->next_connection - before->first_connection;
    count = count < before->connection_capacity ? count : before->connection_capacity;
    repeats->next_connection = before->next_connection;
    repeats->first_connection = before->next_connection - count;
    for (uint32_t serial = repeats->first_connection; serial < before->next_connection; serial++) {
        struct seen_connection *seen = connection_at(repeats, serial);
        *seen = *connection_at(before, serial);
        uint32_t *bucket = connection_bucket(repeats, seen->name);
        seen->older = *bucket;
        *bucket = serial;
    }
}

void repeats_move(struct repeats *repeats, const struct repeats *before, const uint32_t *tag_now,
                  uint32_t first_tag)
{
    KOMET_ASSERT(repeats->next == 1);
    move_connections(repeats, before);
    uint64_t kept = before->next - 1 < before->capacity ? before->next - 1 : before->capacity;
    for (uint64_t serial = before->next - kept; serial < before->next; serial++) {
        struct delivery delivery = before->ring[serial & (before->capacity - 1)];
        if (delivery.tag >= REPEATS_GONE) {
            continue;
        }
        uint32_t now = tag_now[delivery.tag];
        delivery.tag = now != DIFFERENCE_GONE ? now - first_tag : REPEATS_GONE | delivery.tag;
        put(repeats, &delivery);
    }
}

static bool is_same(const struct delivery *delivery, uint32_t tag, const uint8_t *octets, unsigned size)
{
    return delivery->tag == tag && delivery->size == size && memcmp(delivery->octets, octets, size) == 0;
}

/* The connection of that name, on which `frame` came. */
static struct seen_connection *connection_with(struct repeats *repeats, struct repeats_connection name,
                                               uint64_t frame)
{
    struct seen_connection *connection = find_connection(repeats, name);
    if (frame > connection->newest_frame) {
        connection->newest_frame = frame;
    }
    return connection;
}

/* `streams`: that have brought it; 0: it is no event's first delivery. */
static void remember(struct repeats *repeats, const struct seen_connection *connection, bool standby,
                     uint64_t frame, uint32_t tag, const uint8_t *octets, unsigned size, uint32_t streams)
{
    struct delivery delivery = {.frame = frame,
                                .came = repeats->now,
                                .tag = tag,
                                .connection = connection->serial,
                                .streams = streams,
                                .size = (uint8_t)size,
                                .stream = connection->name.stream,
                                .standby = standby};
    memcpy(delivery.octets, octets, size);
    put(repeats, &delivery);
}

void repeats_recover(struct repeats *repeats, struct repeats_connection name, uint64_t frame, uint32_t tag,
                     const uint8_t *octets, unsigned size)
{
    KOMET_ASSERT(size > 0 && size <= RECORD_OCTETS_MAX && name.stream < REPEATS_STREAMS_MAX);
    remember(repeats, connection_with(repeats, name, frame), name.standby, frame, tag, octets, size,
             (uint32_t)1 << name.stream);
}

enum repeats_result repeats_take(struct repeats *repeats, struct repeats_connection name, uint64_t frame,
                                 uint32_t tag, const uint8_t *octets, unsigned size, int64_t back_us)
{
    KOMET_ASSERT(size > 0 && size <= RECORD_OCTETS_MAX && name.stream < REPEATS_STREAMS_MAX);
    const struct seen_connection *connection = connection_with(repeats, name, frame);
    uint32_t stream = (uint32_t)1 << name.stream;
    uint64_t newest = repeats->buckets[hash(tag, octets, size) & (repeats->capacity - 1)];
    struct delivery *own = NULL, *other = NULL; /* the oldest ones */
    uint32_t looked_at = 0;
    for (uint64_t at = newest; in_ring(repeats, at) && looked_at++ < repeats->equal_max;
         at = repeats->ring[at & (repeats->capacity - 1)].older) {
        struct delivery *delivery = &repeats->ring[at & (repeats->capacity - 1)];
        if (!is_same(delivery, tag, octets, size)) {
            continue;
        }
        if (delivery->stream == name.stream &&
            may_come_again(repeats, delivery, connection->serial, back_us)) {
            own = delivery;
        }
        if (delivery->streams != 0 && (delivery->streams & stream) == 0) {
            other = delivery;
        }
    }
    bool first = own == NULL && other == NULL;
    bool confirmed = false;
    if (own != NULL) {
        own->matched = true;
    } else if (other != NULL) {
        confirmed = other->standby && !name.standby;
        other->streams |= stream;
        other->standby = other->standby && name.standby;
    }
    /* It may take the place of one of these. */
    remember(repeats, connection, name.standby, frame, tag, octets, size, first ? stream : 0);
    return first ? REPEATS_NEW : confirmed ? REPEATS_CONFIRMED : REPEATS_KNOWN;
}
