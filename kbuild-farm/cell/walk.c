/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cell/walk.h"

#include "base/beneath.h"
#include "base/str.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINKS_MAX 40 /* as many as the kernel follows */

/*
 * Open a directory below `root`, made with those above it: for everybody,
 * whatever our umask, as a job need not be who owns the view.
 */
static int open_made(int root, const char *path)
{
	char *upper = xstrdup(path), *slash = strrchr(upper, '/');
	const char *name = slash ? slash + 1 : upper;
	int dir = beneath_open(root, path, false), above;

	if (dir == -ENOENT && *path) {
		if (slash)
			*slash = '\0';
		above = open_made(root, slash ? upper : "");
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

int cell_walk_parent(int root, const char *path, bool make, const char **leaf)
{
	const char *slash = strrchr(path, '/');
	char *parent;
	int dir;

	*leaf = slash + 1;
	if (slash == path)
		return beneath_open(root, "", false);
	parent = xstrndup(path + 1, (size_t)(slash - path - 1));
	dir = make ? open_made(root, parent) :
		     beneath_open(root, parent, false);
	free(parent);
	return dir;
}

/*
 * Where the link at `path` points to: 1 with an absolute path in *out, 0 when
 * it is no link.
 */
static int link_target(int root, const char *path, char **out)
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

/* Takes the last component off. */
static void up(char *path)
{
	char *slash = strrchr(path, '/');

	if (slash)
		*slash = '\0';
}

int cell_walk_resolve(int root, const char *path, char **real)
{
	char *rest = xstrdup(path), *done = xstrdup("");
	int ret = 0, links = 0;
	const char *at = rest;

	while (!ret && *at) {
		size_t n = strcspn(++at, "/");
		char *name = xstrndup(at, n), *next, *target = NULL;

		at += n;
		if (!*name || !strcmp(name, ".")) {
			free(name);
			continue;
		}
		if (!strcmp(name, "..")) {
			up(done);
			free(name);
			continue;
		}
		next = xasprintf("%s/%s", done, name);
		free(name);
		free(done);
		done = next;
		ret = link_target(root, done, &target);
		if (ret <= 0 || !target)
			continue;
		/* Begin again with the link's target in front of the rest. */
		ret = ++links > LINKS_MAX ? -ELOOP : 0;
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
	*real = done;
	return 0;
}
