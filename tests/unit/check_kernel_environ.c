/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kernel */
#include "../lib/test.h"

#include "kernel/environ.h"

TEST(what_is_laid_over_replaces_its_names)
{
	char *env[] = { (char[]){ "A=1" }, (char[]){ "AB=2" }, (char[]){ "C=" },
			(char[]){ "odd" }, NULL };
	struct strv by = { 0 }, out = { 0 };
	char *text;

	strv_add(&by, "A=x");
	strv_add(&by, "NEW=1");
	strv_add(&by, "NEW=2=3");
	kernel_environ_overlay(&out, env, &by);
	text = strv_join(&out, " ");
	ck_assert_str_eq(text, "AB=2 C= odd A=x NEW=2=3");
	free(text);
	strv_release(&out);
	strv_release(&by);
	kernel_environ_overlay(&out, env, &by);
	ck_assert_uint_eq(out.n, 4);
	strv_release(&out);
}

static int check_one(const char *word)
{
	struct strv given = { 0 };
	struct err err = { 0 };
	int ret;

	strv_add(&given, "GOOD=");
	strv_add(&given, word);
	ret = kernel_environ_check(&given, &err);
	if (ret)
		text_has(err.text, word);
	strv_release(&given);
	return ret;
}

TEST(settings_have_a_name_and_a_value)
{
	ck_assert_int_eq(check_one("A=1"), 0);
	ck_assert_int_eq(check_one("A=b=c"), 0);
	ck_assert_int_eq(check_one("WORD"), -EINVAL);
	ck_assert_int_eq(check_one("=x"), -EINVAL);
	ck_assert_int_eq(check_one(""), -EINVAL);
}
