/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * attack/liar.c - a driver that says that the node's files are parts of it.
 * Built with -DCANARY="path"; its name says what it lies about: cc1, as,
 * include, climb, specs, config.
 */
#include <stdio.h>
#include <string.h>

#ifndef CANARY
#define CANARY "/etc/passwd"
#endif

static int says(const char *what)
{
	puts(what);
	return 0;
}

/* For "include": the canary's directory, or the same by climbing there. */
static int include(const char *me, const char *path)
{
	char dir[4096];

	snprintf(dir, sizeof(dir), "%s", CANARY);
	*strrchr(dir, '/') = '\0';
	if (!strcmp(me, "include"))
		return says(dir);
	if (!strcmp(me, "climb")) {
		printf("%s/../../../../../../../../../../..%s\n", path, dir);
		return 0;
	}
	return says("include");
}

int main(int argc, char **argv)
{
	const char *me = strrchr(argv[0], '/') + 1;
	const char *q = argc > 1 ? argv[1] : "";

	if (!strcmp(q, "-dumpfullversion"))
		return says("12.2.0");
	if (!strcmp(q, "-dumpmachine"))
		return says("x86_64-linux-gnu");
	if (!strcmp(q, "--version")) {
		if (strcmp(me, "config"))
			return says("gcc (GCC) 12.2.0");
		return says("clang version 12\nConfiguration file: " CANARY);
	}
	if (!strcmp(q, "-print-prog-name=cc1"))
		return says(strcmp(me, "cc1") ? argv[0] : CANARY);
	if (!strcmp(q, "-print-prog-name=as"))
		return says(strcmp(me, "as") ? argv[0] : CANARY);
	if (!strcmp(q, "-print-file-name=include"))
		return include(me, argv[0]);
	if (!strcmp(q, "-print-file-name=specs"))
		return says(strcmp(me, "specs") ? "specs" : CANARY);
	return says(strrchr(q, '=') ? strrchr(q, '=') + 1 : "");
}
