/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tree/url.h - Parser of the URLs from which trees are fetched.
 *
 *	http://HOST[:PORT]/PATH		https:// likewise
 *	ssh://[USER@]HOST[:PORT]/PATH	git+ssh:// and ssh+git:// likewise
 *	[USER@]HOST:PATH		ssh, as in scp
 *	git://HOST[:PORT]/PATH
 *	file:///PATH, PATH		local
 *
 * git's remote helpers (ext::COMMAND, fd::3, NAME::ADDRESS) run a program that
 * the URL names.  A host that begins with a dash would be an option of ssh.
 * URLs of both kinds are rejected, as is any other scheme.
 */
#ifndef TREE_URL_H
#define TREE_URL_H

#include "base/err.h"

#include <stdbool.h>

enum tree_url_kind {
	TREE_URL_LOCAL, /* only `path` is set */
	TREE_URL_HTTP,
	TREE_URL_HTTPS,
	TREE_URL_GIT,
	TREE_URL_SSH,
};

/* The parts of a URL.  A zeroed struct is empty. */
struct tree_url {
	enum tree_url_kind kind;
	char *user; /* user name, or NULL */
	char *host; /* without brackets; NULL if local */
	char *port; /* decimal port, or NULL */
	char *path; /* for ssh, the argument of git-upload-pack */
};

/*
 * Parse a URL.  Percent escapes of ssh and file URLs are decoded.  Returns 0,
 * or -EINVAL with the problem and the allowed forms in `err`.
 */
int tree_url_parse(struct tree_url *url, const char *text, struct err *err);
void tree_url_release(struct tree_url *url);

#endif
