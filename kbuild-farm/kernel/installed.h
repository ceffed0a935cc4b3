/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/installed.h - the installed toolchains that a build may use.
 *
 * One is used under its normalized names alone, which are links in DATA/bin:
 * so what kbuild records is what a plain make with DATA/bin in its PATH and
 * the same CROSS_COMPILE would record.
 */
#ifndef KERNEL_INSTALLED_H
#define KERNEL_INSTALLED_H

#include "base/err.h"
#include "kernel/arch.h"
#include "toolchain/installed.h"

struct kernel_installed {
	char *data; /* DATA */
	char *bin; /* DATA/bin */
	struct toolchain_installed_list list;
};

/* Read what is installed below `data` (NULL: the user's own directory). */
int kernel_installed_open(struct kernel_installed *in, const char *data,
			  struct err *err);
void kernel_installed_release(struct kernel_installed *in);

/*
 * The installed toolchain that `word` ("gcc", "gcc-13", "clang-14", a whole
 * id) means for this machine and `arch`: the newest that fits, of the first
 * of the architecture's triplets that has one.
 *
 * Returns 0 with *out borrowed, NULL when there is none; -EINVAL with `err`
 * set for an id of another host, or of another architecture than one that
 * was named.
 */
int kernel_installed_find(const struct kernel_installed *in,
			  const struct kernel_arch *arch, const char *word,
			  const struct toolchain_installed **out,
			  struct err *err);
/* The newest of that kind for `arch` that is not older than `least`, or NULL.
 */
const struct toolchain_installed *kernel_installed_newer(
	const struct kernel_installed *in, const struct kernel_arch *arch,
	const struct toolchain_release *least);
/* The toolchain of the compiler that make calls `name`, whose file is `path`,
 * or NULL. */
const struct toolchain_installed *kernel_installed_owner(
	const struct kernel_installed *in, const char *name, const char *path);

/*
 * What CROSS_COMPILE= ("aarch64-gcc1330-linux-") or LLVM= ("-14.0.6") is set
 * to for it; the caller frees it.  -ENOENT with `err` set when its names are
 * not in DATA/bin.
 */
int kernel_installed_prefix(const struct kernel_installed *in,
			    const struct toolchain_installed *t, char **out,
			    struct err *err);
/* What one should know of its release: a line each (toolchain/data.h). */
void kernel_installed_quirks(const struct toolchain_installed *t,
			     struct strv *out);
/* Is there a program of that name in DATA/bin? */
bool kernel_installed_has(const struct kernel_installed *in, const char *name);

/* "`kfarm toolchain install gcc-13 --arch arm64` gets one", or NULL when no
 * server has a compiler for `arch`; the caller frees it. */
char *kernel_installed_advice(const struct kernel_arch *arch,
			      const struct toolchain_release *r);

#endif
