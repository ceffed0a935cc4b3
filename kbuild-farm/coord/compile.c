/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/compile.h"

#include "base/child.h"
#include "base/clock.h"
#include "base/depfile.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/pool.h"
#include "base/str.h"
#include "base/vec.h"
#include "coord/caching.h"
#include "coord/internal.h"
#include "coord/wrapper-conn.h"
#include "options/allowlist.h"
#include "wire/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/*
 * Suffixes of the output files of a local compile.  For genksyms and dtc, the
 * compiler only preprocesses: the object file then contains the preprocessed
 * text, which the tool reads.
 */
static const char *const suffixes[WIRE_OUTPUT_SIDE] = {
	[WIRE_OUTPUT_OBJECT] = "o",
	[WIRE_OUTPUT_DEPS] = "d",
	[WIRE_OUTPUT_AS_DEPS] = "as.d",
};

static bool is_stream(enum wire_output i)
{
	return i == WIRE_OUTPUT_STDOUT || i == WIRE_OUTPUT_STDERR;
}

static int stream_fd(const struct coord_unit *u, enum wire_output i)
{
	return u->caching.stream_fds[i - WIRE_OUTPUT_STDOUT];
}

/*
 * Return the path of an output; the caller frees it.  stdout and stderr are
 * memory files, because a tool such as dtc does not notice if a write to a full
 * disk fails.
 */
static char *output_path(const struct coord_unit *u, enum wire_output i)
{
	if (is_stream(i))
		return xasprintf("/proc/self/fd/%d", stream_fd(u, i));
	return xasprintf("%s.%s", u->caching.output_base, suffixes[i]);
}

/*
 * Return the number of side outputs that the compiler writes.  Returns 0 for a
 * dtc step, whose side outputs are the preprocessed text and the dependency
 * list of dtc.
 */
static size_t n_sides(const struct coord_unit *u)
{
	return u->side_outputs.name_in_object ? u->side_outputs.n : 0;
}

/*
 * Return true if the result of the compile without the tool step is stored as
 * well.  This applies only to an objtool step without side outputs.  For
 * genksyms and dtc, the compiler only preprocesses, and preprocessing again is
 * cheaper than storing the text.
 */
static bool has_plain_result(const struct coord_unit *u)
{
	return u->caching.enabled && coord_unit_has_step(u, WIRE_STEP_OBJECT) &&
	       !n_sides(u);
}

static void remove_output_files(const struct coord_unit *u)
{
	for (int i = 0; i < WIRE_OUTPUT_SIDE; i++) {
		char *path;

		if (is_stream((enum wire_output)i))
			continue;
		path = output_path(u, (enum wire_output)i);
		unlink(path);
		free(path);
	}
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

		/*
		 * For genksyms, the object file is the input of the tool and
		 * not an output.
		 */
		if (i == WIRE_OUTPUT_OBJECT &&
		    coord_unit_has_step(u, WIRE_STEP_SYMBOLS)) {
			free(path);
			continue;
		}
		/* Plain assembly has no DEPS, and clang writes no AS_DEPS. */
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
	 * Use the names that a node would use for the compiler's temporary
	 * files and for the input of dtc.  In messages of objtool, use the
	 * final name of the object.
	 */
	coord_caching_replace_text(&streams[WIRE_OUTPUT_AS_DEPS],
				   u->devicetree.blob ? object : temporaries,
				   u->devicetree.blob ? WIRE_JOB_OBJECT :
							WIRE_JOB_TMP "/cc");
	if (coord_unit_has_step(u, WIRE_STEP_OBJECT))
		coord_caching_replace_text(&streams[WIRE_OUTPUT_STDERR], object,
					   u->object);
	free(temporaries);
	free(object);
	return ret;
}

static void verify_compiled_on_thread(struct pool_work *w)
{
	struct coord_unit *u = (struct coord_unit *)w;

	u->verification.verdict = SCHED_VERDICT_UNUSABLE;
	if (read_outputs(u, &u->verification.err))
		return;
	if (coord_caching_names_work_dir(u->coord, &u->result)) {
		err_set(&u->verification.err, EBADMSG, "output contains %s",
			u->coord->work_dir);
		return;
	}
	coord_unit_prepare_verification(u);
	u->verification.trusted = true;
	coord_unit_verify(u);
}

static void store_on_thread(struct pool_work *w)
{
	static const enum wire_output lists[] = { WIRE_OUTPUT_DEPS,
						  WIRE_OUTPUT_AS_DEPS };
	struct coord_unit *u = (struct coord_unit *)w;
	struct peer_job_result *plain = &u->caching.plain;

	if (plain->streams[WIRE_OUTPUT_OBJECT].len) {
		for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
			buf_add_bytes(&plain->streams[lists[i]],
				      buf_bytes(&u->result.streams[lists[i]]));
		coord_caching_store_plain(u, plain);
	}
	coord_caching_store(u);
	u->caching.stored = true;
}

static void on_stored(struct pool_work *w)
{
	struct coord_unit *u = (struct coord_unit *)w;

	/*
	 * At the end of a build, the pool does not run queued work, so store
	 * the result now.
	 */
	if (!u->caching.stored)
		store_on_thread(w);
	u->caching.ops->on_worker_finished(u);
}

static void let_wrapper_compile(struct coord_unit *u)
{
	coord_caching_forget_result(u);
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
		u->compiled = true;
		coord_unit_send_outputs(
			u, buf_bytes(&u->result.streams[WIRE_OUTPUT_STDERR]));
		/*
		 * Do not store the result if the compiler has changed since the
		 * key was computed.
		 */
		inputs_toolchain_check(u->toolchain,
				       u->inputs.manifest.since_us / 1000 + 1);
		if (u->toolchain->state != INPUTS_STATE_READY ||
		    u->coord->setup.caches_only_remote)
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

/* Open the memory file of the stream `i`, so that a program can append. */
static int open_output_stream(const struct coord_unit *u, enum wire_output i)
{
	char *path = output_path(u, i);
	int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);

	free(path);
	return fd;
}

static void on_program_exited(void *ctx, int wait_status, uint64_t cpu_ms);

/* Start the compiler or the tool.  `input` is the file for stdin, or NULL. */
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

/*
 * Read the outputs of the compile before objtool changes the object.  The files
 * have just been written, so they are in memory and the read does not block.
 */
static void save_plain_result(struct coord_unit *u)
{
	struct peer_job_result *plain = &u->caching.plain;
	struct err err;
	int ret = 0;

	plain->wire = u->result.wire;
	for (int i = 0; i < WIRE_OUTPUT_DEPS && !ret; i++) {
		char *path = output_path(u, (enum wire_output)i);

		ret = fs_read(path, wire_output_max((enum wire_output)i),
			      &plain->streams[i], &err);
		free(path);
	}
	if (!ret)
		return;
	peer_job_result_release(plain);
	*plain = (struct peer_job_result){ 0 };
}

static void on_program_exited(void *ctx, int wait_status, uint64_t cpu_ms)
{
	struct coord_unit *u = ctx;
	bool starts_tool = u->has_step && !u->caching.tool_started;
	struct err err;

	u->caching.child = NULL;
	u->caching.tool_started = u->has_step;
	u->result.wire.cpu_ms += (uint32_t)cpu_ms;
	if (!wait_status && starts_tool && has_plain_result(u))
		save_plain_result(u);
	if (wait_status || (starts_tool && start_unit_tool(u, &err))) {
		coord_compile_stop(u);
		let_wrapper_compile(u);
		return;
	}
	if (starts_tool)
		return;
	/*
	 * The compiler may have read a file just before it exited, so do not
	 * rely on earlier checks of the toolchain or of the inputs.
	 */
	u->inputs.manifest.since_us = clock_us();
	u->in_worker = true;
	u->work.run = verify_compiled_on_thread;
	u->work.on_done = on_compiled_verified;
	pool_add(u->coord->pool, &u->work);
}

/*
 * Start the compiler.  gcc writes the side outputs under their final names,
 * because the object contains these names.  So first remove the side outputs of
 * an earlier compile, which could be mistaken for those of this compile.
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
 * Return true if the object can have a private name during the compile.  The
 * private name is necessary, because a killed compiler could leave an
 * incomplete object under the final name.  If an output contains the object's
 * name, only gcc with side outputs can use a private name, because gcc can
 * still derive the names of the side outputs from the final name (`side_base`).
 */
static bool can_name_sides(const struct coord_unit *u)
{
	return !u->side_outputs.name_in_object ||
	       (n_sides(u) && !u->command.is_clang);
}

/*
 * Return true if the coordinator should compile the unit itself, to store the
 * result in the cache (unless coord_setup.caches_only_remote is set) or, after
 * a failure of the tool step on a node, to learn whether the step succeeds on
 * the build host.  The path of the work directory must not contain a comma,
 * because the output paths are passed in -Wp and -Wa, where a comma separates
 * arguments.
 */
static bool can_compile(const struct coord_unit *u)
{
	bool step_failed = u->failed && u->failed != SCHED_COMPILER;

	return (step_failed || (u->caching.has_keys && !u->node_name)) &&
	       u->toolchain->state == INPUTS_STATE_READY && can_name_sides(u) &&
	       !strchr(u->coord->work_dir, ',') &&
	       depfile_is_unescaped(u->coord->work_dir);
}

/* Use the result of the unit's compile without objtool, if it is cached. */
static void find_plain_on_thread(struct pool_work *w)
{
	struct coord_unit *u = (struct coord_unit *)w;
	struct peer_job_result plain;
	struct err err;
	int ret = coord_caching_find_plain(u, &plain);

	if (ret)
		return;
	for (int i = 0; i < WIRE_OUTPUT_SIDE && !ret; i++) {
		struct bytes in = buf_bytes(&plain.streams[i]);
		char *path = output_path(u, (enum wire_output)i);

		if (is_stream((enum wire_output)i))
			ret = bytes_write(stream_fd(u, (enum wire_output)i),
					  in);
		else if (in.len)
			ret = fs_write(path, in, 0600, &err);
		free(path);
	}
	peer_job_result_release(&plain);
	if (ret)
		remove_output_files(u);
	for (int i = 0; i < 2 && ret; i++) {
		/* ftruncate() cannot fail for a memory file. */
		if (ftruncate(u->caching.stream_fds[i], 0))
			abort();
	}
	u->caching.tool_started = !ret;
}

static void on_plain_looked_up(struct pool_work *w)
{
	struct coord_unit *u = (struct coord_unit *)w;
	struct err err;

	if (!u->caching.ops->on_worker_finished(u))
		return;
	if (!(u->caching.tool_started ? start_unit_tool(u, &err) :
					start_compiler(u, &err)))
		return;
	log_debug("%s: %s", u->name, err.text);
	coord_compile_stop(u);
	let_wrapper_compile(u);
}

bool coord_compile_start(struct coord_unit *u, enum reason why)
{
	struct coord *c = u->coord;
	struct err err;

	/* If all nodes are busy, the wrapper compiles with a low priority. */
	if (!u->conn || why == REASON_NODES_BUSY || !can_compile(u))
		return false;
	coord_caching_forget_result(u);
	u->caching.reason = why;
	u->caching.output_base = xasprintf("%s/unit-%u", c->work_dir,
					   c->next_file_number++);
	for (int i = 0; i < 2; i++)
		u->caching.stream_fds[i] = memfd_create("stream", MFD_CLOEXEC);
	/* Without the streams, start_compiler() fails. */
	if (has_plain_result(u) && u->caching.stream_fds[0] >= 0 &&
	    u->caching.stream_fds[1] >= 0) {
		u->in_worker = true;
		u->work.run = find_plain_on_thread;
		u->work.on_done = on_plain_looked_up;
		pool_add(c->pool, &u->work);
		return true;
	}
	if (!start_compiler(u, &err))
		return true;
	log_debug("%s: %s", u->name, err.text);
	coord_compile_stop(u);
	return false;
}

void coord_compile_stop(struct coord_unit *u)
{
	if (u->caching.child)
		child_kill(u->caching.child);
	u->caching.child = NULL;
	if (u->caching.output_base) {
		remove_output_files(u);
		for (int i = 0; i < 2; i++) {
			if (u->caching.stream_fds[i] >= 0)
				close(u->caching.stream_fds[i]);
		}
	}
	free(u->caching.output_base);
	u->caching.output_base = NULL;
}
