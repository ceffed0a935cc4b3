/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "store/state.h"

#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Often enough to tell old from new; few reads cause a write. */
#define TOUCH_SECONDS 60

static void count_damaged(struct store *s)
{
	pthread_mutex_lock(&s->lock);
	s->n.damaged++;
	pthread_mutex_unlock(&s->lock);
}

static int open_place(struct store *s, const char *dir)
{
	int fd = openat(s->blobs, dir,
			O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int store_place_init(struct store *s, struct store_place *at,
		     const struct digest *d, bool make)
{
	char hex[DIGEST_HEX], dir[3];

	digest_hex(d, hex);
	memcpy(dir, hex, 2);
	dir[2] = '\0';
	memcpy(at->name, hex + 2, DIGEST_HEX - 2);
	at->dir = open_place(s, dir);
	if (at->dir == -ENOTDIR || at->dir == -ELOOP) {
		fs_remove_at(s->blobs, dir);
		count_damaged(s);
		at->dir = -ENOENT;
	}
	if (at->dir == -ENOENT && make) {
		if (mkdirat(s->blobs, dir, 0700) && errno != EEXIST)
			return -errno;
		at->dir = open_place(s, dir);
	}
	return at->dir < 0 ? at->dir : 0;
}

void store_place_release(struct store_place *at)
{
	if (at->dir >= 0)
		close(at->dir);
	at->dir = -1;
}

static int planted(struct store *s, int dir, const char *name)
{
	fs_remove_at(dir, name);
	count_damaged(s);
	return -ENOENT;
}

int store_entry_stat(struct store *s, int dir, const char *name,
		     struct stat *st)
{
	if (fstatat(dir, name, st, AT_SYMLINK_NOFOLLOW))
		return -errno;
	return S_ISREG(st->st_mode) ? 0 : planted(s, dir, name);
}

int store_entry_open(struct store *s, int dir, const char *name,
		     struct stat *st)
{
	int ret = store_entry_stat(s, dir, name, st);
	int fd;

	if (ret)
		return ret;
	/* It may have become a fifo since. */
	fd = openat(dir, name,
		    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0 && (errno == EACCES || errno == ELOOP || errno == ENXIO))
		return planted(s, dir, name);
	if (fd < 0)
		return -errno;
	if (fstat(fd, st)) {
		ret = -errno;
		close(fd);
		return ret;
	}
	if (!S_ISREG(st->st_mode)) {
		close(fd);
		return planted(s, dir, name);
	}
	return fd;
}

void store_entry_touch(int dir, const char *name, const struct stat *st)
{
	const struct timespec now[2] = { { .tv_nsec = UTIME_OMIT },
					 { .tv_nsec = UTIME_NOW } };
	time_t age = time(NULL) - st->st_mtime;

	/* A failure costs only the order in which blobs go. */
	if (age > TOUCH_SECONDS || age < -TOUCH_SECONDS)
		utimensat(dir, name, now, AT_SYMLINK_NOFOLLOW);
}
