/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "node/limits.h"

#include <stdlib.h>

/* Lower the limit to `most`, and say why if that changes anything. */
static void cap(struct node_limit *l, unsigned most, char *why)
{
	char *longer;

	if (most < 1)
		most = 1;
	if (most < l->slots) {
		longer = xasprintf("%s, %s", l->why, why);
		free(l->why);
		l->why = longer;
		l->slots = most;
	}
	free(why);
}

static char *cores_in_words(unsigned cores)
{
	return xasprintf("%u core%s", cores, cores == 1 ? "" : "s");
}

void node_limit(struct node_limit *out, const struct wire_inventory *inv,
		unsigned configured)
{
	unsigned cores = inv->cores ? inv->cores : 1;
	unsigned ahead = (cores + 3) / 4;
	char *words = cores_in_words(cores);

	*out = (struct node_limit){
		.slots = cores + ahead,
		.why = xasprintf("%s + %u queued ahead", words, ahead),
	};
	free(words);
	cap(out, NODE_SLOTS_MAX,
	    xasprintf("no node gets more than %u", NODE_SLOTS_MAX));
	/* 0: a kernel without MemAvailable. */
	if (inv->available_mib)
		cap(out, inv->available_mib / NODE_JOB_MIB,
		    xasprintf("less for %u MiB of free memory at %u a job",
			      inv->available_mib, NODE_JOB_MIB));
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

void node_limit_local(struct node_limit *out, const struct wire_inventory *inv)
{
	unsigned cores = inv->cores ? inv->cores : 1;

	*out = (struct node_limit){ .slots = cores,
				    .why = cores_in_words(cores) };
}
