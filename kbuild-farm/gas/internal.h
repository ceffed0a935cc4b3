/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * gas/internal.h - Shared state and helpers of the assembler model.
 */
#ifndef GAS_INTERNAL_H
#define GAS_INTERNAL_H

#include "base/buf.h"
#include "base/map.h"
#include "gas/gas.h"

#include <string.h>

/*
 * One-byte placeholders for unknown text.  GAS_UNKNOWN_OPERAND represents an
 * operand that the compiler substitutes; the operand is assumed to contain no
 * newline and no ';'.  GAS_UNKNOWN_DIGITS represents a number.
 */
#define GAS_UNKNOWN_OPERAND '\1'
#define GAS_UNKNOWN_DIGITS  '\2'

/* Lexical syntax of an architecture's assembler. */
struct gas_syntax {
	const char *architecture;
	/* predefined macros, separated by blanks; each implies this syntax */
	const char *macros;
	const char *comment; /* characters that start a comment anywhere */
	/* characters that start a comment at the start of a line */
	const char *line_comment;
	/* characters of operand words besides letters, digits and "._$" */
	const char *operand_chars;
	/* characters of names besides letters, digits and "._$" */
	const char *name_chars;
	bool slash_comments; /* // starts a comment */
	bool no_escapes; /* no escapes in strings */
	bool alternatives; /* asm templates have {a|b} */
	bool symver_literal; /* a comment character is literal in .symver */
};

/* Borrowed text. */
struct gas_span {
	const char *p, *end;
};

static inline bool gas_is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static inline void gas_skip_blanks(struct gas_span *in)
{
	while (in->p < in->end && gas_is_blank(*in->p))
		in->p++;
}

static inline bool gas_has_unknown_text(struct gas_span in)
{
	size_t len = (size_t)(in.end - in.p);

	return memchr(in.p, GAS_UNKNOWN_OPERAND, len) ||
	       memchr(in.p, GAS_UNKNOWN_DIGITS, len);
}

static inline void gas_append_char(struct buf *out, char c)
{
	buf_add(out, &c, 1);
}

/* scrub.c */
/* Append `text` to `out`, without comments and superfluous blanks. */
void gas_scrub_text(const struct gas_syntax *x, const char *text, size_t len,
		    struct buf *out);
/* Return the separator after the statement at `p`, or `end`. */
const char *gas_scrub_statement_end(const char *p, const char *end);
/* Return true if `c` can be the first character of a name. */
bool gas_scrub_starts_name(const struct gas_syntax *x, char c);
/* Return true if a name can contain `c`. */
bool gas_scrub_is_name_char(const struct gas_syntax *x, char c);
/* Take a name and return its length. */
size_t gas_scrub_take_name(const struct gas_syntax *x, struct gas_span *in);

/* macro.c */
struct gas_param {
	char *name, *default_value;
	struct buf argument;
	bool vararg;
};

struct gas_macro {
	struct gas_macro *next; /* next with the same name */
	struct gas_param *params;
	size_t n_params;
	char *operands, *body;
	bool malformed; /* invalid parameters */
	bool alternate; /* parameters were read in the alternate syntax */
};

/* Syntax in which macro bodies are expanded. */
struct gas_dialect {
	const struct gas_syntax *syntax;
	bool alternate;
	/* Append the value of %EXPR as text and advance `in` past it. */
	void (*eval)(void *ctx, struct gas_span *in, struct buf *out);
	void *ctx;
};

/*
 * Expand a call of `m` with operands `in`.  Return false if the assembler
 * rejects the call.
 */
bool gas_macro_expand(const struct gas_dialect *d, struct gas_macro *m,
		      struct gas_span in, struct buf *out);
/*
 * Append the body of .irp or, with `letters`, of .irpc to `out` once for each
 * value.  `in` has the parameter and its values.  Stop when `out` has more than
 * `max_bytes`.
 */
void gas_macro_expand_irp(const struct gas_dialect *d, struct gas_span in,
			  bool letters, struct gas_span body, size_t max_bytes,
			  struct buf *out);

/* An open conditional. */
struct gas_cond_frame {
	bool skipped; /* the current branch is not executed */
	bool finished; /* no further branch is taken */
	bool in_else; /* the current branch is .else */
	bool conditional; /* gas may or may not take the current branch */
	bool alternate; /* alternate syntax was on at the start of the branch */
};

/* State of the modelled assembler. */
struct gas_state {
	struct gas_dialect dialect;
	/* texts have no order: a definition in one text applies to all */
	bool unordered;
	struct map macros, symbols;
	struct gas_macro *purged; /* removed by .purgem, freed at the end */
	struct gas_cond_frame *frames;
	size_t n_frames;
	/* number of enclosing texts that gas may or may not execute */
	unsigned n_conditional;
	unsigned depth;
	struct gas_call *call; /* innermost macro call, or NULL */
	uint64_t n_statements;
	size_t expanded_bytes; /* size of all expansions of the current text */
	uint64_t n_changes; /* number of changed definitions */
	struct gas_result *out;
};

/* expr.c */
/*
 * Record that the result is undecided for the reason `words`.  Later calls have
 * no effect.
 */
void gas_symbol_set_undecided(struct gas_state *run, const char *words);
/* Execute NAME = VALUE.  If `deferred`, each use of NAME evaluates VALUE. */
void gas_symbol_assign(struct gas_state *run, struct gas_span name,
		       struct gas_span value, bool deferred);
/* Evaluate the expression at `in`.  Return false if its value is unknown. */
bool gas_symbol_eval(struct gas_state *run, struct gas_span *in,
		     int64_t *value);
/* Free all symbols. */
void gas_symbol_release_all(struct gas_state *run);

/* run.c */
/*
 * Execute a scrubbed text.  Conditionals that are still open at its end are
 * closed.
 */
void gas_run_text(struct gas_state *run, struct gas_span text);

/* macro.c */
/* All macros of one name. */
struct gas_macro_entry {
	struct map_entry entry;
	char *name;
	struct gas_macro *macros;
};

/* Define a macro; `label` is the label before .macro, or empty. */
void gas_define_macro(struct gas_state *run, struct gas_span label,
		      struct gas_span operands, struct gas_span body);
/* Execute .purgem with its operands `in`. */
void gas_define_purge(struct gas_state *run, struct gas_span in);
/*
 * Take a body and the directive that ends it: .endm if `from` is "macro", .endr
 * if `from` is "rept".  Return false if the end is missing.
 */
bool gas_define_take_body(const struct gas_syntax *x, const char *from,
			  struct gas_span *in, struct gas_span *body);
/* Return the macros called `name`, which is in lower case, or NULL. */
struct gas_macro_entry *gas_define_find_macro(struct gas_state *run,
					      const char *name);
/* Free all macros. */
void gas_define_release_all(struct gas_state *run);
/* Return true if `text`, parts of which are unknown, can be equal to `name`. */
bool gas_define_may_match(const char *text, const char *name);

#endif
