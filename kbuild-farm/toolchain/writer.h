/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * toolchain/writer.h - files made below one directory, and nowhere else,
 * whatever their names are.
 *
 * What an archive asks for is checked against what was made before: a path
 * is made once, its parents are directories, links stay inside, a hard link
 * is to a file.  The directory must be empty and nobody else's, so what was
 * not made here is not there.  Each name is opened or made below a descriptor
 * of its parent that was reached without following a link.
 */
#ifndef TOOLCHAIN_WRITER_H
#define TOOLCHAIN_WRITER_H

#include "toolchain/tree.h"

#include <time.h>

struct toolchain_writer;

/* `dir` may be closed afterwards; `most` entries, directories among them. */
struct toolchain_writer *toolchain_writer_new(int dir, uint32_t most);
void toolchain_writer_free(struct toolchain_writer *w);

/*
 * Each returns 0, or a negative errno with `err` naming the path: -EINVAL for
 * what is refused, -E2BIG for one entry too many, -ENOSPC and the like.
 */
int toolchain_writer_dir(struct toolchain_writer *w, const char *path,
			 struct err *err);
int toolchain_writer_link(struct toolchain_writer *w, const char *path,
			  const char *target, struct err *err);
int toolchain_writer_hard(struct toolchain_writer *w, const char *path,
			  const char *target, struct err *err);
/* A file: open, add as often as needed, close (with its time). */
int toolchain_writer_open(struct toolchain_writer *w, const char *path,
			  bool executable, struct err *err);
int toolchain_writer_add(struct toolchain_writer *w, struct bytes b,
			 struct err *err);
int toolchain_writer_close(struct toolchain_writer *w,
			   const struct timespec *mtime, struct err *err);

/* All that was made, sorted; the caller's from now on, nothing can follow. */
void toolchain_writer_list(struct toolchain_writer *w,
			   struct compiler_entries *out);

#endif
