/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * scan/walk.h - one unit, from its first directive to its last.
 *
 * walk.c goes through files, include.c finds them, precompiled.c sees what
 * would be taken instead, input.c looks after what is no header, exact.c reads
 * text where that may matter, unit.c sets all of it up.  A struct scan_worker
 * is what one thread keeps from unit to unit; a struct scan_walk lasts for one.
 */
#ifndef SCAN_WALK_H
#define SCAN_WALK_H

#include "base/vec.h"
#include "scan/ask.h"
#include "scan/expr.h"
#include "scan/part.h"
#include "scan/search.h"

/* Directives and tokens in one unit: a bomb of includes ends here. */
#define SCAN_WALK_STEPS_MAX (UINT64_C(1) << 27)

/* Shared by the threads. */
struct scan_common {
	struct scan_setup setup;
	struct scan_names *names;
	struct scan_store *store;
	struct scan_answers *answers;
};

struct scan_place {
	struct scan_tree *tree;
	struct scan_search *search;
};

/* One element more of a list; its value is for the caller to set. */
#define SCAN_LIST_ADD(l, x)                                      \
	((l)->x = vec_reserve((l)->x, &(l)->cap_##x, (l)->n_##x, \
			      sizeof(*(l)->x)),                  \
	 &(l)->x[(l)->n_##x++])

#define SCAN_PLACES_MAX 16

/* One definition of a command line, read once. */
struct scan_defined {
	struct scan_defined *next;
	char *line;
	struct scan_text *text;
};

#define SCAN_DEFINED_BUCKETS 1024

struct scan_listed {
	const struct scan_node *node;
	const char *path;
	enum scan_kind kind;
	size_t from;
	unsigned line;
};

struct scan_frame {
	struct scan_node *node;
	struct scan_text *text;
	uint32_t pc;
	int at; /* where it was found: for #include_next */
	bool system;
	size_t index; /* in the list */
	uint32_t line; /* of the directive that is being looked at */
	/* Of an exact look: */
	uint32_t given; /* the text before this directive was, and one more */
	uint32_t shift; /* what #line adds to lines */
	uint32_t origin; /* what it says the file is, or WORD_NONE */
	bool dotted; /* clang: its name starts with ./ */
};

/* What #pragma push_macro put aside. */
struct scan_pushed {
	uint32_t name;
	struct scan_def *def;
};

/* Lists that grow during a walk and keep their memory. */
struct scan_lists {
	struct scan_listed *file;
	size_t n_file, cap_file;
	const char **absent, **dir;
	size_t n_absent, cap_absent, n_dir, cap_dir;
	struct scan_frame *frame;
	size_t n_frame, cap_frame;
	struct scan_pushed *pushed;
	size_t n_pushed, cap_pushed;
	struct scan_node **once;
	size_t n_once, cap_once;
	struct scan_want *want;
	size_t n_want, cap_want;
};

struct scan_worker {
	struct scan_worker *next; /* in the pool */
	struct scan_common *common;
	struct scan_cpp cpp;
	struct scan_place place[SCAN_PLACES_MAX];
	size_t n_place;
	uint32_t unit; /* number of the one at hand */
	uint32_t epoch; /* changes when a place goes */
	struct scan_defined *defined[SCAN_DEFINED_BUCKETS];
	struct scan_lists lists;
	struct scan_arena arena; /* of one walk */
	struct scan_walk *walk;
	size_t counted; /* memory, as deps.c has added it up */
	uint64_t units, exact, stats;
	struct scan_run aside; /* see scan_cpp_exchange() */
};

struct scan_walk {
	struct scan_worker *w;
	struct scan_lists *l;
	const struct scan_unit *unit;
	struct scan_line line;
	struct scan_place *place;
	struct scan_dialect *dialect;
	const struct scan_chain *chain;
	bool included; /* a header, by the command line or the source */
	unsigned marks; /* enum scan_mark of all files */
	struct scan_parts parts; /* the same */
	/* The second look, which reads text; the first one is in doubt. */
	bool exact;
	bool mute; /* -imacros: its text goes nowhere */
	struct scan_assembly *assembly; /* what goes to the assembler */
	struct strv options; /* see scan/pragma-options.h */
	uint32_t emitted; /* tokens of its text */
	uint64_t steps;
	size_t memory_max; /* of all that is charged to the names */
	enum reason why; /* not scannable */
	char *detail;
};

/* The file at hand, or NULL. */
static inline struct scan_frame *scan_walk_top(const struct scan_walk *walk)
{
	struct scan_lists *l = walk->l;

	return l->n_frame ? &l->frame[l->n_frame - 1] : NULL;
}

/* __INCLUDE_LEVEL__: what the command line includes is one below the unit. */
static inline unsigned scan_walk_level(const struct scan_walk *walk)
{
	return (unsigned)walk->l->n_frame - 1 + (walk->l->frame[0].index != 0);
}

/*
 * unit.c: all of it; w->lists and `walk` hold the result.  The first look
 * passes over text; where that may matter, a second one reads all of it.
 */
void scan_walk_unit(struct scan_walk *walk, struct scan_worker *w,
		    const struct scan_unit *unit);
void scan_walk_release(struct scan_walk *walk);

/* walk.c */
/* Go through a file and all that it includes. */
void scan_walk_file(struct scan_walk *walk, struct scan_node *node, int at,
		    bool system);
/* Apply definitions that are no file's. */
void scan_walk_text(struct scan_walk *walk, struct scan_text *text);
/* Go on in the file at hand: up to text, another file or its end. */
void scan_walk_step(struct scan_walk *walk, struct scan_frame *f);
/* What pragmas say. */
void scan_walk_once(struct scan_walk *walk, struct scan_frame *f);
void scan_walk_push_macro(struct scan_walk *walk, uint32_t name);
void scan_walk_pop_macro(struct scan_walk *walk, uint32_t name);

/* exact.c: what the preprocessor asks for, and is given, in an exact look */
bool scan_exact_more(void *ctx, bool inside, const struct scan_token **v,
		     size_t *n);
void scan_exact_said(void *ctx, struct scan_token t);
uint32_t scan_exact_file(void *ctx, enum scan_word which);
/* Read the text of the file that was entered, and of all that it includes. */
void scan_exact_read(struct scan_walk *walk);

/* list.c: what goes into the answer */
/* Not scannable; the first reason counts.  `detail` is copied. */
void scan_walk_fail(struct scan_walk *walk, enum reason why,
		    const char *detail);
/* What the files hold, all together. */
void scan_walk_mark(struct scan_walk *walk, const struct scan_text *t);
size_t scan_walk_list(struct scan_walk *walk, struct scan_node *node,
		      enum scan_kind kind, uint32_t line);
/* NULL: it was said. */
void scan_walk_absent(struct scan_walk *walk, const char *path);
void scan_walk_dir(struct scan_walk *walk, const char *path);
void scan_lists_release(struct scan_lists *l);

/* include.c */
/* The chain from `start` on, for this unit. */
const struct scan_found *scan_walk_search(struct scan_walk *walk, uint32_t name,
					  uint32_t start);
/* An #include in the file at hand; enters the file if it has an effect. */
void scan_walk_include(struct scan_walk *walk, uint32_t name, bool angled,
		       bool next);
int scan_walk_has_include(void *ctx, uint32_t name, bool angled, bool next,
			  enum reason *why);
/* Open a file: the frame that goes through it, if it has any effect. */
void scan_walk_enter(struct scan_walk *walk, struct scan_node *node, int at,
		     bool system);

/* precompiled.c: each makes the unit not scannable where there is one */
/* May gcc take one for what is looked for now? */
bool scan_walk_takes_gch(const struct scan_walk *walk);
/* In one directory. */
void scan_walk_gch(struct scan_walk *walk, struct scan_dir *dir, uint32_t name);
/* In the chain up to where it was found; `at` below 0: in all of it. */
void scan_walk_gch_chain(struct scan_walk *walk, uint32_t name, int at);
void scan_walk_gch_source(struct scan_walk *walk, const struct scan_node *n);
/* For each -include, as clang's driver looks. */
void scan_walk_clang_pch(struct scan_walk *walk);

/* input.c */
/* .incbin: a file that the assembler reads. */
void scan_walk_incbin(struct scan_walk *walk, const char *name);
/* A file of assembler text, which must not name others. */
void scan_walk_assembler(struct scan_walk *walk, const char *name);
/* What #line names: read for a diagnostic, if it is there. */
void scan_walk_origin(struct scan_walk *walk, uint32_t name);
/* Could the assembler read a file that nothing names?  Then the walk fails. */
void scan_walk_parts(struct scan_walk *walk);
/* After an exact look: the files that the assembler is told of. */
void scan_walk_assembly(struct scan_walk *walk);
/* Any other file that the compiler reads. */
void scan_walk_input(struct scan_walk *walk, const char *name);

#endif
