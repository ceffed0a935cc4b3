/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cc/call.h"

#include "base/str.h"
#include "base/version.h"
#include "base/which.h"
#include "cc/real-compiler.h"
#include "options/devicetree.h"
#include "options/output.h"
#include "wire/cc.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool cc_compiler_is_launcher(const char *word)
{
	return !strcmp(str_base(word), "kfarm-cc");
}

char *cc_compiler_find(char **argv0, bool launched, const char *links,
		       const char *path)
{
	char *compiler = NULL, *file;
	char cwd[PATH_MAX];

	if (strchr(*argv0, '/')) {
		compiler = which_find_real(*argv0);
		/*
		 * The coordinator accepts only absolute paths.  If the working
		 * directory is unknown, the path stays relative, and the call
		 * runs locally.
		 */
		if (!compiler && launched && !which_is_wrapper(*argv0))
			compiler = **argv0 == '/' || !getcwd(cwd, sizeof(cwd)) ?
					   xstrdup(*argv0) :
					   xasprintf("%s/%s", cwd, *argv0);
	}
	if (compiler) {
		*argv0 = compiler;
		return compiler;
	}

	compiler = which_compiler(str_base(*argv0), path, links);
	if (compiler && !strcmp(compiler, *argv0)) {
		/*
		 * which_compiler() does not recognize a copy or a hard link of
		 * this program as a wrapper; it then returns that file itself.
		 */
		cc_real_compiler_print_error("%s: resolves to kfarm-cc itself",
					     *argv0);
		free(compiler);
		return NULL;
	}
	if (compiler)
		return compiler;

	/*
	 * The user can have a symbolic link with another name that leads to a
	 * link in the masquerade directory.
	 */
	file = which(*argv0, path);
	compiler = file ? which_find_real(file) : NULL;
	if (compiler)
		*argv0 = compiler;
	else
		cc_real_compiler_print_error("%s: no such compiler in PATH",
					     *argv0);
	free(file);
	return compiler;
}

/* Handle `kfarm-cc` without a compiler.  Returns the exit status. */
static int run_without_compiler(char *const *argv)
{
	static const char version[] = "kfarm-cc " KFARM_VERSION "\n";

	if (*argv && !strcmp(*argv, "--version"))
		return write(STDOUT_FILENO, version, sizeof(version) - 1) < 0;
	cc_real_compiler_print_error(
		"%s%smissing compiler; usage: kfarm-cc COMPILER [ARG]..., see "
		"kfarm-cc(1)",
		*argv ? *argv : "", *argv ? ": " : "");
	return 1;
}

/* Values of kfarm's environment variables. */
struct kfarm_env {
	const char *socket, *links, *slots, *probes;
};

/*
 * Return true if dtc reads the compiler's output and the two programs do not
 * write the same file.
 */
static bool fits_devicetree(const struct options_command *command,
			    const struct cc_tool_step *step)
{
	struct options_devicetree tree;
	char *dep = options_output_dep_path(command);
	bool fits = dep &&
		    options_devicetree_parse(&tree, &step->message->args,
					     NULL) &&
		    !strcmp(command->object, tree.source) &&
		    strcmp(dep, tree.blob) != 0 &&
		    strcmp(dep, tree.depfile) != 0;

	free(dep);
	return fits;
}

static bool fits_step(const struct options_command *command,
		      const struct cc_tool_step *step)
{
	struct options_side_outputs sides;
	bool fits;

	if (!step || command->class != OPTIONS_CLASS_REMOTE ||
	    command->is_clang)
		return false;
	if (!cc_tool_step_has_compile(step))
		return !step->object || fits_devicetree(command, step);
	options_output_side_outputs(&sides, command);
	fits = !sides.name_in_object && command->object && step->object &&
	       !strcmp(command->object, step->object);
	options_side_outputs_release(&sides);
	return fits;
}

/*
 * Parse the call.  If it is a probe, replay its cached result; if it is a
 * compile or has a tool step, offer it to the coordinator.  Only an offered
 * call needs a slot when it runs locally.
 */
static enum cc_job_outcome submit_call(struct cc_call *c,
				       const struct kfarm_env *kfarm,
				       const struct cc_tool_step *step,
				       int *status)
{
	enum cc_job_outcome outcome = CC_JOB_UNAVAILABLE;
	bool text = step && !cc_tool_step_has_compile(step);
	struct options_command command;
	struct cc_job job = { .socket = kfarm->socket,
			      .compiler = c->compiler,
			      .argv = c->argv,
			      .env = c->env,
			      .compile = &command,
			      .coord_fd = -1 };

	if (!text)
		options_command_parse(&command, c->argv);
	else if (step->object)
		options_command_parse_asm_cpp(&command, c->argv);
	else if (step->message->text && *step->message->text)
		options_command_parse_stdin(&command, c->argv);
	else
		options_command_parse_text(&command, c->argv);
	c->has_step = fits_step(&command, step);
	if (c->has_step)
		job.step = step->message;
	if (command.class == OPTIONS_CLASS_PASSTHROUGH && !text) {
		if (kfarm->probes)
			c->probe = cc_probe_new(kfarm->probes, c->compiler,
						c->argv, c->env, &command);
		if (c->probe && cc_probe_replay(c->probe, status))
			outcome = CC_JOB_DONE;
	} else if (!text || c->has_step) {
		c->slot_dir = kfarm->slots;
		c->is_offered = kfarm->socket;
		if (kfarm->socket)
			outcome = cc_job_submit(&job, status);
		c->coord_fd = job.coord_fd;
	}
	options_command_release(&command);
	return outcome;
}

enum cc_job_outcome cc_call_begin(struct cc_call *c, char **argv, char **env,
				  const struct cc_tool_step *step, int *status)
{
	const struct kfarm_env kfarm = {
		.socket = str_find_env(env, "KFARM_SOCKET"),
		.links = str_find_env(env, "KFARM_LINKS"),
		.slots = str_find_env(env, "KFARM_SLOTS"),
		.probes = str_find_env(env, "KFARM_PROBES"),
	};
	bool launched = false;

	*c = (struct cc_call){ .coord_fd = -1 };
	for (; *argv && cc_compiler_is_launcher(*argv); argv++)
		launched = true;
	if (!*argv || **argv == '-') {
		*status = run_without_compiler(argv);
		return CC_JOB_DONE;
	}
	c->compiler = cc_compiler_find(&argv[0], launched, kfarm.links,
				       str_find_env(env, "PATH"));
	if (!c->compiler) {
		*status = 127;
		return CC_JOB_DONE;
	}
	c->argv = argv;
	c->env = env;
	cc_real_compiler_clean_env(env, kfarm.links);
	return submit_call(c, &kfarm, step, status);
}

int cc_call_exec(const struct cc_call *c)
{
	int status;

	if (c->probe && cc_probe_run_compiler(c->probe, &status))
		return status;
	if (c->slot_dir)
		cc_real_compiler_lock_slot(c->slot_dir);
	return cc_real_compiler_exec(c->compiler, c->argv, c->env);
}

int cc_call_take_slot(struct cc_call *c)
{
	int fd = c->slot_dir ? cc_real_compiler_lock_slot(c->slot_dir) : -1;

	c->slot_dir = NULL;
	return fd;
}

void cc_call_release(struct cc_call *c)
{
	if (c->coord_fd >= 0)
		close(c->coord_fd);
	cc_probe_free(c->probe);
	free(c->compiler);
	*c = (struct cc_call){ .coord_fd = -1 };
}
