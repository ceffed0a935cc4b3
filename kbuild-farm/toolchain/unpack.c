/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "toolchain/unpack.h"

#include "base/fs.h"
#include "base/map.h"
#include "base/task.h"
#include "base/vec.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * A file, link or directory that was created.  Paths have a maximum length, so
 * `max_entries` also limits the memory that the entries use.
 */
struct written_entry {
	struct map_entry map_entry;
	struct compiler_entry entry; /* owns path and target */
	size_t n_children; /* entries in a directory */
};

/*
 * The writer creates files below one directory and nowhere else, whatever their
 * names are.
 *
 * Each request is checked against the entries created before: a path is created
 * once, its parents are directories, links stay inside the directory, and a
 * hard link points to a file.  The directory must be empty and private, so that
 * it holds nothing else.  Each name is opened or created relative to a
 * descriptor of its parent directory.  This descriptor was opened without
 * following a link.
 */
struct entry_writer {
	int root_fd;
	uint32_t max_entries; /* limit, including directories */
	struct map by_path; /* the created entries */

	int parent_fd; /* cached directory of the last entry; -1: none */
	char *parent_path;

	int file_fd; /* file being written; -1: none */
	struct written_entry *current;
	struct digest_ctx *digest_ctx;
};

static struct entry_writer *writer_new(int dir, uint32_t max_entries)
{
	struct entry_writer *w = xcalloc(1, sizeof(*w));

	w->root_fd = fcntl(dir, F_DUPFD_CLOEXEC, 0);
	w->max_entries = max_entries;
	w->parent_fd = -1;
	w->file_fd = -1;
	return w;
}

static void close_cached_parent(struct entry_writer *w)
{
	if (w->parent_fd >= 0)
		close(w->parent_fd);
	free(w->parent_path);
	w->parent_fd = -1;
	w->parent_path = NULL;
}

static void free_written_entry(struct map_entry *n)
{
	struct written_entry *m = (struct written_entry *)n;

	free(m->entry.path);
	free(m->entry.target);
	free(m);
}

static void writer_free(struct entry_writer *w)
{
	if (!w)
		return;
	map_release_entries(&w->by_path, free_written_entry);
	close_cached_parent(w);
	if (w->root_fd >= 0)
		close(w->root_fd);
	if (w->file_fd >= 0)
		close(w->file_fd);
	if (w->digest_ctx)
		digest_finish(w->digest_ctx, NULL);
	free(w);
}

static struct written_entry *find_written_entry(const struct entry_writer *w,
						const char *path)
{
	struct map_entry *n = map_find(&w->by_path, map_hash(bytes_str(path)));

	while (n && strcmp(((struct written_entry *)n)->entry.path, path))
		n = map_next_match(n);
	return (struct written_entry *)n;
}

static int add_written_entry(struct entry_writer *w, const char *path,
			     enum compiler_entry_kind kind,
			     struct written_entry **out, struct err *err)
{
	struct written_entry *m;

	if (w->by_path.n_entries >= w->max_entries)
		return err_set(err, E2BIG,
			       "%s: archive has more than %u entries", path,
			       w->max_entries);
	m = xcalloc(1, sizeof(*m));
	m->entry.path = xstrdup(path);
	m->entry.kind = kind;
	map_add(&w->by_path, &m->map_entry, map_hash(bytes_str(path)));
	*out = m;
	return 0;
}

static int enter_parent_dir(struct entry_writer *w, const char *path,
			    struct err *err);

static int open_below(int at, const char *name)
{
	return openat(at, name,
		      O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/*
 * Open the directory `path` as w->parent_fd.  Create the directory and its
 * parents if necessary.  "" is the root.
 */
static int enter_dir(struct entry_writer *w, const char *path, struct err *err)
{
	struct written_entry *m;
	int fd, ret;

	if (w->parent_path && !strcmp(w->parent_path, path))
		return 0;
	if (!path[0]) {
		close_cached_parent(w);
		w->parent_fd = open_below(w->root_fd, ".");
		w->parent_path = xstrdup("");
		return w->parent_fd < 0 ? err_errno(err, ".") : 0;
	}
	ret = enter_parent_dir(w, path, err);
	if (ret)
		return ret;
	m = find_written_entry(w, path);
	if (m && m->entry.kind != COMPILER_ENTRY_DIR)
		return err_set(err, EINVAL, "%s: not a directory", path);
	if (!m) {
		ret = add_written_entry(w, path, COMPILER_ENTRY_DIR, &m, err);
		if (ret)
			return ret;
		if (mkdirat(w->parent_fd, str_base(path), 0755))
			return err_errno(err, "%s", path);
		if (w->parent_path[0])
			find_written_entry(w, w->parent_path)->n_children++;
	}
	fd = open_below(w->parent_fd, str_base(path));
	if (fd < 0)
		return err_errno(err, "%s", path);
	close_cached_parent(w);
	w->parent_fd = fd;
	w->parent_path = xstrdup(path);
	return 0;
}

static int enter_parent_dir(struct entry_writer *w, const char *path,
			    struct err *err)
{
	char *upper = strchr(path, '/') ? str_dir(path) : xstrdup("");
	int ret = enter_dir(w, upper, err);

	free(upper);
	return ret;
}

/* Check a new path, open its parent directory and record the entry. */
static int prepare_entry(struct entry_writer *w, const char *path,
			 enum compiler_entry_kind kind,
			 struct written_entry **out, struct err *err)
{
	int ret;

	if (!toolchain_dir_digest_is_valid_path(path))
		return err_set(err, EINVAL, "invalid file path \"%.200s\"",
			       path);
	if (find_written_entry(w, path))
		return err_set(err, EINVAL, "%s: duplicate entry", path);
	ret = enter_parent_dir(w, path, err);
	if (!ret)
		ret = add_written_entry(w, path, kind, out, err);
	if (!ret && w->parent_path[0])
		find_written_entry(w, w->parent_path)->n_children++;
	return ret;
}

static int writer_mkdir(struct entry_writer *w, const char *path,
			struct err *err)
{
	if (!toolchain_dir_digest_is_valid_path(path))
		return err_set(err, EINVAL, "invalid directory path \"%.200s\"",
			       path);
	return enter_dir(w, path, err);
}

static int writer_symlink(struct entry_writer *w, const char *path,
			  const char *target, struct err *err)
{
	struct written_entry *m = NULL;
	int ret;

	if (!toolchain_dir_digest_is_link_inside(path, target))
		return err_set(err, EINVAL,
			       "%s: symbolic link leads outside the archive: "
			       "\"%.200s\"",
			       path, target);
	ret = prepare_entry(w, path, COMPILER_ENTRY_SYMLINK, &m, err);
	if (ret)
		return ret;
	m->entry.target = xstrdup(target); /* NOLINT: prepare_entry() set `m` */
	if (symlinkat(target, w->parent_fd, str_base(path)))
		return err_errno(err, "%s", path);
	return 0;
}

static int writer_hard_link(struct entry_writer *w, const char *path,
			    const char *target, struct err *err)
{
	struct written_entry *to = find_written_entry(w, target), *m = NULL;
	int from, ret;

	if (!to || to->entry.kind != COMPILER_ENTRY_FILE)
		return err_set(err, EINVAL,
			       "%s: hard link to a path that is not a file: "
			       "\"%.200s\"",
			       path, target);
	ret = enter_parent_dir(w, target, err);
	if (ret)
		return ret;
	from = fcntl(w->parent_fd, F_DUPFD_CLOEXEC, 0);
	if (from < 0)
		return err_errno(err, "%s", path);
	ret = prepare_entry(w, path, COMPILER_ENTRY_FILE, &m, err);
	if (!ret &&
	    linkat(from, str_base(target), w->parent_fd, str_base(path), 0))
		ret = err_errno(err, "%s", path);
	close(from);
	if (ret)
		return ret;
	m->entry.executable = to->entry.executable; /* NOLINT: likewise */
	m->entry.size_bytes = to->entry.size_bytes;
	m->entry.mtime_ns = to->entry.mtime_ns;
	m->entry.digest = to->entry.digest;
	return 0;
}

/* Begin a file.  writer_add() appends bytes, writer_close() completes it. */
static int writer_open(struct entry_writer *w, const char *path,
		       bool executable, struct err *err)
{
	int ret = prepare_entry(w, path, COMPILER_ENTRY_FILE, &w->current, err);

	if (ret)
		return ret;
	w->current->entry.executable = executable;
	w->file_fd = openat(
		w->parent_fd, str_base(path),
		O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (w->file_fd < 0)
		return err_errno(err, "%s", path);
	/* The mode must not depend on the umask. */
	if (fchmod(w->file_fd, executable ? 0755 : 0644))
		return err_errno(err, "%s", path);
	w->digest_ctx = digest_new();
	return 0;
}

static int writer_add(struct entry_writer *w, struct bytes b, struct err *err)
{
	int ret = bytes_write(w->file_fd, b);

	if (ret)
		return err_set(err, -ret, "%s: %s", w->current->entry.path,
			       strerror(-ret));
	digest_add(w->digest_ctx, b);
	w->current->entry.size_bytes += b.len;
	return 0;
}

static int writer_close(struct entry_writer *w, const struct timespec *mtime,
			struct err *err)
{
	struct compiler_entry *e = &w->current->entry;
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, *mtime };
	int ret = 0;

	e->mtime_ns = (int64_t)mtime->tv_sec * 1000000000 + mtime->tv_nsec;
	digest_finish(w->digest_ctx, &e->digest);
	w->digest_ctx = NULL;
	if (futimens(w->file_fd, times))
		ret = err_errno(err, "%s", e->path);
	/* NFS reports write errors only on close. */
	if (close(w->file_fd) && !ret)
		ret = err_errno(err, "%s", e->path);
	w->file_fd = -1;
	return ret;
}

/*
 * Move all files, links and empty directories, sorted by path, to `out`.  After
 * this call, the caller must not use the writer except to free it.
 */
static void writer_take_entries(struct entry_writer *w,
				struct compiler_entries *out)
{
	struct map_entry *n = NULL;

	*out = (struct compiler_entries){ 0 };
	while ((n = map_next(&w->by_path, n))) {
		struct written_entry *m = (struct written_entry *)n;

		if (m->entry.kind == COMPILER_ENTRY_DIR && m->n_children)
			continue;
		*VEC_ADD(out->v, out->n) = m->entry;
		m->entry.path = m->entry.target = NULL;
	}
	toolchain_dir_digest_sort_entries(out);
}

/*
 * Unpacking uses two libarchive readers in sequence: the first decompresses
 * (format "raw") and the second reads the resulting tar, so that the tar's
 * bytes are available in between.  Both run on a second thread, because
 * libarchive pulls its input whereas the caller pushes it.  A socket pair
 * connects the caller and the thread: closing the caller's end ends the input,
 * and closing the thread's end aborts the caller's writes.
 */

#define BLOCK                       (1u << 18)
#define BYTES_MAX                   (8ull << 30)
#define RATIO_MAX                   100
#define UNPACKED_RATIO_EXEMPT_BYTES (64ull << 20)
/*
 * Maximum number of consecutive input bytes that yield no output, such as
 * padding.
 */
#define INPUT_WITHOUT_OUTPUT_MAX (16ull << 20)

struct toolchain_unpack {
	struct toolchain_unpack_setup setup;
	struct task *task; /* NULL: joined */
	struct entry_writer *writer;

	/* Used by the caller's thread only. */
	struct digest_ctx *digest_ctx;
	int input_fd; /* the caller's end of the socket; -1: closed */

	/* Used by the unpacking thread, and by the caller after task_join(). */
	int output_fd; /* the thread's end of the socket */
	int result;
	struct err error;
	struct archive *outer, *inner;
	uint64_t received_bytes, tar_bytes, written_bytes;
	uint64_t last_output_at_bytes; /* `received_bytes` at the last output */
	uint8_t *input, *block;
};

static int check_size(struct toolchain_unpack *u, uint64_t bytes)
{
	if (bytes > u->setup.max_bytes)
		return err_set(&u->error, E2BIG,
			       "unpacks to more than %llu MiB",
			       (unsigned long long)u->setup.max_bytes >> 20);
	if (bytes > UNPACKED_RATIO_EXEMPT_BYTES &&
	    bytes - UNPACKED_RATIO_EXEMPT_BYTES >
		    u->received_bytes * u->setup.max_ratio)
		return err_set(&u->error, E2BIG,
			       "unpacks to more than %u times its size",
			       u->setup.max_ratio);
	return 0;
}

/*
 * Read the bytes that arrive from the caller for the first reader.  u->result
 * is the first failure.  It takes precedence over libarchive's error, which
 * follows from that failure.
 */
static la_ssize_t on_read(struct archive *a, void *ctx, const void **out)
{
	struct toolchain_unpack *u = ctx;
	la_ssize_t n;

	/*
	 * Limit trailing bytes: xz permits any number of zeros after a stream.
	 */
	if (u->received_bytes - u->last_output_at_bytes >
	    INPUT_WITHOUT_OUTPUT_MAX) {
		int ret = err_set(&u->error, EBADMSG,
				  "trailing data after the end of the archive");

		if (!u->result)
			u->result = ret;
		return -1;
	}
	do {
		n = read(u->output_fd, u->input, BLOCK);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		archive_set_error(a, errno, "%s", strerror(errno));
	*out = u->input;
	if (n > 0)
		u->received_bytes += (uint64_t)n;
	return n;
}

/* Pass the first reader's output to the second reader. */
static la_ssize_t on_tar_read(struct archive *a, void *ctx, const void **out)
{
	struct toolchain_unpack *u = ctx;
	const char *text;
	la_int64_t offset;
	size_t n = 0;
	int ret;

	do {
		ret = archive_read_data_block(u->outer, out, &n, &offset);
	} while (ret == ARCHIVE_OK && !n);
	if (ret == ARCHIVE_EOF)
		return 0;
	if (ret < ARCHIVE_OK) {
		text = archive_error_string(u->outer);
		archive_set_error(a, EBADMSG, "%s", text ? text : "damaged");
		return -1;
	}
	u->tar_bytes += n;
	u->last_output_at_bytes = u->received_bytes;
	ret = check_size(u, u->tar_bytes);
	if (!ret && u->setup.on_tar_data)
		ret = u->setup.on_tar_data(u->setup.ctx, bytes_of(*out, n),
					   &u->error);
	if (!ret)
		return (la_ssize_t)n;
	if (!u->result)
		u->result = ret;
	return -1;
}

static int set_damaged_error(struct toolchain_unpack *u, struct archive *a)
{
	const char *text = archive_error_string(a);

	if (u->result)
		return u->result;
	return err_set(&u->error, EBADMSG, "damaged or truncated: %s",
		       text ? text : "not an archive");
}

static int write_file(struct toolchain_unpack *u, struct archive_entry *e,
		      const char *path)
{
	struct timespec mtime = { .tv_sec = archive_entry_mtime(e),
				  .tv_nsec = archive_entry_mtime_nsec(e) };
	mode_t mode = archive_entry_mode(e);
	uint64_t before = u->written_bytes;
	la_ssize_t n;
	int ret;

	if (mode & (S_ISUID | S_ISGID))
		return err_set(&u->error, EINVAL, "%s: setuid or setgid file",
			       path);
	ret = writer_open(u->writer, path, mode & 0111, &u->error);
	while (!ret) {
		n = archive_read_data(u->inner, u->block, BLOCK);
		if (!n)
			break;
		/* Do not retry on ARCHIVE_RETRY, which could recur for ever. */
		if (n < 0)
			return set_damaged_error(u, u->inner);
		u->written_bytes += (uint64_t)n;
		ret = check_size(u, u->written_bytes);
		if (!ret)
			ret = writer_add(u->writer,
					 bytes_of(u->block, (size_t)n),
					 &u->error);
	}
	/*
	 * Reject a sparse file that ends in a hole: the hole would not be
	 * written.
	 */
	if (!ret &&
	    u->written_bytes - before != (uint64_t)archive_entry_size(e))
		ret = err_set(&u->error, EINVAL,
			      "%s: sparse file ends in a hole", path);
	if (!ret)
		ret = writer_close(u->writer, &mtime, &u->error);
	return ret;
}

static int write_entry(struct toolchain_unpack *u, struct archive_entry *e)
{
	const char *name = archive_entry_pathname(e);
	const char *target = archive_entry_symlink(e);
	const char *hard_link = archive_entry_hardlink(e);
	char *path, *hard_target;
	int ret;

	if (!name)
		return err_set(&u->error, EINVAL,
			       "cannot read the name of an entry");
	path = str_trim_path(name);
	if (hard_link && archive_entry_size_is_set(e) &&
	    archive_entry_size(e) > 0) {
		ret = err_set(&u->error, EINVAL,
			      "%s: the hard link has content", path);
	} else if (hard_link) {
		hard_target = str_trim_path(hard_link);
		ret = writer_hard_link(u->writer, path, hard_target, &u->error);
		free(hard_target);
	} else if (archive_entry_filetype(e) == AE_IFLNK) {
		ret = writer_symlink(u->writer, path, target ? target : "",
				     &u->error);
	} else if (archive_entry_filetype(e) == AE_IFDIR) {
		ret = path[0] ? writer_mkdir(u->writer, path, &u->error) : 0;
	} else if (archive_entry_filetype(e) == AE_IFREG) {
		ret = write_file(u, e, path);
	} else {
		ret = err_set(&u->error, EINVAL,
			      "%.200s: not a file, link or directory", path);
	}
	free(path);
	return ret;
}

static int unpack_archive(struct toolchain_unpack *u)
{
	struct archive_entry *e;
	const void *block;
	uint64_t end;
	la_ssize_t n;
	int ret;

	u->outer = archive_read_new();
	u->inner = archive_read_new();
	if (!u->outer || !u->inner)
		str_out_of_memory();
	archive_read_support_filter_xz(u->outer);
	archive_read_support_filter_gzip(u->outer);
	archive_read_support_format_raw(u->outer);
	archive_read_support_format_tar(u->inner);
	if (archive_read_open(u->outer, u, NULL, on_read, NULL) ||
	    archive_read_next_header(u->outer, &e))
		return set_damaged_error(u, u->outer);
	if (archive_read_open(u->inner, u, NULL, on_tar_read, NULL))
		return set_damaged_error(u, u->inner);
	for (;;) {
		if (u->result)
			return u->result;
		ret = archive_read_next_header(u->inner, &e);
		if (ret == ARCHIVE_EOF)
			break;
		if (ret < ARCHIVE_WARN)
			return set_damaged_error(u, u->inner);
		ret = write_entry(u, e);
		if (ret)
			return ret;
	}

	/*
	 * Read the padding after the end of the tar, because the signature
	 * covers the padding.
	 */
	end = u->tar_bytes;
	do {
		n = on_tar_read(u->outer, u, &block);
	} while (n > 0 && u->tar_bytes - end < INPUT_WITHOUT_OUTPUT_MAX);
	if (n < 0)
		return set_damaged_error(u, u->outer);
	if (n ||
	    archive_filter_bytes(u->outer, -1) != (la_int64_t)u->received_bytes)
		return err_set(&u->error, EBADMSG,
			       "trailing data after the end of the archive");
	return 0;
}

static void unpack_thread(void *arg)
{
	struct toolchain_unpack *u = arg;

	u->result = unpack_archive(u);
	close(u->output_fd);
}

struct toolchain_unpack *toolchain_unpack_start(
	const struct toolchain_unpack_setup *setup, struct err *err)
{
	struct toolchain_unpack *u = xcalloc(1, sizeof(*u));
	int ends[2];

	u->setup = *setup;
	if (!u->setup.max_bytes)
		u->setup.max_bytes = BYTES_MAX;
	if (!u->setup.max_entries)
		u->setup.max_entries = COMPILER_ENTRIES_MAX;
	if (!u->setup.max_ratio)
		u->setup.max_ratio = RATIO_MAX;
	u->input = xmalloc(BLOCK);
	u->block = xmalloc(BLOCK);
	u->digest_ctx = digest_new();
	u->writer = writer_new(setup->dir_fd, u->setup.max_entries);
	u->input_fd = -1;

	/* Use sockets, because write() to a pipe could raise SIGPIPE. */
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends)) {
		err_errno(err, "socketpair");
		toolchain_unpack_free(u);
		return NULL;
	}
	u->input_fd = ends[0];
	u->output_fd = ends[1];
	u->task = task_start(unpack_thread, u);
	if (!u->task) {
		close(u->output_fd);
		err_set(err, EAGAIN, "cannot start the unpacking thread");
		toolchain_unpack_free(u);
		return NULL;
	}
	return u;
}

/* End the input and wait for the unpacking thread. */
static void join_thread(struct toolchain_unpack *u)
{
	if (u->input_fd >= 0)
		close(u->input_fd);
	u->input_fd = -1;
	if (u->task)
		task_join(u->task);
	u->task = NULL;
}

int toolchain_unpack_feed(struct toolchain_unpack *u, struct bytes b,
			  struct err *err)
{
	digest_add(u->digest_ctx, b);
	while (b.len && u->task) {
		ssize_t n = send(u->input_fd, b.data, b.len, MSG_NOSIGNAL);

		if (n >= 0)
			b = bytes_of(b.data + n, b.len - (size_t)n);
		else if (errno != EINTR)
			/* the thread has ended and closed its end */
			join_thread(u);
	}
	if (!b.len)
		return 0;
	if (!u->result)
		u->result = err_set(
			&u->error, EBADMSG,
			"trailing data after the end of the archive");
	*err = u->error;
	return u->result;
}

int toolchain_unpack_finish(struct toolchain_unpack *u,
			    struct toolchain_unpacked *out, struct err *err)
{
	int ret;

	*out = (struct toolchain_unpacked){ 0 };
	join_thread(u);
	ret = u->result;
	if (!ret) {
		writer_take_entries(u->writer, &out->entries);
		digest_finish(u->digest_ctx, &out->archive_digest);
		u->digest_ctx = NULL;
	} else {
		*err = u->error;
	}
	toolchain_unpack_free(u);
	return ret;
}

void toolchain_unpack_free(struct toolchain_unpack *u)
{
	if (!u)
		return;
	join_thread(u);
	archive_read_free(u->inner);
	archive_read_free(u->outer);
	if (u->digest_ctx)
		digest_finish(u->digest_ctx, NULL);
	writer_free(u->writer);
	free(u->input);
	free(u->block);
	free(u);
}

void toolchain_unpacked_release(struct toolchain_unpacked *u)
{
	compiler_entries_release(&u->entries);
	*u = (struct toolchain_unpacked){ 0 };
}
