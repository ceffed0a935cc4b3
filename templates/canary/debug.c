/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For -g3: types, scopes, and all macros of the compiler and its headers. */
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <float.h>
#include <iso646.h>
#include <stdalign.h>

typedef int (*canary_fn)(void *ctx, const char *name, uint64_t at);

enum state { IDLE, BUSY = 4, GONE = -1 };

struct device {
	const char *name;
	enum state state;
	union {
		uint8_t byte[8];
		uint64_t all;
	} reg;
	struct list {
		struct list *next;
	} link;
	canary_fn fn[4];
	bool ready : 1;
	unsigned count : 12;
};

int canary_walk(struct device *const *list, size_t n, void *ctx);

static int one(struct device *d, void *ctx, unsigned depth)
{
	int sum = 0;

	if (not d->ready)
		return d->state == GONE ? -1 : 0;
	for (unsigned i = 0; i < 4; i++) {
		uint64_t at = d->reg.all >> (i * 8);

		if (d->fn[i]) {
			int got = d->fn[i](ctx, d->name, at + depth);

			sum += got;
		}
	}
	return sum;
}

int canary_walk(struct device *const *list, size_t n, void *ctx)
{
	int total = FLT_DIG;

	for (size_t i = 0; i < n; i++) {
		struct device *d = list[i];

		total += one(d, ctx, (unsigned)i);
		if (total < 0)
			break;
		d->count++;
	}
	return total;
}
