/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * scan/macro.h - what a definition says, and which one a name has.
 *
 * The macro table is an array indexed by a name's number.  It belongs to one
 * thread; starting on another unit costs one increment.
 */
#ifndef SCAN_MACRO_H
#define SCAN_MACRO_H

#include "base/arena.h"
#include "base/reason.h"
#include "scan/lex.h"
#include "scan/token.h"

/* A definition in tokens.  ## is a flag of the token before it. */
struct scan_macro {
	bool funlike;
	bool variadic;
	bool bad; /* the compiler refuses it */
	uint32_t paramc;
	uint32_t n;
	struct scan_token body[];
};

/* The tokens of a definition, made once for all threads. */
const struct scan_macro *scan_macro_of(struct scan_def *def,
				       struct scan_names *names);
/* Free what scan_macro_of() made. */
void scan_macro_drop(struct scan_def *def, struct scan_names *names);

struct scan_slot {
	struct scan_def *def; /* NULL: not defined */
	uint32_t epoch; /* of another unit: as if it was not there */
	uint32_t looked; /* the evaluation that looked last */
};

/* A name that an evaluation looked at, and what it was. */
struct scan_look {
	struct scan_def *def;
	uint32_t name;
};

/* Questions that come up while a condition is evaluated. */
struct scan_host {
	void *ctx;
	/* Is there such a header?  Negative: cannot say, *why is set. */
	int (*has_include)(void *ctx, uint32_t name, bool angled, bool next,
			   enum reason *why);
	/* What is e.g. __has_attribute(TEXT)?  0 or negative as above. */
	int (*ask)(void *ctx, enum scan_word op, const char *text,
		   long long *value, enum reason *why);
	/*
	 * More text; `inside`: of macro arguments, which end with the file.
	 * False: there is none, or the unit failed.
	 */
	bool (*more)(void *ctx, bool inside, const struct scan_token **v,
		     size_t *n);
	/* A SCAN_TOK_PRAGMA or SCAN_TOK_ORIGIN was met, or a _Pragma. */
	void (*said)(void *ctx, struct scan_token t);
	/* The string that __FILE__ and its like stand for: a name. */
	uint32_t (*file)(void *ctx, enum scan_word which);
};

struct scan_context;

/* Tokens that are being read: a directive's, or the text of a whole unit. */
struct scan_run {
	enum reason why; /* it failed */
	struct scan_context *context;
	size_t n_context, cap_context;
	struct scan_token *stack;
	size_t n_stack, cap_stack;
	struct arena arena;
	unsigned steps;
	unsigned depth;
	unsigned prevent; /* > 0: names are not expanded */
	/* Of text, in full: scan_cpp_begin_text(). */
	bool text;
	bool seeking; /* a '(' alone goes on with what was begun */
	bool fresh; /* a line started, and nothing of it is out yet */
	uint8_t pad; /* enum scan_pad */
	uint32_t top; /* the line of the outermost macro's name */
};

/* A preprocessor's state; of one thread. */
struct scan_cpp {
	struct scan_names *names;
	struct scan_host host;
	unsigned mode;
	bool char_unsigned, wchar_unsigned;

	struct scan_slot *slot;
	uint32_t n_slot;
	uint32_t epoch;

	bool exact; /* text counts, so that all that is built in is known */
	bool dated; /* __DATE__ or its like was expanded */
	unsigned counter; /* the next __COUNTER__ */
	bool doubt; /* it was asked for, and text was not read */

	/* Where we are: for __LINE__ and its like. */
	uint32_t line;
	uint32_t shift; /* what #line adds to it */
	bool line_known;
	bool spaced; /* a macro that stood behind a blank was replaced */
	unsigned level;

	/* What the condition at hand depends on. */
	bool unsteady; /* on more than `look` */
	uint32_t looking;
	struct scan_look *look;
	size_t n_look, cap_look;

	struct scan_run run;
};

void scan_cpp_init(struct scan_cpp *cpp, struct scan_names *names,
		   const struct scan_host *host);
void scan_cpp_release(struct scan_cpp *cpp);
/* Another unit: nothing is defined. */
void scan_cpp_reset(struct scan_cpp *cpp, unsigned mode);
/* `def` is borrowed until scan_cpp_reset(). */
void scan_cpp_define(struct scan_cpp *cpp, struct scan_def *def);
void scan_cpp_undef(struct scan_cpp *cpp, uint32_t name);
/* Let there be a slot for it. */
void scan_cpp_make_room(struct scan_cpp *cpp, uint32_t name);

static inline struct scan_slot *scan_cpp_slot(struct scan_cpp *cpp,
					      uint32_t name)
{
	if (name >= cpp->n_slot)
		scan_cpp_make_room(cpp, name);
	return &cpp->slot[name];
}

/* scan_cpp_define() of what is known to define `name`: a unit has thousands. */
static inline void scan_cpp_define_as(struct scan_cpp *cpp, uint32_t name,
				      struct scan_def *def)
{
	struct scan_slot *s = scan_cpp_slot(cpp, name);

	s->def = def;
	s->epoch = cpp->epoch;
}

static inline struct scan_def *scan_cpp_def(const struct scan_cpp *cpp,
					    uint32_t name)
{
	const struct scan_slot *s;

	if (name >= cpp->n_slot)
		return NULL;
	s = &cpp->slot[name];
	return s->epoch == cpp->epoch ? s->def : NULL;
}

/* The same, and remember that the evaluation depends on it. */
struct scan_def *scan_cpp_look(struct scan_cpp *cpp, uint32_t name);

/* Start to read `n` tokens, which stay the caller's. */
void scan_cpp_begin(struct scan_cpp *cpp, const struct scan_token *v, size_t n);
/* The same for the text that the host gives. */
void scan_cpp_begin_text(struct scan_cpp *cpp);
/* The next token, expanded; SCAN_TOK_END at the end, or when `why` is set. */
struct scan_token scan_cpp_next(struct scan_cpp *cpp);
/* The next token as it stands: what `defined` wants. */
struct scan_token scan_cpp_raw(struct scan_cpp *cpp);
/*
 * Put the text at hand aside, to read something else meanwhile; *other keeps
 * memory for that.  Going back: the same again, with the two exchanged.
 */
void scan_cpp_exchange(struct scan_cpp *cpp, struct scan_run *other);
void scan_run_release(struct scan_run *run);
/* Fail, unless it failed already. */
void scan_cpp_fail(struct scan_cpp *cpp, enum reason why);
/*
 * Read a header's name: a string, or what stands between < and >; `spelled`:
 * nothing between is expanded.  False: it is neither.
 */
bool scan_cpp_header(struct scan_cpp *cpp, struct scan_token first,
		     bool spelled, uint32_t *name, bool *angled);

#endif
