/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "inputs/toolchain.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/str.h"
#include "base/task.h"
#include "coord/answer.h"
#include "coord/away.h"
#include "options/rewrite.h"
#include "peer/tune.h"
#include "wire/msg.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REFERENCE_MS 10000

static const char reference_text[] = "int kfarm_reference(int n);\n"
				     "int kfarm_reference(int n)\n"
				     "{\n"
				     "\tint sum = 0;\n"
				     "\tfor (int i = 0; i < n; i++)\n"
				     "\t\tsum += i * i ^ n;\n"
				     "\treturn sum;\n"
				     "}\n";

struct bytes inputs_toolchain_reference_text(void)
{
	return bytes_str(reference_text);
}

/* Their versions in the table of paths; the caller frees the list. */
static const struct inputs_entry **enter(struct inputs_paths *paths,
					 const struct compiler_entries *list)
{
	const struct inputs_entry **out = xcalloc(list->n + 1, sizeof(*out));
	const struct stamp no_stamp = { 0 };

	inputs_paths_lock(paths);
	for (size_t i = 0; i < list->n; i++) {
		const struct compiler_entry *e = &list->v[i];
		struct inputs_path *p = inputs_paths_get(paths, e->path);
		struct store_identity id = {
			.stamp = { .size = e->size, .mtime_ns = e->mtime_ns },
			.digest = e->digest,
			.executable = e->executable,
		};

		if (e->kind == COMPILER_FILE)
			out[i] = inputs_paths_file(paths, p, &id);
		else if (e->kind == COMPILER_LINK)
			out[i] = inputs_paths_link(paths, p, &no_stamp,
						   e->target);
		else
			out[i] = inputs_paths_dir(paths, p);
	}
	inputs_paths_unlock(paths);
	return out;
}

/* On a thread of its own. */
static void identify(void *arg)
{
	struct inputs_toolchain *tc = arg;

	if (compiler_manifest_make(&tc->manifest, tc->driver, tc->env.v,
				   &tc->err))
		return;
	tc->entry = enter(tc->coord->inputs.paths, &tc->manifest.entries);
	tc->n_entries = tc->manifest.entries.n;
	tc->err.text[0] = '\0';
}

/* Begin `run` on a thread, with `done` behind it; false: there is none. */
static bool start(struct inputs_toolchain *tc, void (*run)(void *arg),
		  event_callback_fn done)
{
	strcpy(tc->err.text, "not identified");
	tc->task = task_start(run, tc);
	if (!tc->task)
		return false;
	tc->done = event_new(tc->coord->base, task_fd(tc->task), EV_READ, done,
			     tc);
	if (!tc->done || event_add(tc->done, NULL))
		str_out_of_memory();
	return true;
}

static void finish(struct inputs_toolchain *tc)
{
	event_free(tc->done);
	tc->done = NULL;
	task_join(tc->task);
	tc->task = NULL;
}

static void on_identified(evutil_socket_t fd, short what, void *arg)
{
	struct inputs_toolchain *tc = arg;

	(void)fd;
	(void)what;
	finish(tc);
	if (tc->err.text[0]) {
		log_warning("%s: %s; its compiles stay local", tc->driver,
			    tc->err.text);
		tc->state = INPUTS_BAD;
		tc->why = REASON_NOT_IDENTIFIED;
		if (tc->coord->farm.tune)
			peer_tune_none(tc->coord->farm.tune, tc->err.text);
	} else {
		tc->state = INPUTS_READY;
		peer_farm_add(&tc->coord->farm, tc);
	}
	coord_kick(tc->coord);
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

struct inputs_toolchain *inputs_toolchain_get(struct coord *c,
					      const char *driver,
					      char *const *env)
{
	static const char *const names[] = { "PATH=", "LD_LIBRARY_PATH=",
					     NULL };
	struct inputs_toolchain *tc;
	struct strv own = { 0 };

	pick_env(&own, env, names);
	list_for_each(tc, &c->toolchains, link) {
		if (!strcmp(tc->driver, driver) && strv_equal(&tc->env, &own)) {
			strv_release(&own);
			return tc;
		}
	}
	tc = xcalloc(1, sizeof(*tc));
	tc->coord = c;
	tc->driver = xstrdup(driver);
	tc->env = own;
	/* An empty list has no array yet. */
	strv_add(&tc->env, "");
	free(tc->env.v[--tc->env.n]);
	tc->env.v[tc->env.n] = NULL;
	TAILQ_INIT(&tc->references);
	TAILQ_INSERT_TAIL(&c->toolchains, tc, link);
	if (!start(tc, identify, on_identified)) {
		tc->state = INPUTS_BAD;
		tc->why = REASON_NOT_IDENTIFIED;
	}
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

const struct inputs_language *inputs_toolchain_language(
	struct inputs_toolchain *tc, char *const *env)
{
	static const char *const names[] = { "LANG=", "LANGUAGE=", "LC_",
					     "LOCPATH=", NULL };
	struct inputs_paths *paths = tc->coord->inputs.paths;
	struct strv own = { 0 };
	struct compiler_entries list = { 0 };
	struct inputs_language *l;
	const struct inputs_language *known;
	struct err err;
	char *key;

	pick_env(&own, env, names);
	key = strv_join(&own, "\n");
	inputs_paths_lock(paths);
	known = known_language(tc, key);
	inputs_paths_unlock(paths);
	if (known) {
		strv_release(&own);
		free(key);
		return known;
	}
	l = xcalloc(1, sizeof(*l));
	l->key = key;
	if (own.n &&
	    compiler_manifest_language(&list, &tc->manifest, own.v, &err)) {
		log_warning("%s: language of messages: %s", tc->driver,
			    err.text);
		l->why = REASON_LANGUAGE;
	}
	l->entry = enter(paths, &list);
	l->n = list.n;
	compiler_entries_release(&list);
	strv_release(&own);
	inputs_paths_lock(paths);
	l->next = tc->languages;
	tc->languages = l;
	inputs_paths_unlock(paths);
	return l;
}

static void on_reference(void *ctx, int wait_status, uint64_t cpu_ms)
{
	struct inputs_reference *ref = ctx;
	struct err err;

	(void)cpu_ms;
	ref->child = NULL;
	ref->state = INPUTS_READY;
	if (wait_status ||
	    fs_read(ref->path, WIRE_CHUNK_MAX, &ref->object, &err) ||
	    !coord_answer_is_known(buf_bytes(&ref->object)))
		ref->state = INPUTS_BAD;
	unlink(ref->path);
	coord_kick(ref->toolchain->coord);
}

/* Compile it with nothing but the machine's options. */
static int make_reference(struct inputs_reference *ref, struct err *err)
{
	struct coord *c = ref->toolchain->coord;
	char *source = xasprintf("%s/" INPUTS_REFERENCE_SOURCE, c->work);
	struct strv argv = { 0 };
	struct spawn what = { .cwd = c->work, .fd = { -1, -1, -1 } };
	int ret = 0;

	ref->since_ms = clock_ms();
	ref->path = xasprintf("%s/reference-%u.o", c->work, c->next_work++);
	if (!fs_exists(source))
		ret = fs_write(source, inputs_toolchain_reference_text(), 0600,
			       err);
	strv_add(&argv, ref->toolchain->driver);
	strv_add_all(&argv, ref->machine.v);
	strv_add(&argv, "-c");
	strv_add(&argv, "-o");
	strv_add(&argv, ref->path);
	strv_add(&argv, INPUTS_REFERENCE_SOURCE);
	what.argv = argv.v;
	if (!ret)
		ret = child_start(c->children, &what, on_reference, ref,
				  &ref->child, err);
	strv_release(&argv);
	free(source);
	return ret;
}

struct inputs_reference *inputs_toolchain_reference(
	struct inputs_toolchain *tc, const struct options_command *compile)
{
	struct inputs_reference *ref;
	struct strv machine = { 0 };
	struct err err;

	options_rewrite_machine(&machine, compile);
	list_for_each(ref, &tc->references, link) {
		if (strv_equal(&ref->machine, &machine)) {
			strv_release(&machine);
			return ref;
		}
	}
	ref = xcalloc(1, sizeof(*ref));
	ref->toolchain = tc;
	ref->machine = machine;
	TAILQ_INSERT_TAIL(&tc->references, ref, link);
	if (make_reference(ref, &err)) {
		log_warning("%s", err.text);
		ref->state = INPUTS_BAD;
	}
	return ref;
}

/* A compiler that hangs on a few lines is not waited for. */
static void check_references(struct inputs_toolchain *tc)
{
	struct inputs_reference *ref;

	list_for_each(ref, &tc->references, link) {
		if (!ref->child || clock_ms() < ref->since_ms + REFERENCE_MS)
			continue;
		child_kill(ref->child);
		ref->child = NULL;
		ref->state = INPUTS_BAD;
	}
}

/* On a thread of its own. */
static void identify_again(void *arg)
{
	struct inputs_toolchain *tc = arg;

	if (!compiler_manifest_make(&tc->again, tc->driver, tc->env.v,
				    &tc->err))
		tc->err.text[0] = '\0';
}

static void on_identified_again(evutil_socket_t fd, short what, void *arg)
{
	struct inputs_toolchain *tc = arg;

	(void)fd;
	(void)what;
	finish(tc);
	tc->state = INPUTS_BAD;
	if (tc->err.text[0]) {
		log_warning("%s changed during the build (%s); its compiles "
			    "stay local",
			    tc->driver, tc->err.text);
	} else if (compiler_manifest_adopt(&tc->manifest, &tc->again)) {
		tc->state = INPUTS_READY;
	} else {
		log_warning("%s changed during the build; its compiles stay "
			    "local",
			    tc->driver);
	}
	if (tc->state == INPUTS_BAD)
		tc->why = REASON_COMPILER_CHANGED;
	compiler_manifest_release(&tc->again);
	coord_away_judge(tc);
	coord_kick(tc->coord);
}

void inputs_toolchain_look(struct inputs_toolchain *tc)
{
	struct err err;

	if (tc->state != INPUTS_READY ||
	    !compiler_manifest_stamp(&tc->manifest, &err))
		return;
	log_debug("%s: %s: listed again", tc->driver, err.text);
	tc->state = INPUTS_TOUCHED;
	if (!start(tc, identify_again, on_identified_again)) {
		tc->state = INPUTS_BAD;
		tc->why = REASON_COMPILER_CHANGED;
	}
}

void inputs_toolchain_check(struct coord *c)
{
	struct inputs_toolchain *tc;

	list_for_each(tc, &c->toolchains, link) {
		check_references(tc);
		inputs_toolchain_look(tc);
	}
}

static void free_references(struct inputs_toolchain *tc)
{
	struct inputs_reference *ref;

	while ((ref = TAILQ_FIRST(&tc->references))) {
		TAILQ_REMOVE(&tc->references, ref, link);
		if (ref->child)
			child_kill(ref->child);
		strv_release(&ref->machine);
		buf_release(&ref->object);
		free(ref->path);
		free(ref);
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

void inputs_toolchain_free_all(struct coord *c)
{
	struct inputs_toolchain *tc;

	while ((tc = TAILQ_FIRST(&c->toolchains))) {
		TAILQ_REMOVE(&c->toolchains, tc, link);
		if (tc->done)
			event_free(tc->done);
		if (tc->task)
			task_join(tc->task);
		free_references(tc);
		free_languages(tc);
		compiler_manifest_release(&tc->manifest);
		compiler_manifest_release(&tc->again);
		strv_release(&tc->env);
		free(tc->entry);
		free(tc->driver);
		free(tc);
	}
}
