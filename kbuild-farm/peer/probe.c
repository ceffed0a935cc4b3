/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "peer/probe.h"

#include "base/str.h"
#include "inputs/reference.h"
#include "peer/send.h"

#include <stdlib.h>

#define DEADLINE_MS 10000
#define OBJECT      "kfarm-reference.o"

/* A reference object of a toolchain that the node has, too. */
static const struct inputs_reference *find_reference(
	const struct peer_cells *cells, struct peer_cell **cell)
{
	const struct inputs_reference *ref;

	list_for_each(*cell, &cells->list, link) {
		const struct inputs_toolchain *tc = (*cell)->toolchain;

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
	struct options_command compile;
	struct strv argv = { 0 };
	struct err err;
	int ret;

	strv_add(&argv, ref->toolchain->driver);
	strv_add_all(&argv, ref->machine.v);
	strv_add(&argv, "-c");
	strv_add(&argv, "-o");
	strv_add(&argv, OBJECT);
	strv_add(&argv, INPUTS_REFERENCE_SOURCE);
	options_command_parse(&compile, argv.v);
	ret = options_typed_from(flags, &compile, &err);
	options_command_release(&compile);
	strv_release(&argv);
	return ret;
}

static const struct inputs_entry *enter_source(const struct peer_farm *farm)
{
	char *path = xasprintf("%s/" INPUTS_REFERENCE_SOURCE, farm->work);
	char *real = realpath(path, NULL);
	const struct inputs_entry *entry = NULL;

	if (real)
		entry = peer_farm_enter(farm, real, inputs_reference_text());
	free(real);
	free(path);
	return entry;
}

bool peer_probe_send(struct peer_cells *cells)
{
	static char *no_env[] = { NULL };
	struct peer_cell *cell;
	const struct inputs_reference *ref = find_reference(cells, &cell);
	const struct inputs_entry *source = enter_source(cells->link->farm);
	struct options_flags flags = { 0 };
	struct peer_question q = {
		.lang = WIRE_LANG_C,
		.deadline_ms = DEADLINE_MS,
		.source = INPUTS_REFERENCE_SOURCE,
		.object = OBJECT,
		.flags = &flags,
		.env = no_env,
		.entry = &source,
		.n_entries = 1,
	};
	struct peer_job *job;
	int ret;

	if (!ref || !source)
		return false;
	q.cwd = source->path->parent;
	ret = make_flags(&flags, ref);
	if (!ret)
		ret = peer_send_job(cell, PEER_JOB_PROBE, &q, &job);
	if (!ret)
		job->reference = ref;
	options_flags_release(&flags);
	return !ret;
}

bool peer_probe_is_right(const struct peer_job *job)
{
	const struct peer_answer *a = &job->answer;
	struct err err;

	return !a->result.wait_status && !peer_answer_check(a, &err) &&
	       bytes_equal(buf_bytes(&a->stream[WIRE_OBJECT]),
			   buf_bytes(&job->reference->object));
}
