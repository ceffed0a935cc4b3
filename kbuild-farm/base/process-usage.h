/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * base/process-usage.h - The use of processors by local processes.
 *
 * This module depends only on libc, because the wrapper uses it.
 */
#ifndef BASE_PROCESS_USAGE_H
#define BASE_PROCESS_USAGE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Fields of /proc/PID/stat, see proc(5). */
struct process_stat {
	char state;
	int parent, group, session, n_threads;
	unsigned long long ticks; /* CPU time, including reaped children */
	unsigned long long start_ticks; /* start time since boot */
};

/*
 * Read /proc/PID/stat.  Returns false if the process does not exist or proc(5)
 * is not mounted.
 */
bool process_stat_read(pid_t pid, struct process_stat *out);

/* The use of processors by one or more processes. */
struct process_usage {
	uint64_t cpu_ms; /* CPU time, including children that were waited for */
	/*
	 * a thread runs, or waits for a processor or for a disk (states R and D
	 * of proc(5))
	 */
	bool busy;
};

/*
 * Read the usage of a process.  It is zero if process_stat_read() returns
 * false.
 */
void process_usage_read(pid_t pid, struct process_usage *out);
/*
 * Read the usage of a process and its descendants.  On a kernel without
 * CONFIG_PROC_CHILDREN, the descendants are the processes that
 * process_usage_read_session() reads.
 */
void process_usage_read_tree(pid_t pid, struct process_usage *out);
/*
 * Read the usage of all processes whose session or process group has the number
 * `leader`.  Reads /proc/PID/stat of each process of the machine.
 */
void process_usage_read_session(pid_t leader, struct process_usage *out);

#endif
