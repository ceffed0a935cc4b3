/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kernel kconfig */
#include "../lib/test.h"

#include "kconfig/explain.h"

static const char config[] = "CONFIG_Y=y\n"
			     "CONFIG_M=m\n"
			     "# CONFIG_N is not set\n"
			     "CONFIG_SHIFT=17\n"
			     "CONFIG_HEX=0x1000\n"
			     "CONFIG_TEXT=\"some text\"\n";

static const struct {
	const char *text;
	enum kconfig_tristate value;
} values[] = {
	{ "Y", KCONFIG_TRISTATE_Y },
	{ "M", KCONFIG_TRISTATE_M },
	{ "N", KCONFIG_TRISTATE_N },
	{ "NOWHERE", KCONFIG_TRISTATE_N },
	{ "y", KCONFIG_TRISTATE_Y },
	{ "n", KCONFIG_TRISTATE_N },
	{ "!Y", KCONFIG_TRISTATE_N },
	{ "!M", KCONFIG_TRISTATE_M },
	{ "!NOWHERE", KCONFIG_TRISTATE_Y },
	{ "Y && M", KCONFIG_TRISTATE_M },
	{ "N || M", KCONFIG_TRISTATE_M },
	{ "N && Y || Y", KCONFIG_TRISTATE_Y },
	{ "N && (Y || Y)", KCONFIG_TRISTATE_N },
	{ "!(N||M) && Y", KCONFIG_TRISTATE_M },
	{ "M = m", KCONFIG_TRISTATE_Y },
	{ "M != y", KCONFIG_TRISTATE_Y },
	{ "NOWHERE = n", KCONFIG_TRISTATE_Y },
	{ "N=n && Y=y", KCONFIG_TRISTATE_Y },
	{ "SHIFT < 18", KCONFIG_TRISTATE_Y },
	{ "SHIFT >= 18", KCONFIG_TRISTATE_N },
	{ "HEX > 4095", KCONFIG_TRISTATE_Y },
	{ "TEXT = \"some text\"", KCONFIG_TRISTATE_Y },
	{ "TEXT = \"other && text\"", KCONFIG_TRISTATE_N },
	{ "$(cc-option,-m$(BITS)) && M", KCONFIG_TRISTATE_M },
	{ "$(success,true) = y", KCONFIG_TRISTATE_Y },
	{ "", KCONFIG_TRISTATE_N },
	{ "(((", KCONFIG_TRISTATE_N },
};

TEST_EACH(a_condition_has_a_value, values)
{
	ck_assert_int_eq(kconfig_explain_eval(row->text, config), row->value);
}

static const struct {
	const char *text;
	enum kconfig_tristate wanted;
	const char *unmet;
} unmets[] = {
	{ "Y && N", KCONFIG_TRISTATE_Y, "N" },
	{ "Y && M", KCONFIG_TRISTATE_Y, "M" },
	{ "Y && M", KCONFIG_TRISTATE_M, "" },
	{ "(Y && (N)) && (A || N) && !Y && N", KCONFIG_TRISTATE_Y,
	  "N; A || N; !Y" },
	{ "N || Y && N", KCONFIG_TRISTATE_Y, "N || Y && N" },
	{ "TEXT = \"a && b\" && Y", KCONFIG_TRISTATE_Y, "TEXT = \"a && b\"" },
	{ "(A || B) && (N || Y)", KCONFIG_TRISTATE_Y, "A || B" },
	{ "(A) || (B)", KCONFIG_TRISTATE_Y, "(A) || (B)" },
};

TEST_EACH(what_is_not_met_is_named, unmets)
{
	struct strv unmet = { 0 };
	char *text;

	kconfig_explain_list_unmet(row->text, config, row->wanted, &unmet);
	text = strv_join(&unmet, "; ");
	ck_assert_str_eq(text, row->unmet);
	free(text);
	strv_release(&unmet);
}

TEST(no_depth_is_too_much)
{
	char *deep = xmalloc(100001);

	memset(deep, '(', 100000);
	deep[100000] = '\0';
	kconfig_explain_eval(deep, config);
	memset(deep, '!', 100000);
	kconfig_explain_eval(deep, config);
	free(deep);
}

#define COUNT(table) ((int)(sizeof(table) / sizeof(*(table))))
