/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/unit.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/str.h"
#include "base/vec.h"
#include "coord/internal.h"
#include "coord/wrapper-conn.h"
#include "inputs/fixdep.h"
#include "inputs/toolchain.h"
#include "options/env.h"
#include "wire/limits.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * Maximum age of the cached file stamps that the first scan of a unit uses.  If
 * the verification of the result detects that a file has changed since, the
 * unit is scanned again with new stamps.
 */
#define CACHE_MAX_AGE_NS (INT64_C(5) * 1000000000)

/*
 * Return true if an output may be renamed to `path`.  The output must not
 * replace a device, a symbolic link, a file with several names, or a file whose
 * mode differs from the mode of a new file.
 */
static bool is_replaceable(const struct coord_unit *u, const char *path,
			   mode_t mode)
{
	char *full = str_join_path(u->request.cwd, path);
	struct stat st;
	/* gcc preserves the mode of an existing file; a rename does not. */
	bool ok = lstat(full, &st) ||
		  (S_ISREG(st.st_mode) && st.st_nlink == 1 &&
		   (st.st_mode & 07777) == (0666 & ~mode));

	free(full);
	return ok;
}

enum reason coord_unit_local_reason(const struct coord_unit *u)
{
	mode_t mode = u->coord->umask;
	struct stat st;
	char *path;
	bool ok;

	if (u->command.class == OPTIONS_CLASS_LOCAL)
		return u->command.reason;
	/*
	 * If the wrapper has another root directory or mount namespace, a path
	 * of the unit can name another file for the coordinator.
	 */
	if (strcmp(u->request.root, u->coord->root) != 0)
		return REASON_ROOT;
	/* The source must exist and be readable more than once. */
	path = str_join_path(u->request.cwd, u->command.source);
	ok = !stat(path, &st) && S_ISREG(st.st_mode);
	free(path);
	if (!ok)
		return REASON_SOURCE_KIND;
	ok = (!u->object_tmp || is_replaceable(u, u->object, mode)) &&
	     (!u->dep || is_replaceable(u, u->dep, mode));
	for (size_t i = 0; i < u->side_outputs.n && ok; i++) {
		path = str_join_path(u->request.cwd, u->side_outputs.path[i]);
		/* With -MJ, some clang releases append to an existing file. */
		ok = is_replaceable(u, u->side_outputs.path[i], mode) &&
		     (u->side_outputs.kind[i] != OPTIONS_SIDE_DATABASE ||
		      !fs_exists(path));
		free(path);
	}
	if (!ok)
		return REASON_OUTPUT_KIND;
	if (u->request.umask != mode)
		return REASON_UMASK;
	if (u->request.restricted)
		return REASON_CONFINED;
	return options_env_local_reason(strv_list(&u->request.env));
}

static void remove_output(const struct coord_unit *u, const char *tmp)
{
	char *path;

	if (!tmp)
		return;
	path = str_join_path(u->request.cwd, tmp);
	unlink(path);
	free(path);
}

void coord_unit_remove_temporaries(const struct coord_unit *u)
{
	remove_output(u, u->object_tmp);
	remove_output(u, u->dep_tmp);
	for (size_t i = 0; i < u->side_outputs.n; i++)
		remove_output(u, u->side_tmps[i]);
}

bool coord_unit_has_step(const struct coord_unit *u, enum wire_step_kind kind)
{
	return u->has_step && u->step.kind == kind;
}

/*
 * Parse the command.  Returns false if it is not a compile or does not match
 * the unit's tool step.
 */
static bool parse_unit(struct coord_unit *u)
{
	bool text = coord_unit_has_step(u, WIRE_STEP_SYMBOLS);

	if (coord_unit_has_step(u, WIRE_STEP_DEVICETREE)) {
		options_command_parse_asm_cpp(&u->command, u->request.argv.v);
		return options_devicetree_parse(&u->devicetree, &u->step.args,
						&u->dtc_arguments) &&
		       u->command.object &&
		       !strcmp(u->devicetree.source, u->command.object) &&
		       u->command.class == OPTIONS_CLASS_REMOTE;
	}
	if (text && *u->step.text)
		options_command_parse_stdin(&u->command, u->request.argv.v);
	else if (text)
		options_command_parse_text(&u->command, u->request.argv.v);
	else
		options_command_parse(&u->command, u->request.argv.v);
	return u->command.class == OPTIONS_CLASS_REMOTE ||
	       (u->command.class == OPTIONS_CLASS_LOCAL && !u->has_step);
}

uint32_t coord_unit_clear_job(struct coord_unit *u, const struct coord_node *n)
{
	for (size_t i = 0; i < ARRAY_SIZE(u->jobs); i++) {
		uint32_t number = u->jobs[i].number;

		if (!number || u->jobs[i].node != n)
			continue;
		u->coord->units.jobs[number] = NULL;
		u->jobs[i].number = 0;
		return number;
	}
	return 0;
}

void coord_unit_free(struct coord_unit *u)
{
	/*
	 * Remove the temporary files only: the wrapper may have written the
	 * outputs in a local compile, or may still write them.
	 */
	coord_unit_remove_temporaries(u);
	for (size_t i = 0; i < ARRAY_SIZE(u->jobs); i++)
		coord_unit_clear_job(u, u->jobs[i].node);
	inputs_result_release(&u->inputs);
	peer_job_result_release(&u->result);
	peer_job_result_release(&u->caching.plain);
	buf_release(&u->diagnostics);
	options_command_release(&u->command);
	wire_cc_job_release(&u->request);
	if (u->has_step)
		wire_cc_step_release(&u->step);
	if (u->text_path)
		unlink(u->text_path);
	free(u->text_path);
	strv_release(&u->caching.roots);
	free(u->name);
	strv_release(&u->dtc_arguments);
	free(u->genksyms_text_path);
	free(u->failure_text);
	free(u->object);
	free(u->object_tmp);
	free(u->dep);
	free(u->dep_tmp);
	for (size_t i = 0; i < u->side_outputs.n; i++)
		free(u->side_tmps[i]);
	options_side_outputs_release(&u->side_outputs);
	free(u);
}

/*
 * Return true if $PWD is another name of the working directory.  The compiler
 * then uses this name.
 */
static bool is_alias_of_cwd(const char *pwd, const char *cwd)
{
	struct stat a, b;

	return strcmp(pwd, cwd) && !stat(pwd, &a) && !stat(cwd, &b) &&
	       a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/*
 * If the compiler does not use PWD, remove it from the environment.  An unused
 * PWD has no effect on the compile, but its directory would become an input,
 * and builds that were started in different directories could not share
 * results.
 */
static void remove_unused_pwd(struct wire_cc_job *r)
{
	size_t n = 0;

	for (size_t i = 0; i < r->env.n; i++) {
		char *entry = r->env.v[i];

		if (str_starts(entry, "PWD=") &&
		    !is_alias_of_cwd(entry + 4, r->cwd))
			free(entry);
		else
			r->env.v[n++] = entry;
	}
	if (r->env.v)
		r->env.v[n] = NULL;
	r->env.n = n;
}

struct coord_unit *coord_unit_new(struct coord *c, struct wire_cc_job *ask,
				  struct wire_cc_step *step)
{
	struct coord_unit *u = xcalloc(1, sizeof(*u));
	struct buf text = { 0 };
	const char *base;
	struct err err;

	u->coord = c;
	u->start_ms = clock_ms();
	u->request = *ask;
	*ask = (struct wire_cc_job){ 0 };
	remove_unused_pwd(&u->request);
	u->has_step = step;
	if (step)
		u->step = *step;
	if (!parse_unit(u)) {
		coord_unit_free(u);
		return NULL;
	}
	/*
	 * Write the text from stdin to a file, which becomes the source.  The
	 * #line directive gives the text the name that gcc uses for stdin.  If
	 * the file cannot be written, the unit has no source and is compiled
	 * locally.
	 */
	if (u->command.from_stdin) {
		u->text_path = xasprintf("%s/text-%u.c", c->work_dir,
					 c->next_file_number++);
		buf_add_str(&text, "#line 1 \"<stdin>\"\n");
		buf_add_str(&text, u->step.text);
		if (fs_write(u->text_path, buf_bytes(&text), 0600, &err))
			log_debug("%s", err.text);
		buf_release(&text);
		options_command_set_text(&u->command, u->text_path);
	}

	if (u->devicetree.blob) {
		u->object = xstrdup(u->devicetree.blob);
		options_devicetree_side_outputs(&u->side_outputs,
						&u->devicetree);
	} else {
		u->object = options_output_object_path(&u->command);
		options_output_side_outputs(&u->side_outputs, &u->command);
	}
	u->dep = options_output_dep_path(&u->command);
	if (!coord_unit_has_step(u, WIRE_STEP_SYMBOLS))
		u->object_tmp = options_output_temp_path(u->object,
							 u->request.pid);
	if (u->dep)
		u->dep_tmp = options_output_temp_path(u->dep, u->request.pid);
	for (size_t i = 0; i < u->side_outputs.n; i++)
		u->side_tmps[i] = options_output_temp_path(
			u->side_outputs.path[i], u->request.pid);
	if (!u->text_path) {
		if (u->command.source)
			u->name = xstrdup(u->command.source);
		return u;
	}

	/* kbuild's "DIR/.NAME.o.d" belongs to DIR/NAME.o. */
	base = u->dep ? str_base(u->dep) : "";
	if (*base == '.' && str_ends(base, ".o.d"))
		u->name = xasprintf("%.*s%.*s", (int)(base - u->dep), u->dep,
				    (int)strlen(base) - 3, base + 1);
	else
		u->name = xstrdup("-");
	return u;
}

void coord_unit_make_scan(struct coord_unit *u, struct inputs_request *out)
{
	struct coord *c = u->coord;

	*out = (struct inputs_request){
		.inputs = &c->inputs,
		.pool = c->pool,
		.unit = { .cwd = u->request.cwd,
			  .compiler = u->request.compiler,
			  .toolchain = &u->toolchain->manifest.id,
			  .command = &u->command,
			  .env = strv_list(&u->request.env),
			  .stat_max_age_ns = u->scanned ? 0 :
							  CACHE_MAX_AGE_NS },
		.toolchain = u->toolchain,
		.tool_path = u->step.program,
		.tools = c->tools,
		/* Round up, so that this time is not before the request. */
		.requested_us = (u->start_ms + 1) * 1000,
	};
	u->scanned = true;
}

void coord_unit_make_request(const struct coord_unit *u,
			     struct peer_job_request *out, struct strv *env)
{
	const struct inputs_result *in = &u->inputs;
	static const enum wire_lang langs[] = {
		[OPTIONS_LANG_C] = WIRE_LANG_C,
		[OPTIONS_LANG_ASM_CPP] = WIRE_LANG_ASM,
		[OPTIONS_LANG_ASM] = WIRE_LANG_PLAIN_ASM,
	};

	*out = (struct peer_job_request){
		.lang = langs[u->command.lang],
		.cwd = in->manifest.cwd,
		.source = u->command.source,
		.object = u->devicetree.blob ? u->command.object : u->object,
		.sides_named = u->side_outputs.name_in_object,
		.n_side_outputs = u->side_outputs.name_in_object ?
					  (unsigned)u->side_outputs.n :
					  0,
		.flags = &in->flags,
		.entries = in->manifest.entries,
		.n_entries = in->manifest.n_entries,
		.language = in->locale->entries,
		.n_language = in->locale->n_entries,
		.tool = in->tool,
		.step = (enum wire_step_kind)u->step.kind,
		.arguments = strv_list(u->devicetree.blob ? &u->dtc_arguments :
							    &u->step.args),
	};
	for (size_t i = 0; i < u->request.env.n; i++) {
		const char *entry = u->request.env.v[i];

		if (options_env_is_allowed(entry))
			strv_add(env, entry);
	}
	out->env = strv_list(env);
}

void coord_unit_prepare_verification(struct coord_unit *u)
{
	u->verification = (struct coord_verify_result_job){
		.result = &u->result,
		.manifest = &u->inputs.manifest,
		.command = &u->command,
		.flags = &u->inputs.flags,
		.env = strv_list(&u->request.env),
		.cwd = u->request.cwd,
		.object_tmp = u->object_tmp,
		.dep_tmp = u->dep_tmp,
		.side_outputs = &u->side_outputs,
		.side_tmp = u->side_tmps,
		.to_terminal = u->request.tty_stderr,
		.tool = u->inputs.tool,
		.step_kind = (enum wire_step_kind)u->step.kind,
		.devicetree = u->devicetree.blob ? &u->devicetree : NULL,
	};
	if (u->reference)
		u->verification.reference_object = buf_bytes(
			&u->reference->object);
}

void coord_unit_verify(struct coord_unit *u)
{
	coord_verify_result(&u->verification);
	/* Cache the verified inputs for fixdep, which the recipe runs next. */
	if (u->verification.verdict == SCHED_VERDICT_VALID && u->dep)
		inputs_fixdep_add_verified(u->coord->fixdep,
					   u->verification.manifest,
					   u->request.cwd, u->dep);
}

void coord_unit_make_local_env(const struct coord_unit *u, struct strv *env)
{
	for (size_t i = 0; i < u->request.env.n; i++) {
		if (!str_starts(u->request.env.v[i], "TMPDIR="))
			strv_add(env, u->request.env.v[i]);
	}
	strv_addf(env, "TMPDIR=%s", u->coord->work_dir);
}

bool coord_unit_names_work_dir(const struct coord *c, struct bytes output)
{
	return bytes_find(output, bytes_str(c->work_dir), 0);
}

void coord_unit_send_outputs(struct coord_unit *u, struct bytes diagnostics)
{
	static char none[] = "";
	struct wire_cc_rename side[OPTIONS_SIDE_OUTPUTS_MAX];
	struct wire_cc_done done = {
		.n_sides = (uint8_t)u->side_outputs.n,
		.sides = side,
		.dep_tmp = u->dep ? u->dep_tmp : none,
		.dep = u->dep ? u->dep : none,
		.object_tmp = u->object_tmp ? u->object_tmp : none,
		.object = u->object_tmp ? u->object : none,
		.err = diagnostics,
	};

	for (size_t i = 0; i < u->side_outputs.n; i++)
		side[i] = (struct wire_cc_rename){ u->side_tmps[i],
						   u->side_outputs.path[i] };
	if (!u->devicetree.blob) /* dtc's stdout is in the blob file */
		done.out = buf_bytes(&u->result.streams[WIRE_OUTPUT_STDOUT]);
	if (u->conn)
		coord_wrapper_conn_send_done(u->conn, &done);
}
