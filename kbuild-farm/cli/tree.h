/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cli/tree.h - `kfarm tree`: what its verbs have in common.
 */
#ifndef CLI_TREE_H
#define CLI_TREE_H

#include "base/str.h"
#include "tree/worker.h"

#include <stdbool.h>

struct progress; /* cli/progress.h */

/* The command line. */
struct tree_request {
	const char *verb;
	struct strv words; /* after the verb */
	struct strv branches;
	const char *depth, *timeout;
	bool in_place, json;
};

/* What is done to one tree, and how that is shown. */
struct tree_show {
	struct tree_watch watch;
	struct progress *progress;
	size_t row;
	struct strv notes;
};

/* The verbs: an exit status. */
int tree_add_main(struct tree_request *r);
int tree_update_main(struct tree_request *r);
int tree_list_main(struct tree_request *r);
int tree_remove_main(struct tree_request *r);

#endif
