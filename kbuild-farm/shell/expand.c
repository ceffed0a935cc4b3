/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shell/expand.h"

#include "base/buf.h"
#include "base/str.h"
#include "base/vec.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const struct char_class {
	const char *name;
	int (*is_member)(int c);
} char_classes[] = {
	{ ":alnum:]", isalnum }, { ":alpha:]", isalpha },
	{ ":blank:]", isblank }, { ":cntrl:]", iscntrl },
	{ ":digit:]", isdigit }, { ":graph:]", isgraph },
	{ ":lower:]", islower }, { ":print:]", isprint },
	{ ":punct:]", ispunct }, { ":space:]", isspace },
	{ ":upper:]", isupper }, { ":xdigit:]", isxdigit },
};

/*
 * Match [:class:] inside brackets; `p` points to its first colon.  Returns the
 * position after the class, or NULL if there is no such class.
 */
static const char *match_class(const char *p, char c, bool *found)
{
	for (size_t i = 0; i < ARRAY_SIZE(char_classes); i++) {
		size_t len = strlen(char_classes[i].name);

		if (strncmp(p, char_classes[i].name, len) != 0)
			continue;
		*found |= char_classes[i].is_member((unsigned char)c) != 0;
		return p + len;
	}
	return NULL;
}

/*
 * Match `c` against a bracket expression; `p` is after "[" or "[!".  Returns
 * the position after the "]", or NULL if there is no "]".
 */
static const char *match_brackets(const char *p, char c, bool *found)
{
	const char *end;

	*found = false;
	do {
		char first = *p++;

		if (!first)
			return NULL;
		if (first == '[') {
			end = match_class(p, c, found);
			if (end) {
				p = end;
				continue;
			}
		} else if (first == '\\') {
			if (!*p)
				return NULL;
			first = *p++;
		}
		if (*p != '-' || p[1] == ']') {
			*found |= c == first;
			continue;
		}
		p++;
		if (*p == '\\')
			p++;
		if (!*p)
			return NULL;
		*found |= c >= first && c <= *p;
		p++;
	} while (*p != ']');
	return p + 1;
}

/*
 * Match `c`, which is not NUL, against one item of the pattern and advance *p
 * past it.
 */
static bool match_pattern_item(const char **p, char c)
{
	const char *at = *p, *end;
	bool negative, found;

	*p = at + 1;
	switch (*at) {
	case '?':
		return true;
	case '[':
		negative = at[1] == '!';
		end = match_brackets(at + 1 + negative, c, &found);
		if (!end)
			return c == '[';
		*p = end;
		return found != negative;
	case '\\':
		if (!at[1])
			return c == '\\';
		*p = at + 2;
		return c == at[1];
	default:
		return *at && c == *at;
	}
}

bool shell_match_pattern(const char *pattern, const char *text)
{
	const char *p = pattern, *star = NULL, *star_text = NULL;

	for (;;) {
		if (*p == '*') {
			star = ++p;
			star_text = text;
			continue;
		}
		if (!*text && !*p)
			return true;
		if (*text && match_pattern_item(&p, *text)) {
			text++;
			continue;
		}
		/* Let the last * match one more byte. */
		if (!star || !*star_text)
			return false;
		p = star;
		text = ++star_text;
	}
}

/*
 * A cell is a byte with flags, or a zero-width mark where quotes begin or end.
 */
#define EXPAND_CELL_QUOTED     0x100
#define EXPAND_CELL_QUOTE_MARK 0x200

/*
 * Range of cells that is split into fields.  A range with `split_at_nul` is the
 * result of "$@" and is split only at NUL bytes.  Any other range is the result
 * of an unquoted expansion and is split by IFS.
 */
struct expand_region {
	size_t begin, end;
	bool split_at_nul;
};

struct expand_buf {
	struct arena *arena; /* holds all arrays */
	uint16_t *v;
	size_t n, cap;
	struct expand_region *regions; /* sorted by `begin` */
	size_t n_regions, cap_regions;
};

/* Reserve room for `more` elements of an array in the arena. */
static void *grow_in_arena(struct arena *a, void *v, size_t n, size_t more,
			   size_t *cap, size_t size)
{
	void *wide;

	if (n + more <= *cap)
		return v;
	*cap = 2 * (n + more) + 32;
	wide = arena_alloc(a, *cap * size);
	if (n)
		memcpy(wide, v, n * size);
	return wide;
}

static void expand_buf_put(struct expand_buf *c, uint16_t cell)
{
	c->v = grow_in_arena(c->arena, c->v, c->n, 1, &c->cap, sizeof(*c->v));
	c->v[c->n++] = cell;
}

static void expand_buf_add(struct expand_buf *c, const char *text, size_t len,
			   bool quoted)
{
	uint16_t bits = quoted ? EXPAND_CELL_QUOTED : 0;

	c->v = grow_in_arena(c->arena, c->v, c->n, len, &c->cap, sizeof(*c->v));
	for (size_t i = 0; i < len; i++)
		c->v[c->n++] = (uint16_t)((unsigned char)text[i] | bits);
}

static void expand_buf_add_region(struct expand_buf *c, size_t begin,
				  bool nul_only)
{
	c->regions = grow_in_arena(c->arena, c->regions, c->n_regions, 1,
				   &c->cap_regions, sizeof(*c->regions));
	c->regions[c->n_regions++] = (struct expand_region){
		.begin = begin,
		.end = c->n,
		.split_at_nul = nul_only,
	};
}

/* Truncate to `n` cells. */
static void expand_buf_truncate(struct expand_buf *c, size_t n)
{
	c->n = n;
	/* dash retains the first region even if it begins at `n`. */
	while (c->n_regions && c->regions[c->n_regions - 1].begin >= n &&
	       !(c->n_regions == 1 && c->regions[0].begin == n))
		c->n_regions--;
	if (c->n_regions && c->regions[c->n_regions - 1].end > n)
		c->regions[c->n_regions - 1].end = n;
}

/* Return the cells from `begin` to `end` as a string in the arena. */
static char *expand_buf_to_text(const struct expand_buf *c, size_t begin,
				size_t end)
{
	char *text = arena_alloc(c->arena, end - begin + 1), *p = text;

	for (size_t i = begin; i < end; i++) {
		if (!(c->v[i] & EXPAND_CELL_QUOTE_MARK))
			*p++ = (char)c->v[i];
	}
	*p = '\0';
	return text;
}

/*
 * Return the cells as a pattern: quoted bytes that are special in patterns get
 * a backslash.
 */
static char *expand_buf_to_pattern(const struct expand_buf *c, size_t begin,
				   size_t end)
{
	char *text = arena_alloc(c->arena, 2 * (end - begin) + 1), *p = text;
	bool escaped = false; /* previous byte is an unquoted backslash */

	for (size_t i = begin; i < end; i++) {
		uint16_t cell = c->v[i];
		char byte = (char)cell;

		if (cell & EXPAND_CELL_QUOTE_MARK) {
			escaped = false;
			continue;
		}
		if (cell & EXPAND_CELL_QUOTED && !escaped && byte &&
		    strchr("!*?[=~:/-]\\", byte))
			*p++ = '\\';
		*p++ = byte;
		escaped = cell == '\\';
	}
	*p = '\0';
	return text;
}

/*
 * Return true if the cells are a pattern for pathname expansion, that is, if
 * they contain an unquoted *, ? or [.
 */
static bool expand_buf_has_glob(const struct expand_buf *c, size_t begin,
				size_t end)
{
	for (size_t i = begin; i < end; i++) {
		if (c->v[i] == '*' || c->v[i] == '?' || c->v[i] == '[')
			return true;
	}
	return false;
}

struct glob_state {
	struct arena *arena;
	/* directory being read, ending in a slash, or the path of a match */
	struct buf path;
	char **matches;
	size_t n_matches, cap_matches;
};

static void add_glob_match(struct glob_state *g)
{
	g->matches = vec_reserve(g->matches, &g->cap_matches, g->n_matches,
				 sizeof(*g->matches));
	g->matches[g->n_matches++] = arena_copy(g->arena, buf_str(&g->path),
						g->path.len);
}

/* Append the pattern's text without its backslashes. */
static void add_unescaped(struct buf *path, const char *p, const char *end)
{
	for (; p < end; p++) {
		if (*p == '\\' && p + 1 < end)
			p++;
		buf_add(path, p, 1);
	}
}

/*
 * Return true if the bracket expression that starts before `p` ends in the same
 * path component.
 */
static bool has_closing_bracket(const char *p)
{
	if (*p == '!')
		p++;
	for (;;) {
		if (*p == '\\')
			p++;
		if (!*p || *p == '/')
			return false;
		if (*++p == ']')
			return true;
	}
}

/*
 * Find the first path component with a special byte.  It extends from *start to
 * the returned position, which is a slash, the backslash before a slash, or the
 * end of the pattern.  Returns NULL if no component has a special byte.
 */
static const char *find_glob_component(const char *pattern, const char **start)
{
	bool special = false;
	const char *p;
	int escape;

	*start = pattern;
	for (p = pattern; *p; p += escape + 1) {
		escape = *p == '\\' && p[1];
		if (*p == '*' || *p == '?' ||
		    (*p == '[' && has_closing_bracket(p + 1)))
			special = true;
		if (p[escape] != '/')
			continue;
		if (special)
			return p;
		*start = p + escape + 1;
	}
	return special ? p : NULL;
}

static void glob_directory(struct glob_state *g, const char *pattern)
{
	const char *start, *end = find_glob_component(pattern, &start);
	struct dirent *entry;
	struct stat st;
	char *special;
	bool hidden;
	size_t len;
	DIR *dir;

	if (!end) {
		/*
		 * If the path is still empty, the whole pattern has no special
		 * byte, so there is nothing to match.
		 */
		if (!g->path.len)
			return;
		add_unescaped(&g->path, pattern, pattern + strlen(pattern));
		if (!lstat(buf_str(&g->path), &st))
			add_glob_match(g);
		return;
	}
	add_unescaped(&g->path, pattern, start);
	dir = opendir(g->path.len ? buf_str(&g->path) : ".");
	if (!dir)
		return;
	special = arena_copy(g->arena, start, (size_t)(end - start));
	hidden = special[special[0] == '\\'] == '.';
	len = g->path.len;
	while ((entry = readdir(dir))) {
		if ((entry->d_name[0] == '.' && !hidden) ||
		    !shell_match_pattern(special, entry->d_name))
			continue;
		buf_add_str(&g->path, entry->d_name);
		if (*end) {
			buf_add_str(&g->path, "/");
			glob_directory(g, end + 1 + (*end == '\\'));
		} else {
			add_glob_match(g);
		}
		g->path.len = len;
		g->path.data[len] = '\0';
	}
	closedir(dir);
}

static int compare_name_bytes(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/*
 * Store the file names that match the pattern in *v, sorted bytewise; the list
 * and the names lie in `a`.  Returns the number of names, which is 0 if no byte
 * of the pattern is special.
 */
static size_t expand_glob(struct arena *a, const char *pattern, char ***v)
{
	struct glob_state g = { .arena = a };

	glob_directory(&g, pattern);
	if (g.n_matches)
		qsort(g.matches, g.n_matches, sizeof(*g.matches),
		      compare_name_bytes);
	*v = arena_alloc(a, (g.n_matches + 1) * sizeof(**v));
	if (g.n_matches)
		memcpy(*v, g.matches, g.n_matches * sizeof(**v));
	free(g.matches);
	buf_release(&g.path);
	return g.n_matches;
}

/* Flags of an expansion. */
enum {
	EXPAND_FIELDS = 1, /* the result is split by IFS */
	EXPAND_QUOTED = 2, /* inside double quotes */
	EXPAND_TILDE = 4, /* a leading ~ is expanded */
	EXPAND_COLON_TILDES = 8, /* a ~ after a colon is expanded */
	EXPAND_OPERAND = 16, /* operand of a parameter operator */
	EXPAND_PATTERN = 32, /* the result is a pattern with quote marks */
};

struct expansion {
	struct shell_expand *config;
	struct expand_buf buf;
};

static int expand_parts(struct expansion *x, const struct shell_word *word,
			unsigned how);

static void set_expand_error(struct shell_expand *e, const char *name,
			     const char *text)
{
	size_t room = strlen(name) + strlen(text) + sizeof(": ");
	char *all = arena_alloc(e->arena, room);

	snprintf(all, room, "%s: %s", name, text);
	e->error = all;
}

/*
 * Append the value of HOME for the unquoted tilde before `next`.  Returns
 * false, and appends nothing, if the tilde is literal or HOME is unset.
 */
static bool put_home_dir(struct expansion *x, const struct shell_part *part,
			 const char *next, unsigned how)
{
	const char *end = part->text + part->len, *home;

	/*
	 * The lexer rejects ~user.  Any other tilde is literal, except before
	 * '/', before the end of the word and, with EXPAND_COLON_TILDES, before
	 * ':'.
	 */
	if (next == end ? part->next != NULL :
			  *next != '/' && !(*next == ':' &&
					    (how & EXPAND_COLON_TILDES)))
		return false;
	home = x->config->get(x->config->ctx, "HOME");
	if (!home)
		return false;
	expand_buf_add(&x->buf, home, strlen(home), true);
	return true;
}

/* Append unquoted text; `first` is set for the first part of a word. */
static void put_unquoted_text(struct expansion *x,
			      const struct shell_part *part, bool first,
			      unsigned how)
{
	const char *p = part->text, *end = p + part->len;
	bool tilde = first && (how & EXPAND_TILDE);
	size_t begin = x->buf.n;

	while (p < end) {
		const char *stop = NULL;

		if (tilde && *p == '~' && put_home_dir(x, part, p + 1, how)) {
			p++;
			begin = x->buf.n;
		}
		if (how & EXPAND_COLON_TILDES)
			stop = memchr(p, ':', (size_t)(end - p));
		stop = stop ? stop + 1 : end;
		expand_buf_add(&x->buf, p, (size_t)(stop - p), false);
		tilde = true;
		p = stop;
	}
	if (how & EXPAND_OPERAND && x->buf.n > begin)
		expand_buf_add_region(&x->buf, begin, false);
}

static void put_part_text(struct expansion *x, const struct shell_part *part,
			  bool first, unsigned how)
{
	if (part->quoted && !part->len) {
		if (how & (EXPAND_FIELDS | EXPAND_PATTERN))
			expand_buf_put(&x->buf, EXPAND_CELL_QUOTE_MARK);
	} else if (part->quoted || how & EXPAND_QUOTED) {
		expand_buf_add(&x->buf, part->text, part->len, true);
	} else {
		put_unquoted_text(x, part, first, how);
	}
}

/*
 * Return the byte that separates the parameters in "$@", $@, "$*" or $*.
 * Returns 0 if each parameter is a separate field, and -1 if the parameters are
 * joined without a separator.
 */
static int args_separator(const struct shell_expand *e, char name, unsigned how)
{
	const char *ifs;

	if (name == '@' && how & EXPAND_QUOTED && how & EXPAND_FIELDS)
		return 0;
	ifs = e->get(e->ctx, "IFS");
	if (!ifs)
		return ' ';
	if (how & EXPAND_FIELDS && !(how & EXPAND_QUOTED))
		return 0;
	return *ifs ? (unsigned char)*ifs : -1;
}

/* Append the value of $@ or $*.  Returns its length in bytes. */
static long put_all_args(struct expansion *x, char name, unsigned how)
{
	const struct shell_expand *e = x->config;
	int between = args_separator(e, name, how);
	size_t begin = x->buf.n;
	char byte = (char)between;

	for (size_t i = 0; i < e->n_args; i++) {
		expand_buf_add(&x->buf, e->args[i], strlen(e->args[i]),
			       how & EXPAND_QUOTED);
		if (between >= 0 && i + 1 < e->n_args)
			expand_buf_add(&x->buf, &byte, 1, how & EXPAND_QUOTED);
	}
	return (long)(x->buf.n - begin);
}

/*
 * Append the value of a parameter.  Returns the length of the value in bytes,
 * or -1 if the parameter is unset.
 */
static long put_value(struct expansion *x, const char *name, unsigned how)
{
	const struct shell_expand *e = x->config;
	const char *value;
	char digits[24];
	unsigned long n;
	size_t len;

	if (name[0] == '@' || name[0] == '*')
		return put_all_args(x, name[0], how);
	if (name[0] == '#') {
		snprintf(digits, sizeof(digits), "%zu", e->n_args);
		value = digits;
	} else if (name[0] >= '0' && name[0] <= '9') {
		/* As in dash, ${01} is $1 and ${00} is $0. */
		n = strtoul(name, NULL, 10);
		if (n)
			value = n <= e->n_args ? e->args[n - 1] : NULL;
		else
			value = e->get(e->ctx, "0");
	} else {
		value = e->get(e->ctx, name);
	}
	if (!value)
		return -1;
	len = strlen(value);
	expand_buf_add(&x->buf, value, len, how & EXPAND_QUOTED);
	return (long)len;
}

/*
 * Mark the value that begins at `begin` as subject to splitting.  A quoted
 * value is not split, except "$@", which is split between its parameters.
 */
static void add_value_region(struct expansion *x, const struct shell_part *part,
			     size_t begin, unsigned how)
{
	bool list = part->name[0] == '@' && x->config->n_args;

	if (!(how & EXPAND_QUOTED) || list)
		expand_buf_add_region(&x->buf, begin, how & EXPAND_QUOTED);
}

/* Expand ${x=word} or ${x?word} for a parameter that counts as unset. */
static int put_unset_operand(struct expansion *x, const struct shell_part *part,
			     unsigned how)
{
	size_t begin = x->buf.n;
	const char *text;
	int ret;

	/* dash does not quote the operand, even in a quoted ${...}. */
	ret = expand_parts(x, part->word, EXPAND_TILDE);
	if (ret)
		return ret;
	text = expand_buf_to_text(&x->buf, begin, x->buf.n);
	expand_buf_truncate(&x->buf, begin);
	if (part->op == SHELL_OP_ERROR) {
		if (part->word->literal && !part->word->literal[0] &&
		    !part->word->parts)
			text = part->colon ? "parameter not set or null" :
					     "parameter not set";
		set_expand_error(x->config, part->name, text);
		return -EINVAL;
	}
	ret = x->config->set(x->config->ctx, part->name, text);
	if (ret)
		return ret;
	put_value(x, part->name, how);
	add_value_region(x, part, begin, how);
	return 0;
}

/* Return the number of bytes that the operator removes from `text`. */
static size_t matched_len(char *text, const char *pattern,
			  enum shell_param_op op)
{
	size_t len = strlen(text);

	for (size_t i = 0; i <= len; i++) {
		bool longest = op == SHELL_OP_REMOVE_LONG_PREFIX ||
			       op == SHELL_OP_REMOVE_LONG_SUFFIX;
		size_t cut = longest ? len - i : i;
		char saved;
		bool found;

		if (op == SHELL_OP_REMOVE_SUFFIX ||
		    op == SHELL_OP_REMOVE_LONG_SUFFIX) {
			if (shell_match_pattern(pattern, text + len - cut))
				return cut;
			continue;
		}
		saved = text[cut];
		text[cut] = '\0';
		found = shell_match_pattern(pattern, text);
		text[cut] = saved;
		if (found)
			return cut;
	}
	return 0;
}

/* Expand ${x%pattern} and similar.  The value begins at `begin`. */
static int remove_affix(struct expansion *x, const struct shell_part *part,
			size_t begin, unsigned how)
{
	size_t end = x->buf.n, len, cut;
	char *text = expand_buf_to_text(&x->buf, begin, end);
	const char *pattern;
	int ret;

	/*
	 * As in dash, a NUL separates the value from the pattern.  Without the
	 * NUL, expand_buf_truncate() would retain a region of the pattern if
	 * the value is empty.
	 */
	expand_buf_put(&x->buf, 0);
	ret = expand_parts(x, part->word, EXPAND_TILDE | EXPAND_PATTERN);
	if (ret)
		return ret;
	pattern = expand_buf_to_pattern(&x->buf, end + 1, x->buf.n);
	cut = matched_len(text, pattern, part->op);
	len = end - begin - cut;
	if (part->op == SHELL_OP_REMOVE_PREFIX ||
	    part->op == SHELL_OP_REMOVE_LONG_PREFIX)
		memmove(x->buf.v + begin, x->buf.v + begin + cut,
			len * sizeof(*x->buf.v));
	expand_buf_truncate(&x->buf, begin);
	x->buf.n = begin + len;
	add_value_region(x, part, begin, how);
	return 0;
}

static int put_param(struct expansion *x, const struct shell_part *part,
		     unsigned how)
{
	enum shell_param_op op = part->op;
	size_t begin = x->buf.n;
	bool dropped = op == SHELL_OP_ALTERNATIVE || op == SHELL_OP_LENGTH;
	long len = put_value(x, part->name,
			     dropped ? how & ~EXPAND_FIELDS : how);
	bool unset = len < 0 || (part->colon && !len);
	char digits[24];
	int n;

	if (dropped)
		x->buf.n = begin;
	if (unset && op == SHELL_OP_DEFAULT)
		return expand_parts(x, part->word,
				    how | EXPAND_TILDE | EXPAND_OPERAND);
	if (!unset && op == SHELL_OP_ALTERNATIVE)
		return expand_parts(x, part->word,
				    how | EXPAND_TILDE | EXPAND_OPERAND);
	if (unset && (op == SHELL_OP_ASSIGN || op == SHELL_OP_ERROR))
		return put_unset_operand(x, part, how);
	if (unset && op != SHELL_OP_ALTERNATIVE && x->config->nounset) {
		set_expand_error(x->config, part->name, "parameter not set");
		return -EINVAL;
	}
	if (op == SHELL_OP_LENGTH) {
		n = snprintf(digits, sizeof(digits), "%ld", unset ? 0 : len);
		expand_buf_add(&x->buf, digits, (size_t)n, how & EXPAND_QUOTED);
		add_value_region(x, part, begin, how);
	} else if (op < SHELL_OP_REMOVE_SUFFIX &&
		   !(unset && op == SHELL_OP_VALUE)) {
		add_value_region(x, part, begin, how);
	} else if (op >= SHELL_OP_REMOVE_SUFFIX && !unset) {
		return remove_affix(x, part, begin, how);
	}
	return 0;
}

static int put_commands(struct expansion *x, const struct shell_part *part,
			unsigned how)
{
	size_t begin = x->buf.n;
	struct buf out = { 0 };
	int ret;

	ret = x->config->substitute(x->config->ctx, part->list, &out);
	if (ret)
		goto out;
	for (size_t i = 0; i < out.len;) {
		const uint8_t *p = out.data + i;
		const uint8_t *nul = memchr(p, 0, out.len - i);
		size_t len = nul ? (size_t)(nul - p) : out.len - i;

		expand_buf_add(&x->buf, (const char *)p, len,
			       how & EXPAND_QUOTED);
		i += len + 1;
	}
	while (x->buf.n > begin && (char)x->buf.v[x->buf.n - 1] == '\n')
		x->buf.n--;
	if (!(how & EXPAND_QUOTED))
		expand_buf_add_region(&x->buf, begin, false);
out:
	buf_release(&out);
	return ret;
}

static int expand_parts(struct expansion *x, const struct shell_word *word,
			unsigned how)
{
	const struct shell_part *part = word->parts;
	unsigned inner = how & ~(EXPAND_TILDE | EXPAND_OPERAND);
	struct shell_part all = { .kind = SHELL_PART_TEXT };
	int ret = 0;

	if (!part) {
		all.text = word->literal ? word->literal : "";
		all.len = strlen(all.text);
		/* An empty word without parts adds nothing, not even quotes. */
		if (all.len)
			put_part_text(x, &all, true, how);
		return 0;
	}
	for (; part && !ret; part = part->next) {
		unsigned quoted = part->quoted ? EXPAND_QUOTED : 0;

		switch (part->kind) {
		case SHELL_PART_TEXT:
			put_part_text(x, part, part == word->parts, how);
			break;
		case SHELL_PART_PARAM:
			ret = put_param(x, part, inner | quoted);
			break;
		case SHELL_PART_COMMANDS:
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
		/* One spare element precedes the first field. */
		wide = arena_alloc(a, (out->cap + 1) * sizeof(*wide));
		wide++;
		if (out->n)
			memcpy(wide, out->v, out->n * sizeof(*wide));
		out->v = wide;
	}
	out->v[out->n++] = text;
	out->v[out->n] = NULL;
}

struct field_splitter {
	struct expansion *expansion;
	struct shell_fields *out;
	const char *ifs;
	size_t start; /* start of the current field */
	bool after_nul; /* the previous region came from "$@" */
};

/* Add the file names that the current field matches, or the field itself. */
static void add_globbed_field(struct field_splitter *s, size_t end)
{
	const struct expand_buf *cells = &s->expansion->buf;
	struct shell_expand *e = s->expansion->config;
	char **names = NULL;
	size_t n = 0;

	if (!e->no_glob && expand_buf_has_glob(cells, s->start, end))
		n = expand_glob(e->arena,
				expand_buf_to_pattern(cells, s->start, end),
				&names);
	for (size_t i = 0; i < n; i++)
		add_field(s->out, e->arena, names[i]);
	if (!n)
		add_field(s->out, e->arena,
			  expand_buf_to_text(cells, s->start, end));
}

static void split_field_region(struct field_splitter *s,
			       const struct expand_region *r)
{
	const char *ifs = r->split_at_nul ? "" : s->ifs;
	bool space = false; /* white space has ended a field */

	for (size_t i = r->begin; i < r->end; i++) {
		uint16_t cell = s->expansion->buf.v[i];
		char byte = (char)cell;
		/* strchr() also finds the terminating NUL, so NUL separates. */
		bool separates = !(cell & EXPAND_CELL_QUOTE_MARK) &&
				 strchr(ifs, byte);
		/*
		 * Adjacent white space is collapsed; NUL counts as white space.
		 */
		bool white = separates && (byte == ' ' || byte == '\t' ||
					   byte == '\n' || !byte);

		if (space) {
			s->start = separates ? i + 1 : i;
			if (white)
				continue;
			separates = false;
		}
		if (!separates) {
			space = false;
			continue;
		}
		if (!s->after_nul && !r->split_at_nul)
			space = white;
		if (s->start == i && space)
			space = false;
		else
			add_globbed_field(s, i);
		s->start = i + 1;
	}
	s->after_nul = r->split_at_nul;
}

/* Expand a word and split the result by IFS as dash does. */
static int expand_fields(struct shell_expand *e, const struct shell_word *word,
			 struct shell_fields *out)
{
	struct expansion x = { .config = e, .buf.arena = e->arena };
	struct field_splitter s = { .expansion = &x, .out = out };
	int ret;

	ret = expand_parts(&x, word, EXPAND_FIELDS | EXPAND_TILDE);
	if (ret)
		return ret;
	s.ifs = e->get(e->ctx, "IFS");
	if (!s.ifs)
		s.ifs = " \t\n";
	for (size_t i = 0; i < x.buf.n_regions; i++)
		split_field_region(&s, &x.buf.regions[i]);
	if ((x.buf.n_regions && s.after_nul) ||
	    (s.start < x.buf.n && x.buf.v[s.start] != 0))
		add_globbed_field(&s, x.buf.n);
	return 0;
}

/* Expand a word to one string, without splitting or pathname expansion. */
static int expand_to_string(struct shell_expand *e,
			    const struct shell_word *word, unsigned how,
			    const char **out)
{
	struct expansion x = { .config = e, .buf.arena = e->arena };
	int ret;

	if (word->literal) {
		*out = word->literal;
		return 0;
	}
	ret = expand_parts(&x, word, how);
	if (!ret)
		*out = expand_buf_to_text(&x.buf, 0, x.buf.n);
	return ret;
}

/*
 * Expand NAME=value as an argument of `export`, where a tilde after "=" is
 * expanded.
 */
static int expand_assignment_word(struct shell_expand *e,
				  const struct shell_word *word,
				  const char **out)
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
	ret = shell_expand_assignment(e, &value, &text);
	if (!ret) {
		char *all = arena_alloc(e->arena, name + strlen(text) + 1);

		memcpy(all, first.text, name);
		strcpy(all + name, text);
		*out = all;
	}
	return ret;
}

int shell_expand_fields(struct shell_expand *e, const struct shell_word *words,
			bool expand_assignments, struct shell_fields *out)
{
	const char *text;
	int ret = 0;

	for (; words && !ret; words = words->next) {
		if (words->literal) {
			add_field(out, e->arena, (char *)words->literal);
		} else if (expand_assignments && words->assignment) {
			ret = expand_assignment_word(e, words, &text);
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
	return expand_to_string(e, word, EXPAND_TILDE, out);
}

int shell_expand_assignment(struct shell_expand *e,
			    const struct shell_word *word, const char **out)
{
	return expand_to_string(e, word, EXPAND_TILDE | EXPAND_COLON_TILDES,
				out);
}

int shell_expand_heredoc(struct shell_expand *e, const struct shell_word *word,
			 struct bytes *out)
{
	const char *text;
	int ret;

	ret = expand_to_string(e, word, EXPAND_QUOTED, &text);
	if (!ret)
		*out = bytes_str(text);
	return ret;
}

int shell_expand_pattern(struct shell_expand *e, const struct shell_word *word,
			 const char **out)
{
	struct expansion x = { .config = e, .buf.arena = e->arena };
	int ret;

	ret = expand_parts(&x, word, EXPAND_TILDE | EXPAND_PATTERN);
	if (!ret)
		*out = expand_buf_to_pattern(&x.buf, 0, x.buf.n);
	return ret;
}
