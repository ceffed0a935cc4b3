/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "options/env.h"

#include "base/str.h"
#include "options/table.h"

#include <string.h>

/*
 * Variables whose presence changes the code, the tools or the outputs.  A name
 * without '=' is a prefix.  The variables LD_... of the dynamic loader (glibc's
 * rtld.c) have no effect if their value is empty.
 */
static const struct local_variable {
	const char *name;
	enum reason reason;
} local_variables[] = {
	{ "AS_SECURE_LOG_FILE=", REASON_AS_SECURE_LOG_FILE },
	{ "BINUTILS_ROOT=", REASON_BINUTILS_ROOT },
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
	{ "LD_AUDIT=", REASON_LD_AUDIT },
	{ "LD_DEBUG", REASON_LD_DEBUG },
	{ "LD_PRELOAD=", REASON_LD_PRELOAD },
	{ "LD_PROFILE", REASON_LD_DEBUG },
	{ "LD_SHOW_AUXV=", REASON_LD_DEBUG },
	{ "LLVM_OVERRIDE_PRODUCER=", REASON_LLVM_OVERRIDE_PRODUCER },
	{ "QA_OVERRIDE_GCC3_OPTIONS=", REASON_QA_OVERRIDE },
	{ "RC_DEBUG_", REASON_RC_DEBUG_OPTIONS },
	{ "SDKROOT=", REASON_SDKROOT },
	{ "SUNPRO_DEPENDENCIES=", REASON_SUNPRO_DEPENDENCIES },
	{ "XTENSA_GNU_CONFIG=", REASON_XTENSA_GNU_CONFIG },
	{ NULL, REASON_NONE },
};

/* Variables read by gcc, clang, their preprocessors or the C library. */
static const char *const compiler_variables[] = {
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
	for (const struct local_variable *l = local_variables; l->name; l++) {
		if (str_starts(entry, l->name) &&
		    !(str_starts(entry, "LD_") && str_ends(entry, "=")))
			return l->reason;
	}
	return REASON_NONE;
}

bool options_env_is_relevant(const char *entry)
{
	for (const char *const *name = compiler_variables; *name; name++) {
		if (str_starts(entry, *name))
			return true;
	}
	return local_reason(entry) != REASON_NONE;
}

enum reason options_env_local_reason(char *const *env)
{
	enum reason why = REASON_NONE;

	for (; !why && *env; env++)
		why = local_reason(*env);
	return why;
}

/* Return true for a locale name without '/', which cannot name a file. */
static bool is_locale_name(const char *value)
{
	size_t len = strlen(value);

	return len <= 128 &&
	       options_table_is_in_charset("a-zA-Z0-9_.:@-", value, len) &&
	       !strstr(value, "..");
}

bool options_env_is_allowed(const char *entry)
{
	const char *value = strchr(entry, '=');

	if (!value++)
		return false;
	if (str_starts(entry, "SOURCE_DATE_EPOCH="))
		return *value && strlen(value) <= 20 &&
		       options_table_is_in_charset("0-9", value, strlen(value));
	/* The compiler uses PWD only as a name of its working directory. */
	if (str_starts(entry, "PWD="))
		return *value == '/' && strlen(value) < 4096;
	if (str_starts(entry, "LANG=") || str_starts(entry, "LANGUAGE="))
		return is_locale_name(value);
	return str_starts(entry, "LC_") &&
	       options_table_is_in_charset("A-Z_", entry,
					   (size_t)(value - entry) - 1) &&
	       is_locale_name(value);
}
