/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/which.h"

#include "base/str.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINKS_MAX 40 /* symbolic links followed for one file */

bool which_is_executable(const char *file)
{
	struct stat st;

	return !stat(file, &st) && S_ISREG(st.st_mode) && !access(file, X_OK);
}

bool which_is_wrapper_name(const char *name)
{
	static const char *const names[] = {
		"ccache", "distcc", "icecc",    "sccache",
		"icerun", "nocc",   "kfarm-cc", NULL,
	};

	for (int i = 0; names[i]; i++) {
		if (!strcmp(name, names[i]))
			return true;
	}
	return false;
}

/*
 * Replace the path `at` of a symbolic link by the target of the link.  Returns
 * false if `at` is not a link or the new path is too long.
 */
static bool follow_symlink(char at[static PATH_MAX])
{
	char to[PATH_MAX];
	ssize_t n = readlink(at, to, sizeof(to) - 1);
	size_t dir;

	if (n < 0)
		return false;
	dir = to[0] == '/' ? 0 : (size_t)(str_base(at) - at);
	if (dir + (size_t)n >= PATH_MAX)
		return false;
	memcpy(at + dir, to, (size_t)n);
	at[dir + (size_t)n] = '\0';
	return true;
}

bool which_is_wrapper(const char *file)
{
	char at[PATH_MAX];

	if (strlen(file) >= sizeof(at))
		return false;
	strcpy(at, file);
	/*
	 * Check the name of each link on the way, because any name may be that
	 * of a cache: /usr/lib/ccache/gcc -> ../../bin/ccache
	 */
	for (int depth = 0; depth < LINKS_MAX; depth++) {
		if (which_is_wrapper_name(str_base(at)))
			return true;
		if (!follow_symlink(at))
			return false;
	}
	return false;
}

const char *which_skip_wrappers(const char *command)
{
	const char *rest = command;
	char word[PATH_MAX];

	for (;;) {
		size_t len = strcspn(rest, " \t");

		if (!rest[len] || len >= sizeof(word))
			return rest;
		memcpy(word, rest, len);
		word[len] = '\0';
		if (!which_is_wrapper_name(str_base(word)))
			return rest;
		rest += len + strspn(rest + len, " \t");
	}
}

/*
 * Return true if the paths `dir`, of `len` bytes, and `masquerade_dir` are
 * equal except for trailing slashes.  Does not resolve symbolic links.
 */
static bool is_masquerade_dir(const char *dir, size_t len,
			      const char *masquerade_dir)
{
	size_t n = masquerade_dir ? strlen(masquerade_dir) : 0;

	while (len > 1 && dir[len - 1] == '/')
		len--;
	while (n > 1 && masquerade_dir[n - 1] == '/')
		n--;
	return n && len == n && !memcmp(dir, masquerade_dir, n);
}

/*
 * Write DIR/NAME to `file`.  Returns false if the path is too long.  Does not
 * allocate memory, because the wrapper calls the function 10,000 times in a
 * build.
 */
static bool make_program_path(char file[static PATH_MAX], const char *dir,
			      size_t len, const char *name)
{
	size_t rest = strlen(name) + 1;

	/* An empty element of PATH is the current directory. */
	if (!len) {
		dir = ".";
		len = 1;
	}
	if (len + 1 + rest > PATH_MAX)
		return false;
	memcpy(file, dir, len);
	file[len] = '/';
	memcpy(file + len + 1, name, rest);
	return true;
}

static char *search_path(const char *name, const char *path, bool compiler,
			 const char *links)
{
	const char *dir = path ? path : "/usr/local/bin:/usr/bin:/bin";
	char file[PATH_MAX];

	if (strchr(name, '/'))
		return xstrdup(name);
	for (;;) {
		size_t len = strcspn(dir, ":");

		if (!is_masquerade_dir(dir, len, links) &&
		    make_program_path(file, dir, len, name) &&
		    which_is_executable(file) &&
		    !(compiler && which_is_wrapper(file)))
			return xstrdup(file);
		if (!dir[len])
			return NULL;
		dir += len + 1;
	}
}

char *which(const char *name, const char *path)
{
	return search_path(name, path, false, NULL);
}

char *which_compiler(const char *name, const char *path,
		     const char *masquerade_dir)
{
	return search_path(name, path, true, masquerade_dir);
}

/*
 * Read the target of the link DIR/real/NAME into `to`.  `at` is the path
 * DIR/bin/NAME.  Returns false if there is no such link or if its target is not
 * an absolute path.
 */
static bool read_real_link(const char at[static PATH_MAX],
			   char to[static PATH_MAX])
{
	const char *name = str_base(at);
	char real[PATH_MAX];
	ssize_t n;

	n = snprintf(real, sizeof(real), "%.*s../real/%s", (int)(name - at), at,
		     name);
	if (n >= PATH_MAX)
		return false;
	n = readlink(real, to, PATH_MAX - 1);
	if (n < 0 || to[0] != '/')
		return false;
	to[n] = '\0';
	return true;
}

char *which_find_real(const char *file)
{
	char at[PATH_MAX], to[PATH_MAX];

	if (strlen(file) >= sizeof(at))
		return NULL;
	strcpy(at, file);
	for (int depth = 0; depth < LINKS_MAX; depth++) {
		if (read_real_link(at, to))
			return xstrdup(to);
		if (!follow_symlink(at))
			break;
	}
	return NULL;
}

char *which_strip_path(const char *path, const char *masquerade_dir)
{
	char *out = xmalloc(strlen(path) + 1), *p = out;
	bool first = true;

	for (;;) {
		size_t len = strcspn(path, ":");

		if (!is_masquerade_dir(path, len, masquerade_dir)) {
			/*
			 * An empty element means the current directory and is
			 * preserved.
			 */
			if (!first)
				*p++ = ':';
			first = false;
			memcpy(p, path, len);
			p += len;
		}
		if (!path[len])
			break;
		path += len + 1;
	}
	*p = '\0';
	if (!first)
		return out;
	/* An empty PATH would mean the current directory. */
	free(out);
	return NULL;
}
