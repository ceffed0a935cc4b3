/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cpp-random.h - Random text for trees of headers.
 */
#ifndef SCAN_RANDOM_H
#define SCAN_RANDOM_H

#include "base/buf.h"

#include "../lib/random.h"

#define HEADERS 7
#define MACROS  10

/* A file under construction. */
struct text {
	struct buf b;
	unsigned header; /* its number; it includes only higher ones */
	unsigned depth;
};

static inline void random_words(struct text *t, unsigned depth);

/* Write a macro call with arguments. */
static inline void random_call(struct text *t, unsigned depth)
{
	switch (pick(4)) {
	case 0:
		buf_printf(&t->b, "F%u(", pick(4));
		random_words(t, depth);
		buf_add_str(&t->b, ")");
		break;
	case 1:
		buf_printf(&t->b, "G%u(", pick(3));
		random_words(t, depth);
		buf_add_str(&t->b, maybe(20) ? "\n, " : ",");
		random_words(t, depth);
		buf_add_str(&t->b, ")");
		break;
	case 2:
		buf_printf(&t->b, maybe(50) ? "STR(" : "XSTR(");
		random_words(t, depth);
		buf_add_str(&t->b, ")");
		break;
	default:
		buf_printf(&t->b, "V%u%s(", pick(4), maybe(10) ? "\n" : "");
		random_words(t, depth);
		if (maybe(60)) {
			buf_add_str(&t->b, ", ");
			random_words(t, depth);
		}
		buf_add_str(&t->b, ")");
	}
}

/* Write pieces of text. */
static inline void random_words(struct text *t, unsigned depth)
{
	static const char *const word[] = {
		"x",
		"1",
		"\"s\"",
		"+",
		"#",
		"##",
		"F0",
		"G1",
		"V0",
		"(",
		",",
		"__LINE__",
		"__FILE__",
		"__COUNTER__",
		"'\\''",
		"1.e+5",
		"->",
		"STR",
		"__INCLUDE_LEVEL__",
		"CAT",
		"..",
		"?",
		"x##y",
	};

	switch (pick(depth ? 12 : 5)) {
	case 0:
		buf_add_str(&t->b, ONE_OF(word));
		break;
	case 1:
	case 2:
	case 3:
		buf_printf(&t->b, "M%u", pick(MACROS));
		break;
	case 4:
		buf_printf(&t->b, "H%u", pick(HEADERS));
		break;
	case 5:
	case 6:
	case 7:
	case 8:
		random_call(t, depth - 1);
		break;
	default:
		random_words(t, depth - 1);
		buf_add_str(&t->b, maybe(10) ? "/* c\n */" :
				   maybe(10) ? "\n" :
					       " ");
		random_words(t, depth - 1);
	}
}

/* Write a line of text or similar to text. */
static inline void random_prose(struct text *t)
{
	static const char *const pragma[] = {
		"_Pragma(\"push_macro(\\\"M1\\\")\")",
		"_Pragma(\"pop_macro(\\\"M1\\\")\")",
		"#pragma foo M1",
		"#pragma push_macro(\"M2\")",
		"#pragma pop_macro(\"M2\")",
		"PRAGMA(foo M1)",
		"ID(PRAGMA(pop_macro(\"M1\")) M1)",
		"PRAGMA(once)",
		"ID(_Pra)",
		"CAT(_Pra, gma)(\"push_macro(\\\"M3\\\")\")",
		"#define ONCE PRAGMA(once)",
		"V0(1\n#define M4 4\n, M4)",
		"ID(M4\n#undef M4\nM4 M5\n#if M5\n1\n#else\n2\n#endif\n)",
		"F1\n#define M6\n(1)",
	};

	if (maybe(15))
		buf_add_str(&t->b, ONE_OF(pragma));
	else
		random_words(t, 4);
	buf_add_str(&t->b, "\n");
}

#endif
