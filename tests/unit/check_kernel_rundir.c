/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kernel */
#include "../lib/test.h"
#include "base/process.h"
#include "kernel-tree.h"
#include "kernel/rundir.h"

#include <sys/file.h>
#include <sys/syscall.h>
#include <time.h>

static struct err err;
static bool without_locks; /* flock() is not supported */

/* Replaces the C library's function. */
int flock(int fd, int operation)
{
	if (!without_locks)
		return (int)syscall(SYS_flock, fd, operation);
	errno = ENOLCK;
	return -1;
}

/* Start a process that lives until it is killed and is then a zombie. */
static pid_t fork_sleeper(void)
{
	pid_t pid = fork();

	if (!pid) {
		pause();
		_exit(0);
	}
	return pid;
}

/* Return the content of the file "make" for a process. */
static char *format_note(pid_t make, unsigned long long start,
			 ino_t pid_namespace)
{
	return xasprintf("%d %llu %llu\n", (int)make, start,
			 (unsigned long long)pid_namespace);
}

static ino_t current_pid_namespace(void)
{
	struct stat st;

	ck_assert_int_eq(stat("/proc/self/ns/pid", &st), 0);
	return st.st_ino;
}

static void kill_and_wait(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

FIXTURE(tree_set_up, tree_tear_down);

TEST(a_run_directory_contains_links_work_directory_and_slots)
{
	struct kernel_rundir r;
	char *last;

	must(kernel_rundir_create(&r, 3, &err));
	ck_assert(fs_is_dir(r.masquerade) && fs_is_dir(r.work));
	last = xasprintf("%s/2", r.slots);
	ck_assert(fs_exists(last));
	free(last);
	last = xasprintf("%s/3", r.slots);
	ck_assert(!fs_exists(last));
	free(last);
	last = xstrdup(r.dir);
	kernel_rundir_release(&r);
	ck_assert(!fs_exists(last));
	free(last);
}

TEST(an_ended_process_has_no_start_time)
{
	pid_t pid = fork_sleeper();

	ck_assert(process_start_ticks(pid) > 0);
	kill(pid, SIGKILL);
	while (process_start_ticks(pid))
		usleep(1000); /* a zombie counts as ended */
	waitpid(pid, NULL, 0);
	ck_assert(!process_start_ticks(pid));
	ck_assert(!process_start_ticks(0));
}

TEST(run_directories_of_ended_processes_are_removed)
{
	struct kernel_rundir r;
	pid_t ended = fork_sleeper();
	char *name = xasprintf("kfarm/%d/bin/gcc", (int)ended);

	put_file(name, "", 0644);
	kill_and_wait(ended);
	must(kernel_rundir_create(&r, 1, &err));
	ck_assert(!stands(name));
	kernel_rundir_release(&r);
	free(name);
}

TEST(a_run_directory_whose_make_still_runs_is_not_removed)
{
	struct kernel_rundir r;
	pid_t ended = fork_sleeper(), make = fork_sleeper();
	char *name = xasprintf("kfarm/%d/make", (int)ended);
	char *text = format_note(make, process_start_ticks(make),
				 current_pid_namespace());

	put_file(name, text, 0644);
	kill_and_wait(ended);
	must(kernel_rundir_create(&r, 1, &err));
	ck_assert(stands(name));
	ck_assert_int_eq(kernel_rundir_make_pid(ended), make);
	kernel_rundir_release(&r);
	kill_and_wait(make);
	ck_assert_int_eq(kernel_rundir_make_pid(ended), 0);
	must(kernel_rundir_create(&r, 1, &err));
	ck_assert(!stands(name));
	kernel_rundir_release(&r);
	free(text);
	free(name);
}

/* Such a directory can belong to a build in another PID namespace. */
TEST(a_locked_run_directory_is_not_removed)
{
	struct kernel_rundir r;
	pid_t ended = fork_sleeper();
	char *name = xasprintf("kfarm/%d/bin/gcc", (int)ended), *dir, *path;
	int fd;

	put_file(name, "", 0644);
	kill_and_wait(ended);
	path = at(name);
	dir = xstrndup(path, strlen(path) - strlen("/bin/gcc"));
	fd = open(dir, O_RDONLY | O_DIRECTORY);
	ck_assert(!kernel_rundir_is_active(dir));
	ck_assert_int_eq(flock(fd, LOCK_EX | LOCK_NB), 0);
	ck_assert(kernel_rundir_is_active(dir));
	must(kernel_rundir_create(&r, 1, &err));
	ck_assert(stands(name));
	kernel_rundir_release(&r);
	close(fd);
	must(kernel_rundir_create(&r, 1, &err));
	ck_assert(!stands(name));
	kernel_rundir_release(&r);
	free(dir);
	free(path);
	free(name);
}

TEST(equal_process_ids_get_different_run_directories)
{
	struct kernel_rundir a, b, c;
	char *want;

	must(kernel_rundir_create(&a, 1, &err));
	must(kernel_rundir_create(&b, 1, &err));
	want = xasprintf("%s.1", a.dir);
	ck_assert_str_eq(b.dir, want);
	ck_assert_int_eq(kernel_rundir_parse_pid(strrchr(want, '/') + 1),
			 getpid());
	ck_assert(fs_is_dir(a.masquerade) && fs_is_dir(b.masquerade));
	kernel_rundir_note_make(&b, getpid());
	ck_assert_int_eq(kernel_rundir_make_pid(getpid()), getpid());
	kernel_rundir_release(&a);
	ck_assert(fs_is_dir(b.masquerade));
	must(kernel_rundir_create(&c, 1, &err));
	ck_assert(fs_is_dir(b.masquerade));
	kernel_rundir_release(&b);
	ck_assert(!fs_exists(want));
	kernel_rundir_release(&c);
	free(want);
}

TEST(without_support_for_locks_no_run_directory_is_left)
{
	struct kernel_rundir r;
	struct strv dirs = { 0 };

	without_locks = true;
	ck_assert_int_eq(kernel_rundir_create(&r, 1, &err), -ENOLCK);
	text_has(err.text, "cannot lock: No locks available");
	kernel_rundir_release(&r);
	kernel_rundir_list(&dirs);
	ck_assert_uint_eq(dirs.n, 0);
}

TEST(a_make_of_another_pid_namespace_counts_as_running_for_a_day)
{
	struct timespec old[2] = { { .tv_sec = time(NULL) - 25 * 3600 },
				   { .tv_sec = time(NULL) - 25 * 3600 } };
	pid_t ended = fork_sleeper();
	char *name = xasprintf("kfarm/%d/make", (int)ended), *path = at(name);
	char *text = format_note(getpid(), process_start_ticks(getpid()),
				 current_pid_namespace() + 1);
	struct kernel_rundir r;

	put_file(name, text, 0644);
	kill_and_wait(ended);
	must(kernel_rundir_create(&r, 1, &err));
	ck_assert(stands(name));
	ck_assert_int_eq(kernel_rundir_make_pid(ended), 0);
	kernel_rundir_release(&r);
	ck_assert_int_eq(utimensat(AT_FDCWD, path, old, 0), 0);
	must(kernel_rundir_create(&r, 1, &err));
	ck_assert(!stands(name));
	kernel_rundir_release(&r);
	free(text);
	free(path);
	free(name);
}

TEST(a_process_that_reuses_the_pid_of_make_is_not_make)
{
	char *name = xasprintf("kfarm/%d/make", (int)getpid());
	char *text = format_note(getpid(), 1, current_pid_namespace());

	put_file(name, text, 0644);
	ck_assert_int_eq(kernel_rundir_make_pid(getpid()), 0);
	free(text);
	free(name);
}

TEST(the_process_id_of_make_is_recorded)
{
	struct kernel_rundir r;
	pid_t make = fork_sleeper();

	must(kernel_rundir_create(&r, 1, &err));
	kernel_rundir_note_make(&r, make);
	ck_assert_int_eq(kernel_rundir_make_pid(getpid()), make);
	kill_and_wait(make);
	kernel_rundir_release(&r);
}

TEST(an_invalid_note_is_ignored)
{
	char *name = xasprintf("kfarm/%d/make", (int)getpid());

	put_file(name, "-1 9999999999999999999999 x", 0644);
	ck_assert_int_eq(kernel_rundir_make_pid(getpid()), 0);
	put_file(name, "", 0644);
	ck_assert_int_eq(kernel_rundir_make_pid(getpid()), 0);
	free(name);
}
