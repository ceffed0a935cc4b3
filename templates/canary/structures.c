/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Layout of bit fields, packing, alignment, unions, flexible arrays. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct inner {
	uint8_t a;
	uint32_t b : 5, c : 27;
	uint64_t d;
} __attribute__((packed));

struct outer {
	bool flag;
	struct inner in[3];
	union {
		uint16_t half[4];
		uint64_t whole;
	};
	int32_t s : 9;
	uint64_t wide : 37;
	void (*fn)(struct outer *o);
	struct {
		char name[7];
	} __attribute__((aligned(32))) last;
	unsigned n;
	uint16_t tail[];
};

const size_t canary_offsets[] = {
	sizeof(struct inner),
	sizeof(struct outer),
	offsetof(struct outer, in[2].d),
	offsetof(struct outer, whole),
	offsetof(struct outer, last.name[3]),
	offsetof(struct outer, tail),
	_Alignof(struct outer),
	_Alignof(max_align_t),
};

uint64_t canary_fields(struct outer *o, unsigned i);
struct inner canary_by_value(struct inner v, struct outer *o);

uint64_t canary_fields(struct outer *o, unsigned i)
{
	o->in[i].b += o->wide;
	o->in[i % 3].c ^= o->s;
	o->wide = o->in[i].d * 3;
	if (o->flag && o->fn)
		o->fn(o);
	return o->tail[i] + o->half[i & 3] + o->last.name[i % 7];
}

struct inner canary_by_value(struct inner v, struct outer *o)
{
	struct inner w = { .a = v.a, .d = ~v.d };

	__builtin_memcpy(&o->in[1], &w, sizeof(w));
	o->in[2] = v;
	return w;
}
