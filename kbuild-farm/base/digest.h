/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * base/digest.h - SHA-256, the one hash of kfarm (OpenSSL's EVP underneath).
 */
#ifndef BASE_DIGEST_H
#define BASE_DIGEST_H

#include "base/bytes.h"
#include "base/err.h"

#define DIGEST_SIZE 32
#define DIGEST_HEX  65

struct digest {
	uint8_t b[DIGEST_SIZE];
};

/*
 * Have OpenSSL, for TLS as well, as it is compiled in: not with what this
 * machine's openssl.cnf adds (providers, engines), which a static program
 * crashes on.  To be called before the first digest.
 */
void digest_without_settings(void);

/* A digest that is being made; on the heap. */
struct digest_run;

struct digest_run *digest_new(void);
void digest_add(struct digest_run *run, struct bytes in);
/* Writes the digest and frees `run`; `out` may be NULL. */
void digest_end(struct digest_run *run, struct digest *out);

void digest_of(struct bytes in, struct digest *out);
/* 0, or a negative errno with `err` naming the file. */
int digest_file(const char *path, struct digest *out, struct err *err);
bool digest_equal(const struct digest *a, const struct digest *b);
/* For qsort() and tsearch(), of digests or of what begins with one. */
int digest_compare(const void *a, const void *b);
/* A zeroed one stands for none. */
bool digest_is_known(const struct digest *d);
/* For a table: a digest is a hash already. */
uint64_t digest_hash(const struct digest *d);
/* 64 lower-case hexadecimal digits and a NUL. */
void digest_hex(const struct digest *d, char out[static DIGEST_HEX]);
/* The other way, of exactly 64 digits in either case; else false, and `d` is
 * left alone. */
bool digest_parse(struct digest *d, const char *hex);

#endif
