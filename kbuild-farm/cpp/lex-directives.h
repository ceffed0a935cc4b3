/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cpp/lex-directives.h - A file as a list of its directives.
 *
 * Text between directives is not stored because it seldom changes which files
 * are included.  Full preprocessing stores it as tokens in struct
 * cpp_full_text.  The operand of a directive is stored as cleaned text, without
 * splices and with a space for each comment, and is converted to tokens on
 * first use.  Each directive of a conditional holds the index of the directive
 * that starts the next group, so that skipped text costs nothing.  The finished
 * list never changes, and threads share it.
 */
#ifndef CPP_LEX_DIRECTIVES_H
#define CPP_LEX_DIRECTIVES_H

#include "base/buf.h"
#include "base/reason.h"
#include "cpp/definitions.h"
#include "cpp/incbin-words.h"
#include "cpp/token.h"

struct cpp_macro;

enum cpp_op {
	CPP_OP_INCLUDE,
	CPP_OP_INCLUDE_NEXT,
	CPP_OP_IMPORT,
	CPP_OP_DEFINE,
	CPP_OP_UNDEF,
	CPP_OP_IFDEF,
	CPP_OP_IFNDEF,
	CPP_OP_IF,
	CPP_OP_ELIF,
	CPP_OP_ELIFDEF,
	CPP_OP_ELIFNDEF,
	CPP_OP_ELSE,
	CPP_OP_ENDIF,
	CPP_OP_ONCE,
	CPP_OP_PUSH_MACRO,
	CPP_OP_POP_MACRO,
	CPP_OP_SYSTEM_HEADER,
	CPP_OP_LINE, /* #line with a file name; diagnostics can show the file */
	/* not supported: a unit that reaches the directive is not scannable */
	CPP_OP_UNSUPPORTED,
};

struct cpp_directive {
	uint8_t op;
	/*
	 * #include: <, " or 0 if computed; CPP_OP_UNSUPPORTED: enum reason;
	 * conditions: 1 if not supported
	 */
	uint8_t form;
	bool spliced; /* extends over more than one line */
	uint32_t line;
	/* conditionals: index of the next #elif, #else or #endif */
	uint32_t next_group;
	uint32_t name; /* a macro or a header */
	/* #define: index into defs; #if, computed #include: into expr_texts */
	uint32_t index;
};

/* A definition.  Its address identifies the macro's current meaning. */
struct cpp_def {
	/* NULL if built in; `name` then selects the macro */
	struct cpp_text *text;
	uint32_t name;
	uint32_t offset, len; /* parameters and body, in cpp_text.blob */
	_Atomic(struct cpp_macro *) macro; /* see cpp/macro.h */
};

/* The operand of a condition or of a computed include. */
struct cpp_expr_text {
	uint32_t offset, len;
	_Atomic(struct cpp_tokens *) tokens; /* see cpp/token.h */
};

/* Constructs that a file contains anywhere, even in skipped groups. */
enum cpp_mark {
	CPP_MARK_TIME = 1, /* __DATE__, __TIME__, __TIMESTAMP__ */
	CPP_MARK_COUNTER = 2, /* __COUNTER__, except in a condition */
	CPP_MARK_LINE = 4, /* #line, which changes __LINE__ */
	CPP_MARK_PRAGMA = 8, /* _Pragma whose operand results from macros */
	/* words that can form the operand of such a _Pragma */
	CPP_MARK_WORD_ONCE = 16,
	CPP_MARK_WORD_GCC = 32,
	/* pieces from which ## can form __DATE__ or a similar macro */
	CPP_MARK_TIME_PASTED = 64,
	CPP_MARK_PRAGMA_MACRO = 128, /* _Pragma that pushes or pops a macro */
	CPP_MARK_ASM_FILE = 256, /* .incbin or .include, possibly in pieces */
	CPP_MARK_SPLIT_WORD = 512, /* a word continued on the next line */
	CPP_MARK_BASE_FILE = 1024, /* __BASE_FILE__ */
	CPP_MARK_DEVICETREE = 2048, /* dtc's /include/ or /incbin/ */
	/* cpp_words.names_file is true; never set if words are not recorded */
	CPP_MARK_FILE = 4096,
};

/*
 * The text of a file as tokens, with CPP_TOK_LINE at each line start.
 *
 * The text before directive i starts at starts[i].  The text after the last of
 * n directives ranges from starts[n] to starts[n + 1].
 */
struct cpp_full_text {
	struct cpp_token *tokens;
	uint32_t *starts;
	size_t n_tokens;
};

struct cpp_text {
	struct cpp_names *names;
	struct cpp_directive *directives;
	struct cpp_def *defs;
	struct cpp_expr_text *expr_texts;
	uint32_t n_directives, n_defs, n_expr_texts;
	/* include guard, which makes the file empty if defined; or WORD_NONE */
	uint32_t guard;
	char *blob;
	size_t blob_len;
	unsigned mode;
	unsigned marks; /* enum cpp_mark */
	/* pieces of .incbin and .include */
	struct cpp_incbin_words incbin_words;
	/* NULL until full preprocessing needs it */
	_Atomic(struct cpp_full_text *) full;
	enum reason reason; /* nonzero: a unit that reads it is not scannable */
	/* contains //, which compilers treat differently with -std=c90 */
	bool has_slash_comments;
	/* contains text or a directive that is not stored, such as #warning */
	bool has_other_text;
	/* Set if cpp_names_records_words() is true; see cpp/definitions.h: */
	bool is_definition_header;
	uint64_t n_locations; /* see cpp_words_count_locations() */
	struct cpp_words words; /* empty once the text is in the index */
	/* 1 + number of this text in the index; 0: not in the index */
	uint32_t index_number;
	/* per directive, the number of its name in the index, or NAME_... */
	uint32_t *defined_names;
	atomic_uint refs; /* references held by users of cpp/stat-cache.h */
};

/*
 * Lex a file.  With `full`, also store its text as tokens.
 *
 * Appends a newline and a NUL to `in`, which stays with the caller.  Never
 * fails.  The memory is charged to `names`; free with cpp_text_free().
 */
struct cpp_text *cpp_lex_file(struct cpp_names *names, struct buf *in,
			      unsigned mode, bool full);
/* Free a text with its macros and tokens; NULL is allowed. */
void cpp_text_free(struct cpp_text *t);

#endif
