/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/missed.h"

#include "kernel/expression.h"

#include <stdlib.h>
#include <string.h>

#define NAMED 3 /* at most so many others in one reason */
#define ASKED 100 /* settings whose reasons are looked for: 20 ms for each */

static enum kernel_tristate level_of(const char *asked)
{
	return !strcmp(asked, "n") ? KERNEL_N :
	       !strcmp(asked, "m") ? KERNEL_M :
				     KERNEL_Y;
}

static const char *letter(enum kernel_tristate value)
{
	return value == KERNEL_Y ? "y" : value == KERNEL_M ? "m" : "n";
}

static bool is_there(const char *condition, const char *config,
		     enum kernel_tristate least)
{
	return !condition ||
	       kernel_expression_value(condition, config) >= least;
}

/* "OF, which is n", or "OF (n), A || B (n)" */
static char *unmet_text(const char *condition, const char *config,
			enum kernel_tristate wanted)
{
	struct strv unmet = { 0 };
	struct buf out = { 0 };

	kernel_expression_unmet(condition, config, wanted, &unmet);
	for (size_t i = 0; i < unmet.n; i++)
		buf_printf(&out,
			   unmet.n > 1 ? "%s%s (%s)" : "%s%s, which is %s",
			   i ? ", " : "", unmet.v[i],
			   letter(kernel_expression_value(unmet.v[i], config)));
	strv_release(&unmet);
	return buf_steal(&out);
}

/*
 * Who selects it ("A, B"), or implies it, to no less than `least`, which
 * KERNEL_N makes all of them; NULL: nobody.  The caller frees it.
 */
static char *selectors(const struct kernel_symbol *s, const char *config,
		       enum kernel_tristate least, bool implies)
{
	struct strv names = { 0 };
	size_t more = 0;
	char *out;

	for (size_t i = 0; i < s->n_selects; i++) {
		const struct kernel_symbol_select *by = &s->select[i];

		if (by->implies != implies || strv_has(&names, by->by) ||
		    !is_there(by->by, config, least) ||
		    !is_there(by->condition, config, least))
			continue;
		if (names.n < NAMED)
			strv_add(&names, by->by);
		else
			more++;
	}
	if (more)
		strv_addf(&names, "%zu more", more);
	out = names.n ? strv_join(&names, ", ") : NULL;
	strv_release(&names);
	return out;
}

static char *without_prompt(const struct kernel_symbol *s, const char *config)
{
	char *by = selectors(s, config, KERNEL_N, false), *out;

	out = xasprintf("it has no prompt, so nobody can set it but %s%s",
			by ? "those that select it: " : "its defaults",
			by ? by : "");
	free(by);
	return out;
}

/* The other one of its choice that is chosen; borrowed, NULL: none. */
static const char *chosen_instead(const struct kernel_symbols *all,
				  const struct kernel_symbol_entry *e,
				  const struct kernel_symbol *s,
				  const char *config)
{
	const struct strv *members = e->choice ? &all->choice[e->choice - 1] :
						 NULL;

	for (size_t i = 0; members && i < members->n; i++) {
		if (strcmp(members->v[i], s->name) != 0 &&
		    is_there(members->v[i], config, KERNEL_Y))
			return members->v[i];
	}
	return NULL;
}

/* Why this entry does not let it be `wanted`; NULL: it does. */
static char *why_not_here(const struct kernel_symbol *s,
			  const struct kernel_symbol_entry *e,
			  enum kernel_tristate wanted, const char *config)
{
	char *unmet, *out;

	if (!is_there(e->depends, config, wanted)) {
		unmet = unmet_text(e->depends, config, wanted);
		out = xasprintf("it depends on %s", unmet);
	} else if (!is_there(e->prompt_if, config, KERNEL_M)) {
		unmet = unmet_text(e->prompt_if, config, KERNEL_M);
		out = xasprintf("it can be set only with %s", unmet);
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

/* The range of a number that holds now; NULL: none. */
static char *range_of(const struct kernel_symbol_entry *e, const char *config)
{
	for (size_t i = 0; i < e->range.n; i++) {
		const char *range = e->range.v[i];
		const char *condition = strstr(range, " if ");
		size_t low = strcspn(range, " \t");
		const char *high = range + low + strspn(range + low, " \t");

		if (!condition || is_there(condition + 4, config, KERNEL_M))
			return xasprintf("it must be from %.*s to %.*s",
					 (int)low, range,
					 (int)strcspn(high, " \t"), high);
	}
	return NULL;
}

/* "$(cc-option,-x)", which only Kconfig knows the answer of; NULL: none. */
static char *asked_by_kconfig(const struct kernel_symbol_entry *e)
{
	const char *in[] = { e->depends, e->prompt_if };

	for (size_t i = 0; i < 2; i++) {
		const char *at = in[i] ? strstr(in[i], "$(") : NULL;
		size_t n = at ? kernel_expression_macro(at) : 0;

		if (at)
			return xasprintf("it depends on %.*s, which Kconfig "
					 "finds out by itself",
					 (int)n, at);
	}
	return NULL;
}

/* Nothing that it depends on is missing. */
static char *why_not_open(const struct kernel_symbol *s,
			  const struct kernel_symbols *all,
			  const struct kernel_symbol_entry *e,
			  const char *config)
{
	const char *other = chosen_instead(all, e, s, config);
	char *out = other ? xasprintf("it is one of a choice, in which %s is "
				      "chosen",
				      other) :
			    range_of(e, config);

	if (!out)
		out = asked_by_kconfig(e);
	return out ? out : xstrdup("Kconfig decides otherwise");
}

static char *why_not_set(const struct kernel_symbol *s,
			 const struct kernel_symbols *all,
			 enum kernel_tristate wanted, const char *config)
{
	const struct kernel_symbol_entry *open = NULL;
	struct strv reasons = { 0 };
	bool prompt = false;
	char *out;

	for (size_t i = 0; i < s->n_entries && !open; i++) {
		const struct kernel_symbol_entry *e = &s->entry[i];
		char *why;

		if (!e->prompt)
			continue;
		prompt = true;
		why = why_not_here(s, e, wanted, config);
		if (!why)
			open = e;
		else if (reasons.n < NAMED)
			strv_own(&reasons, why);
		else
			free(why);
	}
	if (!prompt)
		out = without_prompt(s, config);
	else if (!open)
		out = strv_join(&reasons, "; or else ");
	else
		out = why_not_open(s, all, open, config);
	strv_release(&reasons);
	return out;
}

/* It is more than was asked for. */
static char *why_not_less(const struct kernel_symbol *s,
			  const struct kernel_symbols *all,
			  enum kernel_tristate wanted, const char *config)
{
	enum kernel_tristate more = wanted + 1;
	char *by = selectors(s, config, more, false), *out;
	const char *verb = "selected";

	if (!by && wanted == KERNEL_M) {
		by = selectors(s, config, more, true);
		verb = "implied";
	}
	if (by)
		out = xasprintf("it is %s by %s", verb, by);
	else if (s->entry[0].choice && wanted == KERNEL_N)
		out = xstrdup("it is what is chosen in a choice: choose "
			      "another one");
	else
		out = why_not_set(s, all, KERNEL_M, config);
	free(by);
	return out;
}

/* ---- values ---- */

static bool can_be_number(const char *value, bool hex)
{
	const char *digits = hex ? "0123456789abcdefABCDEF" : "0123456789";

	if (hex && (str_starts(value, "0x") || str_starts(value, "0X")))
		value += 2;
	else if (!hex && *value == '-')
		value++;
	return *value && !value[strspn(value, digits)] &&
	       (hex || *value != '0' || !value[1]);
}

/* Why a symbol of its type is never that; NULL: it may be. */
static const char *why_no_value(const struct kernel_symbol *s,
				const char *asked)
{
	bool letter_asked = str_list_has("y m n", ' ', asked);

	switch (s->type) {
	case KERNEL_SYMBOL_BOOL:
		return letter_asked && *asked != 'm' ? NULL : "it is y or n";
	case KERNEL_SYMBOL_TRISTATE:
		return letter_asked ? NULL : "it is y, m or n";
	case KERNEL_SYMBOL_INT:
		return can_be_number(asked, false) ? NULL :
						     "it is a decimal number";
	case KERNEL_SYMBOL_HEX:
		return can_be_number(asked, true) ?
			       NULL :
			       "it is a hexadecimal number";
	case KERNEL_SYMBOL_STRING:
		return *asked == '"' ? NULL : "it is a text in double quotes";
	case KERNEL_SYMBOL_UNKNOWN:
		break;
	}
	return NULL;
}

static char *no_such_symbol(const struct kernel_symbol *s,
			    const struct kernel_symbols *all)
{
	struct buf out = { 0 };

	buf_printf(&out, "there is no such symbol for %s", all->srcarch);
	if (s->elsewhere)
		buf_printf(&out, ", but for %s", s->elsewhere);
	else if (s->like)
		buf_printf(&out, "; did you mean CONFIG_%s?", s->like);
	return buf_steal(&out);
}

char *kernel_missed_reason(const struct kernel_symbol *s,
			   const struct kernel_symbols *all, const char *asked,
			   const char *config)
{
	bool is_tristate = s->type == KERNEL_SYMBOL_TRISTATE;
	bool is_level = is_tristate || s->type == KERNEL_SYMBOL_BOOL;
	enum kernel_tristate wanted = level_of(asked);
	enum kernel_tristate is = kernel_expression_value(s->name, config);
	const char *never;

	if (!s->n_entries)
		return no_such_symbol(s, all);
	never = why_no_value(s, asked);
	if (never)
		return xstrdup(never);
	if (is_tristate && wanted == KERNEL_M && is == KERNEL_Y &&
	    kernel_expression_value("MODULES", config) == KERNEL_N)
		return xstrdup("nothing can be a module, as MODULES is n");
	if (is_level && is > wanted)
		return why_not_less(s, all, wanted, config);
	/* What is no tristate can be set also where it depends on an m. */
	return why_not_set(s, all, is_tristate ? wanted : KERNEL_M, config);
}

/* The line of one that gave way to a later choice; NULL: it did not. */
static char *replaced_line(const struct kernel_missed *m,
			   const struct kernel_symbol *s,
			   const struct kernel_symbols *all,
			   const struct kernel_missed_of *of)
{
	for (size_t i = 0; of->asked && i < s->n_entries; i++) {
		const char *other = chosen_instead(all, &s->entry[i], s,
						   of->config);
		char *symbol = xasprintf("CONFIG_%s", other ? other : "");
		bool later = !strcmp(m->asked, "y") &&
			     kernel_kconfig_asks_later(of->asked, symbol,
						       m->symbol);

		free(symbol);
		if (later)
			return xasprintf("CONFIG_%s counts, not %s (%s) of the "
					 "same choice",
					 other, m->symbol,
					 m->where ? m->where : "-K");
	}
	return NULL;
}

static char *missed_line(const struct kernel_missed *m, const char *why)
{
	return xasprintf("%s: asked %s%s%s%s, is %s%s%s", m->symbol, m->asked,
			 m->where ? " (" : "", m->where ? m->where : "",
			 m->where ? ")" : "", m->is, why ? ": " : "",
			 why ? why : "");
}

void kernel_missed_lines(const struct kernel_missed *missed, size_t n,
			 const struct kernel_missed_of *of, struct strv *out,
			 struct strv *replaced)
{
	struct kernel_symbols all;
	struct strv names = { 0 };
	bool known;

	for (size_t i = 0; i < n && i < ASKED; i++)
		strv_add(&names, missed[i].symbol + strlen("CONFIG_"));
	known = !kernel_symbols_read(&all, of->tree, of->srcarch, &names);
	for (size_t i = 0; i < n; i++) {
		const struct kernel_missed *m = &missed[i];
		char *line = NULL, *why = NULL;

		known = known && i < ASKED;
		if (known)
			line = replaced_line(m, &all.v[i], &all, of);
		if (line) {
			strv_own(replaced, line);
			continue;
		}
		if (known)
			why = kernel_missed_reason(&all.v[i], &all, m->asked,
						   of->config);
		strv_own(out, missed_line(m, why));
		free(why);
	}
	kernel_symbols_release(&all);
	strv_release(&names);
}
