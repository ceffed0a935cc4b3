/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * base/member.h - Access to struct members that tables describe.
 *
 * This module depends only on libc, because the wrapper uses it.
 */
#ifndef BASE_MEMBER_H
#define BASE_MEMBER_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define MEMBER(type, member) (((struct type *)0)->member)
/* Offset of a member.  Fails to compile if the member has another type. */
#define MEMBER_AT(type, member, member_type)                       \
	(offsetof(struct type, member) +                           \
	 0 * sizeof(char[__builtin_types_compatible_p(             \
				 __typeof__(MEMBER(type, member)), \
				 member_type) ?                    \
				 1 :                               \
				 -1]))

/* Load an unsigned number of 1, 2, 4 or 8 bytes. */
static inline uint64_t member_load(const void *at, unsigned width)
{
	uint16_t u16;
	uint32_t u32;
	uint64_t u64;

	switch (width) {
	case sizeof(uint8_t):
		return *(const uint8_t *)at;
	case sizeof(u16):
		memcpy(&u16, at, sizeof(u16));
		return u16;
	case sizeof(u32):
		memcpy(&u32, at, sizeof(u32));
		return u32;
	default:
		memcpy(&u64, at, sizeof(u64));
		return u64;
	}
}

/* Store the low `width` bytes of a number. */
static inline void member_store(void *at, unsigned width, uint64_t n)
{
	uint16_t u16 = (uint16_t)n;
	uint32_t u32 = (uint32_t)n;

	if (width == sizeof(uint8_t))
		*(uint8_t *)at = (uint8_t)n;
	else if (width == sizeof(u16))
		memcpy(at, &u16, sizeof(u16));
	else if (width == sizeof(u32))
		memcpy(at, &u32, sizeof(u32));
	else
		memcpy(at, &n, sizeof(n));
}

#endif
