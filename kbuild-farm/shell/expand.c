/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shell/expand.h"

#include "base/str.h"
#include "shell/cells.h"
#include "shell/glob.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How a word is expanded: together. */
enum {
	FIELDS = 1, /* it will be split */
	QUOTED = 2, /* it stands in quotes */
	TILDE = 4, /* ~ at its begin is a home */
	TILDES = 8, /* so it is behind a colon */
	OPERAND = 16, /* it stands behind an operator in braces */
	PATTERN = 32, /* quotes will matter */
};

struct expansion {
	struct shell_expand *e;
	struct shell_cells cells;
};

static int expand_parts(struct expansion *x, const struct shell_word *word,
			unsigned how);

static void fail_with(struct shell_expand *e, const char *name,
		      const char *text)
{
	size_t room = strlen(name) + strlen(text) + sizeof(": ");
	char *all = arena_alloc(e->arena, room);

	snprintf(all, room, "%s: %s", name, text);
	e->error = all;
}

/* At a tilde that is not quoted: its home, if it is one. */
static bool put_home(struct expansion *x, const struct shell_part *part,
		     const char *next, unsigned how)
{
	const char *end = part->text + part->len, *home;

	/* No more than ~ itself has a home here: shell/word.c. */
	if (next == end ? part->next != NULL :
			  *next != '/' && !(*next == ':' && (how & TILDES)))
		return false;
	home = x->e->get(x->e->at, "HOME");
	if (!home)
		return false;
	shell_cells_add(&x->cells, home, strlen(home), true);
	return true;
}

/* Text outside of quotes, the first of its word or not. */
static void put_plain(struct expansion *x, const struct shell_part *part,
		      bool first, unsigned how)
{
	const char *p = part->text, *end = p + part->len;
	bool tilde = first && (how & TILDE);
	size_t begin = x->cells.n;

	while (p < end) {
		const char *stop = NULL;

		if (tilde && *p == '~' && put_home(x, part, p + 1, how)) {
			p++;
			begin = x->cells.n;
		}
		if (how & TILDES)
			stop = memchr(p, ':', (size_t)(end - p));
		stop = stop ? stop + 1 : end;
		shell_cells_add(&x->cells, p, (size_t)(stop - p), false);
		tilde = true;
		p = stop;
	}
	if (how & OPERAND && x->cells.n > begin)
		shell_cells_region(&x->cells, begin, false);
}

static void put_part_text(struct expansion *x, const struct shell_part *part,
			  bool first, unsigned how)
{
	if (part->quoted && !part->len) {
		if (how & (FIELDS | PATTERN))
			shell_cells_put(&x->cells, SHELL_CELL_MARK);
	} else if (part->quoted || how & QUOTED) {
		shell_cells_add(&x->cells, part->text, part->len, true);
	} else {
		put_plain(x, part, first, how);
	}
}

/* What is between the parameters of "$@", $@, "$*", $*; -1: nothing. */
static int separator(const struct shell_expand *e, char name, unsigned how)
{
	const char *ifs;

	if (name == '@' && how & QUOTED && how & FIELDS)
		return 0;
	ifs = e->get(e->at, "IFS");
	if (!ifs)
		return ' ';
	if (how & FIELDS && !(how & QUOTED))
		return 0;
	return *ifs ? (unsigned char)*ifs : -1;
}

/* The value of $@ or $*; how many bytes it has. */
static long put_all_args(struct expansion *x, char name, unsigned how)
{
	const struct shell_expand *e = x->e;
	int between = separator(e, name, how);
	size_t begin = x->cells.n;
	char byte = (char)between;

	for (size_t i = 0; i < e->n_args; i++) {
		shell_cells_add(&x->cells, e->args[i], strlen(e->args[i]),
				how & QUOTED);
		if (between >= 0 && i + 1 < e->n_args)
			shell_cells_add(&x->cells, &byte, 1, how & QUOTED);
	}
	return (long)(x->cells.n - begin);
}

/* A value; how many bytes it has, -1: it is unset. */
static long put_value(struct expansion *x, const char *name, unsigned how)
{
	const struct shell_expand *e = x->e;
	const char *value;
	char digits[24];
	unsigned long n;
	size_t len;

	if (name[0] == '@' || name[0] == '*')
		return put_all_args(x, name[0], how);
	if (name[0] == '#') {
		snprintf(digits, sizeof(digits), "%zu", e->n_args);
		value = digits;
	} else if (name[0] >= '1' && name[0] <= '9') {
		n = strtoul(name, NULL, 10);
		value = n <= e->n_args ? e->args[n - 1] : NULL;
	} else {
		value = e->get(e->at, name);
	}
	if (!value)
		return -1;
	len = strlen(value);
	shell_cells_add(&x->cells, value, len, how & QUOTED);
	return (long)len;
}

/* It was expanded from `begin` on, and may be split unless it is quoted. */
static void note_region(struct expansion *x, const struct shell_part *part,
			size_t begin, unsigned how)
{
	bool list = part->name[0] == '@' && x->e->n_args;

	if (!(how & QUOTED) || list)
		shell_cells_region(&x->cells, begin, how & QUOTED);
}

/* ${x=word} and ${x?word} where x has no value. */
static int put_missing(struct expansion *x, const struct shell_part *part,
		       unsigned how)
{
	size_t begin = x->cells.n;
	const char *text;
	int ret;

	ret = expand_parts(x, part->word, part->quoted ? QUOTED : TILDE);
	if (ret)
		return ret;
	text = shell_cells_text(&x->cells, begin, x->cells.n);
	shell_cells_cut(&x->cells, begin);
	if (part->op == SHELL_ERROR) {
		if (part->word->literal && !part->word->literal[0] &&
		    !part->word->parts)
			text = part->colon ? "parameter not set or null" :
					     "parameter not set";
		fail_with(x->e, part->name, text);
		return -EINVAL;
	}
	ret = x->e->set(x->e->at, part->name, text);
	if (ret)
		return ret;
	put_value(x, part->name, how);
	note_region(x, part, begin, how);
	return 0;
}

/* How much of `text` goes from which end: its length, or what is left. */
static size_t length_to_cut(char *text, const char *pattern,
			    enum shell_param_op op)
{
	size_t len = strlen(text);

	for (size_t i = 0; i <= len; i++) {
		bool longest = op == SHELL_CUT_LONG_PREFIX ||
			       op == SHELL_CUT_LONG_SUFFIX;
		size_t cut = longest ? len - i : i;
		char saved;
		bool found;

		if (op == SHELL_CUT_SUFFIX || op == SHELL_CUT_LONG_SUFFIX) {
			if (shell_match(pattern, text + len - cut))
				return cut;
			continue;
		}
		saved = text[cut];
		text[cut] = '\0';
		found = shell_match(pattern, text);
		text[cut] = saved;
		if (found)
			return cut;
	}
	return 0;
}

/* ${x%pattern} and its like: the value lies from `begin` on. */
static int cut_value(struct expansion *x, const struct shell_part *part,
		     size_t begin, unsigned how)
{
	size_t end = x->cells.n, len, cut;
	char *text = shell_cells_text(&x->cells, begin, end);
	const char *pattern;
	int ret;

	/* dash has a NUL in between, and so are regions counted. */
	shell_cells_put(&x->cells, 0);
	ret = expand_parts(x, part->word, TILDE | PATTERN);
	if (ret)
		return ret;
	pattern = shell_cells_pattern(&x->cells, end + 1, x->cells.n);
	cut = length_to_cut(text, pattern, part->op);
	len = end - begin - cut;
	if (part->op == SHELL_CUT_PREFIX || part->op == SHELL_CUT_LONG_PREFIX)
		memmove(x->cells.v + begin, x->cells.v + begin + cut,
			len * sizeof(*x->cells.v));
	shell_cells_cut(&x->cells, begin);
	x->cells.n = begin + len;
	note_region(x, part, begin, how);
	return 0;
}

static void put_length(struct expansion *x, const struct shell_part *part,
		       long len, unsigned how)
{
	size_t begin = x->cells.n;
	char digits[24];
	int n = snprintf(digits, sizeof(digits), "%ld", len);

	shell_cells_add(&x->cells, digits, (size_t)n, how & QUOTED);
	note_region(x, part, begin, how);
}

static int put_param(struct expansion *x, const struct shell_part *part,
		     unsigned how)
{
	enum shell_param_op op = part->op;
	size_t begin = x->cells.n;
	bool dropped = op == SHELL_ALTERNATIVE || op == SHELL_LENGTH;
	long len = put_value(x, part->name, dropped ? how & ~FIELDS : how);
	bool unset = len < 0 || (part->colon && !len);

	if (dropped)
		x->cells.n = begin;
	if (unset && op == SHELL_DEFAULT)
		return expand_parts(x, part->word, how | TILDE | OPERAND);
	if (!unset && op == SHELL_ALTERNATIVE)
		return expand_parts(x, part->word, how | TILDE | OPERAND);
	if (unset && (op == SHELL_ASSIGN || op == SHELL_ERROR))
		return put_missing(x, part, how);
	if (unset && op != SHELL_ALTERNATIVE && x->e->unset_fails) {
		fail_with(x->e, part->name, "parameter not set");
		return -EINVAL;
	}
	if (op == SHELL_LENGTH)
		put_length(x, part, unset ? 0 : len, how);
	else if (op < SHELL_CUT_SUFFIX && !(unset && op == SHELL_VALUE))
		note_region(x, part, begin, how);
	else if (op >= SHELL_CUT_SUFFIX && !unset)
		return cut_value(x, part, begin, how);
	return 0;
}

static int put_commands(struct expansion *x, const struct shell_part *part,
			unsigned how)
{
	size_t begin = x->cells.n;
	struct buf out = { 0 };
	int ret;

	ret = x->e->commands(x->e->at, part->list, &out);
	if (ret)
		goto out;
	for (size_t i = 0; i < out.len;) {
		const uint8_t *p = out.data + i;
		const uint8_t *nul = memchr(p, 0, out.len - i);
		size_t len = nul ? (size_t)(nul - p) : out.len - i;

		shell_cells_add(&x->cells, (const char *)p, len, how & QUOTED);
		i += len + 1;
	}
	while (x->cells.n > begin && (char)x->cells.v[x->cells.n - 1] == '\n')
		x->cells.n--;
	if (!(how & QUOTED))
		shell_cells_region(&x->cells, begin, false);
out:
	buf_release(&out);
	return ret;
}

static int expand_parts(struct expansion *x, const struct shell_word *word,
			unsigned how)
{
	const struct shell_part *part = word->parts;
	unsigned inner = how & ~(TILDE | OPERAND);
	struct shell_part all = { .kind = SHELL_TEXT };
	int ret = 0;

	if (!part) {
		all.text = word->literal ? word->literal : "";
		all.len = strlen(all.text);
		/* Nothing in it is quoted. */
		if (all.len)
			put_part_text(x, &all, true, how);
		return 0;
	}
	for (; part && !ret; part = part->next) {
		unsigned quoted = part->quoted ? QUOTED : 0;

		switch (part->kind) {
		case SHELL_TEXT:
			put_part_text(x, part, part == word->parts, how);
			break;
		case SHELL_PARAM:
			ret = put_param(x, part, inner | quoted);
			break;
		case SHELL_COMMANDS:
			ret = put_commands(x, part, inner | quoted);
			break;
		}
	}
	return ret;
}

static void add_field(struct shell_fields *out, struct arena *a, char *text)
{
	char **wide;

	if (out->n + 2 > out->cap) {
		out->cap = 2 * out->cap + 16;
		/* In front of the first there is room for another. */
		wide = arena_alloc(a, (out->cap + 1) * sizeof(*wide));
		wide++;
		if (out->n)
			memcpy(wide, out->v, out->n * sizeof(*wide));
		out->v = wide;
	}
	out->v[out->n++] = text;
	out->v[out->n] = NULL;
}

struct field_list {
	struct expansion *x;
	struct shell_fields *out;
};

/* One field of a word: the names of files that it matches, or itself. */
static void finish_field(void *at, size_t begin, size_t end)
{
	struct field_list *list = at;
	const struct shell_cells *cells = &list->x->cells;
	struct shell_expand *e = list->x->e;
	char **names;
	size_t n = 0;

	if (!e->no_glob && shell_cells_special(cells, begin, end))
		n = shell_glob(e->arena, shell_cells_pattern(cells, begin, end),
			       &names);
	for (size_t i = 0; i < n; i++)
		add_field(list->out, e->arena, names[i]);
	if (!n)
		add_field(list->out, e->arena,
			  shell_cells_text(cells, begin, end));
}

static int expand_fields(struct shell_expand *e, const struct shell_word *word,
			 struct shell_fields *out)
{
	struct expansion x = { .e = e, .cells.arena = e->arena };
	struct field_list list = { .x = &x, .out = out };
	int ret;

	ret = expand_parts(&x, word, FIELDS | TILDE);
	if (!ret)
		shell_cells_split(&x.cells, e->get(e->at, "IFS"), finish_field,
				  &list);
	return ret;
}

/* To one string, whatever is in it. */
static int expand_text(struct shell_expand *e, const struct shell_word *word,
		       unsigned how, const char **out)
{
	struct expansion x = { .e = e, .cells.arena = e->arena };
	int ret;

	if (word->literal) {
		*out = word->literal;
		return 0;
	}
	ret = expand_parts(&x, word, how);
	if (!ret)
		*out = shell_cells_text(&x.cells, 0, x.cells.n);
	return ret;
}

/* NAME=value as `export` has it: a tilde behind the "=" is one. */
static int expand_declared(struct shell_expand *e,
			   const struct shell_word *word, const char **out)
{
	struct shell_part first, rest;
	struct shell_word value = *word;
	const char *text, *equals;
	size_t name;
	int ret;

	if (word->literal) {
		*out = word->literal;
		return 0;
	}
	first = *word->parts;
	equals = memchr(first.text, '=', first.len);
	name = (size_t)(equals - first.text) + 1;
	rest = first;
	rest.text += name;
	rest.len -= name;
	value.parts = rest.len ? &rest : rest.next;
	ret = shell_expand_value(e, &value, &text);
	if (!ret) {
		char *all = arena_alloc(e->arena, name + strlen(text) + 1);

		memcpy(all, first.text, name);
		strcpy(all + name, text);
		*out = all;
	}
	return ret;
}

int shell_expand_fields(struct shell_expand *e, const struct shell_word *words,
			bool declare, struct shell_fields *out)
{
	const char *text;
	int ret = 0;

	for (; words && !ret; words = words->next) {
		if (words->literal) {
			add_field(out, e->arena, (char *)words->literal);
		} else if (declare && words->assignment) {
			ret = expand_declared(e, words, &text);
			if (!ret)
				add_field(out, e->arena, (char *)text);
		} else {
			ret = expand_fields(e, words, out);
		}
	}
	return ret;
}

int shell_expand_word(struct shell_expand *e, const struct shell_word *word,
		      const char **out)
{
	return expand_text(e, word, TILDE, out);
}

int shell_expand_value(struct shell_expand *e, const struct shell_word *word,
		       const char **out)
{
	return expand_text(e, word, TILDE | TILDES, out);
}

int shell_expand_text(struct shell_expand *e, const struct shell_word *word,
		      struct bytes *out)
{
	const char *text;
	int ret;

	ret = expand_text(e, word, QUOTED, &text);
	if (!ret)
		*out = bytes_str(text);
	return ret;
}

int shell_expand_pattern(struct shell_expand *e, const struct shell_word *word,
			 const char **out)
{
	struct expansion x = { .e = e, .cells.arena = e->arena };
	int ret;

	ret = expand_parts(&x, word, TILDE | PATTERN);
	if (!ret)
		*out = shell_cells_pattern(&x.cells, 0, x.cells.n);
	return ret;
}
