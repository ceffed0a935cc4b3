/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/cmd.h"

#include "base/log.h"
#include "cli/settings.h"
#include "cli/watch.h"
#include "kernel/build.h"
#include "kernel/jobserver.h"
#include "kernel/user-command.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define JOBS_MAX 100000

/* As a shell's, and env's. */
#define EXIT_CANNOT_RUN 126
#define EXIT_NOT_FOUND  127

extern char **environ;

enum {
	OPT_ARCH = 1,
	OPT_TOOLCHAIN,
	OPT_JOBS,
	OPT_ENVIRONMENT,
	OPT_QUIET,
	OPT_JSON,
	OPT_REQUIRE_REMOTE,
	OPT_NO_REMOTE,
	OPT_NO_JOBSERVER,
};

static const struct args_option options[] = {
	{ OPT_ARCH, 'a', "arch", "ARCH", "export ARCH and CROSS_COMPILE" },
	{ OPT_TOOLCHAIN, 't', "toolchain", "NAME",
	  "export what it means: CROSS_COMPILE, CC or LLVM" },
	{ OPT_JOBS, 'j', "jobs", "N", "make's jobs at once (default: all)" },
	{ OPT_ENVIRONMENT, 'e', "environment", "K=V",
	  "set K in the command's environment" },
	{ OPT_QUIET, 'q', "quiet", NULL, "no summary" },
	{ OPT_JSON, 0, "json", "FILE", "write events there, one a line" },
	{ OPT_REQUIRE_REMOTE, 0, "require-remote", "PCT",
	  "fail with 125 if fewer jobs than that run on nodes" },
	{ OPT_NO_REMOTE, 0, "no-remote", NULL, "use no node" },
	{ OPT_NO_JOBSERVER, 0, "no-jobserver", NULL,
	  "leave MAKEFLAGS as it is" },
	{ 0 },
};

/* The command line, read. */
struct wish {
	struct kernel_user_command_request guest;
	struct strv environment;
	struct strv standard; /* toolchains of the configuration */
	struct watch_setup watch;
	bool no_remote, quiet;
};

static int take_option(struct wish *w, int key, const char *value,
		       struct err *err)
{
	struct kernel_user_command_request *g = &w->guest;
	long n = 0;
	int ret = 0;

	switch (key) {
	case OPT_ARCH:
		g->arch = value;
		break;
	case OPT_TOOLCHAIN:
		g->toolchain = value;
		break;
	case OPT_JOBS:
		ret = settings_number("-j", value, JOBS_MAX, &n, err);
		g->jobs = (unsigned)n;
		break;
	case OPT_ENVIRONMENT:
		strv_add(&w->environment, value);
		break;
	case OPT_QUIET:
		w->quiet = true;
		break;
	case OPT_JSON:
		w->watch.json = value;
		break;
	case OPT_REQUIRE_REMOTE:
		ret = settings_number("--require-remote", value, 100, &n, err);
		g->require_remote = (int)n;
		break;
	case OPT_NO_REMOTE:
		w->no_remote = true;
		break;
	case OPT_NO_JOBSERVER:
		g->no_jobserver = true;
		break;
	}
	return ret;
}

/* Options up to the first word; that one and all behind it is the command. */
static int read_words(struct wish *w, char *const *argv, struct err *err)
{
	struct args args;
	int key;

	args_init(&args, options, argv);
	while ((key = args_next(&args, err)) != ARGS_END) {
		if (key == ARGS_WORD) {
			w->guest.argv = args_rest(&args) - 1;
			break;
		}
		if (key < 0 || take_option(w, key, args.value, err))
			return -EINVAL;
	}
	if (!w->guest.argv)
		return err_set(err, EINVAL,
			       "no command; as in `kfarm run -- make`");
	if (w->no_remote && w->guest.require_remote)
		return err_set(err, EINVAL,
			       "--no-remote and --require-remote contradict");
	return 0;
}

static void tell_notes(const struct wish *w,
		       const struct kernel_user_command *g)
{
	for (size_t i = 0; !w->quiet && i < g->compiler.notes.n; i++)
		log_info("%s", g->compiler.notes.v[i]);
}

/* What a shell says of a program that does not run. */
static int status_of(int error)
{
	switch (error) {
	case -ENOENT:
		return EXIT_NOT_FOUND;
	case -EACCES:
	case -ENOEXEC:
		return EXIT_CANNOT_RUN;
	}
	return EXIT_USAGE;
}

static int end(struct wish *w, struct kernel_user_command_result *r,
	       struct err *err)
{
	int status = r->wait_status, number = r->signal;

	if (!w->quiet && r->summary)
		fputs(r->summary, stderr);
	free(r->summary);
	if (r->too_few) {
		log_error("%s", err->text);
		return EXIT_FARM;
	}
	if (!number && WIFSIGNALED(status))
		number = WTERMSIG(status);
	if (number) {
		settings_end_by(number);
		return 128 + number;
	}
	return WEXITSTATUS(status);
}

static int run_guest(struct wish *w, const struct kernel_user_command *g,
		     struct err *err)
{
	struct kernel_user_command_result result = { 0 };
	int ret = kernel_user_command_run(&result, g, err);

	if (!ret)
		return end(w, &result, err);
	log_error("%s", err->text);
	return status_of(ret);
}

/* With the configuration: start the farm and the command. */
static int run_with_farm(struct wish *w, struct kernel_user_command *g,
			 struct err *err)
{
	struct node_roster roster = { 0 };
	struct watch *watch = NULL;
	int ret = settings_load(&roster, w->no_remote, &w->guest.require_remote,
				NULL, err);
	int status = EXIT_USAGE;

	if (!ret)
		ret = watch_new(&watch, &w->watch, err);
	if (ret) {
		log_error("%s", err->text);
	} else {
		w->guest.roster = &roster;
		w->guest.sink = watch_hooks(watch)->sink;
		w->guest.sink_ctx = watch_hooks(watch)->ctx;
		status = run_guest(w, g, err);
	}
	w->guest.roster = NULL;
	watch_free(watch);
	node_roster_release(&roster);
	return status;
}

/* Within another run the farm is there: nothing is left to do for us. */
static int step_aside(const struct wish *w, const struct kernel_user_command *g,
		      struct err *err)
{
	int ret;

	if (w->watch.json || w->guest.require_remote || w->no_remote ||
	    w->guest.jobs) {
		log_error("run: inside another kfarm, whose farm is used: -j, "
			  "--json, --no-remote and --require-remote are for "
			  "the outer one");
		return EXIT_USAGE;
	}
	ret = kernel_user_command_become(g, err);
	log_error("%s", err->text);
	return status_of(ret);
}

static int plan_and_run(struct wish *w, struct err *err)
{
	struct kernel_user_command guest = { 0 };
	int ret = 0, status;

	w->guest.env = environ;
	w->guest.environment = &w->environment;
	w->watch.mode = WATCH_NONE;
	w->guest.standard = &w->standard;
	if (w->guest.arch && !w->guest.toolchain)
		ret = settings_standard(&w->standard, err);
	if (!ret)
		ret = kernel_user_command_plan(&guest, &w->guest, err);
	if (ret) {
		log_error("%s", err->text);
		status = guest.no_command ? status_of(ret) : EXIT_USAGE;
	} else {
		tell_notes(w, &guest);
		status = kernel_user_command_is_inside(environ) ?
				 step_aside(w, &guest, err) :
				 run_with_farm(w, &guest, err);
	}
	kernel_user_command_release(&guest);
	return status;
}

static int run_main(char *const *argv)
{
	struct wish w = { 0 };
	struct err err = { 0 };
	int status = EXIT_USAGE;

	/* Before a descriptor of ours has one of the numbers in it. */
	w.guest.offered = kernel_jobserver_offered(getenv("MAKEFLAGS"));
	if (read_words(&w, argv, &err))
		log_error("run: %s", err.text);
	else
		status = plan_and_run(&w, &err);
	strv_release(&w.environment);
	strv_release(&w.standard);
	return status;
}

const struct cmd cmd_run = {
	.name = "run",
	.usage = "[OPTION]... -- COMMAND [ARGUMENT]...",
	.help = "run any command, compiling on the nodes",
	.options = options,
	.more = "COMMAND is make, ninja, a script: its compilers are found "
		"through PATH, its exit\nstatus is kfarm's.  make without -j "
		"gets as many jobs as there are slots.\n",
	.run = run_main,
};
