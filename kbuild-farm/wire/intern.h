/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * wire/intern.h - strings of bytes that have numbers: 0, 1, 2, ...
 *
 * The table behind wire/paths.h and wire/flags.h.  Its memory is bounded by
 * what the caller says, whatever a peer sends.
 */
#ifndef WIRE_INTERN_H
#define WIRE_INTERN_H

#include "base/bytes.h"
#include "base/map.h"

struct wire_intern_entry;

struct wire_intern {
	uint32_t sent; /* how many the other end was told; the caller's */
	/* the rest is intern.c's */
	uint32_t n, most;
	size_t room; /* bytes that may still be added */
	struct map map;
	struct wire_intern_entry **v; /* by number */
};

/* At most `entries` of them, with at most `bytes` bytes together. */
struct wire_intern *wire_intern_new(uint32_t entries, size_t bytes);
void wire_intern_free(struct wire_intern *t);
/* The number of `key`: 0, or -ENOENT. */
int wire_intern_find(const struct wire_intern *t, struct bytes key,
		     uint32_t *number);
/*
 * The number of `key`, which gets the next one if it has none: 0; 1 where it
 * is new; -ENOSPC where the table is full.
 */
int wire_intern_add(struct wire_intern *t, struct bytes key, uint32_t *number);
/*
 * The bytes of a number below wire_intern_count(), with a NUL behind them;
 * borrowed for the table's life.
 */
struct bytes wire_intern_get(const struct wire_intern *t, uint32_t number);
uint32_t wire_intern_count(const struct wire_intern *t);

#endif
