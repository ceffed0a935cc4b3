/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cache/action.h - Descriptions of earlier compiles, which explain misses.
 *
 * For each name of an object, the cache has a record that describes the last
 * compiles whose results were stored.  If the cache has no result for a
 * compile, kfarm compares the compile with the most similar description to find
 * the cause.
 *
 * A description contains the data that the short key covers (cache/key.h).
 * Instead of the paths and the digests of files, it contains hashes of 32 bits.
 * Its size is about 9 KB.  A result with messages is stored under the full key,
 * so its description also covers the content of definition headers.
 *
 * Names are relative to the roots of the build (cache/roots.h).  The paths of
 * the roots are part of the description if they are part of the key.
 */
#ifndef CACHE_ACTION_H
#define CACHE_ACTION_H

#include "cache/cache.h"
#include "cache/key.h"

/* A file that a compile reads.  All pointers are borrowed. */
struct cache_action_file {
	const char *path; /* as the compiler spells it, or relative to a root */
	struct digest digest;
	bool executable;
	const char *definitions; /* see struct cpp_file */
};

/* A compile.  All pointers are borrowed unless an owner is named. */
struct cache_action {
	const char *object; /* name in the command */
	char *toolchain; /* "gcc 12.2.0"; owned */
	struct digest toolchain_id;
	/*
	 * The words of the command, each preceded by a word that states its
	 * kind, as in "directory /build" and "flag -O2"; owned.
	 */
	struct strv words;
	bool has_variables; /* `words` includes the environment */
	/* the compiler printed messages; only cache_action_store() uses this */
	bool has_messages;
	/* why builds in other directories cannot use the result */
	struct cache_obstacle obstacle;
	struct strv names; /* the paths in `files` that are not borrowed */
	struct cache_action_file *files; /* owned */
	size_t n_files;
};

/*
 * Describe a compile, except for its toolchain and the digests of its files.
 * The caller releases `a`.
 */
void cache_action_init(struct cache_action *a,
		       const struct cache_located_compile *c);
/* Describe the toolchain as text. */
void cache_action_set_toolchain(struct cache_action *a, bool is_clang,
				const char *version, const struct digest *id);
void cache_action_release(struct cache_action *a);

/* Causes of a miss, the most important cause first. */
enum cache_miss {
	CACHE_MISS_NEW, /* no compile of this object is described */
	CACHE_MISS_TOOLCHAIN,
	CACHE_MISS_COMMAND, /* a word of the command, or the environment */
	CACHE_MISS_FILE, /* a file has changed, appeared or disappeared */
	CACHE_MISS_DEFINITION, /* a macro that the unit can use has changed */
	CACHE_MISS_REMOVED, /* no change: the result was removed */
	CACHE_N_MISSES,
};

/* Return a word for a cause, such as "file". */
const char *cache_miss_text(enum cache_miss cause);
/* Parse the word for a cause.  Returns false for any other text. */
bool cache_miss_parse(const char *text, enum cache_miss *out);

/* One difference between two compiles. */
struct cache_change {
	enum cache_miss kind;
	/* name of a macro or file, kind of a command word, or "toolchain" */
	char *name;
	char *before, *after; /* values; NULL: absent */
};

/* The differences from the most similar earlier compile. */
struct cache_difference {
	enum cache_miss cause; /* kind of the most important change */
	int64_t time_s; /* when the earlier description was stored */
	struct cache_change *changes;
	size_t n_changes;
	unsigned n_files_gone; /* files that are no longer read */
};

/*
 * Store the description of a compile whose result has been stored.  Returns 0
 * or a negative errno.
 */
int cache_action_store(struct cache *c, const struct cache_action *a);
/*
 * Find the most similar earlier compile of the object and list the differences.
 * If `skip_equal` is set, ignore compiles without differences.  The caller
 * releases `out`.
 */
void cache_action_compare(struct cache *c, const struct cache_action *a,
			  bool skip_equal, struct cache_difference *out);
void cache_difference_release(struct cache_difference *d);

#endif
