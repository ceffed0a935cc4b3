/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * conf/conf.h - the configuration files, in git-config syntax.
 *
 * Read in this order, the last setting wins: /etc/kfarm/config, then
 * $XDG_CONFIG_HOME/kfarm/config; $KFARM_CONFIG, when set, alone instead of
 * both.  The keys and their types are in conf/schema.h; an unknown key
 * is a warning on stderr, a bad value an error, both with file and line.
 */
#ifndef CONF_CONF_H
#define CONF_CONF_H

#include "base/digest.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>

struct conf;

/*
 * Load all files; a missing one is no error unless $KFARM_CONFIG names it.
 * `warnings` (may be NULL) receives one line per unknown key, and per key or
 * section that this version does not read.
 */
int conf_load(struct conf **out, struct strv *warnings, struct err *err);
/* One that says nothing. */
struct conf *conf_new(void);
void conf_free(struct conf *c);

/*
 * Have `c`, not a file, say one thing more, as the last one: to see what it
 * would be with that.  `from` is what errors name as its place.
 */
void conf_put(struct conf *c, const char *section, const char *sub,
	      const char *key, const char *value, const char *from);

/*
 * By what it can be seen that one of the files has changed: what they were when
 * `c` was loaded, and what they are now.
 */
const struct digest *conf_stamp(const struct conf *c);
void conf_stamp_now(struct digest *out);

/* `sub` is the subsection, NULL for none.  The value is borrowed; NULL when
 * the key is not set.  The last setting wins. */
const char *conf_get(const struct conf *c, const char *section, const char *sub,
		     const char *key);
/* All settings of a key, in order; the list is the caller's. */
void conf_get_all(const struct conf *c, const char *section, const char *sub,
		  const char *key, struct strv *out);
/* The same with "FILE:LINE" of each in `places`, as conf_where() has it. */
void conf_get_all_places(const struct conf *c, const char *section,
			 const char *sub, const char *key, struct strv *out,
			 struct strv *places);
/* A key that the schema calls a number; `otherwise` if not set. */
long conf_number(const struct conf *c, const char *section, const char *sub,
		 const char *key, long otherwise);
/* The names of all subsections of `section`, in order of appearance. */
void conf_subsections(const struct conf *c, const char *section,
		      struct strv *out);

/*
 * "FILE:LINE" of what conf_get() returns, for a value that only its
 * reader can find bad; "FILE" when the line cannot be found, NULL when the key
 * is not set.  The caller frees it.
 */
char *conf_where(const struct conf *c, const char *section, const char *sub,
		 const char *key);

/* The file that `kfarm nodes add` writes to; the caller frees the path. */
char *conf_user_file(void);
/* Some keys of a section; those with no value are passed over. */
struct conf_pair {
	const char *key, *value;
};

/*
 * Set a key in that file, made when it is missing; comments and order of the
 * rest stay.  conf_remove() takes a whole subsection out: -ENOENT when it is
 * not in that file.
 */
int conf_set(const char *section, const char *sub, const char *key,
	     const char *value, struct err *err);
/* The same for `n` keys, all of them or none; those that are so stay so. */
int conf_set_all(const char *section, const char *sub,
		 const struct conf_pair *pairs, size_t n, struct err *err);
/* Could it be written now?  The file is as it was. */
int conf_check_writable(struct err *err);
int conf_remove(const char *section, const char *sub, struct err *err);

#endif
