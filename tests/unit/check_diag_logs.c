/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: diag */
/*
 * Logs of real builds, compared with tests/data/logs/count, an independent
 * count.  tests/data/logs has excerpts; KFARM_LOGS names further logs,
 * separated by blanks (`make diag-logs LOGS=...`).  Run from the top directory.
 */
#include "../lib/test.h"

#include "base/clock.h"
#include "diag/log.h"

#include <glob.h>

#define LOGS "tests/data/logs"

static void add_lines(struct strv *out, const struct diag_set *found)
{
	for (size_t i = 0; i < found->n_entries; i++) {
		const struct diag *d = &found->entries[i]->diag;
		bool named = d->file && d->tool != DIAG_TOOL_MODPOST;

		/* The independent count excludes make's messages. */
		if (d->tool == DIAG_TOOL_MAKE)
			continue;
		strv_addf(out, "%s\t%s\t%u\t%u\t%s",
			  diag_severity_name(d->severity),
			  named ? str_base(d->file) : "-", d->line, d->column,
			  d->text);
	}
	strv_sort_unique(out);
}

static void add_counted(struct strv *out, const char *path)
{
	char *command = xasprintf("python3 " LOGS "/count '%s' 2>/dev/null",
				  path);
	FILE *f = popen(command, "r");
	char *line = NULL;
	size_t cap = 0;

	while (getline(&line, &cap, f) > 0) {
		line[strcspn(line, "\n")] = '\0';
		strv_add(out, line);
	}
	ck_assert_int_eq(pclose(f), 0);
	strv_sort_unique(out);
	free(line);
	free(command);
}

static unsigned count_without(const struct strv *a, const struct strv *b,
			      const char *what, const char *path)
{
	unsigned n = 0;

	for (size_t i = 0; i < a->n; i++) {
		if (strv_has(b, a->v[i]))
			continue;
		n++;
		fprintf(stderr, "%s: %s: %s\n", path, what, a->v[i]);
	}
	return n;
}

static void check_log(const char *path)
{
	struct diag_log_sink none = { 0 };
	struct strv ours = { 0 }, theirs = { 0 };
	struct buf text = { 0 };
	struct diag_log log;
	unsigned missed, false_ones;
	struct err err;
	uint64_t us;

	must(fs_read(path, SIZE_MAX / 2, &text, &err));
	diag_log_init(&log, &none);
	us = clock_us();
	diag_log_feed(&log, buf_bytes(&text));
	diag_log_end(&log);
	us = clock_us() - us;
	add_lines(&ours, &log.found);
	add_counted(&theirs, path);
	missed = count_without(&theirs, &ours, "missed", path);
	false_ones = count_without(&ours, &theirs, "falsely found", path);
	printf("%s: %u warnings, %u errors; %zu to compare, %u missed, %u "
	       "falsely found; %.0f MB/s\n",
	       path, log.n_warnings, log.n_errors, ours.n, missed, false_ones,
	       us ? (double)text.len / (double)us : 0);
	ck_assert_uint_gt(ours.n, 0);
	ck_assert_uint_eq(missed + false_ones, 0);
	for (size_t i = 0; i < log.found.n_entries; i++)
		ck_assert_ptr_nonnull(log.found.entries[i]->diag.text);
	diag_log_release(&log);
	strv_release(&ours);
	strv_release(&theirs);
	buf_release(&text);
}

TIMEOUT(300);

TEST(diagnostics_of_real_logs_match_an_independent_count)
{
	const char *given = getenv("KFARM_LOGS");
	struct strv list = { 0 };
	glob_t found = { 0 };

	if (given) {
		strv_split(&list, given, " ");
	} else {
		ck_assert_int_eq(glob(LOGS "/*.log", 0, NULL, &found), 0);
		strv_add_all(&list, found.gl_pathv);
		globfree(&found);
	}
	ck_assert_uint_ge(list.n, given ? 1 : 5);
	for (size_t i = 0; i < list.n; i++)
		check_log(list.v[i]);
	strv_release(&list);
}
