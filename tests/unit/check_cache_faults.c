/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: cache */
/*
 * The result cache while system calls fail, after the death of a process at any
 * of them, and with damaged files: a lookup returns the stored result or
 * nothing, and the next build can store again.
 */
#include "cache/cache.h"

#include "../lib/random.h"
#include "../lib/test.h"
#include "store-fixture.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <sys/syscall.h>

FIXTURE(play_setup, play_teardown);
TIMEOUT(300);

/* ---------------------------------------------------------------- faults */

/* A call that changes a file counts while `armed` is set. */
static atomic_bool armed;
static atomic_uint n_calls;
static unsigned first_fault; /* number of the call */
static int fault; /* errno, or 0 to kill the process */
static bool lasting; /* the calls after the first one fail as well */

static bool is_faulty(void)
{
	unsigned n = armed ? atomic_fetch_add(&n_calls, 1) + 1 : 0;

	return n && (n == first_fault || (lasting && n > first_fault));
}

static int cause_fault(void)
{
	if (!fault)
		raise(SIGKILL);
	errno = fault;
	return -1;
}

/*
 * The functions below replace those of the C library, whose headers have
 * parameter names of their own.
 */
/* NOLINTBEGIN(readability-inconsistent-declaration-parameter-name) */

ssize_t write(int fd, const void *data, size_t len)
{
	/* Half of the bytes are written before the fault. */
	if (!is_faulty())
		return syscall(SYS_write, fd, data, len);
	syscall(SYS_write, fd, data, len / 2);
	return cause_fault();
}

ssize_t pwrite(int fd, const void *data, size_t len, off_t at)
{
	if (!is_faulty())
		return syscall(SYS_pwrite64, fd, data, len, at);
	syscall(SYS_pwrite64, fd, data, len / 2, at);
	return cause_fault();
}

int openat(int dir, const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list list;

	va_start(list, flags);
	if (flags & O_CREAT)
		mode = va_arg(list, mode_t);
	va_end(list);
	if ((flags & O_CREAT) && is_faulty())
		return cause_fault();
	return (int)syscall(SYS_openat, dir, path, flags, mode);
}

int mkdirat(int dir, const char *path, mode_t mode)
{
	/* The kernel detects first that the directory exists. */
	return faccessat(dir, path, F_OK, 0) && is_faulty() ?
		       cause_fault() :
		       (int)syscall(SYS_mkdirat, dir, path, mode);
}

int renameat(int from, const char *a, int to, const char *b)
{
	return is_faulty() ? cause_fault() :
			     (int)syscall(SYS_renameat2, from, a, to, b, 0);
}

int linkat(int from, const char *a, int to, const char *b, int flags)
{
	return is_faulty() ? cause_fault() :
			     (int)syscall(SYS_linkat, from, a, to, b, flags);
}

int fchmod(int fd, mode_t mode)
{
	return is_faulty() ? cause_fault() : (int)syscall(SYS_fchmod, fd, mode);
}

int ftruncate(int fd, off_t len)
{
	return is_faulty() ? cause_fault() :
			     (int)syscall(SYS_ftruncate, fd, len);
}
/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */

static void arm(unsigned first)
{
	first_fault = first;
	n_calls = 0;
	armed = true;
}

/* Return true if the first call with a fault was not reached. */
static bool disarm(void)
{
	armed = false;
	return n_calls < first_fault;
}

/* --------------------------------------------------------------- results */

static int open_results(struct cache **c, struct err *err)
{
	const struct cache_setup setup = { .dir = "store" };

	*c = NULL;
	return cache_open(c, &setup, err);
}

static struct digest key_of(unsigned seed)
{
	struct digest d;

	digest_bytes(bytes_of(&seed, sizeof(seed)), &d);
	return d;
}

/* A result with a blob and a small output in the record. */
static struct peer_job_result make_result(unsigned seed)
{
	struct play_blob object = play_blob(seed, 4200);
	struct peer_job_result r = { .wire.cpu_ms = seed };

	buf_add(&r.streams[WIRE_OUTPUT_OBJECT], object.data, object.size);
	buf_add_str(&r.streams[WIRE_OUTPUT_DEPS], "a.o: a.c a.h\n");
	free(object.data);
	return r;
}

static int add(struct cache *c, unsigned seed, struct err *err)
{
	struct peer_job_result r = make_result(seed);
	struct digest key = key_of(seed);
	int ret = cache_add(c, &key, &r, err);

	peer_job_result_release(&r);
	return ret;
}

/* Look up a result, which must be the stored one. */
static int find(struct cache *c, unsigned seed)
{
	struct peer_job_result want = make_result(seed), got;
	struct digest key = key_of(seed);
	int ret = cache_find(c, &key, &got);

	for (int i = 0; i < WIRE_N_OUTPUTS && !ret; i++)
		ck_assert(bytes_equal(buf_bytes(&got.streams[i]),
				      buf_bytes(&want.streams[i])));
	if (!ret)
		ck_assert_uint_eq(got.wire.cpu_ms, seed);
	peer_job_result_release(&got);
	peer_job_result_release(&want);
	return ret;
}

/* Check that another build can use the cache, which has the first result. */
static void expect_usable(void)
{
	struct cache *c;
	struct err err;

	must(open_results(&c, &err));
	/* The scratch directories of dead processes are removed. */
	ck_assert_uint_eq(play_entries("store/live"), 1);
	ck_assert_int_eq(find(c, 1), 0);
	for (unsigned seed = 2; seed < 4; seed++) {
		must(add(c, seed, &err));
		ck_assert_int_eq(find(c, seed), 0);
	}
	cache_free(c);
}

/* Create a cache with the first result. */
static void make_results(void)
{
	struct cache *c;
	struct err err;

	must(fs_remove("store", &err));
	must(open_results(&c, &err));
	must(add(c, 1, &err));
	cache_free(c);
}

/* Store and find two results, as a build does. */
static void use(struct cache *c)
{
	for (unsigned seed = 2; seed < 4; seed++) {
		struct digest key = key_of(seed);
		struct err err = { 0 };
		int stored = add(c, seed, &err);
		int found = find(c, seed);

		/* The first error is reported. */
		if (stored && stored != -ECANCELED)
			text_has(err.text, "no more results are stored");

		store_put_record(cache_store(c), STORE_RECORD_NOTE, &key,
				 bytes_str("note"));
		if (!stored)
			ck_assert_int_eq(found, 0);
		else
			ck_assert_int_eq(found, -ENOENT);
	}
	ck_assert_int_eq(find(c, 1), 0);
}

static const struct {
	const char *name;
	int error;
	bool lasting;
} faults[] = {
	{ "full disk", ENOSPC, true }, { "full for a moment", ENOSPC, false },
	{ "quota", EDQUOT, true },     { "failed write", EIO, false },
	{ "read-only", EROFS, true },
};

TEST_EACH(a_failed_system_call_leaves_a_usable_cache, faults)
{
	bool ended = false;

	fault = row->error;
	lasting = row->lasting;
	for (unsigned first = 1; !ended; first++) {
		struct cache *c;
		struct err err;
		int ret;

		make_results();
		arm(first);
		ret = open_results(&c, &err);
		if (!ret)
			use(c);
		else
			text_has(err.text, strerror(row->error));
		cache_free(c);
		ended = disarm();
		expect_usable();
	}
}

TEST(the_death_of_a_process_leaves_a_usable_cache)
{
	unsigned first = 0;
	int status = 1;

	fault = 0;
	while (status) {
		pid_t pid;

		make_results();
		pid = fork();
		ck_assert_int_ge(pid, 0);
		if (!pid) {
			struct cache *c;
			struct err err;

			arm(++first);
			if (!open_results(&c, &err))
				use(c);
			store_gc(cache_store(c), UINT64_MAX);
			cache_free(c);
			_exit(0);
		}
		first++;
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
		if (status)
			ck_assert_int_eq(status, SIGKILL);
		expect_usable();
	}
	ck_assert_uint_gt(first, 30);
}

/* ---------------------------------------------------------------- damage */

/* Return the path of a file of the cache with the only result. */
static char *file_below(const char *dir)
{
	char *line = xasprintf("find store/%s -type f", dir);
	FILE *p = popen(line, "r");
	char path[200];

	ck_assert_ptr_nonnull(fgets(path, sizeof(path), p));
	path[strcspn(path, "\n")] = '\0';
	ck_assert_int_eq(pclose(p), 0);
	free(line);
	return xstrdup(path);
}

static void put_file(const char *path, struct bytes content)
{
	int fd;

	unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0444);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, content.data, content.len),
			 (ssize_t)content.len);
	close(fd);
}

static const char *const dirs[] = { "action", "sha256" };

/* Damage each byte, and cut the file before every sixteenth. */
TEST_RANGE(any_damaged_byte_is_a_miss, 0, 2)
{
	struct buf file = { 0 }, record = { 0 };
	char *path, *record_path;
	struct cache *c;
	struct err err;

	make_results();
	path = file_below(dirs[_i]);
	record_path = file_below("action");
	must(fs_read(path, 1 << 20, &file, &err));
	must(fs_read(record_path, 1 << 20, &record, &err));
	must(open_results(&c, &err));
	for (size_t i = 0; i < file.len; i++) {
		file.data[i] ^= (uint8_t)(1 << i % 8);
		put_file(path, buf_bytes(&file));
		file.data[i] ^= (uint8_t)(1 << i % 8);
		ck_assert_int_eq(find(c, 1), -EBADMSG);
		/* The record and the damaged file are removed. */
		ck_assert_int_eq(find(c, 1), -ENOENT);
		ck_assert(!fs_exists(path));
		ck_assert(!fs_exists(record_path));
		if (i % 16 == 0) {
			put_file(record_path, buf_bytes(&record));
			put_file(path, bytes_of(file.data, i));
			ck_assert_int_lt(find(c, 1), 0);
		}
		put_file(record_path, buf_bytes(&record));
		put_file(path, buf_bytes(&file));
		ck_assert_int_eq(find(c, 1), 0);
	}
	cache_free(c);
	buf_release(&file);
	buf_release(&record);
	free(path);
	free(record_path);
}

TEST(a_result_of_another_version_is_a_miss)
{
	struct digest key = key_of(1);
	struct buf record = { 0 };
	struct store *s;
	struct cache *c;
	struct err err;

	make_results();
	must(open_results(&c, &err));
	s = cache_store(c);
	must(store_get_record(s, STORE_RECORD_ACTION, &key, &record));
	for (unsigned i = 1; i < 256; i++) {
		record.data[0]++;
		must(store_put_record(s, STORE_RECORD_ACTION, &key,
				      buf_bytes(&record)));
		ck_assert_int_eq(find(c, 1), -EBADMSG);
		ck_assert_int_eq(find(c, 1), -ENOENT);
	}
	record.data[0]++;
	must(store_put_record(s, STORE_RECORD_ACTION, &key,
			      buf_bytes(&record)));
	ck_assert_int_eq(find(c, 1), 0);
	buf_release(&record);
	cache_free(c);
}

/* A record of the other kind is valid for its key, but is no result. */
TEST(a_note_in_place_of_a_result_is_a_miss)
{
	struct digest key = key_of(1);
	struct buf note = { 0 };
	char *from, *to;
	struct cache *c;
	struct err err;

	make_results();
	must(open_results(&c, &err));
	must(store_put_record(cache_store(c), STORE_RECORD_NOTE, &key,
			      bytes_str("note")));
	from = file_below("note");
	to = file_below("action");
	must(fs_read(from, 1 << 20, &note, &err));
	put_file(to, buf_bytes(&note));
	ck_assert_int_eq(find(c, 1), -EBADMSG);
	ck_assert(!fs_exists(to));
	buf_release(&note);
	free(from);
	free(to);
	cache_free(c);
}

/* ----------------------------------------------------------- concurrency */

/* Find 300 results, and add the missing ones.  Returns the number of hits. */
static unsigned build(unsigned number)
{
	unsigned n_hits = 0;
	struct cache *c;
	struct err err;

	must(open_results(&c, &err));
	pick_start(number);
	for (int i = 0; i < 300; i++) {
		unsigned seed = 1 + pick(20);
		int ret = find(c, seed);

		/* A blob of the record can be removed before it is read. */
		ck_assert_int_eq(ret ? ret : -ENOENT, -ENOENT);
		n_hits += !ret;
		if (ret)
			must(add(c, seed, &err));
	}
	cache_free(c);
	return n_hits;
}

/* Remove all results again and again, as `kfarm cache clear` does. */
static void clear_often(void)
{
	for (int i = 0; i < 50; i++) {
		struct cache *c;
		struct err err;

		must(open_results(&c, &err));
		must(store_gc(cache_store(c), 1));
		cache_free(c);
	}
}

TEST(two_builds_and_a_clear_can_run_concurrently)
{
	pid_t pids[3];
	int status;

	make_results();
	for (unsigned i = 0; i < 3; i++) {
		pids[i] = check_fork();
		if (!pids[i]) {
			if (i < 2)
				ck_assert_uint_gt(build(i), 0);
			else
				clear_often();
			exit(0);
		}
	}
	for (unsigned i = 0; i < 3; i++) {
		ck_assert_int_eq(waitpid(pids[i], &status, 0), pids[i]);
		ck_assert_int_eq(status, 0);
	}
}
