/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kconfig/suggest.h - Suggestions for misspelled targets and configurations.
 */
#ifndef KCONFIG_SUGGEST_H
#define KCONFIG_SUGGEST_H

#include "base/str.h"

/*
 * Return the target for which make's output `text` reports "No rule to make
 * target", or NULL.  Reports about prerequisites ("needed by") do not count.
 * The caller frees the result.
 */
char *kconfig_suggest_parse_no_rule(const char *text);
/*
 * Return "this tree has no target ..." with the most similar target.  The
 * candidates depend on the form of `target`:
 *
 *  - For a name, they are the names in arch/SRCARCH/configs and the targets in
 *    the rules, target lists and help texts of three Makefiles: `makefile` (the
 *    text of the top Makefile), and those of arch/SRCARCH and scripts/kconfig
 *    in `tree`.
 *  - For the path of a file, they are the files that make can build from the
 *    sources in the same directory.
 *  - For a path that ends in a slash, they are the directories next to it.
 *  - For a device tree (.dtb, .dtbo or .dts), they also include the files that
 *    make can build from the sources in the target's directory below
 *    arch/SRCARCH/boot/dts.
 *
 * `srcarch` names the directory below arch/, and `arch` appears in the message.
 * For modules outside of the tree, `module_dir` is their directory, which
 * replaces "this tree" in the message and contains the sources; otherwise, it
 * is NULL.  The caller frees the result.
 */
char *kconfig_suggest_target(const char *tree, const char *srcarch,
			     const char *arch, const char *makefile,
			     const char *module_dir, const char *target);
/*
 * Return "; did you mean \"x\"?" for the unknown configuration `name` (-k), or
 * "" if no candidate is similar.  The candidates are make's configuration
 * targets, the files of the tree's configs directories and `named`, the names
 * of the [config] sections (may be NULL).  The caller frees the result.
 */
char *kconfig_suggest_config(const char *tree, const char *srcarch,
			     const struct strv *named, const char *name);
/*
 * Like kconfig_suggest_config(), for the unknown fragment `name` (-K).  The
 * candidates are the fragments in kernel/configs and arch/SRCARCH/configs.
 */
char *kconfig_suggest_fragment(const char *tree, const char *srcarch,
			       const char *name);

#endif
