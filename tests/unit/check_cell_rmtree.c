/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: cell */
#include "cell/rmtree.h"

#include "suite.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static char top[] = "/tmp/kfarm-sweep-XXXXXX";
static unsigned long serial = 100;
static int stage;

static void set_up(void)
{
	ck_assert_ptr_nonnull(mkdtemp(top));
	stage = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(stage, 0);
}

/* Nothing is left: the directory can be removed. */
static void tear_down(void)
{
	close(stage);
	ck_assert_int_eq(rmdir(top), 0);
}

START_TEST(a_file_a_link_and_nothing)
{
	close(openat(stage, "0", O_CREAT | O_WRONLY, 0600));
	cell_rmtree(stage, "0", &serial);
	ck_assert(!symlinkat("/etc", stage, "1"));
	cell_rmtree(stage, "1", &serial);
	cell_rmtree(stage, "2", &serial);
	ck_assert(!access("/etc", F_OK));
}
END_TEST

/* Far deeper than there may be open files. */
START_TEST(a_tree_of_any_depth)
{
	struct rlimit few = { 32, 32 };
	int at = dup(stage);

	for (int i = 0; i < 500; i++) {
		int next;

		ck_assert(!mkdirat(at, "d", 0755));
		close(openat(at, "f", O_CREAT | O_WRONLY, 0600));
		next = openat(at, "d", O_RDONLY | O_DIRECTORY);
		ck_assert_int_ge(next, 0);
		close(at);
		at = next;
	}
	close(at);
	ck_assert(!setrlimit(RLIMIT_NOFILE, &few));
	cell_rmtree(stage, "f", &serial);
	cell_rmtree(stage, "d", &serial);
}
END_TEST

START_TEST(a_tree_that_is_wide)
{
	char name[64];

	ck_assert(!mkdirat(stage, "w", 0755));
	for (int i = 0; i < 300; i++) {
		snprintf(name, sizeof(name), "w/%d", i);
		ck_assert(!mkdirat(stage, name, 0755));
		snprintf(name, sizeof(name), "w/%d/x", i);
		ck_assert(!symlinkat("/etc/passwd", stage, name));
	}
	cell_rmtree(stage, "w", &serial);
	ck_assert(!access("/etc/passwd", F_OK));
}
END_TEST

static Suite *sweep_suite(void)
{
	Suite *s = suite_create("cell/rmtree");
	TCase *tc = tcase_create("sweep");

	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, a_file_a_link_and_nothing);
	tcase_add_test(tc, a_tree_of_any_depth);
	tcase_add_test(tc, a_tree_that_is_wide);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	return suite_run(sweep_suite());
}
