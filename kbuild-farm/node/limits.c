/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "node/limits.h"

#include <stdlib.h>

#define MILLI 1000
/* Others' load below that is kfarmd itself and what each system does. */
#define FOREIGN_LEAST 500
/* Parts of the time, in hundredths of a percent, in which some task, or all
   of them, waited for memory. */
#define PSI_SOME 2000
#define PSI_FULL 500

static void add_hindrance(char **words, char *more)
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

/* Lower the limit to `most`, and say why if that changes anything. */
static void cap(struct node_limit *l, unsigned most, char *why)
{
	if (most < 1)
		most = 1;
	if (most < l->slots) {
		l->slots = most;
		add_hindrance(&l->why, why);
	} else {
		free(why);
	}
}

static unsigned ahead_of(unsigned cores)
{
	return (cores + 3) / 4;
}

static char *cores_in_words(unsigned cores)
{
	return xasprintf("%u core%s", cores, cores == 1 ? "" : "s");
}

/* The same, with what they are of. */
static char *machine_in_words(unsigned cores, const struct wire_machine *m)
{
	unsigned cpus = 0, usable = 0, whole = 0;

	for (unsigned i = 0; m && i < m->n_classes; i++) {
		cpus += m->classes[i].cpus;
		usable += m->classes[i].usable;
		whole += m->classes[i].cpus / m->classes[i].threads;
	}
	if (m && m->cpu_milli && cores < usable)
		return xasprintf("%u core%s for a quota of %.4g", cores,
				 cores == 1 ? "" : "s",
				 m->cpu_milli / (double)MILLI);
	if (cores < cpus)
		return xasprintf("%u of %u cores", cores, cpus);
	if (whole && whole < cpus)
		return xasprintf("%u threads of %u cores", cores, whole);
	return cores_in_words(cores);
}

/* How many compilers so much memory is enough for, beside `base`. */
static unsigned jobs_within(uint32_t mib, unsigned base)
{
	return mib < base + NODE_JOB_MIB ?
		       0 :
		       1 + (mib - base - NODE_JOB_MIB) / NODE_MORE_MIB;
}

/* What is queued ahead has no compiler that needs memory. */
static void cap_by_memory(struct node_limit *l,
			  const struct wire_inventory *inv, unsigned cores)
{
	uint32_t mib = inv->memory_mib;
	unsigned room = jobs_within(mib, NODE_BASE_MIB);

	/* 0: a kernel that does not tell. */
	if (mib && room < cores)
		cap(l, room,
		    xasprintf("less for %u MiB of memory: %u for one job, %u "
			      "for each more",
			      mib, NODE_BASE_MIB + NODE_JOB_MIB,
			      NODE_MORE_MIB));
}

/* Of the build host, where compilers are not all. */
static void cap_local_by_memory(struct node_limit *l,
				const struct wire_inventory *inv)
{
	if (inv->memory_mib)
		cap(l, inv->memory_mib / NODE_JOB_MIB,
		    xasprintf("less for %u MiB of memory at %u a job",
			      inv->memory_mib, NODE_JOB_MIB));
}

/* The memory of `ours` jobs that run comes back. */
static void cap_by_free_memory(struct node_limit *l,
			       const struct wire_inventory *inv, unsigned ours)
{
	unsigned room = ours + jobs_within(inv->available_mib, NODE_CELL_MIB);

	if (inv->available_mib && room < (inv->cores ? inv->cores : 1))
		cap(l, room,
		    xasprintf("%u MiB of memory free", inv->available_mib));
}

void node_limit(struct node_limit *out, const struct wire_inventory *inv,
		const struct wire_machine *m, unsigned configured)
{
	unsigned cores = inv->cores ? inv->cores : 1;
	char *words = machine_in_words(cores, m);

	*out = (struct node_limit){
		.slots = cores + ahead_of(cores),
		.why = xasprintf("%s + %u queued ahead", words,
				 ahead_of(cores)),
	};
	free(words);
	cap(out, NODE_SLOTS_MAX,
	    xasprintf("no node gets more than %u", NODE_SLOTS_MAX));
	cap_by_memory(out, inv, cores);
	if (inv->slots)
		cap(out, inv->slots,
		    xasprintf("limited to %u by its kfarmd", inv->slots));
	if (configured)
		cap(out, configured,
		    xasprintf("limited to %u by the configuration",
			      configured));
}

void node_limit_halve(struct node_limit *l)
{
	cap(l, l->slots / 2,
	    xasprintf("half of %u for a nightly build", l->slots));
}

unsigned node_limit_most(const struct wire_inventory *inv)
{
	unsigned cores = inv->cores ? inv->cores : 1;
	unsigned most = cores < NODE_SLOTS_MAX / 2 ? 2 * cores : NODE_SLOTS_MAX;

	return inv->slots && inv->slots < most ? inv->slots : most;
}

/* ------------------------------------------------------------ as it is now */

static bool health_tells(uint32_t n)
{
	return n != WIRE_HEALTH_UNKNOWN;
}

/*
 * Thousandths of cores that heat takes.  A clock that is limited while nothing
 * cools is its owner's will, and the cores are all there.
 */
static unsigned lost_to_heat(unsigned cores, const struct wire_health *h,
			     char **why)
{
	unsigned slowed = health_tells(h->throttled) ? h->throttled : 0, lost;

	if (!health_tells(h->cooling_milli) || !h->cooling_milli ||
	    !health_tells(h->speed_milli) || !slowed)
		return 0;
	if (slowed > cores)
		slowed = cores;
	lost = slowed * (MILLI - h->speed_milli);
	if (!lost)
		return 0;
	if (health_tells(h->temperature_mk))
		add_hindrance(
			why,
			xasprintf("%u core%s slowed to %u %% by heat (%d C)",
				  slowed, slowed == 1 ? "" : "s",
				  h->speed_milli / 10,
				  ((int)h->temperature_mk - WIRE_HEALTH_ZERO) /
					  MILLI));
	else
		add_hindrance(why,
			      xasprintf("%u core%s slowed to %u %% by heat",
					slowed, slowed == 1 ? "" : "s",
					h->speed_milli / 10));
	return lost;
}

static unsigned lost_to_others(const struct wire_health *h, char **why)
{
	if (!health_tells(h->foreign_milli) || h->foreign_milli < FOREIGN_LEAST)
		return 0;
	add_hindrance(why, xasprintf("%.1f cores busy with other things",
				     h->foreign_milli / (double)MILLI));
	return h->foreign_milli;
}

static unsigned lost_offline(unsigned cores, const struct wire_health *h,
			     char **why)
{
	if (!health_tells(h->usable) || h->usable >= cores)
		return 0;
	add_hindrance(why,
		      xasprintf("%u of %u cores usable", h->usable, cores));
	return (cores - h->usable) * MILLI;
}

/* The slots of the cores that are left, with those queued ahead. */
static void cap_by_cores(struct node_limit *l, unsigned cores,
			 const struct wire_health *h)
{
	char *why = NULL;
	unsigned long lost = lost_offline(cores, h, &why);
	unsigned left;

	lost += lost_to_heat(cores, h, &why);
	lost += lost_to_others(h, &why);
	left = (unsigned)((lost + MILLI / 2) / MILLI);
	left = left < cores ? cores - left : 1;
	if (left < cores)
		cap(l, left + ahead_of(left), why);
	else
		free(why);
}

static void cap_by_pressure(struct node_limit *l, const struct wire_health *h,
			    unsigned ours)
{
	uint32_t some = health_tells(h->psi_memory) ? h->psi_memory : 0;
	uint32_t full = health_tells(h->psi_memory_full) ? h->psi_memory_full :
							   0;
	unsigned jobs = ours && ours < l->slots ? ours : l->slots;

	if (some >= PSI_SOME || full >= PSI_FULL)
		cap(l, jobs / 2,
		    xasprintf("short of memory %u %% of the time", some / 100));
}

unsigned node_limit_now(unsigned slots, const struct wire_inventory *inv,
			const struct wire_health *h, unsigned ours, char **why)
{
	struct node_limit l = { .slots = slots ? slots : 1 };

	cap_by_cores(&l, inv->cores ? inv->cores : 1, h);
	cap_by_free_memory(&l, inv, ours);
	cap_by_pressure(&l, h, ours);
	if (why)
		*why = l.why;
	else
		free(l.why);
	return l.slots;
}

/* --------------------------------------------------------- the build host */

unsigned node_limit_fed(unsigned slots, unsigned cores)
{
	unsigned half = (slots + 1) / 2;

	return cores < half * NODE_FED_CORES ? cores : half * NODE_FED_CORES;
}

unsigned node_limit_beside(unsigned slots, unsigned fed)
{
	unsigned feeding = (fed + NODE_FED_CORES / 2) / NODE_FED_CORES;

	return slots > feeding + 1 ? slots - feeding : 1;
}

void node_limit_local(struct node_limit *out, const struct wire_inventory *inv,
		      unsigned fed)
{
	unsigned cores = inv->cores ? inv->cores : 1;
	unsigned left = node_limit_beside(cores, fed);

	*out = (struct node_limit){ .slots = cores,
				    .why = cores_in_words(cores) };
	cap(out, left,
	    xasprintf("%u of them for make, ld, modpost, objtool and to feed "
		      "%u core%s elsewhere",
		      cores - left, fed, fed == 1 ? "" : "s"));
	cap_local_by_memory(out, inv);
}
