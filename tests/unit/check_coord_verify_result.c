/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: coord */
/* Verification of results, which the tests corrupt. */
#include "../lib/test.h"
#include "examine-play.h"

static char *bare_unit[] = { (char *)"gcc", (char *)"-c", (char *)"u.s", NULL };

FIXTURE(set_up, tear_down);
TIMEOUT(60);

TEST(a_correct_result_is_written)
{
	coord_verify_result(&e);
	expect_dep(DEPS);
}

TEST(the_depfile_of_mmd_omits_system_headers)
{
	command.omits_system_headers = true;
	coord_verify_result(&e);
	expect_dep("u.o: u.c sys/stdc-predef.h h.h sub/../g.h\n");
}

TEST(no_depfile_is_written_if_none_is_requested)
{
	e.dep_tmp = NULL;
	coord_verify_result(&e);
	ck_assert_int_eq(e.verdict, SCHED_VERDICT_VALID);
	ck_assert(!fs_exists("u.d.tmp"));
}

/* Dependency lists that lack a file, with that file. */
static const struct lacking {
	const char *list, *name;
} lacking[] = {
	{ "u.o: u.c sys/stdc-predef.h sub/../g.h sys/s.h\n", "h.h" },
	{ "u.o: u.c sys/stdc-predef.h h.h sys/s.h\n", "g.h" },
	{ "u.o: u.c sys/stdc-predef.h h.h sub/../g.h\n", "sys/s.h" },
	{ "u.o: u.c h.h sub/../g.h sys/s.h\n", "sys/stdc-predef.h" },
	{ "u.o: h.h sys/stdc-predef.h sub/../g.h sys/s.h\n", "u.c" },
	{ "u.o: u.c\n", "h" },
};

TEST_RANGE(a_depfile_that_lacks_an_input_is_wrong, 0,
	   2 * sizeof(lacking) / sizeof(*lacking))
{
	const struct lacking *l = &lacking[_i / 2];

	command.omits_system_headers = _i % 2;
	add(WIRE_OUTPUT_DEPS, l->list);
	sign();
	coord_verify_result(&e);
	expect_nothing(SCHED_VERDICT_WRONG);
	text_has(e.err.text, "depfile: no entry for input");
	text_has(e.err.text, l->name);
}

/*
 * The arguments of -MQ and -MT for the node, the rule's targets, and the
 * verdict.  A mismatch is UNUSABLE if compilers quote the names differently.
 */
static const struct targeted {
	const char *given[2];
	const char *rule;
	enum sched_verdict verdict;
} targeted[] = {
	{ { "u.o" }, "u.o:", SCHED_VERDICT_VALID },
	{ { "u.o" }, "v.o:", SCHED_VERDICT_WRONG },
	{ { "u.o" }, "u.o v.o:", SCHED_VERDICT_WRONG },
	{ { "u.o" }, "x/u.o:", SCHED_VERDICT_WRONG },
	{ { "u.o" }, "u.o\\::", SCHED_VERDICT_WRONG },
	{ { "u.o" }, "u.o:v.o w:", SCHED_VERDICT_WRONG },
	{ { "u.o" }, "u.o\\ u.o:", SCHED_VERDICT_WRONG },
	{ { "u.o" }, "u.o \\\n :", SCHED_VERDICT_VALID },
	{ { NULL }, "u.o:", SCHED_VERDICT_VALID },
	{ { NULL }, "sub/u.o:", SCHED_VERDICT_WRONG },
	{ { "a/u.o", "b.d" }, "a/u.o b.d:", SCHED_VERDICT_VALID },
	{ { "a/u.o", "b.d" }, "b.d \\\n a/u.o:", SCHED_VERDICT_VALID },
	{ { "a/u.o", "b.d" }, "a/u.o\\ b.d:", SCHED_VERDICT_WRONG },
	{ { "a/u.o", "b.d" }, "a/u.o:", SCHED_VERDICT_WRONG },
	{ { "a/u.o", "b.d" }, "a/u.o a/u.o:", SCHED_VERDICT_WRONG },
	/* gcc removes a leading "./". */
	{ { "././/a.o", "./b.d" }, "b.d a.o:", SCHED_VERDICT_VALID },
	/* Each target is equal to the local one, or nothing is published. */
	{ { "a b.o" }, "a\\ b.o:", SCHED_VERDICT_VALID },
	{ { "a\\ b.o" }, "a\\\\\\ b.o:", SCHED_VERDICT_VALID },
	{ { "$#o" }, "$$\\#o:", SCHED_VERDICT_VALID },
	{ { "\xc3\xa9/u.o", "a~b" },
	  "a~b \\\n \xc3\xa9/u.o:",
	  SCHED_VERDICT_VALID },
	{ { "q.o", "a b $(x)" }, "a b $(x) q.o:", SCHED_VERDICT_VALID },
	{ { "a b.o" }, "$(x) a\\ b.o:", SCHED_VERDICT_UNUSABLE },
	{ { "a b.o" }, "a b.o:", SCHED_VERDICT_UNUSABLE },
	{ { "$o" }, "$o:", SCHED_VERDICT_UNUSABLE },
	{ { "a~b.o" }, "include x a~b.o:", SCHED_VERDICT_UNUSABLE },
	{ { "a~b.o" }, "a~b.o a~b.o:", SCHED_VERDICT_UNUSABLE },
	{ { "\xc3\xa9/u.o" },
	  "$(shell x) \xc3\xa9/u.o:",
	  SCHED_VERDICT_UNUSABLE },
	{ { "a\\" }, "a\\: $(shell x):", SCHED_VERDICT_UNUSABLE },
};

TEST_EACH(a_depfile_with_another_target_is_wrong, targeted)
{
	char *list = xasprintf("%s%s", row->rule, strchr(DEPS, ' '));

	options_flags_release(&flags);
	for (size_t i = 0; i < 2 && row->given[i]; i++) {
		struct options_flag *f = VEC_ADD(flags.flags, flags.n_flags);

		f->name = xstrdup(i ? "-MT" : "-MQ");
		f->value = xstrdup(row->given[i]);
	}
	add(WIRE_OUTPUT_DEPS, list);
	sign();
	coord_verify_result(&e);
	if (row->verdict == SCHED_VERDICT_VALID) {
		expect_dep(list);
	} else {
		expect_nothing(row->verdict);
		text_has(e.err.text, "wrong target");
		if (row->verdict == SCHED_VERDICT_UNUSABLE)
			ck_assert_int_eq(e.reason, REASON_BAD_DEPS);
	}
	free(list);
}

TEST(clang_retains_a_leading_dot_of_a_target)
{
	command.is_clang = true;
	options_flags_release(&flags);
	*VEC_ADD(flags.flags, flags.n_flags) = (struct options_flag){
		.name = xstrdup("-MQ"), .value = xstrdup("./u.o")
	};
	add(WIRE_OUTPUT_DEPS, "./" DEPS);
	sign();
	coord_verify_result(&e);
	expect_dep("./" DEPS);
}

TEST(the_target_is_ignored_if_no_depfile_is_requested)
{
	e.dep_tmp = NULL;
	add(WIRE_OUTPUT_DEPS, "v.o" DEPS);
	sign();
	coord_verify_result(&e);
	ck_assert_int_eq(e.verdict, SCHED_VERDICT_VALID);
}

TEST(a_depfile_can_name_an_input_by_another_path)
{
	add(WIRE_OUTPUT_DEPS, "u.o: u.c sys/stdc-predef.h h.h g.h sys/s.h\n");
	sign();
	coord_verify_result(&e);
	ck_assert_int_eq(e.verdict, SCHED_VERDICT_VALID);
}

/* Results that need not be false, and the reason for the local compile. */
static const struct suspect {
	int stream;
	const char *text;
	enum reason why;
} suspects[] = {
	{ WIRE_OUTPUT_DEPS, "", REASON_NO_DEPS },
	{ WIRE_OUTPUT_DEPS, "no rule\n", REASON_BAD_DEPS },
	{ WIRE_OUTPUT_DEPS, DEPS "/etc/passwd:\n", REASON_BAD_DEPS },
	{ WIRE_OUTPUT_DEPS, DEPS "u.c:\n", REASON_BAD_DEPS },
	{ WIRE_OUTPUT_DEPS, "u.o: /etc/passwd u.c h.h\n", REASON_UNKNOWN_DEP },
	{ WIRE_OUTPUT_DEPS, "u.o: u.c h.h /etc/passwd\n", REASON_UNKNOWN_DEP },
	{ WIRE_OUTPUT_AS_DEPS, "no rule\n", REASON_BAD_AS_DEPS },
	{ WIRE_OUTPUT_AS_DEPS, "out.o: /etc/passwd\n", REASON_UNKNOWN_AS_DEP },
	{ WIRE_OUTPUT_STDERR, "\033]0;x\007", REASON_CONTROL_CHARACTERS },
};

TEST_EACH(a_doubtful_result_is_unusable, suspects)
{
	add(row->stream, row->text);
	sign();
	coord_verify_result(&e);
	expect_nothing(SCHED_VERDICT_UNUSABLE);
	ck_assert_str_eq(reason_text(e.reason), reason_text(row->why));
}

TEST(diagnostics_for_a_terminal_make_a_result_unusable)
{
	add(WIRE_OUTPUT_STDERR, "warning");
	sign();
	e.to_terminal = true;
	coord_verify_result(&e);
	expect_nothing(SCHED_VERDICT_UNUSABLE);
	ck_assert_int_eq(e.reason, REASON_TERMINAL);
	e.to_terminal = false;
	coord_verify_result(&e);
	ck_assert_int_eq(e.verdict, SCHED_VERDICT_VALID);
}

/* Variables that change gcc's messages. */
static const struct variable {
	const char *entry, *message;
	enum reason why;
} variables[] = {
	{ "GCC_EXTRA_DIAGNOSTIC_OUTPUT=fixits-v2", "warning",
	  REASON_MESSAGE_VARIABLE },
	{ "GCC_EXTRA_DIAGNOSTIC_OUTPUT=fixits-v2", "", REASON_NONE },
	{ "GCC_EXTRA_DIAGNOSTIC_OUTPUT=", "warning", REASON_NONE },
	{ "GCC_COLORS=warning=01;34", "\033[01;35mwarning\033[m",
	  REASON_MESSAGE_VARIABLE },
	{ "GCC_COLORS=", "\033[01;35mwarning\033[m", REASON_MESSAGE_VARIABLE },
	{ "GCC_COLORS=", "warning", REASON_NONE },
	{ "GCC_URLS=st", "\033]8;;https://gcc.gnu.org\033\\warning",
	  REASON_CONTROL_CHARACTERS },
	{ "GCC_COLORSX=1", "\033[01;35mwarning\033[m", REASON_NONE },
};

TEST_EACH(a_message_that_depends_on_a_variable_is_not_used, variables)
{
	char *env[] = { (char *)row->entry, NULL };

	e.env = env;
	add(WIRE_OUTPUT_STDERR, row->message);
	sign();
	coord_verify_result(&e);
	ck_assert_str_eq(reason_text(e.reason), reason_text(row->why));
	ck_assert_int_eq(e.verdict, row->why ? SCHED_VERDICT_UNUSABLE :
					       SCHED_VERDICT_VALID);
}

/* Results of the cache have keys that contain the variables. */
TEST(a_trusted_message_can_depend_on_a_variable)
{
	char *env[] = { (char *)"GCC_EXTRA_DIAGNOSTIC_OUTPUT=fixits-v2", NULL };

	e.env = env;
	e.trusted = true;
	add(WIRE_OUTPUT_STDERR, "warning");
	sign();
	coord_verify_result(&e);
	ck_assert_int_eq(e.verdict, SCHED_VERDICT_VALID);
}

TEST(very_long_diagnostics_make_a_result_unusable)
{
	for (unsigned i = 0; i <= WIRE_CC_DIAG_MAX; i++)
		buf_add_str(&answer.streams[WIRE_OUTPUT_STDOUT], "w");
	sign();
	coord_verify_result(&e);
	expect_nothing(SCHED_VERDICT_UNUSABLE);
	ck_assert_int_eq(e.reason, REASON_LONG_DIAGNOSTICS);
}

TEST(a_compile_error_makes_a_result_unusable)
{
	answer.wire.wait_status = 1 << 8;
	coord_verify_result(&e);
	expect_nothing(SCHED_VERDICT_UNUSABLE);
	ck_assert_int_eq(e.reason, REASON_COMPILE_ERROR);
}

TEST(a_damaged_result_is_wrong)
{
	answer.streams[0].data[3] ^= 1;
	coord_verify_result(&e);
	expect_nothing(SCHED_VERDICT_WRONG);
}

TEST(an_object_for_another_machine_is_wrong)
{
	Elf64_Ehdr other = object;

	other.e_machine = EM_X86_64;
	e.reference_object = bytes_of(&other, sizeof(other));
	coord_verify_result(&e);
	expect_nothing(SCHED_VERDICT_WRONG);
}

TEST(a_header_changed_during_the_job_is_reported)
{
	write_file("h.h", "#include \"sub/../g.h\"\n#include <s.h>\nint y;\n");
	coord_verify_result(&e);
	expect_nothing(SCHED_VERDICT_INPUTS_CHANGED);
	ck_assert_str_eq(e.err.text, "h.h");
}

TEST(an_existing_output_file_is_not_overwritten)
{
	write_file("u.o.tmp", "mine");
	coord_verify_result(&e);
	ck_assert_int_eq(e.verdict, SCHED_VERDICT_UNUSABLE);
	ck_assert_int_eq(e.reason, REASON_NOT_WRITTEN);
	expect_file("u.o.tmp", "mine");
}

/* ------------------------------------------ without a preprocessor */

static void release_unit(void)
{
	inputs_manifest_release(&manifest);
	options_flags_release(&flags);
	options_command_release(&command);
}

/* The list of as for u.s, which includes g.h and names files by .file. */
static const struct listed {
	const char *text;
	enum sched_verdict is;
	enum reason why;
} listed[] = {
	{ "out.o: u.s gone/x.c ./g.h h.h\n", SCHED_VERDICT_VALID, 0 },
	{ "out.o: u.s\n", SCHED_VERDICT_VALID, 0 },
	{ "out.o: g.h\n", SCHED_VERDICT_WRONG, 0 },
	{ "out.o: u.s g.h u.c\n", SCHED_VERDICT_UNUSABLE,
	  REASON_UNKNOWN_AS_DEP },
	{ "out.o: u.s other/x.c\n", SCHED_VERDICT_UNUSABLE,
	  REASON_UNKNOWN_AS_DEP },
	{ "u.s\n", SCHED_VERDICT_UNUSABLE, REASON_BAD_AS_DEPS },
	{ "", SCHED_VERDICT_WRONG, 0 },
};

TEST_EACH(without_preprocessing_the_assemblers_list_is_verified, listed)
{
	write_file("u.s", "\t.file \"gone/x.c\"\n\t.incbin \"g.h\"\n"
			  "\t.file \"h.h\"\n");
	release_unit();
	scan_unit(bare_unit);
	e.dep_tmp = NULL;
	add(WIRE_OUTPUT_DEPS, "");
	add(WIRE_OUTPUT_AS_DEPS, row->text);
	sign();
	coord_verify_result(&e);
	ck_assert_msg(e.verdict == row->is && e.reason == row->why,
		      "%s: %d %s %s", row->text, e.verdict,
		      reason_text(e.reason), e.err.text);
	ck_assert_int_eq(fs_exists("u.o.tmp"),
			 (row->is == SCHED_VERDICT_VALID));
	if (row->is == SCHED_VERDICT_WRONG)
		text_has(e.err.text, "no entry for input u.s");
}

TEST(a_result_of_clang_needs_no_assembler_list)
{
	write_file("u.s", "\tnop\n");
	release_unit();
	scan_unit(bare_unit);
	command.is_clang = true;
	e.dep_tmp = NULL;
	add(WIRE_OUTPUT_DEPS, "");
	add(WIRE_OUTPUT_AS_DEPS, "");
	sign();
	coord_verify_result(&e);
	ck_assert_msg(e.verdict == SCHED_VERDICT_VALID, "%s %s",
		      reason_text(e.reason), e.err.text);
}

/* ------------------------------------------------ side outputs */

static const struct side {
	enum options_side_kind kind;
	const char *text; /* NULL: the object */
	bool good;
} side_cases[] = {
	{ OPTIONS_SIDE_SU, "u.c:1:5:f\t16\tstatic\n", true },
	{ OPTIONS_SIDE_SU, NULL, false },
	{ OPTIONS_SIDE_GCNO, "oncg*22B", true },
	{ OPTIONS_SIDE_GCNO, "adcg", false },
	{ OPTIONS_SIDE_DWO, NULL, true },
	{ OPTIONS_SIDE_DWO, "text", false },
	{ OPTIONS_SIDE_CI, "graph: { title: \"u.c\"\n", true },
	{ OPTIONS_SIDE_RECORD, "\x1f\x8b\x08", true },
	{ OPTIONS_SIDE_RECORD, "--- !Missed\n", true },
	{ OPTIONS_SIDE_RECORD, NULL, false },
	{ OPTIONS_SIDE_DATABASE, "{ \"directory\": \"/x\"", true },
	{ OPTIONS_SIDE_DATABASE, "[]", false },
};

TEST_EACH(a_side_output_is_written_if_its_format_is_correct, side_cases)
{
	struct options_side_outputs sides = { .name_in_object = true,
					      .n = 1,
					      .kind = { row->kind },
					      .path = { (char *)"u.side" } };
	char *tmp[] = { (char *)"u.side.tmp" };
	struct bytes text = row->text ? bytes_str(row->text) :
					e.reference_object;

	e.side_outputs = &sides;
	e.side_tmp = tmp;
	answer.n_side_outputs = answer.wire.n_sides = 1;
	buf_add_bytes(&answer.streams[WIRE_OUTPUT_SIDE], text);
	sign();
	coord_verify_result(&e);
	if (row->good) {
		struct buf got = { 0 };
		struct err err;

		expect_dep(DEPS);
		must(fs_read("u.side.tmp", 1000, &got, &err));
		ck_assert(bytes_equal(buf_bytes(&got), text));
		buf_release(&got);
	} else {
		expect_nothing(SCHED_VERDICT_WRONG);
		text_has(e.err.text, "u.side");
		ck_assert(!fs_exists("u.side.tmp"));
	}
}

/* The stack usage of an object without functions is empty. */
TEST_RANGE(an_empty_side_output_is_unusable_except_stack_usage, 0, 2)
{
	struct options_side_outputs sides = {
		.name_in_object = true,
		.n = 1,
		.kind = { _i ? OPTIONS_SIDE_SU : OPTIONS_SIDE_INFO },
		.path = { (char *)"u.su" }
	};
	char *tmp[] = { (char *)"u.su.tmp" };

	e.side_outputs = &sides;
	e.side_tmp = tmp;
	answer.n_side_outputs = answer.wire.n_sides = 1;
	sign();
	coord_verify_result(&e);
	if (_i) {
		expect_dep(DEPS);
		return;
	}
	expect_nothing(SCHED_VERDICT_UNUSABLE);
	ck_assert_int_eq(e.reason, REASON_RESULT_VOID);
}
