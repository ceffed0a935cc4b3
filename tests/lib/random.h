/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lib/random.h - Reproducible random numbers (xorshift64, Marsaglia 2003).
 */
#ifndef LIB_RANDOM_H
#define LIB_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

static uint64_t random_state;

static inline unsigned pick(unsigned n)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (unsigned)(random_state >> 33) % n;
}

/* Mix the seed, so that adjacent seeds differ from the first number on. */
static inline void pick_start(unsigned long seed)
{
	random_state = seed * UINT64_C(0x9e3779b97f4a7c15) | 1;
	pick(1);
	pick(1);
}

static inline bool maybe(unsigned percent)
{
	return pick(100) < percent;
}

static inline const char *one_of(const char *const *list, unsigned n)
{
	return list[pick(n)];
}

#define ONE_OF(list) one_of(list, sizeof(list) / sizeof((list)[0]))

#endif
