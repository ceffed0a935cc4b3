/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "inputs/tool.h"

#include "base/stamp.h"
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

#define ROUNDS   6 /* until its files hold still */
#define YOUNG_US 10000 /* more than a tick of the clock of files */

struct version {
	struct inputs_tool tool; /* first */
	struct stamp *stamp; /* of each entry; of a DIR nothing */
};

struct inputs_tools {
	struct inputs_paths *paths;
	pthread_mutex_t lock; /* of what follows */
	struct version **v;
	size_t n;
};

struct inputs_tools *inputs_tools_new(struct inputs_paths *paths)
{
	struct inputs_tools *t = xcalloc(1, sizeof(*t));

	t->paths = paths;
	pthread_mutex_init(&t->lock, NULL);
	return t;
}

static void version_free(struct version *v)
{
	free((void *)v->tool.entry);
	free(v->stamp);
	free(v);
}

void inputs_tools_free(struct inputs_tools *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->n; i++)
		version_free(t->v[i]);
	free(t->v);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

/* A zeroed one: nothing is there, as where a link is the list's own. */
static struct stamp stamp_here(const char *path)
{
	struct stamp s = { 0 };
	struct stat st;

	if (!lstat(path, &st))
		stamp_of(&s, &st);
	return s;
}

const char *inputs_tool_changed(const struct inputs_tool *tool)
{
	const struct version *v = (const struct version *)tool;

	for (size_t i = 0; i < tool->n; i++) {
		const struct inputs_entry *e = tool->entry[i];
		struct stamp now;

		if (e->kind == WIRE_DIR)
			continue;
		now = stamp_here(e->path->name);
		if (!stamp_equal(&now, &v->stamp[i]))
			return e->path->name;
	}
	return NULL;
}

/* -EAGAIN: what is there now may not be what was read. */
static int stamp_all(struct version *v, const struct compiler_entries *list,
		     int64_t began)
{
	v->stamp = xcalloc(list->n + 1, sizeof(*v->stamp));
	for (size_t i = 0; i < list->n; i++) {
		const struct compiler_entry *e = &list->v[i];
		struct stamp *s = &v->stamp[i];

		if (e->kind == COMPILER_DIR)
			continue;
		*s = stamp_here(e->path);
		if (s->ino && !stamp_settled(s, began))
			return -EAGAIN;
		if (e->kind == COMPILER_FILE &&
		    (s->mtime_ns != e->mtime_ns || s->size != e->size))
			return -EAGAIN;
	}
	return 0;
}

static int list_once(struct inputs_tools *t, const char *real, char *const *env,
		     struct version **out, struct err *err)
{
	struct compiler_entries list = { 0 };
	struct version *v = xcalloc(1, sizeof(*v));
	int64_t began = stamp_now();
	int ret = compiler_manifest_program(&list, real, env, err);

	if (!ret && stamp_all(v, &list, began))
		ret = err_set(err, EAGAIN, "%s keeps changing", real);
	if (!ret) {
		v->tool.entry = inputs_toolchain_entries(t->paths, "", &list);
		v->tool.n = list.n;
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

/* The one that was listed last; under the lock. */
static const struct version *find_version(const struct inputs_tools *t,
					  const char *real)
{
	for (size_t i = t->n; i--;) {
		if (!strcmp(t->v[i]->tool.path->name, real))
			return t->v[i];
	}
	return NULL;
}

/* Under the lock: one that several units ask for is read once. */
static const struct version *list_program(struct inputs_tools *t,
					  const char *real, char *const *env,
					  struct err *err)
{
	struct version *v = NULL;
	int ret = -EAGAIN;

	for (int i = 0; i < ROUNDS && ret == -EAGAIN; i++) {
		if (i)
			usleep(YOUNG_US);
		ret = list_once(t, real, env, &v, err);
	}
	if (!ret)
		*VEC_ADD(t->v, t->n) = v;
	return v;
}

const struct inputs_tool *inputs_tool_get(struct inputs_tools *t,
					  const char *program, char *const *env,
					  struct err *err)
{
	const char *libraries = str_env(env, "LD_LIBRARY_PATH");
	const struct version *v;
	char *real;

	/* What is listed is remembered for any environment. */
	if (libraries && *libraries) {
		err_set(err, ENOTSUP, "LD_LIBRARY_PATH is set");
		return NULL;
	}
	real = realpath(program, NULL);
	if (!real) {
		err_errno(err, "%s", program);
		return NULL;
	}
	pthread_mutex_lock(&t->lock);
	v = find_version(t, real);
	if (!v || inputs_tool_changed(&v->tool))
		v = list_program(t, real, env, err);
	pthread_mutex_unlock(&t->lock);
	free(real);
	return v ? &v->tool : NULL;
}
