/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/argv.h"

#include "cell/cell.h"
#include "compiler/manifest.h"
#include "options/env.h"
#include "options/typed.h"

#include <errno.h>
#include <string.h>

_Static_assert(!__builtin_strcmp(CELL_TMP, WIRE_JOB_TMP),
	       "the protocol says where temporaries are");
_Static_assert(!__builtin_strcmp(CELL_OUT "/" AGENT_OBJECT, WIRE_JOB_OBJECT) &&
		       !__builtin_strcmp(CELL_OUT "/" AGENT_SIDE,
					 WIRE_JOB_SIDE),
	       "the protocol says where links lead to");

static bool has_flag(const struct agent_compile *c, const char *name)
{
	for (size_t i = 0; i < c->n_flags; i++) {
		if (!strcmp(c->flags[i].name, name))
			return true;
	}
	return false;
}

bool agent_argv_lists_preprocessor(const struct agent_compile *c)
{
	return c->m->lang != WIRE_LANG_PLAIN_ASM;
}

bool agent_argv_lists_assembler(const struct agent_compile *c)
{
	bool lto = has_flag(c, "-flto") || has_flag(c, "-flto=");

	return !c->preprocesses && !c->is_clang &&
	       (!lto || c->m->lang != WIRE_LANG_C);
}

/* Where it writes.  False: its object's name would be read as a flag. */
static bool choose_places(struct options_places *out,
			  const struct agent_compile *c)
{
	*out = (struct options_places){
		.object = CELL_OUT "/" AGENT_OBJECT,
		.dep = CELL_OUT "/" AGENT_DEPS,
		.as = agent_argv_lists_assembler(c) ? CELL_OUT "/" AGENT_READ :
						      NULL,
		.preprocess = c->preprocesses,
		.text_to_object = c->to_file,
	};
	if (!c->m->named)
		return true;
	if (!c->is_clang && has_flag(c, "-gsplit-dwarf"))
		out->named = c->m->object;
	else
		out->object = c->m->object;
	return *c->m->object != '-' && *c->m->object != '@';
}

static int render_flag(struct strv *argv, struct options_places *places,
		       const struct wire_flag *f, struct err *err)
{
	if (f->value || !options_typed_is_place(f->name))
		return options_typed_allow(argv, f->name, f->value, err);
	if (places->preprocess)
		return err_set(err, ENOTSUP, "%s, and -E", f->name);
	strv_add(argv, f->name);
	if (!strcmp(f->name, "-o")) {
		strv_add(argv, places->object);
		places->placed = true;
	}
	return 0;
}

int agent_argv_build(struct strv *argv, const struct agent_compile *c,
		     struct err *err)
{
	static const enum options_lang langs[] = {
		[WIRE_LANG_C] = OPTIONS_C,
		[WIRE_LANG_ASM] = OPTIONS_ASM,
		[WIRE_LANG_PLAIN_ASM] = OPTIONS_PLAIN_ASM,
	};
	struct options_places places;
	int ret;

	if (c->m->lang >= sizeof(langs) / sizeof(*langs))
		return err_set(err, ENOTSUP, "language %u", c->m->lang);
	if (!choose_places(&places, c))
		return err_set(err, ENOTSUP, "object %.200s", c->m->object);
	strv_add(argv, c->driver);
	for (size_t i = 0; i < c->n_flags; i++) {
		ret = render_flag(argv, &places, &c->flags[i], err);
		if (ret)
			return ret;
	}
	return options_typed_outputs(argv, langs[c->m->lang], c->m->source,
				     &places, err);
}

int agent_argv_env(struct strv *env, const struct wire_job *m, struct err *err)
{
	strv_add(env, "PATH=" TOOLCHAIN_PATH);
	strv_add(env, "TMPDIR=" CELL_TMP);
	for (size_t i = 0; i < m->env.n; i++) {
		const char *entry = m->env.v[i];

		if (!options_env_for_node(entry))
			return err_set(err, ENOTSUP, "variable %.*s",
				       (int)strcspn(entry, "="), entry);
		strv_add(env, entry);
	}
	return 0;
}
