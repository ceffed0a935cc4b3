/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: sched */
#include "sched/unit.h"

#include "../lib/test.h"
#include "sched-fixture.h"

/*
 * A story that leads to each state, and the events that are possible there ("."
 * if not).
 */
static const struct way {
	const char *events, *possible;
} ways[] = {
	{ "", "u....." }, /* none */
	{ "unit 1 tc 1", "....l." }, /* new */
	{ "unit 8; unit 9; unit 1", "....l." }, /* to-scan */
	{ "unit 1", ".s..l." }, /* scan */
	{ "unit 9; scanned 9; unit 1; scanned 1", "....l." }, /* ready */
	{ "unit 1; scanned 1", "....l." }, /* remote */
	{ "unit 1; scanned 1; 11 s", "...hl." }, /* remote, hedged */
	{ "unit 1; scanned 1; 11 s; fail 1 a busy", "...hl." }, /* ready */
	{ "unit 1; scanned 1; 11 s; fail 1 a input", ".s.hl." }, /* scan */
	{ "unit 1; scanned 1; answer 1 a", "..e.l." }, /* check */
	{ "unit 1; scanned 1; answer 1 a; toolchain 0 touched; "
	  "examined 1 good",
	  "....l." }, /* held */
	{ "unit 9 local CPATH; unit 1 local CPATH", "....l." }, /* to-local */
	{ "unit 1 local CPATH", "....l." }, /* local */
	{ "unit 1; scanned 1; 11 s; fail 1 a input; hedged 1 NODE_SLOW",
	  ".s..l." }, /* local, with a worker */
	{ "unit 1; scanned 1; 11 s; fail 1 a input; hedged 1 good",
	  ".s..l." }, /* done, with a worker */
	{ "unit 1; scanned 1; answer 1 a; examined 1 good", "....l." },
	{ "unit 1; left 1", ".s...." }, /* left; "examined" comes, too */
	{ "unit 1; scanned 1; answer 1 a; left 1", "..e..." },
};

static const char *const events[] = { "unit 1",          "scanned 1",
				      "examined 1 good", "hedged 1 good",
				      "left 1",          "fit a 1" };

static bool aborts(struct sched *s, const char *event)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		signal(SIGABRT, SIG_DFL);
		fclose(stderr);
		play(s, event);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status) || !status);
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

TEST_EACH(in_each_state_some_events_are_possible, ways)
{
	struct sched *s = play_farm(1, 1, "node a up 1 slots");

	play(s, row->events);
	for (size_t i = 0; i < sizeof(events) / sizeof(*events); i++) {
		/* A unit without a wrapper accepts both results. */
		if (row->possible[4] == '.' && (i == 1 || i == 2))
			continue;
		ck_assert_msg(aborts(s, events[i]) == (row->possible[i] == '.'),
			      "%s: %s", row->events, events[i]);
	}
	sched_free(s);
}

TEST_SIGNAL(a_change_that_is_not_in_the_table_ends_the_program, SIGABRT)
{
	struct sched *s = play_farm(1, 1, "node a up 1 slots; unit 1");

	sched_unit_send(s, sched_unit_find(s, 1), s->nodes[0]);
}

TEST(what_is_not_remote_is_not_cancelled)
{
	struct sched *s = play_farm(1, 1, "node a up 1 slots; unit 1");
	struct sched_action a;

	sched_unit_cancel(s, sched_unit_find(s, 1));
	ck_assert(!sched_next_action(s, &a));
	sched_free(s);
}
