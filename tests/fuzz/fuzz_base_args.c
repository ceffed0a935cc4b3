/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: base */
/*
 * Words of a command line, each ended by a NUL.  Every word is returned once,
 * or the parser ends with an error message.
 */
#include "base/args.h"
#include "base/bytes.h"
#include "base/str.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct values {
	bool force;
	unsigned say, jobs;
	const char *arch;
	struct strv json;
};

#define AT(member) offsetof(struct values, member)

static const struct args_option options[] = {
	{ 'F', "fail-fast", NULL, "stop", args_flag, AT(force), 0 },
	{ 'v', "verbose", NULL, "say more", args_choice, AT(say), 7 },
	{ 'a', "arch", "ARCH", "name", args_text, AT(arch), 0 },
	{ 'j', NULL, "N", "number", args_number, AT(jobs), 100 },
	{ 0, "json", "FILE", "events", args_list, AT(json), 0 },
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
	struct values values = { 0 };
	struct err err = { 0 };
	struct args a;
	size_t steps = 0;
	int got;

	split(&words, data, size);
	args_init(&a, options, words.v ? words.v : none);
	a.variables_allowed = size && data[0] & 1;
	while ((got = args_next(&a, &err)) > 0) {
		/* A positional argument is returned by its value. */
		if (got != ARGS_OPTION && !a.value)
			abort();
		if (got == ARGS_OPTION && args_store(&a, &values, &err) &&
		    !err.text[0])
			abort();
		if (++steps > size || values.jobs > 100)
			abort();
	}
	if (got && (got != -EINVAL || !err.text[0]))
		abort();
	strv_release(&values.json);
	strv_release(&words);
	return 0;
}
