/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cli/watch.h - who hears the events of a build of ours: the model, the view
 * that draws from it, and the file of --json; and the model's word for who
 * connects later.
 */
#ifndef CLI_WATCH_H
#define CLI_WATCH_H

#include "base/err.h"
#include "kernel/build.h"
#include "ui/plain.h"

enum watch_mode {
	WATCH_PROGRESS,
	WATCH_VERBOSE, /* the log as it comes, no progress */
	WATCH_QUIET, /* errors alone */
	WATCH_NONE,
};

struct watch_setup {
	enum watch_mode mode;
	enum ui_plain_kind kind;
	bool color;
	const char *json; /* a file, "-" for stdout, NULL for none */
};

struct watch;

int watch_new(struct watch **out, const struct watch_setup *setup,
	      struct err *err);
/* What kernel_build() is to call; borrowed from `w`. */
const struct kernel_hooks *watch_hooks(const struct watch *w);
/* Writes out what still waits, a second at most. */
void watch_free(struct watch *w);

/*
 * The view for --ui auto: UI_LINE where stderr is a terminal of at least
 * WATCH_COLUMNS that understands `ESC [ K` (TERM is set and not "dumb") and CI
 * is not set, else UI_PLAIN.
 */
#define WATCH_COLUMNS 40
enum ui_plain_kind watch_kind(void);
/* Is stderr a terminal for colours and lines that are written over? */
bool watch_smart_terminal(void);

#endif
