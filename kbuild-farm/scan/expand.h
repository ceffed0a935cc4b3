/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * scan/expand.h - what the files of macro expansion share: expand.c (the
 * stream of tokens), substitute.c (bodies, #, ##) and builtin.c.
 *
 * It goes as in GNU cpp: a stack of token lists, of which a macro's own may
 * not expand that macro again; a name met while its macro is on the stack is
 * painted and never expands.
 */
#ifndef SCAN_EXPAND_H
#define SCAN_EXPAND_H

#include "scan/macro.h"

/*
 * Limits of one evaluation, and of one macro in text: arm64's KVM has such of
 * some millions.
 */
#define SCAN_STEPS_MAX    (1u << 21)
#define SCAN_TEXT_MAX     (1u << 23)
#define SCAN_CONTEXTS_MAX 4096
#define SCAN_DEPTH_MAX    200

/*
 * Blanks around macros, as GNU cpp's CPP_PADDING has them: what stood before
 * a macro's name or a parameter counts for the first token that comes of it.
 */
enum scan_pad {
	SCAN_PAD_NONE, /* the token's own blank counts */
	SCAN_PAD_WHITE, /* there is one */
	SCAN_PAD_BARE, /* there is none */
};

struct scan_context {
	const struct scan_token *p, *end;
	uint32_t name; /* the macro that this is the body of, or WORD_NONE */
	bool barrier; /* its end is an end: an argument, or the directive */
	uint8_t from; /* enum scan_from */
	uint8_t tail; /* enum scan_pad, of what is behind its end */
	uint32_t line; /* of what its __LINE__ says, where that is one */
};

enum scan_from {
	SCAN_FROM_LINE, /* all of it counts as one line */
	SCAN_FROM_TEXT, /* the text itself: lines are told */
	SCAN_FROM_ARGUMENT, /* rows are */
};

struct scan_argument {
	const struct scan_token *raw;
	uint32_t n;
	const struct scan_token *expanded; /* NULL: not yet */
	uint32_t n_expanded;
	uint8_t tail; /* enum scan_pad behind `expanded` */
	bool rows; /* its tokens tell their lines; else it is `line` */
	uint32_t line;
	bool omitted; /* a variable argument that is not there at all */
};

/* A macro's name or a parameter with `flags` starts here. */
static inline void scan_pad(uint8_t *pad, uint8_t flags)
{
	if (*pad == SCAN_PAD_NONE)
		*pad = flags & SCAN_TOK_WHITE ? SCAN_PAD_WHITE : SCAN_PAD_BARE;
}

/* Here it ends, with `tail` behind its last token. */
static inline void scan_pad_end(uint8_t *pad, uint8_t tail)
{
	if (*pad == SCAN_PAD_NONE)
		*pad = tail;
	if (*pad == SCAN_PAD_BARE)
		*pad = SCAN_PAD_NONE;
}

static inline void scan_pad_take(uint8_t *pad, struct scan_token *t)
{
	if (*pad == SCAN_PAD_WHITE)
		t->flags |= SCAN_TOK_WHITE;
	else if (*pad == SCAN_PAD_BARE)
		t->flags &= (uint8_t)~SCAN_TOK_WHITE;
	*pad = SCAN_PAD_NONE;
}

static inline bool scan_is_endless(const struct scan_run *run)
{
	return run->steps > (run->text ? SCAN_TEXT_MAX : SCAN_STEPS_MAX);
}

/* expand.c */
void scan_push(struct scan_cpp *cpp, const struct scan_token *v, size_t n,
	       uint32_t name, bool barrier);
/* Put the token back that was taken last. */
void scan_take_back(struct scan_cpp *cpp);
void scan_stack_add(struct scan_cpp *cpp, struct scan_token t);
/* The tokens of the stack from `from` on, moved to the arena. */
const struct scan_token *scan_stack_take(struct scan_cpp *cpp, size_t from,
					 uint32_t *n);
void scan_argument_expand(struct scan_cpp *cpp, struct scan_argument *a);

/* substitute.c */
/* The body of `m` with its arguments in place; `tail`: enum scan_pad. */
const struct scan_token *scan_substitute(struct scan_cpp *cpp,
					 const struct scan_macro *m,
					 struct scan_argument *args,
					 uint32_t *n, uint8_t *tail);
/* l ## r into *l; false: they are no token. */
bool scan_paste(struct scan_cpp *cpp, struct scan_token *l,
		struct scan_token r);

/* builtin.c */
/*
 * A name that is built in was pulled, in `line`: what it stands for.  False:
 * it was _Pragma, and is done; or it failed.
 */
bool scan_builtin(struct scan_cpp *cpp, struct scan_token *t, uint32_t line);

#endif
