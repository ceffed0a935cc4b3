/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * base/capture.h - run a program to its end and keep what it wrote.
 */
#ifndef BASE_CAPTURE_H
#define BASE_CAPTURE_H

#include "base/buf.h"
#include "base/err.h"

/*
 * Run `argv` in `cwd` with `env`, stdin being /dev/null, its stdout appended
 * to `out` and its stderr to `err_out`.  Any thread may call it.  Returns 0
 * when it exited with 0; -EINVAL for another end (both outputs are kept);
 * -EINTR once `stop`, an atomic_bool or NULL, is true, -ETIMEDOUT after two
 * minutes, -EMSGSIZE beyond 64 MiB of output: it was killed then.
 */
int capture_run(void *stop, const char *cwd, char *const *argv,
		char *const *env, struct buf *out, struct buf *err_out,
		struct err *err);

#endif
