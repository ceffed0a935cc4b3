/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kfarmd/toolchains.h - Directory of the installed toolchains of a node.
 *
 *	DIR/ID/toolchain.json	metadata as the build host sent it
 *	DIR/ID/.kfarm		the manifest
 *	DIR/ID/.damage		a line that describes detected damage, if any
 *	DIR/ID/gcc-13.3.0-nolibc/aarch64-linux/bin/...
 *	DIR/.live/NAME/		directory of a process that publishes or
 *				removes a toolchain
 *
 * A toolchain is published and removed by rename, so it is complete or absent
 * even if kfarmd is killed.  A directory .live/NAME that is not locked belongs
 * to a dead process, so kfarmd removes it (store/scratch-dir.h).  A user of a
 * toolchain holds a shared flock on its directory; removal and replacement take
 * an exclusive flock.  kfarmd syncs only .kfarm and .damage to disk.  It does
 * not sync the other files of a toolchain, because its checks also detect
 * damage that a power failure has caused.
 *
 * The manifest has this format, in which 0, 1 and "" are constants:
 *
 *	u32 0, string id, string host, digest dir_digest,
 *	digest equivalent_id, u8 1, string "",
 *	u32 count, for each entry: string path, inode as in VIEW,
 *	SHA-256 of all preceding bytes
 *
 * Files on disk are not trusted: an unreadable manifest, and files that differ
 * from it, count as damage.
 *
 * kfarmd creates DIR for the first toolchain.  Several kfarmd processes can
 * share DIR.  Any thread can call the functions below.  All of them, except
 * those for manifests, do file I/O.
 */
#ifndef KFARMD_TOOLCHAINS_H
#define KFARMD_TOOLCHAINS_H

#include "store/store.h"
#include "toolchain/dir-digest.h"
#include "wire/msg.h"

struct kfarmd_toolchain_stage;
struct kfarmd_toolchains_index;

/* limit on the bytes of all paths and link targets of a toolchain */
#define KFARMD_MANIFEST_NAMES_MAX (16u << 20)

/* The files of one toolchain. */
struct kfarmd_manifest {
	char *id;
	char *host;
	struct digest dir_digest, equivalent_id;
	/* entries; their paths are relative to the toolchain's directory */
	struct compiler_entries entries;
	uint64_t total_bytes; /* size of all files */
	size_t name_bytes; /* bytes of all paths and link targets */
};

/* Free the members and reset `r`. */
void kfarmd_manifest_release(struct kfarmd_manifest *r);

/*
 * Add an entry; its strings are copied.  Returns 0, or -EINVAL with `err` set
 * if the entry removes a path (WIRE_INODE_ABSENT) or a limit is exceeded.
 */
int kfarmd_manifest_add(struct kfarmd_manifest *r, const char *path,
			const struct wire_inode *inode, struct err *err);
/*
 * Sort and check the complete manifest.  Returns 0, or -EINVAL with the invalid
 * entry or the mismatch in `err`.  An entry is invalid if its path is invalid,
 * duplicate, reserved or below another entry, or if it is a link that points
 * outside the toolchain.  The manifest is invalid if it has no entry or
 * dir_digest does not match.
 */
int kfarmd_manifest_validate(struct kfarmd_manifest *r, struct err *err);

/*
 * Encode and decode the content of the manifest file.  kfarmd_manifest_decode()
 * returns 0, or -EBADMSG if the manifest is damaged.
 */
void kfarmd_manifest_encode(const struct kfarmd_manifest *r, struct buf *out);
int kfarmd_manifest_decode(struct kfarmd_manifest *out, struct bytes in,
			   struct err *err);

/*
 * Find the entry of the compiler `name`: the shortest path that is "bin/NAME"
 * or ends in "/bin/NAME" and is a link or an executable file.  Returns NULL if
 * the manifest has no such entry.
 */
const struct compiler_entry *kfarmd_manifest_find_driver(
	const struct kfarmd_manifest *r, const char *name);

/*
 * List the installed toolchains, sorted by id.  With `verify`, each toolchain
 * is hashed and the outcome is recorded on disk.  A toolchain that cannot be
 * verified for lack of descriptors or memory is listed as damaged, but no
 * damage is recorded.  The caller releases *out.  Returns 0, a negative errno
 * if the directory cannot be read, or -ECANCELED if *stop became true.
 */
int kfarmd_toolchains_list(const char *dir, bool verify,
			   const atomic_bool *stop, struct wire_held *out,
			   struct err *err);

/* A toolchain in use: its directory is locked and its manifest is loaded. */
struct kfarmd_toolchain_lease {
	int fd;
	/* canonical path, as sandboxes and the driver's replies contain it */
	char *dir;
	struct kfarmd_manifest manifest;
};

/*
 * Lock the toolchain `id` for use.  Returns 0; -ENOENT, with advice in `err`,
 * if it is not installed; -EBADMSG if its manifest is damaged, or if a stat
 * check or an earlier verification has found damage; or another negative errno;
 * with `err` set.
 */
int kfarmd_toolchains_lease(const char *toolchains_dir, const char *id,
			    struct kfarmd_toolchain_lease *out,
			    struct err *err);
/* Unlock the toolchain and reset `l`. */
void kfarmd_toolchains_release_lease(struct kfarmd_toolchain_lease *l);
/* Record damage, so that the toolchain is not used until it is verified. */
void kfarmd_toolchains_mark_damaged(const struct kfarmd_toolchain_lease *l,
				    const char *what);

/*
 * Return true if the toolchain `id` is installed with this dir_digest and
 * kfarmd_toolchains_lease() would succeed.  Does not lock the toolchain.
 */
bool kfarmd_toolchains_has(const char *toolchains_dir, const char *id,
			   const struct digest *dir_digest);

/*
 * Index the files of all installed toolchains by digest.  Unreadable toolchains
 * are skipped.  The caller frees the index.
 */
struct kfarmd_toolchains_index *kfarmd_toolchains_index(
	const char *toolchains_dir);
/* Free an index; NULL is allowed. */
void kfarmd_toolchains_index_free(struct kfarmd_toolchains_index *x);
/*
 * Copy a file with this digest and size into the store and pin the blob.
 * Returns 0; -ENOENT if no toolchain contains such a file or the file has
 * changed; or another error of the store.
 */
int kfarmd_toolchains_copy_to_store(const struct kfarmd_toolchains_index *x,
				    struct store *store, const struct digest *d,
				    uint64_t size);

/*
 * struct kfarmd_toolchain_stage is a toolchain that is being written to a
 * scratch directory DIR/.live/NAME.
 */

/*
 * Create a scratch directory in `toolchains_dir`, after removing the scratch
 * directories of dead processes.  Returns 0, or a negative errno with `err`
 * set: -ENOSPC if the file system has no room for `bytes` in `files` files.
 */
int kfarmd_toolchain_stage_new(const char *toolchains_dir,
			       struct kfarmd_toolchain_stage **out,
			       uint64_t bytes, size_t files, struct err *err);
/*
 * Write one file, link or directory; a kfarmd_input_update_put_fn.  `path`
 * starts with a slash and is relative to the toolchain's directory.
 */
int kfarmd_toolchain_stage_put(void *stage, const char *path,
			       const struct wire_inode *inode, int fd,
			       struct err *err);
/*
 * Verify the complete toolchain, write its manifest `r` and its metadata
 * `json`, and rename it to its final name, replacing an older toolchain of this
 * name.  Any thread can call this.  Returns 0; -EBUSY if the older toolchain is
 * in use; -EBADMSG if the files differ from `r`; -ECANCELED if *stop became
 * true; or another negative errno; with `err` set.
 */
int kfarmd_toolchain_stage_publish(struct kfarmd_toolchain_stage *n,
				   const struct kfarmd_manifest *r,
				   const char *json, const atomic_bool *stop,
				   struct err *err);
/*
 * Remove the scratch directory and free `n`, whether the toolchain was
 * published or not.  NULL is allowed.
 */
void kfarmd_toolchain_stage_free(struct kfarmd_toolchain_stage *n);

/*
 * Remove an installed toolchain.  Creates no directory if DIR/.live exists, so
 * the removal succeeds on a full disk.  Returns 0; -ENOENT if the toolchain is
 * not installed; -EBUSY if it is in use; or another negative errno; with `err`
 * set.
 */
int kfarmd_toolchain_stage_remove(const char *toolchains_dir, const char *id,
				  struct err *err);

#endif
