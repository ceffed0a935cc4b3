/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cell/rmtree.h - remove a tree of any depth with few descriptors.
 */
#ifndef CELL_RMTREE_H
#define CELL_RMTREE_H

/*
 * Remove `name` of the directory `stage` with all below it, if it is there.
 * Directories in it become entries of `stage` first, named by numbers from
 * *serial on.
 */
void cell_rmtree(int stage, const char *name, unsigned long *serial);

#endif
