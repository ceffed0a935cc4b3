/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The source for a burn-in.  It takes about a second to compile, needs all
 * passes of the compiler, and has a different result for each BURN, 1 to 8.
 */
typedef unsigned int u32;
typedef unsigned long long u64;

struct node {
	struct node *left, *right;
	u32 key, weight[7];
	unsigned int flag:3, kind:5, rest:24;
};

static inline u32 turn(u32 x, unsigned int by)
{
	return x << (by & 31) | x >> (-by & 31);
}

static inline u64 mix(u64 a, u64 b)
{
	a ^= b * 0x9e3779b97f4a7c15ull;
	return (a << 27 | a >> 37) * 5 + 0x52dce729u;
}

#define STEP(s, n)                                                        \
	case (s): {                                                       \
		u32 t = turn(w[(s) % 7], (s) + (n) % 29) ^ (n)*BURN;      \
		for (i = (s) % 5; i < 7; i++)                             \
			w[i] += t ^ (w[(i + (s)) % 7] >> ((s) % 13 + 1)); \
		if (w[(s) % 7] & (1u << ((n) % 31)))                      \
			state = (state * 3 + (s)) % 16;                   \
		else                                                      \
			state = (state + w[6] % ((s) + 2)) % 16;          \
		break;                                                    \
	}

/* clang-format off */
#define STEPS(n)                                                 \
	STEP(0, n) STEP(1, n) STEP(2, n) STEP(3, n) STEP(4, n)   \
	STEP(5, n) STEP(6, n) STEP(7, n) STEP(8, n) STEP(9, n)   \
	STEP(10, n) STEP(11, n) STEP(12, n) STEP(13, n)          \
	STEP(14, n) STEP(15, n)
/* clang-format on */

#define WORK(n)                                                                \
	u32 machine_##n(u32 *w, u32 state, int rounds);                        \
	u32 machine_##n(u32 *w, u32 state, int rounds)                         \
	{                                                                      \
		int i;                                                         \
		while (rounds-- > 0) {                                         \
			switch (state % 16) {                                  \
				STEPS(1##n)                                    \
			}                                                      \
		}                                                              \
		return state ^ w[0];                                           \
	}                                                                      \
	struct node *walk_##n(struct node *at, u64 want, u64 *sum);            \
	struct node *walk_##n(struct node *at, u64 want, u64 *sum)             \
	{                                                                      \
		struct node *best = 0;                                         \
		while (at) {                                                   \
			for (int i = 0; i < 7; i++)                            \
				*sum = mix(*sum + 1##n##u,                     \
					   at->weight[i] * (u64)BURN);         \
			if (at->kind == 1##n % 32 && at->flag != BURN % 8)     \
				best = at;                                     \
			at->rest = (at->rest + 1##n) & 0xffffff;               \
			at = (want ^ *sum) % (1##n + 2) < at->key ? at->left : \
								    at->right; \
		}                                                              \
		return best;                                                   \
	}                                                                      \
	u64 table_##n(const u64 *restrict in, u64 *restrict out, int rows);    \
	u64 table_##n(const u64 *restrict in, u64 *restrict out, int rows)     \
	{                                                                      \
		u64 all = 1##n;                                                \
		for (int i = 0; i < rows; i++) {                               \
			for (int k = 0; k < 8; k++) {                          \
				u64 cell = in[i * 8 + k] / (1##n + k);         \
				out[k * rows + i] = cell ^ (all >> BURN);      \
				all += cell * (u64)(k + BURN);                 \
			}                                                      \
		}                                                              \
		return all;                                                    \
	}

#define WORK4(n) WORK(n##1) WORK(n##2) WORK(n##3) WORK(n##4)

WORK4(1)
WORK4(2)
