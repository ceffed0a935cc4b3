/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: cc */
/* The selection of the real compiler, from the words of a call. */
#include "cc/call.h"
#include "cc/real-compiler.h"

#include "../lib/put-program.h"
#include "../lib/test.h"

/*
 * In `dir`: a masquerade link in links/bin/, whose compiler is in old/, another
 * compiler of that name in new/, a compiler cache's link, and kfarm-cc.
 */
static char *dir;

static void put_link(const char *to, const char *path)
{
	char *in = str_dir(path);
	struct err err = { 0 };

	must(fs_mkdirs(in, 0755, &err));
	ck_assert_int_eq(symlink(to, path), 0);
	free(in);
}

static void set_up(void)
{
	char *old;

	dir = xstrdup("/tmp/kfarm-check.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(chdir(dir), 0);
	old = xasprintf("%s/old/gcc", dir);
	put_program("kfarm-cc");
	put_program("bin/ccache");
	put_program("old/gcc");
	put_program("new/gcc");
	put_link("../../kfarm-cc", "links/bin/gcc");
	put_link(old, "links/real/gcc");
	put_link("../bin/ccache", "caches/gcc");
	put_link("../links/bin/gcc", "own/mygcc");
	free(old);
}

static void tear_down(void)
{
	struct err err = { 0 };

	ck_assert_int_eq(chdir("/"), 0);
	must(fs_remove(dir, &err));
	free(dir);
}

/* A word, alone or after kfarm-cc, and its compiler below `dir`. */
static const struct {
	const char *word, *started, *launched;
} words[] = {
	{ "gcc", "new/gcc", "new/gcc" },
	{ "links/bin/gcc", "old/gcc", "old/gcc" },
	{ "./links/bin/gcc", "old/gcc", "old/gcc" },
	{ "own/mygcc", "old/gcc", "old/gcc" },
	{ "mygcc", "old/gcc", "old/gcc" },
	/* A masquerade link that does not exist. */
	{ "links/bin/nosuch", NULL, "links/bin/nosuch" },
	{ "caches/gcc", "new/gcc", "new/gcc" },
	{ "old/gcc", "new/gcc", "old/gcc" },
	{ "nosuch/gcc", "new/gcc", "nosuch/gcc" },
	{ "nosuch", NULL, NULL },
	{ "ccache", NULL, NULL },
	{ "", NULL, NULL },
};

static void expect_compiler(const char *word, bool launched, const char *want)
{
	char *argv0 = (char *)word;
	char *links = xasprintf("%s/links/bin", dir);
	char *got = cc_real_compiler_find(&argv0, launched, links,
					  getenv("PATH"));
	char *file = want ? xasprintf("%s/%s", dir, want) : NULL;

	ck_assert_pstr_eq(got, file);
	free(file);
	free(got);
	free(links);
}

FIXTURE(set_up, tear_down);

TEST_EACH(a_command_word_selects_its_compiler, words)
{
	char *path = xasprintf("%1$s/links/bin:%1$s/own:%1$s/caches:%1$s/bin:"
			       "%1$s/new:%1$s/old",
			       dir);

	setenv("PATH", path, 1);
	expect_compiler(row->word, false, row->started);
	expect_compiler(row->word, true, row->launched);
	free(path);
}

TEST(the_path_of_a_masquerade_link_is_replaced_in_argv0)
{
	char *argv0 = (char *)"links/bin/gcc";
	char *want = xasprintf("%s/old/gcc", dir);
	char *got = cc_real_compiler_find(&argv0, false, NULL, getenv("PATH"));

	ck_assert_str_eq(argv0, want);
	ck_assert_ptr_eq(argv0, got);
	free(got);
	free(want);
}

TEST(a_compiler_that_resolves_to_the_wrapper_is_rejected)
{
	char *argv0 = xasprintf("%s/new/gcc", dir), *path = str_dir(argv0);

	setenv("PATH", path, 1);
	ck_assert_ptr_null(
		cc_real_compiler_find(&argv0, false, NULL, getenv("PATH")));
	free(path);
	free(argv0);
}

/* A command, and the program that executes it. */
static const struct {
	const char *argv[4];
	const char *program;
	bool launched;
} launches[] = {
	{ { "gcc" }, "new/gcc", false },
	{ { "kfarm-cc", "gcc" }, "new/gcc", false },
	{ { "ccache", "gcc" }, "new/gcc", true },
	{ { "/usr/bin/ccache", "old/gcc" }, "old/gcc", true },
	{ { "kfarm-cc", "ccache", "gcc" }, "new/gcc", true },
	{ { "ccache", "distcc", "gcc" }, "new/gcc", true },
	{ { "ccache" }, "bin/ccache", false },
	{ { "links/bin/ccache" }, "bin/ccache", false },
	{ { "ccache", "-s" }, "bin/ccache", false },
	{ { "ccache", "g++" }, "bin/ccache", false },
	{ { "ccache", "distcc", "g++" }, "bin/ccache", false },
	{ { "distcc" }, NULL, false },
};

TEST_EACH(a_launcher_of_a_c_compiler_is_skipped, launches)
{
	char *path = xasprintf("PATH=%1$s/links/bin:%1$s/bin:%1$s/new", dir);
	char *links = xasprintf("KFARM_LINKS=%s/links/bin", dir);
	char *program = row->program ? xasprintf("%s/%s", dir, row->program) :
				       NULL;
	char *env[] = { path, links, NULL };
	char *argv[] = { (char *)row->argv[0], (char *)row->argv[1],
			 (char *)row->argv[2], NULL };
	char *ccache = xasprintf("%s/bin/ccache", dir);
	struct cc_call call;
	int status = 0;

	put_link("../../kfarm-cc", "links/bin/ccache");
	put_link(ccache, "links/real/ccache");
	ck_assert_int_eq(cc_call_begin(&call, argv, env, NULL, &status),
			 program ? CC_JOB_UNAVAILABLE : CC_JOB_DONE);
	ck_assert_pstr_eq(call.compiler, program);
	ck_assert_int_eq(call.is_launched, row->launched);
	if (!program)
		ck_assert_int_eq(status, 127);
	/* A launcher's own compilers pass through kfarm again. */
	if (program && strstr(program, "ccache"))
		ck_assert_str_eq(env[1], links);
	if (env[0] != path)
		free(env[0]);
	cc_call_release(&call);
	free(ccache);
	free(program);
	free(links);
	free(path);
}
