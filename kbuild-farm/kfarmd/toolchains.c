/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kfarmd/toolchains.h"

#include "base/fs.h"
#include "base/log.h"
#include "base/state-file.h"
#include "base/str.h"
#include "base/vec.h"
#include "compiler/collector.h"
#include "kfarmd/input-update.h"
#include "store/scratch-dir.h"
#include "wire/field.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define MANIFEST_FILE ".kfarm"
/* File with one line that describes the damage; absent without damage. */
#define DAMAGE_FILE ".damage"

static const struct state_file manifest_file = {
	.max_bytes = 64u << 20,
	.mode = 0600,
	.is_private = true,
	.durable = true,
};
static const struct state_file damage_file = {
	.max_bytes = 4096,
	.mode = 0600,
	.durable = true,
};

void kfarmd_manifest_release(struct kfarmd_manifest *r)
{
	free(r->id);
	free(r->host);
	compiler_entries_release(&r->entries);
	*r = (struct kfarmd_manifest){ 0 };
}

int kfarmd_manifest_add(struct kfarmd_manifest *r, const char *path,
			const struct wire_inode *inode, struct err *err)
{
	struct compiler_entry *e;

	if (inode->kind == WIRE_INODE_ABSENT)
		return err_set(err, EINVAL, "%s: %s: path is marked as absent",
			       r->id, path);
	if (r->entries.n >= WIRE_BUNDLE_ENTRIES_MAX)
		return err_set(err, EINVAL, "%s: more than %u files", r->id,
			       WIRE_BUNDLE_ENTRIES_MAX);
	e = toolchain_dir_digest_add_entry(&r->entries, path);
	*e = kfarmd_entry_from_inode(e->path, inode);
	if (e->target)
		e->target = xstrdup(e->target);
	r->total_bytes += e->size_bytes;
	r->name_bytes += strlen(e->path) + (e->target ? strlen(e->target) : 0);
	if (r->name_bytes > KFARMD_MANIFEST_NAMES_MAX)
		return err_set(err, EINVAL,
			       "%s: the paths and link targets exceed %u MiB",
			       r->id, KFARMD_MANIFEST_NAMES_MAX >> 20);
	if (r->total_bytes > WIRE_BUNDLE_BYTES_MAX)
		return err_set(err, EINVAL, "%s: the files exceed %llu GiB",
			       r->id, WIRE_BUNDLE_BYTES_MAX >> 30);
	return 0;
}

static int set_invalid_entry(const struct kfarmd_manifest *r,
			     const struct compiler_entry *e, const char *why,
			     struct err *err)
{
	return err_set(err, EINVAL, "%s: %s: %s", r->id, e->path, why);
}

/*
 * Return true if a parent directory of `path` is an entry.  The manifest is
 * then invalid, because a directory is an entry only if it is empty.
 */
static bool has_entry_as_parent(const struct kfarmd_manifest *r,
				const char *path)
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

static bool is_reserved_name(const char *path)
{
	return !strcmp(path, MANIFEST_FILE) || !strcmp(path, DAMAGE_FILE) ||
	       !strcmp(path, TOOLCHAIN_JSON) ||
	       str_starts(path, MANIFEST_FILE "/") ||
	       str_starts(path, DAMAGE_FILE "/") ||
	       str_starts(path, TOOLCHAIN_JSON "/");
}

static int validate_entry(const struct kfarmd_manifest *r, size_t i,
			  struct err *err)
{
	const struct compiler_entry *e = &r->entries.v[i];

	if (!toolchain_dir_digest_is_valid_path(e->path))
		return set_invalid_entry(r, e, "invalid path", err);
	if (i && !strcmp(e->path, r->entries.v[i - 1].path))
		return set_invalid_entry(r, e, "duplicate entry", err);
	if (is_reserved_name(e->path))
		return set_invalid_entry(r, e, "reserved name", err);
	if (has_entry_as_parent(r, e->path))
		return set_invalid_entry(r, e, "parent is not a directory",
					 err);
	if (e->kind == COMPILER_ENTRY_SYMLINK &&
	    !toolchain_dir_digest_is_link_inside(e->path, e->target))
		return set_invalid_entry(
			r, e, "symbolic link points outside the toolchain",
			err);
	return 0;
}

int kfarmd_manifest_validate(struct kfarmd_manifest *r, struct err *err)
{
	struct digest tree;
	int ret = 0;

	toolchain_dir_digest_sort_entries(&r->entries);
	for (size_t i = 0; i < r->entries.n && !ret; i++)
		ret = validate_entry(r, i, err);
	if (ret)
		return ret;
	if (!r->entries.n)
		return err_set(err, EINVAL, "%s: no files", r->id);
	toolchain_dir_digest_compute(&r->entries, &tree);
	if (!digest_equal(&tree, &r->dir_digest))
		return err_set(err, EINVAL, "%s: digest mismatch", r->id);
	return 0;
}

void kfarmd_manifest_encode(const struct kfarmd_manifest *r, struct buf *out)
{
	size_t at = out->len;
	struct digest d;

	buf_put_u32(out, 0);
	buf_put_str(out, r->id);
	buf_put_str(out, r->host);
	wire_field_put_digest(out, &r->dir_digest);
	wire_field_put_digest(out, &r->equivalent_id);
	buf_put_u8(out, 1);
	buf_put_str(out, "");
	buf_put_u32(out, (uint32_t)r->entries.n);
	for (size_t i = 0; i < r->entries.n; i++) {
		struct wire_inode inode = kfarmd_entry_to_inode(
			&r->entries.v[i]);

		buf_put_str(out, r->entries.v[i].path);
		wire_inode_encode(out, &inode);
	}
	digest_bytes(bytes_of(out->data + at, out->len - at), &d);
	buf_add(out, d.b, sizeof(d.b));
}

static int decode_manifest(struct reader *r, struct kfarmd_manifest *out)
{
	struct err ignored;
	uint32_t n;

	wire_field_u32(r, 0);
	out->id = reader_str(r, WIRE_ID_MAX);
	out->host = reader_str(r, WIRE_HOST_MAX);
	wire_field_digest(r, &out->dir_digest);
	wire_field_digest(r, &out->equivalent_id);
	if (wire_field_u8(r, 1) != 1 || reader_u32(r) ||
	    !wire_id_is_valid(out->id) || !wire_host_is_valid(out->host))
		r->bad = true;
	n = wire_field_u32(r, WIRE_BUNDLE_ENTRIES_MAX);
	while (n-- && !r->bad) {
		char *path = reader_str(r, WIRE_PATH_MAX);
		struct wire_inode inode = { 0 };

		wire_read(r, &wire_inode_layout, &inode, WIRE_VERSION);
		if (r->bad || inode.kind == WIRE_INODE_ABSENT ||
		    kfarmd_manifest_add(out, path, &inode, &ignored))
			r->bad = true;
		wire_inode_release(&inode);
		free(path);
	}
	return reader_end(r);
}

int kfarmd_manifest_decode(struct kfarmd_manifest *out, struct bytes in,
			   struct err *err)
{
	struct kfarmd_manifest got = { 0 };
	struct reader r;
	struct digest d;
	int ret;

	*out = got;
	if (in.len < sizeof(d.b))
		return err_set(err, EBADMSG, "truncated");
	in.len -= sizeof(d.b);
	digest_bytes(in, &d);
	reader_init(&r, in);
	if (memcmp(d.b, in.data + in.len, sizeof(d.b)) ||
	    decode_manifest(&r, &got))
		ret = err_set(err, EBADMSG, "corrupt");
	else
		ret = kfarmd_manifest_validate(&got, err);
	if (ret) {
		kfarmd_manifest_release(&got);
		return -EBADMSG;
	}
	*out = got;
	return 0;
}

/* Write the manifest into the directory `dir`. */
static int write_manifest(const struct kfarmd_manifest *r, const char *dir,
			  struct err *err)
{
	char *path = xasprintf("%s/" MANIFEST_FILE, dir);
	struct buf body = { 0 };
	int ret;

	kfarmd_manifest_encode(r, &body);
	ret = state_file_write(&manifest_file, path, buf_bytes(&body), err);
	buf_release(&body);
	free(path);
	return ret;
}

/*
 * Read the manifest in `dir`.  Returns 0; -ENOENT if it does not exist;
 * -EBADMSG if it is damaged; or another negative errno.
 */
static int read_manifest(struct kfarmd_manifest *out, const char *dir,
			 struct err *err)
{
	char *path = xasprintf("%s/" MANIFEST_FILE, dir);
	struct buf body = { 0 };
	int ret = state_file_read(&manifest_file, path, &body, err);

	*out = (struct kfarmd_manifest){ 0 };
	if (!ret) {
		ret = kfarmd_manifest_decode(out, buf_bytes(&body), err);
		if (ret)
			err_wrap(err, "%s", path);
	}
	buf_release(&body);
	free(path);
	return ret;
}

static int set_damaged_entry(const struct kfarmd_manifest *r, const char *path,
			     const char *how, struct err *err)
{
	return err_set(err, EBADMSG, "%s: %s: %s", r->id, path, how);
}

static int check_entry_stat(const struct kfarmd_manifest *r,
			    const struct compiler_entry *e, const char *path,
			    struct err *err)
{
	char target[PATH_MAX];
	struct err ignored;
	struct digest d;
	struct stat st;
	ssize_t n;

	if (lstat(path, &st))
		return set_damaged_entry(
			r, e->path, errno == ENOENT ? "missing" : "cannot stat",
			err);
	if (e->kind == COMPILER_ENTRY_FILE) {
		if (!S_ISREG(st.st_mode) ||
		    (uint64_t)st.st_size != e->size_bytes ||
		    !(st.st_mode & S_IXUSR) == e->executable)
			return set_damaged_entry(
				r, e->path, "type, size or mode changed", err);
		if ((int64_t)st.st_mtim.tv_sec * 1000000000 +
			    st.st_mtim.tv_nsec ==
		    e->mtime_ns)
			return 0;
		if (digest_file(path, &d, &ignored))
			return set_damaged_entry(r, e->path, "cannot read",
						 err);
		return digest_equal(&d, &e->digest) ?
			       0 :
			       set_damaged_entry(r, e->path, "modified", err);
	}
	if (e->kind == COMPILER_ENTRY_DIR)
		return S_ISDIR(st.st_mode) ?
			       0 :
			       set_damaged_entry(r, e->path, "not a directory",
						 err);
	n = readlink(path, target, sizeof(target));
	if (n < 0 || (size_t)n != strlen(e->target) ||
	    memcmp(target, e->target, (size_t)n))
		return set_damaged_entry(r, e->path, "symbolic link changed",
					 err);
	return 0;
}

/*
 * Compare type, size, mode and mtime of the files in `dir` with the manifest by
 * lstat(2), and hash a file only if its mtime alone differs.  Returns 0, or
 * -EBADMSG with `err` naming the first difference.
 */
static int check_files_stat(const struct kfarmd_manifest *r, const char *dir,
			    struct err *err)
{
	int ret = 0;

	for (size_t i = 0; i < r->entries.n && !ret; i++) {
		const struct compiler_entry *e = &r->entries.v[i];
		char *path = xasprintf("%s/%s", dir, e->path);

		ret = check_entry_stat(r, e, path, err);
		free(path);
	}
	return ret;
}

/* Report the first difference between two sorted lists of entries. */
static int compare_manifest_entries(const struct kfarmd_manifest *r,
				    const struct compiler_entries *is,
				    struct err *err)
{
	const struct compiler_entries *want = &r->entries;
	size_t i = 0, k = 0;

	while (i < want->n || k < is->n) {
		int order = i == want->n ? 1 :
			    k == is->n   ? -1 :
					   strcmp(want->v[i].path, is->v[k].path);

		if (order < 0)
			return set_damaged_entry(r, want->v[i].path, "missing",
						 err);
		if (order > 0 && !is_reserved_name(is->v[k].path))
			return set_damaged_entry(r, is->v[k].path,
						 "not in the manifest", err);
		if (!order &&
		    !compiler_entry_equal_content(&want->v[i], &is->v[k]))
			return set_damaged_entry(r, is->v[k].path, "modified",
						 err);
		i += order <= 0;
		k += order >= 0;
	}
	return 0;
}

/*
 * Hash every file in `dir` and reject files that the manifest does not contain.
 * Returns 0; -EBADMSG with `err` naming the first difference; -ECANCELED if
 * *stop became true; -EMFILE, -ENFILE or -ENOMEM if a file cannot be read for
 * lack of descriptors or memory, which does not indicate damage.
 */
static int verify_files(const struct kfarmd_manifest *r, const char *dir,
			const atomic_bool *stop, struct err *err)
{
	struct compiler_entries is;
	int ret = toolchain_dir_digest_read(&is, dir, stop, err);

	if (ret == -ECANCELED || ret == -EMFILE || ret == -ENFILE ||
	    ret == -ENOMEM)
		return ret;
	if (ret)
		return -EBADMSG;
	toolchain_dir_digest_sort_entries(&is);
	ret = compare_manifest_entries(r, &is, err);
	compiler_entries_release(&is);
	return ret;
}

const struct compiler_entry *kfarmd_manifest_find_driver(
	const struct kfarmd_manifest *r, const char *name)
{
	const struct compiler_entry *best = NULL;
	char *end = xasprintf("/bin/%s", name);

	for (size_t i = 0; i < r->entries.n; i++) {
		const struct compiler_entry *e = &r->entries.v[i];

		if (strcmp(e->path, end + 1) && !str_ends(e->path, end))
			continue;
		if (e->kind == COMPILER_ENTRY_DIR ||
		    (e->kind == COMPILER_ENTRY_FILE && !e->executable))
			continue;
		if (!best || strlen(e->path) < strlen(best->path))
			best = e;
	}
	free(end);
	return best;
}

/*
 * Open the directory `path` and flock(2) it.  If the directory was renamed
 * before the lock was acquired, retry with the directory that replaced it.
 * Returns a descriptor, or -EBUSY, -ENOENT, -ENOTDIR or another negative errno.
 */
static int lock_toolchain(const char *path, int flock_op)
{
	int fd;

	do
		fd = fs_open_locked(AT_FDCWD, path, O_RDONLY | O_DIRECTORY,
				    flock_op);
	while (fd == -EAGAIN);
	return fd;
}

/*
 * Return 0, or -EBADMSG with the description in `err` if an earlier check
 * recorded damage.
 */
static int check_damage_mark(const char *dir, struct err *err)
{
	char *path = xasprintf("%s/" DAMAGE_FILE, dir);
	struct buf text = { 0 };
	struct err ignored;
	int ret = 0;

	if (fs_exists(path)) {
		state_file_read(&damage_file, path, &text, &ignored);
		ret = err_set(err, EBADMSG, "%s",
			      text.len ? buf_str(&text) : "damaged");
	}
	buf_release(&text);
	free(path);
	return ret;
}

/* Set the damage mark of the toolchain whose directory `fd` is open. */
static void set_damage_mark(const char *dir, int fd, const char *what)
{
	char *path = xasprintf("/proc/self/fd/%d/" DAMAGE_FILE, fd);
	struct err ignored;
	int ret;

	log_warning("%s: damaged: %s", dir, what);
	ret = state_file_write(&damage_file, path, bytes_str(what), &ignored);
	/* A toolchain that was replaced or removed needs no mark. */
	if (ret && ret != -ENOENT)
		log_warning("%s/" DAMAGE_FILE ": %s", dir, strerror(-ret));
	free(path);
}

static int read_toolchain_manifest(struct kfarmd_manifest *out, const char *dir,
				   const char *id, struct err *err)
{
	int ret = read_manifest(out, dir, err);

	if (!ret && !str_equal(out->id, id)) {
		kfarmd_manifest_release(out);
		ret = err_set(err, EBADMSG,
			      "%s: has the manifest of another toolchain", dir);
	}
	if (ret && ret != -EBADMSG) {
		err_wrap(err, "damaged");
		ret = -EBADMSG;
	}
	return ret;
}

int kfarmd_toolchains_lease(const char *toolchains_dir, const char *id,
			    struct kfarmd_toolchain_lease *out, struct err *err)
{
	char *dir = xasprintf("%s/%s", toolchains_dir, id);
	int fd = lock_toolchain(dir, LOCK_SH), ret = 0;

	*out = (struct kfarmd_toolchain_lease){ .fd = fd };
	if (fd == -ENOENT)
		ret = err_set(err, ENOENT,
			      "%s: not installed; run `kfarm toolchain install "
			      "--nodes` on the build host",
			      id);
	else if (fd < 0)
		ret = err_set(err, -fd, "%s: %s", dir, strerror(-fd));
	if (!ret) {
		out->dir = realpath(dir, NULL);
		if (!out->dir)
			ret = err_errno(err, "%s", dir);
	}
	if (!ret)
		ret = check_damage_mark(dir, err);
	if (!ret)
		ret = read_toolchain_manifest(&out->manifest, dir, id, err);
	if (!ret)
		ret = check_files_stat(&out->manifest, dir, err);
	free(dir);
	if (ret)
		kfarmd_toolchains_release_lease(out);
	return ret;
}

void kfarmd_toolchains_release_lease(struct kfarmd_toolchain_lease *l)
{
	if (l->fd >= 0)
		close(l->fd);
	free(l->dir);
	kfarmd_manifest_release(&l->manifest);
	*l = (struct kfarmd_toolchain_lease){ .fd = -1 };
}

void kfarmd_toolchains_mark_damaged(const struct kfarmd_toolchain_lease *l,
				    const char *what)
{
	set_damage_mark(l->dir, l->fd, what);
}

/*
 * Read the manifest of an installed toolchain, whose directory `fd` is open,
 * and check the toolchain.  Returns 0; -EBADMSG with a description of the
 * damage in `err`; or another error of verify_files().
 */
static int check_installed(struct kfarmd_manifest *out, const char *dir, int fd,
			   const char *id, bool verify, const atomic_bool *stop,
			   struct err *err)
{
	int ret = read_toolchain_manifest(out, dir, id, err);

	if (ret)
		return ret;
	if (!verify) {
		ret = check_damage_mark(dir, err);
		return ret ? ret : check_files_stat(out, dir, err);
	}
	ret = verify_files(out, dir, stop, err);
	/*
	 * Record the outcome in the verified directory by its descriptor `fd`,
	 * without a lock.  A lock would make a concurrent replacement of the
	 * toolchain fail, as if a build used the toolchain.
	 */
	if (!ret)
		unlinkat(fd, DAMAGE_FILE, 0);
	else if (ret == -EBADMSG && fs_is_open_as(fd, AT_FDCWD, dir, 0))
		set_damage_mark(dir, fd, err->text);
	return ret;
}

/*
 * Check the installed toolchain `id` in `dir`.  If another toolchain replaces
 * it during the check, check the new toolchain.  Returns 0; -ENOENT if the
 * toolchain is not installed; or another negative errno.
 */
static int check_current(struct kfarmd_manifest *out, const char *dir,
			 const char *id, bool verify, const atomic_bool *stop,
			 struct err *err)
{
	bool is_current;
	int ret, fd;

	*out = (struct kfarmd_manifest){ 0 };
	do {
		kfarmd_manifest_release(out);
		fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0)
			return err_errno(err, "%s", dir);
		ret = check_installed(out, dir, fd, id, verify, stop, err);
		is_current = fs_is_open_as(fd, AT_FDCWD, dir, 0);
		close(fd);
	} while (!is_current && ret != -ECANCELED);
	return ret;
}

bool kfarmd_toolchains_has(const char *toolchains_dir, const char *id,
			   const struct digest *dir_digest)
{
	char *dir = xasprintf("%s/%s", toolchains_dir, id);
	struct kfarmd_manifest r;
	struct err ignored;
	bool has = !check_current(&r, dir, id, false, NULL, &ignored) &&
		   digest_equal(&r.dir_digest, dir_digest);

	kfarmd_manifest_release(&r);
	free(dir);
	return has;
}

/*
 * Add the description of an installed toolchain to `held`, or nothing if the
 * toolchain was removed.  Returns 0 or -ECANCELED.
 */
static int list_installed(const char *toolchains_dir, const char *id,
			  bool verify, const atomic_bool *stop,
			  struct wire_held *held, struct err *err)
{
	char *dir = xasprintf("%s/%s", toolchains_dir, id);
	struct wire_held_one *out;
	struct kfarmd_manifest r;
	int ret = check_current(&r, dir, id, verify, stop, err), fd;

	if (ret == -ECANCELED || ret == -ENOENT)
		goto out;
	out = &held->toolchains[held->n_toolchains++];
	*out = (struct wire_held_one){
		.id = xstrdup(id),
		.dir_digest = r.dir_digest,
		.host = xstrdup(r.host ? r.host : "unknown"),
		.detail = xstrdup(ret ? err->text : ""),
	};
	if (ret) {
		out->state = WIRE_HELD_DAMAGED;
	} else {
		fd = lock_toolchain(dir, LOCK_EX | LOCK_NB);
		if (fd >= 0)
			close(fd);
		if (fd == -EBUSY)
			out->state = WIRE_HELD_IN_USE;
	}
out:
	kfarmd_manifest_release(&r);
	free(dir);
	return ret == -ECANCELED ? ret : 0;
}

/* List the directory names that are valid ids, sorted. */
static int list_installed_ids(const char *toolchains_dir, struct strv *out,
			      struct err *err)
{
	struct strv names = { 0 };
	int ret = fs_list(toolchains_dir, &names);

	for (size_t i = 0; i < names.n; i++) {
		char *path = xasprintf("%s/%s", toolchains_dir, names.v[i]);

		if (wire_id_is_valid(names.v[i]) && fs_is_dir(path))
			strv_add(out, names.v[i]);
		free(path);
	}
	strv_release(&names);
	return !ret || ret == -ENOENT ? 0 :
					err_set(err, -ret, "%s: %s",
						toolchains_dir, strerror(-ret));
}

int kfarmd_toolchains_list(const char *dir, bool verify,
			   const atomic_bool *stop, struct wire_held *out,
			   struct err *err)
{
	struct strv ids = { 0 };
	int ret = list_installed_ids(dir, &ids, err);

	*out = (struct wire_held){ 0 };
	out->toolchains = xcalloc(ids.n + 1, sizeof(*out->toolchains));
	for (size_t i = 0; i < ids.n && !ret; i++)
		ret = list_installed(dir, ids.v[i], verify, stop, out, err);
	strv_release(&ids);
	if (ret)
		wire_held_release(out);
	return ret;
}

struct indexed_file {
	struct digest digest;
	uint64_t size;
	char *path;
};

struct kfarmd_toolchains_index {
	struct indexed_file *files;
	size_t n_files;
};

struct kfarmd_toolchains_index *kfarmd_toolchains_index(
	const char *toolchains_dir)
{
	struct kfarmd_toolchains_index *x = xcalloc(1, sizeof(*x));
	struct strv ids = { 0 };
	struct err ignored;

	list_installed_ids(toolchains_dir, &ids, &ignored);
	for (size_t i = 0; i < ids.n; i++) {
		char *dir = xasprintf("%s/%s", toolchains_dir, ids.v[i]);
		struct kfarmd_manifest r;

		/* The manifest is empty after a failure. */
		read_manifest(&r, dir, &ignored);
		for (size_t k = 0; k < r.entries.n; k++) {
			const struct compiler_entry *e = &r.entries.v[k];

			if (e->kind == COMPILER_ENTRY_FILE)
				*VEC_ADD(x->files,
					 x->n_files) = (struct indexed_file){
					e->digest, e->size_bytes,
					xasprintf("%s/%s", dir, e->path)
				};
		}
		kfarmd_manifest_release(&r);
		free(dir);
	}
	strv_release(&ids);
	if (x->n_files)
		qsort(x->files, x->n_files, sizeof(*x->files), digest_compare);
	return x;
}

void kfarmd_toolchains_index_free(struct kfarmd_toolchains_index *x)
{
	if (!x)
		return;
	for (size_t i = 0; i < x->n_files; i++)
		free(x->files[i].path);
	free(x->files);
	free(x);
}

/* Copy the bytes of `fd` into the store, which verifies their digest. */
static int copy_fd_to_store(struct store *store, const struct digest *d,
			    uint64_t size, int fd)
{
	uint8_t *block = xmalloc(WIRE_CHUNK_MAX);
	struct store_write *in;
	ssize_t n = 1;
	int ret = store_write_begin(&in, store, d, size, true);

	if (ret) {
		free(block);
		return ret;
	}
	while (!ret && n) {
		n = read(fd, block, WIRE_CHUNK_MAX);
		if (n > 0)
			ret = store_write_add(in, bytes_of(block, (size_t)n));
		else if (n < 0 && errno != EINTR)
			ret = -errno;
	}
	free(block);
	if (!ret)
		return store_write_commit(in);
	store_write_abort(in);
	return ret;
}

int kfarmd_toolchains_copy_to_store(const struct kfarmd_toolchains_index *x,
				    struct store *store, const struct digest *d,
				    uint64_t size)
{
	const struct indexed_file *p = NULL;
	int fd, ret;

	if (x->n_files)
		p = bsearch(d, x->files, x->n_files, sizeof(*x->files),
			    digest_compare);
	if (!p || p->size != size)
		return -ENOENT;
	fd = open(p->path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return -ENOENT;
	ret = copy_fd_to_store(store, d, size, fd);
	close(fd);
	/*
	 * Report a changed file as missing, because the client can send an
	 * intact copy.
	 */
	return ret == -EBADMSG || ret == -EMSGSIZE || ret == -EISDIR ? -ENOENT :
								       ret;
}

#define SCRATCH_SUBDIR "/.live"
/* Disk space that a file can take in addition to its size, in bytes. */
#define BLOCK_SIZE 4096

struct kfarmd_toolchain_stage {
	const char *toolchains_dir;
	int scratch_root_fd; /* DIR/.live */
	/* name of a directory in DIR/.live, locked by lock_fd */
	char scratch_name[STORE_SCRATCH_NAME_MAX];
	int lock_fd;
	char *new_dir; /* DIR/.live/NAME/new */
	char *old_dir; /* DIR/.live/NAME/old: a toolchain that was replaced */
	/* most recently created directory, to skip repeated mkdirs */
	char *last_made_dir;
};

static int check_space(const char *toolchains_dir, uint64_t bytes, size_t files,
		       struct err *err)
{
	uint64_t need = bytes + (uint64_t)files * BLOCK_SIZE, has;
	struct statvfs fs;

	if (statvfs(toolchains_dir, &fs))
		return err_errno(err, "%s", toolchains_dir);
	has = (uint64_t)fs.f_bavail * fs.f_frsize;
	if (need > has)
		return err_set(
			err, ENOSPC,
			"%s: no space left: %llu MiB needed, %llu MiB free; "
			"free some space or see --toolchains in kfarmd(8)",
			toolchains_dir, (unsigned long long)(need >> 20) + 1,
			(unsigned long long)(has >> 20));
	return 0;
}

int kfarmd_toolchain_stage_new(const char *toolchains_dir,
			       struct kfarmd_toolchain_stage **out,
			       uint64_t bytes, size_t files, struct err *err)
{
	struct kfarmd_toolchain_stage *n = xcalloc(1, sizeof(*n));
	char *root = xasprintf("%s" SCRATCH_SUBDIR, toolchains_dir);
	int ret;

	*out = NULL;
	n->toolchains_dir = toolchains_dir;
	n->scratch_root_fd = n->lock_fd = -1;
	n->scratch_root_fd = store_scratch_dir_open_root(root, err);
	if (n->scratch_root_fd < 0) {
		ret = n->scratch_root_fd;
		goto out;
	}
	n->lock_fd = store_scratch_dir_make(n->scratch_root_fd, n->scratch_name,
					    err);
	if (n->lock_fd < 0) {
		ret = n->lock_fd;
		goto out;
	}
	n->new_dir = xasprintf("%s/%s/new", root, n->scratch_name);
	n->old_dir = xasprintf("%s/%s/old", root, n->scratch_name);
	if (mkdir(n->new_dir, 0700))
		ret = err_errno(err, "%s", n->new_dir);
	else
		ret = check_space(toolchains_dir, bytes, files, err);
out:
	free(root);
	if (ret)
		kfarmd_toolchain_stage_free(n);
	else
		*out = n;
	return ret;
}

void kfarmd_toolchain_stage_free(struct kfarmd_toolchain_stage *n)
{
	if (!n)
		return;
	if (n->lock_fd >= 0) {
		fs_remove_at(n->scratch_root_fd, n->scratch_name);
		close(n->lock_fd);
	}
	if (n->scratch_root_fd >= 0)
		close(n->scratch_root_fd);
	free(n->new_dir);
	free(n->old_dir);
	free(n->last_made_dir);
	free(n);
}

int kfarmd_toolchain_stage_put(void *stage, const char *path,
			       const struct wire_inode *inode, int fd,
			       struct err *err)
{
	struct kfarmd_toolchain_stage *n = stage;
	char *full = xasprintf("%s%s", n->new_dir, path), *dir = str_dir(full);
	int ret = 0;

	if (!n->last_made_dir || strcmp(n->last_made_dir, dir)) {
		ret = fs_mkdirs(dir, 0700, err);
		free(n->last_made_dir);
		n->last_made_dir = ret ? NULL : xstrdup(dir);
	}
	free(dir);
	if (ret)
		goto out;
	if (inode->kind == WIRE_INODE_FILE)
		ret = fs_create_at(AT_FDCWD, full, fd, inode->size,
				   inode->executable ? 0555 : 0444,
				   inode->mtime_ns);
	else if (inode->kind == WIRE_INODE_SYMLINK)
		ret = symlink(inode->target, full) ? -errno : 0;
	else if (inode->kind == WIRE_INODE_DIR)
		ret = mkdir(full, 0700) && errno != EEXIST ? -errno : 0;
	else
		ret = -EINVAL;
	if (ret)
		err_set(err, -ret, "%s: %s", full, strerror(-ret));
out:
	free(full);
	return ret;
}

/*
 * Set `err` for a toolchain that is in use (`ret` is -EBUSY) or whose directory
 * cannot be replaced.  Returns `ret`.
 */
static int set_busy_error(const char *path, int ret, struct err *err)
{
	if (ret == -EBUSY)
		return err_set(
			err, EBUSY,
			"%s: in use by a build; try again when the build has "
			"ended",
			str_base(path));
	return err_set(err, -ret, "%s: %s", path, strerror(-ret));
}

/*
 * Rename `path` to `old` under an exclusive lock.  Another process that waits
 * for the lock in lock_toolchain() then opens `path` again.
 */
static int move_toolchain_away(const char *path, const char *old,
			       struct err *err)
{
	int fd = lock_toolchain(path, LOCK_EX | LOCK_NB), ret = 0;

	if (fd == -ENOENT)
		return 0;
	if (fd < 0)
		return set_busy_error(path, fd, err);
	if (rename(path, old))
		ret = err_errno(err, "%s", path);
	close(fd);
	return ret;
}

static int replace_toolchain(struct kfarmd_toolchain_stage *n, const char *path,
			     struct err *err)
{
	int fd = lock_toolchain(path, LOCK_EX | LOCK_NB), ret = 0;

	if (fd < 0 && fd != -ENOENT)
		return set_busy_error(path, fd, err);
	/*
	 * Exchange both directories atomically, so that readers see either the
	 * old toolchain or the new one.
	 */
	if (fd >= 0 &&
	    !renameat2(AT_FDCWD, n->new_dir, AT_FDCWD, path, RENAME_EXCHANGE)) {
		close(fd);
		return 0;
	}
	if (fd >= 0) {
		close(fd);
		ret = move_toolchain_away(path, n->old_dir, err);
	}
	if (!ret && rename(n->new_dir, path))
		ret = set_busy_error(
			path,
			errno == ENOTEMPTY || errno == EEXIST ? -EBUSY : -errno,
			err);
	return ret;
}

int kfarmd_toolchain_stage_publish(struct kfarmd_toolchain_stage *n,
				   const struct kfarmd_manifest *r,
				   const char *json, const atomic_bool *stop,
				   struct err *err)
{
	char *path = xasprintf("%s/%s", n->toolchains_dir, r->id);
	char *metadata = xasprintf("%s/" TOOLCHAIN_JSON, n->new_dir);
	int ret = verify_files(r, n->new_dir, stop, err);

	if (!ret)
		ret = fs_write(metadata, bytes_str(json), 0644, err);
	if (!ret)
		ret = write_manifest(r, n->new_dir, err);
	if (!ret)
		ret = replace_toolchain(n, path, err);
	free(metadata);
	free(path);
	return ret;
}

int kfarmd_toolchain_stage_remove(const char *toolchains_dir, const char *id,
				  struct err *err)
{
	char *path = xasprintf("%s/%s", toolchains_dir, id);
	char *root = xasprintf("%s" SCRATCH_SUBDIR, toolchains_dir);
	int root_fd = -1, fd = -1, ret;

	if (!fs_is_dir(path))
		ret = err_set(err, ENOENT, "%s: not installed", id);
	else
		ret = root_fd = store_scratch_dir_open_root(root, err);
	if (root_fd >= 0) {
		fd = lock_toolchain(path, LOCK_EX | LOCK_NB);
		if (fd >= 0)
			ret = store_scratch_dir_discard(root_fd, path, err);
		else
			ret = fd == -ENOENT ? 0 : set_busy_error(path, fd, err);
		close(root_fd);
	}
	if (fd >= 0)
		close(fd);
	free(root);
	free(path);
	return ret;
}
