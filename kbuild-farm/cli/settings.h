/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cli/settings.h - Settings shared by the commands that use nodes.
 */
#ifndef CLI_SETTINGS_H
#define CLI_SETTINGS_H

#include "base/err.h"
#include "base/str.h"
#include "cache/cache.h"
#include "conf/conf.h"
#include "node/roster.h"

#include <stdatomic.h>
#include <stdbool.h>

/* Options of a build that concern the result cache. */
enum settings_cache_mode {
	SETTINGS_CACHE_CONFIGURED, /* [cache] enabled */
	SETTINGS_CACHE_OFF, /* --no-cache */
	SETTINGS_CACHE_ON, /* --cache */
	SETTINGS_CACHE_RENEW, /* --recache */
};

/* Rows of an option table; `at` is the offset of a settings_cache_mode. */
#define SETTINGS_CACHE_OPTIONS(at)                                         \
	{ 0,  "cache",          NULL, "use the result cache", args_choice, \
	  at, SETTINGS_CACHE_ON },                                         \
		{ 0,                                                       \
		  "no-cache",                                              \
		  NULL,                                                    \
		  "do not use the result cache",                           \
		  args_choice,                                             \
		  at,                                                      \
		  SETTINGS_CACHE_OFF },                                    \
	{                                                                  \
		0, "recache", NULL,                                        \
			"compile everything, and store the results",       \
			args_choice, at, SETTINGS_CACHE_RENEW              \
	}

/* Settings for the part of a build that runs on the build host. */
struct settings_host {
	bool use_shell; /* make runs kfarm's recipe shell */
	bool ignore_probe_cache; /* each probe runs the compiler */
	unsigned n_kept_builds; /* result of settings_kept_builds() */
	enum settings_cache_mode cache_mode; /* from [cache] enabled */
	struct cache_setup cache; /* borrows from the members below */
	struct conf *conf;
	struct strv cache_files;
};

/*
 * Read the configuration and its nodes, and log a warning for each unknown key.
 * The nodes are skipped if roster->remote_disabled is set.  The caller frees
 * *out.
 */
int settings_load_conf(struct conf **out, struct node_roster *roster,
		       struct err *err);
/*
 * Read the settings of a build and log warnings.
 *
 * `roster` receives the nodes, or no nodes if `no_remote` is true.  If
 * *require_remote is 0, it is set to the percentage in farm.require-remote.
 * `toolchains` receives a string "ARCH=TOOLCHAIN" for each default toolchain
 * that is configured.  `toolchains` and `host` can be NULL; the caller releases
 * `host` with settings_host_release(), also after an error.
 */
int settings_load(struct node_roster *roster, bool no_remote,
		  int *require_remote, struct strv *toolchains,
		  struct settings_host *host, struct err *err);
void settings_host_release(struct settings_host *host);
/*
 * Return &host->cache, or NULL if the result cache is not used.  If no option
 * sets the mode, the environment variable CCACHE_DISABLE disables the cache.
 */
const struct cache_setup *settings_choose_cache(struct settings_host *host,
						enum settings_cache_mode mode);
/* Return [cache] size in bytes, or 0 if it is not set. */
uint64_t settings_cache_size(const struct conf *conf);
/*
 * Return [builds] keep, the number of output directories that the automatic
 * removal keeps, or 0 if nothing is removed automatically.
 */
unsigned settings_kept_builds(const struct conf *conf);
/*
 * Append a string "ARCH=TOOLCHAIN" for each section [arch "ARCH"] with a
 * toolchain.
 */
void settings_read_toolchains(const struct conf *conf, struct strv *toolchains);
/*
 * Catch SIGINT, SIGTERM and SIGHUP.  The first signal sets the returned flag;
 * the second signal of the same number ends kfarm.
 */
const atomic_bool *settings_catch_signals(void);
/* Return true if a signal was caught. */
bool settings_is_interrupted(void);
/*
 * Flush stdout, and end kfarm by the signal `number` that ended its child, so
 * that a loop in the user's shell also ends.
 */
void settings_exit_by_signal(int number);

#endif
