/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/minimum.h"

#include "base/fs.h"
#include "base/spawn.h"
#include "kernel/environ.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ASK_MS 20000

int kernel_minimum_version(struct kernel_compiler *c, char *const *env,
			   struct err *err)
{
	char *path = kernel_environ_path(&c->dirs, env), *line = NULL;
	struct strv argv = { 0 }, with = { 0 };
	int ret;

	/* The first PATH counts, not the user's. */
	strv_addf(&with, "PATH=%s", path);
	strv_add_all(&with, env);
	strv_split(&argv, *c->path ? c->path : c->name, " \t");
	if (!c->is_clang)
		strv_add(&argv, "-dumpfullversion");
	strv_add(&argv, "-dumpversion");
	ret = spawn_first_line(argv.v, with.v, ASK_MS, &line, err);
	if (!ret && (!line || !isdigit((unsigned char)*line)))
		ret = err_set(err, ENOEXEC,
			      "%s does not tell its version: it does not run "
			      "here, or is no C compiler",
			      c->name);
	else if (!ret)
		c->version = xstrndup(line, strcspn(line, " "));
	free(line);
	strv_release(&argv);
	strv_release(&with);
	free(path);
	return ret;
}

/* What to do about it: the rest of the message; the caller frees it. */
static char *advise(const struct kernel_compiler *c,
		    const struct kernel_arch *arch, const char *least)
{
	const struct toolchain_installed *t;
	struct toolchain_release need = { 0 };
	struct err ignored;
	char *get, *out;

	if (toolchain_release_of(c->is_clang, least, &need, &ignored))
		return xstrdup("name a newer one with -t");
	t = kernel_installed_newer(&c->installed, arch, &need);
	/* Only the major version: any release of it will do. */
	need.n = 1;
	get = kernel_installed_advice(arch, &need);
	out = xasprintf("%s%s%s%s%s", t ? "-t " : "name a newer one with -t",
			t ? t->release : "",
			t ? " is installed and new enough" : "",
			get ? "; " : "", get ? get : "");
	free(get);
	return out;
}

static int refuse_older(const struct kernel_compiler *c,
			const struct kernel_arch *arch, const char *least,
			struct err *err)
{
	char *advice = advise(c, arch, least);

	err_set(err, ENOTSUP,
		"%s is version %s, but this tree needs %s %s or newer; %s",
		c->name, c->version, c->is_clang ? "llvm" : "gcc", least,
		advice);
	free(advice);
	return -ENOTSUP;
}

bool kernel_minimum_older(const char *a, const char *b)
{
	for (;;) {
		char *end_a, *end_b;
		unsigned long n = strtoul(a, &end_a, 10);
		unsigned long m = strtoul(b, &end_b, 10);

		if (n != m)
			return n < m;
		if (*end_a != '.' && *end_b != '.')
			return false;
		a = *end_a == '.' ? end_a + 1 : end_a;
		b = *end_b == '.' ? end_b + 1 : end_b;
	}
}

int kernel_minimum_check(const struct kernel_compiler *c,
			 const struct kernel_arch *arch, const char *tree,
			 struct err *err)
{
	char *script = xasprintf("%s/scripts/min-tool-version.sh",
				 tree ? tree : "");
	char *tool = xstrdup(c->is_clang ? "llvm" : "gcc"), *least = NULL;
	char *argv[] = { (char[]){ "/bin/sh" }, script, tool, NULL };
	struct strv env = { 0 };
	int ret = 0;

	strv_addf(&env, "SRCARCH=%s", arch->srcarch);
	if (tree && fs_exists(script))
		spawn_first_line(argv, env.v, ASK_MS, &least, err);
	if (least && kernel_minimum_older(c->version, least))
		ret = refuse_older(c, arch, least, err);
	free(least);
	strv_release(&env);
	free(tool);
	free(script);
	return ret;
}
