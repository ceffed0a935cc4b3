/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kfarmd */
#include "../lib/test.h"

#include "kfarmd/run.h"

#define EXIT(n) ((n) << 8)
#define MISSING "a.c:1:10: fatal error: x.h: No such file or directory\n"
#define CRASHED                                                              \
	"gcc: fatal error: Segmentation fault signal terminated program cc1" \
	"\n"
#define BROKEN_PIPE \
	"gcc: fatal error: Broken pipe signal terminated program cc1\n"

enum {
	NO_TOOL,
	TOOL_READS_STDOUT,
	TOOL_READS_FILE
};

/* Exit status (of the tool if `by_tool`), output, and the classification. */
static const struct outcome {
	int tool_kind;
	bool by_tool, overflowed, wrote_output;
	enum sandbox_end_cause end_cause;
	int status, error;
	const char *detail, *text;
	int class; /* -1: a result instead of a failure */
	const char *reason;
} outcomes[] = {
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
	{ .end_cause = SANDBOX_END_CANCELLED,
	  .status = SIGKILL,
	  .class = WIRE_FAIL_NODE,
	  .reason = "compiler: killed by signal 9 (Killed)" },
	{ .overflowed = true,
	  .end_cause = SANDBOX_END_CANCELLED,
	  .class = WIRE_FAIL_VOID,
	  .reason = "diagnostics exceed 4 MiB" },
	{ .end_cause = SANDBOX_END_DEADLINE,
	  .class = WIRE_FAIL_DEADLINE,
	  .reason = "timed out after 7 ms" },
	{ .end_cause = SANDBOX_END_LOST,
	  .class = WIRE_FAIL_TOOLCHAIN,
	  .reason = "sandbox lost" },
	{ .end_cause = SANDBOX_END_NOT_STARTED,
	  .error = ENOENT,
	  .detail = "cwd /b: No such file or directory",
	  .class = WIRE_FAIL_INPUT,
	  .reason = "/b" },
	{ .end_cause = SANDBOX_END_NOT_STARTED,
	  .error = EACCES,
	  .detail = "cwd /b: Permission denied",
	  .class = WIRE_FAIL_NODE,
	  .reason = "cwd /b: Permission denied" },
	/* The node is responsible for the compiler. */
	{ .end_cause = SANDBOX_END_NOT_STARTED,
	  .error = ENOENT,
	  .detail = "exec /usr/bin/gcc: No such file or directory",
	  .class = WIRE_FAIL_NODE,
	  .reason = "exec /usr/bin/gcc: No such file or directory" },
	{ .tool_kind = TOOL_READS_STDOUT,
	  .by_tool = true,
	  .status = EXIT(2),
	  .class = -1 },
	{ .tool_kind = TOOL_READS_STDOUT,
	  .by_tool = true,
	  .status = SIGSEGV,
	  .class = -1 },
	{ .tool_kind = TOOL_READS_STDOUT,
	  .by_tool = true,
	  .status = EXIT(1),
	  .text = MISSING CRASHED,
	  .class = -1 },
	{ .tool_kind = TOOL_READS_STDOUT,
	  .status = EXIT(1),
	  .text = BROKEN_PIPE,
	  .class = -1 },
	{ .tool_kind = TOOL_READS_STDOUT,
	  .status = EXIT(1),
	  .text = CRASHED,
	  .class = WIRE_FAIL_NODE,
	  .reason = "compiler subprocess killed by a signal" },
	{ .tool_kind = TOOL_READS_FILE,
	  .status = EXIT(1),
	  .text = BROKEN_PIPE,
	  .class = WIRE_FAIL_NODE,
	  .reason = "compiler subprocess killed by a signal" },
	{ .tool_kind = TOOL_READS_FILE,
	  .by_tool = true,
	  .wrote_output = true,
	  .class = WIRE_FAIL_VOID,
	  .reason = "unexpected output of the tool" },
	{ .tool_kind = TOOL_READS_FILE,
	  .by_tool = true,
	  .wrote_output = true,
	  .status = EXIT(1),
	  .class = -1 },
	{ .tool_kind = TOOL_READS_FILE,
	  .by_tool = true,
	  .end_cause = SANDBOX_END_NOT_STARTED,
	  .error = ENOTDIR,
	  .detail = "exec /t: Not a directory",
	  .class = WIRE_FAIL_INPUT,
	  .reason = "/t" },
	{ .tool_kind = TOOL_READS_FILE,
	  .by_tool = true,
	  .end_cause = SANDBOX_END_NOT_STARTED,
	  .error = ENOEXEC,
	  .detail = "exec /t: Exec format error",
	  .class = WIRE_FAIL_UNSUPPORTED,
	  .reason = "/t: Exec format error" },
	{ .tool_kind = TOOL_READS_FILE,
	  .by_tool = true,
	  .end_cause = SANDBOX_END_NOT_STARTED,
	  .error = ENOMEM,
	  .detail = "exec /t: Cannot allocate memory",
	  .class = WIRE_FAIL_NODE,
	  .reason = "exec /t: Cannot allocate memory" },
	{ .tool_kind = TOOL_READS_FILE,
	  .by_tool = true,
	  .end_cause = SANDBOX_END_NOT_STARTED,
	  .error = ENOSPC,
	  .detail = "copy out.o: No space left on device",
	  .class = WIRE_FAIL_NODE,
	  .reason = "copy out.o: No space left on device" },
};

TEST_EACH(a_finished_job_is_classified_as_result_or_failure, outcomes)
{
	static char *const tool[] = { (char *)"/t", NULL };
	struct kfarmd_run_status run_status = { .cwd = "/b",
						.tool = row->tool_kind ? "/t" :
									 NULL };
	struct kfarmd_run run = {
		.status_from_tool = row->by_tool,
		.overflowed = row->overflowed,
		.tool_wrote = row->wrote_output,
		.end = { .cause = row->end_cause,
			 .status = row->status,
			 .error = row->error,
			 .wall_ms = 7 },
	};

	if (row->tool_kind)
		run.tool.argv = tool;
	if (row->tool_kind == TOOL_READS_FILE)
		run.tool.input_file = "out.o";
	snprintf(run.end.detail, sizeof(run.end.detail), "%s",
		 row->detail ? row->detail : "");
	if (row->text)
		buf_add_str(&run.output[1], row->text);
	ck_assert_int_eq(kfarmd_run_classify(&run_status, &run),
			 (row->class < 0));
	if (row->class >= 0) {
		ck_assert_int_eq(run_status.class, row->class);
		ck_assert_str_eq(run_status.reason, row->reason);
	}
	free(run_status.reason);
	buf_release(&run.output[1]);
}
