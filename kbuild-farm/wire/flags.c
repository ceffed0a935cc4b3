/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * In the table a flag is its name and, behind a NUL, its value; one without a
 * value is the name alone.
 */
#include "wire/flags.h"

#include "wire/field.h"
#include "wire/frame.h"
#include "wire/intern.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* u32 first, u32 count; and a flag: u32 length, u8, u32 length at most. */
#define HEAD      8
#define ENTRY_MIN 5
#define ENTRY_TOP 9

struct wire_flags_sent {
	struct wire_intern *table;
	uint32_t sent; /* numbers below went out */
	struct buf key; /* reused */
};

struct wire_flags_known {
	struct wire_intern *table;
};

void wire_flag_put(struct buf *out, const struct wire_flag *flag)
{
	buf_put_str(out, flag->name);
	buf_put_u8(out, !!flag->value);
	if (flag->value)
		buf_put_str(out, flag->value);
}

void wire_flags_release(struct wire_flags *m)
{
	for (uint32_t i = 0; i < m->n; i++) {
		free((char *)m->v[i].name);
		free((char *)m->v[i].value);
	}
	free(m->v);
	*m = (struct wire_flags){ 0 };
}

void wire_flags_encode(struct buf *out, const struct wire_flags *m)
{
	buf_put_u32(out, m->first);
	buf_put_u32(out, m->n);
	for (uint32_t i = 0; i < m->n; i++)
		wire_flag_put(out, &m->v[i]);
}

static void get_flag(struct reader *r, struct wire_flag *flag)
{
	char *name = reader_str(r, WIRE_ARGV_MAX);

	if (!*name)
		r->bad = true;
	flag->name = name;
	if (wire_field_u8(r, 1))
		flag->value = reader_str(r, WIRE_ARGV_MAX - strlen(name));
}

static void get_flags(struct reader *r, struct wire_flags *m)
{
	uint32_t n = reader_u32(r);

	if (r->bad || n > r->left / ENTRY_MIN || m->first > WIRE_FLAGS_KNOWN ||
	    n > WIRE_FLAGS_KNOWN - m->first) {
		r->bad = true;
		return;
	}
	if (n)
		m->v = xcalloc(n, sizeof(*m->v));
	while (m->n < n && !r->bad)
		get_flag(r, &m->v[m->n++]);
}

int wire_flags_decode(struct wire_flags *m, struct bytes in)
{
	struct wire_flags got = { 0 };
	struct reader r;
	int ret;

	reader_init(&r, in);
	got.first = reader_u32(&r);
	get_flags(&r, &got);
	ret = reader_end(&r);
	if (ret)
		wire_flags_release(&got);
	else
		*m = got;
	return ret;
}

struct wire_flags_sent *wire_flags_sent_new(void)
{
	struct wire_flags_sent *t = xcalloc(1, sizeof(*t));

	t->table = wire_intern_new(WIRE_FLAGS_KNOWN, WIRE_FLAGS_BYTES);
	return t;
}

void wire_flags_sent_free(struct wire_flags_sent *t)
{
	if (!t)
		return;
	wire_intern_free(t->table);
	buf_release(&t->key);
	free(t);
}

static struct bytes key_of(struct buf *key, const struct wire_flag *flag)
{
	buf_reset(key);
	buf_add_str(key, flag->name);
	if (flag->value) {
		buf_put_u8(key, 0);
		buf_add_str(key, flag->value);
	}
	return buf_bytes(key);
}

static struct wire_flag flag_of(struct bytes key)
{
	const char *name = (const char *)key.data;
	size_t len = strlen(name);

	return (struct wire_flag){
		.name = name,
		.value = len < key.len ? name + len + 1 : NULL,
	};
}

static size_t flag_size(const struct wire_flag *flag)
{
	return strlen(flag->name) + (flag->value ? strlen(flag->value) : 0);
}

static bool fits(const struct wire_flag *flags, size_t n)
{
	size_t sum = 0;

	for (size_t i = 0; i < n && i <= WIRE_FLAGS_MAX; i++)
		sum += flag_size(&flags[i]);
	return n <= WIRE_FLAGS_MAX && sum <= WIRE_ARGV_MAX;
}

static void add_number(struct wire_run *runs, uint16_t *n, uint32_t number)
{
	struct wire_run *last = &runs[*n ? *n - 1 : 0];

	if (*n && last->first + last->count == number)
		last->count++;
	else
		runs[(*n)++] = (struct wire_run){ number, 1 };
}

int wire_flags_sent_runs(struct wire_flags_sent *t, struct wire_job *job,
			 const struct wire_flag *flags, size_t n)
{
	struct wire_run *runs;
	uint16_t n_runs = 0;

	if (!fits(flags, n))
		return -E2BIG;
	runs = xcalloc(n + 1, sizeof(*runs));
	for (size_t i = 0; i < n; i++) {
		uint32_t number;
		int ret = wire_intern_add(t->table, key_of(&t->key, &flags[i]),
					  &number);

		if (ret < 0) {
			free(runs);
			return ret;
		}
		add_number(runs, &n_runs, number);
	}
	free(job->runs);
	job->runs = runs;
	job->n_runs = n_runs;
	return 0;
}

bool wire_flags_sent_message(struct wire_flags_sent *t, struct buf *out)
{
	uint32_t count = wire_intern_count(t->table), i = t->sent;
	size_t head = out->len;

	if (i == count)
		return false;
	buf_put_u32(out, i);
	buf_put_u32(out, 0);
	for (; i < count; i++) {
		struct bytes key = wire_intern_get(t->table, i);
		struct wire_flag flag = flag_of(key);

		if (out->len - head + key.len + ENTRY_TOP > WIRE_BODY_MAX)
			break;
		wire_flag_put(out, &flag);
	}
	put_le32(out->data + head + 4, i - t->sent);
	t->sent = i;
	return true;
}

struct wire_flags_known *wire_flags_known_new(void)
{
	struct wire_flags_known *t = xcalloc(1, sizeof(*t));

	t->table = wire_intern_new(WIRE_FLAGS_KNOWN, WIRE_FLAGS_BYTES);
	return t;
}

void wire_flags_known_free(struct wire_flags_known *t)
{
	if (!t)
		return;
	wire_intern_free(t->table);
	free(t);
}

static int learn(struct wire_intern *table, const struct wire_flags *m)
{
	struct buf key = { 0 };
	uint32_t number;
	int ret = 0;

	if (m->first != wire_intern_count(table))
		ret = -EPROTO;
	for (uint32_t i = 0; i < m->n && !ret; i++) {
		if (wire_intern_add(table, key_of(&key, &m->v[i]), &number) !=
		    1)
			ret = -EPROTO;
	}
	buf_release(&key);
	return ret;
}

int wire_flags_known_take(struct wire_flags_known *t, struct bytes body)
{
	struct wire_flags m;
	int ret = wire_flags_decode(&m, body);

	if (ret)
		return ret;
	ret = learn(t->table, &m);
	wire_flags_release(&m);
	return ret;
}

/* All numbers known, and no more of them than a job may have? */
static bool runs_ok(const struct wire_flags_known *t,
		    const struct wire_job *job, size_t *n)
{
	uint32_t count = wire_intern_count(t->table);

	*n = 0;
	for (uint16_t i = 0; i < job->n_runs; i++) {
		const struct wire_run *run = &job->runs[i];

		if (run->first > count || run->count > count - run->first)
			return false;
		*n += run->count;
		if (*n > WIRE_FLAGS_MAX)
			return false;
	}
	return true;
}

int wire_flags_known_runs(const struct wire_flags_known *t,
			  const struct wire_job *job, struct wire_flag **flags,
			  size_t *n)
{
	struct wire_flag *v;
	size_t all, at = 0;

	if (!runs_ok(t, job, &all))
		return -EPROTO;
	v = xcalloc(all + 1, sizeof(*v));
	for (uint16_t i = 0; i < job->n_runs; i++) {
		for (uint32_t k = 0; k < job->runs[i].count; k++)
			v[at++] = flag_of(wire_intern_get(
				t->table, job->runs[i].first + k));
	}
	if (!fits(v, all)) {
		free(v);
		return -EPROTO;
	}
	*flags = v;
	*n = all;
	return 0;
}
