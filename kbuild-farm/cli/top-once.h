/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cli/top-once.h - all pages of `kfarm top` as they are now, for --once.
 */
#ifndef CLI_TOP_ONCE_H
#define CLI_TOP_ONCE_H

#include "cli/top-page.h"

#include <jansson.h>
#include <stdio.h>

void top_once_text(FILE *out, const struct top *t);
/* Two lines for each build, none for the nodes. */
void top_once_brief(FILE *out, const struct top *t);
/* The caller's reference. */
json_t *top_once_json(const struct top *t);

#endif
