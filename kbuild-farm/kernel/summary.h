/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/summary.h - Summary at the end of a build or user command.
 *
 * A build prints, without line breaks inside an entry:
 *
 *	built Image dtbs: arm64, gcc-12.2.0, linux-6.1.192, 3:12 wall, build
 *	host 41 s CPU
 *	jobs 2874: 2851 remote (99.1 %), 23 local (12 .incbin, 11 plugins),
 *	4 retried, 2 duplicated
 *	node neo4a: down: ssh: no route to host
 *	sizes Image 3151880, vmlinux 2967040 (text 2718720, data 180736,
 *	bss 67584)
 *	skipped modules: CONFIG_MODULES is not set
 *	new: fs/a.c:12:3: warning: unused variable 'x' [-Wunused-variable]
 *	new: fs/b.c:7:1: error
 *	warnings 3 (1 new, 2 gone), errors 0        output ~/.cache/...
 *	made /home/a/build/kernel/fork.o
 *
 * A user command prints:
 *
 *	kfarm: ran make: 3:12 wall, build host 41 s CPU
 *	kfarm: jobs 2874: ...
 *	kfarm: node neo4a: down: ssh: no route to host
 *	kfarm: 40 C++ units were compiled locally: nodes compile only C and
 *	assembler
 *
 * Both have a line for each node that is not up and, with the recipe shell, a
 * line with the number of tool steps.
 */
#ifndef KERNEL_SUMMARY_H
#define KERNEL_SUMMARY_H

#include "base/buf.h"
#include "kernel/metadata.h"

/*
 * Append the summary of a build.  `verb` is "built", "cleaned", "failed"
 * or "interrupted"; `output` is the output directory for display, or NULL.
 */
void kernel_summary_text(struct buf *out, const char *verb,
			 const struct kernel_metadata *m, const char *output);
/*
 * Append a summary of one line.  `where`, the end of the line, is the path of
 * the built file, "output DIR", or NULL.  If the line would exceed 80 columns,
 * `where` is on a second line.
 */
void kernel_summary_line(struct buf *out, const char *verb,
			 const struct kernel_metadata *m, const char *where);
/*
 * Append the summary of the user command `name`.  `failure` is a text such as
 * "exit status 2", or NULL.
 */
void kernel_summary_user_command(struct buf *out, const char *name,
				 const char *failure, uint64_t wall_ms,
				 const struct events_totals *t);
/*
 * Append advice about compiles that kfarm did not offload: C++ units, and
 * compiles by the compilers `bypassed` (kernel/user-command.h).  If `bypassed`
 * is empty, kfarm received no compile at all, and the required share
 * `min_remote_percent` is not 0, append that the share was not checked.
 */
void kernel_summary_advice(struct buf *out, const struct events_totals *t,
			   const struct strv *bypassed, int min_remote_percent);
/*
 * Append a table with the size of vmlinux, each image and each module, the
 * largest file first, in bytes as counted by size(1).
 */
void kernel_summary_sizes(struct buf *out, const struct kernel_artifacts *a);
/*
 * Append the changes since the build e->sized_number: differences in size, new
 * files and removed files.  Appends nothing if that number is 0.
 */
void kernel_summary_size_changes(struct buf *out,
				 const struct kernel_artifacts *a,
				 const struct kernel_baseline *e);
/*
 * Return true, with `err` set, if less than `want` percent of the jobs ran on
 * nodes or were cached.  If `want` is 0, or if no job was executed, return
 * false.
 */
bool kernel_summary_is_remote_low(const struct events_totals *t, int want,
				  struct err *err);
/* Return the share of `part` in `part + rest` in permille, rounded down. */
unsigned kernel_summary_permille(unsigned part, unsigned rest);
#endif
