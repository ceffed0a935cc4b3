/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kfarmd */
/*
 * The directory of installed toolchains, without a session.
 * check_kfarmd_bundle.c tests it with sessions.
 */
#include "../lib/failing-open.h"
#include "../lib/test.h"

#include "kfarmd/toolchains.h"

#include <pthread.h>
#include <sched.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/syscall.h>

static char dir[64];
static char *toolchains_path;
static char *toolchains_dir;
static _Thread_local struct err err;

static void set_up(void)
{
	strcpy(dir, "/tmp/check_agent.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	toolchains_path = xasprintf("%s/toolchains", dir);
	toolchains_dir = xstrdup(toolchains_path);
}

static void tear_down(void)
{
	free(toolchains_dir);
	free(toolchains_path);
	must(fs_remove(dir, &err));
}

static struct kfarmd_manifest manifest_of(const char *id, const char *content)
{
	struct kfarmd_manifest r = { .id = xstrdup(id),
				     .host = xstrdup("arm64") };
	struct compiler_entry *e = toolchain_dir_digest_add_entry(&r.entries,
								  "bin/gcc");

	e->kind = COMPILER_ENTRY_FILE;
	e->executable = true;
	e->size_bytes = strlen(content);
	e->mtime_ns = -1500000000;
	digest_bytes(bytes_str(content), &e->digest);
	toolchain_dir_digest_compute(&r.entries, &r.dir_digest);
	return r;
}

static int file_with(const char *content)
{
	char *path = xasprintf("%s/blob", dir);
	int fd;

	must(fs_write(path, bytes_str(content), 0600, &err));
	fd = open(path, O_RDONLY | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	free(path);
	return fd;
}

/* Publish with content `written`, while the manifest has `content`. */
static int publish(const char *id, const char *content, const char *written)
{
	struct kfarmd_manifest r = manifest_of(id, content);
	struct wire_inode inode = { .executable = 1,
				    .size = strlen(written),
				    .mtime_ns = -1500000000 };
	struct kfarmd_toolchain_stage *new;
	atomic_bool stop = false;
	int fd = file_with(written), ret;

	must(kfarmd_toolchain_stage_new(toolchains_dir, &new, 100, 1, &err));
	must(kfarmd_toolchain_stage_put(new, "/bin/gcc", &inode, fd, &err));
	ret = kfarmd_toolchain_stage_publish(new, &r, "{}", &stop, &err);
	kfarmd_toolchain_stage_free(new);
	kfarmd_manifest_release(&r);
	close(fd);
	return ret;
}

static uint32_t count(void)
{
	struct wire_held held;
	uint32_t n;

	must(kfarmd_toolchains_list(toolchains_dir, true, NULL, &held, &err));
	n = held.n_toolchains;
	wire_held_release(&held);
	return n;
}

FIXTURE(set_up, tear_down);
TIMEOUT(240);

TEST(list_lease_and_remove_do_not_create_the_directory)
{
	struct kfarmd_toolchain_lease l;
	struct digest tree = { 0 };

	ck_assert_uint_eq(count(), 0);
	ck_assert_int_eq(
		kfarmd_toolchains_lease(toolchains_dir, "gcc-1-x", &l, &err),
		-ENOENT);
	ck_assert_int_eq(
		kfarmd_toolchain_stage_remove(toolchains_dir, "gcc-1-x", &err),
		-ENOENT);
	ck_assert(!kfarmd_toolchains_has(toolchains_dir, "gcc-1-x", &tree));
	ck_assert(!fs_exists(toolchains_path));
}

TEST(a_published_toolchain_can_be_leased_and_is_then_busy)
{
	struct kfarmd_manifest r = manifest_of("gcc-1-x", "gcc");
	struct kfarmd_toolchain_lease l;
	struct stat st;
	char *path;

	ck_assert_int_eq(publish("gcc-1-x", "gcc", "gcc"), 0);
	ck_assert(kfarmd_toolchains_has(toolchains_dir, "gcc-1-x",
					&r.dir_digest));
	must(kfarmd_toolchains_lease(toolchains_dir, "gcc-1-x", &l, &err));
	ck_assert(digest_equal(&l.manifest.dir_digest, &r.dir_digest));
	path = xasprintf("%s/bin/gcc", l.dir);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_mtim.tv_sec, -2); /* also before 1970 */
	ck_assert_int_eq(st.st_mtim.tv_nsec, 500000000);
	ck_assert_int_eq(
		kfarmd_toolchain_stage_remove(toolchains_dir, "gcc-1-x", &err),
		-EBUSY);
	ck_assert_int_eq(publish("gcc-1-x", "new", "new"), -EBUSY);
	kfarmd_toolchains_release_lease(&l);
	must(kfarmd_toolchain_stage_remove(toolchains_dir, "gcc-1-x", &err));
	ck_assert_uint_eq(count(), 0);
	kfarmd_manifest_release(&r);
	free(path);
}

TEST(a_toolchain_with_the_same_id_replaces_the_old_one)
{
	struct kfarmd_manifest r = manifest_of("gcc-1-x", "new");

	ck_assert_int_eq(publish("gcc-1-x", "old", "old"), 0);
	ck_assert_int_eq(publish("gcc-1-x", "new", "new"), 0);
	ck_assert(kfarmd_toolchains_has(toolchains_dir, "gcc-1-x",
					&r.dir_digest));
	ck_assert_uint_eq(count(), 1);
	kfarmd_manifest_release(&r);
}

static atomic_bool replaced;
static unsigned n_replaced;

/* A replacement fails while the other thread has the lock. */
static void *replace(void *ignored)
{
	for (int i = 0; i < 200; i++) {
		const char *content = i & 1 ? "odd" : "even";

		n_replaced += !publish("gcc-1-x", content, content);
		sched_yield();
	}
	replaced = true;
	return ignored;
}

/* The files of one toolchain are not compared with the manifest of another. */
TEST(a_toolchain_can_be_replaced_during_verification)
{
	struct wire_held held;
	pthread_t thread;
	unsigned n = 0;

	ck_assert_int_eq(publish("gcc-1-x", "old", "old"), 0);
	ck_assert_int_eq(pthread_create(&thread, NULL, replace, NULL), 0);
	while (!replaced) {
		must(kfarmd_toolchains_list(toolchains_dir, n++ % 2, NULL,
					    &held, &err));
		/* A file system may be unable to exchange two directories. */
		for (unsigned i = 0; i < held.n_toolchains; i++)
			ck_assert_str_eq(held.toolchains[i].detail, "");
		wire_held_release(&held);
	}
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	ck_assert_uint_gt(n_replaced, 0);
}

/* If `publishes`, the next fsync(2) or shared flock(2) calls publish(). */
static bool publishes;
static int publish_result;

static void publish_concurrently(void)
{
	if (!publishes)
		return;
	publishes = false;
	publish_result = publish("gcc-1-x", "new", "new");
}

int fsync(int fd)
{
	publish_concurrently();
	return (int)syscall(SYS_fsync, fd);
}

int flock(int fd, int operation)
{
	int ret = (int)syscall(SYS_flock, fd, operation);

	if (!ret && operation == LOCK_SH)
		publish_concurrently();
	return ret;
}

/* Only a lease makes a replacement fail. */
TEST(a_toolchain_can_be_replaced_while_damage_is_recorded)
{
	char *bin = xasprintf("%s/gcc-1-x/bin/gcc", toolchains_path);
	char *mark = xasprintf("%s/gcc-1-x/.damage", toolchains_path);
	struct wire_held held;

	ck_assert_int_eq(publish("gcc-1-x", "old", "old"), 0);
	ck_assert_int_eq(unlink(bin), 0);
	publishes = true;
	must(kfarmd_toolchains_list(toolchains_dir, true, NULL, &held, &err));
	ck_assert(!publishes);
	ck_assert_int_eq(publish_result, 0);
	ck_assert_uint_eq(held.n_toolchains, 1);
	ck_assert_str_eq(held.toolchains[0].detail, "");
	ck_assert(!fs_exists(mark));
	wire_held_release(&held);
	free(mark);
	free(bin);
}

TEST(a_query_does_not_prevent_a_replacement)
{
	struct kfarmd_manifest r = manifest_of("gcc-1-x", "old");

	ck_assert_int_eq(publish("gcc-1-x", "old", "old"), 0);
	publishes = true;
	ck_assert(kfarmd_toolchains_has(toolchains_dir, "gcc-1-x",
					&r.dir_digest));
	ck_assert_int_eq(publish_result, 0);
	publishes = false;
	kfarmd_manifest_release(&r);
}

TEST(a_toolchain_that_differs_from_its_manifest_is_not_published)
{
	ck_assert_int_eq(publish("gcc-1-x", "good", "evil"), -EBADMSG);
	text_has(err.text, "bin/gcc");
	ck_assert_uint_eq(count(), 0);
	/* A bad toolchain does not replace a good one. */
	ck_assert_int_eq(publish("gcc-1-x", "good", "good"), 0);
	ck_assert_int_eq(publish("gcc-1-x", "more", "evil"), -EBADMSG);
	ck_assert_uint_eq(count(), 1);
}

/* The files of a killed kfarmd are not locked. */
TEST(scratch_directories_of_dead_processes_are_removed)
{
	char *left = xasprintf("%s/.live/1.1/new/bin", toolchains_path);

	must(fs_mkdirs(left, 0700, &err));
	ck_assert_int_eq(publish("gcc-1-x", "gcc", "gcc"), 0);
	ck_assert(!fs_exists(left));
	free(left);
}

TEST(a_toolchain_too_large_for_the_disk_is_rejected)
{
	struct kfarmd_toolchain_stage *new;

	ck_assert_int_eq(kfarmd_toolchain_stage_new(toolchains_dir, &new,
						    1ull << 60, 1, &err),
			 -ENOSPC);
	ck_assert_ptr_null(new);
	text_has(err.text, "no space left");
	text_has(err.text, toolchains_path);
}

/* The file system has no free inode for a file or directory. */
TEST(a_full_disk_does_not_prevent_a_removal)
{
	char *live = xasprintf("%s/.live", toolchains_path);
	int ret = 0;

	/* In a private namespace, which ends with the process. */
	must(fs_mkdirs(toolchains_path, 0700, &err));
	if (unshare(CLONE_NEWNS) ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("none", toolchains_path, "tmpfs", 0,
		  "nr_inodes=40,mode=0700")) {
		free(live);
		SKIP("no private tmpfs: %s", strerror(errno));
	}
	ck_assert_int_eq(publish("gcc-1-x", "gcc", "gcc"), 0);
	for (unsigned i = 0; i < 40 && !ret; i++) {
		char *path = xasprintf("%s/%u", toolchains_path, i);

		ret = mkdir(path, 0700) ? -errno : 0;
		free(path);
	}
	ck_assert_int_eq(ret, -ENOSPC);
	must(kfarmd_toolchain_stage_remove(toolchains_dir, "gcc-1-x", &err));
	ck_assert_int_eq(
		kfarmd_toolchain_stage_remove(toolchains_dir, "gcc-1-x", &err),
		-ENOENT);
	ck_assert_int_eq(rmdir(live), 0); /* empty */
	ck_assert_int_eq(umount(toolchains_path), 0);
	free(live);
}

TEST_RANGE(an_invalid_toolchain_is_listed_as_damaged_and_not_leased, 0, 2)
{
	char *path = xasprintf("%s/gcc-1-x", toolchains_path);
	struct wire_held held;
	struct kfarmd_toolchain_lease l;

	if (_i == 0) {
		must(fs_mkdirs(path, 0700, &err));
	} else {
		/* A toolchain with the manifest of another one. */
		ck_assert_int_eq(publish("gcc-2-x", "gcc", "gcc"), 0);
		free(path);
		path = xasprintf("mv '%s/gcc-2-x' '%s/gcc-1-x'",
				 toolchains_path, toolchains_path);
		ck_assert_int_eq(system(path), 0);
	}
	must(kfarmd_toolchains_list(toolchains_dir, false, NULL, &held, &err));
	ck_assert_uint_eq(held.n_toolchains, 1);
	ck_assert_uint_eq(held.toolchains[0].state, WIRE_HELD_DAMAGED);
	ck_assert_str_eq(held.toolchains[0].id, "gcc-1-x");
	ck_assert(wire_host_is_valid(held.toolchains[0].host));
	ck_assert_int_eq(
		kfarmd_toolchains_lease(toolchains_dir, "gcc-1-x", &l, &err),
		-EBADMSG);
	must(kfarmd_toolchain_stage_remove(toolchains_dir, "gcc-1-x", &err));
	wire_held_release(&held);
	free(path);
}

TEST(a_damaged_toolchain_is_not_leased_until_verified)
{
	struct kfarmd_toolchain_lease l;

	ck_assert_int_eq(publish("gcc-1-x", "gcc", "gcc"), 0);
	must(kfarmd_toolchains_lease(toolchains_dir, "gcc-1-x", &l, &err));
	kfarmd_toolchains_mark_damaged(&l, "bin/gcc is bad");
	kfarmd_toolchains_release_lease(&l);
	err_is(kfarmd_toolchains_lease(toolchains_dir, "gcc-1-x", &l, &err),
	       -EBADMSG, "bin/gcc is bad");
	/* Reading all files verifies the toolchain. */
	ck_assert_uint_eq(count(), 1);
	must(kfarmd_toolchains_lease(toolchains_dir, "gcc-1-x", &l, &err));
	kfarmd_toolchains_release_lease(&l);
}

/* If not 0, open(2) of an installed compiler fails with this error. */
static int compiler_error;

static int open_error(const char *path, int flags)
{
	(void)flags;
	return str_ends(path, "/gcc-1-x/bin/gcc") ? compiler_error : 0;
}

static const struct open_failure {
	int error;
	bool is_damage;
} open_failures[] = {
	{ EMFILE, false }, { ENFILE, false }, { ENOMEM, false }, { EIO, true }
};

TEST_EACH(a_lack_of_descriptors_or_memory_is_not_recorded_as_damage,
	  open_failures)
{
	char *mark = xasprintf("%s/gcc-1-x/.damage", toolchains_path);
	struct wire_held held;

	ck_assert_int_eq(publish("gcc-1-x", "gcc", "gcc"), 0);
	compiler_error = row->error;
	must(kfarmd_toolchains_list(toolchains_dir, true, NULL, &held, &err));
	compiler_error = 0;
	ck_assert_uint_eq(held.n_toolchains, 1);
	ck_assert_uint_eq(held.toolchains[0].state, WIRE_HELD_DAMAGED);
	text_has(held.toolchains[0].detail, strerror(row->error));
	ck_assert_int_eq(fs_exists(mark), row->is_damage);
	wire_held_release(&held);
	free(mark);
}

TEST(a_file_of_an_installed_toolchain_is_copied_to_the_store)
{
	char *path = xasprintf("%s/store", dir);
	struct kfarmd_toolchains_index *x;
	struct store *store;
	struct digest d, none;

	must(store_open(&store, path, 64u << 20, &err));
	ck_assert_int_eq(publish("gcc-1-x", "gcc", "gcc"), 0);
	x = kfarmd_toolchains_index(toolchains_dir);
	digest_bytes(bytes_str("gcc"), &d);
	digest_bytes(bytes_str("none"), &none);
	ck_assert_int_eq(kfarmd_toolchains_copy_to_store(x, store, &none, 4),
			 -ENOENT);
	ck_assert_int_eq(kfarmd_toolchains_copy_to_store(x, store, &d, 4),
			 -ENOENT);
	ck_assert(!store_has(store, &d, 3));
	ck_assert_int_eq(kfarmd_toolchains_copy_to_store(x, store, &d, 3), 0);
	ck_assert(store_has(store, &d, 3));
	store_unpin(store, &d);
	kfarmd_toolchains_index_free(x);
	store_free(store);
	free(path);
}

TEST(a_damaged_file_is_not_copied_to_the_store)
{
	char *path = xasprintf("%s/store", dir);
	char *line = xasprintf("chmod u+w '%s/gcc-1-x/bin/gcc' && "
			       "printf evl >'%s/gcc-1-x/bin/gcc'",
			       toolchains_path, toolchains_path);
	struct kfarmd_toolchains_index *x;
	struct store *store;
	struct digest d;

	must(store_open(&store, path, 64u << 20, &err));
	ck_assert_int_eq(publish("gcc-1-x", "gcc", "gcc"), 0);
	x = kfarmd_toolchains_index(toolchains_dir);
	ck_assert_int_eq(system(line), 0);
	digest_bytes(bytes_str("gcc"), &d);
	ck_assert_int_eq(kfarmd_toolchains_copy_to_store(x, store, &d, 3),
			 -ENOENT);
	ck_assert(!store_has(store, &d, 3));
	kfarmd_toolchains_index_free(x);
	store_free(store);
	free(line);
	free(path);
}
