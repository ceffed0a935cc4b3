/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "store/identity.h"

#include "base/list.h"
#include "base/map.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TRIES_MAX  5
#define BLOCK_SIZE (128u << 10)

struct file {
	struct map_node node;
	TAILQ_ENTRY(file) used;
	struct stamp stamp;
	struct digest digest;
	bool executable;
};

struct store_identities {
	pthread_mutex_t lock;
	struct map files;
	TAILQ_HEAD(file_list, file) used; /* the first was used last */
	size_t max;
	uint64_t read, read_bytes, reused;
};

struct store_identities *store_identities_new(size_t max)
{
	struct store_identities *memo = xcalloc(1, sizeof(*memo));

	pthread_mutex_init(&memo->lock, NULL);
	TAILQ_INIT(&memo->used);
	memo->max = max;
	return memo;
}

/* Below, until store_identities_free(): with the lock held. */

static void forget(struct store_identities *memo, struct file *f)
{
	TAILQ_REMOVE(&memo->used, f, used);
	map_remove(&memo->files, &f->node);
	free(f);
}

static struct file *find_stamp(struct store_identities *memo,
			       const struct stamp *stamp)
{
	struct map_node *n = map_find(&memo->files, stamp_hash(stamp));

	while (n && !stamp_equal(&((struct file *)n)->stamp, stamp))
		n = map_again(n);
	return (struct file *)n;
}

static void remember_file(struct store_identities *memo,
			  const struct store_identity *id)
{
	struct file *f;

	if (!memo->max || find_stamp(memo, &id->stamp))
		return;
	while (memo->files.n >= memo->max)
		forget(memo, TAILQ_LAST(&memo->used, file_list));
	f = xcalloc(1, sizeof(*f));
	f->stamp = id->stamp;
	f->digest = id->digest;
	f->executable = id->executable;
	map_add(&memo->files, &f->node, stamp_hash(&f->stamp));
	TAILQ_INSERT_HEAD(&memo->used, f, used);
}

void store_identities_free(struct store_identities *memo)
{
	if (!memo)
		return;
	map_release_all(&memo->files, NULL);
	pthread_mutex_destroy(&memo->lock);
	free(memo);
}

bool store_identity_find(struct store_identities *memo,
			 const struct stamp *stamp, struct store_identity *out)
{
	struct file *f;

	pthread_mutex_lock(&memo->lock);
	f = find_stamp(memo, stamp);
	if (f) {
		*out = (struct store_identity){ f->stamp, f->digest,
						f->executable, true };
		TAILQ_REMOVE(&memo->used, f, used);
		TAILQ_INSERT_HEAD(&memo->used, f, used);
		memo->reused++;
	}
	pthread_mutex_unlock(&memo->lock);
	return f != NULL;
}

static int check_kind(const struct stat *st)
{
	if (S_ISDIR(st->st_mode))
		return -EISDIR;
	return S_ISREG(st->st_mode) ? 0 : -EINVAL;
}

/* All of it, hashed and kept if wanted: -EAGAIN when it is not `size` long. */
static int hash_content(int fd, uint64_t size, struct digest *out,
			struct buf *content)
{
	struct digest_run *run = digest_new();
	uint8_t *block = xmalloc(BLOCK_SIZE);
	uint64_t got = 0;
	ssize_t n;
	int ret = 0;

	while (!ret && (n = read(fd, block, BLOCK_SIZE)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			ret = -errno;
			break;
		}
		got += (uint64_t)n;
		if (got > size)
			ret = -EAGAIN;
		digest_add(run, bytes_of(block, (size_t)n));
		/* Room for `size` was made before. */
		if (!ret && content)
			buf_add(content, block, (size_t)n);
	}
	free(block);
	digest_end(run, out);
	return ret || got == size ? ret : -EAGAIN;
}

static int read_identity(int fd, struct store_identity *out,
			 struct buf *content, size_t max)
{
	int64_t now = stamp_now();
	struct stamp after;
	struct stat st;
	int ret;

	if (fstat(fd, &st))
		return -errno;
	ret = check_kind(&st);
	if (ret)
		return ret;
	stamp_of(&out->stamp, &st);
	if (content && out->stamp.size > max)
		return -EFBIG;
	if (content && buf_reserve(content, (size_t)out->stamp.size))
		return -ENOMEM;
	ret = hash_content(fd, out->stamp.size, &out->digest, content);
	if (!ret && fstat(fd, &st))
		ret = -errno;
	if (ret)
		return ret;
	stamp_of(&after, &st);
	out->executable = st.st_mode & S_IXUSR;
	out->settled = stamp_settled(&out->stamp, now);
	return stamp_equal(&after, &out->stamp) ? 0 : -EAGAIN;
}

static int open_and_read(const char *path, struct store_identity *out,
			 struct buf *content, size_t max)
{
	size_t before = content ? content->len : 0;
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	int ret;

	if (fd < 0)
		return -errno;
	ret = read_identity(fd, out, content, max);
	close(fd);
	if (ret && content && content->len > before) {
		content->len = before;
		content->data[before] = '\0';
	}
	return ret;
}

static int find_known(struct store_identities *memo, const char *path,
		      struct store_identity *out)
{
	struct stamp stamp;
	struct stat st;
	int ret;

	if (stat(path, &st))
		return -errno;
	ret = check_kind(&st);
	if (ret)
		return ret;
	stamp_of(&stamp, &st);
	return store_identity_find(memo, &stamp, out) ? 0 : -ESTALE;
}

int store_identity_get(struct store_identities *memo, const char *path,
		       struct store_identity *out, struct buf *content,
		       size_t content_max, struct err *err)
{
	struct store_identity id = { 0 };
	int ret = find_known(memo, path, &id);

	if (ret == -ESTALE || (!ret && content)) {
		ret = -EAGAIN;
		for (int i = 0; i < TRIES_MAX && ret == -EAGAIN; i++)
			ret = open_and_read(path, &id, content, content_max);
		pthread_mutex_lock(&memo->lock);
		memo->read++;
		memo->read_bytes += ret ? 0 : id.stamp.size;
		if (!ret && id.settled)
			remember_file(memo, &id);
		pthread_mutex_unlock(&memo->lock);
	}
	if (ret == -EAGAIN)
		return err_set(err, EAGAIN, "%s: changes while it is read",
			       path);
	if (ret)
		return err_set(err, -ret, "%s: %s", path, strerror(-ret));
	*out = id;
	return 0;
}

void store_identity_stats(struct store_identities *memo,
			  struct store_identity_stats *out)
{
	pthread_mutex_lock(&memo->lock);
	*out = (struct store_identity_stats){
		.files = memo->files.n,
		.memory = memo->files.n * sizeof(struct file) +
			  (memo->files.mask + 1) * sizeof(void *),
		.read = memo->read,
		.read_bytes = memo->read_bytes,
		.reused = memo->reused,
	};
	pthread_mutex_unlock(&memo->lock);
}
