/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "peer/link.h"

void peer_link_init(struct peer_link *l, struct peer_farm *farm,
		    const struct node_entry *entry, void *ctx)
{
	*l = (struct peer_link){
		.codec = entry->codec, .farm = farm, .entry = entry, .ctx = ctx
	};
	TAILQ_INIT(&l->jobs);
}

void peer_link_open(struct peer_link *l, int fd,
		    const struct wire_stream_ops *ops, void *ctx)
{
	l->stream = wire_stream_new(l->farm->base, fd, fd, ops, ctx);
	l->paths = wire_paths_new();
	l->flags = wire_flags_new();
	l->next_number = 0;
	l->ship = peer_ship_new(l->stream, l->farm->pool, l->farm->packed);
}

void peer_link_close(struct peer_link *l)
{
	if (!l->stream)
		return;
	peer_ship_free(l->ship);
	l->ship = NULL;
	l->sent_before += wire_stream_sent(l->stream);
	l->received_before += wire_stream_received(l->stream);
	wire_stream_free(l->stream);
	l->stream = NULL;
	wire_intern_free(l->paths);
	wire_intern_free(l->flags);
}

void peer_link_send(const struct peer_link *l, enum wire_type type,
		    struct buf *body, enum wire_codec codec)
{
	wire_stream_send(l->stream, type, buf_bytes(body), codec);
	buf_release(body);
}

void peer_link_send_paths(const struct peer_link *l)
{
	struct buf body = { 0 };

	while (wire_paths_message(l->paths, &body))
		peer_link_send(l, WIRE_PATHS, &body, l->codec);
}

void peer_link_send_flags(const struct peer_link *l)
{
	struct buf body = { 0 };

	while (wire_flags_message(l->flags, &body))
		peer_link_send(l, WIRE_FLAGS, &body, l->codec);
}

void peer_link_event(const struct peer_link *l, const char *state,
		     const char *reason)
{
	l->farm->ops->event(l->ctx, state, reason);
}
