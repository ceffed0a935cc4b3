/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * unit/nightly-put.h - Results of simulated nightly runs on disk.
 */
#ifndef UNIT_NIGHTLY_PUT_H
#define UNIT_NIGHTLY_PUT_H

#include "nightly/store.h"

#include <check.h>
#include <stdlib.h>

#define PUT_COMMIT "0123456789012345678901234567890123456789"

static inline void put_fill(struct nightly_result *r, const char *build,
			    enum nightly_end end, long long began_s)
{
	*r = (struct nightly_result){
		.name = xstrdup("job"),
		.arch = xstrdup("arm64"),
		.config = xstrdup("defconfig"),
		.toolchain = xstrdup("gcc-12.2.0"),
		.build = xstrdup(build),
		.began_s = began_s,
		.commit = xstrdup(PUT_COMMIT),
		.config_id = xstrdup("c"),
		.toolchain_id = xstrdup("t"),
		.options_id = xstrdup("o"),
		.end = end,
	};
}

/* Write a result like a nightly run. */
static inline struct nightly_result *put_result(struct nightly_store *s,
						const char *build,
						enum nightly_end end,
						long long began_s)
{
	struct nightly_result r, *out = NULL;
	struct err err = { 0 };
	char *dir = NULL;

	put_fill(&r, build, end, began_s);
	if (nightly_store_create_build_dir(s, &dir, &err) ||
	    nightly_store_publish(s, &r, &out, &err))
		ck_abort_msg("%s", err.text);
	free(dir);
	return out;
}

#endif
