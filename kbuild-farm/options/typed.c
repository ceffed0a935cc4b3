/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "options/typed.h"

#include "base/vec.h"
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

/* Room doubles at each power of two. */
static void add_pair(struct options_flags *out, const char *name,
		     const char *value)
{
	struct options_flag *flag = VEC_ADD(out->v, out->n);

	flag->name = xstrdup(name);
	flag->value = value && *value ? xstrdup(value) : NULL;
}

static void add_flag(struct options_flags *out, const struct options_word *w)
{
	add_pair(out, w->entry->name, w->value);
}

static bool is_preprocessor_list(const struct options_entry *e)
{
	return !strcmp(e->name, "-Wp,");
}

/* The dependency options of a line, while its flags are collected. */
struct deps {
	bool makes; /* -MD or -MMD, the driver's own */
	bool in_list; /* the same in a -Wp, list */
	unsigned mt, mq; /* -MT and -MQ, the driver's own */
	unsigned list_mt, list_mq; /* in -Wp, lists */
	unsigned more; /* words of lists beside -MD FILE and targets */
};

static void take_deps(struct options_flags *out, struct deps *d,
		      const struct options_word *w)
{
	const char *name = w->entry->name;

	if (!strcmp(name, "-MD") || !strcmp(name, "-MMD"))
		d->makes = true;
	else if (!strcmp(name, "-MT"))
		d->mt++;
	else if (!strcmp(name, "-MQ"))
		d->mq++;
	if (w->entry->charset)
		add_flag(out, w);
}

static void add_target(struct options_flags *out, struct deps *d,
		       const struct options_item *item,
		       const struct options_item *target)
{
	bool quoted = options_item_is(item, "-MQ");
	char *value = xstrndup(target->s, target->len);

	if (quoted)
		d->list_mq++;
	else
		d->list_mt++;
	add_pair(out, quoted ? "-MQ" : "-MT", value);
	free(value);
}

/*
 * -D of a list comes behind all -D of the driver's own, so it stays in one.
 */
static void take_wp(struct options_flags *out, struct deps *d, const char *list)
{
	struct options_item item, next = { 0 };
	char *word;

	while (options_list_next(&list, &item)) {
		switch (options_list_wp(&item)) {
		case OPTIONS_WP_FILE:
			options_list_next(&list, &next);
			d->in_list = true;
			break;
		case OPTIONS_WP_TARGET:
			if (options_list_next(&list, &next))
				add_target(out, d, &item, &next);
			break;
		case OPTIONS_WP_PHONY:
			d->more++;
			add_pair(out, "-MP", NULL);
			break;
		case OPTIONS_WP_CPP:
			d->more++;
			word = xstrndup(item.s, item.len);
			add_pair(out, "-Wp,", word);
			free(word);
			break;
		case OPTIONS_WP_OTHER:
			break;
		}
	}
}

/*
 * The order in which gcc hands -MT, -MQ and lists to cc1 is its own; a line
 * that has several of these kinds, which none in a kernel has, is not sent.
 */
static bool deps_odd(const struct deps *d, const struct options_compile *c)
{
	unsigned own = d->mt + d->mq, list = d->list_mt + d->list_mq;

	if (c->is_clang && d->in_list && (list || d->more))
		return true;
	return (list && (own || d->makes)) || (d->list_mt && d->list_mq);
}

static int take_word(struct options_flags *out, struct deps *d,
		     const struct options_word *w,
		     const struct options_compile *c, struct err *err)
{
	switch ((enum options_use)w->entry->use) {
	case OPTIONS_DEPS:
		take_deps(out, d, w);
		break;
	case OPTIONS_LIST:
		if (is_preprocessor_list(w->entry))
			take_wp(out, d, w->value);
		else
			add_flag(out, w);
		break;
	case OPTIONS_CODE:
	case OPTIONS_CPP:
	case OPTIONS_DEBUG:
		add_flag(out, w);
		break;
	case OPTIONS_LINK:
		/* It is said of clang's line that it is not used. */
		if (c->is_clang)
			return err_set(err, ENOTSUP, "option %.200s", w->text);
		break;
	case OPTIONS_MODE:
	case OPTIONS_OUTPUT:
	case OPTIONS_LANG:
	case OPTIONS_QUERY:
	case OPTIONS_LOCAL:
		break;
	}
	return 0;
}

static void add_default_target(struct options_flags *out, const struct deps *d,
			       const struct options_compile *c)
{
	char *object;

	if (d->mt + d->mq || !(d->makes || (d->in_list && c->is_clang)))
		return;
	object = options_compile_object(c);
	add_pair(out, "-MQ", object);
	free(object);
}

/* What the node would say of it. */
static int all_allowed(const struct options_flags *f, struct err *err)
{
	struct strv argv = { 0 };
	int ret = 0;

	for (size_t i = 0; i < f->n && !ret; i++)
		ret = options_typed_allow(&argv, f->v[i].name, f->v[i].value,
					  err);
	strv_release(&argv);
	return ret;
}

int options_typed_from(struct options_flags *out, char *const *argv,
		       const struct options_compile *c, struct err *err)
{
	struct deps d = { 0 };
	struct options_word w;
	int ret = 0;
	size_t n;

	*out = (struct options_flags){ 0 };
	for (argv++; !ret && (n = options_word(&w, argv)); argv += n) {
		if (w.entry)
			ret = take_word(out, &d, &w, c, err);
	}
	if (!ret && deps_odd(&d, c))
		ret = err_set(err, ENOTSUP, "odd dependency options");
	if (!ret) {
		add_default_target(out, &d, c);
		ret = all_allowed(out, err);
	}
	if (ret)
		options_flags_release(out);
	return ret;
}

static bool list_ok(const struct options_entry *e, const char *value)
{
	if (strlen(value) > OPTIONS_VALUE_MAX)
		return false;
	if (is_preprocessor_list(e))
		return options_list_wp_ok(value);
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

static bool value_fits(const struct options_entry *e, const char *value)
{
	bool is_code = e->use == OPTIONS_CODE;

	if (e->use == OPTIONS_LIST)
		return list_ok(e, value);
	if (e->use == OPTIONS_DEBUG)
		return options_debug_ok(value);
	if (is_code && e->form == OPTIONS_ALONE)
		return !*value;
	/* "-O" is one of code's; of the others only -I X and the like. */
	if (!*value && e->form != OPTIONS_ALONE &&
	    !(is_code && e->form == OPTIONS_JOINED))
		return false;
	return options_value_ok(e, value);
}

int options_typed_allow(struct strv *argv, const char *name, const char *value,
			struct err *err)
{
	const struct options_entry *e = options_named(name);
	const char *v = value ? value : "";

	if (!e || !value_fits(e, v) ||
	    (e->form != OPTIONS_SEPARATE && !joins_well(e, v)))
		return err_set(err, ENOTSUP, "option %.200s%.200s", name, v);
	if (e->form == OPTIONS_SEPARATE) {
		strv_add(argv, e->name);
		strv_add(argv, v);
	} else {
		strv_addf(argv, "%s%s", e->name, v);
	}
	return 0;
}

int options_typed_outputs(struct strv *argv, enum options_lang lang,
			  bool is_clang, const char *source,
			  const struct options_outputs *out, struct err *err)
{
	if (!*source || *source == '-' || *source == '@')
		return err_set(err, ENOTSUP, "source %.200s", source);
	strv_addf(argv, "-Wp,-MD,%s", out->dep);
	if (!is_clang)
		strv_addf(argv, "-Wa,--MD,%s", out->as);
	strv_add(argv, "-c");
	strv_add(argv, "-o");
	strv_add(argv, out->object);
	strv_add(argv, "-x");
	strv_add(argv, lang == OPTIONS_ASM ? "assembler-with-cpp" : "c");
	strv_add(argv, source);
	return 0;
}
