/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cpp/expand.h - The token stack of macro expansion.
 *
 * Expansion follows GNU cpp: token lists form a stack.  A macro does not expand
 * again while its own list is on the stack.  A use of its name in that list is
 * flagged CPP_FLAG_NO_EXPAND and never expands.  expand.c reads tokens from the
 * stack; arguments.c collects and substitutes arguments.
 */
#ifndef CPP_EXPAND_H
#define CPP_EXPAND_H

#include "cpp/macro.h"

/*
 * Step limits of one evaluation and of one macro in text.  arm64's KVM has
 * macros that take some millions of steps.
 */
#define CPP_EXPAND_STEPS_MAX      (1u << 21)
#define CPP_EXPAND_TEXT_STEPS_MAX (1u << 23)
#define CPP_EXPAND_CONTEXTS_MAX   4096
#define CPP_EXPAND_DEPTH_MAX      200

/*
 * Pending white space around macros, as in GNU cpp's CPP_PADDING: the blank
 * before a macro name or a parameter applies to the first token of its
 * expansion.
 */
enum cpp_padding {
	CPP_PADDING_NONE, /* the token's own flag decides */
	CPP_PADDING_WHITE, /* a blank precedes the next token */
	CPP_PADDING_BARE, /* no blank precedes the next token */
};

struct cpp_context {
	const struct cpp_token *p, *end;
	uint32_t name; /* macro whose body this is, or WORD_NONE */
	bool barrier; /* reading stops at the end: argument or directive */
	uint8_t line_source; /* enum cpp_line_source */
	uint8_t tail_padding; /* enum cpp_padding after the last token */
	/* value of __LINE__ if `line_source` is CPP_LINE_SOURCE_FIXED */
	uint32_t line;
};

enum cpp_line_source {
	CPP_LINE_SOURCE_FIXED, /* all tokens are in one line */
	CPP_LINE_SOURCE_TEXT, /* CPP_TOK_LINE tokens change the line */
	CPP_LINE_SOURCE_ARGUMENT, /* the tokens carry line offsets */
};

/* Set the padding before the expansion of a token with the flags `flags`. */
static inline void cpp_padding_start(uint8_t *pad, uint8_t flags)
{
	if (*pad == CPP_PADDING_NONE)
		*pad = flags & CPP_FLAG_WHITE ? CPP_PADDING_WHITE :
						CPP_PADDING_BARE;
}

/* Set the padding after an expansion whose last token has padding `tail`. */
static inline void cpp_padding_end(uint8_t *pad, uint8_t tail)
{
	if (*pad == CPP_PADDING_NONE)
		*pad = tail;
	if (*pad == CPP_PADDING_BARE)
		*pad = CPP_PADDING_NONE;
}

static inline void cpp_padding_apply(uint8_t *pad, struct cpp_token *t)
{
	if (*pad == CPP_PADDING_WHITE)
		t->flags |= CPP_FLAG_WHITE;
	else if (*pad == CPP_PADDING_BARE)
		t->flags &= (uint8_t)~CPP_FLAG_WHITE;
	*pad = CPP_PADDING_NONE;
}

/* Return the innermost token list. */
static inline struct cpp_context *cpp_context_top(const struct cpp_state *cpp)
{
	return &cpp->expansion.contexts[cpp->expansion.n_contexts - 1];
}

static inline bool cpp_expand_is_over_limit(const struct cpp_expansion *run)
{
	return run->n_steps > (run->reads_text ? CPP_EXPAND_TEXT_STEPS_MAX :
						 CPP_EXPAND_STEPS_MAX);
}

/*
 * Push the `n` tokens `v`, which must outlive their use.  `name` is the macro
 * whose body they are, or WORD_NONE; with `barrier`, reading stops at their
 * end.
 */
void cpp_expand_push(struct cpp_state *cpp, const struct cpp_token *v, size_t n,
		     uint32_t name, bool barrier);

#endif
