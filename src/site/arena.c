/*
 * arena: see arena.h. Blocks in a list; a site of 100,000 tags takes a few dozen of them.
 */
#include "site/arena.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "komet/assert.h"

#define BLOCK_SIZE ((size_t)1 << 20)
#define ALIGNMENT  ((size_t)16)

struct block {
    struct block *next;
    size_t size, used;
    size_t padding; /* keeps what follows aligned */
};

struct site_arena {
    struct block *blocks;
};

struct site_arena *arena_new(void)
{
    struct site_arena *arena = calloc(1, sizeof *arena);
    KOMET_ASSERT(arena != NULL);
    return arena;
}

void arena_free(struct site_arena *arena)
{
    while (arena != NULL && arena->blocks != NULL) {
        struct block *next = arena->blocks->next;
        free(arena->blocks);
        arena->blocks = next;
    }
    free(arena);
}

static void *take(struct site_arena *arena, size_t size, size_t alignment)
{
    struct block *block = arena->blocks;
    if (block != NULL) {
        block->used = (block->used + alignment - 1) / alignment * alignment;
    }
    if (block == NULL || block->size < block->used + size) {
        size_t capacity = size > BLOCK_SIZE ? size : BLOCK_SIZE;
        block = calloc(1, sizeof *block + capacity);
        KOMET_ASSERT(block != NULL);
        block->size = capacity;
        block->next = arena->blocks;
        arena->blocks = block;
    }
    void *taken = (uint8_t *)(block + 1) + block->used;
    block->used += size;
    KOMET_ASSERT(block->used <= block->size);
    return taken;
}

void *arena_take(struct site_arena *arena, size_t size)
{
    return take(arena, size, ALIGNMENT);
}

char *arena_text(struct site_arena *arena, const char *text, size_t size)
{
    char *copy = take(arena, size + 1, 1);
    memcpy(copy, text, size);
    return copy;
}

char *arena_vformat(struct site_arena *arena, const char *format, va_list arguments)
{
    char text[512];
    int size = vsnprintf(text, sizeof text, format, arguments);
    KOMET_ASSERT(size >= 0);
    return arena_text(arena, text, strlen(text));
}

char *arena_format(struct site_arena *arena, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *text = arena_vformat(arena, format, arguments);
    va_end(arguments);
    return text;
}
