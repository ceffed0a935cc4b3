/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cpp-host.h - A preprocessor host without files and compiler.  Half of all
 * headers exist, and an operator's result is the first byte of its operand.
 */
#ifndef SCAN_HOST_H
#define SCAN_HOST_H

#include "cpp/macro.h"

static inline int fuzz_has_include(void *ctx, uint32_t name, bool angled,
				   bool next,
				   /* NOLINT: the callback type requires it */
				   enum reason *why)
{
	(void)ctx;
	(void)why;
	return (name + angled + next) & 1;
}

static inline int fuzz_ask(void *ctx, enum cpp_word op, const char *text,
			   long long *value, enum reason *why)
{
	(void)ctx;
	*value = (unsigned char)text[0];
	*why = REASON_NO_OPERATOR;
	return op == WORD_HAS_WARNING ? -1 : 0;
}

/* Define all built-in operators, with these callbacks of `host`. */
static inline void fuzz_cpp_init(struct cpp_state *cpp, struct cpp_names *names,
				 struct cpp_callbacks *host, unsigned mode)
{
	static struct cpp_def builtin[WORDS];

	host->has_include = fuzz_has_include;
	host->query_operator = fuzz_ask;
	cpp_state_init(cpp, names, host);
	cpp_state_reset(cpp, mode);
	for (uint32_t w = WORD_FILE; w < WORDS; w++) {
		builtin[w].name = w;
		cpp_macro_define(cpp, &builtin[w]);
	}
}

#endif
