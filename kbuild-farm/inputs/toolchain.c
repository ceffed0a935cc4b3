/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "inputs/toolchain.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "base/task.h"
#include "inputs/reference.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

const struct inputs_entry **inputs_toolchain_entries(
	struct inputs_paths *paths, const char *top,
	const struct compiler_entries *list)
{
	const struct inputs_entry **out = xcalloc(list->n + 1, sizeof(*out));

	inputs_paths_lock(paths);
	for (size_t i = 0; i < list->n; i++) {
		const struct compiler_entry *e = &list->v[i];
		char *name = xasprintf("%s%s", top, e->path);
		struct inputs_path *p = inputs_paths_get(paths, name);
		struct store_identity id = {
			.stamp = { .size = e->size, .mtime_ns = e->mtime_ns },
			.digest = e->digest,
			.executable = e->executable,
		};

		free(name);
		if (e->kind == COMPILER_FILE)
			out[i] = inputs_paths_file(paths, p, &id);
		else if (e->kind == COMPILER_LINK)
			out[i] = inputs_paths_link(paths, p, &id.stamp,
						   e->target);
		else
			out[i] = inputs_paths_dir(paths, p);
	}
	inputs_paths_unlock(paths);
	return out;
}

/* On a thread of its own. */
static void list_toolchain(void *arg)
{
	struct inputs_toolchain *tc = arg;

	if (compiler_manifest_make(&tc->manifest, tc->driver, tc->env.v,
				   &tc->err))
		return;
	tc->entry = inputs_toolchain_entries(tc->all->paths, "",
					     &tc->manifest.entries);
	tc->n_entries = tc->manifest.entries.n;
	tc->err.text[0] = '\0';
}

/* Begin `run` on a thread, with `done` behind it; false: there is none. */
static bool run_aside(struct inputs_toolchain *tc, void (*run)(void *arg),
		      void (*done)(void *arg))
{
	strcpy(tc->err.text, "not identified");
	tc->task = task_start_then(tc->all->base, run, done, tc);
	return tc->task;
}

/* It is not READY any more, or never will be; tc->err says why. */
static void spoil(struct inputs_toolchain *tc, enum reason why)
{
	tc->state = INPUTS_BAD;
	tc->why = why;
}

static void tell_change(struct inputs_toolchain *tc, enum inputs_known was)
{
	tc->all->changed(tc->all->ctx, tc, was);
}

static void on_identified(void *arg)
{
	struct inputs_toolchain *tc = arg;

	tc->task = NULL;
	if (tc->err.text[0]) {
		log_warning("%s: %s; its compiles stay local", tc->driver,
			    tc->err.text);
		spoil(tc, REASON_NOT_IDENTIFIED);
	} else {
		tc->state = INPUTS_READY;
	}
	tell_change(tc, INPUTS_UNKNOWN);
}

/* Those of `env` that begin with one of these, in order. */
static void pick_env(struct strv *out, char *const *env,
		     const char *const *names)
{
	for (; *env; env++) {
		for (const char *const *n = names; *n; n++) {
			if (str_starts(*env, *n))
				strv_add(out, *env);
		}
	}
	strv_sort(out);
}

void inputs_toolchains_init(struct inputs_toolchains *all)
{
	TAILQ_INIT(&all->list);
}

struct inputs_toolchain *inputs_toolchain_get(struct inputs_toolchains *all,
					      const char *driver,
					      char *const *env)
{
	static const char *const names[] = { "PATH=", "LD_LIBRARY_PATH=",
					     NULL };
	struct inputs_toolchain *tc;
	struct strv picked = { 0 };

	pick_env(&picked, env, names);
	list_for_each(tc, &all->list, link) {
		if (!strcmp(tc->driver, driver) &&
		    strv_equal(&tc->env, &picked)) {
			strv_release(&picked);
			return tc;
		}
	}
	tc = xcalloc(1, sizeof(*tc));
	tc->all = all;
	tc->driver = xstrdup(driver);
	tc->env = picked;
	/* An empty list has no array yet. */
	strv_add(&tc->env, "");
	free(tc->env.v[--tc->env.n]);
	tc->env.v[tc->env.n] = NULL;
	TAILQ_INIT(&tc->references);
	TAILQ_INSERT_TAIL(&all->list, tc, link);
	if (!run_aside(tc, list_toolchain, on_identified))
		spoil(tc, REASON_NOT_IDENTIFIED);
	return tc;
}

static const struct inputs_language *known_language(
	const struct inputs_toolchain *tc, const char *key)
{
	const struct inputs_language *l = tc->languages;

	while (l && strcmp(l->key, key))
		l = l->next;
	return l;
}

static struct inputs_language *find_language(struct inputs_toolchain *tc,
					     const struct strv *env)
{
	struct compiler_entries list = { 0 };
	struct inputs_language *l = xcalloc(1, sizeof(*l));
	struct err err;

	l->key = strv_join(env, "\n");
	if (env->n &&
	    compiler_manifest_language(&list, &tc->manifest, env->v, &err)) {
		log_warning("%s: language of messages: %s", tc->driver,
			    err.text);
		l->why = REASON_LANGUAGE;
	}
	l->entry = inputs_toolchain_entries(tc->all->paths, "", &list);
	l->n = list.n;
	compiler_entries_release(&list);
	return l;
}

const struct inputs_language *inputs_toolchain_language(
	struct inputs_toolchain *tc, char *const *env)
{
	static const char *const names[] = { "LANG=", "LANGUAGE=", "LC_",
					     "LOCPATH=", NULL };
	/* All programs of a compiler are read: not by two threads at once. */
	static pthread_mutex_t finding = PTHREAD_MUTEX_INITIALIZER;
	struct strv picked = { 0 };
	struct inputs_language *l;
	const struct inputs_language *known;
	char *key;

	pick_env(&picked, env, names);
	key = strv_join(&picked, "\n");
	pthread_mutex_lock(&finding);
	known = known_language(tc, key);
	if (!known) {
		known = l = find_language(tc, &picked);
		l->next = tc->languages;
		tc->languages = l;
	}
	pthread_mutex_unlock(&finding);
	strv_release(&picked);
	free(key);
	return known;
}

/* On a thread of its own. */
static void identify_again(void *arg)
{
	struct inputs_toolchain *tc = arg;

	if (!compiler_manifest_make(&tc->again, tc->driver, tc->env.v,
				    &tc->err))
		tc->err.text[0] = '\0';
}

static void on_identified_again(void *arg)
{
	struct inputs_toolchain *tc = arg;

	tc->task = NULL;
	if (!tc->err.text[0] &&
	    compiler_manifest_adopt(&tc->manifest, &tc->again)) {
		tc->state = INPUTS_READY;
	} else {
		log_warning("%s changed during the build%s%s%s; its compiles "
			    "stay local",
			    tc->driver, tc->err.text[0] ? " (" : "",
			    tc->err.text, tc->err.text[0] ? ")" : "");
		spoil(tc, REASON_COMPILER_CHANGED);
	}
	compiler_manifest_release(&tc->again);
	tell_change(tc, INPUTS_TOUCHED);
}

void inputs_toolchain_look(struct inputs_toolchain *tc, uint64_t since_ms)
{
	struct err err;

	if (tc->state != INPUTS_READY || tc->looked_ms > since_ms)
		return;
	tc->looked_ms = clock_ms();
	if (tc->full_ms &&
	    tc->looked_ms - tc->full_ms < INPUTS_TOOLCHAIN_FULL_MS &&
	    compiler_manifest_glance(&tc->manifest))
		return;
	tc->full_ms = tc->looked_ms;
	if (!compiler_manifest_stamp(&tc->manifest, &err))
		return;
	log_debug("%s: %s: listed again", tc->driver, err.text);
	tc->state = INPUTS_TOUCHED;
	if (!run_aside(tc, identify_again, on_identified_again))
		spoil(tc, REASON_COMPILER_CHANGED);
	tell_change(tc, INPUTS_READY);
}

void inputs_toolchains_check(struct inputs_toolchains *all)
{
	struct inputs_toolchain *tc;

	list_for_each(tc, &all->list, link) {
		inputs_reference_check_all(tc);
		inputs_toolchain_look(tc, UINT64_MAX);
	}
}

static void free_languages(struct inputs_toolchain *tc)
{
	struct inputs_language *l;

	while ((l = tc->languages)) {
		tc->languages = l->next;
		free(l->key);
		free(l->entry);
		free(l);
	}
}

void inputs_toolchains_release(struct inputs_toolchains *all)
{
	struct inputs_toolchain *tc;

	while ((tc = TAILQ_FIRST(&all->list))) {
		TAILQ_REMOVE(&all->list, tc, link);
		if (tc->task)
			task_join(tc->task);
		inputs_reference_free_all(tc);
		free_languages(tc);
		compiler_manifest_release(&tc->manifest);
		compiler_manifest_release(&tc->again);
		strv_release(&tc->env);
		free(tc->entry);
		free(tc->driver);
		free(tc);
	}
}
