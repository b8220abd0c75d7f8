/*
 * buffer_file: see buffer_file.h.
 *
 * Head of a file, 40 octets, numbers with the low octet first: "KOMETBUF", number of the buffer, of the
 * segment, of its first record (8 each), version (4), checksum of these (4). A record: size, values (4 each),
 * number (8), checksum of these and the octets (4), the octets.
 */
#include "shell/buffer_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "komet/assert.h"

#define HEAD_SIZE  BUFFER_SEGMENT_HEAD
#define VERSION    1
#define RECORD_MAX (16u << 20)
#define PATH_SIZE  1024

struct buffer_file {
    char folder[PATH_SIZE - 64];
    struct buffer_book book;
    uint64_t number;
    uint64_t synced;     /* records up to this one are on the disk; at first: all that are found */
    int directory, lock; /* -1: none */
    int writing;         /* the newest segment, -1 none */
    uint64_t written;    /* octets of it */
    int reading;         /* -1 none */
    uint64_t reads;      /* number of the segment that is read */
    off_t read_at;
    uint8_t *octets; /* the record read last */
    size_t capacity;
};

struct record_head {
    uint32_t size, values, sum;
    uint64_t number;
};

/* CRC-32 (IEEE 802.3), four bits at a time. */
static uint32_t checksum(uint32_t sum, const uint8_t *octets, size_t size)
{
    static const uint32_t table[16] = {0x00000000, 0x1DB71064, 0x3B6E20C8, 0x26D930AC, 0x76DC4190, 0x6B6B51F4,
                                       0x4DB26158, 0x5005713C, 0xEDB88320, 0xF00F9344, 0xD6D6A3E8, 0xCB61B38C,
                                       0x9B64C2B0, 0x86D3D2D4, 0xA00AE278, 0xBDBDF21C};
    sum = ~sum;
    for (size_t i = 0; i < size; i++) {
        sum ^= octets[i];
        sum = sum >> 4 ^ table[sum & 15];
        sum = sum >> 4 ^ table[sum & 15];
    }
    return ~sum;
}

static void put(uint8_t *to, uint64_t number, unsigned size)
{
    for (unsigned i = 0; i < size; i++) {
        to[i] = (uint8_t)(number >> 8 * i);
    }
}

static uint64_t get(const uint8_t *from, unsigned size)
{
    uint64_t number = 0;
    for (unsigned i = size; i > 0; i--) {
        number = number << 8 | from[i - 1];
    }
    return number;
}

static bool say(char *fault, const char *what)
{
    snprintf(fault, BUFFER_FAULT_SIZE, "%.180s: %.60s", what, strerror(errno));
    return false;
}

static void segment_name(uint64_t number, char *name, size_t size)
{
    snprintf(name, size, "%016llu.buffer", (unsigned long long)number);
}

static void delete_segment(struct buffer_file *file, uint64_t number)
{
    char name[40];
    segment_name(number, name, sizeof name);
    unlinkat(file->directory, name, 0);
}

/* ---- opening ---- */

static bool read_exactly(int from, off_t at, uint8_t *octets, size_t size)
{
    size_t used = 0;
    while (used < size) {
        ssize_t got = pread(from, octets + used, size - used, at + (off_t)used);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return false;
        }
        used += (size_t)got;
    }
    return true;
}

/* The record at `at`; its octets in file->octets. False: there is none that is whole. */
static bool read_record(struct buffer_file *file, int from, off_t at, struct record_head *head)
{
    uint8_t octets[BUFFER_RECORD_HEAD];
    if (!read_exactly(from, at, octets, sizeof octets)) {
        return false;
    }
    *head = (struct record_head){(uint32_t)get(octets, 4), (uint32_t)get(octets + 4, 4),
                                 (uint32_t)get(octets + 16, 4), get(octets + 8, 8)};
    if (head->size == 0 || head->size > RECORD_MAX) {
        return false;
    }
    if (head->size > file->capacity) {
        file->octets = realloc(file->octets, head->size);
        KOMET_ASSERT(file->octets != NULL);
        file->capacity = head->size;
    }
    return read_exactly(from, at + BUFFER_RECORD_HEAD, file->octets, head->size) &&
           checksum(checksum(0, octets, 16), file->octets, head->size) == head->sum;
}

static bool read_head(int from, uint64_t *buffer, struct buffer_segment *segment)
{
    uint8_t octets[HEAD_SIZE];
    if (!read_exactly(from, 0, octets, sizeof octets) || memcmp(octets, "KOMETBUF", 8) != 0 ||
        get(octets + 32, 4) != VERSION || get(octets + 36, 4) != checksum(0, octets, 36)) {
        return false;
    }
    *buffer = get(octets + 8, 8);
    *segment = (struct buffer_segment){
        .number = get(octets + 16, 8), .first = get(octets + 24, 8), .octets = HEAD_SIZE};
    segment->last = segment->first - 1;
    return *buffer != 0 && segment->number != 0 && segment->first != 0;
}

/* Counts a file's records, and cuts off what is behind the last whole one that may be used. */
static void count_records(struct buffer_file *file, int from, struct buffer_segment *segment, char *fault)
{
    struct record_head head;
    struct stat about;
    while (read_record(file, from, (off_t)segment->octets, &head) && head.number == segment->last + 1 &&
           head.number <= file->synced) {
        segment->last = head.number;
        segment->values += head.values;
        segment->octets += BUFFER_RECORD_HEAD + head.size;
    }
    if (fstat(from, &about) == 0 && (uint64_t)about.st_size > segment->octets) {
        snprintf(fault, BUFFER_FAULT_SIZE,
                 "%.120s: %llu octets behind the last whole record of segment %llu were cut off", file->folder,
                 (unsigned long long)about.st_size - segment->octets, (unsigned long long)segment->number);
        if (ftruncate(from, (off_t)segment->octets) != 0) {
            say(fault, file->folder);
        }
    }
}

/* What cannot be used is kept for people to look at, under another name. */
static void put_aside(struct buffer_file *file, const char *name, char *fault)
{
    char aside[300];
    snprintf(aside, sizeof aside, "%.200s.bad", name);
    renameat(file->directory, name, file->directory, aside);
    snprintf(fault, BUFFER_FAULT_SIZE, "%.100s/%.60s cannot be used and is now called %.60s", file->folder,
             name, aside);
}

/* What a run that was killed had written may not be on the disk yet. Before it goes to the server it has to be:
 * lost with the machine's power, its numbers would come again and be taken for what the server has. False: the
 * disk does not take it. */
static bool find_segment(struct buffer_file *file, const char *name, char *fault)
{
    struct buffer_segment segment;
    uint64_t buffer;
    int from = openat(file->directory, name, O_RDWR | O_CLOEXEC);
    bool good =
        from >= 0 && read_head(from, &buffer, &segment) && (file->number == 0 || buffer == file->number);
    bool safe = true;
    if (good) {
        count_records(file, from, &segment, fault);
        safe = fdatasync(from) == 0 || say(fault, file->folder);
        if (segment.last < segment.first) {
            unlinkat(file->directory, name, 0); /* nothing is in it */
        } else if (buffer_book_found(&file->book, &segment)) {
            file->number = buffer;
        } else {
            good = false;
        }
    }
    if (from >= 0) {
        close(from);
    }
    if (!good) {
        put_aside(file, name, fault);
    }
    return safe;
}

static int is_segment(const struct dirent *entry)
{
    size_t size = strlen(entry->d_name);
    return size > 7 && strcmp(entry->d_name + size - 7, ".buffer") == 0;
}

static bool find_segments(struct buffer_file *file, char *fault)
{
    struct dirent **entries;
    int count = scandir(file->folder, &entries, is_segment, alphasort);
    if (count < 0) {
        return say(fault, file->folder);
    }
    bool safe = true;
    for (int i = 0; i < count; i++) {
        safe = safe && find_segment(file, entries[i]->d_name, fault);
        free(entries[i]);
    }
    free(entries);
    if (!safe) {
        return false;
    }
    while (file->number == 0) {
        if (getrandom(&file->number, sizeof file->number, 0) != (ssize_t)sizeof file->number) {
            file->number = 0;
        }
        file->number &= INT64_MAX; /* as the journal's numbers */
    }
    return true;
}

static bool open_folder(struct buffer_file *file, char *fault)
{
    if (mkdir(file->folder, 0750) != 0 && errno != EEXIST) {
        return say(fault, file->folder);
    }
    file->directory = open(file->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (file->directory < 0) {
        return say(fault, file->folder);
    }
    file->lock = openat(file->directory, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    if (file->lock < 0) {
        return say(fault, file->folder);
    }
    if (flock(file->lock, LOCK_EX | LOCK_NB) != 0) {
        snprintf(fault, BUFFER_FAULT_SIZE, "%.180s: another instance uses this buffer", file->folder);
        return false;
    }
    return find_segments(file, fault);
}

struct buffer_file *buffer_file_open(const char *folder, uint64_t octets_max, char *fault)
{
    struct buffer_file *file = calloc(1, sizeof *file);
    KOMET_ASSERT(file != NULL);
    fault[0] = '\0';
    file->directory = file->lock = file->writing = file->reading = -1;
    file->synced = UINT64_MAX;
    buffer_book_begin(&file->book, octets_max);
    bool fits = (size_t)snprintf(file->folder, sizeof file->folder, "%s", folder) < sizeof file->folder;
    if (!fits) {
        snprintf(fault, BUFFER_FAULT_SIZE, "the name of the buffer's folder is too long");
    }
    if (!fits || !open_folder(file, fault)) {
        buffer_file_close(file);
        return NULL;
    }
    file->synced = file->book.newest;
    return file;
}

/* The folder is as if nothing were in it. */
static void shut(struct buffer_file *file)
{
    int *const open_files[] = {&file->reading, &file->writing, &file->lock, &file->directory};
    for (unsigned i = 0; i < sizeof open_files / sizeof open_files[0]; i++) {
        if (*open_files[i] >= 0) {
            close(*open_files[i]);
        }
        *open_files[i] = -1;
    }
    buffer_book_begin_again(&file->book);
}

bool buffer_file_open_again(struct buffer_file *file, char *fault)
{
    fault[0] = '\0';
    shut(file);
    if (!open_folder(file, fault)) {
        shut(file);
        return false;
    }
    return true;
}

void buffer_file_close(struct buffer_file *file)
{
    shut(file);
    free(file->octets);
    free(file);
}

uint64_t buffer_file_number(const struct buffer_file *file)
{
    return file->number;
}

const struct buffer_book *buffer_file_book(const struct buffer_file *file)
{
    return &file->book;
}

/* ---- writing ---- */

static bool write_exactly(struct buffer_file *file, const uint8_t *octets, size_t size)
{
    size_t used = 0;
    while (used < size) {
        ssize_t done = pwrite(file->writing, octets + used, size - used, (off_t)(file->written + used));
        if (done < 0 && errno == EINTR) {
            continue;
        }
        if (done <= 0) {
            return false;
        }
        used += (size_t)done;
    }
    file->written += size;
    return true;
}

static bool begin_segment(struct buffer_file *file, uint64_t segment, uint64_t first)
{
    uint8_t head[HEAD_SIZE] = "KOMETBUF";
    char name[40];
    /* What is in the one before it is safe before the next one may be. */
    if (file->writing >= 0) {
        if (fdatasync(file->writing) != 0) {
            return false;
        }
        close(file->writing);
    }
    segment_name(segment, name, sizeof name);
    file->writing = openat(file->directory, name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    file->written = 0;
    put(head + 8, file->number, 8);
    put(head + 16, segment, 8);
    put(head + 24, first, 8);
    put(head + 32, VERSION, 4);
    put(head + 36, checksum(0, head, 36), 4);
    return file->writing >= 0 && fsync(file->directory) == 0 && write_exactly(file, head, sizeof head);
}

bool buffer_file_append(struct buffer_file *file, const uint8_t *octets, size_t size, uint64_t values,
                        char *fault)
{
    KOMET_ASSERT(size > 0 && size <= RECORD_MAX);
    uint8_t head[BUFFER_RECORD_HEAD];
    uint64_t needs = BUFFER_RECORD_HEAD + size, segment;
    bool begins;
    while (buffer_book_drop(&file->book, needs, &segment)) {
        delete_segment(file, segment);
    }
    uint64_t number = buffer_book_keep(&file->book, needs, values, &segment, &begins);
    put(head, size, 4);
    put(head + 4, values, 4);
    put(head + 8, number, 8);
    put(head + 16, checksum(checksum(0, head, 16), octets, size), 4);
    if ((begins && !begin_segment(file, segment, number)) || !write_exactly(file, head, sizeof head) ||
        !write_exactly(file, octets, size)) {
        return say(fault, file->folder);
    }
    return true;
}

bool buffer_file_sync(struct buffer_file *file, char *fault)
{
    if (file->writing >= 0 && fdatasync(file->writing) != 0) {
        return say(fault, file->folder);
    }
    file->synced = file->book.newest;
    return true;
}

/* ---- reading ---- */

static bool open_for_reading(struct buffer_file *file, uint64_t segment)
{
    char name[40];
    if (file->reading >= 0 && file->reads == segment) {
        return true;
    }
    if (file->reading >= 0) {
        close(file->reading);
    }
    segment_name(segment, name, sizeof name);
    file->reading = openat(file->directory, name, O_RDONLY | O_CLOEXEC);
    file->reads = segment;
    file->read_at = HEAD_SIZE;
    return file->reading >= 0;
}

const uint8_t *buffer_file_read(struct buffer_file *file, uint64_t after, uint64_t *number, size_t *size)
{
    const struct buffer_segment *segment;
    while ((segment = buffer_book_behind(&file->book, after)) != NULL) {
        struct record_head head;
        uint64_t last = segment->last;
        bool open = open_for_reading(file, segment->number);
        if (after < segment->first) {
            file->read_at = HEAD_SIZE;
        }
        while (open && read_record(file, file->reading, file->read_at, &head)) {
            if (head.number > after) {
                *number = head.number;
                *size = head.size; /* not moved on: it may be asked for again */
                return file->octets;
            }
            file->read_at += (off_t)(BUFFER_RECORD_HEAD + head.size);
        }
        after = last; /* it was whole when it was opened or written: the disk has lost it since */
    }
    return NULL;
}

void buffer_file_forget(struct buffer_file *file, uint64_t number)
{
    uint64_t segment;
    buffer_book_at_server(&file->book, number);
    while (buffer_book_forget(&file->book, &segment)) {
        delete_segment(file, segment);
    }
}
