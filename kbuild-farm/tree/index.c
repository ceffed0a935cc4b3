/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tree/index.h"

#include "base/fs.h"

#include <ctype.h>
#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#define INDEX_MAX         (1u << 30)
#define ENTRY_FIXED_BYTES 62 /* bytes of an entry before its path */
#define SUM               20
#define ENTRY_EXTENDED    0x4000u
#define LENGTH            0x0fffu

/* Bytes that are not yet read. */
struct cursor {
	const uint8_t *at, *end;
};

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	       (uint32_t)p[2] << 8 | p[3];
}

static int bad_index(const char *file, const char *why, struct err *err)
{
	return err_set(err, EBADMSG, "%s: %s", file, why);
}

static bool is_checksum_valid(struct tree_index *x)
{
	unsigned char sum[EVP_MAX_MD_SIZE];
	size_t n = x->text.len - SUM;

	memcpy(x->checksum.id, x->text.data + n, SUM);
	/* With index.skipHash, git writes zeros instead of a checksum. */
	return git_oid_is_zero(&x->checksum) ||
	       (EVP_Digest(x->text.data, n, sum, NULL, EVP_sha1(), NULL) &&
		!memcmp(sum, x->checksum.id, SUM));
}

/*
 * Version 4: read the number of bytes to drop from the end of the previous
 * path.  The number is encoded like the offset of an OFS_DELTA.
 */
static bool read_strip(struct cursor *c, size_t *out)
{
	size_t v;

	if (c->at >= c->end)
		return false;
	v = *c->at & 127;
	while (*c->at++ & 128) {
		if (c->at >= c->end || v > INDEX_MAX)
			return false;
		v = (v + 1) << 7 | (*c->at & 127);
	}
	*out = v;
	return true;
}

/*
 * Decode a path of version 4 and append it to x->paths.  *last is the offset of
 * the previous path in x->paths.  Stores the offset of the new path in *at and
 * *last, because a pointer would become invalid when x->paths grows.
 */
static bool read_packed_path(struct tree_index *x, struct cursor *c,
			     size_t *last, size_t *at)
{
	size_t had = x->paths.len ? x->paths.len - 1 - *last : 0, strip, n;
	char *before;

	if (!read_strip(c, &strip) || strip > had)
		return false;
	n = strnlen((const char *)c->at, (size_t)(c->end - c->at));
	if (c->at + n >= c->end)
		return false;
	*at = x->paths.len;
	before = xstrndup(buf_str(&x->paths) + *last, had - strip);
	buf_add_str(&x->paths, before);
	buf_add(&x->paths, c->at, n + 1);
	free(before);
	*last = *at;
	c->at += n + 1;
	return true;
}

static bool read_plain_path(git_index_entry *e, struct cursor *c,
			    const uint8_t *start)
{
	size_t n = strnlen((const char *)c->at, (size_t)(c->end - c->at));
	size_t size = ((size_t)(c->at - start) + n + 8) & ~(size_t)7;

	if (size > (size_t)(c->end - start))
		return false;
	e->path = (const char *)c->at;
	c->at = start + size;
	return true;
}

static bool read_index_entries(struct tree_index *x, struct cursor *c,
			       uint32_t version)
{
	size_t last = 0, *at = xcalloc(x->n_entries + 1, sizeof(*at));
	bool ok = true;

	for (size_t i = 0; ok && i < x->n_entries; i++) {
		const uint8_t *p = c->at;
		git_index_entry *e = &x->entries[i];

		ok = c->end - c->at > ENTRY_FIXED_BYTES + 2;
		if (!ok)
			break;
		e->ctime.seconds = (int32_t)be32(p);
		e->ctime.nanoseconds = be32(p + 4);
		e->mtime.seconds = (int32_t)be32(p + 8);
		e->mtime.nanoseconds = be32(p + 12);
		e->dev = be32(p + 16);
		e->ino = be32(p + 20);
		e->mode = be32(p + 24);
		e->uid = be32(p + 28);
		e->gid = be32(p + 32);
		e->file_size = be32(p + 36);
		git_oid_fromraw(&e->id, p + 40);
		e->flags = (uint16_t)(p[60] << 8 | p[61]);
		c->at += ENTRY_FIXED_BYTES;
		if (e->flags & ENTRY_EXTENDED) {
			e->flags_extended = (uint16_t)(c->at[0] << 8 |
						       c->at[1]);
			c->at += 2;
		}
		ok = version == 4 ? read_packed_path(x, c, &last, &at[i]) :
				    read_plain_path(e, c, p);
	}
	for (size_t i = 0; ok && version == 4 && i < x->n_entries; i++)
		x->entries[i].path = buf_str(&x->paths) + at[i];
	free(at);
	return ok;
}

/*
 * Record the id of the root tree from a "TREE" extension, which begins with
 * "\0ENTRIES SUBTREES\n" and the id.  ENTRIES is -1 if the tree is outdated;
 * then no id follows.
 */
static void read_root(struct tree_index *x, const uint8_t *p, size_t n)
{
	const uint8_t *line = n > 1 && !*p ? memchr(p, '\n', n) : NULL;

	if (line && isdigit(p[1]) && (size_t)(line - p) + 1 + SUM <= n &&
	    strtoul((const char *)p + 1, NULL, 10) == x->n_entries)
		git_oid_fromraw(&x->root_tree, line + 1);
}

/*
 * Return false if an extension is damaged or not supported.  A name that begins
 * with a lower-case letter marks an extension that changes the meaning of the
 * entries, such as a split or sparse index.
 */
static bool read_extensions(struct tree_index *x, struct cursor *c)
{
	while (c->end - c->at >= 8) {
		const uint8_t *name = c->at;
		size_t n = be32(c->at + 4);

		c->at += 8;
		if (n > (size_t)(c->end - c->at) || !isupper(*name))
			return false;
		if (!memcmp(name, "TREE", 4))
			read_root(x, c->at, n);
		c->at += n;
	}
	return true;
}

static bool is_in_order(const struct tree_index *x)
{
	for (size_t i = 1; i < x->n_entries; i++) {
		const git_index_entry *a = &x->entries[i - 1],
				      *b = &x->entries[i];
		int order = strcmp(a->path, b->path);

		/* The stages of a conflict share their path. */
		if (order > 0 || (!order && !(b->flags & TREE_INDEX_STAGE)))
			return false;
	}
	return true;
}

int tree_index_read(struct tree_index *x, const char *file, struct err *err)
{
	struct cursor c;
	uint32_t version;
	int ret;

	*x = (struct tree_index){ 0 };
	ret = stat(file, &x->file_stat) ?
		      err_errno(err, "%s", file) :
		      fs_read(file, INDEX_MAX, &x->text, err);
	if (ret)
		return ret;
	if (x->text.len < 12 + SUM || memcmp(x->text.data, "DIRC", 4) ||
	    !is_checksum_valid(x))
		return bad_index(file, "damaged index", err);
	version = be32(x->text.data + 4);
	x->n_entries = be32(x->text.data + 8);
	if (version < 2 || version > 4 ||
	    x->n_entries > x->text.len / ENTRY_FIXED_BYTES)
		return bad_index(file, "unsupported index version", err);
	x->entries = xcalloc(x->n_entries + 1, sizeof(*x->entries));
	c.at = x->text.data + 12;
	c.end = x->text.data + x->text.len - SUM;
	if (!read_index_entries(x, &c, version) || !is_in_order(x))
		return bad_index(file, "damaged index", err);
	if (!read_extensions(x, &c))
		return bad_index(file,
				 "unsupported index extension, such as that "
				 "of a split or sparse index",
				 err);
	return 0;
}

void tree_index_release(struct tree_index *x)
{
	free(x->entries);
	buf_release(&x->text);
	buf_release(&x->paths);
	*x = (struct tree_index){ 0 };
}
