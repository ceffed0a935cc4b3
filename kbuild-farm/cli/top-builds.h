/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cli/top-builds.h - the running builds of this user, found by their sockets
 * (kernel/rundir.h), each a page.
 */
#ifndef CLI_TOP_BUILDS_H
#define CLI_TOP_BUILDS_H

#include "base/err.h"
#include "cli/top-page.h"

#define TOP_BUILDS_MAX 64

struct top_builds;

int top_builds_new(struct top_builds **out, struct top *t, struct err *err);
/* Leaves the builds to themselves; the pages stay.  NULL is fine. */
void top_builds_free(struct top_builds *all);
/*
 * Connect to those that began since; pages of builds that ended go as soon as
 * there is another.  Returns how many there are that run.
 */
unsigned top_builds_look(struct top_builds *all);

#endif
