/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tree/intake.h"

#include "base/vec.h"
#include "tree/name.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BATCH_BYTES (32u << 20)
#define BATCH_MAX   512

void tree_intake_release(struct tree_intake *in)
{
	for (size_t i = 0; i < in->n; i++)
		free(in->entry[i].path);
	for (size_t i = 0; i < in->n_batch; i++)
		buf_release(&in->batch[i]);
	map_release_all(&in->names, NULL);
	free(in->entry);
	free(in->batch);
	*in = (struct tree_intake){ 0 };
}

static int flush_batch(struct tree_intake *in, struct err *err)
{
	struct tree_pack_object *v = xcalloc(in->n_batch + 1, sizeof(*v));
	int ret;

	for (size_t i = 0; i < in->n_batch; i++) {
		v[i].type = GIT_OBJECT_BLOB;
		v[i].content = buf_bytes(&in->batch[i]);
	}
	ret = tree_pack_add(in->pack, v, in->n_batch, err);
	/* All that wait came last. */
	for (size_t i = in->n; i-- && in->n_batch;) {
		struct tree_entry *e = &in->entry[i];

		if (e->waits) {
			e->id = v[e->waits - 1].id;
			buf_release(&in->batch[e->waits - 1]);
			if (e->waits == 1)
				in->n_batch = 0;
			e->waits = 0;
		}
	}
	in->batch_bytes = 0;
	free(v);
	if (!ret && in->tick)
		ret = in->tick(in->ctx, err);
	return ret;
}

/* An entry, by its path. */
struct named {
	struct map_node node;
	size_t at;
};

static struct tree_entry *find_named(const struct tree_intake *in,
				     const char *path)
{
	struct map_node *n = map_find(&in->names, map_hash(bytes_str(path)));

	while (n && strcmp(in->entry[((struct named *)n)->at].path, path))
		n = map_again(n);
	return n ? &in->entry[((struct named *)n)->at] : NULL;
}

static void name_entry(struct tree_intake *in, size_t at)
{
	struct named *name = xcalloc(1, sizeof(*name));

	name->at = at;
	map_add(&in->names, &name->node,
		map_hash(bytes_str(in->entry[at].path)));
}

static int new_entry(struct tree_intake *in, const char *path,
		     git_filemode_t mode, long long mtime,
		     struct tree_entry **out, struct err *err)
{
	int ret = tree_name_check_path(path, err);

	if (ret)
		return ret;
	if (in->n >= TREE_ENTRIES_MAX)
		return err_set(err, E2BIG, "%s: one of more than %d files",
			       path, TREE_ENTRIES_MAX);
	if (find_named(in, path))
		return err_set(err, EINVAL, "%s: comes twice", path);
	*out = VEC_ADD(in->entry, in->n);
	(*out)->path = xstrdup(path);
	name_entry(in, in->n - 1);
	(*out)->mode = mode;
	(*out)->mtime = mtime;
	return 0;
}

int tree_intake_add(struct tree_intake *in, const char *path,
		    git_filemode_t mode, long long mtime, struct buf *content,
		    struct err *err)
{
	struct tree_entry *e = NULL;
	int ret = new_entry(in, path, mode, mtime, &e, err);

	if (!e)
		return ret;
	in->bytes += content->len;
	in->batch_bytes += content->len;
	*VEC_ADD(in->batch, in->n_batch) = *content;
	*content = (struct buf){ 0 };
	e->waits = in->n_batch;
	if (in->bytes > TREE_IMPORT_MAX)
		return err_set(err, E2BIG, "more than %llu MiB in all",
			       TREE_IMPORT_MAX >> 20);
	if (in->batch_bytes < BATCH_BYTES && in->n_batch < BATCH_MAX)
		return 0;
	return flush_batch(in, err);
}

int tree_intake_again(struct tree_intake *in, const char *path,
		      const char *target, struct err *err)
{
	struct tree_entry *to = find_named(in, target), *e = NULL;
	int ret = to && to->waits ? flush_batch(in, err) : 0;
	struct tree_entry same;

	if (ret)
		return ret;
	if (!to || to->mode == GIT_FILEMODE_LINK)
		return err_set(err, EINVAL,
			       "%s: a hard link to what is no file: \"%.200s\"",
			       path, target);
	same = *to;
	ret = new_entry(in, path, same.mode, same.mtime, &e, err);
	if (e)
		e->id = same.id;
	return ret;
}

/* ---- the tree ---- */

/* One line of a tree object. */
struct item {
	const char *name;
	size_t len;
	git_filemode_t mode;
	git_oid id;
};

static int compare_entry_paths(const void *a, const void *b)
{
	return strcmp(((const struct tree_entry *)a)->path,
		      ((const struct tree_entry *)b)->path);
}

/* As git sorts them: a directory's name has a slash behind it. */
static int compare_items(const void *a, const void *b)
{
	const struct item *x = a, *y = b;
	size_t n = x->len < y->len ? x->len : y->len;
	int order = memcmp(x->name, y->name, n);
	char p, q;

	if (order)
		return order;
	p = n < x->len ? x->name[n] : x->mode == GIT_FILEMODE_TREE ? '/' : '\0';
	q = n < y->len ? y->name[n] : y->mode == GIT_FILEMODE_TREE ? '/' : '\0';
	return (unsigned char)p - (unsigned char)q;
}

static int write_items(struct tree_intake *in, struct item *items, size_t n,
		       git_oid *out, struct err *err)
{
	struct tree_pack_object o = { .type = GIT_OBJECT_TREE };
	struct buf text = { 0 };
	int ret;

	if (n)
		qsort(items, n, sizeof(*items), compare_items);
	for (size_t i = 0; i < n; i++) {
		buf_printf(&text, "%o %.*s", (unsigned)items[i].mode,
			   (int)items[i].len, items[i].name);
		buf_put_u8(&text, 0);
		buf_add(&text, items[i].id.id, sizeof(items[i].id.id));
	}
	o.content = buf_bytes(&text);
	ret = tree_pack_add(in->pack, &o, 1, err);
	*out = o.id;
	buf_release(&text);
	return ret;
}

/* Is what is above `e`, the first `len` bytes of its path, no file? */
static int check_no_file(const struct tree_intake *in,
			 const struct tree_entry *e, size_t len,
			 struct err *err)
{
	char *upper = e->path[len] ? xstrndup(e->path, len) : NULL;
	int ret = 0;

	if (upper && find_named(in, upper))
		ret = err_set(err, EINVAL, "%s: lies below a file or a link",
			      e->path);
	free(upper);
	return ret;
}

/*
 * The tree of all entries with the first `skip` bytes of path in common, from
 * *at on, which is then the first behind them.
 */
static int make_tree(struct tree_intake *in, size_t *at, size_t skip,
		     git_oid *out, struct err *err)
{
	const char *prefix = in->entry[*at].path;
	struct item *items = NULL;
	size_t n = 0;
	int ret = 0;

	while (!ret && *at < in->n &&
	       !strncmp(in->entry[*at].path, prefix, skip)) {
		const struct tree_entry *e = &in->entry[*at];
		const char *name = e->path + skip;
		size_t len = strcspn(name, "/");

		struct item *last = VEC_ADD(items, n);

		*last = (struct item){ name, len, e->mode, e->id };
		ret = check_no_file(in, e, skip + len, err);
		if (!ret && name[len]) {
			last->mode = GIT_FILEMODE_TREE;
			ret = make_tree(in, at, skip + len + 1, &last->id, err);
		} else {
			(*at)++;
		}
	}
	if (!ret)
		ret = write_items(in, items, n, out, err);
	free(items);
	return ret;
}

/* How long "TOP/" is if everything is below that one directory, else 0. */
static size_t common_top(const struct tree_intake *in)
{
	const char *first = in->entry[0].path;
	size_t n = strcspn(first, "/") + 1;

	if (!first[n - 1])
		return 0;
	/* They are sorted. */
	return strncmp(in->entry[in->n - 1].path, first, n) ? 0 : n;
}

static long long find_date(const struct tree_intake *in, size_t skip)
{
	long long newest = 0;

	for (size_t i = 0; i < in->n; i++) {
		const struct tree_entry *e = &in->entry[i];

		if (!strcmp(e->path + skip, "Makefile"))
			return e->mtime > 0 ? e->mtime : 0;
		if (e->mtime > newest)
			newest = e->mtime;
	}
	return newest;
}

/* They have another order now. */
static void name_entries(struct tree_intake *in)
{
	map_release_all(&in->names, NULL);
	for (size_t i = 0; i < in->n; i++)
		name_entry(in, i);
}

int tree_intake_end(struct tree_intake *in, bool strip, git_oid *root,
		    long long *date, struct err *err)
{
	size_t at = 0, skip;
	int ret = flush_batch(in, err);

	if (ret)
		return ret;
	if (!in->n)
		return err_set(err, EINVAL, "there is no file in it");
	qsort(in->entry, in->n, sizeof(*in->entry), compare_entry_paths);
	name_entries(in);
	skip = strip ? common_top(in) : 0;
	*date = find_date(in, skip);
	return make_tree(in, &at, skip, root, err);
}
