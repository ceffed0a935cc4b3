/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cpp/driver-query.h - Compiler properties found by running the driver.
 *
 * These are predefined macros, built-in names and operators, include
 * directories and the macros that pragmas change.  The driver runs once per
 * toolchain, language and set of flags.  Results stay in memory and, between
 * builds, in cpp_setup.cache_dir.
 */
#ifndef CPP_DRIVER_QUERY_H
#define CPP_DRIVER_QUERY_H

#include "cpp/cmdline.h"
#include "cpp/cpp.h"
#include "cpp/intern.h"
#include "cpp/lex-directives.h"

struct cpp_driver_cache;

/* Add the operators that a header's text mentions to `keys`, as "OP TEXT". */
void cpp_driver_query_add_mentioned(struct strv *keys, const char *s,
				    size_t len);

/* Properties of one compiler with one set of flags.  Constant once returned. */
struct cpp_dialect {
	struct cpp_text *macros; /* directives that define them */
	struct cpp_def builtins[WORDS]; /* built-in names */
	size_t n_builtins;
	bool is_clang;
	bool no_raw_strings; /* R"(...)" is not a raw string */
};

/* Create a cache.  `names` is borrowed. */
struct cpp_driver_cache *cpp_driver_cache_new(const struct cpp_setup *setup,
					      struct cpp_names *names);
void cpp_driver_cache_free(struct cpp_driver_cache *a);

/*
 * Return the properties of the compiler of `line`, owned by `a`.  Returns NULL
 * with *why and *detail, which the caller frees, if the driver fails.
 */
struct cpp_dialect *cpp_driver_query_dialect(struct cpp_driver_cache *a,
					     const struct cpp_unit *unit,
					     const struct cpp_cmdline *line,
					     enum reason *why, char **detail);

/*
 * Return the compiler's own include directories in search order.
 *
 * `absent` receives those that did not exist when the driver ran.  If one of
 * them exists now, call again with `refresh`.  Returns 0, or negative with
 * *why.
 */
int cpp_driver_query_dirs(struct cpp_driver_cache *a,
			  struct cpp_dialect *dialect,
			  const struct cpp_unit *unit,
			  const struct cpp_cmdline *line, bool refresh,
			  const struct strv **dirs, const struct strv **absent,
			  enum reason *why);

/*
 * Evaluate OP(TEXT), such as __has_attribute(noreturn).
 *
 * `includer` is the file that contains it, or NULL.  The same compiler run
 * evaluates the other operators of that file.  Returns 0, or negative with
 * *why.
 */
int cpp_driver_query_operator(struct cpp_driver_cache *a,
			      struct cpp_dialect *dialect,
			      const struct cpp_unit *unit,
			      const struct cpp_cmdline *line, enum cpp_word op,
			      const char *text, const struct cpp_text *includer,
			      long long *value, enum reason *why);

/*
 * Return the changes that gcc makes to its macros for the last of these
 * pragmas, each "GCC target(...)" or the like.
 *
 * The result is a list of directives owned by `dialect`.  Returns NULL with
 * *why and *detail, which the caller frees, if the driver fails.
 */
struct cpp_text *cpp_driver_query_pragmas(struct cpp_driver_cache *a,
					  struct cpp_dialect *dialect,
					  const struct cpp_unit *unit,
					  const struct cpp_cmdline *line,
					  const struct strv *pragmas,
					  enum reason *why, char **detail);

/* Return how often the driver was started. */
uint64_t cpp_driver_cache_n_queries(struct cpp_driver_cache *a);

#endif
