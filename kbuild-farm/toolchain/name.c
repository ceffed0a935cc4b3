/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "toolchain/name.h"

#include "base/str.h"
#include "compiler/find.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* What a shell, make and a Makefile's $(...) take as one word. */
static bool is_safe_name(const char *file)
{
	for (const char *c = file; *c; c++) {
		if (!isalnum((unsigned char)*c) && !strchr("+-._", *c))
			return false;
	}
	return *file && *file != '-' && *file != '.';
}

/* Distributions have LLVM's tools among all the others. */
static bool is_of_llvm(const char *file)
{
	static const char *const begins[] = { "clang",    "git-clang", "ld.lld",
					      "ld64.lld", "lld",       "llvm-",
					      "scan-",    "wasm-ld" };
	static const char *const whole[] = { "dsymutil", "llc", "lli", "opt" };

	for (size_t i = 0; i < sizeof(begins) / sizeof(*begins); i++) {
		if (str_starts(file, begins[i]))
			return true;
	}
	for (size_t i = 0; i < sizeof(whole) / sizeof(*whole); i++) {
		if (!strcmp(file, whole[i]))
			return true;
	}
	return false;
}

/* Where "-gccXYZ" goes: in front of -linux, else behind the first part. */
static size_t infix_place(const char *triplet)
{
	const char *linux_part = strstr(triplet, "-linux");

	return linux_part ? (size_t)(linux_part - triplet) :
			    strcspn(triplet, "-");
}

static char *name_of_gcc(const char *file, const char *triplet,
			 const struct toolchain_release *r)
{
	size_t at = infix_place(triplet);

	return xasprintf("%.*s-gcc%u%u%u%s", (int)at, file, r->part[0],
			 r->part[1], r->part[2], file + at);
}

char *toolchain_name(const char *file, const char *triplet,
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
		return name_of_gcc(file, triplet, r);
	}
	/* clang-22, clang++-14 have a version already. */
	if (file[compiler_find_stem(file)] || !is_of_llvm(file))
		return NULL;
	version = toolchain_release_version(r);
	out = xasprintf("%s-%s", file, version);
	free(version);
	return out;
}

char *toolchain_name_prefix(const char *triplet,
			    const struct toolchain_release *r)
{
	char *file, *out;

	if (!triplet) {
		char *version = toolchain_release_version(r);

		out = xasprintf("-%s", version);
		free(version);
		return out;
	}
	file = xasprintf("%s-", triplet);
	out = name_of_gcc(file, triplet, r);
	free(file);
	return out;
}
