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

static const struct {
	const char *given, *want;
} assignments[] = {
	{ "A=1,B=2", "A=1,B=2" },
	{ "A=1,A=2,AB=3", "A=2,AB=3" },
	{ "A=1,B=2,A=3", "B=2,A=3" },
	{ "A+=1,A+=2", "A+=1,A+=2" },
	{ "A=1,A+=2,A:=3", "A=1,A+=2,A:=3" },
	{ "A=1,A+=2,A=3", "A+=2,A=3" },
	{ "A =1,A =2", "A =1,A =2" },
	{ "A.o=1,A.o=2", "A.o=2" },
};

TEST_EACH(only_a_plain_assignment_replaces_an_earlier_one, assignments)
{
	struct strv words = { 0 }, variables = { 0 };
	char *text;

	strv_split(&words, row->given, ",");
	for (size_t i = 0; i < words.n; i++)
		kernel_environ_assign(&variables, words.v[i]);
	text = strv_join(&variables, ",");
	ck_assert_str_eq(text, row->want);
	free(text);
	strv_release(&variables);
	strv_release(&words);
}

static const struct {
	const char *word;
	size_t len;
} names[] = {
	{ "A=b=c", 1 },    { "AB+=1", 2 },     { "A?=1", 1 }, { "A!=id", 1 },
	{ "A:=1", 1 },     { "A::=1", 1 },     { "A =1", 1 }, { "A +=1", 1 },
	{ "c++x.o=1", 6 }, { "c++x.o:=1", 6 },
};

TEST_EACH(the_name_of_an_assignment_ends_before_the_operator, names)
{
	ck_assert_uint_eq(kernel_environ_name_len(row->word), row->len);
}

static const struct {
	const char *word;
	bool is_rejected;
} operators[] = {
	{ "ARCH=arm64", false },         { "ARCH:=arm64", true },
	{ "ARCH =arm64", true },         { "O:=/tmp", true },
	{ "KCONFIG_CONFIG:=x", true },   { "CC+=-m32", true },
	{ "INSTALL_MOD_PATH?=x", true }, { "KCFLAGS+=-g", false },
	{ "CFLAGS_a.o+=-g", false },     { "KBUILD_CFLAGS+=x", false },
};

TEST_EACH(a_variable_of_the_plan_supports_only_the_equals_sign, operators)
{
	struct strv variables = { 0 };
	struct err err = { 0 };

	strv_add(&variables, "W=1");
	strv_add(&variables, row->word);
	ck_assert_int_eq(kernel_environ_check_variables(&variables, &err),
			 row->is_rejected ? -EINVAL : 0);
	if (row->is_rejected)
		text_has(err.text, row->word);
	strv_release(&variables);
}
