/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/digest.h"

#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BLOCK_SIZE (256u << 10)

struct digest_ctx {
	EVP_MD_CTX *ctx;
};

void digest_ignore_openssl_conf(void)
{
	if (!OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL))
		str_out_of_memory();
}

struct digest_ctx *digest_new(void)
{
	struct digest_ctx *run = xcalloc(1, sizeof(*run));

	run->ctx = EVP_MD_CTX_new();
	if (!run->ctx || !EVP_DigestInit_ex(run->ctx, EVP_sha256(), NULL))
		str_out_of_memory();
	return run;
}

void digest_add(struct digest_ctx *ctx, struct bytes in)
{
	if (in.len && !EVP_DigestUpdate(ctx->ctx, in.data, in.len))
		str_out_of_memory();
}

void digest_finish(struct digest_ctx *ctx, struct digest *out)
{
	struct digest sum;

	if (!EVP_DigestFinal_ex(ctx->ctx, sum.b, NULL))
		str_out_of_memory();
	EVP_MD_CTX_free(ctx->ctx);
	free(ctx);
	if (out)
		*out = sum;
}

void digest_bytes(struct bytes in, struct digest *out)
{
	struct digest_ctx *run = digest_new();

	digest_add(run, in);
	digest_finish(run, out);
}

int digest_fd(int fd, uint64_t size, struct digest *out)
{
	struct digest_ctx *run = digest_new();
	uint8_t *block = xmalloc(BLOCK_SIZE);
	uint64_t got = 0;
	int ret = 0;
	ssize_t n;

	while (!ret && (n = read(fd, block, BLOCK_SIZE)) != 0) {
		if (n < 0) {
			ret = errno == EINTR ? 0 : -errno;
			continue;
		}
		digest_add(run, bytes_of(block, (size_t)n));
		got += (uint64_t)n;
		if (got > size)
			ret = -EMSGSIZE;
	}
	if (!ret && size != UINT64_MAX && got != size)
		ret = -EMSGSIZE;
	free(block);
	digest_finish(run, ret ? NULL : out);
	return ret;
}

int digest_file(const char *path, struct digest *out, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int ret;

	if (fd < 0)
		return err_errno(err, "%s", path);
	ret = digest_fd(fd, UINT64_MAX, out);
	close(fd);
	return ret ? err_set(err, -ret, "%s: %s", path, strerror(-ret)) : 0;
}

bool digest_equal(const struct digest *a, const struct digest *b)
{
	return !memcmp(a->b, b->b, DIGEST_SIZE);
}

int digest_compare(const void *a, const void *b)
{
	return memcmp(a, b, DIGEST_SIZE);
}

bool digest_is_set(const struct digest *d)
{
	static const struct digest none;

	return !digest_equal(d, &none);
}

uint64_t digest_hash(const struct digest *d)
{
	return get_le64(d->b);
}

void digest_format(const struct digest *d, char out[static DIGEST_HEX])
{
	static const char digits[] = "0123456789abcdef";

	for (int i = 0; i < DIGEST_SIZE; i++) {
		out[2 * i] = digits[d->b[i] >> 4];
		out[2 * i + 1] = digits[d->b[i] & 15];
	}
	out[DIGEST_HEX - 1] = '\0';
}

bool digest_parse(struct digest *d, const char *hex)
{
	struct digest got;

	if (strlen(hex) != 2 * (size_t)DIGEST_SIZE)
		return false;
	for (int i = 0; i < DIGEST_SIZE; i++) {
		int high = str_hex_digit(hex[2 * i]);
		int low = str_hex_digit(hex[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		got.b[i] = (uint8_t)(high << 4 | low);
	}
	*d = got;
	return true;
}

static void format_digest_of(struct bytes in, char hex[static DIGEST_HEX])
{
	struct digest d;

	digest_bytes(in, &d);
	digest_format(&d, hex);
}

void digest_add_line(struct buf *text)
{
	char hex[DIGEST_HEX];

	format_digest_of(buf_bytes(text), hex);
	buf_printf(text, "%s\n", hex);
}

bool digest_cut_line(struct buf *text)
{
	char hex[DIGEST_HEX];
	size_t len = text->len - DIGEST_HEX; /* with the newline */

	if (text->len < DIGEST_HEX || text->data[text->len - 1] != '\n')
		return false;
	format_digest_of(bytes_of(text->data, len), hex);
	if (memcmp(text->data + len, hex, DIGEST_HEX - 1))
		return false;
	text->len = len;
	text->data[len] = '\0';
	return true;
}
