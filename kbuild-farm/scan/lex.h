/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * scan/lex.h - a file's bytes as a list of its directives.
 *
 * Text between directives is not kept: it seldom changes what is included;
 * for a unit in which it may, there is scan_full.  What a directive says is
 * kept as cleaned text (splices removed, a comment is one space) and made into
 * tokens when it is first needed. A conditional knows where its group goes on,
 * so that skipped text costs nothing.  The result does not change any more and
 * is shared by threads.
 */
#ifndef SCAN_LEX_H
#define SCAN_LEX_H

#include "base/buf.h"
#include "scan/name.h"
#include "scan/part.h"

#include <stdatomic.h>
#include <stdbool.h>

/* What the language is; the same bytes read otherwise in another mode. */
enum scan_mode {
	SCAN_ASM = 1, /* .S: an unknown directive is text */
	SCAN_RAW = 2, /* R"x(...)x" */
	SCAN_STRICT = 4, /* -std=c11: trigraphs, no GNU extensions */
	SCAN_OLD = 8, /* -std=c90: no line comments, no digraphs */
	SCAN_SEPARATORS = 16, /* 1'000 */
	SCAN_TRIGRAPHS = 32,
	SCAN_CLANG = 64, /* of files: in .S alone, where it has digraphs */
	SCAN_PREFIXES = 128, /* u8"x", without R too */
};

enum scan_op {
	SCAN_OP_INCLUDE,
	SCAN_OP_INCLUDE_NEXT,
	SCAN_OP_IMPORT,
	SCAN_OP_DEFINE,
	SCAN_OP_UNDEF,
	SCAN_OP_IFDEF,
	SCAN_OP_IFNDEF,
	SCAN_OP_IF,
	SCAN_OP_ELIF,
	SCAN_OP_ELIFDEF,
	SCAN_OP_ELIFNDEF,
	SCAN_OP_ELSE,
	SCAN_OP_ENDIF,
	SCAN_OP_ONCE,
	SCAN_OP_PUSH_MACRO,
	SCAN_OP_POP_MACRO,
	SCAN_OP_SYSTEM_HEADER,
	SCAN_OP_ORIGIN, /* #line: the file that diagnostics show */
	SCAN_OP_UNSUPPORTED, /* what we do not understand, if it is reached */
};

struct scan_directive {
	uint8_t op;
	/* include: < or " or 0, computed; unsupported: enum reason */
	uint8_t form;
	bool spliced; /* more than one line */
	uint32_t line;
	uint32_t next; /* conditionals: the group's next directive */
	uint32_t name; /* a macro, or a header's name */
	uint32_t at; /* define: of scan_text.def; piece: of scan_text.piece */
};

struct scan_macro;
struct scan_tokens;

/* A definition; its address is the identity of what a macro is. */
struct scan_def {
	struct scan_text *text; /* NULL: built in, `name` says which */
	uint32_t name;
	uint32_t at, len; /* what follows the name, in scan_text.blob */
	_Atomic(struct scan_macro *) macro; /* see scan/macro.h */
};

/* The text of a condition or of a computed include. */
struct scan_piece {
	uint32_t at, len;
	_Atomic(struct scan_tokens *) tokens; /* see scan/token.h */
};

/* What a file may hold, anywhere, taken or not. */
enum scan_mark {
	SCAN_MARK_TIME = 1, /* __DATE__, __TIME__, __TIMESTAMP__ */
	SCAN_MARK_COUNTER = 2, /* __COUNTER__ outside #if, plainly */
	SCAN_MARK_LINE = 4, /* #line: __LINE__ is not ours */
	SCAN_MARK_PRAGMA = 8, /* _Pragma, of what a macro makes */
	SCAN_MARK_ONCE = 16, /* the words that it could make it of */
	SCAN_MARK_GCC = 32,
	SCAN_MARK_PASTED = 64, /* the date's, perhaps, put together by ## */
	SCAN_MARK_OPERATOR = 128, /* _Pragma, of what changes macros */
	SCAN_MARK_FILE = 256, /* the assembler is told of files, perhaps */
	SCAN_MARK_SPLIT = 512, /* a word across two lines */
	SCAN_MARK_BASE = 1024, /* __BASE_FILE__ */
	SCAN_MARK_TREE = 2048, /* /include/ or /incbin/, as dtc has it */
};

/*
 * A file's text: its tokens, SCAN_TOK_LINE where a line begins.  Those in
 * front of directive i start at from[i]; behind the last one is from[n] up
 * to from[n + 1].
 */
struct scan_full {
	struct scan_token *v;
	uint32_t *from;
	size_t n;
};

struct scan_text {
	struct scan_names *names;
	struct scan_directive *dir;
	struct scan_def *def;
	struct scan_piece *piece;
	uint32_t n, n_def, n_piece;
	uint32_t guard; /* no effect when this is defined; or WORD_NONE */
	char *blob;
	size_t blob_len;
	unsigned mode;
	unsigned marks; /* enum scan_mark */
	struct scan_parts parts; /* of what a file is named by */
	_Atomic(struct scan_full *) full; /* NULL: nobody needed it yet */
	bool unbalanced;
	bool slashes; /* //, which is a comment or not: -std=c89 */
	atomic_uint refs; /* of scan/store.h */
};

/*
 * Read a file; `full`: with its text.  `in` gets a newline and a NUL appended,
 * and is left to the caller.  Never fails; free with scan_text_free().  Its
 * memory is charged to `names`.
 */
struct scan_text *scan_lex(struct scan_names *names, struct buf *in,
			   unsigned mode, bool full);
/* Add what `in` has besides directives to `t`, which was made of it. */
void scan_lex_full(struct scan_text *t, struct buf *in);
void scan_text_free(struct scan_text *t);

#endif
