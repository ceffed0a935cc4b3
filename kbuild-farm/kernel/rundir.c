/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/rundir.h"

#include "base/fs.h"
#include "base/process.h"
#include "base/state-file.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define TRIES 1000
/* age up to which a make in another PID namespace is assumed to run */
#define CONTAINER_MAKE_MAX_S (24 * 3600)

/* Return the inode of this process's PID namespace, or 0. */
static unsigned long long pid_namespace_id(void)
{
	struct stat st;

	return stat("/proc/self/ns/pid", &st) ? 0 : st.st_ino;
}

static const struct state_file note_file = {
	.max_bytes = 100,
	.mode = 0600,
	.is_private = true,
};

bool kernel_rundir_note_read(const char *path, struct kernel_rundir_note *n)
{
	struct buf text = { 0 };
	struct err ignored;
	struct stat st;
	bool valid;

	*n = (struct kernel_rundir_note){ 0 };
	valid = !state_file_read(&note_file, path, &text, &ignored) &&
		sscanf(buf_str(&text), "%d %llu %llu", &n->pid, &n->start,
		       &n->namespace_id) == 3 &&
		n->pid > 0 && n->start && !stat(path, &st);
	if (valid)
		n->mtime = st.st_mtime;
	else
		*n = (struct kernel_rundir_note){ 0 };
	buf_release(&text);
	return valid;
}

void kernel_rundir_note_write(const char *path, pid_t pid)
{
	char *text = xasprintf("%d %llu %llu\n", (int)pid,
			       process_start_ticks(pid), pid_namespace_id());
	struct err ignored;

	state_file_write(&note_file, path, bytes_str(text), &ignored);
	free(text);
}

bool kernel_rundir_note_is_running(const struct kernel_rundir_note *n)
{
	return n->start && n->namespace_id == pid_namespace_id() &&
	       process_start_ticks(n->pid) == n->start;
}

/* Read the file "make" in the run directory `dir`. */
static bool read_make_note(const char *dir, struct kernel_rundir_note *n)
{
	char *path = xasprintf("%s/make", dir);
	bool valid = kernel_rundir_note_read(path, n);

	free(path);
	return valid;
}

pid_t kernel_rundir_parse_pid(const char *name)
{
	size_t len = strcspn(name, ".");
	char *number = xstrndup(name, len);
	long pid, n;

	if (str_parse_number(number, 1, 1L << 30, &pid) ||
	    (name[len] && str_parse_number(name + len + 1, 1, LONG_MAX, &n)))
		pid = 0;
	free(number);
	return (pid_t)pid;
}

void kernel_rundir_list(struct strv *out)
{
	struct strv bases = { 0 };

	fs_runtime_dirs(&bases);
	for (size_t i = 0; i < bases.n; i++) {
		struct strv names = { 0 };

		fs_list(bases.v[i], &names);
		for (size_t k = 0; k < names.n; k++) {
			if (kernel_rundir_parse_pid(names.v[k]))
				strv_addf(out, "%s/%s", bases.v[i], names.v[k]);
		}
		strv_release(&names);
	}
	strv_release(&bases);
}

bool kernel_rundir_is_active(const char *dir)
{
	int fd = fs_open_locked(AT_FDCWD, dir, O_RDONLY | O_DIRECTORY,
				LOCK_SH | LOCK_NB);

	if (fd >= 0)
		close(fd);
	return fd == -EBUSY;
}

pid_t kernel_rundir_make_pid(pid_t pid)
{
	struct strv dirs = { 0 };
	struct kernel_rundir_note n;
	pid_t make = 0;

	kernel_rundir_list(&dirs);
	for (size_t i = 0; i < dirs.n && !make; i++) {
		const char *name = strrchr(dirs.v[i], '/') + 1;

		if (kernel_rundir_parse_pid(name) == pid &&
		    read_make_note(dirs.v[i], &n) &&
		    kernel_rundir_note_is_running(&n))
			make = n.pid;
	}
	strv_release(&dirs);
	return make;
}

void kernel_rundir_note_make(const struct kernel_rundir *r, pid_t make)
{
	char *path = xasprintf("%s/make", r->dir);

	kernel_rundir_note_write(path, make);
	free(path);
}

/*
 * Lock a run directory.  Returns a descriptor; -EBUSY if the kfarm that owns
 * the directory, or its make, still runs; or another negative errno.
 */
static int lock_build(const char *path)
{
	int fd = fs_open_locked(AT_FDCWD, path, O_RDONLY | O_DIRECTORY,
				LOCK_EX | LOCK_NB);
	struct kernel_rundir_note n;

	if (fd >= 0 && read_make_note(path, &n) &&
	    (n.namespace_id == pid_namespace_id() ?
		     kernel_rundir_note_is_running(&n) :
		     time(NULL) - n.mtime < CONTAINER_MAKE_MAX_S)) {
		close(fd);
		fd = -EBUSY;
	}
	return fd;
}

static void remove_stale(const char *base)
{
	struct strv names = { 0 };
	struct err ignored;

	fs_list(base, &names);
	for (size_t i = 0; i < names.n; i++) {
		char *path = xasprintf("%s/%s", base, names.v[i]);
		int fd = kernel_rundir_parse_pid(names.v[i]) ?
				 lock_build(path) :
				 -1;

		/*
		 * Remove the directory while it is locked, so that no build can
		 * reuse it in the meantime.
		 */
		if (fd >= 0) {
			fs_remove(path, &ignored);
			close(fd);
		}
		free(path);
	}
	strv_release(&names);
}

/* Create and lock a new directory. */
static int take_dir(struct kernel_rundir *r, const char *base, struct err *err)
{
	int ret;

	for (unsigned i = 0; i < TRIES; i++) {
		r->dir = i ? xasprintf("%s/%d.%u", base, (int)getpid(), i) :
			     xasprintf("%s/%d", base, (int)getpid());
		if (!mkdir(r->dir, 0700)) {
			r->lock_fd = lock_build(r->dir);
			if (r->lock_fd >= 0)
				return 0;
			ret = r->lock_fd;
			/* Another kfarm can hold or remove the directory. */
			if (ret != -EBUSY && ret != -EAGAIN && ret != -ENOENT) {
				rmdir(r->dir);
				return err_set(err, -ret, "%s: cannot lock: %s",
					       r->dir, strerror(-ret));
			}
		} else if (errno != EEXIST) {
			return err_errno(err, "%s", r->dir);
		}
		free(r->dir);
		r->dir = NULL;
	}
	return err_set(err, EBUSY, "%s: cannot create a run directory", base);
}

int kernel_rundir_create(struct kernel_rundir *r, unsigned n_slots,
			 struct err *err)
{
	char *base;
	int ret;

	*r = (struct kernel_rundir){ .lock_fd = -1 };
	ret = fs_runtime_dir(&base, err);
	if (ret)
		return ret;
	remove_stale(base);
	ret = take_dir(r, base, err);
	free(base);
	if (ret)
		return ret;
	r->masquerade = xasprintf("%s/bin", r->dir);
	r->slots = xasprintf("%s/slots", r->dir);
	r->shell = xasprintf("%s/shell", r->dir);
	r->work = xasprintf("%s/work", r->dir);
	r->socket = xasprintf("%s/socket", r->dir);
	r->events = xasprintf("%s/events", r->dir);
	ret = fs_mkdirs(r->masquerade, 0700, err);
	if (!ret)
		ret = fs_mkdirs(r->slots, 0700, err);
	if (!ret)
		ret = fs_mkdirs(r->work, 0700, err);
	for (unsigned i = 0; !ret && i < n_slots; i++) {
		char *path = xasprintf("%s/%u", r->slots, i);
		int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

		if (fd < 0)
			ret = err_errno(err, "%s", path);
		else
			close(fd);
		free(path);
	}
	return ret;
}

void kernel_rundir_release(struct kernel_rundir *r)
{
	struct err ignored;

	if (r->dir) {
		fs_remove(r->dir, &ignored);
		close(r->lock_fd);
	}
	free(r->dir);
	free(r->masquerade);
	free(r->slots);
	free(r->shell);
	free(r->work);
	free(r->socket);
	free(r->events);
	*r = (struct kernel_rundir){ .lock_fd = -1 };
}
