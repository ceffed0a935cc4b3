/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sandbox/internal.h"

#include "base/fs.h"
#include "base/str.h"
#include "base/vec.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <unistd.h>

#define SYMLINKS_MAX 40 /* the limit of the kernel */

/*
 * Open a directory below `root` and create it with its parents if necessary.
 * The mode is 0755 regardless of the umask, because a job's uid can differ from
 * the uid of the input root's owner.
 */
static int open_or_create_dir(int root, const char *path)
{
	char *upper = xstrdup(path), *slash = strrchr(upper, '/');
	const char *name = slash ? slash + 1 : upper;
	int dir = beneath_open(root, path, false), above;

	if (dir == -ENOENT && *path) {
		if (slash)
			*slash = '\0';
		above = open_or_create_dir(root, slash ? upper : "");
		dir = above;
		if (above >= 0 && mkdirat(above, name, 0755) && errno != EEXIST)
			dir = -errno;
		else if (above >= 0)
			dir = fchmodat(above, name, 0755, 0) ?
				      -errno :
				      beneath_open(root, path, false);
		if (above >= 0)
			close(above);
	}
	free(upper);
	return dir;
}

int sandbox_input_root_open_parent(int root, const char *path, bool create,
				   const char **leaf)
{
	const char *slash = strrchr(path, '/');
	char *parent;
	int dir;

	*leaf = slash + 1;
	if (slash == path)
		return beneath_open(root, "", false);
	parent = xstrndup(path + 1, (size_t)(slash - path - 1));
	dir = create ? open_or_create_dir(root, parent) :
		       beneath_open(root, parent, false);
	free(parent);
	return dir;
}

/*
 * Read the symbolic link at `path`.  Returns 1 with the target as an absolute
 * path in *out, 0 if `path` is not a link, or a negative errno.
 */
static int read_absolute_target(int root, const char *path, char **out)
{
	char target[PATH_MAX], *here = xstrdup(path);
	ssize_t n = readlinkat(root, here + 1, target, sizeof(target) - 1);
	int error = errno;

	if (n > 0) {
		target[n] = '\0';
		if (target[0] == '/') {
			*out = xstrdup(target);
		} else {
			*strrchr(here, '/') = '\0';
			*out = xasprintf("%s/%s", here, target);
		}
	}
	free(here);
	return n > 0 ? 1 : error == EINVAL ? 0 : -error;
}

int sandbox_input_root_resolve(int root, const char *path, char **resolved)
{
	char *rest = xstrdup(path), *done = xstrdup("");
	int ret = 0, links = 0;
	const char *at = rest;

	while (!ret && *at) {
		size_t n = strcspn(++at, "/");
		char *name = xstrndup(at, n), *next, *slash, *target = NULL;

		at += n;
		if (!*name || !strcmp(name, ".")) {
			free(name);
			continue;
		}
		if (!strcmp(name, "..")) {
			slash = strrchr(done, '/');
			if (slash)
				*slash = '\0';
			free(name);
			continue;
		}
		next = xasprintf("%s/%s", done, name);
		free(name);
		free(done);
		done = next;
		ret = read_absolute_target(root, done, &target);
		if (ret <= 0 || !target)
			continue;
		/*
		 * Replace the link by its target and resolve the new path from
		 * its beginning.
		 */
		ret = ++links > SYMLINKS_MAX ? -ELOOP : 0;
		next = xasprintf("%s%s", target, at);
		free(target);
		free(rest);
		at = rest = next;
		*done = '\0';
	}
	free(rest);
	if (ret) {
		free(done);
		return ret;
	}
	*resolved = done;
	return 0;
}

#define SELF_EXE        "/proc/self/exe"
#define STAGE_NAME_SIZE 32

/* A path that was added to the input root, or a parent of such a path. */
struct input_root_entry {
	struct map_entry entry;
	char path[];
};

void sandbox_input_root_init(struct sandbox_input_root *v, int root, int stage,
			     uid_t uid, gid_t gid)
{
	*v = (struct sandbox_input_root){
		.root_fd = root,
		.stage_fd = stage,
		.uid = uid,
		.gid = gid,
	};
}

void sandbox_input_root_release(struct sandbox_input_root *v)
{
	map_release_entries(&v->entries, NULL);
	if (v->root_fd >= 0)
		close(v->root_fd);
	if (v->stage_fd >= 0)
		close(v->stage_fd);
	v->root_fd = v->stage_fd = -1;
}

bool sandbox_input_root_is_normal(const char *path)
{
	size_t len = strlen(path);

	if (len < 2 || len > SANDBOX_PATH_MAX || path[0] != '/')
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

static bool is_in_input_root(const struct sandbox_input_root *v,
			     const char *path, size_t len)
{
	uint64_t hash = map_hash(bytes_of(path, len));
	struct map_entry *n = map_find(&v->entries, hash);

	for (; n; n = map_next_match(n)) {
		const char *known = ((struct input_root_entry *)n)->path;

		if (!strncmp(known, path, len) && !known[len])
			return true;
	}
	return false;
}

/* Record the path and all its parents. */
static void add_known_path(struct sandbox_input_root *v, const char *path)
{
	size_t len = strlen(path);

	while (len > 1 && !is_in_input_root(v, path, len)) {
		struct input_root_entry *e = xcalloc(1, sizeof(*e) + len + 1);

		memcpy(e->path, path, len);
		map_add(&v->entries, &e->entry, map_hash(bytes_of(path, len)));
		while (len > 1 && path[len - 1] != '/')
			len--;
		len--;
	}
}

static bool is_reserved_path(const char *path)
{
	static const char *const nodes[] = { "/dev", "/dev/null", "/dev/zero",
					     "/dev/urandom" };
	static const char *const trees[] = { "/.kfarm", "/proc" };

	for (size_t i = 0; i < ARRAY_SIZE(nodes); i++) {
		if (!strcmp(path, nodes[i]))
			return true;
	}
	for (size_t i = 0; i < ARRAY_SIZE(trees); i++) {
		size_t n = strlen(trees[i]);

		if (!strncmp(path, trees[i], n) && (!path[n] || path[n] == '/'))
			return true;
	}
	return false;
}

/* Check that the entry at `path` can be added, replaced or removed. */
static int check_new_path(const struct sandbox_input_root *v, const char *path,
			  struct err *err)
{
	if (!sandbox_input_root_is_normal(path))
		return err_set(err, EINVAL,
			       "input root: %s: path not normalized", path);
	if (is_reserved_path(path) ||
	    (v->frozen && is_in_input_root(v, path, strlen(path))))
		return err_set(err, EPERM, "input root: %s: cannot be replaced",
			       path);
	return 0;
}

/*
 * Switch to the file system ids of the tmpfs's owner.  Every edit begins with
 * this call and ends with restore_fsids().
 */
static void set_owner_fsids(const struct sandbox_input_root *v)
{
	if (v->uid == geteuid())
		return;
	setfsgid(v->gid);
	setfsuid(v->uid);
}

static void restore_fsids(const struct sandbox_input_root *v)
{
	if (v->uid == geteuid())
		return;
	setfsuid(geteuid());
	setfsgid(getegid());
}

static int set_edit_error(struct err *err, int ret, const char *path)
{
	return err_set(err, -ret, "input root: %s: %s", path, strerror(-ret));
}

static void make_stage_name(struct sandbox_input_root *v,
			    char name[static STAGE_NAME_SIZE])
{
	snprintf(name, STAGE_NAME_SIZE, "%lu", v->next_stage_name++);
}

/*
 * Exchange stage/name and parent/leaf.  If the kernel lacks RENAME_EXCHANGE
 * (before Linux 3.15, for a tmpfs before 3.17), move the old entry to the stage
 * first; the path then does not exist for a moment.
 */
static int exchange_paths(struct sandbox_input_root *v, const char *name,
			  int parent, const char *leaf)
{
	char old[STAGE_NAME_SIZE];
	int ret = 0;

	if (!renameat2(v->stage_fd, name, parent, leaf, RENAME_EXCHANGE))
		return 0;
	if (errno != ENOSYS && errno != EINVAL)
		return -errno;
	make_stage_name(v, old);
	if (renameat(parent, leaf, v->stage_fd, old))
		return -errno;
	if (renameat(v->stage_fd, name, parent, leaf)) {
		ret = -errno;
		renameat(v->stage_fd, old, parent, leaf);
		return ret;
	}
	fs_remove_at(v->stage_fd, old);
	return 0;
}

/*
 * End an edit.  If `ret` is 0, move stage/name into place.  An existing entry
 * is replaced atomically; if rename(2) cannot replace it because a directory is
 * involved, the two entries are exchanged.  Then remove the file or directory
 * that is left in the stage: the new entry after a failure, or the old entry
 * after an exchange.
 */
static int finish_edit(struct sandbox_input_root *v, int ret, const char *name,
		       const char *path, struct err *err)
{
	int parent = -1;
	const char *leaf;

	if (!ret) {
		parent = sandbox_input_root_open_parent(v->root_fd, path, true,
							&leaf);
		ret = parent < 0 ? parent : 0;
	}
	if (!ret && renameat(v->stage_fd, name, parent, leaf)) {
		ret = -errno;
		if (ret == -EISDIR || ret == -ENOTDIR || ret == -ENOTEMPTY ||
		    ret == -EEXIST)
			ret = exchange_paths(v, name, parent, leaf);
	}
	if (parent >= 0)
		close(parent);
	fs_remove_at(v->stage_fd, name);
	restore_fsids(v);
	if (ret)
		return set_edit_error(err, ret, path);
	if (!v->frozen)
		add_known_path(v, path);
	return 0;
}

/*
 * Return true if the kernel would execute the interpreter that the file names.
 * sandbox/proc.c gives the reason why no script may be executable.
 */
static bool is_script(int fd)
{
	char start[2];

	return pread(fd, start, 2, 0) == 2 && !memcmp(start, "#!", 2);
}

int sandbox_put_file(struct sandbox *cell, const char *path, int fd,
		     uint64_t size, bool executable, int64_t mtime_ns,
		     struct err *err)
{
	struct sandbox_input_root *v = &cell->input_root;
	char name[STAGE_NAME_SIZE];
	int ret = check_new_path(v, path, err);

	if (ret)
		return ret;
	make_stage_name(v, name);
	set_owner_fsids(v);
	ret = fs_create_at(v->stage_fd, name, fd, size,
			   executable && !is_script(fd) ? 0755 : 0644,
			   mtime_ns);
	return finish_edit(v, ret, name, path, err);
}

static int put_symlink(struct sandbox_input_root *v, const char *path,
		       const char *target, struct err *err)
{
	char name[STAGE_NAME_SIZE];
	int ret = 0;

	make_stage_name(v, name);
	set_owner_fsids(v);
	if (symlinkat(target, v->stage_fd, name))
		ret = -errno;
	return finish_edit(v, ret, name, path, err);
}

int sandbox_put_symlink(struct sandbox *cell, const char *path,
			const char *target, struct err *err)
{
	int ret = check_new_path(&cell->input_root, path, err);

	if (!ret && (!*target || strlen(target) >= SANDBOX_PATH_MAX))
		ret = err_set(err, EINVAL,
			      "input root: %s: invalid symbolic link target",
			      path);
	return ret ? ret : put_symlink(&cell->input_root, path, target, err);
}

/* Return true if a directory exists at `path`. */
static bool is_existing_dir(struct sandbox_input_root *v, const char *path)
{
	const char *leaf;
	int parent = sandbox_input_root_open_parent(v->root_fd, path, false,
						    &leaf);
	struct stat st;
	bool has;

	if (parent < 0)
		return false;
	has = !fstatat(parent, leaf, &st, AT_SYMLINK_NOFOLLOW) &&
	      S_ISDIR(st.st_mode);
	close(parent);
	return has;
}

int sandbox_put_dir(struct sandbox *cell, const char *path, struct err *err)
{
	struct sandbox_input_root *v = &cell->input_root;
	char name[STAGE_NAME_SIZE];
	int ret;

	if (sandbox_input_root_is_normal(path) && is_existing_dir(v, path)) {
		if (!v->frozen)
			add_known_path(v, path);
		return 0;
	}
	ret = check_new_path(v, path, err);
	if (ret)
		return ret;
	make_stage_name(v, name);
	set_owner_fsids(v);
	if (mkdirat(v->stage_fd, name, 0755) ||
	    fchmodat(v->stage_fd, name, 0755, 0))
		ret = -errno;
	return finish_edit(v, ret, name, path, err);
}

int sandbox_remove_path(struct sandbox *cell, const char *path, struct err *err)
{
	struct sandbox_input_root *v = &cell->input_root;
	char name[STAGE_NAME_SIZE];
	const char *leaf;
	int parent, ret = check_new_path(v, path, err);

	if (ret)
		return ret;
	set_owner_fsids(v);
	parent = sandbox_input_root_open_parent(v->root_fd, path, false, &leaf);
	if (parent < 0) {
		ret = parent == -ENOENT ? 0 : parent;
	} else {
		make_stage_name(v, name);
		/*
		 * Move the entry to the stage, so that jobs no longer see it,
		 * and then remove it with its content.
		 */
		if (!renameat(parent, leaf, v->stage_fd, name))
			fs_remove_at(v->stage_fd, name);
		else if (errno != ENOENT)
			ret = -errno;
		close(parent);
	}
	restore_fsids(v);
	return ret ? set_edit_error(err, ret, path) : 0;
}

int sandbox_freeze(struct sandbox *cell, const char *driver, struct err *err)
{
	struct sandbox_input_root *v = &cell->input_root;
	struct map_entry *n, *next;
	char *real = NULL;
	struct stat st;
	int ret = 0;

	if (driver && !sandbox_input_root_is_normal(driver))
		return err_set(err, EINVAL,
			       "input root: %s: path not normalized", driver);
	if (driver)
		ret = sandbox_input_root_resolve(v->root_fd, driver, &real);
	if (ret)
		return set_edit_error(err, ret, driver);
	if (real)
		ret = put_symlink(v, SELF_EXE, real, err);
	free(real);
	if (ret)
		return ret;
	/*
	 * After the freeze, no entry can be added, replaced or removed at a
	 * path in the table v->entries.  Delete from the table the paths that
	 * no longer exist in the input root, so that they can be added again.
	 */
	n = v->frozen ? NULL : map_next(&v->entries, NULL);
	for (; n; n = next) {
		const char *path = ((struct input_root_entry *)n)->path;

		next = map_next(&v->entries, n);
		if (!fstatat(v->root_fd, path + 1, &st, AT_SYMLINK_NOFOLLOW))
			continue;
		map_remove(&v->entries, n);
		free(n);
	}
	v->frozen = true;
	return 0;
}
