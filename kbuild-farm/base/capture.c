/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/capture.h"

#include "base/spawn.h"

#include <errno.h>
#include <stdlib.h>

int capture_run(void *stop, const char *cwd, char *const *argv,
		char *const *env, struct buf *out, struct buf *err_out,
		struct err *err)
{
	const struct spawn what = { .argv = argv,
				    .env = env,
				    .cwd = cwd,
				    .fd = { -1, -1, -1 },
				    .dies_with_us = true };
	const struct spawn_limits limits = { 64u << 20, 120000, stop };
	int status;
	int ret = spawn_collect(&what, &limits, out, err_out, &status, err);

	if (!ret && status) {
		char *text = spawn_status_text(status);

		ret = err_set(err, EINVAL, "%s: %s", argv[0], text);
		free(text);
	}
	return ret;
}
