/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cpp/walk.h - Scan of one unit, directive by directive.
 *
 * A struct cpp_worker owns caches that persist between units; one thread at a
 * time uses it.  A struct cpp_walk describes the scan of one unit.  The results
 * of the scan are in the worker's lists.
 */
#ifndef CPP_WALK_H
#define CPP_WALK_H

#include "base/vec.h"
#include "cpp/driver-query.h"
#include "cpp/expr.h"
#include "cpp/incbin-words.h"
#include "cpp/stat-cache.h"

/* State that all threads share. */
struct cpp_shared {
	struct cpp_setup setup;
	struct cpp_names *names;
	struct cpp_file_cache *file_cache;
	struct cpp_driver_cache *driver_cache;
	/* NULL if setup.selects_definitions is false */
	struct cpp_definitions *definitions;
};

/* A directory that the command line or the driver names. */
struct cpp_dir_option {
	const char *path;
	int kind; /* enum cpp_dir_kind */
};

/* The caches of one working directory and mode. */
struct cpp_cwd_cache {
	struct cpp_stat_cache *stat_cache;
	struct cpp_search *search;
	uint32_t unit; /* number of the last unit that used the caches */
};

/* Append an element to list `x` of `l`.  The caller assigns its value. */
#define CPP_WALK_LISTS_ADD(l, x)                                 \
	((l)->x = vec_reserve((l)->x, &(l)->cap_##x, (l)->n_##x, \
			      sizeof(*(l)->x)),                  \
	 &(l)->x[(l)->n_##x++])

#define CPP_CWD_CACHES_MAX 16

/* A command-line definition, lexed once. */
struct cpp_cmdline_macro {
	struct cpp_cmdline_macro *next;
	char *line;
	struct cpp_text *text;
};

#define CPP_CMDLINE_MACRO_BUCKETS 1024

struct cpp_listed_file {
	const struct cpp_cached_file *file;
	const char *path;
	enum cpp_file_kind kind;
	size_t includer;
	unsigned line;
	bool is_input; /* also added as CPP_FILE_INPUT */
	bool expands_name; /* see struct cpp_file */
};

struct cpp_frame {
	struct cpp_cached_file *file;
	struct cpp_text *text;
	uint32_t next_directive;
	int dir_index; /* search position of the file, for #include_next */
	bool system;
	size_t file_index; /* index in the list of files */
	uint32_t line; /* line of the current directive */
	/* For full preprocessing: */
	/* 1 + index of the last directive whose preceding text was read */
	uint32_t n_given;
	uint32_t line_offset; /* offset that #line sets */
	uint32_t line_file; /* file name that #line sets, or WORD_NONE */
};

/* A definition that #pragma push_macro saved. */
struct cpp_pushed_macro {
	uint32_t name;
	struct cpp_def *def;
};

/* A file or a directory under the name that clang gives it. */
struct cpp_clang_file {
	struct cpp_cached_file *file;
	bool dotted; /* "./" precedes the path */
};

struct cpp_clang_dir {
	struct cpp_dir *dir;
	bool dotted;
};

/* Lists that grow during a walk.  The next walk reuses their memory. */
struct cpp_lists {
	struct cpp_listed_file *file;
	size_t n_file, cap_file;
	const char **absent, **dir, **header_dir;
	size_t n_absent, cap_absent, n_dir, cap_dir;
	size_t n_header_dir, cap_header_dir;
	struct cpp_frame *frame;
	size_t n_frame, cap_frame;
	struct cpp_pushed_macro *pushed;
	size_t n_pushed, cap_pushed;
	struct cpp_cached_file **once;
	size_t n_once, cap_once;
	struct cpp_dir_option *dir_option;
	size_t n_dir_option, cap_dir_option;
	struct cpp_clang_file *clang_file;
	size_t n_clang_file, cap_clang_file;
	struct cpp_clang_dir *clang_dir;
	size_t n_clang_dir, cap_clang_dir;
	/* definitions that are not in a file, such as those of -D */
	struct cpp_text **applied;
	size_t n_applied, cap_applied;
};

struct cpp_worker {
	struct cpp_worker *next; /* next in the pool */
	struct cpp_shared *shared;
	struct cpp_state state;
	struct cpp_cwd_cache cwd_caches[CPP_CWD_CACHES_MAX];
	size_t n_cwd_caches;
	uint32_t unit; /* number of the current unit */
	struct cpp_cmdline_macro *cmdline_macros[CPP_CMDLINE_MACRO_BUCKETS];
	struct cpp_lists lists;
	struct arena arena; /* reset for each unit */
	struct cpp_walk *walk;
	/* bytes of this worker that cpp_scanner.memory includes */
	size_t counted_bytes;
	uint64_t n_preprocessed, n_stats;
	/* for directives and pragmas in text that is being expanded */
	struct cpp_expansion other_expansion;
};

struct cpp_walk {
	struct cpp_worker *worker;
	struct cpp_lists *lists;
	const struct cpp_unit *unit;
	struct cpp_cmdline cmdline;
	struct cpp_cwd_cache *cwd_cache;
	struct cpp_dialect *dialect;
	const struct cpp_search_path *search_path;
	bool header_included; /* -include, -imacros or #include was executed */
	unsigned marks; /* enum cpp_mark of all files */
	bool any_name_expanded; /* cpp_file.expands_name is set for all files */
	struct cpp_incbin_words incbin_words; /* of all files */
	/* this scan is full preprocessing, not the fast scan */
	bool full;
	bool in_imacros; /* in an -imacros file, whose text is dropped */
	struct cpp_inline_asm *inline_asm; /* text that reaches the assembler */
	struct strv pragma_options; /* see cpp/pragma.h */
	uint32_t n_emitted; /* number of expanded tokens of text */
	uint64_t n_steps;
	uint64_t n_locations; /* sum of cpp_text.n_locations */
	size_t max_memory_bytes; /* limit of cpp_names_memory() for this unit */
	enum reason reason; /* nonzero: the unit is not scannable */
	char *detail;
};

/* Return the frame of the current file, or NULL. */
static inline struct cpp_frame *cpp_walk_top(const struct cpp_walk *walk)
{
	struct cpp_lists *l = walk->lists;

	return l->n_frame ? &l->frame[l->n_frame - 1] : NULL;
}

/*
 * Return __INCLUDE_LEVEL__.  It is 0 in the source and 1 in a file of -include
 * or -imacros.
 */
static inline unsigned cpp_walk_level(const struct cpp_walk *walk)
{
	return (unsigned)walk->lists->n_frame - 1 +
	       (walk->lists->frame[0].file_index != 0);
}

/* Return the request with which the unit's compiler is queried. */
static inline struct cpp_driver_request cpp_walk_driver(
	const struct cpp_walk *walk)
{
	return (struct cpp_driver_request){
		.cache = walk->worker->shared->driver_cache,
		.unit = walk->unit,
		.line = &walk->cmdline,
		.dialect = walk->dialect,
	};
}

/* Mark the unit not scannable.  The first reason counts.  Copies `detail`. */
void cpp_walk_fail(struct cpp_walk *walk, enum reason why, const char *detail);
/* Merge the marks of a file into the marks of the unit. */
void cpp_walk_add_marks(struct cpp_walk *walk, const struct cpp_text *t);
/* Add a file to the closure and return its index. */
size_t cpp_walk_add_file(struct cpp_walk *walk, struct cpp_cached_file *cached,
			 enum cpp_file_kind kind, uint32_t line);
/* Add a borrowed path that must not exist; NULL is ignored. */
void cpp_walk_add_absent(struct cpp_walk *walk, const char *path);
/* Add a search without a result: its absent path, or a directory. */
void cpp_walk_add_absence(struct cpp_walk *walk, struct cpp_path_lookup *p);
/* Add a borrowed path of a directory that must exist. */
void cpp_walk_add_dir(struct cpp_walk *walk, const char *path);
/* Add the file of #line, which diagnostics show, or record its absence. */
void cpp_walk_add_line_file(struct cpp_walk *walk, uint32_t name);
/* Apply definitions that are not in a file, such as predefined macros. */
void cpp_walk_apply_definitions(struct cpp_walk *walk, struct cpp_text *text);
/*
 * Walk the current file and the files that it includes: by full preprocessing
 * if walk->full is set, else by executing their directives only.
 */
void cpp_walk_run(struct cpp_walk *walk);
/*
 * Set the callbacks of text expansion: next_text, on_directive and file_macro.
 * Their context is the struct cpp_worker.
 */
void cpp_walk_set_callbacks(struct cpp_callbacks *c);

#endif
