/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * toolchain/link.h - Links to installed tools and between equal files.
 *
 * A link directory (DATA/bin, or /usr/local/bin with --links) holds symbolic
 * links with kfarm's normalized names, such as aarch64-gcc1330-linux-gcc.  Each
 * link is absolute and leads directly to the tool in its toolchain.  A link is
 * created atomically.  Concurrent calls need no lock: one of them creates the
 * link and the others find it.
 *
 * An existing link to the same tool is accepted.  A dangling link that leads
 * below DATA/toolchains is replaced.  A link to another tool of the same
 * toolchain is replaced if it leads below DATA/toolchains or is recorded for
 * the toolchain.  Any other existing file is left unchanged and reported as a
 * collision.
 */
#ifndef TOOLCHAIN_LINK_H
#define TOOLCHAIN_LINK_H

#include "base/str.h"
#include "toolchain/release.h"

#include <stddef.h>

struct toolchain_installed;

struct toolchain_link_request {
	const char *link_dir; /* "DATA/bin"; created if it does not exist */
	const char *data_dir; /* DATA */
	/* absolute directory of the tools; link targets begin with this text */
	const char *bin_dir;
	/*
	 * A directory with copies of some tools, or NULL.  Unlike the
	 * originals, the copies load no foreign plugins
	 * (compiler/bfd-plugins.h).  If the directory contains an executable
	 * file with the name of a tool, the tool's link points to that file.
	 */
	const char *copies_dir;
	/*
	 * The driver's file name in `bin_dir`.  If it ends in a version, as in
	 * "aarch64-linux-gnu-gcc-12", the links point to the tools with this
	 * version: ...-gcov to aarch64-linux-gnu-gcov-12.  NULL: no version.
	 */
	const char *driver;
	const char *triplet; /* prefix of the tools' names; NULL: clang */
	/* see toolchain_installed.links; can be NULL */
	const struct strv *recorded;
	const struct toolchain_release *release;
};

/* Return DATA/bin.  The caller frees the result. */
char *toolchain_link_dir(const char *data);

/*
 * Create all links of a toolchain.
 *
 * `links` receives the absolute path of each link that points to its tool
 * after the call, sorted, whether it was created or already existed.
 * `collisions` receives a line for each name that is taken: "PATH links to
 * TARGET", "PATH is a file".  Recorded links in `link_dir` that are not in
 * `links` are removed if they lead into `bin_dir` or `copies_dir`.
 *
 * Returns 0, also with collisions; -ENOENT if `bin_dir` has no tool with that
 * triplet; another negative errno with `err` naming the path.  On failure the
 * created links are removed.
 */
int toolchain_link_publish(const struct toolchain_link_request *w,
			   struct strv *links, struct strv *collisions,
			   struct err *err);

/*
 * Remove those of `links` (absolute paths from toolchain_link_publish()) that
 * lead into `bin_dir`.  Other links and other files are left unchanged.  To
 * remove the links into toolchain_link_request.copies_dir as well, call this
 * function again with that directory as `bin_dir`.
 *
 * Returns 0, or a negative errno with `err` naming the first link that could
 * not be removed, after trying all of them.
 */
int toolchain_link_unpublish(const struct strv *links, const char *bin_dir,
			     struct err *err);

/*
 * Return the directory for copies of the tools of an adopted toolchain, which
 * kfarm did not install, or NULL for any other toolchain.  The caller frees the
 * result.
 */
char *toolchain_link_copies_dir(const struct toolchain_installed *t);

/*
 * Remove those of t->links that point to the tools of `t` or to their copies.
 * Returns the same values as toolchain_link_unpublish().
 */
int toolchain_link_unpublish_recorded(const struct toolchain_installed *t,
				      struct err *err);

/*
 * Return true if `name` in `dir` is a link into `bin_dir` that points to an
 * executable file.
 */
bool toolchain_link_leads_into(const char *dir, const char *name,
			       const char *bin_dir);

/*
 * Replace files below `dir` by hard links to equal files of other toolchains.
 * Equal files have the same content, permissions and mtime.  The other
 * toolchains are the directories in `toolchains_dir` whose names are toolchain
 * ids.  No other process may use `dir` yet.  Two separate files of `dir`
 * are never linked to the same file.  A file that cannot be shared is left
 * unchanged.
 *
 * Returns the number of shared files.
 */
size_t toolchain_link_dedup(const char *dir, const char *toolchains_dir);

#endif
