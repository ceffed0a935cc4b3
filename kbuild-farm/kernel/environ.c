/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/environ.h"

#include <errno.h>
#include <stdbool.h>
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
