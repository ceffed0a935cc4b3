/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kernel */
#include "base/process.h"
#include "kernel-tree.h"
#include "kernel/rundir.h"
#include "suite.h"

#include <signal.h>
#include <sys/wait.h>

static struct err err;

/* A process that lives until it is killed, and will be a zombie then. */
static pid_t sleeper(void)
{
	pid_t pid = fork();

	if (!pid) {
		pause();
		_exit(0);
	}
	return pid;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

START_TEST(the_directory_has_its_parts)
{
	struct kernel_rundir r;
	char *last;

	ck_assert_msg(!kernel_rundir_make(&r, 3, &err), "%s", err.text);
	ck_assert(fs_is_dir(r.links) && fs_is_dir(r.work));
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
END_TEST

START_TEST(a_process_is_known_by_its_start)
{
	pid_t pid = sleeper();

	ck_assert(process_start(pid) > 0);
	kill(pid, SIGKILL);
	while (process_start(pid))
		usleep(1000); /* a zombie counts as gone */
	waitpid(pid, NULL, 0);
	ck_assert(!process_start(pid));
	ck_assert(!process_start(0));
}
END_TEST

START_TEST(directories_of_the_dead_are_removed)
{
	struct kernel_rundir r;
	pid_t dead = sleeper();
	char *name = xasprintf("kfarm/%d/bin/gcc", (int)dead);

	put_file(name, "", 0644);
	end(dead);
	ck_assert_int_eq(kernel_rundir_make(&r, 1, &err), 0);
	ck_assert(!stands(name));
	kernel_rundir_release(&r);
	free(name);
}
END_TEST

START_TEST(one_whose_make_goes_on_stays)
{
	struct kernel_rundir r;
	pid_t dead = sleeper(), make = sleeper();
	char *name = xasprintf("kfarm/%d/make", (int)dead);
	char *text = xasprintf("%d %llu\n", (int)make, process_start(make));

	put_file(name, text, 0644);
	end(dead);
	ck_assert_int_eq(kernel_rundir_make(&r, 1, &err), 0);
	ck_assert(stands(name));
	ck_assert_int_eq(kernel_rundir_make_of(dead), make);
	kernel_rundir_release(&r);
	end(make);
	ck_assert_int_eq(kernel_rundir_make_of(dead), 0);
	ck_assert_int_eq(kernel_rundir_make(&r, 1, &err), 0);
	ck_assert(!stands(name));
	kernel_rundir_release(&r);
	free(text);
	free(name);
}
END_TEST

START_TEST(another_process_of_that_number_is_not_make)
{
	char *name = xasprintf("kfarm/%d/make", (int)getpid());
	char *text = xasprintf("%d 1\n", (int)getpid());

	put_file(name, text, 0644);
	ck_assert_int_eq(kernel_rundir_make_of(getpid()), 0);
	free(text);
	free(name);
}
END_TEST

START_TEST(make_is_noted)
{
	struct kernel_rundir r;
	pid_t make = sleeper();

	ck_assert_int_eq(kernel_rundir_make(&r, 1, &err), 0);
	kernel_rundir_note_make(&r, make);
	ck_assert_int_eq(kernel_rundir_make_of(getpid()), make);
	end(make);
	kernel_rundir_release(&r);
}
END_TEST

START_TEST(garbage_in_the_note_is_nothing)
{
	char *name = xasprintf("kfarm/%d/make", (int)getpid());

	put_file(name, "-1 9999999999999999999999 x", 0644);
	ck_assert_int_eq(kernel_rundir_make_of(getpid()), 0);
	put_file(name, "", 0644);
	ck_assert_int_eq(kernel_rundir_make_of(getpid()), 0);
	free(name);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("kernel/rundir");
	TCase *tc = tcase_create("rundir");

	tcase_add_checked_fixture(tc, tree_set_up, tree_tear_down);
	tcase_add_test(tc, the_directory_has_its_parts);
	tcase_add_test(tc, a_process_is_known_by_its_start);
	tcase_add_test(tc, directories_of_the_dead_are_removed);
	tcase_add_test(tc, one_whose_make_goes_on_stays);
	tcase_add_test(tc, another_process_of_that_number_is_not_make);
	tcase_add_test(tc, make_is_noted);
	tcase_add_test(tc, garbage_in_the_note_is_nothing);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
