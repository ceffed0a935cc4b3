/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: cpp */
/*
 * Dependencies of a closure other than files: the paths that must stay absent,
 * the directories that must exist, and the file stamps.
 */
#include "../lib/test.h"
#include "cpp-compare.h"

#include <time.h>

struct tried {
	const char *source, *options;
	const char *absent; /* sorted */
	const char *dirs; /* sorted */
};

/* The tree has inc/x.h, inc2/x.h, inc2/y.h, inc2/sub/z.h and deep/. */
static const struct tried tried[] = {
	{ "#include <x.h>\n", "-Iinc -Iinc2", "", "inc inc2" },
	{ "#include <y.h>\n", "-Iinc -Iinc2", "inc/y.h", "inc inc2" },
	{ "#include \"y.h\"\n", "-Iinc -Iinc2", "inc/y.h y.h", "inc inc2" },
	{ "#include <y.h>\n#include \"y.h\"\n#include <y.h>\n", "-Iinc -Iinc2",
	  "inc/y.h y.h", "inc inc2" },
	/* A missing directory represents the absence of its files. */
	{ "#include <sub/z.h>\n", "-Iinc -Iinc2", "inc/sub", "inc inc2" },
	{ "#include <sub/z.h>\n#include \"sub/z.h\"\n"
	  "#if __has_include(<sub/none.h>)\n#endif\n",
	  "-Iinc/ -Iinc2", "inc/sub inc2/sub/none.h sub", "inc/ inc2" },
	{ "#include <x.h>\n", "-Inone/at/all -Inone/ -Iinc", "none", "inc" },
	{ "#include <sub/z.h>\n", "-Ideep -Iinc2", "deep/sub", "deep inc2" },
	/*
	 * __has_include depends on absent files, whether or not it finds one.
	 */
	{ "#if __has_include(<no.h>)\n#endif\n", "-Iinc -Iinc2",
	  "inc/no.h inc2/no.h", "inc inc2" },
	{ "#if __has_include(\"y.h\")\n#endif\n", "-Iinc -Iinc2", "inc/y.h y.h",
	  "inc inc2" },
	{ "#if 0 && __has_include(<no.h>)\n#endif\n", "-Iinc", "inc/no.h",
	  "inc" },
	{ "#if 0\n#include <no.h>\n#endif\n", "-Iinc", "", "inc" },
	/* Includes from the command line. */
	{ "", "-Iinc -Iinc2 -include y.h", "inc/y.h y.h", "inc inc2" },
	{ "", "-Iinc -imacros x.h", "x.h", "inc" },
	/* Into a directory and back. */
	{ "#include <sub/../y.h>\n", "-Iinc2", "", "inc2 inc2/sub" },
	{ "#include <sub/../y.h>\n", "-Iinc -Iinc2", "inc/sub",
	  "inc inc2 inc2/sub" },
	/* A directory has the path of a searched header. */
	{ "#if __has_include(<deep>)\n#endif\n", "-I. -Iinc", "inc/deep",
	  ". ./deep inc" },
	{ "#if __has_include(\"deep\")\n#endif\n", "-Iinc", "inc/deep",
	  "deep inc" },
};

static char *sorted(const struct strv *list)
{
	struct strv copy = { 0 };
	char *s;

	strv_add_all(&copy, list->n ? list->v : (char *[]){ NULL });
	strv_sort(&copy);
	s = copy.n ? strv_join(&copy, " ") : xstrdup("");
	strv_release(&copy);
	return s;
}

static void scan(struct cpp_scanner *s, const char *cc, const char *options,
		 struct cpp_closure *c)
{
	char *copy = xstrdup(options), *rest = copy, *word;
	struct strv argv = { 0 };

	strv_add(&argv, "cc");
	strv_add(&argv, "-nostdinc");
	while ((word = strsep(&rest, " ")))
		strv_add(&argv, word);
	strv_add(&argv, "-c");
	strv_add(&argv, "unit.c");
	compare_closure(s, cc, argv.v, c);
	strv_release(&argv);
	free(copy);
}

static char *make_tree(const char *source)
{
	char *cc = compare_compiler("gcc");

	ck_assert_ptr_nonnull(cc);
	compare_file("inc/x.h", "");
	compare_file("inc2/x.h", "");
	compare_file("inc2/y.h", "");
	compare_file("inc2/sub/z.h", "");
	compare_shell("mkdir deep");
	compare_file("unit.c", source);
	return cc;
}

FIXTURE(compare_setup, compare_teardown);
TIMEOUT(300);

TEST_EACH(a_closure_lists_absent_paths_and_directories, tried)
{
	char *cc = make_tree(row->source);
	struct cpp_scanner *s = compare_scan();

	/* Repeat with a filled cache. */
	for (int i = 0; i < 3; i++) {
		struct cpp_closure c;
		char *absent, *dirs;

		scan(s, cc, row->options, &c);
		ck_assert_msg(!c.reason, "%s: %s", row->source,
			      reason_text(c.reason));
		absent = sorted(&c.absent);
		dirs = sorted(&c.dirs);
		ck_assert_str_eq(absent, row->absent);
		ck_assert_str_eq(dirs, row->dirs);
		free(absent);
		free(dirs);
		cpp_closure_release(&c);
	}
	cpp_scanner_free(s);
	free(cc);
}

/* gcc opens the shorter name, but finds the file by the longer one. */
static const struct {
	const char *source, *files;
} shorter[] = {
	{ "#include <lib/z.h>\n", "sys/lib/z.h v2/z.h" },
	{ "#if __has_include(<lib/z.h>)\n#endif\n", "sys/lib/z.h v2/z.h" },
	{ "#if __has_include(<one.h>)\n#include <one.h>\n#endif\n",
	  "sys/one.h v2/z.h" },
	{ "#if 0\n#include <one.h>\n#endif\n", "" },
	{ "#include <plain.h>\n", "sys/plain.h" },
};

TEST_EACH(both_names_of_a_system_header_are_listed, shorter)
{
	char *options = xasprintf("-isystem %s/sys", compare_dir);
	char *cc = make_tree(row->source);
	struct cpp_scanner *s = compare_scan();

	compare_file("v2/z.h", "");
	compare_file("sys/plain.h", "");
	compare_shell("ln -s ../v2 sys/lib && ln -s ../v2/z.h sys/one.h");
	/* Repeat with a filled cache. */
	for (int i = 0; i < 2; i++) {
		struct strv below = { 0 };
		struct cpp_closure c;
		char *files;

		scan(s, cc, options, &c);
		ck_assert_msg(!c.reason, "%s", reason_text(c.reason));
		for (size_t k = 1; k < c.n_files; k++) {
			text_starts(c.files[k].path, compare_dir);
			strv_add(&below,
				 c.files[k].path + strlen(compare_dir) + 1);
		}
		files = sorted(&below);
		ck_assert_str_eq(files, row->files);
		free(files);
		strv_release(&below);
		cpp_closure_release(&c);
	}
	cpp_scanner_free(s);
	free(cc);
	free(options);
}

/* Precompiled headers that gcc and clang would use instead of a header. */
static const struct precompiled {
	const char *compiler, *shell, *options, *source;
	bool refused;
} precompiled[] = {
	{ "gcc", "touch inc/x.h.gch", "-Iinc", "#include <x.h>\n", true },
	{ "gcc", "mkdir inc/x.h.gch", "-Iinc", "#include <x.h>\n", true },
	{ "gcc", "touch x.h.gch", "-Iinc", "#include \"x.h\"\n", true },
	{ "gcc", "touch x.h.gch", "-Iinc", "#include <x.h>\n", false },
	{ "gcc", "touch inc/y.h.gch", "-Iinc -Iinc2", "#include <y.h>\n",
	  true },
	{ "gcc", "touch inc2/x.h.gch", "-Iinc -Iinc2", "#include <x.h>\n",
	  false },
	{ "gcc", "touch inc/x.h.gch", "-Iinc",
	  "#if __has_include(<x.h>)\n#endif\n", true },
	{ "gcc", "touch inc2/y.h.gch", "-Iinc -Iinc2",
	  "#include <x.h>\n#include <y.h>\n", false },
	{ "gcc", "touch inc/x.h.gch", "-Iinc2", "#include \"inc/x.h\"\n",
	  true },
	{ "gcc", "touch inc/x.h.gch", "-include inc/x.h", "", true },
	{ "gcc", "touch inc2/y.h.gch", "-Iinc2 -include y.h", "", true },
	{ "gcc", "touch inc2/y.h.gch", "-Iinc2 -imacros y.h", "", true },
	{ "gcc", "touch inc2/y.h.gch", "-include inc/x.h -include inc2/y.h", "",
	  false },
	{ "gcc", "touch unit.c.gch", "-Iinc", "", true },
	{ "clang", "touch inc/x.h.gch", "-Iinc", "#include <x.h>\n", false },
	{ "clang", "touch inc/x.h.gch", "-include inc/x.h", "", true },
	{ "clang", "touch inc/x.h.pch", "-include inc/x.h", "", true },
	{ "clang", "mkdir inc2/y.h.pch", "-include inc/x.h -include inc2/y.h",
	  "", true },
	{ "clang", "touch inc2/y.h.pch", "-Iinc2 -include y.h", "", false },
};

TEST_EACH(a_unit_with_a_precompiled_header_is_not_scannable, precompiled)
{
	char *gcc = make_tree(row->source),
	     *cc = compare_compiler(row->compiler);
	struct cpp_scanner *s = compare_scan();

	/* The file appears and is removed again. */
	for (int i = 0; cc && i < 3; i++) {
		struct cpp_closure c;

		scan(s, cc, row->options, &c);
		ck_assert_int_eq(c.reason, i == 1 && row->refused ?
						   REASON_PRECOMPILED :
						   REASON_NONE);
		cpp_closure_release(&c);
		compare_shell(i ? "rm -rf *.?ch */*.?ch" : row->shell);
	}
	cpp_scanner_free(s);
	free(cc);
	free(gcc);
}

/*
 * A path that cannot be checked is not absent: gcc fails, or can fail, so the
 * compiler must decide.  The tree has inc2/y.h and inc2/sub/z.h.
 */
static const struct {
	const char *shell, *options, *source, *detail;
} unseen[] = {
	{ "ln -s sub inc/sub", "-Iinc -Iinc2", "#include <sub/z.h>\n",
	  "inc/sub/z.h" },
	{ "ln -s sub sub", "-Iinc2", "#include \"sub/z.h\"\n", "sub/z.h" },
	{ "ln -s y.h inc/y.h", "-Iinc -Iinc2", "#include <y.h>\n", "inc/y.h" },
	{ "ln -s loop loop", "-Iloop -Iinc2", "#include <y.h>\n", "loop" },
	{ "ln -s loop loop", "-Iloop/in -Iinc2", "#include <y.h>\n",
	  "loop/in" },
	{ "ln -s sub inc/sub", "-Iinc -Iinc2 -include sub/z.h", "",
	  "inc/sub/z.h" },
	{ "ln -s sub inc/sub", "-Iinc -Iinc2",
	  "#if __has_include(<sub/z.h>)\n#endif\n", NULL },
	{ "ln -s gone.bin gone.bin", "-Iinc",
	  "__asm__(\".incbin \\\"gone.bin\\\"\");\n", "gone.bin" },
	{ "mkdir inc/sub; chmod 0 inc/sub", "-Iinc -Iinc2",
	  "#include <sub/z.h>\n", "inc/sub/z.h" },
	{ "mkdir deep/sub; chmod 0 deep", "-Ideep -Iinc2",
	  "#include <sub/z.h>\n", "deep/sub/z.h" },
	{ "mkdir deep/sub; chmod 0 deep", "-Ideep/sub -Iinc2",
	  "#include <y.h>\n", "deep/sub" },
	{ "touch inc/y.h; chmod 0 inc/y.h", "-Iinc -Iinc2", "#include <y.h>\n",
	  "inc/y.h" },
};

TEST_EACH(a_path_that_cannot_be_checked_is_not_absent, unseen)
{
	char *gcc = make_tree(row->source);
	struct cpp_scanner *s = compare_scan();

	/* root can search every directory */
	if (!geteuid()) {
		compare_shell("chown -R nobody .");
		ck_assert_int_eq(setuid(65534), 0);
	}
	/* The file appears and is removed again. */
	for (int i = 0; i < 3; i++) {
		struct cpp_closure c;
		struct strv files = { 0 };
		char *command;

		command = xasprintf("gcc -nostdinc %s -c -x c unit.c -o unit.o "
				    "2>/dev/null",
				    row->options);
		scan(s, gcc, row->options, &c);
		if (i != 1 && strstr(row->source, "incbin")) {
			ck_assert_int_eq(c.reason, REASON_NO_INCBIN);
		} else if (i != 1) {
			ck_assert_msg(!c.reason, "%d: %s: %s", i,
				      reason_text(c.reason), c.detail);
			compare_shell(command);
		} else {
			ck_assert_msg(c.reason == REASON_FILE_STAT ||
					      c.reason ==
						      REASON_FILE_UNREADABLE,
				      "%s", reason_text(c.reason));
			ck_assert_msg(!row->detail ||
					      str_ends(c.detail, row->detail),
				      "%s", c.detail);
			strv_addf(&files, "! { %s; }", command);
			if (row->detail)
				compare_shell(files.v[0]);
		}
		strv_release(&files);
		cpp_closure_release(&c);
		compare_shell(i ? "chmod 755 inc deep; "
				  "rm -rf inc/[sy]* deep/* sub loop gone.bin; "
				  "touch deep/x.h" :
				  row->shell);
		free(command);
	}
	cpp_scanner_free(s);
	free(gcc);
}

/* A file that a diagnostic quotes: present, absent, or unknown. */
static const struct {
	const char *source, *files, *absent;
	enum reason why;
} origins[] = {
	{ "#line 3 \"gram.y\"\n", "gram.y", "", REASON_NONE },
	{ "# 3 \"gram.y\" 1\n", "gram.y", "", REASON_NONE },
	{ "  #  line  3  \"./gram.y\"  /* x */\n", "gram.y", "", REASON_NONE },
	{ "#line 3 \"gram.y\"\n#line 9 \"unit.c\"\n", "gram.y", "",
	  REASON_NONE },
	{ "#line 3 \"gone.y\"\n#line 7 \"gone.y\"\n", "", "gone.y",
	  REASON_NONE },
	{ "#line 3 \"gone/gram.y\"\n", "", "gone", REASON_NONE },
	{ "#line 3 \"inc\"\n# 1 \"<built-in>\"\n# 1 \"\"\n", "", "",
	  REASON_NONE },
	{ "#if 0\n#line 3 \"gram.y\"\n#line N\n#endif\n", "", "", REASON_NONE },
	{ "#line 3\n#line 4 // \"gram.y\"\n# 5\n", "", "", REASON_NONE },
	{ "#line 3 \"inc/x.h\"\n#include <x.h>\n", "inc/x.h", "", REASON_NONE },
	{ "#define N 3 \"gram.y\"\n#line N\n", "", "", REASON_LINE_NAME },
	{ "#define F \"gram.y\"\n#line 3 F\n", "", "", REASON_LINE_NAME },
	{ "#line 3 /* */ \"gram.y\"\n", "", "", REASON_LINE_NAME },
	{ "#line 3 \\\n\"gram.y\"\n", "", "", REASON_LINE_NAME },
	{ "#line 3 \"gram\\056y\"\n", "", "", REASON_LINE_NAME },
};

TEST_EACH(a_file_named_by_a_line_directive_is_an_input, origins)
{
	char *cc = make_tree(row->source);
	struct cpp_scanner *s = compare_scan();

	compare_file("gram.y", "\n\nint x;\n");
	for (int i = 0; i < 2; i++) {
		struct strv below = { 0 };
		struct cpp_closure c;
		char *files, *absent;

		scan(s, cc, "-Iinc", &c);
		ck_assert_int_eq(c.reason, row->why);
		for (size_t k = 1; k < c.n_files; k++) {
			strv_add(&below, c.files[k].path);
			ck_assert_int_eq(c.files[k].kind,
					 str_ends(c.files[k].path, ".h") ?
						 CPP_FILE_HEADER :
						 CPP_FILE_INPUT);
		}
		files = sorted(&below);
		absent = sorted(&c.absent);
		ck_assert_str_eq(files, row->files);
		ck_assert_str_eq(absent, row->absent);
		free(files);
		free(absent);
		strv_release(&below);
		cpp_closure_release(&c);
	}
	cpp_scanner_free(s);
	free(cc);
}

/* Scan `source`, which must be scannable, with selection of definitions. */
static void scan_file(const char *cc, const char *source, bool full,
		      struct cpp_closure *c)
{
	const struct cpp_setup setup = { .query = compare_ask,
					 .cache_dir = compare_cache,
					 .selects_definitions = true };
	char *argv[] = { "cc", "-nostdinc", "-Iinc", "-c", "unit.c", NULL };
	struct options_command command;
	const struct cpp_unit unit = { .cwd = compare_dir,
				       .compiler = cc,
				       .command = &command,
				       .env = environ,
				       .full = full };
	struct cpp_scanner *s = cpp_scanner_new(&setup);

	compare_file("unit.c", source);
	options_command_parse(&command, argv);
	cpp_closure_find(s, &unit, c);
	options_command_release(&command);
	ck_assert_msg(!c->reason, "%s: %s", reason_text(c->reason), c->detail);
	cpp_scanner_free(s);
}

static void expect_mention(const char *cc, const char *source,
			   enum cpp_mention mention, bool mentioned)
{
	struct cpp_closure c;

	scan_file(cc, source, false, &c);
	ck_assert_msg(!!(c.mentions & mention) == mentioned, "%s", source);
	cpp_closure_release(&c);
}

static void expect_date(const char *cc, const char *source, bool dated)
{
	expect_mention(cc, source, CPP_MENTION_TIME, dated);
}

TEST(a_date_macro_is_mentioned_only_if_it_is_expanded)
{
	char *cc = make_tree("");

	expect_date(cc, "#define C(a,b) a##b\nC(__TIME,STAMP__)\n", true);
	expect_date(cc, "#define C(a) __##a##__\nC(DATE)\n", true);
	expect_date(cc, "#define D __DATE__\nchar *s = D;\n", true);
	expect_date(cc, "#define C(a) __##a##__\nint C(socket);\n", false);
	expect_date(cc, "#define D __DATE__\nint d;\n", false);
	expect_date(cc, "#define S(x) #x\nchar *s = S(__TIME__);\n", false);
	expect_date(cc, "#if 0\nchar *s = __DATE__;\n#endif\n", false);
	free(cc);
}

static const struct {
	const char *source;
	bool mentioned;
} files[] = {
	{ "const char *f = __FILE__;\n", true },
	{ "const char *f = __BASE_FILE__;\n", true },
	{ "const char *f = __builtin_FILE();\n", true },
	{ "#if 0\n#define A __FILE__\n#endif\n", true },
	{ "const char *f = __FI\\\nLE__;\n", true },
	{ "#define C(a,b) a##b\nC(__FI,LE__)\n", true },
	{ "#define C(a,b) a %:%: b\nC(__FI,LE__)\n", true },
	{ "#define C(a) __##a##__\nC(FILE)\n", true },
	{ "#define C(a,b,c) a##b##c\nC(__,FILE,__)\n", true },
	{ "#define C(a) a##__\nC(__FILE)\n", true },
	{ "#define C(a) __##a##I##LE__\nC(F)\n", true },
	{ "#define C(a) __B##a##__\nC(ASE_FILE)\n", true },
	{ "#define C(a) __builtin_##a\nC(FILE)\n", true },
	{ "#define C(a,b) a##b\nC(__buil, tin_FILE)\n", true },
	{ "#define C(a,b) a##b\nint C(__, x), FIND, xFILE;\n", false },
	{ "int x = __builtin_popcount(3); /* __FILE__ */\n", false },
	{ "#define A __LINE__\nint f;\n", false },
};

TEST_EACH(after_a_fast_scan_a_mentioned_name_counts_as_used, files)
{
	char *cc = make_tree("");
	struct cpp_closure c;

	scan_file(cc, row->source, false, &c);
	ck_assert_msg(c.files[0].expands_name == row->mentioned, "%s",
		      row->source);
	cpp_closure_release(&c);
	free(cc);
}

/* Sources that include inc/name.h, and whether they use the two files' names */
static const struct used_name {
	const char *source;
	bool source_used, header_used;
} used_names[] = {
	{ "int x;\n", false, false },
	{ "#if 0\nconst char *f = __FILE__;\n#endif\n", false, false },
	{ "int unused = sizeof(\"__FILE__\");\n", false, false },
	{ "const char *f = NAME;\n", true, false },
	{ "#ifdef NAME\nint x;\n#endif\n", false, false },
	{ "const char *f = __FI\\\nLE__;\n", true, false },
	{ "#define C(a, b) a##b\nconst char *f = C(__FI, LE__);\n", true,
	  false },
	{ "#define C(a) #a\nconst char *f = C(__FILE__);\n", false, false },
	{ "int f = sizeof(__FILE__);\n", true, false },
	{ "const char *f = __BASE_FILE__;\n", true, false },
	{ "const char *f = __FILE_NAME__;\n", false, false },
	{ "#define USE\n#include \"name.h\"\n", false, true },
	{ "#define BASE\n#include \"name.h\"\n", true, false },
	{ "const char *f = __builtin_FILE();\n", true, true },
	{ "#define C(a) __builtin_##a()\nconst char *f = C(FILE);\n", true,
	  true },
	{ "_Pragma(\"message(__FILE__)\")\n", true, false },
	{ "#pragma message NAME\n", true, false },
	{ "#line 1 \"x.y\"\nconst char *f = __FILE__;\n", false, false },
};

TEST_EACH(full_preprocessing_finds_the_files_whose_names_are_used, used_names)
{
	char *cc = make_tree("");
	char *source = xasprintf("#include \"name.h\"\n%s", row->source);
	struct cpp_closure c;

	compare_file("inc/name.h",
		     "#define NAME __FILE__\n"
		     "#ifdef USE\nstatic const char *h = NAME;\n"
		     "#endif\n"
		     "#ifdef BASE\nstatic char *h = __BASE_FILE__;"
		     "\n#endif\n");
	scan_file(cc, source, true, &c);
	ck_assert(c.full);
	ck_assert_str_eq(c.files[1].path, "inc/name.h");
	ck_assert_msg(c.files[0].expands_name == row->source_used, "%s",
		      source);
	ck_assert_msg(c.files[1].expands_name == row->header_used, "%s",
		      source);
	cpp_closure_release(&c);
	free(source);
	free(cc);
}

TEST(a_line_directive_is_mentioned)
{
	char *cc = make_tree("");

	expect_mention(cc, "#line 3 \"unit.y\"\nint x;\n", CPP_MENTION_LINE,
		       true);
	expect_mention(cc, "int x;\n", CPP_MENTION_LINE, false);
	free(cc);
}

TEST(pragma_once_is_mentioned_only_if_it_takes_effect)
{
	static const enum cpp_mention once = CPP_MENTION_ONCE;
	char *cc = make_tree("");

	compare_file("inc/once.h", "#pragma once\nint once;\n");
	compare_file("inc/never.h", "#if 0\n#pragma once\n#endif\n");
	compare_file("inc/operator.h", "_Pragma(\"once\")\nint once;\n");
	expect_mention(cc, "#include \"once.h\"\n", once, true);
	expect_mention(cc, "#include \"operator.h\"\n", once, true);
	expect_mention(cc, "#include \"never.h\"\n", once, false);
	expect_mention(cc, "#if 0\n#include \"once.h\"\n#endif\n", once, false);
	/* The pragma has no effect in the source. */
	expect_mention(cc, "#pragma once\nint x;\n", once, false);
	free(cc);
}

static void expect_with(struct cpp_scanner *s, const char *cc,
			const char *options, const char *file)
{
	struct cpp_closure c;

	scan(s, cc, options, &c);
	ck_assert_msg(!c.reason, "%s: %s", reason_text(c.reason), c.detail);
	ck_assert_uint_eq(c.n_files, 2);
	ck_assert_str_eq(c.files[1].path, file);
	cpp_closure_release(&c);
}

static void expect(struct cpp_scanner *s, const char *cc, const char *file)
{
	expect_with(s, cc, "-Iinc -Iinc2", file);
}

TEST(a_new_target_of_a_dangling_link_is_detected)
{
	char *cc = make_tree("#include <y.h>\n");
	struct cpp_scanner *s = compare_scan();

	/* A link at this place changes nothing. */
	compare_shell("ln -s deep/target link");
	expect_with(s, cc, "-Ilink/ -Iinc2", "inc2/y.h");
	compare_shell("mkdir deep/target && touch deep/target/y.h");
	expect_with(s, cc, "-Ilink/ -Iinc2", "link/y.h");
	compare_shell("mv deep/target deep/gone");
	expect_with(s, cc, "-Ilink/ -Iinc2", "inc2/y.h");
	cpp_scanner_free(s);
	free(cc);
}

/* Each absence ends in a different way, and the next unit detects it. */
TEST(creation_and_removal_of_absent_paths_are_detected)
{
	static const struct {
		const char *shell, *file;
	} step[] = {
		{ "mkdir -p inc/sub", "inc2/sub/z.h" },
		{ "touch inc/sub/z.h", "inc/sub/z.h" },
		{ "mv inc/sub inc/other", "inc2/sub/z.h" },
		{ "ln -s other inc/sub", "inc/sub/z.h" },
		{ "mv inc/other inc/gone", "inc2/sub/z.h" },
		{ "mv inc/gone inc/other", "inc/sub/z.h" },
		{ "rm inc/sub && touch inc/sub", "inc2/sub/z.h" },
		{ "rm inc/sub && mv inc/other inc/sub", "inc/sub/z.h" },
		{ "mv inc away", "inc2/sub/z.h" },
		{ "mkdir -p inc", "inc2/sub/z.h" },
		{ "rmdir inc && ln -s away inc", "inc/sub/z.h" },
		{ "mv away/sub/z.h away/sub/y.h", "inc2/sub/z.h" },
		{ "ln -s y.h away/sub/z.h", "inc/sub/z.h" },
		{ "rm away/sub/y.h", "inc2/sub/z.h" },
		{ "touch away/sub/y.h", "inc/sub/z.h" },
	};
	char *cc = make_tree("#include <sub/z.h>\n");
	struct cpp_scanner *s = compare_scan();

	expect(s, cc, "inc2/sub/z.h");
	for (size_t i = 0; i < sizeof(step) / sizeof(step[0]); i++) {
		compare_shell(step[i].shell);
		expect(s, cc, step[i].file);
		expect(s, cc, step[i].file);
	}
	cpp_scanner_free(s);
	free(cc);
}

/* An hour old, so that the result does not depend on the test's speed. */
static void make_old(const char *name)
{
	char *path = xasprintf("%s/%s", compare_dir, name);
	struct timespec old[2] = { { .tv_nsec = UTIME_OMIT },
				   { .tv_sec = time(NULL) - 3600 } };

	ck_assert_int_eq(utimensat(AT_FDCWD, path, old, 0), 0);
	free(path);
}

TEST(files_of_a_closure_have_their_file_stamps)
{
	char *cc = make_tree("#include <x.h>\n");
	struct cpp_scanner *s = compare_scan();
	struct cpp_closure c;
	struct stat st;
	char *path;

	compare_file("inc/x.h", "int x;\n");
	make_old("inc/x.h");
	scan(s, cc, "-Iinc", &c);
	ck_assert_uint_eq(c.n_files, 2);
	path = xasprintf("%s/inc/x.h", compare_dir);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(c.files[1].stamp.ino, st.st_ino);
	ck_assert_uint_eq(c.files[1].stamp.dev, st.st_dev);
	ck_assert_int_eq(c.files[1].stamp.size, 7);
	ck_assert_int_eq(c.files[1].stamp.mtime_ns / 1000000000,
			 st.st_mtim.tv_sec);
	ck_assert_int_eq(c.files[1].stamp.ctime_ns % 1000000000,
			 st.st_ctim.tv_nsec);
	cpp_closure_release(&c);
	cpp_scanner_free(s);
	free(path);
	free(cc);
}
