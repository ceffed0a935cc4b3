/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/archive.h - Archives of installed files, packed only after changes.
 *
 * Copies of the last archives of a build directory are cached in
 * ~/.cache/kfarm/kept/DIGITS, where DIGITS is the start of the digest of the
 * directory's path.  A file `record` describes them:
 *
 *	{"dir": "/build/dir",
 *	 "files": {"modules.tar.xz": {"key": "...", "stamp": "...",
 *				      "about": {...}}}}
 *
 * `key` is the digest of the archive's inputs: file stamps (struct file_stamp)
 * and texts such as make's settings.  Equal digests mean unchanged inputs.
 * `stamp` is the file stamp of the copy: a copy whose stamp has changed is not
 * used.  The next build that caches an archive removes cache directories whose
 * build directory no longer exists.  Cache errors never fail a build: the
 * archive is packed again.
 */
#ifndef KERNEL_ARCHIVE_H
#define KERNEL_ARCHIVE_H

#include "base/buf.h"
#include "base/digest.h"
#include "base/file-stamp.h"
#include "base/json.h"
#include "base/str.h"

#include <stdbool.h>

struct kernel_plan;

struct kernel_archive_cache {
	char *build_dir;
	char *dir; /* directory of the copies and of `record` */
	json_t *files; /* member "files" of `record` */
	bool changed; /* `record` must be written */
};

/*
 * Load the cache of `build_dir`, which must be locked (struct kernel_lock)
 * until kernel_archive_cache_close().
 */
void kernel_archive_cache_open(struct kernel_archive_cache *k,
			       const char *build_dir);
/*
 * Copy the cached file `name` to the file `to`.  If `to` is NULL, only look up
 * the cached file.  Returns true on success, or false if the cache has no file
 * `name` with the input digest `key`, or if this file cannot be copied.  On
 * success, *about (`about` may be NULL) receives the description of the cached
 * file, borrowed until the next kernel_archive_cache_put() of `name`.
 */
bool kernel_archive_cache_copy(const struct kernel_archive_cache *k,
			       const char *name, const struct digest *key,
			       const char *to, const json_t **about);
/*
 * Cache a copy of `from` as `name` with the input digest `key` and the
 * description `about`.  Takes the caller's reference to `about`.  If `from` is
 * NULL, only the description is cached.
 */
void kernel_archive_cache_put(struct kernel_archive_cache *k, const char *name,
			      const struct digest *key, const char *from,
			      json_t *about);
/*
 * Remove the cache of `build_dir`.  If the directory still exists, the caller
 * must hold its lock.
 */
void kernel_archive_cache_remove(const char *build_dir);
/* Write `record` if an entry has changed, and release the cache. */
void kernel_archive_cache_close(struct kernel_archive_cache *k);

/*
 * Inputs of an archive, empty when zeroed.  The digest depends on their order.
 */
struct kernel_archive_inputs {
	struct buf text;
	struct file_stamp newest; /* stamp of the file that changed last */
};

/* Add a text. */
void kernel_archive_add_text(struct kernel_archive_inputs *s, const char *text);
/* Add the stamp of a file (links are followed), or its absence. */
void kernel_archive_add_file(struct kernel_archive_inputs *s, const char *path);
/*
 * Add the stamps of all files below `dir` whose names end in a string of the
 * NULL-terminated list `suffixes`.  `follow` selects whether to follow links to
 * directories.  A missing directory counts as empty.
 */
void kernel_archive_add_dir(struct kernel_archive_inputs *s, const char *dir,
			    const char *const *suffixes, bool follow);
/*
 * Compute the digest of the inputs and release them.  `now` is the result of
 * file_stamp_now_ns() before the first file was checked.  Returns false if a
 * file changed so shortly before `now` that a later change might not alter its
 * stamp.
 */
bool kernel_archive_finish_inputs(struct kernel_archive_inputs *s, int64_t now,
				  struct digest *out);

struct kernel_archive {
	const char *goal; /* "modules" */
	const char *file; /* "modules.tar.xz" */
	const char *target, *variable; /* modules_install, INSTALL_MOD_PATH */
	/* `variable` is set to the staging directory followed by this path */
	const char *install_dir;
	/* directory to pack, below the staging directory */
	const char *packed_dir;
	/*
	 * Add the inputs specific to this archive.  Returns false if they
	 * cannot be determined.
	 */
	bool (*add_inputs)(struct kernel_archive_inputs *s,
			   const struct kernel_plan *p);
};

/*
 * Return the archive of the goal "modules", "dtbs" or "headers", or NULL for
 * any other goal.
 */
const struct kernel_archive *kernel_archive_find(const char *goal);
/*
 * Compute the digest of the archive's current inputs: settings of make, and
 * stamps of files and programs.  Returns false if the archive must be packed
 * again because an input changed within the last clock tick or is unknown.
 */
bool kernel_archive_input_digest(const struct kernel_archive *a,
				 const struct kernel_plan *p,
				 struct digest *out);
/*
 * Compute the digest of the inputs of `make image_name`.  Returns false in the
 * same cases as kernel_archive_input_digest().
 */
bool kernel_archive_image_digest(const struct kernel_plan *p,
				 struct digest *out);
/* Append the paths of this build's modules, relative to the build directory. */
void kernel_archive_list_modules(const struct kernel_plan *p, struct strv *out);
/* Return the mtime that packed files receive, in seconds since 1970. */
long long kernel_archive_timestamp(const struct kernel_plan *p);

#endif
