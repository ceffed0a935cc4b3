/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kernel */
#include "kernel/capacity.h"

#include "../lib/tempdir.h"
#include "../lib/test.h"
#include "base/err.h"
#include "base/spawn.h"
#include "kernel/offload.h"
#include "node/roster.h"

#include <limits.h>
#include <sys/resource.h>

static char root[TEMPDIR_SIZE];

static void set_up(void)
{
	static const struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY };

	tempdir_make(root);
	setrlimit(RLIMIT_NPROC, &unlimited);
}

static void tear_down(void)
{
	tempdir_remove(root);
}

static void limit(int resource, rlim_t n)
{
	struct rlimit r;

	ck_assert_int_eq(getrlimit(resource, &r), 0);
	r.rlim_cur = n;
	ck_assert_int_eq(setrlimit(resource, &r), 0);
}

static void put(const char *name, const char *content)
{
	char *path = xasprintf("%s/%s", root, name), *dir = str_dir(path);
	struct err err;

	must(fs_mkdirs(dir, 0700, &err));
	must(fs_write(path, bytes_str(content), 0600, &err));
	free(dir);
	free(path);
}

static void expect_with(size_t n_node_files, unsigned jobs, const char *words)
{
	char *reason = NULL;

	ck_assert_uint_eq(kernel_capacity(&reason, root, n_node_files), jobs);
	ck_assert_ptr_nonnull(reason);
	ck_assert_msg(strstr(reason, words), "%s", reason);
	free(reason);
}

static void expect(unsigned jobs, const char *words)
{
	expect_with(0, jobs, words);
}

FIXTURE(set_up, tear_down);

TEST(open_files_limit_the_jobs)
{
	limit(RLIMIT_NOFILE, KERNEL_RESERVE_FILES + 7);
	expect(7, "open files");
	limit(RLIMIT_NOFILE, 16);
	expect(1, "16 open files");
}

/* At most half of the descriptors above KERNEL_MIN_FILES are for nodes. */
TEST(connections_to_nodes_reduce_the_jobs)
{
	limit(RLIMIT_NOFILE, 1024);
	expect_with(400, 1024 - KERNEL_RESERVE_FILES - 400, "1024 open files");
	expect_with(2000, 1024 - KERNEL_RESERVE_FILES - 480, "1024 open files");
}

TEST(connections_use_the_hard_file_limit_and_jobs_the_soft_limit)
{
	static const struct rlimit limits = { 200, 1024 };

	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limits), 0);
	spawn_raise_file_limit();
	expect_with(50, 200 - KERNEL_RESERVE_FILES, "200 open files");
	expect_with(480, 200 - KERNEL_RESERVE_FILES, "200 open files");
}

static struct node_entry exec_node(void)
{
	struct node_entry e = { .name = xstrdup("n") };
	struct err err;

	must(node_address_parse(&e.address, "exec:sleep 1", &err));
	return e;
}

TEST(nodes_beyond_the_open_file_limit_are_removed)
{
	struct node_roster r = { .v = xcalloc(40, sizeof(*r.v)) };

	for (r.n = 0; r.n < 40; r.n++)
		r.v[r.n] = exec_node();
	limit(RLIMIT_NOFILE, KERNEL_MIN_FILES + 160);
	kernel_capacity_limit_roster(&r);
	ck_assert_uint_eq(r.n, 40);
	limit(RLIMIT_NOFILE, KERNEL_MIN_FILES + 40);
	kernel_capacity_limit_roster(&r);
	ck_assert_uint_eq(r.n, 10);
	limit(RLIMIT_NOFILE, KERNEL_MIN_FILES);
	kernel_capacity_limit_roster(&r);
	ck_assert_uint_eq(r.n, 1);
	node_roster_release(&r);
}

/* make also builds with fewer files, so the error names the remedy. */
TEST(too_few_open_files_are_an_error)
{
	struct err err = { 0 };

	limit(RLIMIT_NOFILE, KERNEL_MIN_FILES);
	must(kernel_capacity_check_files(&err));
	limit(RLIMIT_NOFILE, 20);
	err_is(kernel_capacity_check_files(&err), -EMFILE,
	       "limit of 20 open files: kfarm needs at least 64; "
	       "raise the hard limit (ulimit -Hn)");
}

TEST(control_groups_limit_the_jobs)
{
	limit(RLIMIT_NOFILE, KERNEL_RESERVE_FILES + 1000);
	put("proc/self/cgroup", "0::/a/b\n");
	put("sys/fs/cgroup/a/b/pids.max", "max\n");
	put("sys/fs/cgroup/a/b/pids.current", "50\n");
	expect(1000, "open files");
	put("sys/fs/cgroup/a/pids.max", "232\n");
	put("sys/fs/cgroup/a/pids.current", "100\n");
	expect((132 - KERNEL_RESERVE_TASKS) / KERNEL_JOB_TASKS,
	       "132 more processes");
	put("proc/self/cgroup", "5:pids:/x\n");
	put("sys/fs/cgroup/pids/x/pids.max", "40\n");
	put("sys/fs/cgroup/pids/x/pids.current", "60\n");
	expect(1, "0 more processes");
}

TEST(the_process_limit_limits_the_jobs_except_for_root)
{
	limit(RLIMIT_NOFILE, KERNEL_RESERVE_FILES + 1000);
	limit(RLIMIT_NPROC, 3);
	if (!geteuid())
		expect(1000, "open files");
	ck_assert(geteuid() || !seteuid(54321));
	expect(1, "3 processes");
	ck_assert(getuid() || !seteuid(0));
}

TEST(the_job_capacity_limits_only_the_default_of_j)
{
	const struct kernel_offload farm = { .local_slots = 900,
					     .job_capacity = 500 };
	const struct kernel_offload small = { .local_slots = 3,
					      .job_capacity = 500 };

	ck_assert_uint_eq(kernel_offload_job_limit(&farm, 0), 500);
	ck_assert_uint_eq(kernel_offload_job_limit(&small, 0), 3);
	/* The user's value applies unchanged. */
	ck_assert_uint_eq(kernel_offload_job_limit(&farm, 700), 700);
}
