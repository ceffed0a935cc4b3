/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: toolchain */
#include "base/bytes.h"
#include "compiler/manifest.h"

#include <stdlib.h>
#include <string.h>

#define ENTRIES 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Return the next line of the input, possibly empty; the caller frees it. */
static char *next_line(struct reader *r)
{
	const uint8_t *nl = r->left ? memchr(r->p, '\n', r->left) : NULL;
	size_t len = nl ? (size_t)(nl - r->p) : r->left;
	char *line = bytes_dup(reader_raw(r, len));

	if (nl)
		reader_raw(r, 1);
	/* A path ends at a NUL, so the rest is cut off. */
	return line;
}

/* Parse "F/path", "X/path", "D/path", or "L/path" with its target below. */
static struct compiler_entry next_entry(struct reader *r)
{
	struct compiler_entry e = { 0 };
	char *line = next_line(r);
	char kind = line[0];

	e.path = xstrdup(kind ? line + 1 : "");
	e.executable = kind == 'X';
	e.kind = kind == 'D' ? COMPILER_ENTRY_DIR :
		 kind == 'L' ? COMPILER_ENTRY_SYMLINK :
			       COMPILER_ENTRY_FILE;
	if (e.kind == COMPILER_ENTRY_SYMLINK)
		e.target = next_line(r);
	free(line);
	return e;
}

/* The order of the entries does not affect the result. */
static void check(struct compiler_entry *v, size_t n, const char *driver)
{
	struct digest one, two;
	int ret = compiler_manifest_id(v, n, driver, false, &one);

	for (size_t i = 0; i < n / 2; i++) {
		struct compiler_entry e = v[i];

		v[i] = v[n - 1 - i];
		v[n - 1 - i] = e;
	}
	if (compiler_manifest_id(v, n, driver, false, &two) != ret)
		abort();
	if (!ret && !digest_equal(&one, &two))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct compiler_entry v[ENTRIES];
	struct reader r;
	char *driver;
	size_t n = 0;

	reader_init(&r, bytes_of(data, size));
	driver = next_line(&r);
	while (r.left && n < ENTRIES)
		v[n++] = next_entry(&r);
	check(v, n, driver);
	for (size_t i = 0; i < n; i++) {
		free(v[i].path);
		free(v[i].target);
	}
	free(driver);
	return 0;
}
