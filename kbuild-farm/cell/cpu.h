/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cell/cpu.h - the CPU time of a process and of all that it started.
 */
#ifndef CELL_CPU_H
#define CELL_CPU_H

#include <stdint.h>
#include <sys/types.h>

/*
 * Milliseconds, the children that it waited for included; 0 when there is no
 * such process or no /proc.
 */
uint32_t cell_cpu_ms(pid_t pid);

#endif
