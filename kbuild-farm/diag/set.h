/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * diag/set.h - The diagnostics of a build, without duplicates.
 *
 * Diagnostics that differ only in their object are equal: a warning in a header
 * counts once, however many units include it.  The set stores the first
 * DIAG_SET_MAX diagnostics, and only a hash of each further diagnostic; all are
 * counted.
 */
#ifndef DIAG_SET_H
#define DIAG_SET_H

#include "base/map.h"
#include "diag/diag.h"

#include <stdbool.h>

#define DIAG_SET_MAX     50000 /* stored diagnostics */
#define DIAG_OBJECTS_MAX 16 /* stored objects of a diagnostic */

/* Result of the comparison with the baseline (diag/compare.h). */
enum diag_status {
	DIAG_STATUS_NEW,
	DIAG_STATUS_SAME,
	DIAG_STATUS_REMOVED,
	DIAG_STATUS_CARRIED, /* still applies: its unit was not compiled */

	DIAG_N_STATUSES, /* the number of statuses; also: not compared */
};

struct diag_entry {
	struct diag diag;
	unsigned n_objects; /* number of names in diag.object */
	enum diag_status status;
};

/* A zeroed struct is empty. */
struct diag_set {
	struct diag_entry **entries; /* in the order of addition */
	size_t n_entries;
	struct map by_hash; /* all diagnostics that were added */
	/* numbers of all added diagnostics */
	unsigned n_by_severity[DIAG_N_SEVERITIES];
};

void diag_set_release(struct diag_set *s);
/* Return true if the set has a diagnostic that is equal to `d`. */
bool diag_set_has(const struct diag_set *s, const struct diag *d);
/*
 * Add `d`, which is moved into the set and zeroed.  Returns true if the set had
 * no equal diagnostic.  Otherwise returns false and adds only the object of `d`
 * to the existing entry.
 */
bool diag_set_add(struct diag_set *s, struct diag *d);

/* Add a diagnostic from the history, even if an equal one exists. */
void diag_set_restore(struct diag_set *s, struct diag *d);

/* Return "new", "same", "gone" or "carried". */
const char *diag_status_name(enum diag_status how);
/* Names in the order of enum diag_status, terminated by NULL. */
extern const char *const diag_status_names[DIAG_N_STATUSES + 1];

#endif
