/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "options/typed.h"

#include "options/list.h"
#include "options/table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void options_flags_release(struct options_flags *f)
{
	for (size_t i = 0; i < f->n; i++) {
		free(f->v[i].name);
		free(f->v[i].value);
	}
	free(f->v);
	*f = (struct options_flags){ 0 };
}

static void add_flag(struct options_flags *out, const struct options_word *w)
{
	struct options_flag *flag;

	out->v = xrealloc(out->v, (out->n + 1) * sizeof(*out->v));
	flag = &out->v[out->n++];
	flag->name = xstrdup(w->entry->name);
	flag->value = w->value && *w->value ? xstrdup(w->value) : NULL;
}

static bool is_preprocessor_list(const struct options_entry *e)
{
	return !strcmp(e->name, "-Wp,");
}

void options_typed_from(struct options_flags *out, char *const *argv,
			const struct options_compile *c)
{
	struct options_word w;
	size_t n;

	(void)c;
	*out = (struct options_flags){ 0 };
	for (argv++; (n = options_word(&w, argv)); argv += n) {
		if (!w.entry)
			continue;
		if (w.entry->use == OPTIONS_CODE ||
		    (w.entry->use == OPTIONS_LIST &&
		     !is_preprocessor_list(w.entry)))
			add_flag(out, &w);
	}
}

static bool code_ok(const struct options_entry *e, const char *value)
{
	if (e->form == OPTIONS_ALONE)
		return !*value;
	if (e->form != OPTIONS_JOINED && !*value)
		return false;
	return options_value_ok(e, value);
}

static bool list_ok(const struct options_entry *e, const char *value)
{
	if (is_preprocessor_list(e) || strlen(value) > OPTIONS_VALUE_MAX)
		return false;
	return e->form == OPTIONS_SEPARATE ?
		       options_list_assembler_ok(value, strlen(value)) :
		       options_list_wa_ok(value);
}

/*
 * Name and value together must mean what they mean apart: "-W" with
 * "a,-al=file" is -Wa,-al=file, and "-march=" with "native" is another entry.
 */
static bool joins_well(const struct options_entry *e, const char *value)
{
	char *word = xasprintf("%s%s", e->name, value);
	bool same = options_find(word) == e;

	free(word);
	return same;
}

static bool for_nodes(const struct options_entry *e, const char *value)
{
	switch ((enum options_use)e->use) {
	case OPTIONS_CODE:
		if (!code_ok(e, value))
			return false;
		break;
	case OPTIONS_LIST:
		if (!list_ok(e, value))
			return false;
		break;
	default:
		return false;
	}
	return e->form == OPTIONS_SEPARATE || joins_well(e, value);
}

int options_typed_allow(struct strv *argv, const char *name, const char *value,
			struct err *err)
{
	const struct options_entry *e = options_named(name);
	const char *v = value ? value : "";

	if (!e || !for_nodes(e, v))
		return err_set(err, ENOTSUP, "option %.200s%.200s", name, v);
	if (e->form == OPTIONS_SEPARATE) {
		strv_add(argv, e->name);
		strv_add(argv, v);
	} else {
		strv_addf(argv, "%s%s", e->name, v);
	}
	return 0;
}
