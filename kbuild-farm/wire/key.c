/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wire/key.h"

/* What the runs stand for: the numbers are only this connection's. */
static void put_flags(struct buf *out, const struct wire_flag *flags, size_t n)
{
	buf_put_u32(out, (uint32_t)n);
	for (size_t i = 0; i < n; i++)
		wire_flag_put(out, &flags[i]);
}

static void put_step(struct buf *out, const struct wire_step *step)
{
	struct wire_step nameless = *step;

	nameless.job = 0;
	wire_step_encode(out, &nameless);
}

void wire_job_key(const struct wire_step *step, const struct wire_job *m,
		  const struct wire_flag *flags, size_t n,
		  const struct digest *toolchain, struct digest *key)
{
	struct digest_run *run = digest_new();
	struct wire_job nameless = *m;
	struct buf body = { 0 };

	nameless.job = 0;
	nameless.n_runs = 0;
	if (step)
		put_step(&body, step);
	wire_job_encode(&body, &nameless);
	put_flags(&body, flags, n);
	digest_add(run, buf_bytes(&body));
	digest_add(run, bytes_of(toolchain->b, sizeof(toolchain->b)));
	digest_end(run, key);
	buf_release(&body);
}

void wire_answer_digest(const struct digest *key,
			const struct bytes streams[static WIRE_STREAMS],
			struct digest *out)
{
	struct digest_run *run = digest_new();
	uint8_t len[4];

	digest_add(run, bytes_of(key->b, sizeof(key->b)));
	for (int i = 0; i < WIRE_STREAMS; i++) {
		put_le32(len, (uint32_t)streams[i].len);
		digest_add(run, bytes_of(len, sizeof(len)));
		digest_add(run, streams[i]);
	}
	digest_end(run, out);
}
