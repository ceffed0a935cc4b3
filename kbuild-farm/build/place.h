/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * build/place.h - in which directory make builds.
 *
 *	-b DIR, else O= or KBUILD_OUTPUT=, else the source tree if there is a
 *	.config in it, else a lasting directory of kfarm's own:
 *	~/.cache/kfarm/build/TREE-ARCH-CONFIG-COMPILER-DIGITS
 */
#ifndef BUILD_PLACE_H
#define BUILD_PLACE_H

#include "base/err.h"
#include "build/request.h"

enum build_place_kind {
	BUILD_CHOSEN, /* by kfarm: the build's user, host and date are fixed */
	BUILD_GIVEN, /* -b, O=, KBUILD_OUTPUT */
	BUILD_IN_TREE,
};

struct build_place {
	enum build_place_kind kind;
	char *dir; /* absolute; the tree itself with BUILD_IN_TREE */
};

struct build_place_wish {
	const struct build_request *request;
	const char *tree; /* absolute */
	const char *arch; /* ARCH, or this machine's srcarch */
	const char *srcarch;
	const char *compiler; /* its name and version */
	char *const *env;
};

/*
 * -EINVAL when the source tree is in the way (it was built in), or a path
 * holds what make cannot bear.  The caller frees out->dir.
 */
int build_place_find(struct build_place *out,
		     const struct build_place_wish *wish, struct err *err);

#endif
