/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * node/tune-state.h - what templates/tune/node.sh says of a node: lines of up
 * to three fields with tabs between them, "end" the last.
 *
 *	PATH	r|w	VALUE		a file below /sys
 *	service	NAME	UNIT STATE...	or "absent"
 *	before-file|before-service PATH|UNIT VALUE
 *	model, kernel, start	TEXT
 */
#ifndef NODE_TUNE_STATE_H
#define NODE_TUNE_STATE_H

#include "base/bytes.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

struct tune_file {
	char *path, *value;
	bool writable;
};

struct tune_service {
	char *name;
	char *unit; /* NULL: there is none */
	char *state; /* "enabled active" */
};

struct tune_state {
	char *model, *kernel, *start; /* NULL: it did not say */
	struct tune_file *v; /* in the order they came */
	size_t n;
	struct tune_service *services;
	size_t n_services;
	struct tune_file *before;
	size_t n_before;
};

/*
 * Nothing that a shell would take for anything but a word, nor a terminal for
 * anything but text, gets in: such a line is left out.  -EPROTO without the
 * last line; -E2BIG.  `s` is released then.
 */
int tune_state_read(struct tune_state *s, struct bytes said, struct err *err);
void tune_state_release(struct tune_state *s);
/* The file of this path, or NULL. */
const struct tune_file *tune_state_get(const struct tune_state *s,
				       const char *path);

#endif
