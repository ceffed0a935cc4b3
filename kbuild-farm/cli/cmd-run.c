/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/cmd.h"

#include "base/log.h"
#include "cli/settings.h"
#include "cli/watch.h"
#include "kernel/build.h"
#include "kernel/jobserver.h"
#include "kernel/user-command.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define JOBS_MAX 100000

/* As a shell's, and env's. */
#define EXIT_CANNOT_RUN 126
#define EXIT_NOT_FOUND  127

extern char **environ;

/* The command line, read. */
struct wish {
	struct kernel_user_command_request guest;
	struct strv environment;
	struct strv standard; /* toolchains of the configuration */
	struct watch_setup watch;
	bool no_remote, quiet;
};

#define AT(member) offsetof(struct wish, member)

static const struct args_option options[] = {
	{ 'a', "arch", "ARCH", "export ARCH and CROSS_COMPILE", args_text,
	  AT(guest.arch), 0 },
	{ 't', "toolchain", "NAME",
	  "export what it means: CROSS_COMPILE, CC or LLVM", args_text,
	  AT(guest.toolchain), 0 },
	{ 'j', "jobs", "N", "make's jobs at once (default: all)", args_number,
	  AT(guest.jobs), JOBS_MAX },
	{ 'e', "environment", "K=V", "set K in the command's environment",
	  args_list, AT(environment), 0 },
	{ 'q', "quiet", NULL, "no summary", args_flag, AT(quiet), 0 },
	{ 0, "json", "FILE", "write events there, one a line", args_text,
	  AT(watch.json), 0 },
	{ 0, "require-remote", "PCT",
	  "fail with 125 if fewer jobs than that run on nodes", args_number,
	  AT(guest.require_remote), 100 },
	{ 0, "no-remote", NULL, "use no node", args_flag, AT(no_remote), 0 },
	{ 0, "no-jobserver", NULL, "leave MAKEFLAGS as it is", args_flag,
	  AT(guest.no_jobserver), 0 },
	{ 0 },
};

/* Options up to the first word; that one and all behind it is the command. */
static int read_words(struct wish *w, char *const *argv, struct err *err)
{
	struct args args;
	int got;

	args_init(&args, options, argv);
	got = args_read(&args, w, err);
	if (got < 0)
		return got;
	if (got)
		w->guest.argv = args_rest(&args) - 1;
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
