/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cli/configs.h - what -k and -K need from elsewhere before a plan is made: the
 * [config "NAME"] of the configuration file, the texts behind URLs.
 *
 * What a URL gave is kept in ~/.cache/kfarm/url, so that the next time the
 * server need only say that it has not changed; where no server can be reached,
 * what was kept is used, with a warning.
 */
#ifndef CLI_CONFIGS_H
#define CLI_CONFIGS_H

#include "base/err.h"
#include "kernel/request.h"

struct configs;

struct configs *configs_new(void);
void configs_free(struct configs *c);
/*
 * Fill in `named`, `configs` and `fetched` of a request, by its -k and -K; they
 * are of `c`, and stay.  Several requests may share a `c`: each URL is then
 * fetched once.  A negative errno with `err` naming the word, or file and line,
 * where something cannot be had.
 */
int configs_find(struct configs *c, struct kernel_request *r, struct err *err);
/*
 * A word of -k or -K that stands in a configuration file, at `where`
 * ("FILE:LINE"), as one of the command line: "~/x" is of the user's home, and a
 * path that is not absolute starts from the file, if it leads to something
 * there.  The caller frees it.
 */
char *configs_word_of_file(const char *word, const char *where);

#endif
