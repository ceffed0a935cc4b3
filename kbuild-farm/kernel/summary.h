/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/summary.h - what is printed at the end of a build:
 *
 *	built Image modules dtbs: arm64, gcc-12.2.0, linux-6.1.192, 3:12 wall,
 *	build host 41 s CPU
 *	jobs 2874: 2851 remote (99.1 %), 23 local (12 .incbin, 11 plugins),
 *	4 retried, 2 duplicated
 *	node neo4a: down: ssh: no route to host
 *	sizes Image 3151880; vmlinux text 2718720, data 180736, bss 67584
 *	skipped modules: CONFIG_MODULES is not set
 *	new: fs/a.c:12:3: warning: unused variable 'x' [-Wunused-variable]
 *	warnings 3 (1 new, 2 gone), errors 0        output ~/.cache/...
 *	made /home/a/build/kernel/fork.o
 *
 * (nothing is wrapped), and at the end of a command of the user's:
 *
 *	kfarm: ran make: 3:12 wall, build host 41 s CPU
 *	kfarm: jobs 2874: ...
 *	kfarm: node neo4a: down: ssh: no route to host
 *	kfarm: 40 C++ units were compiled here: nodes compile C and assembler
 *
 * both with a line for each node that is not up.
 */
#ifndef KERNEL_SUMMARY_H
#define KERNEL_SUMMARY_H

#include "base/buf.h"
#include "kernel/metadata.h"

/*
 * `verb` is "built", "failed" or "interrupted".  A build without a farm was
 * made without links, because of what its plan says.
 */
void kernel_summary_text(struct buf *out, const char *verb,
			 const struct kernel_metadata *m, const char *output);
/* Of a command of the user's; `how` it failed, NULL: it did not. */
void kernel_summary_user_command(struct buf *out, const char *name,
				 const char *how, uint64_t wall_ms,
				 const struct events_tally *t);
/*
 * And what is to be said about its compiles: those of C++, those of `unseen`
 * compilers (kernel/unseen.h), and that there were none.
 */
void kernel_summary_advice(struct buf *out, const struct events_tally *t,
			   const struct strv *unseen);
/*
 * The size table, a line for vmlinux, each image and each module, the largest
 * first; in bytes, as size(1) counts.
 */
void kernel_summary_sizes(struct buf *out, const struct kernel_artifacts *a);
/*
 * And what of it differs from that of an earlier build: each that does, by how
 * much; what is new, and what is no more.
 */
void kernel_summary_size_changes(struct buf *out,
				 const struct kernel_artifacts *a,
				 const struct kernel_earlier *e);
/* Did nodes do less than `want` percent (0: no matter)?  Then `err` is set. */
bool kernel_summary_too_few(const struct events_tally *t, int want,
			    struct err *err);
/* How many tenths of a percent `part` is of `part + rest`, rounded down. */
unsigned kernel_summary_permille(unsigned part, unsigned rest);
/* "12 .incbin, 11 gcc plugins" */
void kernel_summary_reasons(struct buf *out, const struct events_tally *t);

#endif
