/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * agent/proc.h - a process and all that descend from it, as /proc shows them.
 *
 * A kernel with CONFIG_PROC_CHILDREN lists a process's children; with others
 * all processes are looked through for their parents.
 */
#ifndef AGENT_PROC_H
#define AGENT_PROC_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Do as on a kernel without such lists; for the tests. */
void agent_proc_look_through_all(bool all);

/*
 * Milliseconds of CPU time, user and system, that `pid`, its descendants and
 * those that they waited for have used; 0 when it is gone.
 */
uint32_t agent_proc_cpu_ms(pid_t pid);

/* SIGKILL to the process group `pid` and to whatever left it since. */
void agent_proc_kill(pid_t pid);

/* SIGKILL to every descendant of ours.  Returns how many there were. */
size_t agent_proc_kill_all(void);

#endif
