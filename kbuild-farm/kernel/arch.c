/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/arch.h"

#include "base/fs.h"
#include "base/str.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

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

/* The architectures of a tree, or without one those that are known. */
static char *list_archs(const char *tree)
{
	char *path = xasprintf("%s/arch", tree ? tree : ""), *text;
	struct strv found = { 0 }, names = { 0 };
	const struct toolchain_arch *a;

	if (tree)
		fs_list(path, &found);
	for (size_t i = 0; i < found.n; i++) {
		if (found.v[i][0] != '.' && tree_has(tree, found.v[i]))
			strv_add(&names, found.v[i]);
	}
	for (size_t i = 0; !tree && (a = toolchain_data_arch_at(i)); i++)
		strv_add(&names, a->arch);
	text = strv_join(&names, " ");
	strv_release(&names);
	strv_release(&found);
	free(path);
	return text;
}

static int refuse_arch(const char *tree, const char *arch, struct err *err)
{
	const struct toolchain_arch *meant = toolchain_data_arch_called(arch);
	char *list = list_archs(tree);
	int ret = err_set(err, EINVAL, "unknown architecture %s%s%s%s; %s: %s",
			  arch, meant ? " (the kernel calls it " : "",
			  meant ? meant->arch : "", meant ? ")" : "",
			  tree ? "this tree has" : "known are", list);

	free(list);
	return ret;
}

int kernel_arch_find(struct kernel_arch *out, const char *tree,
		     const char *arch, struct err *err)
{
	const struct toolchain_arch *k = toolchain_data_arch(arch);
	const char *srcarch = k ? k->srcarch : arch;

	if (!*arch || strlen(arch) >= sizeof(out->arch) || (!tree && !k) ||
	    !tree_has(tree, srcarch))
		return refuse_arch(tree, arch, err);
	*out = (struct kernel_arch){ .known = k };
	snprintf(out->arch, sizeof(out->arch), "%s", arch);
	snprintf(out->srcarch, sizeof(out->srcarch), "%s", srcarch);
	return 0;
}

/* The kernel's scripts/subarch.include. */
void kernel_arch_host(char out[static 32])
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

char *kernel_arch_package(const char *prefix)
{
	const struct toolchain_arch *a;
	size_t i = 0;
	char *name;

	while ((a = toolchain_data_arch_at(i)) != NULL &&
	       !strv_has(&a->prefixes, prefix))
		i++;
	if (!a)
		return NULL;
	name = xasprintf("gcc-%s", prefix);
	name[strlen(name) - 1] = '\0';
	/* Debian: gcc-x86-64-linux-gnu. */
	for (char *c = name; (c = strchr(c, '_')) != NULL;)
		*c = '-';
	return name;
}
