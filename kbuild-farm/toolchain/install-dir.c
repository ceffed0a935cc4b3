/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "toolchain/install-dir.h"

#include "base/fs.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define SCRATCH_ROOT_NAME ".live"
#define LOCK              ".lock."
#define REMOVED_NAME      ".away"

static int open_directory(const char *path, struct err *err)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? err_errno(err, "%s", path) : fd;
}

/*
 * Lock a file.  Returns -EAGAIN if another process has locked or just removed
 * it.
 */
static int lock_file(const struct toolchain_install_dir *p, const char *name,
		     int flags)
{
	int fd = fs_open_locked(p->dir_fd, name, O_RDWR | flags,
				LOCK_EX | LOCK_NB);

	return fd == -EBUSY ? -EAGAIN : fd;
}

int toolchain_install_dir_open(struct toolchain_install_dir *p,
			       const char *data, struct err *err)
{
	char *live = xasprintf("%s/toolchains/" SCRATCH_ROOT_NAME, data);
	int ret = fs_mkdirs(live, 0755, err);
	struct strv names = { 0 };

	*p = (struct toolchain_install_dir){
		.path = xasprintf("%s/toolchains", data),
		.dir_fd = -1,
		.scratch_root_fd = -1,
		.scratch_fd = -1,
	};
	if (!ret)
		p->dir_fd = ret = open_directory(p->path, err);
	if (ret >= 0)
		p->scratch_root_fd = ret = open_directory(live, err);
	free(live);
	if (ret < 0) {
		toolchain_install_dir_close(p);
		return ret;
	}

	store_scratch_dir_prune(p->scratch_root_fd);
	/* A lock that can be taken was left by a process that has ended. */
	fs_list_at(p->dir_fd, &names);
	for (size_t i = 0; i < names.n; i++) {
		int fd = str_starts(names.v[i], LOCK) ?
				 lock_file(p, names.v[i], 0) :
				 -1;

		if (fd < 0)
			continue;
		unlinkat(p->dir_fd, names.v[i], 0);
		close(fd);
	}
	strv_release(&names);
	return 0;
}

void toolchain_install_dir_close(struct toolchain_install_dir *p)
{
	if (!p->path)
		return;
	if (p->scratch_fd >= 0) {
		fs_remove_at(p->scratch_root_fd, p->scratch_name);
		close(p->scratch_fd);
	}
	if (p->scratch_root_fd >= 0)
		close(p->scratch_root_fd);
	if (p->dir_fd >= 0)
		close(p->dir_fd);
	free(p->path);
	*p = (struct toolchain_install_dir){ 0 };
}

static int make_private(struct toolchain_install_dir *p, struct err *err)
{
	int fd;

	if (p->scratch_fd >= 0)
		return 0;
	fd = store_scratch_dir_make(p->scratch_root_fd, p->scratch_name, err);
	if (fd < 0) {
		err_wrap(err, "%s/" SCRATCH_ROOT_NAME, p->path);
		return fd;
	}
	p->scratch_fd = fd;
	return 0;
}

char *toolchain_install_dir_scratch_path(struct toolchain_install_dir *p,
					 const char *name, struct err *err)
{
	if (make_private(p, err))
		return NULL;
	return xasprintf("%s/" SCRATCH_ROOT_NAME "/%s/%s", p->path,
			 p->scratch_name, name);
}

/*
 * Rename scratch/name to `id`.  Returns -EEXIST if `id` exists.  Where
 * RENAME_NOREPLACE is not supported, as on NFS, renameat() is sufficient,
 * because it never replaces a directory that has entries.
 */
static int publish_directory(struct toolchain_install_dir *p, const char *name,
			     const char *id)
{
	if (!renameat2(p->scratch_fd, name, p->dir_fd, id, RENAME_NOREPLACE))
		return 0;
	if (errno == EINVAL && !renameat(p->scratch_fd, name, p->dir_fd, id))
		return 0;
	return errno == ENOTEMPTY ? -EEXIST : -errno;
}

/*
 * Rename scratch/name to `id` and move the existing directory `id` into the
 * scratch directory.  Where RENAME_EXCHANGE is not supported, as on NFS, `id`
 * does not exist for a moment.
 */
static int replace_directory(struct toolchain_install_dir *p, const char *name,
			     const char *id)
{
	int ret = 0;

	if (!renameat2(p->scratch_fd, name, p->dir_fd, id, RENAME_EXCHANGE))
		return 0;
	if (errno != EINVAL ||
	    renameat(p->dir_fd, id, p->scratch_fd, REMOVED_NAME))
		return -errno;
	if (renameat(p->scratch_fd, name, p->dir_fd, id)) {
		ret = -errno;
		renameat(p->scratch_fd, REMOVED_NAME, p->dir_fd, id);
	}
	return ret;
}

int toolchain_install_dir_publish(struct toolchain_install_dir *p,
				  const char *name, const char *id,
				  bool replace, struct err *err)
{
	int ret;

	/*
	 * Flush the files before the rename.  Otherwise, the directory could
	 * exist without its files after a power failure.
	 */
	if (syncfs(p->scratch_fd))
		return err_errno(err, "sync %s", p->path);
	if (replace && !faccessat(p->dir_fd, id, F_OK, 0))
		ret = replace_directory(p, name, id);
	else
		ret = publish_directory(p, name, id);
	if (ret)
		return err_set(err, -ret, "%s/%s: %s", p->path, id,
			       strerror(-ret));
	if (fsync(p->dir_fd))
		return err_errno(err, "%s", p->path);
	return 0;
}

int toolchain_install_dir_remove(struct toolchain_install_dir *p,
				 const char *id, struct err *err)
{
	char *path = xasprintf("%s/%s", p->path, id);
	int ret = store_scratch_dir_discard(p->scratch_root_fd, path, err);

	if (!ret && fsync(p->dir_fd))
		ret = err_errno(err, "%s", p->path);
	free(path);
	return ret;
}

int toolchain_install_dir_lock(struct toolchain_install_dir *p, const char *id,
			       struct err *err)
{
	char *name = xasprintf(LOCK "%s", id);
	int fd = lock_file(p, name, O_CREAT);

	if (fd < 0)
		err_set(err, -fd, "%s/%s: %s", p->path, name, strerror(-fd));
	free(name);
	return fd;
}

void toolchain_install_dir_unlock(struct toolchain_install_dir *p,
				  const char *id, int fd)
{
	char *name = xasprintf(LOCK "%s", id);

	unlinkat(p->dir_fd, name, 0);
	close(fd);
	free(name);
}
