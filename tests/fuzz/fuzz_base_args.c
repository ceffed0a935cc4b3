/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: base */
/*
 * Words of a command line, each ended by a NUL: whatever they are, every
 * one is returned once or the parsing ends with an error that says so.
 */
#include "base/args.h"
#include "base/bytes.h"
#include "base/str.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct args_option options[] = {
	{ 1, 'F', "fail-fast", NULL, "stop" },
	{ 2, 'v', "verbose", NULL, "say more" },
	{ 3, 'a', "arch", "ARCH", "name" },
	{ 4, 'j', NULL, "N", "number" },
	{ 5, 0, "json", "FILE", "events" },
	{ 0 },
};

static void split(struct strv *out, const uint8_t *data, size_t size)
{
	char *text = bytes_dup(bytes_of(data, size));

	for (size_t at = 0; at < size; at += strlen(text + at) + 1)
		strv_add(out, text + at);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *none[] = { NULL };
	struct strv words = { 0 };
	struct err err = { 0 };
	struct args a;
	size_t steps = 0;
	int got;

	split(&words, data, size);
	args_init(&a, options, words.v ? words.v : none);
	a.variables = size && data[0] & 1;
	while ((got = args_next(&a, &err)) != ARGS_END && got != -EINVAL) {
		/* A word is told by its value. */
		if ((got == ARGS_WORD || got == ARGS_VARIABLE) && !a.value)
			abort();
		if (++steps > size)
			abort();
	}
	if (got == -EINVAL && !err.text[0])
		abort();
	strv_release(&words);
	return 0;
}
