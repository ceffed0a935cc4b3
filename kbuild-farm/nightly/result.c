/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nightly/result.h"

#include "base/record.h"

#include <stdlib.h>

#define MESSAGES_MAX 65535

static const char *const decisions[] = {
	[NIGHTLY_DECISION_UNCHANGED] = "unchanged",
	[NIGHTLY_DECISION_FIRST] = "first",
	[NIGHTLY_DECISION_COMMIT] = "commit",
	[NIGHTLY_DECISION_CONFIG] = "configuration",
	[NIGHTLY_DECISION_TOOLCHAIN] = "toolchain",
	[NIGHTLY_DECISION_OPTIONS] = "options",
	[NIGHTLY_DECISION_RETRY] = "retry",
	[NIGHTLY_DECISION_FORCED] = "forced",
};

static const char *const ends[] = {
	[NIGHTLY_END_GOOD] = "good",
	[NIGHTLY_END_FAILED] = "failed",
	[NIGHTLY_END_BROKEN] = "broken",
};

const char *nightly_end_word(enum nightly_end e)
{
	return ends[e];
}

static const struct json_file file_format = {
	.file = { .max_bytes = 1u << 20, .mode = 0666, .durable = true },
	.dump_flags = JSON_INDENT(2),
	.ends_line = true,
};

#define STRING(key, member) RECORD_STRING(key, nightly_result, member)
#define NUMBER(key, member, min, max) \
	RECORD_NUMBER(key, nightly_result, member, min, max), .required = true
#define STRINGS(key, member) \
	RECORD_STRINGS(key, nightly_result, member, MESSAGES_MAX)

static const struct record_member members[] = {
	{ STRING("name", name), .required = true },
	{ STRING("arch", arch), .required = true },
	{ STRING("config", config), .required = true },
	{ STRING("toolchain", toolchain), .required = true },
	{ STRING("build", build), .required = true },
	{ STRING("command", command) },
	{ STRING("commit", commit), .required = true },
	{ STRING("describe", describe) },
	{ STRING("subject", subject) },
	{ STRING("config_id", config_id), .required = true },
	{ STRING("toolchain_id", toolchain_id), .required = true },
	{ STRING("options_id", options_id), .required = true },
	{ STRING("first_bad", bisect.first_bad) },
	{ STRING("first_bad_subject", bisect.subject) },
	{ STRING("bisect_why", bisect.incomplete_reason) },
	{ NUMBER("errors", n_errors, 0, UINT32_MAX) },
	{ NUMBER("new_errors", n_new_errors, 0, UINT32_MAX) },
	{ NUMBER("warnings", n_warnings, 0, UINT32_MAX) },
	{ NUMBER("new_warnings", n_new_warnings, 0, UINT32_MAX) },
	{ NUMBER("bisect_builds", bisect.n_builds, 0, UINT32_MAX) },
	{ NUMBER("number", number, 1, INT64_MAX) },
	{ NUMBER("began", began_s, 0, INT64_MAX) },
	{ NUMBER("wall_ms", wall_ms, 0, INT64_MAX) },
	{ NUMBER("status", status, 0, 255) },
	{ NUMBER("history", history_id, 0, INT64_MAX) },
	{ RECORD_WORD("decision", nightly_result, decision, decisions),
	  .required = true },
	{ RECORD_WORD("end", nightly_result, end, ends), .required = true },
	{ RECORD_BOOL("timed_out", nightly_result, timed_out) },
	{ STRINGS("said", messages) },
	{ STRINGS("bisect_left", bisect.candidates) },
};
static const struct record record = RECORD(nightly_result, members);

int nightly_result_write(const struct nightly_result *r, const char *dir,
			 struct err *err)
{
	char *path = xasprintf("%s/" NIGHTLY_RESULT_FILE, dir);
	int ret = record_write(&record, r, &file_format, path, err);

	free(path);
	return ret;
}

int nightly_result_read(struct nightly_result *r, const char *dir,
			struct err *err)
{
	char *path = xasprintf("%s/" NIGHTLY_RESULT_FILE, dir);
	int ret = record_read(&record, r, &file_format, path, err);

	if (!ret)
		r->dir = xstrdup(dir);
	free(path);
	return ret;
}

void nightly_result_release(struct nightly_result *r)
{
	free(r->dir);
	record_release(&record, r);
}
