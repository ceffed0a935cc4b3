/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wire/msg-cell.h"

#include "wire/frame.h"
#include "wire/msg-tools.h"
#include "wire/paths.h"

#include <stdlib.h>
#include <string.h>

/* u32 cell, u32 view, u8 part, u32 n. */
#define VIEW_HEAD 13

static bool kept_ok(const char *kept)
{
	return !*kept || wire_id_ok(kept);
}

static const struct wire_field cell[] = {
	{ WIRE_NUMBER(cell, cell, WIRE_ANY) },
	{ WIRE_DIGEST(cell, toolchain) },
	{ WIRE_NUMBER(cell, is_clang, 1) },
	{ WIRE_STRING(cell, driver, WIRE_PATH_MAX), .ok = wire_path_ok },
	{ WIRE_STRINGS(cell, roots, 1, WIRE_ROOTS, WIRE_PATH_MAX),
	  .ok = wire_path_ok },
	{ WIRE_STRING(cell, kept, WIRE_ID_MAX), .ok = kept_ok },
};

const struct wire_layout wire_cell_layout = WIRE_LAYOUT(cell, NULL);

static const struct wire_field have[] = {
	{ WIRE_NUMBER(have, cell, WIRE_ANY) },
	{ WIRE_NUMBER(have, state, WIRE_HAVE_LOST) },
	{ WIRE_LINE(have, detail, WIRE_REASON_MAX) },
};

const struct wire_layout wire_have_layout = WIRE_LAYOUT(have, NULL);

static bool target_ok(const char *target)
{
	return *target;
}

#define ONLY(of) .only = (of) + 1 /* NOLINT: an initializer */

static const struct wire_field inode[] = {
	{ WIRE_NUMBER(inode, kind, WIRE_GONE) },
	{ WIRE_NUMBER(inode, executable, 1), ONLY(WIRE_FILE) },
	{ WIRE_NUMBER(inode, size, WIRE_BLOB_MAX), ONLY(WIRE_FILE) },
	{ WIRE_NUMBER(inode, mtime_ns, WIRE_ANY), ONLY(WIRE_FILE) },
	{ WIRE_DIGEST(inode, digest), ONLY(WIRE_FILE) },
	{ WIRE_STRING(inode, target, WIRE_PATH_MAX), ONLY(WIRE_LINK),
	  .ok = target_ok },
};

const struct wire_layout wire_inode_layout = WIRE_LAYOUT(inode, NULL);

static const struct wire_field entry[] = {
	{ WIRE_NUMBER(entry, path, WIRE_PATHS_KNOWN - 1) },
	{ WIRE_STRUCT(entry, inode, &wire_inode_layout) },
};

static const struct wire_layout entry_layout = WIRE_LAYOUT(entry, NULL);

static size_t entry_size(const struct wire_entry *e)
{
	if (e->inode.kind == WIRE_FILE)
		return 4 + 1 + 1 + 8 + 8 + DIGEST_SIZE;
	return 4 + 1 +
	       (e->inode.kind == WIRE_LINK ? 4 + strlen(e->inode.target) : 0);
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

static bool view_ok(const void *m)
{
	const struct wire_view *v = m;

	return v->view && paths_differ(v);
}

static const struct wire_field view[] = {
	{ WIRE_NUMBER(view, cell, WIRE_ANY) },
	{ WIRE_NUMBER(view, view, WIRE_ANY) },
	{ WIRE_NUMBER(view, part, WIRE_PART_TOOLCHAIN_END) },
	{ WIRE_LIST(view, entries, n, WIRE_VIEW_ENTRIES, &entry_layout) },
};

const struct wire_layout wire_view_layout = WIRE_LAYOUT(view, view_ok);

static bool need_ok(const void *m)
{
	const struct wire_need *need = m;

	for (uint32_t i = 1; i < need->n; i++) {
		if (need->index[i] <= need->index[i - 1])
			return false;
	}
	return need->view;
}

static const struct wire_field index_field = { .kind = WIRE_IS_NUMBER,
					       .width = 4,
					       .max = WIRE_VIEW_ENTRIES - 1 };

static const struct wire_layout index_layout = { .field = &index_field,
						 .n = 1,
						 .size = sizeof(uint32_t) };

static const struct wire_field need[] = {
	{ WIRE_NUMBER(need, cell, WIRE_ANY) },
	{ WIRE_NUMBER(need, view, WIRE_ANY) },
	{ WIRE_LIST(need, index, n, WIRE_VIEW_ENTRIES, &index_layout) },
};

const struct wire_layout wire_need_layout = WIRE_LAYOUT(need, need_ok);

static bool blob_ok(const void *m)
{
	const struct wire_blob *b = m;

	return b->offset <= b->size && b->data.len <= b->size - b->offset &&
	       (b->data.len || !b->size);
}

static const struct wire_field blob[] = {
	{ WIRE_DIGEST(blob, digest) },
	{ WIRE_NUMBER(blob, size, WIRE_BLOB_MAX) },
	{ WIRE_NUMBER(blob, offset, WIRE_ANY) },
	{ WIRE_REST(blob, data, WIRE_CHUNK_MAX) },
};

const struct wire_layout wire_blob_layout = WIRE_LAYOUT(blob, blob_ok);
