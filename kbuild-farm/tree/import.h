/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tree/import.h - Import of a directory or an archive as a repository.
 *
 * The result is a bare repository with one commit on the branch "main".  If the
 * top Makefile contains a version, the commit has an annotated tag such as
 * v6.1.192.  Without this tag, kbuild would append "+" to the kernel's release.
 * Author, message and date of the commit do not depend on the user, host and
 * time of the import: the date is the mtime of the top Makefile or, if there is
 * no Makefile, of the newest file.  Equal contents thus give the same tree and,
 * with an equal date, the same commit.
 *
 * An archive is a tar file, uncompressed or compressed by xz, gzip, bzip2 or
 * zstd.  If all its entries are below one directory, that directory is
 * stripped.  The archive is never unpacked to disk, so its names cannot
 * redirect writes.
 *
 * Files get mode 0644, or 0755 if their owner may execute them.  Empty
 * directories are dropped, because git does not store them.
 *
 * The import fails with -EINVAL and the entry's name in `err` for absolute
 * paths, "..", ".git" in any case, duplicate paths, paths below a file or a
 * link, hard links to anything except an earlier file, devices, FIFOs and
 * sockets.  The import of a directory also fails with -EINVAL if the directory
 * contains .config or include/config, because the products of a build would
 * become part of the commit.
 *
 * The import fails with -E2BIG for a file above 512 MiB, for more than 8 GiB or
 * a million entries in total, and for an archive that expands to more than a
 * hundred times its size plus 64 MiB.
 */
#ifndef TREE_IMPORT_H
#define TREE_IMPORT_H

#include "base/err.h"

#include <stdint.h>

struct tree_import {
	const char *source; /* directory or archive */
	const char *repository; /* repository to create; must not exist */
	/*
	 * Report progress: the numbers of files read so far, of objects indexed
	 * so far, and of all objects.  Both numbers of objects are 0 until all
	 * files are read.  Called a few times per second from the caller's
	 * thread; can be NULL.
	 */
	void (*on_progress)(void *ctx, uint64_t files, uint64_t indexed,
			    uint64_t objects);
	void *ctx;
};

/* Result of an import, released by tree_imported_release(). */
struct tree_imported {
	char *commit; /* 40 hexadecimal digits */
	char *version; /* such as "6.1.192"; NULL if unknown */
	uint64_t n_files;
};

/*
 * Run an import.  Returns 0; -EBADMSG for a damaged, truncated or unknown
 * archive; -EINVAL or -E2BIG for the contents listed above; or another negative
 * errno with `err` naming the file.  After a failure the repository is removed.
 * If the process is killed, the repository remains, and another process must
 * remove it.  git does not recognize the remaining directory as a repository,
 * because the directory has no HEAD.
 */
int tree_import(const struct tree_import *import, struct tree_imported *out,
		struct err *err);
void tree_imported_release(struct tree_imported *out);

#endif
