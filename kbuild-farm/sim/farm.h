/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sim/farm.h - A farm and its jobs, described in a file.
 *
 * The file is in git-config syntax; kfarm-nodes(1) documents the keys.
 */
#ifndef SIM_FARM_H
#define SIM_FARM_H

#include "base/bytes.h"
#include "base/err.h"
#include "base/str.h"
#include "history/read.h"
#include "sim/sim.h"

/* The jobs that a farm file defines. */
struct sim_farm_jobs {
	char *build; /* number of a recorded build, "latest", or NULL */
	unsigned count;
	double median_ms; /* of the costs */
	double deviation; /* standard deviation of the logarithm of the costs */
	/* bytes that each job transfers to and from its node */
	uint32_t in_bytes, out_bytes;
	/* serial times before the first job and after the last job */
	uint32_t prepare_ms, link_ms;
};

struct sim_farm {
	/*
	 * points to the arrays below; its n_local_slots is 0 if the file does
	 * not set the number of local slots
	 */
	struct sim_setup setup;
	struct sim_farm_jobs definition;
	double host_speed;
	struct strv names; /* of the nodes */
	struct sim_node_setup *nodes;
	struct sim_job_setup *jobs;
	uint32_t *serial_ms;
};

/*
 * Read a farm.  Returns 0, or a negative errno with `err` naming file, line and
 * remedy.  The caller releases `f`, also after an error.
 */
int sim_farm_read(struct sim_farm *f, const char *path, struct err *err);
/*
 * Read a farm from `text` as sim_farm_read() does.  Errors contain `file` as
 * the name of the text.
 */
int sim_farm_parse(struct sim_farm *f, const char *file, struct bytes text,
		   struct err *err);
/*
 * Generate the jobs that the file defines.  Returns 0, or -EINVAL if the file
 * lacks the number of jobs or the median of their costs.
 */
int sim_farm_generate_jobs(struct sim_farm *f, struct err *err);
/*
 * Set the jobs to the units of the recorded build `b`; `d` contains these
 * units.  The cost of a job is the CPU time that its unit used, as if all cores
 * of that build had the speed 1.  Jobs are in the order in which make requested
 * them.  If no unit is outstanding for at least a quarter of a second, this gap
 * counts as a serial step of make, and the next unit begins a new phase.
 * Returns 0, or -ENODATA if the build has no units.
 */
int sim_farm_set_build(struct sim_farm *f, const struct history_build *b,
		       const struct history_details *d, struct err *err);
/* Free what the farm owns and zero it. */
void sim_farm_release(struct sim_farm *f);

#endif
