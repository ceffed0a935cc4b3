/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tests/audit/audit.h - Comparison of the dependency scanner with the compiler.
 * Every unit of a build directory is scanned first; then the compiler is run
 * with -M for each, so that neither affects the other's time.
 */
#ifndef AUDIT_H
#define AUDIT_H

#include "cli/scan.h"

#include <stdatomic.h>

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* ---- paths.c: thread-safe numbering of paths ---- */

struct audit_paths;

struct audit_paths *audit_paths_new(void);
void audit_paths_free(struct audit_paths *p);
/* Store the numbers of `names`, which start at 0 and have no gaps, in `ids`. */
void audit_paths_add(struct audit_paths *p, char *const *names, size_t n,
		     uint32_t *ids);
/* Return the path of a number, which is valid as long as `p`. */
const char *audit_paths_get(struct audit_paths *p, uint32_t id);

/* ---- the units ---- */

struct audit_request {
	const char *build; /* absolute */
	struct strv names; /* only these sources or objects; empty: all */
	long jobs;
	bool json;
	/* compare tokens of full preprocessing, instead of files */
	bool tokens;
};

enum audit_state {
	AUDIT_WAITING, /* not reached because the audit was interrupted */
	AUDIT_OTHER, /* the .cmd file does not contain a compile */
	AUDIT_BROKEN, /* cannot be audited; see `detail` */
	AUDIT_NOT_SCANNABLE, /* see `why` and `detail` */
	AUDIT_SCANNED,
	AUDIT_REFUSED, /* -M failed, see `detail`; no listed files */
	AUDIT_LISTED, /* -M failed, but compared with the .cmd file's list */
	AUDIT_COMPARED, /* compared with -M and with the list */
};

struct audit_unit {
	char *file; /* path of the .cmd file, absolute */
	char *name; /* path of the object, relative to the build directory */
	enum audit_state state;
	bool is_asm, is_host;
	const char *why; /* static string */
	char *detail;
	uint32_t *ids; /* closure without extra inputs */
	size_t n_ids, n_inputs;
	uint64_t us, cpu_us, cc_us, exact_us;
	struct strv missed, extra;
	size_t respelled; /* files found under another path */
	size_t old; /* files listed in the .cmd file but no longer read */
};

struct audit {
	const struct audit_request *what;
	struct audit_unit *units;
	size_t n;
	struct audit_paths *paths;
	struct cli_scan_tools *tools;
	struct cpp_scanner *scan;
	atomic_bool *stop;
	atomic_size_t next, done; /* units of the current phase */
	uint64_t cc_cpu_us; /* CPU time of all compilers */
	long peak_kib; /* resident memory after the last scan */
	uint64_t exact_looks; /* full preprocessings in the first phase */
};

/* ---- rule.c: the compiler's dependencies ---- */

/*
 * Replace -c and the options that write dependency files by `instead`, such as
 * -M.
 */
void audit_rule_argv(struct strv *out, char *const *argv, const char *compiler,
		     const char *instead);

/* ---- listed.c ---- */

/* Add the files that the .cmd file `file` lists; none if it is unreadable. */
void audit_listed(struct strv *out, const char *file);

/* ---- compare.c ---- */

/* Per-thread marks on path numbers; a zeroed struct is empty. */
struct audit_marks {
	uint32_t *v;
	size_t n;
	uint32_t stamp;
};

/* Compare a scanned unit with the compiler's dependencies. */
void audit_compare(struct audit *a, struct audit_marks *marks,
		   struct audit_unit *u);

/* ---- tokens.c: --tokens ---- */

/* Compare full preprocessing of a unit with the compiler's -E. */
void audit_tokens(struct audit *a, struct audit_marks *marks,
		  struct audit_unit *u);
/* Print the report.  Returns the exit status. */
int audit_tokens_report(const struct audit *a, FILE *out);

/* ---- report.c ---- */

int audit_report(const struct audit *a, FILE *out);

#endif
