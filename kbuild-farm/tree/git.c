/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tree/git.h"

#include "base/spawn.h"
#include "base/str.h"
#include "base/vec.h"
#include "tree/worker.h"

#include <errno.h>
#include <git2.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define STOP_EACH_MS 100

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

/*
 * Set global options of libgit2.  Call this function once, because libgit2
 * stores the options without a lock.  The call of git_libgit2_init() has no
 * matching shutdown, because the last shutdown would reset the extensions.
 * Repositories with the extension "preciousobjects" can be opened: it only
 * forbids the deletion of objects.
 */
static void set_options(void)
{
	static const char *extensions[] = { "worktreeconfig",
					    "preciousobjects" };

	git_libgit2_init();
	git_libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, 0);
	git_libgit2_opts(GIT_OPT_SET_EXTENSIONS, extensions,
			 ARRAY_SIZE(extensions));
}

void tree_git_init(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, set_options);
	git_libgit2_init();
}

int tree_git_set_sha256_error(struct err *err, const char *where)
{
	return err_set(err, EPROTONOSUPPORT,
		       "%s: SHA-256 repositories are not supported by "
		       "libgit2 " LIBGIT2_VERSION,
		       where);
}

int tree_git_parse_id(git_oid *id, const char *hex, struct err *err)
{
	if (git_oid_fromstr(id, hex))
		return err_set(err, EINVAL,
			       "\"%.80s\" is not a valid commit id", hex);
	return 0;
}

/* Derive the errno from libgit2's message, because libgit2 returns no errno. */
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

/* Return advice for a message of libgit2, or "". */
static const char *libgit2_advice(const char *text)
{
	static const struct {
		const char *part, *advice;
	} known[] = {
		{ "invalid content-type",
		  "; the server does not use git's smart HTTP protocol; clone "
		  "the repository with git, and add the directory of the "
		  "clone" },
		{ "SSL certificate is invalid",
		  "; git's settings http.ssl* have no effect; "
		  "see HTTP in kfarm-tree(1)" },
		{ "malformed URL",
		  "; if this is a proxy, use the form http://HOST:PORT; see "
		  "HTTP in kfarm-tree(1)" },
		{ "unexpected http status code",
		  "; if `git fetch` works with this URL, see HTTP in "
		  "kfarm-tree(1)" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		if (strstr(text, known[i].part))
			return known[i].advice;
	}
	return "";
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
		ret = err_set(err, libgit2_errno(code, text), "%s: %s%s", words,
			      text ? text : "unknown libgit2 error",
			      text ? libgit2_advice(text) : "");
	free(words);
	return ret;
}

void tree_git_add_environment(struct strv *env)
{
	static const char *const others[] = {
		"GIT_DIR=",
		"GIT_WORK_TREE=",
		"GIT_OBJECT_DIRECTORY=",
		"GIT_COMMON_DIR=",
		"GIT_NAMESPACE=",
		"GIT_SHALLOW_FILE=",
		"GIT_ALTERNATE_OBJECT_DIRECTORIES=",
		"GIT_PROTOCOL=",
	};

	for (char **e = environ; *e; e++) {
		bool another = false;

		for (size_t i = 0; i < ARRAY_SIZE(others); i++)
			another = another || str_starts(*e, others[i]);
		if (!another)
			strv_add(env, *e);
	}
}

int tree_git_wait(pid_t pid)
{
	while (!spawn_await_exit(pid, STOP_EACH_MS)) {
		if (tree_worker_is_interrupted())
			kill(pid, SIGTERM);
	}
	return spawn_wait(pid);
}

int tree_git_check_remotes(git_repository *repo, struct err *err)
{
	git_config_iterator *all = NULL;
	git_config *config = NULL;
	git_config_entry *entry;
	int ret = 0;

	if (git_repository_config_snapshot(&config, repo) ||
	    git_config_iterator_glob_new(
		    &all, config,
		    "^(url\\..*\\.(push)?insteadof|"
		    "remote\\..*\\.((push)?url|fetch|push))$"))
		ret = tree_git_set_error(err, -1, "%s",
					 git_repository_path(repo));
	while (!ret && !git_config_next(&entry, all)) {
		if (!entry->value)
			ret = err_set(err, EINVAL,
				      "git configuration: missing value for %s",
				      entry->name);
	}
	git_config_iterator_free(all);
	git_config_free(config);
	return ret;
}

int tree_git_open_clone(const char *source, git_repository **out,
			struct err *err)
{
	git_config_iterator *all = NULL;
	git_config *config = NULL;
	git_config_entry *entry;
	int promisor = false;

	if (git_repository_open_ext(out, source, GIT_REPOSITORY_OPEN_NO_SEARCH,
				    NULL))
		return tree_git_set_error(err, -1, "%s", source);
	if (!git_repository_config_snapshot(&config, *out) &&
	    !git_config_iterator_glob_new(&all, config,
					  "^remote\\..*\\.promisor$")) {
		while (!promisor && !git_config_next(&entry, all)) {
			if (git_config_parse_bool(&promisor, entry->value))
				promisor = true;
		}
	}
	git_config_iterator_free(all);
	git_config_free(config);
	if (!promisor)
		return 0;
	git_repository_free(*out);
	*out = NULL;
	return err_set(
		err, ENOTSUP,
		"%s: partial clone with missing objects; fetch all objects "
		"with `git fetch --refetch --no-filter` and unset "
		"remote.NAME.promisor, or add the URL of the remote instead",
		source);
}
