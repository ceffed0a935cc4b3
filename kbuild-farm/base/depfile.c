/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/depfile.h"

#include "base/str.h"
#include "base/vec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Columns at which the compilers fold a line. */
#define GCC_COLUMNS   72
#define CLANG_COLUMNS 75

/* A prerequisite, as spelled in the rule (`text`) and decoded (`name`). */
struct word {
	struct bytes text;
	char *name; /* points into the rule's `names` */
	bool out; /* omitted by the filter */
};

struct rule {
	struct bytes targets; /* everything up to and including the ':' */
	struct word *v;
	size_t n;
	/* buffer with the names of all words, and the unused space in it */
	char *names, *free;
	struct bytes phony; /* lines "name:" after the rule, from -MP */
	bool clang; /* folded in the style of clang */
};

static void rule_release(struct rule *rule)
{
	free(rule->names);
	free(rule->v);
	*rule = (struct rule){ 0 };
}

/*
 * Return the length of the fold at `p`: " \\\n" and the blanks after it.  gcc
 * writes one blank after the newline, and clang writes two.  Returns 0 if no
 * fold starts at `p`.
 */
static size_t fold_length(const uint8_t *p, const uint8_t *end)
{
	size_t n = 3;

	if (end - p < 3 || memcmp(p, " \\\n", 3) != 0)
		return 0;
	while (p + n < end && p[n] == ' ')
		n++;
	return n;
}

/* Bytes that end a word, and bytes that can start an escape in a word. */
enum {
	DEPFILE_BLANK = 1,
	DEPFILE_ESCAPE = 2,
};

static const uint8_t kinds[UINT8_MAX + 1] = {
	[' '] = DEPFILE_BLANK,
	['\n'] = DEPFILE_BLANK,
	['\\'] = DEPFILE_ESCAPE,
	['$'] = DEPFILE_ESCAPE,
};

/*
 * Return the length of the word at `p`, up to a blank that is not escaped.
 * Returns 0 if `p` is at a blank, a newline or the end of the text.  Also
 * returns 0 if the word has a backslash before a newline or at the end of the
 * text, where the backslash could be an escape or a part of a fold.
 */
static size_t word_size(const uint8_t *p, const uint8_t *end)
{
	const uint8_t *s = p;

	for (;; s++) {
		while (s < end && !kinds[*s])
			s++;
		if (s == end || (kinds[*s] & DEPFILE_BLANK))
			return (size_t)(s - p);
		if (*s == '\\' && (++s == end || *s == '\n'))
			return 0;
	}
}

/* Return true if the word is a file name without escapes, as nearly all are. */
static bool has_no_escapes(struct bytes word)
{
	for (size_t i = 0; i < word.len; i++) {
		if (kinds[word.data[i]] & DEPFILE_ESCAPE)
			return false;
	}
	return true;
}

/*
 * Decode `word` and write the file name to `out`.  Returns the end of the name.
 * Before a blank, each backslash of the name is doubled, and a further
 * backslash escapes the blank.  Before '#' or ':', only the last backslash is
 * an escape.  Any other backslash is literal.
 */
static char *unescape(char *out, struct bytes word)
{
	const uint8_t *p = word.data, *end = p + word.len;

	if (has_no_escapes(word)) {
		memcpy(out, p, word.len);
		return out + word.len;
	}
	while (p < end) {
		size_t run = 0, literal; /* numbers of backslashes */
		uint8_t next;

		while (p + run < end && p[run] == '\\')
			run++;
		next = p + run < end ? p[run] : 0;
		literal = run;
		if (next == ' ' || next == '\t')
			literal = run / 2;
		else if (run && (next == '#' || next == ':'))
			literal = run - 1;
		memcpy(out, p, literal);
		out += literal;
		p += run;
		if (p == end)
			break;
		if (*p == '$' && p + 1 < end && p[1] == '$')
			p++;
		*out++ = (char)*p++;
	}
	return out;
}

static bool is_last_target(struct bytes word)
{
	return word.len && word.data[word.len - 1] == ':' &&
	       (word.len < 2 || word.data[word.len - 2] != '\\');
}

/*
 * Return true if each line of `phony` is empty or consists of "name:", where
 * the names are prerequisites other than the first, in the order of the rule.
 */
static bool is_phony_valid(const struct rule *rule)
{
	const uint8_t *p = rule->phony.data, *end = p + rule->phony.len;
	size_t at = 1;

	while (p < end) {
		size_t len = word_size(p, end);

		if (p + len == end || p[len] != '\n' ||
		    (len && !is_last_target(bytes_of(p, len))))
			return false;
		while (len && at < rule->n &&
		       !bytes_equal(rule->v[at].text, bytes_of(p, len - 1)))
			at++;
		if (len && at++ >= rule->n)
			return false;
		p += len + 1;
	}
	return true;
}

/*
 * Consume one word, fold or blank of the rule's line.  Returns its length, or 0
 * if the word is malformed.
 */
static size_t take_rule_part(struct rule *rule, const uint8_t *start,
			     const uint8_t *p, const uint8_t *end)
{
	size_t len = fold_length(p, end);
	struct bytes word;

	if (len) {
		rule->clang |= len > 4;
		return len;
	}
	if (*p == ' ')
		return 1;
	len = word_size(p, end);
	if (!len)
		return 0;
	word = bytes_of(p, len);
	if (rule->targets.len) {
		*VEC_ADD(rule->v,
			 rule->n) = (struct word){ .text = word,
						   .name = rule->free };
		rule->free = unescape(rule->free, word);
		*rule->free++ = '\0';
	} else if (is_last_target(word)) {
		rule->targets = bytes_of(start, (size_t)(p - start) + len);
	}
	return len;
}

static int parse_rule(struct rule *rule, struct bytes text)
{
	const uint8_t *p = text.data, *end = p + text.len;

	*rule = (struct rule){ 0 };
	if (!text.len)
		return 0;
	if (memchr(p, '\0', text.len))
		return -EBADMSG;
	/*
	 * A name is no longer than its spelling.  A separator or the end of the
	 * text follows each spelling, which leaves space for the name's NUL.
	 */
	rule->names = rule->free = xmalloc(text.len + 1);
	while (p < end && *p != '\n') {
		size_t len = take_rule_part(rule, text.data, p, end);

		if (!len)
			break;
		p += len;
	}
	if (p < end && *p == '\n' && rule->targets.len) {
		p++;
		rule->phony = bytes_of(p, (size_t)(end - p));
		if (is_phony_valid(rule))
			return 0;
	}
	rule_release(rule);
	return -EBADMSG;
}

int depfile_parse(struct strv *out, struct bytes text)
{
	struct rule rule;
	int ret = parse_rule(&rule, text);

	if (ret)
		return ret;
	for (size_t i = 0; i < rule.n; i++)
		strv_add(out, rule.v[i].name);
	rule_release(&rule);
	return 0;
}

/*
 * Append a prerequisite in the same way as gcc's make_write_name(): the line
 * after a fold starts with one blank.
 */
static size_t put_gcc(struct buf *out, const struct word *w, size_t column)
{
	if (column + w->text.len > GCC_COLUMNS) {
		buf_add_str(out, " \\\n");
		column = 0;
	}
	buf_add_str(out, " ");
	buf_add_bytes(out, w->text);
	return column + 1 + w->text.len;
}

/*
 * Append a prerequisite in the same way as clang's outputDependencyFile(): the
 * column counts the bytes of the unescaped names.
 */
static size_t put_clang(struct buf *out, const struct word *w, size_t column)
{
	size_t len = strlen(w->name) + 1;

	if (column + len + 2 > CLANG_COLUMNS) {
		buf_add_str(out, " \\\n ");
		column = 2;
	}
	buf_add_str(out, " ");
	buf_add_bytes(out, w->text);
	return column + len;
}

static bool is_phony_excluded(const struct rule *rule, struct bytes line)
{
	for (size_t i = 1; i < rule->n; i++) {
		if (rule->v[i].out && bytes_equal(rule->v[i].text, line))
			return true;
	}
	return false;
}

static void put_phony(struct buf *out, const struct rule *rule)
{
	const uint8_t *p = rule->phony.data, *end = p + rule->phony.len;
	const uint8_t *from = p;

	for (; p < end; p++) {
		size_t len = word_size(p, end);

		p += len;
		/* Copy or omit empty lines together with the next "name:". */
		if (!len)
			continue;
		if (!is_phony_excluded(rule, bytes_of(p - len, len - 1)))
			buf_add(out, from, (size_t)(p + 1 - from));
		from = p + 1;
	}
}

static void put_rule(struct buf *out, const struct rule *rule)
{
	struct bytes targets = rule->targets;
	size_t column = 0;

	while (column < targets.len &&
	       targets.data[targets.len - 1 - column] != '\n')
		column++;
	buf_add_bytes(out, targets);
	for (size_t i = 0; i < rule->n; i++) {
		const struct word *w = &rule->v[i];

		if (w->out)
			continue;
		column = rule->clang ? put_clang(out, w, column) :
				       put_gcc(out, w, column);
	}
	buf_add_str(out, "\n");
	put_phony(out, rule);
}

int depfile_filter(struct buf *out, struct bytes text,
		   depfile_exclude_fn *is_excluded, void *ctx)
{
	struct rule rule;
	bool any = false;
	int ret = parse_rule(&rule, text);

	if (ret)
		return ret;
	if (text.len && !rule.n) {
		rule_release(&rule);
		return -EBADMSG;
	}
	for (size_t i = 0; i < rule.n; i++) {
		rule.v[i].out = is_excluded(ctx, rule.v[i].name) && i;
		any |= rule.v[i].out;
	}
	if (any)
		put_rule(out, &rule);
	else
		buf_add_bytes(out, text);
	rule_release(&rule);
	return 0;
}

int depfile_remove_source(struct buf *out, struct bytes text)
{
	struct rule rule;
	int ret = parse_rule(&rule, text);

	if (ret)
		return ret;
	if (rule.n < 2 || rule.phony.len) {
		ret = -EBADMSG;
	} else {
		rule.v[0].out = true;
		put_rule(out, &rule);
	}
	rule_release(&rule);
	return ret;
}

/* Return the first byte from `p` that is no blank and no part of a fold. */
static const uint8_t *skip_separators(const uint8_t *p, const uint8_t *end)
{
	while (p < end && *p == ' ') {
		size_t fold = fold_length(p, end);

		p += fold ? fold : 1;
	}
	return p;
}

bool depfile_has_targets(struct bytes text, const struct strv *targets)
{
	bool *seen = xcalloc(targets->n + 1, sizeof(*seen));
	const uint8_t *p, *end;
	bool equal = false;
	struct rule rule;

	if (parse_rule(&rule, text) || !rule.targets.len)
		goto out;
	p = rule.targets.data;
	end = p + rule.targets.len - 1; /* the ':' */
	for (size_t n = 0; n < targets->n; n++) {
		size_t len = 0, i = 0;

		p = skip_separators(p, end);
		for (; i < targets->n; i++) {
			len = strlen(targets->v[i]);
			if (!seen[i] && len <= (size_t)(end - p) &&
			    !memcmp(p, targets->v[i], len) &&
			    (p + len == end || p[len] == ' '))
				break;
		}
		if (i == targets->n)
			goto out;
		seen[i] = true;
		p += len;
	}
	equal = skip_separators(p, end) == end;
out:
	rule_release(&rule);
	free(seen);
	return equal;
}

char *depfile_quote_target(const char *name)
{
	size_t slashes = 0; /* backslashes directly before the character */
	struct buf out = { 0 };

	for (; *name; name++) {
		if (*name == ' ' || *name == '\t') {
			for (; slashes; slashes--)
				buf_add_str(&out, "\\");
		}
		slashes = *name == '\\' ? slashes + 1 : 0;
		if (*name == ' ' || *name == '\t' || *name == '#')
			buf_add_str(&out, "\\");
		else if (*name == '$')
			buf_add_str(&out, "$");
		buf_add(&out, name, 1);
	}
	return buf_steal(&out);
}

int depfile_replace_dir(struct buf *out, struct bytes text, bool is_clang,
			const char *from, const char *to)
{
	size_t from_len = strlen(from);
	struct strv names = { 0 };
	struct rule rule;
	int ret = parse_rule(&rule, text);

	if (ret)
		return ret;
	rule.clang = is_clang;
	for (size_t i = 0; i < rule.n; i++) {
		struct word *w = &rule.v[i];

		if (w->text.len <= from_len || w->text.data[from_len] != '/' ||
		    memcmp(w->text.data, from, from_len) != 0)
			continue;
		strv_addf(&names, "%s%.*s", to, (int)(w->text.len - from_len),
			  (const char *)w->text.data + from_len);
		w->text = bytes_str(names.v[names.n - 1]);
		/* Replace the name, too: put_clang() counts its columns. */
		strv_addf(&names, "%s%s", to, w->name + from_len);
		w->name = names.v[names.n - 1];
	}
	if (!names.n)
		buf_add_bytes(out, text);
	else if (rule.phony.len)
		ret = -EBADMSG;
	else
		put_rule(out, &rule);
	strv_release(&names);
	rule_release(&rule);
	return ret;
}

bool depfile_is_unescaped(const char *name)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789_./+-,=@";

	return *name && !name[strspn(name, plain)];
}

const char *depfile_find_value(const char *text, const char *prefix)
{
	for (const char *line = text; line && *line;) {
		const char *end = strchr(line, '\n');
		const char *set = str_starts(line, prefix) ?
					  strstr(line, " := ") :
					  NULL;

		if (set && (!end || set < end))
			return set + strlen(" := ");
		line = end ? end + 1 : NULL;
	}
	return NULL;
}

const char *depfile_find_command(const char *text, char **target)
{
	static const char *const prefixes[] = { "savedcmd_", "cmd_" };

	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++) {
		const char *value = depfile_find_value(text, prefixes[i]);
		const char *name = value;

		if (!value)
			continue;
		while (name > text && name[-1] != '\n')
			name--;
		name += strlen(prefixes[i]);
		if (target)
			*target = xstrndup(name, (size_t)(value - name) -
							 strlen(" := "));
		return value;
	}
	return NULL;
}

char *depfile_cmd_path(const char *path)
{
	size_t dir = (size_t)(str_base(path) - path);

	return xasprintf("%.*s.%s.cmd", (int)dir, path, str_base(path));
}
