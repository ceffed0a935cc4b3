/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cpp/macro.h - Macro definitions, the macro table and macro expansion.
 *
 * The table is an array indexed by the number of a name.  It belongs to one
 * thread.  An epoch marks the entries of the current unit, so that starting
 * another unit costs one increment.
 */
#ifndef CPP_MACRO_H
#define CPP_MACRO_H

#include "base/arena.h"
#include "base/reason.h"
#include "cpp/lex-directives.h"
#include "cpp/token.h"

/* A definition as tokens.  ## is stored as a flag of the token before it. */
struct cpp_macro {
	bool funlike;
	bool variadic;
	bool malformed; /* compilers reject it */
	uint32_t n_params;
	uint32_t n_tokens;
	struct cpp_token body[];
};

/* Return the tokens of a definition, made once for all threads. */
const struct cpp_macro *cpp_macro_parsed(struct cpp_def *def,
					 struct cpp_names *names);
/* Free the result of cpp_macro_parsed(). */
void cpp_macro_free(struct cpp_def *def, struct cpp_names *names);

struct cpp_macro_slot {
	struct cpp_def *def; /* NULL if undefined */
	uint32_t epoch; /* the entry is valid if this equals cpp_state.epoch */
	/* number of the last evaluation that looked up the name */
	uint32_t lookup_id;
};

/* A name that an evaluation looked up, and the definition that was found. */
struct cpp_macro_lookup {
	struct cpp_def *def;
	uint32_t name;
};

/* Callbacks of macro expansion and the evaluation of conditions. */
struct cpp_callbacks {
	void *ctx;
	/*
	 * Return 1 if a header exists and 0 if it does not.  If its existence
	 * cannot be determined, return a negative value with the reason in
	 * *why.
	 */
	int (*has_include)(void *ctx, uint32_t name, bool angled, bool next,
			   enum reason *why);
	/*
	 * Evaluate an operator such as __has_attribute(TEXT).  Returns 0, or a
	 * negative value with the reason in *why.
	 */
	int (*query_operator)(void *ctx, enum cpp_word op, const char *text,
			      long long *value, enum reason *why);
	/*
	 * Get more tokens of text.  If `inside` is true, they belong to macro
	 * arguments, which cannot continue after the end of the file.  Returns
	 * false if there is no more text or the unit failed.
	 */
	bool (*next_text)(void *ctx, bool inside, const struct cpp_token **v,
			  size_t *n);
	/*
	 * Execute a CPP_TOK_PRAGMA, which represents a #pragma or a _Pragma, or
	 * a CPP_TOK_LINE_DIRECTIVE.
	 */
	void (*on_directive)(void *ctx, struct cpp_token t);
	/*
	 * Return the string literal to which __FILE__ or a similar macro
	 * expands, as its number in the table of names.
	 */
	uint32_t (*file_macro)(void *ctx, enum cpp_word which);
};

struct cpp_context;

/* State of macro expansion in one directive or in the text of a unit. */
struct cpp_expansion {
	enum reason reason; /* nonzero: the expansion failed */
	struct cpp_context *contexts;
	size_t n_contexts, cap_contexts;
	struct cpp_token *stack;
	size_t n_stack, cap_stack;
	struct arena arena;
	unsigned n_steps;
	unsigned depth;
	unsigned prevent; /* > 0: macros are not expanded */
	/* Set by cpp_expand_begin_text() for full preprocessing. */
	bool reads_text;
	bool peeking; /* looking for '(': no directive may be executed */
	bool line_started; /* the next output token starts a line */
	uint8_t padding; /* enum cpp_padding */
	uint32_t outer_line; /* line of the outermost macro's name */
};

/* State of a preprocessor, owned by one thread. */
struct cpp_state {
	struct cpp_names *names;
	struct cpp_callbacks callbacks;
	unsigned mode;
	bool char_unsigned, wchar_unsigned;

	struct cpp_macro_slot *slots;
	uint32_t n_slots;
	uint32_t epoch;

	bool full; /* full preprocessing: text is read too */
	/* __DATE__, __TIME__ or __TIMESTAMP__ was expanded */
	bool time_expanded;
	unsigned counter; /* value of the next __COUNTER__ */
	/* __COUNTER__ was used while text was skipped */
	bool counter_uncertain;

	/* Position for __LINE__ and similar macros. */
	uint32_t line;
	uint32_t line_offset; /* offset that #line adds to `line` */
	bool line_known;
	bool blank_dropped; /* a macro preceded by a blank was expanded */
	unsigned include_level;

	/* Dependencies of the current condition. */
	bool not_memoizable; /* the condition depends on more than `lookups` */
	uint32_t lookup_id;
	struct cpp_macro_lookup *lookups;
	size_t n_lookups, cap_lookups;

	struct cpp_expansion expansion;
};

/* Initialize a preprocessor.  `names` is borrowed and `host` is copied. */
void cpp_state_init(struct cpp_state *cpp, struct cpp_names *names,
		    const struct cpp_callbacks *host);
void cpp_state_release(struct cpp_state *cpp);
/* Begin another unit, in which no macro is defined. */
void cpp_state_reset(struct cpp_state *cpp, unsigned mode);
/* Define a macro; `def` is borrowed until cpp_state_reset(). */
void cpp_macro_define(struct cpp_state *cpp, struct cpp_def *def);
/* Remove the definition of `name`, if it has one. */
void cpp_macro_undef(struct cpp_state *cpp, uint32_t name);
/* Enlarge the table to hold `name`. */
void cpp_macro_grow_slots(struct cpp_state *cpp, uint32_t name);

static inline struct cpp_macro_slot *cpp_macro_get_slot(struct cpp_state *cpp,
							uint32_t name)
{
	if (name >= cpp->n_slots)
		cpp_macro_grow_slots(cpp, name);
	return &cpp->slots[name];
}

/*
 * Define `name`, which equals def->name.  The function is inline because a unit
 * has thousands of definitions.
 */
static inline void cpp_macro_define_as(struct cpp_state *cpp, uint32_t name,
				       struct cpp_def *def)
{
	struct cpp_macro_slot *s = cpp_macro_get_slot(cpp, name);

	s->def = def;
	s->epoch = cpp->epoch;
}

static inline struct cpp_def *cpp_macro_find(const struct cpp_state *cpp,
					     uint32_t name)
{
	const struct cpp_macro_slot *s;

	if (name >= cpp->n_slots)
		return NULL;
	s = &cpp->slots[name];
	return s->epoch == cpp->epoch ? s->def : NULL;
}

/* Look up a name and record that the evaluation depends on it. */
struct cpp_def *cpp_macro_find_tracked(struct cpp_state *cpp, uint32_t name);

/*
 * Return the value of the built-in macro or operator `word`, used in line
 * `line`.  After a failure, the token is CPP_TOK_END.
 */
struct cpp_token cpp_macro_builtin_value(struct cpp_state *cpp,
					 enum cpp_word word, uint32_t line);
/*
 * Execute the operand of _Pragma in text.  Returns true if the operator must
 * remain a name, because it is inside a macro argument.  In this case, it is
 * executed when the macro's body is read.
 */
bool cpp_macro_run_pragma(struct cpp_state *cpp);

/* Begin the expansion of `n` tokens, which the caller owns. */
void cpp_expand_begin(struct cpp_state *cpp, const struct cpp_token *v,
		      size_t n);
/* Begin the expansion of the text from callbacks.next_text(). */
void cpp_expand_begin_text(struct cpp_state *cpp);
/* Return the next expanded token, or CPP_TOK_END at the end or on failure. */
struct cpp_token cpp_expand_next(struct cpp_state *cpp);
/* Return the next token without expansion, as for `defined`. */
struct cpp_token cpp_expand_next_raw(struct cpp_state *cpp);
/* Free the memory of an expansion. */
void cpp_expansion_release(struct cpp_expansion *run);
/* Record a failure; the first reason counts. */
void cpp_state_fail(struct cpp_state *cpp, enum reason why);
/*
 * Read a header name whose first token is `first`: a string, or tokens between
 * < and >.  If `raw` is true, these tokens are not expanded.  Returns false for
 * anything else.
 */
bool cpp_expand_header_name(struct cpp_state *cpp, struct cpp_token first,
			    bool raw, uint32_t *name, bool *angled);

#endif
