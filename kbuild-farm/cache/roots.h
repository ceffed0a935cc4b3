/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cache/roots.h - Compiles whose results do not depend on their directories.
 *
 * The roots of a compile are the source tree and the build directory of "kfarm
 * build", or the directories that cache_roots_find() adds for "kfarm run".  Two
 * builds whose roots are different directories can share the result of a
 * compile if the result contains no name of a root.  In the key of such a
 * compile, names are *relative to the roots*: a name that starts with the path
 * of a root, up to the end of a component, becomes the number of the root and
 * the rest.  If one root contains the other, the inner root is used.  Names
 * relative to the working directory and names of files outside of the roots,
 * such as /usr/include/stdio.h, are not changed.
 *
 * Why equal keys imply equal results: let f be the function that replaces the
 * roots of build A by those of build B in a name.  f is one-to-one.  The key
 * contains
 *
 *   - the flags, the working directory, the source and the object, as f(name);
 *   - each file of the closure in the order in which the compiler opens them:
 *     its name as the compiler spells it, its path without symbolic links, and
 *     its content;
 *   - each directory of the search path: its spelling and, if the spelling
 *     contains "..", the resulting path.
 *
 * A compiler composes names from a directory and the rest of a name, opens the
 * first name that exists, and compares directories by their inodes.  Assume
 * that both compiles run in parallel, and consider the first #include for which
 * A opens a file `name` but B does not open f(name).  Up to this point, B tries
 * f(n) for each name n that A tries, because f commutes with the composition of
 * names (see below), and because equal directories of A correspond to equal
 * directories of B.  So one compiler opens a file whose counterpart in the
 * other build is missing.  But an opened file is part of the closure, and the
 * closures are equal, so the file exists in both builds.  This contradiction
 * shows that both compilers read the same text, and that their results differ
 * at most in names of files.
 *
 * f does not commute with the composition of names if a directory in one root
 * and the rest of a name lead into a root inside this root.  An example is
 * -I/src and "build/x.h" if /src/build is the build directory.  If any name of
 * the closure, even that of an absent file, can lead from one root into the
 * other, the key contains the position of the inner root.
 *
 * These features of a compiler write names of files to its outputs, or make the
 * outputs depend on such names:
 *
 *   - Debug information contains the working directory and the names of all
 *     files.  The option -fdebug-prefix-map or -ffile-prefix-map can replace
 *     the root in these names.  kfarm relies on these options only for C,
 *     because the debug information of assembler sources has additional names.
 *     Compressed debug information (-gz) is always an obstacle, because the
 *     final check (see below) cannot read it.
 *   - __FILE__, __BASE_FILE__ and __builtin_FILE, which assert() and WARN()
 *     use, yield the names of files as the compiler spells them, changed by
 *     -fmacro-prefix-map or -ffile-prefix-map.  Names relative to the working
 *     directory contain no root.  After #line, the names are those in the text.
 *     Even without a name in an output, the result can depend on a name, for
 *     example on sizeof(__FILE__).  Full preprocessing finds the files whose
 *     names are used.
 *   - The data of -fsanitize contains names, regardless of prefix maps.
 *   - -flto, coverage, profiles and all side outputs contain the working
 *     directory or names.
 *   - The value of an option such as -DNAME=/src/file can contain a root.
 *   - A variable such as CPATH can contain a root, and debug information can
 *     contain the value of PWD.
 *   - A tool step can have arguments with a root, or write preprocessed text
 *     (device trees).
 *
 * If such a feature can make the result depend on a root, the compile has an
 * *obstacle*, and its key contains absolute names.  In other outputs, such as
 * .file and the names of constructors, compilers use only the last component of
 * the source's name.
 *
 * If several prefix maps fit a name, compilers differ in the choice of the map.
 * Therefore, every map that fits a name in a root must remove the path of a
 * root, and such a map must not fit any other name.  If it removes the path of
 * an outer root, the key contains the position of the inner one.  The key
 * states for each file which maps fit.
 *
 * The lengths of names have no effect, because source locations are lines and
 * columns.  The dependency list consists of names.  When the list is stored,
 * numbers replace the roots in these names.  When the list is used, the roots
 * of the current build replace the numbers, and the lines of the list are
 * folded again.  Results with messages of the compiler are not shared, because
 * messages contain names.  As a final check, a result is not shared if an
 * output contains the path of a root.
 */
#ifndef CACHE_ROOTS_H
#define CACHE_ROOTS_H

#include "inputs/manifest.h"
#include "options/allowlist.h"
#include "peer/sandbox.h"

/* The roots of a compile: absolute paths without symbolic links; borrowed. */
struct cache_roots {
	char *const *dirs;
	size_t n;
};

/*
 * Add to `dirs` the roots of a compile of `source` in the directory `cwd`:
 *
 *   - if `cwd` contains a symbolic link "source": `cwd` and the directory to
 *     which the link leads, because kbuild creates this link in a build
 *     directory outside the source tree;
 *   - if `cwd` contains a file Kconfig: `cwd`;
 *   - if `source` is in none of these roots and `top` is not "/": `top`.  This
 *     is the case for a source of an external module, or if `cwd` is not a
 *     directory of kbuild.
 *
 * `top` is the directory in which the user started the build.  `cwd` and `top`
 * are absolute and have no symbolic links.
 */
void cache_roots_find(struct strv *dirs, const char *cwd, const char *source,
		      const char *top);

/* The data of a compile that can make its result depend on roots; borrowed. */
struct cache_located_compile {
	const struct cache_roots *roots;
	bool is_c; /* not assembler */
	/*
	 * the compile has side outputs, or an output contains the object's name
	 */
	bool has_side_outputs;
	bool writes_text; /* the object is preprocessed text */
	const char *cwd, *source, *object;
	const struct options_flags *flags;
	char *const *env; /* NULL: not known */
	char *const *arguments; /* of a tool step, or NULL */
	const struct cpp_closure *closure;
	const struct inputs_entry *const *entries;
	size_t n_entries; /* 0: not known */
};

enum cache_obstacle_kind {
	CACHE_OBSTACLE_NONE,
	CACHE_OBSTACLE_ROOTS, /* a root is unknown or not representable */
	CACHE_OBSTACLE_DEBUG, /* debug information */
	CACHE_OBSTACLE_FILE, /* __FILE__ */
	CACHE_OBSTACLE_LINE, /* #line, which can name a file in a root */
	CACHE_OBSTACLE_SANITIZER,
	CACHE_OBSTACLE_OUTPUT, /* another output or option with names */
	CACHE_OBSTACLE_VALUE, /* the value of an option contains a root */
	CACHE_OBSTACLE_VARIABLE, /* a variable contains a root */
	CACHE_OBSTACLE_STEP, /* a tool step */
	CACHE_OBSTACLE_SYMLINK, /* a symbolic link inside or into a root */
};

/* Why builds in other directories cannot use a result.  All borrowed. */
struct cache_obstacle {
	enum cache_obstacle_kind kind;
	const char *root; /* the root concerned; NULL: unknown */
	const char *detail; /* option, variable or link; can be NULL */
};

/*
 * Find a reason why the result of the compile cannot be shared with builds in
 * other directories.  Returns false if there is no obstacle.
 */
bool cache_roots_find_obstacle(const struct cache_located_compile *c,
			       struct cache_obstacle *out);
/*
 * Return true if cache_roots_find_obstacle() reports __FILE__ although the unit
 * may only mention it.  The caller should then repeat the scan with
 * cpp_unit.full.
 */
bool cache_roots_needs_preprocessing(const struct cache_located_compile *c);
/*
 * Describe the obstacle and, if possible, a remedy, as in "debug information
 * contains /src; ...".
 */
void cache_obstacle_add_text(struct buf *b, const struct cache_obstacle *o);

/* Append a name relative to the roots, in an unambiguous form. */
void cache_roots_add_name(struct buf *b, const struct cache_roots *r,
			  const char *name);
/*
 * Append the value of a flag, with names of files and directories relative to
 * the roots.
 */
void cache_roots_add_value(struct buf *b, const struct cache_roots *r,
			   const struct options_flag *flag);
/*
 * Append the names of the closure as the compiler spells them, the effect of
 * prefix maps, and the position of the roots if it matters.
 */
void cache_roots_add_closure(struct buf *b,
			     const struct cache_located_compile *c);
/*
 * Return a name or the value of a flag for display, such as
 * "<source>/kernel/fork.c".  The caller frees it.
 */
char *cache_roots_show(const struct cache_roots *r, const char *name);

/*
 * Replace the roots in the dependency lists of a result of clang or gcc by
 * their numbers.  Returns false, with `result` unchanged, if the result cannot
 * be shared, for example because an output still contains a root, or because
 * the object contains a symbol made from the name `source`.
 */
bool cache_roots_hide(const struct cache_roots *r, bool is_clang,
		      const char *source, struct peer_job_result *result);
/* Replace the numbers by the roots of this build. */
void cache_roots_restore(const struct cache_roots *r, bool is_clang,
			 struct peer_job_result *result);

#endif
