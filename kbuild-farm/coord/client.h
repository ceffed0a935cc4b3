/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * coord/client.h - the wrappers that wait at the Unix socket.
 */
#ifndef COORD_CLIENT_H
#define COORD_CLIENT_H

#include "base/err.h"
#include "wire/cc.h"

struct coord_client; /* one wrapper */
struct coord_clients;
struct event_base;

/* Calls from the loop. */
struct coord_client_ops {
	/*
	 * Its question; takes over what `ask` holds, and `step`, which came in
	 * front of it, NULL: nothing did.  What is returned is the client's
	 * `unit`, NULL: hang up.
	 */
	void *(*asked)(void *ctx, struct coord_client *client,
		       struct wire_cc_job *ask, struct wire_cc_step *step);
	/* It closed its end: its compile ended, or it gave up. */
	void (*left)(void *ctx, void *unit);
	/*
	 * The same of what fixdep would print: never NULL, and the `fixdep` of
	 * the client, who may leave before it is answered.
	 */
	void *(*fixdep_asked)(void *ctx, struct coord_client *client,
			      struct wire_cc_fixdep *ask);
	void (*fixdep_left)(void *fixdep);
};

/* Listen at `socket`.  `ops` is borrowed. */
int coord_clients_new(struct coord_clients **out, struct event_base *base,
		      const char *socket, const struct coord_client_ops *ops,
		      void *ctx, struct err *err);
/* Ends every conversation, and the listening.  NULL is fine. */
void coord_clients_free(struct coord_clients *all);
/* Once a second: tell those that wait that we live. */
void coord_clients_beat(struct coord_clients *all);
/* "Compile it yourself." */
void coord_client_local(struct coord_client *client, const char *why);
/* "It is done: rename and exit." */
void coord_client_done(struct coord_client *client,
		       const struct wire_cc_done *done);
/* "This is what it prints." */
void coord_client_fixed(struct coord_client *client,
			const struct wire_cc_fixed *fixed);

#endif
