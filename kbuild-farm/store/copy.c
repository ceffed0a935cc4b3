/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "store/state.h"

#include "base/str.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define BLOCK_SIZE (128u << 10)

/* Is what `fd` holds what the digest says?  Reads it to its end. */
static bool has_content(int fd, const struct digest *d)
{
	struct digest_run *run = digest_new();
	uint8_t *block = xmalloc(BLOCK_SIZE);
	struct digest sum;
	ssize_t n;

	while ((n = read(fd, block, BLOCK_SIZE)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		/* What the disk cannot read is damaged, too. */
		if (n < 0)
			break;
		digest_add(run, bytes_of(block, (size_t)n));
	}
	digest_end(run, &sum);
	free(block);
	return digest_equal(&sum, d);
}

/* A descriptor of the pin or of the entry, in this order. */
static int open_either(struct store *s, const struct digest *d, struct stat *st)
{
	struct store_place at;
	int fd = store_pin_open(s, d, st), ret;

	if (fd != -ENOENT)
		return fd;
	ret = store_place_init(s, &at, d, false);
	if (ret)
		return ret;
	fd = store_entry_open(s, at.dir, at.name, st);
	if (fd >= 0)
		store_entry_touch(at.dir, at.name, st);
	store_place_release(&at);
	return fd;
}

static void count_out(struct store *s, uint64_t size)
{
	pthread_mutex_lock(&s->lock);
	s->n.out++;
	s->n.out_bytes += size;
	pthread_mutex_unlock(&s->lock);
}

int store_open_blob(struct store *s, const struct digest *d, uint64_t size)
{
	struct stat st;
	int fd = open_either(s, d, &st), ret = 0;

	if (fd < 0)
		return fd;
	if (!has_content(fd, d)) {
		store_damaged(s, d, st.st_ino);
		ret = -EBADMSG;
	}
	/* Of another size: the blob is wrong, or the request for it. */
	if ((uint64_t)st.st_size != size)
		ret = -ENOENT;
	if (!ret && lseek(fd, 0, SEEK_SET) < 0)
		ret = -errno;
	if (ret) {
		close(fd);
		return ret;
	}
	count_out(s, size);
	return fd;
}
