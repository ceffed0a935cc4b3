/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tests/toolchain/fake.c - A compiler of 16 KiB for tests with many toolchains.
 * It answers kfarm's driver queries like a gcc (VERSION, TRIPLET; cc1 is in
 * libexec, next to bin), and executes this machine's gcc to compile.
 */
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#ifndef VERSION
#define VERSION "1.0.0"
#define TRIPLET "aarch64-linux"
#endif

/* Print the format with the directory of this program. */
static int print_own_dir(const char *format)
{
	char own[PATH_MAX] = "";

	if (readlink("/proc/self/exe", own, sizeof(own) - 1) < 0)
		return 1;
	return printf(format, dirname(own)) < 0;
}

int main(int argc, char **argv)
{
	const char *asked = argc > 1 ? argv[1] : "";

	if (!strcmp(asked, "--version"))
		return puts(TRIPLET "-gcc (GCC) " VERSION) < 0;
	if (!strcmp(asked, "-dumpmachine"))
		return puts(TRIPLET) < 0;
	if (!strncmp(asked, "-dump", 5))
		return puts(VERSION) < 0;
	if (!strcmp(asked, "-print-prog-name=cc1"))
		return print_own_dir("%s/../libexec/cc1\n");
	if (!strcmp(asked, "-print-search-dirs"))
		return print_own_dir("programs: =%s/../libexec/\n");
	if (!strncmp(asked, "-print-", 7))
		return puts(strchr(asked, '=') + 1) < 0;
	argv[0] = "/usr/bin/gcc";
	execv(argv[0], argv);
	return 1;
}
