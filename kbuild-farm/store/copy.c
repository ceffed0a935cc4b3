/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "store/state.h"

#include "base/fs.h"
#include "base/str.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define BLOCK_SIZE (128u << 10)

/*
 * Hash what `fd` holds and write it to `out`, unless that is -1.  *same: it
 * is what the digest says.  0, or an error of `out`.
 */
static int pass(int fd, int out, const struct digest *d, bool *same)
{
	struct digest_run *run = digest_new();
	uint8_t *block = xmalloc(BLOCK_SIZE);
	struct digest sum;
	ssize_t n;
	int ret = 0;

	while (!ret && (n = read(fd, block, BLOCK_SIZE)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		/* What the disk cannot read is damaged, too. */
		if (n < 0)
			break;
		digest_add(run, bytes_of(block, (size_t)n));
		if (out >= 0)
			ret = fs_write_all(out, bytes_of(block, (size_t)n));
	}
	digest_end(run, &sum);
	free(block);
	*same = digest_equal(&sum, d);
	return ret;
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

/* A descriptor that was read to its end, or an error. */
static int hand_out(struct store *s, const struct digest *d, uint64_t size,
		    int out)
{
	struct stat st;
	int fd = open_either(s, d, &st), ret;
	bool same, fits;

	if (fd < 0)
		return fd;
	fits = (uint64_t)st.st_size == size;
	/* Of another size: either the blob is wrong, or who asks for it. */
	ret = pass(fd, fits ? out : -1, d, &same);
	if (!ret && !same)
		store_damaged(s, d, st.st_ino);
	if (!ret && !fits)
		ret = -ENOENT;
	if (!ret && !same)
		ret = -EBADMSG;
	if (ret) {
		close(fd);
		return ret;
	}
	count_out(s, size);
	return fd;
}

int store_copy(struct store *s, const struct digest *d, uint64_t size,
	       int out_fd)
{
	int fd = hand_out(s, d, size, out_fd);

	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

int store_open_blob(struct store *s, const struct digest *d, uint64_t size)
{
	int fd = hand_out(s, d, size, -1);

	if (fd >= 0 && lseek(fd, 0, SEEK_SET) < 0) {
		int ret = -errno;

		close(fd);
		return ret;
	}
	return fd;
}
