/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: sandbox */
#include "sandbox/user.h"

#include "../lib/test.h"
#include "sandbox.h"
#include "sandbox/internal.h"

#include <dirent.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>

/* Run `play` in a new process and return its exit status. */
static int in_child(int (*check)(void))
{
	pid_t pid = fork();
	int status;

	if (!pid)
		_exit(check());
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int check_ids(void)
{
	struct sandbox_uid_range jobs;
	struct sandbox_msg m = { 0 };

	if (sandbox_user_enter(&jobs, &m) || sandbox_user_unshare(&m))
		return 1;
	/* Without user namespaces, the uid is neither root's nor a job's. */
	if (jobs.n_uids)
		return getuid() > 60000 && geteuid() == getuid() &&
				       getgid() == getuid() &&
				       (getuid() < jobs.first_uid ||
					getuid() >=
						jobs.first_uid + jobs.n_uids) ?
			       0 :
			       3;
	return getuid() == SANDBOX_USER_INSIDE_UID &&
			       geteuid() == SANDBOX_USER_INSIDE_UID &&
			       getgid() == SANDBOX_USER_INSIDE_UID ?
		       0 :
		       2;
}

FIXTURE_ONCE(require_sandbox, NULL);
FIXTURE_ONCE(make_attack, remove_attack);
TIMEOUT(120);

TEST(a_process_in_the_sandbox_has_another_uid_and_gid)
{
	ck_assert_int_eq(in_child(check_ids), 0);
}

/* Mount the root and check it.  Returns 0, or the number of a failed check. */
static int check_root(void)
{
	const struct sandbox_user_limits limits = { 1 << 20, 100 };
	static const char *const want[] = { ".kfarm", "dev", "proc", "tmp" };
	struct strv names = { 0 };
	struct sandbox_uid_range jobs;
	struct sandbox_msg m = { 0 };
	int root, stage, fd;
	struct statvfs fs;
	struct dirent *e;
	DIR *d;

	if (sandbox_user_enter(&jobs, &m) || sandbox_user_unshare(&m))
		return 1;
	/* The next child is the first process of the PID namespace. */
	fd = (int)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
	if (fd) {
		int status = 1;

		waitpid(fd, &status, 0);
		return WEXITSTATUS(status);
	}
	if (sandbox_user_mount_root(&limits, &root, &stage, &m))
		_exit(2);
	d = opendir("/");
	while (d && (e = readdir(d))) {
		if (strcmp(e->d_name, ".") && strcmp(e->d_name, ".."))
			strv_add(&names, e->d_name);
	}
	strv_sort(&names);
	if (names.n != sizeof(want) / sizeof(*want))
		_exit(3);
	for (size_t i = 0; i < names.n; i++) {
		if (strcmp(names.v[i], want[i]))
			_exit(4);
	}
	/* The root is read-only by path and writable by descriptor. */
	if (statvfs("/", &fs) || !(fs.f_flag & ST_RDONLY) ||
	    !(fs.f_flag & ST_NOSUID) || !(fs.f_flag & ST_NODEV))
		_exit(5);
	if (mkdir("/x", 0755) != -1 || errno != EROFS)
		_exit(6);
	if (mkdirat(root, "x", 0755) || access("/x", F_OK))
		_exit(7);
	if (mkdirat(stage, "y", 0755) || renameat(stage, "y", root, "y"))
		_exit(8);
	/* Only the device nodes of the node are mounted. */
	if (!access("/../etc", F_OK) || faccessat(root, "../stage", F_OK, 0))
		_exit(9);
	/* In a user namespace the root stays mounted; otherwise it is empty. */
	if (!umount2("/", MNT_DETACH) && !jobs.n_uids)
		_exit(10);
	if (!access("/etc", F_OK) || !access("/../etc", F_OK))
		_exit(11);
	_exit(0);
}

TEST(the_root_directory_contains_no_files_of_the_node)
{
	ck_assert_int_eq(in_child(check_root), 0);
}

TEST(an_error_names_the_failed_layer_and_operation)
{
	struct sandbox_msg m = { 0 };

	errno = ENOSPC;
	ck_assert_int_eq(sandbox_user_set_error(&m, "mount", "tmpfs"), -ENOSPC);
	ck_assert_int_eq(m.error, ENOSPC);
	ck_assert_str_eq(m.layer, "mount");
	ck_assert_str_eq(m.operation, "tmpfs");
}

/* Return the number after a word of /proc/PID/status. */
static unsigned long status_of(pid_t pid, const char *word, int radix)
{
	char path[64];
	struct buf b = { 0 };
	const char *at;
	unsigned long n;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	must(fs_read(path, 1 << 16, &b, &err));
	at = strstr(buf_str(&b), word);
	ck_assert_ptr_nonnull(at);
	n = strtoul(at + strlen(word), NULL, radix);
	buf_release(&b);
	return n;
}

TEST(a_job_has_no_capabilities_on_the_node)
{
	struct sandbox_job job = {
		.argv = (char *[]){ ATTACK, "spin", NULL },
		.stdin_fd = -1,
	};
	uint64_t deadline = clock_ms() + WAIT_MS;
	struct played p;
	unsigned long uid;

	open_cell(NULL, NULL);
	put_attack();
	ck_assert(!start_job(&p, &job));
	while (!p.run->pid) {
		ck_assert(clock_ms() < deadline);
		turn(&p, 1);
	}
	uid = status_of(p.run->pid, "\nUid:", 10);
	if (geteuid())
		ck_assert_uint_eq(uid, geteuid());
	else
		ck_assert_msg(uid > 60000, "%lu", uid);
	ck_assert_uint_eq(status_of(p.run->pid, "\nCapEff:", 16), 0);
	ck_assert_uint_eq(status_of(p.run->pid, "\nCapBnd:", 16), 0);
	ck_assert_uint_eq(status_of(p.run->pid, "\nNoNewPrivs:", 10), 1);
	ck_assert_uint_eq(status_of(p.run->pid, "\nSeccomp:", 10), 2);
	drop_job(&p);
	close_cell();
}

TEST(jobs_without_user_namespaces_have_different_uids)
{
	struct sandbox_job job = {
		.argv = (char *[]){ ATTACK, "spin", NULL },
		.stdin_fd = -1,
	};
	uint64_t deadline = clock_ms() + WAIT_MS;
	unsigned long uid[2], owner;
	struct played p[2];

	open_cell(NULL, NULL);
	if (!str_starts(sandbox_layers(cell), "uid ")) {
		close_cell();
		SKIP("jobs have no user namespace of their own");
	}
	put_attack();
	for (int i = 0; i < 2; i++)
		ck_assert(!start_job(&p[i], &job));
	while (!p[0].run->pid || !p[1].run->pid) {
		ck_assert(clock_ms() < deadline);
		turn(p, 2);
	}
	for (int i = 0; i < 2; i++) {
		uid[i] = status_of(p[i].run->pid, "\nUid:", 10);
		ck_assert_uint_gt(uid[i], 60000);
		ck_assert_uint_eq(status_of(p[i].run->pid, "\nGid:", 10),
				  uid[i]);
		ck_assert_uint_eq(status_of(p[i].run->pid, "\nCapPrm:", 16), 0);
		ck_assert_uint_eq(status_of(p[i].run->pid, "\nCapInh:", 16), 0);
	}
	ck_assert_uint_ne(uid[0], uid[1]);
	/* The owner of the input root is neither a job's user nor root. */
	owner = cell->input_root.uid;
	ck_assert_uint_gt(owner, 60000);
	ck_assert(owner != uid[0] && owner != uid[1]);
	for (int i = 0; i < 2; i++)
		drop_job(&p[i]);
	close_cell();
}

/* The capabilities of the sandbox init, as in CapPrm of /proc/PID/status. */
#define INIT_CAPABILITIES \
	(1ul << 5 | 1ul << 6 | 1ul << 7 | 1ul << 8 | 1ul << 21)

TEST(the_sandbox_init_has_only_the_capabilities_that_it_needs)
{
	char *path, *link;
	struct buf fdinfo = { 0 };
	pid_t init_pid = 0;

	open_cell(NULL, NULL);
	if (!str_starts(sandbox_layers(cell), "uid ")) {
		close_cell();
		SKIP("jobs have no user namespace of their own");
	}
	path = xasprintf("/proc/self/fdinfo/%d", cell->init_pidfd);
	if (cell->init_pidfd >= 0 && !fs_read(path, 4096, &fdinfo, &err)) {
		link = strstr(buf_str(&fdinfo), "\nPid:");
		init_pid = link ? (pid_t)strtol(link + 5, NULL, 10) : 0;
	}
	if (init_pid) {
		ck_assert_uint_eq(status_of(init_pid, "\nCapPrm:", 16),
				  INIT_CAPABILITIES);
		ck_assert_uint_eq(status_of(init_pid, "\nCapBnd:", 16),
				  INIT_CAPABILITIES);
		ck_assert_uint_eq(status_of(init_pid, "\nNoNewPrivs:", 10), 1);
	}
	buf_release(&fdinfo);
	free(path);
	close_cell();
}
