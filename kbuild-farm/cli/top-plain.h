/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cli/top-plain.h - `kfarm top` where there is no terminal for a screen: lines
 * on standard output, as ui/plain makes them, or the events themselves.
 */
#ifndef CLI_TOP_PLAIN_H
#define CLI_TOP_PLAIN_H

#include "cli/top-page.h"

/* Their ctx is the struct top. */
extern const struct top_ops top_plain_ops;
/*
 * Each event as it came, with a member "build": the page's pid.  When nobody
 * takes them any more, the loop ends with t->error.
 */
extern const struct top_ops top_events_ops;

/* Once a second, with the first of them. */
void top_plain_due(struct top *t);

#endif
