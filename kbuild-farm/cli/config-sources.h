/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cli/config-sources.h - Texts that -k and -K name by a section or a URL.
 *
 * They are read before a plan is made: `[config "NAME"]` sections of the
 * configuration file, and URLs.  A downloaded text is cached in
 * ~/.cache/kfarm/url, so that the server can answer that it has not changed. If
 * no server can be reached, kfarm uses the cached text and prints a warning.
 */
#ifndef CLI_CONFIG_SOURCES_H
#define CLI_CONFIG_SOURCES_H

#include "base/err.h"
#include "kconfig/request.h"

struct config_sources;

/*
 * Download a configuration text (kconfig/kconfig.h) to *out, which the caller
 * frees.  Redirects to https are followed, and to http if `url` is http.  The
 * download is limited to two minutes.  If no server can be reached, *out is the
 * cached text, and a warning states its date.  Returns 0, or -errno with `err`
 * naming the URL.
 */
int config_fetch(const char *url, char **out, struct err *err);

struct config_sources *config_sources_new(void);
void config_sources_free(struct config_sources *c);
/*
 * Set `named_config`, `config_names` and `fetched` of a request from its -k and
 * -K.  They are borrowed from `c`.  Several requests can share `c`; each URL is
 * then downloaded once.  Returns 0, or -errno with `err` naming the word, or
 * the file and line, that failed.
 */
int config_sources_resolve(struct config_sources *c, struct kconfig_request *r,
			   struct err *err);
/*
 * Convert a -k or -K word in a configuration file, at `where` ("FILE:LINE"), to
 * a word of the command line.  "~/x" is in the user's home, and a relative path
 * is relative to the file if it exists.  The caller frees the result.
 */
char *config_sources_resolve_word(const char *word, const char *where);

#endif
