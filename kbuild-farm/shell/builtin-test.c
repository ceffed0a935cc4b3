/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test and [ read their words as dash does:
 *
 *	either	= both | both -o either
 *	both	= not | not -a both
 *	not	= primary | ! not
 *	primary	= UNARY word | word BINARY word | word | ( either )
 *
 * Three and four words are first looked at as POSIX.1-2018 says.
 */
#include "shell/builtin.h"

#include "shell/shell.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum kind {
	WORD,
	END,
	UNARY,
	BINARY,
	NOT,
	BOTH,
	EITHER,
	OPEN,
	CLOSE,
};

static const struct op {
	const char *text;
	enum kind kind;
} operators[] = {
	{ "-r", UNARY },   { "-w", UNARY },   { "-x", UNARY },
	{ "-e", UNARY },   { "-f", UNARY },   { "-d", UNARY },
	{ "-c", UNARY },   { "-b", UNARY },   { "-p", UNARY },
	{ "-u", UNARY },   { "-g", UNARY },   { "-k", UNARY },
	{ "-s", UNARY },   { "-t", UNARY },   { "-z", UNARY },
	{ "-n", UNARY },   { "-h", UNARY },   { "-O", UNARY },
	{ "-G", UNARY },   { "-L", UNARY },   { "-S", UNARY },
	{ "=", BINARY },   { "!=", BINARY },  { "<", BINARY },
	{ ">", BINARY },   { "-eq", BINARY }, { "-ne", BINARY },
	{ "-ge", BINARY }, { "-gt", BINARY }, { "-le", BINARY },
	{ "-lt", BINARY }, { "-nt", BINARY }, { "-ot", BINARY },
	{ "-ef", BINARY }, { "!", NOT },      { "-a", BOTH },
	{ "-o", EITHER },  { "(", OPEN },     { ")", CLOSE },
};

struct test {
	struct shell *sh;
	char **at; /* the word that is looked at */
	char **end; /* where NULL is */
	bool failed; /* and said so: what is returned counts no more */
};

static const struct op *operator_of(const char *text)
{
	for (size_t i = 0; i < sizeof(operators) / sizeof(*operators); i++) {
		if (!strcmp(text, operators[i].text))
			return &operators[i];
	}
	return NULL;
}

static const char *operand_at(const struct test *t, char **at)
{
	return at < t->end ? *at : NULL;
}

static enum kind kind_of(const char *text)
{
	const struct op *op = text ? operator_of(text) : NULL;

	return op ? op->kind : WORD;
}

/* Behind a unary operator: is that a word after all, as in `-f = x`? */
static bool is_operand(const struct test *t, char **at)
{
	const char *next = operand_at(t, at + 1);

	if (!next)
		return true;
	return operand_at(t, at + 2) && kind_of(next) == BINARY;
}

static enum kind kind_at(const struct test *t, char **at)
{
	const char *text = operand_at(t, at);
	enum kind kind = kind_of(text);

	if (!text)
		return END;
	if (kind == UNARY && is_operand(t, at))
		return WORD;
	if (kind == OPEN && !operand_at(t, at + 1))
		return WORD;
	return kind;
}

static bool complain(struct test *t, const char *word, const char *what)
{
	if (!t->failed && word && *word)
		shell_fail(t->sh, "%s: %s", word, what);
	else if (!t->failed)
		shell_fail(t->sh, "%s", what);
	t->failed = true;
	return false;
}

static intmax_t number_in(struct test *t, const char *s)
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

static bool is_accessible(const char *file, char how)
{
	int mode = how == 'r' ? R_OK : how == 'w' ? W_OK : X_OK;

	return !faccessat(AT_FDCWD, file, mode, AT_EACCESS);
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

static bool test_unary(struct test *t, const char *op, const char *word)
{
	switch (op[1]) {
	case 'z':
		return !*word;
	case 'n':
		return *word;
	case 't':
		return isatty((int)number_in(t, word));
	case 'r':
	case 'w':
	case 'x':
		return is_accessible(word, op[1]);
	default:
		return test_file(word, op[1]);
	}
}

static bool is_newer(const char *a, const char *b)
{
	struct stat x, y;

	if (stat(a, &x) || stat(b, &y))
		return false;
	return x.st_mtim.tv_sec > y.st_mtim.tv_sec ||
	       (x.st_mtim.tv_sec == y.st_mtim.tv_sec &&
		x.st_mtim.tv_nsec > y.st_mtim.tv_nsec);
}

static bool is_one_file(const char *a, const char *b)
{
	struct stat x, y;

	return !stat(a, &x) && !stat(b, &y) && x.st_dev == y.st_dev &&
	       x.st_ino == y.st_ino;
}

static bool test_numbers(struct test *t, const char *a, const char *op,
			 const char *b)
{
	intmax_t x = number_in(t, a), y = t->failed ? 0 : number_in(t, b);

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

static bool test_binary(struct test *t, const char *a, const char *op,
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
		return is_newer(a, b);
	if (!strcmp(op, "-ot"))
		return is_newer(b, a);
	if (!strcmp(op, "-ef"))
		return is_one_file(a, b);
	return test_numbers(t, a, op, b);
}

static bool read_either(struct test *t, enum kind kind);

static bool read_primary(struct test *t, enum kind kind)
{
	const char *word = operand_at(t, t->at), *op;
	bool value;

	if (kind == END)
		return false;
	if (kind == OPEN) {
		kind = kind_at(t, ++t->at);
		if (kind == CLOSE)
			return false;
		value = read_either(t, kind);
		if (!t->failed && kind_at(t, ++t->at) != CLOSE)
			return complain(t, NULL, "closing paren expected");
		return value;
	}
	if (kind == UNARY) {
		op = word;
		word = operand_at(t, ++t->at);
		return word ? test_unary(t, op, word) :
			      complain(t, op, "argument expected");
	}
	if (kind_at(t, t->at + 1) != BINARY)
		return *word;
	op = operand_at(t, ++t->at);
	if (!operand_at(t, ++t->at))
		return complain(t, op, "argument expected");
	return test_binary(t, word, op, operand_at(t, t->at));
}

static bool read_not(struct test *t, enum kind kind)
{
	if (kind != NOT)
		return read_primary(t, kind);
	kind = kind_at(t, t->at + 1);
	if (kind != END)
		t->at++;
	return !read_not(t, kind);
}

static bool read_both(struct test *t, enum kind kind)
{
	bool value = true;

	for (;;) {
		value &= read_not(t, kind);
		if (t->failed || kind_at(t, t->at + 1) != BOTH)
			return value;
		t->at += 2;
		kind = kind_at(t, t->at);
	}
}

static bool read_either(struct test *t, enum kind kind)
{
	bool value = false;

	for (;;) {
		value |= read_both(t, kind);
		if (t->failed || kind_at(t, t->at + 1) != EITHER)
			return value;
		t->at += 2;
		kind = kind_at(t, t->at);
	}
}

/* Three words and four mean what POSIX says; `*inverted` is turned around. */
static enum kind begin_test(struct test *t, bool *inverted)
{
	for (;;) {
		size_t n = (size_t)(t->end - t->at);

		if (n == 3 && kind_of(t->at[1]) == BINARY)
			return WORD;
		if (n != 3 && n != 4)
			break;
		if (!strcmp(t->at[0], "(") && !strcmp(t->end[-1], ")")) {
			t->end--;
			t->at++;
			break;
		}
		if (strcmp(t->at[0], "!") != 0)
			break;
		*inverted = true; /* a second one counts no more, in dash */
		t->at++;
	}
	return kind_at(t, t->at);
}

int shell_test(struct shell *sh, char **argv)
{
	struct test t = { .sh = sh, .at = argv + 1, .end = argv + 1 };
	bool inverted = false, value;
	enum kind kind;

	while (*t.end)
		t.end++;
	/* dash looks at no more of it. */
	if (argv[0][0] == '[' && (*--t.end)[0] != ']')
		return shell_fail(sh, "missing ]");
	if (t.at >= t.end)
		return 1;
	kind = begin_test(&t, &inverted);
	value = read_either(&t, kind);
	if (t.failed)
		return 2;
	if (operand_at(&t, t.at) && operand_at(&t, t.at + 1)) {
		complain(&t, *t.at, "unexpected operator");
		return 2;
	}
	return value == inverted;
}
