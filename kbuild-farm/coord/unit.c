/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/unit.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "coord/internal.h"
#include "options/env.h"
#include "options/output.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * Return true if an output may be renamed to `path`.  It must not replace a
 * device, a symbolic link, a file with several names, or a file with another
 * mode than a new file has.
 */
static bool is_replaceable(const struct coord_unit *u, const char *path,
			   mode_t mode)
{
	char *full = str_join_path(u->request.cwd, path);
	struct stat st;
	/* gcc preserves the mode of an existing file. */
	bool ok = lstat(full, &st) ||
		  (S_ISREG(st.st_mode) && st.st_nlink == 1 &&
		   (st.st_mode & 07777) == (0666 & ~mode));

	free(full);
	return ok;
}

static bool are_replaceable(const struct coord_unit *u, mode_t mode)
{
	bool all = (!u->object_tmp || is_replaceable(u, u->object, mode)) &&
		   (!u->dep || is_replaceable(u, u->dep, mode));

	for (size_t i = 0; i < u->side_outputs.n && all; i++) {
		char *path = str_join_path(u->request.cwd,
					   u->side_outputs.path[i]);

		/* Some releases of clang append to an existing file (-MJ). */
		all = is_replaceable(u, u->side_outputs.path[i], mode) &&
		      (u->side_outputs.kind[i] != OPTIONS_SIDE_DATABASE ||
		       !fs_exists(path));
		free(path);
	}
	return all;
}

enum reason coord_unit_local_reason(const struct coord_unit *u, mode_t mode)
{
	struct stat st;
	char *source;
	bool plain;

	if (u->command.class == OPTIONS_CLASS_LOCAL)
		return u->command.reason;
	/* The source must exist and be readable more than once. */
	source = str_join_path(u->request.cwd, u->command.source);
	plain = !stat(source, &st) && S_ISREG(st.st_mode);
	free(source);
	if (!plain)
		return REASON_SOURCE_KIND;
	if (!are_replaceable(u, mode))
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

const char *coord_unit_name(const struct coord_unit *u)
{
	return u->name ? u->name : u->command.source;
}

void coord_unit_remove_temporaries(const struct coord_unit *u)
{
	remove_output(u, u->object_tmp);
	remove_output(u, u->dep_tmp);
	for (size_t i = 0; i < u->side_outputs.n; i++)
		remove_output(u, u->side_tmps[i]);
}

/*
 * Write the text from stdin to a file, which becomes the source.  The file's
 * #line directive gives the text the name that gcc uses for stdin.  If the file
 * cannot be written, the unit has no source and is compiled locally.
 */
static void write_stdin_source(struct coord_unit *u)
{
	struct coord *c = u->coord;
	struct buf b = { 0 };
	struct err err;

	u->text_path = xasprintf("%s/text-%u.c", c->work_dir,
				 c->next_file_number++);
	buf_add_str(&b, "#line 1 \"<stdin>\"\n");
	buf_add_str(&b, u->step.text);
	if (fs_write(u->text_path, buf_bytes(&b), 0600, &err))
		log_debug("%s", err.text);
	buf_release(&b);
	options_command_set_text(&u->command, u->text_path);
}

static bool has_step(const struct coord_unit *u, enum wire_step_kind kind)
{
	return u->has_step && u->step.kind == kind;
}

/*
 * Parse the command.  Returns false if it is not a compile or does not match
 * the unit's tool step.
 */
static bool parse_unit(struct coord_unit *u)
{
	bool text = has_step(u, WIRE_STEP_SYMBOLS);

	if (has_step(u, WIRE_STEP_DEVICETREE)) {
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

struct coord_unit *coord_unit_new(struct coord *c, struct wire_cc_job *ask,
				  struct wire_cc_step *step)
{
	struct coord_unit *u = xcalloc(1, sizeof(*u));
	const char *base;

	u->coord = c;
	u->start_ms = clock_ms();
	u->request = *ask;
	*ask = (struct wire_cc_job){ 0 };
	u->has_step = step;
	if (step)
		u->step = *step;
	if (!parse_unit(u)) {
		coord_unit_free(u);
		return NULL;
	}
	if (u->command.from_stdin)
		write_stdin_source(u);

	if (u->devicetree.blob) {
		u->object = xstrdup(u->devicetree.blob);
		options_devicetree_side_outputs(&u->side_outputs,
						&u->devicetree);
	} else {
		u->object = options_output_object_path(&u->command);
		options_output_side_outputs(&u->side_outputs, &u->command);
	}
	u->dep = options_output_dep_path(&u->command);
	if (!has_step(u, WIRE_STEP_SYMBOLS))
		u->object_tmp = options_output_temp_path(u->object,
							 u->request.pid);
	if (u->dep)
		u->dep_tmp = options_output_temp_path(u->dep, u->request.pid);
	for (size_t i = 0; i < u->side_outputs.n; i++)
		u->side_tmps[i] = options_output_temp_path(
			u->side_outputs.path[i], u->request.pid);
	if (!u->text_path)
		return u;

	/* kbuild's "DIR/.NAME.o.d" belongs to DIR/NAME.o. */
	base = u->dep ? str_base(u->dep) : "";
	if (*base == '.' && str_ends(base, ".o.d"))
		u->name = xasprintf("%.*s%.*s", (int)(base - u->dep), u->dep,
				    (int)strlen(base) - 3, base + 1);
	else
		u->name = xstrdup("-");
	return u;
}

void coord_unit_free(struct coord_unit *u)
{
	/*
	 * A local compile may be writing the outputs: remove only the temporary
	 * files.
	 */
	coord_unit_remove_temporaries(u);
	inputs_result_release(&u->inputs);
	peer_job_result_release(&u->result);
	buf_release(&u->diagnostics);
	options_command_release(&u->command);
	wire_cc_job_release(&u->request);
	if (u->has_step)
		wire_cc_step_release(&u->step);
	if (u->text_path)
		unlink(u->text_path);
	free(u->text_path);
	free(u->name);
	strv_release(&u->dtc_arguments);
	free(u->genksyms_text_path);
	free(u->object);
	free(u->object_tmp);
	free(u->dep);
	free(u->dep_tmp);
	for (size_t i = 0; i < u->side_outputs.n; i++)
		free(u->side_tmps[i]);
	options_side_outputs_release(&u->side_outputs);
	free(u);
}
