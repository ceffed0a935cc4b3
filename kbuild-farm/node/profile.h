/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * node/profile.h - how a kind of board is to be set: templates/boards/NAME.conf
 * or the user's own file, in git-config syntax; kfarm(1) has the keys.
 */
#ifndef NODE_PROFILE_H
#define NODE_PROFILE_H

#include "base/bytes.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

#define NODE_PROFILE_HIGHEST UINT64_MAX /* of the clocks that there are */

/* One clock, or all of a kind; NULL and 0: left as it is. */
struct node_profile_clock {
	int cpu; /* the one whose clock it is, -1: all that are not named */
	char *governor;
	uint64_t hz;
};

struct node_profile {
	char *name;
	char *about; /* a line about it; NULL: none */
	char *overclock; /* what is risked with it; NULL: nothing */
	struct strv models; /* parts of what such a board calls itself */
	struct node_profile_clock *cpus;
	size_t n_cpus;
	bool has_boost, boost;
	struct node_profile_clock memory;
	struct strv devices; /* patterns of /sys/class/devfreq for `memory` */
	struct strv zones; /* patterns of the types of thermal zones */
	unsigned passive; /* degrees at which these slow down; 0: as they are */
	struct strv stop; /* services */
};

/*
 * Read the profile `name`: a file where it has a slash, else NAME.conf of
 * ~/.config/kfarm/boards/, else one that kfarm has.  -ENOENT when there is
 * none, -EINVAL with file and line in `err`; node_profile_release() then, too.
 */
int node_profile_find(struct node_profile *p, const char *name,
		      struct err *err);
/* The same from its text; `file` is what errors call it. */
int node_profile_parse(struct node_profile *p, const char *file,
		       struct bytes text, struct err *err);
void node_profile_release(struct node_profile *p);
/* The names of those that there are, sorted. */
void node_profile_names(struct strv *out);

#endif
