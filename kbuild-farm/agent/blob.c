/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/blob.h"

#include "base/clock.h"
#include "base/str.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

struct agent_blob {
	struct digest digest; /* first, for tsearch() */
	struct agent_blobs *all;
	uint64_t size;
	uint64_t got;
	struct store_in *in; /* from its first piece to its last */
	int failed; /* the store does not take it: why */
	TAILQ_HEAD(, agent_want) wants;
};

struct agent_blobs {
	struct store *store;
	void *tree; /* of what was asked for and is not there yet */
	size_t n;
	unsigned open;
	uint64_t at; /* clock_ms() of the last piece */
};

struct agent_blobs *agent_blobs_new(struct store *store)
{
	struct agent_blobs *b = xcalloc(1, sizeof(*b));

	b->store = store;
	return b;
}

static void free_blob(void *at)
{
	struct agent_blob *blob = at;

	store_in_abort(blob->in);
	free(blob);
}

void agent_blobs_free(struct agent_blobs *b)
{
	tdestroy(b->tree, free_blob);
	free(b);
}

static struct agent_blob *find_blob(struct agent_blobs *b,
				    const struct digest *d)
{
	struct agent_blob **at = tfind(d, &b->tree, digest_compare);

	return at ? *at : NULL;
}

static struct agent_blob *add_blob(struct agent_blobs *b,
				   const struct digest *d, uint64_t size)
{
	struct agent_blob *blob = xcalloc(1, sizeof(*blob));

	*blob = (struct agent_blob){ .digest = *d, .all = b, .size = size };
	TAILQ_INIT(&blob->wants);
	if (!tsearch(blob, &b->tree, digest_compare))
		str_out_of_memory();
	b->n++;
	return blob;
}

int agent_blobs_want(struct agent_blobs *b, const struct digest *d,
		     uint64_t size, struct agent_want *w, bool *ask)
{
	struct agent_blob *blob = find_blob(b, d);

	*ask = !blob;
	if (!blob && b->n >= AGENT_BLOBS_ASKED)
		return -ENOBUFS;
	if (!blob) {
		b->at = clock_ms();
		blob = add_blob(b, d, size);
	}
	if (blob->size != size)
		return -EPROTO;
	w->blob = blob;
	TAILQ_INSERT_TAIL(&blob->wants, w, link);
	return 0;
}

void agent_blobs_forget(struct agent_want *w)
{
	if (w->blob)
		TAILQ_REMOVE(&w->blob->wants, w, link);
	w->blob = NULL;
}

uint64_t agent_blobs_silence(const struct agent_blobs *b)
{
	return b->n ? clock_ms() - b->at : 0;
}

static void tell_wants(struct agent_blob *blob, int ret)
{
	struct agent_want *w;

	while ((w = TAILQ_FIRST(&blob->wants))) {
		agent_blobs_forget(w);
		w->came(w, ret);
	}
}

/* Pieces that still come for it are dropped. */
static void abandon_blob(struct agent_blob *blob, int ret)
{
	if (blob->in)
		blob->all->open--;
	store_in_abort(blob->in);
	blob->in = NULL;
	blob->failed = ret;
	tell_wants(blob, ret);
}

static int end_blob(struct agent_blob *blob, struct err *err)
{
	struct agent_blobs *b = blob->all;
	char hex[DIGEST_HEX];
	int ret = blob->failed;

	if (blob->in) {
		b->open--;
		ret = store_in_end(blob->in);
		blob->in = NULL;
	}
	tdelete(blob, &b->tree, digest_compare);
	b->n--;
	if (ret != -EBADMSG) {
		/* Those who wait pin it themselves before ours goes. */
		tell_wants(blob, ret);
		if (!ret)
			store_unpin(b->store, &blob->digest);
		ret = 0;
	} else {
		digest_hex(&blob->digest, hex);
		err_set(err, EPROTO, "blob %.12s is not what it should be",
			hex);
		ret = -EPROTO;
		tell_wants(blob, ret);
	}
	free(blob);
	return ret;
}

static int begin_blob(struct agent_blob *blob, struct err *err)
{
	struct agent_blobs *b = blob->all;
	int ret;

	if (b->open >= AGENT_BLOBS_OPEN)
		return err_set(err, EPROTO, "more than %d blobs at once",
			       AGENT_BLOBS_OPEN);
	ret = store_in_begin(&blob->in, b->store, &blob->digest, blob->size,
			     true);
	if (ret) {
		blob->in = NULL;
		abandon_blob(blob, ret);
	} else {
		b->open++;
	}
	return 0;
}

int agent_blobs_take(struct agent_blobs *b, const struct wire_blob *m,
		     struct err *err)
{
	struct agent_blob *blob = find_blob(b, &m->digest);
	int ret = 0;

	if (!blob)
		return err_set(err, EPROTO, "a blob that was not asked for");
	b->at = clock_ms();
	if (m->size != blob->size || m->offset != blob->got)
		return err_set(err, EPROTO,
			       "a piece of a blob that does not fit");
	if (!blob->got && !blob->failed)
		ret = begin_blob(blob, err);
	if (ret)
		return ret;
	blob->got += m->data.len;
	if (blob->in)
		ret = store_in_add(blob->in, m->data);
	if (ret)
		abandon_blob(blob, ret);
	return blob->got == blob->size ? end_blob(blob, err) : 0;
}
