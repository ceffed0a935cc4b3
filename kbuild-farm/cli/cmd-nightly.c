/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/cmd.h"
#include "cli/nightly.h"

#include "base/log.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>

#define WAIT_MAX 604800

#define AT(member) offsetof(struct nightly_request, member)

static int parse_wait(void *at, const struct args *a, struct err *err)
{
	unsigned *seconds = at;
	long n;

	*seconds = UINT_MAX;
	if (!a->value)
		return 0;
	if (str_number(a->value, 0, WAIT_MAX, &n))
		return err_set(err, EINVAL,
			       "--wait=%s: not a number from 0 to %d", a->value,
			       WAIT_MAX);
	*seconds = (unsigned)n;
	return 0;
}

static const struct args_option options[] = {
	{ 'n', "dry-run", NULL,
	  "say what would be built and why, without fetching", args_flag,
	  AT(dry_run), 0 },
	{ 'v', "verbose", NULL, "say what is done, and show the builds",
	  args_flag, AT(verbose), 0 },
	{ 0, "force", NULL, "build also what has not changed", args_flag,
	  AT(force), 0 },
	{ 0, "retry-failed", NULL, "build again what failed, though unchanged",
	  args_flag, AT(retry_failed), 0 },
	{ 0, "bisect", NULL, "find the commit that broke what fails", args_flag,
	  AT(bisect), 0 },
	{ 0, "wait", "[=SECONDS]", "wait for another run of the same (else 75)",
	  parse_wait, AT(wait_s), 0 },
	{ 0, "json", NULL, "print JSON", args_flag, AT(json), 0 },
	{ 0, "at", "HH:MM", "when: 02:00", args_text, AT(at), 0 },
	{ 0, "system", NULL, "units of the system (else only root's are)",
	  args_flag, AT(system), 0 },
	{ 0, "user", NULL, "units of this user, also of root", args_flag,
	  AT(user), 0 },
	{ 0, "as", "USER", "units of the system that run as USER", args_text,
	  AT(as), 0 },
	{ 0, "now", NULL, "enable and start the timer", args_flag, AT(now), 0 },
	{ 0, "remove", NULL, "stop the timer and remove the units", args_flag,
	  AT(remove), 0 },
	{ 0, "cron", NULL, "print a line for a crontab instead", args_flag,
	  AT(cron), 0 },
	{ 0 },
};

static const struct verb {
	struct cmd_verb about;
	int (*run)(struct nightly_request *r);
} verbs[] = {
	{ { "run", " [NAME]...",
	    "dry-run verbose force retry-failed bisect wait", 0, 1000,
	    "update trees, build what has changed, keep the results" },
	  nightly_run_main },
	{ { "list", " [NAME]...", "json", 0, 1000,
	    "what came of each build the last time" },
	  nightly_list_main },
	{ { "install", " [NAME]...", "at system user as now remove cron", 0,
	    1000, "have systemd or cron start it each night" },
	  nightly_install_main },
};

static const struct cmd_verb *nightly_verb(size_t i)
{
	return i < sizeof(verbs) / sizeof(*verbs) ? &verbs[i].about : NULL;
}

static int nightly_main(char *const *argv)
{
	struct nightly_request r = { 0 };
	const struct verb *verb;
	struct err err = { 0 };
	int status = EXIT_USAGE;

	verb = (const struct verb *)cmd_verb_parse(&cmd_nightly, argv, &r,
						   &r.words, &err);
	if (!verb) {
		log_error("nightly: %s", err.text);
	} else {
		r.verb = verb->about.name;
		status = verb->run(&r);
	}
	strv_release(&r.words);
	return status;
}

const struct cmd cmd_nightly = {
	.name = "nightly",
	.usage = "VERB [OPTION]... [NAME]...",
	.help = "build by itself what has changed in a tree",
	.options = options,
	.verb = nightly_verb,
	.more = "What is built is in the sections [nightly \"NAME\"] of the "
		"configuration,\nkfarm.conf(5); all of them without a name.\n",
	.run = nightly_main,
};
