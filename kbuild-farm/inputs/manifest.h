/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * inputs/manifest.h - All files that a unit may read, as entries.
 *
 * A manifest is the closure found by cpp/ (all paths on which the result of the
 * unit depends), with the symbolic links of every path resolved:
 *	FILE	files that the unit reads
 *	SYMLINK	symbolic links in these paths
 *	DIR	directories that must exist
 *	ABSENT	absent paths that some input root contained before
 * The manifest also contains the data for the verification of the result.
 *
 * inputs_manifest_make(), inputs_manifest_find_changed() and inputs_collect()
 * can block, so they must run on worker threads.  inputs_collect_start() runs
 * inputs_collect() on a thread of the caller's pool.
 */
#ifndef INPUTS_MANIFEST_H
#define INPUTS_MANIFEST_H

#include "base/pool.h"
#include "cpp/cpp.h"
#include "inputs/path.h"
#include "inputs/tool.h"
#include "inputs/toolchain.h"
#include "options/allowlist.h"

/* State shared by all units of a build. */
struct inputs {
	struct inputs_paths *paths;
	struct store_digest_cache *digests;
	struct cpp_scanner *scan;
	/* number of the last unit; protected by the lock of `paths` */
	uint32_t last_unit;
};

/* Initialize `in`.  `scan` may be NULL if no unit is scanned. */
void inputs_init(struct inputs *in, const struct cpp_setup *scan);
void inputs_release(struct inputs *in);

struct inputs_manifest_file {
	/* path to check with stat(2); can be a link to the path of `entry` */
	const struct inputs_path *path;
	const struct inputs_entry *entry;
};

/* A directory whose stamp changes when certain absent paths are created. */
struct inputs_manifest_guard;

struct inputs_manifest {
	enum reason reason; /* why there is no manifest, or REASON_NONE */
	char *detail; /* the file concerned; may be NULL */
	size_t n_entries;
	const struct inputs_entry **entries; /* each path once */
	const struct inputs_path *cwd;
	struct cpp_closure closure;
	/* one per element of closure.files, in the same order */
	struct inputs_manifest_file *files;
	struct inputs_manifest_guard *guards;
	size_t n_guards;
	/* for each absent path of the closure, the index of its guard */
	uint32_t *guarded_by;
	/*
	 * Time by clock_us() at which inputs_manifest_make() started.  The
	 * caller can replace this time by the time of the compile request,
	 * which is earlier.
	 */
	uint64_t since_us;
	uint32_t scan_us; /* CPU time of the scan and of the listing */
};

/*
 * Scan `unit` and list its inputs.  Hashes files without a known digest.
 * Always fills `m`; m->reason is set on failure.
 */
void inputs_manifest_make(struct inputs_manifest *m, struct inputs *in,
			  const struct cpp_unit *unit);
void inputs_manifest_release(struct inputs_manifest *m);

/*
 * Return the path of an input that has changed, borrowed from the manifest, or
 * NULL if no input has changed.
 *
 * A file is not checked again if it was verified for another unit at or after
 * m->since_us and at most INPUTS_VERIFIED_MAX_AGE_US ago.  This is sufficient,
 * because a local compile of the unit could have read the file at that time,
 * too.
 */
#define INPUTS_VERIFIED_MAX_AGE_US 500000
const char *inputs_manifest_find_changed(const struct inputs_manifest *m,
					 const char *cwd);
/*
 * Return true if the closure has a file with the name `path`, as a compiler
 * spells it.  The search begins at index *cursor (initially 0).  On success,
 * *cursor becomes the index after the file.
 */
bool inputs_manifest_find_spelling(const struct inputs_manifest *m,
				   const char *path, size_t *cursor);
/*
 * Return true if `path`, in any spelling, leads to a file of the closure.  For
 * example, clang can print "b/x.h" for "a/../b/x.h", because it uses the first
 * spelling of a directory.  This function accesses the file system.  On
 * success, *cursor becomes the index after the file.
 */
bool inputs_manifest_find_file(const struct inputs_manifest *m, const char *cwd,
			       const char *path, size_t *cursor);

/* All pointers are borrowed until on_collected() is called. */
struct inputs_request {
	struct inputs *inputs;
	struct pool *pool;
	struct cpp_unit unit;
	struct inputs_toolchain *toolchain; /* INPUTS_STATE_READY */
	const char *tool_path; /* program of a tool step, or NULL */
	struct inputs_tool_cache *tools; /* required with `tool_path` */
	/* Time of the compile request by clock_us(); 0: now. */
	uint64_t requested_us;
};

/* The inputs and flags of a unit, or the reason for a local compile. */
struct inputs_result {
	enum reason reason; /* if set, only manifest.detail is valid */
	struct inputs_manifest manifest;
	struct options_flags flags;
	const struct inputs_locale *locale;
	const struct inputs_tool *tool; /* program of the tool step, or NULL */
	uint64_t total_bytes; /* size of all inputs, for cost prediction */
};

void inputs_result_release(struct inputs_result *r);

/* Collect the inputs.  Can block, so it must run on a worker thread. */
void inputs_collect(const struct inputs_request *request,
		    struct inputs_result *result);
/*
 * Start the collection.  on_collected() is called once on the event loop with
 * the result.  The callback takes ownership of the result's members if it
 * zeroes the struct.
 */
void inputs_collect_start(const struct inputs_request *request,
			  void (*on_collected)(void *ctx,
					       struct inputs_result *result),
			  void *ctx);

#endif
