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

/* Definition of the jobs in a file. */
struct sim_farm_jobs {
	char *build; /* number of a recorded build, "latest", or NULL */
	unsigned count;
	double median_ms; /* of the costs */
	double deviation; /* standard deviation of the logarithm of the costs */
	uint32_t in_bytes, out_bytes; /* bytes of each job on the link */
	uint32_t prepare_ms, link_ms; /* serial times before and after jobs */
};

struct sim_farm {
	/*
	 * refers to the arrays below; n_local_slots is 0 if the file does not
	 * set it
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
/* Parse the text of a file.  `file` is the name of the text in errors. */
int sim_farm_parse(struct sim_farm *f, const char *file, struct bytes text,
		   struct err *err);
/*
 * Generate the jobs that the file defines.  Returns 0, or -EINVAL if the file
 * does not set their number and median.
 */
int sim_farm_generate_jobs(struct sim_farm *f, struct err *err);
/*
 * Use the jobs of a recorded build, of which the caller has read the units: the
 * costs are their CPU times, so the cores of the build count as cores of speed
 * 1.  Jobs are in the order in which make requested them.  If make had no
 * outstanding unit for a while, it waited for a serial step, and a new phase
 * begins.  Returns 0, or -ENODATA if the build has no units.
 */
int sim_farm_set_build(struct sim_farm *f, const struct history_build *b,
		       const struct history_details *d, struct err *err);
/* Free what the farm owns and zero it. */
void sim_farm_release(struct sim_farm *f);

#endif
