/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/outdir.h"

#include "base/fs.h"
#include "base/json.h"
#include "base/printable.h"
#include "base/replace.h"
#include "base/str.h"
#include "base/vec.h"
#include "diag/line.h"
#include "history/read.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

/*
 * A disk needs one free inode per INODE_BYTES of required space.  The ratio is
 * the default of mke2fs.
 */
#define INODE_BYTES (UINT64_C(16) << 10)

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
	/* Some file systems do not limit the number of files. */
	if (blocks * v.f_frsize >= min_bytes &&
	    (!v.f_files || v.f_favail >= min_bytes / INODE_BYTES))
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

#define LOG_NAME      "build.log"
#define METADATA_NAME "metadata.json"
#define TRIES         1000
#define LINE_BYTES    (1u << 16)

/* ---- numbers ---- */

/*
 * The allocation of a number N creates the entry N in ~/.cache/kfarm/builds:
 * the output directory, or an empty file if the build has another output
 * directory or none.  The creation fails if N exists, so two builds never get
 * the same number.  The entry of the last number remains until the next entry
 * exists.  The entries thus suffice to find an unused number if the history is
 * missing, and the history suffices if the entries are missing.
 */
enum entry_kind {
	ENTRY_DIR,
	ENTRY_FILE,
};

/* Create an entry.  Returns 0 or a negative errno. */
static int create_entry(const char *path, enum entry_kind kind)
{
	int fd;

	if (kind == ENTRY_DIR)
		return mkdir(path, 0777) ? -errno : 0;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

/*
 * Lock an output directory.  Returns the descriptor, -EBUSY if another build
 * uses the directory or another process is removing it, or another negative
 * errno, for instance on file systems without locks.
 */
static int lock_outdir(const char *path)
{
	return fs_open_locked(AT_FDCWD, path, O_RDONLY | O_DIRECTORY,
			      LOCK_EX | LOCK_NB);
}

/*
 * Remove the empty files that reserve lower numbers.  Do not remove symbolic
 * links: the user may have moved a directory and left a link in its place.
 */
static void remove_lower_files(const char *base, const struct strv *names,
			       long number)
{
	struct stat st;
	long n;

	for (size_t i = 0; i < names->n; i++) {
		char *path;

		if (str_parse_number(names->v[i], 1, number - 1, &n))
			continue;
		path = xasprintf("%s/%s", base, names->v[i]);
		if (!lstat(path, &st) && S_ISREG(st.st_mode) && !st.st_size)
			unlink(path);
		free(path);
	}
}

/*
 * Create the entry of the next unused number in `base` and store the number.
 * For ENTRY_DIR, *lock_fd receives the lock of the directory.
 *
 * `base` is locked during the search.  Without the lock, two processes could
 * allocate the same number: after this process has listed the entries, another
 * process could create the entry of the next number and remove this entry
 * again.
 */
static int allocate_number(const char *base, enum entry_kind kind,
			   int64_t *number, int *lock_fd, struct err *err)
{
	long last = (long)history_last_number(), n;
	int base_fd = open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct strv names = { 0 };
	int ret = -EEXIST;

	if (base_fd >= 0)
		flock(base_fd, LOCK_EX);
	fs_list(base, &names);
	for (size_t i = 0; i < names.n; i++) {
		if (!str_parse_number(names.v[i], 1, KERNEL_OUTDIR_NUMBER_MAX,
				      &n) &&
		    n > last)
			last = n;
	}
	for (n = last + 1; ret == -EEXIST && n <= last + TRIES; n++) {
		char *path = xasprintf("%s/%ld", base, n);

		ret = create_entry(path, kind);
		*number = n;
		if (!ret && kind == ENTRY_DIR) {
			*lock_fd = lock_outdir(path);
			if (*lock_fd == -EBUSY || *lock_fd == -ENOENT ||
			    *lock_fd == -EAGAIN)
				ret = -EEXIST;
		} else if (ret && ret != -EEXIST) {
			err_set(err, -ret, "cannot create %s: %s", path,
				strerror(-ret));
		}
		free(path);
	}
	if (ret == -EEXIST)
		err_set(err, EEXIST, "%s: no free build number", base);
	if (!ret)
		remove_lower_files(base, &names, (long)*number);
	if (base_fd >= 0)
		close(base_fd);
	strv_release(&names);
	return ret;
}

char *kernel_outdir_top(void)
{
	char *cache = fs_cache_home(), *top = xasprintf("%s/builds", cache);

	free(cache);
	return top;
}

int64_t kernel_outdir_reserve_number(void)
{
	char *top = kernel_outdir_top();
	struct err ignored;
	int64_t number = 0;

	if (fs_mkdirs(top, 0777, &ignored) ||
	    allocate_number(top, ENTRY_FILE, &number, NULL, &ignored))
		number = 0;
	free(top);
	return number;
}

/* ---- directory ---- */

const struct json_file kernel_outdir_metadata = {
	.file = { .max_bytes = 16u << 20, .mode = 0666 },
	.dump_flags = JSON_INDENT(4) | JSON_PRESERVE_ORDER |
		      JSON_REAL_PRECISION(12),
	.ends_line = true,
};

json_t *kernel_outdir_read_metadata(const char *dir)
{
	char *path = xasprintf("%s/" METADATA_NAME, dir);
	struct err ignored;
	json_t *root;

	json_file_read(&kernel_outdir_metadata, path, &root, &ignored);
	free(path);
	return root;
}

static int make_default(struct kernel_outdir *o, struct err *err)
{
	char *top = kernel_outdir_top();
	int ret = fs_mkdirs(top, 0777, err);

	if (!ret)
		ret = allocate_number(top, ENTRY_DIR, &o->number, &o->lock_fd,
				      err);
	if (!ret)
		o->dir = xasprintf("%s/%lld", top, (long long)o->number);
	free(top);
	return ret;
}

static void remove_file(const struct kernel_outdir *o, const char *name)
{
	char *path = kernel_outdir_path(o, name);

	unlink(path);
	free(path);
}

/* Names of files that each build writes or removes. */
static const char *const result_names[] = {
	"config",        "vmlinux",        "System.map", "modules.tar.xz",
	"dtbs.tar.xz",   "headers.tar.xz", LOG_NAME,     METADATA_NAME,
	"reproducer.sh", "report.html",
};

/* Return true if kbuild makes a file of this name in the build directory. */
static bool is_kbuild_file(const char *name)
{
	return str_starts(name, "vmlinux") || str_starts(name, "vmlinuz") ||
	       str_starts(name, "modules.builtin") ||
	       str_equal(name, "linux") || str_equal(name, "modules.order") ||
	       str_equal(name, "System.map") ||
	       str_equal(name, "Module.symvers");
}

/*
 * Remove the files of an earlier build: those that its metadata.json lists, and
 * those whose names kfarm always uses.  If the output directory is the build
 * directory, keep the files of kbuild, which make may not make again.
 */
static void remove_old_files(const struct kernel_outdir *o, bool is_build_dir)
{
	json_t *root = kernel_outdir_read_metadata(o->dir), *list, *name;
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

			if (file && *file && !strchr(file, '/') &&
			    !(is_build_dir && is_kbuild_file(file)))
				remove_file(o, file);
		}
	}
	json_decref(root);
	for (i = 0; i < ARRAY_SIZE(result_names); i++) {
		if (!is_build_dir || !is_kbuild_file(result_names[i]))
			remove_file(o, result_names[i]);
	}
	fs_remove_temp_files(o->dir);
	fs_remove(stage, &ignored);
	free(stage);
}

/* Reject ~/.cache/kfarm/builds/N as a directory that the user names. */
static int check_number_unused(const char *dir, struct err *err)
{
	char *top = kernel_outdir_top(), *parent = str_dir(dir);
	long number;
	bool reserved = !str_parse_number(str_base(dir), 1,
					  KERNEL_OUTDIR_NUMBER_MAX, &number) &&
			fs_is_same_dir(parent, top);

	free(parent);
	free(top);
	if (!reserved)
		return 0;
	return err_set(
		err, EINVAL,
		"%s: this name is reserved for build %ld; choose another "
		"name",
		dir, number);
}

/*
 * Reject a directory with files that the build would replace, unless an earlier
 * build used the directory.
 */
static int check_contents(const char *dir, struct err *err)
{
	const char *foreign = NULL;
	struct strv names = { 0 };

	fs_list(dir, &names);
	for (size_t i = 0; i < ARRAY_SIZE(result_names); i++) {
		if (strv_has(&names, result_names[i]))
			foreign = result_names[i];
	}
	if (strv_has(&names, LOG_NAME) || strv_has(&names, METADATA_NAME))
		foreign = NULL;
	strv_release(&names);
	return foreign ?
		       err_set(err, EEXIST,
			       "%s: contains %s, which kfarm has not written; "
			       "choose another directory",
			       dir, foreign) :
		       0;
}

static int make_given(struct kernel_outdir *o, const char *dir,
		      const char *locked_dir, struct err *err)
{
	bool is_build_dir;
	char *real;
	size_t n;
	int ret;

	o->dir = fs_make_absolute(dir);
	for (n = strlen(o->dir); n > 1 && o->dir[n - 1] == '/'; n--)
		o->dir[n - 1] = '\0';
	/* The lock belongs to the directory, not to a link to it. */
	real = realpath(o->dir, NULL);
	ret = check_number_unused(real ? real : o->dir, err);
	if (!ret)
		ret = fs_mkdirs(o->dir, 0777, err);
	is_build_dir = !ret && locked_dir && fs_is_same_dir(o->dir, locked_dir);
	if (!ret && !is_build_dir) {
		o->lock_fd = lock_outdir(real ? real : o->dir);
		if (o->lock_fd == -EBUSY)
			ret = err_set(err, EBUSY, "%s: in use by another build",
				      o->dir);
	}
	if (!ret)
		ret = check_contents(o->dir, err);
	if (!ret)
		remove_old_files(o, is_build_dir);
	free(real);
	return ret;
}

/* Check the free space and create build.log. */
static int open_log(struct kernel_outdir *o, struct err *err)
{
	int ret = kernel_disk_space_check(o->dir, KERNEL_DISK_SPACE_MIN, err);
	char *log;

	if (ret)
		return ret;
	log = kernel_outdir_path(o, LOG_NAME);
	o->log_fd = open(
		log, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0666);
	if (o->log_fd < 0)
		ret = err_errno(err, "%s", log);
	free(log);
	return ret;
}

int kernel_outdir_make(struct kernel_outdir *o, const char *dir,
		       struct err *err)
{
	int ret;

	*o = (struct kernel_outdir){ .log_fd = -1, .lock_fd = -1 };
	ret = make_given(o, dir, NULL, err);
	if (!ret)
		ret = open_log(o, err);
	if (ret)
		err_wrap(err, "output directory");
	return ret;
}

int kernel_outdir_make_numbered(struct kernel_outdir *o, const char *dir,
				const char *locked_dir, struct err *err)
{
	int ret;

	*o = (struct kernel_outdir){ .log_fd = -1, .lock_fd = -1 };
	if (dir) {
		ret = make_given(o, dir, locked_dir, err);
		o->number = ret ? 0 : kernel_outdir_reserve_number();
	} else {
		ret = make_default(o, err);
	}
	if (!ret)
		ret = open_log(o, err);
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
	size_t cap = LINE_BYTES;
	struct buf text = { 0 };
	struct replace r;
	char *line = NULL;
	ssize_t n;
	int ret = replace_open(&r, path, 0666, err);

	if (ret)
		return ret;
	rewind(from);
	while (!ret && (n = getline(&line, &cap, from)) > 0) {
		bool whole = line[n - 1] == '\n';
		size_t left = diag_line_strip_controls(line, (size_t)n - whole);

		buf_add(&text, line, left);
		if (whole)
			buf_add(&text, "\n", 1);
		if (text.len < LINE_BYTES)
			continue;
		ret = bytes_write(r.fd, buf_bytes(&text));
		buf_reset(&text);
	}
	if (!ret && ferror(from))
		ret = -errno;
	if (!ret)
		ret = bytes_write(r.fd, buf_bytes(&text));
	buf_release(&text);
	free(line);
	return replace_close(&r, ret, err);
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
	struct buf out = { 0 };

	fs_add_display_path(&out, o->dir);
	return buf_steal(&out);
}

void kernel_outdir_release(struct kernel_outdir *o)
{
	if (o->log_fd >= 0)
		close(o->log_fd);
	if (o->lock_fd >= 0)
		close(o->lock_fd);
	free(o->dir);
	*o = (struct kernel_outdir){ .log_fd = -1, .lock_fd = -1 };
}
