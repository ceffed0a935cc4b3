/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "audit.h"

#include "base/depfile.h"
#include "base/fs.h"

#include <string.h>

#define CMD_MAX (16u << 20)
#define BLANKS  " \t"

/* Find the lines after "deps_NAME := \", each a file or a $(wildcard). */
static void find_listed(struct strv *out, const char *text)
{
	const char *line = depfile_find_value(text, "deps_");
	const char *source = depfile_find_value(text, "source_");

	if (source)
		strv_own(out, xstrndup(source, strcspn(source, "\n")));
	line = line ? strchr(line, '\n') : NULL;
	while (line && *++line) {
		size_t len;

		line += strspn(line, BLANKS);
		len = strcspn(line, " \t\n\\");
		if (!len)
			break;
		if (line[0] != '$')
			strv_own(out, xstrndup(line, len));
		line = strchr(line, '\n');
	}
}

void audit_listed(struct strv *out, const char *file)
{
	struct buf text = { 0 };
	struct err ignored;

	if (!fs_read(file, CMD_MAX, &text, &ignored))
		find_listed(out, buf_str(&text));
	buf_release(&text);
}
