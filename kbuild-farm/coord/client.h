/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * coord/client.h - the wrappers that wait at the Unix socket.
 */
#ifndef COORD_CLIENT_H
#define COORD_CLIENT_H

#include "coord/state.h"

/* Listen at c->socket. */
int coord_client_listen(struct coord *c, struct err *err);
/* "Compile it yourself." */
void coord_client_local(struct coord_client *client, const char *why);
/* "It is done: rename and exit." */
void coord_client_done(struct coord_client *client,
		       const struct wire_cc_done *done);
/* Once a second: tell those that wait that we live. */
void coord_client_beat_all(struct coord *c);
/* Ends every conversation and its job, and the listening. */
void coord_client_free_all(struct coord *c);

#endif
