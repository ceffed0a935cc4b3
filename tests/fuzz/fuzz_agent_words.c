/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: base agent */
/*
 * What a compiler and its assembler wrote, which a hostile client chose.
 */
#include "agent/asread.h"
#include "agent/object.h"
#include "agent/said.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = bytes_of(data, size);
	char *missing = agent_said_missing(in);

	/* A file that is named was named. */
	if (missing && !memmem(data, size, missing, strlen(missing)))
		abort();
	free(missing);
	agent_said_signal(in);
	agent_object_tells(in);
	free(agent_asread_check(in, NULL));
	free(agent_asread_check(in, "in.s"));
	return 0;
}
