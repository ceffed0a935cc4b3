/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "inputs/tool.h"

#include "base/file-stamp.h"
#include "base/str.h"
#include "base/vec.h"
#include "compiler/manifest.h"
#include "inputs/toolchain.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TOOL_LIST_ROUNDS_MAX      6 /* attempts until the files are stable */
#define TOOL_MTIME_GRANULARITY_US 10000 /* more than a tick of mtime */

struct tool_version {
	struct inputs_tool tool; /* must be the first member */
	struct file_stamp *stamps; /* of each entry; unused for a DIR */
};

struct inputs_tool_cache {
	struct inputs_paths *paths;
	pthread_mutex_t lock; /* protects the members after it */
	struct tool_version **versions;
	size_t n_versions;
};

struct inputs_tool_cache *inputs_tool_cache_new(struct inputs_paths *paths)
{
	struct inputs_tool_cache *t = xcalloc(1, sizeof(*t));

	t->paths = paths;
	pthread_mutex_init(&t->lock, NULL);
	return t;
}

static void version_free(struct tool_version *v)
{
	free((void *)v->tool.entries);
	free(v->stamps);
	free(v);
}

void inputs_tool_cache_free(struct inputs_tool_cache *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->n_versions; i++)
		version_free(t->versions[i]);
	free(t->versions);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

/*
 * Return the stamp of `path`, without following a symbolic link.  The stamp is
 * zeroed if `path` does not exist.  This is not an error, because some links
 * exist only in the list of entries and not on the build host.
 */
static struct file_stamp lstat_stamp(const char *path)
{
	struct file_stamp s = { 0 };
	struct stat st;

	if (!lstat(path, &st))
		file_stamp_from_stat(&s, &st);
	return s;
}

const char *inputs_tool_find_changed(const struct inputs_tool *tool)
{
	const struct tool_version *v = (const struct tool_version *)tool;

	for (size_t i = 0; i < tool->n_entries; i++) {
		const struct inputs_entry *e = tool->entries[i];
		struct file_stamp now;

		if (e->kind == WIRE_INODE_DIR)
			continue;
		now = lstat_stamp(e->path->name);
		if (!file_stamp_equal(&now, &v->stamps[i]))
			return e->path->name;
	}
	return NULL;
}

/* Returns -EAGAIN if a file may have changed after it was read. */
static int stamp_tool_files(struct tool_version *v,
			    const struct compiler_entries *list, int64_t began)
{
	v->stamps = xcalloc(list->n + 1, sizeof(*v->stamps));
	for (size_t i = 0; i < list->n; i++) {
		const struct compiler_entry *e = &list->v[i];
		struct file_stamp *s = &v->stamps[i];

		if (e->kind == COMPILER_ENTRY_DIR)
			continue;
		*s = lstat_stamp(e->path);
		if (s->ino && !file_stamp_is_reliable(s, began))
			return -EAGAIN;
		if (e->kind == COMPILER_ENTRY_FILE &&
		    (s->mtime_ns != e->mtime_ns || s->size != e->size_bytes))
			return -EAGAIN;
	}
	return 0;
}

static int list_tool_files(struct inputs_tool_cache *t, const char *real,
			   char *const *env, struct tool_version **out,
			   struct err *err)
{
	struct compiler_entries list = { 0 };
	struct tool_version *v = xcalloc(1, sizeof(*v));
	int64_t began = file_stamp_now_ns();
	int ret = compiler_manifest_list_program(&list, real, env, err);

	if (!ret && stamp_tool_files(v, &list, began))
		ret = err_set(err, EAGAIN,
			      "%s: changed repeatedly while it was read", real);
	if (!ret) {
		v->tool.entries = inputs_toolchain_make_entries(t->paths, "",
								&list);
		v->tool.n_entries = list.n;
		inputs_paths_lock(t->paths);
		v->tool.path = inputs_paths_get(t->paths, real);
		inputs_paths_unlock(t->paths);
		*out = v;
	} else {
		version_free(v);
	}
	compiler_entries_release(&list);
	return ret;
}

const struct inputs_tool *inputs_tool_get(struct inputs_tool_cache *t,
					  const char *program, char *const *env,
					  struct err *err)
{
	const char *libraries = str_find_env(env, "LD_LIBRARY_PATH");
	const struct tool_version *v = NULL;
	struct tool_version *listed = NULL;
	int ret = -EAGAIN;
	char *real;

	/*
	 * LD_LIBRARY_PATH could select other libraries, and the cache does not
	 * distinguish environments.
	 */
	if (libraries && *libraries) {
		err_set(err, ENOTSUP, "LD_LIBRARY_PATH is set");
		return NULL;
	}
	real = realpath(program, NULL);
	if (!real) {
		err_errno(err, "%s", program);
		return NULL;
	}
	/*
	 * Hold the lock, so that concurrent requests for a program read its
	 * files only once.
	 */
	pthread_mutex_lock(&t->lock);
	for (size_t i = t->n_versions; i-- && !v;) {
		if (!strcmp(t->versions[i]->tool.path->name, real))
			v = t->versions[i];
	}
	if (!v || inputs_tool_find_changed(&v->tool)) {
		for (int i = 0; i < TOOL_LIST_ROUNDS_MAX && ret == -EAGAIN;
		     i++) {
			if (i)
				usleep(TOOL_MTIME_GRANULARITY_US);
			ret = list_tool_files(t, real, env, &listed, err);
		}
		if (!ret)
			*VEC_ADD(t->versions, t->n_versions) = listed;
		v = listed;
	}
	pthread_mutex_unlock(&t->lock);
	free(real);
	return v ? &v->tool : NULL;
}
