/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: options */
#include "../lib/test.h"

#include "options/env.h"

TEST(variables_that_gcc_reads_are_relevant)
{
	static const char *const relevant[] = {
		"PATH=/bin",
		"PWD=/x",
		"LANG=C",
		"LANGUAGE=de",
		"LC_ALL=C",
		"LC_MESSAGES=",
		"SOURCE_DATE_EPOCH=1",
		"CPATH=/x",
		"TMPDIR=/t",
		"C_INCLUDE_PATH=x",
		"COMPILER_PATH=/x",
		"GCC_COLORS=",
		"GCC_EXEC_PREFIX=/x",
		"DEPENDENCIES_OUTPUT=x",
		"SUNPRO_DEPENDENCIES=x",
		"GCC_COMPARE_DEBUG=1",
	};
	static const char *const others[] = {
		"HOME=/x",    "PATHX=1",
		"MAKEFLAGS=", "LANGX=1",
		"",           "=",
		"LC",         "LD_PRELOAD=",
		"XPATH=1",    "KFARM_SOCKET=/x",
		"PATH",
	};

	for (size_t i = 0; i < sizeof(relevant) / sizeof(*relevant); i++)
		ck_assert_msg(options_env_is_relevant(relevant[i]), "%s",
			      relevant[i]);
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		ck_assert_msg(!options_env_is_relevant(others[i]), "%s",
			      others[i]);
}

TEST(some_variables_force_a_local_compile)
{
	static char *const local[] = {
		"COMPILER_PATH=/x",
		"COMPILER_PATH=",
		"GCC_EXEC_PREFIX=/x",
		"DEPENDENCIES_OUTPUT=x",
		"SUNPRO_DEPENDENCIES=x",
		"GCC_COMPARE_DEBUG=-g",
		"GCC_DIAGNOSTICS_LOG=/x",
		"EXPERIMENTAL_SARIF_SOCKET=/x",
		"CCC_OVERRIDE_OPTIONS=x",
		"CC_PRINT_HEADERS=1",
		"CC_PRINT_HEADERS_FILE=",
		"CC_PRINT_OPTIONS=1",
		"CC_PRINT_PROC_STAT=1",
		"CC_LOG_DIAGNOSTICS=1",
		"CC_LOG_DIAGNOSTICS_FILE=x",
		"QA_OVERRIDE_GCC3_OPTIONS=x",
		"FORCE_CLANG_DIAGNOSTICS_CRASH=",
		"RC_DEBUG_OPTIONS=1",
		"AS_SECURE_LOG_FILE=x",
		"SDKROOT=/x",
		"BINUTILS_ROOT=/x",
		"XTENSA_GNU_CONFIG=/x.so",
		"LD_PRELOAD=x.so",
		"LD_AUDIT=x.so",
		"LD_DEBUG=all",
		"LD_DEBUG_OUTPUT=/x",
		"LD_PROFILE=libc.so.6",
		"LD_PROFILE_OUTPUT=/x",
		"LD_SHOW_AUXV=1",
	};
	char *env[] = { "PATH=/bin", NULL, "LANG=C", NULL };
	char *none[] = { "PATH=/bin",
			 "CPATH=/x",
			 "XCOMPILER_PATH=y",
			 "CC_PRINTER=x",
			 "CC=cc",
			 "LD_PRELOAD=",
			 "LD_AUDIT=",
			 "LD_DEBUG=",
			 "LD_LIBRARY_PATH=/x",
			 NULL };

	for (size_t i = 0; i < sizeof(local) / sizeof(*local); i++) {
		env[1] = local[i];
		ck_assert_msg(options_env_local_reason(env) != REASON_NONE,
			      "%s", local[i]);
		ck_assert_msg(options_env_is_relevant(local[i]), "%s",
			      local[i]);
	}
	ck_assert_int_eq(options_env_local_reason(none), REASON_NONE);
}

TEST(only_valid_locale_date_and_pwd_variables_are_allowed)
{
	static const char *const good[] = {
		"LANG=C",
		"LANG=",
		"LANG=de_DE.UTF-8@euro",
		"LANGUAGE=de:en",
		"LC_ALL=C.UTF-8",
		"SOURCE_DATE_EPOCH=1700000000",
		"PWD=/x/\xc3\xa4 b",
	};
	static const char *const bad[] = {
		"PATH=/bin",
		"PWD=x",
		"PWD=",
		"TMPDIR=/x",
		"COMPILER_PATH=/x",
		"LANG",
		"LANG=/etc/passwd",
		"LANG=../x",
		"LC_ALL=a/b",
		"LC_A=B=..x",
		"LC_x=C",
		"LC_ALL=a\n",
		"SOURCE_DATE_EPOCH=",
		"CPATH=/x",
		"SOURCE_DATE_EPOCH=-1",
		"SOURCE_DATE_EPOCH=1 2",
		"SOURCE_DATE_EPOCH=111111111111111111111",
		"LC_/=C",
		"",
		"LD_PRELOAD=x",
		"GCC_EXEC_PREFIX=x",
		"LANGUAGE=\xff",
		"=C",
	};

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		ck_assert_msg(options_env_is_allowed(good[i]), "%s", good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		ck_assert_msg(!options_env_is_allowed(bad[i]), "%s", bad[i]);
}
