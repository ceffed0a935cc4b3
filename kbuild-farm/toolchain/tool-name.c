/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "toolchain/tool-name.h"

#include "base/str.h"
#include "base/vec.h"
#include "compiler/find.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/*
 * Return true if shell and make treat the name as a single word that is not an
 * option, and the file is not hidden.
 */
static bool is_safe_name(const char *file)
{
	for (const char *c = file; *c; c++) {
		if (!isalnum((unsigned char)*c) && !strchr("+-._", *c))
			return false;
	}
	return *file && *file != '-' && *file != '.';
}

/*
 * Return true if the file has the name of a tool of LLVM.  The bin directory of
 * a distribution also contains many other programs.
 */
static bool is_of_llvm(const char *file)
{
	static const char *const begins[] = { "clang",    "git-clang", "ld.lld",
					      "ld64.lld", "lld",       "llvm-",
					      "scan-",    "wasm-ld" };
	static const char *const whole[] = { "dsymutil", "llc", "lli", "opt" };

	for (size_t i = 0; i < ARRAY_SIZE(begins); i++) {
		if (str_starts(file, begins[i]))
			return true;
	}
	for (size_t i = 0; i < ARRAY_SIZE(whole); i++) {
		if (!strcmp(file, whole[i]))
			return true;
	}
	return false;
}

static char *normalize_gcc_name(const char *file, const char *triplet,
				const struct toolchain_release *r)
{
	const char *linux_part = strstr(triplet, "-linux");
	size_t at = linux_part ? (size_t)(linux_part - triplet) :
				 strcspn(triplet, "-");

	return xasprintf("%.*s-gcc%u%u%u%s", (int)at, file, r->parts[0],
			 r->parts[1], r->parts[2], file + at);
}

char *toolchain_tool_name_normalize(const char *file, const char *triplet,
				    const struct toolchain_release *r)
{
	char *version, *out;
	size_t n;

	if (!is_safe_name(file))
		return NULL;
	if (triplet) {
		n = strlen(triplet);
		if (!n || strncmp(file, triplet, n) || file[n] != '-' ||
		    !file[n + 1])
			return NULL;
		return normalize_gcc_name(file, triplet, r);
	}
	/* Names that end in a version, such as clang-22, are not normalized. */
	if (file[compiler_find_stem_len(file)] || !is_of_llvm(file))
		return NULL;
	version = toolchain_release_format_version(r);
	out = xasprintf("%s-%s", file, version);
	free(version);
	return out;
}

char *toolchain_tool_name_cross_prefix(const char *triplet,
				       const struct toolchain_release *r)
{
	char *file, *out;

	if (!triplet) {
		char *version = toolchain_release_format_version(r);

		out = xasprintf("-%s", version);
		free(version);
		return out;
	}
	file = xasprintf("%s-", triplet);
	out = normalize_gcc_name(file, triplet, r);
	free(file);
	return out;
}
