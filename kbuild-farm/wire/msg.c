/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wire/msg.h"

#include "base/version.h"

#include <errno.h>
#include <stdlib.h>

static const struct wire_field inventory[] = {
	{ WIRE_LINE(inventory, machine, WIRE_NAME_MAX) },
	{ WIRE_LINE(inventory, host, WIRE_NAME_MAX) },
	{ WIRE_LINE(inventory, boot_id, WIRE_NAME_MAX) },
	{ WIRE_NUMBER(inventory, cores, WIRE_ANY) },
	{ WIRE_NUMBER(inventory, slots, WIRE_ANY) },
	{ WIRE_NUMBER(inventory, memory_mib, WIRE_ANY) },
	{ WIRE_NUMBER(inventory, available_mib, WIRE_ANY) },
	{ WIRE_NUMBER(inventory, load_milli, WIRE_ANY) },
	{ WIRE_LINES(inventory, compilers, 2, WIRE_COMPILERS, WIRE_NAME_MAX) },
};

const struct wire_layout wire_inventory_layout = WIRE_LAYOUT(inventory, NULL);

static const struct wire_field hello[] = {
	{ WIRE_NUMBER(hello, version_min, WIRE_ANY) },
	{ WIRE_NUMBER(hello, version_max, WIRE_ANY) },
	{ WIRE_LINE(hello, software, WIRE_NAME_MAX) },
	{ WIRE_STRUCT(hello, inventory, &wire_inventory_layout) },
};

const struct wire_layout wire_hello_layout = WIRE_LAYOUT(hello, NULL);

void wire_hello_encode_kfarm(struct buf *out)
{
	struct wire_hello m = { .version_min = WIRE_VERSION_MIN,
				.version_max = WIRE_VERSION,
				.software = (char *)"kfarm " KFARM_VERSION };

	wire_hello_encode(out, &m);
}

int wire_hello_version(const struct wire_hello *peer)
{
	int low = WIRE_VERSION_MIN, high = WIRE_VERSION;

	if (peer->version_min > low)
		low = peer->version_min;
	if (peer->version_max < high)
		high = peer->version_max;
	return low <= high ? high : -EPROTO;
}

void wire_number_encode(struct buf *out, uint32_t number)
{
	buf_put_u32(out, number);
}

int wire_number_decode(uint32_t *number, struct bytes in)
{
	if (in.len != 4)
		return -EPROTO;
	*number = get_le32(in.data);
	return 0;
}

void wire_bye_encode(struct buf *out, const char *why)
{
	wire_field_put_line(out, why, WIRE_REASON_MAX);
}

int wire_bye_decode(char **why, struct bytes in)
{
	struct reader r;
	char *got;
	int ret;

	reader_init(&r, in);
	got = wire_field_line(&r, WIRE_REASON_MAX);
	ret = reader_end(&r);
	if (ret)
		free(got);
	else
		*why = got;
	return ret;
}

int wire_bye_end(struct bytes in, struct err *err)
{
	char *why;

	if (wire_bye_decode(&why, in))
		return err_set(err, EPROTO, "broken BYE");
	err_set(err, ECONNRESET, "it says: %s", *why ? why : "bye");
	free(why);
	return -ECONNRESET;
}

static const struct wire_field fit[] = {
	{ WIRE_NUMBER(fit, fit, 1) },
	{ WIRE_LINE(fit, layers, WIRE_REASON_MAX) },
	{ WIRE_LINE(fit, why, WIRE_REASON_MAX) },
	{ WIRE_STRINGS(fit, hosts, 1, WIRE_HOSTS, WIRE_HOST_MAX),
	  .ok = wire_host_ok },
};

const struct wire_layout wire_fit_layout = WIRE_LAYOUT(fit, NULL);

static const struct wire_field beat_job[] = {
	{ WIRE_NUMBER(beat_job, job, WIRE_ANY) },
	{ WIRE_NUMBER(beat_job, cpu_ms, WIRE_ANY) },
};

static const struct wire_layout beat_job_layout = WIRE_LAYOUT(beat_job, NULL);

static const struct wire_field beat[] = {
	{ WIRE_NUMBER(beat, available_mib, WIRE_ANY) },
	{ WIRE_NUMBER(beat, load_milli, WIRE_ANY) },
	{ WIRE_LIST(beat, jobs, n_jobs, WIRE_BEAT_JOBS, &beat_job_layout),
	  .cut = true },
};

const struct wire_layout wire_beat_layout = WIRE_LAYOUT(beat, NULL);
