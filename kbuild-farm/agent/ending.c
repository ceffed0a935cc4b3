/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/ending.h"

#include "agent/diagnostics.h"
#include "base/spawn.h"
#include "base/str.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

static bool blame(struct agent_ending *e, enum wire_fail_class class,
		  const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Always false. */
static bool blame(struct agent_ending *e, enum wire_fail_class class,
		  const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	e->class = class;
	e->reason = xvasprintf(fmt, ap);
	va_end(ap);
	return false;
}

static bool is_not_there(int error)
{
	return error == ENOENT || error == ENOTDIR;
}

/* Something is there that cannot be executed; ELIBBAD: a broken loader. */
static bool is_no_program(int error)
{
	return error == EACCES || error == ENOEXEC || error == ELOOP ||
	       error == ELIBBAD || error == EINVAL;
}

/* The client says what the directory is, and the tool. */
static bool judge_start(struct agent_ending *e, const struct agent_run *run)
{
	const struct cell_end *end = &run->end;
	bool exec = run->by_tool && str_starts(end->detail, "exec");

	if (is_not_there(end->error) && str_starts(end->detail, "cwd"))
		return blame(e, WIRE_FAIL_INPUT, "%s", e->cwd);
	if (exec && is_not_there(end->error))
		return blame(e, WIRE_FAIL_INPUT, "%s", e->tool);
	if (exec && is_no_program(end->error))
		return blame(e, WIRE_FAIL_UNSUPPORTED, "%s: %s", e->tool,
			     strerror(end->error));
	return blame(e, WIRE_FAIL_NODE, "%s", end->detail);
}

/* Its tool read no further, which ends a part of the compiler by SIGPIPE. */
static bool was_cut_off(const struct agent_run *run)
{
	static const char words[] = "Broken pipe signal terminated program ";
	const struct buf *text = &run->output[1];

	return run->tool.argv && !run->tool.file && text->len &&
	       memmem(text->data, text->len, words, strlen(words));
}

/* It ended itself. */
static bool judge_itself(struct agent_ending *e, const struct agent_run *run)
{
	struct bytes text = buf_bytes(&run->output[1]);
	char *missing;

	if (run->by_tool)
		return !run->tool_spoke || run->end.status ||
		       blame(e, WIRE_FAIL_VOID, "the tool printed something");
	if (!run->end.status)
		return true;
	missing = agent_diagnostics_missing(text);
	if (missing) {
		blame(e, WIRE_FAIL_INPUT, "%s", missing);
		free(missing);
		return false;
	}
	if (agent_diagnostics_signal(text) && !was_cut_off(run))
		return blame(e, WIRE_FAIL_NODE,
			     "a signal ended a part of the compiler");
	return true;
}

bool agent_ending_judge(struct agent_ending *e, const struct agent_run *run)
{
	const struct cell_end *end = &run->end;
	char *text;

	if (run->overflowed)
		return blame(e, WIRE_FAIL_VOID,
			     "more than %u MiB of diagnostics",
			     WIRE_DIAG_MAX >> 20);
	if (end->why == CELL_END_DEADLINE)
		return blame(e, WIRE_FAIL_DEADLINE, "killed after %u ms",
			     end->wall_ms);
	if (end->why == CELL_END_LOST)
		return blame(e, WIRE_FAIL_TOOLCHAIN, "its cell is gone");
	if (end->why == CELL_END_FAILED)
		return judge_start(e, run);
	if (end->why == CELL_END_ITSELF &&
	    (run->by_tool || !WIFSIGNALED(end->status)))
		return judge_itself(e, run);
	text = spawn_status_text(end->status);
	blame(e, WIRE_FAIL_NODE, "the compiler was %s", text);
	free(text);
	return false;
}
