/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/outdir.h"

#include "base/fs.h"
#include "base/json.h"
#include "base/printable.h"
#include "base/str.h"
#include "base/vec.h"
#include "diag/line.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

int kernel_disk_space_check(const char *dir, uint64_t min_bytes,
			    struct err *err)
{
	struct statvfs v;
	uint64_t blocks;

	if (statvfs(dir, &v))
		return err_errno(err, "%s", dir);
	/* Some file systems do not report their size. */
	if (!v.f_blocks)
		return 0;
	/* Only root can use reserved blocks. */
	blocks = geteuid() ? v.f_bavail : v.f_bfree;
	if (blocks * v.f_frsize >= min_bytes)
		return 0;
	return err_set(
		err, ENOSPC,
		"%s: No space left on device; free some space, then run the "
		"same command again to continue",
		dir);
}

uint64_t kernel_disk_space_available(const char *dir)
{
	struct statvfs v;

	return statvfs(dir, &v) ? 0 : (uint64_t)v.f_bavail * v.f_frsize;
}

#define LOG_NAME   "build.log"
#define TRIES      1000
#define LINE_BYTES (1u << 16)

static long next_number(const char *base)
{
	struct strv names = { 0 };
	long most = 0, n;

	fs_list(base, &names);
	for (size_t i = 0; i < names.n; i++) {
		if (!str_parse_number(names.v[i], 1, 1L << 30, &n) && n > most)
			most = n;
	}
	strv_release(&names);
	return most + 1;
}

/* mkdir() ensures that two builds never get the same number. */
static int make_default(char **out, struct err *err)
{
	char *cache = fs_cache_home();
	char *base = xasprintf("%s/builds", cache), *dir = NULL;
	int ret = fs_mkdirs(base, 0777, err);

	for (int i = 0; !ret && !*out && i < TRIES; i++) {
		dir = xasprintf("%s/%ld", base, next_number(base));
		if (!mkdir(dir, 0777)) {
			*out = dir;
			break;
		}
		if (errno != EEXIST)
			ret = err_errno(err, "cannot create directory %s", dir);
		free(dir);
	}
	if (!ret && !*out)
		ret = err_set(err, EEXIST, "%s: no free build number", base);
	free(base);
	free(cache);
	return ret;
}

static void remove_file(const struct kernel_outdir *o, const char *name)
{
	char *path = kernel_outdir_path(o, name);

	unlink(path);
	free(path);
}

/*
 * Remove the files of an earlier build: those that its metadata.json lists, and
 * those whose names kfarm always uses.
 */
static void remove_old_files(const struct kernel_outdir *o)
{
	static const char *const names[] = {
		"config",           "vmlinux",
		"System.map",       "modules.tar.xz",
		"dtbs.tar.xz",      "headers.tar.xz",
		LOG_NAME,           "metadata.json",
		"reproducer.sh",    "modules.tar.xz.part",
		"dtbs.tar.xz.part", "headers.tar.xz.part",
		"report.html",
	};
	char *path = kernel_outdir_path(o, "metadata.json");
	json_t *root = json_load_file(path, 0, NULL), *list, *name;
	json_t *by_goal = json_object_get(json_object_get(root, "results"),
					  "artifacts");
	char *stage = kernel_outdir_path(o, KERNEL_OUTDIR_STAGE);
	struct err ignored;
	const char *goal;
	size_t i;

	json_object_foreach(by_goal, goal, list)
	{
		json_array_foreach(list, i, name)
		{
			const char *file = json_string_value(name);

			if (file && *file && !strchr(file, '/'))
				remove_file(o, file);
		}
	}
	json_decref(root);
	for (i = 0; i < ARRAY_SIZE(names); i++)
		remove_file(o, names[i]);
	fs_remove_temp_files(o->dir);
	fs_remove(stage, &ignored);
	free(stage);
	free(path);
}

int kernel_outdir_make(struct kernel_outdir *o, const char *dir,
		       struct err *err)
{
	char *log;
	int ret;

	*o = (struct kernel_outdir){ .log_fd = -1 };
	if (dir) {
		o->dir = fs_make_absolute(dir);
		ret = fs_mkdirs(o->dir, 0777, err);
	} else {
		ret = make_default(&o->dir, err);
	}
	if (ret)
		goto out;
	remove_old_files(o);
	ret = kernel_disk_space_check(o->dir, KERNEL_DISK_SPACE_MIN, err);
	if (ret)
		goto out;
	log = kernel_outdir_path(o, LOG_NAME);
	o->log_fd = open(
		log, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0666);
	if (o->log_fd < 0)
		ret = err_errno(err, "%s", log);
	free(log);
out:
	if (ret)
		err_wrap(err, "output directory");
	return ret;
}

char *kernel_outdir_path(const struct kernel_outdir *o, const char *name)
{
	return xasprintf("%s/%s", o->dir, name);
}

static bool has_control_chars(FILE *f)
{
	size_t cap = LINE_BYTES;
	bool dirty = false;
	char *line = NULL;
	ssize_t n;

	while (!dirty && (n = getline(&line, &cap, f)) > 0)
		dirty = !printable_is_safe(bytes_of(line, (size_t)n),
					   PRINTABLE_WHITESPACE);
	free(line);
	return dirty;
}

/* Replace the file `path` by a copy of `from` without control characters. */
static int copy_clean(FILE *from, const char *path, struct err *err)
{
	char *part = xasprintf("%s.part", path), *line = NULL;
	FILE *to = fopen(part, "we");
	size_t cap = LINE_BYTES;
	bool bad = !to;
	ssize_t n;

	rewind(from);
	while (!bad && (n = getline(&line, &cap, from)) > 0) {
		bool whole = line[n - 1] == '\n';
		size_t left = diag_line_strip_controls(line, (size_t)n - whole);

		bad = fwrite(line, 1, left, to) != left ||
		      (whole && putc('\n', to) == EOF);
	}
	if (to && fclose(to))
		bad = true;
	if (bad || rename(part, path)) {
		bad = true;
		err_errno(err, "%s", path);
		unlink(part);
	}
	free(line);
	free(part);
	return bad ? -EIO : 0;
}

int kernel_outdir_clean_log(const struct kernel_outdir *o, struct err *err)
{
	char *path = kernel_outdir_path(o, LOG_NAME);
	FILE *f = fopen(path, "re");
	int ret = 0;

	if (!f)
		ret = err_errno(err, "%s", path);
	else if (has_control_chars(f))
		ret = copy_clean(f, path, err);
	if (f)
		fclose(f);
	free(path);
	return ret;
}

char *kernel_outdir_display_path(const struct kernel_outdir *o)
{
	const char *home = getenv("HOME");
	size_t n = home ? strlen(home) : 0;

	if (n > 1 && !strncmp(o->dir, home, n) && o->dir[n] == '/')
		return xasprintf("~%s", o->dir + n);
	return xstrdup(o->dir);
}

void kernel_outdir_release(struct kernel_outdir *o)
{
	if (o->log_fd >= 0)
		close(o->log_fd);
	free(o->dir);
	*o = (struct kernel_outdir){ .log_fd = -1 };
}
