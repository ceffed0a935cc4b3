/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "node/limits.h"

#include "base/format.h"

#include <stdlib.h>

#define MILLI 1000
/*
 * Ignore a load of other processes below this value, in thousandths of a core,
 * because kfarmd and normal system activity cause such a load.
 */
#define FOREIGN_MIN_MILLI 500
/*
 * Shares of the last 10 s, in 1/100 percent.  If some tasks waited for memory
 * for at least PSI_SOME_MIN, or all tasks for at least PSI_FULL_MIN, the slots
 * are limited to half of the occupied slots, or to half of all slots if no slot
 * is occupied.
 */
#define PSI_SOME_MIN 2000
#define PSI_FULL_MIN 500

static void append_reason(char **words, char *more)
{
	char *all;

	if (!*words) {
		*words = more;
		return;
	}
	all = xasprintf("%s, %s", *words, more);
	free(*words);
	free(more);
	*words = all;
}

/*
 * Limit the slots to `most`, but at least 1.  If this reduces the slots, append
 * the reason `why`.  Takes ownership of `why`.
 */
static void cap_slots(struct node_limit *l, unsigned most, char *why)
{
	if (most < 1)
		most = 1;
	if (most < l->slots) {
		l->slots = most;
		append_reason(&l->reason, why);
	} else {
		free(why);
	}
}

static unsigned queue_ahead(unsigned cores)
{
	return (cores + 3) / 4;
}

static char *describe_cores(unsigned cores)
{
	return xasprintf("%u core%s", cores, format_plural(cores));
}

/*
 * Describe the cores and, if known, their CPU quota, their share of all CPUs,
 * or their hardware threads.
 */
static char *describe_machine_cores(unsigned cores,
				    const struct wire_machine *m)
{
	unsigned cpus = 0, usable = 0, whole = 0;

	for (unsigned i = 0; m && i < m->n_classes; i++) {
		cpus += m->classes[i].n_cpus;
		usable += m->classes[i].n_usable;
		whole += m->classes[i].n_cpus / m->classes[i].threads_per_core;
	}
	if (m && m->cpu_milli && cores < usable)
		return xasprintf("%u core%s under a CPU quota of %.4g", cores,
				 format_plural(cores),
				 m->cpu_milli / (double)MILLI);
	if (cores < cpus)
		return xasprintf("%u of %u cores", cores, cpus);
	if (whole && whole < cpus)
		return xasprintf("%u threads on %u cores", cores, whole);
	return describe_cores(cores);
}

/*
 * Return the number of compilers that fit into `mib` MiB of memory if `base`
 * MiB of it are needed for other purposes.
 */
static unsigned jobs_within(uint32_t mib, unsigned base)
{
	return mib < base + NODE_JOB_MIB ?
		       0 :
		       1 + (mib - base - NODE_JOB_MIB) / NODE_NEXT_JOB_MIB;
}

void node_limit(struct node_limit *out, const struct wire_inventory *inv,
		const struct wire_machine *m, unsigned configured)
{
	unsigned cores = inv->cores ? inv->cores : 1;
	unsigned room = jobs_within(inv->memory_mib, NODE_BASE_MIB);
	char *words = describe_machine_cores(cores, m);

	*out = (struct node_limit){
		.slots = cores + queue_ahead(cores),
		.reason = xasprintf("%s + %u queued ahead", words,
				    queue_ahead(cores)),
	};
	free(words);
	cap_slots(out, NODE_SLOTS_MAX,
		  xasprintf("limited to %u per node", NODE_SLOTS_MAX));
	/*
	 * Memory must suffice only for one compiler per core, because queued
	 * jobs need no memory yet.  memory_mib is 0 if the kernel does not
	 * report it.
	 */
	if (inv->memory_mib && room < cores)
		cap_slots(out, room,
			  xasprintf("limited by %u MiB of memory: %u for one "
				    "job, %u for each further job",
				    inv->memory_mib,
				    NODE_BASE_MIB + NODE_JOB_MIB,
				    NODE_NEXT_JOB_MIB));
	if (inv->slots)
		cap_slots(out, inv->slots,
			  xasprintf("limited to %u by its kfarmd", inv->slots));
	if (configured)
		cap_slots(out, configured,
			  xasprintf("limited to %u by the configuration",
				    configured));
}

void node_limit_halve(struct node_limit *l)
{
	cap_slots(l, l->slots / 2,
		  xasprintf("halved from %u for a low weight", l->slots));
}

unsigned node_limit_max(const struct wire_inventory *inv)
{
	unsigned cores = inv->cores ? inv->cores : 1;
	unsigned most = cores < NODE_SLOTS_MAX / 2 ? 2 * cores : NODE_SLOTS_MAX;

	return inv->slots && inv->slots < most ? inv->slots : most;
}

/* --------------------------------------------------------- current state */

static bool is_health_reported(uint32_t n)
{
	return n != WIRE_HEALTH_UNKNOWN;
}

/*
 * Return the thousandths of cores lost to heat.  A reduced clock counts only
 * while a cooling device is active; otherwise the owner reduced the clock,
 * which is not a loss.
 */
static unsigned heat_loss_milli(unsigned cores, const struct wire_health *h,
				char **why)
{
	unsigned slowed = is_health_reported(h->n_throttled) ? h->n_throttled :
							       0,
		 lost;

	if (!is_health_reported(h->cooling_milli) || !h->cooling_milli ||
	    !is_health_reported(h->speed_milli) || !slowed)
		return 0;
	if (slowed > cores)
		slowed = cores;
	lost = slowed * (MILLI - h->speed_milli);
	if (!lost)
		return 0;
	if (is_health_reported(h->temperature_mk))
		append_reason(
			why,
			xasprintf("%u core%s slowed to %u %% by heat (%d C)",
				  slowed, format_plural(slowed),
				  h->speed_milli / 10,
				  ((int)h->temperature_mk -
				   WIRE_ZERO_CELSIUS_MK) /
					  MILLI));
	else
		append_reason(why,
			      xasprintf("%u core%s slowed to %u %% by heat",
					slowed, format_plural(slowed),
					h->speed_milli / 10));
	return lost;
}

/*
 * Subtract unusable cores, cores lost to heat and cores used by other processes
 * from `cores`.  Limit the slots to the remaining cores plus their queue-ahead.
 */
static void cap_by_cores(struct node_limit *l, unsigned cores,
			 const struct wire_health *h)
{
	char *why = NULL;
	unsigned long lost = 0; /* thousandths of cores */
	unsigned left;

	if (is_health_reported(h->n_usable) && h->n_usable < cores) {
		append_reason(&why, xasprintf("%u of %u cores usable",
					      h->n_usable, cores));
		lost += (cores - h->n_usable) * MILLI;
	}
	lost += heat_loss_milli(cores, h, &why);
	if (is_health_reported(h->foreign_milli) &&
	    h->foreign_milli >= FOREIGN_MIN_MILLI) {
		append_reason(&why,
			      xasprintf("%.1f cores busy with other work",
					h->foreign_milli / (double)MILLI));
		lost += h->foreign_milli;
	}
	left = (unsigned)((lost + MILLI / 2) / MILLI);
	left = left < cores ? cores - left : 1;
	if (left < cores)
		cap_slots(l, left + queue_ahead(left), why);
	else
		free(why);
}

unsigned node_limit_now(unsigned slots, const struct wire_inventory *inv,
			const struct wire_health *h, unsigned own_jobs,
			char **why)
{
	struct node_limit l = { .slots = slots ? slots : 1 };
	unsigned cores = inv->cores ? inv->cores : 1, jobs;
	/* Add the running jobs, whose memory becomes free when they end. */
	unsigned room = own_jobs +
			jobs_within(inv->available_mib, NODE_SANDBOX_MIB);
	uint32_t some = is_health_reported(h->psi_memory) ? h->psi_memory : 0;
	uint32_t full = is_health_reported(h->psi_memory_full) ?
				h->psi_memory_full :
				0;

	cap_by_cores(&l, cores, h);
	if (inv->available_mib && room < cores)
		cap_slots(
			&l, room,
			xasprintf("%u MiB of memory free", inv->available_mib));
	jobs = own_jobs && own_jobs < l.slots ? own_jobs : l.slots;
	if (some >= PSI_SOME_MIN || full >= PSI_FULL_MIN)
		cap_slots(&l, jobs / 2,
			  xasprintf("short of memory %u %% of the time",
				    some / 100));
	if (why)
		*why = l.reason;
	else
		free(l.reason);
	return l.slots;
}

/* ------------------------------------------------------------ build host */

unsigned node_limit_counted_cores(unsigned slots, unsigned cores)
{
	unsigned half = (slots + 1) / 2;

	return cores < half * NODE_CORES_PER_FEEDER ?
		       cores :
		       half * NODE_CORES_PER_FEEDER;
}

unsigned node_limit_local_slots(unsigned slots, unsigned counted_cores)
{
	unsigned feeding = (counted_cores + NODE_CORES_PER_FEEDER / 2) /
			   NODE_CORES_PER_FEEDER;

	return slots > feeding + 1 ? slots - feeding : 1;
}

void node_limit_local(struct node_limit *out, const struct wire_inventory *inv,
		      unsigned counted_cores)
{
	unsigned cores = inv->cores ? inv->cores : 1;
	unsigned left = node_limit_local_slots(cores, counted_cores);

	*out = (struct node_limit){ .slots = cores,
				    .reason = describe_cores(cores) };
	cap_slots(
		out, left,
		xasprintf(
			"%u of them for make, ld, modpost, objtool and to feed "
			"%u remote core%s",
			cores - left, counted_cores,
			format_plural(counted_cores)));
	/*
	 * Reserve NODE_JOB_MIB for each local slot, because ld and objtool need
	 * more memory than a compiler.
	 */
	if (inv->memory_mib)
		cap_slots(out, inv->memory_mib / NODE_JOB_MIB,
			  xasprintf("limited by %u MiB of memory, %u per job",
				    inv->memory_mib, NODE_JOB_MIB));
}

unsigned node_limit_core_classes(struct sched_core_class *out,
				 const struct wire_inventory *inventory,
				 const struct wire_machine *machine)
{
	unsigned n_cores = 0, k = 0;

	for (unsigned i = 0; machine && i < machine->n_classes; i++) {
		if (!machine->classes[i].n_usable)
			break;
		out[k++] = (struct sched_core_class){
			.n_cores = machine->classes[i].n_usable,
			.capacity = machine->classes[i].capacity,
		};
		n_cores += machine->classes[i].n_usable;
	}
	if (k && k == machine->n_classes && n_cores == inventory->cores)
		return k;
	out[0] = (struct sched_core_class){ .n_cores = inventory->cores };
	return 1;
}
