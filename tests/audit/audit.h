/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tests/audit/audit.h - the scanner against the compiler: every unit of a
 * build directory is scanned, then the compiler is asked about each with -M,
 * so that neither's time is spoilt by the other.
 */
#ifndef AUDIT_H
#define AUDIT_H

#include "cli/scan.h"

#include <stdatomic.h>

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* ---- paths.c: each path once, as a number; from any thread ---- */

struct audit_paths;

struct audit_paths *audit_paths_new(void);
void audit_paths_free(struct audit_paths *p);
/* The numbers of `names`, which begin at 0 and have no gaps. */
void audit_paths_add(struct audit_paths *p, char *const *names, size_t n,
		     uint32_t *ids);
/* The path of a number; lives as long as `p`. */
const char *audit_paths_get(struct audit_paths *p, uint32_t id);

/* ---- the units ---- */

struct audit_request {
	const char *build; /* absolute */
	struct strv names; /* only these sources or objects; empty: all */
	long jobs;
	bool json;
	bool tokens; /* of exact looks, instead of files */
};

enum audit_state {
	AUDIT_WAITING, /* not reached: the audit was interrupted */
	AUDIT_OTHER, /* its .cmd file holds no compile */
	AUDIT_BROKEN, /* cannot be audited: `detail` */
	AUDIT_NOT_SCANNABLE, /* `why` and `detail` */
	AUDIT_SCANNED,
	AUDIT_REFUSED, /* by the compiler: `detail`; and nothing listed */
	AUDIT_LISTED, /* the same, but compared with the .cmd file's list */
	AUDIT_COMPARED, /* with -M, and with the list */
};

struct audit_unit {
	char *file; /* its .cmd file, absolute */
	char *name; /* its object, relative to the build directory */
	enum audit_state state;
	bool is_asm, is_host;
	const char *why; /* a literal */
	char *detail;
	uint32_t *ids; /* its closure, without extra inputs */
	size_t n_ids, n_inputs;
	uint64_t us, cpu_us, cc_us, exact_us;
	struct strv missed, extra;
	size_t respelled; /* the same file by another path */
	size_t old; /* listed in the .cmd file, but no longer read */
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
	uint64_t cc_cpu_us; /* of all compilers asked */
	long peak_kib; /* resident, after the last scan */
	uint64_t exact_looks; /* of the first phase */
};

/* ---- rule.c: what the compiler itself says ---- */

/*
 * The same line with `instead`, as -M, instead of -c and of what makes
 * dependency files.
 */
void audit_rule_argv(struct strv *out, char *const *argv, const char *compiler,
		     const char *instead);

/* ---- listed.c ---- */

/* The files that the .cmd file `file` lists; none if it cannot be read. */
void audit_listed(struct strv *out, const char *file);

/* ---- compare.c ---- */

/* Marks on paths by their number, for one thread; a zeroed one is empty. */
struct audit_marks {
	uint32_t *v;
	size_t n;
	uint32_t stamp;
};

/* Ask the compiler about a unit that was scanned, and compare. */
void audit_compare(struct audit *a, struct audit_marks *marks,
		   struct audit_unit *u);

/* ---- tokens.c: --tokens ---- */

/* Look at a unit exactly, and compare with the compiler's -E. */
void audit_tokens(struct audit *a, struct audit_marks *marks,
		  struct audit_unit *u);
/* Prints; returns the exit status. */
int audit_tokens_report(const struct audit *a, FILE *out);

/* ---- report.c: prints; returns the exit status ---- */

int audit_report(const struct audit *a, FILE *out);

#endif
