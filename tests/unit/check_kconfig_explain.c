/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kernel kconfig */
#include "kconfig/explain.h"

#include "../lib/test.h"
#include "kernel-tree.h"

static const char kconfig[] = "mainmenu \"Linux/$(ARCH)\"\n"
			      "source \"arch/$(SRCARCH)/Kconfig\"\n"
			      "name := $(shell,echo if config)\n"
			      "config NET\n"
			      "\tbool \"Networking\"\n"
			      "\thelp\n"
			      "\t  With it\n"
			      "\n"
			      "\t  config NOTHING\n"
			      "\t\tbool \"is no symbol\"\n"
			      "config DEEP\n"
			      "\ttristate \"Deep\" \n"
			      "\tdepends on NET && \\\n"
			      "\t\t(OF || ACPI)\n"
			      "\tselect LIB if BIG\n"
			      "config LIB\n"
			      "\ttristate\n"
			      "menu \"Drivers\"\n"
			      "\tdepends on BUS\n"
			      "\tvisible if EXPERT\n"
			      "if BLOCK\n"
			      "menuconfig DISK\n"
			      "\ttristate \"Disk\"\n"
			      "comment \"not for disks\"\n"
			      "\tdepends on NEVER\n"
			      "endif\n"
			      "config CARD\n"
			      "\tprompt \"Card\" if CARDS\n"
			      "\tbool\n"
			      "endmenu\n"
			      "config BUS\n"
			      "\tdef_bool y\n"
			      "choice\n"
			      "\tprompt \"Pages\"\n"
			      "\tdepends on PAGED\n"
			      "config SMALL\n"
			      "\tbool \"Small\"\n"
			      "config LARGE\n"
			      "\tbool \"Large\"\n"
			      "endchoice\n"
			      "config BIG\n"
			      "\tbool \"Big\" if EXPERT\n"
			      "\tdefault y\n"
			      "\tselect FORCED\n"
			      "config FORCED\n"
			      "\tbool \"Forced\"\n"
			      "config NUMBER\n"
			      "\tint \"Number\"\n"
			      "\tdepends on BUS\n"
			      "\trange 1 3 if SMALL\n"
			      "\trange 1 9\n"
			      "config ADDRESS\n"
			      "\thex \"Address\"\n"
			      "config NAME\n"
			      "\tstring \"Name\"\n"
			      "config FLAG\n"
			      "\tbool \"Flag\"\n"
			      "\tdepends on BUS && $(cc-option,-mflag=a(b))\n"
			      "choice\n"
			      "\tprompt \"Speed\" if EXPERT\n"
			      "config FAST\n"
			      "\tbool \"Fast\"\n"
			      "config SLOW\n"
			      "\tbool \"Slow\"\n"
			      "endchoice\n"
			      "config WANTER\n"
			      "\ttristate \"Wants\"\n"
			      "\timply WANTED\n"
			      "config WANTED\n"
			      "\ttristate \"Wanted\"\n"
			      "config PLAIN\n"
			      "\tbool \"Plain\"\n"
			      "\tdepends on WANTED\n";

static const char of_arch[] = "config TWICE\n"
			      "\tbool \"Twice\"\n"
			      "\tdepends on ACPI\n"
			      "source \"lib/Kconfig\"\n"
			      "source \"not/there\"\n";

static const char of_lib[] = "config TWICE\n"
			     "\tbool \"Twice again\"\n"
			     "\tdepends on OF\n"
			     "\n"
			     "config LAST\n"
			     "\tbool\n"
			     "\thelp\n"
			     "\t  Ends with its help.\n";

/* The request, the resulting .config, and the explanation. */
static const struct {
	const char *symbol, *asked, *config, *why;
} cases[] = {
	{ "NOSUCH", "y", "", "no such symbol for arm64" },
	{ "NETT", "y", "",
	  "no such symbol for arm64; did you mean CONFIG_NET?" },
	{ "NOTHING", "y", "", "no such symbol for arm64" },
	{ "DEEP", "y", "CONFIG_NET=y\n", "depends on OF || ACPI, which is n" },
	{ "DEEP", "y", "", "depends on NET (n), OF || ACPI (n)" },
	{ "DEEP", "y", "CONFIG_NET=y\nCONFIG_OF=m\nCONFIG_DEEP=m\n",
	  "depends on OF || ACPI, which is m" },
	{ "LIB", "y", "",
	  "has no prompt, so it is set only by symbols that select it: DEEP" },
	{ "LIB", "n",
	  "CONFIG_LIB=m\nCONFIG_DEEP=m\nCONFIG_BIG=y\nCONFIG_NET=y\n"
	  "CONFIG_OF=y\n",
	  "selected by DEEP" },
	{ "BUS", "n", "CONFIG_BUS=y\n",
	  "has no prompt, so it is set only by its defaults" },
	{ "DISK", "m", "CONFIG_BUS=y\nCONFIG_EXPERT=y\n",
	  "depends on BLOCK, which is n" },
	{ "DISK", "m", "CONFIG_BUS=y\nCONFIG_BLOCK=y\n",
	  "can be set only with EXPERT, which is n" },
	{ "CARD", "y", "CONFIG_EXPERT=y\nCONFIG_BUS=y\n",
	  "can be set only with CARDS, which is n" },
	{ "SMALL", "y", "CONFIG_PAGED=y\nCONFIG_LARGE=y\n",
	  "member of a choice in which LARGE is selected" },
	{ "SMALL", "y", "", "depends on PAGED, which is n" },
	{ "FORCED", "n", "CONFIG_FORCED=y\nCONFIG_BIG=y\n", "selected by BIG" },
	{ "BIG", "n", "CONFIG_BIG=y\n",
	  "can be set only with EXPERT, which is n" },
	{ "NUMBER", "77", "CONFIG_BUS=m\nCONFIG_NUMBER=9\n",
	  "must be from 1 to 9" },
	{ "NUMBER", "7", "CONFIG_BUS=y\nCONFIG_SMALL=y\nCONFIG_NUMBER=3\n",
	  "must be from 1 to 3" },
	{ "NUMBER", "7", "", "depends on BUS, which is n" },
	{ "NUMBER", "0x7", "CONFIG_BUS=y\nCONFIG_NUMBER=9\n",
	  "must be a decimal number" },
	{ "NUMBER", "07", "CONFIG_BUS=y\n", "must be a decimal number" },
	{ "NUMBER", "y", "CONFIG_BUS=y\n", "must be a decimal number" },
	{ "ADDRESS", "0xg", "CONFIG_ADDRESS=0x0\n",
	  "must be a hexadecimal number" },
	{ "NAME", "5", "CONFIG_NAME=\"\"\n",
	  "must be a string in double quotes" },
	{ "BIG", "m", "CONFIG_BIG=y\nCONFIG_EXPERT=y\n", "must be y or n" },
	{ "BIG", "\"yes\"", "CONFIG_EXPERT=y\n", "must be y or n" },
	{ "DISK", "1", "", "must be y, m or n" },
	{ "FLAG", "y", "CONFIG_BUS=y\n",
	  "depends on $(cc-option,-mflag=a(b)), which only Kconfig can "
	  "evaluate" },
	{ "FLAG", "y", "", "depends on BUS, which is n" },
	{ "FAST", "y", "CONFIG_SLOW=y\n",
	  "can be set only with EXPERT, which is n" },
	{ "FAST", "y", "CONFIG_SLOW=y\nCONFIG_EXPERT=y\n",
	  "member of a choice in which SLOW is selected" },
	{ "SLOW", "n", "CONFIG_SLOW=y\nCONFIG_EXPERT=y\n",
	  "selected member of a choice; select another member" },
	{ "WANTED", "m", "CONFIG_MODULES=y\nCONFIG_WANTED=y\nCONFIG_WANTER=y\n",
	  "implied by WANTER" },
	{ "WANTED", "m", "CONFIG_WANTED=y\n",
	  "modules are disabled: MODULES is n" },
	{ "LIB", "m",
	  "CONFIG_LIB=y\nCONFIG_DEEP=y\nCONFIG_BIG=y\n"
	  "CONFIG_MODULES=y\nCONFIG_NET=y\nCONFIG_OF=y\n",
	  "selected by DEEP" },
	{ "LIB", "m",
	  "CONFIG_LIB=y\nCONFIG_DEEP=m\nCONFIG_BIG=y\n"
	  "CONFIG_MODULES=y\n",
	  "has no prompt, so it is set only by symbols that select it: DEEP" },
	/* The dependencies of the selecting symbol limit the select too. */
	{ "LIB", "m",
	  "CONFIG_LIB=y\nCONFIG_DEEP=y\nCONFIG_BIG=y\n"
	  "CONFIG_MODULES=y\nCONFIG_NET=y\nCONFIG_OF=m\n",
	  "has no prompt, so it is set only by symbols that select it: DEEP" },
	{ "PLAIN", "y", "CONFIG_WANTED=m\n", "rejected by Kconfig" },
	{ "PLAIN", "y", "", "depends on WANTED, which is n" },
	{ "ISA", "y", "", "no such symbol for arm64; it exists for x86" },
	{ "BOARD", "y", "", "no such symbol for arm64; it exists for x86" },
	{ "TWICE", "y", "",
	  "depends on ACPI, which is n (arch/arm64/Kconfig); or "
	  "depends on OF, which is n (lib/Kconfig)" },
	{ "LAST", "y", "", "has no prompt, so it is set only by its defaults" },
};

static void set_up(void)
{
	tree_set_up();
	put_file("linux/Kconfig", kconfig, 0644);
	put_file("linux/arch/arm64/Kconfig", of_arch, 0644);
	put_file("linux/lib/Kconfig", of_lib, 0644);
	put_file("linux/arch/x86/Kconfig.cpu", "config ISAX\nmenuconfig ISA\n",
		 0644);
	put_file("linux/arch/x86/boards/Kconfig", "config\tBOARD\n", 0644);
}

FIXTURE(set_up, tree_tear_down);

/* Return the explanation of a rejected setting, which the caller frees. */
static char *explain(const char *symbol, const char *asked, const char *config)
{
	const struct kconfig_explain_context of = { NULL, tree, "arm64",
						    config };
	struct strv lines = { 0 };
	struct kconfig_rejected missed = { .symbol = xasprintf("CONFIG_%s",
							       symbol),
					   .requested = xstrdup(asked),
					   .actual = xstrdup("?") };
	char *start = xasprintf("CONFIG_%s: requested %s, got ?: ", symbol,
				asked);
	char *why;

	kconfig_explain_rejected(&missed, 1, &of, &lines, NULL);
	ck_assert_uint_eq(lines.n, 1);
	ck_assert_msg(str_starts(lines.v[0], start), "%s", lines.v[0]);
	why = xstrdup(lines.v[0] + strlen(start));
	free(start);
	free(missed.symbol);
	free(missed.requested);
	free(missed.actual);
	strv_release(&lines);
	return why;
}

TEST_EACH(the_reason_for_a_rejected_setting_is_named, cases)
{
	char *why = explain(row->symbol, row->asked, row->config);

	ck_assert_str_eq(why, row->why);
	free(why);
}

/* ----------------------------------------------------------- expressions */

static const char config[] = "CONFIG_Y=y\n"
			     "CONFIG_M=m\n"
			     "# CONFIG_N is not set\n"
			     "CONFIG_SHIFT=17\n"
			     "CONFIG_HEX=0x1000\n"
			     "CONFIG_TEXT=\"some text\"\n";

/* Return the explanation for a symbol that depends on `condition`. */
static char *explain_condition(const char *condition, const char *asked)
{
	char *text = xasprintf("config X\n\ttristate \"x\"\n\tdepends on %s\n",
			       condition);
	char *why;

	put_file("linux/Kconfig", text, 0644);
	why = explain("X", asked, config);
	free(text);
	return why;
}

/* A condition and its value. */
static const struct {
	const char *text;
	char value;
} values[] = {
	{ "Y", 'y' },
	{ "M", 'm' },
	{ "N", 'n' },
	{ "NOWHERE", 'n' },
	{ "y", 'y' },
	{ "n", 'n' },
	{ "!Y", 'n' },
	{ "!M", 'm' },
	{ "!NOWHERE", 'y' },
	{ "Y && M", 'm' },
	{ "N || M", 'm' },
	{ "N && Y || Y", 'y' },
	{ "N && (Y || Y)", 'n' },
	{ "!(N||M) && Y", 'm' },
	{ "M = m", 'y' },
	{ "M != y", 'y' },
	{ "NOWHERE = n", 'y' },
	{ "N=n && Y=y", 'y' },
	{ "SHIFT < 18", 'y' },
	{ "SHIFT >= 18", 'n' },
	{ "HEX > 4095", 'y' },
	{ "HEX = 4096", 'y' },
	{ "M > n", 'y' },
	{ "N < M", 'y' },
	{ "Y >= M", 'y' },
	{ "NOWHERE >= 5", 'n' },
	{ "NOWHERE = 0", 'n' },
	{ "NOWHERE != 0", 'y' },
	{ "NOWHERE < 0", 'y' },
	{ "TEXT = \"some text\"", 'y' },
	{ "TEXT = \"other && text\"", 'n' },
	{ "$(cc-option,-m$(BITS)) && M", 'm' },
	{ "$(success,true) = y", 'y' },
	{ "()", 'n' },
	{ "(((", 'n' },
};

TEST_EACH(conditions_are_evaluated_to_y_m_or_n, values)
{
	char *why = explain_condition(row->text, "y"), value = 'y';

	if (strstr(why, "which is n") || strstr(why, "(n)"))
		value = 'n';
	else if (strstr(why, "which is m") || strstr(why, "(m)"))
		value = 'm';
	else if (strcmp(why, "rejected by Kconfig") != 0)
		text_has(why, "which only Kconfig can evaluate");
	ck_assert_msg(value == row->value, "%s", why);
	free(why);
}

static const struct {
	const char *text, *asked, *unmet;
} unmets[] = {
	{ "Y && N", "y", "depends on N, which is n" },
	{ "Y && M", "y", "depends on M, which is m" },
	{ "Y && M", "m", "rejected by Kconfig" },
	{ "(Y && (N)) && (A || N) && !Y && N", "y",
	  "depends on N (n), A || N (n), !Y (n)" },
	{ "N || Y && N", "y", "depends on N || Y && N, which is n" },
	{ "TEXT = \"a && b\" && Y", "y",
	  "depends on TEXT = \"a && b\", which is n" },
	{ "(A || B) && (N || Y)", "y", "depends on A || B, which is n" },
	{ "(A) || (B)", "y", "depends on (A) || (B), which is n" },
	{ "N # it isn't ready", "y", "depends on N, which is n" },
	{ "Y # A\n\tdepends on N # B", "y", "depends on N, which is n" },
	{ "TEXT = \" # \" && Y", "y", "depends on TEXT = \" # \", which is n" },
};

TEST_EACH(unmet_dependencies_are_named, unmets)
{
	char *why = explain_condition(row->text, row->asked);

	ck_assert_str_eq(why, row->unmet);
	free(why);
}

TEST(deeply_nested_conditions_are_explained)
{
	char *deep = xmalloc(100001);

	memset(deep, '(', 100000);
	deep[100000] = '\0';
	free(explain_condition(deep, "y"));
	memset(deep, '!', 100000);
	free(explain_condition(deep, "y"));
	free(deep);
}

TEST(each_rejected_setting_has_one_line)
{
	struct kconfig_rejected missed[] = {
		{ (char[]){ "CONFIG_DISK" }, (char[]){ "m" }, (char[]){ "n" },
		  (char[]){ "disk.config:3" }, false },
		{ (char[]){ "CONFIG_NETT" }, (char[]){ "y" }, (char[]){ "n" },
		  NULL, false },
	};
	struct strv lines = { 0 };
	const struct kconfig_explain_context of = { NULL, tree, "arm64",
						    "CONFIG_BUS=y\n" };

	kconfig_explain_rejected(missed, 2, &of, &lines, NULL);
	ck_assert_uint_eq(lines.n, 2);
	ck_assert_str_eq(lines.v[0],
			 "CONFIG_DISK: requested m (disk.config:3), "
			 "got n: depends on BLOCK, which is n");
	ck_assert_str_eq(lines.v[1],
			 "CONFIG_NETT: requested y, got n: no such symbol "
			 "for arm64; did you mean CONFIG_NET?");
	strv_release(&lines);
}

TEST(only_the_first_100_settings_have_reasons)
{
	const struct kconfig_explain_context of = { NULL, tree, "arm64", "" };
	char symbol[] = "CONFIG_DISK", asked[] = "m", is[] = "n";
	struct kconfig_rejected missed[2000];
	struct strv lines = { 0 };

	for (size_t i = 0; i < 2000; i++)
		missed[i] = (struct kconfig_rejected){ symbol, asked, is, NULL,
						       false };
	kconfig_explain_rejected(missed, 2000, &of, &lines, NULL);
	ck_assert_uint_eq(lines.n, 2000);
	text_has(lines.v[99], "depends on");
	ck_assert_str_eq(lines.v[100], "CONFIG_DISK: requested m, got n");
	strv_release(&lines);
}

/* Two symbols of a choice: satisfied if the later one is selected. */
static const struct {
	const char *first, *second, *config;
	bool replaced;
} choices[] = {
	{ "CONFIG_SMALL=y", "CONFIG_LARGE=y",
	  "CONFIG_PAGED=y\nCONFIG_LARGE=y\n", true },
	{ "CONFIG_LARGE=y", "CONFIG_SMALL=y",
	  "CONFIG_PAGED=y\nCONFIG_LARGE=y\n", false },
	{ "CONFIG_SMALL=y", "CONFIG_NET=y",
	  "CONFIG_PAGED=y\nCONFIG_LARGE=y\nCONFIG_NET=y\n", false },
};

TEST_EACH(a_later_member_of_a_choice_overrides_an_earlier_one, choices)
{
	struct kconfig_request r = { .kconfig = "defconfig" };
	struct strv lines = { 0 }, replaced = { 0 };
	struct kconfig_explain_context of = { NULL, tree, "arm64",
					      row->config };
	struct kconfig_rejected *missed;
	struct kconfig_spec k;
	struct err err = { 0 };
	size_t n;

	strv_add(&r.fragments, row->first);
	strv_add(&r.fragments, row->second);
	must(kconfig_read(&k, &r, tree, "arm64", false, &err));
	of.spec = &k;
	kconfig_find_rejected(&k, of.config, &missed, &n);
	ck_assert_uint_eq(n, 1);
	kconfig_explain_rejected(missed, n, &of, &lines, &replaced);
	ck_assert_uint_eq(lines.n, !row->replaced);
	ck_assert_uint_eq(replaced.n, row->replaced);
	if (replaced.n)
		ck_assert_str_eq(replaced.v[0],
				 "CONFIG_LARGE overrides CONFIG_SMALL (-K) of "
				 "the same choice");
	kconfig_free_rejected(missed, n);
	kconfig_release(&k);
	strv_release(&r.fragments);
	strv_release(&replaced);
	strv_release(&lines);
}

TEST(without_kconfig_files_no_reason_is_given)
{
	struct kconfig_rejected missed = { (char[]){ "CONFIG_A" },
					   (char[]){ "y" }, (char[]){ "n" },
					   NULL, false };
	struct strv lines = { 0 };
	const struct kconfig_explain_context of = { NULL, top, "arm64", "" };

	kconfig_explain_rejected(&missed, 1, &of, &lines, NULL);
	ck_assert_str_eq(lines.v[0], "CONFIG_A: requested y, got n");
	strv_release(&lines);
}

/* A file that sources itself, unmatched ends, a help text without an end. */
TEST(malformed_kconfig_files_are_tolerated)
{
	static const char *const odd[] = {
		"source \"Kconfig\"\nconfig A\n",
		"endif\nendmenu\nendchoice\nconfig A\n\tdepends on\n",
		"config A\n\thelp",
		"depends on B\nbool \"x\nselect\nconfig A\n",
		"choice\nmenu\nif\nconfig A \\",
		"source\nsource \"\nconfig A\n\tprompt\n\tbool \"",
	};
	const struct kconfig_explain_context of = { NULL, tree, "arm64", "" };

	for (size_t i = 0; i < sizeof(odd) / sizeof(*odd); i++) {
		struct kconfig_rejected missed = { (char[]){ "CONFIG_A" },
						   (char[]){ "y" },
						   (char[]){ "n" }, NULL,
						   false };
		struct strv lines = { 0 };

		put_file("linux/Kconfig", odd[i], 0644);
		kconfig_explain_rejected(&missed, 1, &of, &lines, NULL);
		ck_assert_uint_eq(lines.n, 1);
		strv_release(&lines);
	}
}
