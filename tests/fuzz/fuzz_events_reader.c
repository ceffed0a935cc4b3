/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: ui */
/*
 * A hostile stream of events in pieces.  The result equals that of one piece,
 * memory is bounded by a line and a piece, and the model stays consistent.  The
 * first byte is the length of the pieces.
 */
#include "events/reader.h"

#include "base/list.h"
#include "ui/model.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char first[] = "{\"t\":0,\"event\":\"stream\",\"version\":1}\n";

struct heard {
	struct ui_model model;
	uint64_t events, others, lines; /* lines: sum of their bytes */
	int ret;
};

static void check(bool ok)
{
	if (!ok)
		abort();
}

static void hear(struct events_reader *r, struct heard *h)
{
	struct events_parsed read;
	struct bytes line;
	struct err err;

	while ((h->ret = events_reader_next(r, &read, &line, &err)) > 0 ||
	       h->ret == -ENOMSG) {
		check(line.len && line.len <= EVENTS_LINE_MAX);
		h->lines += line.len;
		h->others += h->ret < 0;
		if (h->ret < 0)
			continue;
		h->events++;
		ui_model_add_event(&h->model, &read.ev);
		events_parsed_release(&read);
	}
	check(h->ret <= 0);
}

/* Read with EVENTS_KIND_STREAM in front, or unchanged. */
static void read_in_pieces(struct heard *h, struct bytes in, size_t piece,
			   bool begun)
{
	struct events_reader r = { 0 };

	ui_model_init(&h->model);
	if (begun) {
		events_reader_add(&r, bytes_str(first));
		hear(&r, h);
	}
	while (in.len && !h->ret) {
		size_t n = in.len < piece ? in.len : piece;

		events_reader_add(&r, bytes_of(in.data, n));
		hear(&r, h);
		check(r.in.len - r.consumed_bytes <= EVENTS_LINE_MAX + piece);
		in = bytes_of(in.data + n, in.len - n);
	}
	h->others += r.n_invalid;
	events_reader_release(&r);
}

static void check_jobs(const struct ui_model *m)
{
	const struct ui_job *j;
	unsigned n = 0;

	list_for_each(j, &m->open_jobs, entry) {
		n++;
		check(!j->node || j->node->slots[j->slot] == j);
	}
	check(n == m->n_jobs);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	for (int begun = 0; size && begun < 2; begun++) {
		struct bytes in = bytes_of(data + 1, size - 1);
		struct heard whole = { 0 }, parts = { 0 };

		read_in_pieces(&whole, in, in.len + 1, begun);
		read_in_pieces(&parts, in, (size_t)data[0] + 1, begun);
		check(whole.events == parts.events);
		check(whole.others == parts.others);
		check(whole.lines == parts.lines && whole.ret == parts.ret);
		check_jobs(&whole.model);
		ui_model_release(&whole.model);
		ui_model_release(&parts.model);
	}
	return 0;
}
