/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kconfig/dotconfig.h - Settings in the text of a .config or fragment.
 *
 *	CONFIG_X=VALUE		y, m, n, a number, or a string in double quotes
 *	# CONFIG_X is not set	n
 *
 * Kconfig ignores all other lines (conf_read_simple() in the kernel's
 * scripts/kconfig/confdata.c).  The last setting of a symbol counts.
 */
#ifndef KCONFIG_DOTCONFIG_H
#define KCONFIG_DOTCONFIG_H

#include "base/err.h"
#include "base/map.h"

#include <stdbool.h>

struct kconfig_setting {
	struct map_entry map_entry;
	/* line of the setting; borrowed, like `symbol` and `value` */
	const char *line;
	struct bytes symbol; /* "CONFIG_X" */
	struct bytes value; /* "n" for "is not set" */
};

/*
 * Parse `line`, which ends in a newline or a NUL.  Returns false if the line
 * contains no setting.
 */
bool kconfig_dotconfig_parse_line(struct kconfig_setting *out,
				  const char *line);
/* Return the line after `line`, or "" after the last. */
const char *kconfig_dotconfig_next_line(const char *line);
/*
 * Return true if `line` is blank or a comment.  "# CONFIG_X is not set" is a
 * setting, not a comment.
 */
bool kconfig_dotconfig_is_comment(const char *line);
/*
 * Return true if the requested value `asked` equals the actual value `is`.  If
 * `is` is hexadecimal (0x10), `asked` may be 0x10, 0X10 or 10.  "yes" equals y,
 * and "no" equals n.
 */
bool kconfig_dotconfig_value_equal(struct bytes asked, struct bytes is);

/* The last setting of each symbol in one or more texts; empty when zeroed. */
struct kconfig_settings {
	struct map map;
};

/* Add all settings of `text`, which must live as long as `all`. */
void kconfig_settings_add_text(struct kconfig_settings *all, const char *text);
/* Add a setting, replacing the previous one of the same symbol. */
void kconfig_settings_set(struct kconfig_settings *all,
			  const struct kconfig_setting *s);
/*
 * Return the setting of `symbol` ("CONFIG_X"), or NULL.  The result is valid
 * until `all` changes.
 */
const struct kconfig_setting *kconfig_settings_find(
	const struct kconfig_settings *all, struct bytes symbol);
void kconfig_settings_release(struct kconfig_settings *all);

/*
 * Return the value that `config` assigns to `symbol` ("CONFIG_X"), borrowed
 * from `config`.  If `config` does not contain the symbol, `data` of the result
 * is NULL.
 */
struct bytes kconfig_dotconfig_find_value(const char *config,
					  const char *symbol);

/* Return true if `word` begins like a setting: "CONFIG_" or "# CONFIG_". */
bool kconfig_dotconfig_is_assignment(const char *word);
/*
 * Convert `word`, a setting from the command line, to a line with a newline,
 * which the caller frees.  The user's shell removes quotes, so this function
 * quotes values that can only be strings: CONFIG_LOCALVERSION=-x.  Returns 0,
 * or -EINVAL with `err` describing the expected form; the caller adds `word`.
 */
int kconfig_dotconfig_parse_word(const char *word, char **line,
				 struct err *err);

#endif
