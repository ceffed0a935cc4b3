/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "store/scratch-dir.h"

#include "base/fs.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define TRIES_MAX 100

#define DIRECTORY (O_RDONLY | O_DIRECTORY)

int store_scratch_dir_open_root(const char *path, struct err *err)
{
	int fd, ret = fs_mkdirs(path, 0700, err);

	if (ret)
		return ret;
	fd = open(path, DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return err_errno(err, "%s", path);
	store_scratch_dir_prune(fd);
	return fd;
}

int store_scratch_dir_make(int root_fd,
			   char name[static STORE_SCRATCH_NAME_MAX],
			   struct err *err)
{
	static atomic_uint count;
	int ret = -EAGAIN;

	for (int i = 0; i < TRIES_MAX && ret == -EAGAIN; i++) {
		snprintf(name, STORE_SCRATCH_NAME_MAX, "%d.%u", (int)getpid(),
			 atomic_fetch_add(&count, 1));
		if (mkdirat(root_fd, name, 0700)) {
			ret = errno == EEXIST ? -EAGAIN : -errno;
			continue;
		}
		ret = fs_open_locked(root_fd, name, DIRECTORY,
				     LOCK_EX | LOCK_NB);
		/* Another process can lock or remove the new directory. */
		if (ret == -ENOENT || ret == -EBUSY)
			ret = -EAGAIN;
	}
	if (ret < 0)
		err_set(err, -ret, "cannot create a scratch directory: %s",
			strerror(-ret));
	return ret;
}

int store_scratch_dir_discard(int root_fd, const char *path, struct err *err)
{
	char name[STORE_SCRATCH_NAME_MAX];
	static atomic_uint count;
	int ret = -EEXIST;

	for (int i = 0; i < TRIES_MAX && (ret == -EEXIST || ret == -ENOTEMPTY);
	     i++) {
		/*
		 * rename(2) replaces an empty directory, so this name must
		 * differ from all names of store_scratch_dir_make().
		 */
		snprintf(name, sizeof(name), "old.%d.%u", (int)getpid(),
			 atomic_fetch_add(&count, 1));
		ret = renameat(AT_FDCWD, path, root_fd, name) ? -errno : 0;
	}
	if (ret)
		return err_set(err, -ret, "%s: %s", path, strerror(-ret));
	fs_remove_at(root_fd, name);
	return 0;
}

int store_scratch_dir_list(int root_fd, struct strv *out)
{
	struct strv names = { 0 };
	int ret = fs_list_at(root_fd, &names);

	for (size_t i = 0; i < names.n; i++) {
		int fd = fs_open_locked(root_fd, names.v[i], DIRECTORY,
					LOCK_SH | LOCK_NB);

		if (fd == -EBUSY)
			strv_add(out, names.v[i]);
		if (fd >= 0)
			close(fd);
	}
	strv_release(&names);
	return ret;
}

void store_scratch_dir_prune(int root_fd)
{
	struct strv names = { 0 };

	fs_list_at(root_fd, &names);
	for (size_t i = 0; i < names.n; i++) {
		/*
		 * Since the directory was listed, another process may have
		 * removed it and a new store may have created a directory of
		 * the same name.  Therefore remove a directory only if it can
		 * be locked.
		 */
		int fd = fs_open_locked(root_fd, names.v[i], DIRECTORY,
					LOCK_EX | LOCK_NB);

		if (fd >= 0 || fd == -ENOTDIR || fd == -ELOOP)
			fs_remove_at(root_fd, names.v[i]);
		if (fd >= 0)
			close(fd);
	}
	strv_release(&names);
}
