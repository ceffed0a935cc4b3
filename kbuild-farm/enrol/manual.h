/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * enrol/manual.h - what to type where kfarm shall not install by itself.
 */
#ifndef ENROL_MANUAL_H
#define ENROL_MANUAL_H

#include "enrol/enrol.h"

/*
 * The commands that make the machine that ssh calls `ssh` the node `name`, as
 * `wish` has it, with the text of each file; appended to `out`.
 */
void enrol_manual(struct buf *out, const char *name, const char *ssh,
		  const struct enrol_wish *wish);

#endif
