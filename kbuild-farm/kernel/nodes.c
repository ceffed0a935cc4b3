/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/nodes.h"

#include "base/log.h"
#include "base/str.h"
#include "conf/conf.h"
#include "coord/coord.h"

#include <event2/event.h>
#include <stdlib.h>

struct kernel_nodes {
	struct coord *coord;
	struct event *tick;
	struct digest used; /* the stamp of what the nodes are from */
	struct digest seen; /* of a second ago: what changes is left alone */
	bool half; /* a nightly build's */
};

static int load_roster(struct node_roster *out, struct err *err)
{
	struct conf *conf = NULL;
	int ret = conf_load(&conf, NULL, err);

	if (!ret)
		ret = node_roster_load(out, conf, err);
	conf_free(conf);
	return ret;
}

static void use_configuration(struct kernel_nodes *n)
{
	struct node_roster roster = { 0 };
	struct err err;

	n->used = n->seen;
	if (load_roster(&roster, &err)) {
		log_warning("%s; this build goes on with the nodes that it "
			    "has",
			    err.text);
		return;
	}
	n->used = roster.stamp;
	for (size_t i = 0; i < roster.n; i++)
		roster.v[i].half = n->half;
	coord_follow(n->coord, &roster);
}

static void watch_configuration(evutil_socket_t fd, short what, void *arg)
{
	struct kernel_nodes *n = arg;
	struct digest before = n->seen;

	(void)fd;
	(void)what;
	conf_stamp_now(&n->seen);
	/* An editor may need more than one write. */
	if (!digest_equal(&n->seen, &n->used) &&
	    digest_equal(&n->seen, &before))
		use_configuration(n);
}

struct kernel_nodes *kernel_nodes_new(struct event_base *base,
				      struct coord *coord,
				      const struct node_roster *roster)
{
	static const struct timeval second = { .tv_sec = 1 };
	struct kernel_nodes *n;

	if (roster->off || !digest_is_known(&roster->stamp))
		return NULL;
	n = xcalloc(1, sizeof(*n));
	n->coord = coord;
	n->used = n->seen = roster->stamp;
	n->half = roster->n && roster->v[0].half;
	n->tick = event_new(base, -1, EV_PERSIST, watch_configuration, n);
	if (!n->tick || event_add(n->tick, &second))
		str_out_of_memory();
	return n;
}

void kernel_nodes_free(struct kernel_nodes *n)
{
	if (!n)
		return;
	event_free(n->tick);
	free(n);
}
