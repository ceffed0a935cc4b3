/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "events/event.h"

#include "base/json.h"

#include <stdlib.h>
#include <string.h>

static const char *const state_words[] = {
	[EVENTS_QUEUED] = "queued",   [EVENTS_SCAN] = "scan",
	[EVENTS_SEND] = "send",       [EVENTS_RUN] = "run",
	[EVENTS_RECEIVE] = "receive", [EVENTS_JOB_DONE] = "done",
	[EVENTS_JOB_LEFT] = "left",   [EVENTS_STATES] = NULL,
};

static const char *const severity_words[] = {
	[EVENTS_WARNING] = "warning",
	[EVENTS_ERROR] = "error",
	NULL,
};

#define AT(member) .at = offsetof(struct events_event, member)
#define TEXT(n, m)                                      \
	{                                               \
		.name = (n), .type = EVENTS_TEXT, AT(m) \
	}
#define WORD(n, m, w)                                                 \
	{                                                             \
		.name = (n), .type = EVENTS_WORD, .words = (w), AT(m) \
	}
#define NUMBER(n, m, u)                                                \
	{                                                              \
		.name = (n), .type = EVENTS_NUMBER, .unit = (u), AT(m) \
	}
#define MAY_NUMBER(n, m, u)                                      \
	{                                                        \
		.name = (n), .type = EVENTS_NUMBER, .unit = (u), \
		.may_lack = true, AT(m)                          \
	}
#define MILLI(n, m, u)                                                \
	{                                                             \
		.name = (n), .type = EVENTS_MILLI, .unit = (u), AT(m) \
	}
#define MAY_MILLI(n, m, u)                                      \
	{                                                       \
		.name = (n), .type = EVENTS_MILLI, .unit = (u), \
		.may_lack = true, AT(m)                         \
	}
#define YES(n, m)                                      \
	{                                              \
		.name = (n), .type = EVENTS_YES, AT(m) \
	}
#define BOOL(n, m)                                      \
	{                                               \
		.name = (n), .type = EVENTS_BOOL, AT(m) \
	}

static const struct events_field stream[] = {
	NUMBER("version", version, NULL),
	TEXT("program", program),
	NUMBER("pid", pid, NULL),
	NUMBER("began", began_s, "seconds since 1970"),
};

static const struct events_field build[] = {
	TEXT("what", what),
	TEXT("arch", arch),
	TEXT("config", config),
	TEXT("toolchain", toolchain),
	TEXT("toolchain_id", toolchain_id),
	TEXT("tree", tree),
	TEXT("tree_name", tree_name),
	TEXT("commit", commit),
	TEXT("release", release),
	TEXT("dir", dir),
	TEXT("output", output),
	TEXT("key", key),
	YES("fresh", fresh),
	NUMBER("jobs", jobs, "jobs"),
	NUMBER("local_slots", local_slots, "jobs"),
	MAY_NUMBER("number", number, NULL),
	MAY_NUMBER("of", of, "builds"),
};

static const struct events_field estimate[] = {
	NUMBER("jobs", total, "jobs"),
	MILLI("cost", cost_ms, "seconds"),
	MILLI("wall", wall_ms, "seconds"),
	NUMBER("make_jobs", jobs, "jobs"),
};

static const struct events_field phase[] = { TEXT("phase", text) };

/* Which of the last three are there depends on the state: job_has(). */
static const struct events_field job[] = {
	NUMBER("job", job, NULL),
	WORD("state", state, state_words),
	TEXT("file", file),
	TEXT("object", object),
	TEXT("node", node),
	TEXT("reason", reason),
	TEXT("step", step),
	MAY_MILLI("cost", cost_ms, "seconds"),
	YES("beside", beside),
	BOOL("remote", remote),
	NUMBER("retries", retries, "times"),
	MAY_MILLI("cpu", cpu_ms, "seconds"),
};

static const struct events_field node[] = {
	TEXT("node", node),
	TEXT("state", text),
	TEXT("reason", reason),
	TEXT("machine", machine),
	MAY_NUMBER("slots", slots, "jobs"),
	MAY_NUMBER("cores", cores, "cores"),
	MAY_NUMBER("memory", memory, "bytes"),
};

static const struct events_field cell[] = {
	TEXT("node", node),
	TEXT("toolchain", toolchain),
	TEXT("state", text),
	TEXT("reason", reason),
};

static const struct events_field load[] = {
	TEXT("node", node),
	NUMBER("running", running, "jobs"),
	NUMBER("done", jobs_done, "jobs"),
	NUMBER("failed", failed, "jobs"),
	NUMBER("retries", retries, "jobs"),
	MILLI("cpu", cpu_ms, "seconds"),
	NUMBER("sent", sent, "bytes"),
	NUMBER("received", received, "bytes"),
	MAY_MILLI("load", load, "processes"),
	MAY_NUMBER("memory", memory, "bytes"),
	MAY_MILLI("foreign", foreign, "cores"),
	MAY_MILLI("temperature", celsius, "degrees Celsius"),
	MAY_MILLI("speed", speed, "share of the full clock"),
};

static const struct events_field host[] = {
	MILLI("cpu", cpu_ms, "seconds"),
	MILLI("scan", scan_ms, "seconds"),
	MAY_NUMBER("shell_lines", shell_lines, "lines"),
	MAY_NUMBER("shell_handed", shell_handed, "lines"),
	MAY_NUMBER("shell_compiles", shell_compiles, "jobs"),
	MAY_NUMBER("shell_fixdeps", shell_fixdeps, "files"),
	MAY_NUMBER("shell_steps", shell_steps, "steps"),
	MAY_NUMBER("shell_steps_here", shell_steps_here, "steps"),
};

static const struct events_field step_reason[] = {
	TEXT("reason", reason),
	NUMBER("steps", steps, "steps"),
};

static const struct events_field diag[] = {
	WORD("severity", severity, severity_words),
	TEXT("text", text),
	NUMBER("warnings", warnings, "diagnostics"),
	NUMBER("errors", errors, "diagnostics"),
	MAY_NUMBER("new", new_diags, "diagnostics"),
};

static const struct events_field found[] = {
	TEXT("how", how),
	TEXT("tool", tool),
	WORD("severity", severity, severity_words),
	TEXT("file", file),
	MAY_NUMBER("line", line, NULL),
	MAY_NUMBER("column", column, NULL),
	TEXT("flag", flag),
	TEXT("text", text),
	TEXT("object", object),
};

static const struct events_field size[] = {
	TEXT("name", name),
	MAY_NUMBER("text", text_bytes, "bytes"),
	MAY_NUMBER("data", data_bytes, "bytes"),
	MAY_NUMBER("bss", bss_bytes, "bytes"),
	NUMBER("file", file_bytes, "bytes"),
};

static const struct events_field note[] = { TEXT("text", text) };

static const struct events_field counts[] = {
	NUMBER("remote", remote_n, "jobs"),
	NUMBER("local", local, "jobs"),
	NUMBER("steps", steps, "steps"),
	NUMBER("retried", retries, "times"),
	NUMBER("beside", beside_n, "times"),
	NUMBER("warnings", warnings, "diagnostics"),
	NUMBER("errors", errors, "diagnostics"),
	MAY_MILLI("cost", cost_ms, "seconds"),
	MAY_NUMBER("new", new_diags, "diagnostics"),
};

static const struct events_field reason[] = {
	TEXT("reason", reason),
	NUMBER("local", local, "jobs"),
};

static const struct events_field dropped[] = {
	NUMBER("events", dropped, "events"),
};

static const struct events_field done[] = {
	NUMBER("status", status, NULL),
	NUMBER("remote", remote_n, "jobs"),
	NUMBER("local", local, "jobs"),
	YES("dirty", dirty),
	MAY_NUMBER("history", history, NULL),
	MAY_NUMBER("new_warnings", new_warnings, "diagnostics"),
	MAY_NUMBER("new_errors", new_errors, "diagnostics"),
	MAY_NUMBER("gone", gone, "diagnostics"),
};

#define KIND(word, fields)                                       \
	{                                                        \
		word, fields, sizeof(fields) / sizeof(*(fields)) \
	}

static const struct {
	const char *name;
	const struct events_field *field;
	size_t n;
} kinds[] = {
	[EVENTS_STREAM] = KIND("stream", stream),
	[EVENTS_BUILD] = KIND("build", build),
	[EVENTS_ESTIMATE] = KIND("estimate", estimate),
	[EVENTS_PHASE] = KIND("phase", phase),
	[EVENTS_JOB] = KIND("job", job),
	[EVENTS_NODE] = KIND("node", node),
	[EVENTS_CELL] = KIND("cell", cell),
	[EVENTS_LOAD] = KIND("load", load),
	[EVENTS_HOST] = KIND("host", host),
	[EVENTS_STEPS] = KIND("steps", step_reason),
	[EVENTS_DIAG] = KIND("diag", diag),
	[EVENTS_FOUND] = KIND("found", found),
	[EVENTS_SIZE] = KIND("size", size),
	[EVENTS_NOTE] = KIND("note", note),
	[EVENTS_COUNTS] = KIND("counts", counts),
	[EVENTS_REASON] = KIND("reason", reason),
	[EVENTS_LIVE] = { "live", NULL, 0 },
	[EVENTS_DROPPED] = KIND("dropped", dropped),
	[EVENTS_DONE] = KIND("done", done),
};

const struct events_field *events_fields(enum events_kind kind, size_t *n)
{
	*n = kinds[kind].n;
	return kinds[kind].field;
}

const char *events_kind_name(enum events_kind kind)
{
	return kinds[kind].name;
}

struct events_event events_new(enum events_kind kind)
{
	return (struct events_event){
		.kind = kind,
		.number = EVENTS_UNKNOWN,
		.of = EVENTS_UNKNOWN,
		.history = EVENTS_UNKNOWN,
		.slots = EVENTS_UNKNOWN,
		.cores = EVENTS_UNKNOWN,
		.memory = EVENTS_UNKNOWN,
		.load = EVENTS_UNKNOWN,
		.foreign = EVENTS_UNKNOWN,
		.celsius = EVENTS_UNKNOWN,
		.new_diags = EVENTS_UNKNOWN,
		.shell_lines = EVENTS_UNKNOWN,
		.shell_handed = EVENTS_UNKNOWN,
		.shell_compiles = EVENTS_UNKNOWN,
		.shell_fixdeps = EVENTS_UNKNOWN,
		.shell_steps = EVENTS_UNKNOWN,
		.shell_steps_here = EVENTS_UNKNOWN,
		.new_warnings = EVENTS_UNKNOWN,
		.new_errors = EVENTS_UNKNOWN,
		.gone = EVENTS_UNKNOWN,
		.line = EVENTS_UNKNOWN,
		.column = EVENTS_UNKNOWN,
		.text_bytes = EVENTS_UNKNOWN,
		.data_bytes = EVENTS_UNKNOWN,
		.bss_bytes = EVENTS_UNKNOWN,
		.speed = EVENTS_UNKNOWN,
		.cpu_ms = kind == EVENTS_JOB ? EVENTS_UNKNOWN : 0,
		.cost_ms = EVENTS_UNKNOWN,
	};
}

/* ------------------------------------------------------------- encoding */

static void put_text(struct buf *out, const char *text)
{
	size_t len = strnlen(text, EVENTS_TEXT_MAX);
	char *cut;

	if (!text[len]) {
		json_add_text(out, text);
		return;
	}
	/* Not within a character. */
	while (len && ((unsigned char)text[len] & 0xc0) == 0x80)
		len--;
	cut = xstrndup(text, len);
	json_add_text(out, cut);
	free(cut);
}

static void put_milli(struct buf *out, int64_t n)
{
	uint64_t abs = n < 0 ? -(uint64_t)n : (uint64_t)n;

	buf_printf(out, "%s%llu.%03u", n < 0 ? "-" : "",
		   (unsigned long long)(abs / 1000), (unsigned)(abs % 1000));
}

static void put_name(struct buf *out, const struct events_field *f)
{
	buf_add(out, ",\"", 2);
	buf_add_str(out, f->name);
	buf_add(out, "\":", 2);
}

static void put_number(struct buf *out, const struct events_field *f, int64_t n)
{
	if (f->may_lack && n == EVENTS_UNKNOWN)
		return;
	put_name(out, f);
	if (f->type == EVENTS_MILLI)
		put_milli(out, n);
	else
		buf_printf(out, "%lld", (long long)n);
}

static void put_json_field(struct buf *out, const struct events_field *f,
			   const void *member)
{
	const char *text;

	switch (f->type) {
	case EVENTS_TEXT:
		text = *(const char *const *)member;
		if (!text)
			return;
		put_name(out, f);
		put_text(out, text);
		break;
	case EVENTS_WORD:
		put_name(out, f);
		put_text(out, f->words[*(const unsigned *)member]);
		break;
	case EVENTS_NUMBER:
	case EVENTS_MILLI:
		put_number(out, f, *(const int64_t *)member);
		break;
	case EVENTS_YES:
	case EVENTS_BOOL:
		if (f->type == EVENTS_YES && !*(const bool *)member)
			return;
		put_name(out, f);
		buf_add_str(out, *(const bool *)member ? "true" : "false");
		break;
	}
}

/* What is known at the end of a job is not told before. */
static bool is_told(const struct events_event *ev, const struct events_field *f)
{
	return ev->kind != EVENTS_JOB || ev->state == EVENTS_JOB_DONE ||
	       (f->at != offsetof(struct events_event, remote) &&
		f->at != offsetof(struct events_event, retries) &&
		f->at != offsetof(struct events_event, cpu_ms));
}

void events_encode(struct buf *out, const struct events_event *ev)
{
	size_t n;
	const struct events_field *f = events_fields(ev->kind, &n);

	buf_add_str(out, "{\"t\":");
	put_milli(out, (int64_t)ev->at_ms);
	buf_add_str(out, ",\"event\":\"");
	buf_add_str(out, events_kind_name(ev->kind));
	buf_add(out, "\"", 1);
	for (; n--; f++) {
		if (is_told(ev, f))
			put_json_field(out, f, (const char *)ev + f->at);
	}
	buf_add(out, "}\n", 2);
}
