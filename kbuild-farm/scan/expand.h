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

/* Limits of one evaluation. */
#define SCAN_STEPS_MAX    (1u << 21)
#define SCAN_CONTEXTS_MAX 4096
#define SCAN_DEPTH_MAX    200

struct scan_context {
	const struct scan_token *p, *end;
	uint32_t name; /* the macro that this is the body of, or WORD_NONE */
	bool barrier; /* its end is an end: an argument, or the directive */
};

struct scan_argument {
	const struct scan_token *raw;
	uint32_t n;
	const struct scan_token *expanded; /* NULL: not yet */
	uint32_t n_expanded;
	bool omitted; /* a variable argument that is not there at all */
};

/* expand.c */
void scan_push(struct scan_cpp *cpp, const struct scan_token *v, size_t n,
	       uint32_t name, bool barrier);
void scan_stack_add(struct scan_cpp *cpp, struct scan_token t);
/* The tokens of the stack from `from` on, moved to the arena. */
const struct scan_token *scan_stack_take(struct scan_cpp *cpp, size_t from,
					 uint32_t *n);
void scan_argument_expand(struct scan_cpp *cpp, struct scan_argument *a);

/* substitute.c */
/* The body of `m` with its arguments in place. */
const struct scan_token *scan_substitute(struct scan_cpp *cpp,
					 const struct scan_macro *m,
					 struct scan_argument *args,
					 uint32_t *n);
/* l ## r into *l; false: they are no token. */
bool scan_paste(struct scan_cpp *cpp, struct scan_token *l,
		struct scan_token r);

/* builtin.c */
/* A name that is built in was pulled: what it stands for. */
struct scan_token scan_builtin(struct scan_cpp *cpp, struct scan_token name);

#endif
