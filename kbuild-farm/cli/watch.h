/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cli/watch.h - turns what a build tells into what people and programs see:
 * the view's model, and one JSON object a line.
 */
#ifndef CLI_WATCH_H
#define CLI_WATCH_H

#include "base/err.h"
#include "kernel/build.h"
#include "ui/plain.h"

enum watch_mode {
	WATCH_PLAIN,
	WATCH_VERBOSE, /* the log as it comes, no progress */
	WATCH_QUIET, /* errors alone */
	WATCH_NONE,
};

struct watch_setup {
	enum watch_mode mode;
	bool terminal, color;
	const char *tree; /* left out of the files' names; may be NULL */
	const char *json; /* a file, "-" for stdout, NULL for none */
};

struct watch;

int watch_new(struct watch **out, const struct watch_setup *setup,
	      struct err *err);
/* What kernel_build() is to call; borrowed from `w`. */
const struct kernel_hooks *watch_hooks(const struct watch *w);
/* Writes out what still waits. */
void watch_free(struct watch *w);

#endif
