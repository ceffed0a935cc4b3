/* SPDX-License-Identifier: GPL-2.0-or-later */
/* base/process.h - Information from proc(5) on local processes. */
#ifndef BASE_PROCESS_H
#define BASE_PROCESS_H

#include <sys/types.h>

/*
 * Return the start time of a process in clock ticks since boot, or 0 if it does
 * not run.  Start time, pid and process_boot_id() together identify a process
 * uniquely.
 */
unsigned long long process_start_ticks(pid_t pid);
/* Return the pid of the parent, or 0 if `pid` does not exist. */
pid_t process_parent_pid(pid_t pid);
/*
 * Find a process whose working directory is `dir` or a directory below it.
 * Without privileges, the search finds only processes of the same user.
 * Returns 0 if no process is found; else returns the pid, and stores the
 * process's name in *name, which the caller frees.
 */
pid_t process_find_in_dir(const char *dir, char **name);
/*
 * Return the random ID of this boot, or "" if it cannot be read.  The caller
 * frees it.
 */
char *process_boot_id(void);
/*
 * Return the path from which this program was started, or NULL if proc(5) is
 * not mounted.  The path remains the same if an upgrade replaces the file while
 * the program runs.  The caller frees it.
 */
char *process_program_path(void);

#endif
