/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cli/settings.h - what the commands that start a farm have in common.
 */
#ifndef CLI_SETTINGS_H
#define CLI_SETTINGS_H

#include "base/err.h"
#include "base/str.h"
#include "conf/conf.h"
#include "node/roster.h"

#include <stdatomic.h>
#include <stdbool.h>

/* What is done on this machine. */
struct settings_local {
	bool shell; /* make gets kfarm's */
	bool forget_probes; /* compilers are asked each time */
};

/* Read the configuration, and its nodes; unknown keys are warned of. */
int settings_conf(struct conf **out, struct node_roster *roster,
		  struct err *err);
/*
 * Read the configuration: the nodes, none with `no_remote`; the percentage of
 * farm.require-remote where *require_remote is 0; the toolchain of each
 * architecture, a line ARCH=TOOLCHAIN in `standard` (may be NULL); what a run
 * does besides in `local` (may be NULL).  Warnings are printed.
 */
int settings_load(struct node_roster *roster, bool no_remote,
		  int *require_remote, struct strv *standard,
		  struct settings_local *local, struct err *err);
/* The last of these alone, and without warnings. */
int settings_standard(struct strv *standard, struct err *err);
/*
 * From now on SIGINT, SIGTERM and SIGHUP make what is returned true, the
 * second one ends kfarm; and has one come?
 */
const atomic_bool *settings_catch_signals(void);
bool settings_interrupted(void);
/* End by that signal, so that a shell's loop stops, too. */
void settings_end_by(int number);

#endif
