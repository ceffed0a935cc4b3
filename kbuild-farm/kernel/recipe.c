/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/recipe.h"

#include "base/fs.h"
#include "base/which.h"
#include "kernel/environ.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAKEFILE_MAX (1u << 20)
#define DTS          "arch/%s/boot/dts"
#define SELFTESTS    "tools/testing/selftests"
#define DEB_PROGRAMS "dpkg-buildpackage=dpkg-dev fakeroot=fakeroot"

static const struct kernel_recipe recipes[] = {
	{ .name = "default", .word = "all" },
	{ .name = "debugkernel", .word = "vmlinux" },
	{ .name = "xipkernel",
	  .word = "xipImage",
	  .config = "CONFIG_XIP_KERNEL" },
	{ .name = "modules", .config = "CONFIG_MODULES" },
	{ .name = "modules_install",
	  .word = "modules",
	  .config = "CONFIG_MODULES",
	  .step = KERNEL_STEP_INSTALL,
	  .variable = "INSTALL_MOD_PATH",
	  .otherwise = "/lib/modules" },
	{ .name = "vdso_install",
	  .word = "",
	  .step = KERNEL_STEP_INSTALL,
	  .variable = "INSTALL_MOD_PATH",
	  .otherwise = "/lib/modules" },
	{ .name = "dtbs", .tree = DTS },
	{ .name = "dtbs-legacy", .word = "dtbs", .tree = DTS },
	{ .name = "dtbs_check", .tree = DTS },
	{ .name = "dtbs_install",
	  .word = "dtbs",
	  .tree = DTS,
	  .step = KERNEL_STEP_INSTALL,
	  .variable = "INSTALL_DTBS_PATH",
	  .otherwise = "/boot/dtbs" },
	{ .name = "headers", .programs = "rsync=rsync" },
	{ .name = "headers_install",
	  .word = "headers",
	  .programs = "rsync=rsync",
	  .step = KERNEL_STEP_INSTALL,
	  .variable = "INSTALL_HDR_PATH" },
	{ .name = "install",
	  .word = "",
	  .step = KERNEL_STEP_INSTALL,
	  .variable = "INSTALL_PATH",
	  .otherwise = "/boot" },
	{ .name = "zinstall",
	  .word = "",
	  .step = KERNEL_STEP_INSTALL,
	  .variable = "INSTALL_PATH",
	  .otherwise = "/boot" },
	{ .name = "uinstall",
	  .word = "",
	  .step = KERNEL_STEP_INSTALL,
	  .variable = "INSTALL_PATH",
	  .otherwise = "/boot" },
	{ .name = "bindeb-pkg",
	  .word = "",
	  .programs = DEB_PROGRAMS,
	  .step = KERNEL_STEP_PACKAGE },
	{ .name = "deb-pkg",
	  .word = "",
	  .programs = DEB_PROGRAMS,
	  .step = KERNEL_STEP_PACKAGE },
	{ .name = "binrpm-pkg",
	  .word = "",
	  .programs = "rpmbuild=rpm",
	  .step = KERNEL_STEP_PACKAGE },
	{ .name = "rpm-pkg",
	  .word = "",
	  .programs = "rpmbuild=rpm",
	  .step = KERNEL_STEP_PACKAGE },
	{ .name = "dir-pkg", .word = "", .step = KERNEL_STEP_PACKAGE },
	{ .name = "tar-pkg", .word = "", .step = KERNEL_STEP_PACKAGE },
	{ .name = "targz-pkg",
	  .word = "",
	  .programs = "gzip=gzip",
	  .step = KERNEL_STEP_PACKAGE },
	{ .name = "tarbz2-pkg",
	  .word = "",
	  .programs = "bzip2=bzip2",
	  .step = KERNEL_STEP_PACKAGE },
	{ .name = "tarxz-pkg",
	  .word = "",
	  .programs = "xz=xz-utils",
	  .step = KERNEL_STEP_PACKAGE },
	{ .name = "tarzst-pkg",
	  .word = "",
	  .programs = "zstd=zstd",
	  .step = KERNEL_STEP_PACKAGE },
	/* tuxmake's: make's own kselftest would run the tests here. */
	{ .name = "kselftest",
	  .word = "headers",
	  .tree = SELFTESTS,
	  .step = KERNEL_STEP_TOOL,
	  .dir = SELFTESTS,
	  .build = "all",
	  .install = "install",
	  .into = "INSTALL_PATH",
	  .file = "kselftest.tar.xz",
	  .may_fail = true },
	{ .name = "kselftest-bpf",
	  .word = "vmlinux headers",
	  .tree = SELFTESTS "/bpf",
	  .step = KERNEL_STEP_TOOL,
	  .dir = SELFTESTS,
	  .build = "all",
	  .install = "install",
	  .into = "INSTALL_PATH",
	  .file = "kselftest-bpf.tar.xz",
	  .settings = "TARGETS=bpf SKIP_TARGETS=",
	  .may_fail = true },
	{ .name = "perf",
	  .word = "",
	  .tree = "tools/perf",
	  .step = KERNEL_STEP_TOOL,
	  .dir = "tools/perf",
	  .build = "",
	  .install = "install-bin",
	  .into = "DESTDIR",
	  .file = "perf.tar.xz",
	  .settings = "prefix=/usr" },
	{ .name = "cpupower",
	  .word = "",
	  .tree = "tools/power/cpupower",
	  .step = KERNEL_STEP_TOOL,
	  .dir = "tools/power/cpupower",
	  .build = "",
	  .install = "install",
	  .into = "DESTDIR",
	  .file = "cpupower.tar.xz" },
	{ .name = "decode-stacktrace",
	  .word = "",
	  .tree = "scripts/decode_stacktrace.sh",
	  .step = KERNEL_STEP_SCRIPT,
	  .file = "decoded-stacktrace.txt",
	  .script = "\"$1/scripts/decode_stacktrace.sh\" vmlinux \"$1\" "
		    "<boot_log.txt >decoded-stacktrace.txt" },
};

const struct kernel_recipe *kernel_recipe_find(const char *target)
{
	for (size_t i = 0; i < sizeof(recipes) / sizeof(*recipes); i++) {
		if (!strcmp(recipes[i].name, target))
			return &recipes[i];
	}
	return NULL;
}

const char *kernel_recipe_word(const char *target)
{
	const struct kernel_recipe *r = kernel_recipe_find(target);

	return r && r->word ? r->word : target;
}

/* ---- is there something to do? ---- */

static bool config_sets(const char *config, const char *symbol)
{
	char *line = xasprintf("\n%s=y\n", symbol);
	bool yes = strstr(config, line) || str_starts(config, line + 1);

	free(line);
	return yes;
}

static bool tree_names(const struct kernel_plan *p, const char *file,
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

/* Since 3.15; before, each architecture had a rule of its own, or none. */
bool kernel_recipe_installs_dtbs(const struct kernel_plan *p)
{
	char *own = xasprintf("arch/%s/Makefile", p->arch.srcarch);
	bool yes = strstr(buf_str(&p->makefile), "dtbs_install:") ||
		   tree_names(p, own, "dtbs_install:");

	free(own);
	return yes;
}

static char *tree_lacks(const struct kernel_recipe *r,
			const struct kernel_plan *p)
{
	const char *arch = strstr(r->tree, "%s");
	char *name = arch ? xasprintf("%.*s%s%s", (int)(arch - r->tree),
				      r->tree, p->arch.srcarch, arch + 2) :
			    xstrdup(r->tree);
	char *path = xasprintf("%s/%s", p->tree, name), *out = NULL;

	if (!fs_exists(path))
		out = xasprintf("the tree has no %s", name);
	free(path);
	free(name);
	return out;
}

static char *build_lacks(const struct kernel_plan *p, const char *name)
{
	char *path = kernel_plan_path(p, name), *out = NULL;

	if (!fs_exists(path))
		out = xasprintf("there is no %s", path);
	free(path);
	return out;
}

char *kernel_recipe_skip(const struct kernel_recipe *r,
			 const struct kernel_plan *p, const char *config)
{
	char *why = r->tree ? tree_lacks(r, p) : NULL;

	if (!why && config && r->config && !config_sets(config, r->config))
		why = xasprintf("%s is not set", r->config);
	if (!why && !strcmp(r->name, "dtbs-legacy") &&
	    kernel_recipe_installs_dtbs(p))
		why = xstrdup("this tree has dtbs_install: dtbs does it");
	if (!why && !strcmp(r->name, "dtbs_install") &&
	    !kernel_recipe_installs_dtbs(p))
		why = xstrdup("this tree has no dtbs_install: see dtbs-legacy");
	if (!why && str_starts(r->name, "headers") &&
	    !strcmp(p->arch.arch, "um"))
		why = xstrdup("um has no headers for programs");
	if (!why && config && r->step == KERNEL_STEP_SCRIPT) {
		why = build_lacks(p, "boot_log.txt");
		if (!why)
			why = build_lacks(p, "vmlinux");
	}
	return why;
}

/* ---- can it be done? ---- */

static int need_program(const struct kernel_recipe *r,
			const struct kernel_plan *p, const char *entry,
			struct err *err)
{
	const char *package = strchr(entry, '=') + 1;
	char *name = xstrndup(entry, strcspn(entry, "="));
	char *path = kernel_environ_path(&p->compiler.dirs, p->env);
	char *file = which(name, path);
	int ret = 0;

	if (!file && (strstr(buf_str(&p->makefile), name) ||
		      tree_names(p, "scripts/Makefile.package", name) ||
		      tree_names(p, "scripts/package/Makefile", name)))
		ret = err_set(err, ENOENT,
			      "%s needs %s, which is not in PATH; install the "
			      "package %s",
			      r->name, name, package);
	free(file);
	free(path);
	free(name);
	return ret;
}

/* Its own variable, or the one that make derives its value from. */
static const char *install_place(const struct kernel_recipe *r,
				 const struct kernel_plan *p)
{
	const char *const names[] = {
		r->variable,
		strcmp(r->name, "dtbs_install") ? NULL : "INSTALL_PATH",
	};

	for (int i = 0; i < 2; i++) {
		const char *value = NULL;

		if (names[i])
			value = kernel_plan_setting(p, names[i]);
		if (names[i] && (!value || !*value))
			value = kernel_environ_value(strv_list(&p->exports),
						     names[i]);
		if (names[i] && (!value || !*value))
			value = kernel_environ_value(p->env, names[i]);
		if (value && *value)
			return value;
	}
	return NULL;
}

/* May we write there, or in what stands of its path? */
static bool may_write(const char *dir)
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

static bool is_foreign(const struct kernel_plan *p)
{
	struct kernel_arch host;
	struct err ignored;
	char name[32];

	kernel_arch_host(name);
	return kernel_arch_find(&host, p->tree, name, &ignored) ||
	       strcmp(host.srcarch, p->arch.srcarch);
}

static int check_place(const struct kernel_recipe *r,
		       const struct kernel_plan *p, struct err *err)
{
	const char *place = install_place(r, p);

	if (!place && !r->otherwise)
		return 0;
	/* A board's modules among those of the machine that built them. */
	if (!place && is_foreign(p))
		return err_set(err, EINVAL,
			       "%s would write to %s of this machine, and this "
			       "is a kernel for %s; say where to with "
			       "%s=DIR (%s=/ for here)",
			       r->name, r->otherwise, p->arch.arch, r->variable,
			       r->variable);
	if (may_write(place ? place : r->otherwise))
		return 0;
	if (!place)
		return err_set(err, EACCES,
			       "%s writes to %s, and you may not; say where to "
			       "with %s=DIR, or be root",
			       r->name, r->otherwise, r->variable);
	return err_set(err, EACCES, "%s: cannot write to %s=%s: %s", r->name,
		       r->variable, place, strerror(errno));
}

int kernel_recipe_check(const struct kernel_recipe *r,
			const struct kernel_plan *p, struct err *err)
{
	struct strv list = { 0 };
	int ret = 0;

	strv_split(&list, r->programs ? r->programs : "", " ");
	for (size_t i = 0; !ret && i < list.n; i++)
		ret = need_program(r, p, list.v[i], err);
	if (!ret && r->variable)
		ret = check_place(r, p, err);
	strv_release(&list);
	return ret;
}
