/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "options/output.h"

#include <stdlib.h>
#include <string.h>

/* The bytes of a file's name before its suffix. */
static size_t stem_length(const char *file)
{
	const char *base = str_base(file);
	const char *dot = strrchr(base, '.');

	return dot ? (size_t)(dot - file) : strlen(file);
}

char *options_output_object(const struct options_command *c)
{
	const char *base;

	if (c->object)
		return xstrdup(c->object);
	base = str_base(c->source);
	return xasprintf("%.*s.o", (int)stem_length(base), base);
}

/* gcc -MD: -o with another suffix, or the source's name in this directory. */
static char *default_dep(const struct options_command *c)
{
	const char *file = c->object ? c->object : str_base(c->source);

	return xasprintf("%.*s.d", (int)stem_length(file), file);
}

char *options_output_dep(const struct options_command *c)
{
	if (c->dep)
		return xasprintf("%.*s", (int)c->dep_len, c->dep);
	return c->makes_dep ? default_dep(c) : NULL;
}

char *options_output_temporary(const char *path, unsigned pid)
{
	const char *base = str_base(path);

	return xasprintf("%.*s.%s.kfarm.%u", (int)(base - path), path, base,
			 pid);
}

/* ---------------------------------------------------- beside the object */

/* What the options say, before it is known which files that makes. */
struct asked {
	const struct options_item *by[OPTIONS_SIDES]; /* NULL: not asked for */
	bool lto;
	bool debug; /* clang: there will be debug information */
};

static bool has_value(const struct options_item *i, const char *start)
{
	return i->value && str_starts(i->value, start);
}

static void note_debug(struct asked *a, const struct options_item *i)
{
	if (has_value(i, "0") || has_value(i, "gdb0"))
		a->debug = false;
	else if (!i->value_len || has_value(i, "gdb") ||
		 has_value(i, "dwarf") || has_value(i, "line-tables-only") ||
		 has_value(i, "1") || has_value(i, "2") || has_value(i, "3"))
		a->debug = true;
}

static void note_item(struct asked *a, const struct options_item *i)
{
	enum options_side side = (enum options_side)i->entry->side;

	if (!strcmp(i->entry->name, "-flto") ||
	    !strcmp(i->entry->name, "-flto="))
		a->lto = true;
	else if (!strcmp(i->entry->name, "-fno-lto"))
		a->lto = false;
	if (i->use == OPTIONS_USE_DEBUG)
		note_debug(a, i);
	/* Without a file gcc says it on stderr. */
	if (side == OPTIONS_SIDE_INFO &&
	    (a->by[side] || !strchr(i->value, '=')))
		return;
	a->by[side] = i;
}

/* Is this file made, where its option is given? */
static bool is_made(const struct options_command *c, const struct asked *a,
		    enum options_side side)
{
	if (!a->by[side] || side == OPTIONS_SIDE_NONE ||
	    side == OPTIONS_SIDE_NAME)
		return false;
	if (side == OPTIONS_SIDE_DWO)
		return !c->is_clang || c->lang != OPTIONS_C ||
		       (a->debug && !a->lto);
	if (side == OPTIONS_SIDE_DATABASE)
		return true;
	if (side == OPTIONS_SIDE_SU || side == OPTIONS_SIDE_CI)
		return c->lang == OPTIONS_C && !a->lto;
	if (side == OPTIONS_SIDE_RECORD && a->by[OPTIONS_SIDE_RECORD_FILE])
		return false;
	return c->lang == OPTIONS_C;
}

static char *name_side(const struct options_command *c,
		       const struct options_item *i, enum options_side side)
{
	static const char *const suffix[OPTIONS_SIDES] = {
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

void options_output_sides(struct options_sides *out,
			  const struct options_command *c)
{
	struct asked a = { 0 };

	*out = (struct options_sides){ 0 };
	for (size_t k = 0; k < c->n; k++) {
		if (c->item[k].entry && !c->item[k].in_list)
			note_item(&a, &c->item[k]);
	}
	for (enum options_side side = 0; side < OPTIONS_SIDES; side++) {
		if (!is_made(c, &a, side) || out->n == OPTIONS_SIDES_MAX)
			continue;
		out->kind[out->n] = side;
		out->path[out->n++] = name_side(c, a.by[side], side);
	}
	out->named = out->n ||
		     (a.by[OPTIONS_SIDE_NAME] || a.by[OPTIONS_SIDE_GCNO]);
}

void options_sides_release(struct options_sides *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->path[i]);
	*s = (struct options_sides){ 0 };
}

/* ------------------------------------------------------------- clashes */

static bool is_no_file(const char *path)
{
	return !*str_base(path) || str_starts(path, "/dev/") ||
	       str_starts(path, "/proc/") || str_equal(path, "-");
}

static bool same_base(const char *a, const char *b)
{
	return !strcmp(str_base(a), str_base(b));
}

static bool sides_clash(const struct options_command *c,
			const struct options_sides *s, const char *object,
			const char *dep)
{
	/* clang says in -MJ's file which options there were, and in it -o. */
	bool bare = !c->object || !stem_length(str_base(object));

	if (!s->named)
		return false;
	for (size_t i = 0; i < s->n; i++) {
		const char *path = s->path[i];

		/* gcc takes these two names for the streams. */
		if (is_no_file(path) || str_equal(path, "stdout") ||
		    str_equal(path, "stderr") || same_base(path, object) ||
		    same_base(path, c->source) || (dep && same_base(path, dep)))
			return true;
		for (size_t k = 0; k < i; k++) {
			if (same_base(path, s->path[k]))
				return true;
		}
		if (s->kind[i] == OPTIONS_SIDE_DATABASE && bare)
			return true;
	}
	return !stem_length(str_base(object));
}

bool options_output_clash(const struct options_command *c)
{
	char *object = options_output_object(c);
	char *dep = options_output_dep(c);
	struct options_sides sides;
	bool clash;

	options_output_sides(&sides, c);
	clash = !*str_base(object) || same_base(object, c->source) ||
		(dep && (is_no_file(dep) || same_base(dep, object) ||
			 same_base(dep, c->source))) ||
		sides_clash(c, &sides, object, dep);
	options_sides_release(&sides);
	free(object);
	free(dep);
	return clash;
}
