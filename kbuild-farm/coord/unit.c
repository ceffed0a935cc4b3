/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/unit.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "coord/state.h"
#include "options/env.h"
#include "options/output.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

char *const *coord_unit_env(const struct coord_unit *u)
{
	return strv_list(&u->ask.env);
}

/* A device, a symbolic link, a file of another mode: not ours to replace. */
static bool is_replaceable(const struct coord_unit *u, const char *path,
			   mode_t mode)
{
	char *full = str_seen_from(u->ask.cwd, path);
	struct stat st;
	/* What stands there may have a mode of its own, which gcc keeps. */
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

	for (size_t i = 0; i < u->sides.n && all; i++) {
		char *path = str_seen_from(u->ask.cwd, u->sides.path[i]);

		/* Some releases of clang add to what is there (-MJ). */
		all = is_replaceable(u, u->sides.path[i], mode) &&
		      (u->sides.kind[i] != OPTIONS_SIDE_DATABASE ||
		       !fs_exists(path));
		free(path);
	}
	return all;
}

/* Not one that can be read once only, or that is not there. */
static bool has_plain_source(const struct coord_unit *u)
{
	char *full = str_seen_from(u->ask.cwd, u->command.source);
	struct stat st;
	bool ok = !stat(full, &st) && S_ISREG(st.st_mode);

	free(full);
	return ok;
}

enum reason coord_unit_local(const struct coord_unit *u, mode_t mode)
{
	if (u->command.verdict == OPTIONS_LOCAL)
		return u->command.why;
	if (!has_plain_source(u))
		return REASON_SOURCE_KIND;
	if (!are_replaceable(u, mode))
		return REASON_OUTPUT_KIND;
	if (u->ask.umask != mode)
		return REASON_UMASK;
	if (u->ask.confined)
		return REASON_CONFINED;
	return options_env_local(coord_unit_env(u));
}

/* The shell's name for the directory, if the compiler would take it. */
static bool is_name_of(const char *pwd, const char *cwd)
{
	struct stat a, b;

	return strcmp(pwd, cwd) && !stat(pwd, &a) && !stat(cwd, &b) &&
	       a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

void coord_unit_node_env(const struct coord_unit *u, struct strv *out)
{
	for (size_t i = 0; i < u->ask.env.n; i++) {
		const char *entry = u->ask.env.v[i];

		if (options_env_for_node(entry) &&
		    (!str_starts(entry, "PWD=") ||
		     is_name_of(entry + 4, u->ask.cwd)))
			strv_add(out, entry);
	}
}

static void remove_output(const struct coord_unit *u, const char *tmp)
{
	char *path;

	if (!tmp)
		return;
	path = str_seen_from(u->ask.cwd, tmp);
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
	for (size_t i = 0; i < u->sides.n; i++)
		remove_output(u, u->side_tmp[i]);
}

void coord_unit_renames(const struct coord_unit *u, struct wire_cc_done *done)
{
	static char none[] = "";

	done->n_sides = (uint8_t)u->sides.n;
	for (size_t i = 0; i < u->sides.n; i++)
		done->side[i] = (struct wire_cc_rename){ u->side_tmp[i],
							 u->sides.path[i] };
	done->dep_tmp = u->dep ? u->dep_tmp : none;
	done->dep = u->dep ? u->dep : none;
	done->object_tmp = u->object_tmp ? u->object_tmp : none;
	done->object = u->object_tmp ? u->object : none;
}

/*
 * The text becomes a file, which is the source from now on.  In it, and in what
 * is said of it, its name is what gcc calls standard input.  Where it cannot be
 * written there is no source, and the unit is none for a node.
 */
static void put_source(struct coord_unit *u)
{
	struct coord *c = u->coord;
	struct buf b = { 0 };
	struct err err;

	u->text = xasprintf("%s/text-%u.c", c->work, c->next_work++);
	buf_add_str(&b, "#line 1 \"<stdin>\"\n");
	buf_add_str(&b, u->step.text);
	if (fs_write(u->text, buf_bytes(&b), 0600, &err))
		log_debug("%s", err.text);
	buf_release(&b);
	options_command_set_text(&u->command, u->text);
}

/* kbuild's "DIR/.NAME.o.d" belongs to DIR/NAME.o. */
static void name_text(struct coord_unit *u)
{
	const char *base = u->dep ? str_base(u->dep) : "";

	if (*base == '.' && str_ends(base, ".o.d"))
		u->name = xasprintf("%.*s%.*s", (int)(base - u->dep), u->dep,
				    (int)strlen(base) - 3, base + 1);
	else
		u->name = xstrdup("-");
}

static bool has_step(const struct coord_unit *u, enum wire_step_kind kind)
{
	return u->stepped && u->step.kind == kind;
}

static bool parse_tree(struct coord_unit *u)
{
	options_command_parse_expanded(&u->command, u->ask.argv.v);
	return options_devicetree_parse(&u->tree, &u->step.args,
					&u->arguments) &&
	       u->command.object && !strcmp(u->tree.text, u->command.object);
}

/* Is it what its step, if it has one, belongs to? */
static bool parse_unit(struct coord_unit *u)
{
	bool text = has_step(u, WIRE_STEP_SYMBOLS);

	if (has_step(u, WIRE_STEP_DEVICETREE))
		return parse_tree(u) && u->command.verdict == OPTIONS_REMOTE;
	if (text && *u->step.text)
		options_command_parse_stdin(&u->command, u->ask.argv.v);
	else if (text)
		options_command_parse_text(&u->command, u->ask.argv.v);
	else
		options_command_parse(&u->command, u->ask.argv.v);
	return u->command.verdict == OPTIONS_REMOTE ||
	       (u->command.verdict == OPTIONS_LOCAL && !u->stepped);
}

static void name_files(struct coord_unit *u)
{
	if (u->tree.blob) {
		u->object = xstrdup(u->tree.blob);
		options_devicetree_sides(&u->sides, &u->tree);
	} else {
		u->object = options_output_object(&u->command);
		options_output_sides(&u->sides, &u->command);
	}
	u->dep = options_output_dep(&u->command);
	if (!has_step(u, WIRE_STEP_SYMBOLS))
		u->object_tmp = options_output_temporary(u->object, u->ask.pid);
	if (u->dep)
		u->dep_tmp = options_output_temporary(u->dep, u->ask.pid);
	for (size_t i = 0; i < u->sides.n; i++)
		u->side_tmp[i] = options_output_temporary(u->sides.path[i],
							  u->ask.pid);
}

struct coord_unit *coord_unit_new(struct coord *c, struct wire_cc_job *ask,
				  struct wire_cc_step *step)
{
	struct coord_unit *u = xcalloc(1, sizeof(*u));

	u->coord = c;
	u->came_ms = clock_ms();
	u->ask = *ask;
	*ask = (struct wire_cc_job){ 0 };
	u->stepped = step;
	if (step)
		u->step = *step;
	if (!parse_unit(u)) {
		coord_unit_free(u);
		return NULL;
	}
	if (u->command.from_stdin)
		put_source(u);
	name_files(u);
	if (u->text)
		name_text(u);
	return u;
}

void coord_unit_free(struct coord_unit *u)
{
	/* Its own compile may be writing: only what we wrote is removed. */
	coord_unit_remove_temporaries(u);
	inputs_result_release(&u->inputs);
	peer_answer_release(&u->answer);
	buf_release(&u->diagnostics);
	options_command_release(&u->command);
	wire_cc_job_release(&u->ask);
	if (u->stepped)
		wire_cc_step_release(&u->step);
	if (u->text)
		unlink(u->text);
	free(u->text);
	free(u->name);
	strv_release(&u->arguments);
	free(u->proof_text);
	free(u->object);
	free(u->object_tmp);
	free(u->dep);
	free(u->dep_tmp);
	for (size_t i = 0; i < u->sides.n; i++)
		free(u->side_tmp[i]);
	options_sides_release(&u->sides);
	free(u);
}
