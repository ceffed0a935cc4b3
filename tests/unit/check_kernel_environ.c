/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kernel */
#include "../lib/test.h"

#include "kernel/environ.h"

TEST(an_overlay_replaces_variables_of_the_same_name)
{
	char *env[] = { (char[]){ "A=1" }, (char[]){ "AB=2" }, (char[]){ "C=" },
			(char[]){ "odd" }, NULL };
	struct strv overlay = { 0 }, out = { 0 };
	char *text;

	strv_add(&overlay, "A=x");
	strv_add(&overlay, "NEW=1");
	strv_add(&overlay, "NEW=2=3");
	kernel_environ_overlay(&out, env, &overlay);
	text = strv_join(&out, " ");
	ck_assert_str_eq(text, "AB=2 C= odd A=x NEW=2=3");
	free(text);
	strv_release(&out);
	strv_release(&overlay);
	kernel_environ_overlay(&out, env, &overlay);
	ck_assert_uint_eq(out.n, 4);
	strv_release(&out);
}

static int check_one(const char *word)
{
	struct strv settings = { 0 };
	struct err err = { 0 };
	int ret;

	strv_add(&settings, "GOOD=");
	strv_add(&settings, word);
	ret = kernel_environ_check(&settings, &err);
	if (ret)
		text_has(err.text, word);
	strv_release(&settings);
	return ret;
}

TEST(a_setting_requires_a_name_and_an_equals_sign)
{
	ck_assert_int_eq(check_one("A=1"), 0);
	ck_assert_int_eq(check_one("A=b=c"), 0);
	ck_assert_int_eq(check_one("WORD"), -EINVAL);
	ck_assert_int_eq(check_one("=x"), -EINVAL);
	ck_assert_int_eq(check_one(""), -EINVAL);
}
