/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "peer/health-probe.h"

#include "base/str.h"
#include "inputs/toolchain.h"
#include "peer/send.h"
#include "wire/key.h"

#include <stdlib.h>
#include <sys/stat.h>

#define PROOF_DEADLINE_MS 10000

/* A reference object of a toolchain that the node has, too. */
static struct inputs_reference *find_reference(struct peer *p,
					       struct peer_cell **cell)
{
	struct inputs_reference *ref;

	list_for_each(*cell, &p->cells, link) {
		struct inputs_toolchain *tc = (*cell)->toolchain;

		if ((*cell)->state != CELL_READY || tc->state != INPUTS_READY)
			continue;
		list_for_each(ref, &tc->references, link) {
			if (ref->state == INPUTS_READY)
				return ref;
		}
	}
	return NULL;
}

static int make_flags(struct options_flags *flags,
		      const struct inputs_reference *ref)
{
	struct options_compile compile;
	struct strv argv = { 0 };
	struct err err;
	int ret;

	strv_add(&argv, ref->toolchain->driver);
	strv_add_all(&argv, ref->machine.v);
	strv_add(&argv, "-c");
	strv_add(&argv, "-o");
	strv_add(&argv, "kfarm-reference.o");
	strv_add(&argv, INPUTS_REFERENCE_SOURCE);
	options_compile_parse(&compile, argv.v);
	ret = options_typed_from(flags, argv.v, &compile, &err);
	strv_release(&argv);
	return ret;
}

/* The source as nodes are told of it, and the directory that it lies in. */
static const struct inputs_entry *enter_source(struct coord *c,
					       const struct inputs_path **cwd)
{
	struct inputs_paths *paths = c->inputs.paths;
	char *path = xasprintf("%s/" INPUTS_REFERENCE_SOURCE, c->work);
	char *real = realpath(path, NULL);
	const struct inputs_entry *entry = NULL;
	struct store_identity id = { 0 };
	struct stat st;

	if (real && !stat(real, &st)) {
		stamp_of(&id.stamp, &st);
		digest_of(inputs_toolchain_reference_text(), &id.digest);
		inputs_paths_lock(paths);
		entry = inputs_paths_file(paths, inputs_paths_get(paths, real),
					  &id);
		*cwd = entry->path->parent;
		inputs_paths_unlock(paths);
	}
	free(real);
	free(path);
	return entry;
}

static bool ask(struct peer *p, struct peer_cell *cell,
		const struct inputs_reference *ref)
{
	static char *no_env[] = { NULL };
	struct options_flags flags = { 0 };
	const struct inputs_entry *source;
	struct peer_question q = {
		.number = p->coord->next_number++,
		.lang = WIRE_LANG_C,
		.deadline_ms = PROOF_DEADLINE_MS,
		.source = INPUTS_REFERENCE_SOURCE,
		.object = "kfarm-reference.o",
		.flags = &flags,
		.env = no_env,
		.entry = &source,
		.n_entries = 1,
	};
	int ret;

	source = enter_source(p->coord, &q.cwd);
	ret = source ? make_flags(&flags, ref) : -1;
	if (!ret)
		ret = peer_send_job(cell, &q, &p->proof_key);
	options_flags_release(&flags);
	p->proof = ret ? 0 : q.number;
	return !ret;
}

bool peer_health_probe_start(struct peer *p)
{
	struct peer_cell *cell;
	struct inputs_reference *ref = find_reference(p, &cell);

	if (!ref || !ask(p, cell, ref))
		return false;
	p->proof_reference = ref;
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
