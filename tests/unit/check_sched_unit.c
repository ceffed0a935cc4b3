/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: sched */
/* Events that are impossible in the state of a unit abort the program. */
#include "sched/unit.h"

#include "sched-story.h"

/* Events that lead to each state, and which of events[] are possible in it. */
static const struct state {
	const char *history, *possible;
} states[] = {
	{ "", "u...." }, /* none */
	{ "unit 1 toolchain 1", "...g." }, /* new */
	{ "unit 8; unit 9; unit 1", "...g." }, /* to-scan */
	{ "unit 1", ".s.g." }, /* scan */
	{ "unit 9; scanned 9; unit 1; scanned 1", "...g." }, /* ready */
	{ "unit 1; scanned 1", "...g." }, /* remote */
	{ "unit 1; scanned 1; 11 s", "...g." }, /* remote, hedged */
	{ "unit 1; scanned 1; 11 s; failed 1 a busy", "...g." }, /* ready */
	{ "unit 1; scanned 1; 11 s; failed 1 a input", ".s.g." }, /* scan */
	{ "unit 1; scanned 1; result 1 a", "..vg." }, /* check */
	{ "unit 1; scanned 1; result 1 a; toolchain 0 unverified; "
	  "verified 1 valid",
	  "...g." }, /* held */
	{ "unit 9 reason CPATH; unit 1 reason CPATH", "...g." }, /* to-local */
	{ "unit 1 reason CPATH", "...g." }, /* local */
	{ "unit 1; scanned 1; 11 s; failed 1 a input; hedge-done 1 NODE_SLOW",
	  ".s.g." }, /* local, with a worker */
	{ "unit 1; scanned 1; 11 s; failed 1 a input; hedge-done 1",
	  ".s.g." }, /* done, with a worker */
	{ "unit 1; scanned 1; result 1 a; verified 1 valid", "...g." },
	{ "unit 1; gone 1", ".s..." }, /* gone, with a worker that scans */
	/* gone, with a worker that verifies */
	{ "unit 1; scanned 1; result 1 a; gone 1", "..v.." },
};

static const char *const events[] = { "unit 1", "scanned 1", "verified 1 valid",
				      "gone 1", "fit a 1" };

static bool aborts(const char *event)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		signal(SIGABRT, SIG_DFL);
		fclose(stderr);
		story_play(event);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status) || !status);
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

FIXTURE(NULL, story_release);

TEST_EACH(each_state_aborts_on_all_but_its_possible_events, states)
{
	story_play("farm nodes 1 local-slots 1; up a 1");
	story_play(row->history);
	for (size_t i = 0; i < sizeof(events) / sizeof(*events); i++) {
		/* A unit without a wrapper accepts both results. */
		if (row->possible[3] == '.' && (i == 1 || i == 2))
			continue;
		ck_assert_msg(aborts(events[i]) == (row->possible[i] == '.'),
			      "%s: %s", row->history, events[i]);
	}
}

static const char *const impossible[] = {
	"unit 1; unit 1",
	"scanned 7",
	"unit 1; scanned 1; scanned 1",
	"unit 1; scanned 1; result 1 a; scanned 1; scanned 1",
	"unit 1 reason CPATH; scanned 1",
	"unit 1; verified 1 valid",
	"unit 1; scanned 1; verified 1 valid",
	"gone 1",
	"unit 1; gone 1; gone 1",
	"unit 1; gone 1; unit 1",
	"fit a 1",
	"unfit a",
	"lost z",
	"added d", /* node c is the next one */
};

TEST_EACH_SIGNAL(an_impossible_event_aborts_the_program, impossible, SIGABRT)
{
	story_play("farm nodes 2 local-slots 1; up a 2");
	story_play(*row);
}

TEST_SIGNAL(an_event_before_all_actions_are_taken_aborts_the_program, SIGABRT)
{
	struct sched_event ev = { .kind = SCHED_EV_TIME };

	story_play("farm nodes 1 undialed");
	sched_event(story.s, 0, &ev);
	sched_event(story.s, 0, &ev);
}

TEST_SIGNAL(an_invalid_state_transition_aborts_the_program, SIGABRT)
{
	story_play("farm nodes 1 local-slots 1; up a 1; unit 1");
	sched_unit_send(story.s, sched_unit_find(story.s, 1),
			&story.s->nodes[0]->classes[0]);
}

TEST(cancelling_a_unit_that_is_not_remote_causes_no_action)
{
	struct sched_action a;

	story_play("farm nodes 1 local-slots 1; up a 1; unit 1");
	sched_unit_cancel(story.s, sched_unit_find(story.s, 1));
	ck_assert(!sched_next_action(story.s, &a));
}
