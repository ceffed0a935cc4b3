/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * toolchain/installed.h - Installed toolchains of this user.
 *
 *	DATA/toolchains/ID/toolchain.json
 *	DATA/toolchains/ID/gcc-13.3.0-nolibc/aarch64-linux/bin/...
 *	DATA/toolchains/.live/, .lock.ID	(toolchain/install-dir.h)
 *
 * DATA is fs_data_home().  ID is toolchain_release_id(); it contains the host
 * if the toolchain runs on another kind of machine than this one.  The ID of an
 * adopted toolchain (toolchain/adopt.h) has the prefix "adopted-".  A directory
 * ID is published and removed by rename, so it is always complete.
 *
 * A build leases its toolchain by a shared flock on the toolchain's directory.
 * The kernel releases the lock when the process ends, even if it is killed.
 */
#ifndef TOOLCHAIN_INSTALLED_H
#define TOOLCHAIN_INSTALLED_H

#include "toolchain/dir-digest.h"
#include "toolchain/release.h"

/* The content of toolchain.json.  Unknown members are NULL, zero or empty. */
struct toolchain_installed {
	char *id;
	char *release; /* "gcc-13.3.0" */
	char *version; /* "13.3.0" */
	bool is_clang; /* "kind" in the file: "gcc" or "clang" */
	char *triplet; /* "aarch64-linux"; NULL for clang */
	char *host; /* kernel.org's name for gcc: "x86_64", "arm64" */
	/*
	 * "prefix" in the file: the directory above "bin", relative to `dir`;
	 * for an adopted toolchain, the absolute directory of its tools
	 */
	char *relative_prefix;
	char *driver; /* file name in "bin": "aarch64-linux-gcc", "clang" */
	/* URL without user name and password, or path of a local archive */
	char *url;
	struct digest archive_digest; /* "archive_sha256" in the file */
	/* from toolchain_dir_digest_compute(); zero if adopted */
	struct digest dir_digest;
	/*
	 * compiler_manifest.id; zero if the build host cannot run the
	 * compiler.
	 */
	struct digest manifest_id;
	char *sums_key; /* fingerprints of the signing keys */
	char *tar_key;
	bool sha256_given;
	bool insecure; /* installed without verification */
	char *date; /* of the installation: "2026-11-20T18:09:00Z" */
	struct strv links; /* absolute paths of links to the tools */
	struct strv hostlibs; /* log of toolchain_hostlib_provide() */
	struct strv tools; /* paths of all tools, if adopted */
	char *adopted_from; /* the location given by the user; else NULL */

	/* The following absolute paths are not in the file. */
	char *dir; /* DATA/toolchains/ID */
	char *prefix; /* the directory above `bin` */
	char *bin; /* the directory of the tools */
};

struct toolchain_installed_list {
	struct toolchain_installed *v; /* sorted by kind, release and id */
	size_t n;
	struct strv broken; /* unreadable toolchains: "DIR: error" */
};

/*
 * List all toolchains below `data`.  A missing directory is an empty list.
 * Unreadable toolchains are listed in `broken`.  Returns 0 or a negative errno.
 */
int toolchain_installed_list(const char *data,
			     struct toolchain_installed_list *out,
			     struct err *err);
void toolchain_installed_list_release(struct toolchain_installed_list *l);

/*
 * Read a toolchain by its id.  Returns 0; -ENOENT if it is not installed or its
 * toolchain.json is missing; -EINVAL if its toolchain.json is invalid; or
 * another negative errno.
 */
int toolchain_installed_read(const char *data, const char *id,
			     struct toolchain_installed *out, struct err *err);
/* Write DIR/toolchain.json atomically.  On failure `err` names the file. */
int toolchain_installed_write(const struct toolchain_installed *t,
			      struct err *err);
void toolchain_installed_release(struct toolchain_installed *t);
/* Set `dir`, and `prefix` and `bin` accordingly. */
void toolchain_installed_set_dir(struct toolchain_installed *t,
				 const char *dir);

/* Return the current time in the format of `date`.  The caller frees it. */
char *toolchain_installed_format_now(void);

/*
 * Encode or decode the text of toolchain.json.  The caller frees the encoded
 * text.  Decoding does not set `dir`, `prefix` and `bin`.
 */
char *toolchain_installed_encode(const struct toolchain_installed *t);
int toolchain_installed_decode(struct toolchain_installed *out, struct bytes in,
			       struct err *err);

/*
 * Find the newest toolchain that matches `wanted` ("gcc", "gcc-13",
 * "gcc-13.3.0", or an id), `triplet` and `host`.  A NULL `triplet` matches any
 * triplet; a NULL `host` means toolchain_builtin_local_host().  If `wanted` is
 * an id, `triplet` and `host` are ignored; for clang, `triplet` is ignored.
 * Among equal releases an installed toolchain precedes an adopted one (a
 * compiler that kfarm did not install).  Returns NULL if no toolchain matches.
 */
const struct toolchain_installed *toolchain_installed_find(
	const struct toolchain_installed_list *l, const char *wanted,
	const char *triplet, const char *host);

/* Return the driver's absolute path.  The caller frees it. */
char *toolchain_installed_driver_path(const struct toolchain_installed *t);

/*
 * Prevent removal of a toolchain while the returned descriptor is open.  Child
 * processes may inherit the descriptor.  Returns -ENOENT if the toolchain was
 * removed, -EBUSY if it is being removed.
 */
int toolchain_installed_lease(const char *dir, struct err *err);

/*
 * Remove a toolchain.  The compiler of an adopted toolchain is left unchanged.
 * The links to the tools remain until toolchain_link_unpublish_recorded().
 *
 * Returns 0; -EBUSY with `err` naming the processes that lease it, unless
 * `force` is true; -ENOENT if it is not installed; or another negative errno.
 */
int toolchain_installed_remove(const char *data, const char *id, bool force,
			       struct err *err);

/*
 * Verify all files of a toolchain by their digest.  Returns 0, or -EBADMSG with
 * `err` stating what to do.  Use toolchain_adopt_verify() for an adopted
 * toolchain.
 */
int toolchain_installed_verify(const struct toolchain_installed *t,
			       const atomic_bool *cancel, struct err *err);

#endif
