/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The driver tells the preprocessor what the dependency list is to be called
 * (-MF) and about (-MQ) from -o.  A line with another -o has to say both, so
 * that the list stays the same to the byte.
 */
#include "options/rewrite.h"
#include "options/output.h"

#include <stdlib.h>

static void copy_item(struct strv *out, const struct options_command *c,
		      const struct options_item *i)
{
	strv_add(out, i->text);
	if (i->apart && i->value)
		strv_add(out, c->argv[i->at + 1]);
}

/*
 * A word of a -Wp, list.  -Xpreprocessor hands on one word as it is; in a list
 * a comma in the temporary's path would end the word.  clang's preprocessor has
 * no -MD: a list of that is the driver's own.
 */
static void copy_word(struct strv *out, const struct options_command *c,
		      const struct options_item *i, const char *dep_tmp)
{
	bool makes_dep = i->use == OPTIONS_USE_MAKE_DEPS;

	if (!dep_tmp && i->use != OPTIONS_USE_CPP)
		return;
	if (makes_dep && c->is_clang) {
		strv_own(out, xstrndup(i->text, i->len));
		return;
	}
	strv_add(out, "-Xpreprocessor");
	strv_own(out, xstrndup(i->text, i->len));
	if (!makes_dep && !i->value)
		return;
	strv_add(out, "-Xpreprocessor");
	strv_own(out, makes_dep ? xstrdup(dep_tmp) :
				  xstrndup(i->value, i->value_len));
}

/* All words but -o and those about the dependency list's place. */
static void copy_line(struct strv *out, const struct options_command *c,
		      const char *dep_tmp)
{
	for (size_t k = 0; k < c->n; k++) {
		const struct options_item *i = &c->item[k];
		unsigned use = i->entry ? i->use : OPTIONS_USE_CODE;

		if (i->in_list && i->entry && i->entry->use == OPTIONS_USE_WP)
			copy_word(out, c, i, dep_tmp);
		if (i->in_list || use == OPTIONS_USE_OUTPUT ||
		    use == OPTIONS_USE_DEP_FILE || use == OPTIONS_USE_WP)
			continue;
		if (dep_tmp || (use != OPTIONS_USE_MAKE_DEPS &&
				use != OPTIONS_USE_DEP_TARGET &&
				use != OPTIONS_USE_DEP_PHONY))
			copy_item(out, c, i);
	}
}

void options_rewrite_outputs(struct strv *out, const struct options_command *c,
			     const char *compiler, const char *object_tmp,
			     const char *dep_tmp)
{
	char *object = options_output_object(c);

	if (!c->makes_dep && !c->list_makes_dep)
		dep_tmp = NULL;
	strv_add(out, compiler);
	copy_line(out, c, dep_tmp);
	if ((c->makes_dep || (c->is_clang && c->list_makes_dep)) && dep_tmp) {
		strv_add(out, "-MF");
		strv_add(out, dep_tmp);
		if (!c->has_target) {
			strv_add(out, "-MQ");
			strv_add(out, object);
		}
	}
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

static bool is_about_machine(const struct options_item *i)
{
	if (!i->entry || i->in_list || i->use != OPTIONS_USE_CODE)
		return false;
	for (const char *const *name = machine; *name; name++) {
		if (str_starts(i->text, *name))
			return true;
	}
	return false;
}

void options_rewrite_machine(struct strv *out, const struct options_command *c)
{
	bool random = false;

	for (size_t k = 0; k < c->n; k++) {
		const struct options_item *i = &c->item[k];
		bool lto = str_starts(i->text, "-flto");

		/* What it makes of an assembler source has nothing of LTO. */
		if (!is_about_machine(i) || (c->lang != OPTIONS_C && lto))
			continue;
		copy_item(out, c, i);
		random |= lto;
	}
	/* Else gcc names each object's sections by a number of its own. */
	if (random)
		strv_add(out, "-frandom-seed=kfarm");
}
