/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * scan-tokens.h - Comparison of the dependency scanner's tokens of a unit with
 * those of its compiler's -E, one token per line.
 */
#ifndef SCAN_TOKENS_H
#define SCAN_TOKENS_H

#include "base/buf.h"
#include "base/spawn.h"
#include "base/str.h"
#include "cpp/cmdline.h"
#include "cpp/cpp.h"
#include "cpp/token.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct tokens {
	/*
	 * each token with a newline; the first token of a line has a tab in
	 * front if `lines` is set
	 */
	struct buf text;
	bool lines; /* lines are significant (.S) */
	bool glued; /* printed by clang, see tokens_skip_glued() */
	size_t n;
};

static inline bool tokens_is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static inline void tokens_add(struct tokens *t, const char *s, size_t len,
			      bool fresh)
{
	size_t from;

	if (t->lines && fresh)
		buf_add(&t->text, "\t", 1);
	/* After a lone quote: the blanks of a removed pragma. */
	while (len && (s[len - 1] == ' ' || s[len - 1] == '\n'))
		len--;
	from = t->text.len;
	buf_add(&t->text, s, len);
	if (memchr(s, '\n', len)) {
		for (size_t i = from; i < t->text.len; i++) {
			if (t->text.data[i] == '\n')
				t->text.data[i] = ' ';
		}
	}
	buf_add(&t->text, "\n", 1);
	t->n++;
}

/* Callback for struct cpp_output; `ctx` is a struct tokens. */
static inline void tokens_take(void *ctx, const char *s, size_t len, bool fresh)
{
	tokens_add(ctx, s, len, fresh);
}

/* Return true if the compiler's line is a remark instead of tokens. */
static inline bool tokens_is_remark(const char *line)
{
	line += strspn(line, " ");
	return str_starts(line, "#pragma") || str_starts(line, "#ident") ||
	       str_starts(line, "#sccs");
}

/* Split the output of -E -P, which this modifies. */
static inline void tokens_split(struct tokens *t, struct buf *printed,
				unsigned mode)
{
	struct cpp_names *names = cpp_names_new();
	const char *s = buf_str(printed), *end = s + printed->len;
	const char *newline = s, *raw;
	bool fresh = true;

	for (char *line = (char *)printed->data; line && *line;) {
		char *next = strchr(line, '\n');

		if (!(mode & CPP_MODE_ASM) && tokens_is_remark(line))
			memset(line, ' ',
			       next ? (size_t)(next - line) : strlen(line));
		line = next ? next + 1 : NULL;
	}
	cpp_names_lock(names);
	struct cpp_cursor c = { names, s, s, mode };
	for (;;) {
		const char *before = c.s;
		struct cpp_token token;
		const struct cpp_name *name;

		while (before < end && tokens_is_blank(*before))
			fresh |= *before++ == '\n';
		c.s = before;
		/*
		 * A lone quote ends with its line, but a raw string can span
		 * lines.
		 */
		if (before >= newline) {
			newline = memchr(before, '\n', (size_t)(end - before));
			newline = newline ? newline : end;
			raw = memmem(before, (size_t)(newline - before), "R\"",
				     2);
			c.end = (mode & CPP_MODE_RAW_STRINGS) && raw ? end :
								       newline;
		}
		token = cpp_token_next(&c);
		if (token.kind == CPP_TOK_END)
			break;
		name = cpp_names_get(names, token.id);
		tokens_add(t, name->s, name->len, fresh);
		fresh = false;
	}
	cpp_names_unlock(names);
	cpp_names_free(names);
}

/* Return the release of a clang, and 0 for another compiler. */
static inline int tokens_clang_release(const char *compiler)
{
	char *argv[] = { (char *)compiler, (char[]){ "-dumpversion" }, NULL };
	static _Thread_local char known[PATH_MAX];
	static _Thread_local int release;
	char *line = NULL;
	struct err ignored;

	if (!strstr(compiler, "clang"))
		return 0;
	if (strcmp(known, compiler) != 0) {
		spawn_first_line(argv, NULL, 60000, &line, &ignored);
		release = line ? atoi(line) : 0;
		snprintf(known, sizeof(known), "%s", compiler);
		free(line);
	}
	return release;
}

/*
 * Return the language mode in which this command line compiles.  C has raw
 * strings from clang 19 on.
 */
static inline unsigned tokens_mode(char *const *argv, const char *compiler)
{
	int release = tokens_clang_release(compiler);
	unsigned mode = CPP_MODE_RAW_STRINGS | CPP_MODE_STRING_PREFIXES;
	const char *last = "";

	for (; *argv; argv++) {
		if (str_starts(*argv, "-std="))
			cpp_cmdline_std_mode(*argv + 5, &mode);
		if (**argv != '-')
			last = *argv;
	}
	if (release && release < 19)
		mode &= ~(unsigned)CPP_MODE_RAW_STRINGS;
	return strlen(last) > 2 && !strcmp(last + strlen(last) - 2, ".S") ?
		       CPP_MODE_ASM :
		       mode;
}

/*
 * Return true for a date with question marks, which stands for an unknown time.
 */
static inline bool tokens_is_date(const char *s, size_t len)
{
	return len >= 10 && s[0] == '"' && s[1] == '?' && s[2] == '?';
}

/*
 * clang 14 prints a token that begins a line of a macro's argument without the
 * blank in front of it: "0M8" of __COUNTER__ and, in the next line, M8.  When
 * it compiles, these are two tokens.  Returns the number of bytes of `a`,
 * without newlines, that form the token `b` of `len` bytes; 0 if they form
 * another token.
 */
static inline size_t tokens_skip_glued(const char *a, const char *b, size_t len)
{
	const char *begin = a;

	for (size_t i = 0; i < len; a++) {
		if (*a != '\n' && *a != b[i++])
			return 0;
	}
	return *a == '\n' ? (size_t)(a - begin) : 0;
}

/*
 * Describe the first difference.  Returns a string that the caller frees, or
 * NULL if the tokens are equal.
 */
static inline char *tokens_differ(const struct tokens *ours,
				  const struct tokens *theirs)
{
	const char *a = buf_str(&ours->text), *b = buf_str(&theirs->text);
	size_t n = 0;

	if (ours->text.len == theirs->text.len && !strcmp(a, b))
		return NULL;
	for (; *a && *b; n++) {
		size_t x = strcspn(a, "\n"), y = strcspn(b, "\n");
		size_t glued = theirs->glued ? tokens_skip_glued(a, b, y) : 0;

		if (glued)
			x = glued;
		else if ((x != y || memcmp(a, b, x)) &&
			 !(tokens_is_date(a + (*a == '\t'), x) && *b != '\0'))
			break;
		a += x + 1;
		b += y + 1;
	}
	if (!*a && !*b)
		return NULL;
	return xasprintf("token %zu\nscanned:\n%.160s\ncompiler:\n%.160s", n, a,
			 b);
}

#endif
