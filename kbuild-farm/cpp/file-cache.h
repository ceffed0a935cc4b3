/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cpp/file-cache.h - Cache of lexed files for all units and threads.
 *
 * Files are identified by their stamps.  Two contents that are written within
 * one clock tick can have the same stamp, so a file whose ctime is too recent
 * when it is read is racily clean and is not stored.
 */
#ifndef CPP_FILE_CACHE_H
#define CPP_FILE_CACHE_H

#include "base/file-stamp.h"
#include "cpp/lex-directives.h"

struct cpp_file_cache;

/* Create a cache whose texts refer to `names`. */
struct cpp_file_cache *cpp_file_cache_new(struct cpp_names *names);
void cpp_file_cache_free(struct cpp_file_cache *s);

/*
 * Get the current directives of the file at `path`.
 *
 * On entry, `*id` is the stamp of the file, taken after `since`, or zero if
 * unknown.  If the stamp is known and the cache has the file, the file is not
 * opened.  With `full`, a file that must be read is lexed including the text
 * between its directives.  Returns 0 with *out, which the caller releases with
 * cpp_text_put(), and the file's stamp in *id.  Returns -EAGAIN if the file
 * changes with every try, or another negative errno such as -ENOENT, -EISDIR or
 * -EFBIG.
 */
int cpp_file_cache_get(struct cpp_file_cache *s, const char *path,
		       unsigned mode, bool full, int64_t since,
		       struct cpp_text **out, struct file_stamp *id);
/*
 * Add the text tokens to `t`, the directives of the file at `path` with stamp
 * `id`.  Returns 0, -EAGAIN if the file has changed, or another -errno.
 */
int cpp_file_cache_load_full(struct cpp_text *t, const char *path,
			     const struct file_stamp *id);
/* Release a reference of cpp_file_cache_get(); NULL is allowed. */
void cpp_text_put(struct cpp_text *t);

struct cpp_file_cache_stats {
	uint64_t n_lexed, n_reused;
	size_t memory_bytes; /* excludes memory of cpp_names_charge() */
};

/* Get the counters and the size of the cache. */
void cpp_file_cache_stats(struct cpp_file_cache *s,
			  struct cpp_file_cache_stats *out);

#endif
