/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * base/depfile.h - the dependency list that a compiler wrote, read and cut.
 *
 * A node's compile writes the full list (-MD), which says what was read.  The
 * client asked for -MD or for -MMD, which leaves the system's headers out; so
 * that list is made from the full one, folded as the same compiler folds.
 *
 * The format is a make rule as gcc 12 (libcpp/mkdeps.cc) and clang 14
 * (lib/Frontend/DependencyFile.cpp) write it: "targets: prerequisites", and
 * for -MP a line "name:" for prerequisites but the first, in their order.  In a
 * name
 * "\ " is a blank, "\#" and "\:" the character, "$$" a dollar.
 */
#ifndef BASE_DEPFILE_H
#define BASE_DEPFILE_H

#include "base/buf.h"
#include "base/str.h"

/*
 * The prerequisites in their order, as the names of files; the first is the
 * source.  An empty text has none, and neither has the rule of an assembler
 * that reads a pipe (gcc's -pipe), "target:" alone.  0, or -EBADMSG where the
 * text is no such rule; `out` is then left alone.
 */
int depfile_list(struct strv *out, struct bytes text);

/* Does a rule have this name as it is, whoever writes it? */
bool depfile_is_plain(const char *name);

/*
 * kbuild's .FILE.o.cmd: what stands behind " := " in the first assignment to a
 * variable whose name starts with `prefix`, up to the end of the text; or NULL.
 */
const char *depfile_value(const char *text, const char *prefix);
/*
 * kbuild's .FILE.cmd: what made the file, up to the end of the line, as make
 * would read it: behind " := " of savedcmd_TARGET or, before Linux 6.4,
 * cmd_TARGET; or NULL.  `target`, where it is not NULL, is then TARGET, to be
 * freed.
 */
const char *depfile_saved(const char *text, char **target);
/* Where kbuild writes down how it made `path`: DIR/.FILE.cmd; to be freed. */
char *depfile_command_file(const char *path);

/* Is this prerequisite one that -MMD leaves out? */
typedef bool depfile_fn(void *ctx, const char *name);

/*
 * Append the text without those that `left_out` tells, which is asked once
 * about each prerequisite in order; the first stays in any case.  gcc and clang
 * leave a header out when it came from a system's directory the first time that
 * it was read. With nothing to leave out the text comes back as it was.  0, or
 * -EBADMSG with nothing appended, also for a rule without prerequisites.
 */
int depfile_cut(struct buf *out, struct bytes text, depfile_fn *left_out,
		void *ctx);

/*
 * Append the text without its first prerequisite, the source: what gcc writes
 * of the same source where it comes from a pipe.  0, or -EBADMSG with nothing
 * appended: also where there is no other, for gcc writes nothing then, and for
 * -MP's lines.
 */
int depfile_drop_source(struct buf *out, struct bytes text);

#endif
