/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cli/doctor.h - Checks of `kfarm doctor`.
 *
 * A check adds a finding for each object that it examines, even if the object
 * is in order, so that --json lists everything.  Checks change nothing.  They
 * measure costs by running programs.
 */
#ifndef CLI_DOCTOR_H
#define CLI_DOCTOR_H

#include "base/str.h"

enum doctor_state {
	DOCTOR_OK,
	DOCTOR_NOTE, /* information without a cost */
	DOCTOR_SLOW, /* builds take longer than necessary */
	DOCTOR_BROKEN, /* a function does not work */
};

struct doctor_finding {
	const char *check; /* "nm", "space" */
	enum doctor_state state;
	char *text;
	char *advice; /* NULL: nothing to do */
};

struct doctor {
	const char *path; /* value of PATH */
	char *data_dir; /* fs_data_home() */
	char *tmp_dir; /* private directory, for copies of tools */
	struct doctor_finding *findings;
	size_t n_findings;
};

/*
 * Add a finding with a formatted text.  `advice` is copied; it is NULL if the
 * user has nothing to do.
 */
void doctor_add_finding(struct doctor *d, const char *check,
			enum doctor_state state, const char *advice,
			const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));

/* Check the wrapper, make and other programs, compilers and ccache. */
void doctor_check_programs(struct doctor *d);
/* Check that builds can use kfarm's recipe shell. */
void doctor_check_shell(struct doctor *d);
/* Check free space and permissions of the directories that kfarm writes. */
void doctor_check_space(struct doctor *d);
/* Start a local kfarmd to check that the build host can be a node. */
void doctor_check_sandbox(struct doctor *d);
/* Check the configuration and count its nodes. */
void doctor_check_nodes(struct doctor *d);

/*
 * Find plugins that nm loads although they do not belong to its compiler, and
 * measure their cost.
 */
void doctor_check_plugins(struct doctor *d);
/*
 * Check the installed toolchains and the links to their programs, such as
 * aarch64-gcc1330-linux-gcc.
 */
void doctor_check_toolchains(struct doctor *d);

#endif
