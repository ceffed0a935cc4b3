/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The whole line is read before anything is decided: a word that makes it no
 * compile at all (OPTIONS_PASSTHROUGH) may come after one that makes it local.
 */
#include "options/command.h"

#include "options/list.h"
#include "options/output.h"
#include "options/table.h"

#include <stdlib.h>
#include <string.h>

struct parse {
	struct options_command *c;
	enum reason why; /* the first reason why it is local */
	const char *lang; /* the value of -x */
	bool pass; /* it is not one compile of one source */
	bool compiles; /* -c, or -E where that is asked for */
	bool expands; /* -E is */
	bool to_file; /* the text goes to -o */
	bool from_stdin; /* of what the compiler reads there */
	unsigned sources;
};

/* A bound of what they come to: each word, and each word of a list. */
static size_t count_items(char *const *argv)
{
	size_t n = 0;

	for (; *argv; argv++) {
		n++;
		for (const char *s = *argv; (s = strchr(s, ',')); s++)
			n++;
	}
	return n;
}

static struct options_item *add_word(struct options_command *c,
				     const struct options_item *list,
				     const struct options_list_word *w)
{
	struct options_item *i = &c->item[c->n++];

	*i = (struct options_item){ .entry = list->entry,
				    .text = w->s,
				    .len = (unsigned)w->len,
				    .at = list->at,
				    .use = OPTIONS_USE_CODE,
				    .in_list = true };
	return i;
}

/* It takes the next word of the list. */
static void add_value(struct options_item *i, const char **rest)
{
	struct options_list_word value;

	if (!options_list_next(rest, &value))
		return;
	i->value = value.s;
	i->value_len = (unsigned)value.len;
}

static void add_wp(struct options_command *c, const struct options_item *list)
{
	const char *rest = list->value;
	struct options_list_word w;

	while (options_list_next(&rest, &w)) {
		struct options_item *i = add_word(c, list, &w);

		i->use = (unsigned char)options_list_wp(&w);
		if (i->use == OPTIONS_USE_MAKE_DEPS ||
		    i->use == OPTIONS_USE_DEP_TARGET)
			add_value(i, &rest);
	}
}

/* -Xassembler has one word, which may have a comma in it. */
static void add_wa(struct options_command *c, const struct options_item *list)
{
	const char *rest = list->apart ? NULL : list->value;
	struct options_list_word w = { list->value, list->value_len };

	while (rest ? options_list_next(&rest, &w) : !!w.s) {
		struct options_item *i = add_word(c, list, &w);

		if (options_list_word_is(&w, "--defsym") ||
		    options_list_word_is(&w, "-defsym") ||
		    options_list_word_is(&w, "-G"))
			add_value(i, &rest);
		w.s = NULL;
	}
}

/* One option or input at argv[at], and what is in it; how many words it is. */
static unsigned add_item(struct options_command *c, unsigned at)
{
	char *const *argv = c->argv + at;
	const struct options_entry *e = NULL;
	struct options_item *i = &c->item[c->n++];

	*i = (struct options_item){ .text = argv[0],
				    .len = (unsigned)strlen(argv[0]),
				    .at = at };
	if (argv[0][0] == '-' && argv[0][1])
		i->entry = e = options_find(argv[0]);
	if (!e)
		return 1;
	i->use = e->use;
	if (e->form == OPTIONS_ALONE)
		return 1;
	i->value = argv[0] + strlen(e->name);
	i->apart = e->form != OPTIONS_JOINED && !*i->value;
	if (i->apart)
		i->value = argv[1];
	i->value_len = i->value ? (unsigned)strlen(i->value) : 0;
	if (i->value && i->use == OPTIONS_USE_WP)
		add_wp(c, i);
	else if (i->value && i->use == OPTIONS_USE_WA)
		add_wa(c, i);
	return i->apart && i->value ? 2 : 1;
}

static void set_local(struct parse *p, enum reason why)
{
	if (!p->why)
		p->why = why;
}

/* Whatever else there is: such units are counted by that. */
static void set_cplusplus(struct parse *p)
{
	p->why = REASON_CPLUSPLUS;
}

/* /dev/null, /dev/stdin, /proc/self/fd/0, "-": probes and pipes. */
static bool is_device(const char *path)
{
	return str_equal(path, "-") || str_starts(path, "/dev/") ||
	       str_starts(path, "/proc/");
}

static bool word_in(const char *s, const char *const *list)
{
	for (; *list; list++) {
		if (!strcmp(s, *list))
			return true;
	}
	return false;
}

static void parse_lang(struct parse *p, const char *value)
{
	if (!value) {
		p->pass = true;
		return;
	}
	if (p->sources)
		set_local(p, REASON_LATE_LANGUAGE);
	p->lang = value;
	if (!strcmp(value, "c"))
		p->c->lang = OPTIONS_C;
	else if (!strcmp(value, "assembler-with-cpp"))
		p->c->lang = OPTIONS_ASM;
	else if (!strcmp(value, "assembler"))
		p->c->lang = OPTIONS_PLAIN_ASM;
	else if (str_starts(value, "c++"))
		set_cplusplus(p);
	else
		set_local(p, REASON_OTHER_LANGUAGE);
}

/*
 * The language of a source by its name, as gcc decides it.  False: not a
 * source, so the linker's.
 */
static bool take_suffix(struct parse *p, const char *file)
{
	static const char *const cxx[] = { "cc",  "cp",  "cxx", "cpp", "CPP",
					   "c++", "C",   "ii",  "hh",  "hpp",
					   "H",   "hxx", "mm",  "M",   NULL };
	static const char *const other[] = { "i",   "m",   "mi",  "f",   "for",
					     "F",   "f90", "F90", "f95", "d",
					     "go",  "ads", "adb", "mod", "rs",
					     "mii", NULL };
	const char *dot = strrchr(str_base(file), '.');

	if (!dot)
		return false;
	if (!strcmp(dot, ".c"))
		p->c->lang = OPTIONS_C;
	else if (!strcmp(dot, ".S") || !strcmp(dot, ".sx"))
		p->c->lang = OPTIONS_ASM;
	else if (!strcmp(dot, ".s"))
		p->c->lang = OPTIONS_PLAIN_ASM;
	else if (!strcmp(dot, ".h"))
		set_local(p, REASON_PRECOMPILED);
	else if (word_in(dot + 1, cxx))
		set_cplusplus(p);
	else if (word_in(dot + 1, other))
		set_local(p, REASON_OTHER_LANGUAGE);
	else
		return false;
	return true;
}

static void take_input(struct parse *p, const char *file)
{
	if (p->from_stdin && p->lang && str_equal(file, "-")) {
		p->sources++;
		p->c->source = file;
		p->c->from_stdin = true;
		return;
	}
	if (p->from_stdin || is_device(file) ||
	    (!p->lang && !take_suffix(p, file))) {
		p->pass = true;
		return;
	}
	/* gcc's names for such a source's outputs are not worth knowing. */
	if (str_base(file)[0] == '.' || !*str_base(file))
		set_local(p, REASON_DOT_SOURCE);
	p->sources++;
	p->c->source = file;
}

static void take_dep(struct parse *p, const char *file, size_t len)
{
	if (p->c->dep)
		set_local(p, REASON_SEVERAL_DEPS);
	p->c->dep = file;
	p->c->dep_len = len;
}

/* -MD and its like: the driver's own, or in a -Wp, list. */
static void take_deps(struct parse *p, const struct options_item *i)
{
	struct options_command *c = p->c;

	switch ((enum options_use)i->use) {
	case OPTIONS_USE_MAKE_DEPS:
		c->leaves_out |= i->len == strlen("-MMD");
		if (!i->in_list)
			c->makes_dep = true;
		else if (i->value_len)
			take_dep(p, i->value, i->value_len);
		else
			set_local(p, REASON_UNSUPPORTED_DEPS);
		c->list_makes_dep |= i->in_list;
		break;
	case OPTIONS_USE_DEP_FILE:
		take_dep(p, i->value, i->value_len);
		break;
	case OPTIONS_USE_DEP_TARGET:
		if (!i->value)
			set_local(p, REASON_UNSUPPORTED_DEPS);
		if (!i->in_list)
			c->has_target = true;
		else if (!memcmp(i->text, "-MQ", 3))
			c->list_mq = true;
		else
			c->list_mt = true;
		break;
	default:
		c->list_more |= i->in_list;
	}
}

static void take_output(struct parse *p, const char *file)
{
	if (!file || !*file || is_device(file))
		p->pass = true;
	else if (p->c->object)
		set_local(p, REASON_SEVERAL_OUTPUTS);
	p->c->object = file;
}

static void take_code(struct parse *p, const struct options_item *i)
{
	p->c->records_line |= i->entry->side == OPTIONS_SIDE_DATABASE;
	if (i->entry->form == OPTIONS_ALONE)
		return;
	if (!i->value || !options_value_ok(i->entry, i->value))
		set_local(p, REASON_UNSUPPORTED_VALUE);
}

static void parse_option(struct parse *p, const struct options_item *i)
{
	switch ((enum options_use)i->use) {
	case OPTIONS_USE_MODE:
		if (!strcmp(i->text, p->expands ? "-E" : "-c"))
			p->compiles = true;
		else
			p->pass = true;
		break;
	case OPTIONS_USE_QUERY:
		p->pass = true;
		break;
	case OPTIONS_USE_OUTPUT:
		take_output(p, i->value);
		break;
	case OPTIONS_USE_LANG:
		parse_lang(p, i->value);
		break;
	case OPTIONS_USE_CODE:
		take_code(p, i);
		break;
	case OPTIONS_USE_MAKE_DEPS:
	case OPTIONS_USE_DEP_FILE:
	case OPTIONS_USE_DEP_TARGET:
	case OPTIONS_USE_DEP_PHONY:
		if (i->entry->form != OPTIONS_ALONE && !i->value)
			p->pass = true;
		else
			take_deps(p, i);
		break;
	case OPTIONS_USE_WP:
		break;
	case OPTIONS_USE_WA:
		if (!i->value)
			p->pass = true;
		else if (i->apart ? !options_list_assembler_ok(i->value,
							       i->value_len) :
				    !options_list_wa_ok(i->value))
			set_local(p, REASON_ASSEMBLER);
		break;
	case OPTIONS_USE_DEBUG:
		if (i->value && !options_debug_ok(i->value))
			set_local(p, REASON_UNKNOWN_DEBUG);
		break;
	case OPTIONS_USE_LOCAL:
		set_local(p, i->entry->why);
		break;
	case OPTIONS_USE_CPP:
	case OPTIONS_USE_LINK:
		break;
	}
}

static void parse_item(struct parse *p, const struct options_item *i)
{
	/* gcc replaces such a word by what the file holds, wherever it is. */
	if (options_item_is_file(i)) {
		set_local(p, REASON_AT_FILE);
		if (i->text[0] == '@')
			return;
	}
	if (!i->entry && i->text[0] == '-' && i->text[1])
		set_local(p, REASON_UNKNOWN_OPTION);
	else if (!i->entry)
		take_input(p, i->text);
	else if (!i->in_list)
		parse_option(p, i);
	else if (i->use == OPTIONS_USE_LOCAL)
		set_local(p, REASON_PREPROCESSOR);
	else if (i->entry->use == OPTIONS_USE_WP)
		take_deps(p, i);
}

static void take_driver(struct parse *p, const char *name)
{
	name = str_base(name);
	p->c->is_clang = strstr(name, "clang");
	if (strstr(name, "g++") || strstr(name, "c++"))
		set_cplusplus(p);
}

static bool is_about_deps(const struct options_item *i)
{
	return i->entry && i->use >= OPTIONS_USE_MAKE_DEPS &&
	       i->use <= OPTIONS_USE_WP;
}

/*
 * What the assembler reads as it is has no dependency list, whatever the line
 * says.  clang tells which of its words it did not use.
 */
static void drop_deps(struct parse *p)
{
	struct options_command *c = p->c;

	for (size_t i = 0; i < c->n && c->is_clang; i++) {
		if (is_about_deps(&c->item[i]))
			set_local(p, REASON_UNSUPPORTED_DEPS);
	}
	c->dep = NULL;
	c->dep_len = 0;
	c->makes_dep = c->list_makes_dep = c->leaves_out = false;
	c->has_target = c->list_mt = c->list_mq = c->list_more = false;
}

static void finish_deps(struct parse *p)
{
	struct options_command *c = p->c;

	if (c->dep && !c->makes_dep && !c->list_makes_dep)
		set_local(p, REASON_UNSUPPORTED_DEPS);
	if (c->makes_dep && c->list_makes_dep)
		set_local(p, REASON_SEVERAL_DEPS);
}

/* Its text goes to a program behind it, and nothing else is written. */
static bool is_text_alone(const struct parse *p)
{
	const struct options_command *c = p->c;
	struct options_sides sides;
	bool alone;

	options_output_sides(&sides, c);
	alone = !sides.named &&
		(p->to_file ? c->object && c->lang == OPTIONS_ASM :
			      !c->object && c->lang == OPTIONS_C);
	options_sides_release(&sides);
	return alone;
}

/* Does it say more of its dependency list than the file? */
static bool has_own_deps(const struct options_command *c)
{
	for (size_t i = 0; i < c->n; i++) {
		if (c->item[i].entry && c->item[i].use == OPTIONS_USE_DEP_PHONY)
			return true;
	}
	return c->makes_dep || c->has_target || c->list_mt || c->list_mq;
}

static void parse_words(struct parse *p, char *const *argv)
{
	struct options_command *c = p->c;

	*c = (struct options_command){ .argv = argv };
	if (!argv[0])
		return;
	take_driver(p, argv[0]);
	c->item = xmalloc((count_items(argv) + 1) * sizeof(*c->item));
	for (unsigned at = 1; argv[at];)
		at += add_item(c, at);
	for (size_t i = 0; i < c->n; i++)
		parse_item(p, &c->item[i]);
	if (p->pass || !p->compiles || p->sources != 1)
		return;
	if (p->expands && !is_text_alone(p))
		return;
	c->expands = p->expands;
	finish_deps(p);
	if (p->from_stdin && has_own_deps(c))
		set_local(p, REASON_UNSUPPORTED_DEPS);
	if (c->lang == OPTIONS_PLAIN_ASM && !p->why)
		drop_deps(p);
	if (!p->why && options_output_clash(c))
		set_local(p, REASON_UNSUPPORTED_OUTPUT_NAME);
	c->why = p->why;
	c->verdict = p->why ? OPTIONS_LOCAL : OPTIONS_REMOTE;
}

void options_command_parse(struct options_command *c, char *const *argv)
{
	struct parse p = { .c = c };

	parse_words(&p, argv);
}

void options_command_parse_text(struct options_command *c, char *const *argv)
{
	struct parse p = { .c = c, .expands = true };

	parse_words(&p, argv);
}

void options_command_parse_expanded(struct options_command *c,
				    char *const *argv)
{
	struct parse p = { .c = c, .expands = true, .to_file = true };

	parse_words(&p, argv);
}

void options_command_parse_stdin(struct options_command *c, char *const *argv)
{
	struct parse p = { .c = c, .expands = true, .from_stdin = true };

	parse_words(&p, argv);
}

void options_command_set_text(struct options_command *c, const char *path)
{
	for (size_t i = 0; i < c->n; i++) {
		struct options_item *item = &c->item[i];

		if (item->text != c->source)
			continue;
		item->text = path;
		item->len = (unsigned)strlen(path);
	}
	c->source = path;
}

void options_command_release(struct options_command *c)
{
	free(c->item);
	*c = (struct options_command){ 0 };
}

bool options_item_is_file(const struct options_item *i)
{
	return !i->in_list && (i->text[0] == '@' ||
			       (i->apart && i->value && *i->value == '@'));
}
