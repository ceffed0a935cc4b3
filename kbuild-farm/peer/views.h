/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * peer/views.h - the VIEWs of one cell or bundle: entries are told, and the
 * files are sent that NEED asks for.
 */
#ifndef PEER_VIEWS_H
#define PEER_VIEWS_H

#include "base/err.h"
#include "base/list.h"
#include "peer/link.h"

struct peer_view; /* one that NEED may speak of */

struct peer_views {
	uint32_t number; /* of the cell or bundle */
	uint32_t last; /* view that was sent */
	TAILQ_HEAD(peer_view_list, peer_view) sent;
};

void peer_views_init(struct peer_views *v, uint32_t number);
/* NEED may speak of none of them any more. */
void peer_views_release(struct peer_views *v);

/*
 * Tell these entries in as many VIEWs as it takes, and say of those of a
 * toolchain, which may be none, that they are all.  Entries that are files
 * must outlive `v`.  0; -ENOSPC, with nothing sent: the connection can name no
 * more paths.
 */
int peer_views_send(struct peer_views *v, const struct peer_link *link,
		    const struct inputs_entry *const *entry, size_t n,
		    bool is_toolchain);
/*
 * Send what a NEED asks for; `user` hears of it.  0; -EPROTO with `err`: it is
 * about what was not told, or asks for one thing again and again.
 */
int peer_views_need(struct peer_views *v, const struct wire_need *m,
		    struct peer_ship *ship, struct peer_ship_user *user,
		    struct err *err);

#endif
