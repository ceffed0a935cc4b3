/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "peer/health-probe.h"

#include "base/str.h"
#include "inputs/toolchain.h"
#include "peer/send.h"
#include "wire/key.h"

#include <string.h>

#define PROOF_DEADLINE_MS 10000

/* A reference object of a toolchain that the node has, too. */
static struct inputs_reference *find_reference(struct peer *p,
					       struct peer_cell **cell)
{
	struct inputs_reference *ref;

	list_for_each(*cell, &p->cells, link) {
		struct inputs_toolchain *tc = (*cell)->toolchain;

		if ((*cell)->state != CELL_READY || tc->state != INPUTS_READY ||
		    tc->manifest.is_clang)
			continue;
		list_for_each(ref, &tc->references, link) {
			if (ref->state == INPUTS_READY)
				return ref;
		}
	}
	return NULL;
}

static void make_flags(struct options_flags *flags,
		       const struct inputs_reference *ref)
{
	struct options_compile compile;
	struct strv argv = { 0 };

	strv_add(&argv, ref->toolchain->driver);
	strv_add_all(&argv, ref->machine.v);
	strv_add(&argv, "-c");
	strv_add(&argv, "-o");
	strv_add(&argv, "kfarm-reference.o");
	strv_add(&argv, "kfarm-reference.c");
	options_compile_parse(&compile, argv.v);
	options_typed_from(flags, argv.v, &compile);
	strv_release(&argv);
}

static bool ask(struct peer *p, struct peer_cell *cell,
		const struct inputs_reference *ref)
{
	static char *no_env[] = { NULL };
	struct bytes text = inputs_toolchain_reference_text();
	struct options_flags flags = { 0 };
	struct digest digest;
	struct peer_question q = {
		.number = p->coord->next_number++,
		.mode = WIRE_MODE_TEXT,
		.lang = WIRE_LANG_C,
		.deadline_ms = PROOF_DEADLINE_MS,
		.source = "kfarm-reference.c",
		.object = "kfarm-reference.o",
		.flags = &flags,
		.env = no_env,
		.text_len = (uint32_t)text.len,
		.text = &digest,
	};
	int ret;

	digest_of(text, &digest);
	make_flags(&flags, ref);
	ret = peer_send_job(cell, &q, &p->proof_key);
	options_flags_release(&flags);
	p->proof = ret ? 0 : q.number;
	return !ret;
}

bool peer_health_probe_start(struct peer *p)
{
	struct peer_cell *cell;
	struct inputs_reference *ref = find_reference(p, &cell);
	struct wire_piece piece = { .data = inputs_toolchain_reference_text() };
	struct buf body = { 0 };

	if (!ref || !ask(p, cell, ref))
		return false;
	p->proof_reference = ref;
	piece.job = p->proof;
	wire_piece_encode(&body, &piece);
	wire_stream_send(p->stream, WIRE_TEXT, buf_bytes(&body), WIRE_PLAIN);
	buf_release(&body);
	return true;
}

void peer_health_probe_output(struct peer *p, const struct wire_piece *m)
{
	struct buf *to = &p->proof_answer[m->stream];

	if (to->len + m->data.len <= WIRE_CHUNK_MAX)
		buf_add_bytes(to, m->data);
}

void peer_health_probe_result(struct peer *p, const struct wire_result *m)
{
	struct bytes streams[WIRE_STREAMS];
	struct bytes want = buf_bytes(&p->proof_reference->object);
	struct digest answer;
	bool right;

	for (int i = 0; i < WIRE_STREAMS; i++)
		streams[i] = buf_bytes(&p->proof_answer[i]);
	wire_answer_digest(&p->proof_key, streams, &answer);
	right = !m->wait_status && digest_equal(&answer, &m->answer) &&
		bytes_equal(streams[WIRE_OBJECT], want);
	peer_health_probe_drop(p);
	if (right)
		peer_success(p);
	else
		peer_fault(p, true, "its known-answer compile came back wrong");
}

void peer_health_probe_drop(struct peer *p)
{
	p->proof = 0;
	p->proof_reference = NULL;
	for (int i = 0; i < WIRE_STREAMS; i++)
		buf_release(&p->proof_answer[i]);
}
