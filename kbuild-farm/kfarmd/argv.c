/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kfarmd/argv.h"

#include "base/vec.h"
#include "compiler/manifest.h"
#include "options/allowlist.h"
#include "options/env.h"
#include "sandbox/sandbox.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(!__builtin_strcmp(SANDBOX_TMP_DIR, WIRE_JOB_TMP),
	       "SANDBOX_TMP_DIR must equal WIRE_JOB_TMP");
_Static_assert(!__builtin_strcmp(SANDBOX_OUT_DIR "/" KFARMD_ARGV_OBJECT,
				 WIRE_JOB_OBJECT) &&
		       !__builtin_strcmp(SANDBOX_OUT_DIR "/" KFARMD_ARGV_SIDE,
					 WIRE_JOB_SIDE),
	       "output paths must equal WIRE_JOB_OBJECT and WIRE_JOB_SIDE");

bool kfarmd_argv_has_cpp_deps(const struct kfarmd_compile *c)
{
	return c->m->lang != WIRE_LANG_PLAIN_ASM;
}

int kfarmd_argv_build(struct strv *argv, const struct kfarmd_compile *c,
		      struct err *err)
{
	static const enum options_lang langs[] = {
		[WIRE_LANG_C] = OPTIONS_LANG_C,
		[WIRE_LANG_ASM] = OPTIONS_LANG_ASM_CPP,
		[WIRE_LANG_PLAIN_ASM] = OPTIONS_LANG_ASM,
	};
	struct options_node_outputs out = {
		.object = SANDBOX_OUT_DIR "/" KFARMD_ARGV_OBJECT,
		.dep = SANDBOX_OUT_DIR "/" KFARMD_ARGV_DEPS,
		.as_dep = SANDBOX_OUT_DIR "/" KFARMD_ARGV_AS_DEPS,
		.is_clang = c->is_clang,
		.preprocess = c->preprocess_only,
		.text_to_object = c->output_to_file,
	};
	const char *object = c->m->object;
	int ret;

	if (c->m->lang >= ARRAY_SIZE(langs))
		return err_set(err, ENOTSUP, "unsupported language %u",
			       c->m->lang);
	if (c->m->output_named) {
		/*
		 * The compiler would interpret a name that starts with '-' as
		 * an option, and a name that starts with '@' as a response
		 * file.
		 */
		if (*object == '-' || *object == '@')
			return err_set(err, ENOTSUP,
				       "invalid object name: %.200s", object);
		out.named = object;
	}
	strv_add(argv, c->driver);
	for (size_t i = 0; i < c->n_flags; i++) {
		const struct wire_flag *f = &c->flags[i];

		if (f->value || !options_allowlist_is_placeholder(f->name)) {
			ret = options_allowlist_add_flag(argv, f->name,
							 f->value, err);
			if (ret)
				return ret;
			continue;
		}
		if (out.preprocess)
			return err_set(err, ENOTSUP,
				       "%s: not supported with -E", f->name);
		strv_add(argv, f->name);
		if (!strcmp(f->name, "-o")) {
			strv_add(argv, out.named ? out.named : out.object);
			out.has_placeholders = true;
		}
	}
	return options_allowlist_add_outputs(argv, langs[c->m->lang],
					     c->m->source, &out, err);
}

int kfarmd_argv_env(struct strv *env, const struct wire_job *m, struct err *err)
{
	strv_add(env, "PATH=" COMPILER_TOOLCHAIN_PATH);
	strv_add(env, "TMPDIR=" SANDBOX_TMP_DIR);
	for (size_t i = 0; i < m->env.n; i++) {
		const char *entry = m->env.v[i];

		if (!options_env_is_allowed(entry))
			return err_set(err, ENOTSUP,
				       "environment variable not allowed: %.*s",
				       (int)strcspn(entry, "="), entry);
		strv_add(env, entry);
	}
	return 0;
}

void kfarmd_argv_release_steps(struct kfarmd_steps *s)
{
	if (s->pending)
		wire_step_release(&s->pending_step);
	*s = (struct kfarmd_steps){ 0 };
}

int kfarmd_argv_receive_step(struct kfarmd_steps *s, struct bytes body,
			     int version, struct err *err)
{
	if (s->pending)
		return err_set(err, EPROTO, "STEP: previous STEP has no JOB");
	if (wire_step_decode_at(&s->pending_step, body, version))
		return err_set(err, EPROTO, "malformed STEP");
	s->pending = true;
	return 0;
}

int kfarmd_argv_take_step(struct kfarmd_steps *s, const struct wire_job *m,
			  struct wire_step **out, struct err *err)
{
	*out = NULL;
	if (!s->pending)
		return 0;
	if (s->pending_step.job != m->job)
		return err_set(err, EPROTO,
			       "STEP for job %u is followed by JOB %u",
			       s->pending_step.job, m->job);
	if (!wire_step_fits_job(&s->pending_step, m))
		return err_set(err, EPROTO,
			       "job %u: STEP does not match the job", m->job);
	*out = xcalloc(1, sizeof(**out));
	**out = s->pending_step;
	s->pending_step = (struct wire_step){ 0 };
	s->pending = false;
	return 0;
}

static size_t count_word_bytes(const struct strv *words)
{
	size_t sum = 0;

	for (size_t i = 0; i < words->n; i++)
		sum += strlen(words->v[i]) + 1;
	return sum;
}

int kfarmd_argv_build_step(struct strv *argv, const struct wire_step *m,
			   const char *tool, const char *cwd,
			   const struct strv *env, struct err *err)
{
	strv_add(argv, tool);
	for (size_t i = 0; i < m->args.n; i++)
		strv_add(argv, m->args.v[i]);
	if (m->kind == WIRE_STEP_DEVICETREE) {
		strv_add(argv, "-d");
		strv_add(argv, SANDBOX_OUT_DIR "/" KFARMD_ARGV_AS_DEPS);
	}
	if (m->kind != WIRE_STEP_SYMBOLS)
		strv_add(argv, WIRE_JOB_OBJECT);
	/*
	 * The message to the sandbox init also contains the name of the tool's
	 * input file and the argument of `prepare`, so this check adds their
	 * maximum sizes.
	 */
	if (count_word_bytes(argv) + count_word_bytes(env) + strlen(cwd) +
		    NAME_MAX + SANDBOX_PREPARE_MAX >
	    SANDBOX_ARGS_MAX)
		return err_set(err, ENOTSUP, "tool: argument list too long");
	return 0;
}
