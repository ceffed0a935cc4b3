/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kfarm-cc: the wrapper that make starts under a compiler's name.  See
 * kfarm-cc(1), and HACKING.md for the life of a compile.
 *
 *	cc_call_begin()		finds the real compiler and parses the call
 *	replay_probe()		answers a probe from the probe cache
 *	cc_job_submit()		offers a compile to the coordinator and waits
 *	cc_call_exec()		executes the compiler in this process
 *
 * kfarm-cc runs thousands of times per build.  Therefore it allocates little
 * memory, and it starts other processes and reads files only for probes.
 */
#include "cc/call.h"

#include <unistd.h>

int main(int argc, char **argv)
{
	struct cc_call call;
	int status;

	(void)argc;
	switch (cc_call_begin(&call, argv, environ, NULL, &status)) {
	case CC_JOB_DONE:
	case CC_JOB_SIGNALLED:
		cc_call_release(&call);
		return status;
	default:
		return cc_call_exec(&call);
	}
}
