/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * scan/asm.h - what the files of scan/asm-text.h share.
 */
#ifndef SCAN_ASM_H
#define SCAN_ASM_H

#include "base/buf.h"
#include "base/map.h"
#include "scan/asm-text.h"

/*
 * Text that is not known, as one byte: what a compiler puts where an operand
 * stands, which ends no statement, and digits.
 */
#define SCAN_ASM_OPERAND '\1'
#define SCAN_ASM_DIGITS  '\2'

/* How an assembler reads characters. */
struct scan_asm_syntax {
	const char *architecture;
	const char *macros; /* any of these is predefined */
	const char *comment; /* starts one anywhere */
	const char *line_comment; /* at the start of a line */
	const char *operand; /* parts of operands, beside letters */
	const char *name; /* parts of names, beside letters */
	bool slashes; /* a comment */
	bool no_escapes; /* in strings */
	bool alternatives; /* {a|b} in an asm statement */
	bool symver; /* a comment's character is none behind .symver */
};

/* Some text; borrowed. */
struct scan_asm_part {
	const char *p, *end;
};

static inline bool scan_asm_is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static inline void scan_asm_blanks(struct scan_asm_part *in)
{
	while (in->p < in->end && scan_asm_is_blank(*in->p))
		in->p++;
}

/* asm-scrub.c */
const struct scan_asm_syntax *scan_asm_syntax(const char *architecture);
/* Append text without comments and with no more blanks than matter. */
void scan_asm_scrub(const struct scan_asm_syntax *x, const char *text,
		    size_t len, struct buf *out);
/* Where the statement at `p` ends: a separator, or `end`. */
const char *scan_asm_statement_end(const char *p, const char *end);
bool scan_asm_starts_name(const struct scan_asm_syntax *x, char c);
bool scan_asm_in_name(const struct scan_asm_syntax *x, char c);
/* Take a name off the front: its length. */
size_t scan_asm_name(const struct scan_asm_syntax *x, struct scan_asm_part *in);

/* asm-macro.c */
struct scan_asm_formal {
	char *name, *def;
	struct buf actual;
	bool vararg;
};

struct scan_asm_macro {
	struct scan_asm_macro *next; /* of the same name */
	struct scan_asm_formal *formal;
	size_t n;
	char *operands, *body;
	bool bad; /* its operands are none that we know */
	bool alternate; /* how its operands were read */
};

/* Words in which a macro's body is expanded. */
struct scan_asm_dialect {
	const struct scan_asm_syntax *syntax;
	bool alternate;
	/* %EXPR: what it is, as text; moves `in` behind it. */
	void (*value)(void *ctx, struct scan_asm_part *in, struct buf *out);
	void *ctx;
};

/* What follows the name in .macro, and a body; both are copied. */
struct scan_asm_macro *scan_asm_macro_new(const struct scan_asm_dialect *d,
					  struct scan_asm_part operands,
					  struct scan_asm_part body);
void scan_asm_macro_free(struct scan_asm_macro *m);
/* A call with these operands; false: the assembler refuses it. */
bool scan_asm_macro_expand(const struct scan_asm_dialect *d,
			   struct scan_asm_macro *m, struct scan_asm_part in,
			   struct buf *out);
/* One round of .irp: the parameter stands for `value`. */
void scan_asm_repeat(const struct scan_asm_dialect *d, const char *name,
		     struct scan_asm_part value, struct scan_asm_part body,
		     struct buf *out);
/* An argument off the front, without its quotes. */
void scan_asm_argument(const struct scan_asm_dialect *d,
		       struct scan_asm_part *in, struct buf *out);
void scan_asm_comma(struct scan_asm_part *in);

/* asm-expr.c */
/* A symbol's value; false: not known. */
typedef bool scan_asm_symbol(void *ctx, const char *name, size_t len,
			     int64_t *value);
/* Take an expression off the front; false: its value is not known. */
bool scan_asm_expr(const struct scan_asm_syntax *x, scan_asm_symbol *symbol,
		   void *ctx, struct scan_asm_part *in, int64_t *value);

/* One .if. */
struct scan_asm_frame {
	bool ignoring; /* what is below it */
	bool dead; /* no branch of it is taken any more */
	bool last; /* this is its .else */
	bool unsure; /* this branch is taken, perhaps */
	bool alternate; /* the syntax that it began in */
};

/* The assembler at work. */
struct scan_asm_run {
	struct scan_asm_dialect d;
	bool loose; /* texts come in any order: definitions hold for all */
	struct map macros, symbols;
	struct scan_asm_macro *purged; /* to be freed */
	struct scan_asm_frame *frame;
	size_t n_frame;
	unsigned unsure; /* how many say that this is read, perhaps */
	unsigned nest;
	struct scan_asm_call *call; /* the innermost */
	uint64_t statements;
	size_t bytes; /* of expansions */
	uint64_t changes; /* of what is defined */
	struct scan_asm_result *out;
};

/* asm-symbol.c */
/* It cannot be decided; the first words count. */
void scan_asm_open(struct scan_asm_run *run, const char *words);
/*
 * What follows is read, perhaps.  It must end in the syntax that it began in:
 * the one that scan_asm_perhaps() returns.
 */
bool scan_asm_perhaps(struct scan_asm_run *run);
void scan_asm_surely(struct scan_asm_run *run, bool alternate);
/* NAME = VALUE: `later` where it is evaluated at its use. */
void scan_asm_assign(struct scan_asm_run *run, struct scan_asm_part name,
		     struct scan_asm_part value, bool later);
/* Take an expression off the front; false: its value is not known. */
bool scan_asm_value(struct scan_asm_run *run, struct scan_asm_part *in,
		    int64_t *value);
void scan_asm_symbols_release(struct scan_asm_run *run);

/* asm-cond.c */
bool scan_asm_ignoring(const struct scan_asm_run *run);
/* .if and its like; false: `name` is none of them. */
bool scan_asm_condition(struct scan_asm_run *run, const char *name,
			struct scan_asm_part operands);
/* Does a body end each .if that it starts, and no other? */
bool scan_asm_is_balanced(const struct scan_asm_syntax *x,
			  struct scan_asm_part body);
/* Forget those above the first `n`. */
void scan_asm_leave(struct scan_asm_run *run, size_t n);

/* asm-define.c */
/* All macros of one name. */
struct scan_asm_named {
	struct map_node node;
	char *name;
	struct scan_asm_macro *macro;
};

/* .macro: `label` stands in front of it, or is empty. */
void scan_asm_define(struct scan_asm_run *run, struct scan_asm_part label,
		     struct scan_asm_part operands, struct scan_asm_part body);
void scan_asm_purge(struct scan_asm_run *run, struct scan_asm_part in);
/* Take a body off the front, up to .endm (`from`: "macro") or .endr ("rept"),
 * which goes too; false: there is no end. */
bool scan_asm_body(const struct scan_asm_syntax *x, const char *from,
		   struct scan_asm_part *in, struct scan_asm_part *body);
struct scan_asm_named *scan_asm_find(struct scan_asm_run *run,
				     const char *name);
void scan_asm_macros_release(struct scan_asm_run *run);
/* Could a text with parts that are not known be `name`? */
bool scan_asm_may_be(const char *text, const char *name);

enum scan_asm_directive {
	SCAN_ASM_MACRO,
	SCAN_ASM_PURGEM,
	SCAN_ASM_EXITM,
	SCAN_ASM_IRP,
	SCAN_ASM_IRPC,
	SCAN_ASM_REPT,
	SCAN_ASM_ALTMACRO,
	SCAN_ASM_NOALTMACRO,
	SCAN_ASM_SET,
	SCAN_ASM_EQV,
	SCAN_ASM_INCBIN,
	SCAN_ASM_INCLUDE,
	SCAN_ASM_FILE,
	SCAN_ASM_MRI,
	SCAN_ASM_STRINGS, /* it knows what a string is, and so where it ends */
	SCAN_ASM_NONE,
};

/* asm-statement.c */
enum scan_asm_directive scan_asm_directive(const char *name);
/* One whose name is made of an operand or of a number. */
bool scan_asm_may_be_directive(const char *name);
/* A name in small letters. */
void scan_asm_lower(struct buf *out, struct scan_asm_part name);
void scan_asm_start_blanks(struct scan_asm_part *in);
/* 1: and 1$: */
bool scan_asm_take_local_label(struct scan_asm_part *in);
/* A name, in quotes or not; false: there is none. */
bool scan_asm_take_name(struct scan_asm_run *run, struct scan_asm_part *in,
			struct scan_asm_part *name);
/* Behind NAME: = or ==? */
bool scan_asm_take_equals(struct scan_asm_part *in, bool *later);
/* Behind .incbin: "NAME", SKIP, COUNT; without a name it is open. */
void scan_asm_file(struct scan_asm_run *run, struct strv *list,
		   struct scan_asm_part in, const char *words);
/* Behind .file: "NAME", where it is plain. */
void scan_asm_origin(struct scan_asm_run *run, struct scan_asm_part in);

/* asm-run.c */
/* Run text as it stands in a file. */
void scan_asm_run(struct scan_asm_run *run, const char *s, size_t len);

/* asm-operand.c */
/*
 * What the compiler makes of an asm statement's text; `alternative`: which of
 * {a|b} is taken.  NULL, or why that is not known; `more`: there are others.
 */
const char *scan_asm_operands(const struct scan_asm_syntax *x, const char *s,
			      size_t len, unsigned alternative, struct buf *out,
			      bool *more);

#endif
