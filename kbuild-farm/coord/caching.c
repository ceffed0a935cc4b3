/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/caching.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/pool.h"
#include "base/str.h"
#include "base/vec.h"
#include "cache/action.h"
#include "cache/cache.h"
#include "cache/key.h"
#include "cache/remote.h"
#include "coord/internal.h"
#include "coord/report-events.h"
#include "coord/wrapper-conn.h"
#include "options/env.h"
#include "wire/limits.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ----------------------------------------------------------------- keys */

/*
 * Add the variables that are not sent to nodes but can change the messages of
 * the local compiler, such as GCC_EXTRA_DIAGNOSTIC_OUTPUT.
 */
static void add_other_variables(const struct coord_unit *u, struct strv *env)
{
	/*
	 * These variables only locate the toolchain and temporary files, or
	 * affect messages on a terminal.  PWD is also in this list, because
	 * coord_unit_make_request() adds it if it has an effect, and
	 * coord_unit_new() has removed it otherwise.  TERM_URLS is not in this
	 * list, because gcc reads it with -fdiagnostics-urls=always.
	 */
	static const char *const without_effect[] = {
		"COLUMNS=", "LD_LIBRARY_PATH=",
		"PATH=",    "PWD=",
		"TEMP=",    "TERM=",
		"TMP=",     "TMPDIR=",
	};

	for (size_t i = 0; i < u->request.env.n; i++) {
		const char *entry = u->request.env.v[i];
		bool adds = !options_env_is_allowed(entry);

		for (size_t k = 0; k < ARRAY_SIZE(without_effect); k++)
			adds &= !str_starts(entry, without_effect[k]);
		if (adds)
			strv_add(env, entry);
	}
}

/*
 * coord_unit_new() writes a source from stdin to the file u->text_path.  The
 * name of this file differs in each build, so keys and stored results contain
 * TEXT_NAME instead.
 */
#define TEXT_NAME "<stdin>"

/* The compile of a unit, in the form from which the cache computes keys. */
struct cached_compile {
	struct peer_job_request job;
	struct strv env;
	/*
	 * copy of job.entries in which `text` replaces the entry of
	 * u->text_path; NULL if the source is not read from stdin
	 */
	const struct inputs_entry **entries;
	struct cache_roots roots;
	struct inputs_entry text; /* u->text_path, renamed to TEXT_NAME */
	struct cache_key_inputs in;
};

/* Replace the name u->text_path by TEXT_NAME in the request. */
static void rename_text(struct cached_compile *c, const struct coord_unit *u)
{
	static struct inputs_path path = { .name = TEXT_NAME };
	struct peer_job_request *job = &c->job;

	c->entries = xcalloc(job->n_entries, sizeof(*c->entries));
	for (size_t i = 0; i < job->n_entries; i++) {
		c->entries[i] = job->entries[i];
		if (strcmp(c->entries[i]->path->name, u->text_path) != 0)
			continue;
		c->text = *c->entries[i];
		c->text.path = &path;
		c->entries[i] = &c->text;
	}
	job->entries = c->entries;
	job->source = TEXT_NAME;
	job->object = NULL;
}

static struct cache_roots get_roots(const struct coord_unit *u)
{
	const struct strv *roots = &u->caching.roots;

	return (struct cache_roots){ roots->v, roots->n };
}

/*
 * Set the unit's roots (cache/roots.h): the roots of the build if it has any,
 * otherwise the directories that cache_roots_find() adds for the compile.
 */
static void find_roots(struct coord_unit *u)
{
	const struct coord *c = u->coord;

	strv_add_all(&u->caching.roots, strv_list(&c->shared.roots));
	/* Text from stdin counts as a source in the working directory. */
	if (!c->shared.roots.n)
		cache_roots_find(&u->caching.roots, u->request.cwd,
				 u->text_path ? u->request.cwd :
						u->command.source,
				 c->top);
}

static void init_compile(struct cached_compile *c, const struct coord_unit *u)
{
	*c = (struct cached_compile){ .roots = get_roots(u) };
	c->in = (struct cache_key_inputs){
		.toolchain = &u->toolchain->manifest,
		.job = &c->job,
		.manifest = &u->inputs.manifest,
		.side_outputs = &u->side_outputs,
		.roots = &c->roots,
	};
	coord_unit_make_request(u, &c->job, &c->env);
	add_other_variables(u, &c->env);
	c->job.env = strv_list(&c->env);
	if (u->text_path)
		rename_text(c, u);
}

static void release_compile(struct cached_compile *c)
{
	free(c->entries);
	strv_release(&c->env);
}

/* Compute the keys from u->inputs. */
static void make_keys(struct coord_unit *u)
{
	struct coord_unit_keys *k = &u->caching.keys;
	struct cached_compile c;

	init_compile(&c, u);
	k->shared = cache_key_short(&k->short_key, &c.in);
	cache_key_full(&k->full_key, &c.in);
	u->caching.has_keys = true;
	release_compile(&c);
}

/* Initialize `a` with the description of the compile (cache/action.h). */
static void init_action(struct cache_action *a, const struct cached_compile *c)
{
	const struct compiler_manifest *tc = c->in.toolchain;
	struct cache_located_compile located;

	cache_key_locate(&located, &c->in);
	cache_action_init(a, &located);
	cache_action_set_toolchain(a, tc->is_clang, tc->version, &tc->id);
	for (size_t i = 0; i < a->n_files; i++) {
		const struct inputs_entry *e = c->in.manifest->files[i].entry;

		a->files[i].digest = e->file_digest.digest;
		a->files[i].executable = e->file_digest.executable;
	}
}

/* Determine why the cache has no result of the unit. */
static void explain_miss(struct coord_unit *u, const struct cached_compile *c)
{
	struct cache_action action;
	struct cache_difference d;

	if (u->text_path || !cache_is_read(u->coord->setup.cache))
		return;
	init_action(&action, c);
	cache_action_compare(u->coord->setup.cache, &action, false, &d);
	u->caching.miss = d.cause;
	u->caching.missed = true;
	cache_difference_release(&d);
	cache_action_release(&action);
}

/* Return true if the compiler has printed messages. */
static bool has_messages(const struct coord_unit *u)
{
	const struct buf *streams = u->result.streams;

	/* The stdout of genksyms or dtc is a result, not a message. */
	return streams[WIRE_OUTPUT_STDERR].len ||
	       (streams[WIRE_OUTPUT_STDOUT].len && !u->has_step);
}

/* Store the description of a compile whose result has been stored. */
static void store_action(struct coord_unit *u)
{
	struct cached_compile c;
	struct cache_action action;

	if (u->text_path)
		return;
	init_compile(&c, u);
	init_action(&action, &c);
	action.has_messages = has_messages(u);
	/* Ignore a failure: the description only serves to explain misses. */
	cache_action_store(u->coord->setup.cache, &action);
	cache_action_release(&action);
	release_compile(&c);
}

/*
 * The dependency lists of a cached result can contain numbers in place of the
 * roots, and TEXT_NAME in place of u->text_path.  Restore the names of this
 * build.
 */
static void restore_names(struct coord_unit *u)
{
	const struct cache_roots roots = get_roots(u);

	cache_roots_restore(&roots, u->command.is_clang, &u->result);
	if (u->text_path)
		coord_caching_replace_text(&u->result.streams[WIRE_OUTPUT_DEPS],
					   TEXT_NAME, u->text_path);
}

/*
 * Prepare a result for the cache, and return the key under which it is stored.
 * In the dependency lists, this function replaces u->text_path by TEXT_NAME.
 * If builds in other directories can use the result, it also replaces the roots
 * by their numbers.  Call it after the outputs for the wrapper have been
 * written, because these outputs contain the original names.
 */
static const struct digest *hide_names(const struct coord_unit *u,
				       const struct coord_unit_keys *k,
				       bool has_messages,
				       struct peer_job_result *result)
{
	const struct cache_roots roots = get_roots(u);

	if (u->text_path)
		coord_caching_replace_text(&result->streams[WIRE_OUTPUT_DEPS],
					   u->text_path, TEXT_NAME);
	if (has_messages)
		return &k->full_key;
	if (k->shared && !cache_roots_hide(&roots, u->command.is_clang,
					   u->command.source, result))
		return &k->full_key;
	return &k->short_key;
}

/* Store a result in the local cache.  Returns false on failure. */
static bool add_result(const struct coord_unit *u, const struct digest *key,
		       const struct peer_job_result *result)
{
	struct err err;
	int ret = cache_add(u->coord->setup.cache, key, result, &err);

	if (ret && ret != -ECANCELED && ret != -EFBIG)
		log_warning("%s", err.text);
	return !ret;
}

/*
 * Apply hide_names() to the unit's result, and store it in the local cache.
 * Returns the key of the result.
 */
static const struct digest *store_locally(struct coord_unit *u)
{
	const struct digest *key = hide_names(u, &u->caching.keys,
					      has_messages(u), &u->result);

	if (add_result(u, key, &u->result))
		store_action(u);
	return key;
}

/* -------------------------------------------------------------- lookup */

/*
 * Look for a result in the cache.  Returns 0 and points *key to the key of the
 * result, or returns a negative errno with the short and the full key in `k`.
 */
static int find_by_keys(struct cache *cache, const struct cache_key_inputs *in,
			struct coord_unit_keys *k, const struct digest **key,
			struct peer_job_result *out)
{
	int ret;

	k->shared = cache_key_short(&k->short_key, in);
	*key = &k->short_key;
	ret = cache_find(cache, *key, out);
	if (!ret)
		return 0;
	cache_key_full(&k->full_key, in);
	if (digest_equal(&k->short_key, &k->full_key))
		return ret;
	*key = &k->full_key;
	return cache_find(cache, *key, out);
}

/*
 * Look for the result of the unit.  Returns 0 and points *key to the key of the
 * result, or returns a negative errno with the short and the full key in
 * u->caching.keys.
 */
static int find_result(struct coord_unit *u, const struct digest **key)
{
	struct cached_compile c;
	int ret;

	init_compile(&c, u);
	ret = find_by_keys(u->coord->setup.cache, &c.in, &u->caching.keys, key,
			   &u->result);
	u->caching.has_keys = ret != 0;
	if (ret)
		explain_miss(u, &c);
	release_compile(&c);
	return ret;
}

/*
 * If only the mention of __FILE__ prevents builds in other directories from
 * using the result, find the inputs again, with full preprocessing.  Keeps the
 * first inputs if full preprocessing fails.
 */
static void collect_used_names(struct coord_unit *u,
			       struct inputs_request *request)
{
	struct cache_located_compile located;
	struct inputs_result again;
	struct cached_compile c;

	init_compile(&c, u);
	cache_key_locate(&located, &c.in);
	request->unit.full = cache_roots_needs_preprocessing(&located);
	release_compile(&c);
	if (!request->unit.full)
		return;
	inputs_collect(request, &again);
	again.manifest.scan_us += u->inputs.manifest.scan_us;
	if (again.reason) {
		inputs_result_release(&again);
		return;
	}
	inputs_result_release(&u->inputs);
	u->inputs = again;
}

/*
 * Find the inputs, and look for a result.  Returns true if the inputs were
 * outdated.  The caller should then call this function once more.
 */
static bool find_once(struct coord_unit *u)
{
	const struct digest *key;
	struct inputs_request request;

	coord_unit_make_scan(u, &request);
	inputs_result_release(&u->inputs);
	u->caching.has_keys = false;
	inputs_collect(&request, &u->inputs);
	if (u->inputs.reason)
		return false;
	collect_used_names(u, &request);
	/*
	 * If the cache has no result and the build host will compile the unit,
	 * check the inputs now: a compile with outdated inputs would have to be
	 * repeated.  If a node compiles the unit, the verification of its
	 * result detects outdated inputs.
	 */
	if (find_result(u, &key))
		return u->caching.compiled_locally &&
		       inputs_manifest_find_changed(&u->inputs.manifest,
						    u->request.cwd);
	restore_names(u);
	coord_unit_prepare_verification(u);
	u->verification.trusted = true;
	coord_unit_verify(u);
	u->caching.found = u->verification.verdict == SCHED_VERDICT_VALID;
	if (u->caching.found) {
		cache_remote_add_hit(u->coord->setup.remote_cache, key);
	} else {
		coord_caching_forget_result(u);
		make_keys(u);
	}
	return u->verification.verdict == SCHED_VERDICT_INPUTS_CHANGED;
}

static void find_on_thread(struct pool_work *w)
{
	struct coord_unit *u = (struct coord_unit *)w;

	find_roots(u);
	/*
	 * The first scan can use file stamps that are a few seconds old.  If
	 * its inputs are outdated, scan again with new stamps.
	 */
	if (find_once(u))
		find_once(u);
}

static int take_look_up(struct coord_unit *u)
{
	struct cache_look_up *l = u->caching.look_up;

	u->caching.look_up = NULL;
	return cache_remote_take(l, &u->result);
}

/* Verify the result from the cache server, and store it in the local cache. */
static void take_remote_on_thread(struct pool_work *w)
{
	struct coord_unit *u = (struct coord_unit *)w;

	if (take_look_up(u))
		return;
	restore_names(u);
	coord_unit_prepare_verification(u);
	u->verification.trusted = true;
	coord_unit_verify(u);
	u->caching.found = u->verification.verdict == SCHED_VERDICT_VALID;
	if (!u->caching.found) {
		coord_caching_forget_result(u);
		return;
	}
	store_locally(u);
}

static void on_found(struct pool_work *w);

/* Called on the thread of the remote cache. */
static void on_looked_up(void *ctx, struct cache_look_up *l)
{
	struct coord_unit *u = ctx;

	u->caching.look_up = l;
	u->work.run = take_remote_on_thread;
	u->work.on_done = on_found;
	pool_add(u->coord->pool, &u->work);
}

/* Start a lookup on the server.  Returns false if no lookup was started. */
static bool start_remote_look_up(struct coord_unit *u)
{
	int64_t cost_ms = coord_report_past_cost_ms(u);

	if (u->caching.remote || !u->caching.has_keys)
		return false;
	u->caching.remote = true;
	u->in_worker = cache_remote_look_up(
		u->coord->setup.remote_cache, &u->caching.keys.short_key,
		&u->caching.keys.full_key, cost_ms > 0 ? (uint64_t)cost_ms : 0,
		on_looked_up, u);
	return u->in_worker;
}

static void on_found(struct pool_work *w)
{
	struct coord_unit *u = (struct coord_unit *)w;
	struct coord *c = u->coord;

	if (!u->caching.remote)
		c->stats.scan_us += u->inputs.manifest.scan_us;
	c->stats.scan_us += u->verification.cpu_us;
	u->verification.cpu_us = 0; /* a lookup on the server may follow */
	if (u->caching.look_up) /* the pool ended before it ran the work */
		take_look_up(u);
	if (!u->caching.ops->on_worker_finished(u))
		return;
	/* If the compiler was replaced concurrently, discard the result. */
	inputs_toolchain_check(u->toolchain, u->start_ms);
	if (u->caching.found && u->toolchain->state == INPUTS_STATE_READY) {
		if (!coord_wrapper_conn_gave_up(u))
			coord_report_unit_cached(u);
		coord_unit_send_outputs(
			u, buf_bytes(&u->result.streams[WIRE_OUTPUT_STDERR]));
		return;
	}
	coord_unit_remove_temporaries(u);
	coord_caching_forget_result(u);
	if (start_remote_look_up(u))
		return;
	u->caching.has_inputs = true;
	u->caching.ops->on_not_found(u);
}

static void start_look_up(struct coord_unit *u)
{
	u->in_worker = true;
	u->caching.enabled = true;
	u->caching.compiled_locally = !u->coord->nodes.n;
	u->work.run = find_on_thread;
	u->work.on_done = on_found;
	pool_add(u->coord->pool, &u->work);
	coord_report_unit_state(u, EVENTS_JOB_SCAN, NULL, NULL);
}

bool coord_caching_find(struct coord_unit *u,
			const struct coord_caching_ops *ops)
{
	u->caching.ops = ops;
	if (!u->coord->setup.cache || coord_unit_local_reason(u))
		return false;
	u->toolchain = inputs_toolchain_get(&u->coord->toolchains,
					    u->request.compiler,
					    strv_list(&u->request.env));
	u->caching.waiting = u->toolchain->state == INPUTS_STATE_UNKNOWN;
	if (u->caching.waiting)
		return true;
	if (u->toolchain->state != INPUTS_STATE_READY)
		return false;
	start_look_up(u);
	return true;
}

void coord_caching_on_toolchain(struct coord *c,
				const struct inputs_toolchain *tc)
{
	for (size_t i = 0; i < c->units.n; i++) {
		struct coord_unit *u = c->units.v[i];

		if (!u || !u->caching.waiting || u->toolchain != tc ||
		    tc->state == INPUTS_STATE_UNKNOWN)
			continue;
		u->caching.waiting = false;
		if (tc->state == INPUTS_STATE_READY)
			start_look_up(u);
		else
			u->caching.ops->on_not_found(u);
	}
}

bool coord_caching_take_inputs(struct coord_unit *u)
{
	bool taken = u->caching.has_inputs;

	/* If the unit must be scanned again, drop its keys: they can change. */
	u->caching.has_inputs = false;
	u->caching.has_keys = u->caching.has_keys && taken;
	return taken;
}

bool coord_caching_names_work_dir(const struct coord *c,
				  const struct peer_job_result *result)
{
	for (int i = 0; i < WIRE_N_OUTPUTS; i++) {
		if ((i == WIRE_OUTPUT_OBJECT || i >= WIRE_OUTPUT_SIDE) &&
		    coord_unit_names_work_dir(c,
					      buf_bytes(&result->streams[i])))
			return true;
	}
	return false;
}

/*
 * Return true if the messages of the compiler contain the name of a temporary
 * file, which differs in each run.
 */
static bool names_temporaries(const struct coord *c,
			      const struct peer_job_result *result)
{
	static const enum wire_output messages[] = { WIRE_OUTPUT_STDOUT,
						     WIRE_OUTPUT_STDERR };

	for (size_t i = 0; i < ARRAY_SIZE(messages); i++) {
		const char *text = buf_str(&result->streams[messages[i]]);

		if (strstr(text, c->work_dir) || strstr(text, WIRE_JOB_TMP))
			return true;
	}
	return false;
}

void coord_caching_store(struct coord_unit *u)
{
	const struct digest *key;

	if (!u->caching.enabled ||
	    (!u->devicetree.blob && names_temporaries(u->coord, &u->result)))
		return;
	if (!u->caching.has_keys)
		make_keys(u);
	key = store_locally(u);
	cache_remote_add(u->coord->setup.remote_cache, key, &u->result);
}

void coord_caching_replace_text(struct buf *b, const char *from, const char *to)
{
	struct buf out = { 0 };
	const char *text = buf_str(b), *at;

	for (; (at = strstr(text, from)); text = at + strlen(from)) {
		buf_add(&out, text, (size_t)(at - text));
		buf_add_str(&out, to);
	}
	buf_add_str(&out, text);
	buf_release(b);
	*b = out;
}

void coord_caching_forget_result(struct coord_unit *u)
{
	peer_job_result_release(&u->result);
	u->result = (struct peer_job_result){ 0 };
}

/* -------------------------------------------- compiles without their steps */

/* Describe the compile of the unit without its tool step. */
static void init_plain_compile(struct cached_compile *c,
			       const struct coord_unit *u)
{
	init_compile(c, u);
	c->job.step = 0;
	c->job.tool = NULL;
	c->job.arguments = NULL;
}

int coord_caching_find_plain(const struct coord_unit *u,
			     struct peer_job_result *out)
{
	const struct cache_roots roots = get_roots(u);
	const struct digest *key;
	struct coord_unit_keys k;
	struct cached_compile c;
	int ret;

	init_plain_compile(&c, u);
	ret = find_by_keys(u->coord->setup.cache, &c.in, &k, &key, out);
	if (!ret)
		cache_roots_restore(&roots, u->command.is_clang, out);
	release_compile(&c);
	return ret;
}

void coord_caching_store_plain(const struct coord_unit *u,
			       struct peer_job_result *result)
{
	bool messages = result->streams[WIRE_OUTPUT_STDERR].len ||
			result->streams[WIRE_OUTPUT_STDOUT].len;
	struct coord_unit_keys k;
	struct cached_compile c;

	if (names_temporaries(u->coord, result) ||
	    coord_caching_names_work_dir(u->coord, result))
		return;
	init_plain_compile(&c, u);
	k.shared = cache_key_short(&k.short_key, &c.in);
	cache_key_full(&k.full_key, &c.in);
	add_result(u, hide_names(u, &k, messages, result), result);
	release_compile(&c);
}
