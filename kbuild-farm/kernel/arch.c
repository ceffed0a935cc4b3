/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/arch.h"

#include "base/fs.h"
#include "base/spellcheck.h"
#include "base/str.h"
#include "base/vec.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

static bool has_arch_dir(const char *tree, const char *srcarch)
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

/*
 * List the architectures of `tree` or, if it is NULL, those of the table in
 * toolchain/builtin.h.
 */
static void list_archs(struct strv *names, const char *tree)
{
	char *path = xasprintf("%s/arch", tree ? tree : "");
	struct strv found = { 0 };
	const struct toolchain_arch *a;

	if (tree)
		fs_list(path, &found);
	for (size_t i = 0; i < found.n; i++) {
		if (found.v[i][0] != '.' && has_arch_dir(tree, found.v[i]))
			strv_add(names, found.v[i]);
	}
	for (size_t i = 0; !tree && (a = toolchain_builtin_arch_at(i)); i++)
		strv_add(names, a->arch);
	strv_release(&found);
	free(path);
}

/* Set the error for the unknown architecture `arch`.  Returns -EINVAL. */
static int set_unknown(const char *tree, const char *arch, struct err *err)
{
	const struct toolchain_arch *meant = toolchain_builtin_arch_by_alias(
		arch);
	const struct toolchain_arch *a;
	struct strv names = { 0 };
	char *list, *all, *question;
	struct spellcheck n;

	list_archs(&names, tree);
	list = strv_join(&names, " ");
	all = xasprintf("; %s: %s",
			tree ? "this tree has" : "known architectures", list);
	spellcheck_init(&n, arch);
	for (size_t i = 0; i < names.n && !meant; i++)
		spellcheck_add(&n, names.v[i]);
	for (size_t i = 0; !meant && (a = toolchain_builtin_arch_at(i)); i++) {
		if (!tree || has_arch_dir(tree, a->srcarch))
			spellcheck_add(&n, a->arch);
	}
	question = spellcheck_suggestion(&n, "", all);
	if (meant)
		err_set(err, EINVAL,
			"unknown architecture %s (the kernel calls it %s)%s",
			arch, meant->arch, all);
	else
		err_set(err, EINVAL, "unknown architecture %s%s", arch,
			question);
	free(question);
	free(all);
	free(list);
	strv_release(&names);
	return -EINVAL;
}

int kernel_arch_find(struct kernel_arch *out, const char *tree,
		     const char *arch, struct err *err)
{
	const struct toolchain_arch *k = toolchain_builtin_find_arch(arch);
	const char *srcarch = k ? k->srcarch : arch;

	if (*arch && strlen(arch) < sizeof(out->arch) && (tree || k) &&
	    has_arch_dir(tree, srcarch)) {
		*out = (struct kernel_arch){ .toolchain_arch = k };
		snprintf(out->arch, sizeof(out->arch), "%s", arch);
		snprintf(out->srcarch, sizeof(out->srcarch), "%s", srcarch);
		return 0;
	}
	return set_unknown(tree, arch, err);
}

/* The rules are those of the kernel's scripts/subarch.include. */
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
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
		if (str_starts(u.machine, rules[i].starts)) {
			strcpy(out, rules[i].srcarch);
			return;
		}
	}
}

char *kernel_arch_debian_package(const char *prefix)
{
	const struct toolchain_arch *a;
	size_t i = 0;
	char *name;

	while ((a = toolchain_builtin_arch_at(i)) != NULL &&
	       !strv_has(&a->prefixes, prefix))
		i++;
	if (!a || a->unpackaged)
		return NULL;
	name = xasprintf("gcc-%s", prefix);
	name[strlen(name) - 1] = '\0';
	/* Package names have no underscore: gcc-x86-64-linux-gnu. */
	for (char *c = name; (c = strchr(c, '_')) != NULL;)
		*c = '-';
	return name;
}

const char *kernel_arch_toolchain_hint(const struct kernel_arch *arch)
{
	const struct toolchain_arch *a = arch->toolchain_arch;

	return a && a->unpackaged && !a->triplets.n ?
		       " clang with -t clang" :
		       " another toolchain with -t";
}
