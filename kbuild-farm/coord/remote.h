/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * coord/remote.h - the inputs of a job, found here for a node.
 */
#ifndef COORD_REMOTE_H
#define COORD_REMOTE_H

#include "coord/state.h"

/* Find and list its inputs on a worker thread; READY when that is done. */
void coord_remote_scan(struct coord_job *job);
/* Something was missing or changed: once more from the files, or not. */
void coord_remote_again(struct coord_job *job, const char *why);

#endif
