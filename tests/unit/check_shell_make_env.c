/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: shell */
#include "../lib/tempdir.h"
#include "../lib/test.h"

#include "shell/make-env.h"
#include "shell/stats.h"

#include <sys/wait.h>

/* An environment before and after; entries are separated by "|". */
static const struct strips {
	const char *before, *after;
} strips[] = {
	{ "A=1|MAKEFILES=/r/shell/shell.mk|B=2", "A=1|B=2" },
	{ "MAKEFILES=/r/shell/shell.mk /own.mk", "MAKEFILES=/own.mk" },
	{ "MAKEFILES=/r/shell/shell.mk ", "MAKEFILES=" },
	/* Only the value of the user. */
	{ "MAKEFILES=/own.mk|A=1", "MAKEFILES=/own.mk|A=1" },
	{ "MAKEFILES=/r/shell/shell.mkx", "MAKEFILES=/r/shell/shell.mkx" },
	{ "", "" },
};

static void free_changed(char **list, const struct strv *from)
{
	for (; *list; list++) {
		bool same = false;

		for (size_t i = 0; i < from->n; i++)
			same |= *list == from->v[i];
		if (!same)
			free(*list);
	}
}

TEST_EACH(strip_restores_makefiles_to_the_value_of_the_user, strips)
{
	struct strv env = { 0 }, stripped = { 0 };
	char *list[5] = { NULL };
	char *text;

	strv_split(&env, row->before, "|");
	ck_assert_uint_lt(env.n, 5);
	memcpy(list, strv_list(&env), env.n * sizeof(*list));
	shell_make_env_strip("/r/shell", list);
	strv_add_all(&stripped, list);
	text = strv_join(&stripped, "|");
	ck_assert_str_eq(text, row->after);
	free(text);
	strv_release(&stripped);
	free_changed(list, &env);
	strv_release(&env);
}

/* MAKEFLAGS of a recipe, with the descriptors 8 and 9, before and after. */
static const struct flags {
	const char *before, *after; /* NULL: unchanged, and nothing is opened */
} flags[] = {
	{ " -j3 --jobserver-auth=8,9 --jobserver-auth=-2,-2 -- A=1",
	  " -j3 --jobserver-auth=8,9 -- A=1" },
	{ " -j3 --jobserver-auth=8,9", " -j3 --jobserver-auth=8,9" },
	/* Another jobserver, or none. */
	{ " -j3 --jobserver-auth=8,91 --jobserver-auth=-2,-2", NULL },
	{ " -j3 --jobserver-auth=fifo:/tmp/x", NULL },
	{ "k", NULL },
};

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static void expect_jobserver(const struct flags *f)
{
	char *out = shell_make_env_open_jobserver(f->before);

	ck_assert_pstr_eq(out, f->after);
	free(out);
}

/* In a child of the make that has the descriptors. */
static void open_jobserver(const struct flags *f)
{
	char byte = 0;

	close(8);
	close(9);
	expect_jobserver(f);
	ck_assert_int_eq(is_open(8) && is_open(9), f->after != NULL);
	if (f->after) {
		ck_assert_int_eq(write(9, "t", 1), 1);
		ck_assert_int_eq(read(8, &byte, 1), 1);
		ck_assert_int_eq(byte, 't');
		/* In a recipe with several lines, make can pass them. */
		expect_jobserver(f);
	}
	/* The recipe has redirected one. */
	ck_assert_int_eq(dup2(open("/dev/null", O_RDONLY), 8), 8);
	ck_assert_ptr_null(shell_make_env_open_jobserver(f->before));
}

TEST_EACH(a_make_that_make_does_not_see_joins_the_jobserver, flags)
{
	char dir[TEMPDIR_SIZE];
	int ends[2], status;
	struct err err;
	pid_t child;

	tempdir_make(dir);
	must(shell_stats_create(dir, &err));
	ck_assert(shell_stats_open(dir));
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	ck_assert_int_eq(dup3(ends[0], 8, O_CLOEXEC), 8);
	ck_assert_int_eq(dup3(ends[1], 9, O_CLOEXEC), 9);
	/* make before release 4.4 prints a warning with its own jobserver, too.
	 */
	ck_assert_ptr_null(shell_make_env_open_jobserver(row->before));
	shell_stats_set_jobserver(dir, (const int[]){ 8, 9 });
	child = fork();
	if (!child) {
		open_jobserver(row);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
	tempdir_remove(dir);
}

static const struct word {
	const char *script;
	bool has;
} words[] = {
	{ "make", true },
	{ "make -C x", true },
	{ "cd x; /usr/bin/make all", true },
	{ "cd x&&gmake", true },
	{ "x=`make -s y`", true },
	{ "cmake x", false },
	{ "makefile", false },
	{ "rm make-it; echo x.make remake MAKE", false },
	{ "make=1", false },
	{ "mak", false },
	{ "", false },
};

TEST_EACH(mentions_make_finds_make_and_gmake_only_as_words, words)
{
	ck_assert_int_eq(shell_make_env_mentions_make(bytes_str(row->script)),
			 row->has);
}

TEST(is_make_checks_the_last_component_of_a_path)
{
	ck_assert(shell_make_env_is_make("make"));
	ck_assert(shell_make_env_is_make("/usr/local/bin/gmake"));
	ck_assert(!shell_make_env_is_make("cmake"));
	ck_assert(!shell_make_env_is_make("make/x"));
}
