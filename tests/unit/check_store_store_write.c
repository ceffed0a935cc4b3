/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: store */
#include "store/store.h"

#include "../lib/test.h"
#include "store-fixture.h"

#include <pthread.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>

static struct store_write *begin(struct store *s, const struct play_blob *b)
{
	struct store_write *in = NULL;

	ck_assert_int_eq(store_write_begin(&in, s, &b->digest, b->size, false),
			 0);
	return in;
}

/* Check that no write is in progress and `s` has the only scratch directory. */
static void expect_clean(struct store *s)
{
	struct store_stats n;

	store_stats(s, &n);
	ck_assert_uint_eq(n.incoming_bytes, 0);
	ck_assert_uint_eq(play_entries("store/live"), 1);
}

static size_t private_entries(void)
{
	char *path = NULL;
	DIR *list = opendir("store/live");
	struct dirent *e;
	size_t n;

	ck_assert_ptr_nonnull(list);
	while ((e = readdir(list)) != NULL)
		if (e->d_name[0] != '.')
			path = xasprintf("store/live/%s", e->d_name);
	closedir(list);
	ck_assert_ptr_nonnull(path);
	n = play_entries(path);
	free(path);
	return n;
}

FIXTURE(play_setup, play_teardown);
TIMEOUT(300);

TEST(a_blob_is_stored_as_a_read_only_file_and_can_be_read)
{
	static const size_t sizes[] = { 0, 1, 4096, 300001 };
	struct store *s = play_open(0);

	for (unsigned i = 0; i < 4; i++) {
		struct play_blob b = play_blob(i, sizes[i]);
		char *path = play_path(&b);
		struct stat st;

		ck_assert(!store_has(s, &b.digest, b.size));
		ck_assert_int_eq(play_copy(s, &b), -ENOENT);
		ck_assert_int_eq(play_put(s, &b, false), 0);
		ck_assert(store_has(s, &b.digest, b.size));
		ck_assert(!store_has(s, &b.digest, b.size + 1));
		ck_assert_int_eq(play_copy(s, &b), 0);
		ck_assert_int_eq(lstat(path, &st), 0);
		ck_assert_uint_eq(st.st_mode, S_IFREG | 0444);
		ck_assert_uint_eq(st.st_nlink, 1);
		free(path);
		free(b.data);
	}
	expect_clean(s);
	ck_assert_uint_eq(private_entries(), 0);
	store_free(s);
}

TEST(a_blob_can_be_written_byte_by_byte)
{
	struct store *s = play_open(0);
	struct play_blob b = play_blob(1, 500);
	struct store_write *in = begin(s, &b);

	for (size_t i = 0; i < b.size; i++) {
		ck_assert_int_eq(store_write_add(in, bytes_of(b.data + i, 1)),
				 0);
		ck_assert(!store_has(s, &b.digest, b.size));
	}
	ck_assert_int_eq(store_write_commit(in), 0);
	ck_assert_int_eq(play_copy(s, &b), 0);
	free(b.data);
	store_free(s);
}

TEST(wrong_or_incomplete_content_is_not_stored)
{
	struct store *s = play_open(0);
	struct play_blob b = play_blob(1, 5000), other = play_blob(2, 5000);
	struct store_write *in = begin(s, &b);

	/* different content */
	ck_assert_int_eq(store_write_add(in, bytes_of(other.data, 5000)), 0);
	ck_assert_int_eq(store_write_commit(in), -EBADMSG);
	/* too short */
	in = begin(s, &b);
	ck_assert_int_eq(store_write_add(in, bytes_of(b.data, 4999)), 0);
	ck_assert_int_eq(store_write_commit(in), -EBADMSG);
	/* too long: the error persists */
	in = begin(s, &b);
	ck_assert_int_eq(store_write_add(in, bytes_of(b.data, 4999)), 0);
	ck_assert_int_eq(store_write_add(in, bytes_of(b.data, 2)), -EMSGSIZE);
	ck_assert_int_eq(store_write_add(in, bytes_of(b.data, 1)), -EMSGSIZE);
	ck_assert_int_eq(store_write_commit(in), -EMSGSIZE);
	/* abandoned */
	in = begin(s, &b);
	ck_assert_int_eq(store_write_add(in, bytes_of(b.data, 100)), 0);
	store_write_abort(in);
	store_write_abort(NULL);
	ck_assert(!store_has(s, &b.digest, b.size));
	ck_assert_int_eq(play_copy(s, &b), -ENOENT);
	expect_clean(s);
	ck_assert_uint_eq(private_entries(), 0);
	free(b.data);
	free(other.data);
	store_free(s);
}

/* The file types are planted at the blob's path or above it. */
TEST(directories_and_symlinks_at_the_path_are_replaced)
{
	struct play_blob b = play_blob(1, 3000);
	char *path = play_path(&b), *dir = str_dir(path);
	struct store *s = play_open(0);
	struct err err = { 0 };
	char *below = xasprintf("%s/below", path);

	/* The collector's first pass removes such entries, too. */
	play_counted(s);
	must(fs_mkdirs(below, 0700, &err));
	ck_assert_int_eq(play_put(s, &b, false), 0);
	ck_assert_int_eq(play_copy(s, &b), 0);

	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(symlink("/etc/passwd", path), 0);
	ck_assert_int_eq(play_put(s, &b, false), 0);
	ck_assert_int_eq(play_copy(s, &b), 0);

	/* the parent directory of the entry */
	must(fs_remove(dir, &err));
	ck_assert_int_eq(mkdir("outside", 0700), 0);
	ck_assert_int_eq(symlink("../../outside", dir), 0);
	ck_assert_int_eq(play_put(s, &b, false), 0);
	ck_assert_int_eq(play_copy(s, &b), 0);
	ck_assert_uint_eq(play_entries("outside"), 0);
	free(below);
	free(path);
	free(dir);
	free(b.data);
	store_free(s);
}

TEST(a_damaged_entry_is_replaced)
{
	struct play_blob b = play_blob(1, 3000);
	struct store *s = play_open(0);

	ck_assert_int_eq(play_put(s, &b, true), 0);
	play_damage(&b);
	ck_assert_int_eq(play_put(s, &b, false), 0);
	ck_assert_int_eq(play_copy(s, &b), 0);
	free(b.data);
	store_free(s);
}

TEST(a_blob_of_64_mib_can_be_written_in_pieces)
{
	enum {
		PIECE = 256 << 10,
		PIECES = 256
	};
	struct play_blob b = play_blob(1, PIECE);
	struct digest_ctx *run = digest_new();
	struct store *s = play_open(0);
	struct store_write *in;
	struct digest d;

	for (int i = 0; i < PIECES; i++)
		digest_add(run, bytes_of(b.data, PIECE));
	digest_finish(run, &d);
	ck_assert_int_eq(store_write_begin(&in, s, &d, PIECE * PIECES, false),
			 0);
	for (int i = 0; i < PIECES; i++)
		ck_assert_int_eq(store_write_add(in, bytes_of(b.data, PIECE)),
				 0);
	ck_assert_int_eq(store_write_commit(in), 0);
	ck_assert(store_has(s, &d, PIECE * PIECES));
	free(b.data);
	store_free(s);
}

/* A resource limit has the effect of a full disk. */
TEST(a_failed_write_leaves_no_files)
{
	struct rlimit limit = { 4096, RLIM_INFINITY }, old;
	struct play_blob b = play_blob(1, 10000);
	struct store *s = play_open(0);
	struct store_write *in = begin(s, &b);

	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &old), 0);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	ck_assert_int_eq(store_write_add(in, bytes_of(b.data, b.size)), -EFBIG);
	ck_assert_uint_eq(private_entries(), 0);
	ck_assert_int_eq(store_write_commit(in), -EFBIG);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &old), 0);
	ck_assert(!store_has(s, &b.digest, b.size));
	ck_assert_int_eq(play_put(s, &b, false), 0);
	expect_clean(s);
	free(b.data);
	store_free(s);
}

TEST(a_full_disk_is_an_error_and_leaves_no_files)
{
	struct play_blob b = play_blob(1, 600 << 10);
	struct play_blob c = play_blob(2, 600 << 10);
	struct store *s;

	ck_assert_int_eq(mkdir("store", 0700), 0);
	/* Mount in a private namespace, which ends with the process. */
	if (unshare(CLONE_NEWNS) ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("none", "store", "tmpfs", 0, "size=1m,mode=0700")) {
		free(b.data);
		free(c.data);
		SKIP("no private tmpfs: %s", strerror(errno));
	}
	s = play_open(64 << 20);
	ck_assert_int_eq(play_put(s, &b, false), 0);
	ck_assert_int_eq(play_put(s, &c, false), -ENOSPC);
	ck_assert_uint_eq(private_entries(), 0);
	ck_assert_int_eq(play_copy(s, &b), 0);
	expect_clean(s);
	store_free(s);
	ck_assert_int_eq(umount("store"), 0);
	free(b.data);
	free(c.data);
}

TEST(several_processes_can_store_the_same_blob)
{
	struct play_blob b = play_blob(1, 20000);
	pid_t pids[4];
	struct store *s;

	for (int i = 0; i < 4; i++) {
		pids[i] = fork();
		ck_assert_int_ge(pids[i], 0);
		if (pids[i])
			continue;
		s = play_open(0);
		for (int n = 0; n < 50; n++) {
			int fd = play_put(s, &b, n % 2);

			if (!fd)
				fd = store_open_blob(s, &b.digest, b.size);
			if (fd < 0)
				_exit(1);
			close(fd);
		}
		store_free(s);
		_exit(0);
	}
	for (int i = 0; i < 4; i++) {
		int status;

		ck_assert_int_eq(waitpid(pids[i], &status, 0), pids[i]);
		ck_assert_int_eq(status, 0);
	}
	s = play_open(0);
	ck_assert_int_eq(play_copy(s, &b), 0);
	expect_clean(s);
	free(b.data);
	store_free(s);
}

static void *store_all(void *arg)
{
	struct store *s = arg;

	for (unsigned i = 0; i < 50; i++) {
		struct play_blob b = play_blob(i, 100 * i);

		ck_assert_int_eq(play_put(s, &b, true), 0);
		ck_assert_int_eq(play_copy(s, &b), 0);
		store_unpin(s, &b.digest);
		free(b.data);
	}
	return NULL;
}

TEST(several_threads_can_store_the_same_blobs)
{
	struct store *s = play_open(0);
	struct store_stats n;
	pthread_t threads[4];

	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(
			pthread_create(&threads[i], NULL, store_all, s), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	expect_clean(s);
	store_stats(s, &n);
	ck_assert_uint_eq(n.n_written, 200);
	ck_assert_uint_eq(n.n_read, 200);
	ck_assert_uint_eq(n.n_pinned, 0);
	ck_assert_uint_eq(n.n_damaged, 0);
	store_free(s);
}

/* Processes are killed at different times while they store blobs. */
TEST(a_killed_process_leaves_no_incomplete_blob)
{
	struct timespec nap = { 0 };
	struct store *s;

	for (int round = 0; round < 10; round++) {
		pid_t pid = fork();

		ck_assert_int_ge(pid, 0);
		if (!pid) {
			s = play_open(0);
			for (unsigned i = 0;; i++) {
				struct play_blob b = play_blob(i % 8, 100000);

				play_put(s, &b, true);
				free(b.data);
			}
		}
		nap.tv_nsec = 3000000 + round * 1700000;
		nanosleep(&nap, NULL);
		ck_assert_int_eq(kill(pid, SIGKILL), 0);
		ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	}
	s = play_open(0);
	expect_clean(s);
	ck_assert_uint_eq(private_entries(), 0);
	for (unsigned i = 0; i < 8; i++) {
		struct play_blob b = play_blob(i, 100000);
		int ret = play_copy(s, &b);

		ck_assert_msg(!ret || ret == -ENOENT, "%d", ret);
		free(b.data);
	}
	store_free(s);
}

/* The process is killed in the middle of a blob. */
TEST(the_incomplete_blob_of_a_killed_process_is_removed)
{
	struct play_blob b = play_blob(1, 100000);
	struct store *s;
	int ready[2];
	char byte;
	pid_t pid;

	ck_assert_int_eq(pipe(ready), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (!pid) {
		struct store_write *in;

		s = play_open(0);
		in = begin(s, &b);
		store_write_add(in, bytes_of(b.data, 50000));
		if (write(ready[1], "", 1) == 1)
			pause();
		_exit(0);
	}
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	s = play_open(0);
	ck_assert_uint_eq(play_entries("store/live"), 2);
	store_free(s);
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	s = play_open(0);
	expect_clean(s);
	ck_assert(!store_has(s, &b.digest, b.size));
	store_free(s);
	free(b.data);
	close(ready[0]);
	close(ready[1]);
}

TEST(if_the_store_directory_is_removed_reads_and_writes_fail)
{
	struct play_blob b = play_blob(1, 1000), c = play_blob(2, 1000);
	struct store *s = play_open(0);
	struct store_write *in;
	struct err err = { 0 };

	play_counted(s);
	ck_assert_int_eq(play_put(s, &b, true), 0);
	in = begin(s, &c);
	must(fs_remove("store", &err));
	ck_assert_int_eq(store_write_add(in, bytes_of(c.data, c.size)), 0);
	ck_assert_int_eq(store_write_commit(in), -ENOENT);
	ck_assert_int_eq(play_put(s, &c, false), -ENOENT);
	ck_assert(!store_has(s, &b.digest, b.size));
	ck_assert_int_eq(play_copy(s, &b), -ENOENT);
	ck_assert_int_eq(store_pin(s, &b.digest, b.size), -ENOENT);
	ck_assert_int_eq(store_gc(s, 1), 0);
	store_free(s);
	free(b.data);
	free(c.data);
}
