/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: shell */
#include "../lib/test.h"

#include "shell/make-env.h"

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
