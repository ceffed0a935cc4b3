/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tree/url.h - from where a tree may be fetched.
 *
 *	http://HOST[:PORT]/PATH		https:// likewise
 *	ssh://[USER@]HOST[:PORT]/PATH	git+ssh:// and ssh+git:// likewise
 *	[USER@]HOST:PATH		ssh, as scp writes it
 *	git://HOST[:PORT]/PATH
 *	file:///PATH, PATH		on this machine
 *
 * What git calls a remote helper (ext::COMMAND, fd::3, NAME::ADDRESS) would
 * run a program of the URL's choice, and so would a host that looks like an
 * option of ssh: they are refused, as is any other scheme.
 */
#ifndef TREE_URL_H
#define TREE_URL_H

#include "base/err.h"

#include <stdbool.h>

enum tree_url_kind {
	TREE_URL_LOCAL, /* `path` is one of this machine */
	TREE_URL_HTTP,
	TREE_URL_HTTPS,
	TREE_URL_GIT,
	TREE_URL_SSH,
};

/* A zeroed one is none. */
struct tree_url {
	enum tree_url_kind kind;
	char *user; /* NULL: none given */
	char *host; /* without brackets; NULL where local */
	char *port; /* NULL: none given */
	char *path; /* of ssh as the remote side is to read it */
};

/*
 * What `text` is, percent signs resolved for ssh and file.  Returns 0, or
 * -EINVAL with `err` saying what is wrong with it and what may be used.
 */
int tree_url_parse(struct tree_url *url, const char *text, struct err *err);
void tree_url_release(struct tree_url *url);

#endif
