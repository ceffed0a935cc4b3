/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/setting.h - what the lines of a .config, or of a fragment of one, say.
 *
 *	CONFIG_X=VALUE		y, m, n, a number, or a text in double quotes
 *	# CONFIG_X is not set	n
 *
 * All else is nothing to Kconfig (conf_read_simple() in the kernel's
 * scripts/kconfig/confdata.c); of several that set a symbol the last counts.
 */
#ifndef KERNEL_SETTING_H
#define KERNEL_SETTING_H

#include "base/err.h"
#include "base/map.h"

#include <stdbool.h>

struct kernel_setting {
	struct map_node node;
	const char *line; /* where it stands; borrowed, as what follows */
	struct bytes symbol; /* "CONFIG_X" */
	struct bytes value; /* "n" for "is not set" */
};

/* What `line`, which ends in a newline or a NUL, sets; false: nothing. */
bool kernel_setting_of(struct kernel_setting *out, const char *line);
/* The line behind `line`, "" after the last. */
const char *kernel_setting_next(const char *line);
/*
 * Can `line` be left out of a configuration: blank, or a comment?  (What sets
 * something is none.)
 */
bool kernel_setting_is_comment(const char *line);
/*
 * Is what was asked what there is?  0x10 is 0x10, 0X10 and, if it is asked of
 * a hexadecimal symbol, 10; "yes" is y.
 */
bool kernel_setting_same(struct bytes asked, struct bytes is);

/* The last settings of some texts, by their symbols; a zeroed one is empty. */
struct kernel_settings {
	struct map map;
};

/* Read all lines of `text`, which must live as long.  */
void kernel_settings_add(struct kernel_settings *all, const char *text);
/* Set one, in place of what the same symbol had. */
void kernel_settings_put(struct kernel_settings *all,
			 const struct kernel_setting *s);
/* The setting of "CONFIG_X", NULL: there is none; of `all` until it changes. */
const struct kernel_setting *kernel_settings_find(
	const struct kernel_settings *all, struct bytes symbol);
void kernel_settings_release(struct kernel_settings *all);

/* What `config` sets `symbol` ("CONFIG_X") to, borrowed from it.  No data: it
 * does not name it. */
struct bytes kernel_setting_value(const char *config, const char *symbol);

/* Does a word look as if it were to set a symbol: "CONFIG_X..."? */
bool kernel_setting_is_word(const char *word);
/*
 * The line that such a word of a command line stands for, with its newline;
 * the caller frees it.  A shell takes quotes away, so that what can be nothing
 * but a text gets them: CONFIG_LOCALVERSION=-x.  -EINVAL with `err` saying what
 * it should be, but not naming the word.
 */
int kernel_setting_from_word(const char *word, char **line, struct err *err);

#endif
