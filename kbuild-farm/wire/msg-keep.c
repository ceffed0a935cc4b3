/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wire/msg-keep.h"

#include "base/str.h"
#include "wire/field.h"
#include "wire/frame.h"
#include "wire/msg-cell.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The longest of everything but the entries. */
#define KEEP_HEAD                                                            \
	(4 + 4 + WIRE_ID_MAX + 4 + WIRE_HOST_MAX + 2 * DIGEST_SIZE + 1 + 4 + \
	 WIRE_JSON_MAX + 4)
/* u32 length, a path of one byte. */
#define ENTRY_MIN (4 + 1 + WIRE_INODE_MIN)
/* The same, and what an id, a host and a state are. */
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

static bool component_ok(const char *s, size_t n)
{
	return n && !(n == 1 && s[0] == '.') &&
	       !(n == 2 && s[0] == '.' && s[1] == '.');
}

bool wire_relative_ok(const char *path)
{
	const char *at = path;

	if (strlen(path) > WIRE_PATH_MAX)
		return false;
	for (;;) {
		size_t n = strcspn(at, "/");

		if (!component_ok(at, n))
			return false;
		if (!at[n])
			return true;
		at += n + 1;
	}
}

void wire_keep_release(struct wire_keep *m)
{
	for (uint32_t i = 0; i < m->n; i++) {
		free(m->entries[i].path);
		free(m->entries[i].inode.target);
	}
	free(m->entries);
	free(m->id);
	free(m->host);
	free(m->json);
	*m = (struct wire_keep){ 0 };
}

static size_t entry_size(const struct wire_keep_entry *e)
{
	return 4 + strlen(e->path) + wire_inode_size(&e->inode);
}

uint32_t wire_keep_fits(const struct wire_keep_entry *entries, size_t n)
{
	size_t room = WIRE_BODY_MAX - KEEP_HEAD;
	uint32_t fits = 0;

	while (fits < n && fits < WIRE_VIEW_ENTRIES &&
	       entry_size(&entries[fits]) <= room)
		room -= entry_size(&entries[fits++]);
	return fits;
}

void wire_keep_encode(struct buf *out, const struct wire_keep *m)
{
	buf_put_u32(out, m->keep);
	buf_put_str(out, m->id);
	buf_put_str(out, m->host);
	wire_field_put_digest(out, &m->tree);
	wire_field_put_digest(out, &m->twin);
	buf_put_u8(out, m->last);
	buf_put_str(out, m->json ? m->json : "");
	buf_put_u32(out, m->n);
	for (uint32_t i = 0; i < m->n; i++) {
		buf_put_str(out, m->entries[i].path);
		wire_inode_put(out, &m->entries[i].inode);
	}
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

static uint32_t get_number(struct reader *r)
{
	return wire_field_u32(r, WIRE_NEED_KEEP - 1);
}

static void get_entry(struct reader *r, struct wire_keep_entry *e)
{
	e->path = reader_str(r, WIRE_PATH_MAX);
	if (!wire_relative_ok(e->path))
		r->bad = true;
	wire_inode_get(r, &e->inode, WIRE_DIR);
}

static void get_entries(struct reader *r, struct wire_keep *m)
{
	uint32_t n = wire_field_u32(r, WIRE_VIEW_ENTRIES);

	if (r->bad || (size_t)n * ENTRY_MIN > r->left) {
		r->bad = true;
		return;
	}
	if (n)
		m->entries = xcalloc(n, sizeof(*m->entries));
	while (m->n < n && !r->bad)
		get_entry(r, &m->entries[m->n++]);
}

int wire_keep_decode(struct wire_keep *m, struct bytes in)
{
	struct wire_keep got = { 0 };
	struct reader r;

	reader_init(&r, in);
	got.keep = get_number(&r);
	got.id = get_id(&r);
	got.host = get_host(&r);
	wire_field_digest(&r, &got.tree);
	wire_field_digest(&r, &got.twin);
	got.last = wire_field_u8(&r, 1);
	got.json = reader_str(&r, WIRE_JSON_MAX);
	if (!got.last && *got.json)
		r.bad = true;
	get_entries(&r, &got);
	if (reader_end(&r)) {
		wire_keep_release(&got);
		return -EPROTO;
	}
	*m = got;
	return 0;
}

void wire_kept_release(struct wire_kept *m)
{
	free(m->detail);
	*m = (struct wire_kept){ 0 };
}

void wire_kept_encode(struct buf *out, const struct wire_kept *m)
{
	buf_put_u32(out, m->keep);
	buf_put_u8(out, m->state);
	wire_field_put_digest(out, &m->tree);
	wire_field_put_line(out, m->detail, WIRE_REASON_MAX);
}

int wire_kept_decode(struct wire_kept *m, struct bytes in)
{
	struct wire_kept got = { 0 };
	struct reader r;
	int ret;

	reader_init(&r, in);
	got.keep = get_number(&r);
	got.state = wire_field_u8(&r, 1);
	wire_field_digest(&r, &got.tree);
	got.detail = wire_field_line(&r, WIRE_REASON_MAX);
	ret = reader_end(&r);
	if (ret)
		wire_kept_release(&got);
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
	buf_put_u32(out, m->keep);
	buf_put_str(out, m->id);
}

int wire_drop_decode(struct wire_drop *m, struct bytes in)
{
	struct wire_drop got = { 0 };
	struct reader r;
	int ret;

	reader_init(&r, in);
	got.keep = get_number(&r);
	got.id = get_id(&r);
	ret = reader_end(&r);
	if (ret)
		wire_drop_release(&got);
	else
		*m = got;
	return ret;
}
