/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kfarm-cc: what make starts under a compiler's name.  See kfarm-cc(1), and
 * HACKING.md for the life of a compile.
 *
 * It runs some thousand times a build, so it allocates little, and starts no
 * process and reads no file but for a probe.
 */
#include "cc/call.h"

#include <unistd.h>

int main(int argc, char **argv)
{
	struct cc_call call;
	int status;

	(void)argc;
	switch (cc_call_begin(&call, argv, environ, NULL, &status)) {
	case CC_ANSWER_DONE:
	case CC_ANSWER_ENDED:
		cc_call_release(&call);
		return status;
	default:
		return cc_call_exec(&call);
	}
}
