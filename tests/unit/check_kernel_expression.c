/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kernel */
#include "kernel/expression.h"

#include "suite.h"

#include <stdlib.h>
#include <string.h>

static const char config[] = "CONFIG_Y=y\n"
			     "CONFIG_M=m\n"
			     "# CONFIG_N is not set\n"
			     "CONFIG_SHIFT=17\n"
			     "CONFIG_HEX=0x1000\n"
			     "CONFIG_TEXT=\"some text\"\n";

static const struct {
	const char *text;
	enum kernel_tristate value;
} values[] = {
	{ "Y", KERNEL_Y },
	{ "M", KERNEL_M },
	{ "N", KERNEL_N },
	{ "NOWHERE", KERNEL_N },
	{ "y", KERNEL_Y },
	{ "n", KERNEL_N },
	{ "!Y", KERNEL_N },
	{ "!M", KERNEL_M },
	{ "!NOWHERE", KERNEL_Y },
	{ "Y && M", KERNEL_M },
	{ "N || M", KERNEL_M },
	{ "N && Y || Y", KERNEL_Y },
	{ "N && (Y || Y)", KERNEL_N },
	{ "!(N||M) && Y", KERNEL_M },
	{ "M = m", KERNEL_Y },
	{ "M != y", KERNEL_Y },
	{ "NOWHERE = n", KERNEL_Y },
	{ "N=n && Y=y", KERNEL_Y },
	{ "SHIFT < 18", KERNEL_Y },
	{ "SHIFT >= 18", KERNEL_N },
	{ "HEX > 4095", KERNEL_Y },
	{ "TEXT = \"some text\"", KERNEL_Y },
	{ "TEXT = \"other && text\"", KERNEL_N },
	{ "$(cc-option,-m$(BITS)) && M", KERNEL_M },
	{ "$(success,true) = y", KERNEL_Y },
	{ "", KERNEL_N },
	{ "(((", KERNEL_N },
};

START_TEST(a_condition_has_a_value)
{
	ck_assert_int_eq(kernel_expression_value(values[_i].text, config),
			 values[_i].value);
}
END_TEST

static const struct {
	const char *text;
	enum kernel_tristate wanted;
	const char *unmet;
} unmets[] = {
	{ "Y && N", KERNEL_Y, "N" },
	{ "Y && M", KERNEL_Y, "M" },
	{ "Y && M", KERNEL_M, "" },
	{ "(Y && (N)) && (A || N) && !Y && N", KERNEL_Y, "N; A || N; !Y" },
	{ "N || Y && N", KERNEL_Y, "N || Y && N" },
	{ "TEXT = \"a && b\" && Y", KERNEL_Y, "TEXT = \"a && b\"" },
	{ "(A || B) && (N || Y)", KERNEL_Y, "A || B" },
	{ "(A) || (B)", KERNEL_Y, "(A) || (B)" },
};

START_TEST(what_is_not_met_is_named)
{
	struct strv unmet = { 0 };
	char *text;

	kernel_expression_unmet(unmets[_i].text, config, unmets[_i].wanted,
				&unmet);
	text = strv_join(&unmet, "; ");
	ck_assert_str_eq(text, unmets[_i].unmet);
	free(text);
	strv_release(&unmet);
}
END_TEST

START_TEST(no_depth_is_too_much)
{
	char *deep = xmalloc(100001);

	memset(deep, '(', 100000);
	deep[100000] = '\0';
	kernel_expression_value(deep, config);
	memset(deep, '!', 100000);
	kernel_expression_value(deep, config);
	free(deep);
}
END_TEST

#define COUNT(table) ((int)(sizeof(table) / sizeof(*(table))))

int main(void)
{
	Suite *s = suite_create("kernel/expression");
	TCase *tc = tcase_create("expression");

	suite_add_tcase(s, tc);
	tcase_add_loop_test(tc, a_condition_has_a_value, 0, COUNT(values));
	tcase_add_loop_test(tc, what_is_not_met_is_named, 0, COUNT(unmets));
	tcase_add_test(tc, no_depth_is_too_much);
	return suite_run(s);
}
