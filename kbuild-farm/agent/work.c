/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/work.h"

#include "base/fs.h"
#include "base/log.h"
#include "base/str.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#define MEMORY_LEAST (256ull << 20) /* below, /dev/shm has no room */

struct agent_work {
	char *path;
	int lock; /* the directory, locked */
	bool in_memory;
	unsigned long next; /* the next job's directory */
};

static bool is_memory(const char *path)
{
	struct statfs fs;

	return !statfs(path, &fs) && fs.f_type == TMPFS_MAGIC;
}

static uint64_t room_at(const char *path)
{
	struct statvfs fs;

	return statvfs(path, &fs) ? 0 : (uint64_t)fs.f_bavail * fs.f_frsize;
}

/*
 * Lock the directory `path` as our own: its descriptor, or -1.  Another
 * kfarmd may have swept it between mkdtemp() and here, or be at it.
 */
static int lock_dir(const char *path)
{
	const int how = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	struct stat here, there;
	int fd = open(path, how);

	if (fd < 0)
		return -1;
	if (flock(fd, LOCK_EX | LOCK_NB) || fstat(fd, &here) ||
	    lstat(path, &there) || here.st_ino != there.st_ino ||
	    here.st_uid != geteuid()) {
		close(fd);
		return -1;
	}
	return fd;
}

static void sweep(const char *base, const char *prefix)
{
	DIR *d = opendir(base);
	struct dirent *e;

	if (!d)
		return;
	while ((e = readdir(d))) {
		struct err err = { 0 };
		char *path;
		int fd;

		if (!str_starts(e->d_name, prefix))
			continue;
		path = xasprintf("%s/%s", base, e->d_name);
		fd = lock_dir(path);
		if (fd >= 0 && fs_remove(path, &err))
			log_warning("%s", err.text);
		if (fd >= 0)
			close(fd);
		free(path);
	}
	closedir(d);
}

static int make_dir(struct agent_work *w, const char *base, const char *prefix,
		    struct err *err)
{
	for (int tries = 0; tries < 10; tries++) {
		w->path = xasprintf("%s/%sXXXXXX", base, prefix);
		if (!mkdtemp(w->path))
			return err_errno(err, "make a directory in %s", base);
		w->lock = lock_dir(w->path);
		if (w->lock >= 0)
			return 0;
		rmdir(w->path);
		free(w->path);
		w->path = NULL;
	}
	return err_set(err, EBUSY, "cannot lock a directory in %s", base);
}

static int work_in(struct agent_work *w, const char *base, struct err *err)
{
	char *prefix = xasprintf("kfarmd-%u-", (unsigned)geteuid());
	char *whole = fs_absolute(base);
	int ret;

	sweep(whole, prefix);
	ret = make_dir(w, whole, prefix, err);
	if (!ret)
		w->in_memory = is_memory(w->path);
	free(whole);
	free(prefix);
	return ret;
}

static int work_anywhere(struct agent_work *w, struct err *err)
{
	static const char disk[] = "/var/lib/kfarm/work";
	struct err ignored;

	if (is_memory("/dev/shm") && room_at("/dev/shm") >= MEMORY_LEAST &&
	    !work_in(w, "/dev/shm", &ignored))
		return 0;
	if (!fs_mkdirs(disk, 0700, &ignored) && !work_in(w, disk, &ignored))
		return 0;
	return work_in(w, "/tmp", err);
}

int agent_work_new(struct agent_work **out, const char *base, struct err *err)
{
	struct agent_work *w = xcalloc(1, sizeof(*w));
	int ret;

	w->lock = -1;
	ret = base ? work_in(w, base, err) : work_anywhere(w, err);
	if (ret) {
		free(w->path);
		free(w);
		return ret;
	}
	*out = w;
	return 0;
}

void agent_work_free(struct agent_work *w)
{
	struct err err = { 0 };

	if (fs_remove(w->path, &err))
		log_warning("%s", err.text);
	close(w->lock);
	free(w->path);
	free(w);
}

const char *agent_work_path(const struct agent_work *w)
{
	return w->path;
}

uint64_t agent_work_room(const struct agent_work *w)
{
	return room_at(w->path);
}

bool agent_work_in_memory(const struct agent_work *w)
{
	return w->in_memory;
}

int agent_work_job(struct agent_work *w, char **out, struct err *err)
{
	char *path = xasprintf("%s/%lu", w->path, w->next++);
	int ret;

	if (mkdir(path, 0700)) {
		ret = err_errno(err, "make %s", path);
		free(path);
		return ret;
	}
	*out = path;
	return 0;
}
