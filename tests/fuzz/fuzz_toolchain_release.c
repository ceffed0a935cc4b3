/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: toolchain */
#include "toolchain/tool-name.h"

#include "base/bytes.h"
#include "base/str.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/*
 * A directory name of a server and a file name of an archive: "RELEASE FILE".
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = bytes_dup(bytes_of(data, size)), *file = strchr(text, ' ');
	struct toolchain_release r, again;
	struct err err = { 0 };

	if (file)
		*file++ = '\0';
	if (!toolchain_release_parse(text, &r, &err)) {
		char *said = toolchain_release_format(&r), *name = NULL;

		if (strcmp(said, text) ||
		    toolchain_release_parse(said, &again, &err) ||
		    toolchain_release_compare(&r, &again))
			abort();
		if (file)
			name = toolchain_tool_name_normalize(
				file, r.is_clang ? NULL : "arm-linux-gnueabi",
				&r);
		if (name && (strpbrk(name, "/ \t\n'\"$") || *name == '.'))
			abort();
		free(name);
		free(said);
	} else if (!err.text[0]) {
		abort();
	}
	free(text);
	return 0;
}
