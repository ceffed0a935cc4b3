/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "gas/internal.h"

#include "base/vec.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/*
 * Macro expansion as in gas/macro.c of binutils.
 *
 * In the alternate syntax, parameters need no backslash, <TEXT> is a quoted
 * string, ! escapes a character, %EXPR is replaced by a number, and LOCAL
 * generates unique names.
 */

static bool starts_with_char(const struct gas_span *in, char c)
{
	return in->p < in->end && *in->p == c;
}

/* Skip blanks with at most one comma. */
static void skip_comma(struct gas_span *in)
{
	gas_skip_blanks(in);
	in->p += starts_with_char(in, ',');
	gas_skip_blanks(in);
}

/*
 * Take a word and return its length.  In the alternate syntax, also skip an &
 * after the word.
 */
static size_t take_word_length(const struct gas_dialect *d, struct gas_span *in)
{
	size_t len = gas_scrub_take_name(d->syntax, in);

	if (d->alternate && starts_with_char(in, '&'))
		in->p++;
	return len;
}

/* Copy the text in <...>, which can contain further brackets. */
static void copy_angled(struct gas_span *in, struct buf *out)
{
	int nest = 0;

	for (in->p++; in->p < in->end && (*in->p != '>' || nest); in->p++) {
		if (*in->p == '!') {
			if (++in->p == in->end)
				return;
		} else if (*in->p == '>') {
			nest--;
		} else if (*in->p == '<') {
			nest++;
		}
		gas_append_char(out, *in->p);
	}
	in->p += in->p < in->end;
}

/* Copy "..." or '...'.  Inside, a doubled quote becomes one quote. */
static void copy_quoted(const struct gas_dialect *d, struct gas_span *in,
			struct buf *out)
{
	char quote = *in->p++;
	bool escaped = false;

	while (in->p < in->end) {
		escaped = in->p[-1] == '\\' && !escaped;
		if (d->alternate && *in->p == '!') {
			if (++in->p == in->end)
				return;
		} else if (!escaped && *in->p == quote) {
			in->p++;
			if (!starts_with_char(in, quote))
				return;
		}
		gas_append_char(out, *in->p++);
	}
}

static bool starts_string(const struct gas_dialect *d, char c)
{
	return c == '"' || (d->alternate && (c == '<' || c == '\''));
}

/* Copy adjacent strings without their quotes. */
static void copy_strings(const struct gas_dialect *d, struct gas_span *in,
			 struct buf *out)
{
	while (in->p < in->end && starts_string(d, *in->p)) {
		if (*in->p == '<')
			copy_angled(in, out);
		else
			copy_quoted(d, in, out);
	}
}

/*
 * Copy up to a comma, or up to a blank outside brackets.  In the alternate
 * syntax, also stop at '<'.
 */
static void copy_plain(const struct gas_dialect *d, struct gas_span *in,
		       struct buf *out)
{
	struct buf open = { 0 };

	while (in->p < in->end && *in->p != ',' &&
	       (open.len || !gas_is_blank(*in->p)) &&
	       (*in->p != '<' || !d->alternate)) {
		char c = *in->p, last;

		/* Copy a string inside the argument. */
		if (c == '"' || c == '\'') {
			gas_append_char(out, *in->p++);
			while (in->p < in->end && *in->p != c)
				gas_append_char(out, *in->p++);
			if (in->p == in->end)
				break;
		}
		last = open.len ? (char)open.data[open.len - 1] : '\0';
		if (c == '(' || c == '[')
			gas_append_char(&open, c);
		else if ((c == ')' && last == '(') || (c == ']' && last == '['))
			open.len--;
		gas_append_char(out, c);
		in->p++;
	}
	buf_release(&open);
}

/* Return true if `c` ends an argument that is not quoted. */
static bool separates_arguments(const struct gas_dialect *d, char c)
{
	return c && (strchr(" \t,\";)(", c) ||
		     (d->alternate && (c == '<' || c == '>')));
}

/* Take an argument and write it without quotes to `out`. */
static void take_argument(const struct gas_dialect *d, struct gas_span *in,
			  struct buf *out)
{
	buf_reset(out);
	gas_skip_blanks(in);
	if (in->p == in->end)
		return;
	/* A number with its base, such as b'0110, ends at a separator. */
	if (in->end - in->p > 2 && in->p[1] == '\'' && *in->p &&
	    strchr("bBqQhHdD", *in->p)) {
		while (in->p < in->end && !separates_arguments(d, *in->p))
			gas_append_char(out, *in->p++);
	} else if (*in->p == '%' && d->alternate) {
		in->p++;
		d->eval(d->ctx, in, out);
	} else if (!starts_string(d, *in->p)) {
		copy_plain(d, in, out);
	} else if (d->alternate && *in->p != '<') {
		gas_append_char(out, '"');
		copy_strings(d, in, out);
		gas_append_char(out, '"');
	} else {
		copy_strings(d, in, out);
	}
}

/* Parse the parameters of .macro: NAME, NAME:req, NAME:vararg, NAME=DEFAULT. */
static void parse_params(const struct gas_dialect *d, struct gas_macro *m,
			 struct gas_span *in)
{
	struct buf def = { 0 };
	bool more = true;

	skip_comma(in);
	while (in->p < in->end && more && !m->malformed) {
		const char *name = in->p;
		size_t len = take_word_length(d, in);
		struct gas_param *f;

		if (!len)
			break;
		m->params = xrealloc(m->params,
				     (m->n_params + 1) * sizeof(*m->params));
		f = &m->params[m->n_params++];
		*f = (struct gas_param){ .name = xstrndup(name, len) };
		gas_skip_blanks(in);
		if (starts_with_char(in, ':')) {
			in->p++;
			gas_skip_blanks(in);
			name = in->p;
			len = take_word_length(d, in);
			f->vararg = len == 6 && !memcmp(name, "vararg", 6);
			m->malformed = !f->vararg &&
				       (len != 3 ||
					memcmp(name, "req", 3) != 0);
			gas_skip_blanks(in);
		}
		if (starts_with_char(in, '=')) {
			in->p++;
			take_argument(d, in, &def);
			f->default_value = xstrdup(buf_str(&def));
			gas_skip_blanks(in);
		}
		more = !f->vararg;
		if (more)
			skip_comma(in);
	}
	gas_skip_blanks(in);
	if (in->p < in->end)
		m->malformed = true;
	buf_release(&def);
}

static void free_macro(struct gas_macro *m)
{
	for (size_t i = 0; i < m->n_params; i++) {
		free(m->params[i].name);
		free(m->params[i].default_value);
		buf_release(&m->params[i].argument);
	}
	free(m->params);
	free(m->operands);
	free(m->body);
	free(m);
}

/* The expansion of a body; `locals` are the names declared by LOCAL. */
struct body_expansion {
	const struct gas_dialect *d;
	struct gas_param *params;
	size_t n_params;
	struct strv locals;
	bool is_macro;
	bool quoted;
	struct gas_span in;
	struct buf *out;
};

/*
 * Append the argument of the parameter `s`, or the replacement of `s` if it was
 * declared by LOCAL.  Return false if `s` is neither.
 */
static bool put_argument(struct body_expansion *b, const char *s, size_t len)
{
	for (size_t i = 0; i < b->n_params; i++) {
		struct gas_param *f = &b->params[i];

		if (strlen(f->name) != len || memcmp(f->name, s, len))
			continue;
		if (f->argument.len)
			buf_add_bytes(b->out, buf_bytes(&f->argument));
		else if (f->default_value)
			buf_add_str(b->out, f->default_value);
		return true;
	}
	for (size_t i = 0; i < b->locals.n; i++) {
		if (strlen(b->locals.v[i]) != len ||
		    memcmp(b->locals.v[i], s, len))
			continue;
		buf_add_str(b->out, ".LL");
		gas_append_char(b->out, GAS_UNKNOWN_DIGITS);
		return true;
	}
	return false;
}

/*
 * Process the next word.  Replace a parameter by its argument; copy any other
 * word, preceded by `prefix` unless it is NUL.
 */
static void substitute_word(struct body_expansion *b, char prefix)
{
	const char *s = b->in.p;
	size_t len = take_word_length(b->d, &b->in);

	b->in.p += starts_with_char(&b->in, prefix == '&' ? '&' : '\'');
	if (put_argument(b, s, len))
		return;
	if (prefix)
		gas_append_char(b->out, prefix);
	buf_add(b->out, s, len);
	if (prefix == '&' && b->in.p > s && b->in.p[-1] == '&')
		gas_append_char(b->out, '&');
}

/*
 * Expand \NAME and \(TEXT).  Replace \@ and \+ by GAS_UNKNOWN_DIGITS, because
 * their numbers are unknown.  Copy \& unchanged.
 */
static void expand_backslash(struct body_expansion *b)
{
	b->in.p++;
	if (starts_with_char(&b->in, '(')) {
		for (b->in.p++; b->in.p < b->in.end && *b->in.p != ')';)
			gas_append_char(b->out, *b->in.p++);
		b->in.p += b->in.p < b->in.end;
	} else if (starts_with_char(&b->in, '@') ||
		   starts_with_char(&b->in, '+')) {
		gas_append_char(b->out, GAS_UNKNOWN_DIGITS);
		b->in.p++;
	} else if (starts_with_char(&b->in, '&')) {
		buf_add_str(b->out, "\\&");
		b->in.p++;
	} else {
		substitute_word(b, '\\');
	}
}

/* Take the names that LOCAL declares; the assembler makes them unique. */
static void take_locals(struct body_expansion *b)
{
	b->in.p += 5;
	gas_skip_blanks(&b->in);
	while (b->in.p < b->in.end && *b->in.p != '\n') {
		const char *s = b->in.p;
		size_t len = take_word_length(b->d, &b->in);

		if (!len)
			break;
		strv_own(&b->locals, xstrndup(s, len));
		skip_comma(&b->in);
	}
}

/* Append the body with all parameters replaced, ending in a newline. */
static void expand_body(struct body_expansion *b)
{
	while (b->in.p < b->in.end) {
		char c = *b->in.p;

		if (c == '&') {
			b->in.p++;
			substitute_word(b, '&');
		} else if (c == '\\') {
			expand_backslash(b);
		} else if (b->d->alternate &&
			   gas_scrub_starts_name(b->d->syntax, c)) {
			if (b->is_macro && !b->quoted &&
			    b->in.end - b->in.p > 5 &&
			    !strncasecmp(b->in.p, "LOCAL", 5) &&
			    gas_is_blank(b->in.p[5]))
				take_locals(b);
			else
				substitute_word(b, '\0');
		} else {
			if (c == '"')
				b->quoted = !b->quoted;
			gas_append_char(b->out, c);
			b->in.p++;
		}
	}
	if (!b->out->len || b->out->data[b->out->len - 1] != '\n')
		gas_append_char(b->out, '\n');
	strv_release(&b->locals);
}

/* Return true if the next argument has the form NAME=VALUE. */
static bool has_keyword_argument(const struct gas_dialect *d,
				 const struct gas_span *in)
{
	const char *p = in->p;

	if (d->alternate)
		return false;
	while (p < in->end && *p != '=' && !separates_arguments(d, *p))
		p++;
	return p < in->end && *p == '=';
}

/*
 * Take NAME=VALUE and ignore it if NAME is unknown.  Return false if there is
 * no '='.
 */
static bool take_keyword_argument(const struct gas_dialect *d,
				  struct gas_macro *m, struct gas_span *in)
{
	struct buf none = { 0 };
	struct buf *argument = &none;
	const char *s = in->p;
	size_t len = take_word_length(d, in);

	if (!starts_with_char(in, '='))
		return false;
	in->p++;
	for (size_t i = 0; i < m->n_params; i++) {
		if (strlen(m->params[i].name) == len &&
		    !memcmp(m->params[i].name, s, len)) {
			argument = &m->params[i].argument;
			break;
		}
	}
	take_argument(d, in, argument);
	buf_release(&none);
	return true;
}

/*
 * Take the arguments of a call.  Return false if the call has too many
 * arguments or if an argument without a name follows an argument of the form
 * NAME=VALUE.
 */
static bool take_arguments(const struct gas_dialect *d, struct gas_macro *m,
			   struct gas_span *in)
{
	bool keywords = false;
	size_t next = 0;

	gas_skip_blanks(in);
	while (in->p < in->end) {
		struct gas_param *f;

		if (has_keyword_argument(d, in)) {
			keywords = true;
			if (!take_keyword_argument(d, m, in))
				return false;
			skip_comma(in);
			continue;
		}
		if (keywords || next == m->n_params)
			return false;
		f = &m->params[next++];
		if (f->vararg) {
			buf_add(&f->argument, in->p, (size_t)(in->end - in->p));
			in->p = in->end;
		} else {
			take_argument(d, in, &f->argument);
		}
		skip_comma(in);
	}
	return true;
}

bool gas_macro_expand(const struct gas_dialect *d, struct gas_macro *m,
		      struct gas_span in, struct buf *out)
{
	struct body_expansion b = { .d = d, .is_macro = true, .out = out };

	for (size_t i = 0; i < m->n_params; i++)
		buf_reset(&m->params[i].argument);
	if (!take_arguments(d, m, &in))
		return false;
	b.params = m->params;
	b.n_params = m->n_params;
	b.in = (struct gas_span){ m->body, m->body + strlen(m->body) };
	expand_body(&b);
	return true;
}

void gas_macro_expand_irp(const struct gas_dialect *d, struct gas_span in,
			  bool letters, struct gas_span body, size_t max_bytes,
			  struct buf *out)
{
	struct gas_param param = { 0 };
	const char *name;
	bool quoted = false, once;

	gas_skip_blanks(&in);
	name = in.p;
	param.name = xstrndup(name, take_word_length(d, &in));
	skip_comma(&in);
	once = in.p == in.end;
	if (letters && starts_with_char(&in, '"')) {
		quoted = true;
		in.p++;
	}
	while ((once || in.p < in.end) && out->len <= max_bytes) {
		struct body_expansion b = { .d = d,
					    .params = &param,
					    .n_params = 1,
					    .in = body,
					    .out = out };

		if (!letters || once) {
			take_argument(d, &in, &param.argument);
		} else {
			if (*in.p == '"') {
				struct gas_span rest = in;

				quoted = !quoted;
				rest.p++;
				gas_skip_blanks(&rest);
				if (rest.p == rest.end)
					break;
			}
			buf_reset(&param.argument);
			gas_append_char(&param.argument, *in.p++);
		}
		expand_body(&b);
		once = false;
		if (!letters)
			skip_comma(&in);
		else if (!quoted)
			gas_skip_blanks(&in);
	}
	buf_release(&param.argument);
	free(param.name);
}

/* Definition and removal of macros, and search for the end of a body. */

bool gas_define_may_match(const char *text, const char *name)
{
	for (; *text; text++, name++) {
		if (*text == GAS_UNKNOWN_OPERAND ||
		    *text == GAS_UNKNOWN_DIGITS) {
			bool digits = *text == GAS_UNKNOWN_DIGITS;

			for (; *name; name++) {
				if (digits &&
				    !strchr("0123456789abcdef", *name))
					return false;
				if (gas_define_may_match(text + 1, name + 1))
					return true;
			}
			return false;
		}
		if (*text != *name)
			return false;
	}
	return !*name;
}

struct gas_macro_entry *gas_define_find_macro(struct gas_state *run,
					      const char *name)
{
	uint64_t hash = map_hash(bytes_of(name, strlen(name)));
	struct map_entry *n;

	for (n = map_find(&run->macros, hash); n; n = map_next_match(n)) {
		if (!strcmp(((struct gas_macro_entry *)n)->name, name))
			return (struct gas_macro_entry *)n;
	}
	return NULL;
}

static char *copy_lower(const char *s, size_t len)
{
	char *copy = xstrndup(s, len);

	for (char *c = copy; *c; c++) {
		if (*c >= 'A' && *c <= 'Z')
			*c |= 32;
	}
	return copy;
}

/* Add a macro and take ownership of its name. */
static void add_macro(struct gas_state *run, char *owned, struct gas_macro *m)
{
	struct gas_macro_entry *n = gas_define_find_macro(run, owned);

	if (!n) {
		n = xcalloc(1, sizeof(*n));
		n->name = xstrdup(owned);
		map_add(&run->macros, &n->entry,
			map_hash(bytes_of(owned, strlen(owned))));
	}
	free(owned);
	for (struct gas_macro *old = n->macros; old; old = old->next) {
		if (old->alternate == m->alternate &&
		    !strcmp(old->operands, m->operands) &&
		    !strcmp(old->body, m->body)) {
			free_macro(m);
			return;
		}
	}
	m->next = n->macros;
	n->macros = m;
	run->n_changes++;
}

void gas_define_macro(struct gas_state *run, struct gas_span label,
		      struct gas_span operands, struct gas_span body)
{
	struct gas_macro *m;
	size_t len;

	gas_skip_blanks(&operands);
	if (label.p == label.end) {
		label.p = operands.p;
		gas_scrub_take_name(run->dialect.syntax, &operands);
		label.end = operands.p;
		if (run->dialect.alternate && operands.p < operands.end &&
		    *operands.p == '&')
			operands.p++;
	}
	len = (size_t)(label.end - label.p);
	if (memchr(label.p, GAS_UNKNOWN_OPERAND, len) ||
	    memchr(label.p, GAS_UNKNOWN_DIGITS, len)) {
		gas_symbol_set_undecided(run, ".macro with a computed name");
		return;
	}
	m = xcalloc(1, sizeof(*m));
	m->operands = xstrndup(operands.p, (size_t)(operands.end - operands.p));
	m->body = xstrndup(body.p, (size_t)(body.end - body.p));
	m->alternate = run->dialect.alternate;
	parse_params(&run->dialect, m, &operands);
	if (!len || m->malformed) {
		char *words = xasprintf("malformed operands: .macro %.*s %s",
					(int)len, label.p, m->operands);

		gas_symbol_set_undecided(run, words);
		free_macro(m);
		free(words);
		return;
	}
	add_macro(run, copy_lower(label.p, len), m);
}

void gas_define_purge(struct gas_state *run, struct gas_span in)
{
	/* Retain the macro if it is unknown whether or when .purgem runs. */
	if (run->unordered || run->n_conditional)
		return;
	for (;;) {
		struct gas_macro_entry *n;
		const char *s;
		char *name;
		size_t len;

		gas_skip_blanks(&in);
		s = in.p;
		len = gas_scrub_take_name(run->dialect.syntax, &in);
		if (!len)
			return;
		name = copy_lower(s, len);
		n = gas_define_find_macro(run, name);
		free(name);
		while (n && n->macros) {
			struct gas_macro *m = n->macros;

			n->macros = m->next;
			m->next = run->purged;
			run->purged = m;
			run->n_changes++;
		}
		gas_skip_blanks(&in);
		if (in.p == in.end || *in.p++ != ',')
			return;
	}
}

/*
 * Skip the labels before a statement, and set *label to the end of the last
 * label.
 */
static struct gas_span skip_labels(const struct gas_syntax *x,
				   struct gas_span line, const char **label)
{
	struct gas_span in = line;

	*label = line.p;
	for (;;) {
		gas_skip_blanks(&in);
		if (!gas_scrub_take_name(x, &in))
			break;
		gas_skip_blanks(&in);
		if (in.p == in.end || *in.p != ':')
			break;
		in.p++;
		*label = in.p;
	}
	in.p = *label;
	gas_skip_blanks(&in);
	return in;
}

/* Return true if `in` begins with .NAME in upper or lower case. */
static bool is_directive(const struct gas_syntax *x, struct gas_span in,
			 const char *name)
{
	size_t n = strlen(name);

	return in.end - in.p > (ptrdiff_t)n && *in.p == '.' &&
	       !strncasecmp(in.p + 1, name, n) &&
	       (in.end == in.p + 1 + n ||
		!gas_scrub_is_name_char(x, in.p[1 + n]));
}

/*
 * Return true if a statement in the body of `from` opens a nested body that
 * ends with the same directive, .endm or .endr, as the outer body.
 */
static bool starts_nested_body(const struct gas_syntax *x, const char *from,
			       struct gas_span in)
{
	static const char *const repeats[] = { "irepc", "irep", "irpc",
					       "rept",  "irp",  "rep" };

	if (!strcmp(from, "macro"))
		return is_directive(x, in, from);
	for (size_t i = 0; i < ARRAY_SIZE(repeats); i++) {
		if (is_directive(x, in, repeats[i]))
			return true;
	}
	return false;
}

bool gas_define_take_body(const struct gas_syntax *x, const char *from,
			  struct gas_span *in, struct gas_span *body)
{
	const char *to = !strcmp(from, "macro") ? "endm" : "endr";
	unsigned depth = 1;

	body->p = in->p;
	while (in->p < in->end) {
		const char *eol = gas_scrub_statement_end(in->p, in->end);
		struct gas_span first, line = { in->p, eol };
		const char *label;

		in->p = eol + (eol < in->end);
		first = skip_labels(x, line, &label);
		if (starts_nested_body(x, from, first)) {
			depth++;
		} else if (is_directive(x, first, to) && !--depth) {
			body->end = label;
			return true;
		}
	}
	body->end = in->end;
	return false;
}

static void free_named(struct map_entry *e)
{
	struct gas_macro_entry *n = (struct gas_macro_entry *)e;

	while (n->macros) {
		struct gas_macro *m = n->macros;

		n->macros = m->next;
		free_macro(m);
	}
	free(n->name);
	free(n);
}

void gas_define_release_all(struct gas_state *run)
{
	map_release_entries(&run->macros, free_named);
	while (run->purged) {
		struct gas_macro *m = run->purged;

		run->purged = m->next;
		free_macro(m);
	}
}
