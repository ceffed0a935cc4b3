/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: wire */
/*
 * The tables of a connection with a hostile client: a sequence of PATHS and
 * FLAGS bodies, each preceded by a byte (the table) and its length (u16), then
 * the runs of a JOB.  Numbers have no gaps, and each numbered entry is valid.
 */
#include "wire/msg.h"
#include "wire/table.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
	if (!ok)
		abort();
}

static bool take_paths(struct wire_intern *t, struct bytes body)
{
	if (wire_paths_receive(t, body))
		return false;
	for (uint32_t i = 0; wire_paths_get(t, i); i++)
		must(wire_path_is_valid(wire_paths_get(t, i)));
	return true;
}

static bool take_job(const struct wire_intern *t, struct bytes body)
{
	struct wire_flag *flags;
	struct wire_job job;
	size_t n, sum = 0;

	if (wire_job_decode(&job, body))
		return false;
	must(wire_job_fits(&job));
	if (!wire_flags_decode_job(t, &job, &flags, &n)) {
		must(n <= WIRE_FLAGS_MAX);
		for (size_t i = 0; i < n; i++) {
			must(*flags[i].name);
			sum += strlen(flags[i].name);
			if (flags[i].value)
				sum += strlen(flags[i].value);
		}
		must(sum <= WIRE_ARGV_MAX);
		free(flags);
	}
	wire_job_release(&job);
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wire_intern *paths = wire_paths_new();
	struct wire_intern *flags = wire_flags_new();
	struct reader r;
	bool goes_on = true;

	reader_init(&r, bytes_of(data, size));
	while (goes_on && r.left) {
		struct bytes first = reader_raw(&r, 1);
		uint8_t which = first.len ? *first.data : 0;
		struct bytes body = reader_raw(&r, reader_u16(&r));

		if (r.bad)
			break;
		if (which == 0)
			goes_on = take_paths(paths, body);
		else if (which == 1)
			goes_on = !wire_flags_receive(flags, body);
		else
			goes_on = take_job(flags, body);
	}
	wire_intern_free(paths);
	wire_intern_free(flags);
	return 0;
}
