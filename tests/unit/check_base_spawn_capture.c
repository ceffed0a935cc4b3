/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: base */
/* capture_run(), which collects stdout and stderr of a program. */
#include "../lib/test.h"

#include "base/spawn.h"

#include <stdatomic.h>

static int ask(atomic_bool *stop, const char *script, struct buf *out,
	       struct buf *errors)
{
	char *argv[] = { "/bin/sh", "-c", (char *)script, NULL };
	struct err err = { 0 };

	return capture_run(stop, "/", argv, environ, out, errors, &err);
}

TIMEOUT(60);

TEST(stdout_and_stderr_are_captured)
{
	struct buf out = { 0 }, errors = { 0 };

	ck_assert_int_eq(ask(NULL, "pwd; echo bad >&2; cat", &out, &errors), 0);
	ck_assert_str_eq(buf_str(&out), "/\n");
	ck_assert_str_eq(buf_str(&errors), "bad\n");
	ck_assert_int_eq(ask(NULL, "echo more; exit 3", &out, &errors),
			 -EINVAL);
	ck_assert_str_eq(buf_str(&out), "/\nmore\n");
	/* More data than a pipe holds, on both streams. */
	buf_reset(&out);
	buf_reset(&errors);
	ck_assert_int_eq(ask(NULL,
			     "head -c 300000 /dev/zero >&2;"
			     "head -c 300000 /dev/zero",
			     &out, &errors),
			 0);
	ck_assert_uint_eq(out.len, 300000);
	ck_assert_uint_eq(errors.len, 300000);
	buf_release(&out);
	buf_release(&errors);
}

TEST(a_stopped_capture_returns_eintr)
{
	struct buf out = { 0 }, errors = { 0 };
	atomic_bool stop = true;

	ck_assert_int_eq(ask(&stop, "sleep 60 & wait", &out, &errors), -EINTR);
	buf_release(&out);
	buf_release(&errors);
}
