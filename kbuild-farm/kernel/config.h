/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/config.h - Creation of the requested .config.
 *
 * A build leaves the .config alone if nothing has changed since the last build:
 * neither the request, nor the .config, nor the files of the tree from which
 * the .config was made.  A second build is then incremental.  The last request
 * is recorded in a file of ~/.cache/kfarm/config/, not in the build directory:
 *
 *	REQUEST CONFIG STAMPS TEXTS TARGET	first line
 *	@DIR				the build directory
 *	!LINE				a setting that Kconfig rejected
 *	PATH				an input, relative to the tree
 *
 * The first four words of the first line are digests.  REQUEST covers the
 * requested configuration, tree, architecture, compiler, and the variables that
 * can change the .config.  Variables that cannot change the .config, such as W,
 * C, V and M, are not covered.  CONFIG covers the .config.  STAMPS and TEXTS
 * cover the inputs: the files of the tree from which the .config was made.
 * STAMPS covers the sizes and times of the inputs, TEXTS their contents.  Both
 * begin with "-" if an input changed while make generated the .config.  The
 * inputs are the Kconfig files.  If the base is a make target such as
 * defconfig, the tree's configurations and the architecture's Makefile are
 * inputs, too.  TARGET is the target with which the user changed the .config
 * afterwards, if any.  `kfarm clean` does not remove the record of a directory
 * that the user named, because the next build would then replace an edited
 * .config.  Each new record removes those of directories that no longer exist.
 */
#ifndef KERNEL_CONFIG_H
#define KERNEL_CONFIG_H

#include "base/digest.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdlib.h>

struct kernel_build_state;
struct kernel_plan;

/* Record of the last request; empty when zeroed. */
struct kernel_config_stamp {
	char *edit_target; /* "menuconfig"; or NULL */
	struct strv rejected; /* explanations from kconfig_explain_rejected() */
	/* the inputs have new times but equal contents: update the record */
	bool refresh;
	/* STAMPS of the inputs before Kconfig read them; or "" */
	char stamps[DIGEST_HEX];
};

/* Free the strings and zero `s`. */
static inline void kernel_config_stamp_release(struct kernel_config_stamp *s)
{
	free(s->edit_target);
	strv_release(&s->rejected);
	*s = (struct kernel_config_stamp){ 0 };
}

/*
 * Create or update the .config of the build directory.  Returns 0; the exit
 * status of a failed make; or a negative errno with `err` set.  After -EINVAL,
 * `err` lists the settings that Kconfig rejected.  If the user allows
 * mismatches, these settings are published and stored in run->config.stamp
 * instead.
 */
int kernel_config_apply(struct kernel_build_state *run, struct err *err);
/*
 * Reject settings of fragments whose symbols do not exist in the tree, unless
 * the user allows mismatches or the .config is current.  Call it before the
 * build starts.  Returns 0, or -EINVAL with `err` listing the settings.
 */
int kernel_config_check_symbols(const struct kernel_plan *p, struct err *err);
/*
 * Update the record after make has run: make may have regenerated the .config
 * itself, for instance for another version of the compiler.  The new .config
 * then counts as the requested one.
 */
void kernel_config_update_stamp(struct kernel_build_state *run);
/* Return true if kernel_config_apply() would change nothing. */
bool kernel_config_is_current(const struct kernel_plan *p);
/*
 * Record that the user changed the .config with `target`, such as menuconfig.
 * Later builds with the request of `p` do not replace this .config.
 */
void kernel_config_record_edit(const struct kernel_plan *p, const char *target);
/* Remove the record of a build directory that no longer exists. */
void kernel_config_forget(const char *build_dir);
/*
 * Return the target with which the user changed the .config, or NULL.  The
 * caller frees it.
 */
char *kernel_config_edit_target(const struct kernel_plan *p);

/*
 * Return true if include/config/auto.conf exists and is not older than
 * .config.
 */
bool kernel_config_is_synced(const struct kernel_plan *p);
/*
 * Update include/config/auto.conf.  Returns 0, the exit status of a failed
 * make, or a negative errno with `err` set.
 */
int kernel_config_sync(struct kernel_build_state *run, struct err *err);
/*
 * Return the make target that updates include/config/auto.conf in `tree`:
 * "syncconfig" or "silentoldconfig".
 */
const char *kernel_config_sync_target(const char *tree);

#endif
