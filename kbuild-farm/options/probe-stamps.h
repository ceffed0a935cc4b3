/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * options/probe-stamps.h - File stamps on which cached probe results depend.
 *
 * kfarm creates the stamp list of a compiler (compiler/probe-deps.h) in the
 * directory of the probe cache.  The wrapper compares the list with the files
 * at each probe, and requests a new list if a file has changed.  There are two
 * kinds of text files.  Their last line is a hash of all other lines, so that a
 * damaged file is ignored.  HEX in their names is a hash of the compiler:
 *
 *	list-HEX	the compiler; for each file a stamp, or "-" if missing
 *	want-HEX	the compiler for which a list is missing or outdated
 *
 * Depends only on libc because the wrapper uses it.
 */
#ifndef OPTIONS_PROBE_STAMPS_H
#define OPTIONS_PROBE_STAMPS_H

#include "base/buf.h"
#include "base/state-file.h"

#include <stdbool.h>

/* the wrapper adds no file if the directory already has this many files */
#define OPTIONS_PROBE_ENTRIES_MAX 4096
/* longer lists are invalid */
#define OPTIONS_PROBE_STAMPS_MAX_BYTES (256u << 10)

/* Size limit and permissions of both kinds of files. */
extern const struct state_file options_probe_stamps_file;

/* A compiler, and the variables that decide which files it reads and runs. */
struct options_probe_compiler {
	const char *driver; /* an absolute path */
	const char *path; /* PATH, or NULL if unset */
	const char *ld_library_path; /* LD_LIBRARY_PATH, or NULL if unset */
};

/*
 * Return the compiler with the variables of this environment.  The strings are
 * borrowed.
 */
struct options_probe_compiler options_probe_compiler_from_env(
	const char *driver, char *const *env);
/*
 * Return the path in `dir` of the compiler's list or, if `request` is true, of
 * the request for a list.  The caller frees the path.  Returns NULL if the
 * compiler cannot have a list, for example because PATH depends on the working
 * directory.
 */
char *options_probe_stamps_path(const char *dir, bool request,
				const struct options_probe_compiler *c);

/* Begin a list.  Call options_probe_stamps_add_file() next for each path. */
void options_probe_stamps_begin(struct buf *out,
				const struct options_probe_compiler *c);
/*
 * Add the current stamp of a path, or of the link itself if the path is a
 * symbolic link.  `since_ns` is the time of file_stamp_now_ns() at which the
 * caller began to read the files.  Returns false if the file may have changed
 * after that time, or if its name cannot be stored.
 */
bool options_probe_stamps_add_file(struct buf *out, const char *path,
				   int64_t since_ns);
/* Append the last line. */
void options_probe_stamps_end(struct buf *out);

/*
 * Return true if the list belongs to this compiler and all stamps are
 * unchanged, which takes one lstat(2) per file.  *id identifies the list.
 */
bool options_probe_stamps_is_current(struct bytes list,
				     const struct options_probe_compiler *c,
				     uint64_t id[static 2]);
/*
 * Read the compiler from a request.  Returns false if the request is invalid.
 * The strings of `c` point into `text`, which is modified.
 */
bool options_probe_stamps_read_request(struct buf *text,
				       struct options_probe_compiler *c);

#endif
