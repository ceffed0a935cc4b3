/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/environ.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static bool is_replaced(const char *entry, const struct strv *overrides)
{
	size_t n = strcspn(entry, "=") + 1;

	for (size_t i = 0; i < overrides->n; i++) {
		if (!strncmp(overrides->v[i], entry, n))
			return true;
	}
	return false;
}

void kernel_environ_overlay(struct strv *out, char *const *env,
			    const struct strv *overrides)
{
	for (; *env; env++) {
		if (!is_replaced(*env, overrides))
			strv_add(out, *env);
	}
	for (size_t i = 0; i < overrides->n; i++) {
		const struct strv later = { .v = overrides->v + i + 1,
					    .n = overrides->n - i - 1 };

		if (!is_replaced(overrides->v[i], &later))
			strv_add(out, overrides->v[i]);
	}
}

const char *kernel_environ_value(char *const *env, const char *name)
{
	const char *value = str_find_env(env, name);

	return value && *value ? value : NULL;
}

char *kernel_environ_path(const struct strv *dirs, char *const *env)
{
	const char *path = str_find_env(env, "PATH");
	struct strv all = { 0 };
	char *out;

	strv_add_all(&all, dirs->v);
	strv_add(&all, path ? path : "/usr/local/bin:/usr/bin:/bin");
	out = strv_join(&all, ":");
	strv_release(&all);
	return out;
}

int kernel_environ_check(const struct strv *given, struct err *err)
{
	for (size_t i = 0; i < given->n; i++) {
		if (given->v[i][0] == '=' || !strchr(given->v[i], '='))
			return err_set(err, EINVAL,
				       "-e %s: expected NAME=VALUE",
				       given->v[i]);
	}
	return 0;
}

size_t kernel_environ_name_len(const char *assignment)
{
	size_t n = strcspn(assignment, "=");

	if (n && strchr("+?!", assignment[n - 1]))
		n--;
	while (n && strchr(": \t", assignment[n - 1]))
		n--;
	return n;
}

static bool has_other_operator(const char *assignment)
{
	return assignment[kernel_environ_name_len(assignment)] != '=';
}

void kernel_environ_assign(struct strv *variables, const char *assignment)
{
	size_t len = strcspn(assignment, "=") + 1, last = variables->n - 1;
	char **v = variables->v;

	for (size_t i = 0; i < variables->n && !has_other_operator(assignment);
	     i++) {
		if (strncmp(v[i], assignment, len))
			continue;
		free(v[i]);
		memmove(v + i, v + i + 1, (last - i) * sizeof(*v));
		v[last] = xstrdup(assignment);
		return;
	}
	strv_add(variables, assignment);
}

int kernel_environ_check_variables(const struct strv *variables,
				   struct err *err)
{
	/* kfarm itself reads these variables and supports only "=" for them. */
	static const char names[] =
		"ARCH CC CC_COMPAT HOSTCC LLVM CROSS_COMPILE "
		"CROSS_COMPILE_COMPAT O KBUILD_OUTPUT M MO KDIR "
		"KBUILD_EXTMOD KBUILD_EXTMOD_OUTPUT KCONFIG_CONFIG "
		"INSTALL_PATH INSTALL_MOD_PATH INSTALL_DTBS_PATH "
		"INSTALL_HDR_PATH LOCALVERSION KERNELRELEASE KERNELVERSION "
		"KBUILD_BUILD_TIMESTAMP KBUILD_BUILD_USER KBUILD_BUILD_HOST";
	int ret = 0;

	for (size_t i = 0; !ret && i < variables->n; i++) {
		const char *v = variables->v[i];
		char *name = xstrndup(v, kernel_environ_name_len(v));

		if (has_other_operator(v) && str_list_has(names, ' ', name))
			ret = err_set(err, EINVAL,
				      "%s: kfarm reads %s itself and supports "
				      "only the operator \"=\" for it; "
				      "specify %s=VALUE",
				      v, name, name);
		free(name);
	}
	return ret;
}
