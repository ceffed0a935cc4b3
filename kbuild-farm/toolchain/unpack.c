/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two libarchive readers, one behind the other: the first takes off the
 * compression (format "raw"), the second reads the tar that comes out, so
 * that its bytes are seen on the way.  Both run on a thread, as libarchive
 * pulls; a socket lies between it and the caller, who pushes: its ends say
 * that no more will come, or that nobody wants to know any more.
 */
#include "toolchain/unpack.h"

#include "base/task.h"
#include "toolchain/writer.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK      (1u << 18)
#define BYTES_MAX  (8ull << 30)
#define RATIO_MAX  100
#define RATIO_FREE (64ull << 20)
#define BARREN_MAX (16ull << 20) /* bytes that are of no use */

struct toolchain_unpack {
	struct toolchain_unpack_setup setup;
	struct task *task; /* NULL: through */
	struct toolchain_writer *writer;

	/* The caller's side. */
	struct digest_run *digest;
	int to; /* the caller's end of the socket; -1: closed */

	/* The thread's side; the caller's once that was joined. */
	int from; /* its end; closed when it is through */
	int ret;
	struct err why;
	struct archive *outer, *inner;
	uint64_t came, plain, written;
	uint64_t fertile; /* of what came, when something last came out */
	uint8_t *input, *block;
};

/* The first failure counts: what libarchive says of it later does not. */
static int set_failure(struct toolchain_unpack *u, int ret)
{
	if (!u->ret)
		u->ret = ret;
	return -1;
}

static int check_size(struct toolchain_unpack *u, uint64_t bytes)
{
	if (bytes > u->setup.bytes)
		return err_set(&u->why, E2BIG, "unpacks to more than %llu MiB",
			       (unsigned long long)u->setup.bytes >> 20);
	if (bytes > RATIO_FREE && bytes - RATIO_FREE > u->came * u->setup.ratio)
		return err_set(&u->why, E2BIG,
			       "unpacks to more than %u times its size",
			       u->setup.ratio);
	return 0;
}

/* libarchive wants more of what was pushed. */
static la_ssize_t on_read(struct archive *a, void *ctx, const void **out)
{
	struct toolchain_unpack *u = ctx;
	la_ssize_t n;

	/* Zeros behind a stream are legal in xz, and may never end. */
	if (u->came - u->fertile > BARREN_MAX)
		return set_failure(
			u, err_set(&u->why, EBADMSG, "bytes behind its end"));
	do {
		n = read(u->from, u->input, BLOCK);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		archive_set_error(a, errno, "%s", strerror(errno));
	*out = u->input;
	if (n > 0)
		u->came += (uint64_t)n;
	return n;
}

/* The second reader wants more of what the first one unpacks. */
static la_ssize_t on_plain(struct archive *a, void *ctx, const void **out)
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
	u->plain += n;
	u->fertile = u->came;
	ret = check_size(u, u->plain);
	if (!ret && u->setup.tar)
		ret = u->setup.tar(u->setup.ctx, bytes_of(*out, n), &u->why);
	return ret ? set_failure(u, ret) : (la_ssize_t)n;
}

static int damaged(struct toolchain_unpack *u, struct archive *a)
{
	const char *text = archive_error_string(a);

	if (u->ret)
		return u->ret;
	return err_set(&u->why, EBADMSG, "damaged or cut off: %s",
		       text ? text : "no archive");
}

static int write_content(struct toolchain_unpack *u)
{
	int ret = 0;

	while (!ret) {
		la_ssize_t n = archive_read_data(u->inner, u->block, BLOCK);

		/* ARCHIVE_RETRY may be said for ever, so it is damage too. */
		if (n <= 0)
			return n ? damaged(u, u->inner) : 0;
		u->written += (uint64_t)n;
		ret = check_size(u, u->written);
		if (!ret)
			ret = toolchain_writer_add(
				u->writer, bytes_of(u->block, (size_t)n),
				&u->why);
	}
	return ret;
}

static int write_file(struct toolchain_unpack *u, struct archive_entry *e,
		      const char *path)
{
	struct timespec mtime = { .tv_sec = archive_entry_mtime(e),
				  .tv_nsec = archive_entry_mtime_nsec(e) };
	mode_t mode = archive_entry_mode(e);
	uint64_t before = u->written;
	int ret;

	if (mode & (S_ISUID | S_ISGID))
		return err_set(&u->why, EINVAL, "%s: is setuid or setgid",
			       path);
	ret = toolchain_writer_open(u->writer, path, mode & 0111, &u->why);
	if (!ret)
		ret = write_content(u);
	/* A hole at the end is one that libarchive does not give. */
	if (!ret && u->written - before != (uint64_t)archive_entry_size(e))
		ret = err_set(&u->why, EINVAL, "%s: ends in a hole", path);
	if (!ret)
		ret = toolchain_writer_close(u->writer, &mtime, &u->why);
	return ret;
}

static int write_hard(struct toolchain_unpack *u, struct archive_entry *e,
		      const char *path)
{
	char *target = str_plain_path(archive_entry_hardlink(e));
	int ret;

	if (archive_entry_size_is_set(e) && archive_entry_size(e) > 0)
		ret = err_set(&u->why, EINVAL, "%s: a hard link with content",
			      path);
	else
		ret = toolchain_writer_hard(u->writer, path, target, &u->why);
	free(target);
	return ret;
}

static int write_entry(struct toolchain_unpack *u, struct archive_entry *e)
{
	const char *name = archive_entry_pathname(e);
	const char *target = archive_entry_symlink(e);
	char *path;
	int ret;

	if (!name)
		return err_set(&u->why, EINVAL,
			       "the name of an entry cannot be read");
	path = str_plain_path(name);
	if (archive_entry_hardlink(e))
		ret = write_hard(u, e, path);
	else if (archive_entry_filetype(e) == AE_IFLNK)
		ret = toolchain_writer_link(u->writer, path,
					    target ? target : "", &u->why);
	else if (archive_entry_filetype(e) == AE_IFDIR)
		ret = path[0] ? toolchain_writer_dir(u->writer, path, &u->why) :
				0;
	else if (archive_entry_filetype(e) == AE_IFREG)
		ret = write_file(u, e, path);
	else
		ret = err_set(&u->why, EINVAL,
			      "%.200s: neither file, link nor directory", path);
	free(path);
	return ret;
}

static int write_entries(struct toolchain_unpack *u)
{
	struct archive_entry *e;
	int ret;

	while (!u->ret) {
		ret = archive_read_next_header(u->inner, &e);
		if (ret == ARCHIVE_EOF)
			return 0;
		if (ret < ARCHIVE_WARN)
			return damaged(u, u->inner);
		ret = write_entry(u, e);
		if (ret)
			return ret;
	}
	return u->ret;
}

/* What lies behind the tar's end is signed like the rest. */
static int drain(struct toolchain_unpack *u)
{
	uint64_t end = u->plain;
	const void *block;
	la_ssize_t n;

	do {
		n = on_plain(u->outer, u, &block);
	} while (n > 0 && u->plain - end < BARREN_MAX);
	if (n < 0)
		return damaged(u, u->outer);
	if (n || archive_filter_bytes(u->outer, -1) != (la_int64_t)u->came)
		return err_set(&u->why, EBADMSG, "bytes behind its end");
	return 0;
}

static int open_both(struct toolchain_unpack *u)
{
	struct archive_entry *whole;

	u->outer = archive_read_new();
	u->inner = archive_read_new();
	if (!u->outer || !u->inner)
		str_out_of_memory();
	archive_read_support_filter_xz(u->outer);
	archive_read_support_filter_gzip(u->outer);
	archive_read_support_format_raw(u->outer);
	archive_read_support_format_tar(u->inner);
	if (archive_read_open(u->outer, u, NULL, on_read, NULL) ||
	    archive_read_next_header(u->outer, &whole))
		return damaged(u, u->outer);
	if (archive_read_open(u->inner, u, NULL, on_plain, NULL))
		return damaged(u, u->inner);
	return 0;
}

static void unpack_thread(void *arg)
{
	struct toolchain_unpack *u = arg;
	int ret = open_both(u);

	if (!ret)
		ret = write_entries(u);
	if (!ret)
		ret = drain(u);
	u->ret = ret;
	close(u->from);
}

static int start_thread(struct toolchain_unpack *u, struct err *err)
{
	int ends[2];

	/* Writing to a socket can do without SIGPIPE. */
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
		return err_errno(err, "socketpair");
	u->to = ends[0];
	u->from = ends[1];
	u->task = task_start(unpack_thread, u);
	if (u->task)
		return 0;
	close(u->from);
	return err_set(err, EAGAIN, "no thread to unpack with");
}

struct toolchain_unpack *toolchain_unpack_start(
	const struct toolchain_unpack_setup *setup, struct err *err)
{
	struct toolchain_unpack *u = xcalloc(1, sizeof(*u));

	u->setup = *setup;
	if (!u->setup.bytes)
		u->setup.bytes = BYTES_MAX;
	if (!u->setup.entries)
		u->setup.entries = COMPILER_ENTRIES_MAX;
	if (!u->setup.ratio)
		u->setup.ratio = RATIO_MAX;
	u->input = xmalloc(BLOCK);
	u->block = xmalloc(BLOCK);
	u->digest = digest_new();
	u->writer = toolchain_writer_new(setup->dir, u->setup.entries);
	u->to = -1;
	if (!start_thread(u, err))
		return u;
	toolchain_unpack_free(u);
	return NULL;
}

/* Nothing more is pushed; waits for what the thread makes of that. */
static void join_thread(struct toolchain_unpack *u)
{
	if (u->to >= 0)
		close(u->to);
	u->to = -1;
	if (u->task)
		task_join(u->task);
	u->task = NULL;
}

int toolchain_unpack_feed(struct toolchain_unpack *u, struct bytes b,
			  struct err *err)
{
	digest_add(u->digest, b);
	while (b.len && u->task) {
		ssize_t n = send(u->to, b.data, b.len, MSG_NOSIGNAL);

		if (n >= 0)
			b = bytes_of(b.data + n, b.len - (size_t)n);
		else if (errno != EINTR)
			join_thread(u); /* it reads no more, and says why */
	}
	if (!b.len)
		return 0;
	if (!u->ret)
		u->ret = err_set(&u->why, EBADMSG, "bytes behind its end");
	*err = u->why;
	return u->ret;
}

int toolchain_unpack_end(struct toolchain_unpack *u,
			 struct toolchain_unpacked *out, struct err *err)
{
	int ret;

	*out = (struct toolchain_unpacked){ 0 };
	join_thread(u);
	ret = u->ret;
	if (!ret) {
		toolchain_writer_list(u->writer, &out->entries);
		digest_end(u->digest, &out->archive);
		u->digest = NULL;
	} else {
		*err = u->why;
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
	if (u->digest)
		digest_end(u->digest, NULL);
	toolchain_writer_free(u->writer);
	free(u->input);
	free(u->block);
	free(u);
}

void toolchain_unpacked_release(struct toolchain_unpacked *u)
{
	compiler_entries_release(&u->entries);
	*u = (struct toolchain_unpacked){ 0 };
}
