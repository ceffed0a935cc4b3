/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/phase.h"

#include "base/str.h"

#include <stddef.h>
#include <string.h>

/* The first that fits counts; NULL is any file, "*x" one that ends so. */
static const struct {
	const char *tool, *file, *phase;
} rules[] = {
	{ "AR", "built-in.a", KERNEL_PHASE_LINK },
	{ "AR", "vmlinux.a", KERNEL_PHASE_LINK },
	{ "LD", "vmlinux.o", KERNEL_PHASE_MODPOST },
	{ "MODPOST", NULL, KERNEL_PHASE_MODPOST },
	{ "LD", "vmlinux", KERNEL_PHASE_LINK },
	{ "LD", ".tmp_vmlinux*", KERNEL_PHASE_LINK },
	{ "KSYM", NULL, KERNEL_PHASE_LINK },
	{ "KSYMS", NULL, KERNEL_PHASE_LINK },
	{ "BTF", NULL, KERNEL_PHASE_LINK },
	{ "BTFIDS", "vmlinux", KERNEL_PHASE_LINK },
	{ "SORTTAB", NULL, KERNEL_PHASE_LINK },
	{ "LD [M]", "*.ko", KERNEL_PHASE_MODULES },
	{ "CC [M]", "*.mod.o", KERNEL_PHASE_MODULES },
	{ "CC", "scripts/*", NULL },
	{ "CC", "init/version*", NULL },
	{ "CC", ".vmlinux.export.o", NULL },
	{ "CC", "*.s", NULL },
	{ "CC", "*.o", KERNEL_PHASE_COMPILE },
	{ "CC [M]", "*.o", KERNEL_PHASE_COMPILE },
	{ "DTC", NULL, KERNEL_PHASE_DTBS },
};

/* "*x" and "x*", each once at most. */
static bool fits(const char *pattern, const char *file)
{
	size_t n = pattern ? strlen(pattern) : 0;

	if (!pattern)
		return true;
	if (pattern[0] == '*')
		return str_ends(file, pattern + 1);
	if (n && pattern[n - 1] == '*')
		return !strncmp(file, pattern, n - 1);
	return !strcmp(file, pattern);
}

/* The length of "CC" or "CC [M]"; 0: that is no line of kbuild's. */
static size_t tool_of(const char *line)
{
	size_t n = strspn(line, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");

	if (n && !strncmp(line + n, " [M]", 4))
		n += 4;
	return line[n] == ' ' ? n : 0;
}

const char *kernel_phase_after(const char *line)
{
	const char *file;
	size_t n;

	if (strncmp(line, "  ", 2))
		return NULL;
	line += 2;
	n = tool_of(line);
	file = line + n + strspn(line + n, " ");
	for (size_t i = 0; n && i < sizeof(rules) / sizeof(*rules); i++) {
		if (strlen(rules[i].tool) == n &&
		    !strncmp(line, rules[i].tool, n) &&
		    fits(rules[i].file, file))
			return rules[i].phase;
	}
	return NULL;
}
