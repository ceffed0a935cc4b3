/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/record.h"

#include "agent/inode.h"
#include "base/fs.h"
#include "base/str.h"
#include "compiler/gather.h"
#include "wire/field.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX (64u << 20)

void agent_record_release(struct agent_record *r)
{
	free(r->id);
	free(r->host);
	compiler_entries_release(&r->entries);
	*r = (struct agent_record){ 0 };
}

/* ------------------------------------------------------- what it may be */

int agent_record_add(struct agent_record *r, const char *path,
		     const struct wire_inode *inode, struct err *err)
{
	struct compiler_entry *e;

	if (inode->kind == WIRE_GONE)
		return err_set(err, EINVAL, "%s: %s: not to be gone", r->id,
			       path);
	if (r->entries.n >= WIRE_BUNDLE_ENTRIES)
		return err_set(err, EINVAL, "%s: more than %u files", r->id,
			       WIRE_BUNDLE_ENTRIES);
	e = toolchain_tree_add(&r->entries, path);
	*e = agent_inode_entry(e->path, inode);
	if (e->target)
		e->target = xstrdup(e->target);
	r->bytes += e->size;
	r->names += strlen(e->path) + (e->target ? strlen(e->target) : 0);
	if (r->names > AGENT_RECORD_NAMES)
		return err_set(err, EINVAL, "%s: more than %u MiB of names",
			       r->id, AGENT_RECORD_NAMES >> 20);
	if (r->bytes > WIRE_BUNDLE_BYTES)
		return err_set(err, EINVAL, "%s: more than %llu GiB", r->id,
			       WIRE_BUNDLE_BYTES >> 30);
	return 0;
}

static int invalid(const struct agent_record *r, const struct compiler_entry *e,
		   const char *why, struct err *err)
{
	return err_set(err, EINVAL, "%s: %s: %s", r->id, e->path, why);
}

/* Is one of the directories above it an entry?  Then it is no directory. */
static bool is_below_entry(const struct agent_record *r, const char *path)
{
	char *at = xstrdup(path), *slash;
	bool is = false;

	while (!is && (slash = strrchr(at, '/')) != NULL) {
		*slash = '\0';
		is = compiler_entries_find(&r->entries, at) != NULL;
	}
	free(at);
	return is;
}

static bool is_record_file(const char *path)
{
	return !strcmp(path, AGENT_RECORD) || !strcmp(path, AGENT_DAMAGE) ||
	       !strcmp(path, TOOLCHAIN_JSON) ||
	       str_starts(path, AGENT_RECORD "/") ||
	       str_starts(path, AGENT_DAMAGE "/") ||
	       str_starts(path, TOOLCHAIN_JSON "/");
}

static int judge_entry(const struct agent_record *r, size_t i, struct err *err)
{
	const struct compiler_entry *e = &r->entries.v[i];

	if (!toolchain_tree_is_path(e->path))
		return invalid(r, e, "no path of a file", err);
	if (i && !strcmp(e->path, r->entries.v[i - 1].path))
		return invalid(r, e, "is there twice", err);
	if (is_record_file(e->path))
		return invalid(r, e, "a name that kfarmd needs itself", err);
	if (is_below_entry(r, e->path))
		return invalid(r, e, "lies below what is no directory", err);
	if (e->kind == COMPILER_LINK &&
	    !toolchain_tree_is_inside(e->path, e->target))
		return invalid(r, e, "a link that leads out", err);
	return 0;
}

int agent_record_judge(struct agent_record *r, struct err *err)
{
	struct digest tree;
	int ret = 0;

	toolchain_tree_sort(&r->entries);
	for (size_t i = 0; i < r->entries.n && !ret; i++)
		ret = judge_entry(r, i, err);
	if (ret)
		return ret;
	if (!r->entries.n)
		return err_set(err, EINVAL, "%s: without any file", r->id);
	toolchain_tree_digest(&r->entries, &tree);
	if (!digest_equal(&tree, &r->tree))
		return err_set(err, EINVAL,
			       "%s: its files are not those that its digest"
			       " stands for",
			       r->id);
	return 0;
}

/* ------------------------------------------------------------- on disk */

void agent_record_encode(const struct agent_record *r, struct buf *out)
{
	size_t at = out->len;
	struct digest d;

	buf_put_u32(out, 0);
	buf_put_str(out, r->id);
	buf_put_str(out, r->host);
	wire_field_put_digest(out, &r->tree);
	wire_field_put_digest(out, &r->same_as);
	buf_put_u8(out, 1);
	buf_put_str(out, "");
	buf_put_u32(out, (uint32_t)r->entries.n);
	for (size_t i = 0; i < r->entries.n; i++) {
		struct wire_inode inode = agent_inode_of(&r->entries.v[i]);

		buf_put_str(out, r->entries.v[i].path);
		wire_inode_encode(out, &inode);
	}
	digest_of(bytes_of(out->data + at, out->len - at), &d);
	buf_add(out, d.b, sizeof(d.b));
}

static void get_entry(struct reader *r, struct agent_record *out)
{
	char *path = reader_str(r, WIRE_PATH_MAX);
	struct wire_inode inode = { 0 };
	struct err ignored;

	wire_read(r, &wire_inode_layout, &inode);
	if (r->bad || inode.kind == WIRE_GONE ||
	    agent_record_add(out, path, &inode, &ignored))
		r->bad = true;
	wire_inode_release(&inode);
	free(path);
}

static int get_record(struct reader *r, struct agent_record *out)
{
	uint32_t n;

	wire_field_u32(r, 0);
	out->id = reader_str(r, WIRE_ID_MAX);
	out->host = reader_str(r, WIRE_HOST_MAX);
	wire_field_digest(r, &out->tree);
	wire_field_digest(r, &out->same_as);
	if (wire_field_u8(r, 1) != 1 || reader_u32(r) || !wire_id_ok(out->id) ||
	    !wire_host_ok(out->host))
		r->bad = true;
	n = wire_field_u32(r, WIRE_BUNDLE_ENTRIES);
	while (n-- && !r->bad)
		get_entry(r, out);
	return reader_end(r);
}

int agent_record_decode(struct agent_record *out, struct bytes in,
			struct err *err)
{
	struct agent_record got = { 0 };
	struct reader r;
	struct digest d;
	int ret;

	*out = got;
	if (in.len < sizeof(d.b))
		return err_set(err, EBADMSG, "torn");
	in.len -= sizeof(d.b);
	digest_of(in, &d);
	reader_init(&r, in);
	if (memcmp(d.b, in.data + in.len, sizeof(d.b)) || get_record(&r, &got))
		ret = err_set(err, EBADMSG, "not what was written");
	else
		ret = agent_record_judge(&got, err);
	if (ret) {
		agent_record_release(&got);
		return -EBADMSG;
	}
	*out = got;
	return 0;
}

int agent_record_write(const struct agent_record *r, const char *dir,
		       struct err *err)
{
	char *path = xasprintf("%s/" AGENT_RECORD, dir);
	struct buf body = { 0 };
	int ret;

	agent_record_encode(r, &body);
	ret = fs_write(path, buf_bytes(&body), 0600, err);
	buf_release(&body);
	free(path);
	return ret;
}

int agent_record_read(struct agent_record *out, const char *dir,
		      struct err *err)
{
	char *path = xasprintf("%s/" AGENT_RECORD, dir);
	struct buf body = { 0 };
	int ret = fs_read(path, FILE_MAX, &body, err);

	*out = (struct agent_record){ 0 };
	if (!ret) {
		ret = agent_record_decode(out, buf_bytes(&body), err);
		if (ret)
			err_wrap(err, "%s", path);
	}
	buf_release(&body);
	free(path);
	return ret;
}

/* --------------------------------------------------------- the files */

static int differs(const struct agent_record *r, const char *path,
		   const char *how, struct err *err)
{
	return err_set(err, EBADMSG, "%s of %s %s", path, r->id, how);
}

static int glance_file(const struct agent_record *r,
		       const struct compiler_entry *e, const char *path,
		       const struct stat *st, struct err *err)
{
	int64_t mtime_ns = (int64_t)st->st_mtim.tv_sec * 1000000000 +
			   st->st_mtim.tv_nsec;
	struct err ignored;
	struct digest d;

	if (!S_ISREG(st->st_mode) || (uint64_t)st->st_size != e->size ||
	    !(st->st_mode & S_IXUSR) == e->executable)
		return differs(r, e->path, "is another file", err);
	if (mtime_ns == e->mtime_ns)
		return 0;
	if (digest_file(path, &d, &ignored))
		return differs(r, e->path, "cannot be read", err);
	if (!digest_equal(&d, &e->digest))
		return differs(r, e->path, "has changed", err);
	return 0;
}

static int glance_entry(const struct agent_record *r,
			const struct compiler_entry *e, const char *path,
			struct err *err)
{
	char target[PATH_MAX];
	struct stat st;
	ssize_t n;

	if (lstat(path, &st))
		return differs(r, e->path,
			       errno == ENOENT ? "is gone" : "cannot be seen",
			       err);
	if (e->kind == COMPILER_FILE)
		return glance_file(r, e, path, &st, err);
	if (e->kind == COMPILER_DIR)
		return S_ISDIR(st.st_mode) ?
			       0 :
			       differs(r, e->path, "is no directory", err);
	n = readlink(path, target, sizeof(target));
	if (n < 0 || (size_t)n != strlen(e->target) ||
	    memcmp(target, e->target, (size_t)n))
		return differs(r, e->path, "is another link", err);
	return 0;
}

int agent_record_glance(const struct agent_record *r, const char *dir,
			struct err *err)
{
	int ret = 0;

	for (size_t i = 0; i < r->entries.n && !ret; i++) {
		const struct compiler_entry *e = &r->entries.v[i];
		char *path = xasprintf("%s/%s", dir, e->path);

		ret = glance_entry(r, e, path, err);
		free(path);
	}
	return ret;
}

/* Both are sorted: the first that is in one alone, or not the same. */
static int compare_entries(const struct agent_record *r,
			   const struct compiler_entries *is, struct err *err)
{
	const struct compiler_entries *want = &r->entries;
	size_t i = 0, k = 0;

	while (i < want->n || k < is->n) {
		int order = i == want->n ? 1 :
			    k == is->n   ? -1 :
					   strcmp(want->v[i].path, is->v[k].path);

		if (order < 0)
			return differs(r, want->v[i].path, "is gone", err);
		if (order > 0 && !is_record_file(is->v[k].path))
			return differs(r, is->v[k].path, "is no part of it",
				       err);
		if (!order && !compiler_entry_same(&want->v[i], &is->v[k]))
			return differs(r, is->v[k].path, "has changed", err);
		i += order <= 0;
		k += order >= 0;
	}
	return 0;
}

int agent_record_verify(const struct agent_record *r, const char *dir,
			const atomic_bool *stop, struct err *err)
{
	struct compiler_entries is;
	int ret = toolchain_tree_read(&is, dir, stop, err);

	if (ret == -ECANCELED)
		return ret;
	if (ret)
		return -EBADMSG;
	toolchain_tree_sort(&is);
	ret = compare_entries(r, &is, err);
	compiler_entries_release(&is);
	return ret;
}

const struct compiler_entry *agent_record_driver(const struct agent_record *r,
						 const char *name)
{
	const struct compiler_entry *best = NULL;
	char *end = xasprintf("/bin/%s", name);

	for (size_t i = 0; i < r->entries.n; i++) {
		const struct compiler_entry *e = &r->entries.v[i];

		if (strcmp(e->path, end + 1) && !str_ends(e->path, end))
			continue;
		if (e->kind == COMPILER_DIR ||
		    (e->kind == COMPILER_FILE && !e->executable))
			continue;
		if (!best || strlen(e->path) < strlen(best->path))
			best = e;
	}
	free(end);
	return best;
}
