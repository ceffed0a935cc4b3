/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * toolchain/parts.h - what a driver says that it consists of.
 */
#ifndef TOOLCHAIN_PARTS_H
#define TOOLCHAIN_PARTS_H

#include "base/err.h"
#include "base/str.h"

struct toolchain_parts {
	char *version; /* "12.2.0" */
	char *machine; /* "aarch64-linux-gnu" */
	bool is_clang;
	struct strv programs; /* that are run, the driver first */
	char *assembler; /* found through PATH, else NULL (as for clang) */
	struct strv files; /* specs, configuration */
	struct strv dirs; /* headers */
};

/*
 * Ask `driver` with PATH and LD_LIBRARY_PATH of `env`.  All paths are
 * absolute, as the driver spells them.  Returns 0, or a negative errno with
 * `err` set, as toolchain_manifest_make() says; `out` is empty then.
 */
int toolchain_parts_ask(struct toolchain_parts *out, const char *driver,
			char *const *env, struct err *err);
void toolchain_parts_release(struct toolchain_parts *p);

#endif
