/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/lock.h"

#include "base/fs.h"
#include "base/process.h"
#include "base/str.h"
#include "kernel/rundir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * Return the path of the file with the holder's PID, or NULL if there is no
 * runtime directory.  The caller frees it.
 */
static char *note_path(int fd)
{
	struct err ignored;
	char *base, *dir, *path = NULL;
	struct stat st;

	if (fstat(fd, &st) || fs_runtime_dir(&base, &ignored))
		return NULL;
	dir = xasprintf("%s/locks", base);
	if (!fs_mkdirs(dir, 0700, &ignored))
		path = xasprintf("%s/%llx-%llx", dir,
				 (unsigned long long)st.st_dev,
				 (unsigned long long)st.st_ino);
	free(dir);
	free(base);
	return path;
}

static pid_t read_note(const char *path)
{
	FILE *f = path ? fopen(path, "re") : NULL;
	int pid = 0;

	if (f && fscanf(f, "%d", &pid) != 1)
		pid = 0;
	if (f)
		fclose(f);
	return pid;
}

int kernel_lock_take(struct kernel_lock *l, const char *dir, struct err *err)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct err ignored;
	pid_t holder, make;
	char *text;
	int ret = 0;

	*l = (struct kernel_lock){ .fd = -1 };
	if (fd < 0)
		return err_errno(err, "%s", dir);
	l->holder_path = note_path(fd);
	if (flock(fd, LOCK_EX | LOCK_NB)) {
		holder = read_note(l->holder_path);
		if (process_start_ticks(holder))
			ret = err_set(
				err, EBUSY,
				"%s: in use by another build: kfarm, process "
				"%d",
				dir, (int)holder);
		else
			ret = err_set(err, EBUSY, "%s: in use by another build",
				      dir);
	} else if (l->holder_path && (make = kernel_rundir_make_pid(
					      read_note(l->holder_path))) > 0) {
		/* kfarm was killed, but its make still runs. */
		ret = err_set(
			err, EBUSY,
			"%s: in use by another build: make, process %d; wait "
			"for it, or run `kill %d`",
			dir, (int)make, (int)make);
	}
	if (ret) {
		close(fd);
		free(l->holder_path);
		l->holder_path = NULL;
		return ret;
	}
	l->fd = fd;
	if (l->holder_path) {
		text = xasprintf("%d\n", (int)getpid());
		fs_write(l->holder_path, bytes_str(text), 0600, &ignored);
		free(text);
	}
	return 0;
}

void kernel_lock_release(struct kernel_lock *l)
{
	if (l->fd < 0)
		return;
	if (l->holder_path)
		unlink(l->holder_path);
	free(l->holder_path);
	close(l->fd);
	*l = (struct kernel_lock){ .fd = -1 };
}
