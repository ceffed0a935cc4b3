/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * base/digest.h - SHA-256, the only digest of kfarm (based on OpenSSL's EVP).
 */
#ifndef BASE_DIGEST_H
#define BASE_DIGEST_H

#include "base/buf.h"
#include "base/err.h"

#define DIGEST_SIZE 32
#define DIGEST_HEX  65

struct digest {
	uint8_t b[DIGEST_SIZE];
};

/*
 * Make OpenSSL, including TLS, ignore the system's openssl.cnf.  This file can
 * load providers and engines, which crash a static program.  Call this function
 * before the first digest.
 */
void digest_ignore_openssl_conf(void);

/* A digest in progress, on the heap. */
struct digest_ctx;

struct digest_ctx *digest_new(void);
void digest_add(struct digest_ctx *ctx, struct bytes in);
/* Write the digest to `out`, which may be NULL, and free `ctx`. */
void digest_finish(struct digest_ctx *ctx, struct digest *out);

void digest_bytes(struct bytes in, struct digest *out);
/*
 * Hash the bytes from the current position of `fd` to the end of the file.
 * `size` is the expected number of these bytes, or UINT64_MAX if the number is
 * unknown.  Returns 0; -EMSGSIZE if the number differs from `size`; or another
 * negative errno.
 */
int digest_fd(int fd, uint64_t size, struct digest *out);
/* Hash a file.  Returns 0, or a negative errno with `err` naming the file. */
int digest_file(const char *path, struct digest *out, struct err *err);
bool digest_equal(const struct digest *a, const struct digest *b);
/*
 * Compare digests, or structs that begin with a digest, for qsort() and
 * tsearch().
 */
int digest_compare(const void *a, const void *b);
/* Return false for a zeroed digest, which means "no digest". */
bool digest_is_set(const struct digest *d);
/* Return a hash for hash tables: eight bytes of the digest. */
uint64_t digest_hash(const struct digest *d);
/* Write 64 lower-case hexadecimal digits and a NUL. */
void digest_format(const struct digest *d, char out[static DIGEST_HEX]);
/*
 * Parse exactly 64 hexadecimal digits of either case.  Returns false, with `d`
 * unchanged, for any other text.
 */
bool digest_parse(struct digest *d, const char *hex);

/* Append a line with the hexadecimal digest of the whole content. */
void digest_add_line(struct buf *text);
/*
 * If the last line is the digest of the text before it, remove this line and
 * return true.  Otherwise, return false, with `text` unchanged.
 */
bool digest_cut_line(struct buf *text);

#endif
