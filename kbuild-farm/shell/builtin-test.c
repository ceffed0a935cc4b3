/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Grammar of test and [, as in dash:
 *
 *	either	= both | both -o either
 *	both	= not | not -a both
 *	not	= primary | ! not
 *	primary	= UNARY word | word BINARY word | word | ( either )
 *
 * If there are three or four arguments, the rules of POSIX.1-2018 take
 * precedence.
 */
#include "shell/builtin.h"

#include "base/vec.h"
#include "shell/shell.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum test_token {
	TEST_WORD,
	TEST_END,
	TEST_UNARY,
	TEST_BINARY,
	TEST_NOT,
	TEST_AND,
	TEST_OR,
	TEST_PAREN_OPEN,
	TEST_PAREN_CLOSE,
};

static const struct {
	const char *text;
	enum test_token kind;
} test_operators[] = {
	{ "-r", TEST_UNARY },      { "-w", TEST_UNARY },
	{ "-x", TEST_UNARY },      { "-e", TEST_UNARY },
	{ "-f", TEST_UNARY },      { "-d", TEST_UNARY },
	{ "-c", TEST_UNARY },      { "-b", TEST_UNARY },
	{ "-p", TEST_UNARY },      { "-u", TEST_UNARY },
	{ "-g", TEST_UNARY },      { "-k", TEST_UNARY },
	{ "-s", TEST_UNARY },      { "-t", TEST_UNARY },
	{ "-z", TEST_UNARY },      { "-n", TEST_UNARY },
	{ "-h", TEST_UNARY },      { "-O", TEST_UNARY },
	{ "-G", TEST_UNARY },      { "-L", TEST_UNARY },
	{ "-S", TEST_UNARY },      { "=", TEST_BINARY },
	{ "!=", TEST_BINARY },     { "<", TEST_BINARY },
	{ ">", TEST_BINARY },      { "-eq", TEST_BINARY },
	{ "-ne", TEST_BINARY },    { "-ge", TEST_BINARY },
	{ "-gt", TEST_BINARY },    { "-le", TEST_BINARY },
	{ "-lt", TEST_BINARY },    { "-nt", TEST_BINARY },
	{ "-ot", TEST_BINARY },    { "-ef", TEST_BINARY },
	{ "!", TEST_NOT },         { "-a", TEST_AND },
	{ "-o", TEST_OR },         { "(", TEST_PAREN_OPEN },
	{ ")", TEST_PAREN_CLOSE },
};

struct test_state {
	struct shell *sh;
	char **at; /* current word */
	char **end; /* after the last word: *end is NULL, "]" or ")" */
	/* an error was printed, so the result is ignored */
	bool failed;
};

static const char *test_word_at(const struct test_state *t, char **at)
{
	return at < t->end ? *at : NULL;
}

static enum test_token token_of_word(const char *text)
{
	for (size_t i = 0; text && i < ARRAY_SIZE(test_operators); i++) {
		if (!strcmp(text, test_operators[i].text))
			return test_operators[i].kind;
	}
	return TEST_WORD;
}

/* Return true if the unary operator at `at` is an operand, as in `-f = x`. */
static bool is_plain_operand(const struct test_state *t, char **at)
{
	const char *next = test_word_at(t, at + 1);

	if (!next)
		return true;
	return test_word_at(t, at + 2) && token_of_word(next) == TEST_BINARY;
}

static enum test_token token_at(const struct test_state *t, char **at)
{
	const char *text = test_word_at(t, at);
	enum test_token kind = token_of_word(text);

	if (!text)
		return TEST_END;
	if (kind == TEST_UNARY && is_plain_operand(t, at))
		return TEST_WORD;
	if (kind == TEST_PAREN_OPEN && !test_word_at(t, at + 1))
		return TEST_WORD;
	return kind;
}

static bool set_test_error(struct test_state *t, const char *word,
			   const char *what)
{
	if (!t->failed && word && *word)
		shell_fail(t->sh, "%s: %s", word, what);
	else if (!t->failed)
		shell_fail(t->sh, "%s", what);
	t->failed = true;
	return false;
}

static intmax_t parse_test_number(struct test_state *t, const char *s)
{
	intmax_t n;
	char *end;

	errno = 0;
	n = strtoimax(s, &end, 10);
	if (errno != ERANGE && end != s) {
		while (isspace((unsigned char)*end))
			end++;
		if (!*end)
			return n;
	}
	if (!t->failed)
		shell_fail(t->sh, "Illegal number: %s", s);
	t->failed = true;
	return 0;
}

static bool test_file(const char *file, char what)
{
	struct stat st;
	bool link = what == 'h' || what == 'L';

	if (link ? lstat(file, &st) : stat(file, &st))
		return false;
	switch (what) {
	case 'f':
		return S_ISREG(st.st_mode);
	case 'd':
		return S_ISDIR(st.st_mode);
	case 'c':
		return S_ISCHR(st.st_mode);
	case 'b':
		return S_ISBLK(st.st_mode);
	case 'p':
		return S_ISFIFO(st.st_mode);
	case 'S':
		return S_ISSOCK(st.st_mode);
	case 'h':
	case 'L':
		return S_ISLNK(st.st_mode);
	case 'u':
		return st.st_mode & S_ISUID;
	case 'g':
		return st.st_mode & S_ISGID;
	case 'k':
		return st.st_mode & S_ISVTX;
	case 's':
		return st.st_size != 0;
	case 'O':
		return st.st_uid == geteuid();
	case 'G':
		return st.st_gid == getegid();
	default:
		return true; /* -e */
	}
}

static bool test_unary(struct test_state *t, const char *op, const char *word)
{
	switch (op[1]) {
	case 'z':
		return !*word;
	case 'n':
		return *word;
	case 't':
		return isatty((int)parse_test_number(t, word));
	case 'r':
		return !faccessat(AT_FDCWD, word, R_OK, AT_EACCESS);
	case 'w':
		return !faccessat(AT_FDCWD, word, W_OK, AT_EACCESS);
	case 'x':
		return !faccessat(AT_FDCWD, word, X_OK, AT_EACCESS);
	default:
		return test_file(word, op[1]);
	}
}

static bool is_newer_file(const char *a, const char *b)
{
	struct stat x, y;

	if (stat(a, &x) || stat(b, &y))
		return false;
	return x.st_mtim.tv_sec > y.st_mtim.tv_sec ||
	       (x.st_mtim.tv_sec == y.st_mtim.tv_sec &&
		x.st_mtim.tv_nsec > y.st_mtim.tv_nsec);
}

static bool is_same_file_inode(const char *a, const char *b)
{
	struct stat x, y;

	return !stat(a, &x) && !stat(b, &y) && x.st_dev == y.st_dev &&
	       x.st_ino == y.st_ino;
}

static bool test_numbers(struct test_state *t, const char *a, const char *op,
			 const char *b)
{
	intmax_t x = parse_test_number(t, a),
		 y = t->failed ? 0 : parse_test_number(t, b);

	switch (op[1] << 8 | op[2]) {
	case 'e' << 8 | 'q':
		return x == y;
	case 'n' << 8 | 'e':
		return x != y;
	case 'g' << 8 | 'e':
		return x >= y;
	case 'g' << 8 | 't':
		return x > y;
	case 'l' << 8 | 'e':
		return x <= y;
	default:
		return x < y;
	}
}

static bool test_binary(struct test_state *t, const char *a, const char *op,
			const char *b)
{
	switch (*op) {
	case '=':
		return !strcmp(a, b);
	case '!':
		return strcmp(a, b) != 0;
	case '<':
		return strcmp(a, b) < 0;
	case '>':
		return strcmp(a, b) > 0;
	}
	if (!strcmp(op, "-nt"))
		return is_newer_file(a, b);
	if (!strcmp(op, "-ot"))
		return is_newer_file(b, a);
	if (!strcmp(op, "-ef"))
		return is_same_file_inode(a, b);
	return test_numbers(t, a, op, b);
}

static bool parse_test_or(struct test_state *t, enum test_token kind);

static bool parse_test_primary(struct test_state *t, enum test_token kind)
{
	const char *word = test_word_at(t, t->at), *op;
	bool value;

	if (kind == TEST_END)
		return false;
	if (kind == TEST_PAREN_OPEN) {
		kind = token_at(t, ++t->at);
		if (kind == TEST_PAREN_CLOSE)
			return false;
		value = parse_test_or(t, kind);
		if (!t->failed && token_at(t, ++t->at) != TEST_PAREN_CLOSE)
			return set_test_error(t, NULL,
					      "closing paren expected");
		return value;
	}
	if (kind == TEST_UNARY) {
		op = word;
		word = test_word_at(t, ++t->at);
		return word ? test_unary(t, op, word) :
			      set_test_error(t, op, "argument expected");
	}
	if (token_at(t, t->at + 1) != TEST_BINARY)
		return *word;
	op = test_word_at(t, ++t->at);
	if (!test_word_at(t, ++t->at))
		return set_test_error(t, op, "argument expected");
	return test_binary(t, word, op, test_word_at(t, t->at));
}

static bool parse_test_not(struct test_state *t, enum test_token kind)
{
	if (kind != TEST_NOT)
		return parse_test_primary(t, kind);
	kind = token_at(t, t->at + 1);
	if (kind != TEST_END)
		t->at++;
	return !parse_test_not(t, kind);
}

static bool parse_test_and(struct test_state *t, enum test_token kind)
{
	bool value = true;

	for (;;) {
		value &= parse_test_not(t, kind);
		if (t->failed || token_at(t, t->at + 1) != TEST_AND)
			return value;
		t->at += 2;
		kind = token_at(t, t->at);
	}
}

static bool parse_test_or(struct test_state *t, enum test_token kind)
{
	bool value = false;

	for (;;) {
		value |= parse_test_and(t, kind);
		if (t->failed || token_at(t, t->at + 1) != TEST_OR)
			return value;
		t->at += 2;
		kind = token_at(t, t->at);
	}
}

/*
 * Apply the POSIX rules for three and four arguments.  Sets *inverted if the
 * result must be negated.  Returns the kind of the token at t->at, where the
 * caller starts to parse.
 */
static enum test_token parse_test_start(struct test_state *t, bool *inverted)
{
	for (;;) {
		size_t n = (size_t)(t->end - t->at);

		if (n == 3 && token_of_word(t->at[1]) == TEST_BINARY)
			return TEST_WORD;
		if (n != 3 && n != 4)
			break;
		if (!strcmp(t->at[0], "(") && !strcmp(t->end[-1], ")")) {
			t->end--;
			t->at++;
			break;
		}
		if (strcmp(t->at[0], "!") != 0)
			break;
		*inverted = true; /* dash ignores a second negation */
		t->at++;
	}
	return token_at(t, t->at);
}

int shell_builtin_test(struct shell *sh, char **argv)
{
	struct test_state t = { .sh = sh, .at = argv + 1, .end = argv + 1 };
	bool inverted = false, value;
	enum test_token kind;

	while (*t.end)
		t.end++;
	/* dash checks only the first byte of the last word of [. */
	if (argv[0][0] == '[' && (*--t.end)[0] != ']')
		return shell_fail(sh, "missing ]");
	if (t.at >= t.end)
		return 1;
	kind = parse_test_start(&t, &inverted);
	value = parse_test_or(&t, kind);
	if (t.failed)
		return 2;
	if (test_word_at(&t, t.at) && test_word_at(&t, t.at + 1)) {
		set_test_error(&t, *t.at, "unexpected operator");
		return 2;
	}
	return value == inverted;
}
