/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * farm/askcc.c - A compiler that logs its probe calls.
 *
 * It stands in PATH under the compiler's name and executes the next compiler of
 * that name.  Each call whose arguments alone make it a cacheable probe adds a
 * line to the file $ASK_LOG.
 */
#include "options/probe.h"

#include "base/str.h"
#include "base/which.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void note(const char *log, char *const *argv)
{
	struct options_command c;
	struct options_probe p;
	struct buf line = { 0 };
	int fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);

	options_command_parse(&c, argv);
	if (!options_probe_parse(&p, &c) || fd < 0)
		return;
	for (; *argv; argv++)
		buf_printf(&line, "%s%s", *argv, argv[1] ? " " : "\n");
	if (write(fd, line.data, line.len) < 0)
		_exit(126);
}

int main(int argc, char **argv)
{
	const char *name = str_base(argv[0]), *log = getenv("ASK_LOG");
	char *self = realpath("/proc/self/exe", NULL), *dir, *path;

	(void)argc;
	if (!self || !getenv("PATH"))
		return 127;
	if (log)
		note(log, argv);
	dir = str_dir(self);
	path = which_strip_path(getenv("PATH"), dir);
	argv[0] = which(name, path);
	if (!argv[0])
		return 127;
	execv(argv[0], argv);
	return 127;
}
