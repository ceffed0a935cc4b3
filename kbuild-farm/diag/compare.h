/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * diag/compare.h - Diagnostics of a build, compared with the baseline.
 *
 * The baseline is the previous build.
 *
 * diag_set_add() adds no duplicates to a struct diag_set.  Diagnostics that
 * differ only in their object are equal: a warning in a header counts once,
 * however many units include the header.  For make's diagnostics, the object is
 * compared as well.  The set counts all diagnostics.  It stores the first
 * DIAG_SET_MAX diagnostics, and only a hash of each further diagnostic.
 *
 * An incremental build prints only the diagnostics of the units that it
 * compiles.  The diagnostics of the other units still apply.  A build therefore
 * has a *standing* set: the diagnostics that it found, and those carried over
 * from the baseline.
 *
 * Diagnostics are matched by diag_hash(), which ignores the line.  If several
 * diagnostics have the same hash, those at equal lines are matched first, then
 * the others in order.  If a build has three diagnostics with the same hash and
 * the baseline has two, one diagnostic is new.
 */
#ifndef DIAG_COMPARE_H
#define DIAG_COMPARE_H

#include "base/map.h"
#include "diag/diag.h"

#include <stdbool.h>

#define DIAG_SET_MAX     50000 /* stored diagnostics */
#define DIAG_OBJECTS_MAX 16 /* stored objects of a diagnostic */

/* Result of the comparison with the baseline. */
enum diag_status {
	DIAG_STATUS_NEW,
	DIAG_STATUS_SAME,
	DIAG_STATUS_REMOVED,
	DIAG_STATUS_CARRIED, /* still applies: its unit was not compiled */

	DIAG_N_STATUSES, /* the number of statuses; also means "not compared" */
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
	struct map by_hash; /* all diagnostics that diag_set_add() has added */
	/* number of added diagnostics of each severity */
	unsigned n_by_severity[DIAG_N_SEVERITIES];
};

/* Free the entries and zero *s. */
void diag_set_release(struct diag_set *s);
/* Return true if diag_set_add() has added a diagnostic that is equal to `d`. */
bool diag_set_has(const struct diag_set *s, const struct diag *d);
/*
 * Add `d`, which is moved into the set and zeroed.  Returns true if the set had
 * no equal diagnostic.  Otherwise returns false and adds only the object of `d`
 * to the existing entry.
 */
bool diag_set_add(struct diag_set *s, struct diag *d);

/*
 * Add a diagnostic from the history, even if the set has an equal diagnostic.
 * `d` is moved into the set and zeroed.
 */
void diag_set_restore(struct diag_set *s, struct diag *d);

/* Return "new", "same", "gone" or "carried". */
const char *diag_status_name(enum diag_status status);
/* Names in the order of enum diag_status, terminated by NULL. */
extern const char *const diag_status_names[DIAG_N_STATUSES + 1];

struct diag_change {
	unsigned n_new[DIAG_N_SEVERITIES];
	unsigned n_removed[DIAG_N_SEVERITIES];
	unsigned n_carried[DIAG_N_SEVERITIES];
	unsigned n_same;
};

/*
 * Return true if `d`, a diagnostic of the baseline that this build did not
 * print, still applies because its unit was not compiled again.
 */
typedef bool diag_is_carried_fn(void *ctx, const struct diag *d);

/*
 * Compare `now` with `baseline`, a standing set, and set the status of all
 * entries.  The diagnostics of `now` become DIAG_STATUS_NEW or
 * DIAG_STATUS_SAME; the diagnostics of `baseline` become DIAG_STATUS_REMOVED,
 * DIAG_STATUS_SAME or DIAG_STATUS_CARRIED.  Diagnostics of `baseline` that
 * still apply are added to `now` as DIAG_STATUS_CARRIED.  If `is_carried` is
 * NULL, no diagnostics are carried over.
 */
struct diag_change diag_compare(struct diag_set *now, struct diag_set *baseline,
				diag_is_carried_fn *is_carried, void *ctx);

/* Diagnostics of the baseline, for use during a build.  Empty when zeroed. */
struct diag_baseline {
	/* by diag_hash(): number of diagnostics that are not matched yet */
	struct map unmatched;
};

/* Count the diagnostics of `baseline`.  `baseline` need not outlive *b. */
void diag_baseline_init(struct diag_baseline *b,
			const struct diag_set *baseline);
/* Free the counts of unmatched diagnostics. */
void diag_baseline_release(struct diag_baseline *b);
/*
 * If the baseline has an unmatched diagnostic with the same diag_hash() as `d`,
 * mark it as matched and return true; otherwise return false.
 */
bool diag_baseline_match(struct diag_baseline *b, const struct diag *d);

#endif
