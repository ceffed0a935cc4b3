/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tree/git.h"

#include "base/str.h"

#include <errno.h>
#include <git2.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

bool tree_path_check_is_valid_name(const char *name)
{
	return name[0] && strlen(name) <= NAME_MAX && !strchr(name, '/') &&
	       strcmp(name, ".") && strcmp(name, "..") &&
	       strcasecmp(name, ".git") && strcasecmp(name, "git~1");
}

int tree_path_check(const char *path, struct err *err)
{
	bool fine = strlen(path) <= TREE_PATH_MAX;

	for (const char *at = path; fine;) {
		size_t n = strcspn(at, "/");
		char *name = xstrndup(at, n);

		fine = tree_path_check_is_valid_name(name);
		free(name);
		if (!at[n])
			break;
		at += n + 1;
	}
	return fine ? 0 : err_set(err, EINVAL, "invalid path \"%.200s\"", path);
}

void tree_git_init(void)
{
	static const char *extensions[] = { "worktreeconfig" };

	git_libgit2_init();
	git_libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, 0);
	git_libgit2_opts(GIT_OPT_SET_EXTENSIONS, extensions, (size_t)1);
}

int tree_git_set_sha256_error(struct err *err, const char *where)
{
	return err_set(err, EPROTONOSUPPORT,
		       "%s: SHA-256 repositories are not supported by "
		       "libgit2 " LIBGIT2_VERSION,
		       where);
}

/* libgit2 records the text of errno, but not its number. */
static int libgit2_errno(int code, const char *text)
{
	if (code == GIT_ENOTFOUND)
		return ENOENT;
	if (text && strstr(text, strerror(ENOSPC)))
		return ENOSPC;
	if (text && strstr(text, strerror(EACCES)))
		return EACCES;
	return EIO;
}

int tree_git_set_error(struct err *err, int code, const char *fmt, ...)
{
	const git_error *last = git_error_last();
	const char *text = last ? last->message : NULL;
	va_list ap;
	char *words;
	int ret;

	va_start(ap, fmt);
	words = xvasprintf(fmt, ap);
	va_end(ap);
	if (text && strstr(text, "extensions.objectformat"))
		ret = tree_git_set_sha256_error(err, words);
	else
		ret = err_set(err, libgit2_errno(code, text), "%s: %s", words,
			      text ? text : "unknown libgit2 error");
	free(words);
	return ret;
}
