/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sim/sim.h - Simulation of a build in virtual time.
 *
 * The simulation runs the dispatcher of sched/sched.h, or a model of another
 * scheduler, against models of make, of a build host, and of nodes with core
 * classes, links and throttling.  It neither reads a clock nor does I/O, and
 * the result depends only on the setup, which includes a seed.
 *
 * make offers the jobs of a phase in their order, at most n_make_jobs at a
 * time.  A phase begins with a serial time, in which make, ld and other tools
 * run alone on the build host, and ends when all its jobs have ended.  A job
 * takes its cost times the slowness of the core that runs it.  A node runs one
 * job per core and queues the others.  The link of a node transfers the inputs
 * and outputs of its jobs one after another.
 *
 * Times are in ms of virtual time, costs in ms of CPU time on a core with
 * slowness 1.
 */
#ifndef SIM_SIM_H
#define SIM_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SIM_LOCAL         UINT32_MAX /* in place of a node number */
#define SIM_CLASSES_MAX   8
#define SIM_THROTTLES_MAX 16

/*
 * If all nodes are full, each policy uses all slots of the build host except
 * one.  Each policy sends a job again if the job was lost with its node.
 */
enum sim_policy {
	SIM_KFARM, /* the dispatcher of sched/sched.h */
	/*
	 * the node with the smallest share of used slots; jobs in the order of
	 * make
	 */
	SIM_LEAST_LOADED,
	/*
	 * distcc: the first node in the order of the list that has a free slot;
	 * if a job gets no slot, it tries again after a second
	 */
	SIM_DISTCC,
	/*
	 * icecream: a node that has not completed a job yet; if no such node
	 * exists, the fastest node.  The speed of a node is the cost of its
	 * last 200 jobs divided by the time that they took.  The speed is
	 * reduced in proportion to the used slots of the node, by at most half.
	 */
	SIM_ICECREAM,
	SIM_RANDOM, /* a random node with a free slot */
	/*
	 * make -j with the number of all cores: the first node in the order of
	 * the list that has a free core
	 */
	SIM_FIXED_JOBS,
	SIM_N_POLICIES,
};

/* Cores of a node with equal speed. */
struct sim_class {
	unsigned n_cores; /* at least 1 */
	double slowness; /* time of a job relative to its cost; above 0 */
};

/*
 * From at_ms on, the cores of a node run at `factor` times their full speed.
 * The node reports the new clock within a second.
 */
struct sim_throttle {
	uint64_t at_ms;
	double factor; /* above 0 */
};

struct sim_node_setup {
	const char *name;
	struct sim_class classes[SIM_CLASSES_MAX];
	unsigned n_classes;
	bool can_pin; /* jobs can be restricted to a class */
	/* limit on the CPU time of all cores together, in ms per ms; 0: none */
	double quota;
	unsigned n_slots; /* 0: cores + ceil(cores / 4) */
	double bytes_per_ms; /* rate of the link; 0: no delay */
	/* by ascending time */
	struct sim_throttle throttles[SIM_THROTTLES_MAX];
	unsigned n_throttles;
	/*
	 * The node loses its jobs at dies_ms (0: never).  The build host
	 * detects the loss lost_after_ms later.  The node is up again at
	 * returns_ms (0: never).
	 */
	uint64_t dies_ms, lost_after_ms, returns_ms;
};

struct sim_job_setup {
	const char *name; /* for display, borrowed; NULL: none */
	uint32_t cost_ms; /* time on a core with slowness 1 */
	uint32_t predicted_ms; /* cost known from history; 0: unknown */
	uint32_t input_bytes; /* bytes of all inputs */
	uint32_t in_bytes, out_bytes; /* bytes on the link */
	uint32_t phase; /* ascending from 0 */
};

struct sim_setup {
	enum sim_policy policy;
	const struct sim_node_setup *nodes;
	size_t n_nodes;
	const struct sim_job_setup *jobs; /* in the order of make */
	size_t n_jobs;
	/* serial time before each phase, in ms; NULL: none */
	const uint32_t *serial_ms;
	uint32_t end_ms; /* serial time after the last phase */
	bool total_known; /* n_jobs is passed to the dispatcher */
	unsigned n_local_slots;
	double local_slowness; /* of the build host's cores */
	unsigned n_make_jobs; /* 0: the sum of all slots */
	unsigned scan_ms, verify_ms; /* duration of each step per job */
	double host_ms; /* CPU time of make and kfarm per job; 0: none */
	/* cores that share the work of host_ms; 0: no delay */
	unsigned n_host_cores;
	uint64_t seed;
};

/* Causes of an idle core on a node. */
enum sim_idle {
	SIM_IDLE_SERIAL, /* serial time of the build host */
	SIM_IDLE_TAIL, /* make has no further job in this phase */
	SIM_IDLE_HOST, /* make or the dependency scan is too slow */
	SIM_IDLE_TRANSFER, /* the inputs of a job are being sent */
	SIM_IDLE_POLICY, /* a job waits for another core */
	SIM_IDLE_N,
};

/* One execution of a job. */
struct sim_run {
	uint32_t job;
	uint32_t node; /* SIM_LOCAL: the build host */
	uint32_t core; /* number of the core on the node, or local slot */
	uint64_t began_ms, ended_ms;
	bool completed; /* false: cancelled, or lost with its node */
};

struct sim_result {
	uint64_t makespan_ms;
	/*
	 * The duration of a phase has three lower bounds: the time of its
	 * longest job on the fastest core; the cost of all its jobs divided by
	 * the total speed of all cores and local slots; and the CPU time of the
	 * build host divided by its number of cores.  critical_ms, capacity_ms
	 * and host_ms are the sums of the first, second and third bound over
	 * all phases.  bound_ms, a lower bound of the makespan, is the sum of
	 * the highest bound of each phase.  All four members include the serial
	 * times.
	 */
	uint64_t bound_ms, critical_ms, capacity_ms, host_ms;
	double idle_core_ms[SIM_IDLE_N];
	unsigned n_local; /* jobs that the build host executed */
	/* the first rule that the dispatcher has broken; NULL: none */
	const char *violation;
	/* costs of the jobs as measured by the dispatcher; 0: unknown */
	uint32_t *measured_ms;
	struct sim_run *runs; /* in the order of their ends */
	size_t n_runs;
};

/* Return the share of each core's time that the quota permits, at most 1. */
double sim_node_share(const struct sim_node_setup *s);
/* Return the name of a policy for display. */
const char *sim_policy_name(enum sim_policy policy);
/*
 * Simulate a build.  The caller releases `out`, also after an error.  Returns
 * 0, or -EDEADLK if the build does not end.
 */
int sim_run_build(const struct sim_setup *setup, struct sim_result *out);
/* Release what `r` owns, not `r` itself. */
void sim_result_release(struct sim_result *r);

#endif
