/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The driver tells the preprocessor what the dependency list is to be called
 * (-MF) and about (-MQ) from -o.  A line with another -o has to say both, so
 * that the list stays the same to the byte.
 */
#include "options/rewrite.h"

#include "options/list.h"
#include "options/table.h"

#include <stdlib.h>
#include <string.h>

struct rewrite {
	struct strv *out;
	const char *dep_tmp; /* NULL: no dependency list */
	bool makes_dep; /* -MD or -MMD was there, the driver's own */
	bool has_target; /* so was -MT or -MQ */
};

static void copy_words(struct strv *out, char *const *argv, size_t n)
{
	for (size_t i = 0; i < n; i++)
		strv_add(out, argv[i]);
}

static void copy_deps(struct rewrite *r, const struct options_word *w,
		      char *const *argv, size_t n)
{
	const char *name = w->entry->name;

	if (!strcmp(name, "-MF"))
		return;
	if (!strcmp(name, "-MD") || !strcmp(name, "-MMD"))
		r->makes_dep = true;
	else if (!strcmp(name, "-MT") || !strcmp(name, "-MQ"))
		r->has_target = true;
	if (r->dep_tmp)
		copy_words(r->out, argv, n);
}

static void add_preprocessor(struct rewrite *r, const struct options_item *item)
{
	strv_add(r->out, "-Xpreprocessor");
	strv_addf(r->out, "%.*s", (int)item->len, item->s);
}

/*
 * -Xpreprocessor hands on one word as it is; in a -Wp, list a comma in the
 * temporary's path would end the word.
 */
static void copy_wp(struct rewrite *r, const char *list)
{
	struct options_item item, next;

	while (options_list_next(&list, &item)) {
		enum options_wp kind = options_list_wp(&item);

		if (kind == OPTIONS_WP_CPP) {
			add_preprocessor(r, &item);
			continue;
		}
		next = (struct options_item){ 0 };
		if (kind != OPTIONS_WP_PHONY)
			options_list_next(&list, &next);
		if (!r->dep_tmp)
			continue;
		if (kind == OPTIONS_WP_FILE)
			next = (struct options_item){ r->dep_tmp,
						      strlen(r->dep_tmp) };
		add_preprocessor(r, &item);
		if (next.s)
			add_preprocessor(r, &next);
	}
}

static void finish_deps(struct rewrite *r, const char *target)
{
	if (!r->makes_dep || !r->dep_tmp)
		return;
	strv_add(r->out, "-MF");
	strv_add(r->out, r->dep_tmp);
	if (!r->has_target) {
		strv_add(r->out, "-MQ");
		strv_add(r->out, target);
	}
}

/* All words but -o and those about the dependency list's place. */
static void copy_line(struct rewrite *r, char *const *argv)
{
	struct options_word w;
	size_t n;

	for (argv++; (n = options_word(&w, argv)); argv += n) {
		int use = w.entry ? w.entry->use : OPTIONS_CODE;

		if (use == OPTIONS_OUTPUT)
			continue;
		if (use == OPTIONS_DEPS)
			copy_deps(r, &w, argv, n);
		else if (use == OPTIONS_LIST && str_starts(w.text, "-Wp,"))
			copy_wp(r, w.value);
		else
			copy_words(r->out, argv, n);
	}
}

void options_rewrite_outputs(struct strv *out, char *const *argv,
			     const struct options_compile *c,
			     const char *compiler, const char *object_tmp,
			     const char *dep_tmp)
{
	struct rewrite r = { .out = out, .dep_tmp = c->dep ? dep_tmp : NULL };
	char *object = options_compile_object(c);

	strv_add(out, compiler);
	copy_line(&r, argv);
	finish_deps(&r, object);
	strv_add(out, "-o");
	strv_add(out, object_tmp);
	free(object);
}

/* By the start of their names: class, byte order, machine, e_flags, LTO. */
static const char *const machine[] = {
	"--target=",      "-EB",      "-EL",
	"-m16",           "-m3",      "-m64",
	"-mabi",          "-march=",  "-mb",
	"-mcpu=",         "-meb",     "-mel",
	"-mfdpic",        "-mfp",     "-mhard-f",
	"-mfloat",        "-miamcu",  "-mips",
	"-mlittle",       "-mlong",   "-mmicromips",
	"-mnan=",         "-mno-abi", "-mno-fdpic",
	"-mno-relax",     "-mplt",    "-mrelax",
	"-msoft-f",       "-mthumb",  "-mx32",
	"-mv8plus",       "-fno-lto", "-flto",
	"-fpic",          "-fPIC",    "-ffat-lto-o",
	"-fno-fat-lto-o", "-mno-plt", "-mno-shared",
	"-mshared",       NULL,
};

void options_rewrite_machine(struct strv *out, char *const *argv,
			     const struct options_compile *c)
{
	struct options_word w;
	size_t n;

	(void)c;
	for (argv++; (n = options_word(&w, argv)); argv += n) {
		if (!w.entry || w.entry->use != OPTIONS_CODE)
			continue;
		for (const char *const *name = machine; *name; name++) {
			if (str_starts(w.text, *name)) {
				copy_words(out, argv, n);
				break;
			}
		}
	}
}
