/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: toolchain */
#include "toolchain/installed.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Written and read again, the data is the same. */
static void check_again(const struct toolchain_installed *t)
{
	char *text = toolchain_installed_encode(t), *again;
	struct toolchain_installed got;
	struct err err;

	if (toolchain_installed_decode(&got, bytes_str(text), &err))
		abort();
	again = toolchain_installed_encode(&got);
	if (strcmp(text, again) != 0)
		abort();
	toolchain_installed_release(&got);
	free(again);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct toolchain_installed t;
	struct err err;
	int ret = toolchain_installed_decode(&t, bytes_of(data, size), &err);

	if (ret) {
		if (ret != -EINVAL || t.id)
			abort();
		return 0;
	}
	if (!toolchain_release_is_id(t.id) || strchr(t.driver, '/') ||
	    (!t.adopted_from &&
	     !toolchain_dir_digest_is_valid_path(t.relative_prefix)))
		abort();
	check_again(&t);
	toolchain_installed_release(&t);
	return 0;
}
