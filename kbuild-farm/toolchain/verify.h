/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * toolchain/verify.h - Verification of an archive and of the unpacked compiler.
 *
 * The signature of the checksum list and the availability of the signing keys
 * are checked before the download, so that no archive is downloaded if a key is
 * unknown.  The digest of the archive and the signature over its content are
 * checked at the end of the download.
 *
 * The smoke test checks that the unpacked compiler has the requested release
 * and target and that it works.
 */
#ifndef TOOLCHAIN_VERIFY_H
#define TOOLCHAIN_VERIFY_H

#include "base/buf.h"
#include "fetch/key.h"
#include "toolchain/dir-digest.h"
#include "toolchain/install.h"
#include "toolchain/release.h"

/* A zeroed struct is empty. */
struct toolchain_verify {
	const struct toolchain_install_request *request;
	bool has_checksum;
	struct digest checksum;
	char *sums_key; /* fingerprint of the checksum list's signer, or NULL */

	struct buf signature; /* the detached signature; may be empty */
	/* keyring and fingerprint of the detached signature's key */
	char *keyring, *tar_key;
	struct fetch_gpgv_stream *stream;
};

/*
 * Find the checksum and the signature that verify the archive of `order`.
 *
 * Returns 0; -EKEYREJECTED if neither is found and order->insecure is false, or
 * if no signature is found and order->strict is true; -ENOKEY and the other
 * errors of fetch/key.h; or the error of a download.
 */
int toolchain_verify_prepare(struct toolchain_verify *v,
			     const struct toolchain_install_request *order,
			     struct err *err);
void toolchain_verify_release(struct toolchain_verify *v);

/*
 * Begin to check the detached signature over the uncompressed archive.  The
 * caller then feeds all bytes of that archive, beginning with the first.
 */
int toolchain_verify_stream_start(struct toolchain_verify *v, struct err *err);
int toolchain_verify_stream_feed(struct toolchain_verify *v, struct bytes b,
				 struct err *err);

/*
 * Complete the checks after the last byte.  `archive` is the digest of the
 * archive, not of its uncompressed bytes.  On success, `t` receives the
 * fingerprints of the signing keys.  Returns 0, -EKEYREJECTED or another error
 * of fetch/key.h.
 */
int toolchain_verify_finish(struct toolchain_verify *v,
			    const struct digest *archive,
			    struct toolchain_installed *t, struct err *err);

/*
 * Find the driver among `entries`: "BIN/TRIPLET-gcc", or "BIN/clang" if
 * `triplet` is NULL, where BIN is a directory named bin.  The path with the
 * fewest components wins.  The caller frees the path.  Returns NULL with `err`
 * set if there is no driver.
 */
char *toolchain_verify_find_driver(const struct compiler_entries *entries,
				   const char *triplet, struct err *err);

struct toolchain_smoke_test {
	const char *driver; /* absolute */
	const struct toolchain_release *release;
	const char *triplet; /* NULL: clang */
	const char *host; /* expected host, a name of toolchain/builtin.h */
	const char *work_dir; /* directory for sources and objects */
	const atomic_bool *cancelled; /* may be NULL */
	/* Resolve all symbols when a program starts, not at the first call. */
	bool bind_now;
};

/*
 * Check that the driver is a program for `host`.  *executed is true if this
 * machine can run the driver.  In this case, also check that the driver reports
 * the release and the triplet, compiles C and assembles.
 *
 * Returns 0, -ENOEXEC with `err` naming the failed check, -ECANCELED, or the
 * error of reading or writing a file.
 */
int toolchain_smoke_test(const struct toolchain_smoke_test *t, bool *executed,
			 struct err *err);

/*
 * Compile `text` as a file called `name`.  `flags`, which ends in NULL,
 * precedes the flags that this function adds.  The function uses only
 * `driver`, `work_dir`, `cancelled` and `bind_now` of `t`.
 *
 * Returns 0, -ENOEXEC with the first line of the driver's stderr in `err`,
 * -ECANCELED, or the error of writing the file.
 */
int toolchain_verify_compile(const struct toolchain_smoke_test *t,
			     const char *name, const char *text,
			     const char *const *flags, struct err *err);

/*
 * Return true if the output of -dumpmachine matches a triplet: it begins with
 * the triplet ("aarch64-linux-gnu" for "aarch64-linux").  The vendor is ignored
 * ("arm-unknown-linux-gnueabi" for "arm-linux-gnueabi").
 */
bool toolchain_verify_is_triplet(const char *machine, const char *triplet);

/*
 * Check that the loader finds all libraries and symbols that `program` and its
 * libraries need.  As with ldd -r, no code of the program runs.
 *
 * Returns 0, or -ENOEXEC with the loader's message in `err`.  Only glibc's
 * loader can be queried, so the function returns 0 for another loader.
 */
int toolchain_verify_libraries(const char *program, struct err *err);

#endif
