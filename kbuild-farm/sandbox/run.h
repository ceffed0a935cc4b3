/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sandbox/run.h - CPU time of a process and its descendants. */
#ifndef SANDBOX_RUN_H
#define SANDBOX_RUN_H

#include <stdint.h>
#include <sys/types.h>

/*
 * Return the CPU time of a process and its descendants in milliseconds,
 * including children that were waited for; 0 if the process does not exist or
 * /proc is not mounted.
 */
uint32_t sandbox_run_pid_cpu_ms(pid_t pid);

#endif
