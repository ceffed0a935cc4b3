/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tree/log.h - the commits between two, as `git log --oneline` lists them.
 */
#ifndef TREE_LOG_H
#define TREE_LOG_H

#include "base/err.h"

#include <stddef.h>

struct tree_log_line {
	char *commit; /* 40 hexadecimal digits */
	char *subject; /* as its author wrote it: any bytes but a newline */
};

/* A zeroed one is empty. */
struct tree_log {
	struct tree_log_line *v; /* the newest first */
	size_t n;
	size_t all; /* how many there are, listed or not */
	size_t lost; /* commits of `from` that are not in `to`: rewritten */
};

/*
 * At most `most` of the commits that `to` has and `from` has not, in the
 * repository at the path `repository`; both are 40 hexadecimal digits.
 *
 * Returns 0; -ENOENT where one of the two is not in the repository (any more);
 * -EINVAL for what is no commit's name; or another negative errno.
 */
int tree_log_read(struct tree_log *out, const char *repository,
		  const char *from, const char *to, size_t most,
		  struct err *err);
void tree_log_release(struct tree_log *l);

#endif
