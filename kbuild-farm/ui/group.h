/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ui/group.h - Groups of nodes by pool or site, and their order, worst first.
 *
 * A group has the form of a node, so that the code for rows also handles
 * groups.  Its name is one of ui_model.groups, and its state, such as "3/4", is
 * the number of nodes that are up and of those that are present.  The
 * temperature is the highest one, and the clock speed is unknown.  The other
 * members are sums.  Only nodes that are up have slots.
 */
#ifndef UI_GROUP_H
#define UI_GROUP_H

#include "ui/model.h"

/* The states of a node, from the best to the worst. */
enum ui_health {
	UI_HEALTH_ABSENT, /* not present; see ui_node_is_present() */
	UI_HEALTH_GOOD,
	UI_HEALTH_WAITING, /* connecting, or drained by the user */
	UI_HEALTH_FAULTY, /* has had faults in this build */
	UI_HEALTH_UNUSABLE, /* gets no jobs, and the user has not drained it */
};

/*
 * Return the health of a node, or of a group: UI_HEALTH_UNUSABLE if one of its
 * nodes is unusable, UI_HEALTH_WAITING if another node is not up.
 */
enum ui_health ui_node_health(const struct ui_node *n);
/*
 * Compare two nodes, or two groups, for a list with the worst first.  Nodes are
 * compared by health, then by the number of faults.  Groups are compared by the
 * number of unusable nodes, then of faults, then of nodes that are not up.  The
 * name decides between equals.
 */
int ui_node_compare_health(const struct ui_node *a, const struct ui_node *b);
/* Return true if the name of the node contains `filter`, or if it is NULL. */
bool ui_node_matches(const struct ui_node *n, const char *filter);

struct ui_group {
	struct ui_node sums; /* `sums.reported` is `reported` */
	struct events_node reported;
	char state[24];
	unsigned n_listed; /* number of nodes, with those that are absent */
	unsigned n_nodes; /* number of nodes that are present */
	unsigned n_up, n_unusable; /* parts of n_nodes */
	size_t rank; /* for the caller */
};

/* A zeroed struct has no groups. */
struct ui_groups {
	struct ui_group *v; /* in the order of ui_model.groups */
	size_t n, cap;
};

void ui_groups_release(struct ui_groups *g);
/*
 * Sum up the nodes of each group that match `filter`, without EVENTS_LOCAL.  A
 * group can be empty.  The result is valid until the model changes.
 */
void ui_groups_sum(struct ui_groups *g, const struct ui_model *m,
		   const char *filter);

#endif
