/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wire/intern.h"

#include "base/clock.h"
#include "base/str.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define CHUNK 65536u

/* Strings lie in chunks that never move; each chunk names the one before. */
struct chunk {
	struct chunk *before;
	uint8_t data[];
};

struct entry {
	const uint8_t *data;
	uint32_t len;
	uint32_t hash;
};

struct wire_intern {
	uint64_t key[2];
	uint32_t most;
	size_t room; /* bytes that may still be added */
	uint32_t n, cap;
	struct entry *v;
	uint32_t *slot; /* number + 1, 0: free */
	uint32_t mask; /* slots - 1 */
	struct chunk *chunk;
	uint8_t *free; /* in the newest chunk */
	size_t left;
};

static uint64_t rotate(uint64_t x, int bits)
{
	return x << bits | x >> (64 - bits);
}

static void sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotate(v[1], 13) ^ v[0];
	v[0] = rotate(v[0], 32);
	v[2] += v[3];
	v[3] = rotate(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotate(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotate(v[1], 17) ^ v[2];
	v[2] = rotate(v[2], 32);
}

/* SipHash-1-3 (Aumasson and Bernstein), folded to 32 bits. */
static uint32_t hash_of(const uint64_t key[2], struct bytes in)
{
	uint64_t v[4] = {
		key[0] ^ 0x736f6d6570736575,
		key[1] ^ 0x646f72616e646f6d,
		key[0] ^ 0x6c7967656e657261,
		key[1] ^ 0x7465646279746573,
	};
	uint64_t word = 0;
	size_t at = 0;

	for (; at + 8 <= in.len; at += 8) {
		word = get_le64(in.data + at);
		v[3] ^= word;
		sip_round(v);
		v[0] ^= word;
	}
	word = (uint64_t)in.len << 56;
	for (size_t i = 0; at + i < in.len; i++)
		word |= (uint64_t)in.data[at + i] << 8 * i;
	v[3] ^= word;
	sip_round(v);
	v[0] ^= word;
	v[2] ^= 0xff;
	for (int i = 0; i < 3; i++)
		sip_round(v);
	word = v[0] ^ v[1] ^ v[2] ^ v[3];
	return (uint32_t)(word ^ word >> 32);
}

struct wire_intern *wire_intern_new(uint32_t entries, size_t bytes)
{
	struct wire_intern *t = xcalloc(1, sizeof(*t));

	/* A kernel that has no entropy yet gives the clock the word. */
	if (getrandom(t->key, sizeof(t->key), GRND_NONBLOCK) !=
	    (ssize_t)sizeof(t->key))
		t->key[0] = (uint64_t)clock_ms() ^ (uintptr_t)t;
	t->most = entries;
	t->room = bytes;
	t->mask = 255;
	t->slot = xcalloc(t->mask + 1, sizeof(*t->slot));
	return t;
}

void wire_intern_free(struct wire_intern *t)
{
	if (!t)
		return;
	while (t->chunk) {
		struct chunk *before = t->chunk->before;

		free(t->chunk);
		t->chunk = before;
	}
	free(t->v);
	free(t->slot);
	free(t);
}

/* The slot of `key`, or the free one where it would be. */
static uint32_t *slot_of(const struct wire_intern *t, struct bytes key,
			 uint32_t hash)
{
	uint32_t at = hash & t->mask;

	for (; t->slot[at]; at = (at + 1) & t->mask) {
		const struct entry *e = &t->v[t->slot[at] - 1];

		if (e->hash == hash && e->len == key.len &&
		    (!key.len || !memcmp(e->data, key.data, key.len)))
			break;
	}
	return &t->slot[at];
}

int wire_intern_find(const struct wire_intern *t, struct bytes key,
		     uint32_t *number)
{
	uint32_t *slot = slot_of(t, key, hash_of(t->key, key));

	if (!*slot)
		return -ENOENT;
	*number = *slot - 1;
	return 0;
}

static void grow(struct wire_intern *t)
{
	t->cap = t->cap ? 2 * t->cap : 128;
	t->v = xrealloc(t->v, t->cap * sizeof(*t->v));
	if (2 * t->cap <= t->mask + 1)
		return;
	free(t->slot);
	t->mask = 2 * t->cap - 1;
	t->slot = xcalloc((size_t)t->mask + 1, sizeof(*t->slot));
	for (uint32_t i = 0; i < t->n; i++) {
		const struct entry *e = &t->v[i];

		*slot_of(t, bytes_of(e->data, e->len), e->hash) = i + 1;
	}
}

static const uint8_t *keep(struct wire_intern *t, struct bytes key)
{
	uint8_t *at;

	if (t->left < key.len + 1) {
		size_t size = key.len + 1 > CHUNK ? key.len + 1 : CHUNK;
		struct chunk *chunk = xmalloc(sizeof(*chunk) + size);

		chunk->before = t->chunk;
		t->chunk = chunk;
		t->free = chunk->data;
		t->left = size;
	}
	at = t->free;
	if (key.len)
		memcpy(at, key.data, key.len);
	at[key.len] = '\0';
	t->free += key.len + 1;
	t->left -= key.len + 1;
	return at;
}

int wire_intern_add(struct wire_intern *t, struct bytes key, uint32_t *number)
{
	uint32_t hash = hash_of(t->key, key);
	uint32_t *slot = slot_of(t, key, hash);

	if (*slot) {
		*number = *slot - 1;
		return 0;
	}
	if (t->n == t->most || key.len >= t->room)
		return -ENOSPC;
	if (t->n == t->cap) {
		grow(t);
		slot = slot_of(t, key, hash);
	}
	t->v[t->n] = (struct entry){ .data = keep(t, key),
				     .len = (uint32_t)key.len,
				     .hash = hash };
	t->room -= key.len + 1;
	*number = t->n++;
	*slot = t->n;
	return 1;
}

struct bytes wire_intern_get(const struct wire_intern *t, uint32_t number)
{
	return bytes_of(t->v[number].data, t->v[number].len);
}

uint32_t wire_intern_count(const struct wire_intern *t)
{
	return t->n;
}
