/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cpp/driver-query.h - Compiler properties found by running the driver.
 *
 * The properties are predefined macros, built-in names and operators, include
 * directories and the macros that pragmas change.  The results for each
 * toolchain, language and set of flags stay in memory and, between builds, in
 * cpp_setup.cache_dir.
 */
#ifndef CPP_DRIVER_QUERY_H
#define CPP_DRIVER_QUERY_H

#include "cpp/cmdline.h"
#include "cpp/cpp.h"
#include "cpp/intern.h"
#include "cpp/lex-directives.h"

struct cpp_driver_cache;

/*
 * Find operators such as __has_attribute(noreturn) in the text of a header and
 * add each new one to `keys`, in the form "OP TEXT".
 */
void cpp_driver_query_add_mentioned(struct strv *keys, const char *s,
				    size_t len);

/* Properties of one compiler with one set of flags.  Constant once returned. */
struct cpp_dialect {
	struct cpp_text *macros; /* directives that define predefined macros */
	struct cpp_def builtins[WORDS]; /* built-in names */
	size_t n_builtins;
	bool is_clang;
	bool is_c23; /* the standard is C23 or later, possibly by default */
	bool no_raw_strings; /* R"(...)" is not a raw string */
};

/* Create a cache.  `names` and the members of `setup` are borrowed. */
struct cpp_driver_cache *cpp_driver_cache_new(const struct cpp_setup *setup,
					      struct cpp_names *names);
void cpp_driver_cache_free(struct cpp_driver_cache *a);

/* A unit whose compiler is queried.  All pointers are borrowed. */
struct cpp_driver_request {
	struct cpp_driver_cache *cache;
	const struct cpp_unit *unit;
	const struct cpp_cmdline *line;
	struct cpp_dialect *dialect; /* ignored by cpp_driver_query_dialect() */
};

/*
 * Return the properties of the unit's compiler, owned by the cache.  If the
 * driver fails, returns NULL and sets *why and *detail; the caller frees
 * *detail.
 */
struct cpp_dialect *cpp_driver_query_dialect(const struct cpp_driver_request *r,
					     enum reason *why, char **detail);

/*
 * Get the compiler's own include directories in search order.
 *
 * `absent` receives the directories that did not exist when the driver ran.  If
 * one of them exists now, call again with `refresh`.  Both lists are owned by
 * the dialect.  Returns 0, or a negative value with the reason in *why.
 */
int cpp_driver_query_dirs(const struct cpp_driver_request *r, bool refresh,
			  const struct strv **dirs, const struct strv **absent,
			  enum reason *why);

/*
 * Evaluate OP(TEXT), such as __has_attribute(noreturn).
 *
 * `includer` is the file that contains the operator, or NULL.  The same
 * compiler run evaluates the other operators of that file.  Returns 0, or a
 * negative value with the reason in *why.
 */
int cpp_driver_query_operator(const struct cpp_driver_request *r,
			      enum cpp_word op, const char *text,
			      const struct cpp_text *includer, long long *value,
			      enum reason *why);

/*
 * Return the changes that the last of `pragmas` makes to gcc's macros.  Each
 * pragma is a text such as "GCC target(...)".
 *
 * The result is a list of directives owned by the dialect.  If the driver
 * fails, returns NULL and sets *why and *detail; the caller frees *detail.
 */
struct cpp_text *cpp_driver_query_pragmas(const struct cpp_driver_request *r,
					  const struct strv *pragmas,
					  enum reason *why, char **detail);

/* Return how often the driver was started. */
uint64_t cpp_driver_cache_n_queries(struct cpp_driver_cache *a);

#endif
