/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "options/output.h"

#include <stdlib.h>
#include <string.h>

/* Return the length of a path without the suffix of the file. */
static size_t stem_length(const char *file)
{
	const char *base = str_base(file);
	const char *dot = strrchr(base, '.');

	return dot ? (size_t)(dot - file) : strlen(file);
}

char *options_output_object_path(const struct options_command *c)
{
	const char *base;

	if (c->object)
		return xstrdup(c->object);
	base = str_base(c->source);
	return xasprintf("%.*s.o", (int)stem_length(base), base);
}

char *options_output_dep_path(const struct options_command *c)
{
	const char *file;

	if (c->dep)
		return xasprintf("%.*s", (int)c->dep_len, c->dep);
	if (!c->makes_dep)
		return NULL;
	/* -MD uses the name of -o, or of the source, with another suffix. */
	file = c->object ? c->object : str_base(c->source);
	return xasprintf("%.*s.d", (int)stem_length(file), file);
}

char *options_output_temp_path(const char *path, unsigned pid)
{
	const char *base = str_base(path);

	return xasprintf("%.*s.%s.kfarm.%u", (int)(base - path), path, base,
			 pid);
}

/* ---- side outputs ---- */

/*
 * The options that request side outputs, and other settings that decide which
 * of these files are written.
 */
struct requested_outputs {
	const struct options_item *options[OPTIONS_SIDE_N]; /* or NULL */
	bool lto;
	bool debug; /* clang: debug information is enabled */
};

static bool has_value(const struct options_item *i, const char *start)
{
	return i->value && str_starts(i->value, start);
}

static void track_side_option(struct requested_outputs *a,
			      const struct options_item *i)
{
	enum options_side_kind side = (enum options_side_kind)i->entry->side;

	if (!strcmp(i->entry->name, "-flto") ||
	    !strcmp(i->entry->name, "-flto="))
		a->lto = true;
	else if (!strcmp(i->entry->name, "-fno-lto"))
		a->lto = false;
	if (i->use == OPTIONS_USE_DEBUG) {
		if (has_value(i, "0") || has_value(i, "gdb0"))
			a->debug = false;
		else if (!i->value_len || has_value(i, "gdb") ||
			 has_value(i, "dwarf") ||
			 has_value(i, "line-tables-only") ||
			 has_value(i, "1") || has_value(i, "2") ||
			 has_value(i, "3"))
			a->debug = true;
	}
	/*
	 * -fopt-info without a file prints on stderr.  Of several options with
	 * a file, gcc uses the first.
	 */
	if (side == OPTIONS_SIDE_INFO &&
	    (a->options[side] || !strchr(i->value, '=')))
		return;
	a->options[side] = i;
}

/* Return true if the compile writes this side output. */
static bool is_side_output_made(const struct options_command *c,
				const struct requested_outputs *a,
				enum options_side_kind side)
{
	if (!a->options[side] || side == OPTIONS_SIDE_NONE ||
	    side == OPTIONS_SIDE_NAME)
		return false;
	if (side == OPTIONS_SIDE_DWO)
		return !c->is_clang || c->lang != OPTIONS_LANG_C ||
		       (a->debug && !a->lto);
	if (side == OPTIONS_SIDE_DATABASE)
		return true;
	if (side == OPTIONS_SIDE_SU || side == OPTIONS_SIDE_CI)
		return c->lang == OPTIONS_LANG_C && !a->lto;
	if (side == OPTIONS_SIDE_RECORD && a->options[OPTIONS_SIDE_RECORD_FILE])
		return false;
	return c->lang == OPTIONS_LANG_C;
}

static char *make_side_path(const struct options_command *c,
			    const struct options_item *i,
			    enum options_side_kind side)
{
	static const char *const suffix[OPTIONS_SIDE_N] = {
		[OPTIONS_SIDE_SU] = ".su",
		[OPTIONS_SIDE_GCNO] = ".gcno",
		[OPTIONS_SIDE_DWO] = ".dwo",
		[OPTIONS_SIDE_CI] = ".ci",
		[OPTIONS_SIDE_RECORD] = ".opt.yaml",
	};
	const char *from = c->object ? c->object : str_base(c->source);
	const char *end = c->source + stem_length(c->source);
	int len = (int)stem_length(from);

	if (side == OPTIONS_SIDE_INFO)
		return xstrdup(strchr(i->value, '=') + 1);
	if (side == OPTIONS_SIDE_RECORD_FILE || side == OPTIONS_SIDE_DATABASE)
		return xstrdup(i->value);
	if (side == OPTIONS_SIDE_RECORD && !c->is_clang)
		return xasprintf("%.*s%s.opt-record.json.gz", len, from, end);
	return xasprintf("%.*s%s", len, from, suffix[side]);
}

void options_output_side_outputs(struct options_side_outputs *out,
				 const struct options_command *c)
{
	struct requested_outputs a = { 0 };

	*out = (struct options_side_outputs){ 0 };
	for (size_t k = 0; k < c->n_items; k++) {
		if (c->items[k].entry && !c->items[k].in_list)
			track_side_option(&a, &c->items[k]);
	}
	for (enum options_side_kind side = 0; side < OPTIONS_SIDE_N; side++) {
		if (!is_side_output_made(c, &a, side) ||
		    out->n == OPTIONS_SIDE_OUTPUTS_MAX)
			continue;
		out->kind[out->n] = side;
		out->path[out->n++] = make_side_path(c, a.options[side], side);
	}
	out->name_in_object = out->n || (a.options[OPTIONS_SIDE_NAME] ||
					 a.options[OPTIONS_SIDE_GCNO]);
}

void options_side_outputs_release(struct options_side_outputs *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->path[i]);
	*s = (struct options_side_outputs){ 0 };
}

/* ---- conflicts ---- */

static bool is_special_path(const char *path)
{
	return !*str_base(path) || str_starts(path, "/dev/") ||
	       str_starts(path, "/proc/") || str_equal(path, "-");
}

static bool has_same_base(const char *a, const char *b)
{
	return !strcmp(str_base(a), str_base(b));
}

static bool have_side_conflict(const struct options_command *c,
			       const struct options_side_outputs *s,
			       const char *object, const char *dep)
{
	/* clang records -o in the file of -MJ, so -o must be given. */
	bool bare = !c->object || !stem_length(str_base(object));

	if (!s->name_in_object)
		return false;
	for (size_t i = 0; i < s->n; i++) {
		const char *path = s->path[i];

		/* gcc uses "stdout" and "stderr" as names of the streams. */
		if (is_special_path(path) || str_equal(path, "stdout") ||
		    str_equal(path, "stderr") || has_same_base(path, object) ||
		    has_same_base(path, c->source) ||
		    (dep && has_same_base(path, dep)))
			return true;
		for (size_t k = 0; k < i; k++) {
			if (has_same_base(path, s->path[k]))
				return true;
		}
		if (s->kind[i] == OPTIONS_SIDE_DATABASE && bare)
			return true;
	}
	return !stem_length(str_base(object));
}

bool options_output_has_conflict(const struct options_command *c)
{
	char *object = options_output_object_path(c);
	char *dep = options_output_dep_path(c);
	struct options_side_outputs sides;
	bool clash;

	options_output_side_outputs(&sides, c);
	clash = !*str_base(object) || has_same_base(object, c->source) ||
		(dep && (is_special_path(dep) || has_same_base(dep, object) ||
			 has_same_base(dep, c->source))) ||
		have_side_conflict(c, &sides, object, dep);
	options_side_outputs_release(&sides);
	free(object);
	free(dep);
	return clash;
}
