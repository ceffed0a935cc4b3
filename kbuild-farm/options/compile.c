/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The whole line is read before anything is decided: a word that makes it no
 * compile at all (OPTIONS_PASS) may come after one that makes it local.
 */
#include "options/compile.h"

#include "options/list.h"
#include "options/table.h"

#include <stdlib.h>
#include <string.h>

struct parse {
	struct options_compile *c;
	enum reason here; /* the first reason why it is local */
	const char *lang; /* the value of -x */
	bool pass; /* it is not one compile of one source */
	bool compiles; /* -c */
	bool makes_dep; /* -MD or -MMD, the driver's own */
	bool list_dep; /* the same in a -Wp, list */
	unsigned sources;
};

static void set_here(struct parse *p, enum reason why)
{
	if (!p->here)
		p->here = why;
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

static void take_lang(struct parse *p, const char *value)
{
	if (!value) {
		p->pass = true;
		return;
	}
	if (p->sources)
		set_here(p, REASON_LATE_LANGUAGE);
	p->lang = value;
	if (!strcmp(value, "c"))
		p->c->lang = OPTIONS_C;
	else if (!strcmp(value, "assembler-with-cpp"))
		p->c->lang = OPTIONS_ASM;
	else
		set_here(p, str_starts(value, "c++") ? REASON_CPLUSPLUS :
						       REASON_OTHER_LANGUAGE);
}

/*
 * The language of a source by its name, as gcc decides it.  False: not a
 * source, so the linker's.  A .s goes to the assembler as it is: there is no
 * text to make of it, and it may .include; it is rare, so it is local.
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
		set_here(p, REASON_PLAIN_ASSEMBLER);
	else if (!strcmp(dot, ".h"))
		set_here(p, REASON_PRECOMPILED);
	else if (word_in(dot + 1, cxx))
		set_here(p, REASON_CPLUSPLUS);
	else if (word_in(dot + 1, other))
		set_here(p, REASON_OTHER_LANGUAGE);
	else
		return false;
	return true;
}

static void take_input(struct parse *p, const char *file)
{
	if (is_device(file) || (!p->lang && !take_suffix(p, file))) {
		p->pass = true;
		return;
	}
	/* gcc's names for such a source's outputs are not worth knowing. */
	if (str_base(file)[0] == '.' || !*str_base(file))
		set_here(p, REASON_DOT_SOURCE);
	p->sources++;
	p->c->source = file;
}

static void take_dep(struct parse *p, const char *file, size_t len)
{
	if (p->c->dep)
		set_here(p, REASON_SEVERAL_DEPS);
	p->c->dep = file;
	p->c->dep_len = len;
}

static void take_deps(struct parse *p, const struct options_word *w)
{
	const char *name = w->entry->name;

	if (!strcmp(name, "-MD") || !strcmp(name, "-MMD"))
		p->makes_dep = true;
	else if (strcmp(name, "-MP") && !w->value)
		p->pass = true;
	else if (w->value && !strcmp(name, "-MF"))
		take_dep(p, w->value, strlen(w->value));
}

static void take_wp(struct parse *p, const char *list)
{
	struct options_item item, next;

	while (options_list_next(&list, &item)) {
		switch (options_list_wp(&item)) {
		case OPTIONS_WP_FILE:
			p->list_dep = true;
			if (options_list_next(&list, &next) && next.len)
				take_dep(p, next.s, next.len);
			else
				set_here(p, REASON_ODD_DEPS);
			break;
		case OPTIONS_WP_TARGET:
			if (!options_list_next(&list, &next))
				set_here(p, REASON_ODD_DEPS);
			break;
		case OPTIONS_WP_PHONY:
		case OPTIONS_WP_CPP:
			break;
		case OPTIONS_WP_OTHER:
			set_here(p, REASON_PREPROCESSOR);
		}
	}
}

static void take_list(struct parse *p, const struct options_word *w)
{
	if (!w->value) {
		p->pass = true;
	} else if (!strcmp(w->entry->name, "-Wp,")) {
		take_wp(p, w->value);
	} else {
		bool ok = w->apart ? options_list_assembler_ok(
					     w->value, strlen(w->value)) :
				     options_list_wa_ok(w->value);

		if (!ok)
			set_here(p, REASON_ASSEMBLER);
	}
}

static void take_output(struct parse *p, const char *file)
{
	if (!file || !*file || is_device(file))
		p->pass = true;
	else if (p->c->object)
		set_here(p, REASON_SEVERAL_OUTPUTS);
	p->c->object = file;
}

static void take_code(struct parse *p, const struct options_word *w)
{
	if (w->entry->form == OPTIONS_ALONE)
		return;
	if (!w->value || !options_value_ok(w->entry, w->value))
		set_here(p, REASON_ODD_VALUE);
}

static void take_option(struct parse *p, const struct options_word *w)
{
	switch ((enum options_use)w->entry->use) {
	case OPTIONS_MODE:
		if (!strcmp(w->text, "-c"))
			p->compiles = true;
		else
			p->pass = true;
		break;
	case OPTIONS_QUERY:
		p->pass = true;
		break;
	case OPTIONS_OUTPUT:
		take_output(p, w->value);
		break;
	case OPTIONS_LANG:
		take_lang(p, w->value);
		break;
	case OPTIONS_CODE:
		take_code(p, w);
		break;
	case OPTIONS_DEPS:
		take_deps(p, w);
		break;
	case OPTIONS_LIST:
		take_list(p, w);
		break;
	case OPTIONS_DEBUG:
		if (w->value && !options_debug_ok(w->value))
			set_here(p, REASON_UNKNOWN_DEBUG);
		break;
	case OPTIONS_LOCAL:
		set_here(p, w->entry->why);
		break;
	case OPTIONS_CPP:
	case OPTIONS_LINK:
		break;
	}
}

static void take_word(struct parse *p, const struct options_word *w)
{
	/* gcc replaces such a word by what the file holds, wherever it is. */
	if (w->text[0] == '@' || (w->apart && w->value && *w->value == '@')) {
		set_here(p, REASON_AT_FILE);
		if (w->text[0] == '@')
			return;
	}
	if (w->entry)
		take_option(p, w);
	else if (w->text[0] == '-' && w->text[1])
		set_here(p, REASON_UNKNOWN_OPTION);
	else
		take_input(p, w->text);
}

static void take_driver(struct parse *p, const char *name)
{
	name = str_base(name);
	p->c->is_clang = strstr(name, "clang");
	if (strstr(name, "clang++"))
		set_here(p, REASON_CPLUSPLUS);
	else if (strstr(name, "g++") || strstr(name, "c++"))
		set_here(p, REASON_CPLUSPLUS);
}

/* The bytes of a file's name before its suffix. */
static size_t stem_length(const char *file)
{
	const char *base = str_base(file);
	const char *dot = strrchr(base, '.');

	return dot ? (size_t)(dot - file) : strlen(file);
}

/* gcc -MD: -o with another suffix, or the source's name in this directory. */
static void default_dep(struct options_compile *c)
{
	c->dep = c->object ? c->object : str_base(c->source);
	c->dep_len = stem_length(c->dep);
	c->dep_stem = true;
}

static void finish_deps(struct parse *p)
{
	struct options_compile *c = p->c;

	if (c->dep && !p->makes_dep && !p->list_dep)
		set_here(p, REASON_ODD_DEPS);
	if (p->makes_dep && p->list_dep)
		set_here(p, REASON_SEVERAL_DEPS);
	if (p->makes_dep && !c->dep)
		default_dep(c);
}

static bool same_base(const char *a, const char *b)
{
	return !strcmp(str_base(a), str_base(b));
}

/* A name that is no plain file, or one file under two names. */
static bool outputs_odd(const struct options_compile *c)
{
	char *object = options_compile_object(c);
	char *dep = options_compile_dep(c);
	bool odd;

	odd = !*str_base(object) || same_base(object, c->source) ||
	      (dep && (!*str_base(dep) || is_device(dep) ||
		       same_base(dep, object) || same_base(dep, c->source)));
	free(object);
	free(dep);
	return odd;
}

void options_compile_parse(struct options_compile *c, char *const *argv)
{
	struct parse p = { .c = c };
	struct options_word w;
	size_t n;

	*c = (struct options_compile){ .verdict = OPTIONS_PASS };
	if (!argv[0])
		return;
	take_driver(&p, argv[0]);
	for (argv++; (n = options_word(&w, argv)); argv += n)
		take_word(&p, &w);
	if (p.pass || !p.compiles || p.sources != 1)
		return;
	finish_deps(&p);
	if (!p.here && outputs_odd(c))
		set_here(&p, REASON_ODD_OUTPUT_NAME);
	c->why = p.here;
	c->verdict = p.here ? OPTIONS_HERE : OPTIONS_AWAY;
}

char *options_compile_object(const struct options_compile *c)
{
	const char *base;

	if (c->object)
		return xstrdup(c->object);
	base = str_base(c->source);
	return xasprintf("%.*s.o", (int)stem_length(base), base);
}

char *options_compile_dep(const struct options_compile *c)
{
	if (!c->dep)
		return NULL;
	return xasprintf("%.*s%s", (int)c->dep_len, c->dep,
			 c->dep_stem ? ".d" : "");
}

char *options_compile_temporary(const char *path, unsigned pid)
{
	const char *base = str_base(path);

	return xasprintf("%.*s.%s.kfarm.%u", (int)(base - path), path, base,
			 pid);
}
