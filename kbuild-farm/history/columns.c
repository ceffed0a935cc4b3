/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tables of the members of the history's structs.  An entry gives the name of a
 * member's column in the database (history/db.c) and the name of its key in the
 * report's JSON.
 */
#include "base/fs.h"
#include "history/read.h"
#include "history/sql.h"

#include <inttypes.h>
#include <string.h>

#define COUNT(key, type, member) \
	RECORD_NUMBER(key, type, member, 0, SQL_COUNT_MAX)
/* A number that is -1 in the struct if the column is NULL. */
#define KNOWN(key, type, member) COUNT(key, type, member), .absent = -1
#define POSITIVE(key, type, member) \
	RECORD_NUMBER(key, type, member, 1, SQL_COUNT_MAX)
/* A time in ms, which the report prints in seconds. */
#define MS(key, column, type, member) \
	COUNT(key, type, member), .divisor = 1000, .sql = (column)
#define KNOWN_MS(key, column, type, member) \
	MS(key, column, type, member), .absent = -1
#define NAME(key, type, member) \
	RECORD_STRING(key, type, member), .required = true
#define NO_COLUMN .sql = ""

static const char *const state_words[] = {
	[HISTORY_STATE_RUNNING] = "running",
	[HISTORY_STATE_GOOD] = "good",
	[HISTORY_STATE_FAILED] = "failed",
	[HISTORY_STATE_INTERRUPTED] = "stopped",
	[HISTORY_STATE_KILLED] = "killed",
};

const char *history_state_word(enum history_state state)
{
	return state_words[state];
}

int history_state_parse(const char *word)
{
	for (int i = 0; i < HISTORY_N_STATES; i++) {
		if (!strcmp(word, state_words[i]))
			return i;
	}
	return -1;
}

bool history_has_log(const struct history_build *b)
{
	return b->tree != NULL;
}

enum history_output history_output_state(const struct history_build *b)
{
	if (!b->output)
		return HISTORY_OUTPUT_NONE;
	if (b->output_successor)
		return HISTORY_OUTPUT_REPLACED;
	return fs_is_dir(b->output) ? HISTORY_OUTPUT_PRESENT :
				      HISTORY_OUTPUT_REMOVED;
}

const char *history_output_word(enum history_output state)
{
	static const char *const words[] = {
		[HISTORY_OUTPUT_PRESENT] = "present",
		[HISTORY_OUTPUT_REMOVED] = "removed",
		[HISTORY_OUTPUT_REPLACED] = "replaced",
	};

	return words[state];
}

void history_output_add_note(struct buf *out, const struct history_build *b)
{
	enum history_output state = history_output_state(b);

	if (state == HISTORY_OUTPUT_REMOVED)
		buf_add_str(out, " (removed)");
	else if (state == HISTORY_OUTPUT_REPLACED)
		buf_printf(out, " (replaced by build %" PRId64 ")",
			   b->output_successor);
}

static json_t *output_state(const void *b)
{
	return json_text(history_output_word(history_output_state(b)));
}

static const struct record_member build[] = {
	{ COUNT("build", history_build, number), NO_COLUMN },
	{ RECORD_WORD("state", history_build, state, state_words), NO_COLUMN },
	{ RECORD_STRING("what", history_build, command) },
	{ RECORD_STRING("arch", history_build, arch) },
	{ RECORD_STRING("config", history_build, config) },
	{ RECORD_STRING("toolchain", history_build, toolchain) },
	{ RECORD_STRING("toolchain_id", history_build, toolchain_id) },
	{ RECORD_STRING("key", history_build, series_key), NO_COLUMN },
	{ RECORD_STRING("tree", history_build, tree) },
	{ RECORD_STRING("source", history_build, source) },
	{ RECORD_STRING("dir", history_build, dir) },
	{ RECORD_STRING("output", history_build, output) },
	{ RECORD_COMPUTED("output_state", output_state) },
	{ RECORD_STRING("commit", history_build, commit), .sql = "commit_id" },
	{ RECORD_BOOL("dirty", history_build, dirty) },
	{ RECORD_STRING("release", history_build, release) },
	{ RECORD_BOOL("fresh", history_build, from_scratch) },
	{ COUNT("began", history_build, start_s), .sql = "began_s" },
	{ COUNT("make_jobs", history_build, n_make_jobs) },
	{ COUNT("local_slots", history_build, n_local_slots) },
};
const struct record history_build_record = RECORD(history_build, build);

static const struct record_member result[] = {
	{ COUNT("status", history_build, status) },
	{ RECORD_STRING("cause", history_build, cause) },
	{ MS("wall", "wall_ms", history_build, wall_ms) },
	{ MS("host_cpu", "host_ms", history_build, host_ms) },
	{ MS("scan_cpu", "scan_ms", history_build, scan_ms) },
	{ MS("compile_cpu", "cpu_ms", history_build, cpu_ms) },
	{ COUNT("remote", history_build, n_remote) },
	{ COUNT("local", history_build, n_local) },
	{ COUNT("cached", history_build, n_cached) },
	{ COUNT("cached_remote", history_build, n_cached_remote) },
	{ COUNT("steps", history_build, n_steps) },
	{ COUNT("steps_here", history_build, n_local_steps) },
	{ COUNT("retried", history_build, n_retried) },
	{ COUNT("duplicated", history_build, n_hedged) },
	{ COUNT("warnings", history_build, n_warnings) },
	{ COUNT("errors", history_build, n_errors) },
	{ KNOWN("new_warnings", history_build, n_new_warnings) },
	{ KNOWN("new_errors", history_build, n_new_errors) },
	{ KNOWN("gone", history_build, n_removed_diags) },
};
const struct record history_result_record = RECORD(history_build, result);

static const struct record_member node[] = {
	{ NAME("name", history_node, name) },
	{ RECORD_STRING("machine", history_node, machine) },
	{ RECORD_STRING("state", history_node, state) },
	{ RECORD_STRING("reason", history_node, reason) },
	{ KNOWN("slots", history_node, n_slots) },
	{ COUNT("jobs", history_node, n_jobs) },
	{ COUNT("failed", history_node, n_failed) },
	{ COUNT("retries", history_node, n_retries) },
	{ MS("cpu", "cpu_ms", history_node, cpu_ms) },
	{ COUNT("sent", history_node, sent_bytes) },
	{ COUNT("received", history_node, received_bytes) },
	{ POSITIVE("slowest_clock", history_node, min_speed_milli),
	  .divisor = 1000, .sql = "clock_milli" },
	{ POSITIVE("hottest_celsius", history_node, max_celsius_milli),
	  .divisor = 1000, .sql = "celsius_milli" },
};
const struct record history_node_record = RECORD(history_node, node);

static const struct record_member reason[] = {
	{ NAME("text", history_reason, text) },
	{ COUNT("jobs", history_reason, n_jobs) },
};
static const struct record reason_record = RECORD(history_reason, reason);

static const struct record_member step_reason[] = {
	{ NAME("text", history_reason, text) },
	{ COUNT("steps", history_reason, n_jobs) },
};
static const struct record step_reason_record = RECORD(history_reason,
						       step_reason);

static const struct record_member disabled[] = {
	{ NAME("tool", history_disabled, tool) },
	{ RECORD_STRING("node", history_disabled, node) },
	{ COUNT("failures", history_disabled, n_failures) },
	{ RECORD_STRING("text", history_disabled, text) },
};
const struct record history_disabled_record = RECORD(history_disabled,
						     disabled);

static const struct record_member phase[] = {
	{ NAME("name", history_phase, name) },
	{ MS("at", "at_ms", history_phase, start_ms) },
	{ MS("seconds", "ms", history_phase, duration_ms) },
};
const struct record history_phase_record = RECORD(history_phase, phase);

static const struct record_member unit[] = {
	{ COUNT("job", history_unit, job_number) },
	{ NAME("object", history_unit, object) },
	{ NAME("file", history_unit, file) },
	{ KNOWN("node", history_unit, node_index) },
	{ RECORD_BOOL("remote", history_unit, remote) },
	{ RECORD_BOOL("cached", history_unit, cached) },
	{ RECORD_BOOL("cached_remote", history_unit, cached_remote) },
	{ RECORD_STRING("miss", history_unit, miss) },
	{ KNOWN("reason", history_unit, reason_index) },
	{ KNOWN_MS("queued", "queued_ms", history_unit, queued_ms) },
	{ KNOWN_MS("sent", "sent_ms", history_unit, sent_ms) },
	{ KNOWN_MS("run", "run_ms", history_unit, run_ms) },
	{ KNOWN_MS("received", "received_ms", history_unit, received_ms) },
	{ KNOWN_MS("done", "done_ms", history_unit, done_ms) },
	{ KNOWN_MS("cpu", "cpu_ms", history_unit, cpu_ms) },
	{ COUNT("retries", history_unit, n_retries) },
};
const struct record history_unit_record = RECORD(history_unit, unit);

static const char *const diag_status_words[] = {
	[HISTORY_DIAG_NEW] = "new",
	[HISTORY_DIAG_UNCHANGED] = "same",
	[HISTORY_DIAG_CARRIED_OVER] = "carried",
	[HISTORY_DIAG_REMOVED] = "gone",
	[HISTORY_DIAG_NO_BASELINE] = "first",
};

const char *history_diag_status_word(enum history_diag_status how)
{
	return diag_status_words[how];
}

enum history_diag_status history_diag_status_parse(const char *word)
{
	enum history_diag_status how = 0;

	while (how < HISTORY_DIAG_NO_BASELINE &&
	       !str_equal(word, diag_status_words[how]))
		how++;
	return how;
}

static const struct record_member diag[] = {
	{ RECORD_WORD("is", history_diag, status, diag_status_words),
	  .sql = "how", .absent = HISTORY_DIAG_NO_BASELINE },
	{ RECORD_STRING("severity", history_diag, severity) },
	{ RECORD_STRING("tool", history_diag, tool) },
	{ RECORD_STRING("file", history_diag, file) },
	{ POSITIVE("line", history_diag, line) },
	{ POSITIVE("column", history_diag, column), .sql = "col" },
	{ RECORD_STRING("flag", history_diag, flag) },
	{ NAME("text", history_diag, text) },
	{ RECORD_STRING("object", history_diag, object) },
};
const struct record history_diag_record = RECORD(history_diag, diag);

static const struct record_member size[] = {
	{ NAME("name", history_size, name) },
	{ COUNT("text", history_size, text_bytes) },
	{ COUNT("data", history_size, data_bytes) },
	{ COUNT("bss", history_size, bss_bytes) },
	{ COUNT("file", history_size, file_bytes) },
};
static const struct record size_record = RECORD(history_size, size);

#define LIST(table, member, record)                                        \
	RECORD_LIST(table, history_details, member, n_##member, INT64_MAX, \
		    record)

const struct record_member history_lists[HISTORY_N_LISTS] = {
	[HISTORY_LIST_NODES] = { LIST("node_of_build", nodes,
				      &history_node_record) },
	[HISTORY_LIST_REASONS] = { LIST("reason_of_build", reasons,
					&reason_record) },
	[HISTORY_LIST_STEP_REASONS] = { LIST("step_of_build", step_reasons,
					     &step_reason_record) },
	[HISTORY_LIST_DISABLED] = { LIST("disabled_of_build", disabled,
					 &history_disabled_record) },
	[HISTORY_LIST_PHASES] = { LIST("phase_of_build", phases,
				       &history_phase_record) },
	[HISTORY_LIST_SIZES] = { LIST("size_of_build", sizes, &size_record) },
	[HISTORY_LIST_UNITS] = { LIST("unit", units, &history_unit_record) },
	[HISTORY_LIST_DIAGS] = { LIST("diag_of_build", diags,
				      &history_diag_record) },
};
