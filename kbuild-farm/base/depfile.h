/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * base/depfile.h - Parser and filter for the dependency lists of compilers.
 *
 * A node compiles with -MD, so that the depfile names every file that the
 * compiler read.  If the original command line has -MMD, which omits system
 * headers, this module derives the shorter depfile from the full depfile.  The
 * lines of the shorter depfile are folded as the compiler would fold them.
 *
 * The format is a make rule as written by gcc 12 (libcpp/mkdeps.cc) and clang
 * 14 (lib/Frontend/DependencyFile.cpp): "targets: prerequisites".  With -MP, a
 * line "name:" follows for each prerequisite except the first, in their order.
 * In a name, "\ ", "\#" and "\:" are an escaped blank, "#" and ":", and "$$" is
 * a dollar sign.
 */
#ifndef BASE_DEPFILE_H
#define BASE_DEPFILE_H

#include "base/buf.h"
#include "base/str.h"

/*
 * Append the file names of the prerequisites in their order; the first is the
 * source.  Appends nothing for an empty text, and for the rule "target:", which
 * an assembler writes if it reads a pipe (gcc's -pipe).  Returns 0, or -EBADMSG
 * with `out` unchanged if the text is not a rule in this format.
 */
int depfile_parse(struct strv *out, struct bytes text);

/*
 * Return true if the targets of the rule are the elements of `targets`, each
 * once and in any order.  The elements must be escaped as in the rule.  Returns
 * false if the text is not a rule in this format.
 */
bool depfile_has_targets(struct bytes text, const struct strv *targets);

/*
 * Return `name` escaped like a target that is given with -MQ, as munge() of gcc
 * and quoteMakeTarget() of clang do.  The caller frees it.
 */
char *depfile_quote_target(const char *name);

/* Return true if a rule spells this name without escapes. */
bool depfile_is_unescaped(const char *name);

/*
 * Find a variable in kbuild's .FILE.o.cmd.  Returns the text after " := " of
 * the first assignment to a variable whose name starts with `prefix`, or NULL.
 * The returned text is a part of `text` and extends to the end of `text`.
 */
const char *depfile_find_value(const char *text, const char *prefix);
/*
 * Find the saved command in kbuild's .FILE.cmd: the text after " := " of
 * savedcmd_TARGET or, before Linux 6.4, cmd_TARGET.  Returns the command with
 * make's escapes, or NULL.  The returned text is a part of `text` and extends
 * to the end of `text`; the command ends at the first newline.  If a command is
 * found and `target` is not NULL, *target receives TARGET, which the caller
 * frees.
 */
const char *depfile_find_command(const char *text, char **target);
/*
 * Return the path DIR/.FILE.cmd, where kbuild records the command that made
 * `path`.  The caller frees it.
 */
char *depfile_cmd_path(const char *path);

/*
 * Return true if -MMD omits this prerequisite. gcc and clang omit a header that
 * they found in a system directory when they first read it.
 */
typedef bool depfile_exclude_fn(void *ctx, const char *name);

/*
 * Append the text without the prerequisites for which `is_excluded` returns
 * true.  `is_excluded` is called once per prerequisite in order; the first
 * prerequisite is always retained.  If no prerequisite is excluded, the text is
 * copied unchanged.  Returns 0, or -EBADMSG with nothing appended if the text
 * is malformed or if the rule has no prerequisites.
 */
int depfile_filter(struct buf *out, struct bytes text,
		   depfile_exclude_fn *is_excluded, void *ctx);

/*
 * Append the text without its first prerequisite, the source.  gcc writes such
 * a list for a source that it reads from a pipe.  Returns 0.  Returns -EBADMSG,
 * with nothing appended, if the text is malformed, if it has lines of -MP, or
 * if the rule has no other prerequisite.  In the last case, gcc writes no rule.
 */
int depfile_remove_source(struct buf *out, struct bytes text);

/*
 * Append the text with the directory `to` in place of the directory `from` in
 * the names of prerequisites.  depfile_is_unescaped() must be true for `to`.
 * If a name changes, the lines are folded again, in the style of clang if
 * `is_clang` is set, else of gcc.  The caller must supply the style, because a
 * text without folds does not show which compiler wrote it.  Returns 0, or
 * -EBADMSG with nothing appended if the text is malformed, or if a name changes
 * and the text has lines of -MP.
 */
int depfile_replace_dir(struct buf *out, struct bytes text, bool is_clang,
			const char *from, const char *to);

#endif
