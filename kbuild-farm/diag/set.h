/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * diag/set.h - the diagnostics of a build, each once.
 *
 * Two are one when all but their object is equal: a header's warning counts
 * once, however many units include it.  Of those that came first the texts are
 * kept, of the others a hash; counts are of all.
 */
#ifndef DIAG_SET_H
#define DIAG_SET_H

#include "base/map.h"
#include "diag/diag.h"

#include <stdbool.h>

#define DIAG_SET_MAX 50000 /* with their texts */
#define DIAG_OBJECTS 16 /* that are kept of one */

/* How one stands to an earlier build: diag/compare.h. */
enum diag_how {
	DIAG_NEW,
	DIAG_SAME,
	DIAG_GONE,
	DIAG_CARRIED, /* its unit was not compiled this time: it stands */

	DIAG_HOWS, /* how many; also: nothing is known to compare with */
};

struct diag_entry {
	struct diag d;
	unsigned objects; /* how many are named in d.object */
	enum diag_how how;
};

/* A zeroed one is empty. */
struct diag_set {
	struct diag_entry **v; /* in the order in which they came */
	size_t n;
	struct map seen; /* all, by a hash */
	unsigned count[DIAG_SEVERITIES]; /* of all */
};

void diag_set_release(struct diag_set *s);
bool diag_set_has(const struct diag_set *s, const struct diag *d);
/*
 * Add `d`, which is the set's then, and zeroed.  True: it was not there, and is
 * counted.  Where it was, its object is added to it.
 */
bool diag_set_add(struct diag_set *s, struct diag *d);

/* Add one that history kept, even if there is one like it already. */
void diag_set_restore(struct diag_set *s, struct diag *d);

const char *diag_how_word(enum diag_how how);
/* Words in the order of enum diag_how, with NULL behind them. */
extern const char *const diag_how_words[DIAG_HOWS + 1];

#endif
