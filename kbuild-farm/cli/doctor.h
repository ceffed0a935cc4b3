/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cli/doctor.h - what `kfarm doctor` looks at on this machine.
 *
 * A check adds a finding for each thing that it looked at, also where all is
 * well, so that --json lists everything.  Nothing is changed; costs are
 * measured on the spot.
 */
#ifndef CLI_DOCTOR_H
#define CLI_DOCTOR_H

#include "base/str.h"

enum doctor_state {
	DOCTOR_OK,
	DOCTOR_NOTE, /* worth knowing, costs nothing */
	DOCTOR_SLOW, /* builds take longer than they need */
	DOCTOR_WRONG, /* something does not work */
};

struct doctor_finding {
	const char *check; /* "nm", "space" */
	enum doctor_state state;
	char *what;
	char *todo; /* NULL: nothing to do */
};

struct doctor {
	const char *path; /* PATH */
	char *data; /* fs_data_home() */
	char *tmp; /* a private directory, for copies */
	struct doctor_finding *v;
	size_t n;
};

/* `todo` is copied, NULL: nothing to do; then what was found. */
void doctor_add(struct doctor *d, const char *check, enum doctor_state state,
		const char *todo, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));

/* cli/doctor-host.c: the wrapper, make and its like, a compiler, ccache. */
void doctor_programs(struct doctor *d);
/* Can builds have kfarm's shell for their recipes? */
void doctor_shell(struct doctor *d);
/* Room and rights where kfarm writes. */
void doctor_space(struct doctor *d);
/* Can this machine be a node, too?  Starts a kfarmd to ask. */
void doctor_sandbox(struct doctor *d);
/* The configuration, and how many nodes it has. */
void doctor_nodes(struct doctor *d);

/* cli/doctor-farm.c: the key that nodes know. */
void doctor_keys(struct doctor *d);
/* Headers that kernels need. */
void doctor_packages(struct doctor *d);
/* Is the time of day plausible, and does something keep it so? */
void doctor_clock(struct doctor *d);
/* Open files and processes: how many jobs they allow. */
void doctor_limits(struct doctor *d);

/* cli/doctor-tools.c: foreign plugins of nm, and what they cost. */
void doctor_plugins(struct doctor *d);
/* Installed toolchains, and their names. */
void doctor_toolchains(struct doctor *d);

#endif
