/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tree/add.h"

#include "base/buf.h"
#include "base/fs.h"
#include "base/vec.h"
#include "tree/cleanup.h"
#include "tree/datadir.h"
#include "tree/fetch.h"
#include "tree/git.h"
#include "tree/import.h"
#include "tree/refs.h"
#include "tree/state.h"
#include "tree/transport.h"
#include "tree/url.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ALTERNATES_DEPTH 5 /* as in git */
#define CONFIG_MAX       (1u << 24) /* bytes of a tree's configuration */
#define SHALLOW_MAX      (1u << 24) /* bytes of git's file "shallow" */

/* A tree that is being created in TOP/.new-NAME. */
struct new_tree {
	const struct tree_add *a;
	char *dir, *repository;
	struct tree_state state;
};

/* ---- in the child of tree_worker_run() ---- */

/*
 * Reject an invalid branch name.  The name is written to the repository's
 * configuration, where an invalid name could add a setting that runs a program.
 */
static int check_branch_name(const char *name, struct err *err)
{
	int valid = 0;

	if (!git_branch_name_is_valid(&valid, name) && valid)
		return 0;
	return err_set(err, EINVAL, "\"%s\" is not a valid branch name", name);
}

/* Restrict fetches to `branches`, unless the list is empty. */
static int set_branches(git_repository *repo, const struct strv *branches,
			struct err *err)
{
	git_config *config = NULL;
	int ret = 0;

	if (branches->n)
		ret = git_repository_config(&config, repo);
	if (!ret && branches->n)
		ret = git_config_delete_multivar(config, "remote.origin.fetch",
						 ".*");
	for (size_t i = 0; !ret && i < branches->n; i++) {
		char *spec = xasprintf("+refs/heads/%s:refs/remotes/origin/%s",
				       branches->v[i], branches->v[i]);

		/* "$^" matches no existing value, so the value is added. */
		ret = git_config_set_multivar(config, "remote.origin.fetch",
					      "$^", spec);
		free(spec);
	}
	git_config_free(config);
	return ret ? tree_git_set_error(err, -1, "--branch") : 0;
}

int tree_add_narrow_to_head(struct tree_fetch *f, struct err *err)
{
	struct strv one = { 0 };
	int ret = tree_fetch_head(f, "origin", err);

	if (!ret && !f->head_ref)
		ret = err_set(err, ENOENT,
			      "the remote HEAD does not point to a branch; "
			      "specify one with `kfarm tree add --branch`");
	if (!ret)
		ret = check_branch_name(f->head_ref + strlen("refs/heads/"),
					err);
	if (!ret) {
		strv_add(&one, f->head_ref + strlen("refs/heads/"));
		ret = set_branches(f->repo, &one, err);
	}
	strv_release(&one);
	return ret;
}

static int check_branches(git_repository *repo, const struct strv *branches,
			  struct err *err)
{
	for (size_t i = 0; i < branches->n; i++) {
		char *name = xasprintf("refs/remotes/origin/%s",
				       branches->v[i]);
		git_oid id;
		int missing = git_reference_name_to_id(&id, repo, name);

		free(name);
		if (missing)
			return err_set(err, ENOENT,
				       "remote branch \"%s\" not found",
				       branches->v[i]);
	}
	return 0;
}

static int clone_url(struct new_tree *m, struct tree_worker *w,
		     git_repository **out, struct err *err)
{
	const struct tree_add *a = m->a;
	struct tree_fetch f = { .worker = w,
				.depth = a->depth,
				.all_tags = !a->depth };
	git_remote *remote = NULL;
	int ret = tree_transport_register(w, err);

	if (ret)
		return ret;
	if (git_repository_init(out, m->repository, 1))
		ret = tree_git_set_error(err, -1, "%s", m->repository);
	else
		ret = tree_git_check_remotes(*out, err);
	if (!ret && git_remote_create(&remote, *out, "origin", a->source))
		ret = tree_git_set_error(err, -1, "%s", m->repository);
	git_remote_free(remote);
	f.repo = *out;
	if (!ret)
		ret = set_branches(*out, &a->branches, err);
	if (!ret && a->depth && !a->branches.n) {
		ret = tree_add_narrow_to_head(&f, err);
		if (!ret)
			tree_worker_report_note(
				w,
				"--depth: fetching only the branch %s; use "
				"--branch for others",
				f.head_ref + strlen("refs/heads/"));
	}
	if (!ret)
		ret = tree_fetch_remote(&f, "origin", err);
	if (!ret)
		ret = check_branches(*out, &a->branches, err);
	if (!ret)
		ret = tree_refs_follow_head(*out, a->name, f.head_ref,
					    &f.head_id, w, err);
	tree_fetch_release(&f);
	return ret;
}

static void on_import(void *ctx, uint64_t files, uint64_t indexed,
		      uint64_t objects)
{
	struct tree_worker *w = ctx;

	if (objects)
		tree_worker_report_progress(w, TREE_PHASE_RESOLVING, indexed,
					    objects);
	else
		tree_worker_report_progress(w, TREE_PHASE_READING, files, 0);
}

static int import_source(struct new_tree *m, struct tree_worker *w,
			 git_repository **out, struct err *err)
{
	const struct tree_import what = { .source = m->a->source,
					  .repository = m->repository,
					  .on_progress = on_import,
					  .ctx = w };
	struct tree_imported made = { 0 };
	int ret = tree_import(&what, &made, err);

	if (!ret) {
		tree_worker_report_note(
			w, "%s: %llu files, version %s, commit %.12s",
			m->a->name, (unsigned long long)made.n_files,
			made.version ? made.version : "unknown", made.commit);
		if (git_repository_open(out, m->repository))
			ret = tree_git_set_error(err, -1, "%s", m->repository);
	}
	tree_imported_release(&made);
	return ret;
}

/*
 * Adopt the clone at `source` in place: create a symbolic link at `repository`
 * to the clone's repository, and open the repository through this link.  If
 * `source` is a linked worktree, it has a HEAD of its own, which the tree does
 * not use.  The caller frees *out.
 *
 * An update of the tree writes to the clone: it fetches like `git fetch --all
 * --prune`.  An update of any other tree does not write to the clone from which
 * the tree was added, because such a tree has a repository of its own.
 */
static int adopt_in_place(const char *repository, const char *source,
			  git_repository **out, struct err *err)
{
	git_repository *clone = NULL;
	char *target;
	int ret = tree_git_open_clone(source, &clone, err);

	if (ret)
		return ret;
	target = xstrdup(git_repository_commondir(clone));
	git_repository_free(clone);
	if (str_ends(target, "/"))
		target[strlen(target) - 1] = '\0';
	if (symlink(target, repository))
		ret = err_errno(err, "%s", repository);
	else
		ret = tree_git_open_clone(repository, out, err);
	free(target);
	return ret;
}

/*
 * Append the object directory `objects` to `out` and, recursively, the object
 * directories listed in its file info/alternates (gitrepository-layout(5)).  A
 * relative path in this file is relative to `objects`.
 */
static void list_object_dirs(struct strv *out, const char *objects, int depth)
{
	char *file = xasprintf("%s/info/alternates", objects);
	struct strv lines = { 0 };
	struct buf text = { 0 };
	struct err ignored;

	strv_add(out, objects);
	if (depth < ALTERNATES_DEPTH && fs_exists(file) &&
	    !fs_read(file, TREE_GIT_ALTERNATES_MAX, &text, &ignored))
		strv_split(&lines, buf_str(&text), "\n");
	for (size_t i = 0; i < lines.n; i++) {
		const char *line = lines.v[i];
		char *path = *line == '/' ? xstrdup(line) :
					    xasprintf("%s/%s", objects, line);
		char *real = *line == '#' ? NULL : realpath(path, NULL);

		if (real && !strv_has(out, real))
			list_object_dirs(out, real, depth + 1);
		free(real);
		free(path);
	}
	buf_release(&text);
	strv_release(&lines);
	free(file);
}

int tree_add_write_alternates(const char *repository, git_repository *from,
			      struct err *err)
{
	char *path = xasprintf("%s/" TREE_GIT_ALTERNATES, repository);
	char *objects = xasprintf("%sobjects", git_repository_commondir(from));
	char *info = str_dir(path), *text = NULL;
	struct strv dirs = { 0 };
	int ret = 0;

	list_object_dirs(&dirs, objects, 0);
	strv_add(&dirs, ""); /* for a newline at the end */
	text = strv_join(&dirs, "\n");
	if (strchr(objects, '\n'))
		ret = err_set(err, EINVAL, "%s: path contains a newline",
			      git_repository_commondir(from));
	if (!ret)
		ret = fs_mkdirs(info, 0755, err);
	if (!ret)
		ret = fs_write(path, bytes_str(text), 0644, err);
	strv_release(&dirs);
	free(text);
	free(info);
	free(objects);
	free(path);
	return ret;
}

/*
 * Append the commit ids in the file at `path` to `out`, except commits that the
 * object database `except` contains.  `except` can be NULL.
 */
static int add_shallow_lines(struct buf *out, const char *path, git_odb *except,
			     struct err *err)
{
	struct buf text = { 0 };
	int ret = fs_exists(path) ? fs_read(path, SHALLOW_MAX, &text, err) : 0;
	const char *line = buf_str(&text);

	while (!ret && *line) {
		size_t n = strcspn(line, "\n");
		git_oid id;

		if (n == GIT_OID_HEXSZ && !git_oid_fromstrn(&id, line, n) &&
		    (!except || !git_odb_exists(except, &id)))
			buf_printf(out, "%s\n", git_oid_tostr_s(&id));
		line += n + (line[n] == '\n');
	}
	buf_release(&text);
	return ret;
}

int tree_add_copy_shallow(const char *repository, git_repository *from,
			  struct err *err)
{
	char *clone_path = xasprintf("%sshallow",
				     git_repository_commondir(from));
	char *path = xasprintf("%s/shallow", repository);
	struct buf text = { 0 };
	git_odb *odb = NULL;
	int ret = add_shallow_lines(&text, clone_path, NULL, err);

	if (!ret && git_repository_odb(&odb, from))
		ret = tree_git_set_error(err, -1, "%s",
					 git_repository_path(from));
	/*
	 * Retain entries that fetches have added to the tree's file "shallow".
	 */
	if (!ret)
		ret = add_shallow_lines(&text, path, odb, err);
	if (!ret && text.len)
		ret = fs_write(path, buf_bytes(&text), 0644, err);
	else if (!ret && unlink(path) && errno != ENOENT)
		ret = err_errno(err, "%s", path);
	git_odb_free(odb);
	buf_release(&text);
	free(path);
	free(clone_path);
	return ret;
}

/* Return true for a setting that tree_add_copy_remotes() copies. */
static bool is_copied(const char *name)
{
	static const char *const keys[] = { ".url", ".fetch", ".tagopt",
					    ".skipfetchall" };

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		if (str_starts(name, "remote.") && str_ends(name, keys[i]))
			return true;
	}
	return false;
}

/* Add `text` with the escapes that git-config(1) defines for quoted text. */
static void add_quoted_text(struct buf *out, const char *text, size_t n)
{
	for (; n; n--, text++) {
		if (*text == '\n')
			buf_add_str(out, "\\n");
		else if (*text == '"' || *text == '\\')
			buf_printf(out, "\\%c", *text);
		else
			buf_add(out, text, 1);
	}
}

/* Add the setting to the text of a configuration file. */
static void add_config_entry(struct buf *out, const git_config_entry *setting,
			     char **section)
{
	const char *name = setting->name, *key = strrchr(name, '.') + 1;
	size_t n = (size_t)(key - name), n_first = strcspn(name, ".");

	if (!*section || strlen(*section) != n || strncmp(*section, name, n)) {
		free(*section);
		*section = xstrndup(name, n);
		buf_printf(out, "[%.*s", (int)n_first, name);
		if (n > n_first + 1) {
			buf_add_str(out, " \"");
			add_quoted_text(out, name + n_first + 1,
					n - n_first - 2);
			buf_add_str(out, "\"");
		}
		buf_add_str(out, "]\n");
	}
	buf_printf(out, "\t%s", key);
	if (setting->value) {
		buf_add_str(out, " = \"");
		add_quoted_text(out, setting->value, strlen(setting->value));
		buf_add_str(out, "\"");
	}
	buf_add_str(out, "\n");
}

/* Return true if the user's configuration sets `name` for all repositories. */
static bool is_global(git_config *global, const char *name)
{
	git_config_entry *setting = NULL;
	bool is = !git_config_get_entry(&setting, global, name);

	git_config_entry_free(setting);
	return is;
}

/*
 * Append settings of `config` to `out`.  If `copied` is true, append the
 * settings that is_copied() selects.  Omit settings that the user's
 * configuration sets for all repositories, because these settings also apply to
 * the tree.  Do not omit settings in an includeIf "gitdir:", because they may
 * apply only to the clone.  If `copied` is false, append all other settings
 * except those of included files, because the include itself is one of the
 * settings.
 */
static int add_config_entries(struct buf *out, git_config *config, bool copied)
{
	git_config *global = NULL;
	git_config_iterator *all = NULL;
	git_config_entry *setting;
	char *section = NULL;
	int ret = git_config_iterator_new(&all, config);

	/*
	 * Open `global` without a repository, so that it lacks the settings in
	 * an includeIf "gitdir:".
	 */
	if (!ret)
		ret = git_config_open_default(&global);
	while (!ret && !git_config_next(&setting, all)) {
		bool is_local = setting->level >= GIT_CONFIG_LEVEL_LOCAL;

		if (is_copied(setting->name) != copied)
			continue;
		if (copied ? is_local || !is_global(global, setting->name) :
			     is_local && !setting->include_depth)
			add_config_entry(out, setting, &section);
	}
	git_config_free(global);
	git_config_iterator_free(all);
	free(section);
	return ret;
}

/*
 * Write a complete new file instead of single settings: libgit2 writes the file
 * once per setting, and leaves an empty section when it deletes the last
 * setting.
 */
int tree_add_copy_remotes(git_repository *to, git_repository *from,
			  struct err *err)
{
	char *path = xasprintf("%sconfig", git_repository_path(to));
	git_config *source = NULL, *target = NULL;
	struct buf text = { 0 }, present = { 0 };
	int ret = tree_git_check_remotes(from, err);

	if (!ret)
		ret = fs_read(path, CONFIG_MAX, &present, err);
	if (ret)
		goto out;
	ret = git_repository_config_snapshot(&source, from);
	if (!ret)
		ret = git_config_open_ondisk(&target, path);
	if (!ret)
		ret = add_config_entries(&text, target, false);
	if (!ret)
		ret = add_config_entries(&text, source, true);
	if (ret)
		ret = tree_git_set_error(err, -1, "remotes of %s",
					 git_repository_path(from));
	else if (strcmp(buf_str(&text), buf_str(&present)) != 0)
		ret = fs_write(path, buf_bytes(&text), 0644, err);
out:
	git_config_free(target);
	git_config_free(source);
	buf_release(&present);
	buf_release(&text);
	free(path);
	return ret;
}

/*
 * Create a bare repository at `repository` that borrows the objects of the
 * clone at `source` and has the clone's branches, tags and remotes.  The clone
 * is not changed.  The caller frees *out.
 */
static int adopt_borrowing(const char *repository, const char *source,
			   struct tree_worker *w, git_repository **out,
			   struct err *err)
{
	git_repository *from = NULL, *made = NULL;
	struct tree_ref_changes ignored = { 0 };
	int ret = tree_git_open_clone(source, &from, err);

	if (!ret && git_repository_init(&made, repository, 1))
		ret = tree_git_set_error(err, -1, "%s", repository);
	/*
	 * Close `made`: libgit2 reads the alternates only on opening a
	 * repository.
	 */
	git_repository_free(made);
	if (ret)
		goto out;
	ret = tree_add_write_alternates(repository, from, err);
	if (!ret)
		ret = tree_add_copy_shallow(repository, from, err);
	if (ret)
		goto out;
	if (git_repository_open(out, repository))
		ret = tree_git_set_error(err, -1, "%s", repository);
	else
		ret = tree_add_copy_remotes(*out, from, err);
	if (!ret)
		ret = tree_refs_mirror(*out, from, NULL, w, &ignored, err);
out:
	git_repository_free(from);
	return ret;
}

static int make_new_tree(struct tree_worker *w, void *arg, struct err *err)
{
	struct new_tree *m = arg;
	git_repository *repo = NULL;
	int ret = -EINVAL;

	tree_git_init();
	switch (m->state.kind) {
	case TREE_KIND_CLONE:
		ret = clone_url(m, w, &repo, err);
		break;
	case TREE_KIND_BORROWED:
		ret = adopt_borrowing(m->repository, m->a->source, w, &repo,
				      err);
		break;
	case TREE_KIND_IN_PLACE:
		ret = adopt_in_place(m->repository, m->a->source, &repo, err);
		break;
	case TREE_KIND_IMPORT:
		ret = import_source(m, w, &repo, err);
		break;
	}
	tree_worker_report_progress(w, TREE_PHASE_MEASURING, 0, 0);
	if (!ret && m->state.kind != TREE_KIND_IN_PLACE)
		ret = tree_ref_transaction_pack(repo, err);
	if (!ret)
		ret = tree_state_refresh(&m->state, repo, err);
	if (!ret)
		ret = tree_state_write(&m->state, m->dir, err);
	git_repository_free(repo);
	git_libgit2_shutdown();
	return ret;
}

/* ---- in the caller's process ---- */

/* Return true if `path` is the top of a clone or a bare repository. */
static bool is_repository(const char *path)
{
	char *git = xasprintf("%s/.git", path);
	char *head = xasprintf("%s/HEAD", path);
	char *objects = xasprintf("%s/objects", path);
	bool is = fs_exists(git) || (fs_exists(head) && fs_is_dir(objects));

	free(objects);
	free(head);
	free(git);
	return is;
}

static bool is_bundle(const char *path)
{
	char head[] = "# vN git bundle\n";
	struct stat st;
	int fd = !stat(path, &st) && S_ISREG(st.st_mode) ?
			 open(path, O_RDONLY | O_CLOEXEC) :
			 -1;
	ssize_t n = fd < 0 ? -1 : read(fd, head, strlen(head));

	if (fd >= 0)
		close(fd);
	return n == (ssize_t)strlen(head) && str_starts(head, "# v") &&
	       str_ends(head, " git bundle\n");
}

static int classify(const struct tree_add *a, enum tree_kind *kind, char **url,
		    struct err *err)
{
	char *path = fs_exists(a->source) ? realpath(a->source, NULL) : NULL;
	struct tree_url parsed;
	int ret;

	if (path) {
		*kind = !fs_is_dir(path) || !is_repository(path) ?
				TREE_KIND_IMPORT :
			a->in_place ? TREE_KIND_IN_PLACE :
				      TREE_KIND_BORROWED;
		*url = path;
		return 0;
	}
	ret = tree_url_parse(&parsed, a->source, err);
	if (ret)
		return ret;
	if (parsed.kind == TREE_URL_LOCAL && !strstr(a->source, "://"))
		ret = err_set(err, ENOENT, "%s: %s", a->source,
			      strerror(ENOENT));
	tree_url_release(&parsed);
	*kind = TREE_KIND_CLONE;
	*url = xstrdup(a->source);
	return ret;
}

static int check_new_tree(const struct tree_add *a, enum tree_kind kind,
			  struct err *err)
{
	int ret = 0;

	if (kind == TREE_KIND_IMPORT && fs_is_dir(a->source) &&
	    !fs_exists_in(a->source, "scripts/kconfig"))
		return err_set(err, EINVAL,
			       "%s: not a Linux kernel source tree", a->source);
	if (kind == TREE_KIND_IMPORT && !fs_is_dir(a->source) &&
	    is_bundle(a->source))
		return err_set(
			err, EINVAL,
			"%s: git bundles are not supported; clone the bundle "
			"with git, and add the directory of the clone",
			a->source);
	if (a->in_place && kind != TREE_KIND_IN_PLACE)
		return err_set(err, EINVAL,
			       "--in-place requires the path of a local "
			       "clone, not %s",
			       a->source);
	if (kind != TREE_KIND_CLONE && (a->depth || a->branches.n))
		return err_set(err, EINVAL,
			       "--depth and --branch require a URL; for a "
			       "local repository, use file://PATH");
	for (size_t i = 0; !ret && i < a->branches.n; i++)
		ret = check_branch_name(a->branches.v[i], err);
	return ret;
}

static int check_absent(const char *top, const char *name, struct err *err)
{
	char *dir = xasprintf("%s/%s", top, name);
	bool is = fs_exists(dir);

	free(dir);
	return is ? err_set(err, EEXIST,
			    "tree \"%s\" already exists; run `kfarm tree "
			    "remove %s` first, or `kfarm tree update %s`",
			    name, name, name) :
		    0;
}

static int make_and_publish(struct new_tree *m, const char *top,
			    struct err *err)
{
	char *dest = NULL;
	struct err ignored;
	int lock, fd = -1, ret;

	ret = tree_cleanup_create_new(top, m->a->name, &lock, err);
	if (ret)
		return ret;
	ret = check_absent(top, m->a->name, err);
	if (!ret)
		ret = tree_worker_run(m->a->watch, make_new_tree, m, err);
	if (ret)
		goto out;

	/* Flush the tree before the rename, and `top` after the rename. */
	dest = xasprintf("%s/%s", top, m->a->name);
	fd = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || syncfs(fd))
		ret = err_errno(err, "%s: cannot sync", top);
	else if (renameat2(AT_FDCWD, m->dir, AT_FDCWD, dest,
			   RENAME_NOREPLACE) &&
		 (errno != EINVAL || rename(m->dir, dest)))
		ret = err_errno(err, "%s", dest);
	else if (fsync(fd))
		ret = err_errno(err, "%s", top);
out:
	if (ret)
		fs_remove(m->dir, &ignored);
	if (fd >= 0)
		close(fd);
	close(lock);
	free(dest);
	return ret;
}

int tree_add(const struct tree_add *a, char **url, struct err *err)
{
	char *top = tree_datadir_top();
	struct tree_add resolved = *a;
	struct new_tree m = { .a = &resolved };
	struct strv begun = { 0 };
	int ret;

	*url = NULL;
	m.dir = xasprintf("%s/.new-%s", top, a->name);
	m.repository = xasprintf("%s/repo.git", m.dir);
	ret = tree_datadir_check_name(a->name, err);
	if (!ret)
		ret = fs_mkdirs(top, 0755, err);
	if (!ret)
		ret = check_absent(top, a->name, err);
	if (!ret)
		ret = classify(a, &m.state.kind, url, err);
	if (!ret)
		ret = check_new_tree(a, m.state.kind, err);
	if (ret)
		goto out;
	resolved.source = *url;
	m.state.source = xstrdup(*url);
	tree_cleanup_datadir(top, &begun);
	for (size_t i = 0; i < begun.n && a->watch->on_note; i++) {
		char *text =
			!strcmp(begun.v[i], a->name) ?
				xasprintf("an earlier `kfarm tree add %s` was "
					  "interrupted; starting over",
					  a->name) :
				xasprintf("removed the leftovers of an "
					  "interrupted `kfarm tree add %s`",
					  begun.v[i]);

		a->watch->on_note(a->watch->ctx, text);
		free(text);
	}
	ret = make_and_publish(&m, top, err);
out:
	if (ret) {
		free(*url);
		*url = NULL;
	}
	strv_release(&begun);
	tree_state_release(&m.state);
	free(m.repository);
	free(m.dir);
	free(top);
	return ret;
}
