/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: diag */
#include "../lib/test.h"

#include "diag/log.h"

#include "base/spawn.h"

static struct diag_log j;
static struct buf blocks; /* "E:" or "W:", the text, "--\n" */
static unsigned n_blocks, n_lines;

static void on_block(void *ctx, const struct diag_block *b)
{
	(void)ctx;
	n_blocks++;
	buf_printf(&blocks, "%s%s--\n",
		   b->has_new_error ? "E:" : "W:", b->text);
}

static void on_line(void *ctx, const char *text)
{
	(void)ctx;
	(void)text;
	n_lines++;
}

static void set_up(void)
{
	struct diag_log_sink sink = { .on_block = on_block,
				      .on_line = on_line };

	diag_log_init(&j, &sink);
	n_blocks = n_lines = 0;
}

static void tear_down(void)
{
	diag_log_release(&j);
	buf_release(&blocks);
}

static void feed(const char *text)
{
	diag_log_feed(&j, bytes_str(text));
}

FIXTURE(set_up, tear_down);

TEST(a_gcc_block_includes_its_context_and_notes)
{
	static const char warning[] =
		"In file included from include/a.h:3,\n"
		"                 from kernel/b.c:1:\n"
		"include/c.h: In function \342\200\230f\342\200\231:\n"
		"include/c.h:10:5: warning: unused variable [-Wunused]\n"
		"   10 |     int x;\n"
		"      |         ^\n"
		"include/c.h:9:1: note: here\n";
	char *want = xasprintf("W:%s--\n", warning);

	feed("  CC      kernel/a.o\n");
	feed(warning);
	feed("  CC      kernel/b.o\n");
	diag_log_end(&j);
	ck_assert_str_eq(buf_str(&blocks), want);
	ck_assert_uint_eq(j.n_warnings, 1);
	ck_assert_uint_eq(j.n_errors, 0);
	ck_assert_uint_eq(n_lines, 9);
	free(want);
}

TEST(clang_blocks_hold_the_bare_source_line)
{
	feed("a.c:1:5: warning: x [-Wx]\n"
	     "int x;\n"
	     "    ^\n"
	     "a.c:2:1: error: y\n"
	     "void y\n"
	     "^    ~\n"
	     "1 warning and 1 error generated.\n"
	     "# other\n"
	     "CALL something\n");
	diag_log_end(&j);
	ck_assert_str_eq(buf_str(&blocks),
			 "E:a.c:1:5: warning: x [-Wx]\nint x;\n    ^\n"
			 "a.c:2:1: error: y\nvoid y\n^    ~\n"
			 "1 warning and 1 error generated.\n--\n");
	ck_assert_uint_eq(j.n_warnings, 1);
	ck_assert_uint_eq(j.n_errors, 1);
}

TEST(output_after_mute_yields_no_diagnostics)
{
	feed("a.c:1:5: warning: x\nb.c:1:5: error: y");
	diag_log_mute(&j);
	feed(" and more\nmake: *** wait: No child processes.  Stop.\n"
	     "c.c:1:1: error: z\n");
	diag_log_end(&j);
	ck_assert_str_eq(buf_str(&blocks),
			 "E:a.c:1:5: warning: x\nb.c:1:5: error: y\n--\n");
	ck_assert_uint_eq(j.n_warnings, 1);
	ck_assert_uint_eq(j.n_errors, 1);
	ck_assert_uint_eq(n_lines, 5);
}

TEST(a_failed_recipe_shows_the_line_of_its_tool)
{
	feed("  INSTALL lib/a.ko\n"
	     "cp: cannot stat 'modules.builtin': No such file or directory\n"
	     "make[1]: *** [Makefile:1632: __modinst_pre] Error 1\n"
	     "make: *** [Makefile:231: __sub-make] Error 2\n"
	     "sparse: not found\n"
	     "  CC      a.o\n"
	     "make[1]: *** [Makefile:9: a.o] Error 127\n");
	diag_log_end(&j);
	ck_assert_str_eq(buf_str(&blocks),
			 "E:cp: cannot stat 'modules.builtin': No such file or "
			 "directory\n"
			 "make[1]: *** [Makefile:1632: __modinst_pre] Error 1\n"
			 "make: *** [Makefile:231: __sub-make] Error 2\n--\n"
			 "E:make[1]: *** [Makefile:9: a.o] Error 127\n--\n");
}

static bool disk_is_full;

static bool on_full(void *ctx)
{
	(void)ctx;
	return disk_is_full;
}

/* kfarm reports a full disk elsewhere. */
TEST_RANGE(a_confirmed_full_disk_ends_the_diagnostics, 0, 2)
{
	j.sink.is_disk_full = on_full;
	disk_is_full = _i;
	feed("a.c:1:5: warning: x\n"
	     "b.c:1:1: fatal error: writing b.o: No space left on device\n"
	     "c.c:1:1: error: z\n");
	diag_log_end(&j);
	ck_assert_uint_eq(j.n_warnings, 1);
	ck_assert_uint_eq(j.n_errors, disk_is_full ? 0 : 2);
	ck_assert_uint_eq(n_lines, 3);
	if (disk_is_full)
		ck_assert_str_eq(buf_str(&blocks),
				 "W:a.c:1:5: warning: x\n--\n");
}

TEST(other_output_is_no_part_of_a_block)
{
	feed("ld: warning: x\nVDSO done\n  CC      a.o\n   stray context\n");
	diag_log_end(&j);
	ck_assert_str_eq(buf_str(&blocks), "W:ld: warning: x\n--\n");
}

TEST(lines_of_make_after_an_error_are_not_counted)
{
	feed("a.c:1:1: error: x\n"
	     "make[3]: *** [scripts/Makefile.build:250: a.o] Error 1\n"
	     "make[2]: *** [scripts/Makefile.build:500: kernel] Error 2\n"
	     "make[1]: *** [Makefile:2010: .] Error 2\n"
	     "make: *** [Makefile:231: __sub-make] Error 2\n");
	diag_log_end(&j);
	ck_assert_uint_eq(j.n_errors, 1);
	ck_assert_uint_eq(n_blocks, 1);
	text_has(buf_str(&blocks), "__sub-make");
}

TEST(a_recipe_failure_without_output_counts_as_an_error)
{
	feed("make[3]: *** [Makefile:2: a.o] Error 1\n"
	     "make[3]: *** [Makefile:2: b.o] Error 127\n"
	     "make[2]: *** [Makefile:5: kernel] Error 2\n");
	diag_log_end(&j);
	ck_assert_uint_eq(j.n_errors, 2);
}

TEST(starred_lines_count_as_at_most_one_error)
{
	feed("*** Default configuration is based on 'defconfig'\n"
	     "#\n# configuration written to .config\n#\n");
	ck_assert_uint_eq(j.n_errors, 0);
	feed("***\n*** Configuration file \".config\" not found!\n***\n"
	     "*** Please run some configurator (e.g. \"make oldconfig\")\n"
	     "***\nmake[1]: *** [Makefile:789: .config] Error 1\n"
	     "make: *** [Makefile:220: __sub-make] Error 2\n");
	diag_log_end(&j);
	ck_assert_uint_eq(j.n_errors, 1);
	ck_assert_uint_eq(n_blocks, 1);
	text_has(buf_str(&blocks), "run some configurator");
}

/* An unknown line is an error if make reports one. */
TEST(unknown_starred_lines_are_shown_with_the_failed_recipe)
{
	feed("*** binutils 2.37 drops unused section symbols\n"
	     "*** Please use a different binutils version.\n"
	     "make[1]: *** [arch/powerpc/Makefile:392: checkbin] Error 1\n");
	diag_log_end(&j);
	ck_assert_uint_eq(j.n_errors, 1);
	text_has(buf_str(&blocks), "use a different binutils");
}

TEST(a_sub_make_failure_without_output_counts_as_an_error)
{
	feed("make: *** [Makefile:5: kernel] Error 2\n");
	diag_log_end(&j);
	ck_assert_uint_eq(j.n_errors, 1);
}

TEST(a_headers_warning_counts_once_for_all_files)
{
	for (int i = 0; i < 3; i++) {
		char *from = xasprintf("In file included from %d.c:1:\n", i);

		feed(from);
		feed("a.h:1:1: warning: x\n   1 | y\n  CC      a.o\n");
		free(from);
	}
	diag_log_end(&j);
	ck_assert_uint_eq(j.n_warnings, 1);
	ck_assert_uint_eq(n_blocks, 1);
}

TEST(a_context_without_a_diagnostic_is_not_shown)
{
	feed("In file included from a.c:1:\na.h:3:1: note: x\n  CC      b.o\n");
	diag_log_end(&j);
	ck_assert_uint_eq(n_blocks, 0);
}

TEST(six_thousand_warnings_are_counted_and_shown)
{
	char line[100];
	size_t shown = 0;

	for (int i = 0; i < 6000; i++) {
		snprintf(line, sizeof(line),
			 "a.c:%d:5: warning: unused variable [-Wunused]\n"
			 "%5d |     int x;\n      |         ^\n",
			 i, i);
		feed(line);
	}
	diag_log_end(&j);
	ck_assert_uint_eq(j.n_warnings, 6000);
	for (const char *p = buf_str(&blocks); (p = strstr(p, ": warning: "));
	     p++)
		shown++;
	ck_assert_uint_eq(shown, 6000);
	ck_assert_uint_eq(n_blocks, 1);
}

TEST(a_huge_block_is_reported_in_pieces)
{
	char line[1000];

	memset(line, 'x', sizeof(line));
	for (int i = 0; i < 3000; i++) {
		int n = snprintf(line, sizeof(line), "a.c:%d:5: error: ", i);

		line[n] = 'x';
		line[998] = '\n';
		line[999] = '\0';
		feed(line);
	}
	diag_log_end(&j);
	ck_assert_uint_eq(j.n_errors, 3000);
	ck_assert_uint_ge(n_blocks, 2);
	ck_assert_uint_le(n_blocks, 4);
}

TEST(a_log_that_is_fed_byte_by_byte_is_parsed)
{
	static const char text[] = "a.c:1:1: warning: x\n  1 | y\nmake: *** "
				   "[a] Error 1";

	for (size_t i = 0; i < sizeof(text) - 1; i++)
		diag_log_feed(&j, bytes_of(text + i, 1));
	diag_log_end(&j);
	ck_assert_uint_eq(j.n_warnings, 1);
	ck_assert_uint_eq(j.n_errors, 1);
	ck_assert_uint_eq(n_lines, 3);
}

TEST(control_characters_are_dropped)
{
	feed("\033[01m\033[Ka.c:1:1:\033[m \033[35mwarning: \033[mx\a\033]8;;u"
	     "\033\\y\033]8;;\a\r\n");
	diag_log_end(&j);
	ck_assert_str_eq(buf_str(&blocks), "W:a.c:1:1: warning: xy\n--\n");
}

TEST(nul_bytes_and_overlong_lines_do_not_hide_diagnostics)
{
	char *long_line = xmalloc(3u << 20);

	memset(long_line, 'a', 3u << 20);
	diag_log_feed(&j, bytes_of("a\0b.c:1: error: x\n", 18));
	diag_log_feed(&j, bytes_of(long_line, 3u << 20));
	feed("\na.c:1: warning: x\n");
	diag_log_end(&j);
	ck_assert_uint_eq(j.n_errors, 1);
	ck_assert_uint_eq(j.n_warnings, 1);
	free(long_line);
}

/* Check the output of an installed tool for a source of the test. */
static void real(const char *command, unsigned warnings, unsigned errors)
{
	char *argv[] = { (char[]){ "/bin/sh" }, (char[]){ "-c" },
			 (char *)command, NULL };
	struct spawn what = { .argv = argv, .stdio_fds = { -1, -1, -1 } };
	struct buf out = { 0 };
	struct err err = { 0 };
	int status;

	must(spawn_collect_stdout(&what, 1 << 20, 20000, &out, &status, &err));
	diag_log_feed(&j, buf_bytes(&out));
	diag_log_end(&j);
	ck_assert_msg(j.n_warnings == warnings && j.n_errors == errors,
		      "%u warnings, %u errors in:\n%s", j.n_warnings,
		      j.n_errors, buf_str(&out));
	ck_assert_uint_eq(n_blocks, warnings + errors > 0);
	buf_release(&out);
}

TEST(gcc_diagnostics_are_counted)
{
	real("printf 'int f(int y)\\n{\\nint x;\\nreturn y;\\n}\\n"
	     "char *g(void)\\n{\\nint z;\\nreturn q;\\n}\\n' | "
	     "gcc -Wno-return-type -Wall -c -o /dev/null -x c - 2>&1",
	     2, 1);
}

TEST(assembler_errors_are_counted)
{
	real("printf 'nosuch %%x\\nalso %%y\\n' | "
	     "gcc -c -o /dev/null -x assembler - 2>&1",
	     0, 2);
}

TEST(linker_errors_are_counted)
{
	real("printf 'void nope(void);int main(void){nope();return 0;}' | "
	     "gcc -o /dev/null -x c - 2>&1",
	     0, 1);
}

TEST(make_errors_are_counted)
{
	/* An empty directory has no file from which make could build b. */
	real("d=$(mktemp -d) && cd \"$d\" && "
	     "printf 'all: a b\\na:\\n\\t@exit 3\\n' | "
	     "env -u MAKEFLAGS -u MAKELEVEL make -k -f - 2>&1; rmdir \"$d\"",
	     0, 2);
}

TEST(clang_diagnostics_are_counted)
{
	if (system("command -v clang >/dev/null"))
		SKIP("no clang");
	real("printf 'int f(int y)\\n{\\nint x;\\nreturn y;\\n}\\n"
	     "int g(int y)\\n{\\nreturn *y;\\n}\\n' | "
	     "clang -Wall -c -o /dev/null -x c - 2>&1",
	     1, 1);
}
