/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "peer/rate.h"

#include "base/clock.h"
#include "compiler/manifest.h"

static void on_file_lost(void *ctx, const struct inputs_entry *e,
			 const char *why)
{
	(void)ctx;
	(void)e;
	(void)why;
	/* Its HAVE never comes: who waits for it has a limit. */
}

static void send_number(struct peer_link *link, enum wire_type type,
			uint32_t number)
{
	struct buf body = { 0 };

	wire_number_encode(&body, number);
	peer_link_send(link, type, &body, WIRE_PLAIN);
}

/* What a compiler would be called that is this file and nothing else. */
static bool name_toolchain(const struct inputs_entry *file, struct digest *id)
{
	const struct compiler_entry driver = {
		.path = (char *)file->path->name,
		.kind = COMPILER_FILE,
		.executable = file->identity.executable,
		.size = file->identity.stamp.size,
		.mtime_ns = file->identity.stamp.mtime_ns,
		.digest = file->identity.digest,
	};

	return !compiler_manifest_id(&driver, 1, driver.path, false, id, NULL);
}

bool peer_rate_start(struct peer_rate *r, struct peer_link *link,
		     const struct inputs_entry *file)
{
	struct wire_cell m = { .cell = link->next_number++,
			       .driver = (char *)file->path->name };
	struct buf body = { 0 };

	if (!name_toolchain(file, &m.toolchain))
		return false;
	*r = (struct peer_rate){
		.file = file,
		.link = link,
		.user = { .failed = on_file_lost, .ctx = r, .top = "" },
	};
	peer_views_init(&r->views, m.cell);
	wire_cell_encode(&body, &m);
	peer_link_send(link, WIRE_CELL, &body, WIRE_PLAIN);
	if (!peer_views_send(&r->views, link, &file, 1, true))
		return true;
	peer_rate_end(r);
	return false;
}

void peer_rate_end(struct peer_rate *r)
{
	if (!r->file)
		return;
	if (r->link->stream) {
		send_number(r->link, WIRE_SHUT, r->views.number);
		peer_ship_forget(r->link->ship, &r->user);
	}
	peer_views_release(&r->views);
	r->file = NULL;
}

bool peer_rate_is(const struct peer_rate *r, uint32_t number)
{
	return r->file && r->views.number == number;
}

int peer_rate_need(struct peer_rate *r, const struct wire_need *m,
		   struct err *err)
{
	if (m->n && !r->needed_us)
		r->needed_us = clock_us();
	return peer_views_need(&r->views, m, r->link->ship, &r->user, err);
}

uint64_t peer_rate_have(struct peer_rate *r)
{
	uint64_t took = r->needed_us ? clock_us() - r->needed_us : 0;

	peer_rate_end(r);
	return r->needed_us && !took ? 1 : took;
}
