/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * compiler/parts.h - what a driver says that it consists of.
 */
#ifndef COMPILER_PARTS_H
#define COMPILER_PARTS_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

struct compiler_parts {
	char *version; /* "12.2.0" */
	char *machine; /* "aarch64-linux-gnu" */
	bool is_clang;
	struct strv programs; /* that are run, the driver first */
	struct strv found; /* those that PATH led to */
	struct strv files; /* specs, configuration */
	struct strv dirs; /* headers */
};

/*
 * Who runs a driver that is not trusted: as spawn_capture(), for argv and env,
 * with at most `max` bytes of what it prints in `out`.
 */
struct compiler_runner {
	int (*run)(void *ctx, char *const *argv, char *const *env, size_t max,
		   unsigned timeout_ms, struct buf *out, int *status,
		   struct err *err);
	void *ctx;
	/*
	 * What the driver names has to lie below this directory, by the words
	 * of its path; but for what it names without a directory.  NULL: no
	 * rule.
	 */
	const char *within;
};

/*
 * Ask `driver` with PATH and LD_LIBRARY_PATH of `env`.  All paths are
 * absolute, as the driver spells them.  Returns 0, or a negative errno with
 * `err` set, as compiler_manifest_make() says; `out` is empty then.  `runner`
 * NULL: it is run as any other program.  -EPERM: it names what is not its own.
 */
int compiler_parts_ask(struct compiler_parts *out, const char *driver,
		       char *const *env, const struct compiler_runner *runner,
		       struct err *err);
void compiler_parts_release(struct compiler_parts *p);

#endif
