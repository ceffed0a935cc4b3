/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tree/checkout.h"

#include "base/fs.h"
#include "base/str.h"
#include "base/task.h"
#include "base/vec.h"
#include "tree/git.h"
#include "tree/index.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEPTH_MAX 500

struct tree_walk {
	struct tree_files *f;
	git_repository *repo;
	size_t trees;
	struct err *err;
};

static int read_tree_object(struct tree_walk *r, const git_oid *id,
			    const char *prefix, unsigned depth);

static int too_many(struct tree_walk *r, const char *path)
{
	return err_set(r->err, E2BIG, "%.200s: too many files: the limit is %d",
		       path, TREE_FILES_MAX);
}

static int read_tree_entry(struct tree_walk *r, const git_tree_entry *e,
			   char *path, unsigned depth)
{
	git_filemode_t mode = git_tree_entry_filemode(e);
	git_index_entry *file;
	char *prefix;
	int ret;

	if (mode == GIT_FILEMODE_TREE) {
		prefix = xasprintf("%s/", path);
		free(path);
		ret = read_tree_object(r, git_tree_entry_id(e), prefix,
				       depth + 1);
		free(prefix);
		return ret;
	}
	if (mode != GIT_FILEMODE_BLOB && mode != GIT_FILEMODE_BLOB_EXECUTABLE &&
	    mode != GIT_FILEMODE_LINK && mode != GIT_FILEMODE_COMMIT) {
		ret = err_set(r->err, EINVAL, "%.200s: unexpected mode %o",
			      path, (unsigned)git_tree_entry_filemode_raw(e));
		free(path);
		return ret;
	}
	file = VEC_ADD(r->f->entries, r->f->n_entries);
	file->path = path;
	file->mode = mode;
	file->id = *git_tree_entry_id(e);
	return 0;
}

static int read_tree_object(struct tree_walk *r, const git_oid *id,
			    const char *prefix, unsigned depth)
{
	git_tree *tree = NULL;
	int ret = git_tree_lookup(&tree, r->repo, id);

	if (ret)
		return tree_git_set_error(r->err, ret, "%s",
					  *prefix ? prefix : "root tree");
	if (depth > DEPTH_MAX || strlen(prefix) > TREE_PATH_MAX)
		ret = err_set(r->err, EINVAL, "%.200s...: path too deep",
			      prefix);
	else if (++r->trees > TREE_FILES_MAX)
		ret = too_many(r, prefix);
	for (size_t i = 0; !ret && i < git_tree_entrycount(tree); i++) {
		const git_tree_entry *e = git_tree_entry_byindex(tree, i);
		const char *name = git_tree_entry_name(e);

		if (!tree_path_check_is_valid_name(name))
			ret = err_set(r->err, EINVAL,
				      "%.200s: invalid file name \"%.200s\"",
				      *prefix ? prefix : "root tree", name);
		else if (r->f->n_entries >= TREE_FILES_MAX)
			ret = too_many(r, name);
		else
			ret = read_tree_entry(
				r, e, xasprintf("%s%s", prefix, name), depth);
	}
	git_tree_free(tree);
	return ret;
}

/* ---- directories ---- */

static int compare_files(const void *a, const void *b)
{
	return strcmp(((const git_index_entry *)a)->path,
		      ((const git_index_entry *)b)->path);
}

/*
 * Search entries[first] to entries[end - 1] for `path`.  Returns the entry or
 * NULL.
 */
static git_index_entry *find_tree_file(const struct tree_files *f, size_t first,
				       size_t end, const char *path)
{
	git_index_entry key = { .path = path };

	return end > first ? bsearch(&key, f->entries + first, end - first,
				     sizeof(key), compare_files) :
			     NULL;
}

static int compare_dirs(const void *a, const void *b)
{
	const struct tree_dir *x = a, *y = b;

	if (x->depth != y->depth)
		return x->depth < y->depth ? -1 : 1;
	return strcmp(x->path, y->path);
}

/* Add the directories that contain file `i` but not file `i` - 1. */
static void begin_dirs(struct tree_files *f, size_t i)
{
	const char *path = f->entries[i].path;
	const char *before = i ? f->entries[i - 1].path : "";
	const char *slash = path;

	for (size_t k = 0; before[k] && before[k] == path[k]; k++) {
		if (path[k] == '/')
			slash = &path[k + 1];
	}
	for (; (slash = strchr(slash, '/')); slash++) {
		struct tree_dir *d = VEC_ADD(f->dirs, f->n_dirs);

		d->path = xstrndup(path, (size_t)(slash - path));
		d->depth = 1;
		for (const char *c = path; c < slash; c++)
			d->depth += *c == '/';
		d->first = i;
	}
}

/*
 * Set d->end by binary search, which works because the paths that begin with
 * "DIR/" are contiguous.
 */
static void end_dir(const struct tree_files *f, struct tree_dir *d)
{
	size_t low = d->first, high = f->n_entries, n = strlen(d->path);

	while (n && low < high) {
		size_t mid = low + (high - low) / 2;
		const char *path = f->entries[mid].path;

		if (!strncmp(path, d->path, n) && path[n] == '/')
			low = mid + 1;
		else
			high = mid;
	}
	d->end = n ? low : f->n_entries;
}

static int find_tree_dirs(struct tree_files *f, struct err *err)
{
	struct tree_dir *top = VEC_ADD(f->dirs, f->n_dirs);

	top->path = xstrdup("");
	for (size_t i = 0; i < f->n_entries; i++) {
		if (i && !strcmp(f->entries[i - 1].path, f->entries[i].path))
			return err_set(err, EINVAL, "%.200s: duplicate entry",
				       f->entries[i].path);
		begin_dirs(f, i);
	}
	qsort(f->dirs, f->n_dirs, sizeof(*f->dirs), compare_dirs);
	for (size_t i = 0; i < f->n_dirs; i++) {
		struct tree_dir *d = &f->dirs[i];

		if (find_tree_file(f, 0, f->n_entries, d->path))
			return err_set(err, EINVAL,
				       "%.200s: both a file and a directory",
				       d->path);
		end_dir(f, d);
	}
	return 0;
}

int tree_files_read(struct tree_files *out, git_repository *repo,
		    const git_oid *commit, struct err *err)
{
	struct tree_walk r = { .f = out, .repo = repo, .err = err };
	git_commit *c = NULL;
	int ret;

	*out = (struct tree_files){ 0 };
	ret = git_commit_lookup(&c, repo, commit);
	if (ret)
		return tree_git_set_error(err, ret, "commit");
	ret = read_tree_object(&r, git_commit_tree_id(c), "", 0);
	git_commit_free(c);
	if (ret)
		return ret;
	/*
	 * Sort the entries, because a tree object that git did not write can
	 * have another order.
	 */
	if (out->n_entries)
		qsort(out->entries, out->n_entries, sizeof(*out->entries),
		      compare_files);
	return find_tree_dirs(out, err);
}

int tree_files_from_index(struct tree_files *out,
			  const struct tree_index *index, struct err *err)
{
	*out = (struct tree_files){ .paths_borrowed = true };
	out->entries = xcalloc(index->n_entries + 1, sizeof(*out->entries));
	for (size_t i = 0; i < index->n_entries; i++) {
		const git_index_entry *e = &index->entries[i];

		if (strlen(e->path) > TREE_PATH_MAX)
			return err_set(err, EINVAL, "%.200s...: path too long",
				       e->path);
		if (!out->n_entries ||
		    strcmp(out->entries[out->n_entries - 1].path, e->path))
			out->entries[out->n_entries++] = *e;
	}
	return find_tree_dirs(out, err);
}

void tree_files_release(struct tree_files *f)
{
	for (size_t i = 0; !f->paths_borrowed && i < f->n_entries; i++)
		free((char *)f->entries[i].path);
	for (size_t i = 0; i < f->n_dirs; i++)
		free(f->dirs[i].path);
	free(f->entries);
	free(f->dirs);
	*f = (struct tree_files){ 0 };
}

/* Return the directory `path`, which has `depth` path components, or NULL. */
static struct tree_dir *find_tree_dir(const struct tree_files *f,
				      unsigned depth, const char *path)
{
	struct tree_dir key = { .path = (char *)path, .depth = depth };

	return bsearch(&key, f->dirs, f->n_dirs, sizeof(key), compare_dirs);
}

/*
 * Record a failure, unless another one was recorded before.  Any thread may
 * call this function.
 */
static void checkout_fail(struct tree_checkout *m, int ret,
			  const struct err *why)
{
	pthread_mutex_lock(&m->mutex);
	if (!m->ret) {
		m->ret = ret;
		m->error = *why;
	}
	pthread_mutex_unlock(&m->mutex);
	atomic_store(&m->failed, true);
}

/* Record the stat data of a file. */
static void save_stat(git_index_entry *e, const struct stat *st)
{
	/* git's index has 32 bits for each value */
	e->ctime.seconds = (int32_t)st->st_ctim.tv_sec;
	e->ctime.nanoseconds = (uint32_t)st->st_ctim.tv_nsec;
	e->mtime.seconds = (int32_t)st->st_mtim.tv_sec;
	e->mtime.nanoseconds = (uint32_t)st->st_mtim.tv_nsec;
	e->dev = (uint32_t)st->st_dev;
	e->ino = (uint32_t)st->st_ino;
	e->uid = st->st_uid;
	e->gid = st->st_gid;
	e->file_size = (uint32_t)st->st_size;
}

/*
 * Return true if the file type and the owner's execute permission in `mode` are
 * those of the entry `e`.
 */
static bool mode_fits(const git_index_entry *e, mode_t mode)
{
	switch (e->mode) {
	case GIT_FILEMODE_LINK:
		return S_ISLNK(mode);
	case GIT_FILEMODE_COMMIT:
		return S_ISDIR(mode);
	default:
		return S_ISREG(mode) &&
		       !(mode & S_IXUSR) == (e->mode == GIT_FILEMODE_BLOB);
	}
}

/* Compare stat data, but not the device number, which may change at reboot. */
static bool is_unchanged(const git_index_entry *e, const struct stat *st)
{
	git_index_entry now = { 0 };

	save_stat(&now, st);
	return e->ino == now.ino && e->file_size == now.file_size &&
	       e->mtime.seconds == now.mtime.seconds &&
	       e->mtime.nanoseconds == now.mtime.nanoseconds &&
	       e->ctime.seconds == now.ctime.seconds &&
	       e->ctime.nanoseconds == now.ctime.nanoseconds;
}

/* Comparison of one directory. */
struct dir_comparison {
	struct tree_checkout *checkout;
	const struct tree_dir *dir;
	int fd;
	struct err err;
};

static int set_path_error(struct dir_comparison *l, const char *path, int error)
{
	return err_set(&l->err, error, "%s: %s", path, strerror(error));
}

static int remove_extra(struct dir_comparison *l, const char *name,
			const char *path)
{
	int ret;

	if (l->checkout->read_only) {
		pthread_mutex_lock(&l->checkout->mutex);
		strv_add(&l->checkout->extra, path);
		pthread_mutex_unlock(&l->checkout->mutex);
		return 0;
	}
	ret = fs_remove_at(l->fd, name);
	if (ret && ret != -ENOENT)
		return set_path_error(l, path, -ret);
	atomic_fetch_add(&l->checkout->n_removed, 1);
	return 0;
}

/*
 * A submodule is checked out as an empty directory.  With read_only, ignore the
 * content of the directory.  Otherwise remove the directory with its content;
 * tree_checkout_write() creates it again.
 */
static int compare_submodule(struct dir_comparison *l, const char *name,
			     const char *path, size_t i)
{
	int ret;

	if (l->checkout->read_only) {
		l->checkout->states[i] = TREE_FILE_SAME;
		return 0;
	}
	if (!unlinkat(l->fd, name, AT_REMOVEDIR))
		return 0;
	ret = remove_extra(l, name, path);
	l->checkout->states[i] = TREE_FILE_MISSING;
	return ret;
}

static int compare_file(struct dir_comparison *l, const char *name, size_t i)
{
	struct tree_checkout *m = l->checkout;
	git_index_entry *e = &m->files.entries[i];
	struct stat st;

	if (fstatat(l->fd, name, &st, AT_SYMLINK_NOFOLLOW))
		return errno == ENOENT ? 0 : set_path_error(l, e->path, errno);
	if (e->mode == GIT_FILEMODE_COMMIT && S_ISDIR(st.st_mode))
		return compare_submodule(l, name, e->path, i);
	if (!mode_fits(e, st.st_mode) && (!m->read_only || S_ISDIR(st.st_mode)))
		return remove_extra(l, name, e->path);
	m->states[i] = mode_fits(e, st.st_mode) && is_unchanged(e, &st) ?
			       TREE_FILE_SAME :
			       TREE_FILE_UNVERIFIED;
	return 0;
}

static int compare_name(struct dir_comparison *l, const char *name)
{
	const struct tree_files *f = &l->checkout->files;
	char path[TREE_PATH_MAX + NAME_MAX + 2], *at = path;
	const git_index_entry *file;
	struct stat st;

	/* Concatenate by hand, because this runs for about 100,000 names. */
	if (*l->dir->path) {
		at = stpcpy(at, l->dir->path);
		*at++ = '/';
	}
	strcpy(at, name);
	file = find_tree_file(f, l->dir->first, l->dir->end, path);
	if (file)
		return compare_file(l, name, (size_t)(file - f->entries));
	if (find_tree_dir(f, l->dir->depth + 1, path)) {
		if (fstatat(l->fd, name, &st, AT_SYMLINK_NOFOLLOW))
			return errno == ENOENT ? 0 :
						 set_path_error(l, path, errno);
		/*
		 * The commit contains a directory at this path.  Remove any
		 * other type of file.
		 */
		if (S_ISDIR(st.st_mode))
			return 0;
	} else if (!*l->dir->path && !strcmp(name, TREE_GIT_LINK)) {
		return 0;
	}
	return remove_extra(l, name, path);
}

static int compare_all(struct dir_comparison *l)
{
	int fd = openat(l->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;
	int ret = 0;

	if (!dir) {
		ret = set_path_error(l, l->dir->path, errno);
		if (fd >= 0)
			close(fd);
		return ret;
	}
	while (!ret && (errno = 0, e = readdir(dir))) {
		if (strcmp(e->d_name, ".") && strcmp(e->d_name, ".."))
			ret = compare_name(l, e->d_name);
	}
	if (!ret && errno)
		ret = set_path_error(l, l->dir->path, errno);
	closedir(dir);
	return ret;
}

/*
 * Directories of the same depth.  The directories above them have already been
 * compared with the commit.
 */
struct level {
	struct tree_checkout *m;
	const struct tree_dir *dir;
};

static void compare_dir_files(void *ctx, size_t i)
{
	const struct level *level = ctx;
	const struct tree_dir *d = &level->dir[i];
	struct tree_checkout *m = level->m;
	struct dir_comparison l = { .checkout = m, .dir = d };
	int ret;

	if (atomic_load(&m->failed))
		return;
	if (m->stop && atomic_load(m->stop)) {
		checkout_fail(m, -ECANCELED, &l.err);
		return;
	}
	l.fd = beneath_open(m->root_fd, d->path, !m->read_only);
	/* The files of a missing directory remain TREE_FILE_MISSING. */
	if (l.fd < 0 && m->read_only)
		return;
	ret = l.fd < 0 ? set_path_error(&l, d->path, -l.fd) : compare_all(&l);
	if (ret)
		checkout_fail(m, ret, &l.err);
	if (l.fd >= 0)
		close(l.fd);
}

int tree_checkout_compare(struct tree_checkout *m)
{
	const struct tree_files *f = &m->files;
	size_t from = 0, to;

	m->states = xcalloc(f->n_entries + 1, sizeof(*m->states));
	for (; from < f->n_dirs && !m->ret; from = to) {
		struct level level = { m, &f->dirs[from] };

		for (to = from; to < f->n_dirs &&
				f->dirs[to].depth == f->dirs[from].depth;)
			to++;
		task_each(to - from < 8 ? 1 : m->n_threads, to - from,
			  compare_dir_files, NULL, &level);
	}
	return m->ret;
}

#define CHUNK    64 /* files per task */
#define FILE_MAX (512ull << 20)

/* State of one task that writes files. */
struct file_writer {
	struct tree_checkout *checkout;
	char *open_dir; /* path of the directory that `fd` refers to */
	int fd;
	struct err err;
};

static int enter_parent(struct file_writer *w, const char *path)
{
	const char *slash = strrchr(path, '/');
	size_t n = slash ? (size_t)(slash - path) : 0;

	if (w->open_dir && strlen(w->open_dir) == n &&
	    !strncmp(w->open_dir, path, n))
		return 0;
	if (w->fd >= 0)
		close(w->fd);
	free(w->open_dir);
	w->open_dir = xstrndup(path, n);
	w->fd = beneath_open(w->checkout->root_fd, w->open_dir, true);
	return w->fd < 0 ? err_set(&w->err, -w->fd, "%s: %s", w->open_dir,
				   strerror(-w->fd)) :
			   0;
}

static int failed_on(struct file_writer *w, const git_index_entry *e)
{
	return err_errno(&w->err, "%s", e->path);
}

/* ---- existing files ---- */

static bool is_link_of(struct file_writer *w, const git_index_entry *e)
{
	char to[PATH_MAX];
	ssize_t n = readlinkat(w->fd, str_base(e->path), to, sizeof(to));
	git_oid id;

	return n >= 0 && !git_odb_hash(&id, to, (size_t)n, GIT_OBJECT_BLOB) &&
	       git_oid_equal(&id, &e->id);
}

static bool is_file_of(const struct file_writer *w, int fd,
		       const git_index_entry *e)
{
	struct buf content = { 0 };
	bool same = false;
	git_object_t type;
	struct stat st;
	size_t size;
	git_oid id;
	ssize_t n;

	if (fstat(fd, &st) || !S_ISREG(st.st_mode) ||
	    git_odb_read_header(&size, &type, w->checkout->odb, &e->id) ||
	    size != (size_t)st.st_size || size > FILE_MAX ||
	    buf_reserve(&content, size + 1))
		return false;
	do {
		n = read(fd, content.data + content.len,
			 size + 1 - content.len);
		content.len += n > 0 ? (size_t)n : 0;
	} while (n > 0);
	if (!n && content.len == size)
		same = !git_odb_hash(&id, content.data, size,
				     GIT_OBJECT_BLOB) &&
		       git_oid_equal(&id, &e->id);
	buf_release(&content);
	return same;
}

static void set_date(const struct file_writer *w, const char *name)
{
	const struct timespec floor = w->checkout->min_mtime;
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT },
				     { .tv_nsec = UTIME_NOW } };

	if (floor.tv_sec)
		times[1] = floor;
	utimensat(w->fd, name, times, AT_SYMLINK_NOFOLLOW);
}

static int save_file_stat(struct file_writer *w, git_index_entry *e)
{
	struct stat st;

	if (fstatat(w->fd, str_base(e->path), &st, AT_SYMLINK_NOFOLLOW))
		return failed_on(w, e);
	save_stat(e, &st);
	return 0;
}

/*
 * Check whether an existing file has the content that the commit contains.
 * Returns 1 if the contents are equal, after recording the stat data of the
 * file; 0 if the file must be written; -1 on an error.
 */
static int keep_if_unchanged(struct file_writer *w, git_index_entry *e)
{
	const char *name = str_base(e->path);
	struct stat st;
	bool same;
	int fd = -1;

	if (e->mode == GIT_FILEMODE_LINK) {
		same = is_link_of(w, e);
	} else {
		fd = openat(w->fd, name,
			    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
		same = fd >= 0 && is_file_of(w, fd, e);
	}
	if (fd >= 0)
		close(fd);
	if (!same)
		return 0;
	if (fstatat(w->fd, name, &st, AT_SYMLINK_NOFOLLOW))
		return failed_on(w, e);
	/*
	 * If the mtime differs from the mtime in the index, the file may have
	 * had other content for some time since the last checkout.  Products
	 * that were built from that content can be newer than the file.  Set a
	 * new mtime, so that make rebuilds these products.
	 */
	if (e->mtime.seconds != (int32_t)st.st_mtim.tv_sec ||
	    e->mtime.nanoseconds != (uint32_t)st.st_mtim.tv_nsec)
		set_date(w, name);
	return save_file_stat(w, e) ? -1 : 1;
}

/* ---- written files ---- */

static int write_blob(struct file_writer *w, git_index_entry *e,
		      git_odb_object *o)
{
	mode_t mode = e->mode == GIT_FILEMODE_BLOB ? 0666 : 0777;
	int fd = openat(w->fd, str_base(e->path),
			O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
			mode);
	const struct timespec floor = w->checkout->min_mtime;
	const struct timespec times[2] = { floor, floor };
	struct stat st;
	int ret;

	if (fd < 0)
		return failed_on(w, e);
	ret = bytes_write(
		fd, bytes_of(git_odb_object_data(o), git_odb_object_size(o)));
	if (!ret && ((floor.tv_sec && futimens(fd, times)) || fstat(fd, &st)))
		ret = -errno;
	if (close(fd) && !ret)
		ret = -errno;
	if (ret)
		return err_set(&w->err, -ret, "%s: %s", e->path,
			       strerror(-ret));
	save_stat(e, &st);
	return 0;
}

static int write_link(struct file_writer *w, git_index_entry *e,
		      git_odb_object *o)
{
	char *target = xstrndup(git_odb_object_data(o), git_odb_object_size(o));
	int ret = 0;

	/* a target with NUL would be truncated */
	if (strlen(target) != git_odb_object_size(o) || !*target)
		ret = err_set(&w->err, EINVAL,
			      "%s: symbolic link with an invalid target",
			      e->path);
	else if (symlinkat(target, w->fd, str_base(e->path)))
		ret = failed_on(w, e);
	else if (w->checkout->min_mtime.tv_sec)
		set_date(w, str_base(e->path));
	if (!ret)
		ret = save_file_stat(w, e);
	free(target);
	return ret;
}

/*
 * Check the size of a blob before it is read.  The size of the compressed
 * object sets no limit: a huge file of zeros compresses to almost nothing.
 */
static int check_blob(struct file_writer *w, const git_index_entry *e)
{
	git_object_t type;
	size_t size;
	int ret = git_odb_read_header(&size, &type, w->checkout->odb, &e->id);

	if (ret)
		return tree_git_set_error(&w->err, ret, "%s", e->path);
	if (type != GIT_OBJECT_BLOB)
		return err_set(&w->err, EINVAL, "%s: expected a blob, got a %s",
			       e->path, git_object_type2string(type));
	if (size > FILE_MAX)
		return err_set(&w->err, EFBIG, "%s: larger than %llu MiB",
			       e->path, FILE_MAX >> 20);
	return 0;
}

static int make_file(struct file_writer *w, git_index_entry *e)
{
	const char *name = str_base(e->path);
	git_odb_object *o = NULL;
	int ret;

	if (e->mode == GIT_FILEMODE_COMMIT) {
		if (mkdirat(w->fd, name, 0777) && errno != EEXIST)
			return failed_on(w, e);
		return save_file_stat(w, e);
	}
	ret = check_blob(w, e);
	if (ret)
		return ret;
	ret = git_odb_read(&o, w->checkout->odb, &e->id);
	if (ret)
		return tree_git_set_error(&w->err, ret, "%s", e->path);
	if (unlinkat(w->fd, name, 0) && errno != ENOENT)
		ret = failed_on(w, e);
	else if (e->mode == GIT_FILEMODE_LINK)
		ret = write_link(w, e, o);
	else
		ret = write_blob(w, e, o);
	git_odb_object_free(o);
	if (!ret)
		atomic_fetch_add(&w->checkout->n_written, 1);
	return ret;
}

static void write_chunk(void *ctx, size_t chunk)
{
	struct tree_checkout *m = ctx;
	struct file_writer w = { .checkout = m, .fd = -1 };
	size_t at = chunk * CHUNK;
	size_t end = at + CHUNK < m->n_pending ? at + CHUNK : m->n_pending;
	int ret = 0;

	for (; !ret && at < end && !atomic_load(&m->failed); at++) {
		size_t i = m->pending[at];
		git_index_entry *e = &m->files.entries[i];
		int unchanged = 0;

		ret = enter_parent(&w, e->path);
		if (!ret && m->states[i] == TREE_FILE_UNVERIFIED)
			unchanged = keep_if_unchanged(&w, e);
		if (!ret && unchanged < 0)
			ret = -EIO;
		if (!ret && !unchanged)
			ret = make_file(&w, e);
		atomic_fetch_add(&m->n_done, 1);
	}
	if (ret)
		checkout_fail(m, ret, &w.err);
	if (w.fd >= 0)
		close(w.fd);
	free(w.open_dir);
}

static void report_written(void *ctx)
{
	struct tree_checkout *m = ctx;

	if (m->on_progress)
		m->on_progress(m->ctx, atomic_load(&m->n_done), m->n_pending);
}

int tree_checkout_write(struct tree_checkout *m)
{
	size_t chunks = (m->n_pending + CHUNK - 1) / CHUNK;

	if (chunks)
		task_each(m->n_threads, chunks, write_chunk, report_written, m);
	return m->ret;
}
