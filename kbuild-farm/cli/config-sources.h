/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cli/config-sources.h - Kernel configurations named by a section or a URL.
 *
 * Before kfarm plans a build, it resolves values of -k and -K that name a
 * `[config "NAME"]` section of the configuration file or a URL.  Downloads are
 * cached in ~/.cache/kfarm/url.  A server that supports conditional requests
 * sends a cached file again only if the file has changed.  If no server can be
 * reached, kfarm uses the cached file and prints a warning.
 */
#ifndef CLI_CONFIG_SOURCES_H
#define CLI_CONFIG_SOURCES_H

#include "base/err.h"
#include "kconfig/request.h"

struct config_sources;

/*
 * Download a configuration text (kconfig/kconfig.h) to *out, which the caller
 * frees.  Redirects to https are followed; redirects to http are followed only
 * if `url` begins with "http:".  The download is limited to two minutes.  If no
 * server can be reached, *out is the cached text, and a warning states its
 * date.  Returns 0, or -errno with `err` naming the URL.
 */
int config_fetch(const char *url, char **out, struct err *err);

struct config_sources *config_sources_new(void);
void config_sources_free(struct config_sources *c);
/*
 * Set `named_config`, `config_names` and `fetched` of a request from its -k and
 * -K.  The three members are borrowed from `c`.  Several requests can share
 * `c`; each URL is then downloaded once.  Returns 0, or -errno with `err`
 * naming the option or the location ("FILE:LINE") of the value that failed.
 */
int config_sources_resolve(struct config_sources *c, struct kconfig_request *r,
			   struct err *err);
/*
 * Convert a value of kconfig or kconfig-add, read from a configuration file at
 * `where` ("FILE:LINE"), into a value of -k or -K.  Expands "~/".  If the value
 * is a relative path with a "/" and exists in the directory of FILE, this
 * directory is put in front of the path.  The caller frees the result.
 */
char *config_sources_resolve_word(const char *word, const char *where);

#endif
