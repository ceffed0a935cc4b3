/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cc/call.h"

#include "base/str.h"
#include "base/version.h"
#include "cc/compiler.h"
#include "cc/local.h"
#include "options/devicetree.h"
#include "options/output.h"
#include "wire/cc.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* kfarm-cc, with no compiler behind it. */
static int own_name(char *const *argv)
{
	static const char version[] = "kfarm-cc " KFARM_VERSION "\n";

	if (*argv && !strcmp(*argv, "--version"))
		return write(STDOUT_FILENO, version, sizeof(version) - 1) < 0;
	cc_local_complain("%s%sno compiler; as in `kfarm-cc gcc -c a.c`, see "
			  "kfarm-cc(1)",
			  *argv ? *argv : "", *argv ? ": " : "");
	return 1;
}

static enum cc_answer ask_memory(struct cc_call *c, const char *probes,
				 const struct options_command *command,
				 int *status)
{
	if (!probes)
		return CC_ANSWER_NONE;
	c->probe = cc_probe_new(probes, c->compiler, c->argv, c->env, command);
	return c->probe && cc_probe_answer(c->probe, status) ? CC_ANSWER_DONE :
							       CC_ANSWER_NONE;
}

/* What kfarm has told of itself in the environment. */
struct told {
	const char *socket, *links, *slots, *probes;
};

/* A compile, or what a step makes one of. */
static void parse_call(const struct cc_call *c, const struct cc_step *step,
		       struct options_command *command)
{
	if (!step || cc_step_compiles(step))
		options_command_parse(command, c->argv);
	else if (step->object)
		options_command_parse_expanded(command, c->argv);
	else if (step->message->text && *step->message->text)
		options_command_parse_stdin(command, c->argv);
	else
		options_command_parse_text(command, c->argv);
}

/* dtc reads what the compiler writes, and these two write no file alike. */
static bool fits_devicetree(const struct options_command *command,
			    const struct cc_step *step)
{
	struct options_devicetree tree;
	char *dep = options_output_dep(command);
	bool fits = dep &&
		    options_devicetree_parse(&tree, &step->message->args,
					     NULL) &&
		    !strcmp(command->object, tree.text) &&
		    strcmp(dep, tree.blob) != 0 && strcmp(dep, tree.list) != 0;

	free(dep);
	return fits;
}

static bool fits_step(const struct options_command *command,
		      const struct cc_step *step)
{
	struct options_sides sides;
	bool fits;

	if (!step || command->verdict != OPTIONS_REMOTE || command->is_clang)
		return false;
	if (!cc_step_compiles(step))
		return !step->object || fits_devicetree(command, step);
	options_output_sides(&sides, command);
	fits = !sides.named && command->object &&
	       !strcmp(command->object, step->object);
	options_sides_release(&sides);
	return fits;
}

/* What is no compile is no matter of the coordinator's, nor of slots. */
static enum cc_answer ask_somebody(struct cc_call *c, const struct told *told,
				   const struct cc_step *step, int *status)
{
	enum cc_answer answer = CC_ANSWER_NONE;
	bool text = step && !cc_step_compiles(step);
	struct options_command command;
	struct cc_job job = { .socket = told->socket,
			      .compiler = c->compiler,
			      .argv = c->argv,
			      .env = c->env,
			      .compile = &command,
			      .kept = -1 };

	parse_call(c, step, &command);
	c->stepped = fits_step(&command, step);
	if (c->stepped)
		job.step = step->message;
	if (command.verdict == OPTIONS_PASSTHROUGH && !text) {
		answer = ask_memory(c, told->probes, &command, status);
	} else if (!text || c->stepped) {
		c->slots = told->slots;
		c->offered = told->socket;
		if (told->socket)
			answer = cc_job_offer(&job, status);
		c->kept = job.kept;
	}
	options_command_release(&command);
	return answer;
}

enum cc_answer cc_call_begin(struct cc_call *c, char **argv, char **env,
			     const struct cc_step *step, int *status)
{
	const struct told told = {
		.socket = str_env(env, "KFARM_SOCKET"),
		.links = str_env(env, "KFARM_LINKS"),
		.slots = str_env(env, "KFARM_SLOTS"),
		.probes = str_env(env, "KFARM_PROBES"),
	};
	bool launched = false;

	*c = (struct cc_call){ .kept = -1 };
	for (; *argv && cc_compiler_is_launcher(*argv); argv++)
		launched = true;
	if (!*argv || **argv == '-') {
		*status = own_name(argv);
		return CC_ANSWER_DONE;
	}
	c->compiler = cc_compiler_find(&argv[0], launched, told.links,
				       str_env(env, "PATH"));
	if (!c->compiler) {
		*status = 127;
		return CC_ANSWER_DONE;
	}
	c->argv = argv;
	c->env = env;
	cc_local_clean(env, told.links);
	return ask_somebody(c, &told, step, status);
}

int cc_call_exec(const struct cc_call *c)
{
	int status;

	if (c->probe && cc_probe_ask(c->probe, &status))
		return status;
	if (c->slots)
		cc_local_take_slot(c->slots);
	return cc_local_exec(c->compiler, c->argv, c->env);
}

int cc_call_hold_slot(struct cc_call *c)
{
	int fd = c->slots ? cc_local_hold_slot(c->slots) : -1;

	c->slots = NULL;
	return fd;
}

void cc_call_release(struct cc_call *c)
{
	if (c->kept >= 0)
		close(c->kept);
	cc_probe_free(c->probe);
	free(c->compiler);
	*c = (struct cc_call){ .kept = -1 };
}
