/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: cpp */
/* san: long */
/*
 * The order of directories for any options.  Each of four directories has an
 * x.h that includes the next one and a file named after the previous directory,
 * so the closure shows the order.
 */
#include "cpp-compare.h"

#include "../lib/random.h"
#include "../lib/test.h"

#define DIRS  4
#define LINES 120

static const char names[] = "abcd";

/* b/x.h includes "from-a-to-b.h" if a/x.h was read before. */
static void write_dir(unsigned d)
{
	char *path = xasprintf("%c/x.h", names[d]);
	struct buf text = { 0 };

	for (unsigned from = 0; from <= DIRS; from++) {
		char *step = xasprintf("from-%c-to-%c.h", "-abcd"[from],
				       names[d]);

		buf_printf(&text, "%s LAST == %u\n#include \"../%s\"\n",
			   from ? "#elif" : "#if", from, step);
		compare_file(step, "");
		free(step);
	}
	buf_printf(&text,
		   "#endif\n#undef LAST\n#define LAST %u\n"
		   "#if __has_include_next(<x.h>)\n#include_next <x.h>\n"
		   "#endif\n",
		   d + 1);
	compare_file(path, buf_str(&text));
	buf_release(&text);
	free(path);
}

static void random_line(struct strv *argv)
{
	static const char *const option[] = { "-iquote", "-iquote", "-I",
					      "-isystem", "-idirafter" };
	unsigned n = 1 + pick(7);

	strv_add(argv, "cc");
	strv_add(argv, "-nostdinc");
	while (n--) {
		strv_add(argv, option[pick(5)]);
		strv_addf(argv, "%s%c%s", pick(4) ? "" : "./",
			  names[pick(DIRS)], pick(4) ? "" : "/../link");
	}
	strv_add(argv, "-idirafter");
	strv_add(argv, "last");
	strv_add(argv, "-c");
	strv_add(argv, "unit.c");
}

static void compare_orders(const char *name)
{
	char *cc = compare_compiler(name);
	struct cpp_scanner *s = compare_scan();

	for (unsigned d = 0; d < DIRS; d++)
		write_dir(d);
	compare_shell("ln -s b link");
	/* gcc rejects __has_include_next in the last directory. */
	compare_file("last/x.h", "");
	compare_file("unit.c", "#define LAST 0\n"
			       "#if __has_include(\"x.h\")\n"
			       "#include \"x.h\"\n#endif\n"
			       "#undef LAST\n#define LAST 0\n"
			       "#if __has_include(<x.h>)\n"
			       "#include <x.h>\n#endif\n");
	pick_start(42);
	for (unsigned i = 0; cc && i < LINES; i++) {
		struct strv argv = { 0 };
		char *text, *line;

		random_line(&argv);
		line = strv_join(&argv, " ");
		ck_assert_msg(compare_unit(s, cc, argv.v, &text) ==
				      COMPARE_EQUAL,
			      "%s: %s\n%s", name, line, text);
		free(line);
		free(text);
		strv_release(&argv);
	}
	cpp_scanner_free(s);
	free(cc);
}

FIXTURE(compare_setup, compare_teardown);
TIMEOUT(300);

TEST(directories_are_in_the_order_of_gcc)
{
	compare_orders("gcc");
}

TEST(directories_are_in_the_order_of_clang)
{
	compare_orders("clang");
}
