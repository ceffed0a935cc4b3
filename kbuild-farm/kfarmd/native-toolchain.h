/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kfarmd/native-toolchain.h - Node-native toolchains as compilers of sandboxes.
 *
 * A node-native toolchain has the same release as the client's toolchain, but
 * is built to run on the architecture of the node.  It is an installed
 * toolchain (kfarmd/toolchains.h).  kfarmd makes the manifest of its compiler
 * from the files on the node's disk, in the same way as the build host makes
 * the manifest of its local compiler (compiler/manifest.h).  Every file of the
 * toolchain in this manifest must match the manifest of the installed
 * toolchain.  If a file differs, kfarmd marks the toolchain as damaged and does
 * not use the compiler.
 *
 * Driver queries ("where is cc1?") run in a separate sandbox that holds the
 * driver with its libraries.  All other files of the toolchain also exist in
 * that sandbox, but large files are empty.  If the reply names a file outside
 * the toolchain, the file must be an ELF executable or shared library.  kfarmd
 * puts this file into the client's sandbox, so without the check, a malicious
 * driver could disclose any file of the node.
 *
 * Manifests are cached in memory and rechecked by stat before and after each
 * use.
 */
#ifndef KFARMD_NATIVE_TOOLCHAIN_H
#define KFARMD_NATIVE_TOOLCHAIN_H

#include "compiler/manifest.h"
#include "kfarmd/toolchains.h"
#include "sandbox/sandbox.h"

struct kfarmd_driver_query;
struct kfarmd_native_toolchain_cache;
struct kfarmd_sandbox;

/*
 * Create a sandbox for driver queries.  It contains the toolchain of `lease` at
 * its real path, and the entries of `program`, which are needed to run `driver`
 * (an absolute path).  Only the calling thread may use the object.  Returns 0
 * or a negative errno with `err` set.
 */
int kfarmd_driver_query_new(struct kfarmd_driver_query **out,
			    const struct kfarmd_toolchain_lease *lease,
			    const struct compiler_entries *program,
			    const char *driver,
			    const struct sandbox_limits *limits,
			    struct err *err);
/* Free the sandbox; NULL is allowed. */
void kfarmd_driver_query_free(struct kfarmd_driver_query *a);
/* Return a runner for compiler_manifest_make_with(). */
struct compiler_runner kfarmd_driver_query_runner(
	struct kfarmd_driver_query *a);

/* Create an empty cache of manifests. */
struct kfarmd_native_toolchain_cache *kfarmd_native_toolchain_cache_new(void);
/* Free a cache without users; NULL is allowed. */
void kfarmd_native_toolchain_cache_free(
	struct kfarmd_native_toolchain_cache *o);

/*
 * Put the installed toolchain c->request.installed_id into the sandbox `c`, at
 * the paths of the client's compiler.  `driver` is the client's path of the
 * driver with all symbolic links resolved.  Libraries and the loader are placed
 * at their paths on the node.  *id receives the digest of the manifest.  The
 * caller releases c->lease after the sandbox has ended.
 *
 * Threads can call this concurrently.  Returns 0; -ENOENT if the toolchain is
 * not installed or lacks the compiler; -EBADMSG if it is damaged; -ENOEXEC if
 * this node cannot run its programs; or another negative errno; with `err` set
 * and no lease.
 */
int kfarmd_native_toolchain_put(struct kfarmd_sandbox *c, const char *driver,
				struct digest *id, struct err *err);

/*
 * If `path` is the directory `node_dir` of the node's toolchain or is in it,
 * return the corresponding path in the client's directory `client_dir`.
 * Otherwise, return a copy of `path`.  The caller frees the result.
 */
char *kfarmd_native_toolchain_map_path(const char *path, const char *node_dir,
				       const char *client_dir);
/*
 * Find a directory of the toolchain and the client's directory that corresponds
 * to it.  `driver_path` is the driver's path relative to the toolchain
 * directory `dir`; `driver` is the client's path of the driver.  The function
 * removes "bin/DRIVER" from both paths, and then further components while the
 * last components of both paths are equal.  For example, dir/a/usr/bin/gcc and
 * /opt/b/usr/bin/gcc yield dir/a and /opt/b.
 *
 * Returns false if one of the drivers is not in a directory "bin".  On success
 * the caller frees *node_dir and *client_dir.
 */
bool kfarmd_native_toolchain_find_prefixes(const char *dir,
					   const char *driver_path,
					   const char *driver, char **node_dir,
					   char **client_dir);

#endif
