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

/* dash's own hash, so that the order is its own, too. */
static struct shell_var **chain_of(struct shell_vars *vars, const char *name,
				   size_t len)
{
	unsigned hash = (unsigned)(unsigned char)*name << 4;

	for (size_t i = 0; i < len; i++)
		hash += (unsigned char)name[i];
	return &vars->list[hash % SHELL_VARS_LISTS];
}

/* Where it is, or where a new one is to be added. */
static struct shell_var **find_var(struct shell_vars *vars, const char *name,
				   size_t len)
{
	struct shell_var **at = chain_of(vars, name, len);

	while (*at &&
	       ((*at)->name_len != len || memcmp((*at)->text, name, len) != 0))
		at = &(*at)->next;
	return at;
}

static struct shell_var *have_var(struct shell_vars *vars, const char *name,
				  size_t len)
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

static void change_text(struct shell_var *var, char *text, bool owned)
{
	if (var->owned)
		free(var->text);
	var->text = text;
	var->owned = owned;
}

static void import(struct shell_vars *vars, char *text, size_t name_len)
{
	struct shell_var *var = have_var(vars, text, name_len);

	change_text(var, text, false);
	var->exported = true;
}

/* The last comes first in its list. */
static void add_own(struct shell_vars *vars)
{
	static char own[][sizeof("PATH=" DEFAULT_PATH)] = {
		"IFS= \t\n", "MAIL",   "MAILPATH", "PATH=" DEFAULT_PATH,
		"PS1=$ ",    "PS2=> ", "PS4=+ ",   "OPTIND=1",
	};

	for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++) {
		size_t len = strcspn(own[i], "=");
		struct shell_var **head = chain_of(vars, own[i], len);
		struct shell_var *var = xcalloc(1, sizeof(*var));

		*var = (struct shell_var){ .next = *head,
					   .text = own[i],
					   .name_len = len,
					   .fixed = true };
		*head = var;
	}
	if (!geteuid())
		shell_vars_set(vars, "PS1", "# ");
}

/* Is this the directory that we are in? */
static bool is_here(const char *dir)
{
	struct stat there, here;

	return *dir == '/' && !stat(dir, &there) && !stat(".", &here) &&
	       there.st_dev == here.st_dev && there.st_ino == here.st_ino;
}

static bool set_directory(struct shell_vars *vars)
{
	const char *dir = shell_vars_get(vars, "PWD");
	char cwd[PATH_MAX];

	if (!dir || !is_here(dir)) {
		if (!getcwd(cwd, sizeof(cwd)))
			return false;
		shell_vars_set(vars, "PWD", cwd);
	}
	shell_vars_export(vars, "PWD");
	return true;
}

bool shell_vars_init(struct shell_vars *vars, char **env)
{
	char ppid[3 * sizeof(long) + 1];

	memset(vars, 0, sizeof(*vars));
	add_own(vars);
	for (; *env; env++) {
		size_t len = shell_vars_name_length(*env);

		if (len && (*env)[len] == '=')
			import(vars, *env, len);
	}
	shell_vars_set(vars, "IFS", " \t\n");
	shell_vars_set(vars, "OPTIND", "1");
	snprintf(ppid, sizeof(ppid), "%ld", (long)getppid());
	shell_vars_set(vars, "PPID", ppid);
	return set_directory(vars);
}

void shell_vars_release(struct shell_vars *vars)
{
	for (size_t i = 0; i < SHELL_VARS_LISTS; i++) {
		struct shell_var *var = vars->list[i], *next;

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
	struct shell_var *var = have_var(vars, name, strlen(name));

	change_text(var, xasprintf("%s=%s", name, value), true);
}

/* The shell's own stay in the table, exported or not. */
void shell_vars_unset(struct shell_vars *vars, const char *name)
{
	struct shell_var **at = find_var(vars, name, strlen(name));
	struct shell_var *var = *at;

	if (!var)
		return;
	if (var->fixed) {
		change_text(var, xstrdup(name), true);
		return;
	}
	*at = var->next;
	if (var->owned)
		free(var->text);
	free(var);
}

void shell_vars_export(struct shell_vars *vars, const char *name)
{
	have_var(vars, name, strlen(name))->exported = true;
}

void shell_vars_set_for_now(struct shell_vars *vars,
			    struct shell_saved_var *saved, const char *name,
			    const char *value)
{
	struct shell_var *var = *find_var(vars, name, strlen(name));

	*saved = (struct shell_saved_var){ .next = saved->next, .name = name };
	if (var) {
		saved->was_there = true;
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
	struct shell_var *var = have_var(vars, saved->name,
					 strlen(saved->name));

	if (!saved->was_there) {
		shell_vars_unset(vars, saved->name);
		return;
	}
	change_text(var, saved->text, saved->owned);
	var->exported = saved->exported;
}

char **shell_vars_environment(struct shell_vars *vars)
{
	size_t n = 0;

	free(vars->env);
	vars->env = NULL;
	for (size_t i = 0; i < SHELL_VARS_LISTS; i++) {
		for (struct shell_var *v = vars->list[i]; v; v = v->next) {
			if (v->exported && v->text[v->name_len])
				*VEC_ADD(vars->env, n) = v->text;
		}
	}
	*VEC_ADD(vars->env, n) = NULL;
	return vars->env;
}
