/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * peer/link.h - one conversation with a node: its stream, and the numbers that
 * paths, flags and jobs have in it.
 */
#ifndef PEER_LINK_H
#define PEER_LINK_H

#include "node/roster.h"
#include "peer/farm.h"
#include "peer/ship.h"
#include "wire/flags.h"
#include "wire/msg.h"
#include "wire/paths.h"
#include "wire/stream.h"

struct peer_link {
	struct wire_stream *stream; /* NULL: nobody is connected */
	struct wire_intern *paths;
	struct peer_ship *ship;
	enum wire_codec codec; /* of what is long */
	uint32_t next_number; /* of a cell or a bundle */

	/* In a build: */
	struct peer_farm *farm;
	const struct node_entry *entry; /* borrowed from the roster */
	void *ctx; /* of struct peer_ops */
	struct wire_intern *flags;
	TAILQ_HEAD(, peer_job) jobs; /* that are out (peer/job.h) */
	unsigned n_jobs, n_others; /* of these not the build's */
	uint64_t sent_before, received_before; /* by former streams */
};

void peer_link_init(struct peer_link *l, struct peer_farm *farm,
		    const struct node_entry *entry, void *ctx);
/* Begin to talk; `fd` is taken over. */
void peer_link_open(struct peer_link *l, int fd,
		    const struct wire_stream_ops *ops, void *ctx);
/* Its jobs must have gone. */
void peer_link_close(struct peer_link *l);

/* Send a message; releases `body`. */
void peer_link_send(const struct peer_link *l, enum wire_type type,
		    struct buf *body, enum wire_codec codec);
/* PATHS and FLAGS with those numbered since; before whatever names them. */
void peer_link_send_paths(const struct peer_link *l);
void peer_link_send_flags(const struct peer_link *l);
/* See struct peer_ops. */
void peer_link_event(const struct peer_link *l, const char *state,
		     const char *reason);

#endif
