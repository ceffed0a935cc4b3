/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kfarm-cc: what make starts under a compiler's name.  See kfarm-cc(1), and
 * HACKING.md for the life of a compile.
 *
 * It runs some thousand times a build, so it allocates little, starts no
 * process and reads no file.
 */
#include "base/version.h"
#include "cc/compiler.h"
#include "cc/job.h"
#include "cc/local.h"

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

int main(int argc, char **argv)
{
	const char *socket = getenv("KFARM_SOCKET");
	const char *links = getenv("KFARM_LINKS");
	const char *slots = getenv("KFARM_SLOTS");
	struct options_command c;
	struct cc_job job = { .socket = socket, .compile = &c };
	bool launched = false;
	char *compiler;
	int status = 0;

	(void)argc;
	for (; *argv && cc_compiler_is_launcher(*argv); argv++)
		launched = true;
	if (!*argv || **argv == '-')
		return own_name(argv);
	compiler = cc_compiler_find(&argv[0], launched, links);
	if (!compiler)
		return 127;
	cc_local_clean(environ, links);
	options_command_parse(&c, argv);
	if (c.verdict != OPTIONS_PASSTHROUGH) {
		job.argv = argv;
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
