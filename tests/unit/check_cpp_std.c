/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: cpp */
/* san: long */
/*
 * Options that affect parsing: standards, languages, debug information, the
 * order of definitions.  The reference is -M.
 */
#include "../lib/test.h"
#include "cpp-compare.h"

#include "cpp/cmdline.h"
#include "cpp/lex-directives.h"

#define CFI                                                           \
	"#ifdef __GCC_HAVE_DWARF2_CFI_ASM\n#include \"a.h\"\n#else\n" \
	"#include \"b.h\"\n#endif\n"
#define NO_TABLES   "-fno-asynchronous-unwind-tables "
#define DIGRAPH     "%:include \"a.h\"\n"
#define ASM_DIGRAPH "%:define A\n#ifdef A\n#include \"a.h\"\n#endif\n"
#define TRIGRAPH    "?\?=include \"a.h\"\n"
#define IF_X        "#if X == 1\n#include \"a.h\"\n#else\n#include \"b.h\"\n#endif\n"
#define IF_ASM                                                              \
	"#ifdef __ASSEMBLER__\n#include \"a.h\"\n#else\n#include \"b.h\"\n" \
	"#endif\n"
#define IF_DOLLAR "#define A$B 1\n#ifdef A\n#include \"a.h\"\n#endif\n"

enum right {
	EQUAL,
	REFUSED, /* not scannable */
	GCC_EQUAL, /* not scannable with clang */
};

static const struct dialect {
	const char *line;
	const char *source;
	enum right right;
} dialects[] = {
	{ NO_TABLES "-c x.c", CFI, EQUAL },
	{ NO_TABLES "-g -c x.c", CFI, EQUAL },
	{ NO_TABLES "-g -g0 -c x.c", CFI, EQUAL },
	{ NO_TABLES "-g0 -gdwarf-4 -c x.c", CFI, EQUAL },
	{ NO_TABLES "-g1 -ggdb0 -c x.c", CFI, EQUAL },
	{ NO_TABLES "-gno-column-info -c x.c", CFI, EQUAL },
	{ NO_TABLES "-g -gstrict-dwarf -c x.c", CFI, EQUAL },
	{ NO_TABLES "-g -c x.S", CFI, EQUAL },
	{ NO_TABLES "-fsave-optimization-record -c x.c", CFI, EQUAL },
	{ NO_TABLES "-gsplit-dwarf -c x.c", CFI, EQUAL },
	{ "-Wp,-UX -DX=1 -c x.c", IF_X, EQUAL },
	{ "-Wp,-DX=2 -DX=1 -c x.c", IF_X, EQUAL },
	{ "-DX=2 -Wp,-DX=1 -c x.c", IF_X, EQUAL },
	{ "-Wp,-DX=1,-UX -Wp,-DX=1 -UX -c x.c", IF_X, EQUAL },
	{ "-fno-dollars-in-identifiers -c x.c", IF_DOLLAR, REFUSED },
	{ "-c x.c", IF_DOLLAR, EQUAL },
	{ "-std=iso9899:199409 -c x.c", DIGRAPH, REFUSED },
	{ "-std=iso9899:199x -c x.c", DIGRAPH, EQUAL },
	{ "-std=gnu90 -c x.c", DIGRAPH, EQUAL },
	{ "-std=c90 -c x.c", DIGRAPH, EQUAL },
	{ "-std=c++11 -c x.c", "", REFUSED },
	{ "-std=gnu11 -trigraphs -c x.c", TRIGRAPH, REFUSED },
	{ "-trigraphs -std=gnu11 -c x.c", TRIGRAPH, REFUSED },
	{ "-ftrigraphs -c x.c", TRIGRAPH, REFUSED },
	{ "-trigraphs -c x.S", TRIGRAPH, REFUSED },
	{ "-ansi -c x.S", TRIGRAPH, REFUSED },
	{ "-ansi -c x.S", "#include \"a.h\"\n/* what??\? */\n", GCC_EQUAL },
	{ "-std=c90 -c x.S", "// /*\n#include \"a.h\"\n// */\n", GCC_EQUAL },
	{ "-ansi -std=gnu11 -c x.S", DIGRAPH, REFUSED },
	{ "-std=c99 -c x.S", TRIGRAPH, REFUSED },
	{ "-std=c99 -c x.S", ASM_DIGRAPH, EQUAL },
	{ "-c x.S", ASM_DIGRAPH, EQUAL },
	{ "-x c -c x.S", DIGRAPH, EQUAL },
	{ "-x assembler-with-cpp -c x.c", IF_ASM, EQUAL },
	{ "-c x.c -x assembler-with-cpp", IF_ASM, REFUSED },
};

static void check_dialect(const struct dialect *d, const char *name)
{
	char *cc = compare_compiler(name), *text;
	char *copy = xstrdup(d->line), *rest = copy, *word;
	struct cpp_scanner *s = compare_scan();
	struct strv argv = { 0 };
	enum compare_result r, want;

	want = d->right == REFUSED || (d->right == GCC_EQUAL &&
				       strstr(name, "clang")) ?
		       COMPARE_REFUSED :
		       COMPARE_EQUAL;
	strv_add(&argv, "cc");
	while ((word = strsep(&rest, " ")))
		strv_add(&argv, word);
	if (cc) {
		r = compare_unit(s, cc, argv.v, &text);
		ck_assert_msg(r == want || r == COMPARE_BROKEN,
			      "%s %s: %d\n%s\n%s", name, d->line, r, d->source,
			      text);
		free(text);
	}
	strv_release(&argv);
	cpp_scanner_free(s);
	free(copy);
	free(cc);
}

FIXTURE(compare_setup, compare_teardown);
TIMEOUT(300);

TEST_EACH(each_dialect_is_scanned_like_the_compiler_or_rejected, dialects)
{
	compare_file("a.h", "");
	compare_file("b.h", "");
	compare_file(strstr(row->line, "x.S") ? "x.S" : "x.c", row->source);
	check_dialect(row, "gcc");
	check_dialect(row, "clang");
	check_dialect(row, "arm-linux-gnueabihf-gcc");
}

/* From release 15 on, gcc compiles for gnu23 without an option -std=. */
TEST(the_default_standard_of_the_compiler_is_respected)
{
	char *argv[] = { (char *)"cc", (char *)"-c", (char *)"x.c", NULL };
	char *cc = xasprintf("%s/gcc", compare_dir), *text;
	struct cpp_scanner *s = compare_scan();
	enum compare_result r;

	compare_file("gcc", "#!/bin/sh\nexec gcc -std=gnu2x \"$@\"\n");
	compare_shell("chmod +x gcc");
	compare_file("a.h", "");
	compare_file("x.c", "#if 1'000 == 1000\n#include \"a.h\"\n#endif\n");
	r = compare_unit(s, cc, argv, &text);
	ck_assert_msg(r == COMPARE_EQUAL || r == COMPARE_BROKEN, "%d: %s", r,
		      text);
	free(text);
	cpp_scanner_free(s);
	free(cc);
}

/* Options that change the order or the directories of the search. */
static const char *const elsewhere[] = {
	"-fms-compatibility -c x.c",
	"--target=x86_64-pc-windows-msvc -nostdinc -c x.c",
	"--target=arm64-apple-darwin -nostdinc -c x.c",
	"-nostdinc -Wa,-Isub -c x.c",
};

TEST_EACH(unsupported_include_search_options_are_rejected, elsewhere)
{
	const struct dialect d = { *row, "#include \"a.h\"\n", REFUSED };

	compare_file("a.h", "");
	compare_file("x.c", d.source);
	check_dialect(&d, "clang");
}

TEST(known_standards_yield_their_mode_and_others_are_rejected)
{
	unsigned mode;

	ck_assert(cpp_cmdline_std_mode("gnu11", &mode));
	ck_assert_uint_eq(mode,
			  CPP_MODE_RAW_STRINGS | CPP_MODE_STRING_PREFIXES);
	ck_assert(cpp_cmdline_std_mode("iso9899:2024", &mode));
	ck_assert_uint_eq(mode, CPP_MODE_STRICT | CPP_MODE_TRIGRAPHS |
					CPP_MODE_DIGIT_SEPARATORS |
					CPP_MODE_STRING_PREFIXES);
	ck_assert(cpp_cmdline_std_mode("c89", &mode));
	ck_assert_uint_eq(mode,
			  CPP_MODE_STRICT | CPP_MODE_TRIGRAPHS | CPP_MODE_C90);
	ck_assert(!cpp_cmdline_std_mode("iso9899:199409", &mode));
	ck_assert(!cpp_cmdline_std_mode("gnu++17", &mode));
	ck_assert(!cpp_cmdline_std_mode("", &mode));
}
