/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shell/vars.h - Variables of a shell and the environment of its programs.
 *
 * As in dash, variables lie in a hash table of 39 lists, which determines the
 * order in which programs receive them.  PWD is exported from the start.
 * Entries of the environment without a valid variable name are dropped.
 */
#ifndef SHELL_VARS_H
#define SHELL_VARS_H

#include <stdbool.h>
#include <stddef.h>

#define SHELL_VARS_N_BUCKETS 39

struct shell_var {
	struct shell_var *next;
	char *text; /* NAME=value, or NAME alone for an unset variable */
	size_t name_len;
	bool exported;
	bool owned; /* `text` was allocated */
	/* a variable of dash itself, which stays in the list even when unset */
	bool predefined;
};

struct shell_vars {
	struct shell_var *buckets[SHELL_VARS_N_BUCKETS];
	char **env; /* result of shell_vars_build_env() */
};

/*
 * Initialize the variables of a new shell: the variables that dash predefines
 * and the entries of `env`, which is borrowed.  Returns false if the working
 * directory for PWD is unknown.
 */
bool shell_vars_init(struct shell_vars *vars, char **env);
void shell_vars_release(struct shell_vars *vars);

/* Return the length of the variable name at the start of `s`, or 0. */
size_t shell_vars_name_length(const char *s);

/* Return the value, borrowed until the variable changes, or NULL if unset. */
const char *shell_vars_get(const struct shell_vars *vars, const char *name);
void shell_vars_set(struct shell_vars *vars, const char *name,
		    const char *value);
void shell_vars_unset(struct shell_vars *vars, const char *name);
/* Export a variable.  An unset variable is exported once it has a value. */
void shell_vars_export(struct shell_vars *vars, const char *name);

/* State of a variable before a temporary assignment. */
struct shell_saved_var {
	struct shell_saved_var *next;
	const char *name; /* borrowed from the caller */
	char *text;
	bool exported;
	bool owned;
	bool existed;
};

/*
 * Set and export a variable temporarily.  `saved` receives its former state for
 * shell_vars_restore().
 */
void shell_vars_set_temporary(struct shell_vars *vars,
			      struct shell_saved_var *saved, const char *name,
			      const char *value);
void shell_vars_restore(struct shell_vars *vars, struct shell_saved_var *saved);

/*
 * Return the environment for a program.  It is valid until the next call or
 * until a variable changes.
 */
char **shell_vars_build_env(struct shell_vars *vars);

#endif
