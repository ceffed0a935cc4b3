/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shell/script.h"

#include "base/buf.h"
#include "base/str.h"
#include "base/vec.h"
#include "shell/compile.h"
#include "shell/make-env.h"
#include "shell/parse.h"
#include "shell/program.h"
#include "shell/run.h"
#include "shell/shell.h"
#include "shell/stats.h"
#include "shell/subset.h"
#include "shell/utility.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* Characters for which make starts a shell. */
#define SHELL_SPECIAL_CHARS "#;\"*?[]&|<>(){}$`^~!"

static bool is_shell_command(const char *word)
{
	static const char *const commands[] = {
		".",     ":",       "alias",   "bg",       "break",
		"case",  "cd",      "command", "continue", "eval",
		"exec",  "exit",    "export",  "fc",       "fg",
		"for",   "getopts", "hash",    "if",       "jobs",
		"login", "logout",  "read",    "readonly", "return",
		"set",   "shift",   "test",    "times",    "trap",
		"type",  "ulimit",  "umask",   "unalias",  "unset",
		"wait",  "while",
	};

	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		if (!strcmp(word, commands[i]))
			return true;
	}
	return false;
}

/*
 * Append the next word of *line, without quotes, at `to`, and advance *line
 * past it.  Returns the end of the copy, `to` if no word follows, or NULL if
 * the line needs a shell.
 */
static char *unquote_make_word(const char **line, char *to, bool first)
{
	const char *p = *line;
	const char *start = to;
	bool quoted = false, has_quotes = false;

	for (; *p && (quoted || (*p != ' ' && *p != '\t')); p++) {
		if (*p == '\'') {
			quoted = !quoted;
			has_quotes = true;
			continue;
		}
		if (!quoted) {
			if (strchr(SHELL_SPECIAL_CHARS "\n", *p) ||
			    (*p == '=' && first))
				return NULL;
			/*
			 * make removes a backslash and newline.  At the start
			 * of a word, make also removes the blanks after the
			 * newline.
			 */
			if (*p == '\\' && p[1] == '\n') {
				p++;
				if (to == start)
					p += strspn(p + 1, " \t");
				continue;
			}
			/* make drops a backslash at the end of the script. */
			if (*p == '\\' && !*++p)
				break;
		}
		*to++ = *p;
	}
	if (quoted)
		return NULL;
	*line = p;
	if (to != start || has_quotes)
		*to++ = '\0';
	return to;
}

/*
 * Split a line as GNU make 4.3 does (src/job.c,
 * construct_command_argv_internal).  Returns NULL if the line needs a shell.
 * The element before the first word is unused and writable.
 */
static char **split_line(struct arena *a, const char *line)
{
	size_t len = strlen(line), n = 1;
	char **words = arena_alloc(a, (len + 3) * sizeof(*words));
	char *to = arena_alloc(a, len + 1);

	for (;; n++) {
		line += strspn(line, " \t");
		words[n] = to;
		to = unquote_make_word(&line, to, n == 1);
		if (!to)
			return NULL;
		if (to == words[n])
			break;
	}
	words[n] = NULL;
	if (n == 1 || is_shell_command(words[1]))
		return NULL;
	return words + 1;
}

static void read_parent_proc_file(const char *what, struct buf *out)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)getppid(), what);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	buf_read(out, fd, SIZE_MAX);
	close(fd);
}

/*
 * Print the error as the make that started this shell would, and return the
 * status of the failed command.  MAKELEVEL in this process is the level of
 * make's children, so make's own level is read from /proc.
 */
static int print_make_error(const char *name, int code)
{
	struct buf env = { 0 }, argv = { 0 }, line = { 0 };
	const char *program, *p, *end;
	int level = 0;

	read_parent_proc_file("environ", &env);
	read_parent_proc_file("cmdline", &argv);
	p = buf_str(&env);
	for (end = p + env.len; p < end && !level; p += strlen(p) + 1) {
		if (str_starts(p, "MAKELEVEL="))
			level = atoi(p + strlen("MAKELEVEL="));
	}
	program = argv.len ? str_base(buf_str(&argv)) : "make";
	buf_add_str(&line, program);
	if (level > 0)
		buf_printf(&line, "[%d]", level);
	buf_printf(&line, ": %s: %s\n", name, shell_errno_text(code));
	bytes_write(STDERR_FILENO, buf_bytes(&line));
	buf_release(&line);
	buf_release(&argv);
	buf_release(&env);
	return 127;
}

/* Run a program as make does and return the status. */
static int run_directly(struct shell *sh, char **argv)
{
	struct shell_program p;
	int ret = shell_program_find(sh, argv[0], &p), status;

	if (ret)
		return print_make_error(argv[0], -ret);
	if (shell_utility_run(sh, p.path, argv, &status) ||
	    shell_compile_run(sh, &p, argv, true, &status))
		return status;
	return print_make_error(argv[0], shell_program_exec(sh, &p, argv));
}

#define OPEN_FILES_MIN 128

/*
 * Return $? $$ $- $0 or a variable.  $! is unset because the supported subset
 * excludes background commands.
 */
static const char *get_shell_value(void *at, const char *name)
{
	struct shell *sh = at;
	char *to = sh->number_text;

	switch (*name) {
	case '?':
		snprintf(sh->number_text, sizeof(sh->number_text), "%d",
			 sh->status);
		return sh->number_text;
	case '$':
		snprintf(sh->number_text, sizeof(sh->number_text), "%d",
			 (int)sh->pid);
		return sh->number_text;
	case '!':
		return NULL;
	case '-':
		/* The order is that of dash. */
		if (sh->expand.nounset)
			*to++ = 'u';
		if (sh->expand.no_glob)
			*to++ = 'f';
		if (sh->errexit)
			*to++ = 'e';
		*to = '\0';
		return sh->number_text;
	case '0':
		return sh->name;
	default:
		return shell_vars_get(&sh->vars, name);
	}
}

static int set_shell_value(void *at, const char *name, const char *value)
{
	struct shell *sh = at;

	shell_vars_set(&sh->vars, name, value);
	return 0;
}

/*
 * Return a copy of `env` in which MAKEFILES has the user's value.  Stores in
 * sh->make_env the entry MAKEFILES=... that replaces this value for make.
 * Returns `env` itself, and stores nothing, if `dir` is NULL.
 */
static char **split_make_env(struct shell *sh, const char *dir, char **env)
{
	size_t n = 0;
	char **copy;

	if (!dir)
		return env;
	while (env[n])
		n++;
	copy = arena_alloc(&sh->arena, (n + 1) * sizeof(*copy));
	memcpy(copy, env, (n + 1) * sizeof(*copy));
	shell_make_env_strip(dir, copy);
	sh->make_env = shell_make_env_entry(dir, copy);
	return copy;
}

static void init_shell(struct shell *sh, const struct shell_script *script)
{
	sh->name = script->name;
	sh->pid = getpid();
	sh->errexit = script->errexit;
	sh->trap_status = -1;
	sh->slot_fd = -1;
	sh->expand = (struct shell_expand){
		.arena = &sh->arena,
		.ctx = sh,
		.get = get_shell_value,
		.set = set_shell_value,
		.substitute = shell_run_command_substitution,
		.nounset = script->nounset,
	};
}

static bool is_unlimited(int resource)
{
	struct rlimit limit;

	return !getrlimit(resource, &limit) && limit.rlim_cur == RLIM_INFINITY;
}

/*
 * Return true if resource limits do not affect the script.  The number of open
 * files must suffice for the shell's own descriptors, which are above those
 * that a script can redirect.  This process runs some utilities itself, so a
 * limit on file size or CPU time could end it; under dash, the limit ends only
 * the child that runs the utility.
 */
static bool are_limits_sufficient(void)
{
	struct rlimit files;

	return !getrlimit(RLIMIT_NOFILE, &files) &&
	       files.rlim_cur >= OPEN_FILES_MIN && is_unlimited(RLIMIT_FSIZE) &&
	       is_unlimited(RLIMIT_CPU);
}

/* Parse and check the script.  *list is NULL if the script is empty. */
static int read_script(struct shell *sh, const struct shell_script *script,
		       char **env, const struct shell_ast_node **list,
		       enum shell_fallback_reason *why)
{
	sigset_t blocked;
	int ret;

	/*
	 * A program that a subshell starts can signal its parent, as in
	 * (sh -c 'kill $PPID').  In dash, the parent is the process of the
	 * subshell.  This shell can run a subshell without a fork; the signal
	 * would then hit the whole shell.  Therefore PPID is rejected in any
	 * word, including quoted arguments.
	 */
	if (strstr(script->text, "PPID")) {
		*why = SHELL_FALLBACK_PARENT;
		return -ENOTSUP;
	}
	ret = shell_parse_script(&sh->arena, bytes_str(script->text), list,
				 why);
	if (ret)
		return ret;
	/*
	 * Blocked signals cause a fallback, because dash and this shell unblock
	 * signals at different points.  An unknown working directory causes a
	 * fallback, because dash prints a message about it.
	 */
	if (!are_limits_sufficient() ||
	    sigprocmask(SIG_SETMASK, NULL, &blocked) ||
	    !sigisemptyset(&blocked) || !shell_vars_init(&sh->vars, env)) {
		*why = SHELL_FALLBACK_OTHER;
		return -ENOTSUP;
	}
	sh->logical_cwd = xstrdup(shell_vars_get(&sh->vars, "PWD"));
	return shell_subset_check(&sh->arena, &sh->vars, *list, why);
}

static void release_shell(struct shell *sh)
{
	arena_release(&sh->arena);
	shell_vars_release(&sh->vars);
	buf_release(&sh->out);
	free(sh->logical_cwd);
	free(sh->make_env);
}

int shell_script_check(const struct shell_script *script, char **env,
		       enum shell_fallback_reason *why)
{
	const struct shell_ast_node *list = NULL;
	struct shell sh = { 0 };
	int ret;

	init_shell(&sh, script);
	ret = read_script(&sh, script, env, &list, why);
	release_shell(&sh);
	return ret;
}

int shell_script_run(const struct shell_script *script, char **env,
		     enum shell_fallback_reason *why)
{
	const struct shell_ast_node *list = NULL;
	struct shell sh = { 0 };
	char **words = NULL;
	int ret = 0;

	init_shell(&sh, script);
	if (script->started_by_make && !str_find_env(env, "IFS"))
		words = split_line(&sh.arena, script->text);
	env = split_make_env(&sh, script->make_dir, env);
	if (words) {
		sh.exec_env = env;
		ret = run_directly(&sh, words);
	} else {
		ret = read_script(&sh, script, env, &list, why);
		if (!ret) {
			/* If SIGCHLD is ignored, wait() reports no status. */
			signal(SIGCHLD, SIG_DFL);
			/*
			 * Do not set SHELL_RUN_LAST: dash also waits for the
			 * last command and prints the signal that ended it.
			 */
			shell_run_node(&sh, list, 0);
			ret = shell_run_exit_trap(&sh);
		}
	}
	release_shell(&sh);
	return ret;
}
