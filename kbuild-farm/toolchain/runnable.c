/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "toolchain/runnable.h"

#include "base/capture.h"
#include "base/elf.h"

#include <errno.h>
#include <string.h>

/* A line of the loader's list that tells of something wrong. */
static const char *find_wrong(const char *text, size_t *len)
{
	static const char *const signs[] = { "not found", "undefined symbol",
					     "symbol lookup error",
					     "version `" };

	for (; *text; text += *len + (text[*len] == '\n')) {
		*len = strcspn(text, "\n");
		for (size_t i = 0; i < sizeof(signs) / sizeof(*signs); i++) {
			if (memmem(text, *len, signs[i], strlen(signs[i])))
				return text;
		}
	}
	return NULL;
}

static bool is_glibc(const char *program)
{
	struct elf_program elf;
	struct err ignored;
	const char *base;
	bool is;

	if (elf_program_read(&elf, program, &ignored))
		return false;
	base = elf.loader ? str_base(elf.loader) : "";
	is = str_starts(base, "ld-linux") || str_starts(base, "ld64.so.") ||
	     str_starts(base, "ld.so.");
	elf_program_release(&elf);
	return is;
}

int toolchain_runnable(const char *program, struct err *err)
{
	const char *argv[] = { program, NULL };
	static const char *const env[] = { "LC_ALL=C",
					   "LD_TRACE_LOADED_OBJECTS=1",
					   "LD_WARN=yes", "LD_BIND_NOW=yes",
					   NULL };
	struct buf said = { 0 }, wrong = { 0 };
	const char *line;
	size_t len = 0;
	int ret = 0;

	if (!is_glibc(program))
		return 0;
	ret = capture_run(NULL, "/", (char *const *)argv, (char *const *)env,
			  &said, &wrong, err);
	buf_add_bytes(&said, buf_bytes(&wrong));
	line = find_wrong(buf_str(&said), &len);
	while (line && len && (*line == ' ' || *line == '\t')) {
		line++;
		len--;
	}
	if (line)
		ret = err_set(err, ENOEXEC, "%s: %.*s", program, (int)len,
			      line);
	else if (ret)
		ret = err_set(err, ENOEXEC, "%s: %.*s", program,
			      (int)strcspn(buf_str(&said), "\n"),
			      buf_str(&said));
	buf_release(&said);
	buf_release(&wrong);
	return ret;
}
