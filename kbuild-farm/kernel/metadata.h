/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/metadata.h - Writer of metadata.json.
 *
 * The file has tuxmake's groups (build results source git compiler tools
 * artifacts vmlinux system_map resources hardware os uname; see tuxmake's
 * docs/metadata.md) and kfarm's own (kfarm farm nodes sizes diagnostics).
 * Groups without data are left out, except build and results.
 *
 * The group tools lists the versions of programs that a build can run.  The
 * members ar, as, ld, and gcc or clang describe programs of the chosen
 * compiler.  The versions are cached in ~/.cache/kfarm/tools.json, each with
 * the file stamp of its program.
 */
#ifndef KERNEL_METADATA_H
#define KERNEL_METADATA_H

#include "base/json.h"
#include "events/totals.h"
#include "kernel/artifact.h"
#include "kernel/plan.h"

/*
 * Return a new object with the versions of programs:
 * {"gcc": "gcc (Debian) 12.2.0", ...}
 */
json_t *kernel_metadata_list_tools(const struct kernel_plan *p);

struct kernel_metadata {
	const struct kernel_plan *plan;
	/* state with the goals, durations, log and baseline */
	const struct kernel_build_state *run;
	bool passed;
	unsigned jobs; /* -j */
	uint64_t wall_ms; /* duration of the whole build */
	const struct events_totals *totals;
	bool has_totals; /* a coordinator counted the jobs in `totals` */
	/* NULL before make: the file then has no artifacts and no tools */
	const struct kernel_artifacts *artifacts;
	/* result of kconfig_explain_rejected(); may be NULL */
	const struct strv *rejected;
};

/* Write the metadata to `path` atomically. Returns 0 or a negative errno. */
int kernel_metadata_write(const char *path, const struct kernel_metadata *m,
			  struct err *err);

#endif
