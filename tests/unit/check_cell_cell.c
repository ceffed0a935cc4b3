/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: base cell */
#include "cell/cell.h"

#include "cell.h"

#include <signal.h>

static char *driver;

static void set_up(void)
{
	open_cell(NULL, NULL);
}

START_TEST(gcc_compiles_what_the_view_holds)
{
	struct played p;
	uint64_t size = 0;
	int fd;

	driver = put_gcc();
	ck_assert(!cell_freeze(cell, driver, &err));
	ck_assert(!put_text("/src/a b/x.h", "#define ANSWER 42\n"));
	ck_assert(!put_text("/src/a b/x.c", "#include \"x.h\"\n"
					    "int f(void){return ANSWER;}\n"));
	char *argv[] = { driver, "-c", "x.c", "-O2", "-o", CELL_OUT "/x.o",
			 NULL };
	char *env[] = { "TMPDIR=" CELL_TMP, "PATH=/usr/bin", NULL };
	struct cell_job job = {
		.argv = argv,
		.env = env,
		.cwd = "/src/a b",
		.stdin_fd = -1,
	};
	run_job(&p, &job);
	must_be_well(&p);
	fd = cell_output_open(p.run, "x.o", &size);
	ck_assert_int_ge(fd, 0);
	ck_assert_uint_gt(size, 500);
	ck_assert_uint_gt(p.end.peak_kib, 1000);
	close(fd);
	drop_job(&p);
	free(driver);
}
END_TEST

static Suite *cell_suite(void)
{
	Suite *s = suite_create("cell/cell");
	TCase *tc = tcase_create("cell");

	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, set_up, close_cell);
	tcase_add_test(tc, gcc_compiles_what_the_view_holds);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	SRunner *sr;
	int failed;

	if (no_cells_here())
		return 0;
	sr = srunner_create(cell_suite());
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
