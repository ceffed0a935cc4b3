/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: scan options base */
/*
 * What an answer depends on beside the files: the paths that must stay
 * absent, the directories that must exist, and what stat said of each file.
 */
#include "scan-compare.h"

#include "suite.h"

#include <fcntl.h>
#include <time.h>

struct tried {
	const char *source, *options;
	const char *absent; /* sorted */
	const char *dirs; /* sorted */
};

/* There are inc/x.h, inc2/x.h, inc2/y.h, inc2/sub/z.h and deep/. */
static const struct tried tried[] = {
	{ "#include <x.h>\n", "-Iinc -Iinc2", "", "inc inc2" },
	{ "#include <y.h>\n", "-Iinc -Iinc2", "inc/y.h", "inc inc2" },
	{ "#include \"y.h\"\n", "-Iinc -Iinc2", "inc/y.h y.h", "inc inc2" },
	{ "#include <y.h>\n#include \"y.h\"\n#include <y.h>\n", "-Iinc -Iinc2",
	  "inc/y.h y.h", "inc inc2" },
	/* A directory that is missing stands for what is not in it. */
	{ "#include <sub/z.h>\n", "-Iinc -Iinc2", "inc/sub", "inc inc2" },
	{ "#include <sub/z.h>\n#include \"sub/z.h\"\n"
	  "#if __has_include(<sub/none.h>)\n#endif\n",
	  "-Iinc/ -Iinc2", "inc/sub inc2/sub/none.h sub", "inc/ inc2" },
	{ "#include <x.h>\n", "-Inone/at/all -Inone/ -Iinc", "none", "inc" },
	{ "#include <sub/z.h>\n", "-Ideep -Iinc2", "deep/sub", "deep inc2" },
	/* __has_include depends on what it does not find, found or not. */
	{ "#if __has_include(<no.h>)\n#endif\n", "-Iinc -Iinc2",
	  "inc/no.h inc2/no.h", "inc inc2" },
	{ "#if __has_include(\"y.h\")\n#endif\n", "-Iinc -Iinc2", "inc/y.h y.h",
	  "inc inc2" },
	{ "#if 0 && __has_include(<no.h>)\n#endif\n", "-Iinc", "inc/no.h",
	  "inc" },
	{ "#if 0\n#include <no.h>\n#endif\n", "-Iinc", "", "inc" },
	/* The command line's. */
	{ "", "-Iinc -Iinc2 -include y.h", "inc/y.h y.h", "inc inc2" },
	{ "", "-Iinc -imacros x.h", "x.h", "inc" },
	/* Through a directory and out again. */
	{ "#include <sub/../y.h>\n", "-Iinc2", "", "inc2 inc2/sub" },
	{ "#include <sub/../y.h>\n", "-Iinc -Iinc2", "inc/sub",
	  "inc inc2 inc2/sub" },
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

static void scan(struct scan *s, const char *cc, const char *options,
		 struct scan_closure *c)
{
	char *copy = xstrdup(options), *rest = copy, *word;
	struct strv argv = { 0 };
	struct scan_unit unit = { .cwd = compare_dir,
				  .compiler = cc,
				  .env = environ };

	strv_add(&argv, "cc");
	strv_add(&argv, "-nostdinc");
	while ((word = strsep(&rest, " ")))
		strv_add(&argv, word);
	strv_add(&argv, "-c");
	strv_add(&argv, "unit.c");
	unit.argv = argv.v;
	scan_closure(s, &unit, c);
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

START_TEST(an_answer_says_what_it_depends_on)
{
	const struct tried *t = &tried[_i];
	char *cc = make_tree(t->source);
	struct scan *s = compare_scan();

	/* Again, with what is known by then. */
	for (int i = 0; i < 3; i++) {
		struct scan_closure c;
		char *absent, *dirs;

		scan(s, cc, t->options, &c);
		ck_assert_msg(!c.why, "%s: %s", t->source, c.why);
		absent = sorted(&c.absent);
		dirs = sorted(&c.dirs);
		ck_assert_str_eq(absent, t->absent);
		ck_assert_str_eq(dirs, t->dirs);
		free(absent);
		free(dirs);
		scan_closure_release(&c);
	}
	scan_free(s);
	free(cc);
}
END_TEST

static void expect_with(struct scan *s, const char *cc, const char *options,
			const char *file)
{
	struct scan_closure c;

	scan(s, cc, options, &c);
	ck_assert_msg(!c.why, "%s: %s", c.why, c.detail);
	ck_assert_uint_eq(c.n_files, 2);
	ck_assert_str_eq(c.files[1].path, file);
	scan_closure_release(&c);
}

static void expect(struct scan *s, const char *cc, const char *file)
{
	expect_with(s, cc, "-Iinc -Iinc2", file);
}

START_TEST(a_link_that_leads_somewhere_at_last_is_noticed)
{
	char *cc = make_tree("#include <y.h>\n");
	struct scan *s = compare_scan();

	/* Where the link is, nothing changes. */
	compare_shell("ln -s deep/target link");
	expect_with(s, cc, "-Ilink/ -Iinc2", "inc2/y.h");
	compare_shell("mkdir deep/target && touch deep/target/y.h");
	expect_with(s, cc, "-Ilink/ -Iinc2", "link/y.h");
	compare_shell("mv deep/target deep/gone");
	expect_with(s, cc, "-Ilink/ -Iinc2", "inc2/y.h");
	scan_free(s);
	free(cc);
}
END_TEST

/* Each absence ends in its own way, and is noticed by the next unit. */
START_TEST(the_end_of_an_absence_is_noticed)
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
	struct scan *s = compare_scan();

	expect(s, cc, "inc2/sub/z.h");
	for (size_t i = 0; i < sizeof(step) / sizeof(step[0]); i++) {
		compare_shell(step[i].shell);
		expect(s, cc, step[i].file);
		expect(s, cc, step[i].file);
	}
	scan_free(s);
	free(cc);
}
END_TEST

/* An hour old, so that nothing depends on how long the test takes. */
static void make_old(const char *name)
{
	char *path = xasprintf("%s/%s", compare_dir, name);
	struct timespec old[2] = { { .tv_nsec = UTIME_OMIT },
				   { .tv_sec = time(NULL) - 3600 } };

	ck_assert_int_eq(utimensat(AT_FDCWD, path, old, 0), 0);
	free(path);
}

START_TEST(files_come_with_what_stat_says_of_them)
{
	char *cc = make_tree("#include <x.h>\n");
	struct scan *s = compare_scan();
	struct scan_closure c;
	struct stat st;
	char *path;

	compare_file("inc/x.h", "int x;\n");
	make_old("inc/x.h");
	scan(s, cc, "-Iinc", &c);
	ck_assert_uint_eq(c.n_files, 2);
	path = xasprintf("%s/inc/x.h", compare_dir);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(c.files[1].ident.ino, st.st_ino);
	ck_assert_uint_eq(c.files[1].ident.dev, st.st_dev);
	ck_assert_int_eq(c.files[1].ident.size, 7);
	ck_assert_int_eq(c.files[1].ident.mtime / 1000000000,
			 st.st_mtim.tv_sec);
	ck_assert_int_eq(c.files[1].ident.ctime % 1000000000,
			 st.st_ctim.tv_nsec);
	scan_closure_release(&c);
	scan_free(s);
	free(path);
	free(cc);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("scan/absent");
	TCase *tc = tcase_create("absent");

	tcase_add_checked_fixture(tc, compare_setup, compare_teardown);
	tcase_set_timeout(tc, 300);
	tcase_add_loop_test(tc, an_answer_says_what_it_depends_on, 0,
			    sizeof(tried) / sizeof(tried[0]));
	tcase_add_test(tc, a_link_that_leads_somewhere_at_last_is_noticed);
	tcase_add_test(tc, the_end_of_an_absence_is_noticed);
	tcase_add_test(tc, files_come_with_what_stat_says_of_them);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	return suite_run(suite());
}
