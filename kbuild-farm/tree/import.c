/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tree/import.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/map.h"
#include "base/str.h"
#include "base/task.h"
#include "base/vec.h"
#include "tree/git.h"
#include "tree/version.h"

#include <archive.h>
#include <archive_entry.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <git2.h>
#include <limits.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#define FILE_MAX           (512ull << 20) /* bytes of one file */
#define IMPORT_MAX         (8ull << 30) /* bytes of all files */
#define ENTRIES_MAX        1000000
#define DEPTH_MAX          200 /* nested directories; each needs a descriptor */
#define REPORT_INTERVAL_MS 200

#define PACK_HEADER_SIZE 12
#define PACK_BLOCK       (1u << 20)
#define SHA1_SIZE        20
#define THREADS          4
#define BATCH_BYTES      (32u << 20)
#define BATCH_MAX        512

/* A file of the tree that is being built. */
struct file_entry {
	char *path;
	git_filemode_t mode;
	git_oid id;
	long long mtime; /* seconds since the epoch */
	/* 1 + index of the content in `batch`; 0 once `id` is set */
	size_t batch_index;
};

/* Entry of the map `by_path`: the index of a file in `entries`. */
struct path_index_entry {
	struct map_entry entry;
	size_t index;
};

/* Entry of the map `objects`: an object in the pack. */
struct packed_object {
	struct map_entry entry;
	git_oid id;
};

/* An object to add to the pack. */
struct new_object {
	git_object_t type;
	struct bytes content; /* borrowed until the object is added */
	git_oid id; /* set when the object is added */
	struct buf deflated; /* header and compressed content */
	bool failed;
};

struct importer {
	const struct tree_import *import;
	uint64_t reported_ms; /* time of the last progress report */

	char *pack_dir; /* REPOSITORY/objects/pack */
	int pack_fd; /* unlinked file with the pack, without its trailer */
	struct map objects; /* objects in the pack, by object id */

	struct file_entry *entries;
	size_t n_entries;
	struct map by_path; /* indexes in `entries`, by path */
	struct buf *batch; /* file contents that are not yet in the pack */
	size_t n_batch;
	size_t batch_bytes;
	uint64_t total_bytes; /* size of all files added so far */
};

static void release_importer(struct importer *im)
{
	for (size_t i = 0; i < im->n_entries; i++)
		free(im->entries[i].path);
	for (size_t i = 0; i < im->n_batch; i++)
		buf_release(&im->batch[i]);
	map_release_entries(&im->by_path, NULL);
	map_release_entries(&im->objects, NULL);
	free(im->entries);
	free(im->batch);
	if (im->pack_fd >= 0)
		close(im->pack_fd);
	free(im->pack_dir);
}

static void report_import(struct importer *im, uint64_t indexed,
			  uint64_t objects)
{
	const struct tree_import *w = im->import;

	if (!w->on_progress ||
	    clock_ms() - im->reported_ms < REPORT_INTERVAL_MS)
		return;
	im->reported_ms = clock_ms();
	w->on_progress(w->ctx, im->n_entries, indexed, objects);
}

/*
 * The pack has the format of gitformat-pack(5), version 2, without deltas.
 * Until finish_pack() gives it a name, it is an unnamed file that no other
 * process can open.
 */

static void deflate_one(void *ctx, size_t i)
{
	struct new_object *o = (struct new_object *)ctx + i;
	uLongf n = compressBound(o->content.len);
	size_t size = o->content.len;
	uint8_t byte = (uint8_t)(o->type << 4 | (size & 15));

	o->failed = git_odb_hash(&o->id, o->content.data, o->content.len,
				 o->type) != 0;
	/*
	 * The header contains the type and 4 bits of the size, then 7 bits of
	 * the size in each following byte.
	 */
	for (size >>= 4; size; size >>= 7) {
		buf_put_u8(&o->deflated, byte | 128);
		byte = size & 127;
	}
	buf_put_u8(&o->deflated, byte);
	if (o->failed || buf_reserve(&o->deflated, n) ||
	    compress2(o->deflated.data + o->deflated.len, &n, o->content.data,
		      o->content.len, Z_BEST_SPEED) != Z_OK)
		o->failed = true;
	else
		o->deflated.len += n;
}

/* Record an object of the pack.  Returns false if it is already recorded. */
static bool register_object(struct importer *im, const git_oid *id)
{
	uint64_t hash = get_le64(id->id);
	struct map_entry *n = map_find(&im->objects, hash);
	struct packed_object *new;

	while (n && !git_oid_equal(&((struct packed_object *)n)->id, id))
		n = map_next_match(n);
	if (n)
		return false;
	new = xcalloc(1, sizeof(*new));
	new->id = *id;
	map_add(&im->objects, &new->entry, hash);
	return true;
}

/*
 * Add `n` objects, hashed and compressed on several threads.  Objects that are
 * already in the pack are skipped.
 */
static int add_to_pack(struct importer *im, struct new_object *v, size_t n,
		       struct err *err)
{
	int ret = 0;

	if (n > 1)
		task_each(THREADS, n, deflate_one, NULL, v);
	else if (n)
		deflate_one(v, 0);
	for (size_t i = 0; i < n; i++) {
		if (!ret && v[i].failed)
			ret = err_set(err, ENOMEM, "pack: not enough memory");
		if (!ret && register_object(im, &v[i].id)) {
			ret = bytes_write(im->pack_fd,
					  buf_bytes(&v[i].deflated));
			if (ret)
				err_set(err, -ret, "%s: %s", im->pack_dir,
					strerror(-ret));
		}
		buf_release(&v[i].deflated);
	}
	return ret;
}

static int on_indexed(const git_indexer_progress *at, void *ctx)
{
	if (at->received_objects % 1000 == 0)
		report_import(ctx, at->indexed_objects, at->total_objects);
	return 0;
}

static int feed_block(git_indexer *to, const void *data, size_t n,
		      git_indexer_progress *at, struct err *err)
{
	int ret = git_indexer_append(to, data, n, at);

	return ret ? tree_git_set_error(err, ret, "pack") : 0;
}

/* Add the pack and its index to the repository. */
static int finish_pack(struct importer *im, struct err *err)
{
	uint8_t *block = xmalloc(PACK_BLOCK), sum[EVP_MAX_MD_SIZE];
	const uint32_t header[] = { htobe32(0x5041434b), /* "PACK" */
				    htobe32(2), /* version */
				    htobe32((uint32_t)im->objects.n_entries) };
	EVP_MD_CTX *sha1 = EVP_MD_CTX_new();
	git_indexer_progress at = { 0 };
	git_indexer_options options;
	git_indexer *to = NULL;
	ssize_t n;
	int ret = 0;

	if (!sha1)
		str_out_of_memory();
	if (pwrite(im->pack_fd, header, sizeof(header), 0) != sizeof(header)) {
		ret = err_errno(err, "%s", im->pack_dir);
		goto out;
	}
	git_indexer_options_init(&options, GIT_INDEXER_OPTIONS_VERSION);
	options.progress_cb = on_indexed;
	options.progress_cb_payload = im;
	if (git_indexer_new(&to, im->pack_dir, 0, NULL, &options)) {
		ret = tree_git_set_error(err, -1, "%s", im->pack_dir);
		goto out;
	}

	EVP_DigestInit_ex(sha1, EVP_sha1(), NULL);
	for (off_t pos = 0; !ret; pos += n) {
		n = pread(im->pack_fd, block, PACK_BLOCK, pos);
		if (n <= 0)
			break;
		EVP_DigestUpdate(sha1, block, (size_t)n);
		ret = feed_block(to, block, (size_t)n, &at, err);
	}
	if (!ret && n < 0)
		ret = err_errno(err, "%s", im->pack_dir);
	EVP_DigestFinal_ex(sha1, sum, NULL);
	if (!ret)
		ret = feed_block(to, sum, SHA1_SIZE, &at, err);
	if (!ret && git_indexer_commit(to, &at))
		ret = tree_git_set_error(err, -1, "%s", im->pack_dir);
out:
	git_indexer_free(to);
	EVP_MD_CTX_free(sha1);
	free(block);
	return ret;
}

/*
 * Files are added in any order, and their blobs in batches.  An invalid or
 * duplicate path is rejected at once.  A path below a file or a link is
 * rejected when the git tree is built.
 */

static int flush_batch(struct importer *im, struct err *err)
{
	struct new_object *v = xcalloc(im->n_batch + 1, sizeof(*v));
	int ret;

	for (size_t i = 0; i < im->n_batch; i++) {
		v[i].type = GIT_OBJECT_BLOB;
		v[i].content = buf_bytes(&im->batch[i]);
	}
	ret = add_to_pack(im, v, im->n_batch, err);
	/* Search backwards, because the last entries refer to the batch. */
	for (size_t i = im->n_entries; i-- && im->n_batch;) {
		struct file_entry *e = &im->entries[i];

		if (e->batch_index) {
			e->id = v[e->batch_index - 1].id;
			buf_release(&im->batch[e->batch_index - 1]);
			if (e->batch_index == 1)
				im->n_batch = 0;
			e->batch_index = 0;
		}
	}
	im->batch_bytes = 0;
	free(v);
	if (!ret)
		report_import(im, 0, 0);
	return ret;
}

static struct file_entry *find_entry_by_path(const struct importer *im,
					     const char *path)
{
	struct map_entry *n = map_find(&im->by_path, map_hash(bytes_str(path)));

	while (n &&
	       strcmp(im->entries[((struct path_index_entry *)n)->index].path,
		      path))
		n = map_next_match(n);
	return n ? &im->entries[((struct path_index_entry *)n)->index] : NULL;
}

static void index_entry_path(struct importer *im, size_t at)
{
	struct path_index_entry *name = xcalloc(1, sizeof(*name));

	name->index = at;
	map_add(&im->by_path, &name->entry,
		map_hash(bytes_str(im->entries[at].path)));
}

static int new_entry(struct importer *im, const char *path, git_filemode_t mode,
		     long long mtime, struct file_entry **out, struct err *err)
{
	int ret = tree_path_check(path, err);

	if (ret)
		return ret;
	if (im->n_entries >= ENTRIES_MAX)
		return err_set(err, E2BIG,
			       "%s: too many files: the limit is %d", path,
			       ENTRIES_MAX);
	if (find_entry_by_path(im, path))
		return err_set(err, EINVAL, "%s: duplicate entry", path);
	*out = VEC_ADD(im->entries, im->n_entries);
	(*out)->path = xstrdup(path);
	index_entry_path(im, im->n_entries - 1);
	(*out)->mode = mode;
	(*out)->mtime = mtime;
	return 0;
}

/*
 * Add a file.  A symbolic link has the mode GIT_FILEMODE_LINK, and its target
 * is the content.  Takes the memory of `content` and zeroes `content`, unless
 * the path is rejected.  Returns 0, -EINVAL for an invalid path, -E2BIG beyond
 * a limit, or -errno.
 */
static int add_tree_file(struct importer *im, const char *path,
			 git_filemode_t mode, long long mtime,
			 struct buf *content, struct err *err)
{
	struct file_entry *e = NULL;
	int ret = new_entry(im, path, mode, mtime, &e, err);

	if (!e)
		return ret;
	im->total_bytes += content->len;
	im->batch_bytes += content->len;
	*VEC_ADD(im->batch, im->n_batch) = *content;
	*content = (struct buf){ 0 };
	e->batch_index = im->n_batch;
	if (im->total_bytes > IMPORT_MAX)
		return err_set(err, E2BIG,
			       "too large: more than %llu MiB in total",
			       IMPORT_MAX >> 20);
	if (im->batch_bytes < BATCH_BYTES && im->n_batch < BATCH_MAX)
		return 0;
	return flush_batch(im, err);
}

/*
 * Add a file with the content, mode and mtime of the regular file at the path
 * `target`, which was added earlier.  Returns 0, -EINVAL if there is no such
 * file, or another negative errno.
 */
static int add_hard_link(struct importer *im, const char *path,
			 const char *target, struct err *err)
{
	struct file_entry *to = find_entry_by_path(im, target), *e = NULL;
	int ret = to && to->batch_index ? flush_batch(im, err) : 0;
	struct file_entry same;

	if (ret)
		return ret;
	if (!to || to->mode == GIT_FILEMODE_LINK)
		return err_set(err, EINVAL,
			       "%s: hard link to \"%.200s\", which is not an "
			       "earlier regular file",
			       path, target);
	same = *to;
	ret = new_entry(im, path, same.mode, same.mtime, &e, err);
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
	return strcmp(((const struct file_entry *)a)->path,
		      ((const struct file_entry *)b)->path);
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

/*
 * Build the git tree of one directory, and store its id in *out.  The directory
 * contains entry *at and the following entries with the same first `skip` bytes
 * in their paths.  *at becomes the index after the last entry of the directory.
 */
static int make_tree(struct importer *im, size_t *at, size_t skip, git_oid *out,
		     struct err *err)
{
	const char *prefix = im->entries[*at].path;
	struct new_object tree = { .type = GIT_OBJECT_TREE };
	struct item *items = NULL;
	struct buf text = { 0 };
	size_t n = 0;
	int ret = 0;

	do {
		const struct file_entry *e = &im->entries[*at];
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
		if (find_entry_by_path(im, dir))
			ret = err_set(err, EINVAL,
				      "%s: the parent is a file or a symbolic "
				      "link",
				      e->path);
		else
			ret = make_tree(im, at, skip + len + 1, &last->id, err);
		free(dir);
	} while (!ret && *at < im->n_entries &&
		 !strncmp(im->entries[*at].path, prefix, skip));
	if (ret)
		goto out;
	qsort(items, n, sizeof(*items), compare_items);
	for (size_t i = 0; i < n; i++) {
		buf_printf(&text, "%o %.*s", (unsigned)items[i].mode,
			   (int)items[i].len, items[i].name);
		buf_put_u8(&text, 0);
		buf_add(&text, items[i].id.id, sizeof(items[i].id.id));
	}
	tree.content = buf_bytes(&text);
	ret = add_to_pack(im, &tree, 1, err);
	*out = tree.id;
out:
	buf_release(&text);
	free(items);
	return ret;
}

/*
 * After the last file was added, build the git tree of all files and store its
 * id in *root.  With `strip`, if all entries are below one directory, *root is
 * the tree of that directory.  Set *date to the mtime of the top Makefile or,
 * if there is no Makefile, of the newest file.  Returns 0 or -errno.
 */
static int build_root_tree(struct importer *im, bool strip, git_oid *root,
			   long long *date, struct err *err)
{
	size_t at = 0, skip = 0, n;
	int ret = flush_batch(im, err);

	if (ret)
		return ret;
	if (!im->n_entries)
		return err_set(err, EINVAL, "no files found");
	qsort(im->entries, im->n_entries, sizeof(*im->entries),
	      compare_entry_paths);
	map_release_entries(&im->by_path, NULL);
	for (size_t i = 0; i < im->n_entries; i++)
		index_entry_path(im, i);
	/*
	 * The paths are sorted: if the first and the last one begin with the
	 * same directory, all paths do.
	 */
	n = strcspn(im->entries[0].path, "/") + 1;
	if (strip && im->entries[0].path[n - 1] &&
	    !strncmp(im->entries[im->n_entries - 1].path, im->entries[0].path,
		     n))
		skip = n;
	*date = 0;
	for (size_t i = 0; i < im->n_entries; i++) {
		const struct file_entry *e = &im->entries[i];
		bool makefile = !strcmp(e->path + skip, "Makefile");

		if (makefile || e->mtime > *date)
			*date = e->mtime > 0 ? e->mtime : 0;
		if (makefile)
			break;
	}
	return make_tree(im, &at, skip, root, err);
}

static int read_whole(int fd, const char *path, off_t size, struct buf *out,
		      struct err *err)
{
	ssize_t n = 1;

	if (size > (off_t)FILE_MAX)
		return err_set(err, E2BIG, "%s: larger than %llu MiB", path,
			       FILE_MAX >> 20);
	while (n) {
		/*
		 * Reserve one byte more than the rest of the file, so that the
		 * last read, which returns 0, needs no further memory.
		 */
		size_t room = (size_t)size + 1 > out->len ?
				      (size_t)size + 1 - out->len :
				      1u << 16;

		if (out->len > FILE_MAX || buf_reserve(out, room))
			return err_set(err, E2BIG, "%s: too large", path);
		n = read(fd, out->data + out->len, room);
		if (n < 0)
			return err_errno(err, "%s", path);
		out->len += (size_t)n;
	}
	return 0;
}

static int add_regular(struct importer *im, int dir, const char *path,
		       struct err *err)
{
	int fd = openat(dir, str_base(path),
			O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct buf content = { 0 };
	struct stat st;
	int ret;

	if (fd < 0)
		return err_errno(err, "%s", path);
	if (fstat(fd, &st))
		ret = err_errno(err, "%s", path);
	else if (!S_ISREG(st.st_mode))
		ret = err_set(err, EINVAL, "%s: changed during the import",
			      path);
	else
		ret = read_whole(fd, path, st.st_size, &content, err);
	if (!ret)
		ret = add_tree_file(im, path,
				    st.st_mode & S_IXUSR ?
					    GIT_FILEMODE_BLOB_EXECUTABLE :
					    GIT_FILEMODE_BLOB,
				    st.st_mtime, &content, err);
	buf_release(&content);
	close(fd);
	return ret;
}

static int add_symlink(struct importer *im, int dir, const char *path,
		       long long mtime, struct err *err)
{
	char to[PATH_MAX];
	ssize_t n = readlinkat(dir, str_base(path), to, sizeof(to));
	struct buf content = { 0 };
	int ret;

	if (n < 0)
		return err_errno(err, "%s", path);
	buf_add(&content, to, (size_t)n);
	ret = add_tree_file(im, path, GIT_FILEMODE_LINK, mtime, &content, err);
	buf_release(&content);
	return ret;
}

static int add_directory(struct importer *im, int at, const char *path,
			 int depth, struct err *err);

static int add_dir_members(struct importer *im, int dir, const char *prefix,
			   int depth, struct err *err)
{
	struct strv names = { 0 };
	int ret = fs_list_at(dir, &names);
	struct stat st;

	if (ret)
		err_set(err, -ret, "%s: %s", prefix, strerror(-ret));
	for (size_t i = 0; i < names.n && !ret; i++) {
		char *path = xasprintf("%s%s", prefix, names.v[i]);

		if (fstatat(dir, str_base(path), &st, AT_SYMLINK_NOFOLLOW))
			ret = err_errno(err, "%s", path);
		else if (S_ISDIR(st.st_mode))
			ret = add_directory(im, dir, path, depth + 1, err);
		else if (S_ISREG(st.st_mode))
			ret = add_regular(im, dir, path, err);
		else if (S_ISLNK(st.st_mode))
			ret = add_symlink(im, dir, path, st.st_mtime, err);
		else
			ret = err_set(err, EINVAL,
				      "%s: not a file, symbolic link or "
				      "directory",
				      path);
		free(path);
	}
	strv_release(&names);
	return ret;
}

static int add_directory(struct importer *im, int at, const char *path,
			 int depth, struct err *err)
{
	int fd = openat(at, str_base(path),
			O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	char *prefix;
	int ret;

	if (fd < 0)
		return err_errno(err, "%s", path);
	prefix = xasprintf("%s/", path);
	if (depth > DEPTH_MAX)
		ret = err_set(err, ELOOP, "%s: nested too deeply", path);
	else
		ret = add_dir_members(im, fd, prefix, depth, err);
	free(prefix);
	close(fd);
	return ret;
}

static int import_dir(struct importer *im, const char *dir, struct err *err)
{
	static const char *const build_files[] = { ".config",
						   "include/config" };
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int ret = 0;

	if (fd < 0)
		return err_errno(err, "%s", dir);
	/* Reject a built tree: its products would become part of the commit. */
	for (size_t i = 0; !ret && i < ARRAY_SIZE(build_files); i++) {
		if (!faccessat(fd, build_files[i], F_OK, 0))
			ret = err_set(err, EINVAL,
				      "the source tree is not clean: %s "
				      "exists; run `make mrproper` there first",
				      build_files[i]);
	}
	if (!ret)
		ret = add_dir_members(im, fd, "", 0, err);
	close(fd);
	return ret;
}

/*
 * libarchive's ARCHIVE_EXTRACT_SECURE flags are not needed, because no path of
 * the archive is opened or created.  The paths become tree entries, which
 * tree_path_check() restricts.
 */

#define BLOCK              (1u << 18)
#define RATIO_MAX          100
#define RATIO_EXEMPT_BYTES (64ull << 20)

static int bad_archive(struct archive *a, struct err *err)
{
	const char *text = archive_error_string(a);

	return err_set(err, EBADMSG, "damaged, truncated or not an archive: %s",
		       text ? text : "");
}

/*
 * Read a file of the archive.  `size` is from the archive and may be too small,
 * so it determines the length of each read, but does not limit the file.
 */
static int read_file_member(struct importer *im, struct archive *a,
			    const char *path, la_int64_t size, struct buf *out,
			    struct err *err)
{
	size_t room = size > 0 && size < BLOCK ? (size_t)size + 1 : BLOCK;
	uint64_t bytes, compressed;
	bool ended = false;
	la_ssize_t n;

	do {
		if (buf_reserve(out, room))
			return err_set(err, E2BIG, "%s: too large", path);
		n = ended ? 0 :
			    archive_read_data(a, out->data + out->len, room);
		if (n < 0)
			return bad_archive(a, err);
		ended = !n;
		/* libarchive does not return a hole at the end of a file. */
		if (ended && size > (la_int64_t)out->len) {
			n = (la_ssize_t)room;
			if (n > size - (la_int64_t)out->len)
				n = size - (la_int64_t)out->len;
			memset(out->data + out->len, 0, (size_t)n);
		}
		out->len += (size_t)n;
		bytes = im->total_bytes + out->len;
		compressed = (uint64_t)archive_filter_bytes(a, -1);
		if (bytes > RATIO_EXEMPT_BYTES &&
		    bytes - RATIO_EXEMPT_BYTES > compressed * RATIO_MAX)
			return err_set(err, E2BIG,
				       "unpacks to more than %d times its size",
				       RATIO_MAX);
		if (out->len > FILE_MAX)
			return err_set(err, E2BIG, "%s: larger than %llu MiB",
				       path, FILE_MAX >> 20);
	} while (n);
	return 0;
}

static int import_member(struct importer *im, struct archive *a,
			 struct archive_entry *e, struct err *err)
{
	const char *name = archive_entry_pathname(e);
	const char *hard_link = archive_entry_hardlink(e);
	const char *link = archive_entry_symlink(e);
	mode_t type = archive_entry_filetype(e);
	struct buf content = { 0 };
	char *path, *target;
	int ret;

	if (!name)
		return err_set(err, EINVAL,
			       "cannot decode the name of an entry");
	path = str_trim_path(name);
	if (hard_link && archive_entry_size_is_set(e) &&
	    archive_entry_size(e) > 0) {
		ret = err_set(err, EINVAL, "%s: the hard link has content",
			      path);
	} else if (hard_link) {
		target = str_trim_path(hard_link);
		ret = add_hard_link(im, path, target, err);
		free(target);
	} else if (type == AE_IFLNK && (!link || !*link)) {
		ret = err_set(err, EINVAL, "%s: symbolic link without a target",
			      path);
	} else if (type == AE_IFLNK) {
		buf_add_str(&content, link);
		ret = add_tree_file(im, path, GIT_FILEMODE_LINK,
				    archive_entry_mtime(e), &content, err);
	} else if (type == AE_IFREG) {
		ret = read_file_member(im, a, path, archive_entry_size(e),
				       &content, err);
		if (!ret)
			ret = add_tree_file(
				im, path,
				archive_entry_mode(e) & S_IXUSR ?
					GIT_FILEMODE_BLOB_EXECUTABLE :
					GIT_FILEMODE_BLOB,
				archive_entry_mtime(e), &content, err);
	} else if (type == AE_IFDIR) {
		ret = *path ? tree_path_check(path, err) : 0;
	} else {
		ret = err_set(err, EINVAL,
			      "%.200s: not a file, symbolic link or directory",
			      path);
	}
	buf_release(&content);
	free(path);
	return ret;
}

static int import_tar(struct importer *im, const char *file, struct err *err)
{
	struct archive *a = archive_read_new();
	struct archive_entry *e;
	int ret, next;

	if (!a)
		str_out_of_memory();
	/* Enable no further filters, because some run external programs. */
	archive_read_support_filter_xz(a);
	archive_read_support_filter_gzip(a);
	archive_read_support_filter_bzip2(a);
	archive_read_support_filter_zstd(a);
	archive_read_support_format_tar(a);
	ret = archive_read_open_filename(a, file, BLOCK) ? bad_archive(a, err) :
							   0;
	while (!ret && (next = archive_read_next_header(a, &e)) != ARCHIVE_EOF)
		ret = next < ARCHIVE_WARN ? bad_archive(a, err) :
					    import_member(im, a, e, err);
	archive_read_free(a);
	return ret;
}

#define BRANCH       "main"
#define AUTHOR_NAME  "kfarm"
#define AUTHOR_EMAIL "kfarm@localhost"
#define MAKEFILE     "Makefile"

/*
 * Create a repository without a HEAD, so that programs do not recognize it as a
 * repository before the import is complete.  Templates, which may contain
 * hooks, are not copied.
 */
static int make_repository(git_repository **out, const char *path,
			   struct err *err)
{
	git_repository_init_options o;
	char *head = xasprintf("%s/HEAD", path);
	int ret;

	git_repository_init_options_init(&o,
					 GIT_REPOSITORY_INIT_OPTIONS_VERSION);
	o.flags = GIT_REPOSITORY_INIT_BARE | GIT_REPOSITORY_INIT_MKDIR |
		  GIT_REPOSITORY_INIT_NO_REINIT;
	o.initial_head = BRANCH;
	ret = git_repository_init_ext(out, path, &o);
	if (ret)
		ret = tree_git_set_error(err, ret, "%s", path);
	else if (unlink(head))
		ret = err_errno(err, "%s", head);
	free(head);
	return ret;
}

static char *version_of(git_repository *repo, const git_tree *tree)
{
	const git_tree_entry *e = git_tree_entry_byname(tree, MAKEFILE);
	git_blob *blob = NULL;
	char *text, *out = NULL;

	if (!e || git_tree_entry_type(e) != GIT_OBJECT_BLOB ||
	    git_blob_lookup(&blob, repo, git_tree_entry_id(e)))
		return NULL;
	text = xstrndup(git_blob_rawcontent(blob),
			(size_t)git_blob_rawsize(blob));
	out = tree_version_read(text);
	free(text);
	git_blob_free(blob);
	return out;
}

/* Tag the commit with the version.  Add no tag if git rejects its name. */
static int add_tag(git_repository *repo, const char *version,
		   const git_signature *who, const git_oid *commit)
{
	char *name = tree_version_tag(version);
	char *ref = xasprintf("refs/tags/%s", name);
	git_object *at = NULL;
	int valid = 0, ret = 0;
	git_oid id;

	if (!git_reference_name_is_valid(&valid, ref) && valid)
		ret = git_object_lookup(&at, repo, commit, GIT_OBJECT_COMMIT);
	if (at)
		ret = git_tag_create(&id, repo, name, at, who, version, 0);
	git_object_free(at);
	free(ref);
	free(name);
	return ret;
}

static int commit_tree(git_repository *repo, const git_oid *root,
		       long long date, struct tree_imported *out,
		       struct err *err)
{
	char hex[GIT_OID_HEXSZ + 1], *message = NULL;
	git_signature *who = NULL;
	git_tree *tree = NULL;
	git_oid id;
	int ret = git_tree_lookup(&tree, repo, root);

	if (!ret) {
		out->version = version_of(repo, tree);
		message = xasprintf("Import%s%s\n", out->version ? " of " : "",
				    out->version ? out->version : "");
		ret = git_signature_new(&who, AUTHOR_NAME, AUTHOR_EMAIL, date,
					0);
	}
	if (!ret)
		ret = git_commit_create(&id, repo, "refs/heads/" BRANCH, who,
					who, NULL, message, tree, 0, NULL);
	if (!ret && out->version)
		ret = add_tag(repo, out->version, who, &id);
	if (ret) {
		ret = tree_git_set_error(err, ret, "commit");
	} else {
		git_oid_tostr(hex, sizeof(hex), &id);
		out->commit = xstrdup(hex);
	}
	git_signature_free(who);
	git_tree_free(tree);
	free(message);
	return ret;
}

static int import_into(struct importer *im, git_repository *repo,
		       struct tree_imported *out, struct err *err)
{
	static const uint8_t pack_header[PACK_HEADER_SIZE];
	const struct tree_import *w = im->import;
	char *head = xasprintf("%s/HEAD", w->repository), *temp;
	long long date = 0;
	git_odb *odb = NULL;
	git_oid root;
	bool dir;
	int ret;

	im->pack_dir = xasprintf("%s/objects/pack", w->repository);
	/* Some file systems, such as NFS, do not support O_TMPFILE. */
	temp = xasprintf("%s/tmp_import_XXXXXX", im->pack_dir);
	im->pack_fd = mkostemp(temp, O_CLOEXEC);
	if (im->pack_fd < 0 || unlink(temp)) {
		ret = err_errno(err, "%s", im->pack_dir);
		goto out;
	}
	/* Reserve space for the header, which finish_pack() writes. */
	ret = bytes_write(im->pack_fd,
			  bytes_of(pack_header, sizeof(pack_header)));
	if (ret) {
		err_set(err, -ret, "%s: %s", im->pack_dir, strerror(-ret));
		goto out;
	}
	dir = fs_is_dir(w->source);
	ret = dir ? import_dir(im, w->source, err) :
		    import_tar(im, w->source, err);
	if (ret)
		goto out;
	ret = build_root_tree(im, !dir, &root, &date, err);
	if (ret)
		goto out;
	ret = finish_pack(im, err);
	if (ret)
		goto out;
	/* Make libgit2 notice the new pack. */
	if (git_repository_odb(&odb, repo) || git_odb_refresh(odb)) {
		ret = tree_git_set_error(err, -1, "%s", w->repository);
		goto out;
	}
	ret = commit_tree(repo, &root, date, out, err);
	if (ret)
		goto out;
	/* HEAD makes the directory a repository. */
	ret = fs_write(head, bytes_str("ref: refs/heads/" BRANCH "\n"), 0666,
		       err);
out:
	out->n_files = im->n_entries;
	git_odb_free(odb);
	free(temp);
	free(head);
	return ret;
}

int tree_import(const struct tree_import *import, struct tree_imported *out,
		struct err *err)
{
	struct importer im = { .import = import,
			       .reported_ms = clock_ms(),
			       .pack_fd = -1 };
	git_repository *repo = NULL;
	struct err ignored;
	struct stat st;
	int ret;

	*out = (struct tree_imported){ 0 };
	if (stat(import->source, &st))
		return err_errno(err, "import %s", import->source);
	tree_git_init();
	ret = make_repository(&repo, import->repository, err);
	if (!ret)
		ret = import_into(&im, repo, out, err);
	if (ret)
		err_wrap(err, "import %s", import->source);
	if (ret && repo)
		fs_remove(import->repository, &ignored);
	git_repository_free(repo);
	release_importer(&im);
	git_libgit2_shutdown();
	if (ret)
		tree_imported_release(out);
	return ret;
}

void tree_imported_release(struct tree_imported *out)
{
	free(out->commit);
	free(out->version);
	*out = (struct tree_imported){ 0 };
}
