/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shell/vars.h - a shell's variables, and the environment of what it starts.
 *
 * dash keeps them in a table of 39 lists and gives them to programs in that
 * order, PWD always among them; so does this.  What of the environment is no
 * variable's name is lost, as it is there.
 */
#ifndef SHELL_VARS_H
#define SHELL_VARS_H

#include <stdbool.h>
#include <stddef.h>

#define SHELL_VARS_LISTS 39

struct shell_var {
	struct shell_var *next;
	char *text; /* NAME=value; NAME alone: it has no value */
	size_t name_len;
	bool exported;
	bool owned; /* `text` is on the heap */
	bool fixed; /* one of the shell's own, which keep their place */
};

struct shell_vars {
	struct shell_var *list[SHELL_VARS_LISTS];
	char **env; /* made by shell_vars_environment() */
};

/*
 * The variables that a new shell has: those of `env`, which is borrowed, and
 * its own.  PWD is looked up, without a word where that fails: false.
 */
bool shell_vars_init(struct shell_vars *vars, char **env);
void shell_vars_release(struct shell_vars *vars);

/* How long is the variable's name at the start of `s`; 0: there is none. */
size_t shell_vars_name_length(const char *s);

/* NULL: it has no value; borrowed until it is changed. */
const char *shell_vars_get(const struct shell_vars *vars, const char *name);
void shell_vars_set(struct shell_vars *vars, const char *name,
		    const char *value);
void shell_vars_unset(struct shell_vars *vars, const char *name);
/* What has no value yet is exported once it has one. */
void shell_vars_export(struct shell_vars *vars, const char *name);

/* What a variable was before it was set for one command only. */
struct shell_saved_var {
	struct shell_saved_var *next;
	const char *name; /* borrowed */
	char *text;
	bool exported;
	bool owned;
	bool was_there;
};

/* Set it, exported, for a while; `saved` is filled in. */
void shell_vars_set_for_now(struct shell_vars *vars,
			    struct shell_saved_var *saved, const char *name,
			    const char *value);
void shell_vars_restore(struct shell_vars *vars, struct shell_saved_var *saved);

/*
 * What a program is started with; it is good until the next call, or until a
 * variable changes.
 */
char **shell_vars_environment(struct shell_vars *vars);

#endif
