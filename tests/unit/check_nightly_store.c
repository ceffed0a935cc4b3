/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: nightly */
#include "nightly/store.h"

#include "../lib/nfs-flock.h"
#include "../lib/tempdir.h"
#include "../lib/test.h"
#include "nightly-put.h"

#define NIGHT 1700000000LL /* 2023-11-14 22:13:20 UTC */

static char dir[TEMPDIR_SIZE];
static struct nightly_job job;
static struct nightly_store store;
static const struct nightly_wait at_once;

static void open_store(void)
{
	struct err err = { 0 };

	if (nightly_store_open(&store, &job, &at_once, &err))
		ck_abort_msg("%s", err.text);
}

static void reopen(void)
{
	nightly_store_release(&store);
	open_store();
}

static void set_up(void)
{
	tempdir_make(dir);
	setenv("TZ", "UTC0", 1);
	job = (struct nightly_job){ .name = "job",
				    .results_dir = xasprintf("%s/results", dir),
				    .keep_last = 10 };
	open_store();
}

static void tear_down(void)
{
	nightly_store_release(&store);
	strv_release(&job.arches);
	free(job.results_dir);
	tempdir_remove(dir);
}

/* Return the target of a link, or "". */
static const char *link_target(const char *name)
{
	static char target[256];
	char *path = xasprintf("%s/%s", job.results_dir, name);
	ssize_t n = readlink(path, target, sizeof(target) - 1);

	target[n > 0 ? n : 0] = '\0';
	free(path);
	return target;
}

static void update_links(void)
{
	struct err err = { 0 };

	must(nightly_store_update_links(&store, &job, &err));
}

/* Return the names in the directory except the lock, as "a b c". */
static char *list_results_dir(void)
{
	struct strv names = { 0 }, shown = { 0 };
	char *out;

	ck_assert_int_eq(fs_list(job.results_dir, &names), 0);
	for (size_t i = 0; i < names.n; i++) {
		if (strcmp(names.v[i], "lock") != 0)
			strv_add(&shown, names.v[i]);
	}
	out = strv_join(&shown, " ");
	strv_release(&shown);
	strv_release(&names);
	return out;
}

static void check_names(const char *wanted)
{
	char *names = list_results_dir();

	ck_assert_str_eq(names, wanted);
	free(names);
}

static void write_file(const char *name, const char *file, const char *text)
{
	char *at = xasprintf("%s/%s", job.results_dir, name);
	char *path = xasprintf("%s/%s", at, file);
	struct err err = { 0 };

	must(fs_mkdirs(at, 0777, &err));
	must(fs_write(path, bytes_str(text), 0644, &err));
	free(path);
	free(at);
}

#define FIRST "2023-11-14T2213-g012345678901-arm64-defconfig-gcc-12.2.0"

FIXTURE(set_up, tear_down);

TEST(result_names_are_unique_and_numbers_increase)
{
	const struct nightly_result *r, *again, *back;

	r = put_result(&store, "b", NIGHTLY_END_GOOD, NIGHT);
	ck_assert_uint_eq(r->number, 1);
	ck_assert_str_eq(str_base(r->dir), FIRST);
	/* In the same minute, and after the clock was set back. */
	again = put_result(&store, "b", NIGHTLY_END_GOOD, NIGHT + 1);
	ck_assert_str_eq(str_base(again->dir), FIRST "-2");
	back = put_result(&store, "b", NIGHTLY_END_GOOD, NIGHT - 86400);
	ck_assert_uint_eq(back->number, 3);
	reopen();
	ck_assert_uint_eq(store.n_results, 3);
	ck_assert_uint_eq(store.results[2]->number, 3);
	ck_assert_int_eq(store.results[2]->began_s, NIGHT - 86400);
	ck_assert_ptr_eq(nightly_store_latest(&store, "b"), store.results[2]);
}

TEST(a_result_name_omits_directories_of_arch_and_toolchain)
{
	struct nightly_result r, *out = NULL;
	struct err err = { 0 };
	char *build_dir = NULL;

	put_fill(&r, "b", NIGHTLY_END_BROKEN, NIGHT);
	free(r.arch);
	r.arch = xstrdup("a/arm64");
	free(r.toolchain);
	r.toolchain = xstrdup("/opt/none/bin/nosuch-");
	must(nightly_store_create_build_dir(&store, &build_dir, &err));
	must(nightly_store_publish(&store, &r, &out, &err));
	ck_assert_str_eq(
		str_base(out->dir),
		"2023-11-14T2213-g012345678901-arm64-defconfig-nosuch-");
	free(build_dir);
	reopen();
	ck_assert_str_eq(store.results[0]->toolchain, "/opt/none/bin/nosuch-");
}

TEST(links_point_to_the_latest_and_the_last_good_result)
{
	put_result(&store, "b", NIGHTLY_END_GOOD, NIGHT);
	put_result(&store, "b", NIGHTLY_END_FAILED, NIGHT + 60);
	update_links();
	ck_assert_str_eq(link_target("last-good"), FIRST);
	ck_assert_str_eq(
		link_target("latest"),
		"2023-11-14T2214-g012345678901-arm64-defconfig-gcc-12.2.0");
	put_result(&store, "b", NIGHTLY_END_BROKEN, NIGHT + 120);
	update_links();
	ck_assert_str_eq(link_target("last-good"), FIRST);
	put_result(&store, "b", NIGHTLY_END_GOOD, NIGHT + 180);
	update_links();
	ck_assert_str_eq(
		link_target("last-good"),
		"2023-11-14T2216-g012345678901-arm64-defconfig-gcc-12.2.0");
}

TEST(each_of_several_builds_has_its_own_links)
{
	strv_add(&job.arches, "arm64");
	strv_add(&job.arches, "riscv");
	put_result(&store, "arm64-defconfig", NIGHTLY_END_GOOD, NIGHT);
	put_result(&store, "riscv-defconfig", NIGHTLY_END_FAILED, NIGHT + 60);
	update_links();
	ck_assert_str_eq(link_target("latest-arm64-defconfig"), FIRST);
	ck_assert_str_eq(link_target("last-good-arm64-defconfig"), FIRST);
	ck_assert_str_eq(link_target("last-good"), FIRST);
	ck_assert_str_eq(link_target("latest"),
			 str_base(store.results[1]->dir));
	ck_assert_str_eq(link_target("latest-riscv-defconfig"),
			 str_base(store.results[1]->dir));
	ck_assert_str_eq(link_target("last-good-riscv-defconfig"), "");
	/* A job with a single build has no links per build. */
	strv_release(&job.arches);
	update_links();
	ck_assert_str_eq(link_target("latest-arm64-defconfig"), "");
	ck_assert_str_eq(link_target("latest"),
			 str_base(store.results[1]->dir));
}

TEST(an_error_names_a_directory_that_cannot_be_listed)
{
	struct nightly_store missing;
	struct err err = { 0 };

	must(nightly_store_read(&missing, "/nonexistent", &err));
	err.text[0] = '\0';
	err_is(nightly_store_update_links(&missing, &job, &err), -ENOENT,
	       "/nonexistent: No such file or directory");
	nightly_store_release(&missing);
}

TEST(opening_the_store_cleans_up_after_a_killed_run)
{
	char *latest = xasprintf("%s/latest", job.results_dir);

	put_result(&store, "b", NIGHTLY_END_GOOD, NIGHT);
	/*
	 * Runs were killed during a build, during a removal, and before the
	 * update of the links.
	 */
	nightly_store_release(&store);
	write_file(".building", "metadata.json", "half");
	write_file(".gone-2023-x", "vmlinux", "half");
	unlink(latest);
	ck_assert_int_eq(symlink("nowhere", latest), 0);
	open_store();
	check_names(FIRST " last-good latest");
	ck_assert_str_eq(link_target("latest"), FIRST);
	free(latest);
}

TEST(damaged_results_are_not_counted_and_are_removed_when_old)
{
	static const char bad[] = "2023-11-15T2213-g012345678901-a-b-c";
	struct err err = { 0 };
	struct stat st;
	char *path = xasprintf("%s/%s", job.results_dir, bad);

	put_result(&store, "b", NIGHTLY_END_GOOD, NIGHT);
	write_file(bad, NIGHTLY_RESULT_FILE, "{ \"number\": 9");
	write_file("notes", "of-mine", "x");
	reopen();
	ck_assert_uint_eq(store.n_results, 1);
	ck_assert_uint_eq(store.damaged.n, 1);
	ck_assert_str_eq(store.damaged.v[0], bad);
	ck_assert_int_eq(stat(path, &st), 0);
	must(nightly_store_remove_damaged(&store, st.st_mtime, &err));
	ck_assert(fs_exists(path));
	must(nightly_store_remove_damaged(&store, st.st_mtime + 1, &err));
	check_names(FIRST " last-good latest notes");
	free(path);
}

TEST(only_one_run_can_lock_the_store)
{
	struct nightly_wait wait = { 0 };
	struct nightly_store other;
	struct err err = { 0 };
	atomic_bool stop = true;

	ck_assert_int_eq(nightly_store_open(&other, &job, &wait, &err), -EBUSY);
	text_has(err.text, "another run is active");
	nightly_store_release(&other);
	wait.timeout_s = 1;
	ck_assert_int_eq(nightly_store_open(&other, &job, &wait, &err), -EBUSY);
	nightly_store_release(&other);
	wait.stop = &stop;
	ck_assert_int_eq(nightly_store_open(&other, &job, &wait, &err),
			 -ECANCELED);
	nightly_store_release(&other);
	/* A reader needs no lock. */
	must(nightly_store_read(&other, job.results_dir, &err));
	nightly_store_release(&other);
}

TEST(removing_a_result_leaves_the_numbers_of_other_results)
{
	struct err err = { 0 };

	put_result(&store, "b", NIGHTLY_END_GOOD, NIGHT);
	put_result(&store, "b", NIGHTLY_END_GOOD, NIGHT + 60);
	must(nightly_store_remove(&store, 0, &err));
	ck_assert_uint_eq(store.n_results, 1);
	ck_assert_uint_eq(store.results[0]->number, 2);
	update_links();
	reopen();
	ck_assert_uint_eq(store.n_results, 1);
	ck_assert_uint_eq(
		put_result(&store, "b", NIGHTLY_END_GOOD, NIGHT)->number, 3);
}
