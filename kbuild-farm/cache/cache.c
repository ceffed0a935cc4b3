/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The content of a record:
 *
 *	u8	version of this format
 *	u8	number of side outputs
 *	u32	CPU time in ms, u32 duration in ms, u32 peak memory in KiB
 *	for each of the WIRE_N_OUTPUTS outputs:
 *	u32	size in bytes
 *	bytes	the output; if it is longer than INLINE_MAX, its digest, under
 *		which the store has the output as a blob
 *
 * Numbers are little-endian.
 */
#include "cache/cache.h"

#include "base/fs.h"
#include "base/str.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define VERSION    1
#define INLINE_MAX 4096u /* longer outputs are separate blobs */

struct cache {
	struct store *store;
	char *dir;
	bool write_only;
	atomic_bool read_only; /* after an error */
};

char *cache_default_dir(void)
{
	char *home = fs_cache_home();
	char *dir = xasprintf("%s/results", home);

	free(home);
	return dir;
}

int cache_open(struct cache **out, const struct cache_setup *setup,
	       struct err *err)
{
	struct cache *c = xcalloc(1, sizeof(*c));
	int ret;

	c->dir = setup->dir ? xstrdup(setup->dir) : cache_default_dir();
	c->write_only = setup->write_only;
	ret = store_open(&c->store, c->dir,
			 setup->size_bytes ? setup->size_bytes :
					     CACHE_SIZE_DEFAULT,
			 err);
	if (ret) {
		cache_free(c);
		return ret;
	}
	*out = c;
	return 0;
}

void cache_free(struct cache *c)
{
	if (!c)
		return;
	store_free(c->store);
	free(c->dir);
	free(c);
}

bool cache_is_read(const struct cache *c)
{
	return !c->write_only;
}

struct store *cache_store(const struct cache *c)
{
	return c->store;
}

/* Decode a record and read the blobs that it names. */
static int decode(struct store *s, struct bytes record,
		  struct peer_job_result *out)
{
	struct wire_result *w = &out->wire;
	struct reader r;
	struct bytes head;
	int ret = 0;

	reader_init(&r, record);
	head = reader_raw(&r, 2);
	w->cpu_ms = reader_u32(&r);
	w->wall_ms = reader_u32(&r);
	w->peak_kib = reader_u32(&r);
	if (r.bad || head.data[0] != VERSION || head.data[1] > WIRE_SIDES_MAX)
		return -EBADMSG;
	w->n_sides = head.data[1];
	out->n_side_outputs = head.data[1];
	for (int i = 0; i < WIRE_N_OUTPUTS && !ret; i++) {
		uint32_t len = reader_u32(&r);
		struct bytes in = reader_raw(
			&r, len > INLINE_MAX ? DIGEST_SIZE : len);
		struct digest d;

		if (r.bad || len > wire_output_max((enum wire_output)i))
			return -EBADMSG;
		w->output_bytes[i] = len;
		if (len > INLINE_MAX) {
			memcpy(d.b, in.data, sizeof(d.b));
			ret = store_read_blob(s, &d, len, &out->streams[i]);
		} else {
			buf_add_bytes(&out->streams[i], in);
		}
	}
	return ret ? ret : reader_end(&r) ? -EBADMSG : 0;
}

int cache_find(struct cache *c, const struct digest *key,
	       struct peer_job_result *out)
{
	struct buf record = { 0 };
	int ret = c->write_only ?
			  -ENOENT :
			  store_get_record(c->store, STORE_RECORD_ACTION, key,
					   &record);

	*out = (struct peer_job_result){ 0 };
	if (!ret) {
		ret = decode(c->store, buf_bytes(&record), out);
		if (ret == -EBADMSG || ret == -ENOENT)
			store_remove_record(c->store, STORE_RECORD_ACTION, key);
	}
	buf_release(&record);
	if (!ret)
		return 0;
	peer_job_result_release(out);
	*out = (struct peer_job_result){ 0 };
	return ret;
}

/* Write an output as a blob. */
static int add_blob(struct store *s, struct bytes content, struct digest *d)
{
	struct store_write *w;
	int ret;

	/* An equal blob is replaced, because it can be damaged. */
	digest_bytes(content, d);
	ret = store_write_begin(&w, s, d, content.len, false);
	if (ret)
		return ret;
	ret = store_write_add(w, content);
	if (ret) {
		store_write_abort(w);
		return ret;
	}
	return store_write_commit(w);
}

static int add_outputs(struct store *s, const struct peer_job_result *result,
		       struct buf *record)
{
	int ret = 0;

	buf_put_u8(record, VERSION);
	buf_put_u8(record, result->wire.n_sides);
	buf_put_u32(record, result->wire.cpu_ms);
	buf_put_u32(record, result->wire.wall_ms);
	buf_put_u32(record, result->wire.peak_kib);
	for (int i = 0; i < WIRE_N_OUTPUTS && !ret; i++) {
		struct bytes in = buf_bytes(&result->streams[i]);
		struct digest d;

		buf_put_u32(record, (uint32_t)in.len);
		if (in.len > INLINE_MAX) {
			ret = add_blob(s, in, &d);
			in = bytes_of(d.b, sizeof(d.b));
		}
		buf_add_bytes(record, in);
	}
	return ret;
}

int cache_add(struct cache *c, const struct digest *key,
	      const struct peer_job_result *result, struct err *err)
{
	struct buf record = { 0 };
	int ret;

	if (atomic_load(&c->read_only))
		return -EROFS;
	ret = add_outputs(c->store, result, &record);
	if (!ret)
		ret = store_put_record(c->store, STORE_RECORD_ACTION, key,
				       buf_bytes(&record));
	buf_release(&record);
	/* An object larger than the cache concerns this result only. */
	if (!ret || ret == -EFBIG)
		return ret;
	if (atomic_exchange(&c->read_only, true))
		return -EROFS;
	return err_set(err, -ret,
		       "result cache %s: %s; no more results are stored in "
		       "this build",
		       c->dir, strerror(-ret));
}
