/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/compat.h"

#include "base/fs.h"
#include "base/which.h"
#include "kernel/environ.h"

#include <stdlib.h>
#include <string.h>

#define CONFIG_MAX (16u << 20)
#define SYMBOL     "CONFIG_COMPAT_VDSO"
#define VARIABLE   "CROSS_COMPILE_COMPAT"

static bool is_asked(const struct kernel_plan *p)
{
	char *path = xasprintf("%s/.config", p->place.dir);
	struct buf text = { 0 };
	struct err ignored;
	bool yes;

	fs_read(path, CONFIG_MAX, &text, &ignored);
	yes = kernel_kconfig_asks(&p->kconfig, buf_str(&text), SYMBOL);
	buf_release(&text);
	free(path);
	return yes;
}

/* clang compiles for arm, too. */
static bool is_needed(const struct kernel_plan *p)
{
	return !strcmp(p->arch.srcarch, "arm64") && !p->compiler.is_clang &&
	       !str_env(strv_list(&p->request->variables), "CC_COMPAT") &&
	       is_asked(p);
}

/* arm's compiler of the same release, if it is installed. */
static int find_installed(const struct kernel_compiler *c,
			  const struct kernel_arch *arm, char **prefix,
			  struct err *err)
{
	const struct toolchain_installed *t;
	char *release = xasprintf("gcc-%s", c->version);
	int ret = kernel_installed_find(&c->installed, arm, release, &t, err);

	if (!ret && t)
		ret = kernel_installed_prefix(&c->installed, t, prefix, err);
	free(release);
	return ret;
}

static char *find_on_path(const struct kernel_arch *arm, const char *path)
{
	for (size_t i = 0; i < arm->known->prefixes.n; i++) {
		const char *prefix = arm->known->prefixes.v[i];
		char *name = xasprintf("%sgcc", prefix);
		char *file = which_compiler(name, path, NULL);

		free(name);
		if (file) {
			free(file);
			return xstrdup(prefix);
		}
	}
	return NULL;
}

static int find_arm_prefix(const struct kernel_compiler *c, char *const *env,
			   char **prefix, struct err *err)
{
	char *path = kernel_environ_path(&c->dirs, env);
	struct kernel_arch arm;
	int ret = kernel_arch_find(&arm, NULL, "arm", err);

	if (!ret && c->n_leases)
		ret = find_installed(c, &arm, prefix, err);
	if (!ret && !*prefix)
		*prefix = find_on_path(&arm, path);
	if (!ret && !*prefix)
		ret = find_installed(c, &arm, prefix, err);
	free(path);
	return ret;
}

/* Use an installed toolchain of that prefix, if there is one. */
static int use_installed(struct kernel_compiler *c, const char *prefix,
			 struct err *err)
{
	char *name = xasprintf("%sgcc", prefix);
	int ret = 0;

	if (kernel_installed_has(&c->installed, name))
		ret = kernel_compiler_use(c, name, err);
	free(name);
	return ret;
}

int kernel_compat_choose(struct kernel_plan *p, struct err *err)
{
	struct kernel_compiler *c = &p->compiler;
	const char *given = str_env(strv_list(&p->request->variables),
				    VARIABLE);
	char *prefix = NULL;
	int ret;

	if (!given)
		given = str_env(p->env, VARIABLE);
	if (given)
		return *given ? use_installed(c, given, err) : 0;
	if (!is_needed(p))
		return 0;
	ret = find_arm_prefix(c, p->env, &prefix, err);
	if (!ret && prefix)
		ret = use_installed(c, prefix, err);
	if (ret)
		err_wrap(err, SYMBOL);
	else if (prefix)
		strv_addf(&c->vars, VARIABLE "=%s", prefix);
	else
		strv_addf(&c->notes,
			  SYMBOL " is asked for, and no compiler for arm is "
				 "there: `kfarm toolchain install gcc-%s "
				 "--arch arm` gets one",
			  c->version);
	free(prefix);
	return ret;
}
