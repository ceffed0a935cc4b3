/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * toolchain/installed.h - the toolchains of this user, as they lie on disk.
 *
 *	DATA/toolchains/ID/toolchain.json
 *	DATA/toolchains/ID/gcc-13.3.0-nolibc/aarch64-linux/bin/...
 *	DATA/toolchains/.live/, .lock.ID	(toolchain/place.h)
 *
 * DATA is fs_data_home().  ID is toolchain_release_id(), with its host when
 * that is another than this machine's, and "adopted-" before it when its
 * files lie elsewhere.  A directory ID is published by
 * rename and goes by rename, so it is whole whenever it is there.
 *
 * A build leases the toolchain that it uses: a shared flock on its directory,
 * which ends with the process whatever happens.
 */
#ifndef TOOLCHAIN_INSTALLED_H
#define TOOLCHAIN_INSTALLED_H

#include "toolchain/release.h"
#include "toolchain/tree.h"

/* toolchain.json; what is not known is NULL, zero, empty. */
struct toolchain_installed {
	char *id;
	char *release; /* "gcc-13.3.0" */
	char *version; /* "13.3.0" */
	bool is_clang; /* "kind" */
	char *triplet; /* "aarch64-linux"; NULL for clang */
	char *host; /* as kernel.org names it for gcc: "x86_64", "arm64" */
	/* "prefix" in the file: the directory above "bin", relative to `dir`;
	 * of an adopted one the directory of its tools, absolute. */
	char *within;
	char *driver; /* its name in "bin": "aarch64-linux-gcc", "clang" */
	char *url; /* or the path of a local archive */
	struct digest archive; /* "archive_sha256" */
	struct digest tree; /* toolchain_tree_digest(); zero: adopted */
	struct digest content; /* the manifest's id; zero: another host's */
	char *sums_key; /* fingerprints of the keys that signed it */
	char *tar_key;
	bool sha256_given;
	bool insecure; /* nothing verified it */
	char *date; /* "2026-11-20T18:09:00Z" */
	struct strv links; /* names published for it: absolute paths */
	struct strv hostlibs; /* what was done about missing libraries */
	struct strv tools; /* of an adopted one: all its tools' paths */
	char *adopted; /* the prefix or directory that was given; else NULL */

	/* Not in the file; absolute: */
	char *dir; /* DATA/toolchains/ID */
	char *prefix; /* the directory above `bin` */
	char *bin; /* the directory of its tools */
};

struct toolchain_installed_list {
	struct toolchain_installed *v; /* by kind, release (oldest first), id */
	size_t n;
	struct strv broken; /* "DIR: what is wrong with it" */
};

/*
 * All that are installed below `data`; no directory: none.  Those that cannot
 * be read are named in `broken`.  Returns 0 or a negative errno.
 */
int toolchain_installed_list(const char *data,
			     struct toolchain_installed_list *out,
			     struct err *err);
void toolchain_installed_list_release(struct toolchain_installed_list *l);

/* One by its id: 0, -ENOENT, -EINVAL for a file that is none. */
int toolchain_installed_read(const char *data, const char *id,
			     struct toolchain_installed *out, struct err *err);
/*
 * Write DIR/toolchain.json anew, in one step, as for `links`.  `err` names
 * the file.
 */
int toolchain_installed_write(const struct toolchain_installed *t,
			      struct err *err);
void toolchain_installed_release(struct toolchain_installed *t);
/* Set `dir`, and `prefix` and `bin` by it. */
void toolchain_installed_place(struct toolchain_installed *t, const char *dir);

/* Now, as `date` has it; the caller frees it. */
char *toolchain_installed_now(void);

/* The file's text; the caller frees it.  And back, without dir and prefix. */
char *toolchain_installed_encode(const struct toolchain_installed *t);
int toolchain_installed_decode(struct toolchain_installed *out, struct bytes in,
			       struct err *err);

/*
 * The newest that fits `wanted` ("gcc", "gcc-13", "gcc-13.3.0", or a whole
 * id), `triplet` and `host` (NULL: any triplet; this machine's own host, as
 * toolchain_data_this_host() has it).  A whole id needs neither.
 * Of equal ones an installed one goes before an adopted one.  NULL: none.
 * clang has no triplet, so any fits it.
 */
const struct toolchain_installed *toolchain_installed_find(
	const struct toolchain_installed_list *l, const char *wanted,
	const char *triplet, const char *host);

/* Its driver's absolute path; the caller frees it. */
char *toolchain_installed_driver(const struct toolchain_installed *t);

/*
 * Keep a toolchain from being removed as long as the descriptor is open; it
 * may be passed on to children.  -ENOENT: it is gone; -EBUSY: being removed.
 */
int toolchain_installed_lease(const char *dir, struct err *err);

/*
 * Remove it.  -EBUSY with `err` naming the processes that lease it, unless
 * `force`; -ENOENT.  What an adopted one stands for is left alone.  Names
 * that were published for it are the caller's to remove, before.
 */
int toolchain_installed_remove(const char *data, const char *id, bool force,
			       struct err *err);

/*
 * Hash all of it again.  0; -EBADMSG with `err` saying what to do.
 * For an adopted one there is toolchain_adopt_check().
 */
int toolchain_installed_verify(const struct toolchain_installed *t,
			       const atomic_bool *cancel, struct err *err);

#endif
