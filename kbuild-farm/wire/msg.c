/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wire/msg.h"

#include "base/version.h"
#include "wire/field.h"

#include <errno.h>
#include <stdlib.h>

void wire_inventory_release(struct wire_inventory *inv)
{
	free(inv->machine);
	free(inv->host);
	free(inv->boot_id);
	strv_release(&inv->compilers);
	*inv = (struct wire_inventory){ 0 };
}

void wire_hello_release(struct wire_hello *m)
{
	free(m->software);
	wire_inventory_release(&m->inventory);
	*m = (struct wire_hello){ 0 };
}

static void put_compilers(struct buf *out, const struct strv *names)
{
	size_t n = names->n < WIRE_COMPILERS ? names->n : WIRE_COMPILERS;

	buf_put_u16(out, (uint16_t)n);
	for (size_t i = 0; i < n; i++)
		wire_field_put_line(out, names->v[i], WIRE_NAME_MAX);
}

static void get_compilers(struct reader *r, struct strv *names)
{
	uint16_t n = reader_u16(r);

	if (n > WIRE_COMPILERS)
		r->bad = true;
	for (uint16_t i = 0; i < n && !r->bad; i++)
		strv_own(names, wire_field_line(r, WIRE_NAME_MAX));
}

static void put_inventory(struct buf *out, const struct wire_inventory *inv)
{
	wire_field_put_line(out, inv->machine, WIRE_NAME_MAX);
	wire_field_put_line(out, inv->host, WIRE_NAME_MAX);
	wire_field_put_line(out, inv->boot_id, WIRE_NAME_MAX);
	buf_put_u16(out, inv->cores);
	buf_put_u16(out, inv->slots);
	buf_put_u32(out, inv->memory_mib);
	buf_put_u32(out, inv->available_mib);
	buf_put_u32(out, inv->load_milli);
	put_compilers(out, &inv->compilers);
}

static void get_inventory(struct reader *r, struct wire_inventory *inv)
{
	inv->machine = wire_field_line(r, WIRE_NAME_MAX);
	inv->host = wire_field_line(r, WIRE_NAME_MAX);
	inv->boot_id = wire_field_line(r, WIRE_NAME_MAX);
	inv->cores = reader_u16(r);
	inv->slots = reader_u16(r);
	inv->memory_mib = reader_u32(r);
	inv->available_mib = reader_u32(r);
	inv->load_milli = reader_u32(r);
	get_compilers(r, &inv->compilers);
}

void wire_hello_encode(struct buf *out, const struct wire_hello *m)
{
	buf_put_u16(out, m->version_min);
	buf_put_u16(out, m->version_max);
	wire_field_put_line(out, m->software, WIRE_NAME_MAX);
	put_inventory(out, &m->inventory);
}

void wire_hello_encode_kfarm(struct buf *out)
{
	struct wire_hello m = { .version_min = WIRE_VERSION_MIN,
				.version_max = WIRE_VERSION,
				.software = (char *)"kfarm " KFARM_VERSION };

	m.inventory.machine = m.inventory.host = m.inventory.boot_id =
		(char *)"";
	wire_hello_encode(out, &m);
}

int wire_hello_decode(struct wire_hello *m, struct bytes in)
{
	struct wire_hello got = { 0 };
	struct reader r;
	int ret;

	reader_init(&r, in);
	got.version_min = reader_u16(&r);
	got.version_max = reader_u16(&r);
	got.software = wire_field_line(&r, WIRE_NAME_MAX);
	get_inventory(&r, &got.inventory);
	ret = reader_end(&r);
	if (ret)
		wire_hello_release(&got);
	else
		*m = got;
	return ret;
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

void wire_fit_release(struct wire_fit *m)
{
	free(m->layers);
	free(m->why);
	strv_release(&m->hosts);
	*m = (struct wire_fit){ 0 };
}

void wire_fit_encode(struct buf *out, const struct wire_fit *m)
{
	buf_put_u8(out, m->fit);
	wire_field_put_line(out, m->layers, WIRE_REASON_MAX);
	wire_field_put_line(out, m->why, WIRE_REASON_MAX);
	buf_put_u8(out, (uint8_t)m->hosts.n);
	for (size_t i = 0; i < m->hosts.n; i++)
		buf_put_str(out, m->hosts.v[i]);
}

static void get_hosts(struct reader *r, struct strv *hosts)
{
	uint8_t n = wire_field_u8(r, WIRE_HOSTS);

	for (uint8_t i = 0; i < n && !r->bad; i++) {
		strv_own(hosts, reader_str(r, WIRE_HOST_MAX));
		if (!wire_host_ok(hosts->v[i]))
			r->bad = true;
	}
}

int wire_fit_decode(struct wire_fit *m, struct bytes in)
{
	struct wire_fit got = { 0 };
	struct reader r;
	int ret;

	reader_init(&r, in);
	got.fit = wire_field_u8(&r, 1);
	got.layers = wire_field_line(&r, WIRE_REASON_MAX);
	got.why = wire_field_line(&r, WIRE_REASON_MAX);
	get_hosts(&r, &got.hosts);
	ret = reader_end(&r);
	if (ret)
		wire_fit_release(&got);
	else
		*m = got;
	return ret;
}

void wire_beat_release(struct wire_beat *m)
{
	free(m->jobs);
	*m = (struct wire_beat){ 0 };
}

void wire_beat_encode(struct buf *out, const struct wire_beat *m)
{
	uint16_t n = m->n_jobs < WIRE_BEAT_JOBS ? m->n_jobs : WIRE_BEAT_JOBS;

	buf_put_u32(out, m->available_mib);
	buf_put_u32(out, m->load_milli);
	buf_put_u16(out, n);
	for (uint16_t i = 0; i < n; i++) {
		buf_put_u32(out, m->jobs[i].job);
		buf_put_u32(out, m->jobs[i].cpu_ms);
	}
}

static void get_beat_jobs(struct reader *r, struct wire_beat *m)
{
	uint16_t n = reader_u16(r);

	if (r->bad || n > WIRE_BEAT_JOBS || r->left != (size_t)n * 8) {
		r->bad = true;
		return;
	}
	if (n)
		m->jobs = xcalloc(n, sizeof(*m->jobs));
	for (; m->n_jobs < n; m->n_jobs++) {
		m->jobs[m->n_jobs].job = reader_u32(r);
		m->jobs[m->n_jobs].cpu_ms = reader_u32(r);
	}
}

int wire_beat_decode(struct wire_beat *m, struct bytes in)
{
	struct wire_beat got = { 0 };
	struct reader r;
	int ret;

	reader_init(&r, in);
	got.available_mib = reader_u32(&r);
	got.load_milli = reader_u32(&r);
	get_beat_jobs(&r, &got);
	ret = reader_end(&r);
	if (ret)
		wire_beat_release(&got);
	else
		*m = got;
	return ret;
}
