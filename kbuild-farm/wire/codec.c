/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wire/codec.h"

#include "base/str.h"

#include <errno.h>
#include <lzo/lzo1x.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#define ZSTD_LEVEL 1
/* Do not compress shorter bodies, because they fit into one packet anyway. */
#define PACK_MIN 128

/* Working memory of the codecs, allocated per thread on first use. */
struct workspace {
	void *lzo;
	ZSTD_CCtx *cctx;
	ZSTD_DCtx *dctx;
};

static pthread_key_t workspace_key;
static pthread_once_t workspace_once = PTHREAD_ONCE_INIT;
static _Thread_local struct workspace *workspace;

static void workspace_free(void *p)
{
	struct workspace *w = p;

	free(w->lzo);
	ZSTD_freeCCtx(w->cctx);
	ZSTD_freeDCtx(w->dctx);
	free(w);
	workspace = NULL;
}

static void workspace_make_key(void)
{
	if (lzo_init() != LZO_E_OK ||
	    pthread_key_create(&workspace_key, workspace_free))
		abort();
}

static struct workspace *workspace_get(void)
{
	if (workspace)
		return workspace;
	pthread_once(&workspace_once, workspace_make_key);
	workspace = xcalloc(1, sizeof(*workspace));
	if (pthread_setspecific(workspace_key, workspace))
		str_out_of_memory();
	return workspace;
}

static size_t pack_lzo(uint8_t *out, struct bytes raw)
{
	struct workspace *w = workspace_get();
	lzo_uint n = 0;

	if (!w->lzo)
		w->lzo = xmalloc(LZO1X_1_MEM_COMPRESS);
	if (lzo1x_1_compress(raw.data, raw.len, out, &n, w->lzo) != LZO_E_OK)
		return raw.len;
	return n;
}

static size_t pack_zstd(uint8_t *out, size_t room, struct bytes raw)
{
	struct workspace *w = workspace_get();
	size_t n;

	if (!w->cctx)
		w->cctx = ZSTD_createCCtx();
	if (!w->cctx)
		str_out_of_memory();
	n = ZSTD_compressCCtx(w->cctx, out, room, raw.data, raw.len,
			      ZSTD_LEVEL);
	return ZSTD_isError(n) ? raw.len : n;
}

enum wire_codec wire_codec_pack(struct buf *out, struct bytes raw,
				enum wire_codec wanted)
{
	size_t room, n = raw.len;

	if (wanted != WIRE_PLAIN && raw.len >= PACK_MIN) {
		/* The bound for LZO is from its documentation. */
		room = wanted == WIRE_LZO ? raw.len + raw.len / 16 + 64 + 3 :
					    ZSTD_compressBound(raw.len);
		if (buf_reserve(out, room))
			str_out_of_memory();
		if (wanted == WIRE_LZO)
			n = pack_lzo(out->data + out->len, raw);
		else
			n = pack_zstd(out->data + out->len, room, raw);
	}
	if (n >= raw.len) {
		buf_add_bytes(out, raw);
		return WIRE_PLAIN;
	}
	out->len += n;
	out->data[out->len] = '\0';
	return wanted;
}

static bool unpack_lzo(uint8_t *out, size_t raw_len, struct bytes packed)
{
	lzo_uint n = raw_len;

	workspace_get(); /* calls lzo_init() */
	return lzo1x_decompress_safe(packed.data, packed.len, out, &n, NULL) ==
		       LZO_E_OK &&
	       n == raw_len;
}

static bool unpack_zstd(uint8_t *out, size_t raw_len, struct bytes packed)
{
	struct workspace *w = workspace_get();

	if (!w->dctx)
		w->dctx = ZSTD_createDCtx();
	if (!w->dctx)
		str_out_of_memory();
	/* Error codes are larger than any raw_len. */
	return ZSTD_decompressDCtx(w->dctx, out, raw_len, packed.data,
				   packed.len) == raw_len;
}

int wire_codec_unpack(struct buf *out, struct bytes packed,
		      enum wire_codec codec, uint32_t raw_len)
{
	uint8_t *to;
	bool good = false;

	if (raw_len > WIRE_BODY_MAX || (codec != WIRE_PLAIN && !packed.len))
		return -EPROTO;
	if (buf_reserve(out, raw_len))
		return -ENOMEM;

	to = out->data + out->len;
	if (codec == WIRE_PLAIN) {
		good = packed.len == raw_len;
		if (good && raw_len)
			memcpy(to, packed.data, raw_len);
	} else if (codec == WIRE_LZO) {
		good = unpack_lzo(to, raw_len, packed);
	} else if (codec == WIRE_ZSTD) {
		good = unpack_zstd(to, raw_len, packed);
	}
	if (good)
		out->len += raw_len;
	out->data[out->len] = '\0';
	return good ? 0 : -EPROTO;
}

static const char *const names[] = {
	[WIRE_PLAIN] = "none",
	[WIRE_LZO] = "lzo",
	[WIRE_ZSTD] = "zstd",
};

int wire_codec_parse(const char *name, enum wire_codec *out)
{
	for (unsigned i = 0; i <= WIRE_ZSTD; i++) {
		if (!strcmp(name, names[i])) {
			*out = (enum wire_codec)i;
			return 0;
		}
	}
	return -EINVAL;
}
