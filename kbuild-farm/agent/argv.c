/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/argv.h"

#include "options/env.h"
#include "options/typed.h"

#include <errno.h>
#include <string.h>

static const char job_path[] = "PATH=/usr/local/bin:/usr/bin:/bin";

static void add_words(struct strv *argv, const char *const *words)
{
	for (; *words; words++)
		strv_add(argv, *words);
}

const char *agent_argv_text(const struct wire_job *m)
{
	return m->lang == WIRE_LANG_ASM ? "in.s" : "in.i";
}

int agent_argv_build(struct strv *argv, const char *driver,
		     const struct wire_job *m, struct err *err)
{
	static const char *const of_c[] = { "-fpreprocessed",
					    "-fdirectives-only", "-x", "c",
					    NULL };
	static const char *const of_asm[] = { "-x", "assembler", NULL };
	int ret = 0;

	if (m->lang != WIRE_LANG_C && m->lang != WIRE_LANG_ASM)
		return err_set(err, ENOTSUP, "language %u", m->lang);
	strv_add(argv, driver);
	for (uint16_t i = 0; i < m->n_flags && !ret; i++)
		ret = options_typed_allow(argv, m->flags[i].name,
					  m->flags[i].value, err);
	if (ret)
		return ret;
	strv_add(argv, "-Wa,--MD," AGENT_READ);
	add_words(argv, m->lang == WIRE_LANG_C ? of_c : of_asm);
	strv_add(argv, "-c");
	strv_add(argv, "-o");
	strv_add(argv, AGENT_OBJECT);
	strv_add(argv, agent_argv_text(m));
	return 0;
}

int agent_argv_env(struct strv *env, const char *dir, const struct wire_job *m,
		   struct err *err)
{
	strv_add(env, job_path);
	strv_addf(env, "TMPDIR=%s", dir);
	for (size_t i = 0; i < m->env.n; i++) {
		const char *entry = m->env.v[i];

		if (!options_env_for_node(entry))
			return err_set(err, ENOTSUP, "variable %.*s",
				       (int)strcspn(entry, "="), entry);
		strv_add(env, entry);
	}
	return 0;
}
