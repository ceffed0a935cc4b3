/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * build/kconfig.h - what -k and -K mean, read before anything is started.
 *
 * The base is a configuration target of make (defconfig), a file, or the
 * .config that stands; the additions are fragments: files, names in the
 * tree, CONFIG_X=v.
 */
#ifndef BUILD_KCONFIG_H
#define BUILD_KCONFIG_H

#include "base/digest.h"
#include "base/str.h"
#include "build/request.h"

enum build_kconfig_base {
	BUILD_CONFIG_KEEP, /* the .config of the build directory */
	BUILD_CONFIG_TARGET, /* `make TARGET` */
	BUILD_CONFIG_FILE,
};

struct build_fragment {
	char *name; /* as the user wrote it */
	char *text;
};

struct build_kconfig {
	enum build_kconfig_base base;
	char *target; /* BUILD_CONFIG_TARGET */
	char *file; /* BUILD_CONFIG_FILE: its name, for people */
	char *text; /* and what is in it */
	struct build_fragment *fragment;
	size_t n_fragments;
};

/*
 * Resolve them.  `have_config`: the build directory holds a .config, which
 * is kept unless -k is given.  -ENOENT or -EINVAL with `err` naming the
 * file or name that is not there and where it was looked for.
 */
int build_kconfig_read(struct build_kconfig *k, const struct build_request *r,
		       const char *tree, const char *srcarch, bool have_config,
		       struct err *err);
void build_kconfig_release(struct build_kconfig *k);
/* Nothing but the .config that stands is asked for. */
bool build_kconfig_nothing(const struct build_kconfig *k);
/* What was asked, in 32 bytes: the names do not matter, the texts do. */
void build_kconfig_digest(const struct build_kconfig *k, struct digest *out);
/*
 * Is `symbol` to be y?  What the last fragment that sets it says, else the
 * base; `config` is the text of the .config that is kept.  A target of make
 * is taken to say nothing.
 */
bool build_kconfig_asks(const struct build_kconfig *k, const char *config,
			const char *symbol);
/*
 * Which settings of the fragments did not come out in `config` (the text of
 * a .config)?  Adds a line each: "CONFIG_X: asked =y, is not set".  The last
 * fragment that sets a symbol counts.
 */
void build_kconfig_missed(const struct build_kconfig *k, const char *config,
			  struct strv *out);

#endif
