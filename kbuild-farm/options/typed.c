/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "options/typed.h"
#include "options/output.h"

#include "base/vec.h"
#include "options/list.h"

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

/* `len` bytes of `value`; without any there is none. */
static void add_flag(struct options_flags *out, const char *name,
		     const char *value, size_t len)
{
	struct options_flag *f = VEC_ADD(out->v, out->n);

	f->name = xstrdup(name);
	f->value = value && len ? xstrndup(value, len) : NULL;
}

/* Is a word about dependencies in one list with another word? */
static bool shares_list(const struct options_command *c)
{
	for (size_t i = 1; i < c->n; i++) {
		if (c->item[i].in_list && c->item[i - 1].in_list &&
		    c->item[i].at == c->item[i - 1].at &&
		    c->item[i].entry->use == OPTIONS_USE_WP)
			return true;
	}
	return false;
}

/*
 * The order in which gcc hands -MT, -MQ and lists to cc1 is its own; a line
 * that has several of these kinds, which none in a kernel has, is not sent.
 * clang hands on each list as it is, but for one of -MD or -MMD and its file:
 * that it takes for its own options, with a target from -o in front of what
 * -MT says in other lists (tools/build has both).
 */
static bool deps_mixed(const struct options_command *c)
{
	bool list = c->list_mt || c->list_mq;

	if (c->is_clang && c->list_makes_dep)
		return c->list_mq || c->list_more || shares_list(c) ||
		       (list && c->has_target);
	return (list && (c->has_target || c->makes_dep)) ||
	       (c->list_mt && c->list_mq);
}

/* A word of a -Wp, list; one of -Wa, goes with the whole of it. */
static void type_word(struct options_flags *out, const struct options_item *i)
{
	switch ((enum options_use)i->use) {
	case OPTIONS_USE_DEP_TARGET:
		if (i->value)
			add_flag(out, memcmp(i->text, "-MQ", 3) ? "-MT" : "-MQ",
				 i->value, i->value_len);
		break;
	case OPTIONS_USE_DEP_PHONY:
		add_flag(out, "-MP", NULL, 0);
		break;
	case OPTIONS_USE_CPP:
		/* It comes behind all -D of the driver's own, so it stays. */
		add_flag(out, i->entry->name, i->text, i->len);
		break;
	default:
		break;
	}
}

static int type_option(struct options_flags *out, const struct options_item *i,
		       const struct options_command *c, struct err *err)
{
	switch ((enum options_use)i->use) {
	case OPTIONS_USE_WA:
	case OPTIONS_USE_CODE:
	case OPTIONS_USE_CPP:
	case OPTIONS_USE_DEBUG:
	case OPTIONS_USE_DEP_TARGET:
	case OPTIONS_USE_DEP_PHONY:
		add_flag(out, i->entry->name, i->value, i->value_len);
		break;
	case OPTIONS_USE_MODE:
	case OPTIONS_USE_OUTPUT:
		if (c->records_line)
			add_flag(out, i->entry->name, NULL, 0);
		break;
	case OPTIONS_USE_LINK:
		/* It is said of clang's line that it is not used. */
		if (c->is_clang)
			return err_set(err, ENOTSUP, "option %.200s", i->text);
		break;
	default:
		break;
	}
	return 0;
}

static void add_default_target(struct options_flags *out,
			       const struct options_command *c)
{
	char *object;

	/* A text that came from stdin may lie in a file now. */
	if (c->from_stdin && c->list_makes_dep)
		add_flag(out, "-MQ", "-", 1);
	if (c->has_target ||
	    !(c->makes_dep || (c->list_makes_dep && c->is_clang)))
		return;
	object = options_output_object(c);
	add_flag(out, "-MQ", object, strlen(object));
	free(object);
}

static bool list_ok(const struct options_entry *e, const char *value)
{
	if (strlen(value) > OPTIONS_VALUE_MAX)
		return false;
	if (e->use == OPTIONS_USE_WP)
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
	size_t a = strlen(e->name), b = strlen(value);
	char few[256], *word = a + b < sizeof(few) ? few : xmalloc(a + b + 1);
	bool same;

	memcpy(word, e->name, a);
	memcpy(word + a, value, b + 1);
	same = options_find(word) == e;
	if (word != few)
		free(word);
	return same;
}

static bool value_fits(const struct options_entry *e, const char *value)
{
	bool is_code = e->use == OPTIONS_USE_CODE;

	if (e->use == OPTIONS_USE_WP || e->use == OPTIONS_USE_WA)
		return list_ok(e, value);
	if (e->use == OPTIONS_USE_DEBUG)
		return options_debug_ok(value);
	if (is_code && e->form == OPTIONS_ALONE)
		return !*value;
	/* "-O" is one of code's; of the others only -I X and the like. */
	if (!*value && e->form != OPTIONS_ALONE &&
	    !(is_code && e->form == OPTIONS_JOINED))
		return false;
	return options_value_ok(e, value);
}

/* Its entry, if the table holds it for nodes with such a value; or NULL. */
static const struct options_entry *find_allowed(const char *name,
						const char *value,
						struct err *err)
{
	const struct options_entry *e = options_named(name);

	if (e && value_fits(e, value) &&
	    (e->form == OPTIONS_SEPARATE || joins_well(e, value)))
		return e;
	err_set(err, ENOTSUP, "option %.200s%.200s", name, value);
	return NULL;
}

/* What the node would say of it. */
static int all_allowed(const struct options_flags *f, struct err *err)
{
	for (size_t i = 0; i < f->n; i++) {
		const struct options_flag *flag = &f->v[i];

		if (!options_typed_is_place(flag->name) &&
		    !find_allowed(flag->name, flag->value ? flag->value : "",
				  err))
			return -ENOTSUP;
	}
	return 0;
}

int options_typed_from(struct options_flags *out,
		       const struct options_command *c, struct err *err)
{
	int ret = 0;

	*out = (struct options_flags){ 0 };
	add_default_target(out, c);
	for (size_t i = 0; i < c->n && !ret; i++) {
		const struct options_item *item = &c->item[i];

		if (item->in_list && item->entry->use == OPTIONS_USE_WP)
			type_word(out, item);
		else if (item->entry && !item->in_list)
			ret = type_option(out, item, c, err);
	}
	if (!ret && deps_mixed(c))
		ret = err_set(err, ENOTSUP, "odd dependency options");
	if (!ret)
		ret = all_allowed(out, err);
	if (ret)
		options_flags_release(out);
	return ret;
}

int options_typed_allow(struct strv *argv, const char *name, const char *value,
			struct err *err)
{
	const char *v = value ? value : "";
	const struct options_entry *e = find_allowed(name, v, err);

	if (!e)
		return -ENOTSUP;
	if (e->form == OPTIONS_SEPARATE) {
		strv_add(argv, e->name);
		strv_add(argv, v);
	} else {
		strv_addf(argv, "%s%s", e->name, v);
	}
	return 0;
}

bool options_typed_is_place(const char *name)
{
	return !strcmp(name, "-c") || !strcmp(name, "-o");
}

/*
 * gcc names all that it writes from -dumpdir and -dumpbase, but for the suffix
 * that -dumpbase-ext says; without them from -o, and objcopy, which makes a
 * .dwo, replaces the file that -o names, whose directory only we can write.
 */
static void add_dump_names(struct strv *argv, const char *named,
			   const char *source)
{
	const char *base = str_base(named), *dot = strrchr(base, '.');
	const char *suffix = strrchr(str_base(source), '.');
	int len = dot ? (int)(dot - base) : (int)strlen(base);

	if (!suffix)
		suffix = "";
	strv_add(argv, "-dumpdir");
	strv_addf(argv, "%.*s", (int)(base - named), named);
	strv_add(argv, "-dumpbase");
	strv_addf(argv, "%.*s%s", len, base, suffix);
	strv_add(argv, "-dumpbase-ext");
	strv_add(argv, suffix);
}

int options_typed_outputs(struct strv *argv, enum options_lang lang,
			  const char *source, const struct options_places *out,
			  struct err *err)
{
	static const char *const names[] = {
		[OPTIONS_C] = "c",
		[OPTIONS_ASM] = "assembler-with-cpp",
		[OPTIONS_PLAIN_ASM] = "assembler",
	};

	if (!*source || *source == '-' || *source == '@')
		return err_set(err, ENOTSUP, "source %.200s", source);
	if (lang != OPTIONS_PLAIN_ASM)
		strv_addf(argv, "-Wp,-MD,%s", out->dep);
	if (out->as)
		strv_addf(argv, "-Wa,--MD,%s", out->as);
	if (out->named)
		add_dump_names(argv, out->named, source);
	if (out->preprocess)
		strv_add(argv, "-E");
	else if (!out->placed)
		strv_add(argv, "-c");
	if (out->preprocess ? out->text_to_object : !out->placed) {
		strv_add(argv, "-o");
		strv_add(argv, out->object);
	}
	strv_add(argv, "-x");
	strv_add(argv, names[lang]);
	strv_add(argv, source);
	return 0;
}
