/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shell/stats.h - Statistics that the shells of one build share.
 *
 * A shell runs only one line, so all shells of a build share a directory:
 *
 *	counts	a struct shell_stats, mapped and updated by all shells
 *	handed	a line for each fallback: the reason, a tab and the
 *		first 200 bytes of the script, made printable
 *
 * If `handed` is missing, fallbacks are counted, but not logged.
 */
#ifndef SHELL_STATS_H
#define SHELL_STATS_H

#include "base/bytes.h"
#include "base/err.h"

enum shell_fallback_reason {
#define FALLBACK_REASON(name, words) SHELL_FALLBACK_##name,
#include "shell/fallback-reasons.h"
#undef FALLBACK_REASON
	SHELL_FALLBACK_N_REASONS
};

/* Return the text of a reason, as written to the file `handed`. */
const char *shell_stats_fallback_reason_text(enum shell_fallback_reason why);

enum shell_stat {
	SHELL_STAT_LINES, /* all scripts, including fallbacks */
	SHELL_STAT_FALLBACKS, /* scripts run by /bin/sh */
	/* compiles offered to the coordinator without starting kfarm-cc */
	SHELL_STAT_COMPILES,
	SHELL_STAT_FIXDEPS, /* fixdep calls answered without starting fixdep */
	/* offloaded tool steps */
	SHELL_STAT_STEPS,
	SHELL_N_STATS,
};

#define SHELL_STATS_STEP_KINDS 3 /* values of enum wire_step_kind */
/* Number of entries of shell_stats.identified. */
#define SHELL_STATS_IDENTIFIED_MAX 32

enum shell_step_reason {
#define STEP_REASON(name, words) SHELL_STEP_REASON_##name,
#include "shell/step-reasons.h"
#undef STEP_REASON
	SHELL_STEP_N_REASONS
};

struct shell_stats {
	uint64_t counts[SHELL_N_STATS];
	/*
	 * For each kind of tool step (enum wire_step_kind), the reason (enum
	 * shell_step_reason) why the shells do not request it, or
	 * SHELL_STEP_N_REASONS if they do.
	 */
	uint64_t step_off_reasons[SHELL_STATS_STEP_KINDS];
	/* local tool steps by reason */
	uint64_t n_local_steps[SHELL_STEP_N_REASONS];
	/*
	 * Descriptors of the jobserver in make (shell_stats_set_jobserver()); 0
	 * for none
	 */
	int jobserver_fds[2];
	/*
	 * Hashes of programs that the shells of the build have identified
	 * (shell/utility.h).  An unused entry is 0.
	 */
	uint64_t identified[SHELL_STATS_IDENTIFIED_MAX];
};

/*
 * Map the statistics in `dir` for the functions below, up to and including
 * shell_stats_is_identified().  The string `dir` must stay valid.  Makes at
 * most four system calls.
 *
 * Returns false on failure, for example if shell_stats_create() has not created
 * the files.  Then nothing is counted and no tool steps are requested.
 */
bool shell_stats_open(const char *dir);

/* Increment a count. */
void shell_stats_add(enum shell_stat count);
/* Count a fallback and log its script. */
void shell_stats_add_fallback(enum shell_fallback_reason why,
			      struct bytes script);

/* Count a tool step that is started locally. */
void shell_stats_add_local_step(enum shell_step_reason why);
/* Return the text of a reason, as shown to the user. */
const char *shell_stats_step_reason_text(enum shell_step_reason why);

/*
 * Return true if tool steps of this kind (enum wire_step_kind) are enabled;
 * else set *why to the reason that is counted for local tool steps.
 */
bool shell_stats_is_step_enabled(unsigned kind, enum shell_step_reason *why);

/*
 * Return the descriptors of shell_stats_set_jobserver(), or NULL if it was not
 * called.
 */
const int *shell_stats_jobserver(void);

/*
 * Store a hash that all shells of the build can find.  If all entries are used,
 * the hash replaces another hash.
 */
void shell_stats_add_identified(uint64_t hash);
/* Return true if the hash is stored. */
bool shell_stats_is_identified(uint64_t hash);

/*
 * Create the files `counts` and `handed` in `dir`, which must exist, with tool
 * steps disabled.  Returns 0 or -errno.
 */
int shell_stats_create(const char *dir, struct err *err);
/* Read the counts in `dir`; all are 0 if the file cannot be read. */
void shell_stats_read(const char *dir, struct shell_stats *out);
/*
 * Set the reason why shells do not request the tool steps whose bits (1 <<
 * kind) are in `kinds`; SHELL_STEP_N_REASONS enables these steps.
 */
void shell_stats_set_steps(const char *dir, unsigned kinds,
			   enum shell_step_reason why);
/*
 * Set the two descriptors in --jobserver-auth=R,W of make 4.4 or later, which
 * shell_make_env_open_jobserver() opens for each make.
 */
void shell_stats_set_jobserver(const char *dir, const int fds[2]);
#define SHELL_STATS_ALL_STEPS ((1u << SHELL_STATS_STEP_KINDS) - 1)
/* Count the fallbacks per reason from the lines of `handed`. */
void shell_stats_read_fallbacks(const char *dir,
				uint64_t n[static SHELL_FALLBACK_N_REASONS]);

#endif
