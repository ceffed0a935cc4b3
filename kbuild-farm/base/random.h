/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * base/random.h - Reproducible random numbers.
 *
 * The generator is splitmix64 (Steele, Lea, Flood 2014).  The numbers are
 * predictable, so they must not protect anything.
 */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stdint.h>

/* Return a random number; *state is any seed before the first call. */
static inline uint64_t random_next(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

#endif
