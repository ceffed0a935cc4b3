/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cli/config-fetch.h - the configuration behind a URL.
 */
#ifndef CLI_CONFIG_FETCH_H
#define CLI_CONFIG_FETCH_H

#include "base/err.h"

/*
 * Its text (kernel/config-text.h) in *out, for the caller to free.  A redirect
 * may lead to https, and to http where `url` is that; a server has two minutes.
 * What no server can be reached for is what it was the last time, and a warning
 * on stderr says of when that is; all else is a negative errno with `err`
 * naming the URL.
 */
int config_fetch(const char *url, char **out, struct err *err);

#endif
