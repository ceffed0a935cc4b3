/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wire/msg-job.h"

#include "wire/field.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void wire_job_release(struct wire_job *m)
{
	free(m->source);
	free(m->object);
	free(m->runs);
	strv_release(&m->env);
	*m = (struct wire_job){ 0 };
}

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
	return m->cwd < WIRE_PATHS_KNOWN && name_fits(m->source) &&
	       name_fits(m->object) && runs_fit(m->runs, m->n_runs) &&
	       env_fits(&m->env);
}

static void put_runs(struct buf *out, const struct wire_job *m)
{
	buf_put_u16(out, m->n_runs);
	for (uint16_t i = 0; i < m->n_runs; i++) {
		buf_put_u32(out, m->runs[i].first);
		buf_put_u16(out, m->runs[i].count);
	}
}

static void get_runs(struct reader *r, struct wire_job *m)
{
	uint16_t n = reader_u16(r);

	if (r->bad || n > WIRE_FLAGS_MAX || r->left < (size_t)n * 6) {
		r->bad = true;
		return;
	}
	if (n)
		m->runs = xcalloc(n, sizeof(*m->runs));
	for (; m->n_runs < n; m->n_runs++) {
		m->runs[m->n_runs].first = reader_u32(r);
		m->runs[m->n_runs].count = reader_u16(r);
	}
}

static void put_env(struct buf *out, const struct strv *env)
{
	buf_put_u16(out, env->n < UINT16_MAX ? (uint16_t)env->n : UINT16_MAX);
	for (size_t i = 0; i < env->n; i++)
		buf_put_str(out, env->v[i]);
}

static void get_env(struct reader *r, struct strv *env)
{
	uint16_t n = reader_u16(r);

	if (n > WIRE_ENV_MAX)
		r->bad = true;
	for (uint16_t i = 0; i < n && !r->bad; i++)
		strv_own(env, reader_str(r, WIRE_PATH_MAX));
}

void wire_job_encode(struct buf *out, const struct wire_job *m)
{
	buf_put_u32(out, m->job);
	buf_put_u32(out, m->cell);
	buf_put_u32(out, m->view);
	buf_put_u8(out, m->lang);
	buf_put_u32(out, m->deadline_ms);
	buf_put_u32(out, m->cwd);
	buf_put_str(out, m->source);
	buf_put_str(out, m->object);
	put_runs(out, m);
	put_env(out, &m->env);
}

int wire_job_decode(struct wire_job *m, struct bytes in)
{
	struct wire_job got = { 0 };
	struct reader r;

	reader_init(&r, in);
	got.job = reader_u32(&r);
	got.cell = reader_u32(&r);
	got.view = reader_u32(&r);
	got.lang = wire_field_u8(&r, WIRE_LANG_ASM);
	got.deadline_ms = reader_u32(&r);
	got.cwd = reader_u32(&r);
	got.source = reader_str(&r, WIRE_PATH_MAX);
	got.object = reader_str(&r, WIRE_PATH_MAX);
	get_runs(&r, &got);
	get_env(&r, &got.env);
	if (reader_end(&r) || !wire_job_fits(&got)) {
		wire_job_release(&got);
		return -EPROTO;
	}
	*m = got;
	return 0;
}

uint32_t wire_output_max(enum wire_output stream)
{
	switch (stream) {
	case WIRE_OBJECT:
		return WIRE_OBJECT_MAX;
	case WIRE_STDOUT:
	case WIRE_STDERR:
		return WIRE_DIAG_MAX;
	case WIRE_DEPS:
	case WIRE_ASREAD:
		return WIRE_DEPS_MAX;
	case WIRE_STREAMS:
		break;
	}
	return 0;
}

void wire_piece_encode(struct buf *out, const struct wire_piece *m)
{
	buf_put_u32(out, m->job);
	buf_put_u8(out, m->stream);
	buf_add_bytes(out, m->data);
}

int wire_piece_decode(struct wire_piece *m, struct bytes in)
{
	struct wire_piece got = { 0 };
	struct reader r;
	int ret;

	reader_init(&r, in);
	got.job = reader_u32(&r);
	got.stream = wire_field_u8(&r, WIRE_STREAMS - 1);
	if (r.left > WIRE_CHUNK_MAX)
		r.bad = true;
	got.data = reader_raw(&r, r.left);
	ret = reader_end(&r);
	if (!ret)
		*m = got;
	return ret;
}

void wire_cancel_encode(struct buf *out, uint32_t job)
{
	buf_put_u32(out, job);
}

int wire_cancel_decode(uint32_t *job, struct bytes in)
{
	struct reader r;
	uint32_t got;
	int ret;

	reader_init(&r, in);
	got = reader_u32(&r);
	ret = reader_end(&r);
	if (!ret)
		*job = got;
	return ret;
}

void wire_result_encode(struct buf *out, const struct wire_result *m)
{
	buf_put_u32(out, m->job);
	buf_put_u32(out, m->wait_status);
	buf_put_u32(out, m->cpu_ms);
	buf_put_u32(out, m->wall_ms);
	buf_put_u32(out, m->peak_kib);
	wire_field_put_digest(out, &m->toolchain);
	for (int i = 0; i < WIRE_STREAMS; i++)
		buf_put_u32(out, m->len[i]);
	wire_field_put_digest(out, &m->answer);
}

int wire_result_decode(struct wire_result *m, struct bytes in)
{
	struct wire_result got = { 0 };
	struct reader r;
	int ret;

	reader_init(&r, in);
	got.job = reader_u32(&r);
	got.wait_status = reader_u32(&r);
	got.cpu_ms = reader_u32(&r);
	got.wall_ms = reader_u32(&r);
	got.peak_kib = reader_u32(&r);
	wire_field_digest(&r, &got.toolchain);
	for (int i = 0; i < WIRE_STREAMS; i++)
		got.len[i] = wire_field_u32(
			&r, wire_output_max((enum wire_output)i));
	wire_field_digest(&r, &got.answer);
	ret = reader_end(&r);
	if (!ret)
		*m = got;
	return ret;
}

void wire_fail_release(struct wire_fail *m)
{
	free(m->reason);
	*m = (struct wire_fail){ 0 };
}

void wire_fail_encode(struct buf *out, const struct wire_fail *m)
{
	buf_put_u32(out, m->job);
	buf_put_u8(out, m->class);
	wire_field_put_line(out, m->reason, WIRE_REASON_MAX);
}

int wire_fail_decode(struct wire_fail *m, struct bytes in)
{
	struct wire_fail got = { 0 };
	struct reader r;
	int ret;

	reader_init(&r, in);
	got.job = reader_u32(&r);
	got.class = wire_field_u8(&r, WIRE_FAIL_INPUT);
	got.reason = wire_field_line(&r, WIRE_REASON_MAX);
	ret = reader_end(&r);
	if (ret)
		wire_fail_release(&got);
	else
		*m = got;
	return ret;
}
