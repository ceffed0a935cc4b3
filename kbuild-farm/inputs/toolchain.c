/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "inputs/toolchain.h"

#include "base/child.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/str.h"
#include "base/task.h"
#include "inputs/object-format.h"
#include "options/rewrite.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REFERENCE_TIMEOUT_MS 10000
#define OBJECT_MAX           (256u << 10)

static const char reference_text[] = "int kfarm_reference(int n);\n"
				     "int kfarm_reference(int n)\n"
				     "{\n"
				     "\tint sum = 0;\n"
				     "\tfor (int i = 0; i < n; i++)\n"
				     "\t\tsum += i * i ^ n;\n"
				     "\treturn sum;\n"
				     "}\n";

struct bytes inputs_reference_object_source(void)
{
	return bytes_str(reference_text);
}

static void on_reference_compiled(void *ctx, int wait_status, uint64_t cpu_ms)
{
	struct inputs_reference_object *ref = ctx;
	struct err err;

	(void)cpu_ms;
	ref->child = NULL;
	ref->state = INPUTS_STATE_READY;
	if (wait_status ||
	    fs_read(ref->output_path, OBJECT_MAX, &ref->object, &err) ||
	    !inputs_object_format_is_supported(buf_bytes(&ref->object)))
		ref->state = INPUTS_STATE_UNUSABLE;
	unlink(ref->output_path);
	ref->toolchain->table->on_reference_made(ref->toolchain->table->ctx,
						 ref);
}

/* Compile a reference object with only the machine options. */
static int make_reference(struct inputs_reference_object *ref, struct err *err)
{
	struct inputs_toolchains *all = ref->toolchain->table;
	char *source = xasprintf("%s/" INPUTS_REFERENCE_SOURCE_NAME,
				 all->work_dir);
	struct strv argv = { 0 };
	struct spawn what = { .cwd = all->work_dir,
			      .stdio_fds = { -1, -1, -1 } };
	int ret = 0;

	ref->output_path = xasprintf("%s/reference-%u.o", all->work_dir,
				     all->n_references++);
	if (!fs_exists(source))
		ret = fs_write(source, inputs_reference_object_source(), 0600,
			       err);
	strv_add(&argv, ref->toolchain->driver);
	strv_add_all(&argv, ref->machine_options.v);
	strv_add(&argv, "-c");
	strv_add(&argv, "-o");
	strv_add(&argv, ref->output_path);
	strv_add(&argv, INPUTS_REFERENCE_SOURCE_NAME);
	what.argv = argv.v;
	if (!ret)
		ret = child_start(all->children, &what, on_reference_compiled,
				  ref, &ref->child, err);
	if (!ret)
		work_timer_start(&ref->timer, child_pid(ref->child),
				 WORK_TIMER_TREE, REFERENCE_TIMEOUT_MS);
	strv_release(&argv);
	free(source);
	return ret;
}

struct inputs_reference_object *inputs_reference_object_get(
	struct inputs_toolchain *tc, const struct options_command *command)
{
	struct inputs_reference_object *ref;
	struct strv machine = { 0 };
	struct err err;

	options_rewrite_object_format(&machine, command);
	list_for_each(ref, &tc->references, list_entry) {
		if (strv_equal(&ref->machine_options, &machine)) {
			strv_release(&machine);
			return ref;
		}
	}
	ref = xcalloc(1, sizeof(*ref));
	ref->toolchain = tc;
	ref->machine_options = machine;
	TAILQ_INSERT_TAIL(&tc->references, ref, list_entry);
	if (make_reference(ref, &err)) {
		log_warning("%s", err.text);
		ref->state = INPUTS_STATE_UNUSABLE;
	}
	return ref;
}

void inputs_reference_object_kill_stalled(struct inputs_toolchain *tc)
{
	struct inputs_reference_object *ref;

	list_for_each(ref, &tc->references, list_entry) {
		if (!ref->child || !work_timer_has_expired(&ref->timer))
			continue;
		child_kill(ref->child);
		ref->child = NULL;
		ref->state = INPUTS_STATE_UNUSABLE;
		tc->table->on_reference_made(tc->table->ctx, ref);
	}
}

static void free_references(struct inputs_toolchain *tc)
{
	struct inputs_reference_object *ref;

	while ((ref = TAILQ_FIRST(&tc->references))) {
		TAILQ_REMOVE(&tc->references, ref, list_entry);
		if (ref->child)
			child_kill(ref->child);
		strv_release(&ref->machine_options);
		buf_release(&ref->object);
		free(ref->output_path);
		free(ref);
	}
}

const struct inputs_entry **inputs_toolchain_make_entries(
	struct inputs_paths *paths, const char *path_prefix,
	const struct compiler_entries *list)
{
	const struct inputs_entry **out = xcalloc(list->n + 1, sizeof(*out));

	inputs_paths_lock(paths);
	for (size_t i = 0; i < list->n; i++) {
		const struct compiler_entry *e = &list->v[i];
		char *name = xasprintf("%s%s", path_prefix, e->path);
		struct inputs_path *p = inputs_paths_get(paths, name);
		struct store_file_digest id = {
			.stamp = { .size = e->size_bytes,
				   .mtime_ns = e->mtime_ns },
			.digest = e->digest,
			.executable = e->executable,
		};

		free(name);
		if (e->kind == COMPILER_ENTRY_FILE)
			out[i] = inputs_path_set_file(paths, p, &id);
		else if (e->kind == COMPILER_ENTRY_SYMLINK)
			out[i] = inputs_path_set_symlink(paths, p, &id.stamp,
							 e->target);
		else
			out[i] = inputs_path_set_dir(paths, p);
	}
	inputs_paths_unlock(paths);
	return out;
}

/* Runs on a separate thread. */
static void list_toolchain(void *arg)
{
	struct inputs_toolchain *tc = arg;

	if (compiler_manifest_make(&tc->manifest, tc->driver, tc->env.v,
				   &tc->err))
		return;
	tc->entries = inputs_toolchain_make_entries(tc->table->paths, "",
						    &tc->manifest.entries);
	tc->n_entries = tc->manifest.entries.n;
	tc->err.text[0] = '\0';
}

/*
 * Run `run` on a new thread, and `done` on the event loop afterwards.  Returns
 * false if no thread can be started.
 */
static bool run_toolchain_task(struct inputs_toolchain *tc,
			       void (*run)(void *arg), void (*done)(void *arg))
{
	strcpy(tc->err.text, "not identified");
	tc->task = task_start_notify(tc->table->event_base, run, done, tc);
	return tc->task;
}

static void mark_toolchain_unusable(struct inputs_toolchain *tc,
				    enum reason why)
{
	tc->state = INPUTS_STATE_UNUSABLE;
	tc->reason = why;
}

static void on_identified(void *arg)
{
	struct inputs_toolchain *tc = arg;

	tc->task = NULL;
	if (tc->err.text[0]) {
		size_t len = strlen(tc->driver);
		/* Errors about the file itself begin with its path. */
		bool named = str_starts(tc->err.text, tc->driver) &&
			     tc->err.text[len] == ':';

		log_warning(
			"%s%s%s; units of this compiler are compiled locally",
			named ? "" : tc->driver, named ? "" : ": ",
			tc->err.text);
		mark_toolchain_unusable(tc, REASON_NOT_IDENTIFIED);
	} else {
		tc->state = INPUTS_STATE_READY;
	}
	tc->table->on_state_changed(tc->table->ctx, tc, INPUTS_STATE_UNKNOWN);
}

/* Select the variables of `env` that begin with one of `names`, sorted. */
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

void inputs_toolchains_init(struct inputs_toolchains *all,
			    const char *cache_dir)
{
	TAILQ_INIT(&all->toolchains);
	all->cache_dir = cache_dir ? xstrdup(cache_dir) : NULL;
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
	list_for_each(tc, &all->toolchains, list_entry) {
		if (!strcmp(tc->driver, driver) &&
		    strv_equal(&tc->env, &picked)) {
			strv_release(&picked);
			return tc;
		}
	}
	tc = xcalloc(1, sizeof(*tc));
	tc->table = all;
	tc->driver = xstrdup(driver);
	tc->env = picked;
	/* Allocate the array even if the list is empty, for the final NULL. */
	strv_add(&tc->env, "");
	free(tc->env.v[--tc->env.n]);
	tc->env.v[tc->env.n] = NULL;
	TAILQ_INIT(&tc->references);
	if (TAILQ_EMPTY(&all->toolchains) && all->cache_dir)
		compiler_manifest_load_digests(all->cache_dir);
	TAILQ_INSERT_TAIL(&all->toolchains, tc, list_entry);
	if (!run_toolchain_task(tc, list_toolchain, on_identified))
		mark_toolchain_unusable(tc, REASON_NOT_IDENTIFIED);
	return tc;
}

const struct inputs_locale *inputs_toolchain_get_locale(
	struct inputs_toolchain *tc, char *const *env)
{
	static const char *const names[] = { "LANG=", "LANGUAGE=", "LC_",
					     "LOCPATH=", NULL };
	/*
	 * Only one thread at a time lists files, because the listing can read
	 * all programs of a compiler.
	 */
	static pthread_mutex_t finding = PTHREAD_MUTEX_INITIALIZER;
	struct compiler_entries list = { 0 };
	struct strv picked = { 0 };
	struct inputs_locale *l;
	struct err err;
	char *key;

	pick_env(&picked, env, names);
	key = strv_join(&picked, "\n");
	pthread_mutex_lock(&finding);
	for (l = tc->locales; l && strcmp(l->variables, key); l = l->next)
		;
	if (!l) {
		l = xcalloc(1, sizeof(*l));
		l->variables = key;
		key = NULL;
		if (picked.n && compiler_manifest_list_locale(
					&list, &tc->manifest, picked.v,
					tc->table->cache_dir, &err)) {
			log_warning(
				"%s: cannot list the files of the locale: %s",
				tc->driver, err.text);
			l->reason = REASON_LANGUAGE;
		}
		l->entries = inputs_toolchain_make_entries(tc->table->paths, "",
							   &list);
		l->n_entries = list.n;
		l->next = tc->locales;
		tc->locales = l;
	}
	pthread_mutex_unlock(&finding);
	compiler_entries_release(&list);
	strv_release(&picked);
	free(key);
	return l;
}

/* Runs on a separate thread. */
static void identify_again(void *arg)
{
	struct inputs_toolchain *tc = arg;

	if (!compiler_manifest_make(&tc->new_manifest, tc->driver, tc->env.v,
				    &tc->err))
		tc->err.text[0] = '\0';
}

static void on_identified_again(void *arg)
{
	struct inputs_toolchain *tc = arg;

	tc->task = NULL;
	if (!tc->err.text[0] &&
	    compiler_manifest_take_stamps(&tc->manifest, &tc->new_manifest)) {
		tc->state = INPUTS_STATE_READY;
	} else {
		log_warning("%s during the build%s%s%s; the units of %s are "
			    "compiled locally",
			    tc->change.text, tc->err.text[0] ? " (" : "",
			    tc->err.text, tc->err.text[0] ? ")" : "",
			    tc->driver);
		mark_toolchain_unusable(tc, REASON_COMPILER_CHANGED);
	}
	compiler_manifest_release(&tc->new_manifest);
	tc->table->on_state_changed(tc->table->ctx, tc,
				    INPUTS_STATE_UNVERIFIED);
}

void inputs_toolchain_check(struct inputs_toolchain *tc, uint64_t since_ms)
{
	if (tc->state != INPUTS_STATE_READY || tc->checked_ms > since_ms)
		return;
	tc->checked_ms = clock_ms();
	if (tc->full_check_ms &&
	    tc->checked_ms - tc->full_check_ms <
		    INPUTS_TOOLCHAIN_FULL_CHECK_MS &&
	    compiler_manifest_check_quick(&tc->manifest))
		return;
	tc->full_check_ms = tc->checked_ms;
	if (!compiler_manifest_check_unchanged(&tc->manifest, &tc->change))
		return;
	log_debug("%s: %s; listing its files again", tc->driver,
		  tc->change.text);
	tc->state = INPUTS_STATE_UNVERIFIED;
	if (!run_toolchain_task(tc, identify_again, on_identified_again))
		mark_toolchain_unusable(tc, REASON_COMPILER_CHANGED);
	tc->table->on_state_changed(tc->table->ctx, tc, INPUTS_STATE_READY);
}

void inputs_toolchain_check_all(struct inputs_toolchains *all)
{
	struct inputs_toolchain *tc;

	list_for_each(tc, &all->toolchains, list_entry) {
		inputs_reference_object_kill_stalled(tc);
		inputs_toolchain_check(tc, UINT64_MAX);
	}
}

void inputs_toolchains_release(struct inputs_toolchains *all)
{
	struct inputs_toolchain *tc;
	struct inputs_locale *l;

	while ((tc = TAILQ_FIRST(&all->toolchains))) {
		TAILQ_REMOVE(&all->toolchains, tc, list_entry);
		if (tc->task)
			task_join(tc->task);
		free_references(tc);
		while ((l = tc->locales)) {
			tc->locales = l->next;
			free(l->variables);
			free(l->entries);
			free(l);
		}
		compiler_manifest_release(&tc->manifest);
		compiler_manifest_release(&tc->new_manifest);
		strv_release(&tc->env);
		free(tc->entries);
		free(tc->driver);
		free(tc);
	}
	if (all->cache_dir)
		compiler_manifest_save_digests(all->cache_dir);
	free(all->cache_dir);
}
