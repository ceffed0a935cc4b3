/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shell/direct.h"

#include "base/buf.h"
#include "base/str.h"
#include "shell/compile.h"
#include "shell/program.h"
#include "shell/shell.h"
#include "shell/utility.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define READ_SIZE 4096

/* What make leaves to a shell, anywhere and as the first word. */
#define SHELL_CHARACTERS "#;\"*?[]&|<>(){}$`^~!"

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

	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
		if (!strcmp(word, commands[i]))
			return true;
	}
	return false;
}

/*
 * The next word of `*line` to `to`; NULL: the shell is to read it.  Returns
 * where the word ends.
 */
static char *unquote_word(const char **line, char *to, bool first)
{
	const char *p = *line;
	bool quoted = false;

	for (; *p && (quoted || (*p != ' ' && *p != '\t')); p++) {
		if (*p == '\'') {
			quoted = !quoted;
			continue;
		}
		if (!quoted) {
			if (strchr(SHELL_CHARACTERS "\n", *p) ||
			    (*p == '=' && first))
				return NULL;
			/* What a backslash does at an end of line is a shell's
			 * matter. */
			if (*p == '\\' && (!*++p || *p == '\n'))
				return NULL;
		}
		*to++ = *p;
	}
	if (quoted)
		return NULL;
	*line = p;
	*to++ = '\0';
	return to;
}

char **shell_direct_words(struct arena *a, const char *line)
{
	size_t len = strlen(line), n = 1;
	char **words = arena_alloc(a, (len + 3) * sizeof(*words));
	char *to = arena_alloc(a, len + 1);

	for (;; n++) {
		line += strspn(line, " \t");
		if (!*line)
			break;
		words[n] = to;
		to = unquote_word(&line, to, n == 1);
		if (!to)
			return NULL;
	}
	words[n] = NULL;
	if (n == 1 || !*words[1] || is_shell_command(words[1]))
		return NULL;
	return words + 1;
}

/* What is behind `key` in a list of strings that each end with NUL. */
static const char *value_in(const struct buf *list, const char *key)
{
	const char *p = buf_str(list), *end = p + list->len;

	for (; p < end; p += strlen(p) + 1) {
		if (!strncmp(p, key, strlen(key)))
			return p + strlen(key);
	}
	return NULL;
}

static void read_of_parent(const char *what, struct buf *out)
{
	char path[64];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)getppid(), what);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	while (!buf_reserve(out, READ_SIZE) &&
	       (n = read(fd, out->data + out->len, READ_SIZE)) > 0)
		out->len += (size_t)n;
	if (out->data)
		out->data[out->len] = '\0';
	close(fd);
}

/*
 * As the make that started us would: its own level is not that which it gives
 * to programs.
 */
static int explain_as_make(const char *name, int code)
{
	struct buf env = { 0 }, argv = { 0 }, line = { 0 };
	const char *level, *program;

	read_of_parent("environ", &env);
	read_of_parent("cmdline", &argv);
	level = value_in(&env, "MAKELEVEL=");
	program = argv.len ? str_base(buf_str(&argv)) : "make";
	buf_add_str(&line, program);
	if (level && atoi(level) > 0)
		buf_printf(&line, "[%d]", atoi(level));
	buf_printf(&line, ": %s: %s\n", name, shell_errno_words(code));
	shell_write(STDERR_FILENO, line.data, line.len);
	buf_release(&line);
	buf_release(&argv);
	buf_release(&env);
	return 127;
}

int shell_direct_run(struct shell *sh, char **argv)
{
	struct shell_program p;
	int ret = shell_program_find(sh, argv[0], &p), status;

	if (ret)
		return explain_as_make(argv[0], -ret);
	if (shell_utility(sh, p.path, argv, &status) ||
	    shell_compile(sh, &p, argv, true, NULL, &status))
		return status;
	return explain_as_make(argv[0], shell_program_exec(sh, &p, argv));
}
