/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ui/model.h - what a view shows: plain values, filled by cli/watch.c.
 */
#ifndef UI_MODEL_H
#define UI_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ui_node {
	char name[64];
	char state[32]; /* "up", "down", "no toolchain" */
	unsigned running, slots, done;
};

struct ui_model {
	uint64_t elapsed_ms;
	char phase[64]; /* "config", "compile", "modules_install" ... */
	char last[256]; /* the source of the job that ended last */
	unsigned remote, local; /* jobs done so far */
	unsigned running, queued;
	unsigned warnings, errors;
	size_t n_nodes;
	struct ui_node *nodes;
};

#endif
