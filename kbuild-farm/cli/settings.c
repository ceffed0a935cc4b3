/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/settings.h"

#include "base/fs.h"
#include "base/log.h"
#include "base/str.h"
#include "base/vec.h"
#include "conf/conf.h"
#include "kernel/capacity.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define KEPT_BUILDS 20 /* default of [builds] keep */

/* Set by the signal handler, which has no argument for a context. */
static atomic_bool interrupted;

static void on_signal(int number)
{
	(void)number;
	atomic_store(&interrupted, true);
}

const atomic_bool *settings_catch_signals(void)
{
	static const int numbers[] = { SIGINT, SIGTERM, SIGHUP };
	/*
	 * SA_RESETHAND makes the second signal end kfarm at once.  kfarm
	 * replaces files by a rename, so an immediate end leaves no incomplete
	 * file.
	 */
	const struct sigaction sa = { .sa_handler = on_signal,
				      .sa_flags = SA_RESETHAND };
	struct sigaction before;

	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		/* An ignored signal (nohup) stays ignored. */
		if (!sigaction(numbers[i], NULL, &before) &&
		    before.sa_handler != SIG_IGN)
			sigaction(numbers[i], &sa, NULL);
	}
	return &interrupted;
}

bool settings_is_interrupted(void)
{
	return atomic_load(&interrupted);
}

void settings_read_toolchains(const struct conf *conf, struct strv *toolchains)
{
	struct strv arches = { 0 };

	conf_list_subsections(conf, "arch", &arches);
	for (size_t i = 0; i < arches.n; i++) {
		const char *value = conf_get(conf, "arch", arches.v[i],
					     "toolchain");

		if (value)
			strv_addf(toolchains, "%s=%s", arches.v[i], value);
	}
	strv_release(&arches);
}

int settings_load_conf(struct conf **out, struct node_roster *roster,
		       struct err *err)
{
	struct strv warnings = { 0 };
	int ret = conf_load(out, &warnings, err);

	for (size_t i = 0; i < warnings.n; i++)
		log_warning("%s", warnings.v[i]);
	strv_release(&warnings);
	if (ret || roster->remote_disabled)
		return ret;
	ret = node_roster_load(roster, *out, err);
	for (size_t i = 0; i < roster->warnings.n; i++)
		log_warning("%s", roster->warnings.v[i]);
	return ret;
}

unsigned settings_kept_builds(const struct conf *conf)
{
	return (unsigned)conf_get_number(conf, "builds", NULL, "keep",
					 KEPT_BUILDS);
}

uint64_t settings_cache_size(const struct conf *conf)
{
	return conf_get_amount(conf, "cache", NULL, "size", NULL);
}

/* Return the file that a key of [cache] names, or NULL.  `host` owns it. */
static const char *cache_file(struct settings_host *host, const char *key)
{
	const char *value = conf_get(host->conf, "cache", NULL, key);

	if (!value)
		return NULL;
	strv_own(&host->cache_files, fs_expand_home(value));
	return host->cache_files.v[host->cache_files.n - 1];
}

static void read_cache_settings(struct settings_host *host)
{
	const struct conf *conf = host->conf;
	struct cache_remote_setup *r = &host->cache.remote;

	host->cache.size_bytes = settings_cache_size(conf);
	r->url = conf_get(conf, "cache", NULL, "remote");
	r->write = str_equal(conf_get(conf, "cache", NULL, "remote-write"),
			     "true");
	r->timeout_ms = 1000 * conf_get_amount(conf, "cache", NULL,
					       "remote-timeout", NULL);
	r->ca_file = cache_file(host, "remote-ca-file");
	r->certificate = cache_file(host, "remote-certificate");
	r->certificate_key = cache_file(host, "remote-key");
	r->header_file = cache_file(host, "remote-header-file");
	conf_get_all(conf, "cache", NULL, "trust", &r->trust);
}

void settings_host_release(struct settings_host *host)
{
	strv_release(&host->cache.remote.trust);
	strv_release(&host->cache_files);
	conf_free(host->conf);
	*host = (struct settings_host){ 0 };
}

const struct cache_setup *settings_choose_cache(struct settings_host *host,
						enum settings_cache_mode mode)
{
	if (mode == SETTINGS_CACHE_CONFIGURED)
		mode = getenv("CCACHE_DISABLE") ? SETTINGS_CACHE_OFF :
						  host->cache_mode;
	host->cache.write_only = mode == SETTINGS_CACHE_RENEW;
	return mode > SETTINGS_CACHE_OFF ? &host->cache : NULL;
}

int settings_load(struct node_roster *roster, bool no_remote,
		  int *require_remote, struct strv *toolchains,
		  struct settings_host *host, struct err *err)
{
	struct conf *conf = NULL;
	int ret;

	roster->remote_disabled = no_remote;
	ret = settings_load_conf(&conf, roster, err);
	if (!ret)
		kernel_capacity_limit_roster(roster);
	if (!ret && toolchains)
		settings_read_toolchains(conf, toolchains);
	if (!ret && !no_remote && !*require_remote)
		*require_remote = (int)conf_get_number(conf, "farm", NULL,
						       "require-remote", 0);
	/*
	 * Do not compile locally while the nodes are busy, because a local
	 * compile lowers the percentage of remote jobs.
	 */
	if (*require_remote)
		roster->local_when_busy = false;
	if (!ret && host) {
		const char *shell = conf_get(conf, "farm", NULL, "shell");
		const char *probes = conf_get(conf, "farm", NULL,
					      "remember-probes");
		const char *cache = conf_get(conf, "cache", NULL, "enabled");

		host->use_shell = !str_equal(shell, "system");
		host->ignore_probe_cache = str_equal(probes, "no");
		host->n_kept_builds = settings_kept_builds(conf);
		host->cache_mode = str_equal(cache, "false") ?
					   SETTINGS_CACHE_OFF :
					   SETTINGS_CACHE_ON;
		host->conf = conf;
		read_cache_settings(host);
		conf = NULL;
	}
	conf_free(conf);
	return ret;
}

void settings_exit_by_signal(int number)
{
	const struct rlimit none = { 0 };

	/* A core dump of kfarm is useless: the child received the signal. */
	setrlimit(RLIMIT_CORE, &none);
	/* From now on, the signal also ends a blocked fflush(). */
	signal(number, SIG_DFL);
	fflush(stdout);
	raise(number);
}
