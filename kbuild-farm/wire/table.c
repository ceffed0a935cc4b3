/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wire/table.h"

#include "base/str.h"
#include "base/vec.h"
#include "wire/field.h"
#include "wire/frame.h"
#include "wire/msg.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct wire_intern_entry {
	struct map_entry entry;
	uint32_t number, len;
	uint8_t data[];
};

/*
 * Create a table of at most `entries` byte strings with at most `bytes` bytes
 * in total, so that no peer can make it use more memory.
 */
static struct wire_intern *intern_new(uint32_t entries, size_t bytes)
{
	struct wire_intern *t = xcalloc(1, sizeof(*t));

	t->max_entries = entries;
	t->free_bytes = bytes;
	return t;
}

void wire_intern_free(struct wire_intern *t)
{
	if (!t)
		return;
	for (uint32_t i = 0; i < t->n_entries; i++)
		free(t->entries[i]);
	free(t->entries);
	map_release(&t->by_bytes);
	free(t);
}

static const struct wire_intern_entry *find_key(const struct wire_intern *t,
						struct bytes key, uint64_t hash)
{
	struct map_entry *n = map_find(&t->by_bytes, hash);

	for (; n; n = map_next_match(n)) {
		const struct wire_intern_entry *e =
			(const struct wire_intern_entry *)n;

		if (bytes_equal(bytes_of(e->data, e->len), key))
			return e;
	}
	return NULL;
}

/*
 * Look up the number that is assigned to the string `bytes`.  If the string has
 * no number, add an entry with the next number.  Returns 0 if the entry
 * existed, 1 if it is new, or -ENOSPC if the table is full.
 */
static int intern_bytes(struct wire_intern *t, struct bytes bytes,
			uint32_t *number)
{
	uint64_t hash = map_hash(bytes);
	const struct wire_intern_entry *known = find_key(t, bytes, hash);
	struct wire_intern_entry *e;

	if (known) {
		*number = known->number;
		return 0;
	}
	if (t->n_entries == t->max_entries || bytes.len >= t->free_bytes)
		return -ENOSPC;
	e = xmalloc(sizeof(*e) + bytes.len + 1);
	e->number = *number = t->n_entries;
	e->len = (uint32_t)bytes.len;
	if (bytes.len)
		memcpy(e->data, bytes.data, bytes.len);
	e->data[bytes.len] = '\0';
	map_add(&t->by_bytes, &e->entry, hash);
	*VEC_ADD(t->entries, t->n_entries) = e;
	t->free_bytes -= bytes.len + 1;
	return 1;
}

/* Return the bytes of an assigned number, followed by a NUL. */
static struct bytes interned_bytes(const struct wire_intern *t, uint32_t number)
{
	return bytes_of(t->entries[number]->data, t->entries[number]->len);
}

/*
 * Fields of PATHS: u32 first, u32 count.  Each path follows as the u16 length
 * of the prefix that it shares with the previous path, the u32 length of the
 * rest, and the bytes of the rest.
 */
#define PATHS_HEAD      8
#define PATHS_ENTRY_MIN 6

static bool is_dot_component(const char *s, size_t len)
{
	return (len == 1 && s[0] == '.') ||
	       (len == 2 && s[0] == '.' && s[1] == '.');
}

bool wire_path_is_valid(const char *path)
{
	const char *p = path;

	while (*p == '/') {
		size_t len = strcspn(++p, "/");

		if (!len || is_dot_component(p, len))
			return false;
		p += len;
	}
	return p != path && !*p && p - path <= WIRE_PATH_MAX;
}

struct wire_intern *wire_paths_new(void)
{
	return intern_new(WIRE_PATHS_TABLE_MAX, WIRE_PATHS_BYTES_MAX);
}

int wire_paths_add(struct wire_intern *t, const char *path, uint32_t *number)
{
	const struct bytes bytes = bytes_str(path);
	const struct wire_intern_entry *known = find_key(t, bytes,
							 map_hash(bytes));
	int ret;

	if (known) {
		*number = known->number;
		return 0;
	}
	if (!wire_path_is_valid(path))
		return -EINVAL;
	ret = intern_bytes(t, bytes, number);
	return ret < 0 ? ret : 0;
}

bool wire_paths_put_new(struct wire_intern *t, struct buf *out)
{
	size_t room = WIRE_BODY_MAX - PATHS_HEAD, full = WIRE_PATHS_BODY_MAX;
	uint32_t count = t->n_entries, first = t->n_sent;
	const char *before = "";
	size_t head = out->len;

	if (first == count)
		return false;
	buf_put_u32(out, first);
	buf_put_u32(out, 0);
	for (; t->n_sent < count; t->n_sent++) {
		struct bytes path = interned_bytes(t, t->n_sent);
		const char *text = (const char *)path.data;
		size_t shared = 0;

		if (path.len + PATHS_ENTRY_MIN > room || path.len > full)
			break;
		while (before[shared] && before[shared] == text[shared])
			shared++;
		buf_put_u16(out, (uint16_t)shared);
		buf_put_str(out, text + shared);
		room = WIRE_BODY_MAX - (out->len - head);
		full -= path.len;
		before = text;
	}
	put_le32(out->data + head + 4, t->n_sent - first);
	return true;
}

/*
 * Read the next path.  On errors, sets r->bad and returns an arbitrary string.
 * The caller frees the result in any case.
 */
static char *get_path(struct reader *r, const char *before)
{
	uint16_t shared = reader_u16(r);
	char *rest = reader_str(r, WIRE_PATH_MAX);
	char *path;

	if (r->bad || shared > strlen(before) ||
	    (*rest && before[shared] == *rest)) {
		r->bad = true;
		return rest;
	}
	path = xasprintf("%.*s%s", (int)shared, before, rest);
	free(rest);
	if (!wire_path_is_valid(path))
		r->bad = true;
	return path;
}

int wire_paths_receive(struct wire_intern *t, struct bytes body)
{
	size_t room = WIRE_PATHS_BODY_MAX;
	const char *before = "";
	uint32_t first, n, number;
	struct reader r;

	reader_init(&r, body);
	first = reader_u32(&r);
	n = reader_u32(&r);
	if (first != t->n_entries || !n || n > r.left / PATHS_ENTRY_MIN)
		r.bad = true;
	for (uint32_t i = 0; i < n && !r.bad; i++) {
		char *path = get_path(&r, before);
		size_t len = strlen(path);

		if (len > room ||
		    (!r.bad && intern_bytes(t, bytes_str(path), &number) != 1))
			r.bad = true;
		else if (!r.bad)
			before = (const char *)interned_bytes(t, number).data;
		room -= len;
		free(path);
	}
	return reader_end(&r);
}

const char *wire_paths_get(const struct wire_intern *t, uint32_t number)
{
	if (number >= t->n_entries)
		return NULL;
	return (const char *)interned_bytes(t, number).data;
}

/*
 * A table entry for a flag is the flag's name.  If the flag has a value, a NUL
 * and the value follow the name.
 */

/*
 * Fields of FLAGS: u32 first, u32 count.  Each flag follows as the u32 length
 * and the bytes of its name and the u8 has_value.  If has_value is 1, the u32
 * length and the bytes of the value follow.
 */
#define FLAGS_ENTRY_MIN 5
#define FLAGS_ENTRY_TOP 9

struct wire_intern *wire_flags_new(void)
{
	return intern_new(WIRE_FLAGS_TABLE_MAX, WIRE_FLAGS_BYTES_MAX);
}

void wire_flags_put(struct buf *out, const struct wire_flag *flag)
{
	buf_put_str(out, flag->name);
	buf_put_u8(out, !!flag->value);
	if (flag->value)
		buf_put_str(out, flag->value);
}

static struct bytes flag_to_bytes(struct buf *key, const struct wire_flag *flag)
{
	buf_reset(key);
	buf_add_str(key, flag->name);
	if (flag->value) {
		buf_put_u8(key, 0);
		buf_add_str(key, flag->value);
	}
	return buf_bytes(key);
}

static struct wire_flag flag_from_bytes(struct bytes key)
{
	const char *name = (const char *)key.data;
	size_t len = strlen(name);

	return (struct wire_flag){
		.name = name,
		.value = len < key.len ? name + len + 1 : NULL,
	};
}

static bool flags_fit(const struct wire_flag *flags, size_t n)
{
	size_t sum = 0;

	for (size_t i = 0; i < n && i <= WIRE_FLAGS_MAX; i++)
		sum += strlen(flags[i].name) +
		       (flags[i].value ? strlen(flags[i].value) : 0);
	return n <= WIRE_FLAGS_MAX && sum <= WIRE_ARGV_MAX;
}

int wire_flags_encode_job(struct wire_intern *t, struct wire_job *job,
			  const struct wire_flag *flags, size_t n)
{
	struct wire_run *runs;
	struct buf key = { 0 };
	uint16_t n_runs = 0;
	int ret = 0;

	if (!flags_fit(flags, n))
		return -E2BIG;
	runs = xcalloc(n + 1, sizeof(*runs));
	for (size_t i = 0; i < n && ret >= 0; i++) {
		struct wire_run *last = &runs[n_runs ? n_runs - 1 : 0];
		uint32_t number = 0;

		ret = intern_bytes(t, flag_to_bytes(&key, &flags[i]), &number);
		if (n_runs && last->first + last->n_flags == number)
			last->n_flags++;
		else
			runs[n_runs++] = (struct wire_run){ number, 1 };
	}
	buf_release(&key);
	if (ret < 0) {
		free(runs);
		return ret;
	}
	free(job->flag_ranges);
	job->flag_ranges = runs;
	job->n_flag_ranges = n_runs;
	return 0;
}

bool wire_flags_put_new(struct wire_intern *t, struct buf *out)
{
	uint32_t count = t->n_entries, first = t->n_sent;
	size_t head = out->len;

	if (first == count)
		return false;
	buf_put_u32(out, first);
	buf_put_u32(out, 0);
	for (; t->n_sent < count; t->n_sent++) {
		struct bytes key = interned_bytes(t, t->n_sent);
		struct wire_flag flag = flag_from_bytes(key);

		if (out->len - head + key.len + FLAGS_ENTRY_TOP > WIRE_BODY_MAX)
			break;
		wire_flags_put(out, &flag);
	}
	put_le32(out->data + head + 4, t->n_sent - first);
	return true;
}

int wire_flags_receive(struct wire_intern *t, struct bytes body)
{
	struct buf key = { 0 };
	struct reader r;
	uint32_t n, number;

	reader_init(&r, body);
	if (reader_u32(&r) != t->n_entries)
		r.bad = true;
	n = reader_u32(&r);
	if (!n || n > r.left / FLAGS_ENTRY_MIN)
		r.bad = true;
	for (uint32_t i = 0; i < n && !r.bad; i++) {
		char *name = reader_str(&r, WIRE_ARGV_MAX), *value = NULL;
		struct wire_flag flag;

		if (wire_field_u8(&r, 1))
			value = reader_str(&r, WIRE_ARGV_MAX - strlen(name));
		flag = (struct wire_flag){ .name = name, .value = value };
		if (!*name || r.bad ||
		    intern_bytes(t, flag_to_bytes(&key, &flag), &number) != 1)
			r.bad = true;
		free(value);
		free(name);
	}
	buf_release(&key);
	return reader_end(&r);
}

/*
 * Set *n to the number of flags in the job's ranges.  Return true if all
 * numbers in the ranges are assigned, and *n does not exceed the limit for a
 * job.
 */
static bool are_ranges_valid(const struct wire_intern *t,
			     const struct wire_job *job, size_t *n)
{
	uint32_t count = t->n_entries;

	*n = 0;
	for (uint16_t i = 0; i < job->n_flag_ranges; i++) {
		const struct wire_run *run = &job->flag_ranges[i];

		if (run->first > count || run->n_flags > count - run->first)
			return false;
		*n += run->n_flags;
		if (*n > WIRE_FLAGS_MAX)
			return false;
	}
	return true;
}

int wire_flags_decode_job(const struct wire_intern *t,
			  const struct wire_job *job, struct wire_flag **flags,
			  size_t *n)
{
	struct wire_flag *v;
	size_t all, at = 0;

	if (!are_ranges_valid(t, job, &all))
		return -EPROTO;
	v = xcalloc(all + 1, sizeof(*v));
	for (uint16_t i = 0; i < job->n_flag_ranges; i++) {
		for (uint32_t k = 0; k < job->flag_ranges[i].n_flags; k++)
			v[at++] = flag_from_bytes(interned_bytes(
				t, job->flag_ranges[i].first + k));
	}
	if (!flags_fit(v, all)) {
		free(v);
		return -EPROTO;
	}
	*flags = v;
	*n = all;
	return 0;
}
