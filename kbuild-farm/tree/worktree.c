/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tree/worktree.h"

#include "base/fs.h"
#include "tree/find.h"
#include "tree/git.h"
#include "tree/known.h"
#include "tree/moving.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define THREADS_MAX 8
#define LINE_MAX    4096

static char *path_in_worktree(const struct tree_worktree_setup *s,
			      const char *name)
{
	return xasprintf("%s/%s", s->dir, name);
}

/* ---- what git has beside the files ---- */

/* Only where it holds something else. */
static int put_if_other(const char *path, const char *line, struct err *err)
{
	struct buf has = { 0 };
	struct err ignored;
	int ret = 0;

	if (fs_read(path, LINE_MAX, &has, &ignored) ||
	    strcmp(buf_str(&has), line))
		ret = fs_write(path, bytes_str(line), 0666, err);
	buf_release(&has);
	return ret;
}

static int put_beside(const struct tree_worktree_setup *s, const char *name,
		      const char *before, const char *text, struct err *err)
{
	char *path = path_in_worktree(s, name);
	char *line = xasprintf("%s%s\n", before, text);
	int ret = put_if_other(path, line, err);

	free(line);
	free(path);
	return ret;
}

/* Whatever somebody put into its place is removed: it is read by git. */
static int put_git_link(const struct tree_worktree_setup *s, struct err *err)
{
	char *link = path_in_worktree(s, "src/" TREE_GIT_LINK),
	     *git = path_in_worktree(s, "git");
	struct stat st;
	int ret = 0;

	if (!lstat(link, &st) && !S_ISREG(st.st_mode))
		ret = fs_remove(link, err);
	if (!ret)
		ret = put_beside(s, "src/" TREE_GIT_LINK, "gitdir: ", git, err);
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
	fs_remove_temporaries(git);
	if (!ret)
		ret = put_beside(s, "git/commondir", "", common, err);
	if (!ret)
		ret = put_beside(s, "git/gitdir", "", link, err);
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

/* ---- dates ---- */

static bool is_later(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec != b->tv_sec ? a->tv_sec > b->tv_sec :
					a->tv_nsec > b->tv_nsec;
}

static struct timespec newest_below(const char *dir)
{
	char *const tops[] = { (char *)dir, NULL };
	FTS *tree = fts_open(tops, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	struct timespec newest = { 0 };
	FTSENT *at;

	while (tree && (at = fts_read(tree)) != NULL) {
		if (at->fts_info == FTS_F &&
		    is_later(&at->fts_statp->st_mtim, &newest))
			newest = at->fts_statp->st_mtim;
	}
	if (tree)
		fts_close(tree);
	return newest;
}

/* A date for what is written, unless the clock gives a later one by itself. */
static struct timespec choose_floor(const char *built)
{
	struct timespec newest = newest_below(built), now;

	clock_gettime(CLOCK_REALTIME_COARSE, &now);
	if (is_later(&now, &newest))
		return (struct timespec){ 0 };
	newest.tv_sec++;
	return newest;
}

/* ---- the move ---- */

static int move_files(struct tree_moving *m,
		      const struct tree_worktree_setup *s, struct err *err)
{
	char *src = path_in_worktree(s, "src");
	int ret = fs_mkdirs(src, 0777, err);

	if (ret)
		goto out;
	m->root = open(src, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (m->root < 0) {
		ret = err_errno(err, "%s", src);
		goto out;
	}
	ret = tree_moving_compare(m);
	m->todo = xcalloc(m->files.n + 1, sizeof(*m->todo));
	for (size_t i = 0; !ret && i < m->files.n; i++) {
		if (m->state[i] != TREE_SAME)
			m->todo[m->n_todo++] = i;
	}
	if (!ret && m->n_todo && s->built)
		m->floor = choose_floor(s->built);
	/* As git: what came in was checked, and zlib has a sum of its own. */
	git_libgit2_opts(GIT_OPT_ENABLE_STRICT_HASH_VERIFICATION, 0);
	if (!ret)
		ret = tree_moving_write(m);
	git_libgit2_opts(GIT_OPT_ENABLE_STRICT_HASH_VERIFICATION, 1);
	if (ret) {
		*err = m->why;
		err_wrap(err, "%s", src);
	}
out:
	free(src);
	return ret;
}

static int move_to(struct tree_moving *m, const struct tree_worktree_setup *s,
		   struct tree_worktree *out, const git_oid *commit,
		   struct err *err)
{
	char *git = path_in_worktree(s, "git");
	struct tree_known known = { 0 };
	int ret = tree_known_read(&known, &m->files, m->repo, commit, git, err);

	if (!ret)
		ret = put_git_dir(s, m->repo, err);
	if (!ret)
		ret = move_files(m, s, err);
	if (!ret)
		ret = put_git_link(s, err);
	if (!ret && (m->n_todo || m->removed || !known.listed))
		ret = tree_known_write(&m->files, commit, git, err);
	if (!ret)
		ret = put_beside(s, "git/HEAD", "", out->commit, err);
	out->files = m->files.n;
	tree_files_release(&m->files);
	tree_known_release(&known);
	free(git);
	return ret;
}

static unsigned threads(void)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	return cores < 1 ? 1 : cores > THREADS_MAX ? THREADS_MAX : cores;
}

static void release_moving(struct tree_moving *m)
{
	if (m->root >= 0)
		close(m->root);
	tree_files_release(&m->files);
	git_odb_free(m->odb);
	git_repository_free(m->repo);
	pthread_mutex_destroy(&m->mutex);
	free(m->state);
	free(m->todo);
}

int tree_worktree_move(struct tree_worktree *out,
		       const struct tree_worktree_setup *s, struct err *err)
{
	struct tree_moving m = { .root = -1, .progress = s->progress };
	char hex[GIT_OID_HEXSZ + 1];
	struct tree_found found = { 0 };
	int ret;

	*out = (struct tree_worktree){ 0 };
	m.ctx = s->ctx;
	m.threads = threads();
	pthread_mutex_init(&m.mutex, NULL);
	git_libgit2_init();
	git_libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, 0);
	ret = git_repository_open(&m.repo, s->repository);
	if (!ret)
		ret = git_repository_odb(&m.odb, m.repo);
	if (ret)
		ret = tree_git_failed(err, ret, "%s", s->repository);
	else
		ret = tree_find(&found, m.repo, s->rev, err);
	if (!ret) {
		git_oid_tostr(hex, sizeof(hex), &found.commit);
		out->commit = xstrdup(hex);
		out->branch = found.branch;
		out->was = read_detached_head(s);
		out->src = path_in_worktree(s, "src");
		ret = move_to(&m, s, out, &found.commit, err);
	}
	out->written = m.written;
	out->removed = m.removed;
	release_moving(&m);
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
	free(w->was);
	*w = (struct tree_worktree){ 0 };
}
