/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: options */
/*
 * The reasons for local compiles that follow from a command line or from the
 * environment.  Each reason has a case with that reason and a similar case
 * without it.  A reason without a row is an error.
 */
#include "../lib/test.h"

#include "options/command.h"
#include "options/env.h"

static const struct reason_case {
	enum reason reason;
	const char *line, *similar;
} lines[] = {
	{ REASON_LATE_LANGUAGE, "gcc -c a.c -x c", "gcc -x c -c a.c" },
	{ REASON_CPLUSPLUS, "gcc -c a.cc", "gcc -x c -c a.cc" },
	{ REASON_OTHER_LANGUAGE, "gcc -c a.i", "gcc -c a.c" },
	{ REASON_PRECOMPILED, "gcc -c a.h", "gcc -x c -c a.h" },
	{ REASON_DOT_SOURCE, "gcc -c d/.c", "gcc -c .d/a.c" },
	{ REASON_SEVERAL_DEPS, "gcc -MD -MF a.d -MF b.d -c a.c",
	  "gcc -MD -MF a.d -MT b.d -c a.c" },
	{ REASON_UNSUPPORTED_DEPS, "gcc -MF a.d -c a.c",
	  "gcc -MD -MF a.d -c a.c" },
	{ REASON_UNSUPPORTED_DEPS, "clang -MD -c a.s", "gcc -MD -c a.s" },
	{ REASON_SEVERAL_OUTPUTS, "gcc -c a.c -o a.o -o b.o",
	  "gcc -c a.c -o b.o" },
	{ REASON_UNSUPPORTED_OUTPUT_NAME, "gcc -c a.c -o d/a.c",
	  "gcc -c a.c -o d/b.c" },
	{ REASON_AT_FILE, "gcc -c a.c @words", "gcc -c a.c -Da@words" },
	{ REASON_UNKNOWN_OPTION, "gcc -c a.c -nonsense", "gcc -c a.c -w" },
	{ REASON_UNKNOWN_DEBUG, "gcc -gnonsense -c a.c", "gcc -gdwarf -c a.c" },
	{ REASON_UNSUPPORTED_VALUE, "gcc -mtune=a/b -c a.c",
	  "gcc -mtune=a-b -c a.c" },
	{ REASON_ASSEMBLER, "gcc -Wa,-a -c a.c", "gcc -Wa,-W -c a.c" },
	{ REASON_AFTER_DASHES, "gcc -c a.c --", "gcc -c a.c" },
	{ REASON_AUX_INFO, "gcc -aux-info x -c a.c", "gcc -c a.c" },
	{ REASON_CHARSET, "gcc -finput-charset=latin1 -c a.c",
	  "gcc -fshort-wchar -c a.c" },
	{ REASON_CLANG, "clang -Xclang -ast-dump -c a.c", "clang -c a.c" },
	{ REASON_CPP_OUTPUT, "gcc -CC -c a.c", "gcc -DCC -c a.c" },
	{ REASON_DEBUG_INFO, "gcc -gtoggle -c a.c", "gcc -g -c a.c" },
	{ REASON_DIRECTIVES_ONLY, "gcc -fdirectives-only -c a.c",
	  "gcc -fno-common -c a.c" },
	{ REASON_DUMP, "gcc -fdump-tree-all -c a.c",
	  "gcc -fstack-usage -c a.c" },
	{ REASON_GIMPLE, "gcc -fgimple -c a.c", "gcc -fgcse -c a.c" },
	{ REASON_LAYOUT_SEED, "clang -frandomize-layout-seed=x -c a.c",
	  "gcc -frandom-seed=x -c a.c" },
	{ REASON_LINKING, "gcc -static -c a.c", "gcc -nostdlib -c a.c" },
	{ REASON_LONG_FORM, "gcc --assemble -c a.c", "gcc -c a.c" },
	{ REASON_LTO_BACK_END, "gcc -fltrans -c a.c", "gcc -flto -c a.c" },
	{ REASON_MISSING_HEADERS, "gcc -MD -MG -c a.c", "gcc -MD -MP -c a.c" },
	{ REASON_MODULES, "gcc -fmodules-ts -c a.c",
	  "gcc -fno-math-errno -c a.c" },
	{ REASON_NATIVE, "gcc -march=native -c a.c",
	  "gcc -march=x86-64 -c a.c" },
	{ REASON_OFFLOAD, "gcc -foffload=disable -c a.c",
	  "gcc -fomit-frame-pointer -c a.c" },
	{ REASON_OPENMP, "gcc -fopenmp -c a.c", "gcc -fopt-info -c a.c" },
	{ REASON_PLUGIN, "gcc -fplugin=x.so -c a.c", "gcc -fplt -c a.c" },
	{ REASON_PREPROCESSED, "gcc -fpreprocessed -c a.c",
	  "gcc -fpic -c a.c" },
	{ REASON_PREPROCESSOR, "gcc -Wp,-dM -c a.c", "gcc -Wp,-DM -c a.c" },
	{ REASON_PROFILE, "gcc -fprofile-use -c a.c",
	  "gcc -fprofile-arcs -c a.c" },
	{ REASON_RECORDED_SWITCHES, "gcc -frecord-gcc-switches -c a.c",
	  "gcc -gno-record-gcc-switches -c a.c" },
	{ REASON_REPORT, "gcc -v -c a.c", "gcc -w -c a.c" },
	{ REASON_SAVE_TEMPS, "gcc -save-temps -c a.c", "gcc -pipe -c a.c" },
	{ REASON_SEARCH_PATH, "gcc -B dir -c a.c", "gcc -I dir -c a.c" },
	{ REASON_SPECS, "gcc -specs=x -c a.c", "gcc -std=c11 -c a.c" },
	{ REASON_TRADITIONAL, "gcc -traditional-cpp -c a.c",
	  "gcc -trigraphs -c a.c" },
	{ REASON_WORKING_DIRECTORY, "gcc -fworking-directory -c a.c",
	  "gcc -fwrapv -c a.c" },
	{ REASON_WRAPPER, "gcc -wrapper time -c a.c", "gcc -c a.c" },
};

static const struct reason_case environments[] = {
	{ REASON_AS_SECURE_LOG_FILE, "AS_SECURE_LOG_FILE=x", "AS_LOG=x" },
	{ REASON_BINUTILS_ROOT, "BINUTILS_ROOT=x", "BINUTILS=x" },
	{ REASON_CCC_OVERRIDE_OPTIONS, "CCC_OVERRIDE_OPTIONS=x", "CCC=x" },
	{ REASON_CC_LOG_DIAGNOSTICS, "CC_LOG_DIAGNOSTICS=1", "CC_LOG=1" },
	{ REASON_CC_PRINT, "CC_PRINT_HEADERS=1", "CC=1" },
	{ REASON_CLANG_NO_DEFAULT_CONFIG, "CLANG_NO_DEFAULT_CONFIG=1",
	  "CLANG_NO=1" },
	{ REASON_COMPILER_PATH, "COMPILER_PATH=", "LIBRARY_PATH=x" },
	{ REASON_DEPENDENCIES_OUTPUT, "DEPENDENCIES_OUTPUT=x",
	  "DEPENDENCIES=x" },
	{ REASON_SARIF_SOCKET, "EXPERIMENTAL_SARIF_SOCKET=x",
	  "EXPERIMENTAL=x" },
	{ REASON_DIAGNOSTICS_CRASH, "FORCE_CLANG_DIAGNOSTICS_CRASH=1",
	  "FORCE_COLOR=1" },
	{ REASON_GCC_COMPARE_DEBUG, "GCC_COMPARE_DEBUG=1", "GCC_COLORS=x" },
	{ REASON_GCC_DIAGNOSTICS_LOG, "GCC_DIAGNOSTICS_LOG=x", "GCC_URLS=x" },
	{ REASON_GCC_EXEC_PREFIX, "GCC_EXEC_PREFIX=x", "GCC_EXEC=x" },
	{ REASON_GCC_ROOT, "GCC_ROOT=x", "GCC_ROOTS=x" },
	{ REASON_LD_AUDIT, "LD_AUDIT=x.so", "LD_AUDIT=" },
	{ REASON_LD_DEBUG, "LD_DEBUG=libs", "LD=libs" },
	{ REASON_LD_PRELOAD, "LD_PRELOAD=x.so", "LD_PRELOAD=" },
	{ REASON_LLVM_OVERRIDE_PRODUCER, "LLVM_OVERRIDE_PRODUCER=x", "LLVM=1" },
	{ REASON_QA_OVERRIDE, "QA_OVERRIDE_GCC3_OPTIONS=x", "QA=x" },
	{ REASON_RC_DEBUG_OPTIONS, "RC_DEBUG_OPTIONS=1", "RC=1" },
	{ REASON_SDKROOT, "SDKROOT=x", "SDK=x" },
	{ REASON_SUNPRO_DEPENDENCIES, "SUNPRO_DEPENDENCIES=x", "SUNPRO=x" },
	{ REASON_XTENSA_GNU_CONFIG, "XTENSA_GNU_CONFIG=x", "XTENSA=x" },
};

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))

static void parse(const char *line, enum options_class class,
		  enum reason reason)
{
	struct options_command c;
	struct strv argv = { 0 };

	strv_split(&argv, line, " ");
	options_command_parse(&c, argv.v);
	ck_assert_msg(c.class == class && c.reason == reason, "%s: %d %s", line,
		      c.class, reason_text(c.reason));
	options_command_release(&c);
	strv_release(&argv);
}

TEST_EACH(a_command_line_yields_its_reason_for_a_local_compile, lines)
{
	parse(row->line, OPTIONS_CLASS_LOCAL, row->reason);
	parse(row->similar, OPTIONS_CLASS_REMOTE, REASON_NONE);
}

TEST_EACH(a_variable_yields_its_reason_for_a_local_compile, environments)
{
	char *has[] = { (char *)"PATH=/bin", (char *)row->line, NULL };
	char *similar[] = { (char *)"PATH=/bin", (char *)row->similar, NULL };

	ck_assert_str_eq(reason_text(options_env_local_reason(has)),
			 reason_text(row->reason));
	ck_assert_int_eq(options_env_local_reason(similar), REASON_NONE);
}

static bool has_row(const struct reason_case *rows, size_t n,
		    enum reason reason)
{
	for (size_t i = 0; i < n; i++) {
		if (rows[i].reason == reason)
			return true;
	}
	return false;
}

/* In the order of base/reason-list.h. */
TEST(each_reason_has_a_row)
{
	for (enum reason reason = REASON_LATE_LANGUAGE;
	     reason < REASON_NO_COMMAND; reason++)
		ck_assert_msg(has_row(lines, LENGTH(lines), reason) ||
				      has_row(environments,
					      LENGTH(environments), reason),
			      "%s", reason_text(reason));
}
