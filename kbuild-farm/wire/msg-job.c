/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The messages of one job: JOB, TEXT, OUTPUT, CANCEL, RESULT and FAIL. */
#include "wire/field.h"
#include "wire/msg.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void wire_job_release(struct wire_job *m)
{
	for (uint16_t i = 0; i < m->n_flags; i++) {
		free(m->flags[i].name);
		free(m->flags[i].value);
	}
	free(m->flags);
	strv_release(&m->env);
	*m = (struct wire_job){ 0 };
}

/* Takes both strings.  Room doubles at each power of two. */
static void own_flag(struct wire_job *m, char *name, char *value)
{
	size_t n = m->n_flags;

	if (!n || (n >= 8 && !(n & (n - 1))))
		m->flags = xrealloc(m->flags,
				    (n ? 2 * n : 8) * sizeof(*m->flags));
	m->flags[n].name = name;
	m->flags[n].value = value;
	m->n_flags++;
}

void wire_job_add_flag(struct wire_job *m, const char *name, const char *value)
{
	/* One too many keeps wire_job_fits() and the node from taking it. */
	if (m->n_flags > WIRE_FLAGS_MAX)
		return;
	own_flag(m, xstrdup(name), value ? xstrdup(value) : NULL);
}

static size_t flag_size(const struct wire_flag *f)
{
	return strlen(f->name) + (f->value ? strlen(f->value) : 0);
}

static bool is_assignment(const char *s)
{
	const char *equals = strchr(s, '=');

	return equals && equals != s;
}

bool wire_job_fits(const struct wire_job *m)
{
	size_t sum = 0;

	if (m->n_flags > WIRE_FLAGS_MAX || m->env.n > WIRE_ENV_MAX ||
	    m->text_len > WIRE_TEXT_MAX)
		return false;
	for (uint16_t i = 0; i < m->n_flags; i++)
		sum += flag_size(&m->flags[i]);
	for (size_t i = 0; i < m->env.n; i++) {
		if (strlen(m->env.v[i]) > WIRE_PATH_MAX ||
		    !is_assignment(m->env.v[i]))
			return false;
	}
	return sum <= WIRE_ARGV_MAX;
}

static void put_flags(struct buf *out, const struct wire_job *m)
{
	buf_put_u16(out, m->n_flags);
	for (uint16_t i = 0; i < m->n_flags; i++) {
		buf_put_str(out, m->flags[i].name);
		buf_put_u8(out, !!m->flags[i].value);
		if (m->flags[i].value)
			buf_put_str(out, m->flags[i].value);
	}
}

/* One flag of at most `room` bytes; returns its size. */
static size_t get_flag(struct reader *r, struct wire_job *m, size_t room)
{
	char *name = reader_str(r, room);
	char *value = NULL;

	room -= strlen(name);
	if (!*name)
		r->bad = true;
	if (wire_field_u8(r, 1))
		value = reader_str(r, room);
	own_flag(m, name, value);
	return flag_size(&m->flags[m->n_flags - 1]);
}

static void get_flags(struct reader *r, struct wire_job *m)
{
	uint16_t n = reader_u16(r);
	size_t room = WIRE_ARGV_MAX;

	if (n > WIRE_FLAGS_MAX)
		r->bad = true;
	for (uint16_t i = 0; i < n && !r->bad; i++)
		room -= get_flag(r, m, room);
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
	for (uint16_t i = 0; i < n && !r->bad; i++) {
		strv_own(env, reader_str(r, WIRE_PATH_MAX));
		if (!is_assignment(env->v[i]))
			r->bad = true;
	}
}

void wire_job_encode(struct buf *out, const struct wire_job *m)
{
	buf_put_u32(out, m->job);
	wire_field_put_digest(out, &m->toolchain);
	buf_put_u8(out, m->lang);
	buf_put_u32(out, m->text_len);
	buf_put_u8(out, m->check_indent);
	buf_put_u32(out, m->deadline_ms);
	put_flags(out, m);
	put_env(out, &m->env);
}

int wire_job_decode(struct wire_job *m, struct bytes in)
{
	struct wire_job got = { 0 };
	struct reader r;
	int ret;

	reader_init(&r, in);
	got.job = reader_u32(&r);
	wire_field_digest(&r, &got.toolchain);
	got.lang = wire_field_u8(&r, WIRE_LANG_ASM);
	got.text_len = wire_field_u32(&r, WIRE_TEXT_MAX);
	got.check_indent = wire_field_u8(&r, 1);
	got.deadline_ms = reader_u32(&r);
	get_flags(&r, &got);
	get_env(&r, &got.env);
	ret = reader_end(&r);
	if (ret)
		wire_job_release(&got);
	else
		*m = got;
	return ret;
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
	got.stream = wire_field_u8(&r, WIRE_STDERR);
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
	buf_put_u32(out, m->object_len);
	buf_put_u32(out, m->stdout_len);
	buf_put_u32(out, m->stderr_len);
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
	got.object_len = wire_field_u32(&r, WIRE_OBJECT_MAX);
	got.stdout_len = wire_field_u32(&r, WIRE_DIAG_MAX);
	got.stderr_len = wire_field_u32(&r, WIRE_DIAG_MAX);
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
	got.class = wire_field_u8(&r, WIRE_FAIL_BUSY);
	got.reason = wire_field_line(&r, WIRE_REASON_MAX);
	ret = reader_end(&r);
	if (ret)
		wire_fail_release(&got);
	else
		*m = got;
	return ret;
}
