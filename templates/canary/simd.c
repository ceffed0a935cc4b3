/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Vectors, and the compiler's largest header (arm_neon.h) if it exists. */
typedef int vec __attribute__((vector_size(16)));
typedef short narrow __attribute__((vector_size(16)));

vec canary_vector(vec a, vec b);
narrow canary_narrow(narrow a, int by);

vec canary_vector(vec a, vec b)
{
	vec mask = a > b;

	return (a & mask) + (b & ~mask) * (vec){ 1, 2, 3, 4 };
}

narrow canary_narrow(narrow a, int by)
{
	return (a << (by & 7)) ^ (narrow){ 1, -1, 2, -2, 3, -3, 4, -4 };
}

#if defined(__aarch64__)
#include <arm_neon.h>

uint8x16_t canary_raid(uint8x16_t w, uint8x16_t p);

uint8x16_t canary_raid(uint8x16_t w, uint8x16_t p)
{
	uint8x16_t mask = vreinterpretq_u8_s8(
		vshrq_n_s8(vreinterpretq_s8_u8(w), 7));

	w = vandq_u8(mask, vdupq_n_u8(0x1d));
	return veorq_u8(vqtbl1q_u8(w, p), vaddq_u8(w, p));
}
#endif
