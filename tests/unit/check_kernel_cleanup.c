/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kernel */
#include "kernel/cleanup.h"

#include "../lib/private-tmp.h"
#include "../lib/test.h"
#include "base/process.h"
#include "kernel-tree.h"
#include "kernel/builddir.h"
#include "kernel/rundir.h"

#include <sys/file.h>

#define BUILDS ".cache/kfarm/builds/"

static struct err err;

/* Remove all output directories except the newest `n_kept` of each kind. */
static void remove_outputs(size_t n_kept)
{
	const struct kernel_cleanup_request r = { .n_kept_builds = n_kept };
	struct kernel_cleanup found;

	kernel_cleanup_find(&found, &r);
	for (size_t i = 0; i < found.n_items; i++)
		must(kernel_cleanup_remove(&found.items[i], &err));
	kernel_cleanup_release(&found);
}

FIXTURE(tree_set_up, tree_tear_down);

TEST(a_directory_named_by_the_user_is_not_removed)
{
	/* build 8 with -o builds/20, and the default directories 6 and 7 */
	put_file(BUILDS "20/metadata.json", "{\"kfarm\":{\"build\":8}}", 0644);
	put_file(BUILDS "7/metadata.json", "{\"kfarm\":{\"build\":7}}", 0644);
	put_file(BUILDS "6/build.log", "", 0644);
	/* kfarm allocates neither of these numbers */
	put_file(BUILDS "20261125141300/build.log", "", 0644);
	put_file(BUILDS "007/build.log", "", 0644);
	remove_outputs(0);
	ck_assert(stands(BUILDS "20") && stands(BUILDS "20261125141300") &&
		  stands(BUILDS "007"));
	ck_assert(!stands(BUILDS "6") && !stands(BUILDS "7"));
}

/*
 * Add the output directory of a build in `build_dir` whose metadata.json lists
 * `artifacts`.
 */
static void add_output(int number, const char *build_dir, const char *artifacts)
{
	char *name = xasprintf(BUILDS "%d/metadata.json", number);
	char *text = xasprintf("{\"kfarm\":{\"build\":%d},"
			       "\"build\":{\"build_dir\":\"%s/%s\"},"
			       "\"results\":{\"artifacts\":{%s"
			       "\"config\":[\"config\"],"
			       "\"log\":[\"build.log\"]}}}",
			       number, top, build_dir, artifacts);

	put_file(name, text, 0644);
	free(text);
	free(name);
}

#define IMAGE "\"kernel\":[\"Image\"],"

TEST(builds_without_artifacts_do_not_displace_builds_with_artifacts)
{
	put_file("a/.config", "", 0644);
	add_output(1, "a", IMAGE);
	add_output(2, "a", IMAGE);
	add_output(3, "a", IMAGE);
	add_output(4, "a", "");
	put_file(BUILDS "5/build.log", "", 0644);
	add_output(6, "a", "");
	remove_outputs(2);
	ck_assert(!stands(BUILDS "1") && !stands(BUILDS "4"));
	ck_assert(stands(BUILDS "2") && stands(BUILDS "3"));
	ck_assert(stands(BUILDS "5") && stands(BUILDS "6"));
	remove_outputs(0);
	ck_assert(!stands(BUILDS "3") && !stands(BUILDS "6"));
}

TEST(the_newest_artifacts_of_each_build_directory_are_retained)
{
	put_file("a/.config", "", 0644);
	put_file("b/.config", "", 0644);
	add_output(1, "a", IMAGE);
	add_output(2, "a", IMAGE);
	add_output(3, "removed", IMAGE);
	add_output(4, "a", "");
	add_output(5, "b", IMAGE);
	add_output(6, "b", IMAGE);
	remove_outputs(1);
	ck_assert(!stands(BUILDS "1") && stands(BUILDS "2"));
	ck_assert(!stands(BUILDS "3") && stands(BUILDS "4"));
	ck_assert(!stands(BUILDS "5") && stands(BUILDS "6"));
	remove_outputs(0);
	ck_assert(!stands(BUILDS "2") && !stands(BUILDS "6"));
}

#define BUILD_DIR ".cache/kfarm/build/linux-arm64-defconfig-gcc-0123abcd"

/* Return the number of unused build directories. */
static size_t count_unused(void)
{
	const struct kernel_cleanup_request r = {
		.n_kept_builds = KERNEL_CLEANUP_KEEP_ALL,
		.unused_since_s = time(NULL) + 60,
	};
	struct kernel_cleanup found;
	size_t n;

	kernel_cleanup_find(&found, &r);
	n = found.n_items;
	kernel_cleanup_release(&found);
	return n;
}

TEST(a_reused_pid_does_not_hold_a_build_directory)
{
	unsigned long long ticks = process_start_ticks(getppid());
	struct kernel_rundir_note note;
	struct kernel_lock l;
	char *dir, *text;

	put_file(BUILD_DIR "/.config", "", 0644);
	dir = at(BUILD_DIR);
	must(kernel_lock_take(&l, dir, &err));
	ck_assert_uint_eq(count_unused(), 0);
	ck_assert(kernel_rundir_note_read(l.holder_path, &note));

	text = xasprintf("%d %llu %llu\n", (int)getppid(), ticks,
			 note.namespace_id);
	must(fs_write(l.holder_path, bytes_str(text), 0600, &err));
	ck_assert_uint_eq(count_unused(), 0);
	free(text);
	text = xasprintf("%d %llu %llu\n", (int)getppid(), ticks + 1,
			 note.namespace_id);
	must(fs_write(l.holder_path, bytes_str(text), 0600, &err));
	ck_assert_uint_eq(count_unused(), 1);
	free(text);
	kernel_lock_release(&l);
	free(dir);
}

static bool are_caches_busy(void)
{
	const struct kernel_cleanup_request r = {
		.n_kept_builds = KERNEL_CLEANUP_KEEP_ALL, .caches = true
	};
	struct kernel_cleanup found;
	bool busy;

	kernel_cleanup_find(&found, &r);
	busy = found.caches_busy;
	kernel_cleanup_release(&found);
	return busy;
}

TEST(a_locked_output_directory_makes_the_caches_busy)
{
	char *dir = at(BUILDS "1"), *cache = at(".cache/kfarm/probes");
	const struct kernel_cleanup_item item = { .kind = KERNEL_CLEANUP_CACHE,
						  .path = cache };
	int lock;

	put_file(BUILDS "1/build.log", "", 0644);
	put_file(".cache/kfarm/probes/a", "", 0644);
	lock = open(dir, O_RDONLY | O_DIRECTORY);
	ck_assert_int_eq(flock(lock, LOCK_EX | LOCK_NB), 0);
	ck_assert(are_caches_busy());
	ck_assert_int_eq(kernel_cleanup_remove(&item, &err), -EBUSY);
	text_has(err.text, "in use by a running build");
	close(lock);
	ck_assert(!are_caches_busy());
	must(kernel_cleanup_remove(&item, &err));
	ck_assert(!stands(".cache/kfarm/probes"));
	free(cache);
	free(dir);
}

TEST(a_build_outside_the_login_session_makes_the_caches_busy)
{
	char *login = xasprintf("/run/user/%d", (int)geteuid());
	char *base = xasprintf("/tmp/kfarm-%d", (int)geteuid());
	char *build = xasprintf("%s/42", base);
	int lock;

	if (!private_tmp_mount())
		SKIP("no private /tmp: %s", strerror(errno));
	must(fs_mkdirs(build, 0700, &err));
	lock = open(build, O_RDONLY | O_DIRECTORY);
	setenv("XDG_RUNTIME_DIR", login, 1);
	ck_assert(!are_caches_busy());
	ck_assert_int_eq(flock(lock, LOCK_EX | LOCK_NB), 0);
	ck_assert(are_caches_busy());
	/* Another user could have created such a directory. */
	ck_assert_int_eq(chmod(base, 0777), 0);
	ck_assert(!are_caches_busy());
	ck_assert_int_eq(chmod(base, 0700), 0);
	setenv("XDG_RUNTIME_DIR", "/tmp", 1);
	ck_assert(!are_caches_busy());
	close(lock);
	private_tmp_unmount();
	free(build);
	free(base);
	free(login);
}
