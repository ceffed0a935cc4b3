/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: wire */
/*
 * Message bodies from a hostile peer.  The first byte selects the decoder.  The
 * encoding is unique: a decoded body encodes to the same bytes.
 */
#include "wire/cc.h"
#include "wire/msg.h"
#include "wire/table.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Decode a body, encode and release the result.  Returns false if rejected. */
typedef bool round_trip(struct bytes in, struct buf *out);

#define ROUND_TRIP(what, release)                          \
	static bool what(struct bytes in, struct buf *out) \
	{                                                  \
		struct wire_##what m = { 0 };              \
                                                           \
		if (wire_##what##_decode(&m, in))          \
			return false;                      \
		wire_##what##_encode(out, &m);             \
		release(&m);                               \
		return true;                               \
	}

/* An accepted job is within the limits of the build host. */
static void release_job(struct wire_job *m)
{
	if (!wire_job_fits(m))
		abort();
	wire_job_release(m);
}

static void release_step(struct wire_step *m)
{
	if (!wire_step_fits(m))
		abort();
	wire_step_release(m);
}

/* An accepted VIEW fits into one message of the build host. */
static void release_view(struct wire_view *m)
{
	if (wire_view_count_fitting(m->entries, m->n_entries) != m->n_entries)
		abort();
	wire_view_release(m);
}

#define release_nothing(m) ((void)(m))

ROUND_TRIP(hello, wire_hello_release)
ROUND_TRIP(fit, wire_fit_release)
ROUND_TRIP(cell, wire_cell_release)
ROUND_TRIP(have, wire_have_release)
ROUND_TRIP(view, release_view)
ROUND_TRIP(need, wire_need_release)
ROUND_TRIP(blob, release_nothing)
ROUND_TRIP(job, release_job)
ROUND_TRIP(step, release_step)
ROUND_TRIP(piece, release_nothing)
ROUND_TRIP(beat, wire_beat_release)
ROUND_TRIP(machine, wire_machine_release)
ROUND_TRIP(pin, wire_pin_release)
ROUND_TRIP(heat, wire_heat_release)
ROUND_TRIP(weight, release_nothing)
ROUND_TRIP(lease, release_nothing)
ROUND_TRIP(relay, wire_relay_release)
ROUND_TRIP(via, wire_via_release)
ROUND_TRIP(exclude, wire_exclude_release)
ROUND_TRIP(neighbor, wire_neighbor_release)
ROUND_TRIP(fetch, release_nothing)
ROUND_TRIP(get, release_nothing)
ROUND_TRIP(gone, release_nothing)
ROUND_TRIP(result, release_nothing)
ROUND_TRIP(fail, wire_fail_release)
ROUND_TRIP(bundle, wire_bundle_release)
ROUND_TRIP(dropped, wire_dropped_release)
ROUND_TRIP(tools, release_nothing)
ROUND_TRIP(held, wire_held_release)
ROUND_TRIP(drop, wire_drop_release)
ROUND_TRIP(cc_job, wire_cc_job_release)
ROUND_TRIP(cc_done, wire_cc_done_release)
ROUND_TRIP(cc_fixdep, wire_cc_fixdep_release)
ROUND_TRIP(cc_fixed, wire_cc_fixed_release)
ROUND_TRIP(cc_step, wire_cc_step_release)

/* A new table accepts the body and encodes the same one. */
static bool through(struct wire_intern *t, struct bytes in, struct buf *out,
		    int take(struct wire_intern *t, struct bytes body),
		    bool message(struct wire_intern *t, struct buf *out))
{
	bool taken = !take(t, in);

	if (taken && !message(t, out)) {
		buf_put_u32(out, 0);
		buf_put_u32(out, 0);
	}
	wire_intern_free(t);
	return taken;
}

static bool paths(struct bytes in, struct buf *out)
{
	return through(wire_paths_new(), in, out, wire_paths_receive,
		       wire_paths_put_new);
}

static bool flags(struct bytes in, struct buf *out)
{
	return through(wire_flags_new(), in, out, wire_flags_receive,
		       wire_flags_put_new);
}

static bool bye(struct bytes in, struct buf *out)
{
	char *why;

	if (wire_bye_decode(&why, in))
		return false;
	wire_bye_encode(out, why);
	free(why);
	return true;
}

static bool health_of(struct bytes in, struct buf *out, int version)
{
	struct wire_health m;

	if (wire_health_decode_at(&m, in, version))
		return false;
	wire_health_encode_at(out, &m, version);
	return true;
}

static bool health_7(struct bytes in, struct buf *out)
{
	return health_of(in, out, 7);
}

static bool health(struct bytes in, struct buf *out)
{
	return health_of(in, out, WIRE_VERSION);
}

static bool cancel(struct bytes in, struct buf *out)
{
	uint32_t job;

	if (wire_number_decode(&job, in))
		return false;
	wire_number_encode(out, job);
	return true;
}

static bool shut(struct bytes in, struct buf *out)
{
	uint32_t cell;

	if (wire_number_decode(&cell, in))
		return false;
	wire_number_encode(out, cell);
	return true;
}

static round_trip *const decoders[] = {
	hello,  bye,       fit,      have,     job,     piece,   beat,
	result, fail,      cancel,   cc_job,   cc_done, cell,    shut,
	paths,  view,      need,     blob,     flags,   bundle,  dropped,
	tools,  held,      drop,     health_7, health,  machine, pin,
	heat,   cc_fixdep, cc_fixed, step,     cc_step, weight,  lease,
	relay,  via,       exclude,  neighbor, fetch,   get,     gone,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf out = { 0 };
	struct bytes in;

	if (!size || data[0] >= sizeof(decoders) / sizeof(*decoders))
		return 0;
	in = bytes_of(data + 1, size - 1);
	if (decoders[data[0]](in, &out) && !bytes_equal(in, buf_bytes(&out)))
		abort();
	buf_release(&out);
	return 0;
}
