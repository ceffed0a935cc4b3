/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ui/group.h - Groups of nodes by pool or site, and their order, worst first.
 *
 * A group is represented by a struct ui_node, so that the code for rows also
 * handles groups.  The name of a group is one of ui_model.groups.  The state
 * "3/4" of a group means that three of four present nodes are up.  The
 * temperature is that of the hottest node, and the clock speed is unknown.  The
 * other members are sums.  The number of slots includes only nodes that are up.
 */
#ifndef UI_GROUP_H
#define UI_GROUP_H

#include "ui/model.h"

/* The health of a node, in ascending order of severity. */
enum ui_health {
	UI_HEALTH_ABSENT, /* not present; see ui_node_is_present() */
	UI_HEALTH_GOOD,
	UI_HEALTH_WAITING, /* connecting, or drained by the user */
	UI_HEALTH_FAULTY, /* has had faults in this build */
	UI_HEALTH_UNUSABLE, /* gets no jobs, and the user has not drained it */
};

/*
 * Return the health of a node or a group.  A group is UI_HEALTH_UNUSABLE if one
 * of its nodes is unusable, else UI_HEALTH_WAITING if one of its present nodes
 * is not up, else UI_HEALTH_GOOD.
 */
enum ui_health ui_node_health(const struct ui_node *n);
/*
 * Compare two nodes, or two groups, for a list with the worst first.  Nodes are
 * compared by health, then by the number of faults.  Groups are compared by the
 * number of unusable nodes, then of faults, then of nodes that are not up.  If
 * all these are equal, the names are compared.
 */
int ui_node_compare_health(const struct ui_node *a, const struct ui_node *b);
/*
 * Return true if the name of the node contains `filter`, in upper or lower
 * case, or if `filter` is NULL.
 */
bool ui_node_matches(const struct ui_node *n, const char *filter);

struct ui_group {
	struct ui_node sums; /* sums.reported points to `reported` */
	struct events_node reported;
	char state[24];
	unsigned n_listed; /* number of nodes, including absent nodes */
	unsigned n_nodes; /* number of nodes that are present */
	unsigned n_up, n_unusable; /* parts of n_nodes */
	size_t rank; /* position in the sorted table; set by ui/nodes.c */
};

/* A zeroed struct has no groups. */
struct ui_groups {
	struct ui_group *v; /* in the order of ui_model.groups */
	size_t n, cap;
};

void ui_groups_release(struct ui_groups *g);
/*
 * For each group, sum up the nodes that match `filter`, except EVENTS_LOCAL.  A
 * group can be empty.  The result is valid until the model changes.
 */
void ui_groups_sum(struct ui_groups *g, const struct ui_model *m,
		   const char *filter);

#endif
