/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/kconfig.h - what -k and -K mean, read before anything is started.
 *
 * The base is a configuration target of make (defconfig), a file, what a URL
 * gave, or the existing .config; the additions are fragments: files, names in
 * the tree, URLs, CONFIG_X=v.  A name of the configuration file stands for a
 * base and additions, which come before those of the command line.
 */
#ifndef KERNEL_KCONFIG_H
#define KERNEL_KCONFIG_H

#include "base/bytes.h"
#include "base/digest.h"
#include "base/str.h"
#include "kernel/request.h"
#include "kernel/setting.h"

/* Those that every tree has. */
#define KERNEL_CONFIG_TARGETS                                           \
	"defconfig allnoconfig allyesconfig allmodconfig alldefconfig " \
	"randconfig tinyconfig localmodconfig localyesconfig"

enum kernel_kconfig_base {
	KERNEL_CONFIG_KEEP, /* the .config of the build directory */
	KERNEL_CONFIG_TARGET, /* `make TARGET` */
	KERNEL_CONFIG_FILE,
};

struct kernel_fragment {
	char *name; /* as the user wrote it, but for a URL's password */
	char *where; /* "-K", or "FILE:LINE" of the configuration file */
	bool literal; /* CONFIG_X=v itself, not a file with such lines */
	char *text;
};

struct kernel_kconfig {
	enum kernel_kconfig_base base;
	char *target; /* KERNEL_CONFIG_TARGET */
	char *file; /* KERNEL_CONFIG_FILE: its name, for people */
	char *text; /* and what is in it */
	struct kernel_fragment *fragment;
	size_t n_fragments;
	struct kernel_settings asked; /* of the fragments: the last count */
	struct strv notes; /* for people: what was passed over */
};

/*
 * Resolve them.  `have_config`: the build directory holds a .config, which
 * is kept unless -k is given.  -ENOENT or -EINVAL with `err` naming the
 * file or name that is not there and where it was looked for.  Release `k` in
 * any case.
 */
int kernel_kconfig_read(struct kernel_kconfig *k,
			const struct kernel_request *r, const char *tree,
			const char *srcarch, bool have_config, struct err *err);
void kernel_kconfig_release(struct kernel_kconfig *k);
/* Nothing but the existing .config is asked for. */
bool kernel_kconfig_nothing(const struct kernel_kconfig *k);
/* What was asked, in 32 bytes: the names do not matter, the texts do. */
void kernel_kconfig_digest(const struct kernel_kconfig *k, struct digest *out);
/*
 * Is `symbol` to be y?  What the last fragment that sets it says, else the
 * base; `config` is the text of the .config that is kept.  A target of make
 * is taken to say nothing.
 */
bool kernel_kconfig_asks(const struct kernel_kconfig *k, const char *config,
			 const char *symbol);
/*
 * `base`, the text of a .config, with the fragments' settings in place of its
 * own: of a symbol the last counts, and stands where that is.  The caller frees
 * it.
 */
char *kernel_kconfig_merge(const struct kernel_kconfig *k, const char *base);

/* A setting of a fragment that did not come out; "n" where it is not set. */
struct kernel_missed {
	char *symbol; /* "CONFIG_X" */
	char *asked, *is;
	char *where; /* "FILE:LINE"; NULL: the command line */
};

/*
 * Which did not come out in `config` (the text of a .config)?  The last
 * fragment that sets a symbol counts.  *out holds *n, for
 * kernel_kconfig_missed_free().
 */
void kernel_kconfig_missed(const struct kernel_kconfig *k, const char *config,
			   struct kernel_missed **out, size_t *n);
/* Is `symbol` asked to be y, and by a later line than `other` is? */
bool kernel_kconfig_asks_later(const struct kernel_kconfig *k,
			       const char *symbol, const char *other);
void kernel_kconfig_missed_free(struct kernel_missed *list, size_t n);

#endif
