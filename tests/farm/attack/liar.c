/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * attack/liar.c - A driver that reports files of the node as its parts.
 *
 * It is built with -DCANARY="path".  Its name selects the lie: cc1, as,
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

/* For "include": print the canary's directory, directly or by "..". */
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
