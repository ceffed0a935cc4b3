/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * unit/sched-fixture.h - stories for sched/: events in words, separated by ";",
 * and the actions in words.
 *
 *	unit U [tc T] [object K] [local REASON] [exclusive 1] [steps 1|2|3]
 *	scanned U [bytes N | local REASON]
 *	unsent U NODE REASON; beat U NODE MS; output U NODE; answer U NODE [MS]
 *	fail U NODE CLASS
 *	examined U good|wrong|changed|local REASON
 *	hedged U good|REASON; unhedged U; left U
 *	toolchain T unknown|ready|touched|bad [REASON]; object K ...
 *	node NODE up N slots (fit, and has toolchain 0)
 *	fit NODE N; unfit NODE; lost NODE [new] [version]
 *	slots NODE N BUSY
 *	cell NODE T none|asked|shipping|ready|spoiled
 *		[steps|symbols]
 *	probed NODE right|wrong|failed|impossible; worn NODE
 *	drain NODE; resume NODE; added NODE; removed NODE; retry NODE
 *	locals N
 *	N s; N ms (time passes: what falls due meanwhile does)
 *
 * Nodes are a, b, c ...; a reason is as in base/reason-list.h.  Toolchain 0 and
 * kind of object 0 are ready from the beginning, and the nodes were dialed.
 */
#ifndef UNIT_SCHED_PLAY_H
#define UNIT_SCHED_PLAY_H

#include "base/str.h"
#include "sched/sched.h"

#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t play_now_ms;
static char play_actions[65536]; /* of the last event */

static const char *const play_reasons[] = {
	"NONE",
#define REASON(name, words) #name,
#include "base/reason-list.h"
#undef REASON
};

/* Return the index of a word in a list separated by spaces. */
static int play_index(const char *word, const char *list)
{
	size_t len = strlen(word);

	for (int i = 0; *list; i++) {
		size_t n = strcspn(list, " ");

		if (n == len && !memcmp(word, list, n))
			return i;
		list += n + (list[n] == ' ');
	}
	ck_abort_msg("%s is none of them", word);
	return -1;
}

static enum reason play_reason(const char *word)
{
	for (int i = 0; i < N_REASONS; i++) {
		if (!strcmp(word, play_reasons[i]))
			return (enum reason)i;
	}
	ck_abort_msg("reason %s", word);
	return REASON_NONE;
}

__attribute__((format(printf, 1, 2))) static void play_add(const char *fmt, ...)
{
	size_t len = strlen(play_actions);
	va_list ap;

	if (len)
		len += (size_t)snprintf(play_actions + len,
					sizeof(play_actions) - len, "; ");
	va_start(ap, fmt);
	vsnprintf(play_actions + len, sizeof(play_actions) - len, fmt, ap);
	va_end(ap);
	ck_assert_uint_lt(strlen(play_actions), sizeof(play_actions) - 100);
}

static void play_action(const struct sched_action *a)
{
	char node[8] = "local";

	if (a->node != SCHED_LOCAL)
		snprintf(node, sizeof(node), "%c", (char)('a' + a->node));
	switch (a->kind) {
	case SCHED_ACT_SCAN:
		play_add("scan %u", a->unit);
		break;
	case SCHED_ACT_SEND:
		play_add("send %u %s", a->unit, node);
		break;
	case SCHED_ACT_CANCEL:
		play_add("cancel %u %s", a->unit, node);
		break;
	case SCHED_ACT_VERIFY:
		play_add("examine %u", a->unit);
		break;
	case SCHED_ACT_COMPILE_LOCAL:
		play_add("compile %u %s", a->unit, play_reasons[a->reason]);
		break;
	case SCHED_ACT_HEDGE:
		play_add("hedge %u", a->unit);
		break;
	case SCHED_ACT_STOP_HEDGE:
		play_add("stop-hedge %u", a->unit);
		break;
	case SCHED_ACT_DELIVER:
		play_add("deliver %u", a->unit);
		break;
	case SCHED_ACT_LOCAL_DONE:
		play_add("done %u %s", a->unit, play_reasons[a->reason]);
		break;
	case SCHED_ACT_DIAL:
		play_add("dial %s", node);
		break;
	case SCHED_ACT_DISCONNECT:
		play_add("hang-up %s", node);
		break;
	case SCHED_ACT_RECONNECT:
		play_add("renew %s", node);
		break;
	case SCHED_ACT_PROBE:
		play_add("probe %s", node);
		break;
	case SCHED_ACT_REPORT_NODE:
		play_add("node %s %s%s%s", node,
			 sched_node_state_name(a->state), a->text ? ": " : "",
			 a->text ? a->text : "");
		break;
	}
}

static struct sched_action play_last; /* the last SEND, DELIVER or DONE */

static void play_feed(struct sched *s, const struct sched_event *ev)
{
	struct sched_action a;

	sched_event(s, play_now_ms, ev);
	while (sched_next_action(s, &a)) {
		play_action(&a);
		if (a.kind == SCHED_ACT_SEND || a.kind == SCHED_ACT_DELIVER ||
		    a.kind == SCHED_ACT_LOCAL_DONE)
			play_last = a;
	}
}

static void play_time(struct sched *s, uint64_t ms)
{
	uint64_t until = play_now_ms + ms;

	while (sched_next_ms(s) <= until) {
		ck_assert_uint_gt(sched_next_ms(s), play_now_ms);
		play_now_ms = sched_next_ms(s);
		play_feed(s, &(struct sched_event){ .kind = SCHED_EV_TIME });
	}
	play_now_ms = until;
	play_feed(s, &(struct sched_event){ .kind = SCHED_EV_TIME });
}

static void play_unit(struct sched_event *ev, struct strv *w)
{
	for (size_t i = 2; i + 1 < w->n; i += 2) {
		const char *value = w->v[i + 1];

		switch (play_index(w->v[i],
				   "tc object local exclusive steps bytes")) {
		case 0:
			ev->toolchain = (uint32_t)atoi(value);
			break;
		case 1:
			ev->object_format = (uint32_t)atoi(value);
			break;
		case 2:
			ev->reason = play_reason(value);
			break;
		case 3:
			ev->exclusive = atoi(value);
			break;
		case 4:
			ev->steps = (unsigned)atoi(value);
			break;
		default:
			ev->input_bytes = strtoull(value, NULL, 10);
		}
	}
}

static void play_of_unit(struct sched_event *ev, struct strv *w)
{
	ev->unit = (uint32_t)atoi(w->v[1]);
	if (w->n > 2)
		ev->node = (uint32_t)(w->v[2][0] - 'a');
	switch (ev->kind) {
	case SCHED_EV_UNIT_ADDED:
	case SCHED_EV_SCANNED:
		play_unit(ev, w);
		break;
	case SCHED_EV_SEND_FAILED:
		ev->reason = play_reason(w->v[3]);
		break;
	case SCHED_EV_HEARTBEAT:
	case SCHED_EV_RESULT:
		ev->cpu_ms = w->n > 3 ? (uint32_t)atoi(w->v[3]) : 0;
		break;
	case SCHED_EV_JOB_FAILED:
		ev->fail = (enum sched_fail)play_index(
			w->v[3], "unsupported toolchain node void deadline "
				 "busy input");
		ev->text = "out of disk";
		break;
	case SCHED_EV_VERIFIED:
		ev->verdict = (enum sched_verdict)play_index(
			w->v[2], "good wrong local changed");
		if (ev->verdict == SCHED_VERDICT_WRONG)
			ev->text = "no ELF";
		if (ev->verdict == SCHED_VERDICT_UNUSABLE)
			ev->reason = play_reason(w->v[3]);
		break;
	case SCHED_EV_HEDGE_DONE:
		if (strcmp(w->v[2], "good"))
			ev->reason = play_reason(w->v[2]);
		ev->text = "x.c";
		break;
	default:
		break;
	}
}

static void play_of_node(struct sched_event *ev, struct strv *w)
{
	ev->node = (uint32_t)(w->v[1][0] - 'a');
	switch (ev->kind) {
	case SCHED_EV_NODE_SLOTS:
		ev->n_busy = (unsigned)atoi(w->v[3]);
		/* fall through */
	case SCHED_EV_NODE_FIT:
		ev->n_slots = (unsigned)atoi(w->v[2]);
		break;
	case SCHED_EV_NODE_UNFIT:
		ev->text = "no namespaces";
		break;
	case SCHED_EV_NODE_LOST:
		ev->hello_received = w->n < 3 || strcmp(w->v[2], "new");
		ev->permanent = w->n > 2 && !strcmp(w->v[w->n - 1], "version");
		ev->text = "connection closed";
		break;
	case SCHED_EV_SANDBOX:
		ev->toolchain = (uint32_t)atoi(w->v[2]);
		ev->sandbox = (enum sched_sandbox)play_index(
			w->v[3], "none asked shipping ready spoiled");
		if (w->n > 4)
			ev->steps = strcmp(w->v[4], "steps") ?
					    SCHED_STEP_SYMBOLS :
					    SCHED_STEP_SYMBOLS |
						    SCHED_STEP_OBJECT;
		break;
	case SCHED_EV_NODE_REMOVED:
		ev->text = "taken out";
		break;
	case SCHED_EV_PROBE_DONE:
		ev->probe = (enum sched_probe)play_index(
			w->v[2], "right wrong failed impossible");
		ev->text = "known answer";
		break;
	default:
		break;
	}
}

static void play_known(struct sched_event *ev, struct strv *w)
{
	ev->toolchain = ev->object_format = (uint32_t)atoi(w->v[1]);
	ev->status = (enum sched_status)play_index(w->v[2],
						   "unknown ready touched bad");
	if (w->n > 3)
		ev->reason = play_reason(w->v[3]);
}

static void play_words(struct sched *s, struct strv *w)
{
	static const char kinds[] =
		"time unit scanned unsent beat output answer fail examined "
		"hedged unhedged left toolchain object fit unfit lost slots "
		"cell probed worn drain resume added removed retry locals";
	struct sched_event ev = { 0 };

	if (strchr("0123456789", w->v[0][0])) {
		play_time(s, strtoull(w->v[0], NULL, 10) *
				     (strcmp(w->v[1], "s") ? 1 : 1000));
		return;
	}
	if (!strcmp(w->v[0], "node")) {
		ev.node = (uint32_t)(w->v[1][0] - 'a');
		ev.n_slots = (unsigned)atoi(w->v[3]);
		ev.kind = SCHED_EV_NODE_FIT;
		play_feed(s, &ev);
		ev.kind = SCHED_EV_SANDBOX;
		ev.sandbox = SCHED_SANDBOX_READY;
		play_feed(s, &ev);
		return;
	}
	ev.kind = (enum sched_event_kind)play_index(w->v[0], kinds);
	if (ev.kind == SCHED_EV_LOCAL_SLOTS)
		ev.n_slots = (unsigned)atoi(w->v[1]);
	else if (ev.kind >= SCHED_EV_NODE_FIT)
		play_of_node(&ev, w);
	else if (ev.kind >= SCHED_EV_TOOLCHAIN)
		play_known(&ev, w);
	else if (ev.kind > SCHED_EV_TIME)
		play_of_unit(&ev, w);
	play_feed(s, &ev);
}

/* Apply the events; play_actions has the actions of the last one. */
static void play(struct sched *s, const char *events)
{
	while (*events) {
		size_t len = strcspn(events, ";");
		char *one = xasprintf("%.*s", (int)len, events), *at = one;
		struct strv w = { 0 };

		for (char *word; (word = strtok_r(at, " ", &at));)
			strv_add(&w, word);
		ck_assert_ptr_nonnull(w.v);
		play_actions[0] = '\0';
		play_words(s, &w);
		strv_release(&w);
		free(one);
		events += len + (events[len] == ';');
	}
}

static struct sched *play_farm(size_t nodes, unsigned local_slots,
			       const char *events)
{
	struct sched *s = sched_new(&(struct sched_setup){
		.n_nodes = nodes,
		.n_local_slots = local_slots,
		.max_scans = 64,
		.max_wait_ms = 1000,
		.seed = 1,
	});

	play_now_ms = 0;
	play(s, "toolchain 0 ready; object 0 ready; 0 s");
	play(s, events);
	return s;
}

/* A farm with two nodes and one local slot. */
static __attribute__((unused)) struct sched *story(const char *events)
{
	return play_farm(2, 1, events);
}

#define ck_assert_actions(s, want)                    \
	do {                                          \
		(void)(s);                            \
		ck_assert_str_eq(play_actions, want); \
	} while (0)

/* Apply the events and check the actions of the last one. */
#define ck_assert_play(s, events, want)     \
	do {                                \
		play(s, events);            \
		ck_assert_actions(s, want); \
	} while (0)

#endif
