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

static bool has_flag(const struct agent_compile *c, const char *name)
{
	for (size_t i = 0; i < c->n_flags; i++) {
		if (!strcmp(c->flags[i].name, name))
			return true;
	}
	return false;
}

bool agent_argv_lists_assembler(const struct agent_compile *c)
{
	bool lto = has_flag(c, "-flto") || has_flag(c, "-flto=");

	return !c->is_clang && (!lto || c->m->lang == WIRE_LANG_ASM);
}

int agent_argv_build(struct strv *argv, const struct agent_compile *c,
		     struct err *err)
{
	const struct options_outputs outputs = {
		.object = CELL_OUT "/" AGENT_OBJECT,
		.dep = CELL_OUT "/" AGENT_DEPS,
		.as = agent_argv_lists_assembler(c) ? CELL_OUT "/" AGENT_READ :
						      NULL,
	};
	enum options_lang lang = c->m->lang == WIRE_LANG_C ? OPTIONS_C :
							     OPTIONS_ASM;
	int ret;

	if (c->m->lang != WIRE_LANG_C && c->m->lang != WIRE_LANG_ASM)
		return err_set(err, ENOTSUP, "language %u", c->m->lang);
	strv_add(argv, c->driver);
	for (size_t i = 0; i < c->n_flags; i++) {
		ret = options_typed_allow(argv, c->flags[i].name,
					  c->flags[i].value, err);
		if (ret)
			return ret;
	}
	return options_typed_outputs(argv, lang, c->m->source, &outputs, err);
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
