/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wire/msg-cell.h"

#include "wire/field.h"
#include "wire/frame.h"
#include "wire/msg-tools.h"
#include "wire/paths.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* u32 cell, u32 view, u8 part, u32 n; and the smallest entry. */
#define VIEW_HEAD 13
#define ENTRY_MIN (4 + WIRE_INODE_MIN)

void wire_cell_release(struct wire_cell *m)
{
	free(m->driver);
	free(m->own);
	strv_release(&m->roots);
	*m = (struct wire_cell){ 0 };
}

void wire_cell_encode(struct buf *out, const struct wire_cell *m)
{
	buf_put_u32(out, m->cell);
	wire_field_put_digest(out, &m->toolchain);
	buf_put_u8(out, m->is_clang);
	buf_put_str(out, m->driver);
	buf_put_u8(out, (uint8_t)m->roots.n);
	for (size_t i = 0; i < m->roots.n; i++)
		buf_put_str(out, m->roots.v[i]);
	buf_put_str(out, m->own ? m->own : "");
}

/* A path in normal form; the caller's to free, also when it is none. */
static char *get_path(struct reader *r)
{
	char *path = reader_str(r, WIRE_PATH_MAX);

	if (!wire_path_ok(path))
		r->bad = true;
	return path;
}

int wire_cell_decode(struct wire_cell *m, struct bytes in)
{
	struct wire_cell got = { 0 };
	struct reader r;
	uint8_t n;
	int ret;

	reader_init(&r, in);
	got.cell = reader_u32(&r);
	wire_field_digest(&r, &got.toolchain);
	got.is_clang = wire_field_u8(&r, 1);
	got.driver = get_path(&r);
	n = wire_field_u8(&r, WIRE_ROOTS);
	for (uint8_t i = 0; i < n && !r.bad; i++)
		strv_own(&got.roots, get_path(&r));
	got.own = reader_str(&r, WIRE_ID_MAX);
	if (*got.own && !wire_id_ok(got.own))
		r.bad = true;
	ret = reader_end(&r);
	if (ret)
		wire_cell_release(&got);
	else
		*m = got;
	return ret;
}

void wire_have_release(struct wire_have *m)
{
	free(m->detail);
	*m = (struct wire_have){ 0 };
}

void wire_have_encode(struct buf *out, const struct wire_have *m)
{
	buf_put_u32(out, m->cell);
	buf_put_u8(out, m->state);
	wire_field_put_line(out, m->detail, WIRE_REASON_MAX);
}

int wire_have_decode(struct wire_have *m, struct bytes in)
{
	struct wire_have got = { 0 };
	struct reader r;
	int ret;

	reader_init(&r, in);
	got.cell = reader_u32(&r);
	got.state = wire_field_u8(&r, WIRE_HAVE_LOST);
	got.detail = wire_field_line(&r, WIRE_REASON_MAX);
	ret = reader_end(&r);
	if (ret)
		wire_have_release(&got);
	else
		*m = got;
	return ret;
}

void wire_shut_encode(struct buf *out, uint32_t cell)
{
	buf_put_u32(out, cell);
}

int wire_shut_decode(uint32_t *cell, struct bytes in)
{
	struct reader r;
	uint32_t got;
	int ret;

	reader_init(&r, in);
	got = reader_u32(&r);
	ret = reader_end(&r);
	if (!ret)
		*cell = got;
	return ret;
}

void wire_view_release(struct wire_view *m)
{
	for (uint32_t i = 0; i < m->n; i++)
		free(m->entries[i].inode.target);
	free(m->entries);
	*m = (struct wire_view){ 0 };
}

static size_t entry_size(const struct wire_entry *e)
{
	return 4 + wire_inode_size(&e->inode);
}

uint32_t wire_view_fits(const struct wire_entry *entries, size_t n)
{
	size_t room = WIRE_BODY_MAX - VIEW_HEAD;
	uint32_t fits = 0;

	while (fits < n && fits < WIRE_VIEW_ENTRIES &&
	       entry_size(&entries[fits]) <= room)
		room -= entry_size(&entries[fits++]);
	return fits;
}

void wire_view_encode(struct buf *out, const struct wire_view *m)
{
	buf_put_u32(out, m->cell);
	buf_put_u32(out, m->view);
	buf_put_u8(out, m->part);
	buf_put_u32(out, m->n);
	for (uint32_t i = 0; i < m->n; i++) {
		buf_put_u32(out, m->entries[i].path);
		wire_inode_put(out, &m->entries[i].inode);
	}
}

static void get_entries(struct reader *r, struct wire_view *m)
{
	uint32_t n = wire_field_u32(r, WIRE_VIEW_ENTRIES);

	if (r->bad || (size_t)n * ENTRY_MIN > r->left) {
		r->bad = true;
		return;
	}
	if (n)
		m->entries = xcalloc(n, sizeof(*m->entries));
	while (m->n < n && !r->bad) {
		struct wire_entry *e = &m->entries[m->n++];

		e->path = wire_field_u32(r, WIRE_PATHS_KNOWN - 1);
		wire_inode_get(r, &e->inode, WIRE_GONE);
	}
}

static int compare_numbers(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static bool paths_differ(const struct wire_view *m)
{
	uint32_t *path = xcalloc(m->n + 1, sizeof(*path));
	bool differ = true;

	for (uint32_t i = 0; i < m->n; i++)
		path[i] = m->entries[i].path;
	qsort(path, m->n, sizeof(*path), compare_numbers);
	for (uint32_t i = 1; i < m->n; i++)
		differ &= path[i] != path[i - 1];
	free(path);
	return differ;
}

int wire_view_decode(struct wire_view *m, struct bytes in)
{
	struct wire_view got = { 0 };
	struct reader r;

	reader_init(&r, in);
	got.cell = reader_u32(&r);
	got.view = reader_u32(&r);
	got.part = wire_field_u8(&r, WIRE_PART_TOOLCHAIN_END);
	get_entries(&r, &got);
	if (reader_end(&r) || !got.view || !paths_differ(&got)) {
		wire_view_release(&got);
		return -EPROTO;
	}
	*m = got;
	return 0;
}

void wire_need_release(struct wire_need *m)
{
	free(m->index);
	*m = (struct wire_need){ 0 };
}

void wire_need_encode(struct buf *out, const struct wire_need *m)
{
	buf_put_u32(out, m->cell);
	buf_put_u32(out, m->view);
	buf_put_u32(out, m->n);
	for (uint32_t i = 0; i < m->n; i++)
		buf_put_u32(out, m->index[i]);
}

static void get_indexes(struct reader *r, struct wire_need *m)
{
	uint32_t n = wire_field_u32(r, WIRE_VIEW_ENTRIES);

	if (r->bad || r->left != (size_t)n * 4) {
		r->bad = true;
		return;
	}
	if (n)
		m->index = xcalloc(n, sizeof(*m->index));
	for (; m->n < n && !r->bad; m->n++) {
		uint32_t index = wire_field_u32(r, WIRE_VIEW_ENTRIES - 1);

		if (m->n && index <= m->index[m->n - 1])
			r->bad = true;
		m->index[m->n] = index;
	}
}

int wire_need_decode(struct wire_need *m, struct bytes in)
{
	struct wire_need got = { 0 };
	struct reader r;
	int ret;

	reader_init(&r, in);
	got.cell = reader_u32(&r);
	got.view = reader_u32(&r);
	if (!got.view)
		r.bad = true;
	get_indexes(&r, &got);
	ret = reader_end(&r);
	if (ret)
		wire_need_release(&got);
	else
		*m = got;
	return ret;
}

void wire_blob_encode(struct buf *out, const struct wire_blob *m)
{
	wire_field_put_digest(out, &m->digest);
	buf_put_u64(out, m->size);
	buf_put_u64(out, m->offset);
	buf_add_bytes(out, m->data);
}

static bool piece_ok(const struct wire_blob *m)
{
	return m->size <= WIRE_BLOB_MAX && m->offset <= m->size &&
	       m->data.len <= m->size - m->offset &&
	       m->data.len <= WIRE_CHUNK_MAX && (m->data.len || !m->size);
}

int wire_blob_decode(struct wire_blob *m, struct bytes in)
{
	struct wire_blob got = { 0 };
	struct reader r;

	reader_init(&r, in);
	wire_field_digest(&r, &got.digest);
	got.size = reader_u64(&r);
	got.offset = reader_u64(&r);
	got.data = reader_raw(&r, r.left);
	if (reader_end(&r) || !piece_ok(&got))
		return -EPROTO;
	*m = got;
	return 0;
}
