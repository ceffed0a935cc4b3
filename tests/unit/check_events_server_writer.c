/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: events */
#include "../lib/test.h"

#include "events/server.h"

#include <time.h>

static struct events_writer w;
static struct buf got;
static int ends[2];

static void set_up(void)
{
	signal(SIGPIPE, SIG_IGN);
	ck_assert_int_eq(pipe2(ends, O_NONBLOCK), 0);
	events_writer_init(&w, ends[1], 60000);
}

static void tear_down(void)
{
	events_writer_release(&w);
	buf_release(&got);
	close(ends[0]);
	close(ends[1]);
}

static void tell(enum events_kind kind)
{
	struct events_event ev = events_event_make(kind);

	ev.at_ms = 5000;
	ev.file = "kernel/fork.c";
	events_writer_add(&w, &ev);
}

static void read_all(void)
{
	char block[65536];
	ssize_t n;

	while ((n = read(ends[0], block, sizeof(block))) > 0)
		buf_add(&got, block, (size_t)n);
}

/* Parse the next written line as an event. */
static enum events_kind next(struct bytes *in, struct events_parsed *read)
{
	struct bytes line = bytes_take_line(in);
	struct err err;

	ck_assert_msg(!events_decode(read, line, &err), "%.*s: %s",
		      (int)line.len, (const char *)line.data, err.text);
	return read->ev.kind;
}

FIXTURE(set_up, tear_down);

TEST(the_stream_begins_with_its_version)
{
	struct events_parsed read;
	struct bytes in;

	tell(EVENTS_KIND_JOB);
	tell(EVENTS_KIND_DONE);
	events_writer_flush(&w, 0);
	read_all();
	in = buf_bytes(&got);
	ck_assert_int_eq(next(&in, &read), EVENTS_KIND_STREAM);
	ck_assert_int_eq(read.ev.version, EVENTS_VERSION);
	ck_assert_int_eq(read.ev.pid, getpid());
	/* The time is valid however old the first event is. */
	ck_assert_int_ge(read.ev.start_s, time(NULL) - 180);
	ck_assert_int_le(read.ev.start_s, time(NULL) - 60);
	events_parsed_release(&read);
	ck_assert_int_eq(next(&in, &read), EVENTS_KIND_JOB);
	ck_assert_str_eq(read.ev.file, "kernel/fork.c");
	events_parsed_release(&read);
	ck_assert_int_eq(next(&in, &read), EVENTS_KIND_DONE);
	events_parsed_release(&read);
	ck_assert_uint_eq(in.len, 0);
}

/* Every event arrives or is counted as dropped; the last one arrives. */
TEST(a_slow_reader_receives_the_number_of_dropped_events)
{
	int64_t jobs = 0, dropped = 0, done = 0;
	struct events_parsed read;
	struct bytes in;

	for (unsigned i = 0; i < 50000; i++) {
		tell(EVENTS_KIND_JOB);
		if (i % 1000 == 0)
			events_writer_flush(&w, 0);
		if (i == 30000) {
			read_all();
			events_writer_flush(&w, 0);
		}
	}
	tell(EVENTS_KIND_DONE);
	ck_assert_uint_le(w.queue.pending.len, EVENTS_PENDING_MAX + 4096);
	while (w.queue.pending.len) {
		read_all();
		events_writer_flush(&w, 0);
	}
	read_all();
	in = buf_bytes(&got);
	while (in.len) {
		enum events_kind kind = next(&in, &read);

		jobs += kind == EVENTS_KIND_JOB;
		done += kind == EVENTS_KIND_DONE;
		if (kind == EVENTS_KIND_DROPPED)
			dropped += read.ev.n_dropped;
		events_parsed_release(&read);
	}
	ck_assert_int_gt(dropped, 0);
	ck_assert_int_eq(jobs + dropped, 50000);
	ck_assert_int_eq(done, 1);
}

/* The events of one turn of the event loop can exceed the queue. */
TEST(a_regular_file_receives_every_event_of_a_burst)
{
	enum {
		N_EVENTS = 30000
	};
	FILE *file = tmpfile();
	char line[256];
	unsigned n = 0;

	ck_assert_ptr_nonnull(file);
	events_writer_release(&w);
	events_writer_init(&w, fileno(file), 60000);
	for (unsigned i = 0; i < N_EVENTS; i++)
		tell(EVENTS_KIND_JOB);
	events_writer_flush(&w, 0);
	ck_assert_int_gt(ftell(file), 2 * EVENTS_PENDING_MAX);
	rewind(file);
	while (fgets(line, sizeof(line), file))
		n += strstr(line, "\"event\":\"job\"") != NULL;
	ck_assert_uint_eq(n, N_EVENTS);
	fclose(file);
}

TEST(a_small_event_is_queued_after_large_ones_were_dropped)
{
	struct events_event ev = events_event_make(EVENTS_KIND_DIAG);
	char *text = xmalloc(EVENTS_TEXT_MAX + 1);

	/* Each character is escaped to six bytes. */
	memset(text, '\1', EVENTS_TEXT_MAX);
	text[EVENTS_TEXT_MAX] = '\0';
	ev.text = text;
	for (int i = 0; i < 10; i++)
		events_writer_add(&w, &ev);
	ck_assert_uint_gt(w.n_dropped, 0);
	tell(EVENTS_KIND_DONE);
	ck_assert_uint_eq(w.n_dropped, 0);
	free(text);
}

TEST(after_a_closed_pipe_events_are_discarded)
{
	close(ends[0]);
	tell(EVENTS_KIND_JOB);
	events_writer_flush(&w, 0);
	ck_assert_int_eq(events_writer_error(&w), EPIPE);
	tell(EVENTS_KIND_JOB);
	ck_assert_uint_eq(w.queue.pending.len, 0);
	ends[0] = dup(ends[1]);
}
