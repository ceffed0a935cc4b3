/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: base agent */
#include "agent/work.h"

#include "base/fs.h"
#include "base/str.h"

#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char base[] = "/tmp/check_agent.XXXXXX";

static void set_up(void)
{
	ck_assert_ptr_nonnull(mkdtemp(base));
}

static void tear_down(void)
{
	struct err err;

	ck_assert_int_eq(rmdir(base), 0); /* nothing is left in it */
	fs_remove(base, &err);
}

START_TEST(its_directory_is_private_and_goes_with_all_in_it)
{
	struct agent_work *w;
	struct stat st;
	char *job[2], *file;
	struct err err;

	ck_assert_int_eq(agent_work_new(&w, base, &err), 0);
	ck_assert(str_starts(agent_work_path(w), base));
	ck_assert(!stat(agent_work_path(w), &st));
	ck_assert_uint_eq(st.st_mode & 07777, 0700);
	ck_assert_uint_gt(agent_work_room(w), 0);
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(agent_work_job(w, &job[i], &err), 0);
	ck_assert_str_ne(job[0], job[1]);
	file = xasprintf("%s/in.i", job[0]);
	ck_assert_int_eq(fs_write(file, bytes_str("x"), 0600, &err), 0);
	agent_work_free(w);
	free(file);
	free(job[0]);
	free(job[1]);
}
END_TEST

START_TEST(without_a_word_it_is_in_memory_or_elsewhere)
{
	struct agent_work *w;
	struct err err;

	ck_assert_int_eq(agent_work_new(&w, NULL, &err), 0);
	ck_assert(fs_is_dir(agent_work_path(w)));
	if (str_starts(agent_work_path(w), "/dev/shm/"))
		ck_assert(agent_work_in_memory(w));
	agent_work_free(w);
}
END_TEST

START_TEST(leftovers_of_the_dead_go_those_of_the_living_stay)
{
	struct agent_work *living, *next;
	struct err err;
	pid_t pid = fork();
	char *stranger = xasprintf("%s/kfarmd-%u", base,
				   (unsigned)geteuid() + 1);

	if (!pid) {
		struct agent_work *w;
		char *job;

		agent_work_new(&w, base, &err);
		agent_work_job(w, &job, &err);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	ck_assert_int_ne(rmdir(base), 0); /* the dead left something */
	ck_assert_int_eq(agent_work_new(&living, base, &err), 0);
	ck_assert_int_eq(mkdir(stranger, 0700), 0);
	ck_assert_int_eq(agent_work_new(&next, base, &err), 0);
	ck_assert(fs_is_dir(agent_work_path(living)));
	ck_assert(fs_is_dir(stranger));
	ck_assert_int_eq(rmdir(stranger), 0);
	agent_work_free(living);
	agent_work_free(next);
	free(stranger);
}
END_TEST

START_TEST(a_directory_that_cannot_be_made_is_named)
{
	struct agent_work *w;
	struct err err = { 0 };

	ck_assert_int_eq(agent_work_new(&w, "/nonexistent", &err), -ENOENT);
	ck_assert_ptr_nonnull(strstr(err.text, "/nonexistent"));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("agent/work");
	TCase *t = tcase_create("work");
	SRunner *sr;
	int failed;

	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_test(t, its_directory_is_private_and_goes_with_all_in_it);
	tcase_add_test(t, without_a_word_it_is_in_memory_or_elsewhere);
	tcase_add_test(t, leftovers_of_the_dead_go_those_of_the_living_stay);
	tcase_add_test(t, a_directory_that_cannot_be_made_is_named);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
