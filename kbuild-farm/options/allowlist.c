/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "options/allowlist.h"
#include "options/command.h"

#include "base/vec.h"
#include "options/table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define AS_DEPS "-Wa,--MD," /* followed by the path of the dependency list */

void options_flags_release(struct options_flags *f)
{
	for (size_t i = 0; i < f->n_flags; i++) {
		free(f->flags[i].name);
		free(f->flags[i].value);
	}
	free(f->flags);
	*f = (struct options_flags){ 0 };
}

/* Add a flag.  An empty value counts as no value. */
static void add_flag(struct options_flags *out, const char *name,
		     const char *value, size_t len)
{
	struct options_flag *f = VEC_ADD(out->flags, out->n_flags);

	f->name = xstrdup(name);
	f->value = value && len ? xstrndup(value, len) : NULL;
}

/* Return true if a -Wp, list contains more than one option. */
static bool shares_wp_list(const struct options_command *c)
{
	for (size_t i = 1; i < c->n_items; i++) {
		if (c->items[i].in_list && c->items[i - 1].in_list &&
		    c->items[i].argv_index == c->items[i - 1].argv_index &&
		    c->items[i].entry->use == OPTIONS_USE_WP)
			return true;
	}
	return false;
}

/*
 * Return true if a command mixes dependency options in a way that is not
 * supported on a node.
 *
 * gcc passes targets to cc1 in its own order, not in the order of the command.
 * A command is therefore not sent if it has targets of more than one of these
 * kinds: driver options; -MT in a -Wp list; -MQ in a -Wp list.  No kernel uses
 * such a command.
 *
 * clang passes each -Wp, list unchanged, except -Wp,-MD,FILE and -Wp,-MMD,FILE,
 * which it treats as driver options.  clang then puts the target that it
 * derives from -o before the -MT words of other lists.  A node supports the
 * combination of -Wp,-MD,FILE and -Wp,-MT,TARGET, because the kernel's
 * tools/build uses it.
 */
static bool has_mixed_deps(const struct options_command *c)
{
	bool list = c->list_mt || c->list_mq;

	if (c->is_clang && c->list_makes_dep)
		return c->list_mq || c->has_other_wp_words ||
		       shares_wp_list(c) || (list && c->has_target);
	return (list && (c->has_target || c->makes_dep)) ||
	       (c->list_mt && c->list_mq);
}

/* Add a word of a -Wp, list.  A -Wa, list is sent as a whole. */
static void add_wp_flag(struct options_flags *out, const struct options_item *i)
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
		/*
		 * Send the word as a -Wp, list again: a -D in -Wp takes effect
		 * after all -D options of the driver.
		 */
		add_flag(out, i->entry->name, i->text, i->len);
		break;
	default:
		break;
	}
}

static int add_option_flag(struct options_flags *out,
			   const struct options_item *i,
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
		if (c->records_command)
			add_flag(out, i->entry->name, NULL, 0);
		break;
	case OPTIONS_USE_LINK:
		/*
		 * clang warns about an unused linker option, so the option must
		 * not be dropped.
		 */
		if (c->is_clang)
			return err_set(err, ENOTSUP,
				       "unsupported option %.200s", i->text);
		break;
	default:
		break;
	}
	return 0;
}

/*
 * Return true if the name of `e` and `value`, joined to one word, still match
 * the entry `e`.  "-W" with "a,-al=file" matches "-Wa," instead, and "-march="
 * with "native" matches "-march=native".
 */
static bool is_joined_same_option(const struct options_entry *e,
				  const char *value)
{
	size_t a = strlen(e->name), b = strlen(value);
	char few[256], *word = a + b < sizeof(few) ? few : xmalloc(a + b + 1);
	bool same;

	memcpy(word, e->name, a);
	memcpy(word + a, value, b + 1);
	same = options_table_find_word(word) == e;
	if (word != few)
		free(word);
	return same;
}

/* Return true if each word of a -Wp, list is a printable -Dx, -Ux or -Ix. */
static bool is_wp_list_allowed(const char *list)
{
	const char *rest = list;
	struct options_comma_word word;

	while (options_comma_list_next(&rest, &word)) {
		if (options_comma_list_wp_use(&word) != OPTIONS_USE_CPP ||
		    !options_table_is_in_charset(" -~\x80-\xff", word.s,
						 word.len))
			return false;
	}
	return true;
}

static bool is_value_allowed(const struct options_entry *e, const char *value)
{
	bool is_code = e->use == OPTIONS_USE_CODE;
	size_t len = strlen(value);

	if (e->use == OPTIONS_USE_WP || e->use == OPTIONS_USE_WA) {
		if (len > OPTIONS_VALUE_MAX_BYTES)
			return false;
		if (e->use == OPTIONS_USE_WP)
			return is_wp_list_allowed(value);
		if (e->form == OPTIONS_FORM_SEPARATE)
			return options_comma_list_is_as_allowed(value, len);
		return options_comma_list_is_wa_allowed(value);
	}
	if (e->use == OPTIONS_USE_DEBUG)
		return options_table_is_debug_allowed(value);
	if (is_code && e->form == OPTIONS_FORM_ALONE)
		return !*value;
	/*
	 * A value is mandatory for all options that take one, except for joined
	 * options of OPTIONS_USE_CODE such as "-O".
	 */
	if (!*value && e->form != OPTIONS_FORM_ALONE &&
	    !(is_code && e->form == OPTIONS_FORM_JOINED))
		return false;
	return options_table_is_value_allowed(e, value);
}

/* Return the entry `name` if a node accepts it with this value, else NULL. */
static const struct options_entry *find_allowed(const char *name,
						const char *value,
						struct err *err)
{
	const struct options_entry *e = options_table_find_name(name);

	if (e && is_value_allowed(e, value) &&
	    (e->form == OPTIONS_FORM_SEPARATE ||
	     is_joined_same_option(e, value)))
		return e;
	err_set(err, ENOTSUP, "unsupported option %.200s%.200s", name, value);
	return NULL;
}

int options_allowlist_make_flags(struct options_flags *out,
				 const struct options_command *c,
				 struct err *err)
{
	char *object;
	int ret = 0;

	*out = (struct options_flags){ 0 };
	/*
	 * On the node, a file replaces standard input, but the target must
	 * remain "-".
	 */
	if (c->from_stdin && c->list_makes_dep)
		add_flag(out, "-MQ", "-", 1);
	if (!c->has_target &&
	    (c->makes_dep || (c->list_makes_dep && c->is_clang))) {
		object = options_output_object_path(c);
		add_flag(out, "-MQ", object, strlen(object));
		free(object);
	}
	for (size_t i = 0; i < c->n_items && !ret; i++) {
		const struct options_item *item = &c->items[i];

		if (item->in_list && item->entry->use == OPTIONS_USE_WP)
			add_wp_flag(out, item);
		else if (item->entry && !item->in_list)
			ret = add_option_flag(out, item, c, err);
	}
	if (!ret && has_mixed_deps(c))
		ret = err_set(err, ENOTSUP, "unsupported dependency options");
	/* Apply the same checks as the node. */
	for (size_t i = 0; i < out->n_flags && !ret; i++) {
		const struct options_flag *flag = &out->flags[i];

		if (!options_allowlist_is_placeholder(flag->name) &&
		    !find_allowed(flag->name, flag->value ? flag->value : "",
				  err))
			ret = -ENOTSUP;
	}
	if (ret)
		options_flags_release(out);
	return ret;
}

int options_allowlist_add_flag(struct strv *argv, const char *name,
			       const char *value, struct err *err)
{
	const char *v = value ? value : "";
	const struct options_entry *e = find_allowed(name, v, err);

	if (!e)
		return -ENOTSUP;
	if (e->form == OPTIONS_FORM_SEPARATE) {
		strv_add(argv, e->name);
		strv_add(argv, v);
	} else {
		strv_addf(argv, "%s%s", e->name, v);
	}
	return 0;
}

bool options_allowlist_is_placeholder(const char *name)
{
	return !strcmp(name, "-c") || !strcmp(name, "-o");
}

/*
 * gcc derives the names of all side outputs from -dumpdir, -dumpbase and
 * -dumpbase-ext or, without these options, from -o.  On the node, -o must not
 * name make's object: objcopy creates the .dwo and then replaces the file of
 * -o, but a job may not write to the directory of make's object.
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

/* Return true if a word of `argv` starts with `start`. */
static bool has_word_with_prefix(const struct strv *argv, const char *start)
{
	for (size_t i = 0; i < argv->n; i++) {
		if (str_starts(argv->v[i], start))
			return true;
	}
	return false;
}

bool options_allowlist_has_as_deps(const struct strv *argv)
{
	return has_word_with_prefix(argv, AS_DEPS);
}

static bool uses_lto(const struct strv *argv)
{
	return strv_has(argv, "-flto") || has_word_with_prefix(argv, "-flto=");
}

int options_allowlist_add_outputs(struct strv *argv, enum options_lang lang,
				  const char *source,
				  const struct options_node_outputs *out,
				  struct err *err)
{
	static const char *const names[] = {
		[OPTIONS_LANG_C] = "c",
		[OPTIONS_LANG_ASM_CPP] = "assembler-with-cpp",
		[OPTIONS_LANG_ASM] = "assembler",
	};

	bool split = out->named && !out->is_clang &&
		     strv_has(argv, "-gsplit-dwarf");
	bool lists_as_deps = out->as_dep && !out->preprocess &&
			     !out->is_clang &&
			     (lang != OPTIONS_LANG_C || !uses_lto(argv));

	if (!*source || *source == '-' || *source == '@')
		return err_set(err, ENOTSUP, "unsupported source name %.200s",
			       source);
	if (lang != OPTIONS_LANG_ASM)
		strv_addf(argv, "-Wp,-MD,%s", out->dep);
	if (lists_as_deps)
		strv_addf(argv, AS_DEPS "%s", out->as_dep);
	if (split || out->side_base)
		add_dump_names(argv, split ? out->named : out->side_base,
			       source);
	if (out->preprocess)
		strv_add(argv, "-E");
	else if (!out->has_placeholders)
		strv_add(argv, "-c");
	if (out->preprocess ? out->text_to_object : !out->has_placeholders) {
		strv_add(argv, "-o");
		strv_add(argv, out->named && !split ? out->named : out->object);
	}
	strv_add(argv, "-x");
	strv_add(argv, names[lang]);
	strv_add(argv, source);
	return 0;
}
