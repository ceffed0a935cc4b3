/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "events/event.h"

#include "base/record.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *const job_state_words[] = {
	[EVENTS_JOB_QUEUED] = "queued",   [EVENTS_JOB_SCAN] = "scan",
	[EVENTS_JOB_SEND] = "send",       [EVENTS_JOB_RUN] = "run",
	[EVENTS_JOB_RECEIVE] = "receive", [EVENTS_JOB_DONE] = "done",
	[EVENTS_JOB_ABANDONED] = "left",
};

static const char *const severity_words[] = {
	[EVENTS_SEV_WARNING] = "warning",
	[EVENTS_SEV_ERROR] = "error",
};

static bool is_finished(const void *ev)
{
	return ((const struct events_event *)ev)->state == EVENTS_JOB_DONE;
}

#define TEXT(key, member) \
	RECORD_TEXT(key, events_event, member, EVENTS_TEXT_MAX)
#define WORD(key, member, words) RECORD_WORD(key, events_event, member, words)
#define BOOL(key, member)        RECORD_BOOL(key, events_event, member)
#define FLAG_FIELD(key, member)  BOOL(key, member), .omit_null = true
#define NUMBER(key, member, of) \
	RECORD_NUMBER(key, events_event, member, 0, INT64_MAX), .unit = (of)
#define OPT_NUMBER(key, member, of) NUMBER(key, member, of), .omit_null = true
#define MILLI(key, member, of) \
	RECORD_MILLI(key, events_event, member), .unit = (of)
#define OPT_MILLI(key, member, of) MILLI(key, member, of), .omit_null = true

static const struct record_member stream[] = {
	{ NUMBER("version", version, NULL) },
	{ TEXT("program", program) },
	{ NUMBER("pid", pid, NULL) },
	{ NUMBER("began", start_s, "seconds since 1970") },
};

static const struct record_member build[] = {
	{ TEXT("what", command) },
	{ TEXT("arch", arch) },
	{ TEXT("config", config) },
	{ TEXT("toolchain", toolchain) },
	{ TEXT("toolchain_id", toolchain_id) },
	{ TEXT("tree", tree) },
	{ TEXT("tree_name", tree_name) },
	{ TEXT("commit", commit) },
	{ TEXT("release", release) },
	{ TEXT("dir", dir) },
	{ TEXT("output", output) },
	{ TEXT("key", series_key) },
	{ FLAG_FIELD("fresh", from_scratch) },
	{ NUMBER("jobs", make_jobs, "jobs") },
	{ NUMBER("local_slots", n_local_slots, "jobs") },
	{ OPT_NUMBER("number", build_number, NULL) },
	{ OPT_NUMBER("of", n_builds, "builds") },
	{ OPT_NUMBER("history", history_id, NULL) },
};

static const struct record_member estimate[] = {
	{ NUMBER("jobs", n_total_jobs, "jobs") },
	{ MILLI("cost", cost_ms, "seconds") },
	{ MILLI("wall", wall_ms, "seconds") },
	{ NUMBER("make_jobs", make_jobs, "jobs") },
};

static const struct record_member phase[] = {
	{ TEXT("phase", text) },
	{ TEXT("activity", activity) },
};

static const struct record_member activity[] = {
	{ TEXT("activity", activity) },
};

static const struct record_member job[] = {
	{ NUMBER("job", job, NULL) },
	{ WORD("state", state, job_state_words) },
	{ TEXT("file", file) },
	{ TEXT("object", object) },
	{ TEXT("node", node) },
	{ TEXT("member", member) },
	{ TEXT("reason", reason) },
	{ TEXT("step", step) },
	{ OPT_MILLI("cost", cost_ms, "seconds") },
	{ FLAG_FIELD("duplicated", hedged) },
	{ FLAG_FIELD("cached", cached) },
	{ FLAG_FIELD("cached_remote", cached_remote) },
	{ TEXT("miss", miss) },
	{ BOOL("remote", remote), .is_present = is_finished },
	{ NUMBER("retries", n_retries, "times"), .is_present = is_finished },
	{ OPT_MILLI("cpu", cpu_ms, "seconds"), .is_present = is_finished },
};

static const struct record_member node[] = {
	{ TEXT("node", node) },
	{ TEXT("pool", pool) },
	{ TEXT("site", site) },
	{ TEXT("members", members) },
	{ TEXT("state", text) },
	{ TEXT("reason", reason) },
	{ TEXT("machine", machine) },
	{ OPT_NUMBER("slots", n_slots, "jobs") },
	{ OPT_NUMBER("cores", n_cores, "cores") },
	{ OPT_NUMBER("memory", memory_bytes, "bytes") },
};

static const struct record_member cell[] = {
	{ TEXT("node", node) },
	{ TEXT("toolchain", toolchain) },
	{ TEXT("state", text) },
	{ TEXT("reason", reason) },
};

static const struct record_member load[] = {
	{ TEXT("node", node) },
	{ NUMBER("running", n_running, "jobs") },
	{ NUMBER("done", n_done, "jobs") },
	{ NUMBER("failed", n_failed, "jobs") },
	{ NUMBER("retries", n_retries, "jobs") },
	{ MILLI("cpu", cpu_ms, "seconds") },
	{ OPT_MILLI("mean", mean_ms, "seconds") },
	{ NUMBER("sent", sent_bytes, "bytes") },
	{ NUMBER("received", received_bytes, "bytes") },
	{ OPT_MILLI("load", load_milli, "processes") },
	{ OPT_NUMBER("memory", memory_bytes, "bytes") },
	{ OPT_MILLI("foreign", foreign_milli, "cores") },
	{ OPT_MILLI("temperature", celsius_milli, "degrees Celsius") },
	{ OPT_MILLI("speed", speed_milli, "share of the full clock") },
};

static const struct record_member host[] = {
	{ MILLI("cpu", cpu_ms, "seconds") },
	{ MILLI("scan", scan_ms, "seconds") },
	{ OPT_NUMBER("shell_lines", n_shell_lines, "lines") },
	{ OPT_NUMBER("shell_handed", n_shell_fallbacks, "lines") },
	{ OPT_NUMBER("shell_compiles", n_shell_compiles, "jobs") },
	{ OPT_NUMBER("shell_fixdeps", n_shell_fixdeps, "files") },
	{ OPT_NUMBER("shell_steps", n_shell_steps, "steps") },
	{ OPT_NUMBER("shell_steps_here", n_local_steps, "steps") },
};

static const struct record_member step_reason[] = {
	{ TEXT("reason", reason) },
	{ NUMBER("steps", n_steps, "steps") },
};

static const struct record_member disabled[] = {
	{ TEXT("tool", tool) },
	{ TEXT("node", node) },
	{ NUMBER("failed", n_failed, "jobs") },
	{ TEXT("text", text) },
};

static const struct record_member diag[] = {
	{ WORD("severity", severity, severity_words) },
	{ TEXT("text", text) },
	{ NUMBER("warnings", n_warnings, "diagnostics") },
	{ NUMBER("errors", n_errors, "diagnostics") },
	{ OPT_NUMBER("new", n_new_diags, "diagnostics") },
};

static const struct record_member found[] = {
	{ TEXT("how", diag_status) },
	{ TEXT("tool", tool) },
	{ WORD("severity", severity, severity_words) },
	{ TEXT("file", file) },
	{ OPT_NUMBER("line", line, NULL) },
	{ OPT_NUMBER("column", column, NULL) },
	{ TEXT("flag", flag) },
	{ TEXT("text", text) },
	{ TEXT("object", object) },
};

static const struct record_member size[] = {
	{ TEXT("name", name) },
	{ OPT_NUMBER("text", text_bytes, "bytes") },
	{ OPT_NUMBER("data", data_bytes, "bytes") },
	{ OPT_NUMBER("bss", bss_bytes, "bytes") },
	{ NUMBER("file", file_bytes, "bytes") },
};

static const struct record_member note[] = {
	{ TEXT("text", text) },
	{ FLAG_FIELD("detail", detail) },
};

static const struct record_member counts[] = {
	{ NUMBER("remote", n_remote, "jobs") },
	{ NUMBER("local", n_local, "jobs") },
	{ OPT_NUMBER("cached", n_cached, "jobs") },
	{ OPT_NUMBER("cached_remote", n_cached_remote, "jobs") },
	{ NUMBER("steps", n_steps, "steps") },
	{ NUMBER("retried", n_retries, "times") },
	{ NUMBER("duplicated", n_hedged, "times") },
	{ NUMBER("warnings", n_warnings, "diagnostics") },
	{ NUMBER("errors", n_errors, "diagnostics") },
	{ OPT_MILLI("cost", cost_ms, "seconds") },
	{ OPT_NUMBER("new", n_new_diags, "diagnostics") },
};

static const struct record_member reason[] = {
	{ TEXT("reason", reason) },
	{ NUMBER("local", n_local, "jobs") },
};

static const struct record_member dropped[] = {
	{ NUMBER("events", n_dropped, "events") },
};

static const struct record_member done[] = {
	{ NUMBER("status", status, NULL) },
	{ TEXT("cause", reason) },
	{ NUMBER("remote", n_remote, "jobs") },
	{ NUMBER("local", n_local, "jobs") },
	{ OPT_NUMBER("cached", n_cached, "jobs") },
	{ OPT_NUMBER("cached_remote", n_cached_remote, "jobs") },
	{ FLAG_FIELD("dirty", dirty) },
	{ OPT_NUMBER("history", history_id, NULL) },
	{ OPT_NUMBER("new_warnings", n_new_warnings, "diagnostics") },
	{ OPT_NUMBER("new_errors", n_new_errors, "diagnostics") },
	{ OPT_NUMBER("gone", n_removed_diags, "diagnostics") },
};

#define KIND(word, members)                         \
	{                                           \
		word, RECORD(events_event, members) \
	}

static const struct {
	const char *name;
	struct record record;
} kinds[] = {
	[EVENTS_KIND_STREAM] = KIND("stream", stream),
	[EVENTS_KIND_BUILD] = KIND("build", build),
	[EVENTS_KIND_ESTIMATE] = KIND("estimate", estimate),
	[EVENTS_KIND_PHASE] = KIND("phase", phase),
	[EVENTS_KIND_ACTIVITY] = KIND("activity", activity),
	[EVENTS_KIND_JOB] = KIND("job", job),
	[EVENTS_KIND_NODE] = KIND("node", node),
	[EVENTS_KIND_CELL] = KIND("cell", cell),
	[EVENTS_KIND_LOAD] = KIND("load", load),
	[EVENTS_KIND_HOST] = KIND("host", host),
	[EVENTS_KIND_STEPS] = KIND("steps", step_reason),
	[EVENTS_KIND_DISABLED] = KIND("disabled", disabled),
	[EVENTS_KIND_DIAG] = KIND("diag", diag),
	[EVENTS_KIND_FOUND] = KIND("found", found),
	[EVENTS_KIND_SIZE] = KIND("size", size),
	[EVENTS_KIND_NOTE] = KIND("note", note),
	[EVENTS_KIND_COUNTS] = KIND("counts", counts),
	[EVENTS_KIND_REASON] = KIND("reason", reason),
	[EVENTS_KIND_LIVE] = { .name = "live" },
	[EVENTS_KIND_DROPPED] = KIND("dropped", dropped),
	[EVENTS_KIND_DONE] = KIND("done", done),
};

const struct record *events_record(enum events_kind kind)
{
	return &kinds[kind].record;
}

const char *events_kind_name(enum events_kind kind)
{
	return kinds[kind].name;
}

struct events_event events_event_make(enum events_kind kind)
{
	return (struct events_event){
		.kind = kind,
		.build_number = EVENTS_UNKNOWN,
		.n_builds = EVENTS_UNKNOWN,
		.history_id = EVENTS_UNKNOWN,
		.n_cached = EVENTS_UNKNOWN,
		.n_cached_remote = EVENTS_UNKNOWN,
		.n_slots = EVENTS_UNKNOWN,
		.n_cores = EVENTS_UNKNOWN,
		.memory_bytes = EVENTS_UNKNOWN,
		.load_milli = EVENTS_UNKNOWN,
		.foreign_milli = EVENTS_UNKNOWN,
		.celsius_milli = EVENTS_UNKNOWN,
		.n_new_diags = EVENTS_UNKNOWN,
		.n_shell_lines = EVENTS_UNKNOWN,
		.n_shell_fallbacks = EVENTS_UNKNOWN,
		.n_shell_compiles = EVENTS_UNKNOWN,
		.n_shell_fixdeps = EVENTS_UNKNOWN,
		.n_shell_steps = EVENTS_UNKNOWN,
		.n_local_steps = EVENTS_UNKNOWN,
		.n_new_warnings = EVENTS_UNKNOWN,
		.n_new_errors = EVENTS_UNKNOWN,
		.n_removed_diags = EVENTS_UNKNOWN,
		.line = EVENTS_UNKNOWN,
		.column = EVENTS_UNKNOWN,
		.text_bytes = EVENTS_UNKNOWN,
		.data_bytes = EVENTS_UNKNOWN,
		.bss_bytes = EVENTS_UNKNOWN,
		.speed_milli = EVENTS_UNKNOWN,
		.cpu_ms = kind == EVENTS_KIND_JOB ? EVENTS_UNKNOWN : 0,
		.cost_ms = EVENTS_UNKNOWN,
		.mean_ms = EVENTS_UNKNOWN,
	};
}

/* Encoding */

static const struct record_member time_member[] = {
	{ RECORD_MILLI("t", events_event, at_ms), .required = true },
};
static const struct record time_record = RECORD(events_event, time_member);

void events_encode(struct buf *out, const struct events_event *ev)
{
	buf_add_str(out, "{");
	record_append(out, &time_record, ev);
	buf_add_str(out, ",\"event\":\"");
	buf_add_str(out, events_kind_name(ev->kind));
	buf_add(out, "\"", 1);
	record_append(out, events_record(ev->kind), ev);
	buf_add(out, "}\n", 2);
}

/* Decoding */

static int decode_event(struct events_event *ev, const json_t *o,
			struct err *err)
{
	const char *name = json_string_value(json_object_get(o, "event"));
	enum events_kind kind = 0;
	const char *bad;

	while (name && kind < EVENTS_N_KINDS &&
	       strcmp(name, events_kind_name(kind)))
		kind++;
	*ev = events_event_make(kind);
	if (!name || record_fill(&time_record, ev, o))
		return err_set(
			err, EPROTO,
			"not an event: missing or invalid \"t\" or \"event\"");
	if (kind == EVENTS_N_KINDS)
		return -ENOMSG;
	bad = record_fill(events_record(kind), ev, o);
	return bad ? err_set(err, EPROTO, "%s.%s: invalid value", name, bad) :
		     0;
}

int events_decode(struct events_parsed *out, struct bytes line, struct err *err)
{
	json_error_t why;
	json_t *o;
	int ret;

	*out = (struct events_parsed){ 0 };
	if (line.len > EVENTS_LINE_MAX)
		return err_set(err, EMSGSIZE, "line too long: %zu bytes",
			       line.len);
	o = json_loadb((const char *)line.data, line.len, 0, &why);
	if (!o)
		return err_set(err, EPROTO, "invalid JSON: %s", why.text);
	ret = decode_event(&out->ev, o, err);
	out->json = o;
	if (ret)
		events_parsed_release(out);
	return ret;
}

void events_parsed_release(struct events_parsed *read)
{
	json_decref(read->json);
	*read = (struct events_parsed){ 0 };
}
