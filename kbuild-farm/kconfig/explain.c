/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kconfig/explain.h"

#include "base/vec.h"
#include "kconfig/kconfig.h"

#include <stdlib.h>
#include <string.h>

#define BLANKS    " \t"
#define DEPTH_MAX 64 /* nested parentheses */
#define NAMES_MAX 3 /* symbols named in one reason */
/*
 * Maximum number of rejected settings that get a reason.  The search for one
 * reason takes 20 ms.
 */
#define EXPLAINED_MAX 100

/* Kconfig's tristate values in ascending order. */
enum tristate {
	TRISTATE_N,
	TRISTATE_M,
	TRISTATE_Y,
};

/* ---- conditions ---- */

struct parser {
	const char *at;
	const char *config;
	unsigned depth;
};

static enum tristate parse_or(struct parser *p);

static bool skip_token(struct parser *p, const char *token)
{
	p->at += strspn(p->at, BLANKS);
	if (!str_starts(p->at, token))
		return false;
	p->at += strlen(token);
	return true;
}

/* Return the end of "$(...)", which may contain nested macros. */
static const char *macro_end(const char *at)
{
	unsigned open = 0;

	for (; *at; at++) {
		open += *at == '(';
		if (*at == ')' && !--open)
			return at + 1;
	}
	return at;
}

/*
 * Read a symbol, a constant, a macro or a string.  A string is returned with
 * its opening quote but without its closing quote.  Returns "" if there is no
 * word.
 */
static char *read_word(struct parser *p)
{
	const char *from;
	size_t n;

	p->at += strspn(p->at, BLANKS);
	from = p->at;
	if (*from == '"' || *from == '\'') {
		const char *end = strchr(from + 1, *from);

		n = end ? (size_t)(end - from) : strlen(from);
		p->at = end ? end + 1 : from + n;
		return xstrndup(from, n);
	}
	if (from[0] == '$' && from[1] == '(')
		p->at = macro_end(from);
	else
		p->at += strcspn(from, BLANKS "=!<>()&|");
	return xstrndup(from, (size_t)(p->at - from));
}

/*
 * Return the value of the symbol `word`, or "n" if the .config does not set the
 * symbol.  Returns "y" for a macro and the text of a constant or a string.
 */
static char *expand_word(const struct parser *p, const char *word)
{
	char *symbol = xasprintf("CONFIG_%s", word);
	struct bytes value = kconfig_dotconfig_find_value(p->config, symbol);
	const char *from = (const char *)value.data;
	char *out;

	if (str_list_has("y m n", ' ', word) || !*word || *word == '$' ||
	    strchr("0123456789-\"'", *word))
		out = xstrdup(*word == '$'                  ? "y" :
			      *word == '"' || *word == '\'' ? word + 1 :
							      word);
	else if (!from)
		out = xstrdup("n");
	else if (value.len >= 2 && from[0] == '"')
		out = xstrndup(from + 1, value.len - 2);
	else
		out = xstrndup(from, value.len);
	free(symbol);
	return out;
}

/*
 * Convert two tristates or two numbers for a comparison, as Kconfig does.
 * Returns false for any other texts, which are compared as text.
 */
static bool parse_comparable(const char *a, const char *b, long *x, long *y)
{
	static const char tristates[] = "nmy"; /* in ascending order */
	const char *level = *a && !a[1] ? strchr(tristates, *a) : NULL;
	const char *other = *b && !b[1] ? strchr(tristates, *b) : NULL;
	char *a_end, *b_end;

	*x = level ? level - tristates : strtol(a, &a_end, 0);
	*y = other ? other - tristates : strtol(b, &b_end, 0);
	if (level || other)
		return level && other;
	return *a && !*a_end && *b && !*b_end;
}

/*
 * Return the text to compare.  Kconfig compares an unset symbol, for which
 * expand_word() returns "n", as an empty string.
 */
static const char *text_to_compare(const char *word)
{
	return strcmp(word, "n") != 0 ? word : "";
}

static bool compare_words(const struct parser *p, const char *left,
			  const char *op, const char *right)
{
	char *a = expand_word(p, left), *b = expand_word(p, right);
	long x, y;
	long order = parse_comparable(a, b, &x, &y) ?
			     (x > y) - (x < y) :
			     strcmp(text_to_compare(a), text_to_compare(b));
	bool yes = !strcmp(op, "=")  ? !order :
		   !strcmp(op, "!=") ? order != 0 :
		   !strcmp(op, "<=") ? order <= 0 :
		   !strcmp(op, ">=") ? order >= 0 :
		   !strcmp(op, "<")  ? order < 0 :
				       order > 0;

	free(b);
	free(a);
	return yes;
}

/* Parse a word or a comparison of two words. */
static enum tristate parse_comparison(struct parser *p)
{
	static const char *const ops[] = { "!=", "<=", ">=", "=", "<", ">" };
	char *left = read_word(p), *right;
	char *symbol = xasprintf("CONFIG_%s", left);
	struct bytes set = kconfig_dotconfig_find_value(p->config, symbol);
	char c = set.len == 1 ? (char)set.data[0] : '\0';
	enum tristate value = TRISTATE_N;

	if (!strcmp(left, "y") || left[0] == '$')
		value = TRISTATE_Y;
	else if (!strcmp(left, "m"))
		value = TRISTATE_M;
	else if (c == 'y' || c == 'm')
		value = c == 'y' ? TRISTATE_Y : TRISTATE_M;
	for (size_t i = 0; i < ARRAY_SIZE(ops); i++) {
		if (!skip_token(p, ops[i]))
			continue;
		right = read_word(p);
		value = compare_words(p, left, ops[i], right) ? TRISTATE_Y :
								TRISTATE_N;
		free(right);
		break;
	}
	free(symbol);
	free(left);
	return value;
}

static enum tristate parse_unary(struct parser *p)
{
	enum tristate value;

	if (p->depth >= DEPTH_MAX)
		return TRISTATE_Y;
	p->depth++;
	if (skip_token(p, "!")) {
		value = TRISTATE_Y - parse_unary(p);
	} else if (skip_token(p, "(")) {
		value = parse_or(p);
		skip_token(p, ")");
	} else {
		value = parse_comparison(p);
	}
	p->depth--;
	return value;
}

static enum tristate parse_and(struct parser *p)
{
	enum tristate value = parse_unary(p);

	while (skip_token(p, "&&")) {
		enum tristate other = parse_unary(p);

		value = other < value ? other : value;
	}
	return value;
}

static enum tristate parse_or(struct parser *p)
{
	enum tristate value = parse_and(p);

	while (skip_token(p, "||")) {
		enum tristate other = parse_and(p);

		value = other > value ? other : value;
	}
	return value;
}

/*
 * Evaluate the condition `text` with the symbol values of `config`, the text
 * of a .config.  A macro, $(...), counts as y.
 */
static enum tristate condition_value(const char *text, const char *config)
{
	struct parser p = { .at = text, .config = config };

	return parse_or(&p);
}

/* Return the next `op` (&& or ||) outside parentheses and quotes, or NULL. */
static const char *find_logical_operator(const char *at, const char *op)
{
	unsigned open = 0;

	for (; *at; at++) {
		if (*at == '"' || *at == '\'') {
			const char *end = strchr(at + 1, *at);

			at = end ? end : at;
		}
		open += *at == '(';
		open -= open && *at == ')';
		if (!open && str_starts(at, op))
			return at;
	}
	return NULL;
}

/*
 * Return the text without surrounding blanks and parentheses.  The caller frees
 * it.
 */
static char *strip_parentheses(const char *from, size_t n)
{
	char *part;

	while (n && strchr(BLANKS, *from))
		from++, n--;
	while (n && strchr(BLANKS, from[n - 1]))
		n--;
	part = xstrndup(from, n);
	if (n > 1 && part[0] == '(' && macro_end(part) == part + n) {
		char *inner = strip_parentheses(part + 1, n - 2);

		free(part);
		return inner;
	}
	return part;
}

/*
 * Append to `out` the text of each operand of && in `text` whose value is less
 * than `wanted`, for example "PCI", "!SMP" or "A || B".
 */
static void list_unmet(const char *text, const char *config,
		       enum tristate wanted, struct strv *out)
{
	char *whole = strip_parentheses(text, strlen(text));
	const char *from = whole, *joint;

	joint = find_logical_operator(whole, "||") ?
			NULL :
			find_logical_operator(whole, "&&");
	if (!joint) {
		if (condition_value(whole, config) < wanted &&
		    !strv_has(out, whole))
			strv_add(out, whole);
		free(whole);
		return;
	}
	for (; from; from = joint ? joint + 2 : NULL) {
		char *part;

		joint = find_logical_operator(from, "&&");
		part = joint ? strip_parentheses(from, (size_t)(joint - from)) :
			       strip_parentheses(from, strlen(from));
		list_unmet(part, config, wanted, out);
		free(part);
	}
	free(whole);
}

/* ---- reasons ---- */

static bool condition_holds(const char *condition, const char *config,
			    enum tristate least)
{
	return !condition || condition_value(condition, config) >= least;
}

/*
 * List the unmet operands of a condition: "PCI, which is n" for one operand,
 * "PCI (n), A || B (n)" for several.  The caller frees the result.
 */
static char *format_unmet(const char *condition, const char *config,
			  enum tristate wanted)
{
	static const char *const letters[] = {
		[TRISTATE_N] = "n",
		[TRISTATE_M] = "m",
		[TRISTATE_Y] = "y",
	};
	struct strv unmet = { 0 };
	struct buf out = { 0 };

	list_unmet(condition, config, wanted, &unmet);
	for (size_t i = 0; i < unmet.n; i++)
		buf_printf(&out,
			   unmet.n > 1 ? "%s%s (%s)" : "%s%s, which is %s",
			   i ? ", " : "", unmet.v[i],
			   letters[condition_value(unmet.v[i], config)]);
	strv_release(&unmet);
	return buf_steal(&out);
}

/*
 * Return the names of the symbols that select `s` or, if `implies` is set,
 * imply `s`: "A, B", or "A, B, C, 2 more" beyond NAMES_MAX.  Only symbols whose
 * value and condition are at least `least` count; if `least` is
 * TRISTATE_N, all symbols count.  Returns NULL if there is no such
 * symbol.  The caller frees the result.
 */
static char *join_selectors(const struct kconfig_symbol *s, const char *config,
			    enum tristate least, bool implies)
{
	struct strv names = { 0 };
	size_t more = 0;
	char *out;

	for (size_t i = 0; i < s->n_selects; i++) {
		const struct kconfig_symbol_select *by = &s->selects[i];

		if (by->weak != implies || strv_has(&names, by->selector) ||
		    !condition_holds(by->selector, config, least) ||
		    !condition_holds(by->condition, config, least))
			continue;
		if (names.n < NAMES_MAX)
			strv_add(&names, by->selector);
		else
			more++;
	}
	if (more)
		strv_addf(&names, "%zu more", more);
	out = names.n ? strv_join(&names, ", ") : NULL;
	strv_release(&names);
	return out;
}

/*
 * Return a member of the entry's choice, other than `s`, whose value is y, or
 * NULL.  The result is borrowed.
 */
static const char *other_choice_member(const struct kconfig_symbols *all,
				       const struct kconfig_symbol_entry *e,
				       const struct kconfig_symbol *s,
				       const char *config)
{
	const struct strv *members =
		e->choice_number ? &all->choice_members[e->choice_number - 1] :
				   NULL;

	for (size_t i = 0; members && i < members->n; i++) {
		if (strcmp(members->v[i], s->name) != 0 &&
		    condition_holds(members->v[i], config, TRISTATE_Y))
			return members->v[i];
	}
	return NULL;
}

/*
 * Return why the entry `e` does not allow the value `wanted`, or NULL if the
 * entry allows the value.  The caller frees the result.
 */
static char *explain_unmet_entry(const struct kconfig_symbol *s,
				 const struct kconfig_symbol_entry *e,
				 enum tristate wanted, const char *config)
{
	char *unmet, *out;

	if (!condition_holds(e->depends, config, wanted)) {
		unmet = format_unmet(e->depends, config, wanted);
		out = xasprintf("depends on %s", unmet);
	} else if (!condition_holds(e->prompt_condition, config, TRISTATE_M)) {
		unmet = format_unmet(e->prompt_condition, config, TRISTATE_M);
		out = xasprintf("can be set only with %s", unmet);
	} else {
		return NULL;
	}
	if (s->n_entries > 1) {
		char *whole = xasprintf("%s (%s)", out, e->file);

		free(out);
		out = whole;
	}
	free(unmet);
	return out;
}

/*
 * Return a text with the first range whose condition holds, or NULL if no range
 * applies.
 */
static char *explain_range(const struct kconfig_symbol_entry *e,
			   const char *config)
{
	for (size_t i = 0; i < e->ranges.n; i++) {
		const char *range = e->ranges.v[i];
		const char *condition = strstr(range, " if ");
		size_t low = strcspn(range, " \t");
		const char *high = range + low + strspn(range + low, " \t");

		if (!condition ||
		    condition_holds(condition + 4, config, TRISTATE_M))
			return xasprintf("must be from %.*s to %.*s", (int)low,
					 range, (int)strcspn(high, " \t"),
					 high);
	}
	return NULL;
}

/*
 * Return why Kconfig rejected the setting of `s` although all dependencies of
 * the entry `e` are met.  The caller frees the result.
 */
static char *explain_met_entry(const struct kconfig_symbol *s,
			       const struct kconfig_symbols *all,
			       const struct kconfig_symbol_entry *e,
			       const char *config)
{
	const char *conditions[] = { e->depends, e->prompt_condition };
	const char *other = other_choice_member(all, e, s, config);
	char *out = other ? xasprintf("member of a choice in which %s is "
				      "selected",
				      other) :
			    explain_range(e, config);

	/* Only Kconfig can evaluate a macro such as "$(cc-option,-x)". */
	for (size_t i = 0; !out && i < 2; i++) {
		const char *at = conditions[i] ? strstr(conditions[i], "$(") :
						 NULL;

		if (at)
			out = xasprintf("depends on %.*s, which only Kconfig "
					"can evaluate",
					(int)(macro_end(at) - at), at);
	}
	return out ? out : xstrdup("rejected by Kconfig");
}

static char *explain_not_set(const struct kconfig_symbol *s,
			     const struct kconfig_symbols *all,
			     enum tristate wanted, const char *config)
{
	const struct kconfig_symbol_entry *open = NULL;
	struct strv reasons = { 0 };
	bool prompt = false;
	char *out, *by;

	for (size_t i = 0; i < s->n_entries && !open; i++) {
		const struct kconfig_symbol_entry *e = &s->entries[i];
		char *why;

		if (!e->has_prompt)
			continue;
		prompt = true;
		why = explain_unmet_entry(s, e, wanted, config);
		if (!why)
			open = e;
		else if (reasons.n < NAMES_MAX)
			strv_own(&reasons, why);
		else
			free(why);
	}
	if (!prompt) {
		by = join_selectors(s, config, TRISTATE_N, false);
		out = xasprintf("has no prompt, so it is set only by %s%s",
				by ? "symbols that select it: " :
				     "its defaults",
				by ? by : "");
		free(by);
	} else if (!open) {
		out = strv_join(&reasons, "; or ");
	} else {
		out = explain_met_entry(s, all, open, config);
	}
	strv_release(&reasons);
	return out;
}

/* Return the reason why the value of `s` is greater than `wanted`. */
static char *explain_above_requested(const struct kconfig_symbol *s,
				     const struct kconfig_symbols *all,
				     enum tristate wanted, const char *config)
{
	enum tristate more = wanted + 1;
	char *by = join_selectors(s, config, more, false), *out;
	const char *verb = "selected";

	if (!by && wanted == TRISTATE_M) {
		by = join_selectors(s, config, more, true);
		verb = "implied";
	}
	if (by)
		out = xasprintf("%s by %s", verb, by);
	else if (s->entries[0].choice_number && wanted == TRISTATE_N)
		out = xstrdup("selected member of a choice; select another "
			      "member");
	else
		out = explain_not_set(s, all, TRISTATE_M, config);
	free(by);
	return out;
}

/* ---- values ---- */

static bool is_valid_number(const char *value, bool hex)
{
	const char *digits = hex ? "0123456789abcdefABCDEF" : "0123456789";

	if (hex && (str_starts(value, "0x") || str_starts(value, "0X")))
		value += 2;
	else if (!hex && *value == '-')
		value++;
	return *value && !value[strspn(value, digits)] &&
	       (hex || *value != '0' || !value[1]);
}

/* Return why the type of `s` excludes the value `asked`, or NULL. */
static const char *explain_type_mismatch(const struct kconfig_symbol *s,
					 const char *asked)
{
	bool letter_asked = str_list_has("y m n", ' ', asked);

	switch (s->type) {
	case KCONFIG_SYMBOL_BOOL:
		return letter_asked && *asked != 'm' ? NULL : "must be y or n";
	case KCONFIG_SYMBOL_TRISTATE:
		return letter_asked ? NULL : "must be y, m or n";
	case KCONFIG_SYMBOL_INT:
		return is_valid_number(asked, false) ? NULL :
						       "must be a decimal "
						       "number";
	case KCONFIG_SYMBOL_HEX:
		return is_valid_number(asked, true) ?
			       NULL :
			       "must be a hexadecimal number";
	case KCONFIG_SYMBOL_STRING:
		return *asked == '"' ? NULL :
				       "must be a string in double quotes";
	case KCONFIG_SYMBOL_UNKNOWN:
		break;
	}
	return NULL;
}

/*
 * Return the reason why `s`, one of the tree's symbols `all`, could not be set
 * to `asked` ("y", "m", "n" or another value).  `config` is the text of the
 * resulting .config.  The caller frees the result.
 */
static char *explain_setting(const struct kconfig_symbol *s,
			     const struct kconfig_symbols *all,
			     const char *asked, const char *config)
{
	bool is_tristate = s->type == KCONFIG_SYMBOL_TRISTATE;
	bool is_level = is_tristate || s->type == KCONFIG_SYMBOL_BOOL;
	enum tristate is = condition_value(s->name, config);
	enum tristate wanted = TRISTATE_Y;
	struct buf out = { 0 };
	const char *never;
	char *archs;

	if (!strcmp(asked, "n"))
		wanted = TRISTATE_N;
	else if (!strcmp(asked, "m"))
		wanted = TRISTATE_M;
	if (!s->n_entries) {
		buf_printf(&out, "no such symbol for %s", all->srcarch);
		if (s->other_archs.n) {
			archs = strv_join(&s->other_archs, ", ");
			buf_printf(&out, "; it exists for %s", archs);
			free(archs);
		} else if (s->similar_name) {
			buf_printf(&out, "; did you mean CONFIG_%s?",
				   s->similar_name);
		}
		return buf_steal(&out);
	}
	never = explain_type_mismatch(s, asked);
	if (never)
		return xstrdup(never);
	if (is_tristate && wanted == TRISTATE_M && is == TRISTATE_Y &&
	    condition_value("MODULES", config) == TRISTATE_N)
		return xstrdup("modules are disabled: MODULES is n");
	if (is_level && is > wanted)
		return explain_above_requested(s, all, wanted, config);
	/*
	 * If `s` is not a tristate, a dependency with the value m is
	 * sufficient.
	 */
	return explain_not_set(s, all, is_tristate ? wanted : TRISTATE_M,
			       config);
}

/*
 * Return a line for the user if a later request for another member of the same
 * choice replaced `m`, the setting of `s`.  The line names both members.
 * Return NULL if the setting was not replaced.  The caller frees the result.
 */
static char *format_replaced(const struct kconfig_rejected *m,
			     const struct kconfig_symbol *s,
			     const struct kconfig_symbols *all,
			     const struct kconfig_explain_context *of)
{
	for (size_t i = 0; of->spec && i < s->n_entries; i++) {
		const char *other = other_choice_member(all, &s->entries[i], s,
							of->config);
		char *symbol = xasprintf("CONFIG_%s", other ? other : "");
		bool later = !strcmp(m->requested, "y") &&
			     kconfig_is_requested_later(of->spec, symbol,
							m->symbol);

		free(symbol);
		if (later)
			return xasprintf("CONFIG_%s overrides %s (%s) of the "
					 "same choice",
					 other, m->symbol,
					 m->location ? m->location : "-K");
	}
	return NULL;
}

void kconfig_explain_rejected(const struct kconfig_rejected *rejected, size_t n,
			      const struct kconfig_explain_context *of,
			      struct strv *out, struct strv *accepted)
{
	struct kconfig_symbols all;
	struct strv names = { 0 };
	bool known;

	for (size_t i = 0; i < n && i < EXPLAINED_MAX; i++)
		strv_add(&names, rejected[i].symbol + strlen("CONFIG_"));
	known = !kconfig_symbols_read(&all, of->tree, of->srcarch, &names);
	for (size_t i = 0; i < n; i++) {
		const struct kconfig_rejected *m = &rejected[i];
		char *line = NULL, *why = NULL;
		struct strv *to;

		known = known && i < EXPLAINED_MAX;
		if (known)
			line = format_replaced(m, &all.v[i], &all, of);
		if (line) {
			strv_own(accepted, line);
			continue;
		}
		if (known)
			why = explain_setting(&all.v[i], &all, m->requested,
					      of->config);
		to = known && m->of_tree && !all.v[i].n_entries ? accepted :
								  out;
		strv_addf(to, "%s: requested %s%s%s%s, got %s%s%s", m->symbol,
			  m->requested, m->location ? " (" : "",
			  m->location ? m->location : "",
			  m->location ? ")" : "", m->actual, why ? ": " : "",
			  why ? why : "");
		free(why);
	}
	kconfig_symbols_release(&all);
	strv_release(&names);
}

void kconfig_explain_unknown(const struct kconfig_spec *k, const char *tree,
			     const char *srcarch, struct strv *out)
{
	struct kconfig_rejected *set;
	struct kconfig_symbols all;
	struct strv names = { 0 };
	size_t n;

	/*
	 * Compare the request with an empty .config.  The result lists all
	 * requested settings whose value is not n.
	 */
	kconfig_find_rejected(k, "", &set, &n);
	for (size_t i = 0; i < n; i++)
		strv_add(&names, set[i].symbol + strlen("CONFIG_"));
	if (n && !kconfig_symbols_read(&all, tree, srcarch, &names)) {
		for (size_t i = 0; i < n && !all.incomplete; i++) {
			char *why;

			if (all.v[i].n_entries || set[i].of_tree)
				continue;
			why = explain_setting(&all.v[i], &all, set[i].requested,
					      "");
			strv_addf(out, "%s=%s%s%s%s: %s", set[i].symbol,
				  set[i].requested, set[i].location ? " (" : "",
				  set[i].location ? set[i].location : "",
				  set[i].location ? ")" : "", why);
			free(why);
		}
	}
	if (n)
		kconfig_symbols_release(&all);
	kconfig_free_rejected(set, n);
	strv_release(&names);
}
