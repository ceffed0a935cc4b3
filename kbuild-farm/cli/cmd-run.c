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
struct run_options {
	struct kernel_user_command_request request;
	struct strv environment;
	struct strv standard; /* toolchains of the configuration */
	struct watch_setup watch;
	bool no_remote, quiet;
};

#define AT(member) offsetof(struct run_options, member)

static const struct args_option options[] = {
	{ 'a', "arch", "ARCH", "export ARCH and CROSS_COMPILE", args_text,
	  AT(request.arch), 0 },
	{ 't', "toolchain", "TOOLCHAIN",
	  "export what it means: CROSS_COMPILE, CC or LLVM", args_text,
	  AT(request.toolchain), 0 },
	{ 'j', "jobs", "N", "make's jobs at once (default: all)", args_number,
	  AT(request.jobs), JOBS_MAX },
	{ 'e', "environment", "K=V", "set K in the command's environment",
	  args_list, AT(environment), 0 },
	{ 'q', "quiet", NULL, "no summary", args_flag, AT(quiet), 0 },
	{ 0, "json", "FILE", "write events there, one a line", args_text,
	  AT(watch.json), 0 },
	{ 0, "require-remote", "PCT",
	  "fail with 125 if fewer jobs than that run on nodes", args_number,
	  AT(request.require_remote), 100 },
	{ 0, "no-remote", NULL, "use no node", args_flag, AT(no_remote), 0 },
	{ 0, "no-jobserver", NULL, "leave MAKEFLAGS as it is", args_flag,
	  AT(request.no_jobserver), 0 },
	{ 0, "shell", NULL, "give make kfarm's own shell", args_flag,
	  AT(request.shell), 0 },
	{ 0 },
};

/* Options up to the first word, with which the command begins. */
static int parse_run(struct run_options *o, char *const *argv, struct err *err)
{
	struct args args;
	int got;

	args_init(&args, options, argv);
	got = args_read(&args, o, err);
	if (got < 0)
		return got;
	if (got)
		o->request.argv = args_rest(&args) - 1;
	if (!o->request.argv)
		return err_set(err, EINVAL,
			       "no command; as in `kfarm run -- make`");
	if (o->no_remote && o->request.require_remote)
		return err_set(err, EINVAL,
			       "--no-remote and --require-remote contradict");
	return 0;
}

static void log_notes(const struct run_options *o,
		      const struct kernel_user_command *c)
{
	for (size_t i = 0; !o->quiet && i < c->compiler.notes.n; i++)
		log_info("%s", c->compiler.notes.v[i]);
}

/* A shell's exit status for a program that does not run. */
static int shell_status_of(int error)
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

static int print_outcome(struct run_options *o,
			 struct kernel_user_command_result *r, struct err *err)
{
	int status = r->wait_status, number = r->signal;

	if (!o->quiet && r->summary)
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

static int run_user_command(struct run_options *o,
			    const struct kernel_user_command *c,
			    struct err *err)
{
	struct kernel_user_command_result result = { 0 };
	int ret = kernel_user_command_run(&result, c, err);

	if (!ret)
		return print_outcome(o, &result, err);
	log_error("%s", err->text);
	return shell_status_of(ret);
}

/* With the configuration: start the farm and the command. */
static int run_with_farm(struct run_options *o, struct kernel_user_command *c,
			 struct err *err)
{
	struct settings_local local = { 0 };
	struct node_roster roster = { 0 };
	struct watch *watch = NULL;
	int ret = settings_load(&roster, o->no_remote,
				&o->request.require_remote, NULL, &local, err);
	int status = EXIT_USAGE;

	o->request.forget_probes = local.forget_probes;
	if (!ret)
		ret = watch_new(&watch, &o->watch, err);
	if (ret) {
		log_error("%s", err->text);
	} else {
		o->request.roster = &roster;
		o->request.hub = watch_hooks(watch)->hub;
		status = run_user_command(o, c, err);
	}
	o->request.roster = NULL;
	watch_free(watch);
	node_roster_release(&roster);
	return status;
}

/* Inside another kfarm, whose farm is used: just become the command. */
static int run_inside(const struct run_options *o,
		      const struct kernel_user_command *c, struct err *err)
{
	int ret;

	if (o->watch.json || o->request.require_remote || o->no_remote ||
	    o->request.jobs) {
		log_error("run: inside another kfarm, whose farm is used: -j, "
			  "--json, --no-remote and --require-remote are for "
			  "the outer one");
		return EXIT_USAGE;
	}
	ret = kernel_user_command_become(c, err);
	log_error("%s", err->text);
	return shell_status_of(ret);
}

static int plan_and_run(struct run_options *o, struct err *err)
{
	struct kernel_user_command command = { 0 };
	int ret = 0, status;

	o->request.env = environ;
	o->request.environment = &o->environment;
	o->watch.mode = WATCH_NONE;
	o->request.standard = &o->standard;
	if (o->request.arch && !o->request.toolchain)
		ret = settings_standard(&o->standard, err);
	if (!ret)
		ret = kernel_user_command_plan(&command, &o->request, err);
	if (ret) {
		log_error("%s", err->text);
		status = command.no_command ? shell_status_of(ret) : EXIT_USAGE;
	} else {
		log_notes(o, &command);
		status = kernel_user_command_is_inside(environ) ?
				 run_inside(o, &command, err) :
				 run_with_farm(o, &command, err);
	}
	kernel_user_command_release(&command);
	return status;
}

static int run_main(char *const *argv)
{
	struct run_options o = { 0 };
	struct err err = { 0 };
	int status = EXIT_USAGE;

	/* Before kfarm itself opens a descriptor with one of its numbers. */
	o.request.offered = kernel_jobserver_offered(getenv("MAKEFLAGS"));
	if (parse_run(&o, argv, &err))
		log_error("run: %s", err.text);
	else
		status = plan_and_run(&o, &err);
	strv_release(&o.environment);
	strv_release(&o.standard);
	return status;
}

const struct cmd cmd_run = {
	.name = "run",
	.usage = "[OPTION]... -- COMMAND [ARGUMENT]...",
	.help = "run any command, compiling on the nodes",
	.options = options,
	.takes_command = true,
	.more = "COMMAND is make, ninja, a script: its compilers are found "
		"through PATH, its exit\nstatus is kfarm's.  make without -j "
		"gets as many jobs as there are slots.\nA compiler that is "
		"called by its path needs kfarm-cc in front of it: see Build\n"
		"systems in kfarm(1).\n",
	.run = run_main,
};
