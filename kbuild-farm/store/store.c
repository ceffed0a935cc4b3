/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "store/store.h"

#include "base/fs.h"
#include "base/str.h"
#include "store/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

/* size of a file name, such as "pin." with 64 hexadecimal digits and a NUL */
#define NAME_SIZE 80

/* The entry of a blob or record, such as the file DIR/sha256/ab/cdef... */
struct entry {
	int dir; /* O_PATH descriptor of DIR/sha256/ab */
	char name[NAME_SIZE]; /* cdef... */
};

/*
 * When a blob is used, the mtime of its entry is set to the current time if the
 * two times differ by more than TOUCH_SECONDS.  A minute is short enough for
 * the collector to distinguish old entries from new entries, and long enough
 * that few reads cause a write.
 */
#define TOUCH_SECONDS 60

static void count_damaged(struct store *s)
{
	pthread_mutex_lock(&s->lock);
	s->stats.n_damaged++;
	pthread_mutex_unlock(&s->lock);
}

static bool is_writable_by_others(const struct stat *st)
{
	return st->st_mode & 022;
}

/*
 * Open the directory of an entry.  Returns a descriptor; -EPERM if another user
 * owns the directory or can write to it; or another negative errno.
 */
static int open_entry_dir(int root, const char *dir)
{
	int fd = openat(root, dir,
			O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;
	int ret = -EPERM;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st))
		ret = -errno;
	else if (st.st_uid == geteuid() && !is_writable_by_others(&st))
		return fd;
	close(fd);
	return ret;
}

/*
 * Open the directory of an entry in `root`, which is s->blobs_fd or an element
 * of s->records_fd.  If a file or link has the name of the directory, or if
 * another user could have added entries to the directory, removes it.  If
 * `make` is true, creates a missing directory.  Returns 0; -ENOENT; or another
 * negative errno.  On success the caller calls entry_release().
 */
static int entry_init(struct store *s, int root, struct entry *at,
		      const struct digest *d, bool make)
{
	char hex[DIGEST_HEX], dir[3];

	digest_format(d, hex);
	memcpy(dir, hex, 2);
	dir[2] = '\0';
	memcpy(at->name, hex + 2, DIGEST_HEX - 2);
	at->dir = open_entry_dir(root, dir);
	if (at->dir == -ENOTDIR || at->dir == -ELOOP || at->dir == -EPERM) {
		fs_remove_at(root, dir);
		count_damaged(s);
		at->dir = -ENOENT;
	}
	if (at->dir == -ENOENT && make) {
		if (mkdirat(root, dir, 0700) && errno != EEXIST)
			return -errno;
		at->dir = open_entry_dir(root, dir);
	}
	return at->dir < 0 ? at->dir : 0;
}

static void entry_release(struct entry *at)
{
	if (at->dir >= 0)
		close(at->dir);
	at->dir = -1;
}

static int remove_non_file(struct store *s, int dir, const char *name)
{
	fs_remove_at(dir, name);
	count_damaged(s);
	return -ENOENT;
}

int store_entry_stat(struct store *s, int dir, const char *name,
		     struct stat *st)
{
	if (fstatat(dir, name, st, AT_SYMLINK_NOFOLLOW))
		return -errno;
	return S_ISREG(st->st_mode) ? 0 : remove_non_file(s, dir, name);
}

/* Like store_entry_stat(), but return a descriptor for reading. */
static int entry_open(struct store *s, int dir, const char *name,
		      struct stat *st)
{
	int ret = store_entry_stat(s, dir, name, st);
	int fd;

	if (ret)
		return ret;
	/* The file may have been replaced by a FIFO after the check. */
	fd = openat(dir, name,
		    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0 && (errno == EACCES || errno == ELOOP || errno == ENXIO))
		return remove_non_file(s, dir, name);
	if (fd < 0)
		return -errno;
	if (fstat(fd, st)) {
		ret = -errno;
		close(fd);
		return ret;
	}
	if (!S_ISREG(st->st_mode)) {
		close(fd);
		return remove_non_file(s, dir, name);
	}
	return fd;
}

/* Mark an entry as recently used, so that it is collected later. */
static void entry_touch(int dir, const char *name, const struct stat *st)
{
	const struct timespec now[2] = { { .tv_nsec = UTIME_OMIT },
					 { .tv_nsec = UTIME_NOW } };
	time_t age = time(NULL) - st->st_mtime;

	/* A failure affects only the order of collection. */
	if (age > TOUCH_SECONDS || age < -TOUCH_SECONDS)
		utimensat(dir, name, now, AT_SYMLINK_NOFOLLOW);
}

struct pin {
	struct map_entry node;
	struct digest digest;
	unsigned count;
};

/* Format the name of a pin in the scratch directory. */
static void format_pin_name(const struct digest *d, char out[static NAME_SIZE])
{
	memcpy(out, "pin.", 4);
	digest_format(d, out + 4);
}

/*
 * The functions from find_pin() to link_entry() are called with pin_lock held.
 */

static struct pin *find_pin(struct store *s, const struct digest *d)
{
	struct map_entry *n = map_find(&s->pins, digest_hash(d));

	while (n && !digest_equal(&((struct pin *)n)->digest, d))
		n = map_next_match(n);
	return (struct pin *)n;
}

static void add_pin_count(struct store *s, const struct digest *d)
{
	struct pin *pin = find_pin(s, d);

	if (!pin) {
		pin = xcalloc(1, sizeof(*pin));
		pin->digest = *d;
		map_add(&s->pins, &pin->node, digest_hash(d));
	}
	pin->count++;
}

/* Return true if the link of a pin exists and has this size. */
static bool is_pin_linked(struct store *s, const char *name, uint64_t size)
{
	struct stat st;

	return !store_entry_stat(s, s->scratch_fd, name, &st) &&
	       (uint64_t)st.st_size == size;
}

/*
 * Create the pin `name` as a hard link to the blob's entry.  Replaces an
 * existing file of this name.
 */
static int link_entry(struct store *s, const struct digest *d, const char *name,
		      uint64_t size)
{
	struct entry at;
	struct stat st;
	int ret = entry_init(s, s->blobs_fd, &at, d, false);

	if (ret)
		return ret;
	ret = store_entry_stat(s, at.dir, at.name, &st);
	if (!ret && (uint64_t)st.st_size != size)
		ret = -ENOENT;
	if (!ret)
		ret = fs_remove_at(s->scratch_fd, name);
	if (!ret && linkat(at.dir, at.name, s->scratch_fd, name, 0))
		ret = -errno;
	/* The entry may have been replaced after the check. */
	if (!ret && !is_pin_linked(s, name, size)) {
		fs_remove_at(s->scratch_fd, name);
		ret = -ENOENT;
	}
	if (!ret)
		entry_touch(s->scratch_fd, name, &st);
	entry_release(&at);
	return ret;
}

int store_pin(struct store *s, const struct digest *d, uint64_t size)
{
	char name[NAME_SIZE];
	int ret = 0;

	format_pin_name(d, name);
	pthread_mutex_lock(&s->pin_lock);
	if (!find_pin(s, d) || !is_pin_linked(s, name, size))
		ret = link_entry(s, d, name, size);
	if (!ret)
		add_pin_count(s, d);
	pthread_mutex_unlock(&s->pin_lock);
	return ret;
}

void store_unpin(struct store *s, const struct digest *d)
{
	char name[NAME_SIZE];
	struct pin *pin;

	pthread_mutex_lock(&s->pin_lock);
	pin = find_pin(s, d);
	if (pin && !--pin->count) {
		format_pin_name(d, name);
		fs_remove_at(s->scratch_fd, name);
		map_remove(&s->pins, &pin->node);
		free(pin);
	}
	pthread_mutex_unlock(&s->pin_lock);
	pthread_mutex_lock(&s->lock);
	s->full_until_ms = 0;
	pthread_mutex_unlock(&s->lock);
}

/* Open a blob that this handle has pinned.  Returns a descriptor or -ENOENT. */
static int open_pin(struct store *s, const struct digest *d, struct stat *st)
{
	char name[NAME_SIZE];
	int ret = -ENOENT;

	pthread_mutex_lock(&s->pin_lock);
	if (find_pin(s, d)) {
		format_pin_name(d, name);
		ret = entry_open(s, s->scratch_fd, name, st);
	}
	pthread_mutex_unlock(&s->pin_lock);
	return ret;
}

/*
 * Create the hard link `to` to the file `name`.  Replaces an existing `to` by
 * rename(2), so that the old link remains after a failure.
 */
static int relink_pin(struct store *s, const char *name, const char *to)
{
	char between[NAME_SIZE];
	int ret = 0;

	if (!linkat(s->scratch_fd, name, s->scratch_fd, to, 0))
		return 0;
	if (errno != EEXIST)
		return -errno;
	snprintf(between, sizeof(between), "%.70s.pin", name);
	if (linkat(s->scratch_fd, name, s->scratch_fd, between, 0))
		return -errno;
	if (renameat(s->scratch_fd, between, s->scratch_fd, to)) {
		ret = -errno;
		unlinkat(s->scratch_fd, between, 0);
	}
	return ret;
}

/*
 * If `d` is pinned or `pin` is true, make the pin of `d` a hard link to the
 * verified file `name` of the scratch directory.  Called before the file is
 * published.
 */
static int replace_pin(struct store *s, const struct digest *d,
		       const char *name, bool pin)
{
	char to[NAME_SIZE];
	int ret = 0;

	format_pin_name(d, to);
	pthread_mutex_lock(&s->pin_lock);
	if (pin || find_pin(s, d))
		ret = relink_pin(s, name, to);
	if (!ret && pin)
		add_pin_count(s, d);
	pthread_mutex_unlock(&s->pin_lock);
	return ret;
}

static void remove_if_inode(int dir, const char *name, ino_t ino)
{
	struct stat st;

	if (!fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) && st.st_ino == ino)
		unlinkat(dir, name, 0);
}

/*
 * Remove the entry and the pin of `d`, each only if it is the damaged inode
 * `ino`.
 */
static void remove_damaged(struct store *s, const struct digest *d, ino_t ino)
{
	char name[NAME_SIZE];
	struct entry at;

	format_pin_name(d, name);
	pthread_mutex_lock(&s->pin_lock);
	remove_if_inode(s->scratch_fd, name, ino);
	pthread_mutex_unlock(&s->pin_lock);
	if (!entry_init(s, s->blobs_fd, &at, d, false)) {
		remove_if_inode(at.dir, at.name, ino);
		entry_release(&at);
	}
	count_damaged(s);
}

/* Open the pin of a blob or, if this handle has not pinned it, the entry. */
static int open_pin_or_entry(struct store *s, const struct digest *d,
			     struct stat *st)
{
	struct entry at;
	int fd = open_pin(s, d, st), ret;

	if (fd != -ENOENT)
		return fd;
	ret = entry_init(s, s->blobs_fd, &at, d, false);
	if (ret)
		return ret;
	fd = entry_open(s, at.dir, at.name, st);
	if (fd >= 0)
		entry_touch(at.dir, at.name, st);
	entry_release(&at);
	return fd;
}

static void count_read(struct store *s, uint64_t size)
{
	pthread_mutex_lock(&s->lock);
	s->stats.n_read++;
	s->stats.read_bytes += size;
	pthread_mutex_unlock(&s->lock);
}

int store_open_blob(struct store *s, const struct digest *d, uint64_t size)
{
	struct stat st = { 0 };
	int fd = open_pin_or_entry(s, d, &st), ret = 0;
	struct digest sum;

	if (fd < 0)
		return fd;
	/* Treat a read error as damage. */
	if (digest_fd(fd, UINT64_MAX, &sum) || !digest_equal(&sum, d)) {
		remove_damaged(s, d, st.st_ino);
		ret = -EBADMSG;
	}
	/* An intact blob of another size is not the requested blob. */
	if ((uint64_t)st.st_size != size)
		ret = -ENOENT;
	if (!ret && lseek(fd, 0, SEEK_SET) < 0)
		ret = -errno;
	if (ret) {
		close(fd);
		return ret;
	}
	count_read(s, size);
	return fd;
}

int store_open_unverified(struct store *s, const struct digest *d,
			  uint64_t size)
{
	struct stat st = { 0 };
	int fd = open_pin_or_entry(s, d, &st);

	if (fd >= 0 && (uint64_t)st.st_size != size) {
		close(fd);
		fd = -ENOENT;
	}
	if (fd >= 0)
		count_read(s, size);
	return fd;
}

void store_blob_name(const struct digest *d,
		     char name[static STORE_BLOB_NAME_SIZE])
{
	char hex[DIGEST_HEX];

	digest_format(d, hex);
	snprintf(name, STORE_BLOB_NAME_SIZE, "/sha256/%.2s/%s", hex, hex + 2);
}

struct store_write {
	struct store *s;
	int root; /* directory of the entry, as for entry_init() */
	struct digest digest; /* digest of the blob, or key of the record */
	uint64_t size_bytes, received_bytes;
	struct digest_ctx *digest_ctx; /* NULL: finished */
	int fd;
	char name[NAME_SIZE]; /* in the scratch directory */
	bool pinned;
	int error; /* first error of this write; later calls return it */
};

/*
 * Begin to write an entry in `root`, as for entry_init().  Returns NULL with a
 * negative errno in *error on failure.
 */
static struct store_write *begin_write(struct store *s, int root,
				       const struct digest *d, uint64_t size,
				       bool pin, int *error)
{
	struct store_write *in;

	*error = store_gc_reserve(s, size);
	if (*error)
		return NULL;
	in = xcalloc(1, sizeof(*in));
	in->s = s;
	in->root = root;
	in->digest = *d;
	in->size_bytes = size;
	in->pinned = pin;
	snprintf(in->name, sizeof(in->name), "in.%u",
		 atomic_fetch_add(&s->next_serial, 1));
	in->fd = openat(s->scratch_fd, in->name,
			O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
			0600);
	if (in->fd < 0) {
		*error = -errno;
		store_gc_unreserve(s, size);
		free(in);
		return NULL;
	}
	in->digest_ctx = digest_new();
	return in;
}

int store_write_begin(struct store_write **out, struct store *s,
		      const struct digest *d, uint64_t size, bool pin)
{
	int ret;
	struct store_write *in = begin_write(s, s->blobs_fd, d, size, pin,
					     &ret);

	if (in)
		*out = in;
	return ret;
}

int store_write_add(struct store_write *in, struct bytes piece)
{
	if (in->error)
		return in->error;
	if (piece.len > in->size_bytes - in->received_bytes)
		in->error = -EMSGSIZE;
	else
		in->error = bytes_write(in->fd, piece);
	if (in->error) {
		/* The disk may be full, so free the space immediately. */
		unlinkat(in->s->scratch_fd, in->name, 0);
		close(in->fd);
		in->fd = -1;
		return in->error;
	}
	if (in->digest_ctx)
		digest_add(in->digest_ctx, piece);
	in->received_bytes += piece.len;
	return 0;
}

ssize_t store_write_read(const struct store_write *in, void *to, size_t len,
			 uint64_t offset)
{
	ssize_t n;

	if (in->error)
		return in->error;
	if (offset >= in->received_bytes)
		return 0;
	n = pread(in->fd, to, len, (off_t)offset);
	return n < 0 ? -errno : n;
}

/*
 * Move the blob or record to its entry.  If it replaces a file, *replaced
 * receives the size of that file.
 */
static int rename_entry(struct store_write *in, uint64_t *replaced)
{
	struct entry at;
	struct stat st;
	int ret = entry_init(in->s, in->root, &at, &in->digest, true);

	if (ret)
		return ret;
	/*
	 * store_entry_stat() also removes a file of another kind, which
	 * renameat() might not replace.
	 */
	if (!store_entry_stat(in->s, at.dir, at.name, &st))
		*replaced = (uint64_t)st.st_size;
	if (renameat(in->s->scratch_fd, in->name, at.dir, at.name))
		ret = -errno;
	entry_release(&at);
	return ret;
}

/* Publish a complete write, and count it. */
static int publish(struct store_write *in)
{
	uint64_t replaced = UINT64_MAX;
	int ret = fchmod(in->fd, 0444) ? -errno : rename_entry(in, &replaced);

	if (ret)
		return ret;
	store_gc_commit(in->s, in->size_bytes, replaced);
	in->name[0] = '\0';
	return 0;
}

int store_write_commit(struct store_write *in)
{
	struct digest sum;
	int ret = in->error;

	if (!ret) {
		digest_finish(in->digest_ctx, &sum);
		in->digest_ctx = NULL;
		if (in->received_bytes != in->size_bytes ||
		    !digest_equal(&sum, &in->digest))
			ret = -EBADMSG;
	}
	if (!ret)
		ret = replace_pin(in->s, &in->digest, in->name, in->pinned);
	if (!ret) {
		ret = publish(in);
		if (ret && in->pinned)
			store_unpin(in->s, &in->digest);
	}
	store_write_abort(in);
	return ret;
}

void store_write_abort(struct store_write *in)
{
	if (!in)
		return;
	if (in->name[0]) {
		unlinkat(in->s->scratch_fd, in->name, 0);
		store_gc_unreserve(in->s, in->size_bytes);
	}
	if (in->fd >= 0)
		close(in->fd);
	if (in->digest_ctx)
		digest_finish(in->digest_ctx, NULL);
	free(in);
}

/* Truncate `b` to `len` bytes. */
static void cut(struct buf *b, size_t len)
{
	b->len = len;
	if (b->data)
		b->data[len] = '\0';
}

int store_read_blob(struct store *s, const struct digest *d, uint64_t size,
		    struct buf *out)
{
	size_t before = out->len;
	struct digest sum;
	struct stat st = { 0 };
	int fd = open_pin_or_entry(s, d, &st), ret;

	if (fd < 0)
		return fd;
	ret = (uint64_t)st.st_size == size ? 0 : -ENOENT;
	if (!ret)
		ret = buf_read(out, fd, before + size);
	close(fd);
	if (!ret) {
		digest_bytes(bytes_of(out->data + before, out->len - before),
			     &sum);
		if (!digest_equal(&sum, d)) {
			remove_damaged(s, d, st.st_ino);
			ret = -EBADMSG;
		}
	}
	if (ret)
		cut(out, before);
	else
		count_read(s, size);
	return ret;
}

/*
 * Check that the directory belongs to this user and that no other user can
 * write to it.
 */
static int check_owner(int fd, const char *name, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st))
		return err_errno(err, "%s", name);
	if (st.st_uid != geteuid())
		return err_set(err, EPERM,
			       "%s: owned by user %u, expected user %u; change "
			       "its owner or use another directory",
			       name, (unsigned)st.st_uid, (unsigned)geteuid());
	if (is_writable_by_others(&st))
		return err_set(
			err, EPERM,
			"%s: writable by group or others, who may have changed "
			"the contents; run `chmod go-w` on the directory and "
			"remove the contents",
			name);
	return 0;
}

static int open_root(const char *dir, struct err *err)
{
	int fd, ret = fs_mkdirs(dir, 0700, err);

	if (ret)
		return ret;
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_errno(err, "%s", dir);
	ret = check_owner(fd, dir, err);
	if (ret)
		close(fd);
	return ret ? ret : fd;
}

static int open_store_dir(int root, const char *name, struct err *err)
{
	int fd, ret;

	if (mkdirat(root, name, 0700) && errno != EEXIST)
		return err_errno(err, "create %s", name);
	fd = openat(root, name,
		    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return err_errno(err, "%s", name);
	ret = check_owner(fd, name, err);
	if (ret)
		close(fd);
	return ret ? ret : fd;
}

/* ------------------------------------------------------------- records */

static void digest_record(const struct digest *key, struct bytes content,
			  struct digest *out)
{
	struct digest_ctx *run = digest_new();

	digest_add(run, bytes_of(key->b, sizeof(key->b)));
	digest_add(run, content);
	digest_finish(run, out);
}

static int open_records(struct store *s, enum store_record kind, bool make,
			struct err *err)
{
	static const char *const names[STORE_N_RECORDS] = {
		[STORE_RECORD_ACTION] = "action",
		[STORE_RECORD_NOTE] = "note",
	};
	atomic_int *at = &s->records_fd[kind];
	int fd = atomic_load(at);

	if (fd >= 0)
		return fd;
	pthread_mutex_lock(&s->lock);
	fd = atomic_load(at);
	if (fd < 0 && (make || !faccessat(s->root_fd, names[kind], F_OK, 0))) {
		fd = open_store_dir(s->root_fd, names[kind], err);
		if (fd >= 0)
			atomic_store(at, fd);
	} else if (fd < 0) {
		fd = -ENOENT;
	}
	pthread_mutex_unlock(&s->lock);
	return fd;
}

int store_open_records(struct store *s, enum store_record kind, bool make)
{
	struct err err;

	return open_records(s, kind, make, &err);
}

int store_put_record(struct store *s, enum store_record kind,
		     const struct digest *key, struct bytes content)
{
	int root = store_open_records(s, kind, true), ret;
	struct store_write *in;
	struct digest sum;

	if (root < 0)
		return root;
	if (content.len > STORE_RECORD_MAX)
		return -EFBIG;
	in = begin_write(s, root, key, content.len + sizeof(sum.b), false,
			 &ret);
	if (!in)
		return ret;
	/* Compute the same digest as digest_record(). */
	digest_add(in->digest_ctx, bytes_of(key->b, sizeof(key->b)));
	ret = store_write_add(in, content);
	digest_finish(in->digest_ctx, &sum);
	in->digest_ctx = NULL;
	if (!ret)
		ret = store_write_add(in, bytes_of(sum.b, sizeof(sum.b)));
	ret = ret ? ret : publish(in);
	store_write_abort(in);
	return ret;
}

/* Read a record with its digest from `fd`, and verify it. */
static int read_verified_record(int fd, const struct digest *key,
				struct buf *out)
{
	size_t before = out->len, len;
	struct digest sum;
	int ret = buf_read(out, fd, before + STORE_RECORD_MAX + sizeof(sum.b));

	len = out->len - before;
	if (!ret && len < sizeof(sum.b))
		ret = -EBADMSG;
	if (!ret) {
		len -= sizeof(sum.b);
		digest_record(key, bytes_of(out->data + before, len), &sum);
		if (memcmp(sum.b, out->data + before + len, sizeof(sum.b)) != 0)
			ret = -EBADMSG;
	}
	cut(out, ret ? before : before + len);
	return ret == -EFBIG ? -EBADMSG : ret;
}

int store_get_record(struct store *s, enum store_record kind,
		     const struct digest *key, struct buf *out)
{
	int root = store_open_records(s, kind, false), fd, ret;
	struct entry at;
	struct stat st;

	if (root < 0)
		return root;
	ret = entry_init(s, root, &at, key, false);
	if (ret)
		return ret;
	fd = ret = entry_open(s, at.dir, at.name, &st);
	if (fd >= 0) {
		ret = read_verified_record(fd, key, out);
		close(fd);
	}
	if (!ret) {
		entry_touch(at.dir, at.name, &st);
	} else if (ret == -EBADMSG) {
		remove_if_inode(at.dir, at.name, st.st_ino);
		count_damaged(s);
	}
	entry_release(&at);
	return ret;
}

void store_remove_record(struct store *s, enum store_record kind,
			 const struct digest *key)
{
	int root = store_open_records(s, kind, false);
	struct entry at;

	if (root < 0 || entry_init(s, root, &at, key, false))
		return;
	unlinkat(at.dir, at.name, 0);
	entry_release(&at);
}

/* ------------------------------------------------------ opening a store */

#define MIB UINT64_C(1048576)

/* Test whether the file system supports hard links, which pins require. */
static int check_hard_links(struct store *s, struct err *err)
{
	int fd = openat(s->scratch_fd, "try", O_WRONLY | O_CREAT | O_CLOEXEC,
			0600);
	int ret = 0;

	if (fd < 0)
		return err_errno(err, "cannot create a test file");
	close(fd);
	if (linkat(s->scratch_fd, "try", s->scratch_fd, "link", 0))
		ret = err_errno(
			err,
			"cannot create a hard link, which the store requires");
	unlinkat(s->scratch_fd, "link", 0);
	unlinkat(s->scratch_fd, "try", 0);
	return ret;
}

static int open_store_dirs(struct store *s, struct err *err)
{
	s->blobs_fd = open_store_dir(s->root_fd, "sha256", err);
	if (s->blobs_fd < 0)
		return s->blobs_fd;
	s->scratch_root_fd = open_store_dir(s->root_fd, "live", err);
	if (s->scratch_root_fd < 0)
		return s->scratch_root_fd;
	/* Report a directory of records that must not be used. */
	for (int k = 0; k < STORE_N_RECORDS; k++) {
		int fd = open_records(s, (enum store_record)k, false, err);

		if (fd < 0 && fd != -ENOENT)
			return fd;
	}
	store_scratch_dir_prune(s->scratch_root_fd);
	s->scratch_fd = store_scratch_dir_make(s->scratch_root_fd,
					       s->scratch_name, err);
	if (s->scratch_fd < 0)
		return s->scratch_fd;
	return check_hard_links(s, err);
}

int store_open(struct store **out, const char *dir, uint64_t limit,
	       struct err *err)
{
	struct store *s = xcalloc(1, sizeof(*s));
	int ret = s->root_fd = open_root(dir, err);

	s->blobs_fd = s->scratch_root_fd = s->scratch_fd = -1;
	for (int i = 0; i < STORE_N_RECORDS; i++)
		atomic_init(&s->records_fd[i], -1);
	s->stats.limit_bytes = limit ? limit : store_limit_default(dir);
	pthread_mutex_init(&s->pin_lock, NULL);
	pthread_mutex_init(&s->lock, NULL);
	pthread_mutex_init(&s->gc_lock, NULL);
	pthread_cond_init(&s->gc_wake, NULL);
	if (s->root_fd >= 0) {
		ret = open_store_dirs(s, err);
		if (!ret)
			ret = store_gc_start(s, err);
		if (ret)
			err_wrap(err, "%s", dir);
	}
	if (ret) {
		err_wrap(err, "cannot open the store");
		store_free(s);
		return ret;
	}
	*out = s;
	return 0;
}

void store_free(struct store *s)
{
	if (!s)
		return;
	store_gc_stop(s);
	if (s->pending_blobs || s->pending_bytes)
		store_usage_add(s, 0, 0);
	map_release_entries(&s->pins, NULL);
	if (s->scratch_fd >= 0) {
		fs_remove_at(s->scratch_root_fd, s->scratch_name);
		close(s->scratch_fd);
	}
	if (s->scratch_root_fd >= 0)
		close(s->scratch_root_fd);
	if (s->blobs_fd >= 0)
		close(s->blobs_fd);
	for (int i = 0; i < STORE_N_RECORDS; i++) {
		if (s->records_fd[i] >= 0)
			close(s->records_fd[i]);
	}
	if (s->root_fd >= 0)
		close(s->root_fd);
	pthread_cond_destroy(&s->gc_wake);
	pthread_mutex_destroy(&s->gc_lock);
	pthread_mutex_destroy(&s->lock);
	pthread_mutex_destroy(&s->pin_lock);
	free(s);
}

int store_scratch_fd(const struct store *s)
{
	return s->scratch_fd;
}

uint64_t store_limit_default(const char *dir)
{
	char *path = fs_make_absolute(dir);
	struct statvfs st;
	uint64_t fifth;
	int ret;

	while ((ret = statvfs(path, &st)) != 0 && errno == ENOENT &&
	       !str_equal(path, "/")) {
		char *above = str_dir(path);

		free(path);
		path = above;
	}
	free(path);
	fifth = ret ? 0 : (uint64_t)st.f_blocks * st.f_frsize / 5;
	if (fifth > 10240 * MIB)
		return 10240 * MIB;
	return fifth > 64 * MIB ? fifth : 64 * MIB;
}

bool store_has(struct store *s, const struct digest *d, uint64_t size)
{
	struct entry at;
	struct stat st = { 0 };
	bool found;
	int fd;

	if (!entry_init(s, s->blobs_fd, &at, d, false)) {
		found = !store_entry_stat(s, at.dir, at.name, &st) &&
			(uint64_t)st.st_size == size;
		entry_release(&at);
		if (found)
			return true;
	}
	/*
	 * The entry may have been removed, but a pin of this handle still has
	 * the blob.
	 */
	fd = open_pin(s, d, &st);
	if (fd < 0)
		return false;
	close(fd);
	return (uint64_t)st.st_size == size;
}

void store_stats(struct store *s, struct store_stats *out)
{
	pthread_mutex_lock(&s->pin_lock);
	pthread_mutex_lock(&s->lock);
	*out = s->stats;
	out->n_pinned = s->pins.n_entries;
	pthread_mutex_unlock(&s->lock);
	pthread_mutex_unlock(&s->pin_lock);
}
