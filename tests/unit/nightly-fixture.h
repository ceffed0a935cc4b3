/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * unit/nightly-fixture.h - Results of simulated nightly runs.
 */
#ifndef NIGHTLY_PLAY_H
#define NIGHTLY_PLAY_H

#include "nightly/result.h"

#include <string.h>

#define NIGHT 86400LL

/* 2026-11-20 02:00 UTC */
#define FIRST_NIGHT 1795140000LL

/* Return the result of a run, numbered from 0: good, without a warning. */
static inline struct nightly_result play_result(unsigned night)
{
	static char name[] = "mainline", arch[] = "arm64",
		    config[] = "defconfig", toolchain[] = "gcc-13.3.0",
		    build[] = "arm64-defconfig-gcc-13.3.0";
	static char commits[][41] = {
		"a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0",
		"b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1",
		"c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2",
		"d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3",
	};
	static char describes[][30] = {
		"v6.1-rc3-10-ga0a0a0a0a0a0",
		"v6.1-rc3-12-gb1b1b1b1b1b1",
		"v6.1-rc3-13-gc2c2c2c2c2c2",
		"v6.1-rc3-20-gd3d3d3d3d3d3",
	};
	static char dirs[][80] = {
		"/home/u/.local/share/kfarm/results/mainline/0",
		"/home/u/.local/share/kfarm/results/mainline/1",
		"/home/u/.local/share/kfarm/results/mainline/2",
		"/home/u/.local/share/kfarm/results/mainline/3",
	};

	return (struct nightly_result){
		.name = name,
		.arch = arch,
		.config = config,
		.toolchain = toolchain,
		.build = build,
		.number = night + 1,
		.began_s = FIRST_NIGHT + night * NIGHT,
		.commit = commits[night],
		.describe = describes[night],
		.dir = dirs[night],
		.history_id = 40 + night,
		.decision = night ? NIGHTLY_DECISION_COMMIT :
				    NIGHTLY_DECISION_FIRST,
	};
}

/* Make `r` the successor of the other result. */
static inline void play_after(struct nightly_result *r,
			      const struct nightly_result *before)
{
	r->previous = before;
	r->last_good = before->end == NIGHTLY_END_GOOD ? before :
							 before->last_good;
}

/* Make the result fail with `errors`. */
static inline void play_fail(struct nightly_result *r, unsigned errors,
			     unsigned new_errors)
{
	r->end = NIGHTLY_END_FAILED;
	r->status = 2;
	r->n_errors = errors;
	r->n_new_errors = new_errors;
}

#endif
