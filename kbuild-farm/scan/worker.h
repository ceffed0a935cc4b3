/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * scan/worker.h - what the files that walk through a unit share.
 *
 * A struct scan_worker is what one thread keeps from unit to unit; a struct
 * scan_walk lasts for one.
 */
#ifndef SCAN_WORKER_H
#define SCAN_WORKER_H

#include "base/vec.h"
#include "scan/ask.h"
#include "scan/expr.h"
#include "scan/part.h"
#include "scan/search.h"

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
};

/* What #pragma push_macro put aside. */
struct scan_pushed {
	uint32_t name;
	struct scan_def *def;
};

/* Files and directories by the name that clang gives them. */
struct scan_met {
	struct scan_node *node;
	bool dotted; /* with ./ in front of the path */
};

struct scan_met_dir {
	struct scan_dir *dir;
	bool dotted;
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
	struct scan_met *met;
	size_t n_met, cap_met;
	struct scan_met_dir *met_dir;
	size_t n_met_dir, cap_met_dir;
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
	struct arena arena; /* of one walk */
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

#endif
