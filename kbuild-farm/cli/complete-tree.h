/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cli/complete-tree.h - what of a kernel tree may stand at a word: its targets,
 * its configurations, and the revisions of one that kfarm manages.
 */
#ifndef CLI_COMPLETE_TREE_H
#define CLI_COMPLETE_TREE_H

#include "cli/complete.h"

/*
 * Those that the help texts of its Makefiles name, and "kernel"; of a path the
 * directories, and the objects that sources there can become.
 */
void complete_tree_targets(struct complete *c);
/* Of the architecture that is being built for. */
void complete_tree_kconfigs(struct complete *c);
void complete_tree_fragments(struct complete *c);
/* Branches and tags of the tree that --tree names. */
void complete_tree_revisions(struct complete *c);

#endif
