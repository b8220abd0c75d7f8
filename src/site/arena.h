/*
 * arena: the memory of one site. Everything of a site is taken from it and freed together.
 */
#ifndef SITE_ARENA_H
#define SITE_ARENA_H

#include <stdarg.h>
#include <stddef.h>

struct site_arena;

struct site_arena *arena_new(void);
void arena_free(struct site_arena *arena);

/* Zeroed octets, aligned for any object. Never NULL: a program that cannot get its configuration's memory
 * ends. */
void *arena_take(struct site_arena *arena, size_t size);
/* A copy of `size` octets with a NUL behind them. */
char *arena_text(struct site_arena *arena, const char *text, size_t size);
char *arena_format(struct site_arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));
char *arena_vformat(struct site_arena *arena, const char *format, va_list arguments);

#endif
