/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/goal.h"

#include "base/fs.h"
#include "base/vec.h"
#include "base/which.h"
#include "kernel/environ.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAKEFILE_MAX (1u << 20)
#define DTS          "arch/%s/boot/dts"
#define SELFTESTS    "tools/testing/selftests"
#define DEB_PROGRAMS \
	"dpkg-buildpackage=dpkg-dev,fakeroot=fakeroot,dh_listpackages=debhelper"
#define RPM_PROGRAMS "rpmbuild=rpm (rpm-build on Fedora)"

static const struct kernel_goal_recipe recipes[] = {
	{ .name = "default", .make_word = "all" },
	{ .name = "debugkernel", .make_word = "vmlinux" },
	{ .name = "xipkernel",
	  .make_word = "xipImage",
	  .required_config = "CONFIG_XIP_KERNEL" },
	{ .name = "modules", .required_config = "CONFIG_MODULES" },
	/* modules_install needs files that make creates with vmlinux. */
	{ .name = "modules_install",
	  .make_word = "vmlinux modules",
	  .required_config = "CONFIG_MODULES",
	  .post_make = KERNEL_POST_MAKE_INSTALL,
	  .variable = "INSTALL_MOD_PATH",
	  .default_dir = "/lib/modules" },
	{ .name = "vdso_install",
	  .make_word = "",
	  .post_make = KERNEL_POST_MAKE_INSTALL,
	  .variable = "INSTALL_MOD_PATH",
	  .default_dir = "/lib/modules" },
	{ .name = "dtbs", .required_path = DTS },
	{ .name = "dtbs-legacy", .make_word = "dtbs", .required_path = DTS },
	{ .name = "dtbs_check", .required_path = DTS },
	{ .name = "dtbs_install",
	  .make_word = "dtbs",
	  .required_path = DTS,
	  .post_make = KERNEL_POST_MAKE_INSTALL,
	  .variable = "INSTALL_DTBS_PATH",
	  .default_dir = "/boot/dtbs" },
	{ .name = "headers" },
	{ .name = "headers_install",
	  .make_word = "headers",
	  .required_programs = "rsync=rsync",
	  .post_make = KERNEL_POST_MAKE_INSTALL,
	  .variable = "INSTALL_HDR_PATH" },
	{ .name = "install",
	  .make_word = "",
	  .post_make = KERNEL_POST_MAKE_INSTALL,
	  .variable = "INSTALL_PATH",
	  .default_dir = "/boot" },
	{ .name = "zinstall",
	  .make_word = "",
	  .post_make = KERNEL_POST_MAKE_INSTALL,
	  .variable = "INSTALL_PATH",
	  .default_dir = "/boot" },
	{ .name = "uinstall",
	  .make_word = "",
	  .post_make = KERNEL_POST_MAKE_INSTALL,
	  .variable = "INSTALL_PATH",
	  .default_dir = "/boot" },
	{ .name = "bindeb-pkg",
	  .make_word = "",
	  .required_programs = DEB_PROGRAMS,
	  .post_make = KERNEL_POST_MAKE_PACKAGE },
	{ .name = "deb-pkg",
	  .make_word = "",
	  .required_programs = DEB_PROGRAMS,
	  .post_make = KERNEL_POST_MAKE_PACKAGE },
	{ .name = "binrpm-pkg",
	  .make_word = "",
	  .required_programs = RPM_PROGRAMS,
	  .post_make = KERNEL_POST_MAKE_PACKAGE },
	{ .name = "rpm-pkg",
	  .make_word = "",
	  .required_programs = RPM_PROGRAMS,
	  .post_make = KERNEL_POST_MAKE_PACKAGE },
	{ .name = "dir-pkg",
	  .make_word = "",
	  .post_make = KERNEL_POST_MAKE_PACKAGE },
	{ .name = "tar-pkg",
	  .make_word = "",
	  .post_make = KERNEL_POST_MAKE_PACKAGE },
	{ .name = "targz-pkg",
	  .make_word = "",
	  .required_programs = "gzip=gzip",
	  .post_make = KERNEL_POST_MAKE_PACKAGE },
	{ .name = "tarbz2-pkg",
	  .make_word = "",
	  .required_programs = "bzip2=bzip2",
	  .post_make = KERNEL_POST_MAKE_PACKAGE },
	{ .name = "tarxz-pkg",
	  .make_word = "",
	  .required_programs = "xz=xz-utils",
	  .post_make = KERNEL_POST_MAKE_PACKAGE },
	{ .name = "tarzst-pkg",
	  .make_word = "",
	  .required_programs = "zstd=zstd",
	  .post_make = KERNEL_POST_MAKE_PACKAGE },
	/*
	 * As in tuxmake, build and install the selftests with this recipe.  The
	 * tree's own target "kselftest" would run the tests.
	 */
	{ .name = "kselftest",
	  .make_word = "headers",
	  .required_path = SELFTESTS,
	  .required_programs = "rsync=rsync",
	  .post_make = KERNEL_POST_MAKE_TOOL,
	  .dir = SELFTESTS,
	  .build_target = "all",
	  .install_target = "install",
	  .install_variable = "INSTALL_PATH",
	  .output_name = "kselftest.tar.xz",
	  .may_fail = true },
	{ .name = "kselftest-bpf",
	  .make_word = "vmlinux headers",
	  .required_path = SELFTESTS "/bpf",
	  .required_programs = "rsync=rsync",
	  .post_make = KERNEL_POST_MAKE_TOOL,
	  .dir = SELFTESTS,
	  .build_target = "all",
	  .install_target = "install",
	  .install_variable = "INSTALL_PATH",
	  .output_name = "kselftest-bpf.tar.xz",
	  .settings = "TARGETS=bpf SKIP_TARGETS=",
	  .may_fail = true },
	{ .name = "perf",
	  .make_word = "",
	  .required_path = "tools/perf",
	  .post_make = KERNEL_POST_MAKE_TOOL,
	  .dir = "tools/perf",
	  .build_target = "",
	  .install_target = "install-bin",
	  .install_variable = "DESTDIR",
	  .output_name = "perf.tar.xz",
	  .settings = "prefix=/usr" },
	{ .name = "cpupower",
	  .make_word = "",
	  .required_path = "tools/power/cpupower",
	  .post_make = KERNEL_POST_MAKE_TOOL,
	  .dir = "tools/power/cpupower",
	  .build_target = "",
	  .install_target = "install",
	  .install_variable = "DESTDIR",
	  .output_name = "cpupower.tar.xz" },
	{ .name = "decode-stacktrace",
	  .make_word = "",
	  .required_path = "scripts/decode_stacktrace.sh",
	  .post_make = KERNEL_POST_MAKE_SCRIPT,
	  .output_name = "decoded-stacktrace.txt",
	  .script = "\"$1/scripts/decode_stacktrace.sh\" vmlinux \"$1\" "
		    "<boot_log.txt >decoded-stacktrace.txt" },
};

const struct kernel_goal_recipe *kernel_goal_find_recipe(const char *target)
{
	for (size_t i = 0; i < ARRAY_SIZE(recipes); i++) {
		if (!strcmp(recipes[i].name, target))
			return &recipes[i];
	}
	return NULL;
}

/* ---- reasons to skip a goal ---- */

static bool config_sets(const char *config, const char *symbol)
{
	char *line = xasprintf("\n%s=y\n", symbol);
	bool yes = strstr(config, line) || str_starts(config, line + 1);

	free(line);
	return yes;
}

static bool tree_file_contains(const struct kernel_plan *p, const char *file,
			       const char *word)
{
	char *path = xasprintf("%s/%s", p->tree, file);
	struct buf text = { 0 };
	struct err ignored;
	bool yes = !fs_read(path, MAKEFILE_MAX, &text, &ignored) &&
		   strstr(buf_str(&text), word);

	buf_release(&text);
	free(path);
	return yes;
}

/*
 * The rule for dtbs_install is in the top Makefile or, in older trees, in the
 * Makefiles of some architectures.
 */
bool kernel_goal_can_install_dtbs(const struct kernel_plan *p)
{
	char *own = xasprintf("arch/%s/Makefile", p->arch.srcarch);
	bool yes = strstr(buf_str(&p->makefile_text), "dtbs_install:") ||
		   tree_file_contains(p, own, "dtbs_install:");

	free(own);
	return yes;
}

static char *explain_missing_source(const struct kernel_goal_recipe *r,
				    const struct kernel_plan *p)
{
	const char *arch = strstr(r->required_path, "%s");
	char *name = arch ? xasprintf("%.*s%s%s",
				      (int)(arch - r->required_path),
				      r->required_path, p->arch.srcarch,
				      arch + 2) :
			    xstrdup(r->required_path);
	char *path = xasprintf("%s/%s", p->tree, name), *out = NULL;

	if (!fs_exists(path))
		out = xasprintf("the tree has no %s", name);
	free(path);
	free(name);
	return out;
}

static char *explain_missing_output(const struct kernel_plan *p,
				    const char *name)
{
	char *path = kernel_plan_path(p, name), *out = NULL;

	if (!fs_exists(path))
		out = xasprintf("%s does not exist", path);
	free(path);
	return out;
}

char *kernel_goal_skip_reason(const struct kernel_goal_recipe *r,
			      const struct kernel_plan *p, const char *config)
{
	char *why = r->required_path ? explain_missing_source(r, p) : NULL;

	/*
	 * Do not skip goals for modules outside of the tree: make itself
	 * reports what is missing.
	 */
	if (!why && config && r->required_config && !p->module.dir &&
	    !config_sets(config, r->required_config))
		why = xasprintf("%s is not set", r->required_config);
	if (!why && !strcmp(r->name, "dtbs-legacy") &&
	    kernel_goal_can_install_dtbs(p))
		why = xstrdup("this tree has dtbs_install; use dtbs");
	if (!why && !strcmp(r->name, "dtbs_install") &&
	    !kernel_goal_can_install_dtbs(p))
		why = xstrdup("this tree has no dtbs_install; use dtbs-legacy");
	if (!why && str_starts(r->name, "headers") &&
	    !strcmp(p->arch.arch, "um"))
		why = xstrdup("um has no user-space headers");
	if (!why && config && r->post_make == KERNEL_POST_MAKE_SCRIPT) {
		why = explain_missing_output(p, "boot_log.txt");
		if (!why)
			why = explain_missing_output(p, "vmlinux");
	}
	return why;
}

/* ---- requirements ---- */

/* Return the value of a variable of make, or NULL if it is unset or empty. */
static const char *make_value(const struct kernel_plan *p, const char *name)
{
	const char *value = kernel_environ_value(strv_list(&p->settings), name);

	if (!value)
		value = kernel_environ_value(strv_list(&p->exports), name);
	return value ? value : kernel_environ_value(p->env, name);
}

/* Return true if `dir`, or its nearest existing parent, is writable. */
static bool is_dir_writable(const char *dir)
{
	char *at = xstrdup(dir);
	bool yes;

	while (!fs_exists(at) && strcmp(at, "/") && strcmp(at, ".")) {
		char *up = str_dir(at);

		free(at);
		at = up;
	}
	yes = !access(at, W_OK);
	free(at);
	return yes;
}

static bool is_cross_build(const struct kernel_plan *p)
{
	struct kernel_arch host;
	struct err ignored;
	char name[32];

	kernel_arch_host(name);
	return kernel_arch_find(&host, p->tree, name, &ignored) ||
	       strcmp(host.srcarch, p->arch.srcarch);
}

static int check_install_dir(const struct kernel_goal_recipe *r,
			     const struct kernel_plan *p, struct err *err)
{
	const char *variable = r->variable, *dest = make_value(p, variable);

	/* If INSTALL_DTBS_PATH is not set, make uses INSTALL_PATH. */
	if (!dest && !strcmp(r->name, "dtbs_install")) {
		variable = "INSTALL_PATH";
		dest = make_value(p, variable);
	}
	if (!dest && !r->default_dir)
		return 0;
	/*
	 * Do not install another architecture's modules among those of the
	 * build host.
	 */
	if (!dest && is_cross_build(p))
		return err_set(
			err, EINVAL,
			"%s: refusing to write to %s of this machine: the "
			"kernel is for %s; specify %s=DIR (%s=/ for this "
			"machine)",
			r->name, r->default_dir, p->arch.arch, r->variable,
			r->variable);
	if (is_dir_writable(dest ? dest : r->default_dir))
		return 0;
	if (!dest)
		return err_set(
			err, EACCES,
			"%s: no permission to write to %s; specify %s=DIR, or "
			"run as root",
			r->name, r->default_dir, r->variable);
	return err_set(err, EACCES, "%s: cannot write to %s=%s: %s", r->name,
		       variable, dest, strerror(errno));
}

/* Return true if the tree's Makefiles mention the program `name`. */
static bool tree_calls(const struct kernel_plan *p,
		       const struct kernel_goal_recipe *r, const char *name)
{
	static const char *const files[] = {
		"scripts/Makefile.package",
		"scripts/package/Makefile",
		"scripts/package/debian/rules",
	};

	if (r->post_make == KERNEL_POST_MAKE_TOOL)
		return tree_file_contains(p, SELFTESTS "/lib.mk", name);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		if (tree_file_contains(p, files[i], name))
			return true;
	}
	return strstr(buf_str(&p->makefile_text), name);
}

int kernel_goal_check_recipe(const struct kernel_goal_recipe *r,
			     const struct kernel_plan *p, struct err *err)
{
	char *path = kernel_environ_path(&p->compiler.path_dirs, p->env);
	struct strv list = { 0 };
	int ret = 0;

	strv_split(&list, r->required_programs ? r->required_programs : "",
		   ",");
	for (size_t i = 0; !ret && i < list.n; i++) {
		const char *package = strchr(list.v[i], '=') + 1;
		char *name = xstrndup(list.v[i], strcspn(list.v[i], "="));
		char *file = which(name, path);

		if (!file && tree_calls(p, r, name))
			ret = err_set(err, ENOENT,
				      "%s: %s not found in PATH; install the "
				      "package %s",
				      r->name, name, package);
		free(file);
		free(name);
	}
	if (!ret && r->variable)
		ret = check_install_dir(r, p, err);
	strv_release(&list);
	free(path);
	return ret;
}

static const struct kernel_goal *find_goal(const struct kernel_goals *g,
					   const char *name)
{
	for (size_t i = 0; i < g->n; i++) {
		if (!strcmp(g->v[i].name, name))
			return &g->v[i];
	}
	return NULL;
}

void kernel_goals_init(struct kernel_goals *g, const struct kernel_plan *p,
		       const char *image, const char *config)
{
	const struct strv *targets = &p->request->targets;

	*g = (struct kernel_goals){ 0 };
	for (size_t i = 0; i < targets->n; i++) {
		const char *name = targets->v[i], *words;
		struct kernel_goal *goal;

		if (find_goal(g, name))
			continue;
		goal = VEC_ADD(g->v, g->n);
		goal->recipe = kernel_goal_find_recipe(name);
		words = goal->recipe && goal->recipe->make_word ?
				goal->recipe->make_word :
				name;
		if (image && !strcmp(name, "kernel"))
			words = image;
		else if (p->module.dir && !strcmp(name, "modules_install"))
			words = "modules";
		goal->name = xstrdup(name);
		goal->make_words = xstrdup(words);
		if (goal->recipe)
			goal->skip_reason = kernel_goal_skip_reason(
				goal->recipe, p, config);
		if (goal->skip_reason)
			goal->status = KERNEL_GOAL_SKIP;
	}
}

void kernel_goals_release(struct kernel_goals *g)
{
	for (size_t i = 0; i < g->n; i++) {
		free(g->v[i].name);
		free(g->v[i].make_words);
		free(g->v[i].skip_reason);
	}
	free(g->v);
	*g = (struct kernel_goals){ 0 };
}

void kernel_goals_add_make_words(const struct kernel_goals *g, bool post_make,
				 struct strv *out)
{
	for (size_t i = 0; i < g->n; i++) {
		struct strv words = { 0 };

		if (g->v[i].status == KERNEL_GOAL_SKIP ||
		    (!post_make && kernel_goal_is_post_make(&g->v[i])))
			continue;
		strv_split(&words, g->v[i].make_words, " ");
		for (size_t n = 0; n < words.n; n++) {
			if (!strv_has(out, words.v[n]))
				strv_add(out, words.v[n]);
		}
		strv_release(&words);
	}
}

bool kernel_goals_has(const struct kernel_goals *g, const char *name)
{
	const struct kernel_goal *goal = find_goal(g, name);

	return goal && goal->status != KERNEL_GOAL_SKIP;
}

bool kernel_goals_has_passed(const struct kernel_goals *g)
{
	for (size_t i = 0; i < g->n; i++) {
		if (g->v[i].status == KERNEL_GOAL_PASS)
			return true;
	}
	return false;
}

bool kernel_goal_is_post_make(const struct kernel_goal *goal)
{
	return goal->recipe && goal->recipe->post_make != KERNEL_POST_MAKE_NONE;
}

void kernel_goal_skip(struct kernel_goal *goal, const char *reason)
{
	if (goal->status != KERNEL_GOAL_PENDING)
		return;
	goal->status = KERNEL_GOAL_SKIP;
	goal->skip_reason = xstrdup(reason);
}
