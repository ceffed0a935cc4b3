/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/caching.h"

#include "base/child.h"
#include "base/clock.h"
#include "base/depfile.h"
#include "base/fs.h"
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
#include "inputs/fixdep.h"
#include "options/allowlist.h"
#include "options/env.h"
#include "wire/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ----------------------------------------------------------------- keys */

/*
 * Add the variables that a node's compiler does not get, but that can change
 * the messages of the build host's, such as GCC_EXTRA_DIAGNOSTIC_OUTPUT.
 */
static void add_other_variables(const struct coord_unit *u, struct strv *env)
{
	/*
	 * These variables only lead to the toolchain and to temporary files, or
	 * concern messages on a terminal; a node gets PWD if it has an effect.
	 */
	static const char *const without_effect[] = {
		"COLUMNS=", "LD_LIBRARY_PATH=", "PATH=", "PWD=",    "TEMP=",
		"TERM=",    "TERM_URLS=",       "TMP=",  "TMPDIR=",
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
 * Text from stdin is in a file whose name differs in each build.  In keys and
 * stored results, this name replaces it.
 */
#define TEXT_NAME "<stdin>"

/* A unit with its inputs as a compile for the cache. */
struct cached_compile {
	struct peer_job_request job;
	struct strv env;
	const struct inputs_entry **entries; /* copy of job.entries, or NULL */
	struct inputs_entry text;
	struct cache_key_inputs in;
};

/* Let the request name the text from stdin TEXT_NAME. */
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

static void init_compile(struct cached_compile *c, const struct coord_unit *u)
{
	*c = (struct cached_compile){ 0 };
	c->in = (struct cache_key_inputs){
		.toolchain = &u->toolchain->manifest,
		.job = &c->job,
		.manifest = &u->inputs.manifest,
		.side_outputs = &u->side_outputs,
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
	struct cached_compile c;

	init_compile(&c, u);
	cache_key_short(&u->caching.short_key, &c.in);
	cache_key_full(&u->caching.full_key, &c.in);
	u->caching.has_keys = true;
	release_compile(&c);
}

/* Determine why the cache has no result of the unit. */
static void explain_miss(struct coord_unit *u,
			 const struct cache_key_inputs *in)
{
	struct cache_action action;
	struct cache_difference d;

	if (u->text_path || !cache_is_read(u->coord->setup.cache))
		return;
	cache_action_init(&action, in);
	cache_action_compare(u->coord->setup.cache, &action, false, &d);
	u->caching.miss = d.cause;
	u->caching.missed = true;
	cache_difference_release(&d);
	cache_action_release(&action);
}

/* Store the description of a compile whose result has been stored. */
static void store_action(struct coord_unit *u)
{
	struct cached_compile c;
	struct cache_action action;

	if (u->text_path)
		return;
	init_compile(&c, u);
	cache_action_init(&action, &c.in);
	/* Without a description, only the explanation of a miss is worse. */
	cache_action_store(u->coord->setup.cache, &action);
	cache_action_release(&action);
	release_compile(&c);
}

/* Prepare the verification of a result that was not sent by a node. */
static void prepare_verification(struct coord_unit *u)
{
	coord_unit_prepare_verification(u);
	u->verification.trusted = true;
}

static void replace_text(struct buf *b, const char *from, const char *to)
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

/* Let the dependency list of a cached result name the unit's text. */
static void restore_text_name(struct coord_unit *u)
{
	if (u->text_path)
		replace_text(&u->result.streams[WIRE_OUTPUT_DEPS], TEXT_NAME,
			     u->text_path);
}

/* Undo restore_text_name(), after the outputs have been written. */
static void hide_text_name(struct coord_unit *u)
{
	if (u->text_path)
		replace_text(&u->result.streams[WIRE_OUTPUT_DEPS], u->text_path,
			     TEXT_NAME);
}

static void forget_result(struct coord_unit *u)
{
	peer_job_result_release(&u->result);
	u->result = (struct peer_job_result){ 0 };
}

/* Return true if the compiler has printed messages. */
static bool has_messages(const struct coord_unit *u)
{
	/* genksyms prints its result to stdout. */
	return u->result.streams[WIRE_OUTPUT_STDERR].len ||
	       (u->result.streams[WIRE_OUTPUT_STDOUT].len && !u->has_step);
}

/* Return the key under which the result is stored. */
static const struct digest *choose_key(const struct coord_unit *u)
{
	return has_messages(u) ? &u->caching.full_key : &u->caching.short_key;
}

/* Store the result in the local cache. */
static void store_locally(struct coord_unit *u)
{
	struct err err;
	int ret = cache_add(u->coord->setup.cache, choose_key(u), &u->result,
			    &err);

	if (!ret)
		store_action(u);
	else if (ret != -EROFS && ret != -EFBIG)
		log_warning("%s", err.text);
}

/* -------------------------------------------------------------- look-up */

/*
 * Look for a result in the cache.  Returns 0, or a negative errno with the keys
 * in `u`.
 */
static int find_result(struct coord_unit *u)
{
	struct coord_unit_caching *k = &u->caching;
	struct cache *cache = u->coord->setup.cache;
	struct cached_compile c;
	int ret;

	init_compile(&c, u);
	cache_key_short(&k->short_key, &c.in);
	ret = cache_find(cache, &k->short_key, &u->result);
	if (ret) {
		cache_key_full(&k->full_key, &c.in);
		if (!digest_equal(&k->short_key, &k->full_key))
			ret = cache_find(cache, &k->full_key, &u->result);
	}
	k->has_keys = ret != 0;
	if (ret)
		explain_miss(u, &c.in);
	release_compile(&c);
	return ret;
}

/*
 * Find the inputs, and look for a result.  Returns true if the inputs were
 * outdated, so that they must be found again.
 */
static bool find_once(struct coord_unit *u)
{
	struct inputs_request request;

	coord_unit_make_scan(u, &request);
	inputs_result_release(&u->inputs);
	inputs_collect(&request, &u->inputs);
	if (u->inputs.reason)
		return false;
	/*
	 * Without a result, a node reports later that the inputs have changed,
	 * but a compile on the build host would be repeated.
	 */
	if (find_result(u))
		return u->caching.compiled_locally &&
		       inputs_manifest_find_changed(&u->inputs.manifest,
						    u->request.cwd);
	restore_text_name(u);
	prepare_verification(u);
	coord_unit_verify(u);
	u->caching.found = u->verification.verdict == SCHED_VERDICT_VALID;
	if (!u->caching.found) {
		forget_result(u);
		make_keys(u);
	}
	return u->verification.verdict == SCHED_VERDICT_INPUTS_CHANGED;
}

static void find_on_thread(struct pool_work *w)
{
	struct coord_unit *u = (struct coord_unit *)w;

	/* The first scan can use file stamps that are a few seconds old. */
	if (find_once(u))
		find_once(u);
}

static int take_look_up(struct coord_unit *u)
{
	struct cache_look_up *l = u->caching.look_up;

	u->caching.look_up = NULL;
	return cache_remote_take(l, &u->result);
}

/* Verify the result of a look-up on the server, and store it. */
static void take_remote_on_thread(struct pool_work *w)
{
	struct coord_unit *u = (struct coord_unit *)w;

	if (take_look_up(u))
		return;
	restore_text_name(u);
	prepare_verification(u);
	coord_unit_verify(u);
	u->caching.found = u->verification.verdict == SCHED_VERDICT_VALID;
	if (!u->caching.found) {
		forget_result(u);
		return;
	}
	hide_text_name(u);
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

/*
 * Start a look-up on the server, which has results under short keys only.
 * Returns false if no look-up was started.
 */
static bool start_remote_look_up(struct coord_unit *u)
{
	int64_t cost_ms = coord_report_past_cost_ms(u);

	if (u->caching.remote || !u->caching.has_keys)
		return false;
	u->caching.remote = true;
	u->in_worker = cache_remote_look_up(
		u->coord->setup.remote_cache, &u->caching.short_key,
		cost_ms > 0 ? (uint64_t)cost_ms : 0, on_looked_up, u);
	return u->in_worker;
}

static void on_found(struct pool_work *w)
{
	struct coord_unit *u = (struct coord_unit *)w;
	struct coord *c = u->coord;

	if (!u->caching.remote)
		c->stats.scan_us += u->inputs.manifest.scan_us +
				    u->inputs.manifest.list_us;
	c->stats.scan_us += u->verification.cpu_us;
	if (u->caching.look_up) /* the pool has ended before its work ran */
		take_look_up(u);
	if (!u->caching.ops->on_worker_finished(u))
		return;
	/* A result of a compiler that was replaced meanwhile is outdated. */
	inputs_toolchain_check(u->toolchain, u->start_ms);
	if (u->caching.found && u->toolchain->state == INPUTS_STATE_READY) {
		coord_report_unit_cached(u);
		coord_unit_send_outputs(
			u, buf_bytes(&u->result.streams[WIRE_OUTPUT_STDERR]));
		return;
	}
	coord_unit_remove_temporaries(u);
	forget_result(u);
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

void coord_caching_check_waiting(struct coord *c, unsigned max_wait_ms)
{
	for (size_t i = 0; i < c->units.n; i++) {
		struct coord_unit *u = c->units.v[i];

		if (!u || !u->caching.waiting ||
		    clock_ms() <= u->start_ms + max_wait_ms)
			continue;
		u->caching.waiting = false;
		u->caching.ops->on_not_found(u);
	}
}

bool coord_caching_take_inputs(struct coord_unit *u)
{
	bool taken = u->caching.has_inputs;

	/* If the unit is scanned again, its key changes. */
	u->caching.has_inputs = false;
	u->caching.has_keys = u->caching.has_keys && taken;
	return taken;
}

/*
 * Return true if the messages of the compiler name a temporary file, which has
 * another name in each run.
 */
static bool names_temporaries(const struct coord_unit *u)
{
	static const enum wire_output messages[] = { WIRE_OUTPUT_STDOUT,
						     WIRE_OUTPUT_STDERR };

	for (size_t i = 0; i < ARRAY_SIZE(messages); i++) {
		const char *text = buf_str(&u->result.streams[messages[i]]);

		if (strstr(text, u->coord->work_dir) ||
		    strstr(text, WIRE_JOB_TMP))
			return true;
	}
	return false;
}

void coord_caching_store(struct coord_unit *u)
{
	if (!u->caching.enabled ||
	    (!u->devicetree.blob && names_temporaries(u)))
		return;
	if (!u->caching.has_keys)
		make_keys(u);
	hide_text_name(u);
	store_locally(u);
	if (!has_messages(u))
		cache_remote_add(u->coord->setup.remote_cache,
				 &u->caching.short_key, &u->result);
}

/* -------------------------------------------------------- local compile */

/*
 * The output files of a local compile, by their suffixes.  A tool step reads
 * the object or, if the compiler only preprocesses, the text in its place.
 */
static const char *const suffixes[WIRE_OUTPUT_SIDE] = {
	[WIRE_OUTPUT_OBJECT] = "o",     [WIRE_OUTPUT_STDOUT] = "out",
	[WIRE_OUTPUT_STDERR] = "err",   [WIRE_OUTPUT_DEPS] = "d",
	[WIRE_OUTPUT_AS_DEPS] = "as.d",
};

static char *output_path(const struct coord_unit *u, enum wire_output i)
{
	return xasprintf("%s.%s", u->caching.output_base, suffixes[i]);
}

static bool has_step_kind(const struct coord_unit *u, enum wire_step_kind kind)
{
	return u->has_step && u->step.kind == kind;
}

/* Return the number of files that the compiler writes besides the object. */
static size_t n_sides(const struct coord_unit *u)
{
	return u->side_outputs.name_in_object ? u->side_outputs.n : 0;
}

/* Read the outputs into u->result. */
static int read_outputs(struct coord_unit *u, struct err *err)
{
	struct buf *streams = u->result.streams;
	char *temporaries = xasprintf("%s/cc", u->coord->work_dir);
	char *object = output_path(u, WIRE_OUTPUT_OBJECT);
	int ret = 0;

	for (int i = 0; i < WIRE_OUTPUT_SIDE && !ret; i++) {
		char *path = output_path(u, (enum wire_output)i);

		/* The input of genksyms is not an output. */
		if (i == WIRE_OUTPUT_OBJECT &&
		    has_step_kind(u, WIRE_STEP_SYMBOLS)) {
			free(path);
			continue;
		}
		/* Plain assembly has no dependency list, clang no AS_DEPS. */
		ret = fs_read(path, wire_output_max((enum wire_output)i),
			      &streams[i], err);
		if (ret == -ENOENT && i >= WIRE_OUTPUT_DEPS)
			ret = 0;
		free(path);
	}
	for (size_t i = 0; i < n_sides(u) && !ret; i++) {
		char *path = str_join_path(u->request.cwd,
					   u->side_outputs.path[i]);
		enum wire_output side = (enum wire_output)(WIRE_OUTPUT_SIDE +
							   i);

		ret = fs_read(path, wire_output_max(side), &streams[side], err);
		free(path);
	}
	u->result.wire.n_sides = (uint8_t)n_sides(u);
	/*
	 * A node has another directory for the compiler's temporary files, and
	 * another name for the input of dtc.  objtool's messages name the
	 * object.
	 */
	replace_text(&streams[WIRE_OUTPUT_AS_DEPS],
		     u->devicetree.blob ? object : temporaries,
		     u->devicetree.blob ? WIRE_JOB_OBJECT : WIRE_JOB_TMP "/cc");
	if (has_step_kind(u, WIRE_STEP_OBJECT))
		replace_text(&streams[WIRE_OUTPUT_STDERR], object, u->object);
	free(temporaries);
	free(object);
	return ret;
}

static void verify_compiled_on_thread(struct pool_work *w)
{
	struct coord_unit *u = (struct coord_unit *)w;

	u->verification.verdict = SCHED_VERDICT_UNUSABLE;
	if (!read_outputs(u, &u->verification.err)) {
		prepare_verification(u);
		coord_unit_verify(u);
	}
}

static void store_on_thread(struct pool_work *w)
{
	coord_caching_store((struct coord_unit *)w);
}

static void on_stored(struct pool_work *w)
{
	struct coord_unit *u = (struct coord_unit *)w;

	u->caching.ops->on_worker_finished(u);
}

static void let_wrapper_compile(struct coord_unit *u)
{
	forget_result(u);
	if (u->conn)
		coord_wrapper_conn_send_local(u->conn,
					      reason_text(u->caching.reason));
}

static void on_compiled_verified(struct pool_work *w)
{
	struct coord_unit *u = (struct coord_unit *)w;

	u->coord->stats.check_us += u->verification.cpu_us;
	if (!u->caching.ops->on_worker_finished(u))
		return;
	if (u->verification.verdict == SCHED_VERDICT_VALID) {
		coord_unit_send_outputs(
			u, buf_bytes(&u->result.streams[WIRE_OUTPUT_STDERR]));
		/*
		 * The compiler that ran is the one of the key only if it is
		 * unchanged.
		 */
		inputs_toolchain_check(u->toolchain,
				       u->inputs.manifest.since_us / 1000 + 1);
		if (u->toolchain->state != INPUTS_STATE_READY)
			return;
		u->in_worker = true;
		u->work.run = store_on_thread;
		u->work.on_done = on_stored;
		pool_add(u->coord->pool, &u->work);
		return;
	}
	log_debug("%s: compiled again by its wrapper: %s", u->name,
		  u->verification.err.text);
	coord_unit_remove_temporaries(u);
	let_wrapper_compile(u);
}

/* Open the output file `i` to append a stream of a program. */
static int open_output_stream(const struct coord_unit *u, enum wire_output i)
{
	char *path = output_path(u, i);
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	free(path);
	return fd;
}

static void on_program_exited(void *ctx, int wait_status, uint64_t cpu_ms);

/* Start the compiler, or the tool with the file `input` as stdin. */
static int start_unit_program(struct coord_unit *u, const struct strv *argv,
			      const char *input, struct err *err)
{
	struct strv env = { 0 };
	struct spawn what = {
		.argv = argv->v,
		.cwd = u->request.cwd,
		.stdio_fds = { -1, open_output_stream(u, WIRE_OUTPUT_STDOUT),
			       open_output_stream(u, WIRE_OUTPUT_STDERR) },
	};
	int ret = 0;

	if (input)
		what.stdio_fds[0] = open(input, O_RDONLY | O_CLOEXEC);
	coord_unit_make_local_env(u, &env);
	what.env = env.v;
	if (what.stdio_fds[1] < 0 || what.stdio_fds[2] < 0 ||
	    (input && what.stdio_fds[0] < 0))
		ret = err_errno(err, "%s", u->coord->work_dir);
	if (!ret)
		ret = child_start(u->coord->children, &what, on_program_exited,
				  u, &u->caching.child, err);
	for (int i = 0; i < 3; i++) {
		if (what.stdio_fds[i] >= 0)
			close(what.stdio_fds[i]);
	}
	strv_release(&env);
	return ret;
}

/* Start the unit's tool step, as a node does after the compile. */
static int start_unit_tool(struct coord_unit *u, struct err *err)
{
	char *object = output_path(u, WIRE_OUTPUT_OBJECT);
	char *deps = output_path(u, WIRE_OUTPUT_AS_DEPS);
	bool symbols = u->step.kind == WIRE_STEP_SYMBOLS;
	struct strv argv = { 0 };
	int ret;

	strv_add(&argv, u->step.program);
	strv_add_all(&argv, strv_list(u->devicetree.blob ? &u->dtc_arguments :
							   &u->step.args));
	if (u->devicetree.blob) {
		strv_add(&argv, "-d");
		strv_add(&argv, deps);
	}
	if (!symbols)
		strv_add(&argv, object);
	ret = start_unit_program(u, &argv, symbols ? object : NULL, err);
	strv_release(&argv);
	free(object);
	free(deps);
	return ret;
}

static void on_program_exited(void *ctx, int wait_status, uint64_t cpu_ms)
{
	struct coord_unit *u = ctx;
	bool starts_tool = u->has_step && !u->caching.tool_started;
	struct err err;

	u->caching.child = NULL;
	u->caching.tool_started = u->has_step;
	if (wait_status || (starts_tool && start_unit_tool(u, &err))) {
		coord_caching_stop(u);
		let_wrapper_compile(u);
		return;
	}
	u->result.wire.cpu_ms += (uint32_t)cpu_ms;
	if (starts_tool)
		return;
	/*
	 * The compiler may have read a file just before its end, so a check of
	 * the toolchain or of an input for another unit must be later.
	 */
	u->inputs.manifest.since_us = clock_us();
	u->in_worker = true;
	u->work.run = verify_compiled_on_thread;
	u->work.on_done = on_compiled_verified;
	pool_add(u->coord->pool, &u->work);
}

/*
 * Start the compiler.  gcc writes the side outputs under their final names,
 * which are in the object.  Side outputs of an earlier compile are removed, so
 * that they are not taken for those of this compile.
 */
static int start_compiler(struct coord_unit *u, struct err *err)
{
	char *object = output_path(u, WIRE_OUTPUT_OBJECT);
	char *dep = output_path(u, WIRE_OUTPUT_DEPS);
	char *as_dep = output_path(u, WIRE_OUTPUT_AS_DEPS);
	bool preprocesses = u->has_step && u->step.kind != WIRE_STEP_OBJECT;
	const struct options_node_outputs out = {
		.object = object,
		.dep = dep,
		.as_dep = as_dep,
		.side_base = n_sides(u) ? u->object : NULL,
		.is_clang = u->command.is_clang,
		.preprocess = preprocesses,
		.text_to_object = preprocesses,
	};
	const struct options_flags *flags = &u->inputs.flags;
	struct strv argv = { 0 };
	int ret = 0;

	for (size_t i = 0; i < n_sides(u); i++) {
		char *path = str_join_path(u->request.cwd,
					   u->side_outputs.path[i]);

		unlink(path);
		free(path);
	}
	strv_add(&argv, u->request.compiler);
	for (size_t i = 0; i < flags->n_flags && !ret; i++)
		ret = options_allowlist_add_flag(&argv, flags->flags[i].name,
						 flags->flags[i].value, err);
	if (!ret)
		ret = options_allowlist_add_outputs(
			&argv, u->command.lang, u->command.source, &out, err);
	if (!ret)
		ret = start_unit_program(u, &argv, NULL, err);
	strv_release(&argv);
	free(object);
	free(dep);
	free(as_dep);
	return ret;
}

/*
 * Return true if gcc can write the unit's side outputs without writing the
 * object under its final name, where a compile that is killed would leave a
 * part of an object.
 */
static bool can_name_sides(const struct coord_unit *u)
{
	return !u->side_outputs.name_in_object ||
	       (n_sides(u) && !u->command.is_clang);
}

/*
 * Return true if the coordinator can compile the unit in the form in which a
 * node would.  A list of the compiler's -Wp, and -Wa, options separates words
 * by commas.
 */
static bool can_compile(const struct coord_unit *u)
{
	return u->caching.has_keys &&
	       u->toolchain->state == INPUTS_STATE_READY && !u->node_name &&
	       can_name_sides(u) && !u->request.tty_stderr &&
	       !strchr(u->coord->work_dir, ',') &&
	       depfile_is_unescaped(u->coord->work_dir);
}

bool coord_caching_compile(struct coord_unit *u, enum reason why)
{
	struct coord *c = u->coord;
	struct err err;

	/* While nodes are busy, the wrapper compiles with a low priority. */
	if (!u->conn || why == REASON_NODES_BUSY || !can_compile(u))
		return false;
	forget_result(u);
	u->caching.reason = why;
	u->caching.output_base = xasprintf("%s/unit-%u", c->work_dir,
					   c->next_file_number++);
	if (!start_compiler(u, &err))
		return true;
	log_debug("%s: %s", u->name, err.text);
	coord_caching_stop(u);
	return false;
}

void coord_caching_stop(struct coord_unit *u)
{
	if (u->caching.child)
		child_kill(u->caching.child);
	u->caching.child = NULL;
	for (int i = 0; i < WIRE_OUTPUT_SIDE && u->caching.output_base; i++) {
		char *path = output_path(u, (enum wire_output)i);

		unlink(path);
		free(path);
	}
	free(u->caching.output_base);
	u->caching.output_base = NULL;
}
