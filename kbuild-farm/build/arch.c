/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/arch.h"

#include "base/fs.h"
#include "base/str.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

struct known {
	const char *arch;
	const char *srcarch;
	const char *prefix[BUILD_ARCH_PREFIXES];
};

static const struct known table[] = {
	{ "alpha", "alpha", { "alpha-linux-gnu-" } },
	{ "arc", "arc", { "arc-linux-gnu-" } },
	{ "arm", "arm", { "arm-linux-gnueabihf-", "arm-linux-gnueabi-" } },
	{ "arm64", "arm64", { "aarch64-linux-gnu-" } },
	{ "csky", "csky", { "csky-linux-gnu-" } },
	{ "hexagon", "hexagon", { "hexagon-linux-musl-" } },
	{ "i386", "x86", { "i686-linux-gnu-", "x86_64-linux-gnu-" } },
	{ "loongarch", "loongarch", { "loongarch64-linux-gnu-" } },
	{ "m68k", "m68k", { "m68k-linux-gnu-" } },
	{ "microblaze", "microblaze", { "microblaze-linux-gnu-" } },
	{ "mips", "mips", { "mips-linux-gnu-", "mips64-linux-gnuabi64-" } },
	{ "nios2", "nios2", { "nios2-linux-gnu-" } },
	{ "openrisc", "openrisc", { "or1k-linux-gnu-", "or1k-linux-" } },
	{ "parisc", "parisc", { "hppa-linux-gnu-" } },
	{ "parisc64", "parisc", { "hppa64-linux-gnu-" } },
	{ "powerpc",
	  "powerpc",
	  { "powerpc64le-linux-gnu-", "powerpc-linux-gnu-" } },
	{ "riscv", "riscv", { "riscv64-linux-gnu-" } },
	{ "s390", "s390", { "s390x-linux-gnu-" } },
	{ "sh", "sh", { "sh4-linux-gnu-" } },
	{ "sh64", "sh", { "sh4-linux-gnu-" } },
	{ "sparc", "sparc", { "sparc64-linux-gnu-" } },
	{ "sparc32", "sparc", { "sparc64-linux-gnu-" } },
	{ "sparc64", "sparc", { "sparc64-linux-gnu-" } },
	{ "um", "um", { NULL } },
	{ "x86", "x86", { "x86_64-linux-gnu-" } },
	{ "x86_64", "x86", { "x86_64-linux-gnu-" } },
	{ "xtensa", "xtensa", { "xtensa-linux-gnu-" } },
};

/* What others call them: uname -m, Debian, Go, Android. */
static const struct {
	const char *other, *arch;
} aliases[] = {
	{ "aarch64", "arm64" },     { "amd64", "x86_64" },
	{ "x86-64", "x86_64" },     { "i686", "i386" },
	{ "armhf", "arm" },         { "armel", "arm" },
	{ "armv7l", "arm" },        { "riscv64", "riscv" },
	{ "ppc", "powerpc" },       { "ppc64", "powerpc" },
	{ "ppc64le", "powerpc" },   { "ppc64el", "powerpc" },
	{ "s390x", "s390" },        { "loongarch64", "loongarch" },
	{ "mips64", "mips" },       { "mipsel", "mips" },
	{ "hppa", "parisc" },       { "or1k", "openrisc" },
	{ "powerpc64", "powerpc" },
};

static const struct known *lookup(const char *arch)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		if (!strcmp(table[i].arch, arch))
			return &table[i];
	}
	return NULL;
}

static bool tree_has(const char *tree, const char *srcarch)
{
	char *path;
	bool yes;

	if (!tree)
		return true;
	path = xasprintf("%s/arch/%s/Makefile", tree, srcarch);
	yes = !strchr(srcarch, '/') && fs_exists(path);

	free(path);
	return yes;
}

static char *list_of_tree(const char *tree)
{
	char *path = xasprintf("%s/arch", tree), *text;
	DIR *dir = opendir(path);
	struct strv names = { 0 };
	struct dirent *d;

	while (dir && (d = readdir(dir)) != NULL) {
		if (d->d_name[0] != '.' && tree_has(tree, d->d_name))
			strv_add(&names, d->d_name);
	}
	if (dir)
		closedir(dir);
	strv_sort(&names);
	text = strv_join(&names, " ");
	strv_release(&names);
	free(path);
	return text;
}

static char *list_of_table(void)
{
	struct strv names = { 0 };
	char *text;

	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++)
		strv_add(&names, table[i].arch);
	text = strv_join(&names, " ");
	strv_release(&names);
	return text;
}

static int refuse(const char *tree, const char *arch, struct err *err)
{
	char *list = tree ? list_of_tree(tree) : list_of_table();
	char *hint = xstrdup("");
	int ret;

	for (size_t i = 0; i < sizeof(aliases) / sizeof(*aliases); i++) {
		if (strcmp(aliases[i].other, arch))
			continue;
		free(hint);
		hint = xasprintf(" (the kernel calls it %s)", aliases[i].arch);
		break;
	}
	ret = err_set(err, EINVAL, "unknown architecture %s%s; %s: %s", arch,
		      hint, tree ? "this tree has" : "known are", list);
	free(hint);
	free(list);
	return ret;
}

int build_arch_find(struct build_arch *out, const char *tree, const char *arch,
		    struct err *err)
{
	const struct known *k = lookup(arch);
	const char *srcarch = k ? k->srcarch : arch;

	if (!*arch || strlen(arch) >= sizeof(out->arch) || (!tree && !k) ||
	    !tree_has(tree, srcarch))
		return refuse(tree, arch, err);
	*out = (struct build_arch){ 0 };
	snprintf(out->arch, sizeof(out->arch), "%s", arch);
	snprintf(out->srcarch, sizeof(out->srcarch), "%s", srcarch);
	if (k)
		memcpy(out->prefix, k->prefix, sizeof(out->prefix));
	return 0;
}

/* The kernel's scripts/subarch.include. */
void build_arch_host(char out[static 32])
{
	static const struct {
		const char *starts, *srcarch;
	} rules[] = {
		{ "x86_64", "x86" },
		{ "aarch64", "arm64" },
		{ "arm64", "arm64" },
		{ "arm", "arm" },
		{ "sa110", "arm" },
		{ "s390x", "s390" },
		{ "ppc", "powerpc" },
		{ "mips", "mips" },
		{ "sh", "sh" },
		{ "riscv", "riscv" },
		{ "loongarch", "loongarch" },
		{ "parisc", "parisc" },
		{ "sparc64", "sparc" },
		{ "sun4u", "sparc" },
	};
	struct utsname u;

	uname(&u);
	snprintf(out, 32, "%.31s", u.machine);
	if (u.machine[0] == 'i' && !strcmp(u.machine + 2, "86"))
		strcpy(out, "x86");
	for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++) {
		if (str_starts(u.machine, rules[i].starts)) {
			strcpy(out, rules[i].srcarch);
			return;
		}
	}
}

char *build_arch_package(const char *prefix)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		for (int p = 0; p < BUILD_ARCH_PREFIXES; p++) {
			char *name;

			if (!str_equal(table[i].prefix[p], prefix))
				continue;
			name = xasprintf("gcc-%s", prefix);
			name[strlen(name) - 1] = '\0';
			/* Debian: gcc-x86-64-linux-gnu. */
			for (char *c = name; (c = strchr(c, '_')) != NULL;)
				*c = '-';
			return name;
		}
	}
	return NULL;
}
