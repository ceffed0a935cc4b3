/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * peer/link.h - one conversation with a node after the other: how it begins
 * (HELLO, FIT, MACHINE), its stream, and the numbers that paths, flags and jobs
 * have.
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

/* What carries it, of exec:, ssh: and unix:: a socket, or a command with its
 * own words on stderr. */
struct peer_transport {
	pid_t pid; /* of the command, 0: none */
	int stderr_fd; /* -1: none */
	struct event *readable; /* stderr_fd is */
	struct buf words; /* the end of what it wrote to stderr */
};

struct peer_link {
	struct peer_farm *farm;
	const struct node_entry *entry; /* borrowed from the roster */
	void *ctx; /* of struct peer_ops */
	enum wire_codec codec; /* of what is long */

	struct peer_transport transport;
	struct peer_connect *connect; /* to a tls: node, while there is none */
	struct wire_stream *stream; /* NULL: nobody is connected */
	const struct wire_stream_ops *ops;
	void *ops_ctx;
	struct wire_intern *paths, *flags;
	struct peer_ship *ship;
	uint32_t next_number; /* of a cell or a bundle */
	uint64_t heard_ms; /* when it said something last */
	bool hello_seen, fit_seen, machine_seen; /* in this conversation */

	struct wire_hello hello; /* of the last conversation */
	bool greeted; /* there was one */
	struct wire_fit fit; /* of the last conversation */
	struct wire_machine machine; /* the same; zeroed: before version 8 */
	struct wire_heat heat; /* the last of this conversation; zeroed */
	TAILQ_HEAD(, peer_job) jobs; /* that are out (peer/job.h) */
	unsigned n_jobs, n_others; /* of these not the build's */
	uint64_t sent_before, received_before; /* by former streams */
};

void peer_link_init(struct peer_link *l, struct peer_farm *farm,
		    const struct node_entry *entry, void *ctx);
/* Closes it, too. */
void peer_link_release(struct peer_link *l);

/*
 * Begin to connect, and say hello when that is done.  A failure that shows
 * later comes to on_close of `ops`, as the end of the conversation does.
 */
int peer_link_dial(struct peer_link *l, const struct wire_stream_ops *ops,
		   void *ctx, struct err *err);
/* The conversation is over, if there is one, or the way to it.  Its jobs must
 * have gone. */
void peer_link_close(struct peer_link *l);
/*
 * For on_msg of `ops`: 0: that was for the link alone; 1: it is for the caller;
 * or a negative errno with `err`.  Who it is has been said with the first one
 * that is FIT or MACHINE, and is in l->hello, l->fit and l->machine by then.
 */
int peer_link_hear(struct peer_link *l, uint16_t type, struct bytes body,
		   struct err *err);
/* Has it said in this conversation who it is, and what? */
bool peer_link_is_known(const struct peer_link *l);
/*
 * Why it is over, where that was `why`: a command that never said hello has
 * its reason on stderr.  The caller frees it.
 */
char *peer_link_reason(struct peer_link *l, const char *why);

/*
 * The same, and ends it: for who can wait for the command's end, a second at
 * most, which is the reason where nobody gave another (`why` is "").
 */
char *peer_link_end(struct peer_link *l, const char *why);

/* Send a message; releases `body`. */
void peer_link_send(const struct peer_link *l, enum wire_type type,
		    struct buf *body, enum wire_codec codec);
/* PATHS and FLAGS with those numbered since; before whatever names them. */
void peer_link_send_paths(const struct peer_link *l);
void peer_link_send_flags(const struct peer_link *l);
/* See struct peer_ops. */
void peer_link_event(const struct peer_link *l,
		     const struct inputs_toolchain *tc, const char *reason);

#endif
