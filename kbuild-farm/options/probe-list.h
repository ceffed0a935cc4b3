/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * options/probe-list.h - the files that a compiler's answers depend on.
 *
 * kfarm makes such a list once (compiler/probes.h), in the directory where
 * answers are remembered; the wrapper holds it against the files each time.
 * Two texts, of lines, the last with a hash of those before it, so that one
 * that is damaged is none:
 *
 *	list-HEX	whose it is, then the stamp of each file, or "-"
 *	want-HEX	whose list there should be: none is there, or an old one
 *
 * libc only (the wrapper uses it).
 */
#ifndef OPTIONS_PROBE_LIST_H
#define OPTIONS_PROBE_LIST_H

#include "base/buf.h"

#include <stdbool.h>

/* So many files may be in the directory; the wrapper adds none beyond. */
#define OPTIONS_PROBE_FILES_MAX 4096
/* More is no list. */
#define OPTIONS_PROBE_LIST_MAX (256u << 10)

/* A compiler, and what decides which files it reads and runs. */
struct options_probe_compiler {
	const char *driver; /* an absolute path */
	const char *path; /* PATH; NULL: it is not set */
	const char *libraries; /* LD_LIBRARY_PATH; NULL: it is not set */
};

/* The same compiler of this environment. */
struct options_probe_compiler options_probe_compiler_of(const char *driver,
							char *const *env);
/*
 * The path of its list below `dir`, or with `want` of the wish for one; the
 * caller frees it.  NULL: there is none of such a compiler, as PATH names a
 * directory that depends on the working directory.
 */
char *options_probe_list_path(const char *dir, bool want,
			      const struct options_probe_compiler *c);

/* Write one: begin, add a path at a time, end. */
void options_probe_list_begin(struct buf *out,
			      const struct options_probe_compiler *c);
/*
 * With its stamp now, that of a link itself; false: it changed a moment ago, or
 * its name cannot be written down.
 */
bool options_probe_list_add(struct buf *out, const char *path);
void options_probe_list_end(struct buf *out);

/*
 * Is this the list of that compiler, and is everything in it as it was?  One
 * lstat(2) for each file.  *id tells it from any other list.
 */
bool options_probe_list_holds(struct bytes list,
			      const struct options_probe_compiler *c,
			      uint64_t id[static 2]);
/*
 * Whose list is wished for?  False where that cannot be read; what `c` has is
 * in `text`, which is changed for it.
 */
bool options_probe_list_wanted(struct buf *text,
			       struct options_probe_compiler *c);

#endif
