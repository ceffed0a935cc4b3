/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tree/worktree.h"

#include "base/fs.h"
#include "base/str.h"
#include "tree/checkout.h"
#include "tree/git.h"
#include "tree/index.h"
#include "tree/rev-parse.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LISTED_MAX 256
#define LINE_MAX   4096
/*
 * A file whose ctime is not before the mtime of the index is racily clean
 * (base/file-stamp.h).  If the ctime is more than OLD_ENOUGH_S seconds after
 * the mtime of the index, the clock was set back after the file was written, so
 * the file does not count as racily clean.
 */
#define OLD_ENOUGH_S 3600
#define THREADS_MAX  8

static char *path_in_worktree(const struct tree_worktree_setup *s,
			      const char *name)
{
	return xasprintf("%s/%s", s->dir, name);
}

static char *format_listed(const git_oid *commit, const git_oid *sum)
{
	char a[GIT_OID_HEXSZ + 1], b[GIT_OID_HEXSZ + 1];

	git_oid_tostr(a, sizeof(a), commit);
	git_oid_tostr(b, sizeof(b), sum);
	return xasprintf("%s %s\n", a, b);
}

static bool is_index_of_commit(const struct tree_index *x,
			       const git_oid *commit,
			       const struct tree_worktree_setup *s)
{
	char *path = path_in_worktree(s, "git/listed");
	char *line = format_listed(commit, &x->checksum);
	struct buf has = { 0 };
	struct err ignored;
	bool yes = !fs_read(path, LISTED_MAX, &has, &ignored) &&
		   !strcmp(buf_str(&has), line);

	buf_release(&has);
	free(line);
	free(path);
	return yes;
}

/*
 * Set the inode of racily clean files to 0, so that their contents are
 * compared: a change in the clock tick in which the index was written may have
 * left the stat data of such a file unchanged.
 */
static void invalidate_racy(struct tree_files *f, const struct stat *index)
{
	const struct timespec *written = &index->st_mtim;

	for (size_t i = 0; i < f->n_entries; i++) {
		git_index_entry *e = &f->entries[i];
		time_t changed = (uint32_t)e->ctime.seconds;
		bool earlier = changed != written->tv_sec ?
				       changed < written->tv_sec :
				       e->ctime.nanoseconds < written->tv_nsec;

		if (!earlier && changed <= written->tv_sec + OLD_ENOUGH_S)
			e->ino = 0;
	}
}

static void copy_index_stats(struct tree_files *f, const struct tree_index *x)
{
	size_t at = 0;

	for (size_t i = 0; i < x->n_entries; i++) {
		const git_index_entry *old = &x->entries[i];
		int order = -1;

		while (at < f->n_entries &&
		       (order = strcmp(f->entries[at].path, old->path)) < 0)
			at++;
		if (at < f->n_entries && !order &&
		    f->entries[at].mode == old->mode &&
		    git_oid_equal(&f->entries[at].id, &old->id)) {
			const char *path = f->entries[at].path;

			f->entries[at] = *old;
			f->entries[at].path = path;
			f->entries[at].flags = f->entries[at].flags_extended =
				0;
		}
	}
}

/* Replace git/index, then git/listed, each atomically.  Returns 0 or -errno. */
static int write_index(const struct tree_files *f, const git_oid *commit,
		       const struct tree_worktree_setup *s, struct err *err)
{
	char *file = path_in_worktree(s, "git/index"), *line;
	char *lock = path_in_worktree(s, "git/index.lock");
	char *listed = path_in_worktree(s, "git/listed");
	git_index *index = NULL;
	int ret;

	/*
	 * Remove the lock of a killed process.  No other process uses the
	 * worktree now.
	 */
	unlink(lock);
	ret = git_index_open(&index, file);
	if (ret && !unlink(file))
		ret = git_index_open(&index, file);
	if (!ret)
		ret = git_index_clear(index);
	for (size_t i = 0; !ret && i < f->n_entries; i++)
		ret = git_index_add(index, &f->entries[i]);
	if (!ret)
		ret = git_index_write(index);
	if (ret) {
		ret = tree_git_set_error(err, ret, "%s", file);
	} else {
		line = format_listed(commit, git_index_checksum(index));
		ret = fs_write(listed, bytes_str(line), 0666, err);
		free(line);
	}
	git_index_free(index);
	free(listed);
	free(lock);
	free(file);
	return ret;
}

/* ---- git's files of the worktree ---- */

/*
 * Write `before`, `text` and a newline to the file `name`, unless the file
 * already has this content.
 */
static int write_git_file(const struct tree_worktree_setup *s, const char *name,
			  const char *before, const char *text, struct err *err)
{
	char *path = path_in_worktree(s, name);
	char *line = xasprintf("%s%s\n", before, text);
	struct buf has = { 0 };
	struct err ignored;
	int ret = 0;

	if (fs_read(path, LINE_MAX, &has, &ignored) ||
	    strcmp(buf_str(&has), line))
		ret = fs_write(path, bytes_str(line), 0666, err);
	buf_release(&has);
	free(line);
	free(path);
	return ret;
}

/*
 * Write src/.git.  Remove an existing src/.git that is not a regular file,
 * because git would follow a symbolic link or use a directory as the
 * repository.
 */
static int put_git_link(const struct tree_worktree_setup *s, struct err *err)
{
	char *link = path_in_worktree(s, "src/" TREE_GIT_LINK),
	     *git = path_in_worktree(s, "git");
	struct stat st;
	int ret = 0;

	if (!lstat(link, &st) && !S_ISREG(st.st_mode))
		ret = fs_remove(link, err);
	if (!ret)
		ret = write_git_file(s, "src/" TREE_GIT_LINK, "gitdir: ", git,
				     err);
	free(git);
	free(link);
	return ret;
}

static int put_git_dir(const struct tree_worktree_setup *s,
		       git_repository *repo, struct err *err)
{
	char *git = path_in_worktree(s, "git"),
	     *link = path_in_worktree(s, "src/" TREE_GIT_LINK);
	char *common = xstrdup(git_repository_commondir(repo));
	size_t n = strlen(common);
	int ret;

	while (n > 1 && common[n - 1] == '/')
		common[--n] = '\0';
	ret = fs_mkdirs(git, 0777, err);
	fs_remove_temp_files(git);
	if (!ret)
		ret = write_git_file(s, "git/commondir", "", common, err);
	if (!ret)
		ret = write_git_file(s, "git/gitdir", "", link, err);
	free(common);
	free(link);
	free(git);
	return ret;
}

static char *read_detached_head(const struct tree_worktree_setup *s)
{
	char *path = path_in_worktree(s, "git/HEAD"), *out = NULL;
	struct buf text = { 0 };
	struct err ignored;

	if (!fs_read(path, LINE_MAX, &text, &ignored) && text.len)
		out = xstrndup(buf_str(&text), strcspn(buf_str(&text), "\n"));
	buf_release(&text);
	free(path);
	return out;
}

/* ---- modification times ---- */

static bool is_later(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec != b->tv_sec ? a->tv_sec > b->tv_sec :
					a->tv_nsec > b->tv_nsec;
}

/*
 * Return the mtime for written files: one second after the newest mtime of a
 * file below the build directory, or 0 if the current time is later than that
 * mtime.
 */
static struct timespec choose_min_mtime(const char *build_dir)
{
	char *const tops[] = { (char *)build_dir, NULL };
	FTS *tree = fts_open(tops, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	struct timespec newest = { 0 }, now;
	FTSENT *at;

	while (tree && (at = fts_read(tree)) != NULL) {
		if (at->fts_info == FTS_F &&
		    is_later(&at->fts_statp->st_mtim, &newest))
			newest = at->fts_statp->st_mtim;
	}
	if (tree)
		fts_close(tree);
	clock_gettime(CLOCK_REALTIME_COARSE, &now);
	if (is_later(&now, &newest))
		return (struct timespec){ 0 };
	newest.tv_sec++;
	return newest;
}

/* ---- checkout ---- */

static int checkout_files(struct tree_checkout *m,
			  const struct tree_worktree_setup *s, struct err *err)
{
	char *src = path_in_worktree(s, "src");
	int ret = fs_mkdirs(src, 0777, err);

	if (ret)
		goto out;
	m->root_fd = open(src, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (m->root_fd < 0) {
		ret = err_errno(err, "%s", src);
		goto out;
	}
	ret = tree_checkout_compare(m);
	m->pending = xcalloc(m->files.n_entries + 1, sizeof(*m->pending));
	for (size_t i = 0; !ret && i < m->files.n_entries; i++) {
		if (m->states[i] != TREE_FILE_SAME)
			m->pending[m->n_pending++] = i;
	}
	if (!ret && m->n_pending && s->build_dir)
		m->min_mtime = choose_min_mtime(s->build_dir);
	/*
	 * Like git, do not verify the hashes: objects were verified when they
	 * were fetched, and zlib verifies a checksum.
	 */
	git_libgit2_opts(GIT_OPT_ENABLE_STRICT_HASH_VERIFICATION, 0);
	if (!ret)
		ret = tree_checkout_write(m);
	git_libgit2_opts(GIT_OPT_ENABLE_STRICT_HASH_VERIFICATION, 1);
	if (ret) {
		*err = m->error;
		err_wrap(err, "%s", src);
	}
out:
	free(src);
	return ret;
}

static int checkout_commit(struct tree_checkout *m,
			   const struct tree_worktree_setup *s,
			   struct tree_worktree *out, const git_oid *commit,
			   struct err *err)
{
	char *path = path_in_worktree(s, "git/index");
	struct tree_files *files = &m->files;
	struct tree_index index = { 0 };
	struct err ignored;
	bool readable = !tree_index_read(&index, path, &ignored);
	bool matches = readable && is_index_of_commit(&index, commit, s);
	int ret;

	/*
	 * Take stat data from the index.  If git/listed shows that the index
	 * lists the files of `commit`, take the stat data of all files.
	 * Otherwise, take them only for files that have the same mode and blob
	 * in the index and in `commit`.
	 */
	if (matches) {
		ret = tree_files_from_index(files, &index, err);
	} else {
		ret = tree_files_read(files, m->repo, commit, err);
		if (!ret && readable)
			copy_index_stats(files, &index);
	}
	if (!ret && readable)
		invalidate_racy(files, &index.file_stat);
	if (!ret)
		ret = put_git_dir(s, m->repo, err);
	if (!ret)
		ret = checkout_files(m, s, err);
	if (!ret)
		ret = put_git_link(s, err);
	if (!ret && (m->n_pending || m->n_removed || !matches))
		ret = write_index(files, commit, s, err);
	if (!ret)
		ret = write_git_file(s, "git/HEAD", "", out->commit, err);
	out->n_files = files->n_entries;
	tree_files_release(files);
	tree_index_release(&index);
	free(path);
	return ret;
}

int tree_worktree_checkout(struct tree_worktree *out,
			   const struct tree_worktree_setup *s, struct err *err)
{
	struct tree_checkout m = { .root_fd = -1,
				   .on_progress = s->on_progress,
				   .ctx = s->ctx };
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	struct tree_rev_parsed found = { 0 };
	char hex[GIT_OID_HEXSZ + 1];
	int ret;

	*out = (struct tree_worktree){ 0 };
	m.n_threads = cores < 1           ? 1 :
		      cores > THREADS_MAX ? THREADS_MAX :
					    (unsigned)cores;
	pthread_mutex_init(&m.mutex, NULL);
	tree_git_init();
	ret = git_repository_open(&m.repo, s->repository);
	if (!ret)
		ret = git_repository_odb(&m.odb, m.repo);
	if (ret)
		ret = tree_git_set_error(err, ret, "%s", s->repository);
	else
		ret = tree_rev_parse(&found, m.repo, s->rev, err);
	if (!ret) {
		git_oid_tostr(hex, sizeof(hex), &found.commit);
		out->commit = xstrdup(hex);
		out->branch = found.branch;
		out->previous_commit = read_detached_head(s);
		out->src = path_in_worktree(s, "src");
		ret = checkout_commit(&m, s, out, &found.commit, err);
	}
	out->n_written = m.n_written;
	out->n_removed = m.n_removed;
	if (m.root_fd >= 0)
		close(m.root_fd);
	git_odb_free(m.odb);
	git_repository_free(m.repo);
	pthread_mutex_destroy(&m.mutex);
	free(m.states);
	free(m.pending);
	git_libgit2_shutdown();
	if (ret)
		tree_worktree_release(out);
	return ret;
}

void tree_worktree_release(struct tree_worktree *w)
{
	free(w->src);
	free(w->commit);
	free(w->branch);
	free(w->previous_commit);
	*w = (struct tree_worktree){ 0 };
}
