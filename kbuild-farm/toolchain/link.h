/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * toolchain/link.h - directories of links with the normalized names.
 *
 * DATA/bin, or /usr/local/bin with --links.  A link is absolute and leads
 * straight to the tool in its toolchain.  Each comes into being in one step;
 * what is there already and is not ours stays as it is and is reported.  No
 * lock is needed: of two that publish at once one makes a link, and the other
 * finds it.
 *
 * Ours is a link to that very tool.  One below DATA/toolchains is replaced when
 * it leads to another tool of the same toolchain or to nothing.
 */
#ifndef TOOLCHAIN_LINK_H
#define TOOLCHAIN_LINK_H

#include "base/str.h"
#include "toolchain/release.h"

struct toolchain_link_request {
	const char *dir; /* of links, made when missing: "DATA/bin" */
	const char *data; /* DATA */
	const char *bin; /* of the tools, absolute, as links shall spell it */
	/*
	 * A directory with copies of some tools under the same names, which
	 * go before (compiler/plugins.h), or NULL.
	 */
	const char *copies;
	const char *triplet; /* the tools' names begin with it; NULL: clang */
	const struct toolchain_release *release;
};

/* DATA/bin; the caller frees it. */
char *toolchain_link_dir(const char *data);
/*
 * Make all links of a toolchain.  `links` gets the absolute path of each that
 * leads to its tool now, sorted, whether made or found; `collisions` a
 * line for each name that is taken: "PATH leads to TARGET", "PATH is a file".
 *
 * Returns 0, also with collisions; -ENOENT when `bin` has no tool of that
 * triplet; another negative errno with `err` naming the path.  On failure
 * the links that were made are taken back.
 */
int toolchain_link_publish(const struct toolchain_link_request *w,
			   struct strv *links, struct strv *collisions,
			   struct err *err);
/*
 * Remove those of `links` (absolute paths, as publish gave them) that lead
 * into `bin`; others, and what is no link, stay.  Where there were copies, a
 * second call with their directory removes the rest.  Returns 0, or a negative
 * errno with `err` naming the first that could not be removed, after all
 * have been tried.
 */
int toolchain_link_remove(const struct strv *links, const char *bin,
			  struct err *err);
/* Is `name` in `dir` a link that leads into `bin`, to a program? */
bool toolchain_link_is(const char *dir, const char *name, const char *bin);

#endif
