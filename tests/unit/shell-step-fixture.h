/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tests/unit/shell-step-fixture.h - Scripts with tool steps, whose programs log
 * their execution, with a scripted coordinator in a child.
 */
#ifndef SHELL_STEP_PLAY_H
#define SHELL_STEP_PLAY_H

#include "../lib/test.h"
#include "shell-fixture.h"

#define GENKSYMS "scripts/genksyms/genksyms"
#define OBJTOOL  "tools/objtool/objtool"
#define DTC      "scripts/dtc/dtc"

static const char tool[] = "#!/bin/sh\n"
			   "cat >/dev/null\n"
			   "echo tool $* >>ran\n"
			   "echo here\n";
static const char compiler[] = "#!/bin/sh\n"
			       "echo real $* >>ran\n"
			       "echo local >a.o\n";

static inline void setup_programs(void)
{
	struct err err;

	setup();
	/* The masquerade link itself is the compiler if it is executed. */
	put_program("links/gcc", compiler);
	put_program("real/gcc", compiler);
	put_program(GENKSYMS, tool);
	put_program(OBJTOOL, tool);
	put_program(DTC, tool);
	must(shell_stats_create(dir, &err));
	shell_stats_set_steps(dir, SHELL_STATS_ALL_STEPS, SHELL_STEP_N_REASONS);
}

static inline void expect_steps(uint64_t n)
{
	struct shell_stats counts;

	shell_stats_read(dir, &counts);
	ck_assert_uint_eq(counts.counts[SHELL_STAT_STEPS], n);
}

/* Check that `n` steps ran locally, all for that reason. */
static inline void expect_here(enum shell_step_reason why, uint64_t n)
{
	struct shell_stats counts;

	shell_stats_read(dir, &counts);
	for (int i = 0; i < SHELL_STEP_N_REASONS; i++)
		ck_assert_msg(counts.n_local_steps[i] ==
				      (i == (int)why ? n : 0),
			      "%s: %u", shell_stats_step_reason_text(i),
			      (unsigned)counts.n_local_steps[i]);
}

/* Log the step before the job, as "KIND PROGRAM ARGUMENTS...". */
static inline void note_step(int fd)
{
	uint8_t head[WIRE_FRAME_SIZE];
	struct wire_cc_step m;
	struct wire_frame f;
	uint8_t *body;
	char *args;

	if (!read_full(fd, head, sizeof(head)) || wire_frame_decode(&f, head))
		_exit(2);
	body = xmalloc(f.body_len + 1);
	if (f.type != WIRE_CC_STEP || !read_full(fd, body, f.body_len) ||
	    wire_cc_step_decode(&m, bytes_of(body, f.body_len)))
		_exit(3);
	args = strv_join(&m.args, " ");
	if (*m.text)
		put_file("text", m.text);
	put_file("step", xasprintf("%u %s %s", m.kind,
				   m.program + strlen(dir) + 1, args));
}

/* The connection is closed after all local work is done. */
static inline void answer_local(int fd)
{
	char byte;

	note_step(fd);
	read_job(fd);
	send_frame(fd, WIRE_CC_LOCAL, bytes_str("busy"));
	if (!read(fd, &byte, 1))
		put_file("closed", fs_exists("ran") ? "behind it" : "before");
}

/* Log whether a tool step was requested; `gcc -c` alone is a valid request. */
static inline void refuse(int fd)
{
	uint8_t type[8];

	if (!read_full(fd, type, sizeof(type)))
		_exit(0);
	if (type[4] == (uint8_t)WIRE_CC_STEP)
		put_file("step", "");
}

#endif
