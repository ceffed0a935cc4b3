/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "scan/pragma.h"

#include "scan/lexer.h"

#include <string.h>

/* Take a word off the front of what ends at `end`. */
static bool take_pragma_word(const char **s, const char *end, const char *word)
{
	size_t n = strlen(word);
	const char *p = *s;

	while (p < end && strchr(" \t\v\f\r", *p))
		p++;
	if ((size_t)(end - p) < n || memcmp(p, word, n) ||
	    (p + n < end && scan_is_word((uint8_t)p[n])))
		return false;
	*s = p + n;
	return true;
}

/*
 * All that change macros or read files.  The others that gcc 12 and clang 14
 * know do neither: diagnostic, warning, error, message, poison (a unit that
 * uses such a name is refused), visibility, pack, weak, unroll, ivdep, loop,
 * redefine_extname, scalar_storage_order, STDC, float_control, ident, comment,
 * omp and acc, aarch64 and riscv (functions and types), clang's section,
 * attribute, optimize, diagnostic and deprecated.  Some of them name sections
 * or symbols, which the assembler sees, and some are expanded.
 */
static const struct {
	const char *space, *word; /* "GCC", or NULL: none is in front */
	enum scan_pragma is;
} table[] = {
	{ NULL, "once", SCAN_PRAGMA_ONCE },
	{ NULL, "push_macro", SCAN_PRAGMA_PUSH_MACRO },
	{ NULL, "pop_macro", SCAN_PRAGMA_POP_MACRO },
	/* Another name for a header. */
	{ NULL, "include_alias", SCAN_PRAGMA_UNKNOWN },
	{ "GCC", "system_header", SCAN_PRAGMA_SYSTEM_HEADER },
	{ "clang", "system_header", SCAN_PRAGMA_SYSTEM_HEADER },
	/* gcc takes macros such as __AVX2__ and __OPTIMIZE__ along. */
	{ "GCC", "target", SCAN_PRAGMA_OPTIONS },
	{ "GCC", "optimize", SCAN_PRAGMA_OPTIONS },
	{ "GCC", "push_options", SCAN_PRAGMA_OPTIONS },
	{ "GCC", "pop_options", SCAN_PRAGMA_OPTIONS },
	{ "GCC", "reset_options", SCAN_PRAGMA_OPTIONS },
	/* Is another file newer? */
	{ "GCC", "dependency", SCAN_PRAGMA_UNKNOWN },
	{ "clang", "dependency", SCAN_PRAGMA_UNKNOWN },
	/* A precompiled header, by its name. */
	{ "GCC", "pch_preprocess", SCAN_PRAGMA_UNKNOWN },
	/* module import, module load. */
	{ "clang", "module", SCAN_PRAGMA_UNKNOWN },
	{ "clang", "__debug", SCAN_PRAGMA_UNKNOWN },
};

#define PRAGMAS (sizeof(table) / sizeof(table[0]))

enum scan_pragma scan_pragma(const char *s, size_t len)
{
	const char *end = s + len, *p = s;

	for (size_t i = 0; i < PRAGMAS; i++) {
		p = s;
		if ((!table[i].space ||
		     take_pragma_word(&p, end, table[i].space)) &&
		    take_pragma_word(&p, end, table[i].word))
			return table[i].is;
	}
	/* __FLT_EVAL_METHOD__ follows fp eval_method(double). */
	p = s;
	if (take_pragma_word(&p, end, "clang") &&
	    take_pragma_word(&p, end, "fp") &&
	    memmem(p, (size_t)(end - p), "eval_method", 11))
		return SCAN_PRAGMA_UNKNOWN;
	return SCAN_PRAGMA_OTHER;
}

const char *scan_pragma_macro(const char *s, size_t len, size_t *name_len)
{
	const char *end = s + len, *name;

	if (!take_pragma_word(&s, end, "push_macro") &&
	    !take_pragma_word(&s, end, "pop_macro"))
		return NULL;
	while (s < end && *s == ' ')
		s++;
	while (s < end && strchr(" \t\v\f\r", end[-1]))
		end--;
	if (end - s < 5 || s[0] != '(' || s[1] != '"' || end[-1] != ')' ||
	    end[-2] != '"')
		return NULL;
	name = s + 2;
	for (s = name; s < end - 2; s++) {
		if (!scan_is_word((uint8_t)*s) || (uint8_t)*s >= 0x80 ||
		    *s == '$')
			return NULL;
	}
	if (*name >= '0' && *name <= '9')
		return NULL;
	*name_len = (size_t)(s - name);
	return name;
}
