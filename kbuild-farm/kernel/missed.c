/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/missed.h"

#include "kernel/expression.h"

#include <stdlib.h>
#include <string.h>

#define NAMED 3 /* at most so many others in one reason */

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

/* Who selects it now: "A, B", or NULL; the caller frees it. */
static char *selectors(const struct kernel_symbol *s, const char *config,
		       bool all)
{
	struct strv names = { 0 };
	size_t more = 0;
	char *out;

	for (size_t i = 0; i < s->n_selects; i++) {
		const struct kernel_symbol_select *by = &s->select[i];

		if (!all && (!is_there(by->by, config, KERNEL_M) ||
			     !is_there(by->condition, config, KERNEL_M)))
			continue;
		if (strv_has(&names, by->by))
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
	char *by = selectors(s, config, true), *out;

	out = xasprintf("it has no prompt, so nobody can set it but %s%s",
			by ? "those that select it: " : "its defaults",
			by ? by : "");
	free(by);
	return out;
}

/* It is one of a choice in which another one was made. */
static char *chosen_instead(const struct kernel_symbols *all, size_t choice,
			    const struct kernel_symbol *s, const char *config)
{
	const struct strv *members = &all->choice[choice - 1];

	for (size_t i = 0; i < members->n; i++) {
		if (strcmp(members->v[i], s->name) != 0 &&
		    is_there(members->v[i], config, KERNEL_Y))
			return xasprintf("it is one of a choice, in which %s "
					 "is chosen",
					 members->v[i]);
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

static char *why_not_set(const struct kernel_symbol *s,
			 const struct kernel_symbols *all,
			 enum kernel_tristate wanted, const char *config)
{
	const struct kernel_symbol_entry *open = NULL;
	struct strv reasons = { 0 };
	bool prompt = false;
	char *out = NULL;

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
	else if (open->choice)
		out = chosen_instead(all, open->choice, s, config);
	strv_release(&reasons);
	return out ? out :
		     xstrdup("Kconfig decides otherwise (its type or a "
			     "range)");
}

static char *why_not_less(const struct kernel_symbol *s,
			  const struct kernel_symbols *all, const char *config)
{
	char *by = selectors(s, config, false), *out;

	out = by ? xasprintf("it is selected by %s", by) :
		   why_not_set(s, all, KERNEL_M, config);
	free(by);
	return out;
}

char *kernel_missed_reason(const struct kernel_symbol *s,
			   const struct kernel_symbols *all, const char *asked,
			   const char *config)
{
	enum kernel_tristate wanted = level_of(asked);
	enum kernel_tristate is = kernel_expression_value(s->name, config);

	if (!s->n_entries)
		return xasprintf("there is no such symbol for %s%s%s%s",
				 all->srcarch,
				 s->like ? "; did you mean CONFIG_" : "",
				 s->like ? s->like : "", s->like ? "?" : "");
	if (is > wanted)
		return why_not_less(s, all, config);
	return why_not_set(s, all, wanted, config);
}

void kernel_missed_lines(const struct kernel_missed *missed, size_t n,
			 const char *tree, const char *srcarch,
			 const char *config, struct strv *out)
{
	struct kernel_symbols all;
	struct strv names = { 0 };
	bool known;

	for (size_t i = 0; i < n; i++)
		strv_add(&names, missed[i].symbol + strlen("CONFIG_"));
	known = !kernel_symbols_read(&all, tree, srcarch, &names);
	for (size_t i = 0; i < n; i++) {
		char *why = known ? kernel_missed_reason(&all.v[i], &all,
							 missed[i].asked,
							 config) :
				    NULL;

		strv_addf(out, "%s: asked %s, is %s%s%s", missed[i].symbol,
			  missed[i].asked, missed[i].is, why ? ": " : "",
			  why ? why : "");
		free(why);
	}
	kernel_symbols_release(&all);
	strv_release(&names);
}
