/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cli/remote.h - a script on a node, for somebody who watches: how far it is
 * after two seconds, and Ctrl-C ends it.
 */
#ifndef CLI_REMOTE_H
#define CLI_REMOTE_H

#include "node/remote.h"

/*
 * node_remote_run(), where `what` is being done ("installing"); r->stop and
 * r->on_sent are set here, and r->asks where somebody sits at a terminal to
 * whom ssh may put a question.
 */
int remote_run(struct node_remote *r, const char *what, struct buf *out,
	       struct err *err);

#endif
