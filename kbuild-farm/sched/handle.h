/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sched/handle.h - what each event changes at once, before the dispatcher
 * looks at what can be done next.
 */
#ifndef SCHED_HANDLE_H
#define SCHED_HANDLE_H

#include "sched/state.h"

void sched_handle(struct sched *s, const struct sched_event *ev);

#endif
