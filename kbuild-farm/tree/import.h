/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tree/import.h - a directory or an archive becomes a repository.
 *
 * It is a bare one with one commit, on the branch "main", and, where the top
 * Makefile tells a version, an annotated tag such as v6.1.192, without which
 * kbuild would add a "+" to the kernel's release.  Author, words and date do
 * not depend on who imports, where and when: the date is that of the top
 * Makefile (without one, of the newest file).  So equal contents become the
 * same tree, and, with that date equal, the same commit.
 *
 * An archive is a tar, compressed by xz, gzip, bzip2, zstd or not at all; if
 * all that is in it lies below one directory, that one is left out.  Nothing
 * of it is ever unpacked to disk, so its names cannot lead anywhere.
 *
 * Files are 0644 or, with an x bit for their owner, 0755; empty directories
 * are left out, as git has none.
 *
 * Refused, each with -EINVAL and `err` naming the entry: absolute paths, "..",
 * ".git" (in any case), a path that comes twice, what lies below a file or a
 * link, hard links to anything but a file that came before, devices, fifos and
 * sockets; a directory that was built in.  -E2BIG: a file of more than 512 MiB,
 * 8 GiB or a million entries in all, or what unpacks to more than a hundred
 * times its size.
 */
#ifndef TREE_IMPORT_H
#define TREE_IMPORT_H

#include "base/err.h"

#include <stdatomic.h>
#include <stdint.h>

struct tree_import {
	const char *from; /* a directory or a file */
	const char *repository; /* to be made; must not be there */
	/*
	 * How far it is: files and bytes read, then objects indexed of how
	 * many (0: still reading).  Called some times a second, from the
	 * caller's thread; may be NULL.
	 */
	void (*progress)(void *ctx, uint64_t files, uint64_t bytes,
			 uint64_t indexed, uint64_t objects);
	void *ctx;
	const atomic_bool *stop; /* -ECANCELED once it is true; may be NULL */
};

/* What was made of it; strings are the caller's, by _release(). */
struct tree_imported {
	char *commit; /* 40 hexadecimal digits */
	char *version; /* "6.1.192", or NULL */
	uint64_t files, bytes;
};

/*
 * Do it.  Returns 0; -EBADMSG for an archive that is damaged, cut off or none;
 * what is refused above; or another negative errno with `err` naming the file.
 * Then nothing of the repository is left; after a kill it has no HEAD, so that
 * nobody takes it for one, and the caller removes it.
 */
int tree_import(const struct tree_import *what, struct tree_imported *out,
		struct err *err);
void tree_imported_release(struct tree_imported *out);

#endif
