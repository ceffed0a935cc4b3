/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/rundir.h"

#include "base/fs.h"
#include "base/process.h"
#include "base/str.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The process that a "make" file names, if it is still that one. */
static pid_t read_make(const char *dir)
{
	char *path = xasprintf("%s/make", dir);
	unsigned long long start = 0;
	FILE *f = fopen(path, "re");
	int pid = 0;

	if (f && fscanf(f, "%d %llu", &pid, &start) != 2)
		pid = 0;
	if (f)
		fclose(f);
	free(path);
	return pid > 0 && start && process_start(pid) == start ? pid : 0;
}

pid_t kernel_rundir_make_of(pid_t pid)
{
	struct err ignored;
	char *base, *dir;
	pid_t make;

	if (fs_runtime_dir(&base, &ignored))
		return 0;
	dir = xasprintf("%s/%d", base, (int)pid);
	make = read_make(dir);
	free(dir);
	free(base);
	return make;
}

void kernel_rundir_note_make(const struct kernel_rundir *r, pid_t make)
{
	char *path = xasprintf("%s/make", r->dir);
	char *text = xasprintf("%d %llu\n", (int)make, process_start(make));
	struct err ignored;

	/* Without the note a second build is merely not refused. */
	fs_write(path, bytes_str(text), 0600, &ignored);
	free(text);
	free(path);
}

static void remove_stale(const char *base)
{
	struct strv names = { 0 };
	struct err ignored;
	long pid;

	fs_list(base, &names);
	for (size_t i = 0; i < names.n; i++) {
		char *path = xasprintf("%s/%s", base, names.v[i]);

		if (!str_number(names.v[i], 1, 1L << 30, &pid) &&
		    pid != getpid() && !process_start((pid_t)pid) &&
		    !read_make(path))
			fs_remove(path, &ignored);
		free(path);
	}
	strv_release(&names);
}

static int make_slots(const struct kernel_rundir *r, unsigned n,
		      struct err *err)
{
	int ret = 0;

	for (unsigned i = 0; !ret && i < n; i++) {
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

int kernel_rundir_make(struct kernel_rundir *r, unsigned n_slots,
		       struct err *err)
{
	char *base;
	int ret;

	*r = (struct kernel_rundir){ 0 };
	ret = fs_runtime_dir(&base, err);
	if (ret)
		return ret;
	remove_stale(base);
	r->dir = xasprintf("%s/%d", base, (int)getpid());
	r->links = xasprintf("%s/bin", r->dir);
	r->slots = xasprintf("%s/slots", r->dir);
	r->shell = xasprintf("%s/shell", r->dir);
	r->work = xasprintf("%s/work", r->dir);
	r->socket = xasprintf("%s/socket", r->dir);
	r->events = xasprintf("%s/events", r->dir);
	free(base);
	/* It may be left from a killed kfarm of the same number. */
	ret = fs_remove(r->dir, err);
	if (!ret)
		ret = fs_mkdirs(r->links, 0700, err);
	if (!ret)
		ret = fs_mkdirs(r->slots, 0700, err);
	if (!ret)
		ret = fs_mkdirs(r->work, 0700, err);
	if (!ret)
		ret = make_slots(r, n_slots, err);
	return ret;
}

void kernel_rundir_release(struct kernel_rundir *r)
{
	struct err ignored;

	if (r->dir)
		fs_remove(r->dir, &ignored);
	free(r->dir);
	free(r->links);
	free(r->slots);
	free(r->shell);
	free(r->work);
	free(r->socket);
	free(r->events);
	*r = (struct kernel_rundir){ 0 };
}
