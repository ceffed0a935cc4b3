/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is escaped how: POSIX.1-2018, XCU, echo with XSI, and printf. */
#include "shell/builtin.h"

#include "shell/shell.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FLAGS  "#-+ 0"
#define DIGITS "0123456789"
/* Of a width and of a precision; more is nothing that a recipe needs. */
#define DIGITS_MAX 4
/* %, flags, both numbers, the dot, "jd" and NUL. */
#define SPEC_MAX 32

static bool is_octal(char c)
{
	return c >= '0' && c <= '7';
}

/*
 * What the escape at `s`, behind its backslash, stands for; where it is none,
 * a backslash, and nothing of `s` is used.  Returns what follows.
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

/* Add it as echo and %b do; false: it held \c, and nothing is to follow. */
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

int shell_echo(struct shell *sh, char **argv)
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

/* The words that a format takes, one by one; behind the last, none. */
struct words {
	struct shell *sh;
	char **next;
	int status;
};

static char *next_argument(struct words *w)
{
	return *w->next ? *w->next++ : NULL;
}

static uintmax_t numeric_argument(struct words *w, bool is_signed)
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
		shell_say(w->sh, "%s: %s", s,
			  end == s ? "expected numeric value" :
				     "not completely converted");
	else
		shell_say(w->sh, "%s: %s", s, shell_errno_words(ERANGE));
	return n;
}

/* "%-8.3s": how long it is without its letter; 0: it is none of ours. */
static size_t spec_length(const char *spec)
{
	size_t flags = strspn(spec + 1, FLAGS);
	const char *p = spec + 1 + flags;
	size_t width = strspn(p, DIGITS), precision = 0;

	p += width;
	if (*p == '.') {
		precision = strspn(p + 1, DIGITS);
		p += 1 + precision;
	}
	if (flags > strlen(FLAGS) || width > DIGITS_MAX ||
	    precision > DIGITS_MAX || !*p || !strchr("sbcdiouxX", *p))
		return 0;
	if (*p == 'b' && p != spec + 1)
		return 0;
	return (size_t)(p - spec);
}

bool shell_printf_knows(const char *format)
{
	for (; *format; format++) {
		size_t len;

		if (*format != '%')
			continue;
		if (format[1] == '%') {
			format++;
			continue;
		}
		len = spec_length(format);
		if (!len)
			return false;
		format += len;
	}
	return true;
}

/* `spec` without its letter, then `tail`. */
static void copy_spec(char out[static SPEC_MAX], const char *spec, size_t len,
		      const char *tail)
{
	memcpy(out, spec, len);
	strcpy(out + len, tail);
}

static void print_number(struct words *w, const char *spec, size_t len,
			 char letter)
{
	bool is_signed = letter == 'd' || letter == 'i';
	char fmt[SPEC_MAX], tail[] = { 'j', letter, '\0' };

	copy_spec(fmt, spec, len, tail);
	buf_printf(&w->sh->out, fmt, numeric_argument(w, is_signed));
}

/* A character may be NUL, which buf_printf() would end at. */
static void add_character(struct words *w, const char *spec, size_t len)
{
	const char *s = next_argument(w);
	char fmt[SPEC_MAX], text[1 << 14];
	int n;

	copy_spec(fmt, spec, len, "c");
	n = snprintf(text, sizeof(text), fmt, s ? *s : '\0');
	buf_add(&w->sh->out, text, (size_t)n);
}

/* False: a %b held \c. */
static bool add_converted(struct words *w, const char *spec, size_t len)
{
	char fmt[SPEC_MAX], letter = spec[len];
	const char *s;

	switch (letter) {
	case 'b':
		s = next_argument(w);
		return !s || print_escaped(&w->sh->out, s);
	case 's':
		s = next_argument(w);
		copy_spec(fmt, spec, len, "s");
		buf_printf(&w->sh->out, fmt, s ? s : "");
		return true;
	case 'c':
		add_character(w, spec, len);
		return true;
	default:
		print_number(w, spec, len, letter);
		return true;
	}
}

/* The format once; false: a %b held \c. */
static bool add_formatted(struct words *w, const char *format)
{
	while (*format) {
		char c = *format++;
		size_t len;

		if (c == '\\') {
			format = decode_escape(format, &c);
		} else if (c == '%' && *format == '%') {
			format++;
		} else if (c == '%') {
			len = spec_length(format - 1);
			if (!add_converted(w, format - 1, len))
				return false;
			format += len;
			continue;
		}
		buf_add(&w->sh->out, &c, 1);
	}
	return true;
}

int shell_printf(struct shell *sh, char **argv)
{
	struct words w = { .sh = sh };
	const char *format = *++argv;
	char **first;

	if (format && !strcmp(format, "--"))
		format = *++argv;
	if (!format)
		return shell_fail(sh, "usage: printf format [arg ...]");
	first = argv + 1;
	w.next = first;
	do {
		if (!add_formatted(&w, format))
			break;
	} while (w.next != first && *w.next);
	return w.status;
}
