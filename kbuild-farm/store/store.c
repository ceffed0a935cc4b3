/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "store/state.h"

#include "base/fs.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define MIB UINT64_C(1048576)

/* It must be ours alone: nobody else may put anything into it. */
static int check_owner(int fd, const char *name, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st))
		return err_errno(err, "%s", name);
	if (st.st_uid != geteuid())
		return err_set(err, EPERM,
			       "%s: belongs to user %u, not to %u: give it to "
			       "that user or name another directory",
			       name, (unsigned)st.st_uid, (unsigned)geteuid());
	if (st.st_mode & 022)
		return err_set(err, EPERM,
			       "%s: others may write to it: chmod go-w, and "
			       "remove what is in it",
			       name);
	return 0;
}

static int open_root(const char *dir, struct err *err)
{
	int fd, ret = fs_mkdirs(dir, 0700, err);

	if (ret)
		return ret;
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_errno(err, "%s", dir);
	ret = check_owner(fd, dir, err);
	if (ret)
		close(fd);
	return ret ? ret : fd;
}

static int open_store_dir(int root, const char *name, struct err *err)
{
	int fd, ret;

	if (mkdirat(root, name, 0700) && errno != EEXIST)
		return err_errno(err, "make %s", name);
	fd = openat(root, name,
		    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return err_errno(err, "%s", name);
	ret = check_owner(fd, name, err);
	if (ret)
		close(fd);
	return ret ? ret : fd;
}

/* Pins are hard links: can this file system make them? */
static int check_links(struct store *s, struct err *err)
{
	int fd = openat(s->private, "try", O_WRONLY | O_CREAT | O_CLOEXEC,
			0600);
	int ret = 0;

	if (fd < 0)
		return err_errno(err, "make a file");
	close(fd);
	if (linkat(s->private, "try", s->private, "link", 0))
		ret = err_errno(err, "make a hard link");
	unlinkat(s->private, "link", 0);
	unlinkat(s->private, "try", 0);
	return ret;
}

static int open_all(struct store *s, int root, struct err *err)
{
	s->blobs = open_store_dir(root, "sha256", err);
	if (s->blobs < 0)
		return s->blobs;
	s->live = open_store_dir(root, "live", err);
	if (s->live < 0)
		return s->live;
	store_live_prune(s->live);
	s->private = store_live_make(s->live, s->private_name, err);
	if (s->private < 0)
		return s->private;
	return check_links(s, err);
}

int store_open(struct store **out, const char *dir, uint64_t limit,
	       struct err *err)
{
	struct store *s = xcalloc(1, sizeof(*s));
	int root = open_root(dir, err), ret = root;

	s->blobs = s->live = s->private = -1;
	s->n.limit = limit ? limit : store_limit_default(dir);
	pthread_mutex_init(&s->pin_lock, NULL);
	pthread_mutex_init(&s->lock, NULL);
	pthread_mutex_init(&s->collecting, NULL);
	pthread_cond_init(&s->wake, NULL);
	if (root >= 0) {
		ret = open_all(s, root, err);
		close(root);
		if (!ret)
			ret = store_gc_start(s, err);
		if (ret)
			err_wrap(err, "%s", dir);
	}
	if (ret) {
		err_wrap(err, "open the store");
		store_free(s);
		return ret;
	}
	*out = s;
	return 0;
}

void store_free(struct store *s)
{
	if (!s)
		return;
	store_gc_stop(s);
	store_pins_release(s);
	if (s->private >= 0) {
		fs_remove_at(s->live, s->private_name);
		close(s->private);
	}
	if (s->live >= 0)
		close(s->live);
	if (s->blobs >= 0)
		close(s->blobs);
	pthread_cond_destroy(&s->wake);
	pthread_mutex_destroy(&s->collecting);
	pthread_mutex_destroy(&s->lock);
	pthread_mutex_destroy(&s->pin_lock);
	free(s);
}

int store_private_dir(const struct store *s)
{
	return s->private;
}

uint64_t store_limit_default(const char *dir)
{
	char *path = fs_absolute(dir);
	struct statvfs st;
	uint64_t fifth;
	int ret;

	while ((ret = statvfs(path, &st)) != 0 && errno == ENOENT &&
	       !str_equal(path, "/")) {
		char *above = str_dir(path);

		free(path);
		path = above;
	}
	free(path);
	fifth = ret ? 0 : (uint64_t)st.f_blocks * st.f_frsize / 5;
	if (fifth > 10240 * MIB)
		return 10240 * MIB;
	return fifth > 64 * MIB ? fifth : 64 * MIB;
}

static bool has_entry(struct store *s, const struct digest *d, struct stat *st)
{
	struct store_place at;
	int ret = store_place_init(s, &at, d, false);

	if (ret)
		return false;
	ret = store_entry_stat(s, at.dir, at.name, st);
	store_place_release(&at);
	return !ret;
}

/* A pin outlives the entry when that was taken away. */
static bool has_pin(struct store *s, const struct digest *d, struct stat *st)
{
	int fd = store_pin_open(s, d, st);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

bool store_has(struct store *s, const struct digest *d, uint64_t size)
{
	struct stat st;

	if (has_entry(s, d, &st) && (uint64_t)st.st_size == size)
		return true;
	return has_pin(s, d, &st) && (uint64_t)st.st_size == size;
}

void store_stats(struct store *s, struct store_stats *out)
{
	pthread_mutex_lock(&s->pin_lock);
	pthread_mutex_lock(&s->lock);
	*out = s->n;
	out->pinned = s->pins.n;
	pthread_mutex_unlock(&s->lock);
	pthread_mutex_unlock(&s->pin_lock);
}
