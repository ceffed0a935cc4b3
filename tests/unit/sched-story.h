/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * unit/sched-story.h - Events and actions of the dispatcher as words.
 *
 * A file tests/sched/TOPIC.story contains stories, which check_sched_stories
 * plays.  "== TITLE" starts a story; the title is a sentence without a colon.
 * A line that starts with "#" is a comment.  Each other line contains events,
 * separated by "; ".  The indented lines below it list the expected actions:
 * " | " separates the actions of different events, "; " separates the actions
 * of one event, and "-" stands for an event without actions.  If no event of
 * the line causes an action, no indented line follows.  A line "-- COMMENT"
 * starts a case: the lines above the first case are played again before the
 * lines of each case.
 *
 *	farm nodes N local-slots N [max-scans N] [undialed] [remote-disabled]
 *		Create a dispatcher.  Unless the farm is undialed, toolchain 0
 *		and object format 0 are ready, and the nodes have been dialed.
 *	N s; N ms	Advance the time.  Timeouts that expire cause actions.
 *	? farm; ? NODE	Print the counts that are not zero, and the state of the
 *			node with its cause.
 *	? next		Print the time until the next timeout.
 *	up NODE N [classes (CORES CAPACITY)...]
 *			Equals "fit NODE N; sandbox NODE 0 ready", with these
 *			core classes.
 *	clock NODE (CORES CAPACITY MILLI)...
 *			The clock of each class, in thousandths of its maximum.
 *	heartbeats NODE N MS...	N times, advance the time by a second and send a
 *				heartbeat of units 1, 2, ..., each of which has
 *				used another MS ms of CPU time.
 *
 * story_events[] lists the other events.  A word in capitals stands for a value
 * of story_fields[]; words in brackets can be omitted.  story_print_action()
 * prints the actions.
 */
#ifndef UNIT_SCHED_STORY_H
#define UNIT_SCHED_STORY_H

#include "../lib/test.h"
#include "base/buf.h"
#include "sched/sched.h"

#include <ctype.h>

/* Words separated by spaces; the index of a word is its value. */
#define STORY_NODES                                                            \
	"a b c d e f g h i j k l m n o p q r s t u v w x y z A B C D E F G H " \
	"I J K L M N"
static const char story_reasons[] = "NONE"
#define REASON(name, words) " " #name
#include "base/reason-list.h"
#undef REASON
	;

static const char story_programs[] =
	"none symbols object 3 devicetree 5 6 7 compiler";

static const struct story_event {
	const char *words, *text;
} story_events[] = {
	[SCHED_EV_TIME] = { "time" },
	[SCHED_EV_UNIT_ADDED] = { "unit UNIT [toolchain TOOLCHAIN] "
				  "[format FORMAT] [steps STEPS] "
				  "[reason REASON] [cost COST] [exclusive]" },
	[SCHED_EV_SCANNED] = { "scanned UNIT [bytes BYTES] [reason REASON]" },
	[SCHED_EV_SEND_FAILED] = { "send-failed UNIT NODE REASON" },
	[SCHED_EV_HEARTBEAT] = { "heartbeat UNIT NODE MS" },
	[SCHED_EV_OUTPUT] = { "output UNIT NODE" },
	[SCHED_EV_RESULT] = { "result UNIT NODE [MS]" },
	[SCHED_EV_JOB_FAILED] = { "failed UNIT NODE CLASS [RETRY]",
				  "out of disk" },
	[SCHED_EV_VERIFIED] = { "verified UNIT VERDICT [REASON] "
				"[failed PROGRAM]",
				"no ELF" },
	[SCHED_EV_HEDGE_DONE] = { "hedge-done UNIT [REASON]", "x.c" },
	[SCHED_EV_HEDGE_FAILED] = { "hedge-failed UNIT" },
	[SCHED_EV_UNIT_GONE] = { "gone UNIT [compiled]" },
	[SCHED_EV_TOOLCHAIN] = { "toolchain TOOLCHAIN STATUS [REASON]" },
	[SCHED_EV_OBJECT_FORMAT] = { "format FORMAT STATUS" },
	[SCHED_EV_NODE_FIT] = { "fit NODE SLOTS" },
	[SCHED_EV_NODE_UNFIT] = { "unfit NODE", "no namespaces" },
	[SCHED_EV_NODE_LOST] = { "lost NODE [no-hello] [permanent]",
				 "connection closed" },
	[SCHED_EV_NODE_SLOTS] = { "slots NODE SLOTS BUSY" },
	[SCHED_EV_NODE_CLOCK] = { "clock NODE" }, /* and its classes */
	[SCHED_EV_SANDBOX] = { "sandbox NODE TOOLCHAIN SANDBOX [STEPS]" },
	[SCHED_EV_PROBE_DONE] = { "probe-done NODE PROBE", "known answer" },
	[SCHED_EV_IDS_EXHAUSTED] = { "ids-exhausted NODE" },
	[SCHED_EV_NODE_DRAIN] = { "drain NODE" },
	[SCHED_EV_NODE_RESUME] = { "resume NODE" },
	[SCHED_EV_NODE_ADDED] = { "added NODE" },
	[SCHED_EV_NODE_REMOVED] = { "removed NODE", "no longer configured" },
	[SCHED_EV_NODE_RETRY] = { "retry NODE" },
	[SCHED_EV_NODE_LOCAL] = { "on-build-host NODE" },
	[SCHED_EV_LOCAL_SLOTS] = { "local-slots SLOTS [spare SPARE]" },
	[SCHED_EV_EXPECTED_UNITS] = { "expected UNITS" },
};

#define STORY_FIELD(word, member, choices)                                    \
	{                                                                     \
		word, offsetof(struct sched_event, member),                   \
			sizeof(((struct sched_event *)NULL)->member), choices \
	}

static const struct story_field {
	const char *word;
	size_t offset, size;
	const char *choices; /* NULL: a number */
} story_fields[] = {
	STORY_FIELD("UNIT", unit, NULL),
	STORY_FIELD("NODE", node, STORY_NODES),
	STORY_FIELD("TOOLCHAIN", toolchain, NULL),
	STORY_FIELD("FORMAT", object_format, NULL),
	STORY_FIELD("BYTES", input_bytes, NULL),
	STORY_FIELD("COST", cost_ms, NULL),
	STORY_FIELD("MS", cpu_ms, NULL),
	STORY_FIELD("RETRY", retry_ms, NULL),
	STORY_FIELD("SLOTS", n_slots, NULL),
	STORY_FIELD("BUSY", n_busy, NULL),
	STORY_FIELD("SPARE", n_spare, NULL),
	STORY_FIELD("UNITS", n_units, NULL),
	STORY_FIELD("REASON", reason, story_reasons),
	STORY_FIELD("STATUS", status, "unknown ready unverified unusable"),
	STORY_FIELD("CLASS", fail,
		    "unsupported toolchain node void deadline busy input"),
	STORY_FIELD("VERDICT", verdict, "valid wrong unusable changed"),
	STORY_FIELD("SANDBOX", sandbox, "none requested uploading ready stale"),
	STORY_FIELD("PROBE", probe, "passed wrong failed impossible"),
	STORY_FIELD("STEPS", steps, "none symbols object both"),
	STORY_FIELD("PROGRAM", failed, story_programs),
	STORY_FIELD("exclusive", exclusive, NULL),
	STORY_FIELD("compiled", compiled, NULL),
	STORY_FIELD("permanent", permanent, NULL),
	STORY_FIELD("no-hello", hello_received, NULL),
};

static struct {
	struct sched *s;
	uint64_t now_ms;
	struct strv actions; /* of each event of the last line */
	const char *event; /* being played */
	struct strv words; /* of the event */
	size_t n_parsed; /* words */
} story;

static void story_release(void)
{
	sched_free(story.s);
	strv_release(&story.actions);
	strv_release(&story.words);
	memset(&story, 0, sizeof(story));
}

/* ------------------------------------------------------------------ words */

static bool story_has_word(void)
{
	return story.n_parsed < story.words.n;
}

static const char *story_word(void)
{
	ck_assert_msg(story_has_word(), "%s: a word is missing", story.event);
	return story.words.v[story.n_parsed++];
}

/* Skip a word if it is the next one. */
static bool story_skip(const char *word)
{
	bool is_next = story_has_word() &&
		       !strcmp(story.words.v[story.n_parsed], word);

	story.n_parsed += is_next;
	return is_next;
}

static uint32_t story_number(void)
{
	const char *word = story_word();
	long n = 0;

	ck_assert_msg(!str_parse_number(word, 0, UINT32_MAX, &n),
		      "%s: %s is not a number", story.event, word);
	return (uint32_t)n;
}

static uint32_t story_choice(const char *choices)
{
	const char *word = story_word();
	struct strv list = { 0 };
	uint32_t i = 0;

	strv_split(&list, choices, " ");
	while (i < list.n && strcmp(list.v[i], word))
		i++;
	ck_assert_msg(i < list.n, "%s: %s is not one of %s", story.event, word,
		      choices);
	strv_release(&list);
	return i;
}

static void story_print_choice(struct buf *out, const char *choices, unsigned i)
{
	while (i--)
		choices = strchr(choices, ' ') + 1;
	buf_printf(out, " %.*s", (int)strcspn(choices, " "), choices);
}

/* ---------------------------------------------------------------- actions */

static void story_print_action(struct buf *out, const struct sched_action *a)
{
	bool is_done = a->kind == SCHED_ACT_DELIVER ||
		       a->kind == SCHED_ACT_LOCAL_DONE;

	buf_add_str(out, out->len ? ";" : "");
	story_print_choice(out,
			   "scan send cancel verify compile hedge stop-hedge "
			   "deliver local-done dial disconnect reconnect probe "
			   "node disabled",
			   a->kind);
	if (a->kind <= SCHED_ACT_LOCAL_DONE)
		buf_printf(out, " %u", a->unit);
	switch (a->kind) {
	case SCHED_ACT_SCAN:
	case SCHED_ACT_HEDGE:
	case SCHED_ACT_STOP_HEDGE:
		break;
	case SCHED_ACT_COMPILE_LOCAL:
	case SCHED_ACT_LOCAL_DONE:
		story_print_choice(out, story_reasons, a->reason);
		break;
	case SCHED_ACT_REPORT_DISABLED:
		story_print_choice(out, story_programs, a->program);
		if (a->node == SCHED_ALL_NODES)
			buf_add_str(out, " all");
		else
			story_print_choice(out, STORY_NODES, a->node);
		buf_printf(out, " %u", a->n_failures);
		break;
	default:
		buf_add_str(out, a->node == SCHED_LOCAL ? " local" : "");
		if (a->node == SCHED_LOCAL)
			story_print_choice(out, story_reasons, a->reason);
		else
			story_print_choice(out, STORY_NODES, a->node);
	}
	if (a->kind == SCHED_ACT_SEND && a->backup)
		buf_add_str(out, " backup");
	if (a->kind == SCHED_ACT_SEND && a->pinned)
		buf_printf(out, " class %u", a->class);
	if (a->kind == SCHED_ACT_SEND && a->deadline_ms != 30000)
		buf_printf(out, " deadline %u ms", a->deadline_ms);
	if (is_done && a->n_retries)
		buf_printf(out, " retries %u", a->n_retries);
	if (a->kind == SCHED_ACT_REPORT_NODE)
		buf_printf(out, " %s%s%s", sched_node_state_name(a->state),
			   a->text ? ": " : "", a->text ? a->text : "");
}

static void story_print_count(struct buf *out, const char *name, unsigned n)
{
	if (n)
		buf_printf(out, "%s %s %u", out->len ? ";" : "", name, n);
}

static void story_query(struct buf *out)
{
	uint64_t next_ms = sched_next_ms(story.s);
	struct sched_node_counts node;
	struct sched_counts farm;

	if (story_skip("next")) {
		if (next_ms == UINT64_MAX)
			buf_add_str(out, " never");
		else
			buf_printf(out, " in %u ms",
				   (unsigned)(next_ms - story.now_ms));
	} else if (story_skip("farm")) {
		sched_counts(story.s, &farm);
		story_print_count(out, "running", farm.n_running);
		story_print_count(out, "queued", farm.n_queued);
		story_print_count(out, "remote", farm.n_remote);
		story_print_count(out, "local", farm.n_local);
		story_print_count(out, "waiting-local", farm.n_waiting_local);
		story_print_count(out, "undecided", farm.n_undecided_nodes);
		story_print_count(out, "slots", farm.n_slots);
		story_print_count(out, "local-slots", farm.n_local_slots_used);
		buf_add_str(out, out->len ? "" : " all 0");
	} else {
		sched_node_counts(story.s, story_choice(STORY_NODES), &node);
		buf_printf(out, " %s", sched_node_state_name(node.state));
		story_print_count(out, "slots", node.n_slots);
		story_print_count(out, "running", node.n_running);
		story_print_count(out, "jobs", node.n_jobs);
		story_print_count(out, "errors", node.n_errors);
		story_print_count(out, "retries", node.n_retries);
		if (node.text)
			buf_printf(out, "; text: %s", node.text);
	}
}

/* ----------------------------------------------------------------- events */

static void story_feed(struct buf *out, const struct sched_event *ev)
{
	struct sched_action a;

	sched_event(story.s, story.now_ms, ev);
	while (sched_next_action(story.s, &a))
		story_print_action(out, &a);
}

static void story_pass_time(struct buf *out, uint64_t ms)
{
	uint64_t until_ms = story.now_ms + ms, next_ms;

	while ((next_ms = sched_next_ms(story.s)) <= until_ms) {
		ck_assert_uint_gt(next_ms, story.now_ms);
		story.now_ms = next_ms;
		story_feed(out, &(struct sched_event){ .kind = SCHED_EV_TIME });
	}
	story.now_ms = until_ms;
	story_feed(out, &(struct sched_event){ .kind = SCHED_EV_TIME });
}

static void story_farm(void)
{
	struct sched_event ev = { .kind = SCHED_EV_TOOLCHAIN,
				  .status = SCHED_STATUS_READY };
	struct sched_setup setup = { .max_scans = 64,
				     .max_wait_ms = 1000,
				     .seed = 1 };
	struct buf ignored = { 0 };
	bool undialed = false;

	while (story_has_word()) {
		if (story_skip("nodes"))
			setup.n_nodes = story_number();
		else if (story_skip("local-slots"))
			setup.n_local_slots = story_number();
		else if (story_skip("max-scans"))
			setup.max_scans = story_number();
		else if (story_choice("undialed remote-disabled"))
			setup.remote_disabled = true;
		else
			undialed = true;
	}
	sched_free(story.s);
	story.s = sched_new(&setup);
	story.now_ms = 0;
	if (undialed)
		return;
	story_feed(&ignored, &ev);
	ev.kind = SCHED_EV_OBJECT_FORMAT;
	story_feed(&ignored, &ev);
	buf_release(&ignored);
}

/* Set the field of a word in capitals, or the bool of an optional word. */
static void story_parse_field(struct sched_event *ev, const char *word)
{
	for (size_t i = 0; i < sizeof(story_fields) / sizeof(*story_fields);
	     i++) {
		const struct story_field *f = &story_fields[i];
		void *at = (char *)ev + f->offset;
		uint32_t value;

		if (strcmp(f->word, word))
			continue;
		if (f->size == sizeof(bool)) {
			*(bool *)at = !str_starts(word, "no-");
			return;
		}
		value = f->choices ? story_choice(f->choices) : story_number();
		if (f->size == sizeof(uint64_t))
			*(uint64_t *)at = value;
		else
			memcpy(at, &value, sizeof(value));
	}
}

static void story_parse(struct sched_event *ev)
{
	const char *event = story_word(), *at;
	size_t len = strlen(event);

	do {
		ck_assert_msg(ev->kind < SCHED_EV_N_KINDS, "%s: not an event",
			      story.event);
		at = story_events[ev->kind].words;
		ev->text = story_events[ev->kind++].text;
	} while (strncmp(at, event, len) || isgraph(at[len]));
	ev->kind--;
	ev->hello_received = true;
	for (at += len; *at; at += strspn(at, " ]")) {
		bool optional = *at == '[';
		char *word;

		at += optional;
		len = strcspn(at, " ]");
		word = xstrndup(at, len);
		if (islower(*word) ? !story_skip(word) :
				     optional && !story_has_word()) {
			at += strcspn(at, "]");
		} else {
			story_parse_field(ev, word);
			at += len;
		}
		free(word);
	}
}

static void story_heartbeats(struct buf *out)
{
	struct sched_event ev = { .kind = SCHED_EV_HEARTBEAT,
				  .node = story_choice(STORY_NODES) };
	uint32_t seconds = story_number();
	size_t first = story.n_parsed;

	for (uint32_t i = 1; i <= seconds; i++) {
		story_pass_time(out, 1000);
		story.n_parsed = first;
		for (ev.unit = 1; story_has_word(); ev.unit++) {
			ev.cpu_ms = i * story_number();
			story_feed(out, &ev);
		}
	}
}

static void story_play_event(struct buf *out)
{
	struct sched_core_class classes[4] = { 0 };
	struct sched_event ev = { 0 };

	ck_assert_msg(story.s, "%s: the farm is missing", story.event);
	if (story_skip("?")) {
		story_query(out);
	} else if (story_skip("heartbeats")) {
		story_heartbeats(out);
	} else if (story_skip("up")) {
		ev.kind = SCHED_EV_NODE_FIT;
		ev.node = story_choice(STORY_NODES);
		ev.n_slots = story_number();
		ev.classes = classes;
		story_skip("classes");
		while (story_has_word()) {
			classes[ev.n_classes].n_cores = story_number();
			classes[ev.n_classes++].capacity = story_number();
		}
		story_feed(out, &ev);
		ev.kind = SCHED_EV_SANDBOX;
		ev.sandbox = SCHED_SANDBOX_READY;
		story_feed(out, &ev);
	} else if (story_skip("clock")) {
		ev.kind = SCHED_EV_NODE_CLOCK;
		ev.node = story_choice(STORY_NODES);
		ev.classes = classes;
		while (story_has_word()) {
			classes[ev.n_classes].n_cores = story_number();
			classes[ev.n_classes].capacity = story_number();
			classes[ev.n_classes++].clock_milli = story_number();
		}
		story_feed(out, &ev);
	} else if (isdigit(*story.event)) {
		uint64_t n = story_number();

		story_pass_time(out, story_choice("ms s") ? n * 1000 : n);
	} else {
		story_parse(&ev);
		story_feed(out, &ev);
	}
}

/* Play a line of events. */
static void story_play(const char *line)
{
	struct strv events = { 0 };

	strv_release(&story.actions);
	strv_split(&events, line, ";");
	for (size_t i = 0; i < events.n; i++) {
		struct buf out = { 0 };

		story.event = events.v[i] + strspn(events.v[i], " ");
		story.n_parsed = 0;
		strv_release(&story.words);
		strv_split(&story.words, story.event, " ");
		if (story_skip("farm")) {
			story_farm();
		} else {
			story_play_event(&out);
			/* The text starts with a space. */
			strv_add(&story.actions, buf_str(&out) + !!out.len);
		}
		ck_assert_msg(!story_has_word(), "%s: too many words",
			      story.event);
		buf_release(&out);
	}
	strv_release(&events);
}

/* Play a formatted line. */
#define story_playf(...)                                   \
	do {                                               \
		char *story_line = xasprintf(__VA_ARGS__); \
                                                           \
		story_play(story_line);                    \
		free(story_line);                          \
	} while (0)

/* Return the actions of the last event. */
static inline const char *story_actions(void)
{
	return story.actions.v[story.actions.n - 1];
}

/* Assert the actions of the last event of the line. */
#define story_expect(line, want)                         \
	do {                                             \
		story_play(line);                        \
		ck_assert_str_eq(story_actions(), want); \
	} while (0)

#endif
