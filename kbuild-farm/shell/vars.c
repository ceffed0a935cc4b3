/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shell/vars.h"

#include "base/str.h"
#include "base/vec.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEFAULT_PATH \
	"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

size_t shell_vars_name_length(const char *s)
{
	const char *p = s;

	if (!isalpha((unsigned char)*p) && *p != '_')
		return 0;
	while (isalnum((unsigned char)*p) || *p == '_')
		p++;
	return (size_t)(p - s);
}

/*
 * The hash function is dash's, so that variables have the same order as in
 * dash.
 */
static struct shell_var **find_var_bucket(struct shell_vars *vars,
					  const char *name, size_t len)
{
	unsigned hash = (unsigned)(unsigned char)*name << 4;

	for (size_t i = 0; i < len; i++)
		hash += (unsigned char)name[i];
	return &vars->buckets[hash % SHELL_VARS_N_BUCKETS];
}

/*
 * Return the address of the list pointer that refers to the variable.  If there
 * is no such variable, return the address of the NULL pointer that ends its
 * list, where a new variable is added.
 */
static struct shell_var **find_var(struct shell_vars *vars, const char *name,
				   size_t len)
{
	struct shell_var **at = find_var_bucket(vars, name, len);

	while (*at &&
	       ((*at)->name_len != len || memcmp((*at)->text, name, len) != 0))
		at = &(*at)->next;
	return at;
}

static struct shell_var *get_or_add_var(struct shell_vars *vars,
					const char *name, size_t len)
{
	struct shell_var **at = find_var(vars, name, len);

	if (!*at) {
		*at = xcalloc(1, sizeof(**at));
		(*at)->text = xstrndup(name, len);
		(*at)->name_len = len;
		(*at)->owned = true;
	}
	return *at;
}

static void set_var_text(struct shell_var *var, char *text, bool owned)
{
	if (var->owned)
		free(var->text);
	var->text = text;
	var->owned = owned;
}

/* Predefined variables are added at the head of their list, as in dash. */
static void add_predefined_vars(struct shell_vars *vars)
{
	static char own[][sizeof("PATH=" DEFAULT_PATH)] = {
		"IFS= \t\n", "MAIL",   "MAILPATH", "PATH=" DEFAULT_PATH,
		"PS1=$ ",    "PS2=> ", "PS4=+ ",   "OPTIND=1",
	};

	for (size_t i = 0; i < ARRAY_SIZE(own); i++) {
		size_t len = strcspn(own[i], "=");
		struct shell_var **head = find_var_bucket(vars, own[i], len);
		struct shell_var *var = xcalloc(1, sizeof(*var));

		*var = (struct shell_var){ .next = *head,
					   .text = own[i],
					   .name_len = len,
					   .predefined = true };
		*head = var;
	}
	if (!geteuid())
		shell_vars_set(vars, "PS1", "# ");
}

/* Return true if `dir` is the working directory. */
static bool is_current_dir(const char *dir)
{
	struct stat named, current;

	return *dir == '/' && !stat(dir, &named) && !stat(".", &current) &&
	       named.st_dev == current.st_dev && named.st_ino == current.st_ino;
}

bool shell_vars_init(struct shell_vars *vars, char **env)
{
	char ppid[3 * sizeof(long) + 1], cwd[PATH_MAX];
	const char *dir;

	memset(vars, 0, sizeof(*vars));
	add_predefined_vars(vars);
	for (; *env; env++) {
		size_t len = shell_vars_name_length(*env);
		struct shell_var *var;

		if (!len || (*env)[len] != '=')
			continue;
		var = get_or_add_var(vars, *env, len);
		set_var_text(var, *env, false);
		var->exported = true;
	}
	shell_vars_set(vars, "IFS", " \t\n");
	shell_vars_set(vars, "OPTIND", "1");
	snprintf(ppid, sizeof(ppid), "%ld", (long)getppid());
	shell_vars_set(vars, "PPID", ppid);

	dir = shell_vars_get(vars, "PWD");
	if (!dir || !is_current_dir(dir)) {
		if (!getcwd(cwd, sizeof(cwd)))
			return false;
		shell_vars_set(vars, "PWD", cwd);
	}
	shell_vars_export(vars, "PWD");
	return true;
}

void shell_vars_release(struct shell_vars *vars)
{
	for (size_t i = 0; i < SHELL_VARS_N_BUCKETS; i++) {
		struct shell_var *var = vars->buckets[i], *next;

		for (; var; var = next) {
			next = var->next;
			if (var->owned)
				free(var->text);
			free(var);
		}
	}
	free(vars->env);
	memset(vars, 0, sizeof(*vars));
}

const char *shell_vars_get(const struct shell_vars *vars, const char *name)
{
	size_t len = strlen(name);
	const struct shell_var *var = *find_var((struct shell_vars *)vars, name,
						len);

	return var && var->text[len] ? var->text + len + 1 : NULL;
}

void shell_vars_set(struct shell_vars *vars, const char *name,
		    const char *value)
{
	struct shell_var *var = get_or_add_var(vars, name, strlen(name));

	set_var_text(var, xasprintf("%s=%s", name, value), true);
}

/* Predefined variables stay in the table even when unset. */
void shell_vars_unset(struct shell_vars *vars, const char *name)
{
	struct shell_var **at = find_var(vars, name, strlen(name));
	struct shell_var *var = *at;

	if (!var)
		return;
	if (var->predefined) {
		set_var_text(var, xstrdup(name), true);
		return;
	}
	*at = var->next;
	if (var->owned)
		free(var->text);
	free(var);
}

void shell_vars_export(struct shell_vars *vars, const char *name)
{
	get_or_add_var(vars, name, strlen(name))->exported = true;
}

void shell_vars_set_temporary(struct shell_vars *vars,
			      struct shell_saved_var *saved, const char *name,
			      const char *value)
{
	struct shell_var *var = *find_var(vars, name, strlen(name));

	*saved = (struct shell_saved_var){ .next = saved->next, .name = name };
	if (var) {
		saved->existed = true;
		saved->text = var->text;
		saved->owned = var->owned;
		saved->exported = var->exported;
		var->owned = false;
	}
	shell_vars_set(vars, name, value);
	shell_vars_export(vars, name);
}

void shell_vars_restore(struct shell_vars *vars, struct shell_saved_var *saved)
{
	struct shell_var *var = get_or_add_var(vars, saved->name,
					       strlen(saved->name));

	if (!saved->existed) {
		shell_vars_unset(vars, saved->name);
		return;
	}
	set_var_text(var, saved->text, saved->owned);
	var->exported = saved->exported;
}

char **shell_vars_build_env(struct shell_vars *vars)
{
	size_t n = 0;

	free(vars->env);
	vars->env = NULL;
	for (size_t i = 0; i < SHELL_VARS_N_BUCKETS; i++) {
		for (struct shell_var *v = vars->buckets[i]; v; v = v->next) {
			if (v->exported && v->text[v->name_len])
				*VEC_ADD(vars->env, n) = v->text;
		}
	}
	*VEC_ADD(vars->env, n) = NULL;
	return vars->env;
}
