/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wire/msg-tools.h"

#include "base/str.h"
#include "wire/field.h"
#include "wire/limits.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The fewest bytes of an id, a host, a digest, a state and a detail. */
#define HELD_MIN (4 + 1 + 4 + 1 + DIGEST_SIZE + 1 + 4)

static bool is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9');
}

bool wire_id_ok(const char *id)
{
	size_t n = 0;

	for (; id[n]; n++) {
		if (!is_alnum(id[n]) && (!n || !strchr("._+-", id[n])))
			return false;
	}
	return n && n <= WIRE_ID_MAX;
}

bool wire_host_ok(const char *host)
{
	size_t n = strspn(host, "abcdefghijklmnopqrstuvwxyz0123456789_");

	return n && n <= WIRE_HOST_MAX && !host[n];
}

/* The caller's to free, also when it is none. */
static char *get_id(struct reader *r)
{
	char *id = reader_str(r, WIRE_ID_MAX);

	if (!wire_id_ok(id))
		r->bad = true;
	return id;
}

static char *get_host(struct reader *r)
{
	char *host = reader_str(r, WIRE_HOST_MAX);

	if (!wire_host_ok(host))
		r->bad = true;
	return host;
}

void wire_bundle_release(struct wire_bundle *m)
{
	free(m->id);
	free(m->host);
	free(m->json);
	*m = (struct wire_bundle){ 0 };
}

void wire_bundle_encode(struct buf *out, const struct wire_bundle *m)
{
	buf_put_u32(out, m->bundle);
	buf_put_str(out, m->id);
	buf_put_str(out, m->host);
	wire_field_put_digest(out, &m->tree);
	wire_field_put_digest(out, &m->same_as);
	buf_put_str(out, m->json);
}

int wire_bundle_decode(struct wire_bundle *m, struct bytes in)
{
	struct wire_bundle got = { 0 };
	struct reader r;
	int ret;

	reader_init(&r, in);
	got.bundle = reader_u32(&r);
	got.id = get_id(&r);
	got.host = get_host(&r);
	wire_field_digest(&r, &got.tree);
	wire_field_digest(&r, &got.same_as);
	got.json = reader_str(&r, WIRE_JSON_MAX);
	ret = reader_end(&r);
	if (ret)
		wire_bundle_release(&got);
	else
		*m = got;
	return ret;
}

void wire_tools_encode(struct buf *out, const struct wire_tools *m)
{
	buf_put_u32(out, m->ask);
	buf_put_u8(out, m->verify);
}

int wire_tools_decode(struct wire_tools *m, struct bytes in)
{
	struct wire_tools got;
	struct reader r;
	int ret;

	reader_init(&r, in);
	got.ask = reader_u32(&r);
	got.verify = wire_field_u8(&r, 1);
	ret = reader_end(&r);
	if (!ret)
		*m = got;
	return ret;
}

void wire_held_release(struct wire_held *m)
{
	for (uint32_t i = 0; i < m->n; i++) {
		free(m->all[i].id);
		free(m->all[i].host);
		free(m->all[i].detail);
	}
	free(m->all);
	*m = (struct wire_held){ 0 };
}

void wire_held_encode(struct buf *out, const struct wire_held *m)
{
	buf_put_u32(out, m->ask);
	buf_put_u8(out, m->last);
	buf_put_u32(out, m->n);
	for (uint32_t i = 0; i < m->n; i++) {
		const struct wire_held_one *one = &m->all[i];

		buf_put_str(out, one->id);
		buf_put_str(out, one->host);
		wire_field_put_digest(out, &one->tree);
		buf_put_u8(out, one->state);
		wire_field_put_line(out, one->detail, WIRE_REASON_MAX);
	}
}

static void get_held(struct reader *r, struct wire_held *m)
{
	uint32_t n = wire_field_u32(r, WIRE_HELD_MAX);

	if (r->bad || (size_t)n * HELD_MIN > r->left) {
		r->bad = true;
		return;
	}
	if (n)
		m->all = xcalloc(n, sizeof(*m->all));
	while (m->n < n && !r->bad) {
		struct wire_held_one *one = &m->all[m->n++];

		one->id = get_id(r);
		one->host = get_host(r);
		wire_field_digest(r, &one->tree);
		one->state = wire_field_u8(r, WIRE_HELD_IN_USE);
		one->detail = wire_field_line(r, WIRE_REASON_MAX);
	}
}

int wire_held_decode(struct wire_held *m, struct bytes in)
{
	struct wire_held got = { 0 };
	struct reader r;
	int ret;

	reader_init(&r, in);
	got.ask = reader_u32(&r);
	got.last = wire_field_u8(&r, 1);
	get_held(&r, &got);
	ret = reader_end(&r);
	if (ret)
		wire_held_release(&got);
	else
		*m = got;
	return ret;
}

void wire_drop_release(struct wire_drop *m)
{
	free(m->id);
	*m = (struct wire_drop){ 0 };
}

void wire_drop_encode(struct buf *out, const struct wire_drop *m)
{
	buf_put_u32(out, m->ask);
	buf_put_str(out, m->id);
}

int wire_drop_decode(struct wire_drop *m, struct bytes in)
{
	struct wire_drop got = { 0 };
	struct reader r;
	int ret;

	reader_init(&r, in);
	got.ask = reader_u32(&r);
	got.id = get_id(&r);
	ret = reader_end(&r);
	if (ret)
		wire_drop_release(&got);
	else
		*m = got;
	return ret;
}

void wire_dropped_release(struct wire_dropped *m)
{
	free(m->detail);
	*m = (struct wire_dropped){ 0 };
}

void wire_dropped_encode(struct buf *out, const struct wire_dropped *m)
{
	buf_put_u32(out, m->ask);
	buf_put_u8(out, m->state);
	wire_field_put_line(out, m->detail, WIRE_REASON_MAX);
}

int wire_dropped_decode(struct wire_dropped *m, struct bytes in)
{
	struct wire_dropped got = { 0 };
	struct reader r;
	int ret;

	reader_init(&r, in);
	got.ask = reader_u32(&r);
	got.state = wire_field_u8(&r, 1);
	got.detail = wire_field_line(&r, WIRE_REASON_MAX);
	ret = reader_end(&r);
	if (ret)
		wire_dropped_release(&got);
	else
		*m = got;
	return ret;
}
