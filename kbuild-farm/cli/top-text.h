/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cli/top-text.h - `kfarm top` without a screen.
 *
 * With --once, kfarm top prints the current state of all pages and exits.
 * Otherwise it prints lines (ui/text.h), or with --json the events.
 */
#ifndef CLI_TOP_TEXT_H
#define CLI_TOP_TEXT_H

#include "cli/top-sources.h"

#include <jansson.h>
#include <stdio.h>

/*
 * Print all pages: a build with its figures and nodes, or the nodes alone.
 * Print the pools and sites instead of the nodes if `grouped` is set, or if
 * there are pools or sites and `out` is a terminal with fewer rows than nodes.
 */
void top_once_print(FILE *out, const struct top *t, bool grouped);
/* Print two lines per build on stdout, and nothing for the nodes. */
void top_once_print_brief(const struct top *t);
/* Return all pages as JSON; the caller releases the reference. */
json_t *top_once_json(const struct top *t);

/* Callbacks that print the lines of ui/text.h.  `ctx` is the struct top. */
extern const struct top_ops top_plain_ops;
/*
 * Callbacks that print the JSON of each event with an additional member
 * "build", the page's pid.  A write error ends the loop and sets t->error.
 * `ctx` is the struct top.
 */
extern const struct top_ops top_events_ops;

/*
 * Print the progress lines and tables that are due.  Call this once a second if
 * t->ops is top_plain_ops.  A write error ends the loop and sets t->error.
 */
void top_plain_update(struct top *t);

#endif
