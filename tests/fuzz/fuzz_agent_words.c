/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: agent */
/*
 * What a compiler wrote, which a hostile client chose.
 */
#include "agent/answer.h"
#include "agent/diagnostics.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = bytes_of(data, size);
	char *missing = agent_diagnostics_missing(in);

	/* A file that is named was named. */
	if (missing && !memmem(data, size, missing, strlen(missing)))
		abort();
	free(missing);
	agent_diagnostics_signal(in);
	agent_path_leaks(in);
	return 0;
}
