/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/plan.h"

#include "base/fs.h"
#include "base/vec.h"
#include "base/which.h"
#include "kernel/environ.h"
#include "tree/version.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#define MAKEFILE_MAX (1u << 20)

/*
 * Read M= or KBUILD_EXTMOD=, and MO= or KBUILD_EXTMOD_OUTPUT=, from
 * `variables`.  If they are not set, read KBUILD_EXTMOD and
 * KBUILD_EXTMOD_OUTPUT from `env`.  A relative path is relative to the current
 * directory.
 */
static void read_module(struct kernel_module *m, const struct strv *variables,
			char *const *env)
{
	char *const *given = strv_list(variables);
	const char *dir = kernel_environ_value(given, "M");
	const char *output = kernel_environ_value(given, "MO");

	if (!dir)
		dir = kernel_environ_value(given, "KBUILD_EXTMOD");
	if (!dir)
		dir = kernel_environ_value(env, "KBUILD_EXTMOD");
	if (!dir)
		return;
	m->dir = fs_canonical_path(dir);
	m->relative = dir[0] != '/';
	strv_addf(&m->vars, "M=%s", m->dir);
	if (!output)
		output = kernel_environ_value(given, "KBUILD_EXTMOD_OUTPUT");
	if (!output)
		output = kernel_environ_value(env, "KBUILD_EXTMOD_OUTPUT");
	if (!output)
		return;
	m->output_dir = fs_canonical_path(output);
	strv_addf(&m->vars, "MO=%s", m->output_dir);
}

/*
 * Adapt the module to a kernel before Linux 6.13, whose make ignores MO.
 * `make M=DIR O=OBJECTS` of such a kernel writes the objects to OBJECTS/DIR if
 * DIR is a relative path, but to DIR if DIR is an absolute path.  If `tree`
 * contains the module's directory, keep the path relative, so that the source
 * tree gets no objects.  `makefile` is the text of the tree's top Makefile;
 * `build_dir` is NULL for a build in the tree.
 */
static void adapt_to_old_kernel(struct kernel_module *m, const char *tree,
				const char *makefile, const char *build_dir)
{
	const char *within;
	char *top;

	/* Linux 6.13 introduced srcroot and MO. */
	if (!m->dir || strstr(makefile, "srcroot"))
		return;
	top = fs_canonical_path(tree);
	within = str_skip_dir(m->dir, top);
	strv_release(&m->vars);
	free(m->output_dir);
	m->output_dir = NULL;
	if (within && m->relative && build_dir) {
		strv_addf(&m->vars, "M=%s", within);
		m->output_dir = xasprintf("%s/%s", build_dir, within);
	} else {
		strv_addf(&m->vars, "M=%s", m->dir);
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

static bool is_kernel_tree(const char *dir)
{
	return fs_exists_in(dir, "arch") &&
	       fs_exists_in(dir, "scripts/kconfig");
}

/*
 * Return the directory of the kernel for which modules are built, or NULL for
 * the current directory.  The caller frees it.
 */
static char *find_module_kernel(const struct strv *variables, char *const *env)
{
	const char *dir = kernel_environ_value(strv_list(variables), "KDIR");
	struct utsname host;

	if (!dir)
		dir = kernel_environ_value(env, "KDIR");
	if (dir)
		return fs_canonical_path(dir);
	if (is_kernel_tree(".") || uname(&host))
		return NULL;
	return xasprintf("/lib/modules/%s/build", host.release);
}

/*
 * `line` is a line of the Makefile that kbuild writes into the build directory
 * `dir`.  If the line names the kernel tree, return the tree's path, else NULL.
 * The line names the tree as ".." if the build directory is directly below it.
 * The caller frees the result.
 */
static char *parse_source_tree(const char *dir, const char *line)
{
	static const char include[] = "include ", options[] = "MAKEARGS := -C ";
	char *tree = NULL, *path;

	/*
	 * Since Linux 5.3, the Makefile includes the Makefile of the tree.
	 * Earlier versions call make in the tree.
	 */
	if (str_starts(line, include) && str_ends(line, "/Makefile"))
		tree = str_dir(line + strlen(include));
	else if (str_starts(line, options))
		tree = xstrdup(line + strlen(options));
	if (tree && tree[0] != '/') {
		path = str_join_path(dir, tree);
		free(tree);
		tree = realpath(path, NULL);
		free(path);
	}
	return tree;
}

/*
 * If `dir` is a build directory, return its kernel tree, else NULL.  The caller
 * frees it.
 */
static char *find_source_tree(const char *dir)
{
	char *path = xasprintf("%s/Makefile", dir), *tree = NULL;
	struct buf text = { 0 };
	struct strv lines = { 0 };
	struct err ignored;

	fs_read(path, MAKEFILE_MAX, &text, &ignored);
	strv_split(&lines, buf_str(&text), "\n");
	for (size_t i = 0; i < lines.n && !tree; i++)
		tree = parse_source_tree(dir, lines.v[i]);
	if (tree && !fs_exists_in(tree, "arch")) {
		free(tree);
		tree = NULL;
	}
	strv_release(&lines);
	buf_release(&text);
	free(path);
	return tree;
}

static char *tree_path(const char *directory, char *const *env)
{
	const char *pwd = str_find_env(env, "PWD");
	struct stat a, b;
	char *real;

	if (directory) {
		real = realpath(directory, NULL);
		return real ? real : xstrdup(directory);
	}
	/*
	 * Like make, use the shell's PWD, whose symbolic links are not
	 * resolved.
	 */
	if (pwd && pwd[0] == '/' && !stat(pwd, &a) && !stat(".", &b) &&
	    a.st_dev == b.st_dev && a.st_ino == b.st_ino)
		return xstrdup(pwd);
	return fs_canonical_path(".");
}

/*
 * Choose the kernel tree and, for modules outside of the tree, their build
 * directory.
 */
static void choose_tree(struct kernel_plan *p, char *const *env)
{
	const struct kconfig_request *r = p->request;
	char *kernel = p->module.dir && !r->directory ?
			       find_module_kernel(&r->variables, p->env) :
			       NULL;
	char *source;

	p->tree = tree_path(kernel ? kernel : r->directory, env);
	source = p->module.dir ? find_source_tree(p->tree) : NULL;
	if (source) {
		p->prepared_dir = p->tree;
		p->tree = source;
	}
	free(kernel);
}

/*
 * If the working directory was removed, reject a request with a path that is
 * relative to it.
 */
static int check_working_dir(const struct kernel_plan *p, struct err *err)
{
	const char *const paths[] = { p->tree, p->request->build_dir,
				      p->request->output_dir, p->module.dir,
				      p->module.output_dir };
	char *cwd = getcwd(NULL, 0);

	for (size_t i = 0; !cwd && i < ARRAY_SIZE(paths); i++) {
		if (paths[i] && paths[i][0] != '/')
			return err_errno(err, "current directory");
	}
	free(cwd);
	return 0;
}

static int read_tree(struct kernel_plan *p, struct err *err)
{
	const char *job = p->request->nightly; /* "JOB" or "JOB/bisect" */
	char *path;
	int ret;

	if (!fs_is_dir(p->tree) && p->module.dir && !p->request->directory)
		return err_set(err, ENOENT,
			       "M=%s: %s: no such directory; specify the "
			       "kernel's directory with -C or KDIR=DIR",
			       p->module.dir, p->tree);
	if (!fs_is_dir(p->tree))
		return err_set(err, ENOENT, "%s: no such directory", p->tree);
	path = xasprintf("%s/Makefile", p->tree);
	ret = fs_read(path, MAKEFILE_MAX, &p->makefile_text, err);
	free(path);
	if (!ret)
		p->version = tree_version_read(buf_str(&p->makefile_text));
	if (p->version && is_kernel_tree(p->tree))
		return ret;
	if (p->source.worktree.src && job)
		return err_set(
			err, EINVAL,
			"tree %s at %s: not a Linux kernel source tree; change "
			"`tree` or `rev` in [nightly \"%.*s\"]",
			p->request->tree, p->source.worktree.commit,
			(int)strcspn(job, "/"), job);
	if (p->source.worktree.src)
		return err_set(
			err, EINVAL,
			"tree %s at %s: not a Linux kernel source tree; select "
			"another with --tree, or another revision with --rev",
			p->request->tree, p->source.worktree.commit);
	return err_set(
		err, EINVAL,
		"%s: not a Linux kernel source tree; specify one with -C",
		p->tree);
}

static int choose_arch(struct kernel_plan *p, struct err *err)
{
	const char *given = p->request->arch;
	const char *var = kernel_environ_value(
		strv_list(&p->request->variables), "ARCH");
	char host[32];

	if (given && var && strcmp(given, var))
		return err_set(err, EINVAL, "-a %s conflicts with ARCH=%s",
			       given, var);
	if (!given)
		given = var ? var : kernel_environ_value(p->env, "ARCH");
	p->arch_given = given != NULL;
	kernel_arch_host(host);
	given = given ? given : host;
	/*
	 * If the built-in table has the name, another revision of the tree may
	 * have the architecture.  Any other name counts as a typing error,
	 * which another revision would reject, too.
	 */
	p->revision_unsupported = kernel_arch_find(&p->arch, p->tree, given,
						   err) &&
				  toolchain_builtin_find_arch(given);
	return p->arch.arch[0] ? 0 : -EINVAL;
}

/*
 * The first lines of a .config name its architecture.  With another ARCH,
 * make would prompt for every new symbol.
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
	return err_set(
		err, EINVAL,
		"%s: configuration for %s, not for %s; use -a %s, or create a "
		"new one with -k",
		path, name, p->arch.arch, name);
}

/*
 * Reject a KCONFIG_CONFIG that names a file other than the .config of the build
 * directory.  Kconfig would write the named file, although kfarm reads, saves
 * and checks only the .config.
 */
static int check_config_path(const struct kernel_plan *p, struct err *err)
{
	static const char name[] = "KCONFIG_CONFIG";
	const struct kconfig_request *r = p->request;
	const char *value = str_find_env(strv_list(&r->variables), name);
	char *path, *dir;
	int ret = 0;

	if (!value)
		value = str_find_env(p->env, name);
	/* Kconfig itself reports an error for an empty name. */
	if (!value || !*value)
		return 0;
	path = str_join_path(p->builddir.dir, value);
	dir = str_dir(path);
	if (strcmp(str_base(path), ".config") ||
	    !fs_is_same_dir(dir, p->builddir.dir))
		ret = err_set(err, EINVAL,
			      "%s=%s: kfarm supports only the .config of the "
			      "build directory; unset %s%s%s",
			      name, value, name,
			      r->kconfig ? "" : " and specify -k ",
			      r->kconfig ? "" : path);
	free(dir);
	free(path);
	return ret;
}

static int read_kconfig(struct kernel_plan *p, struct err *err)
{
	char *path = kernel_plan_path(p, ".config");
	bool have = fs_exists(path);
	int ret = check_config_path(p, err);

	/*
	 * The name of a default build directory depends on the arguments of -k
	 * and -K, so an earlier build made its .config from the same arguments.
	 * Do not use this .config as the base if the user gives -k or -K.
	 */
	if (p->builddir.kind == KERNEL_BUILDDIR_DEFAULT)
		have = have && !p->request->kconfig && !p->request->fragments.n;
	if (!ret)
		ret = kconfig_read(&p->kconfig, p->request, p->tree,
				   p->arch.srcarch, have, err);
	p->revision_unsupported = ret == -ENOENT;
	if (!ret && p->kconfig.base == KCONFIG_BASE_EXISTING)
		ret = check_config_arch(p, path, err);
	free(path);
	return ret;
}

/*
 * Return true if the tree's Makefile assigns the variable `name` and thus
 * overrides the value of the environment.
 */
static bool makefile_assigns(const struct kernel_plan *p, const char *name)
{
	size_t n = strlen(name);

	for (const char *line = buf_str(&p->makefile_text); *line;) {
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

/*
 * Variables that name a directory.  Users give paths relative to the current
 * directory, but make would resolve them in the build directory.
 */
static const char path_variables[] = "INSTALL_MOD_PATH INSTALL_DTBS_PATH "
				     "INSTALL_HDR_PATH INSTALL_PATH";

/*
 * Return NAME=DIR with an absolute DIR if `name` is a path variable with a
 * relative value, else NULL.  The caller frees it.
 */
static char *absolute_setting(const char *name, const char *value)
{
	char *dir, *out;

	/* Leave a value that starts with "~" or "$" to the shell or make. */
	if (!str_list_has(path_variables, ' ', name) || !value || !*value ||
	    strchr("/~$", *value))
		return NULL;
	dir = fs_make_absolute(value);
	out = xasprintf("%s=%s", name, dir);
	free(dir);
	return out;
}

static void add_setting(struct kernel_plan *p, const char *setting,
			const char *name)
{
	bool typed = str_find_env(strv_list(&p->request->variables), name);
	char *absolute = absolute_setting(name, setting + strlen(name) + 1);

	if (absolute)
		setting = absolute;
	strv_add(&p->settings, setting);
	strv_add(typed || makefile_assigns(p, name) ? &p->vars : &p->exports,
		 setting);
	free(absolute);
}

/*
 * Add the settings of `list`, except those whose names are set in `but` or
 * listed in `dropped`.
 */
static void add_settings(struct kernel_plan *p, const struct strv *list,
			 const struct strv *but, const char *dropped)
{
	for (size_t i = 0; i < list->n; i++) {
		char *name = xstrndup(list->v[i], strcspn(list->v[i], "="));

		if (!str_list_has(dropped, ' ', name) &&
		    !str_find_env(strv_list(but), name))
			add_setting(p, list->v[i], name);
		free(name);
	}
}

static void collect_settings(struct kernel_plan *p)
{
	static const struct strv none;
	char *arch = xasprintf("ARCH=%s", p->arch.arch);
	struct strv names = { 0 };

	if (p->arch_given)
		add_setting(p, arch, "ARCH");
	add_settings(p, &p->compiler.vars, &none, "");
	/* ARCH and CC are set above, O= by kernel_plan_make_argv(). */
	add_settings(p, &p->request->variables, &p->compiler.vars,
		     "ARCH O KBUILD_OUTPUT CC HOSTCC M MO KBUILD_EXTMOD");
	strv_add_all(&p->settings, strv_list(&p->module.vars));
	/* Only goals get M=DIR: hide KBUILD_EXTMOD from other runs of make. */
	if (kernel_environ_value(p->env, "KBUILD_EXTMOD"))
		strv_add(&p->exports, "KBUILD_EXTMOD=");
	strv_split(&names, path_variables, " ");
	for (size_t i = 0; i < names.n; i++) {
		char *setting = absolute_setting(
			names.v[i], str_find_env(p->env, names.v[i]));

		if (setting && !kernel_plan_find_setting(p, names.v[i]))
			strv_own(&p->exports, setting);
		else
			free(setting);
	}
	strv_release(&names);
	free(arch);
}

static void export_unless_set(struct kernel_plan *p, const char *name,
			      const char *value)
{
	if (!kernel_environ_value(strv_list(&p->request->variables), name) &&
	    !str_find_env(p->env, name))
		strv_addf(&p->exports, "%s=%s", name, value);
}

int kernel_plan_init(struct kernel_plan *p, const struct kconfig_request *r,
		     char *const *env, struct err *err)
{
	struct kernel_compiler_request compiler = {
		.toolchain = r->toolchain,
		.variables = &r->variables,
		.default_toolchains = r->default_toolchains,
	};
	char *when;
	int ret;

	*p = (struct kernel_plan){ .request = r };
	/* -e applies first because it may set PATH or CROSS_COMPILE. */
	if (kernel_environ_check(&r->environment, err) ||
	    kernel_environ_check_variables(&r->variables, err))
		return -EINVAL;
	strv_add_all(&p->exports, r->environment.v);
	kernel_environ_overlay(&p->inherited, env, &r->environment);
	p->env = p->inherited.v ? p->inherited.v : env;

	read_module(&p->module, &r->variables, p->env);
	if (r->tree) {
		ret = kernel_source_acquire(&p->source, r, p->env, err);
		if (ret)
			return ret;
		p->tree = xstrdup(p->source.worktree.src);
	} else {
		choose_tree(p, env);
	}
	ret = check_working_dir(p, err);
	if (ret)
		return ret;
	ret = read_tree(p, err);
	if (ret)
		return ret;
	p->make_path = which("make", str_find_env(p->env, "PATH"));
	if (!p->make_path)
		return err_set(
			err, ENOENT,
			"make: not found in PATH; install the package make");
	ret = choose_arch(p, err);
	if (ret)
		return ret;
	compiler.tree = p->tree;
	compiler.env = p->env;
	ret = kernel_compiler_choose(&p->compiler, &p->arch, &compiler, err);
	if (ret)
		return ret;
	ret = kernel_builddir_find(&p->builddir, p, err);
	if (ret)
		return ret;
	adapt_to_old_kernel(&p->module, p->tree, buf_str(&p->makefile_text),
			    p->builddir.kind == KERNEL_BUILDDIR_IN_TREE ?
				    NULL :
				    p->builddir.dir);
	ret = read_kconfig(p, err);
	if (ret)
		return ret;
	ret = kernel_compat_vdso_choose(p, err);
	if (ret)
		return ret;
	ret = tree_rev_read(&p->rev, p->tree, err);
	if (ret)
		return ret;

	/*
	 * HEAD of a managed worktree is detached: use the branch that --rev
	 * names.
	 */
	if (!p->rev.branch && p->source.worktree.branch)
		p->rev.branch = xstrdup(p->source.worktree.branch);
	/*
	 * Set a constant build identity only in a default build directory.
	 * Elsewhere the user's next plain make would use other values, rebuild
	 * version.o and link again.
	 */
	if (p->builddir.kind == KERNEL_BUILDDIR_DEFAULT) {
		when = xasprintf("@%lld", p->rev.time_s);
		export_unless_set(p, "KBUILD_BUILD_TIMESTAMP", when);
		export_unless_set(p, "KBUILD_BUILD_USER", "kfarm");
		export_unless_set(p, "KBUILD_BUILD_HOST", "kfarm");
		free(when);
	}
	collect_settings(p);
	return 0;
}

void kernel_plan_release(struct kernel_plan *p)
{
	kernel_compiler_release(&p->compiler);
	kconfig_release(&p->kconfig);
	tree_rev_release(&p->rev);
	kernel_source_release(&p->source);
	buf_release(&p->makefile_text);
	strv_release(&p->settings);
	strv_release(&p->vars);
	strv_release(&p->exports);
	strv_release(&p->inherited);
	strv_release(&p->module.vars);
	free(p->module.output_dir);
	free(p->module.dir);
	free(p->prepared_dir);
	free(p->builddir.dir);
	free(p->tree);
	free(p->version);
	free(p->make_path);
	*p = (struct kernel_plan){ 0 };
}

char *kernel_plan_path(const struct kernel_plan *p, const char *name)
{
	return xasprintf("%s/%s", p->builddir.dir, name);
}

int kernel_plan_read_config(const struct kernel_plan *p, struct buf *out,
			    struct err *err)
{
	char *path = kernel_plan_path(p, ".config");
	int ret = fs_read(path, KCONFIG_TEXT_MAX, out, err);

	free(path);
	return ret;
}

char *kernel_plan_compiler_name(const struct kernel_plan *p)
{
	return xasprintf("%s-%s", p->compiler.is_clang ? "clang" : "gcc",
			 p->compiler.version);
}

const char *kernel_plan_find_setting(const struct kernel_plan *p,
				     const char *name)
{
	return str_find_env(strv_list(&p->settings), name);
}

void kernel_plan_make_argv(const struct kernel_plan *p, struct strv *out,
			   char *const *options, char *const *targets)
{
	strv_add(out, "make");
	strv_add_all(out, options);
	if (p->builddir.variable)
		strv_addf(out, "%s=%s", p->builddir.variable, p->builddir.dir);
	strv_add_all(out, p->vars.v);
	strv_add_all(out, targets);
}

void kernel_plan_add_goals(const struct kernel_plan *p, struct strv *out,
			   char *const *goals)
{
	strv_add_all(out, strv_list(&p->module.vars));
	strv_add_all(out, goals);
}

void kernel_plan_env(const struct kernel_plan *p, struct strv *out,
		     const char *links, char *const *extra)
{
	char *path = kernel_environ_path(&p->compiler.path_dirs, p->env);
	struct strv overrides = { 0 };

	strv_add_all(&overrides, p->exports.v);
	strv_add_all(&overrides, extra);
	if (links)
		strv_addf(&overrides, "PATH=%s:%s", links, path);
	else if (p->compiler.path_dirs.n)
		strv_addf(&overrides, "PATH=%s", path);
	kernel_environ_overlay(out, p->env, &overrides);
	strv_release(&overrides);
	free(path);
}

/* ---- compiler for the 32-bit vDSO ---- */

#define SYMBOL   "CONFIG_COMPAT_VDSO"
#define VARIABLE "CROSS_COMPILE_COMPAT"

static bool is_vdso_requested(const struct kernel_plan *p)
{
	struct buf text = { 0 };
	struct err ignored;
	bool yes;

	kernel_plan_read_config(p, &text, &ignored);
	yes = kconfig_is_requested(&p->kconfig, buf_str(&text), SYMBOL);
	buf_release(&text);
	return yes;
}

/*
 * If a compiler for arm of the same release as `c` is installed, store its
 * prefix in *prefix; otherwise leave *prefix alone.
 */
static int find_installed(const struct kernel_compiler *c,
			  const struct kernel_arch *arm, char **prefix,
			  struct err *err)
{
	const struct toolchain_installed *t;
	char *release = xasprintf("gcc-%s", c->version);
	int ret = kernel_toolchains_find(&c->toolchains, arm, release, &t, err);

	if (!ret && t)
		ret = kernel_toolchains_prefix(&c->toolchains, t, prefix, err);
	free(release);
	return ret;
}

/*
 * Find the prefix of a compiler for arm.  If the build uses an installed
 * toolchain, search the installed toolchains first, then PATH; otherwise search
 * PATH first.
 */
static int find_arm_prefix(const struct kernel_compiler *c, char *const *env,
			   char **prefix, struct err *err)
{
	char *path = kernel_environ_path(&c->path_dirs, env);
	struct kernel_arch arm;
	int ret = kernel_arch_find(&arm, NULL, "arm", err);

	if (!ret && c->n_leases)
		ret = find_installed(c, &arm, prefix, err);
	for (size_t i = 0;
	     !ret && !*prefix && i < arm.toolchain_arch->prefixes.n; i++) {
		const char *candidate = arm.toolchain_arch->prefixes.v[i];
		char *name = xasprintf("%sgcc", candidate);
		char *file = which_compiler(name, path, NULL);

		if (file)
			*prefix = xstrdup(candidate);
		free(file);
		free(name);
	}
	if (!ret && !*prefix)
		ret = find_installed(c, &arm, prefix, err);
	free(path);
	return ret;
}

/* If an installed toolchain has a gcc with this prefix, use the toolchain. */
static int use_installed(struct kernel_compiler *c, const char *prefix,
			 struct err *err)
{
	char *name = xasprintf("%sgcc", prefix);
	int ret = 0;

	if (kernel_toolchains_has_program(&c->toolchains, name))
		ret = kernel_compiler_use_installed(c, name, err);
	free(name);
	return ret;
}

int kernel_compat_vdso_choose(struct kernel_plan *p, struct err *err)
{
	struct kernel_compiler *c = &p->compiler;
	const char *given = str_find_env(strv_list(&p->request->variables),
					 VARIABLE);
	char *prefix = NULL;
	int ret;

	if (!given)
		given = str_find_env(p->env, VARIABLE);
	if (given)
		return *given ? use_installed(c, given, err) : 0;
	/* clang compiles for arm without a second compiler. */
	if (strcmp(p->arch.srcarch, "arm64") || c->is_clang ||
	    str_find_env(strv_list(&p->request->variables), "CC_COMPAT") ||
	    !is_vdso_requested(p))
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
			  SYMBOL
			  " is set, but no compiler for arm is available; run "
			  "`kfarm toolchain install gcc-%s --arch arm`",
			  c->version);
	free(prefix);
	return ret;
}
