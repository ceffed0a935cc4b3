/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * agent/work.h - where jobs work: a private directory in memory if there is
 * one with room, else on a disk.
 *
 * Ours is BASE/kfarmd-UID-XXXXXX, mode 0700, where BASE is what --work says,
 * or /dev/shm, /var/lib/kfarm/work or /tmp.  A lock on the directory itself
 * (flock) says that its kfarmd lives; directories without one are leftovers
 * and are removed by the next kfarmd that starts there.
 */
#ifndef AGENT_WORK_H
#define AGENT_WORK_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct agent_work;

/* `base`: --work, NULL for none.  A negative errno with `err` set. */
int agent_work_new(struct agent_work **out, const char *base, struct err *err);
/* Removes the directory. */
void agent_work_free(struct agent_work *w);

const char *agent_work_path(const struct agent_work *w);
/* Bytes that are free there, as an ordinary user sees them. */
uint64_t agent_work_room(const struct agent_work *w);
bool agent_work_in_memory(const struct agent_work *w);
/* A directory for one job; the caller frees *out and fs_remove()s it. */
int agent_work_job(struct agent_work *w, char **out, struct err *err);

#endif
