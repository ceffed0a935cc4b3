/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * In the table a flag is its name and, behind a NUL, its value; one without a
 * value is the name alone.
 */
#include "wire/flags.h"

#include "wire/field.h"
#include "wire/frame.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* u32 first, u32 count; and a flag: u32 length, u8, u32 length at most. */
#define HEAD      8
#define ENTRY_MIN 5
#define ENTRY_TOP 9

struct wire_intern *wire_flags_new(void)
{
	return wire_intern_new(WIRE_FLAGS_KNOWN, WIRE_FLAGS_BYTES);
}

void wire_flag_put(struct buf *out, const struct wire_flag *flag)
{
	buf_put_str(out, flag->name);
	buf_put_u8(out, !!flag->value);
	if (flag->value)
		buf_put_str(out, flag->value);
}

static struct bytes flag_key(struct buf *key, const struct wire_flag *flag)
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

static bool flags_fit(const struct wire_flag *flags, size_t n)
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

int wire_flags_runs(struct wire_intern *t, struct wire_job *job,
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
		uint32_t number = 0;

		ret = wire_intern_add(t, flag_key(&key, &flags[i]), &number);
		add_number(runs, &n_runs, number);
	}
	buf_release(&key);
	if (ret < 0) {
		free(runs);
		return ret;
	}
	free(job->runs);
	job->runs = runs;
	job->n_runs = n_runs;
	return 0;
}

bool wire_flags_message(struct wire_intern *t, struct buf *out)
{
	uint32_t count = wire_intern_count(t), first = t->sent;
	size_t head = out->len;

	if (first == count)
		return false;
	buf_put_u32(out, first);
	buf_put_u32(out, 0);
	for (; t->sent < count; t->sent++) {
		struct bytes key = wire_intern_get(t, t->sent);
		struct wire_flag flag = flag_of(key);

		if (out->len - head + key.len + ENTRY_TOP > WIRE_BODY_MAX)
			break;
		wire_flag_put(out, &flag);
	}
	put_le32(out->data + head + 4, t->sent - first);
	return true;
}

static void take_flag(struct reader *r, struct wire_intern *t, struct buf *key)
{
	char *name = reader_str(r, WIRE_ARGV_MAX), *value = NULL;
	struct wire_flag flag = { .name = name };
	uint32_t number;

	if (wire_field_u8(r, 1))
		value = reader_str(r, WIRE_ARGV_MAX - strlen(name));
	flag.value = value;
	if (!*name || r->bad ||
	    wire_intern_add(t, flag_key(key, &flag), &number) != 1)
		r->bad = true;
	free(value);
	free(name);
}

int wire_flags_take(struct wire_intern *t, struct bytes body)
{
	struct buf key = { 0 };
	struct reader r;
	uint32_t n;

	reader_init(&r, body);
	if (reader_u32(&r) != wire_intern_count(t))
		r.bad = true;
	n = reader_u32(&r);
	if (n > r.left / ENTRY_MIN)
		r.bad = true;
	for (uint32_t i = 0; i < n && !r.bad; i++)
		take_flag(&r, t, &key);
	buf_release(&key);
	return reader_end(&r);
}

/* Are all numbers known, and no more than a job may have? */
static bool runs_ok(const struct wire_intern *t, const struct wire_job *job,
		    size_t *n)
{
	uint32_t count = wire_intern_count(t);

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

int wire_flags_of_runs(const struct wire_intern *t, const struct wire_job *job,
		       struct wire_flag **flags, size_t *n)
{
	struct wire_flag *v;
	size_t all, at = 0;

	if (!runs_ok(t, job, &all))
		return -EPROTO;
	v = xcalloc(all + 1, sizeof(*v));
	for (uint16_t i = 0; i < job->n_runs; i++) {
		for (uint32_t k = 0; k < job->runs[i].count; k++)
			v[at++] = flag_of(
				wire_intern_get(t, job->runs[i].first + k));
	}
	if (!flags_fit(v, all)) {
		free(v);
		return -EPROTO;
	}
	*flags = v;
	*n = all;
	return 0;
}
