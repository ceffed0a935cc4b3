/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * farm/badspoil.c - The ways in which badnode corrupts a result.
 */
#include "badnode.h"

#include "base/depfile.h"
#include "wire/codec.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Send the result with a digest and lengths that match its outputs. */
static void say_signed(struct job *job, struct wire_result *r)
{
	struct bytes streams[WIRE_N_OUTPUTS];
	struct digest key;

	wire_job_digest(NULL, &job->ask, job->flags, job->n_flags,
			&job->toolchain, WIRE_VERSION, &key);
	for (int i = 0; i < WIRE_N_OUTPUTS; i++) {
		streams[i] = buf_bytes(&job->out[i]);
		r->output_bytes[i] = (uint32_t)job->out[i].len;
	}
	wire_result_digest(&key, streams, &r->digest);
	badnode_say_answer(job, r);
}

/* Send all outputs of the compiler without the RESULT. */
static void say_streams(struct job *job)
{
	for (int i = 0; i < WIRE_N_OUTPUTS; i++) {
		if (job->out[i].len)
			badnode_say_piece(job->ask.job, (uint8_t)i,
					  buf_bytes(&job->out[i]));
	}
}

static void spoil_garbage(struct job *job, struct wire_result *r)
{
	(void)r;
	say_streams(job);
	badnode_say_random(4096);
}

static void spoil_cut(struct job *job, struct wire_result *r)
{
	if (bad.budget < 0)
		bad.budget = bad.n;
	badnode_say_answer(job, r);
}

/* N counts from the end: -1 leaves out the last byte of RESULT. */
static void spoil_cut_end(struct job *job, struct wire_result *r)
{
	struct buf body = { 0 };

	say_streams(job);
	wire_result_encode(&body, r);
	bad.budget = WIRE_FRAME_SIZE + (long)body.len + bad.n;
	badnode_say(WIRE_RESULT, buf_bytes(&body));
	exit(0);
}

static void spoil_flip(struct job *job, struct wire_result *r)
{
	struct buf *object = &job->out[WIRE_OUTPUT_OBJECT];

	if (object->len)
		object->data[bad.n / 8 % object->len] ^= 1u << (bad.n % 8);
	badnode_say_answer(job, r);
}

/* Flip a bit of output N, or add a byte to an empty output. */
static void spoil_spoil(struct job *job, struct wire_result *r)
{
	struct buf *out = &job->out[bad.n];

	if (out->len)
		out->data[out->len / 2] ^= 4;
	else
		buf_put_u8(out, 'x');
	badnode_say_answer(job, r);
}

static void keep(struct job *from, struct buf *to)
{
	for (int i = 0; i < WIRE_N_OUTPUTS; i++)
		buf_add_bytes(&to[i], buf_bytes(&from->out[i]));
}

/* Send the previous result with its correct digest. */
static void spoil_other(struct job *job, struct wire_result *r)
{
	static struct buf before[WIRE_N_OUTPUTS];
	static struct wire_result result;

	if (!before[WIRE_OUTPUT_OBJECT].len) {
		keep(job, before);
		result = *r;
		badnode_say_answer(job, r);
		return;
	}
	for (int i = 0; i < WIRE_N_OUTPUTS; i++) {
		if (before[i].len)
			badnode_say_piece(r->job, (uint8_t)i,
					  buf_bytes(&before[i]));
	}
	result.job = r->job;
	badnode_say_result(&result);
}

static void spoil_machine(struct job *job, struct wire_result *r)
{
	if (job->out[WIRE_OUTPUT_OBJECT].len > 20)
		put_le16(job->out[WIRE_OUTPUT_OBJECT].data + 18,
			 bad.n ? bad.n : 62);
	say_signed(job, r);
}

static void spoil_class(struct job *job, struct wire_result *r)
{
	if (job->out[WIRE_OUTPUT_OBJECT].len > 20)
		job->out[WIRE_OUTPUT_OBJECT].data[4] ^= 3;
	say_signed(job, r);
}

static void spoil_short(struct job *job, struct wire_result *r)
{
	if (job->out[WIRE_OUTPUT_OBJECT].len > (size_t)bad.n)
		job->out[WIRE_OUTPUT_OBJECT].len -= bad.n;
	say_signed(job, r);
}

static void spoil_empty(struct job *job, struct wire_result *r)
{
	buf_reset(&job->out[WIRE_OUTPUT_OBJECT]);
	say_signed(job, r);
}

static void spoil_text(struct job *job, struct wire_result *r)
{
	buf_reset(&job->out[WIRE_OUTPUT_OBJECT]);
	buf_add_str(&job->out[WIRE_OUTPUT_OBJECT],
		    "this is no object at all, but a text\n");
	say_signed(job, r);
}

static void spoil_toolchain(struct job *job, struct wire_result *r)
{
	((uint8_t *)&r->toolchain)[0] ^= 1;
	badnode_say_answer(job, r);
}

static void spoil_length(struct job *job, struct wire_result *r)
{
	r->output_bytes[WIRE_OUTPUT_OBJECT] += bad.n;
	badnode_say_answer(job, r);
}

static void spoil_digest(struct job *job, struct wire_result *r)
{
	((uint8_t *)&r->digest)[0] ^= 1;
	badnode_say_answer(job, r);
}

/* Report another exit status of the compiler and omit the object. */
static void spoil_status(struct job *job, struct wire_result *r)
{
	r->wait_status = bad.n;
	buf_reset(&job->out[WIRE_OUTPUT_OBJECT]);
	say_signed(job, r);
}

/* Corrupt and sign one object in N, like a processor with rare errors. */
static void spoil_seldom(struct job *job, struct wire_result *r)
{
	struct buf *object = &job->out[WIRE_OUTPUT_OBJECT];

	if (!(bad.answered % (unsigned)bad.n) && object->len)
		object->data[object->len / 2] ^= 4;
	say_signed(job, r);
}

/* Let one compiler in N crash. */
static void spoil_crashes(struct job *job, struct wire_result *r)
{
	if (!(bad.answered % (unsigned)bad.n)) {
		r->wait_status = 1 << 8;
		buf_reset(&job->out[WIRE_OUTPUT_OBJECT]);
		buf_add_str(&job->out[WIRE_OUTPUT_STDERR],
			    "internal compiler error: Segmentation fault\n");
	}
	say_signed(job, r);
}

/* Add N KiB of diagnostics, which the signed result announces. */
static void spoil_stderr(struct job *job, struct wire_result *r)
{
	static uint8_t line[1024];

	memset(line, 'w', sizeof(line) - 1);
	line[sizeof(line) - 1] = '\n';
	for (long i = 0; i < bad.n; i++)
		buf_add_bytes(&job->out[WIRE_OUTPUT_STDERR],
			      bytes_of(line, sizeof(line)));
	say_signed(job, r);
}

/* Send terminal escape sequences, which kfarm must remove and report. */
static void spoil_escape(struct job *job, struct wire_result *r)
{
	buf_add_str(&job->out[bad.n ? WIRE_OUTPUT_STDOUT : WIRE_OUTPUT_STDERR],
		    "bad.c: warning: psst\033[2J\033]0;owned\007\r\n");
	say_signed(job, r);
}

/* Announce N bytes of diagnostics but do not send them. */
static void spoil_told(struct job *job, struct wire_result *r)
{
	r->output_bytes[WIRE_OUTPUT_STDERR] = (uint32_t)bad.n;
	badnode_say_answer(job, r);
}

/* Send diagnostics that the result does not announce. */
static void spoil_whisper(struct job *job, struct wire_result *r)
{
	badnode_say_piece(r->job, WIRE_OUTPUT_STDERR,
			  bytes_str("warning: psst\n"));
	badnode_say_answer(job, r);
}

/* Add a file outside the input root to list 3 or 4. */
static void spoil_outside(struct job *job, struct wire_result *r)
{
	struct buf *list = &job->out[bad.n];

	while (list->len && list->data[list->len - 1] == '\n')
		list->len--;
	if (!list->len)
		buf_add_str(list, "x.o:");
	buf_add_str(list, " \\\n /etc/kfarm-outside\n");
	say_signed(job, r);
}

/* Remove a header that the compiler read from the list. */
static void spoil_hide(struct job *job, struct wire_result *r)
{
	struct buf *list = &job->out[WIRE_OUTPUT_DEPS];
	struct strv names = { 0 };
	struct buf rest = { 0 };
	bool hidden = false;

	if (!depfile_parse(&names, buf_bytes(list))) {
		buf_add(&rest, list->data, strcspn(buf_str(list), ":") + 1);
		for (size_t i = 0; i < names.n; i++) {
			bool hide = !hidden && str_ends(names.v[i], ".h");

			hidden |= hide;
			if (!hide)
				buf_printf(&rest, " %s", names.v[i]);
		}
		buf_printf(&rest, "\n");
		buf_release(list);
		*list = rest;
	}
	strv_release(&names);
	say_signed(job, r);
}

static void spoil_drop(struct job *job, struct wire_result *r)
{
	buf_reset(&job->out[bad.n]);
	say_signed(job, r);
}

/* Replace a list by random bytes. */
static void spoil_noise(struct job *job, struct wire_result *r)
{
	struct buf *list = &job->out[bad.n];

	buf_reset(list);
	for (int i = 0; i < 3000; i++)
		buf_put_u8(list, (uint8_t)(rand() >> 7));
	say_signed(job, r);
}

/* Announce N more side outputs than there are. */
static void spoil_sides(struct job *job, struct wire_result *r)
{
	r->n_sides = (uint8_t)(r->n_sides + bad.n);
	say_signed(job, r);
}

/* Add a side output that was not requested. */
static void spoil_extra(struct job *job, struct wire_result *r)
{
	buf_add_str(&job->out[WIRE_OUTPUT_SIDE + r->n_sides],
		    "x.c:1:1:f\t8\tstatic\n");
	say_signed(job, r);
}

/* Add a side output of N KiB of zeros. */
static void spoil_large(struct job *job, struct wire_result *r)
{
	static const uint8_t zeros[1024];

	for (long i = 0; i < bad.n; i++)
		buf_add(&job->out[WIRE_OUTPUT_SIDE], zeros, sizeof(zeros));
	say_signed(job, r);
}

/* Report the sandbox as lost, and send the result nevertheless. */
static void spoil_lost(struct job *job, struct wire_result *r)
{
	badcell_say_have(job->ask.cell, WIRE_HAVE_LOST, "it fell over");
	badnode_say_answer(job, r);
}

static void spoil_fail(struct job *job, struct wire_result *r)
{
	struct buf body = { 0 };

	(void)job;
	buf_put_u32(&body, r->job);
	buf_put_u8(&body, (uint8_t)bad.n);
	buf_put_str(&body, "it does not want to");
	buf_put_u16(&body, 0); /* retry_ms */
	badnode_say(WIRE_FAIL, buf_bytes(&body));
	buf_release(&body);
}

static void spoil_twice(struct job *job, struct wire_result *r)
{
	badnode_say_answer(job, r);
	badnode_say_result(r);
}

static void spoil_nobody(struct job *job, struct wire_result *r)
{
	uint32_t real = r->job;

	r->job = 4000000000u;
	badnode_say_answer(job, r);
	r->job = real;
	badnode_say_answer(job, r);
}

static void spoil_type(struct job *job, struct wire_result *r)
{
	(void)job;
	(void)r;
	badnode_say((uint16_t)bad.n, bytes_str("what is this?"));
}

/* Send a RESULT with N bytes more or less. */
static void spoil_body(struct job *job, struct wire_result *r)
{
	struct buf body = { 0 };

	say_streams(job);
	wire_result_encode(&body, r);
	for (long i = 0; i < bad.n; i++)
		buf_put_u8(&body, 7);
	if (bad.n < 0)
		body.len += bad.n;
	badnode_say(WIRE_RESULT, buf_bytes(&body));
	buf_release(&body);
}

/* Send a frame that unpacks to far more than it announces. */
static void spoil_bomb(struct job *job, struct wire_result *r)
{
	static uint8_t zeros[1 << 20];
	struct buf packed = { 0 };
	enum wire_codec codec = wire_codec_pack(&packed,
						bytes_of(zeros, sizeof(zeros)),
						(enum wire_codec)bad.n);

	(void)job;
	(void)r;
	wire_conn_send_packed(bad.out, WIRE_OUTPUT, buf_bytes(&packed), codec,
			      10);
	badnode_flush();
	buf_release(&packed);
}

/* Send only a header that announces N bytes. */
static void spoil_header(struct job *job, struct wire_result *r)
{
	uint8_t head[WIRE_FRAME_SIZE];
	struct wire_frame f = { .type = WIRE_OUTPUT,
				.body_len = (uint32_t)bad.n,
				.raw_len = (uint32_t)bad.n };

	(void)job;
	(void)r;
	wire_frame_encode(head, &f);
	badnode_put(bytes_of(head, sizeof(head)));
}

/* Answer no further job, and send heartbeats without progress. */
static void spoil_swallow(struct job *job, struct wire_result *r)
{
	(void)job;
	(void)r;
	bad.stuck = true;
}

static void spoil_silent(struct job *job, struct wire_result *r)
{
	(void)job;
	(void)r;
	bad.deaf = true;
}

/* Send as many zeros as the limits permit, and no result. */
static void spoil_balloon(struct job *job, struct wire_result *r)
{
	static const uint8_t zeros[WIRE_CHUNK_MAX];
	struct buf body = { 0 };

	(void)job;
	for (int i = 0; i < WIRE_N_OUTPUTS; i++) {
		const struct wire_piece m = {
			.job = r->job,
			.stream = (uint8_t)i,
			.data = bytes_of(zeros, sizeof(zeros)),
		};
		uint32_t rest = wire_output_max((enum wire_output)i);

		for (; rest; rest -= sizeof(zeros)) {
			wire_piece_encode(&body, &m);
			wire_conn_send(bad.out, WIRE_OUTPUT, buf_bytes(&body),
				       WIRE_ZSTD);
			buf_reset(&body);
			badnode_flush();
		}
	}
	buf_release(&body);
}

static void spoil_drip(struct job *job, struct wire_result *r)
{
	struct buf body = { 0 };
	struct bytes all;

	say_streams(job);
	wire_result_encode(&body, r);
	wire_conn_send(bad.out, WIRE_RESULT, buf_bytes(&body), WIRE_PLAIN);
	all = wire_conn_pending(bad.out);
	for (size_t i = 0; i < all.len; i++) {
		badnode_put(bytes_of(all.data + i, 1));
		usleep(2000);
	}
	wire_conn_consume(bad.out, all.len);
	buf_release(&body);
}

static void spoil_beats(struct job *job, struct wire_result *r)
{
	struct wire_beat_job jobs[WIRE_BEAT_JOBS_MAX];
	struct wire_beat m = { .n_jobs = WIRE_BEAT_JOBS_MAX, .jobs = jobs };
	struct buf body = { 0 };

	for (unsigned i = 0; i < WIRE_BEAT_JOBS_MAX; i++)
		jobs[i] = (struct wire_beat_job){ i, 0xffffffff };
	wire_beat_encode(&body, &m);
	for (long i = 0; i < bad.n; i++)
		badnode_say(WIRE_BEAT, buf_bytes(&body));
	buf_release(&body);
	badnode_say_answer(job, r);
}

/* Send N pieces of an object without an end. */
static void spoil_endless(struct job *job, struct wire_result *r)
{
	static uint8_t some[WIRE_CHUNK_MAX];

	for (long i = 0; i < bad.n; i++)
		badnode_say_piece(r->job, WIRE_OUTPUT_OBJECT,
				  bytes_of(some, sizeof(some)));
	badnode_say_answer(job, r);
}

static void spoil_stream(struct job *job, struct wire_result *r)
{
	struct buf body = { 0 };

	buf_put_u32(&body, r->job);
	buf_put_u8(&body, (uint8_t)bad.n);
	badnode_say(WIRE_OUTPUT, buf_bytes(&body));
	buf_release(&body);
	badnode_say_answer(job, r);
}

static void spoil_bye(struct job *job, struct wire_result *r)
{
	struct buf body = { 0 };

	(void)job;
	(void)r;
	buf_put_str(&body, "I am tired");
	badnode_say(WIRE_BYE, buf_bytes(&body));
	exit(0);
}

static const struct mode {
	const char *name;
	spoil *spoil;
} modes[] = {
	{ "good", NULL },
	{ "version", NULL }, /* only a HELLO of version N */
	{ "mute", NULL }, /* no HELLO */
	{ "noise", NULL }, /* random bytes instead of HELLO */
	{ "early", NULL }, /* another message before HELLO */
	{ "greet", NULL }, /* HELLO and no further message */
	{ "cut-all", NULL }, /* end after N bytes of all messages */
	{ "garbage", spoil_garbage },
	{ "cut", spoil_cut },
	{ "cut-end", spoil_cut_end },
	{ "flip", spoil_flip },
	{ "spoil", spoil_spoil },
	{ "other", spoil_other },
	{ "machine", spoil_machine },
	{ "class", spoil_class },
	{ "short", spoil_short },
	{ "empty", spoil_empty },
	{ "text", spoil_text },
	{ "toolchain", spoil_toolchain },
	{ "length", spoil_length },
	{ "digest", spoil_digest },
	{ "status", spoil_status },
	{ "seldom", spoil_seldom },
	{ "crashes", spoil_crashes },
	{ "stderr", spoil_stderr },
	{ "whisper", spoil_whisper },
	{ "told", spoil_told },
	{ "escape", spoil_escape },
	{ "outside", spoil_outside },
	{ "hide", spoil_hide },
	{ "drop", spoil_drop },
	{ "noise-list", spoil_noise },
	{ "sides", spoil_sides },
	{ "extra", spoil_extra },
	{ "large", spoil_large },
	{ "lost", spoil_lost },
	{ "fail", spoil_fail },
	{ "twice", spoil_twice },
	{ "nobody", spoil_nobody },
	{ "type", spoil_type },
	{ "body", spoil_body },
	{ "bomb", spoil_bomb },
	{ "header", spoil_header },
	{ "swallow", spoil_swallow },
	{ "silent", spoil_silent },
	{ "balloon", spoil_balloon },
	{ "drip", spoil_drip },
	{ "beats", spoil_beats },
	{ "endless", spoil_endless },
	{ "stream", spoil_stream },
	{ "bye", spoil_bye },
};

bool badspoil_find(const char *name, spoil **out)
{
	for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++) {
		if (!strcmp(name, modes[i].name)) {
			*out = modes[i].spoil;
			return true;
		}
	}
	return false;
}
