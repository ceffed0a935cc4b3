/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/plan.h - Decisions made before a build starts.
 *
 * The effect of a variable on make depends on its origin: a variable on the
 * command line overrides assignments in Makefiles (Linux 6.1's scripts/Makefile
 * assigns ARCH); a variable in the environment does not.  kfarm therefore
 * passes the user's variables in the way in which the user gave them.  kfarm's
 * own settings go into the environment.  The exceptions are CC and HOSTCC,
 * which go to the command line: the tree's Makefile assigns them and would
 * ignore the environment.
 *
 * `make M=DIR` builds the modules of DIR for a kernel that has been configured
 * and prepared.  Without -C and --tree, this kernel is the first of these: the
 * value of KDIR; the current directory, if it is a kernel tree;
 * /lib/modules/RELEASE/build of the running kernel.
 *
 * The directory of this kernel is either a kernel tree or a build directory,
 * whose Makefile names the kernel tree.  An installed package of headers is a
 * build directory, too, but its tree has no sources.
 */
#ifndef KERNEL_PLAN_H
#define KERNEL_PLAN_H

#include "base/err.h"
#include "base/str.h"
#include "kconfig/kconfig.h"
#include "kconfig/request.h"
#include "kernel/builddir.h"
#include "kernel/compiler.h"
#include "tree/rev-parse.h"

#include <stdbool.h>

/* Empty when zeroed. */
struct kernel_module {
	char *dir; /* absolute; NULL for a build of the kernel */
	bool relative; /* the user gave a relative path */
	/* directory of the objects, absolute, or NULL for `dir` */
	char *output_dir;
	/* M=DIR and MO=DIR, for the goals on make's command line */
	struct strv vars;
};

/*
 * Check that the directory has a makefile and that make can handle the paths.
 * Returns 0, or a negative errno with `err` naming the directory.
 */
int kernel_module_check(const struct kernel_module *m, struct err *err);

struct kernel_plan {
	const struct kconfig_request *request;
	struct strv inherited; /* the caller's environment, changed by -e */
	char *const *env; /* NULL-terminated view of `inherited` */
	/* worktree for --tree, locked until kernel_plan_release() */
	struct kernel_source source;
	char *tree; /* absolute, symbolic links not resolved */
	char *version; /* kernel version of the Makefile: "6.1.192" */
	struct tree_rev rev;
	struct kernel_arch arch;
	bool arch_given; /* ARCH is passed to make */
	struct kernel_compiler compiler;
	struct kernel_builddir builddir;
	struct kernel_module module; /* M=; empty for a build of the kernel */
	/*
	 * build directory that KDIR, -C or /lib/modules names for a build of
	 * modules, or NULL
	 */
	char *prepared_dir;
	struct kconfig_spec kconfig;
	char *make_path; /* path of make */
	struct buf makefile_text; /* text of the tree's top Makefile */
	/*
	 * On failure: this revision of the tree lacks the architecture or the
	 * configuration.
	 */
	bool revision_unsupported;
	/*
	 * NAME=VALUE entries.  `settings`: the variables of make that the user
	 * assigns, except O, and those for the architecture, the compiler and
	 * modules.  `vars`: the variables on the command line of every make,
	 * including assignments with operators other than "="; make also gets
	 * module.vars if it builds goals.  `exports`: the variables that kfarm
	 * sets in make's environment, including those of -e.
	 */
	struct strv settings, vars, exports;
};

/*
 * Make the plan.  `r` is borrowed until kernel_plan_release(), which the caller
 * calls even after an error.  Returns 0; -ENOTSUP if the compiler cannot build
 * the tree; another negative errno with `err` naming the problem and what to
 * do.
 */
int kernel_plan_init(struct kernel_plan *p, const struct kconfig_request *r,
		     char *const *env, struct err *err);
/* Unlock the worktree and free the plan. */
void kernel_plan_release(struct kernel_plan *p);

/* Return the path of `name` in the build directory. The caller frees it. */
char *kernel_plan_path(const struct kernel_plan *p, const char *name);
/*
 * Append the text of the .config in the build directory to `out`.  Returns 0,
 * or a negative errno with `err` set.
 */
int kernel_plan_read_config(const struct kernel_plan *p, struct buf *out,
			    struct err *err);
/* Return the compiler's name and version, "gcc-12.2.0". The caller frees it. */
char *kernel_plan_compiler_name(const struct kernel_plan *p);
/* Return the value of the setting `name`, or NULL. */
const char *kernel_plan_find_setting(const struct kernel_plan *p,
				     const char *name);
/*
 * Append the words of a make command: make, `options` (may be NULL), the build
 * directory (O=DIR or KBUILD_OUTPUT=DIR) unless p->builddir.variable is NULL,
 * the settings in p->vars, and `targets` (may be NULL).
 */
void kernel_plan_make_argv(const struct kernel_plan *p, struct strv *out,
			   char *const *options, char *const *targets);
/*
 * Append the words for the `targets` of kernel_plan_make_argv(): the variables
 * of p->module, then `goals` (may be NULL).
 */
void kernel_plan_add_goals(const struct kernel_plan *p, struct strv *out,
			   char *const *goals);
/*
 * Append the environment of all programs of the build.  It is the caller's
 * environment with these changes: the plan's exports and `extra` (may be NULL)
 * are set, and PATH begins with the directory `links` (may be NULL) and the
 * compiler's directories.
 */
void kernel_plan_env(const struct kernel_plan *p, struct strv *out,
		     const char *links, char *const *extra);

/*
 * Choose the second compiler for arm64's 32-bit vDSO.  CONFIG_COMPAT_VDSO
 * depends on the variable CROSS_COMPILE_COMPAT; if the variable is not set,
 * make drops the setting silently.  CROSS_COMPILE_COMPAT is added to
 * p->compiler.vars if three conditions are met:
 *
 *  - the configuration requests CONFIG_COMPAT_VDSO;
 *  - the compiler is gcc;
 *  - the user sets neither CROSS_COMPILE_COMPAT nor (on make's command line)
 *    CC_COMPAT.
 *
 * The value is the prefix of a compiler for arm: either an installed toolchain
 * of the same release, or a compiler on PATH with one of Debian's prefixes.  A
 * build that uses an installed toolchain prefers the installed toolchain for
 * arm; any other build prefers the compiler on PATH.  If neither exists, a note
 * is added to p->compiler.notes instead of the variable.  Returns 0, or a
 * negative errno with `err` set.
 */
int kernel_compat_vdso_choose(struct kernel_plan *p, struct err *err);

#endif
