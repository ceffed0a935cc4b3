/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/module-dir.h"

#include "base/fs.h"
#include "base/vec.h"
#include "kernel/environ.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#define MAKEFILE_MAX (1u << 20)

static char *absolute_dir(const char *dir)
{
	char *real = realpath(dir, NULL);

	return real ? real : fs_make_absolute(dir);
}

void kernel_module_init(struct kernel_module *m, const struct strv *variables,
			char *const *env)
{
	char *const *given = strv_list(variables);
	const char *dir = kernel_environ_value(given, "M");
	const char *output = kernel_environ_value(given, "MO");

	*m = (struct kernel_module){ 0 };
	if (!dir)
		dir = kernel_environ_value(given, "KBUILD_EXTMOD");
	if (!dir)
		dir = kernel_environ_value(env, "KBUILD_EXTMOD");
	if (!dir)
		return;
	m->dir = absolute_dir(dir);
	m->relative = dir[0] != '/';
	strv_addf(&m->vars, "M=%s", m->dir);
	if (!output)
		output = kernel_environ_value(given, "KBUILD_EXTMOD_OUTPUT");
	if (!output)
		output = kernel_environ_value(env, "KBUILD_EXTMOD_OUTPUT");
	if (!output)
		return;
	m->output_dir = absolute_dir(output);
	strv_addf(&m->vars, "MO=%s", m->output_dir);
}

void kernel_module_release(struct kernel_module *m)
{
	strv_release(&m->vars);
	free(m->output_dir);
	free(m->dir);
	*m = (struct kernel_module){ 0 };
}

void kernel_module_build_below(struct kernel_module *m, const char *tree,
			       const char *makefile, const char *build_dir)
{
	char *top = absolute_dir(tree);
	const char *within = m->dir ? str_skip_dir(m->dir, top) : NULL;

	/* Linux 6.13 introduced srcroot and MO. */
	if (within && m->relative && !m->output_dir &&
	    !strstr(makefile, "srcroot")) {
		strv_release(&m->vars);
		strv_addf(&m->vars, "M=%s", within);
		m->output_dir = xasprintf("%s/%s", build_dir, within);
	}
	free(top);
}

static int check_module_path(const char *variable, const char *path,
			     struct err *err)
{
	if (!strpbrk(path, " \t\n:%"))
		return 0;
	return err_set(err, EINVAL,
		       "%s=%s: make does not support paths with spaces, colons "
		       "or percent signs",
		       variable, path);
}

int kernel_module_check(const struct kernel_module *m, struct err *err)
{
	int ret;

	if (!m->dir)
		return 0;
	if (!fs_is_dir(m->dir))
		return err_set(err, ENOENT, "M=%s: no such directory", m->dir);
	if (!fs_exists_in(m->dir, "Kbuild") &&
	    !fs_exists_in(m->dir, "Makefile"))
		return err_set(err, ENOENT,
			       "M=%s: no Makefile and no Kbuild in this "
			       "directory",
			       m->dir);
	ret = check_module_path("M", m->dir, err);
	if (!ret && m->output_dir)
		ret = check_module_path("MO", m->output_dir, err);
	return ret;
}

char *kernel_module_find_kernel(const struct strv *variables, char *const *env)
{
	const char *dir = kernel_environ_value(strv_list(variables), "KDIR");
	struct utsname host;

	if (!dir)
		dir = kernel_environ_value(env, "KDIR");
	if (dir)
		return absolute_dir(dir);
	if ((fs_exists_in(".", "arch") &&
	     fs_exists_in(".", "scripts/kconfig")) ||
	    uname(&host))
		return NULL;
	return xasprintf("/lib/modules/%s/build", host.release);
}

char *kernel_module_find_tree(const char *dir)
{
	char *path = xasprintf("%s/Makefile", dir), *tree = NULL;
	struct buf text = { 0 };
	struct strv lines = { 0 };
	struct err ignored;

	fs_read(path, MAKEFILE_MAX, &text, &ignored);
	strv_split(&lines, buf_str(&text), "\n");
	for (size_t i = 0; i < lines.n && !tree; i++) {
		const char *line = lines.v[i];

		/* Linux before 5.3 calls the tree's Makefile instead. */
		if (str_starts(line, "include /") &&
		    str_ends(line, "/Makefile"))
			tree = str_dir(line + strlen("include "));
		else if (str_starts(line, "MAKEARGS := -C /"))
			tree = xstrdup(line + strlen("MAKEARGS := -C "));
	}
	if (tree && !fs_exists_in(tree, "arch")) {
		free(tree);
		tree = NULL;
	}
	strv_release(&lines);
	buf_release(&text);
	free(path);
	return tree;
}
