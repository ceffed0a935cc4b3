/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/settings.h"

#include "base/log.h"
#include "base/str.h"
#include "conf/conf.h"

#include <signal.h>
#include <sys/resource.h>

static atomic_bool interrupted;

static void on_signal(int number)
{
	(void)number;
	atomic_store(&interrupted, true);
}

const atomic_bool *settings_catch_signals(void)
{
	static const int numbers[] = { SIGINT, SIGTERM, SIGHUP };
	/* The second signal ends kfarm at once; nothing is left half done. */
	const struct sigaction sa = { .sa_handler = on_signal,
				      .sa_flags = SA_RESETHAND };
	struct sigaction before;

	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		/* What is ignored (nohup) stays so. */
		if (!sigaction(numbers[i], NULL, &before) &&
		    before.sa_handler != SIG_IGN)
			sigaction(numbers[i], &sa, NULL);
	}
	return &interrupted;
}

bool settings_interrupted(void)
{
	return atomic_load(&interrupted);
}

static void read_standard(const struct conf *conf, struct strv *standard)
{
	struct strv arches = { 0 };

	conf_subsections(conf, "arch", &arches);
	for (size_t i = 0; i < arches.n; i++) {
		const char *value = conf_get(conf, "arch", arches.v[i],
					     "toolchain");

		if (value)
			strv_addf(standard, "%s=%s", arches.v[i], value);
	}
	strv_release(&arches);
}

int settings_standard(struct strv *standard, struct err *err)
{
	struct conf *conf = NULL;
	int ret = conf_load(&conf, NULL, err);

	if (!ret)
		read_standard(conf, standard);
	conf_free(conf);
	return ret;
}

int settings_conf(struct conf **out, struct node_roster *roster,
		  struct err *err)
{
	struct strv warnings = { 0 };
	int ret = conf_load(out, &warnings, err);

	for (size_t i = 0; i < warnings.n; i++)
		log_warning("%s", warnings.v[i]);
	strv_release(&warnings);
	return ret || roster->off ? ret : node_roster_load(roster, *out, err);
}

static void read_own(const struct conf *conf, struct settings_local *local)
{
	const char *shell = conf_get(conf, "farm", NULL, "shell");
	const char *probes = conf_get(conf, "farm", NULL, "remember-probes");

	local->shell = !str_equal(shell, "system");
	local->forget_probes = str_equal(probes, "no");
}

int settings_load(struct node_roster *roster, bool no_remote,
		  int *require_remote, struct strv *standard,
		  struct settings_local *local, struct err *err)
{
	struct conf *conf = NULL;
	int ret;

	roster->off = no_remote;
	ret = settings_conf(&conf, roster, err);
	if (!ret && standard)
		read_standard(conf, standard);
	if (!ret && !no_remote && !*require_remote)
		*require_remote = (int)conf_number(conf, "farm", NULL,
						   "require-remote", 0);
	if (!ret && local)
		read_own(conf, local);
	conf_free(conf);
	return ret;
}

void settings_end_by(int number)
{
	const struct rlimit none = { 0 };

	/* The core dump, if any, is the child's. */
	setrlimit(RLIMIT_CORE, &none);
	signal(number, SIG_DFL);
	raise(number);
}
