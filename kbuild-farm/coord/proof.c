/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/proof.h"

#include "base/str.h"
#include "options/typed.h"

#include <string.h>

#define PROOF_DEADLINE_MS 10000

static bool has_same(const struct coord_peer *p,
		     const struct coord_toolchain *tc)
{
	for (size_t i = 0; i < p->n_has; i++) {
		if (p->has[i].toolchain == tc)
			return p->has[i].answered && p->has[i].same;
	}
	return false;
}

/* A reference object of a toolchain that the node has, too. */
static struct coord_reference *find_reference(const struct coord_peer *p)
{
	struct coord_toolchain *tc;
	struct coord_reference *ref;

	list_for_each(tc, &p->coord->toolchains, link) {
		if (tc->state != COORD_READY || !has_same(p, tc))
			continue;
		list_for_each(ref, &tc->references, link) {
			if (ref->state == COORD_READY)
				return ref;
		}
	}
	return NULL;
}

static void add_flags(struct wire_job *job, const struct coord_reference *ref)
{
	struct options_compile compile;
	struct options_flags flags = { 0 };
	struct strv argv = { 0 };

	strv_add(&argv, ref->toolchain->driver);
	strv_add_all(&argv, ref->machine.v);
	strv_add(&argv, "-c");
	strv_add(&argv, "-o");
	strv_add(&argv, "kfarm-reference.o");
	strv_add(&argv, "kfarm-reference.c");
	options_compile_parse(&compile, argv.v);
	options_typed_from(&flags, argv.v, &compile);
	for (size_t i = 0; i < flags.n; i++)
		wire_job_add_flag(job, flags.v[i].name, flags.v[i].value);
	options_flags_release(&flags);
	strv_release(&argv);
}

bool coord_proof_start(struct coord_peer *p)
{
	struct coord_reference *ref = find_reference(p);
	struct bytes text = coord_toolchain_reference_text();
	struct wire_piece piece = { .data = text };
	struct digest digest;
	struct buf body = { 0 };

	if (!ref)
		return false;
	p->proof = piece.job = p->proof_job.job = p->coord->next_job++;
	p->proof_reference = ref;
	p->proof_job.toolchain = ref->toolchain->ident.id;
	p->proof_job.lang = WIRE_LANG_C;
	p->proof_job.text_len = (uint32_t)text.len;
	p->proof_job.deadline_ms = PROOF_DEADLINE_MS;
	add_flags(&p->proof_job, ref);
	digest_of(text, &digest);
	wire_job_key(&p->proof_job, &digest, &p->proof_key);

	wire_job_encode(&body, &p->proof_job);
	wire_stream_send(p->stream, WIRE_JOB, buf_bytes(&body), WIRE_PLAIN);
	buf_reset(&body);
	wire_piece_encode(&body, &piece);
	wire_stream_send(p->stream, WIRE_TEXT, buf_bytes(&body), WIRE_PLAIN);
	buf_release(&body);
	return true;
}

void coord_proof_output(struct coord_peer *p, const struct wire_piece *m)
{
	if (m->stream == WIRE_OBJECT &&
	    p->proof_answer.len + m->data.len <= WIRE_CHUNK_MAX)
		buf_add_bytes(&p->proof_answer, m->data);
}

void coord_proof_result(struct coord_peer *p, const struct wire_result *m)
{
	struct bytes got = buf_bytes(&p->proof_answer);
	struct bytes want = buf_bytes(&p->proof_reference->object);
	struct digest answer;
	bool right;

	wire_answer_digest(&p->proof_key, got, &answer);
	right = !m->wait_status && digest_equal(&answer, &m->answer) &&
		bytes_equal(got, want);
	coord_proof_drop(p);
	if (right)
		coord_peer_praise(p);
	else
		coord_peer_fault(p, true,
				 "its known-answer compile came back wrong");
}

void coord_proof_drop(struct coord_peer *p)
{
	p->proof = 0;
	p->proof_reference = NULL;
	wire_job_release(&p->proof_job);
	p->proof_job = (struct wire_job){ 0 };
	buf_release(&p->proof_answer);
}
