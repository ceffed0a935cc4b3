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
	const char *why;
} locals[] = {
	{ "AS_SECURE_LOG_FILE=", "AS_SECURE_LOG_FILE is set" },
	{ "CCC_", "CCC_OVERRIDE_OPTIONS is set" },
	{ "CC_LOG_DIAGNOSTICS", "CC_LOG_DIAGNOSTICS is set" },
	{ "CC_PRINT_", "a CC_PRINT variable is set" },
	{ "CLANG_NO_DEFAULT_CONFIG=", "CLANG_NO_DEFAULT_CONFIG is set" },
	{ "COMPILER_PATH=", "COMPILER_PATH is set" },
	{ "DEPENDENCIES_OUTPUT=", "DEPENDENCIES_OUTPUT is set" },
	{ "EXPERIMENTAL_SARIF_SOCKET=", "EXPERIMENTAL_SARIF_SOCKET is set" },
	{ "FORCE_CLANG_DIAGNOSTICS_CRASH=",
	  "FORCE_CLANG_DIAGNOSTICS_CRASH is set" },
	{ "GCC_COMPARE_DEBUG=", "GCC_COMPARE_DEBUG is set" },
	{ "GCC_DIAGNOSTICS_LOG=", "GCC_DIAGNOSTICS_LOG is set" },
	{ "GCC_EXEC_PREFIX=", "GCC_EXEC_PREFIX is set" },
	{ "GCC_ROOT=", "GCC_ROOT is set" },
	{ "LLVM_OVERRIDE_PRODUCER=", "LLVM_OVERRIDE_PRODUCER is set" },
	{ "QA_OVERRIDE_GCC3_OPTIONS=", "QA_OVERRIDE_GCC3_OPTIONS is set" },
	{ "RC_DEBUG_", "RC_DEBUG_OPTIONS is set" },
	{ "SDKROOT=", "SDKROOT is set" },
	{ "SUNPRO_DEPENDENCIES=", "SUNPRO_DEPENDENCIES is set" },
	{ NULL, NULL },
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

static const char *local_reason(const char *entry)
{
	for (const struct local *l = locals; l->name; l++) {
		if (str_starts(entry, l->name))
			return l->why;
	}
	return NULL;
}

bool options_env_wanted(const char *entry)
{
	for (const char *const *name = others; *name; name++) {
		if (str_starts(entry, *name))
			return true;
	}
	return local_reason(entry) != NULL;
}

const char *options_env_local(char *const *env)
{
	const char *why = NULL;

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
