/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "options/env.h"

#include "base/str.h"
#include "options/table.h"

#include <string.h>

/*
 * Their mere presence changes what is compiled, with what, or written.  One
 * without '=' stands for a family.
 */
static const struct local {
	const char *name;
	enum reason why;
} locals[] = {
	{ "AS_SECURE_LOG_FILE=", REASON_AS_SECURE_LOG_FILE },
	{ "CCC_", REASON_CCC_OVERRIDE_OPTIONS },
	{ "CC_LOG_DIAGNOSTICS", REASON_CC_LOG_DIAGNOSTICS },
	{ "CC_PRINT_", REASON_CC_PRINT },
	{ "CLANG_NO_DEFAULT_CONFIG=", REASON_CLANG_NO_DEFAULT_CONFIG },
	{ "COMPILER_PATH=", REASON_COMPILER_PATH },
	{ "DEPENDENCIES_OUTPUT=", REASON_DEPENDENCIES_OUTPUT },
	{ "EXPERIMENTAL_SARIF_SOCKET=", REASON_SARIF_SOCKET },
	{ "FORCE_CLANG_DIAGNOSTICS_CRASH=", REASON_DIAGNOSTICS_CRASH },
	{ "GCC_COMPARE_DEBUG=", REASON_GCC_COMPARE_DEBUG },
	{ "GCC_DIAGNOSTICS_LOG=", REASON_GCC_DIAGNOSTICS_LOG },
	{ "GCC_EXEC_PREFIX=", REASON_GCC_EXEC_PREFIX },
	{ "GCC_ROOT=", REASON_GCC_ROOT },
	{ "LLVM_OVERRIDE_PRODUCER=", REASON_LLVM_OVERRIDE_PRODUCER },
	{ "QA_OVERRIDE_GCC3_OPTIONS=", REASON_QA_OVERRIDE },
	{ "RC_DEBUG_", REASON_RC_DEBUG_OPTIONS },
	{ "SDKROOT=", REASON_SDKROOT },
	{ "SUNPRO_DEPENDENCIES=", REASON_SUNPRO_DEPENDENCIES },
	{ NULL, REASON_NONE },
};

/* Read by gcc, clang, their preprocessors, or the C library below them. */
static const char *const others[] = {
	"COLUMNS=",
	"CPATH=",
	"CPLUS_INCLUDE_PATH=",
	"C_INCLUDE_PATH=",
	"GCC_COLORS=",
	"GCC_EXTRA_DIAGNOSTIC_OUTPUT=",
	"GCC_URLS=",
	"LANG=",
	"LANGUAGE=",
	"LC_",
	"LD_LIBRARY_PATH=",
	"LIBRARY_PATH=",
	"LOCPATH=",
	"OBJC_INCLUDE_PATH=",
	"PATH=",
	"PWD=",
	"SOURCE_DATE_EPOCH=",
	"TEMP=",
	"TERM=",
	"TERM_URLS=",
	"TMP=",
	"TMPDIR=",
	NULL,
};

static enum reason local_reason(const char *entry)
{
	for (const struct local *l = locals; l->name; l++) {
		if (str_starts(entry, l->name))
			return l->why;
	}
	return REASON_NONE;
}

bool options_env_wanted(const char *entry)
{
	for (const char *const *name = others; *name; name++) {
		if (str_starts(entry, *name))
			return true;
	}
	return local_reason(entry) != REASON_NONE;
}

enum reason options_env_local(char *const *env)
{
	enum reason why = REASON_NONE;

	for (; !why && *env; env++)
		why = local_reason(*env);
	return why;
}

/* A locale's name: no slash, so that it cannot name a file. */
static bool locale_ok(const char *value)
{
	size_t len = strlen(value);

	return len <= 128 && options_charset_ok("a-zA-Z0-9_.:@-", value, len) &&
	       !strstr(value, "..");
}

bool options_env_for_node(const char *entry)
{
	const char *value = strchr(entry, '=');

	if (!value++)
		return false;
	if (str_starts(entry, "SOURCE_DATE_EPOCH="))
		return *value && strlen(value) <= 20 &&
		       options_charset_ok("0-9", value, strlen(value));
	/* The compiler takes it only as another name of its directory. */
	if (str_starts(entry, "PWD="))
		return *value == '/' && strlen(value) < 4096;
	if (str_starts(entry, "LANG=") || str_starts(entry, "LANGUAGE="))
		return locale_ok(value);
	return str_starts(entry, "LC_") &&
	       options_charset_ok("A-Z_", entry, (size_t)(value - entry) - 1) &&
	       locale_ok(value);
}
