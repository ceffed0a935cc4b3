/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/argv.h"

#include "cell/cell.h"
#include "compiler/manifest.h"
#include "options/env.h"
#include "options/typed.h"

#include <errno.h>
#include <string.h>

static void add_words(struct strv *argv, const char *const *words)
{
	for (; *words; words++)
		strv_add(argv, *words);
}

const char *agent_argv_text(const struct wire_job *m)
{
	return m->lang == WIRE_LANG_ASM ? "in.s" : "in.i";
}

static void end_text(struct strv *argv, const struct wire_job *m)
{
	static const char *const of_c[] = { "-Wp,-MD," AGENT_DEPS,
					    "-fpreprocessed",
					    "-fdirectives-only",
					    "-x",
					    "c",
					    NULL };
	static const char *const of_asm[] = { "-x", "assembler", NULL };

	strv_add(argv, "-Wa,--MD," AGENT_READ);
	add_words(argv, m->lang == WIRE_LANG_C ? of_c : of_asm);
	strv_add(argv, "-c");
	strv_add(argv, "-o");
	strv_add(argv, AGENT_OBJECT);
	strv_add(argv, agent_argv_text(m));
}

static int end_remote(struct strv *argv, const struct agent_compile *c,
		      struct err *err)
{
	static const struct options_outputs outputs = {
		.object = CELL_OUT "/" AGENT_OBJECT,
		.dep = CELL_OUT "/" AGENT_DEPS,
		.as = CELL_OUT "/" AGENT_READ,
	};
	enum options_lang lang = c->m->lang == WIRE_LANG_C ? OPTIONS_C :
							     OPTIONS_ASM;

	return options_typed_outputs(argv, lang, c->is_clang, c->m->source,
				     &outputs, err);
}

static int check(const struct agent_compile *c, struct err *err)
{
	const struct wire_job *m = c->m;

	if (m->lang != WIRE_LANG_C && m->lang != WIRE_LANG_ASM)
		return err_set(err, ENOTSUP, "language %u", m->lang);
	if (m->mode != WIRE_MODE_REMOTE && m->mode != WIRE_MODE_TEXT)
		return err_set(err, ENOTSUP, "mode %u", m->mode);
	if (m->mode == WIRE_MODE_TEXT && c->is_clang)
		return err_set(err, ENOTSUP, "clang takes no such text");
	return 0;
}

int agent_argv_build(struct strv *argv, const struct agent_compile *c,
		     struct err *err)
{
	bool text = c->m->mode == WIRE_MODE_TEXT;
	int ret = check(c, err);

	if (ret)
		return ret;
	strv_add(argv, c->driver);
	for (size_t i = 0; i < c->n_flags && !ret; i++) {
		const char *name = c->flags[i].name, *value = c->flags[i].value;

		ret = text ? options_typed_allow(argv, name, value, err) :
			     options_typed_allow_remote(argv, name, value, err);
	}
	if (ret)
		return ret;
	if (!text)
		return end_remote(argv, c, err);
	end_text(argv, c->m);
	return 0;
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
