/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kfarmd */
#include "../lib/test.h"

#include "kfarmd/run.h"

#define EXIT(n) ((n) << 8)
#define MISSING "a.c:1:10: fatal error: x.h: No such file or directory\n"
#define CRASHED                                                              \
	"gcc: fatal error: Segmentation fault signal terminated program cc1" \
	"\n"
#define CUT_OFF "gcc: fatal error: Broken pipe signal terminated program cc1\n"

enum {
	ALONE,
	READS,
	WORKS
};

/* An exit status, of the tool if `by_tool`; the output; and the result. */
static const struct ending {
	int with;
	bool by_tool, overflowed, spoke;
	enum sandbox_end_cause why;
	int status, error;
	const char *detail, *text;
	int class; /* -1: a result instead of a failure */
	const char *reason;
} endings[] = {
	{ .status = 0, .class = -1 },
	{ .status = EXIT(1), .text = "a.c:1: error: no\n", .class = -1 },
	{ .status = EXIT(1),
	  .text = MISSING,
	  .class = WIRE_FAIL_INPUT,
	  .reason = "x.h" },
	{ .status = 0, .text = MISSING, .class = -1 },
	{ .status = EXIT(1),
	  .text = CRASHED,
	  .class = WIRE_FAIL_NODE,
	  .reason = "compiler subprocess killed by a signal" },
	{ .status = SIGKILL,
	  .class = WIRE_FAIL_NODE,
	  .reason = "compiler: killed by signal 9 (Killed)" },
	{ .why = SANDBOX_END_CANCELLED,
	  .status = SIGKILL,
	  .class = WIRE_FAIL_NODE,
	  .reason = "compiler: killed by signal 9 (Killed)" },
	{ .overflowed = true,
	  .why = SANDBOX_END_CANCELLED,
	  .class = WIRE_FAIL_VOID,
	  .reason = "diagnostics exceed 4 MiB" },
	{ .why = SANDBOX_END_DEADLINE,
	  .class = WIRE_FAIL_DEADLINE,
	  .reason = "timed out after 7 ms" },
	{ .why = SANDBOX_END_LOST,
	  .class = WIRE_FAIL_TOOLCHAIN,
	  .reason = "sandbox lost" },
	{ .why = SANDBOX_END_NOT_STARTED,
	  .error = ENOENT,
	  .detail = "cwd /b: No such file or directory",
	  .class = WIRE_FAIL_INPUT,
	  .reason = "/b" },
	{ .why = SANDBOX_END_NOT_STARTED,
	  .error = EACCES,
	  .detail = "cwd /b: Permission denied",
	  .class = WIRE_FAIL_NODE,
	  .reason = "cwd /b: Permission denied" },
	/* The node is responsible for the compiler. */
	{ .why = SANDBOX_END_NOT_STARTED,
	  .error = ENOENT,
	  .detail = "exec /usr/bin/gcc: No such file or directory",
	  .class = WIRE_FAIL_NODE,
	  .reason = "exec /usr/bin/gcc: No such file or directory" },
	{ .with = READS, .by_tool = true, .status = EXIT(2), .class = -1 },
	{ .with = READS, .by_tool = true, .status = SIGSEGV, .class = -1 },
	{ .with = READS,
	  .by_tool = true,
	  .status = EXIT(1),
	  .text = MISSING CRASHED,
	  .class = -1 },
	{ .with = READS, .status = EXIT(1), .text = CUT_OFF, .class = -1 },
	{ .with = READS,
	  .status = EXIT(1),
	  .text = CRASHED,
	  .class = WIRE_FAIL_NODE,
	  .reason = "compiler subprocess killed by a signal" },
	{ .with = WORKS,
	  .status = EXIT(1),
	  .text = CUT_OFF,
	  .class = WIRE_FAIL_NODE,
	  .reason = "compiler subprocess killed by a signal" },
	{ .with = WORKS,
	  .by_tool = true,
	  .spoke = true,
	  .class = WIRE_FAIL_VOID,
	  .reason = "unexpected output of the tool" },
	{ .with = WORKS,
	  .by_tool = true,
	  .spoke = true,
	  .status = EXIT(1),
	  .class = -1 },
	{ .with = WORKS,
	  .by_tool = true,
	  .why = SANDBOX_END_NOT_STARTED,
	  .error = ENOTDIR,
	  .detail = "exec /t: Not a directory",
	  .class = WIRE_FAIL_INPUT,
	  .reason = "/t" },
	{ .with = WORKS,
	  .by_tool = true,
	  .why = SANDBOX_END_NOT_STARTED,
	  .error = ENOEXEC,
	  .detail = "exec /t: Exec format error",
	  .class = WIRE_FAIL_UNSUPPORTED,
	  .reason = "/t: Exec format error" },
	{ .with = WORKS,
	  .by_tool = true,
	  .why = SANDBOX_END_NOT_STARTED,
	  .error = ENOMEM,
	  .detail = "exec /t: Cannot allocate memory",
	  .class = WIRE_FAIL_NODE,
	  .reason = "exec /t: Cannot allocate memory" },
	{ .with = WORKS,
	  .by_tool = true,
	  .why = SANDBOX_END_NOT_STARTED,
	  .error = ENOSPC,
	  .detail = "copy out.o: No space left on device",
	  .class = WIRE_FAIL_NODE,
	  .reason = "copy out.o: No space left on device" },
};

TEST_EACH(an_end_is_a_result_or_says_why_not, endings)
{
	static char *const tool[] = { (char *)"/t", NULL };
	struct kfarmd_run_status e = { .cwd = "/b",
				       .tool = row->with ? "/t" : NULL };
	struct kfarmd_run run = {
		.status_from_tool = row->by_tool,
		.overflowed = row->overflowed,
		.tool_wrote = row->spoke,
		.end = { .cause = row->why,
			 .status = row->status,
			 .error = row->error,
			 .wall_ms = 7 },
	};

	if (row->with)
		run.tool.argv = tool;
	if (row->with == WORKS)
		run.tool.input_file = "out.o";
	snprintf(run.end.detail, sizeof(run.end.detail), "%s",
		 row->detail ? row->detail : "");
	if (row->text)
		buf_add_str(&run.output[1], row->text);
	ck_assert_int_eq(kfarmd_run_classify(&e, &run), (row->class < 0));
	if (row->class >= 0) {
		ck_assert_int_eq(e.class, row->class);
		ck_assert_str_eq(e.reason, row->reason);
	}
	free(e.reason);
	buf_release(&run.output[1]);
}
