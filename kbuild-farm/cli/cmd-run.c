/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/cmd.h"

#include "base/log.h"
#include "cli/nodes.h"
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

/* Exit statuses for a command that cannot be executed, as in the shell. */
#define EXIT_CANNOT_RUN 126
#define EXIT_NOT_FOUND  127

extern char **environ;

/* The command line of `kfarm run`. */
struct run_options {
	struct kernel_user_command_request request;
	struct strv environment;
	struct strv default_toolchains; /* configured "ARCH=TOOLCHAIN" */
	struct watch_setup watch;
	enum settings_cache_mode cache_mode;
	bool no_remote, quiet;
};

#define AT(member) offsetof(struct run_options, member)

static const struct args_option options[] = {
	{ 'a', "arch", "ARCH", "export ARCH and CROSS_COMPILE", args_text,
	  AT(request.arch), 0 },
	{ 't', "toolchain", "TOOLCHAIN",
	  "toolchain: export CROSS_COMPILE, CC or LLVM", args_text,
	  AT(request.toolchain), 0 },
	{ 'j', "jobs", "N", "make's -j (default: all slots)", args_number,
	  AT(request.jobs), JOBS_MAX },
	{ 'e', "environment", "K=V", "set K in the command's environment",
	  args_list, AT(environment), 0 },
	{ 'q', "quiet", NULL, "no summary", args_flag, AT(quiet), 0 },
	{ 0, "json", "FILE", "write events to FILE as JSON lines", args_text,
	  AT(watch.json), 0 },
	{ 0, "require-remote", "PCT",
	  "minimum % of jobs on nodes, else exit with 125", args_number,
	  AT(request.min_remote_percent), 100 },
	{ 0, "no-remote", NULL, "do not use nodes", args_flag, AT(no_remote),
	  0 },
	SETTINGS_CACHE_OPTIONS(AT(cache_mode)),
	{ 0, "no-jobserver", NULL, "do not change MAKEFLAGS", args_flag,
	  AT(request.no_jobserver), 0 },
	{ 0, "shell", NULL, "run make with kfarm's recipe shell", args_flag,
	  AT(request.shell_enabled), 0 },
	{ 0 },
};

/* Parse the options; the first other argument begins the user's command. */
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
			       "missing command, for example `kfarm run -- "
			       "make`");
	if (o->no_remote && o->request.min_remote_percent)
		return err_set(err, EINVAL,
			       "--no-remote and --require-remote are mutually "
			       "exclusive");
	return 0;
}

/* Return the exit status for a program whose execution failed with `error`. */
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

/*
 * Run the command, print the summary and return the exit status.  If a signal
 * ended the command, ends kfarm by the same signal.
 */
static int run_user_command(struct run_options *o,
			    const struct kernel_user_command *c,
			    struct err *err)
{
	struct kernel_user_command_result r = { 0 };
	int ret = kernel_user_command_run(&r, c, err);
	int number = r.signal;

	if (ret) {
		log_error("%s", err->text);
		return r.command_unusable ? shell_status_of(ret) : EXIT_USAGE;
	}
	if (!o->quiet && r.summary)
		fputs(r.summary, stderr);
	free(r.summary);
	if (r.remote_too_low) {
		log_error("%s", err->text);
		return EXIT_FARM;
	}
	if (!number && WIFSIGNALED(r.wait_status))
		number = WTERMSIG(r.wait_status);
	if (number) {
		settings_exit_by_signal(number);
		return 128 + number;
	}
	return WEXITSTATUS(r.wait_status);
}

/* Read the configuration, start the coordinator and run the command. */
static int run_with_farm(struct run_options *o, struct kernel_user_command *c,
			 struct err *err)
{
	struct settings_host local = { 0 };
	struct node_roster roster = { 0 };
	struct watch *watch = NULL;
	int status = EXIT_USAGE, ret;

	if (!o->no_remote)
		nodes_import_refresh();
	ret = settings_load(&roster, o->no_remote,
			    &o->request.min_remote_percent, NULL, &local, err);
	o->request.no_probe_cache = local.ignore_probe_cache;
	o->request.cache = settings_choose_cache(&local, o->cache_mode);
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
	o->request.cache = NULL;
	watch_free(watch);
	node_roster_release(&roster);
	settings_host_release(&local);
	return status;
}

/*
 * Replace this process with the command, because this kfarm runs inside another
 * kfarm, and the coordinator of the other kfarm serves the compilers.  Returns
 * an exit status on failure.
 */
static int run_inside(const struct run_options *o,
		      const struct kernel_user_command *c, struct err *err)
{
	int ret;

	if (o->watch.json || o->request.min_remote_percent || o->no_remote ||
	    o->request.jobs || o->request.shell_enabled ||
	    o->cache_mode != SETTINGS_CACHE_CONFIGURED) {
		log_error("run: already running inside kfarm: pass -j, "
			  "--json, --require-remote, --no-remote, --cache, "
			  "--no-cache, --recache and --shell to the outer "
			  "kfarm");
		return EXIT_USAGE;
	}
	ret = kernel_user_command_exec(c, err);
	log_error("%s", err->text);
	return shell_status_of(ret);
}

/* Append the configured default toolchains to o->default_toolchains. */
static int load_default_toolchains(struct run_options *o, struct err *err)
{
	struct conf *conf = NULL;
	int ret = conf_load(&conf, NULL, err);

	if (!ret)
		settings_read_toolchains(conf, &o->default_toolchains);
	conf_free(conf);
	return ret;
}

static int run_main(char *const *argv)
{
	struct run_options o = { .request.env = environ,
				 .watch.mode = WATCH_MODE_NONE };
	struct kernel_user_command command = { 0 };
	struct err err = { 0 };
	int status = EXIT_USAGE, ret = 0;

	/*
	 * MAKEFLAGS can name descriptors of a jobserver.  Check now whether
	 * these descriptors are open, because a file that kfarm opens later
	 * could get the number of a closed descriptor.
	 */
	o.request.jobserver_inherited = kernel_jobserver_is_inherited(
		getenv("MAKEFLAGS"));
	if (parse_run(&o, argv, &err)) {
		log_error("run: %s", err.text);
		goto out;
	}
	o.request.environment = &o.environment;
	o.request.default_toolchains = &o.default_toolchains;
	if (o.request.arch && !o.request.toolchain)
		ret = load_default_toolchains(&o, &err);
	if (!ret)
		ret = kernel_user_command_prepare(&command, &o.request, &err);
	if (ret) {
		log_error("%s", err.text);
		if (command.command_unusable)
			status = shell_status_of(ret);
		goto out;
	}
	for (size_t i = 0; !o.quiet && i < command.compiler.notes.n; i++)
		log_info("%s", command.compiler.notes.v[i]);
	status = kernel_user_command_is_nested(environ) ?
			 run_inside(&o, &command, &err) :
			 run_with_farm(&o, &command, &err);
out:
	kernel_user_command_release(&command);
	strv_release(&o.environment);
	strv_release(&o.default_toolchains);
	return status;
}

const struct cmd cmd_run = {
	.name = "run",
	.usage = "[OPTION]... -- COMMAND [ARGUMENT]...",
	.help = "run a command and compile on the nodes",
	.options = options,
	.takes_command = true,
	.extra_help =
		"COMMAND is make, ninja or a script.  kfarm intercepts the "
		"compilers found in\nPATH and exits with the status of "
		"COMMAND.  make without -j gets as many jobs\nas there are "
		"slots.  To intercept a compiler that is called by its path, "
		"put\nkfarm-cc in front of it: see BUILD SYSTEMS in "
		"kfarm-run(1).\n",
	.run = run_main,
};
