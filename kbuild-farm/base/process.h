/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * base/process.h - other processes of this machine, from proc(5).
 */
#ifndef BASE_PROCESS_H
#define BASE_PROCESS_H

#include <sys/types.h>

/*
 * When a process started, in ticks since the boot; 0: there is none.  With
 * process_boot() and its number it tells a process from all others.
 */
unsigned long long process_start(pid_t pid);
/* Its parent; 0: there is none. */
pid_t process_parent(pid_t pid);
/* What tells this boot from others, "" when unknown; the caller frees it. */
char *process_boot(void);

#endif
