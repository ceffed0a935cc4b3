/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "store/packed-cache.h"

#include "base/list.h"
#include "base/map.h"
#include "base/str.h"
#include "base/vec.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* While a blob is being packed, it is in the map but no thread can use it. */
struct blob {
	struct map_entry node;
	TAILQ_ENTRY(blob) idle; /* in the list while packed and without users */
	struct store_packed_blob pub;
	size_t memory; /* bytes charged to the cache for this blob */
	unsigned users;
	bool making; /* a thread is packing the blob */
};

struct store_packed_cache {
	pthread_mutex_t lock;
	pthread_cond_t blob_made; /* a blob was packed, or packing failed */
	store_pack_fn pack;
	void *arg;
	struct map blobs;
	TAILQ_HEAD(blob_list, blob) idle; /* most recently put back first */
	size_t limit_bytes, idle_limit_bytes, memory_bytes, idle_bytes;
	uint64_t n_made, raw_bytes, packed_bytes, n_reused, n_dropped;
};

struct store_packed_cache *store_packed_cache_new(size_t limit,
						  size_t idle_limit,
						  store_pack_fn pack, void *arg)
{
	struct store_packed_cache *p = xcalloc(1, sizeof(*p));

	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->blob_made, NULL);
	TAILQ_INIT(&p->idle);
	p->pack = pack;
	p->arg = arg;
	p->limit_bytes = limit;
	p->idle_limit_bytes = idle_limit;
	return p;
}

static void free_packed_blob(struct map_entry *node)
{
	struct blob *b = (struct blob *)node;

	for (size_t i = 0; i < b->pub.n_pieces; i++)
		free((void *)b->pub.pieces[i].data);
	free(b->pub.pieces);
	free(b);
}

/*
 * The functions from drop_blob() to finish_packing() are called with the lock
 * held.
 */

static void drop_blob(struct store_packed_cache *p, struct blob *b)
{
	map_remove(&p->blobs, &b->node);
	p->memory_bytes -= b->memory;
	free_packed_blob(&b->node);
}

static void drop_idle(struct store_packed_cache *p, struct blob *b)
{
	TAILQ_REMOVE(&p->idle, b, idle);
	p->idle_bytes -= b->memory;
	p->n_dropped++;
	drop_blob(p, b);
}

static struct blob *find_packed_blob(struct store_packed_cache *p,
				     const struct digest *d)
{
	struct map_entry *n = map_find(&p->blobs, digest_hash(d));

	while (n && !digest_equal(&((struct blob *)n)->pub.digest, d))
		n = map_next_match(n);
	return (struct blob *)n;
}

static int charge_memory(struct store_packed_cache *p, struct blob *b, size_t n)
{
	if (n > p->limit_bytes / 2 - b->memory)
		return -EFBIG;
	while (p->memory_bytes > p->limit_bytes - n && !TAILQ_EMPTY(&p->idle))
		drop_idle(p, TAILQ_LAST(&p->idle, blob_list));
	if (p->memory_bytes > p->limit_bytes - n)
		return -ENOBUFS;
	p->memory_bytes += n;
	b->memory += n;
	return 0;
}

/*
 * Return an existing blob with *found set, or a new blob that the caller must
 * pack.  Waits while another thread is packing the blob.
 */
static struct blob *find_or_add(struct store_packed_cache *p,
				const struct digest *d, uint64_t size,
				bool *found)
{
	struct blob *b;

	while ((b = find_packed_blob(p, d)) != NULL && b->making)
		pthread_cond_wait(&p->blob_made, &p->lock);
	*found = b != NULL;
	if (b) {
		if (!b->users++) {
			TAILQ_REMOVE(&p->idle, b, idle);
			p->idle_bytes -= b->memory;
		}
		p->n_reused++;
		return b;
	}
	b = xcalloc(1, sizeof(*b));
	b->pub.digest = *d;
	b->pub.raw_bytes = size;
	b->making = true;
	map_add(&p->blobs, &b->node, digest_hash(d));
	return b;
}

/* Finish packing.  Frees `b` after a failure. */
static void finish_packing(struct store_packed_cache *p, struct blob *b,
			   int failed)
{
	if (failed) {
		drop_blob(p, b);
	} else {
		b->making = false;
		b->users = 1;
		p->n_made++;
		p->raw_bytes += b->pub.raw_bytes;
		p->packed_bytes += b->pub.packed_bytes;
	}
	pthread_cond_broadcast(&p->blob_made);
}

/*
 * The functions from pack_piece() to pack_file() are called on the thread that
 * packs the blob, without the lock.
 */

static int pack_piece(struct store_packed_cache *p, struct blob *b,
		      uint64_t offset, struct bytes piece)
{
	struct buf out = { 0 };
	uint8_t *data;
	size_t len;
	int ret = p->pack(p->arg, &b->pub.digest, b->pub.raw_bytes, offset,
			  piece, &out);

	len = out.len;
	if (!ret) {
		pthread_mutex_lock(&p->lock);
		ret = charge_memory(p, b,
				    len + sizeof(struct bytes) +
					    (b->pub.n_pieces ? 0 : sizeof(*b)));
		pthread_mutex_unlock(&p->lock);
	}
	if (!ret) {
		data = xrealloc(buf_steal(&out), len ? len : 1);
		*VEC_ADD(b->pub.pieces, b->pub.n_pieces) = bytes_of(data, len);
		b->pub.packed_bytes += len;
	}
	buf_release(&out);
	return ret;
}

/*
 * Read exactly `n` bytes.  Returns 0; -ESTALE if the file is shorter; or
 * another negative errno.
 */
static int read_piece(int fd, uint8_t *block, size_t n)
{
	size_t got = 0;

	while (got < n) {
		ssize_t more = read(fd, block + got, n - got);

		if (more < 0 && errno == EINTR)
			continue;
		if (more <= 0)
			return more ? -errno : -ESTALE;
		got += (size_t)more;
	}
	return 0;
}

static int pack_fd(struct store_packed_cache *p, struct blob *b, int fd)
{
	struct digest_ctx *run = digest_new();
	uint8_t *block = xmalloc(STORE_PIECE_MAX);
	uint64_t offset = 0;
	struct digest sum;
	int ret;

	do {
		uint64_t left = b->pub.raw_bytes - offset;
		size_t n = left < STORE_PIECE_MAX ? left : STORE_PIECE_MAX;

		ret = read_piece(fd, block, n);
		digest_add(run, bytes_of(block, ret ? 0 : n));
		if (!ret)
			ret = pack_piece(p, b, offset, bytes_of(block, n));
		offset += n;
	} while (!ret && offset < b->pub.raw_bytes);
	digest_finish(run, &sum);
	free(block);
	if (!ret && !digest_equal(&sum, &b->pub.digest))
		ret = -ESTALE;
	return ret;
}

static int pack_file(struct store_packed_cache *p, struct blob *b,
		     const char *path)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;
	int ret;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st))
		ret = -errno;
	else if (!S_ISREG(st.st_mode) ||
		 (uint64_t)st.st_size != b->pub.raw_bytes)
		ret = -ESTALE;
	else
		ret = pack_fd(p, b, fd);
	close(fd);
	return ret;
}

int store_packed_cache_get(struct store_packed_cache *p, const struct digest *d,
			   uint64_t size, const char *path,
			   const struct store_packed_blob **out,
			   struct err *err)
{
	struct blob *b;
	bool found;
	int ret;

	pthread_mutex_lock(&p->lock);
	b = find_or_add(p, d, size, &found);
	pthread_mutex_unlock(&p->lock);
	if (!found) {
		ret = pack_file(p, b, path);
		pthread_mutex_lock(&p->lock);
		finish_packing(p, b, ret);
		pthread_mutex_unlock(&p->lock);
		if (ret == -ESTALE)
			return err_set(err, ESTALE, "%s: file has changed",
				       path);
		if (ret)
			return err_set(err, -ret, "%s: %s", path,
				       strerror(-ret));
	}
	*out = &b->pub;
	return 0;
}

void store_packed_cache_put(struct store_packed_cache *p,
			    const struct store_packed_blob *blob)
{
	struct blob *b;

	if (!blob)
		return;
	b = (struct blob *)((char *)blob - offsetof(struct blob, pub));
	pthread_mutex_lock(&p->lock);
	if (!--b->users) {
		TAILQ_INSERT_HEAD(&p->idle, b, idle);
		p->idle_bytes += b->memory;
		while (p->idle_bytes > p->idle_limit_bytes)
			drop_idle(p, TAILQ_LAST(&p->idle, blob_list));
	}
	pthread_mutex_unlock(&p->lock);
}

void store_packed_cache_free(struct store_packed_cache *p)
{
	if (!p)
		return;
	map_release_entries(&p->blobs, free_packed_blob);
	pthread_cond_destroy(&p->blob_made);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

void store_packed_cache_stats(struct store_packed_cache *p,
			      struct store_packed_cache_stats *out)
{
	pthread_mutex_lock(&p->lock);
	*out = (struct store_packed_cache_stats){
		.n_blobs = p->blobs.n_entries,
		.memory_bytes = p->memory_bytes,
		.in_use_bytes = p->memory_bytes - p->idle_bytes,
		.n_packed = p->n_made,
		.raw_bytes = p->raw_bytes,
		.packed_bytes = p->packed_bytes,
		.n_reused = p->n_reused,
		.n_dropped = p->n_dropped,
	};
	pthread_mutex_unlock(&p->lock);
}
