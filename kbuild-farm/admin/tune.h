/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * admin/tune.h - Plan and scripts that apply a board profile to a node.
 *
 * templates/tune/node.sh runs on the node (admin/remote-script.h) up to three
 * times: to query, to apply, to revert.  A plan lists each file under /sys with
 * its current and wanted value.  All words in generated scripts are safe for
 * the shell.  The files are documented in admin-guide/pm/cpufreq.rst,
 * admin-guide/pm/intel_pstate.rst, ABI/testing/sysfs-class-devfreq and
 * sysfs-class-thermal of the kernel.
 *
 * The query prints lines of up to three fields, separated by tabs; the last
 * line is "end":
 *
 *	PATH	r|w	VALUE			a file below /sys
 *	service	NAME	UNIT STATE...		a service of the node
 *	service	NAME	absent			a service missing on the node
 *	before-file|before-service PATH|UNIT VALUE
 *						a value before tuning
 *	model, kernel, start	TEXT		facts about the node
 */
#ifndef ADMIN_TUNE_H
#define ADMIN_TUNE_H

#include "admin/profile.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

/* Parsed output of node.sh after it applied or reverted settings. */
struct admin_tune_result {
	size_t n_applied; /* number of settings applied */
	/* number of restored settings that an earlier profile had changed */
	size_t n_restored;
	struct admin_tune_failure {
		char *path, *why;
	} * failed;
	size_t n_failed;
};

/*
 * Parse the output of node.sh after it applied or reverted settings.  Returns
 * 0, or -EPROTO with `err` set if the output is incomplete; then the state of
 * the node is unknown.
 */
int admin_tune_result(struct admin_tune_result *r, struct bytes output,
		      struct err *err);
/* Free the list of failures. */
void admin_tune_result_release(struct admin_tune_result *r);

/*
 * Format the value of a file below /sys for display, such as "1704 MHz".  The
 * caller frees the result.
 */
char *admin_tune_format_value(const char *path, const char *value);

/* One setting of a plan. */
struct admin_tune_item {
	/* such as "max-frequency of CPUs 0-3"; NULL in admin_tune.previous */
	char *name;
	char *path; /* the file, or the service's unit */
	/*
	 * current value; NULL: no such file or service, or, in
	 * admin_tune.previous, a service that the profile no longer stops
	 */
	char *current;
	/* value to set or restore; NULL: the node has no matching file */
	char *wanted;
	/* why the setting is not applied; NULL: it is applied */
	char *skip_reason;
	bool is_service;
};

/* A plan: the settings of a profile for one node. */
struct admin_tune {
	char *model, *kernel; /* as reported by the node */
	/* warning that the profile is for another board, or NULL */
	char *warning;
	char *init_system; /* such as "systemd"; or "none" */
	struct admin_tune_item *v;
	size_t n;
	/* the values before tuning, which the revert script restores */
	struct admin_tune_item *previous;
	size_t n_previous;
};

/* Append the query script for a profile. */
void admin_tune_add_query_script(const struct admin_profile *p,
				 struct buf *out);
/*
 * Make a plan from the output of the query.  Returns 0; -EPROTO if the output
 * is incomplete; or -E2BIG if it has too many lines.  `err` is set on failure.
 */
int admin_tune_parse(struct admin_tune *t, const struct admin_profile *p,
		     struct bytes output, struct err *err);
/* Free the plan. */
void admin_tune_release(struct admin_tune *t);

/*
 * Return the number of settings to apply, including settings that already have
 * the wanted value.
 */
size_t admin_tune_count_changes(const struct admin_tune *t);
/*
 * Append to `script` the script that applies the plan, and to `input` the
 * standard input of that script.
 */
void admin_tune_add_apply_script(const struct admin_tune *t, struct buf *script,
				 struct buf *input);
/* Append the script that restores the previous values. */
void admin_tune_add_revert_script(struct buf *script);

#endif
