/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kfarm-cc: what make starts under a compiler's name.  See kfarm-cc(1), and
 * HACKING.md for the life of a compile.
 *
 * It runs some thousand times a build, so it allocates little, starts no
 * process and reads no file.
 */
#include "base/version.h"
#include "base/which.h"
#include "cc/job.h"
#include "cc/local.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int own_name(char *const *argv)
{
	static const char version[] = "kfarm-cc " KFARM_VERSION "\n";

	if (argv[1] && !strcmp(argv[1], "--version"))
		return write(STDOUT_FILENO, version, sizeof(version) - 1) < 0;
	cc_local_complain("called by its own name; it stands for a compiler, "
			  "see kfarm-cc(1)");
	return 1;
}

/*
 * For a link of somebody else's to one of kfarm's: the compiler that kfarm's
 * stands for, which is called by its path from here on.
 */
static char *compiler_behind(char **argv0, const char *links)
{
	const char *path = getenv("PATH");
	char *file = which(*argv0, path);
	char *name = file ? which_through(file, links) : NULL;
	char *compiler = name ? which_compiler(name, path, links) : NULL;

	if (compiler)
		*argv0 = compiler;
	free(name);
	free(file);
	return compiler;
}

/*
 * The real compiler, or NULL.  A copy or a hard link of this program does not
 * look like a wrapper; but then the compiler found is that very file.
 */
static char *real_compiler(char **argv0, const char *links)
{
	const char *name = str_base(*argv0);
	char *compiler = which_compiler(name, getenv("PATH"), links);

	if (compiler && !strcmp(compiler, *argv0)) {
		cc_local_complain("%s: leads back to kfarm-cc", *argv0);
		free(compiler);
		return NULL;
	}
	if (!compiler)
		compiler = compiler_behind(argv0, links);
	if (!compiler)
		cc_local_complain("%s: not found", name);
	return compiler;
}

int main(int argc, char **argv)
{
	const char *socket = getenv("KFARM_SOCKET");
	const char *links = getenv("KFARM_LINKS");
	const char *slots = getenv("KFARM_SLOTS");
	struct options_command c;
	struct cc_job job = { .socket = socket, .argv = argv, .compile = &c };
	char *compiler;
	int status = 0;

	if (argc < 1 || !strcmp(str_base(argv[0]), "kfarm-cc"))
		return own_name(argv);
	compiler = real_compiler(&argv[0], links);
	if (!compiler)
		return 127;
	cc_local_clean(environ, links);
	options_command_parse(&c, argv);
	if (c.verdict != OPTIONS_PASSTHROUGH) {
		job.compiler = compiler;
		job.env = environ;
		if (socket && cc_job_offer(&job, &status) == CC_ANSWER_DONE) {
			options_command_release(&c);
			free(compiler);
			return status;
		}
		if (slots)
			cc_local_take_slot(slots);
	}
	return cc_local_exec(compiler, argv, environ);
}
