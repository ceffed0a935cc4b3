/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wire/msg-job.h"

#include <string.h>

static bool is_assignment(const char *s)
{
	const char *equals = strchr(s, '=');

	return equals && equals != s;
}

static bool env_fits(const struct strv *env)
{
	if (env->n > WIRE_ENV_MAX)
		return false;
	for (size_t i = 0; i < env->n; i++) {
		if (strlen(env->v[i]) > WIRE_PATH_MAX ||
		    !is_assignment(env->v[i]))
			return false;
	}
	return true;
}

/* Two runs that follow each other are one, so flags have one spelling. */
static bool runs_fit(const struct wire_run *runs, size_t n)
{
	size_t sum = 0;

	if (n > WIRE_FLAGS_MAX)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (!runs[i].count || runs[i].first >= WIRE_FLAGS_KNOWN ||
		    runs[i].count > WIRE_FLAGS_KNOWN - runs[i].first)
			return false;
		if (i && runs[i].first == runs[i - 1].first + runs[i - 1].count)
			return false;
		sum += runs[i].count;
	}
	return sum <= WIRE_FLAGS_MAX;
}

static bool name_fits(const char *s)
{
	return s && *s && strlen(s) <= WIRE_PATH_MAX;
}

bool wire_job_fits(const struct wire_job *m)
{
	return m->cwd < WIRE_PATHS_KNOWN && (m->named || !m->sides) &&
	       m->sides <= WIRE_SIDES_MAX && name_fits(m->source) &&
	       name_fits(m->object) && runs_fit(m->runs, m->n_runs) &&
	       env_fits(&m->env);
}

static bool job_ok(const void *m)
{
	return wire_job_fits(m);
}

bool wire_step_fits(const struct wire_step *m)
{
	if (m->tool >= WIRE_PATHS_KNOWN || m->args.n > WIRE_STEP_ARGS)
		return false;
	for (size_t i = 0; i < m->args.n; i++) {
		if (strlen(m->args.v[i]) > WIRE_PATH_MAX)
			return false;
	}
	return true;
}

bool wire_step_suits(const struct wire_step *m, const struct wire_job *job)
{
	if (m->job != job->job)
		return false;
	return m->kind == WIRE_STEP_OBJECT ||
	       (job->lang != WIRE_LANG_PLAIN_ASM && !job->named);
}

static const struct wire_field run[] = {
	{ WIRE_NUMBER(run, first, WIRE_ANY) },
	{ WIRE_NUMBER(run, count, WIRE_ANY) },
};

static const struct wire_layout run_layout = WIRE_LAYOUT(run, NULL);

static const struct wire_field job[] = {
	{ WIRE_NUMBER(job, job, WIRE_ANY) },
	{ WIRE_NUMBER(job, cell, WIRE_ANY) },
	{ WIRE_NUMBER(job, view, WIRE_ANY) },
	{ WIRE_NUMBER(job, lang, WIRE_LANG_PLAIN_ASM) },
	{ WIRE_NUMBER(job, deadline_ms, WIRE_ANY) },
	{ WIRE_NUMBER(job, cwd, WIRE_ANY) },
	{ WIRE_STRING(job, source, WIRE_PATH_MAX) },
	{ WIRE_STRING(job, object, WIRE_PATH_MAX) },
	{ WIRE_NUMBER(job, named, 1) },
	{ WIRE_NUMBER(job, sides, WIRE_SIDES_MAX) },
	{ WIRE_LIST(job, runs, n_runs, WIRE_FLAGS_MAX, &run_layout) },
	{ WIRE_STRINGS(job, env, 2, WIRE_ENV_MAX, WIRE_PATH_MAX) },
};

const struct wire_layout wire_job_layout = WIRE_LAYOUT(job, job_ok);

static bool step_ok(const void *m)
{
	return wire_step_fits(m);
}

static const struct wire_field step[] = {
	{ WIRE_NUMBER(step, job, WIRE_ANY) },
	{ WIRE_NUMBER(step, kind, WIRE_STEP_DEVICETREE) },
	{ WIRE_NUMBER(step, tool, WIRE_ANY) },
	{ WIRE_STRINGS(step, args, 2, WIRE_STEP_ARGS, WIRE_PATH_MAX) },
};

const struct wire_layout wire_step_layout = WIRE_LAYOUT(step, step_ok);

static const struct wire_field piece[] = {
	{ WIRE_NUMBER(piece, job, WIRE_ANY) },
	{ WIRE_NUMBER(piece, stream, WIRE_STREAMS - 1) },
	{ WIRE_REST(piece, data, WIRE_CHUNK_MAX) },
};

const struct wire_layout wire_piece_layout = WIRE_LAYOUT(piece, NULL);

_Static_assert(WIRE_SIDES_MAX == 6, "a length for each in a RESULT");

static const struct wire_field result[] = {
	{ WIRE_NUMBER(result, job, WIRE_ANY) },
	{ WIRE_NUMBER(result, wait_status, WIRE_ANY) },
	{ WIRE_NUMBER(result, cpu_ms, WIRE_ANY) },
	{ WIRE_NUMBER(result, wall_ms, WIRE_ANY) },
	{ WIRE_NUMBER(result, peak_kib, WIRE_ANY) },
	{ WIRE_DIGEST(result, toolchain) },
	{ WIRE_NUMBER(result, len[WIRE_OBJECT], WIRE_OBJECT_MAX) },
	{ WIRE_NUMBER(result, len[WIRE_STDOUT], WIRE_DIAG_MAX) },
	{ WIRE_NUMBER(result, len[WIRE_STDERR], WIRE_DIAG_MAX) },
	{ WIRE_NUMBER(result, len[WIRE_DEPS], WIRE_DEPS_MAX) },
	{ WIRE_NUMBER(result, len[WIRE_AS_DEPS], WIRE_DEPS_MAX) },
	{ WIRE_NUMBER(result, sides, WIRE_SIDES_MAX) },
	{ WIRE_NUMBER(result, len[WIRE_SIDE], WIRE_SIDE_MAX) },
	{ WIRE_NUMBER(result, len[WIRE_SIDE + 1], WIRE_SIDE_MAX) },
	{ WIRE_NUMBER(result, len[WIRE_SIDE + 2], WIRE_SIDE_MAX) },
	{ WIRE_NUMBER(result, len[WIRE_SIDE + 3], WIRE_SIDE_MAX) },
	{ WIRE_NUMBER(result, len[WIRE_SIDE + 4], WIRE_SIDE_MAX) },
	{ WIRE_NUMBER(result, len[WIRE_SIDE + 5], WIRE_SIDE_MAX) },
	{ WIRE_DIGEST(result, answer) },
};

const struct wire_layout wire_result_layout = WIRE_LAYOUT(result, NULL);

uint32_t wire_output_max(enum wire_output stream)
{
	static const uint32_t most[WIRE_SIDE] = {
		[WIRE_OBJECT] = WIRE_OBJECT_MAX, [WIRE_STDOUT] = WIRE_DIAG_MAX,
		[WIRE_STDERR] = WIRE_DIAG_MAX,   [WIRE_DEPS] = WIRE_DEPS_MAX,
		[WIRE_AS_DEPS] = WIRE_DEPS_MAX,
	};

	if (stream < WIRE_SIDE)
		return most[stream];
	return stream < WIRE_STREAMS ? WIRE_SIDE_MAX : 0;
}

static const struct wire_field fail[] = {
	{ WIRE_NUMBER(fail, job, WIRE_ANY) },
	{ WIRE_NUMBER(fail, class, WIRE_FAIL_INPUT) },
	{ WIRE_LINE(fail, reason, WIRE_REASON_MAX) },
};

const struct wire_layout wire_fail_layout = WIRE_LAYOUT(fail, NULL);
