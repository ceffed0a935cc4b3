/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * conf/conf.h - Configuration files in git-config syntax.
 *
 * Files are read in this order, and the last setting of a key wins:
 * /etc/kfarm/config, then $XDG_CONFIG_HOME/kfarm/config.  If $KFARM_CONFIG is
 * set, only the file that it names is read.  conf/schema.h defines the keys and
 * their types.  conf_load() warns about an unknown key and fails on an invalid
 * value; both messages name file and line.
 */
#ifndef CONF_CONF_H
#define CONF_CONF_H

#include "base/digest.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>

struct conf;

/*
 * Load all files.  A missing file is not an error unless $KFARM_CONFIG names
 * it.  `warnings` (may be NULL) receives one line for each setting whose key is
 * unknown or reserved for later versions.  Returns 0 or a negative errno.
 */
int conf_load(struct conf **out, struct strv *warnings, struct err *err);
/* Return an empty configuration. */
struct conf *conf_new(void);
void conf_free(struct conf *c);

/*
 * Append a setting to `c` without writing it to a file, to examine its effect.
 * An error message about the setting contains `origin` in place of the path of
 * a file.
 */
void conf_override(struct conf *c, const char *section, const char *sub,
		   const char *key, const char *value, const char *origin);

/*
 * Return the directory of imported lists of nodes, which node/import.h
 * describes.  The caller frees the path.
 */
char *conf_lists_path(void);
/*
 * Return a digest of the stat data of the files (not of included files) and of
 * the directory of imported lists, to detect changes.  conf_digest() returns
 * the digest at the time of conf_load(); conf_digest_current() computes the
 * current digest.
 */
const struct digest *conf_digest(const struct conf *c);
void conf_digest_current(struct digest *out);

/*
 * Return the value of a key's last setting, borrowed, or NULL if the key is not
 * set.  `sub` is the subsection, NULL for none.
 */
const char *conf_get(const struct conf *c, const char *section, const char *sub,
		     const char *key);
/* Append the values of all settings of a key to `out`, in order. */
void conf_get_all(const struct conf *c, const char *section, const char *sub,
		  const char *key, struct strv *out);
/*
 * Like conf_get_all(), but also append the "FILE:LINE" of each setting to
 * `origins`, in the form that conf_get_origin() returns.  `origins` can be
 * NULL.
 */
void conf_get_all_origins(const struct conf *c, const char *section,
			  const char *sub, const char *key, struct strv *out,
			  struct strv *origins);
/*
 * Return the value of a key of type CONF_TYPE_NUMBER, or `default_value` if it
 * is not set.
 */
long conf_get_number(const struct conf *c, const char *section, const char *sub,
		     const char *key, long default_value);
/*
 * Return the value of a key of type CONF_TYPE_AMOUNT in bytes or seconds.  If
 * the key is not set, returns the amount in the text `default_value`, or 0 if
 * `default_value` is NULL.
 */
uint64_t conf_get_amount(const struct conf *c, const char *section,
			 const char *sub, const char *key,
			 const char *default_value);
/* Append the names of all subsections of `section` in order of appearance. */
void conf_list_subsections(const struct conf *c, const char *section,
			   struct strv *out);

/*
 * Return "FILE:LINE" of the setting that conf_get() returns, for an error
 * message about a value that conf_load() accepts but the caller rejects.
 * Returns "FILE" if the line is not found, NULL if the key is not set.  The
 * caller frees the result.
 */
char *conf_get_origin(const struct conf *c, const char *section,
		      const char *sub, const char *key);
/*
 * Return "FILE:LINE" or "FILE" of the first setting of a section, whatever its
 * key, for an error message about a missing key.  Returns NULL if the section
 * has no setting.  The caller frees the result.
 */
char *conf_get_section_origin(const struct conf *c, const char *section,
			      const char *sub);

/*
 * Return the path of the user's file, to which conf_set() and commands such as
 * `kfarm nodes add` write.  The caller frees the path.
 */
char *conf_user_path(void);
/*
 * A key of a section and its new value.  conf_set_all() does not change the key
 * if `value` is NULL.
 */
struct conf_pair {
	const char *key, *value;
};

/*
 * Set a key in the user's file, which is created if it is missing.  Comments
 * and the order of other settings are preserved.  Returns 0 or a negative
 * errno.
 */
int conf_set(const char *section, const char *sub, const char *key,
	     const char *value, struct err *err);
/*
 * Like conf_set(), but set `n` keys of a section; sets no key if an error
 * occurs.  A key that already has the value is not rewritten.
 */
int conf_set_all(const char *section, const char *sub,
		 const struct conf_pair *pairs, size_t n, struct err *err);
/*
 * Test whether the user's file can be written, without changing the file.
 * Returns 0 or a negative errno.
 */
int conf_check_writable(struct err *err);
/*
 * Remove a subsection from the user's file.  Returns 0, -ENOENT if the file
 * does not contain it, or another negative errno.
 */
int conf_remove_section(const char *section, const char *sub, struct err *err);
/*
 * Remove all settings of a key from a subsection of the user's file.  `key` is
 * in lower case.  Returns 0 even if the file has no such setting, or a negative
 * errno.
 */
int conf_remove_key(const char *section, const char *sub, const char *key,
		    struct err *err);

#endif
