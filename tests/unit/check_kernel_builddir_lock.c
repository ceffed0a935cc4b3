/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kernel */
#include "../lib/private-tmp.h"
#include "../lib/test.h"
#include "base/process.h"
#include "kernel-tree.h"
#include "kernel/builddir.h"
#include "kernel/rundir.h"

#include <dirent.h>
#include <sys/file.h>
#include <sys/syscall.h>

static struct err err;
static bool without_locks; /* flock() is not supported */

/* Replaces the C library's function. */
int flock(int fd, int operation)
{
	if (!without_locks)
		return (int)syscall(SYS_flock, fd, operation);
	errno = ENOSYS;
	return -1;
}

static unsigned count_entries(const char *path)
{
	DIR *dir = opendir(path);
	unsigned n = 0;

	while (readdir(dir))
		n++;
	closedir(dir);
	return n - 2;
}

/* Start a process that holds the lock until it is killed. */
static pid_t fork_lock_holder(void)
{
	int ready[2];
	char byte;
	pid_t pid;

	ck_assert_int_eq(pipe(ready), 0);
	pid = fork();
	if (!pid) {
		struct kernel_lock l;

		byte = kernel_lock_take(&l, tree, &err) ? 'n' : 'y';
		if (write(ready[1], &byte, 1) == 1)
			pause();
		_exit(0);
	}
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	ck_assert_int_eq(byte, 'y');
	close(ready[0]);
	close(ready[1]);
	return pid;
}

FIXTURE(tree_set_up, tree_tear_down);

TEST(a_lock_adds_no_entries_to_the_directory)
{
	unsigned before = count_entries(tree);
	struct kernel_lock l;

	must(kernel_lock_take(&l, tree, &err));
	ck_assert_uint_eq(count_entries(tree), before);
	kernel_lock_release(&l);
	ck_assert_uint_eq(count_entries(tree), before);
	must(kernel_lock_take(&l, tree, &err));
	kernel_lock_release(&l);
	kernel_lock_release(&l);
}

TEST(the_error_for_a_held_lock_names_the_process)
{
	pid_t pid = fork_lock_holder();
	char *want = xasprintf("process %d", (int)pid);
	struct kernel_lock l;

	ck_assert_int_eq(kernel_lock_take(&l, tree, &err), -EBUSY);
	text_has(err.text, want);
	kernel_lock_release(&l);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	must(kernel_lock_take(&l, tree, &err));
	kernel_lock_release(&l);
	free(want);
}

TEST(without_support_for_locks_the_note_about_the_holder_suffices)
{
	struct kernel_lock l;
	pid_t pid;

	without_locks = true;
	pid = fork_lock_holder();
	ck_assert_int_eq(kernel_lock_take(&l, tree, &err), -EBUSY);
	text_has(err.text, "kfarm, process");
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	must(kernel_lock_take(&l, tree, &err));
	kernel_lock_release(&l);
}

TEST(a_running_make_of_a_killed_kfarm_blocks_the_lock)
{
	pid_t pid = fork_lock_holder(), make = fork();
	char *name = xasprintf("kfarm/%d/make", (int)pid), *text;
	struct kernel_lock l;
	struct stat st;

	if (!make) {
		pause();
		_exit(0);
	}
	ck_assert_int_eq(stat("/proc/self/ns/pid", &st), 0);
	text = xasprintf("%d %llu %llu\n", (int)make, process_start_ticks(make),
			 (unsigned long long)st.st_ino);
	put_file(name, text, 0644);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	free(text);
	text = xasprintf("make, process %d (`kill %d` ends it)", (int)make,
			 (int)make);
	ck_assert_int_eq(kernel_lock_take(&l, tree, &err), -EBUSY);
	text_has(err.text, text);
	kill(make, SIGKILL);
	waitpid(make, NULL, 0);
	must(kernel_lock_take(&l, tree, &err));
	kernel_lock_release(&l);
	free(text);
	free(name);
}

TEST(a_lock_of_a_login_session_is_found_outside_of_the_session)
{
	char *login = xasprintf("/run/user/%d", (int)geteuid());
	char *kfarm, *make, *want;
	struct kernel_lock l;
	pid_t pid;

	if (!private_tmp_mount())
		SKIP("no private /tmp: %s", strerror(errno));
	must(fs_mkdirs(tree, 0755, &err));
	setenv("XDG_RUNTIME_DIR", login, 1);
	pid = fork_lock_holder();
	unsetenv("XDG_RUNTIME_DIR");
	want = xasprintf("kfarm, process %d", (int)pid);
	ck_assert_int_eq(kernel_lock_take(&l, tree, &err), -EBUSY);
	text_has(err.text, want);
	ck_assert(kernel_lock_is_held(tree));

	kfarm = xasprintf("%s/kfarm/%d", login, (int)pid);
	must(fs_mkdirs(kfarm, 0700, &err));
	make = xasprintf("%s/make", kfarm);
	kernel_rundir_note_write(make, getpid());
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	ck_assert_int_eq(kernel_lock_take(&l, tree, &err), -EBUSY);
	text_has(err.text, "in use by another build: make");
	ck_assert(kernel_lock_is_held(tree));

	ck_assert_int_eq(unlink(make), 0);
	must(kernel_lock_take(&l, tree, &err));
	kernel_rundir_note_write(make, getpid());
	kernel_lock_release(&l);
	/* The note of the killed holder was removed. */
	ck_assert(!kernel_lock_is_held(tree));
	private_tmp_unmount();
	free(want);
	free(make);
	free(kfarm);
	free(login);
}

TEST(an_error_names_a_missing_directory)
{
	struct kernel_lock l;

	ck_assert_int_eq(kernel_lock_take(&l, "/nonexistent", &err), -ENOENT);
	text_has(err.text, "/nonexistent");
	kernel_lock_release(&l);
}
