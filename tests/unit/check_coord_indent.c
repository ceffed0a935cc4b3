/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: coord */
/*
 * Whatever gcc warns of must be suspect: what is clear here is also shown
 * to gcc itself.
 */
#include "coord/indent.h"

#include "base/fs.h"
#include "base/spawn.h"
#include "base/str.h"
#include "suite.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct {
	const char *body;
	bool suspect;
} bodies[] = {
	{ "\tif (a)\n\t\tg();\n\tg();\n", false },
	{ "\tif (a) {\n\t\tg();\n\t}\n\tg();\n", false },
	{ "\tif (a)\n\t\tg();\n\telse\n\t\tg();\n\tg();\n", false },
	{ "\tif (a)\n\t\tg();\n\telse if (a)\n\t\tg();\n\tg();\n", false },
	{ "\tfor (;;)\n\t\tif (a)\n\t\t\tg();\n\tg();\n", false },
	{ "\tdo {\n\t\tg();\n\t} while (a);\n\tg();\n", false },
	{ "\tif (a)\n\t\teach (a) {\n\t\t\tg();\n\t\t}\n\tg();\n", false },
	{ "\tif (a)\n#if 0\n\t\tg();\n#else\n\t\tg();\n#endif\n\tg();\n",
	  false },
	{ "\tif (a)\n#if 0\n\t\tg();\n#elif 1\n\t\tg();\n\t\tg();\n"
	  "#endif\n\tg();\n",
	  true },
	{ "\tif (a)\n#if 1\n\t\tg();\n#else\n\t\tg();\n#endif\n\t\tg();\n",
	  true },
	{ "\tif (a)\n#if 1\n# if 1\n\t\tg();\n# endif\n#else\n# if 0\n# else\n"
	  "\t\tg();\n# endif\n#endif\n\tg();\n",
	  false },
	{ "#define F(x) x\n\tF(if (a) g());\n\tg();\n", false },
	{ "#define M if (a) g(); g();\n\tg();\n", false },
	{ "\tif (a) /* c\n*/ g();\n\tg();\n", false },
	{ "\tif (a)\n\t\ts(\";\", '}');\n\tg();\n", false },
	{ "\tif (a)\n\t\tg();\n\t\tg();\n", true },
	{ "\tif (a) g(); g();\n", true },
	{ "\tif (a)\n\t\tg(); g();\n", true },
	{ "\tif (a)\n\t\tg();\n\telse\n\t\tg();\n\t\tg();\n", true },
	{ "\twhile (a)\n\t\tg();\n\t\tg();\n", true },
	{ "\tfor (;;)\n\t\tg();\n\t\tg();\n", true },
	{ "\tif (a) {\n\t\tg();\n\t} else\n\t\tg();\n\t\tg();\n", true },
	{ "\tif (a)\n#ifdef X\n\t\tf();\n#endif\n\t\tg();\n\t\tg();\n", true },
	{ "\twhile (a);\n\t{\n\t\tg();\n\t}\n", true },
	{ "\tif (a)\n\t\tif (a)\n\t\t\tg();\n\t\tg();\n", true },
	{ "        if (a)\n\t\tg();\n\t\tg();\n", true },
};

static char dir[] = "/tmp/kfarm-check-XXXXXX";

/* What gcc says; "" when nothing. */
static char *gcc_says(const char *text)
{
	char *path = xasprintf("%s/t.c", dir);
	char *command = xasprintf("gcc -fsyntax-only -Wmisleading-indentation "
				  "%s 2>&1",
				  path);
	char *argv[] = { (char *)"sh", (char *)"-c", command, NULL };
	struct spawn what = { .argv = argv, .fd = { -1, -1, -1 } };
	struct buf out = { 0 };
	struct err err;
	int status;

	ck_assert_int_eq(fs_write(path, bytes_str(text), 0644, &err), 0);
	ck_assert_int_eq(
		spawn_capture(&what, 1 << 20, 20000, &out, &status, &err), 0);
	free(command);
	free(path);
	return buf_steal(&out);
}

START_TEST(suspect_is_at_least_what_gcc_warns_of)
{
	char *text = xasprintf("#define each(x) while (x)\n"
			       "void g(void);\nvoid s(const char *, int);\n"
			       "void t(int a);\nvoid t(int a)\n{\n%s}\n",
			       bodies[_i].body);
	bool got = coord_indent_suspect(text, strlen(text));
	char *said;

	ck_assert_msg(got == bodies[_i].suspect, "%s", text);
	if (!got) {
		said = gcc_says(text);
		ck_assert_str_eq(said, "");
		free(said);
	}
	free(text);
}
END_TEST

START_TEST(odd_ends_are_no_trap)
{
	static const char *const ends[] = { "",     "if", "if (", "if (a)",
					    "else", "\"", "'",    "/*",
					    "//",   "#",  "# \\", "while (x",
					    "do",   "}",  "))" };

	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++)
		coord_indent_suspect(ends[i], strlen(ends[i]));
	ck_assert(coord_indent_suspect("int a;\0if", 9));
}
END_TEST

START_TEST(depth_is_bounded)
{
	struct buf deep = { 0 };

	for (int i = 0; i < 2000; i++)
		buf_add_str(&deep, "if (a)\n");
	ck_assert(coord_indent_suspect(buf_str(&deep), deep.len));
	buf_release(&deep);
}
END_TEST

static void setup(void)
{
	ck_assert_ptr_nonnull(mkdtemp(dir));
}

static void teardown(void)
{
	struct err err;

	fs_remove(dir, &err);
}

int main(void)
{
	Suite *s = suite_create("coord/indent");
	TCase *tc = tcase_create("indent");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, suspect_is_at_least_what_gcc_warns_of, 0,
			    sizeof(bodies) / sizeof(*bodies));
	tcase_add_test(tc, odd_ends_are_no_trap);
	tcase_add_test(tc, depth_is_bounded);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
