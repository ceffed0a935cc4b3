/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: events */
/*
 * The list of events in kfarm-events(5) is generated from the table.
 * KFARM_UPDATE=1 rewrites it.  Run from the top directory.
 */
#include "../lib/test.h"

#include "events/event.h"

#include "base/clock.h"
#include "base/record.h"

#define PAGE  "man/kfarm-events.5"
#define BEGIN ".\\\" events: begin\n"
#define END   ".\\\" events: end\n"

static char *line_of(const struct events_event *ev)
{
	struct buf out = { 0 };

	events_encode(&out, ev);
	return buf_steal(&out);
}

static void expect(const struct events_event *ev, const char *want)
{
	char *line = line_of(ev);

	ck_assert_str_eq(line, want);
	free(line);
}

TEST(a_job_is_one_line_of_json)
{
	struct events_event ev = events_event_make(EVENTS_KIND_JOB);

	ev.at_ms = 1500;
	ev.job = 7;
	ev.state = EVENTS_JOB_QUEUED;
	ev.file = "kernel/fork.c";
	ev.object = "kernel/fork.o";
	expect(&ev, "{\"t\":1.500,\"event\":\"job\",\"job\":7,\"state\":"
		    "\"queued\",\"file\":\"kernel/fork.c\",\"object\":"
		    "\"kernel/fork.o\"}\n");
	ev.object = NULL;
	ev.state = EVENTS_JOB_DONE;
	ev.node = "neo4a";
	ev.remote = true;
	ev.cpu_ms = 40;
	expect(&ev, "{\"t\":1.500,\"event\":\"job\",\"job\":7,\"state\":"
		    "\"done\",\"file\":\"kernel/fork.c\",\"node\":\"neo4a\","
		    "\"remote\":true,\"retries\":0,\"cpu\":0.040}\n");
}

TEST(invalid_utf8_is_encoded_as_valid_json)
{
	struct events_event ev = events_event_make(EVENTS_KIND_DIAG);

	ev.text = "a\xff\"b\nc";
	ev.severity = EVENTS_SEV_ERROR;
	ev.n_errors = 1;
	expect(&ev, "{\"t\":0.000,\"event\":\"diag\",\"severity\":\"error\","
		    "\"text\":\"a\xef\xbf\xbd\\\"b\\nc\",\"warnings\":0,"
		    "\"errors\":1}\n");
}

TEST(unknown_members_are_omitted)
{
	struct events_event ev = events_event_make(EVENTS_KIND_LOAD);

	ev.node = "a";
	ev.sent_bytes = INT64_C(5000000000);
	ev.celsius_milli = -1500;
	expect(&ev, "{\"t\":0.000,\"event\":\"load\",\"node\":\"a\","
		    "\"running\":0,\"done\":0,\"failed\":0,\"retries\":0,"
		    "\"cpu\":0.000,\"sent\":5000000000,\"received\":0,"
		    "\"temperature\":-1.500}\n");
}

TEST(a_long_text_is_cut_between_characters)
{
	struct events_event ev = events_event_make(EVENTS_KIND_NOTE);
	char *text = xmalloc(EVENTS_TEXT_MAX + 10), *line;
	struct events_parsed got;
	struct err err;

	/* The limit is in the middle of a character of two bytes. */
	for (size_t i = 0; i < EVENTS_TEXT_MAX + 9; i++)
		text[i] = i % 2 ? '\xc3' : '\xa4';
	text[0] = 'x';
	text[EVENTS_TEXT_MAX + 9] = '\0';
	ev.text = text;
	line = line_of(&ev);
	must(events_decode(&got, bytes_str(line), &err));
	ck_assert_uint_eq(strlen(got.ev.text), EVENTS_TEXT_MAX - 1);
	ck_assert_ptr_null(strstr(got.ev.text, "\xef\xbf\xbd"));
	events_parsed_release(&got);
	free(line);
	free(text);
}

/* Set each member to another value; only a finished job has all members. */
static struct events_event filled(enum events_kind kind)
{
	static const char *const texts[] = { "a", "\xc3\xa4 \"b\"", "c\nd" };
	struct events_event ev = events_event_make(kind);
	const struct record *r = events_record(kind);

	ev.at_ms = 123456;
	for (size_t i = 0; i < r->n_members; i++) {
		const struct record_member *m = &r->members[i];
		void *at = (char *)&ev + m->at;

		if (m->kind == RECORD_IS_TEXT)
			*(const char **)at = texts[i % 3];
		else if (m->kind == RECORD_IS_WORD)
			*(unsigned *)at = kind == EVENTS_KIND_JOB ?
						  EVENTS_JOB_DONE :
						  1;
		else if (m->kind == RECORD_IS_BOOL)
			*(bool *)at = true;
		else
			*(int64_t *)at = 1000000007 * (int64_t)(i + 1);
	}
	return ev;
}

TEST_RANGE(each_event_is_unchanged_by_encoding_and_decoding, 0, EVENTS_N_KINDS)
{
	struct events_event ev = filled((enum events_kind)_i);
	char *line = line_of(&ev), *again;
	struct events_parsed got;
	struct err err;

	ck_assert_msg(!events_decode(&got, bytes_str(line), &err), "%s: %s",
		      line, err.text);
	ck_assert_int_eq(got.ev.kind, _i);
	again = line_of(&got.ev);
	ck_assert_str_eq(again, line);
	events_parsed_release(&got);
	free(again);
	free(line);
}

static const struct {
	const char *line;
	int answer;
} spoiled[] = {
	{ "", -EPROTO },
	{ "[]", -EPROTO },
	{ "{}", -EPROTO },
	{ "{\"t\":0,\"event\":7}", -EPROTO },
	{ "{\"event\":\"live\"}", -EPROTO },
	{ "{\"t\":-1,\"event\":\"live\"}", -EPROTO },
	{ "{\"t\":1e300,\"event\":\"live\"}", -EPROTO },
	{ "{\"t\":\"1\",\"event\":\"live\"}", -EPROTO },
	{ "{\"t\":0,\"event\":\"live\"} x", -EPROTO },
	{ "{\"t\":0,\"event\":\"job\",\"job\":-1}", -EPROTO },
	{ "{\"t\":0,\"event\":\"job\",\"job\":1.5}", -EPROTO },
	{ "{\"t\":0,\"event\":\"job\",\"job\":99999999999999999999}", -EPROTO },
	{ "{\"t\":0,\"event\":\"job\",\"state\":\"tired\"}", -EPROTO },
	{ "{\"t\":0,\"event\":\"job\",\"remote\":1}", -EPROTO },
	{ "{\"t\":0,\"event\":\"note\",\"text\":\"\xff\"}", -EPROTO },
	{ "{\"t\":0,\"event\":\"of the future\"}", -ENOMSG },
	{ "{\"t\":0,\"event\":\"live\",\"of the future\":[1,{}]}", 0 },
	{ "{\"t\":0,\"event\":\"job\"}\n", 0 },
	{ "{\"t\":0,\"event\":\"job\",\"file\":null}", 0 },
	{ "{\"t\":0,\"event\":\"job\",\"file\":7}", -EPROTO },
};

TEST_EACH(invalid_events_are_rejected_and_unknown_members_ignored, spoiled)
{
	struct events_parsed got;
	struct err err;

	ck_assert_int_eq(events_decode(&got, bytes_str(row->line), &err),
			 row->answer);
	if (!row->answer)
		events_parsed_release(&got);
	else
		ck_assert_ptr_null(got.json);
}

TEST(an_overlong_line_is_rejected)
{
	size_t len = EVENTS_LINE_MAX + 1;
	char *line = xmalloc(len);
	struct events_parsed got;
	struct err err;

	memset(line, ' ', len);
	ck_assert_int_eq(events_decode(&got, bytes_of(line, len), &err),
			 -EMSGSIZE);
	free(line);
}

/*
 * A job's event takes one or two microseconds to encode and several times as
 * long to decode, so the decoder measures how fast the processor is.  The least
 * time of several rounds excludes rounds that other processes have disturbed.
 */
TEST(an_event_is_encoded_faster_than_it_is_decoded)
{
	struct events_event ev = filled(EVENTS_KIND_JOB);
	uint64_t encoding = UINT64_MAX, decoding = UINT64_MAX;
	struct buf out = { 0 };
	struct err err = { 0 };

	ev.file = "drivers/net/ethernet/stmicro/stmmac/stmmac_main.c";
	ev.node = "neo4a";
	ev.reason = NULL;
	for (unsigned round = 0; round < 20; round++) {
		uint64_t began = clock_cpu_us(), middle, end;

		for (unsigned i = 0; i < 1000; i++) {
			buf_reset(&out);
			events_encode(&out, &ev);
		}
		middle = clock_cpu_us();
		for (unsigned i = 0; i < 1000; i++) {
			struct events_parsed got;

			must(events_decode(&got, buf_bytes(&out), &err));
			events_parsed_release(&got);
		}
		end = clock_cpu_us();
		if (middle - began < encoding)
			encoding = middle - began;
		if (end - middle < decoding)
			decoding = end - middle;
	}
	buf_release(&out);
	ck_assert_uint_lt(encoding, decoding);
}

/* ------------------------------------------------- the manual page */

static const char *type_name(const struct record_member *m)
{
	switch (m->kind) {
	case RECORD_IS_TEXT:
		return "string";
	case RECORD_IS_WORD:
		return "word";
	case RECORD_IS_NUMBER:
		return m->divisor ? "number" : "integer";
	default:
		return m->omit_null ? "true" : "boolean";
	}
}

static void list_member(struct buf *out, const struct record_member *m)
{
	buf_printf(out, ".It Cm %s Ta %s", m->key, type_name(m));
	if (m->unit)
		buf_printf(out, " Ta %s", m->unit);
	for (int64_t i = 0; m->words && i <= m->max; i++)
		buf_printf(out, "%s%s", i ? ", " : " Ta ", m->words[i]);
	if (!m->unit && !m->words)
		buf_add_str(out, " Ta");
	buf_add_str(out, "\n");
}

static void list_events(struct buf *out)
{
	for (enum events_kind kind = 0; kind < EVENTS_N_KINDS; kind++) {
		const struct record *r = events_record(kind);
		const char *longest = "toolchain";

		if (!r->n_members)
			continue;
		for (size_t i = 0; i < r->n_members; i++)
			if (strlen(r->members[i].key) > strlen(longest))
				longest = r->members[i].key;
		buf_printf(out, ".Ss Members of the event %s\n",
			   events_kind_name(kind));
		buf_printf(out,
			   ".Bl -column \"%s\" \"integer\"\n"
			   ".It Em member Ta Em type Ta Em unit or values\n",
			   longest);
		for (size_t i = 0; i < r->n_members; i++)
			list_member(out, &r->members[i]);
		buf_add_str(out, ".El\n");
	}
}

TEST(the_manual_page_lists_the_members_of_each_event)
{
	struct buf page = { 0 }, list = { 0 }, made = { 0 };
	const char *begin, *end;
	struct err err;

	must(fs_read(PAGE, 1 << 20, &page, &err));
	begin = strstr(buf_str(&page), BEGIN);
	end = strstr(buf_str(&page), END);
	ck_assert(begin && end);
	begin += strlen(BEGIN);
	list_events(&list);
	buf_add(&made, page.data, (size_t)((uint8_t *)begin - page.data));
	buf_add_bytes(&made, buf_bytes(&list));
	buf_add_str(&made, end);
	if (getenv("KFARM_UPDATE"))
		must(fs_write(PAGE, buf_bytes(&made), 0644, &err));
	else
		ck_assert_msg(!strcmp(buf_str(&made), buf_str(&page)),
			      PAGE " is out of step; from the top directory: "
				   "KFARM_UPDATE=1 "
				   "build/unit/check_events_event");
	buf_release(&page);
	buf_release(&list);
	buf_release(&made);
}
