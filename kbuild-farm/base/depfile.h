/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * base/depfile.h - Parser and filter for the dependency lists of compilers.
 *
 * A node compiles with -MD, so that the depfile names every file that the
 * compiler read.  The client requested -MD or -MMD, which omits system headers.
 * The list for -MMD is derived from the full list and folded as the same
 * compiler folds it.
 *
 * The format is a make rule as written by gcc 12 (libcpp/mkdeps.cc) and clang
 * 14 (lib/Frontend/DependencyFile.cpp): "targets: prerequisites", and for -MP a
 * line "name:" for each prerequisite except the first, in their order.  In a
 * name, "\ " is a blank, "\#" and "\:" are the second character, "$$" is a
 * dollar.
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

/* Return true if a rule spells this name without escapes. */
bool depfile_is_unescaped(const char *name);

/*
 * Find a variable in kbuild's .FILE.o.cmd.  Returns the text after " := " of
 * the first assignment to a variable whose name starts with `prefix`, up to the
 * end of `text`, or NULL.
 */
const char *depfile_find_value(const char *text, const char *prefix);
/*
 * Find the saved command in kbuild's .FILE.cmd: the text after " := " of
 * savedcmd_TARGET or, before Linux 6.4, cmd_TARGET.  Returns the text up to the
 * end of the line, as make reads it, or NULL.  If `target` is not NULL, it
 * receives TARGET, which the caller frees.
 */
const char *depfile_find_command(const char *text, char **target);
/*
 * Return the path DIR/.FILE.cmd, where kbuild records the command that made
 * `path`.  The caller frees it.
 */
char *depfile_cmd_path(const char *path);

/* Return true if -MMD omits this prerequisite. */
typedef bool depfile_exclude_fn(void *ctx, const char *name);

/*
 * Append the text without the prerequisites for which `is_excluded` returns
 * true.  `is_excluded` is called once per prerequisite in order; the first is
 * always retained. gcc and clang omit a header if a system directory provided
 * it when it was first read.  If no prerequisite is excluded, the text is
 * copied unchanged.  Returns 0, or -EBADMSG with nothing appended, also for a
 * rule without prerequisites.
 */
int depfile_filter(struct buf *out, struct bytes text,
		   depfile_exclude_fn *is_excluded, void *ctx);

/*
 * Append the text without its first prerequisite, the source. gcc writes such a
 * list for a source that it reads from a pipe.  Returns 0, or -EBADMSG with
 * nothing appended if the text is malformed, if it has lines of -MP, or if the
 * rule has no other prerequisite, because gcc then writes nothing.
 */
int depfile_remove_source(struct buf *out, struct bytes text);

#endif
