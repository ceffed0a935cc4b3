/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/metadata.h - metadata.json: tuxmake's groups (build results source
 * git compiler tools artifacts vmlinux system_map resources hardware os
 * uname; its docs/metadata.md) and kfarm's own (kfarm farm nodes sizes
 * diagnostics).
 *
 * Groups that nothing is known about are left out; build and results are
 * always there.
 */
#ifndef KERNEL_METADATA_H
#define KERNEL_METADATA_H

#include "events/tally.h"
#include "kernel/artifact.h"
#include "kernel/plan.h"

struct kernel_metadata {
	const struct kernel_plan *plan;
	const struct kernel_run
		*run; /* its goals, and how long its parts took */
	bool passed;
	unsigned jobs; /* -j */
	uint64_t wall_ms; /* of the whole build */
	const struct events_tally *tally;
	bool has_farm; /* compiles were seen, and are in the tally */
	const struct kernel_artifacts *artifacts; /* may be NULL */
	const struct strv *mismatch; /* kernel_missed_lines(); may be NULL */
};

/* Write it to `path` in one step. */
int kernel_metadata_write(const char *path, const struct kernel_metadata *m,
			  struct err *err);

#endif
