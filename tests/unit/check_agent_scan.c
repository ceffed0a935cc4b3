/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: base options wire agent */
#include "agent/scan.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))

/* Each as one piece, then cut everywhere, then byte by byte. */
static bool passes(const char *text, size_t len, bool directives)
{
	struct agent_scan s;
	bool whole;

	agent_scan_init(&s, directives);
	whole = agent_scan_text(&s, bytes_of(text, len));
	for (size_t cut = 0; cut <= len; cut++) {
		agent_scan_init(&s, directives);
		ck_assert_int_eq(
			agent_scan_text(&s, bytes_of(text, cut)) &&
				agent_scan_text(
					&s, bytes_of(text + cut, len - cut)),
			whole);
	}
	agent_scan_init(&s, directives);
	for (size_t i = 0; i < len; i++) {
		if (!agent_scan_text(&s, bytes_of(text + i, 1))) {
			ck_assert_msg(!whole, "byte by byte: %s", text);
			return false;
		}
	}
	ck_assert_msg(whole, "only as one: %s", text);
	return true;
}

static const char *const hostile[] = {
	"#include \"/etc/shadow\"\n",
	"int x;\n#include </etc/shadow>\n",
	"int x;\n  #\tinclude_next <x>\n",
	"\v\f#\v\finclude \"x\"",
	"int x;\r#import \"x\"\n",
	"#embed \"x\"\n",
	"#include\n\"x\"\n",
	"%:include \"x\"\n",
	"int x;\n %: include \"x\"\n",
	"%\\\n:include \"x\"\n",
	"?\?=include \"x\"\n",
	"?\?= import \"x\"\n",
	"%?\?/\n:include \"x\"\n",
	"\\\n#include \"x\"\n",
	"#\\\ninclude \"x\"\n",
	"#inc\\\nlude \"x\"\n",
	"#include\\\n \"x\"\n",
	"#in?\?/\nclude \"x\"\n",
	"#?\?/\ninclude \"x\"\n",
	"# /* a */ include \"x\"\n",
	"#include/**/\"x\"\n",
	"/* a */ #include \"x\"\n",
	"/* a\n b */ #include \"x\"\n",
	"/* a *\\\n/ #include \"x\"\n",
	"/* a *?\?/\n/ #include \"x\"\n",
	"/* a **/#include \"x\"\n",
	"char *s = \"/*\";\n#include \"x\"\n",
	"// /*\n#include \"x\"\n",
	"\xef\xbb\xbf#include \"x\"\n",
	"#pragma GCC pch_preprocess \"x\"\n",
	"_Pragma(\"GCC pch_preprocess \\\"x\\\"\")\n",
	"#define X pch_preprocess\n",
	"gpch",
	"gpchC013",
};

START_TEST(a_text_that_includes_is_found)
{
	ck_assert_msg(!passes(hostile[_i], strlen(hostile[_i]), true), "%s",
		      hostile[_i]);
}
END_TEST

START_TEST(a_nul_hides_nothing)
{
	static const char text[] = "int x;\n\0#\0include \"x\"\n";

	ck_assert(!passes(text, sizeof(text) - 1, true));
}
END_TEST

static const char *const honest[] = {
	"",
	"# 1 \"x.c\"\n# 1 \"/usr/include/x.h\" 1 3 4\nint x;\n",
	"#define include 1\n#undef import\n#pragma once\n",
	"#define S(x) \\\n\t#x\n#define T(x, y) \\\n\tx \\\n\t##y\n",
	"#define S(x) \\\n#x\\\n\" b\"\n",
	"#define F(x) foo(x) /* #include <x> */\n",
	" * #include <linux/module.h>\n",
	" * // #include <linux/module.h>\n",
	"// #include <linux/module.h>\n",
	"char *s = \"#include <x>\";\n",
	"int x\n\t= import / include;\nint include;\n",
	"x = a\n\t? include\n\t: embed;\n",
	"x = a\n\t% b; /* c */ int d;\n",
	"#includes\n#important\n#embedded\n#include_nextel\n",
	"#a_word_that_is_longer_than_any_of_those\n",
	"#\n#!\n##\n",
	"int pch_preproces;\n",
	" gpch\n",
	"gpc\nh",
};

START_TEST(an_honest_text_passes)
{
	ck_assert_msg(passes(honest[_i], strlen(honest[_i]), true), "%s",
		      honest[_i]);
}
END_TEST

START_TEST(a_number_sign_begins_a_comment_for_an_assembler)
{
	static const char text[] = "#include \"x\"\n\t# import\n\tnop\n";

	ck_assert(passes(text, strlen(text), false));
	ck_assert(!passes("gpchC013", 8, false));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("agent/scan");
	TCase *t = tcase_create("scan");
	SRunner *sr;
	int failed;

	tcase_add_loop_test(t, a_text_that_includes_is_found, 0,
			    LENGTH(hostile));
	tcase_add_test(t, a_nul_hides_nothing);
	tcase_add_loop_test(t, an_honest_text_passes, 0, LENGTH(honest));
	tcase_add_test(t, a_number_sign_begins_a_comment_for_an_assembler);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
