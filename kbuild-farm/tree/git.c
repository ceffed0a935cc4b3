/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tree/git.h"

#include "base/str.h"

#include <errno.h>
#include <git2.h>
#include <stdlib.h>
#include <string.h>

void tree_git_init(void)
{
	static const char *extensions[] = { "worktreeconfig" };

	git_libgit2_init();
	git_libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, 0);
	git_libgit2_opts(GIT_OPT_SET_EXTENSIONS, extensions, (size_t)1);
}

int tree_git_sha256(struct err *err, const char *where)
{
	return err_set(err, EPROTONOSUPPORT,
		       "%s: a repository of SHA-256 objects; this libgit2 "
		       "(" LIBGIT2_VERSION ") knows those of SHA-1 alone",
		       where);
}

/* libgit2 keeps the text of errno, not its number. */
static int errno_of(int code, const char *text)
{
	if (code == GIT_ENOTFOUND)
		return ENOENT;
	if (text && strstr(text, strerror(ENOSPC)))
		return ENOSPC;
	if (text && strstr(text, strerror(EACCES)))
		return EACCES;
	return EIO;
}

int tree_git_failed(struct err *err, int code, const char *fmt, ...)
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
		ret = tree_git_sha256(err, words);
	else
		ret = err_set(err, errno_of(code, text), "%s: %s", words,
			      text ? text : "git repository cannot be used");
	free(words);
	return ret;
}
