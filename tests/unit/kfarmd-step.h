/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tests/unit/kfarmd-step.h - Jobs with a tool step, for one node with one
 * sandbox.
 */
#ifndef AGENT_STEP_TESTS_H
#define AGENT_STEP_TESTS_H

#include "../lib/test.h"
#include "kfarmd-single.h"

#define TOOL ROOT "/tools/tool"

static const char tiny[] = "#define X 42\nint f(void) { return X; }\n";
/* The program built from unit/step-tool.c. */
static char step_program[] = "/tmp/kfarm-step-XXXXXX";
static struct buf step_content;

static inline void step_make_tool(void)
{
	char *argv[] = { "gcc",
			 "-static",
			 "-O1",
			 "-D_GNU_SOURCE",
			 "-o",
			 step_program,
			 "tests/unit/step-tool.c",
			 NULL };
	int fd = mkstemp(step_program);
	struct err err = { 0 };
	struct buf out;

	ck_assert_int_ge(fd, 0);
	close(fd);
	out = output_of(argv);
	buf_release(&out);
	must(fs_read(step_program, 64u << 20, &step_content, &err));
	unlink(step_program);
}

static inline void step_forget_tool(void)
{
	buf_release(&step_content);
}

static inline void step_put_program(const char *path, struct bytes content,
				    bool executable)
{
	struct play_view view = { 0 };

	play_file(&node.c, &view, path, content)->inode.executable = executable;
	play_send_view(&node.c, 0, WIRE_PART_SOURCES, &view);
}

/* Send the tool and a source. */
static inline void step_set_up(void)
{
	one_set_up();
	step_put_program(TOOL, buf_bytes(&step_content), true);
	play_put(&node.c, 0, ROOT "/a.c", tiny);
}

/* `words`, separated by blanks, are the tool's arguments. */
static inline struct wire_step step_of(uint32_t job, enum wire_step_kind kind,
				       const char *tool, const char *words)
{
	struct wire_step m = { .job = job, .kind = (uint8_t)kind };

	m.tool = play_path(&node.c, tool);
	while (*words) {
		size_t n = strcspn(words, " ");

		strv_own(&m.args, xstrndup(words, n));
		words += n + (words[n] == ' ');
	}
	return m;
}

static inline void step_send(const struct wire_step *m)
{
	struct buf body = { 0 };

	play_send_paths(&node.c);
	wire_step_encode(&body, m);
	client_send(&node.c, WIRE_STEP, &body);
}

/* Send a job of a.c with the tool at `path`; its deadline is `ms`. */
static inline void step_job(uint32_t job, enum wire_step_kind kind,
			    const char *path, const char *words, unsigned ms)
{
	struct wire_job m = play_job(&node.c, job, WIRE_LANG_C, plain);
	struct wire_step step = step_of(job, kind, path, words);

	m.deadline_ms = ms;
	step_send(&step);
	play_send_job(&node.c, &m);
	wire_step_release(&step);
}

static inline void symbols(uint32_t job, const char *words)
{
	step_job(job, WIRE_STEP_SYMBOLS, TOOL, words, 60000);
}

static inline void object(uint32_t job, const char *words)
{
	step_job(job, WIRE_STEP_OBJECT, TOOL, words, 60000);
}

FIXTURE_ONCE(step_make_tool, step_forget_tool);

#endif
