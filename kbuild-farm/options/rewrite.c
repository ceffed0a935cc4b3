/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The driver derives the name (-MF) and the target (-MQ) of the dependency list
 * from -o.  A command with another -o must set both, so that the contents of
 * the list remain identical.
 */
#include "options/rewrite.h"
#include "options/command.h"

#include <stdlib.h>

static void copy_item(struct strv *out, const struct options_command *c,
		      const struct options_item *i)
{
	strv_add(out, i->text);
	if (i->separate && i->value)
		strv_add(out, c->argv[i->argv_index + 1]);
}

/*
 * Copy a word of a -Wp, list with -Xpreprocessor, which passes one word
 * unchanged; in a list, a comma in the temporary path would end the word.  For
 * clang, copy -MD as a driver option instead, because clang's preprocessor has
 * no -MD, and clang treats a list with -MD as driver options.
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

void options_rewrite_outputs(struct strv *out, const struct options_command *c,
			     const char *compiler, const char *object_tmp,
			     const char *dep_tmp)
{
	char *object = options_output_object_path(c);

	if (!c->makes_dep && !c->list_makes_dep)
		dep_tmp = NULL;
	strv_add(out, compiler);
	/* Copy all words except -o and the location of the dependency list. */
	for (size_t k = 0; k < c->n_items; k++) {
		const struct options_item *i = &c->items[k];
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

/*
 * Prefixes of options that set ELF class, byte order, machine, e_flags or LTO.
 * Also prefixes of options that these options need: on MIPS, -mno-abicalls
 * needs -fno-pic or -fno-PIE if gcc makes position-independent code by default.
 */
static const char *const object_format_options[] = {
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
	"-mshared",       "-fno-pic", "-fno-PIC",
	"-fpie",          "-fPIE",    "-fno-pie",
	"-fno-PIE",       NULL,
};

static bool is_object_format_option(const struct options_item *i)
{
	if (!i->entry || i->in_list || i->use != OPTIONS_USE_CODE)
		return false;
	for (const char *const *name = object_format_options; *name; name++) {
		if (str_starts(i->text, *name))
			return true;
	}
	return false;
}

void options_rewrite_object_format(struct strv *out,
				   const struct options_command *c)
{
	bool random = false;

	for (size_t k = 0; k < c->n_items; k++) {
		const struct options_item *i = &c->items[k];
		bool lto = str_starts(i->text, "-flto");

		/* LTO does not affect the object of an assembler source. */
		if (!is_object_format_option(i) ||
		    (c->lang != OPTIONS_LANG_C && lto))
			continue;
		copy_item(out, c, i);
		random |= lto;
	}
	/* Without a seed, gcc puts a random number into section names. */
	if (random)
		strv_add(out, "-frandom-seed=kfarm");
}
