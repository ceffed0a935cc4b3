/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/plan.h"

#include "base/fs.h"
#include "base/which.h"
#include "kernel/compat.h"
#include "kernel/environ.h"
#include "tree/version.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAKEFILE_MAX (1u << 20)

/* $PWD where it names this directory: what a shell's `make` would see. */
static char *current_dir(char *const *env)
{
	const char *pwd = str_env(env, "PWD");
	struct stat a, b;

	if (pwd && pwd[0] == '/' && !stat(pwd, &a) && !stat(".", &b) &&
	    a.st_dev == b.st_dev && a.st_ino == b.st_ino)
		return xstrdup(pwd);
	return getcwd(NULL, 0);
}

static char *tree_path(const char *directory, char *const *env)
{
	char *real;

	if (!directory)
		return current_dir(env);
	real = realpath(directory, NULL);
	return real ? real : xstrdup(directory);
}

static bool tree_has_dir(const char *tree, const char *name)
{
	char *path = xasprintf("%s/%s", tree, name);
	bool yes = fs_is_dir(path);

	free(path);
	return yes;
}

static int refuse_tree(const struct kernel_plan *p, struct err *err)
{
	if (p->source.at.src)
		return err_set(err, EINVAL,
			       "tree %s at %s is not a Linux kernel source "
			       "tree; name another with --tree, or another "
			       "revision with --rev",
			       p->request->tree, p->source.at.commit);
	return err_set(err, EINVAL,
		       "%s is not a Linux kernel source tree; name one with -C",
		       p->tree);
}

static int read_tree(struct kernel_plan *p, struct err *err)
{
	char *path = xasprintf("%s/Makefile", p->tree);
	int ret;

	if (!fs_is_dir(p->tree)) {
		ret = err_set(err, ENOENT, "%s: no such directory", p->tree);
	} else {
		ret = fs_read(path, MAKEFILE_MAX, &p->makefile, err);
		if (!ret)
			p->version = tree_version_read(buf_str(&p->makefile));
		if (!p->version || !tree_has_dir(p->tree, "arch") ||
		    !tree_has_dir(p->tree, "scripts/kconfig"))
			ret = refuse_tree(p, err);
	}
	free(path);
	return ret;
}

static int choose_arch(struct kernel_plan *p, struct err *err)
{
	const char *given = p->request->arch;
	const char *var = kernel_environ_value(
		strv_list(&p->request->variables), "ARCH");
	char host[32];

	if (given && var && strcmp(given, var))
		return err_set(err, EINVAL, "-a %s and ARCH=%s contradict",
			       given, var);
	if (!given)
		given = var ? var : kernel_environ_value(p->env, "ARCH");
	p->arch_given = given != NULL;
	kernel_arch_host(host);
	given = given ? given : host;
	/* One that no tree has is a slip of the pen. */
	p->lacking = kernel_arch_find(&p->arch, p->tree, given, err) &&
		     toolchain_data_arch(given);
	return p->arch.arch[0] ? 0 : -EINVAL;
}

static int choose_compiler(struct kernel_plan *p, struct err *err)
{
	struct kernel_compiler_request request = {
		.tree = p->tree,
		.toolchain = p->request->toolchain,
		.variables = &p->request->variables,
		.env = p->env,
		.standard = p->request->standard,
	};

	return kernel_compiler_choose(&p->compiler, &p->arch, &request, err);
}

/*
 * A .config says in its first lines what it is for; with another ARCH make
 * would ask a hundred questions, and nobody is there to answer.
 */
static int check_config_arch(const struct kernel_plan *p, const char *path,
			     struct err *err)
{
	static const char mark[] = "\n# Linux/";
	char head[512] = "\n", name[32] = "";
	FILE *f = fopen(path, "re");
	struct kernel_arch found;
	struct err ignored;
	const char *at;
	size_t n = 0;

	if (f) {
		n = fread(head + 1, 1, sizeof(head) - 2, f);
		fclose(f);
	}
	head[n + 1] = '\0';
	at = strstr(head, mark);
	if (!at || sscanf(at + sizeof(mark) - 1, "%31[^ ]", name) != 1 ||
	    kernel_arch_find(&found, p->tree, name, &ignored) ||
	    !strcmp(found.srcarch, p->arch.srcarch))
		return 0;
	return err_set(err, EINVAL,
		       "%s is a configuration for %s, not for %s: use -a %s, "
		       "or make a new one with -k",
		       path, name, p->arch.arch, name);
}

static int read_kconfig(struct kernel_plan *p, struct err *err)
{
	char *path = kernel_plan_path(p, ".config");
	bool have = fs_exists(path);
	int ret;

	/* The name of a directory that kfarm chose tells the configuration. */
	if (p->place.kind == KERNEL_CHOSEN)
		have = have && !p->request->kconfig &&
		       !p->request->kconfig_add.n;
	ret = kernel_kconfig_read(&p->kconfig, p->request, p->tree,
				  p->arch.srcarch, have, err);
	p->lacking = ret == -ENOENT;
	if (!ret && p->kconfig.base == KERNEL_CONFIG_KEEP)
		ret = check_config_arch(p, path, err);
	free(path);
	return ret;
}

/* Does the tree's Makefile assign it, whatever the environment says? */
static bool makefile_assigns(const struct kernel_plan *p, const char *name)
{
	size_t n = strlen(name);

	for (const char *line = buf_str(&p->makefile); *line;) {
		const char *at = line + strspn(line, " ");

		if (str_starts(at, "export "))
			at += strspn(at + 7, " ") + 7;
		if (!strncmp(at, name, n)) {
			at += n + strspn(at + n, " \t");
			at += strspn(at, ":");
			if (*at == '=')
				return true;
		}
		line += strcspn(line, "\n");
		line += *line == '\n';
	}
	return false;
}

/* To make they are seen from the build directory; to people from here. */
static const char places[] = "INSTALL_MOD_PATH INSTALL_DTBS_PATH "
			     "INSTALL_HDR_PATH INSTALL_PATH";

/* NAME=DIR with an absolute DIR, which the caller frees; NULL: it is one. */
static char *absolute_place(const char *name, const char *value)
{
	char *dir, *out;

	/* A home directory or a variable is of the shell, or of make. */
	if (!str_list_has(places, ' ', name) || !value || !*value ||
	    strchr("/~$", *value))
		return NULL;
	dir = fs_absolute(value);
	out = xasprintf("%s=%s", name, dir);
	free(dir);
	return out;
}

static void add_setting(struct kernel_plan *p, const char *setting,
			const char *name)
{
	bool typed = str_env(strv_list(&p->request->variables), name);
	char *place = absolute_place(name, setting + strlen(name) + 1);

	if (place)
		setting = place;
	strv_add(&p->settings, setting);
	strv_add(typed || makefile_assigns(p, name) ? &p->vars : &p->exports,
		 setting);
	free(place);
}

static void export_places(struct kernel_plan *p)
{
	struct strv names = { 0 };

	strv_split(&names, places, " ");
	for (size_t i = 0; i < names.n; i++) {
		char *place = absolute_place(names.v[i],
					     str_env(p->env, names.v[i]));

		if (place && !kernel_plan_setting(p, names.v[i]))
			strv_own(&p->exports, place);
		else
			free(place);
	}
	strv_release(&names);
}

/* Add those of `list` that neither `but` nor `dropped` names. */
static void add_settings(struct kernel_plan *p, const struct strv *list,
			 const struct strv *but, const char *dropped)
{
	for (size_t i = 0; i < list->n; i++) {
		char *name = xstrndup(list->v[i], strcspn(list->v[i], "="));

		if (!str_list_has(dropped, ' ', name) &&
		    !str_env(strv_list(but), name))
			add_setting(p, list->v[i], name);
		free(name);
	}
}

static void collect_settings(struct kernel_plan *p)
{
	static const struct strv none;
	char *arch = xasprintf("ARCH=%s", p->arch.arch);

	if (p->arch_given)
		add_setting(p, arch, "ARCH");
	add_settings(p, &p->compiler.vars, &none, "");
	/* Empty ones of these would only break make; O is passed elsewhere. */
	add_settings(p, &p->request->variables, &p->compiler.vars,
		     "ARCH O KBUILD_OUTPUT CC HOSTCC");
	export_places(p);
	free(arch);
}

static void export_unless_set(struct kernel_plan *p, const char *name,
			      const char *value)
{
	if (!kernel_environ_value(strv_list(&p->request->variables), name) &&
	    !str_env(p->env, name))
		strv_addf(&p->exports, "%s=%s", name, value);
}

/*
 * Only where kfarm chose the directory: elsewhere the user's next plain make
 * would find other values, rebuild version.o and link again.
 */
static void fix_identity(struct kernel_plan *p)
{
	char *when = xasprintf("@%lld", p->rev.time);

	if (p->place.kind == KERNEL_CHOSEN) {
		export_unless_set(p, "KBUILD_BUILD_TIMESTAMP", when);
		export_unless_set(p, "KBUILD_BUILD_USER", "kfarm");
		export_unless_set(p, "KBUILD_BUILD_HOST", "kfarm");
	}
	free(when);
}

/* -e applies from the start: it may set CROSS_COMPILE or PATH, too. */
static int read_environment(struct kernel_plan *p, char *const *env,
			    struct err *err)
{
	const struct strv *e = &p->request->environment;

	if (kernel_environ_check(e, err))
		return -EINVAL;
	strv_add_all(&p->exports, e->v);
	kernel_environ_overlay(&p->inherited, env, e);
	p->env = p->inherited.v ? p->inherited.v : env;
	return 0;
}

static int find_make(struct kernel_plan *p, struct err *err)
{
	const char *path = str_env(p->env, "PATH");

	p->make = which("make", path ? path : "");
	if (p->make)
		return 0;
	return err_set(err, ENOENT,
		       "make: not found in PATH; install the package make");
}

static int find_tree(struct kernel_plan *p, char *const *env, struct err *err)
{
	int ret = 0;

	if (!p->request->tree)
		p->tree = tree_path(p->request->directory, env);
	else
		ret = kernel_source_take(&p->source, p->request, p->env, err);
	if (p->request->tree && !ret)
		p->tree = xstrdup(p->source.at.src);
	return ret;
}

/* A private worktree is on no branch, but may have been moved to one's end. */
static int read_rev(struct kernel_plan *p, struct err *err)
{
	int ret = tree_rev_read(&p->rev, p->tree, err);

	if (!ret && !p->rev.branch && p->source.at.branch)
		p->rev.branch = xstrdup(p->source.at.branch);
	return ret;
}

int kernel_plan_make(struct kernel_plan *p, const struct kernel_request *r,
		     char *const *env, struct err *err)
{
	int ret;

	*p = (struct kernel_plan){ .request = r };
	ret = read_environment(p, env, err);
	if (!ret)
		ret = find_tree(p, env, err);
	if (!ret)
		ret = read_tree(p, err);
	if (!ret)
		ret = find_make(p, err);
	if (!ret)
		ret = choose_arch(p, err);
	if (!ret)
		ret = choose_compiler(p, err);
	if (!ret)
		ret = kernel_place_find(&p->place, p, err);
	if (!ret)
		ret = read_kconfig(p, err);
	if (!ret)
		ret = kernel_compat_choose(p, err);
	if (!ret)
		ret = read_rev(p, err);
	if (ret)
		return ret;
	fix_identity(p);
	collect_settings(p);
	return 0;
}

void kernel_plan_release(struct kernel_plan *p)
{
	kernel_compiler_release(&p->compiler);
	kernel_kconfig_release(&p->kconfig);
	tree_rev_release(&p->rev);
	kernel_source_release(&p->source);
	buf_release(&p->makefile);
	strv_release(&p->settings);
	strv_release(&p->vars);
	strv_release(&p->exports);
	strv_release(&p->inherited);
	free(p->place.dir);
	free(p->tree);
	free(p->version);
	free(p->make);
	*p = (struct kernel_plan){ 0 };
}

char *kernel_plan_path(const struct kernel_plan *p, const char *name)
{
	return xasprintf("%s/%s", p->place.dir, name);
}

char *kernel_plan_compiler_text(const struct kernel_plan *p)
{
	return xasprintf("%s-%s", p->compiler.is_clang ? "clang" : "gcc",
			 p->compiler.version);
}

const char *kernel_plan_setting(const struct kernel_plan *p, const char *name)
{
	return str_env(strv_list(&p->settings), name);
}

void kernel_plan_make_argv(const struct kernel_plan *p, struct strv *out,
			   char *const *options, char *const *targets)
{
	strv_add(out, "make");
	strv_add_all(out, options);
	if (p->place.variable)
		strv_addf(out, "%s=%s", p->place.variable, p->place.dir);
	strv_add_all(out, p->vars.v);
	strv_add_all(out, targets);
}

void kernel_plan_env(const struct kernel_plan *p, struct strv *out,
		     const char *links, char *const *extra)
{
	char *path = kernel_environ_path(&p->compiler.dirs, p->env);
	struct strv ours = { 0 };

	strv_add_all(&ours, p->exports.v);
	strv_add_all(&ours, extra);
	if (links)
		strv_addf(&ours, "PATH=%s:%s", links, path);
	else if (p->compiler.dirs.n)
		strv_addf(&ours, "PATH=%s", path);
	kernel_environ_overlay(out, p->env, &ours);
	strv_release(&ours);
	free(path);
}
