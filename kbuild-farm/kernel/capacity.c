/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/capacity.h"

#include "base/err.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/spawn.h"
#include "machine/cgroup.h"
#include "node/roster.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

struct capacity {
	unsigned jobs;
	char *limit_reason;
};

static void lower_limit(struct capacity *c, uint64_t units, unsigned reserve,
			unsigned each, char *why)
{
	uint64_t jobs = units > reserve ? (units - reserve) / each : 0;

	if (jobs < 1)
		jobs = 1;
	if (jobs < c->jobs) {
		c->jobs = (unsigned)jobs;
		free(c->limit_reason);
		c->limit_reason = why;
	} else {
		free(why);
	}
}

/* Return the number of threads of this user, which RLIMIT_NPROC limits. */
static uint64_t user_tasks(void)
{
	struct strv names = { 0 };
	uint64_t sum = 0;
	struct stat st;

	fs_list("/proc", &names);
	for (size_t i = 0; i < names.n; i++) {
		char *path = xasprintf("/proc/%s/task", names.v[i]);

		if (isdigit((unsigned char)names.v[i][0]) && !stat(path, &st) &&
		    st.st_uid == getuid())
			sum += st.st_nlink > 2 ? st.st_nlink - 2 : 1;
		free(path);
	}
	strv_release(&names);
	return sum;
}

/* Return the maximum number of descriptors for connections to nodes. */
static size_t max_node_files(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) || r.rlim_cur == RLIM_INFINITY)
		return SIZE_MAX;
	return r.rlim_cur > KERNEL_MIN_FILES ?
		       (r.rlim_cur - KERNEL_MIN_FILES) / 2 :
		       0;
}

static void apply_file_limit(struct capacity *c, unsigned long long files,
			     size_t n_node_files)
{
	if (files != RLIM_INFINITY)
		lower_limit(c, files,
			    KERNEL_RESERVE_FILES + (unsigned)n_node_files, 1,
			    xasprintf("limit of %llu open files (ulimit -n)",
				      files));
}

unsigned kernel_capacity(char **why, const char *root, size_t n_node_files)
{
	size_t n_files = max_node_files();
	struct capacity c = { .jobs = UINT_MAX };
	struct machine_cgroup groups;
	struct rlimit r;

	if (n_files > n_node_files)
		n_files = n_node_files;
	apply_file_limit(&c, spawn_file_limit(), 0);
	if (!getrlimit(RLIMIT_NOFILE, &r))
		apply_file_limit(&c, r.rlim_cur, n_files);
	/* RLIMIT_NPROC does not apply to root. */
	if (geteuid() && !getrlimit(RLIMIT_NPROC, &r) &&
	    r.rlim_cur != RLIM_INFINITY) {
		uint64_t used = user_tasks();

		lower_limit(&c, r.rlim_cur > used ? r.rlim_cur - used : 0,
			    KERNEL_RESERVE_TASKS, KERNEL_JOB_TASKS,
			    xasprintf("limit of %llu processes (ulimit -u)",
				      (unsigned long long)r.rlim_cur));
	}
	machine_cgroup_read(&groups, root);
	if (groups.tasks_limited)
		lower_limit(&c, groups.n_free_tasks, KERNEL_RESERVE_TASKS,
			    KERNEL_JOB_TASKS,
			    xasprintf("the control group allows only %llu more "
				      "processes",
				      (unsigned long long)groups.n_free_tasks));
	if (why)
		*why = c.limit_reason;
	else
		free(c.limit_reason);
	return c.jobs;
}

void kernel_capacity_limit_roster(struct node_roster *r)
{
	size_t n = node_roster_limit_files(r, max_node_files());

	if (n)
		log_warning("%zu node%s not used because of the limit on open "
			    "files; raise the hard limit (ulimit -Hn)",
			    n, n == 1 ? " is" : "s are");
}

int kernel_capacity_check_files(struct err *err)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) || r.rlim_cur >= KERNEL_MIN_FILES)
		return 0;
	return err_set(err, EMFILE,
		       "limit of %llu open files: kfarm needs at least %d; "
		       "raise the hard limit (ulimit -Hn)",
		       (unsigned long long)r.rlim_cur, KERNEL_MIN_FILES);
}
