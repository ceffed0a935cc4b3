/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: toolchain */
#include "suite.h"
#include "toolchain-driver.h"
#include "toolchain/loads.h"

static void set_up(void)
{
	ck_assert_ptr_nonnull(mkdtemp(dir));
}

static void tear_down(void)
{
	struct err ignored;

	fs_remove(dir, &ignored);
}

static const char user[] = "#include <stdio.h>\nint foo(void);\n"
			   "int main(void) { fputs(\"ran\\n\", stderr);\n"
			   "return foo(); }\n";

/* A program with a library that is then replaced. */
static char *linked(const char *after)
{
	char *lib = build("libkfarm-p.so", "int foo(void) { return 0; }\n",
			  "-shared", "-Wl,-soname,libkfarm-p.so");
	char *path = xasprintf("-Wl,-rpath,%s", dir);
	char *program = build("program", user, path, lib);

	if (after)
		free(build("libkfarm-p.so", after, "-shared", NULL));
	else
		ck_assert_int_eq(unlink(lib), 0);
	free(path);
	free(lib);
	return program;
}

START_TEST(a_program_with_all_its_symbols_passes)
{
	char *program = linked("int foo(void) { return 7; }\n");

	ck_assert_msg(!toolchain_loads_loads(program, &err), "%s", err.text);
	free(program);
}
END_TEST

START_TEST(a_symbol_that_nobody_has_is_named)
{
	char *program = linked("int other;\n");

	ck_assert_int_eq(toolchain_loads_loads(program, &err), -ENOEXEC);
	ck_assert_ptr_nonnull(strstr(err.text, "undefined symbol: foo"));
	ck_assert_ptr_nonnull(strstr(err.text, program));
	free(program);
}
END_TEST

START_TEST(a_library_that_is_not_there_is_named)
{
	char *program = linked(NULL);

	ck_assert_int_eq(toolchain_loads_loads(program, &err), -ENOEXEC);
	ck_assert_ptr_nonnull(strstr(err.text, "libkfarm-p.so"));
	free(program);
}
END_TEST

START_TEST(a_compiler_compiles)
{
	static const char *const flags[] = { "-O3", NULL };

	ck_assert_msg(!toolchain_loads_compiles(GCC, dir, flags, &err), "%s",
		      err.text);
}
END_TEST

static const char *const drivers[] = {
	"int main(void) { return 0; }\n",
	"#include <stdio.h>\n"
	"int main(void) { fputs(\"cc1: broken\\n\", stderr); return 1; }\n",
};
static const char *const said[] = { "makes no object", "cc1: broken" };

START_TEST(one_that_does_not_is_refused_with_what_it_said)
{
	static const char *const flags[] = { NULL };
	char *driver = build("gcc", drivers[_i], "-s", NULL);

	ck_assert_int_eq(toolchain_loads_compiles(driver, dir, flags, &err),
			 -ENOEXEC);
	ck_assert_ptr_nonnull(strstr(err.text, said[_i]));
	ck_assert_ptr_nonnull(strstr(err.text, driver));
	free(driver);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("toolchain/loads");
	TCase *tc = tcase_create("proof");

	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, a_program_with_all_its_symbols_passes);
	tcase_add_test(tc, a_symbol_that_nobody_has_is_named);
	tcase_add_test(tc, a_library_that_is_not_there_is_named);
	tcase_add_test(tc, a_compiler_compiles);
	tcase_add_loop_test(tc, one_that_does_not_is_refused_with_what_it_said,
			    0, 2);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
