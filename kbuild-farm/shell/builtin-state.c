/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Builtins that change the shell's own state. */
#include "shell/builtin.h"

#include "base/str.h"
#include "shell/shell.h"
#include "shell/signals.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A number from 0 to INT_MAX as dash reads it; -1: it is none, which is said.
 */
static int whole_number(struct shell *sh, const char *s)
{
	intmax_t n;
	char *end;

	errno = 0;
	n = strtoimax(s, &end, 10);
	if (errno != ERANGE && end != s && n >= 0 && n <= INT_MAX) {
		while (isspace((unsigned char)*end))
			end++;
		if (!*end)
			return (int)n;
	}
	shell_fail(sh, "Illegal number: %s", s);
	return -1;
}

/* Add the components of `path` to `out`, which has those of a directory. */
static void add_components(struct buf *out, size_t root, const char *path)
{
	while (*path) {
		size_t len = strcspn(path, "/");

		if (len == 2 && !memcmp(path, "..", 2)) {
			while (out->len > root &&
			       out->data[--out->len - 1] != '/')
				;
		} else if (len && (len > 1 || *path != '.')) {
			buf_add(out, path, len);
			buf_add(out, "/", 1);
		}
		path += len;
		path += strspn(path, "/");
	}
}

/* Where `dest` leads from where we are, by its words alone. */
static char *logical_path(const struct shell *sh, const char *dest)
{
	struct buf out = { 0 };
	size_t root = 1;

	if (*dest == '/') {
		buf_add(&out, "/", 1);
		dest++;
		if (*dest == '/' && dest[1] != '/')
			buf_add(&out, "/", 1);
	} else {
		buf_add_str(&out, sh->dir);
		if (out.data[out.len - 1] != '/')
			buf_add(&out, "/", 1);
		if (out.len > 1 && out.data[1] == '/')
			root = 2;
	}
	if (out.len > 1 && out.data[1] == '/')
		root = 2;
	add_components(&out, root, dest);
	if (out.len > root)
		out.len--;
	out.data[out.len] = '\0';
	return buf_steal(&out);
}

static int change_directory(struct shell *sh, const char *dest, bool physical)
{
	char *dir = physical ? NULL : logical_path(sh, dest);
	char cwd[PATH_MAX];

	if (chdir(dir ? dir : dest)) {
		free(dir);
		return -1;
	}
	if (!dir)
		dir = xstrdup(getcwd(cwd, sizeof(cwd)) ? cwd : "");
	shell_vars_set(&sh->vars, "OLDPWD", sh->dir);
	shell_vars_export(&sh->vars, "OLDPWD");
	free(sh->dir);
	sh->dir = dir;
	shell_vars_set(&sh->vars, "PWD", dir);
	shell_vars_export(&sh->vars, "PWD");
	return 0;
}

/* -L and -P, the last one counts; NULL: another, which is said. */
static char **read_cd_options(struct shell *sh, char **argv, bool *physical)
{
	for (; *argv && argv[0][0] == '-' && argv[0][1]; argv++) {
		if (!strcmp(*argv, "--"))
			return argv + 1;
		for (const char *c = *argv + 1; *c; c++) {
			if (*c != 'L' && *c != 'P') {
				shell_fail(sh, "Illegal option -%c", *c);
				return NULL;
			}
			*physical = *c == 'P';
		}
	}
	return argv;
}

/* CDPATH is not known here: shell/known.h. */
int shell_cd(struct shell *sh, char **argv)
{
	const char *dest;
	bool print = false, physical = false;

	argv = read_cd_options(sh, argv + 1, &physical);
	if (!argv)
		return 2;
	dest = *argv;
	if (!dest)
		dest = shell_vars_get(&sh->vars, "HOME");
	else if (!strcmp(dest, "-")) {
		dest = shell_vars_get(&sh->vars, "OLDPWD");
		print = true;
	}
	if (!dest)
		dest = "";
	if (!*dest)
		dest = ".";
	if (change_directory(sh, dest, physical))
		return shell_fail(sh, "can't cd to %s", dest);
	if (print)
		buf_printf(&sh->out, "%s\n", sh->dir);
	return 0;
}

int shell_pwd(struct shell *sh, char **argv)
{
	(void)argv;
	buf_printf(&sh->out, "%s\n", sh->dir);
	return 0;
}

int shell_exit(struct shell *sh, char **argv)
{
	int status = sh->trap_status >= 0 ? sh->trap_status : sh->status;

	if (argv[1]) {
		status = whole_number(sh, argv[1]);
		if (status < 0)
			return 2;
	}
	sh->skip = SHELL_EXIT;
	sh->status = status & 0xff;
	return sh->status;
}

static bool is_variable_name(struct shell *sh, const char *word, size_t len)
{
	if (len && shell_vars_name_length(word) == len)
		return true;
	shell_fail(sh, "%.*s: bad variable name", (int)len, word);
	return false;
}

int shell_export(struct shell *sh, char **argv)
{
	for (argv++; *argv; argv++) {
		size_t len = strcspn(*argv, "=");
		char *name;

		if (!is_variable_name(sh, *argv, len))
			return 2;
		name = xstrndup(*argv, len);
		if ((*argv)[len])
			shell_vars_set(&sh->vars, name, *argv + len + 1);
		shell_vars_export(&sh->vars, name);
		free(name);
	}
	return 0;
}

int shell_unset(struct shell *sh, char **argv)
{
	for (argv++; *argv; argv++) {
		if (!is_variable_name(sh, *argv, strlen(*argv)))
			return 2;
		shell_vars_unset(&sh->vars, *argv);
	}
	return 0;
}

/* $1 ... are these from now on. */
static void set_arguments(struct shell *sh, char **words)
{
	struct strv copy = { 0 };

	strv_add_all(&copy, words);
	/* Those before may still be read, by a `for` that is run now. */
	sh->args = copy.v;
	sh->n_args = copy.n;
	sh->expand.args = sh->args;
	sh->expand.n_args = sh->n_args;
}

static void set_option(struct shell *sh, char letter, bool on)
{
	if (letter == 'e')
		sh->errexit = on;
	if (letter == 'u')
		sh->expand.unset_fails = on;
	if (letter == 'f')
		sh->expand.no_glob = on;
}

int shell_set(struct shell *sh, char **argv)
{
	bool all = false;

	for (argv++; *argv && (**argv == '-' || **argv == '+'); argv++) {
		bool on = **argv == '-';

		if (!strcmp(*argv, "--")) {
			all = true;
			argv++;
			break;
		}
		for (const char *c = *argv + 1; *c; c++)
			set_option(sh, *c, on);
	}
	if (*argv || all)
		set_arguments(sh, argv);
	return 0;
}

int shell_shift(struct shell *sh, char **argv)
{
	int n = argv[1] ? whole_number(sh, argv[1]) : 1;

	if (n < 0)
		return 2;
	if ((size_t)n > sh->n_args)
		return shell_fail(sh, "can't shift that many");
	sh->args += n;
	sh->n_args -= (size_t)n;
	sh->expand.args = sh->args;
	sh->expand.n_args = sh->n_args;
	return 0;
}

int shell_trap(struct shell *sh, char **argv)
{
	const char *action = NULL;
	long number;

	(void)sh;
	argv++;
	if (*argv && !strcmp(*argv, "--"))
		argv++;
	if (argv[0] && argv[1] && str_number(*argv, 0, LONG_MAX, &number)) {
		action = strcmp(*argv, "-") ? *argv : NULL;
		argv++;
	}
	for (; *argv; argv++)
		shell_trap_set(shell_trap_number(*argv), action);
	return 0;
}

/* Of kill only that is known which signals this shell: shell/known.h. */
int shell_kill(struct shell *sh, char **argv)
{
	int sig = SIGTERM;

	argv++;
	if (!strcmp(*argv, "-s"))
		sig = shell_trap_number(argv[1]);
	else if (**argv == '-')
		sig = shell_trap_number(*argv + 1);
	kill(sh->pid, sig);
	return 0;
}

int shell_leave_loops(struct shell *sh, char **argv)
{
	int n = argv[1] ? whole_number(sh, argv[1]) : 1;

	if (n < 0)
		return 2;
	if (!n)
		return shell_fail(sh, "Illegal number: %s", argv[1]);
	if ((unsigned)n > sh->loops)
		n = (int)sh->loops;
	if (n) {
		sh->skip = **argv == 'c' ? SHELL_CONTINUE : SHELL_BREAK;
		sh->skip_levels = (unsigned)n;
	}
	return 0;
}
