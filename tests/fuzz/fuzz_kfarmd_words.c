/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kfarmd */
/*
 * Compiler output under control of a hostile client.
 */
#include "kfarmd/run.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = bytes_of(data, size);
	char *missing = kfarmd_run_missing_file(in);

	/* A reported file name must occur in the output. */
	if (missing && !memmem(data, size, missing, strlen(missing)))
		abort();
	free(missing);
	kfarmd_run_names_signal(in);
	kfarmd_run_output_has_private_path(in);
	return 0;
}
