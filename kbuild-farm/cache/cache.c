/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cache/cache.h"

#include "base/fs.h"
#include "base/str.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

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

int cache_read_output(struct store *s, const struct cache_blob *blob, int i,
		      struct peer_job_result *out)
{
	struct buf content = { 0 };
	int ret = store_read_blob(s, &blob->digest, blob->size_bytes, &content);

	if (!ret)
		ret = cache_record_add_output(out, i, buf_bytes(&content));
	buf_release(&content);
	return ret;
}

/* Decode a record and read the blobs that it names. */
static int decode(struct store *s, struct bytes record,
		  struct peer_job_result *out)
{
	struct cache_blob blobs[WIRE_N_OUTPUTS] = { 0 };
	int ret = cache_record_decode(record, out, blobs);

	for (int i = 0; i < WIRE_N_OUTPUTS && !ret; i++) {
		if (digest_is_set(&blobs[i].digest))
			ret = cache_read_output(s, &blobs[i], i, out);
	}
	return ret;
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

static int add_blob(struct store *s, struct bytes content,
		    const struct digest *d)
{
	struct store_write *w;
	int ret;

	/* Replace an existing blob, because it can be damaged. */
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
	struct cache_blob blobs[WIRE_N_OUTPUTS] = { 0 };
	int ret = 0;

	cache_record_encode(record, result, blobs);
	for (int i = 0; i < WIRE_N_OUTPUTS && !ret; i++) {
		if (digest_is_set(&blobs[i].digest))
			ret = add_blob(s, buf_bytes(&blobs[i].content),
				       &blobs[i].digest);
	}
	cache_record_release_blobs(blobs);
	return ret;
}

int cache_add(struct cache *c, const struct digest *key,
	      const struct peer_job_result *result, struct err *err)
{
	struct buf record = { 0 };
	int ret;

	if (atomic_load(&c->read_only))
		return -ECANCELED;
	ret = add_outputs(c->store, result, &record);
	if (!ret)
		ret = store_put_record(c->store, STORE_RECORD_ACTION, key,
				       buf_bytes(&record));
	buf_release(&record);
	/* -EFBIG concerns only this result, which is larger than the cache. */
	if (!ret || ret == -EFBIG)
		return ret;
	if (atomic_exchange(&c->read_only, true))
		return -ECANCELED;
	return err_set(err, -ret,
		       "result cache %s: %s; no more results are stored in "
		       "this build",
		       c->dir, strerror(-ret));
}
