/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * agent/kept-state.h - what agent/kept.c and agent/tool-stage.c share.
 */
#ifndef AGENT_KEPT_STATE_H
#define AGENT_KEPT_STATE_H

struct agent_kept {
	char *dir;
};

/* Where the toolchain `id` lies; the caller frees it. */
char *agent_kept_path(const struct agent_kept *k, const char *id);
/*
 * Open the directory `path` and flock(2) it.  A descriptor of what has that
 * name even now; -EBUSY; -ENOENT, -ENOTDIR, ...
 */
int agent_kept_lock(const char *path, int how);

#endif
