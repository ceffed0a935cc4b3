/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Arithmetic of all widths, with and without constant folding. */
#include <stdint.h>

uint64_t canary_hash(const uint8_t *p, unsigned long n);
int64_t canary_divide(int64_t a, int32_t b, uint16_t c);
uint32_t canary_constants(uint32_t x);
unsigned __int128_or_64(uint64_t a, uint64_t b);

uint64_t canary_hash(const uint8_t *p, unsigned long n)
{
	uint64_t h = 0xcbf29ce484222325ull;

	while (n--) {
		h ^= *p++;
		h *= 0x100000001b3ull;
		h = h << 13 | h >> 51;
	}
	return h;
}

int64_t canary_divide(int64_t a, int32_t b, uint16_t c)
{
	int64_t x = a * 10 + b;

	/* Division by a constant becomes a multiplication. */
	x += b / 7 + b / 10 + b % 641 + c / 3 + (uint32_t)b / 1000000007u;
	x ^= (int64_t)(int8_t)c << 40;
	return (b & 1) ? -x : x + 0x123456789abcdefll;
}

uint32_t canary_constants(uint32_t x)
{
	static const uint32_t table[] = {
		0x80000000u >> 3, ~0u / 3, (uint32_t)-5 % 7, 1u << 31,
		(uint16_t)0x12345, (int8_t)0x1ff, 0xffffffffu * 0xffffffffu,
		(uint32_t)(0x7fffffffffffffffll / 1000003),
	};

	return table[x & 7] + __builtin_popcount(x) + __builtin_clz(x | 1) +
	       __builtin_ctz(x | 0x80000000u) + __builtin_bswap32(x);
}

unsigned __int128_or_64(uint64_t a, uint64_t b)
{
#ifdef __SIZEOF_INT128__
	unsigned __int128 p = (unsigned __int128)a * b;

	return (unsigned)(p >> 64) ^ (unsigned)(p >> 17);
#else
	return (unsigned)((a * b) >> 32);
#endif
}
