/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: cpp gas */
#include "../lib/test.h"
#include "cpp-assembler.h"

#include "gas/gas.h"

/* Return the scanner's files, "" for none, or "open". */
static char *ours(const char *architecture, enum gas_text_kind kind,
		  const char *const *texts)
{
	struct gas_setup setup = { .architecture = architecture };
	struct gas_scanner *a = gas_scanner_new(&setup);
	struct gas_result got;
	char *s;

	for (size_t i = 0; texts[i]; i++)
		gas_scanner_add_text(a, texts[i], strlen(texts[i]), kind);
	gas_scanner_find_files(a, &got);
	strv_sort(&got.incbins);
	s = got.undecided ? xstrdup("open") :
	    got.incbins.n ? strv_join(&got.incbins, " ") :
			    xstrdup("");
	gas_result_release(&got);
	gas_scanner_free(a);
	return s;
}

/* Texts on which each installed assembler and the scanner agree. */
static const struct {
	const char *text;
	const char *files;
} read_by_all[] = {
	{ ".incbin \"a\"\n", "a" },
	{ "\t.incbin\t\"a\" ; .INCBIN \"b\",1,2\n", "a b" },
	{ "x: y : 1: .incbin \"a\"\n", "a" },
	{ "/* .incbin \"a\" */\n.incbin /* */ \"b\"\n", "b" },
	{ "# .incbin \"a\"\n", "" },
	{ ".ascii \".incbin \\\"a\\\"; .incbin \\\"b\\\"\"\n", "" },
	{ ".ascii \"\\\\\" ; .incbin \"a\"\n", "a" },
	{ ".incbin \"a\\\"b\"\n", "a\"b" },
	{ ".byte ';' ; .incbin \"a\"\n", "a" },
	{ ".byte '\"' ; .incbin \"a\"\n", "a" },
	{ ".macro m x\n.incbin \"\\x\"\n.endm\nm a\nm \"b\"\n", "a b" },
	{ ".macro m x=a\n.incbin \"\\x\"\n.endm\nm\n", "a" },
	{ ".macro m x:req, y:vararg\n\\y\n.endm\nm 1, .incbin \"a\"\n", "a" },
	{ ".macro m x y\n.in\\x \"\\y\"\n.endm\nm cbin a\nm y=b x=cbin\n",
	  "a b" },
	{ ".macro m x\n.\\x\\()bin \"a\"\n.endm\nm inc\n", "a" },
	{ ".macro m x\n\\x\n.endm\nm \".incbin \"\"a\"\"; "
	  ".incbin \"\"b\"\"\"\n",
	  "a b" },
	{ ".macro m\n.macro n x\n.incbin \"\\x\"\n.endm\n.endm\nm\nn a\n",
	  "a" },
	{ ".macro m x\n.macro n\\x\n.incbin \"\\x\"\n.endm\n.endm\nm 1\nn1\n",
	  "1" },
	{ "m\n.macro m\n.incbin \"a\"\n.endm\n", "" },
	{ ".macro m\n.incbin \"a\"\n.endm\n.purgem m\n", "" },
	{ ".macro m\n.byte 0\n.exitm\n.incbin \"a\"\n.endm\nm\n", "" },
	{ ".macro M\n.incbin \"a\"\n.endm\nm\n", "a" },
	{ ".irp x,a,b\n.incbin \"\\x\"\n.endr\n", "a b" },
	{ ".irpc x,ab\n.incbin \"\\x\"\n.endr\n", "a b" },
	{ ".irp x,in,out\n.\\x\\()cbin \"a\"\n.endr\n", "a" },
	{ ".rept 0\n.incbin \"a\"\n.endr\n.rept 2\n.incbin \"b\"\n.endr\n",
	  "b" },
	{ ".if 1\n.incbin \"a\"\n.else\n.incbin \"b\"\n.endif\n", "a" },
	{ ".if 2 > 3\n.incbin \"a\"\n.elseif 1\n.incbin \"b\"\n.endif\n", "b" },
	{ ".set s, 3\n.if s - 3\n.incbin \"a\"\n.endif\n", "" },
	{ ".macro m x\n.ifb \\x\n.incbin \"a\"\n.else\n.incbin "
	  "\"\\x\"\n.endif\n.endm\nm b\n",
	  "b" },
	{ ".macro m x\n.ifc \\x,q\n.incbin \"\\x\"\n.endif\n.endm\nm q\nm p\n",
	  "q" },
	{ ".macro m n\n.if \\n\n.incbin \"\\n\"\nm (\\n-1)\n.endif\n"
	  ".endm\nm 2\n",
	  "(2-1) 2" },
	{ ".macro m c,v\n.if\\c \\v\n.incbin \"\\c/\\v\"\n.endif\n.endm\n"
	  ".irp v,-1,0,1\nm eq,\\v\nm ge,\\v\nm gt,\\v\nm le,\\v\n"
	  "m lt,\\v\nm ne,\\v\n.endr\n",
	  "eq/0 ge/0 ge/1 gt/1 le/-1 le/0 lt/-1 ne/-1 ne/1" },
	{ ".set i, 0\n.rept 3\n.if i == 2\n.incbin \"a\"\n.endif\n.set i, "
	  "i+1\n.endr\n",
	  "a" },
};

/*
 * Find the assembler's and the scanner's files.  Returns false if the assembler
 * reported another error, after which it parses differently.
 */
static bool read_both(const struct assembler *as, const char *text,
		      char **theirs, char **got)
{
	struct strv want = { 0 };
	struct buf said = { 0 };
	bool is_right;

	compare_file("in.s", text);
	assembler_run(as, &want, &said);
	is_right = !as->strict || !assembler_has_mistakes(as, buf_str(&said));
	*theirs = want.n ? strv_join(&want, " ") : xstrdup("");
	*got = ours(as->architecture, GAS_TEXT_SOURCE,
		    (const char *[]){ text, NULL });
	strv_release(&want);
	buf_release(&said);
	return is_right;
}

FIXTURE(compare_setup, compare_teardown);
TIMEOUT(60);

TEST_EACH(the_scanner_finds_the_files_that_all_assemblers_read, read_by_all)
{
	const char *text = row->text;

	for (int i = 0; i < ASSEMBLERS; i++) {
		char *theirs, *got;

		if (!assembler_is_here(&assemblers[i]))
			continue;
		if (read_both(&assemblers[i], text, &theirs, &got))
			ck_assert_str_eq(theirs, got);
		if (strcmp(text, "m\n.macro m\n.incbin \"a\"\n.endm\n"))
			ck_assert_str_eq(got, row->files);
		free(theirs);
		free(got);
	}
}

/* Features of only GNU as, or of one machine. */
static const struct {
	int assembler;
	const char *text;
	const char *files;
} read_by_one[] = {
	{ 0, "nop # x\n.incbin \"a\" # .incbin \"b\"\n", "a" },
	{ 1, "nop // ; .incbin \"a\"\n.incbin \"b\" // \"\n", "b" },
	{ 2, "nop @ ; .incbin \"a\"\n.incbin \"b\" @ \"\n", "b" },
	{ 2, "foo:\n.symver foo,foo@VER_1 ; .incbin \"a\"\n", "a" },
	{ 0, "/ .incbin \"a\"\n", "" },
	{ 0,
	  ".altmacro\n.macro m x\nLOCAL l\nl: .incbin \"f&x&g\"\n.endm\nm "
	  "%1+2\n",
	  "f3g" },
	{ 0, ".altmacro\n.macro m x\nx\n.endm\nm <.incbin \"a\">\n", "a" },
	{ 0, ".altmacro\n.macro m x\n.incbin x\n.endm\nm \"a!!b\"\n", "a!b" },
	{ 0, "# 1 \"x\" ; .incbin \"a\"\n", "a" },
	{ 0, "m: .macro x\n.incbin \"\\x\"\n.endm\nm a\n", "a" },
	{ 0, ".macro .m x\n.incbin \"\\x\"\n.endm\n.m a\n", "a" },
};

TEST_EACH(the_scanner_finds_the_files_that_one_assembler_reads, read_by_one)
{
	const struct assembler *as = &assemblers[row->assembler];
	char *theirs, *got;

	if (!assembler_is_here(as))
		return;
	read_both(as, row->text, &theirs, &got);
	ck_assert_str_eq(theirs, row->files);
	ck_assert_str_eq(got, row->files);
	free(theirs);
	free(got);
}

/* Texts without a comparison; of some, the set of files is unknown. */
static const struct {
	enum gas_text_kind kind;
	const char *text[3];
	const char *files;
} perhaps[] = {
	{ GAS_TEXT_SOURCE,
	  { ".ifdef x\n.incbin \"a\"\n.else\n.incbin \"b\"\n.endif\n" },
	  "a b" },
	{ GAS_TEXT_SOURCE,
	  { "0: nop\n1:\n.if 1b - 0b > 4\n.incbin \"a\"\n.endif\n" },
	  "a" },
	/* gas computes such shifts as the host's processor does. */
	{ GAS_TEXT_SOURCE,
	  { ".if 1 >> 64\n.incbin \"a\"\n.else\n.incbin \"b\"\n.endif\n" },
	  "a b" },
	{ GAS_TEXT_SOURCE,
	  { ".if 1 << 64\n.incbin \"a\"\n.else\n.incbin \"b\"\n.endif\n" },
	  "a b" },
	{ GAS_TEXT_SOURCE,
	  { ".if 1 >> 63\n.incbin \"a\"\n.else\n.incbin \"b\"\n.endif\n" },
	  "b" },
	{ GAS_TEXT_SOURCE,
	  { ".macro m\n.incbin \"\\@\"\n.endm\nm\n" },
	  "open" },
	{ GAS_TEXT_SOURCE,
	  { ".altmacro\n.ifdef x\n.incbin \"a\"\n.endif\n" },
	  "a" },
	{ GAS_TEXT_SOURCE,
	  { ".ifdef x\n.macro m\n.endif\n.endm\n.endif\n" },
	  "open" },
	{ GAS_TEXT_SOURCE, { ".macro m\n.incbin \"a\"\n" }, "open" },
	{ GAS_TEXT_SOURCE, { ".mri 1\n" }, "open" },
	{ GAS_TEXT_SOURCE, { ".macro m\nm\nm\n.endm\nm\n" }, "open" },
	{ GAS_TEXT_SOURCE, { ".include \"a\"\n" }, "" },
	{ GAS_TEXT_BASIC, { ".incbin \"%a\"" }, "%a" },
	{ GAS_TEXT_BASIC,
	  { "m_ a", ".macro m_ x\n.incbin \"\\x\"\n.endm" },
	  "a" },
	{ GAS_TEXT_BASIC, { ".macro m\n.incbin \"a\"\n", ".endm" }, "open" },
	{ GAS_TEXT_BASIC, { ".altmacro" }, "open" },
	{ GAS_TEXT_TEMPLATE, { "mov %0, %1; .incbin \"a%%b\"" }, "a%b" },
	{ GAS_TEXT_TEMPLATE, { ".incbin \"%c0\"" }, "open" },
	{ GAS_TEXT_TEMPLATE, { ".%c0 \"a\"" }, "open" },
	{ GAS_TEXT_TEMPLATE, { ".%c0byte 1; .long %[x] - .Lx%=" }, "" },
	{ GAS_TEXT_TEMPLATE, { ".in{cbin|clude} \"a\"" }, "a" },
	{ GAS_TEXT_TEMPLATE, { "{.inc|.incbin} \"a\"" }, "a" },
	{ GAS_TEXT_TEMPLATE,
	  { ".irp n,0,1\n.equ .Lx\\n,\\n\n.endr\n.if %0\n.incbin "
	    "\"a\"\n.endif" },
	  "a" },
	{ GAS_TEXT_TEMPLATE,
	  { "m %0", ".macro m x\n.ifc \\x,1\n.incbin \"a\"\n.endif\n.endm" },
	  "a" },
	/* A macro can have the name of an instruction. */
	{ GAS_TEXT_BASIC, { ".macro ret\n.incbin \"a\"\n.endm" }, "a" },
	{ GAS_TEXT_BASIC, { ".macro m_1\n.incbin \"a\"\n.endm" }, "" },
	{ GAS_TEXT_RAW, { ".data,\"a\"#" }, "" },
	{ GAS_TEXT_RAW, { ".data\n.incbin \"a\"\n#" }, "a" },
	{ GAS_TEXT_RAW, { ".data\";.incbin \"a\"#" }, "a" },
};

TEST_EACH(undecidable_texts_yield_all_possible_files_or_open, perhaps)
{
	char *got = ours("x86", row->kind, row->text);

	ck_assert_str_eq(got, row->files);
	free(got);
}

TEST(an_include_is_reported_and_its_added_text_is_scanned)
{
	static const char first[] = ".include \"b.s\"\nm a\n";
	static const char second[] = ".macro m x\n.incbin \"\\x\"\n.endm\n";
	struct gas_setup setup = { .architecture = "aarch64" };
	struct gas_scanner *a = gas_scanner_new(&setup);
	struct gas_result got;

	gas_scanner_add_text(a, first, strlen(first), GAS_TEXT_SOURCE);
	gas_scanner_find_files(a, &got);
	ck_assert_uint_eq(got.includes.n, 1);
	ck_assert_str_eq(got.includes.v[0], "b.s");
	gas_result_release(&got);
	gas_scanner_add_text(a, second, strlen(second), GAS_TEXT_SOURCE);
	gas_scanner_find_files(a, &got);
	ck_assert_ptr_null(got.undecided);
	ck_assert_uint_eq(got.incbins.n, 1);
	ck_assert_str_eq(got.incbins.v[0], "a");
	gas_result_release(&got);
	gas_scanner_free(a);
}

static bool is_arm(void *ctx, const char *macro)
{
	(void)ctx;
	return !strcmp(macro, "__arm__");
}

static bool is_nothing(void *ctx, const char *macro)
{
	(void)ctx;
	(void)macro;
	return false;
}

TEST(the_architecture_is_detected_from_predefined_macros)
{
	char *got;

	ck_assert_str_eq(gas_scrub_detect_arch(is_arm, NULL), "arm");
	ck_assert_ptr_null(gas_scrub_detect_arch(is_nothing, NULL));
	got = ours(NULL, GAS_TEXT_SOURCE, (const char *[]){ "nop\n", NULL });
	ck_assert_str_eq(got, "open");
	free(got);
}
