/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wire/msg.h"

void wire_job_key(const struct wire_job *m, const struct digest *text,
		  struct digest *key)
{
	struct digest_run *run = digest_new();
	struct wire_job nameless = *m;
	struct buf body = { 0 };

	nameless.job = 0;
	wire_job_encode(&body, &nameless);
	digest_add(run, buf_bytes(&body));
	digest_add(run, bytes_of(text->b, sizeof(text->b)));
	digest_end(run, key);
	buf_release(&body);
}

void wire_answer_digest(const struct digest *key, struct bytes object,
			struct digest *out)
{
	struct digest_run *run = digest_new();

	digest_add(run, bytes_of(key->b, sizeof(key->b)));
	digest_add(run, object);
	digest_end(run, out);
}
