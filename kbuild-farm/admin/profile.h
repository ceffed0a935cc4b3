/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * admin/profile.h - Settings for a type of board.
 *
 * A profile is templates/boards/NAME.conf or the user's own file.  It has
 * git-config syntax, and kfarm-nodes(1) documents its keys.
 */
#ifndef ADMIN_PROFILE_H
#define ADMIN_PROFILE_H

#include "base/bytes.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

#define ADMIN_PROFILE_HIGHEST UINT64_MAX /* the highest available frequency */

/*
 * Settings of one clock, or of all clocks of a kind.  A NULL `governor` leaves
 * the governor unchanged, and an `hz` of 0 leaves the frequency unchanged.
 */
struct admin_profile_clock {
	int cpu; /* CPU of this clock; -1: default for all CPUs */
	char *governor;
	uint64_t hz;
};

/* A parsed profile. */
struct admin_profile {
	char *name;
	char *about; /* one-line description; NULL: none */
	char *overclock_risk; /* warning about overclocking; NULL: none */
	struct strv models; /* substrings of the board's model name */
	struct admin_profile_clock *cpus;
	size_t n_cpus;
	bool has_boost, boost_enabled;
	struct admin_profile_clock memory;
	/* patterns of names in /sys/class/devfreq to which `memory` applies */
	struct strv devices;
	struct strv zones; /* patterns of thermal zone types */
	unsigned passive_celsius; /* throttling temperature; 0: unchanged */
	struct strv stop_services; /* services to stop */
};

/*
 * Read a profile: a file if `name` contains a slash, otherwise NAME.conf in
 * ~/.config/kfarm/boards/ or the built-in profile NAME.  Returns 0; -ENOENT if
 * the profile does not exist; -EINVAL if it is invalid, with the file and, for
 * an invalid line, the line number in `err`; or the error of reading the file.
 * The caller releases `p`, also after an error.
 */
int admin_profile_find(struct admin_profile *p, const char *name,
		       struct err *err);
/* Free all fields. */
void admin_profile_release(struct admin_profile *p);
/* List the names of all profiles, sorted. */
void admin_profile_list(struct strv *out);

#endif
