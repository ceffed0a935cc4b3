/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tree/tree-builder.h"

#include "base/fs.h"
#include "base/map.h"
#include "base/task.h"
#include "base/vec.h"
#include "tree/git.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#define HEADER_SIZE 12
#define BLOCK       (1u << 20)
#define THREADS     4
#define SHA1_SIZE   20

/* Index entry of an object in the pack. */
struct packed_object {
	struct map_entry entry;
	git_oid id;
};

struct tree_pack {
	char *dir; /* REPOSITORY/objects/pack */
	int fd; /* unnamed file with the pack, without its trailer */
	struct map objects;
};

/* One object to compress. */
struct deflate_job {
	struct tree_pack_object *object;
	struct buf out;
	bool failed;
};

int tree_pack_new(struct tree_pack **out, const char *repository,
		  struct err *err)
{
	static const uint8_t header[HEADER_SIZE];
	struct tree_pack *p = xcalloc(1, sizeof(*p));
	int ret = 0;

	p->dir = xasprintf("%s/objects/pack", repository);
	p->fd = open(p->dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (p->fd < 0)
		ret = err_errno(err, "%s", p->dir);
	if (!ret)
		ret = fs_write_all(p->fd, bytes_of(header, sizeof(header)));
	if (!ret) {
		*out = p;
		return 0;
	}
	if (p->fd >= 0)
		err_set(err, -ret, "%s: %s", p->dir, strerror(-ret));
	tree_pack_free(p);
	return ret;
}

void tree_pack_free(struct tree_pack *p)
{
	if (!p)
		return;
	if (p->fd >= 0)
		close(p->fd);
	map_release_entries(&p->objects, NULL);
	free(p->dir);
	free(p);
}

/* Encode type and size: 4 bits of the size, then 7 in each following byte. */
static void put_header(struct buf *out, git_object_t type, size_t size)
{
	uint8_t byte = (uint8_t)(type << 4 | (size & 15));

	for (size >>= 4; size; size >>= 7) {
		buf_put_u8(out, byte | 128);
		byte = size & 127;
	}
	buf_put_u8(out, byte);
}

static void deflate_one(void *ctx, size_t i)
{
	struct deflate_job *d = (struct deflate_job *)ctx + i;
	struct tree_pack_object *o = d->object;
	uLongf n = compressBound(o->content.len);

	d->failed = git_odb_hash(&o->id, o->content.data, o->content.len,
				 o->type) != 0;
	put_header(&d->out, o->type, o->content.len);
	if (d->failed || buf_reserve(&d->out, n) ||
	    compress2(d->out.data + d->out.len, &n, o->content.data,
		      o->content.len, Z_BEST_SPEED) != Z_OK)
		d->failed = true;
	else
		d->out.len += n;
}

static bool register_object(struct tree_pack *p, const git_oid *id)
{
	uint64_t hash = get_le64(id->id);
	struct map_entry *n = map_find(&p->objects, hash);
	struct packed_object *new;

	while (n && !git_oid_equal(&((struct packed_object *)n)->id, id))
		n = map_next_match(n);
	if (n)
		return false;
	new = xcalloc(1, sizeof(*new));
	new->id = *id;
	map_add(&p->objects, &new->entry, hash);
	return true;
}

/*
 * Add `n` objects, hashed and compressed on several threads.  Objects that are
 * already in the pack are skipped.
 */
static int pack_add(struct tree_pack *p, struct tree_pack_object *v, size_t n,
		    struct err *err)
{
	struct deflate_job *d = xcalloc(n ? n : 1, sizeof(*d));
	int ret = 0;

	for (size_t i = 0; i < n; i++)
		d[i].object = &v[i];
	if (n > 1)
		task_each(THREADS, n, deflate_one, NULL, d);
	else if (n)
		deflate_one(d, 0);
	for (size_t i = 0; i < n; i++) {
		if (!ret && d[i].failed)
			ret = err_set(err, ENOMEM, "pack: not enough memory");
		if (!ret && register_object(p, &v[i].id)) {
			ret = fs_write_all(p->fd, buf_bytes(&d[i].out));
			if (ret)
				err_set(err, -ret, "%s: %s", p->dir,
					strerror(-ret));
		}
		buf_release(&d[i].out);
	}
	free(d);
	return ret;
}

/* ---- completion ---- */

static void put_be32(uint8_t *p, uint32_t v)
{
	for (int i = 3; i >= 0; i--, v >>= 8)
		p[i] = (uint8_t)v;
}

/* Arguments of tree_pack_finish() for the callback. */
struct finish_args {
	void (*on_progress)(void *ctx, uint64_t done, uint64_t all);
	void *ctx;
	const atomic_bool *stop;
};

static int on_indexed(const git_indexer_progress *at, void *ctx)
{
	const struct finish_args *e = ctx;

	if (e->on_progress && at->received_objects % 1000 == 0)
		e->on_progress(e->ctx, at->indexed_objects, at->total_objects);
	return e->stop && atomic_load(e->stop) ? GIT_EUSER : 0;
}

static int feed_block(git_indexer *to, const void *data, size_t n,
		      git_indexer_progress *at, struct err *err)
{
	int ret = git_indexer_append(to, data, n, at);

	if (ret == GIT_EUSER)
		return err_set(err, ECANCELED, "interrupted");
	return ret ? tree_git_set_error(err, ret, "pack") : 0;
}

static int feed_indexer(struct tree_pack *p, git_indexer *to, EVP_MD_CTX *sha1,
			struct err *err)
{
	uint8_t *block = xmalloc(BLOCK), sum[EVP_MAX_MD_SIZE];
	git_indexer_progress at = { 0 };
	ssize_t n;
	int ret = 0;

	EVP_DigestInit_ex(sha1, EVP_sha1(), NULL);
	for (off_t pos = 0; !ret; pos += n) {
		n = pread(p->fd, block, BLOCK, pos);
		if (n <= 0)
			break;
		EVP_DigestUpdate(sha1, block, (size_t)n);
		ret = feed_block(to, block, (size_t)n, &at, err);
	}
	if (!ret && n < 0)
		ret = err_errno(err, "%s", p->dir);
	EVP_DigestFinal_ex(sha1, sum, NULL);
	if (!ret)
		ret = feed_block(to, sum, SHA1_SIZE, &at, err);
	if (!ret && git_indexer_commit(to, &at))
		ret = tree_git_set_error(err, -1, "%s", p->dir);
	free(block);
	return ret;
}

int tree_pack_finish(struct tree_pack *p,
		     void (*on_progress)(void *ctx, uint64_t done,
					 uint64_t all),
		     void *ctx, const atomic_bool *stop, struct err *err)
{
	git_indexer_options options;
	struct finish_args e = { on_progress, ctx, stop };
	EVP_MD_CTX *sha1 = EVP_MD_CTX_new();
	git_indexer *to = NULL;
	uint8_t header[HEADER_SIZE] = "PACK";
	int ret = 0;

	git_indexer_options_init(&options, GIT_INDEXER_OPTIONS_VERSION);
	put_be32(header + 4, 2);
	put_be32(header + 8, (uint32_t)p->objects.n_entries);
	options.progress_cb = on_indexed;
	options.progress_cb_payload = &e;
	if (!sha1)
		str_out_of_memory();
	if (pwrite(p->fd, header, sizeof(header), 0) != sizeof(header))
		ret = err_errno(err, "%s", p->dir);
	if (!ret && git_indexer_new(&to, p->dir, 0, NULL, &options))
		ret = tree_git_set_error(err, -1, "%s", p->dir);
	if (!ret)
		ret = feed_indexer(p, to, sha1, err);
	git_indexer_free(to);
	EVP_MD_CTX_free(sha1);
	return ret;
}

#define BATCH_BYTES (32u << 20)
#define BATCH_MAX   512

void tree_builder_release(struct tree_builder *in)
{
	for (size_t i = 0; i < in->n_entries; i++)
		free(in->entries[i].path);
	for (size_t i = 0; i < in->n_batch; i++)
		buf_release(&in->batch[i]);
	map_release_entries(&in->by_path, NULL);
	free(in->entries);
	free(in->batch);
	*in = (struct tree_builder){ 0 };
}

static int flush_batch(struct tree_builder *in, struct err *err)
{
	struct tree_pack_object *v = xcalloc(in->n_batch + 1, sizeof(*v));
	int ret;

	for (size_t i = 0; i < in->n_batch; i++) {
		v[i].type = GIT_OBJECT_BLOB;
		v[i].content = buf_bytes(&in->batch[i]);
	}
	ret = pack_add(in->pack, v, in->n_batch, err);
	/* Search backwards, because recent entries are the pending ones. */
	for (size_t i = in->n_entries; i-- && in->n_batch;) {
		struct tree_builder_entry *e = &in->entries[i];

		if (e->batch_index) {
			e->id = v[e->batch_index - 1].id;
			buf_release(&in->batch[e->batch_index - 1]);
			if (e->batch_index == 1)
				in->n_batch = 0;
			e->batch_index = 0;
		}
	}
	in->batch_bytes = 0;
	free(v);
	if (!ret && in->on_batch_added)
		ret = in->on_batch_added(in->ctx, err);
	return ret;
}

/* Index entry of a path. */
struct path_index_entry {
	struct map_entry entry;
	size_t index;
};

static struct tree_builder_entry *find_entry_by_path(
	const struct tree_builder *in, const char *path)
{
	struct map_entry *n = map_find(&in->by_path, map_hash(bytes_str(path)));

	while (n &&
	       strcmp(in->entries[((struct path_index_entry *)n)->index].path,
		      path))
		n = map_next_match(n);
	return n ? &in->entries[((struct path_index_entry *)n)->index] : NULL;
}

static void index_entry_path(struct tree_builder *in, size_t at)
{
	struct path_index_entry *name = xcalloc(1, sizeof(*name));

	name->index = at;
	map_add(&in->by_path, &name->entry,
		map_hash(bytes_str(in->entries[at].path)));
}

static int new_entry(struct tree_builder *in, const char *path,
		     git_filemode_t mode, long long mtime,
		     struct tree_builder_entry **out, struct err *err)
{
	int ret = tree_path_check(path, err);

	if (ret)
		return ret;
	if (in->n_entries >= TREE_ENTRIES_MAX)
		return err_set(err, E2BIG,
			       "%s: too many files: the limit is %d", path,
			       TREE_ENTRIES_MAX);
	if (find_entry_by_path(in, path))
		return err_set(err, EINVAL, "%s: duplicate entry", path);
	*out = VEC_ADD(in->entries, in->n_entries);
	(*out)->path = xstrdup(path);
	index_entry_path(in, in->n_entries - 1);
	(*out)->mode = mode;
	(*out)->mtime = mtime;
	return 0;
}

int tree_builder_add(struct tree_builder *in, const char *path,
		     git_filemode_t mode, long long mtime, struct buf *content,
		     struct err *err)
{
	struct tree_builder_entry *e = NULL;
	int ret = new_entry(in, path, mode, mtime, &e, err);

	if (!e)
		return ret;
	in->total_bytes += content->len;
	in->batch_bytes += content->len;
	*VEC_ADD(in->batch, in->n_batch) = *content;
	*content = (struct buf){ 0 };
	e->batch_index = in->n_batch;
	if (in->total_bytes > TREE_IMPORT_MAX)
		return err_set(err, E2BIG,
			       "too large: more than %llu MiB in total",
			       TREE_IMPORT_MAX >> 20);
	if (in->batch_bytes < BATCH_BYTES && in->n_batch < BATCH_MAX)
		return 0;
	return flush_batch(in, err);
}

int tree_builder_add_hard_link(struct tree_builder *in, const char *path,
			       const char *target, struct err *err)
{
	struct tree_builder_entry *to = find_entry_by_path(in, target),
				  *e = NULL;
	int ret = to && to->batch_index ? flush_batch(in, err) : 0;
	struct tree_builder_entry same;

	if (ret)
		return ret;
	if (!to || to->mode == GIT_FILEMODE_LINK)
		return err_set(err, EINVAL,
			       "%s: hard link to \"%.200s\", which is not an "
			       "earlier regular file",
			       path, target);
	same = *to;
	ret = new_entry(in, path, same.mode, same.mtime, &e, err);
	if (e)
		e->id = same.id;
	return ret;
}

/* ---- tree ---- */

/* One entry of a tree object. */
struct item {
	const char *name;
	size_t len;
	git_filemode_t mode;
	git_oid id;
};

static int compare_entry_paths(const void *a, const void *b)
{
	return strcmp(((const struct tree_builder_entry *)a)->path,
		      ((const struct tree_builder_entry *)b)->path);
}

/* git sorts a directory as if its name ended in a slash. */
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

static int write_items(struct tree_builder *in, struct item *items, size_t n,
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
	ret = pack_add(in->pack, &o, 1, err);
	*out = o.id;
	buf_release(&text);
	return ret;
}

/*
 * Build the tree of all entries from *at that share the first `skip` bytes of
 * their paths.  *at becomes the index after the last of them.
 */
static int make_tree(struct tree_builder *in, size_t *at, size_t skip,
		     git_oid *out, struct err *err)
{
	const char *prefix = in->entries[*at].path;
	struct item *items = NULL;
	size_t n = 0;
	int ret = 0;

	while (!ret && *at < in->n_entries &&
	       !strncmp(in->entries[*at].path, prefix, skip)) {
		const struct tree_builder_entry *e = &in->entries[*at];
		const char *name = e->path + skip;
		size_t len = strcspn(name, "/");
		struct item *last = VEC_ADD(items, n);
		char *dir;

		*last = (struct item){ name, len, e->mode, e->id };
		if (!name[len]) {
			(*at)++;
			continue;
		}
		last->mode = GIT_FILEMODE_TREE;
		dir = xstrndup(e->path, skip + len);
		if (find_entry_by_path(in, dir))
			ret = err_set(err, EINVAL,
				      "%s: the parent is a file or a symbolic "
				      "link",
				      e->path);
		else
			ret = make_tree(in, at, skip + len + 1, &last->id, err);
		free(dir);
	}
	if (!ret)
		ret = write_items(in, items, n, out, err);
	free(items);
	return ret;
}

/* Return the length of "TOP/" if all entries are in that directory, else 0. */
static size_t common_top(const struct tree_builder *in)
{
	const char *first = in->entries[0].path;
	size_t n = strcspn(first, "/") + 1;

	if (!first[n - 1])
		return 0;
	/* the entries are sorted, so comparing the last one suffices */
	return strncmp(in->entries[in->n_entries - 1].path, first, n) ? 0 : n;
}

static long long find_date(const struct tree_builder *in, size_t skip)
{
	long long newest = 0;

	for (size_t i = 0; i < in->n_entries; i++) {
		const struct tree_builder_entry *e = &in->entries[i];

		if (!strcmp(e->path + skip, "Makefile"))
			return e->mtime > 0 ? e->mtime : 0;
		if (e->mtime > newest)
			newest = e->mtime;
	}
	return newest;
}

int tree_builder_finish(struct tree_builder *in, bool strip, git_oid *root,
			long long *date, struct err *err)
{
	size_t at = 0, skip;
	int ret = flush_batch(in, err);

	if (ret)
		return ret;
	if (!in->n_entries)
		return err_set(err, EINVAL, "no files found");
	qsort(in->entries, in->n_entries, sizeof(*in->entries),
	      compare_entry_paths);
	map_release_entries(&in->by_path, NULL);
	for (size_t i = 0; i < in->n_entries; i++)
		index_entry_path(in, i);
	skip = strip ? common_top(in) : 0;
	*date = find_date(in, skip);
	return make_tree(in, &at, skip, root, err);
}
