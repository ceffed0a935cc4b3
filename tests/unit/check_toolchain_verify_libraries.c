/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: toolchain */
#include "../lib/test.h"
#include "toolchain-driver.h"
#include "toolchain/verify.h"

static void set_up(void)
{
	ck_assert_ptr_nonnull(mkdtemp(dir));
}

static void tear_down(void)
{
	struct err ignored;

	fs_remove(dir, &ignored);
}

static const char source[] = "#include <stdio.h>\nint foo(void);\n"
			     "int main(void) { fputs(\"ran\\n\", stderr);\n"
			     "return foo(); }\n";

/* Link a program with a library, and then replace or delete the library. */
static char *link_program(const char *after)
{
	char *lib = build("libkfarm-p.so", "int foo(void) { return 0; }\n",
			  "-shared", "-Wl,-soname,libkfarm-p.so");
	char *path = xasprintf("-Wl,-rpath,%s", dir);
	char *program = build("program", source, path, lib);

	if (after)
		free(build("libkfarm-p.so", after, "-shared", NULL));
	else
		ck_assert_int_eq(unlink(lib), 0);
	free(path);
	free(lib);
	return program;
}

FIXTURE(set_up, tear_down);
TIMEOUT(120);

TEST(a_program_with_all_its_symbols_passes)
{
	char *program = link_program("int foo(void) { return 7; }\n");

	must(toolchain_verify_libraries(program, &err));
	free(program);
}

TEST(an_error_names_an_undefined_symbol)
{
	char *program = link_program("int other;\n");

	ck_assert_int_eq(toolchain_verify_libraries(program, &err), -ENOEXEC);
	text_has(err.text, "undefined symbol: foo");
	text_has(err.text, program);
	free(program);
}

TEST(an_error_names_a_missing_library)
{
	char *program = link_program(NULL);

	ck_assert_int_eq(toolchain_verify_libraries(program, &err), -ENOEXEC);
	text_has(err.text, "libkfarm-p.so");
	free(program);
}

TEST(an_error_states_why_a_program_cannot_be_started)
{
	char *program = link_program("int foo(void) { return 7; }\n");

	ck_assert_int_eq(chmod(program, 0600), 0);
	ck_assert_int_eq(toolchain_verify_libraries(program, &err), -ENOEXEC);
	text_has(err.text, program);
	text_has(err.text, "Permission denied");
	free(program);
}
