/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wire/cc.h"

#include "wire/msg.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

char *wire_cc_silent_file(const char *socket)
{
	return xasprintf("%s.silent", socket);
}

void wire_cc_job_release(struct wire_cc_job *m)
{
	free(m->cwd);
	free(m->compiler);
	strv_release(&m->argv);
	strv_release(&m->env);
	*m = (struct wire_cc_job){ 0 };
}

static void put_words(struct buf *out, const struct strv *words)
{
	buf_put_u32(out, (uint32_t)words->n);
	for (size_t i = 0; i < words->n; i++)
		buf_put_str(out, words->v[i]);
}

/* Up to `most` words; takes their bytes off `room`. */
static void get_words(struct reader *r, struct strv *words, uint32_t most,
		      size_t *room)
{
	uint32_t n = reader_u32(r);

	if (n > most)
		r->bad = true;
	for (uint32_t i = 0; i < n && !r->bad; i++) {
		strv_own(words, reader_str(r, *room));
		*room -= strlen(words->v[i]);
	}
}

void wire_cc_job_encode(struct buf *out, const struct wire_cc_job *m)
{
	buf_put_u32(out, m->pid);
	buf_put_u32(out, m->umask);
	buf_put_u8(out, (uint8_t)(m->terminal | m->confined << 1));
	buf_put_str(out, m->cwd);
	buf_put_str(out, m->compiler);
	put_words(out, &m->argv);
	put_words(out, &m->env);
}

int wire_cc_job_decode(struct wire_cc_job *m, struct bytes in)
{
	struct wire_cc_job got = { 0 };
	size_t room = WIRE_CC_MAX;
	uint8_t place;
	struct reader r;
	int ret;

	reader_init(&r, in);
	got.pid = reader_u32(&r);
	got.umask = reader_u32(&r);
	place = reader_u8(&r);
	got.terminal = place & 1;
	got.confined = place & 2;
	got.cwd = reader_str(&r, WIRE_PATH_MAX);
	got.compiler = reader_str(&r, WIRE_PATH_MAX);
	get_words(&r, &got.argv, WIRE_CC_WORDS, &room);
	get_words(&r, &got.env, WIRE_ENV_MAX, &room);
	ret = reader_end(&r);
	if (!ret && (place > 3 || got.cwd[0] != '/' || got.compiler[0] != '/' ||
		     !got.argv.n))
		ret = -EPROTO;
	if (ret)
		wire_cc_job_release(&got);
	else
		*m = got;
	return ret;
}

void wire_cc_done_release(struct wire_cc_done *m)
{
	free(m->dep_tmp);
	free(m->dep);
	free(m->object_tmp);
	free(m->object);
	*m = (struct wire_cc_done){ 0 };
}

static void put_path(struct buf *out, const char *path)
{
	buf_put_str(out, path ? path : "");
}

void wire_cc_done_encode(struct buf *out, const struct wire_cc_done *m)
{
	buf_put_u8(out, m->status);
	put_path(out, m->dep_tmp);
	put_path(out, m->dep);
	put_path(out, m->object_tmp);
	put_path(out, m->object);
	buf_put_bytes(out, m->out);
	buf_put_bytes(out, m->err);
}

/* Each temporary comes with the name that it gets. */
static bool pairs_match(const struct wire_cc_done *m)
{
	return !*m->dep_tmp == !*m->dep && !*m->object_tmp == !*m->object;
}

int wire_cc_done_decode(struct wire_cc_done *m, struct bytes in)
{
	struct wire_cc_done got = { 0 };
	struct reader r;
	int ret;

	reader_init(&r, in);
	got.status = reader_u8(&r);
	got.dep_tmp = reader_str(&r, WIRE_PATH_MAX);
	got.dep = reader_str(&r, WIRE_PATH_MAX);
	got.object_tmp = reader_str(&r, WIRE_PATH_MAX);
	got.object = reader_str(&r, WIRE_PATH_MAX);
	got.out = reader_bytes(&r);
	got.err = reader_bytes(&r);
	ret = reader_end(&r);
	if (!ret && (!pairs_match(&got) || got.out.len > WIRE_CC_DIAG_MAX ||
		     got.err.len > WIRE_CC_DIAG_MAX))
		ret = -EPROTO;
	if (ret)
		wire_cc_done_release(&got);
	else
		*m = got;
	return ret;
}
