/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "events/event.h"

#include "base/json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *const job_state_words[] = {
	[EVENTS_JOB_QUEUED] = "queued",   [EVENTS_JOB_SCAN] = "scan",
	[EVENTS_JOB_SEND] = "send",       [EVENTS_JOB_RUN] = "run",
	[EVENTS_JOB_RECEIVE] = "receive", [EVENTS_JOB_DONE] = "done",
	[EVENTS_JOB_ABANDONED] = "left",  [EVENTS_N_JOB_STATES] = NULL,
};

static const char *const severity_words[] = {
	[EVENTS_SEV_WARNING] = "warning",
	[EVENTS_SEV_ERROR] = "error",
	NULL,
};

#define AT(member) .offset = offsetof(struct events_event, member)
#define TEXT(n, m)                                           \
	{                                                    \
		.name = (n), .type = EVENTS_TYPE_TEXT, AT(m) \
	}
#define WORD(n, m, w)                                                      \
	{                                                                  \
		.name = (n), .type = EVENTS_TYPE_WORD, .words = (w), AT(m) \
	}
#define NUMBER(n, m, u)                                                     \
	{                                                                   \
		.name = (n), .type = EVENTS_TYPE_NUMBER, .unit = (u), AT(m) \
	}
#define OPT_NUMBER(n, m, u)                                           \
	{                                                             \
		.name = (n), .type = EVENTS_TYPE_NUMBER, .unit = (u), \
		.optional = true, AT(m)                               \
	}
#define MILLI(n, m, u)                                                     \
	{                                                                  \
		.name = (n), .type = EVENTS_TYPE_MILLI, .unit = (u), AT(m) \
	}
#define OPT_MILLI(n, m, u)                                           \
	{                                                            \
		.name = (n), .type = EVENTS_TYPE_MILLI, .unit = (u), \
		.optional = true, AT(m)                              \
	}
#define FLAG_FIELD(n, m)                                     \
	{                                                    \
		.name = (n), .type = EVENTS_TYPE_FLAG, AT(m) \
	}
#define BOOL(n, m)                                           \
	{                                                    \
		.name = (n), .type = EVENTS_TYPE_BOOL, AT(m) \
	}

static const struct events_field stream[] = {
	NUMBER("version", version, NULL),
	TEXT("program", program),
	NUMBER("pid", pid, NULL),
	NUMBER("began", start_s, "seconds since 1970"),
};

static const struct events_field build[] = {
	TEXT("what", command),
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
	TEXT("key", series_key),
	FLAG_FIELD("fresh", from_scratch),
	NUMBER("jobs", make_jobs, "jobs"),
	NUMBER("local_slots", n_local_slots, "jobs"),
	OPT_NUMBER("number", build_number, NULL),
	OPT_NUMBER("of", n_builds, "builds"),
	OPT_NUMBER("history", history_id, NULL),
};

static const struct events_field estimate[] = {
	NUMBER("jobs", n_total_jobs, "jobs"),
	MILLI("cost", cost_ms, "seconds"),
	MILLI("wall", wall_ms, "seconds"),
	NUMBER("make_jobs", make_jobs, "jobs"),
};

static const struct events_field total[] = {
	NUMBER("jobs", n_total_jobs, "jobs"),
};

static const struct events_field phase[] = {
	TEXT("phase", text),
	TEXT("activity", activity),
};

static const struct events_field activity[] = { TEXT("activity", activity) };

/* is_field_encoded() decides whether the last three fields are encoded. */
static const struct events_field job[] = {
	NUMBER("job", job, NULL),
	WORD("state", state, job_state_words),
	TEXT("file", file),
	TEXT("object", object),
	TEXT("node", node),
	TEXT("reason", reason),
	TEXT("step", step),
	OPT_MILLI("cost", cost_ms, "seconds"),
	FLAG_FIELD("beside", hedged),
	BOOL("remote", remote),
	NUMBER("retries", n_retries, "times"),
	OPT_MILLI("cpu", cpu_ms, "seconds"),
};

static const struct events_field node[] = {
	TEXT("node", node),
	TEXT("state", text),
	TEXT("reason", reason),
	TEXT("machine", machine),
	OPT_NUMBER("slots", n_slots, "jobs"),
	OPT_NUMBER("cores", n_cores, "cores"),
	OPT_NUMBER("memory", memory_bytes, "bytes"),
};

static const struct events_field cell[] = {
	TEXT("node", node),
	TEXT("toolchain", toolchain),
	TEXT("state", text),
	TEXT("reason", reason),
};

static const struct events_field load[] = {
	TEXT("node", node),
	NUMBER("running", n_running, "jobs"),
	NUMBER("done", n_done, "jobs"),
	NUMBER("failed", n_failed, "jobs"),
	NUMBER("retries", n_retries, "jobs"),
	MILLI("cpu", cpu_ms, "seconds"),
	NUMBER("sent", sent_bytes, "bytes"),
	NUMBER("received", received_bytes, "bytes"),
	OPT_MILLI("load", load_milli, "processes"),
	OPT_NUMBER("memory", memory_bytes, "bytes"),
	OPT_MILLI("foreign", foreign_milli, "cores"),
	OPT_MILLI("temperature", celsius_milli, "degrees Celsius"),
	OPT_MILLI("speed", speed_milli, "share of the full clock"),
};

static const struct events_field host[] = {
	MILLI("cpu", cpu_ms, "seconds"),
	MILLI("scan", scan_ms, "seconds"),
	OPT_NUMBER("shell_lines", n_shell_lines, "lines"),
	OPT_NUMBER("shell_handed", n_shell_fallbacks, "lines"),
	OPT_NUMBER("shell_compiles", n_shell_compiles, "jobs"),
	OPT_NUMBER("shell_fixdeps", n_shell_fixdeps, "files"),
	OPT_NUMBER("shell_steps", n_shell_steps, "steps"),
	OPT_NUMBER("shell_steps_here", n_local_steps, "steps"),
};

static const struct events_field step_reason[] = {
	TEXT("reason", reason),
	NUMBER("steps", n_steps, "steps"),
};

static const struct events_field diag[] = {
	WORD("severity", severity, severity_words),
	TEXT("text", text),
	NUMBER("warnings", n_warnings, "diagnostics"),
	NUMBER("errors", n_errors, "diagnostics"),
	OPT_NUMBER("new", n_new_diags, "diagnostics"),
};

static const struct events_field found[] = {
	TEXT("how", diag_status),
	TEXT("tool", tool),
	WORD("severity", severity, severity_words),
	TEXT("file", file),
	OPT_NUMBER("line", line, NULL),
	OPT_NUMBER("column", column, NULL),
	TEXT("flag", flag),
	TEXT("text", text),
	TEXT("object", object),
};

static const struct events_field size[] = {
	TEXT("name", name),
	OPT_NUMBER("text", text_bytes, "bytes"),
	OPT_NUMBER("data", data_bytes, "bytes"),
	OPT_NUMBER("bss", bss_bytes, "bytes"),
	NUMBER("file", file_bytes, "bytes"),
};

static const struct events_field note[] = {
	TEXT("text", text),
	FLAG_FIELD("detail", detail),
};

static const struct events_field counts[] = {
	NUMBER("remote", n_remote, "jobs"),
	NUMBER("local", n_local, "jobs"),
	NUMBER("steps", n_steps, "steps"),
	NUMBER("retried", n_retries, "times"),
	NUMBER("beside", n_hedged, "times"),
	NUMBER("warnings", n_warnings, "diagnostics"),
	NUMBER("errors", n_errors, "diagnostics"),
	OPT_MILLI("cost", cost_ms, "seconds"),
	OPT_NUMBER("new", n_new_diags, "diagnostics"),
};

static const struct events_field reason[] = {
	TEXT("reason", reason),
	NUMBER("local", n_local, "jobs"),
};

static const struct events_field dropped[] = {
	NUMBER("events", n_dropped, "events"),
};

static const struct events_field done[] = {
	NUMBER("status", status, NULL),
	NUMBER("remote", n_remote, "jobs"),
	NUMBER("local", n_local, "jobs"),
	FLAG_FIELD("dirty", dirty),
	OPT_NUMBER("history", history_id, NULL),
	OPT_NUMBER("new_warnings", n_new_warnings, "diagnostics"),
	OPT_NUMBER("new_errors", n_new_errors, "diagnostics"),
	OPT_NUMBER("gone", n_removed_diags, "diagnostics"),
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
	[EVENTS_KIND_STREAM] = KIND("stream", stream),
	[EVENTS_KIND_BUILD] = KIND("build", build),
	[EVENTS_KIND_ESTIMATE] = KIND("estimate", estimate),
	[EVENTS_KIND_TOTAL] = KIND("total", total),
	[EVENTS_KIND_PHASE] = KIND("phase", phase),
	[EVENTS_KIND_ACTIVITY] = KIND("activity", activity),
	[EVENTS_KIND_JOB] = KIND("job", job),
	[EVENTS_KIND_NODE] = KIND("node", node),
	[EVENTS_KIND_CELL] = KIND("cell", cell),
	[EVENTS_KIND_LOAD] = KIND("load", load),
	[EVENTS_KIND_HOST] = KIND("host", host),
	[EVENTS_KIND_STEPS] = KIND("steps", step_reason),
	[EVENTS_KIND_DIAG] = KIND("diag", diag),
	[EVENTS_KIND_FOUND] = KIND("found", found),
	[EVENTS_KIND_SIZE] = KIND("size", size),
	[EVENTS_KIND_NOTE] = KIND("note", note),
	[EVENTS_KIND_COUNTS] = KIND("counts", counts),
	[EVENTS_KIND_REASON] = KIND("reason", reason),
	[EVENTS_KIND_LIVE] = { "live", NULL, 0 },
	[EVENTS_KIND_DROPPED] = KIND("dropped", dropped),
	[EVENTS_KIND_DONE] = KIND("done", done),
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

struct events_event events_event_make(enum events_kind kind)
{
	return (struct events_event){
		.kind = kind,
		.build_number = EVENTS_UNKNOWN,
		.n_builds = EVENTS_UNKNOWN,
		.history_id = EVENTS_UNKNOWN,
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
	};
}

/* Encoding */

static void put_text(struct buf *out, const char *text)
{
	size_t len = strnlen(text, EVENTS_TEXT_MAX);
	char *cut;

	if (!text[len]) {
		json_add_text(out, text);
		return;
	}
	/* Do not cut within a UTF-8 character. */
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

static void put_json_field(struct buf *out, const struct events_field *f,
			   const void *member)
{
	const char *text;
	int64_t number;

	switch (f->type) {
	case EVENTS_TYPE_TEXT:
		text = *(const char *const *)member;
		if (!text)
			return;
		put_name(out, f);
		put_text(out, text);
		break;
	case EVENTS_TYPE_WORD:
		put_name(out, f);
		put_text(out, f->words[*(const unsigned *)member]);
		break;
	case EVENTS_TYPE_NUMBER:
	case EVENTS_TYPE_MILLI:
		number = *(const int64_t *)member;
		if (f->optional && number == EVENTS_UNKNOWN)
			return;
		put_name(out, f);
		if (f->type == EVENTS_TYPE_MILLI)
			put_milli(out, number);
		else
			buf_printf(out, "%lld", (long long)number);
		break;
	case EVENTS_TYPE_FLAG:
	case EVENTS_TYPE_BOOL:
		if (f->type == EVENTS_TYPE_FLAG && !*(const bool *)member)
			return;
		put_name(out, f);
		buf_add_str(out, *(const bool *)member ? "true" : "false");
		break;
	}
}

/*
 * Return true if the field is encoded.  The result fields of a job are encoded
 * only if the job is finished.
 */
static bool is_field_encoded(const struct events_event *ev,
			     const struct events_field *f)
{
	return ev->kind != EVENTS_KIND_JOB || ev->state == EVENTS_JOB_DONE ||
	       (f->offset != offsetof(struct events_event, remote) &&
		f->offset != offsetof(struct events_event, n_retries) &&
		f->offset != offsetof(struct events_event, cpu_ms));
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
		if (is_field_encoded(ev, f))
			put_json_field(out, f, (const char *)ev + f->offset);
	}
	buf_add(out, "}\n", 2);
}

/* Decoding */

/* A double represents all smaller integers exactly. */
#define EXACT_MAX 9007199254740992.0

static bool decode_milli(int64_t *to, const json_t *value)
{
	double n = json_number_value(value) * 1000;

	if (!json_is_number(value) || !(n > -EXACT_MAX && n < EXACT_MAX))
		return false;
	*to = (int64_t)(n + (n < 0 ? -0.5 : 0.5));
	return true;
}

static bool decode_word(unsigned *to, const json_t *value,
			const char *const *words)
{
	const char *text = json_string_value(value);

	for (unsigned i = 0; text && words[i]; i++) {
		if (!strcmp(text, words[i])) {
			*to = i;
			return true;
		}
	}
	return false;
}

static bool decode_event_field(const struct events_field *f, void *member,
			       const json_t *value)
{
	switch (f->type) {
	case EVENTS_TYPE_TEXT:
		*(const char **)member = json_string_value(value);
		return json_is_string(value);
	case EVENTS_TYPE_WORD:
		return decode_word(member, value, f->words);
	case EVENTS_TYPE_NUMBER:
		*(int64_t *)member = json_integer_value(value);
		return json_is_integer(value) && json_integer_value(value) >= 0;
	case EVENTS_TYPE_MILLI:
		return decode_milli(member, value);
	default:
		*(bool *)member = json_is_true(value);
		return json_is_boolean(value);
	}
}

static int decode_event(struct events_event *ev, const json_t *o,
			struct err *err)
{
	const char *name = json_string_value(json_object_get(o, "event"));
	const struct events_field *f;
	enum events_kind kind = 0;
	int64_t at_ms;
	size_t n;

	if (!name || !decode_milli(&at_ms, json_object_get(o, "t")) ||
	    at_ms < 0)
		return err_set(
			err, EPROTO,
			"not an event: missing or invalid \"t\" or \"event\"");
	while (kind < EVENTS_N_KINDS && strcmp(name, events_kind_name(kind)))
		kind++;
	if (kind == EVENTS_N_KINDS)
		return -ENOMSG;
	*ev = events_event_make(kind);
	ev->at_ms = (uint64_t)at_ms;
	f = events_fields(kind, &n);
	for (; n--; f++) {
		const json_t *value = json_object_get(o, f->name);

		if (value &&
		    !decode_event_field(f, (char *)ev + f->offset, value))
			return err_set(err, EPROTO, "%s.%s: invalid value",
				       events_kind_name(kind), f->name);
	}
	return 0;
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
