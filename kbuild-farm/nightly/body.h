/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nightly/body.h - the text of a report: of each build that is news what is new
 * first, then the commits, how to build it again, and where its log is.
 */
#ifndef NIGHTLY_BODY_H
#define NIGHTLY_BODY_H

#include "base/buf.h"
#include "nightly/result.h"
#include "tree/log.h"

#define NIGHTLY_COMMITS_MAX 20 /* in a report */

/* A build of the night. */
struct nightly_told {
	const struct nightly_result *result;
	/* Those since nightly_news_since(); NULL: not known. */
	const struct tree_log *commits;
};

/* Of several builds a table comes first, with those that are no news. */
void nightly_body_add(struct buf *out, const struct nightly_told *builds,
		      size_t n);
/* Have two of them one name, if the toolchain is left out? */
bool nightly_body_alike(const struct nightly_told *builds, size_t n,
			const struct nightly_result *r);

#endif
