/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shell/builtin.h"

#include "base/str.h"
#include "base/vec.h"
#include "shell/parse.h"
#include "shell/program.h"
#include "shell/shell.h"
#include "shell/signals.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The supported subset admits only `command -v NAME` (shell/subset.h). */
static int builtin_command(struct shell *sh, char **argv)
{
	const char *found = argv[2];
	struct shell_program p;
	struct stat st;
	bool exists = true;

	if (strchr(found, '/')) {
		exists = !stat(found, &st);
	} else if (!shell_parse_is_keyword(found) &&
		   !shell_builtin_find(found)) {
		exists = !shell_program_find(sh, found, &p);
		found = p.path;
	}
	if (!exists)
		return 127;
	buf_printf(&sh->out, "%s\n", found);
	return 0;
}

/*
 * echo and printf interpret the escapes of POSIX.1-2018, XCU, such as \n, and
 * additionally \e, as dash does.  echo always interprets escapes (XSI option).
 */

#define FLAGS  "#-+ 0"
#define DIGITS "0123456789"
/*
 * Limit on the digits of a width or a precision in a supported format; recipes
 * do not need more.
 */
#define SPEC_DIGITS_MAX 4
/* room for a conversion: %, flags, width, dot, precision, "jd" and NUL */
#define SPEC_MAX 32

static bool is_octal(char c)
{
	return c >= '0' && c <= '7';
}

/*
 * Decode the escape whose backslash precedes `s`, and store its byte in *out.
 * For an unknown escape, stores a backslash and consumes no byte of `s`.
 * Returns the position after the escape.
 */
static const char *decode_escape(const char *s, char *out)
{
	static const char letters[] = "\\abefnrtv",
			  means[] = "\\\a\b\033\f\n\r\t\v";
	const char *at = *s ? strchr(letters, *s) : NULL;
	int value = 0, digits = 0;

	if (at) {
		*out = means[at - letters];
		return s + 1;
	}
	for (; digits < 3 && is_octal(*s); digits++)
		value = value * 8 + (*s++ - '0');
	*out = digits ? (char)value : '\\';
	return s;
}

/*
 * Append `s` and interpret the escapes of echo and %b.  Returns false after \c,
 * which ends all output.
 */
static bool print_escaped(struct buf *out, const char *s)
{
	while (*s) {
		char c = *s++;

		if (c == '\\') {
			if (*s == 'c')
				return false;
			if (*s == '0' && is_octal(s[1]))
				s++;
			s = decode_escape(s, &c);
		}
		buf_add(out, &c, 1);
	}
	return true;
}

static int builtin_echo(struct shell *sh, char **argv)
{
	bool newline = true;

	argv++;
	if (*argv && !strcmp(*argv, "-n")) {
		newline = false;
		argv++;
	}
	for (; *argv; argv++) {
		if (!print_escaped(&sh->out, *argv))
			return 0;
		if (argv[1])
			buf_add(&sh->out, " ", 1);
	}
	if (newline)
		buf_add(&sh->out, "\n", 1);
	return 0;
}

/*
 * Arguments of printf, consumed one by one.  next_argument() returns NULL if an
 * argument is missing.
 */
struct printf_args {
	struct shell *sh;
	char **next;
	int status;
};

static char *next_argument(struct printf_args *w)
{
	return *w->next ? *w->next++ : NULL;
}

static uintmax_t numeric_argument(struct printf_args *w, bool is_signed)
{
	const char *s = next_argument(w);
	uintmax_t n;
	char *end;

	if (!s)
		return 0;
	if (*s == '"' || *s == '\'')
		return (unsigned char)s[1];
	errno = 0;
	n = is_signed ? (uintmax_t)strtoimax(s, &end, 0) :
			strtoumax(s, &end, 0);
	if (!*end && errno != ERANGE)
		return n;
	w->status = 1;
	if (*end)
		shell_print_message(w->sh, "%s: %s", s,
				    end == s ? "expected numeric value" :
					       "not completely converted");
	else
		shell_print_message(w->sh, "%s: %s", s,
				    shell_errno_text(ERANGE));
	return n;
}

/*
 * Return the length of a conversion such as "%-8.3s", not counting its letter.
 * Returns 0 if the conversion is not supported.
 */
static size_t conversion_len(const char *spec)
{
	size_t flags = strspn(spec + 1, FLAGS);
	const char *p = spec + 1 + flags;
	size_t width = strspn(p, DIGITS), precision = 0;

	p += width;
	if (*p == '.') {
		precision = strspn(p + 1, DIGITS);
		p += 1 + precision;
	}
	if (flags > strlen(FLAGS) || width > SPEC_DIGITS_MAX ||
	    precision > SPEC_DIGITS_MAX || !*p || !strchr("sbcdiouxX", *p))
		return 0;
	if (*p == 'b' && p != spec + 1)
		return 0;
	return (size_t)(p - spec);
}

bool shell_builtin_printf_supports(const char *format)
{
	for (; *format; format++) {
		size_t len;

		if (*format != '%')
			continue;
		if (format[1] == '%') {
			format++;
			continue;
		}
		len = conversion_len(format);
		if (!len)
			return false;
		format += len;
	}
	return true;
}

/* Copy the conversion without its letter, then append `tail`. */
static void copy_conversion(char out[static SPEC_MAX], const char *spec,
			    size_t len, const char *tail)
{
	memcpy(out, spec, len);
	strcpy(out + len, tail);
}

/* Append the output of one conversion.  Returns false if a %b contained \c. */
static bool add_conversion(struct printf_args *w, const char *spec, size_t len)
{
	char fmt[SPEC_MAX], letter = spec[len], tail[] = { 'j', letter, '\0' };
	char text[1 << 14];
	const char *s;
	int n;

	switch (letter) {
	case 'b':
		s = next_argument(w);
		return !s || print_escaped(&w->sh->out, s);
	case 's':
		s = next_argument(w);
		copy_conversion(fmt, spec, len, "s");
		buf_printf(&w->sh->out, fmt, s ? s : "");
		return true;
	case 'c':
		s = next_argument(w);
		copy_conversion(fmt, spec, len, "c");
		/* snprintf() counts a NUL from %c as output, too. */
		n = snprintf(text, sizeof(text), fmt, s ? *s : '\0');
		buf_add(&w->sh->out, text, (size_t)n);
		return true;
	default:
		copy_conversion(fmt, spec, len, tail);
		buf_printf(&w->sh->out, fmt,
			   numeric_argument(w, letter == 'd' || letter == 'i'));
		return true;
	}
}

/* Apply the format once.  Returns false if a %b contained \c. */
static bool add_format_once(struct printf_args *w, const char *format)
{
	while (*format) {
		char c = *format++;
		size_t len;

		if (c == '\\') {
			format = decode_escape(format, &c);
		} else if (c == '%' && *format == '%') {
			format++;
		} else if (c == '%') {
			len = conversion_len(format - 1);
			if (!add_conversion(w, format - 1, len))
				return false;
			format += len;
			continue;
		}
		buf_add(&w->sh->out, &c, 1);
	}
	return true;
}

static int builtin_printf(struct shell *sh, char **argv)
{
	struct printf_args w = { .sh = sh };
	const char *format = *++argv;
	char **first;

	if (format && !strcmp(format, "--"))
		format = *++argv;
	if (!format)
		return shell_fail(sh, "usage: printf format [arg ...]");
	first = argv + 1;
	w.next = first;
	do {
		if (!add_format_once(&w, format))
			break;
	} while (w.next != first && *w.next);
	return w.status;
}

/*
 * Parse a number from 0 to INT_MAX as dash does.  Returns -1 after printing an
 * error.
 */
static int parse_builtin_number(struct shell *sh, const char *s)
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

/*
 * Resolve `dest` against the logical working directory without reading symbolic
 * links.  Returns NULL if the working directory is unknown.
 */
static char *logical_path(const struct shell *sh, const char *dest)
{
	struct buf out = { 0 };
	size_t root; /* ".." does not remove the first `root` bytes */

	if (*dest == '/') {
		buf_add(&out, "/", 1);
		dest++;
		if (*dest == '/' && dest[1] != '/')
			buf_add(&out, "/", 1);
	} else if (!*sh->logical_cwd) {
		return NULL;
	} else {
		buf_add_str(&out, sh->logical_cwd);
		if (out.data[out.len - 1] != '/')
			buf_add(&out, "/", 1);
	}
	root = out.len > 1 && out.data[1] == '/' ? 2 : 1;
	while (*dest) {
		size_t len = strcspn(dest, "/");

		if (len == 2 && !memcmp(dest, "..", 2)) {
			while (out.len > root && out.data[--out.len - 1] != '/')
				;
		} else if (len && (len > 1 || *dest != '.')) {
			buf_add(&out, dest, len);
			buf_add(&out, "/", 1);
		}
		dest += len;
		dest += strspn(dest, "/");
	}
	if (out.len > root)
		out.len--;
	out.data[out.len] = '\0';
	return buf_steal(&out);
}

/*
 * Parse -L and -P; the last of these options takes effect.  Returns the
 * position after the options, or NULL after printing an error for any other
 * option.
 */
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

/*
 * CDPATH is not read, because the supported subset excludes cd with CDPATH
 * (shell/subset.h).
 */
static int builtin_cd(struct shell *sh, char **argv)
{
	bool print = false, physical = false;
	char cwd[PATH_MAX], *dir;
	const char *dest;

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
	if (!dest || !*dest)
		dest = ".";
	dir = physical ? NULL : logical_path(sh, dest);
	if (chdir(dir ? dir : dest)) {
		free(dir);
		return shell_fail(sh, "can't cd to %s", dest);
	}

	if (!dir) {
		const char *now = getcwd(cwd, sizeof(cwd));

		if (!now)
			shell_print_message(sh, "getcwd() failed: %s",
					    strerror(errno));
		dir = xstrdup(now ? now : "");
	}
	shell_vars_set(&sh->vars, "OLDPWD", sh->logical_cwd);
	shell_vars_export(&sh->vars, "OLDPWD");
	free(sh->logical_cwd);
	sh->logical_cwd = dir;
	shell_vars_set(&sh->vars, "PWD", dir);
	shell_vars_export(&sh->vars, "PWD");
	if (print)
		buf_printf(&sh->out, "%s\n", sh->logical_cwd);
	return 0;
}

static int builtin_pwd(struct shell *sh, char **argv)
{
	(void)argv;
	buf_printf(&sh->out, "%s\n", sh->logical_cwd);
	return 0;
}

static int builtin_exit(struct shell *sh, char **argv)
{
	int status = sh->trap_status >= 0 ? sh->trap_status : sh->status;

	if (argv[1]) {
		status = parse_builtin_number(sh, argv[1]);
		if (status < 0)
			return 2;
	}
	sh->skip = SHELL_SKIP_EXIT;
	/*
	 * Only _exit(2) reduces the status to eight bits, so $? in an EXIT trap
	 * is the full argument of exit.  Reduce the status now if no trap is
	 * set.  Also reduce it in a subshell that runs in this process, because
	 * such a subshell runs no trap and does not call _exit(2).
	 */
	if (sh->subshell_depth || !shell_signals_has_traps())
		status &= 0xff;
	sh->status = status;
	return sh->status;
}

static bool is_variable_name(struct shell *sh, const char *word, size_t len)
{
	if (len && shell_vars_name_length(word) == len)
		return true;
	shell_fail(sh, "%.*s: bad variable name", (int)len, word);
	return false;
}

static int builtin_export(struct shell *sh, char **argv)
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

static int builtin_unset(struct shell *sh, char **argv)
{
	for (argv++; *argv; argv++) {
		if (!is_variable_name(sh, *argv, strlen(*argv)))
			return 2;
		shell_vars_unset(&sh->vars, *argv);
	}
	return 0;
}

static int builtin_set(struct shell *sh, char **argv)
{
	struct strv copy = { 0 };
	bool all = false;

	for (argv++; *argv && (**argv == '-' || **argv == '+'); argv++) {
		bool on = **argv == '-';

		if (!strcmp(*argv, "--")) {
			all = true;
			argv++;
			break;
		}
		for (const char *c = *argv + 1; *c; c++) {
			if (*c == 'e')
				sh->errexit = on;
			if (*c == 'u')
				sh->expand.nounset = on;
			if (*c == 'f')
				sh->expand.no_glob = on;
		}
	}
	if (!*argv && !all)
		return 0;
	/*
	 * Do not free the old parameters: `shift` advances sh->args, so the
	 * pointer is not always the start of the allocated list.
	 */
	strv_add_all(&copy, argv);
	sh->args = copy.v;
	sh->n_args = copy.n;
	sh->expand.args = sh->args;
	sh->expand.n_args = sh->n_args;
	return 0;
}

static int builtin_shift(struct shell *sh, char **argv)
{
	int n = argv[1] ? parse_builtin_number(sh, argv[1]) : 1;

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

static int builtin_trap(struct shell *sh, char **argv)
{
	const char *action = NULL;
	long number;

	(void)sh;
	argv++;
	if (*argv && !strcmp(*argv, "--"))
		argv++;
	if (argv[0] && argv[1] &&
	    str_parse_number(*argv, 0, LONG_MAX, &number)) {
		action = strcmp(*argv, "-") ? *argv : NULL;
		argv++;
	}
	for (; *argv; argv++)
		shell_signals_set_trap(shell_signals_trap_number(*argv),
				       action);
	return 0;
}

/*
 * The supported subset admits only signals to the shell itself
 * (shell/subset.h).
 */
static int builtin_kill(struct shell *sh, char **argv)
{
	int sig = SIGTERM;

	argv++;
	if (!strcmp(*argv, "-s"))
		sig = shell_signals_trap_number(argv[1]);
	else if (**argv == '-')
		sig = shell_signals_trap_number(*argv + 1);
	kill(sh->pid, sig);
	return 0;
}

static int builtin_break(struct shell *sh, char **argv)
{
	int n = argv[1] ? parse_builtin_number(sh, argv[1]) : 1;

	if (n < 0)
		return 2;
	if (!n)
		return shell_fail(sh, "Illegal number: %s", argv[1]);
	if ((unsigned)n > sh->loop_depth)
		n = (int)sh->loop_depth;
	if (n) {
		sh->skip = **argv == 'c' ? SHELL_SKIP_CONTINUE :
					   SHELL_SKIP_BREAK;
		sh->skip_levels = (unsigned)n;
	}
	return 0;
}

static int builtin_true(struct shell *sh, char **argv)
{
	(void)sh, (void)argv;
	return 0;
}

static int builtin_false(struct shell *sh, char **argv)
{
	(void)sh, (void)argv;
	return 1;
}

/* All builtins of dash 0.5.12, sorted by name. */
static const struct shell_builtin builtins[] = {
	{ .name = ".", .special = true },
	{ .name = ":", .run = builtin_true, .special = true, .pure = true },
	{ .name = "[",
	  .id = SHELL_BUILTIN_TEST,
	  .run = shell_builtin_test,
	  .pure = true },
	{ .name = "alias" },
	{ .name = "bg" },
	{ .name = "break", .run = builtin_break, .special = true },
	{ .name = "cd", .id = SHELL_BUILTIN_CD, .run = builtin_cd },
	{ .name = "chdir", .id = SHELL_BUILTIN_CD, .run = builtin_cd },
	{ .name = "command",
	  .id = SHELL_BUILTIN_COMMAND,
	  .run = builtin_command,
	  .pure = true },
	{ .name = "continue", .run = builtin_break, .special = true },
	{ .name = "echo", .run = builtin_echo, .pure = true },
	{ .name = "eval", .special = true },
	{ .name = "exec",
	  .id = SHELL_BUILTIN_EXEC,
	  .run = builtin_true,
	  .special = true },
	{ .name = "exit", .run = builtin_exit, .special = true, .pure = true },
	{ .name = "export",
	  .id = SHELL_BUILTIN_EXPORT,
	  .run = builtin_export,
	  .special = true,
	  .expands_assignments = true },
	{ .name = "false", .run = builtin_false, .pure = true },
	{ .name = "fc" },
	{ .name = "fg" },
	{ .name = "getopts" },
	{ .name = "hash" },
	{ .name = "jobs" },
	{ .name = "kill", .id = SHELL_BUILTIN_KILL, .run = builtin_kill },
	{ .name = "local", .special = true, .expands_assignments = true },
	{ .name = "printf",
	  .id = SHELL_BUILTIN_PRINTF,
	  .run = builtin_printf,
	  .pure = true },
	{ .name = "pwd",
	  .id = SHELL_BUILTIN_PWD,
	  .run = builtin_pwd,
	  .pure = true },
	{ .name = "read" },
	{ .name = "readonly", .special = true, .expands_assignments = true },
	{ .name = "return", .special = true },
	{ .name = "set",
	  .id = SHELL_BUILTIN_SET,
	  .run = builtin_set,
	  .special = true },
	{ .name = "shift", .run = builtin_shift, .special = true },
	{ .name = "test",
	  .id = SHELL_BUILTIN_TEST,
	  .run = shell_builtin_test,
	  .pure = true },
	{ .name = "times", .special = true },
	{ .name = "trap",
	  .id = SHELL_BUILTIN_TRAP,
	  .run = builtin_trap,
	  .special = true },
	{ .name = "true", .run = builtin_true, .pure = true },
	{ .name = "type" },
	{ .name = "ulimit" },
	{ .name = "umask" },
	{ .name = "unalias" },
	{ .name = "unset",
	  .id = SHELL_BUILTIN_UNSET,
	  .run = builtin_unset,
	  .special = true },
	{ .name = "wait", .id = SHELL_BUILTIN_WAIT, .run = builtin_true },
};

static int compare_builtin_name(const void *name, const void *builtin)
{
	return strcmp(name, ((const struct shell_builtin *)builtin)->name);
}

const struct shell_builtin *shell_builtin_find(const char *name)
{
	return bsearch(name, builtins, ARRAY_SIZE(builtins), sizeof(*builtins),
		       compare_builtin_name);
}

int shell_builtin_run(struct shell *sh, const struct shell_builtin *b,
		      char **argv)
{
	struct buf *out = &sh->out;
	int status;

	sh->builtin = argv[0];
	buf_reset(out);
	status = b->run(sh, argv);
	/*
	 * If SIGPIPE has ended a subshell in this process, do not report the
	 * failed write: in dash, the signal kills the process of the subshell
	 * before it can print a message.
	 */
	if (out->len && sh->capture) {
		buf_add_bytes(sh->capture, buf_bytes(out));
	} else if (out->len && bytes_write(STDOUT_FILENO, buf_bytes(out)) &&
		   !shell_signals_is_pipe_broken()) {
		shell_print_message(sh, "%s: I/O error", argv[0]);
		status |= 1;
	}
	sh->builtin = NULL;
	if (status == 2 && sh->skip == SHELL_SKIP_EXIT && !b->special)
		sh->skip = SHELL_SKIP_NONE;
	return status;
}
