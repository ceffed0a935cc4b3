/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: events */
#include "../lib/test.h"

#include "events/reader.h"

#define FIRST "{\"t\":0.000,\"event\":\"stream\",\"version\":1,\"pid\":7}\n"
#define NOTE  "{\"t\":1.000,\"event\":\"note\",\"text\":\"hello\"}\n"

static struct events_reader r;
static struct events_parsed read_now;
static struct bytes line;
static struct err err;

static void set_up(void)
{
	r = (struct events_reader){ 0 };
}

static void tear_down(void)
{
	events_reader_release(&r);
}

static void add(const char *text)
{
	events_reader_add(&r, bytes_str(text));
}

/* Return the next result; 1 if read_now.ev.kind is an event. */
static int next(void)
{
	int ret = events_reader_next(&r, &read_now, &line, &err);

	if (ret > 0)
		events_parsed_release(
			&(struct events_parsed){ .json = read_now.json });
	return ret;
}

FIXTURE(set_up, tear_down);

TEST(events_that_are_added_byte_by_byte_are_read)
{
	static const char all[] = FIRST NOTE NOTE;
	unsigned events = 0;

	for (size_t i = 0; i < sizeof(all) - 1; i++) {
		events_reader_add(&r, bytes_of(all + i, 1));
		while (next() > 0) {
			ck_assert_int_eq(read_now.ev.kind,
					 events ? EVENTS_KIND_NOTE :
						  EVENTS_KIND_STREAM);
			events++;
		}
	}
	ck_assert_uint_eq(events, 3);
	ck_assert_uint_eq(r.n_invalid, 0);
}

TEST(events_of_one_block_are_returned_one_by_one)
{
	add(FIRST NOTE NOTE);
	ck_assert_int_eq(next(), 1);
	ck_assert_int_eq(next(), 1);
	ck_assert_uint_eq(line.len, strlen(NOTE) - 1);
	ck_assert_mem_eq(line.data, NOTE, line.len);
	ck_assert_int_eq(next(), 1);
	ck_assert_int_eq(next(), 0);
}

TEST(unknown_events_are_returned_and_invalid_lines_are_counted)
{
	add(FIRST "{\"t\":1,\"event\":\"later\",\"x\":[1]}\n"
		  "rubbish\n\n \r\n[]\n" NOTE);
	ck_assert_int_eq(next(), 1);
	ck_assert_int_eq(next(), -ENOMSG);
	text_starts((const char *)line.data, "{\"t\":1,");
	ck_assert_int_eq(next(), 1);
	ck_assert_int_eq(read_now.ev.kind, EVENTS_KIND_NOTE);
	ck_assert_uint_eq(r.n_invalid, 2);
}

static void add_long(size_t len, const char *end)
{
	char block[4096];

	memset(block, 'x', sizeof(block));
	for (; len; len -= len < sizeof(block) ? len : sizeof(block)) {
		events_reader_add(&r, bytes_of(block, len < sizeof(block) ?
							      len :
							      sizeof(block)));
		ck_assert_int_eq(next(), 0);
		ck_assert_uint_le(r.in.len - r.consumed_bytes,
				  EVENTS_LINE_MAX + 4096);
	}
	add(end);
}

TEST(a_line_of_10_mib_is_skipped_in_bounded_memory)
{
	add(FIRST);
	ck_assert_int_eq(next(), 1);
	add_long(10u << 20, "\n" NOTE);
	ck_assert_int_eq(next(), 1);
	ck_assert_int_eq(read_now.ev.kind, EVENTS_KIND_NOTE);
	ck_assert_uint_eq(r.n_invalid, 1);
	ck_assert_uint_le(r.in.cap, 4 * EVENTS_LINE_MAX);
}

/* Invalid first lines with their messages. */
static const char *const others[][2] = {
	{ NOTE, "not an event stream: first event is \"note\"" },
	{ "hello\n", "not an event stream: invalid JSON:" },
	{ "{\"t\":0,\"event\":\"stream\",\"version\":2}\n",
	  "unsupported event version 2: expected 1" },
};

TEST_EACH(an_invalid_first_line_is_rejected, others)
{
	add((*row)[0]);
	ck_assert_int_eq(next(), -EPROTO);
	ck_assert_msg(str_starts(err.text, (*row)[1]), "%s", err.text);
}

TEST(an_overlong_first_line_is_rejected)
{
	char block[1 << 16] = { 0 };

	for (unsigned i = 0; i <= EVENTS_LINE_MAX / sizeof(block); i++) {
		ck_assert_int_eq(next(), 0);
		events_reader_add(&r, bytes_of(block, sizeof(block)));
	}
	ck_assert_int_eq(next(), -EPROTO);
}
