/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cell/view.h"

#include "base/fs.h"
#include "base/str.h"
#include "cell/state.h"
#include "cell/walk.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <unistd.h>

#define SELF_EXE  "/proc/self/exe"
#define JOB_DIR   "/.kfarm"
#define NAME_SIZE 32

/* A path that was put, or that stands above one. */
struct view_entry {
	struct map_node node;
	char path[];
};

void cell_view_init(struct cell_view *v, int root, int stage, uid_t uid,
		    gid_t gid)
{
	*v = (struct cell_view){
		.root = root,
		.stage = stage,
		.uid = uid,
		.gid = gid,
	};
}

void cell_view_release(struct cell_view *v)
{
	map_release_all(&v->entries, NULL);
	if (v->root >= 0)
		close(v->root);
	if (v->stage >= 0)
		close(v->stage);
	v->root = v->stage = -1;
}

bool cell_view_normal(const char *path)
{
	size_t len = strlen(path);

	if (len < 2 || len > CELL_PATH_MAX || path[0] != '/')
		return false;
	for (const char *at = path; *at;) {
		size_t n = strcspn(++at, "/");

		if (!n || n > NAME_MAX || (n == 1 && *at == '.') ||
		    (n == 2 && at[0] == '.' && at[1] == '.'))
			return false;
		at += n;
	}
	return true;
}

/* ---------------------------------------------------------------- frozen */

static bool is_in_view(const struct cell_view *v, const char *path, size_t len)
{
	uint64_t hash = map_hash(bytes_of(path, len));
	struct map_node *n = map_find(&v->entries, hash);

	for (; n; n = map_again(n)) {
		const char *known = ((struct view_entry *)n)->path;

		if (!strncmp(known, path, len) && !known[len])
			return true;
	}
	return false;
}

/* Remember the path and all directories above it. */
static void remember_path(struct cell_view *v, const char *path)
{
	size_t len = strlen(path);

	while (len > 1 && !is_in_view(v, path, len)) {
		struct view_entry *e = xcalloc(1, sizeof(*e) + len + 1);

		memcpy(e->path, path, len);
		map_add(&v->entries, &e->node, map_hash(bytes_of(path, len)));
		while (len > 1 && path[len - 1] != '/')
			len--;
		len--;
	}
}

static bool is_reserved(const char *path)
{
	static const char *const nodes[] = { "/dev", "/dev/null", "/dev/zero",
					     "/dev/urandom" };
	size_t n = strlen(JOB_DIR);

	for (size_t i = 0; i < sizeof(nodes) / sizeof(*nodes); i++) {
		if (!strcmp(path, nodes[i]))
			return true;
	}
	return !strncmp(path, JOB_DIR, n) && (!path[n] || path[n] == '/');
}

/* May a new entry be put at this path? */
static int check_new_path(const struct cell_view *v, const char *path,
			  struct err *err)
{
	if (!cell_view_normal(path))
		return err_set(err, EINVAL, "view: %s: not in normal form",
			       path);
	if (is_reserved(path) ||
	    (v->frozen && is_in_view(v, path, strlen(path))))
		return err_set(err, EPERM, "view: %s: may not be replaced",
			       path);
	return 0;
}

/* ------------------------------------------------------------------ edit */

/* Every edit stands between these two. */
static void become_owner(const struct cell_view *v)
{
	if (v->uid == geteuid())
		return;
	setfsgid(v->gid);
	setfsuid(v->uid);
}

static void become_ourselves(const struct cell_view *v)
{
	if (v->uid == geteuid())
		return;
	setfsuid(geteuid());
	setfsgid(getegid());
}

static int edit_failed(struct err *err, int ret, const char *path)
{
	return err_set(err, -ret, "view: %s: %s", path, strerror(-ret));
}

static void next_name(struct cell_view *v, char name[static NAME_SIZE])
{
	snprintf(name, NAME_SIZE, "%lu", v->serial++);
}

/*
 * Let stage/name and parent/leaf change places.  Where the kernel cannot
 * (before Linux 3.15, and 3.17 for a tmpfs) what was there moves out of the way
 * first.
 */
static int change_places(struct cell_view *v, const char *name, int parent,
			 const char *leaf)
{
	char old[NAME_SIZE];
	int ret = 0;

	if (!renameat2(v->stage, name, parent, leaf, RENAME_EXCHANGE))
		return 0;
	if (errno != ENOSYS && errno != EINVAL)
		return -errno;
	next_name(v, old);
	if (renameat(parent, leaf, v->stage, old))
		return -errno;
	if (renameat(v->stage, name, parent, leaf)) {
		ret = -errno;
		renameat(v->stage, old, parent, leaf);
		return ret;
	}
	fs_remove_at(v->stage, old);
	return 0;
}

/*
 * Put stage/name at its place.  What is there is replaced in one step; what
 * rename(2) will not replace (a directory, or by one) changes places with it.
 */
static int put_in_place(struct cell_view *v, const char *name, const char *path)
{
	const char *leaf;
	int parent = cell_walk_parent(v->root, path, true, &leaf);
	int ret = 0;

	if (parent < 0)
		return parent;
	if (renameat(v->stage, name, parent, leaf)) {
		ret = -errno;
		if (ret == -EISDIR || ret == -ENOTDIR || ret == -ENOTEMPTY ||
		    ret == -EEXIST)
			ret = change_places(v, name, parent, leaf);
	}
	close(parent);
	return ret;
}

/* The end of an edit: remove what is still in the stage, new or old. */
static int end_edit(struct cell_view *v, int ret, const char *name,
		    const char *path, struct err *err)
{
	if (!ret)
		ret = put_in_place(v, name, path);
	fs_remove_at(v->stage, name);
	become_ourselves(v);
	if (ret)
		return edit_failed(err, ret, path);
	if (!v->frozen)
		remember_path(v, path);
	return 0;
}

int cell_put_file(struct cell *cell, const char *path, int fd, uint64_t size,
		  bool executable, int64_t mtime_ns, struct err *err)
{
	struct cell_view *v = &cell->view;
	char name[NAME_SIZE];
	int ret = check_new_path(v, path, err);

	if (ret)
		return ret;
	next_name(v, name);
	become_owner(v);
	ret = fs_make_at(v->stage, name, fd, size, executable ? 0755 : 0644,
			 mtime_ns);
	return end_edit(v, ret, name, path, err);
}

int cell_put_link(struct cell *cell, const char *path, const char *target,
		  struct err *err)
{
	struct cell_view *v = &cell->view;
	char name[NAME_SIZE];
	int ret = check_new_path(v, path, err);

	if (!ret && (!*target || strlen(target) >= CELL_PATH_MAX))
		ret = err_set(err, EINVAL, "view: %s: no such target", path);
	if (ret)
		return ret;
	next_name(v, name);
	become_owner(v);
	if (symlinkat(target, v->stage, name))
		ret = -errno;
	return end_edit(v, ret, name, path, err);
}

/* Does a directory stand there already? */
static bool has_directory(struct cell_view *v, const char *path)
{
	const char *leaf;
	int parent = cell_walk_parent(v->root, path, false, &leaf);
	struct stat st;
	bool has;

	if (parent < 0)
		return false;
	has = !fstatat(parent, leaf, &st, AT_SYMLINK_NOFOLLOW) &&
	      S_ISDIR(st.st_mode);
	close(parent);
	return has;
}

int cell_put_dir(struct cell *cell, const char *path, struct err *err)
{
	struct cell_view *v = &cell->view;
	char name[NAME_SIZE];
	int ret;

	if (cell_view_normal(path) && has_directory(v, path)) {
		if (!v->frozen)
			remember_path(v, path);
		return 0;
	}
	ret = check_new_path(v, path, err);
	if (ret)
		return ret;
	next_name(v, name);
	become_owner(v);
	if (mkdirat(v->stage, name, 0755) || fchmodat(v->stage, name, 0755, 0))
		ret = -errno;
	return end_edit(v, ret, name, path, err);
}

int cell_remove(struct cell *cell, const char *path, struct err *err)
{
	struct cell_view *v = &cell->view;
	char name[NAME_SIZE];
	const char *leaf;
	int parent, ret = check_new_path(v, path, err);

	if (ret)
		return ret;
	become_owner(v);
	parent = cell_walk_parent(v->root, path, false, &leaf);
	if (parent < 0) {
		ret = parent == -ENOENT ? 0 : parent;
	} else {
		next_name(v, name);
		/* Gone at once for the jobs, then bit by bit. */
		if (!renameat(parent, leaf, v->stage, name))
			fs_remove_at(v->stage, name);
		else if (errno != ENOENT)
			ret = -errno;
		close(parent);
	}
	become_ourselves(v);
	return ret ? edit_failed(err, ret, path) : 0;
}

/* ---------------------------------------------------------------- freeze */

/* Forget what was removed again. */
static void forget_absent(struct cell_view *v)
{
	struct map_node *n, *next;
	struct stat st;

	for (n = map_next(&v->entries, NULL); n; n = next) {
		const char *path = ((struct view_entry *)n)->path;

		next = map_next(&v->entries, n);
		if (!fstatat(v->root, path + 1, &st, AT_SYMLINK_NOFOLLOW))
			continue;
		map_remove(&v->entries, n);
		free(n);
	}
}

int cell_freeze(struct cell *cell, const char *driver, struct err *err)
{
	struct cell_view *v = &cell->view;
	char *real = NULL;
	int ret = 0;

	if (driver && !cell_view_normal(driver))
		return err_set(err, EINVAL, "view: %s: not in normal form",
			       driver);
	if (driver)
		ret = cell_walk_resolve(v->root, driver, &real);
	if (ret)
		return edit_failed(err, ret, driver);
	if (real)
		ret = cell_put_link(cell, SELF_EXE, real, err);
	free(real);
	if (ret)
		return ret;
	if (!v->frozen)
		forget_absent(v);
	v->frozen = true;
	return 0;
}
