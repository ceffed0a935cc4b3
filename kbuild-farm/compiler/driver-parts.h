/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * compiler/driver-parts.h - Programs and files of a compiler, as its driver
 * reports them.
 */
#ifndef COMPILER_DRIVER_PARTS_H
#define COMPILER_DRIVER_PARTS_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

struct compiler_driver_parts {
	char *version; /* "12.2.0" */
	char *machine; /* "aarch64-linux-gnu" */
	bool is_clang;
	struct strv programs; /* executed programs, the driver first */
	struct strv path_programs; /* the `programs` that PATH finds */
	struct strv files; /* specs, configuration */
	struct strv dirs; /* headers */
	/*
	 * paths that do not exist; if they did, the driver would use the specs
	 * or programs there
	 */
	struct strv absent;
};

/*
 * A sandbox for an untrusted driver.  `run` works like spawn_collect_stdout(),
 * with at most `max` bytes of output in `out`.
 */
struct compiler_runner {
	int (*run)(void *ctx, char *const *argv, char *const *env, size_t max,
		   unsigned timeout_ms, struct buf *out, int *status,
		   struct err *err);
	void *ctx;
	/*
	 * All paths that the driver reports must be lexically below this
	 * directory, except names without a directory.  NULL: no restriction.
	 */
	const char *allowed_dir;
};

/*
 * Query `driver` with PATH and LD_LIBRARY_PATH of `env`.  All resulting paths
 * are absolute; their links and ".." are not resolved.  With a NULL `runner`
 * the driver is executed directly.
 *
 * Returns 0; -EPERM if a reported path is outside allowed_dir; or another
 * negative errno of compiler_manifest_make().  On failure `err` is set and
 * `out` is empty.
 */
int compiler_driver_parts_query(struct compiler_driver_parts *out,
				const char *driver, char *const *env,
				const struct compiler_runner *runner,
				struct err *err);
void compiler_driver_parts_release(struct compiler_driver_parts *p);

#endif
