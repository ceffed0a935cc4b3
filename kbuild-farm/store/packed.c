/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "store/packed.h"

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

/* A blob that is being made is in the map but not yet anybody's. */
struct blob {
	struct map_node node;
	TAILQ_ENTRY(blob) idle; /* only without users */
	struct store_packed_blob pub;
	size_t memory; /* what is charged for it */
	unsigned users;
	bool making;
};

struct store_packed {
	pthread_mutex_t lock;
	pthread_cond_t made; /* one was made, or failed */
	store_pack_fn pack;
	void *arg;
	struct map blobs;
	TAILQ_HEAD(blob_list, blob) idle; /* the first was put back last */
	size_t limit, idle_limit, memory, idle_memory;
	uint64_t n_made, raw_bytes, packed_bytes, reused, dropped;
};

struct store_packed *store_packed_new(size_t limit, size_t idle_limit,
				      store_pack_fn pack, void *arg)
{
	struct store_packed *p = xcalloc(1, sizeof(*p));

	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->made, NULL);
	TAILQ_INIT(&p->idle);
	p->pack = pack;
	p->arg = arg;
	p->limit = limit;
	p->idle_limit = idle_limit;
	return p;
}

static void free_packed(struct map_node *node)
{
	struct blob *b = (struct blob *)node;

	for (size_t i = 0; i < b->pub.n; i++)
		free((void *)b->pub.piece[i].data);
	free(b->pub.piece);
	free(b);
}

/* Below, until the next such line: with the lock held. */

static void drop_blob(struct store_packed *p, struct blob *b)
{
	map_remove(&p->blobs, &b->node);
	p->memory -= b->memory;
	free_packed(&b->node);
}

static void drop_idle(struct store_packed *p, struct blob *b)
{
	TAILQ_REMOVE(&p->idle, b, idle);
	p->idle_memory -= b->memory;
	p->dropped++;
	drop_blob(p, b);
}

static void drop_beyond(struct store_packed *p)
{
	while (p->idle_memory > p->idle_limit)
		drop_idle(p, TAILQ_LAST(&p->idle, blob_list));
}

static struct blob *find_packed(struct store_packed *p, const struct digest *d)
{
	struct map_node *n = map_find(&p->blobs, digest_hash(d));

	while (n && !digest_equal(&((struct blob *)n)->pub.digest, d))
		n = map_again(n);
	return (struct blob *)n;
}

static void use(struct store_packed *p, struct blob *b)
{
	if (!b->users++) {
		TAILQ_REMOVE(&p->idle, b, idle);
		p->idle_memory -= b->memory;
	}
	p->reused++;
}

static int charge(struct store_packed *p, struct blob *b, size_t n)
{
	if (n > p->limit / 2 - b->memory)
		return -EFBIG;
	while (p->memory > p->limit - n && !TAILQ_EMPTY(&p->idle))
		drop_idle(p, TAILQ_LAST(&p->idle, blob_list));
	if (p->memory > p->limit - n)
		return -ENOBUFS;
	p->memory += n;
	b->memory += n;
	return 0;
}

/*
 * Somebody's *found, or a new one that the caller must make, marked as such.
 * Waits as long as another thread is making it.
 */
static struct blob *find_or_add(struct store_packed *p, const struct digest *d,
				uint64_t size, bool *found)
{
	struct blob *b;

	while ((b = find_packed(p, d)) != NULL && b->making)
		pthread_cond_wait(&p->made, &p->lock);
	*found = b != NULL;
	if (b) {
		use(p, b);
		return b;
	}
	b = xcalloc(1, sizeof(*b));
	b->pub.digest = *d;
	b->pub.size = size;
	b->making = true;
	map_add(&p->blobs, &b->node, digest_hash(d));
	return b;
}

/* The maker is through with it, or has failed: then `b` is gone. */
static void leave(struct store_packed *p, struct blob *b, int failed)
{
	if (failed) {
		drop_blob(p, b);
	} else {
		b->making = false;
		b->users = 1;
		p->n_made++;
		p->raw_bytes += b->pub.size;
		p->packed_bytes += b->pub.packed;
	}
	pthread_cond_broadcast(&p->made);
}

/* ---- Below: without it, on the thread that makes the blob. */

static void add_piece(struct blob *b, struct buf *out)
{
	size_t len = out->len;
	uint8_t *data = xrealloc(buf_steal(out), len ? len : 1);

	*VEC_ADD(b->pub.piece, b->pub.n) = bytes_of(data, len);
	b->pub.packed += len;
}

static int pack_piece(struct store_packed *p, struct blob *b, uint64_t offset,
		      struct bytes piece)
{
	struct buf out = { 0 };
	int ret = p->pack(p->arg, &b->pub.digest, b->pub.size, offset, piece,
			  &out);

	if (!ret) {
		pthread_mutex_lock(&p->lock);
		ret = charge(p, b,
			     out.len + sizeof(struct bytes) +
				     (b->pub.n ? 0 : sizeof(*b)));
		pthread_mutex_unlock(&p->lock);
	}
	if (!ret)
		add_piece(b, &out);
	buf_release(&out);
	return ret;
}

/* Exactly `n` bytes: 0; -ESTALE when there are fewer. */
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

static int pack_fd(struct store_packed *p, struct blob *b, int fd)
{
	struct digest_run *run = digest_new();
	uint8_t *block = xmalloc(STORE_PIECE_MAX);
	uint64_t offset = 0;
	struct digest sum;
	int ret;

	do {
		uint64_t left = b->pub.size - offset;
		size_t n = left < STORE_PIECE_MAX ? left : STORE_PIECE_MAX;

		ret = read_piece(fd, block, n);
		digest_add(run, bytes_of(block, ret ? 0 : n));
		if (!ret)
			ret = pack_piece(p, b, offset, bytes_of(block, n));
		offset += n;
	} while (!ret && offset < b->pub.size);
	digest_end(run, &sum);
	free(block);
	if (!ret && !digest_equal(&sum, &b->pub.digest))
		ret = -ESTALE;
	return ret;
}

static int pack_file(struct store_packed *p, struct blob *b, const char *path)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;
	int ret;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st))
		ret = -errno;
	else if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size != b->pub.size)
		ret = -ESTALE;
	else
		ret = pack_fd(p, b, fd);
	close(fd);
	return ret;
}

int store_packed_file(struct store_packed *p, const struct digest *d,
		      uint64_t size, const char *path,
		      const struct store_packed_blob **out, struct err *err)
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
		leave(p, b, ret);
		pthread_mutex_unlock(&p->lock);
		if (ret == -ESTALE)
			return err_set(err, ESTALE, "%s: has changed", path);
		if (ret)
			return err_set(err, -ret, "%s: %s", path,
				       strerror(-ret));
	}
	*out = &b->pub;
	return 0;
}

void store_packed_put(struct store_packed *p,
		      const struct store_packed_blob *blob)
{
	struct blob *b;

	if (!blob)
		return;
	b = (struct blob *)((char *)blob - offsetof(struct blob, pub));
	pthread_mutex_lock(&p->lock);
	if (!--b->users) {
		TAILQ_INSERT_HEAD(&p->idle, b, idle);
		p->idle_memory += b->memory;
		drop_beyond(p);
	}
	pthread_mutex_unlock(&p->lock);
}

void store_packed_free(struct store_packed *p)
{
	if (!p)
		return;
	map_release_all(&p->blobs, free_packed);
	pthread_cond_destroy(&p->made);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

void store_packed_stats(struct store_packed *p, struct store_packed_stats *out)
{
	pthread_mutex_lock(&p->lock);
	*out = (struct store_packed_stats){
		.blobs = p->blobs.n,
		.memory = p->memory,
		.in_use = p->memory - p->idle_memory,
		.made = p->n_made,
		.raw_bytes = p->raw_bytes,
		.packed_bytes = p->packed_bytes,
		.reused = p->reused,
		.dropped = p->dropped,
	};
	pthread_mutex_unlock(&p->lock);
}
