/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nightly/history.h"

#include "base/buf.h"
#include "base/digest.h"
#include "base/fs.h"
#include "base/printable.h"
#include "history/nightly-runs.h"
#include "report/html.h"

#include <stdlib.h>
#include <string.h>

#define WAIT_MS 500

static struct history *open_history(enum history_mode use)
{
	char *path = history_db_path();
	struct history *h = NULL;
	struct err ignored;

	if (history_db_open_at(&h, path, use, WAIT_MS, &ignored))
		h = NULL;
	free(path);
	return h;
}

/* ---- diagnostics ---- */

static unsigned to_count(int64_t n)
{
	return n < 0 ? 0 : n > UINT32_MAX ? UINT32_MAX : (unsigned)n;
}

/*
 * Append a diagnostic to r->messages in the format of compilers, but without
 * the column.
 */
static void add_new_diag(struct nightly_result *r, const struct history_diag *d)
{
	struct buf line = { 0 }, shown = { 0 };

	if (d->file)
		buf_printf(&line, "%s:", d->file);
	if (d->file && d->line)
		buf_printf(&line, "%lld:", (long long)d->line);
	buf_printf(&line, "%s%s: %s", d->file ? " " : "",
		   d->severity ? d->severity : "error", d->text ? d->text : "");
	if (d->flag)
		buf_printf(&line, " [%s]", d->flag);
	printable_add_escaped(&shown, buf_bytes(&line), 0);
	strv_add(&r->messages, buf_str(&shown));
	buf_release(&shown);
	buf_release(&line);
}

/*
 * Append the new errors to r->messages if `errors` is true, else the new
 * warnings.
 */
static void add_new_lines(struct nightly_result *r,
			  const struct history_details *d, bool errors)
{
	for (size_t i = 0; i < d->n_diags; i++) {
		const struct history_diag *diag = &d->diags[i];
		bool error = !str_equal(diag->severity, "warning");

		if (diag->status == HISTORY_DIAG_NEW && error == errors &&
		    r->messages.n < NIGHTLY_MESSAGES_MAX)
			add_new_diag(r, diag);
	}
}

void nightly_history_read(struct nightly_result *r, const char *dir)
{
	struct history *h = open_history(HISTORY_MODE_READ);
	struct history_build b = { 0 };
	struct history_details d = { 0 };
	struct err ignored;

	/* Ignore a build that an earlier run made in this directory. */
	if (h && !history_build_find_output(h, dir, &b, &ignored) &&
	    b.start_s >= r->began_s) {
		r->history_id = b.number;
		r->n_new_errors = to_count(b.n_new_errors);
		r->n_new_warnings = to_count(b.n_new_warnings);
		if (r->end != NIGHTLY_END_BROKEN &&
		    !history_read_diags(h, r->history_id, &d, &ignored)) {
			add_new_lines(r, &d, true);
			add_new_lines(r, &d, false);
		}
	}
	history_details_release(&d);
	history_build_release(&b);
	history_db_close(h);
}

/* ---- run ---- */

/*
 * Return the name of the result's series.  The name covers everything that
 * nightly_build_matrix_decide() depends on.
 */
static char *series_name(const struct nightly_result *r)
{
	char *text = xasprintf("%s %s %s %s %s", r->build, r->commit,
			       r->config_id, r->toolchain_id, r->options_id);
	char hex[DIGEST_HEX];
	struct digest d;

	digest_bytes(bytes_str(text), &d);
	digest_format(&d, hex);
	free(text);
	return xstrdup(hex);
}

static char *copy(const char *text)
{
	return text ? xstrdup(text) : NULL;
}

/*
 * Record the final path of the build.  report.html also contains the path, so
 * write this file again.
 */
static void move_build(struct history *h, const struct nightly_result *r)
{
	char *page = xasprintf("%s/report.html", r->dir);
	struct err ignored;

	if (!history_nightly_runs_set_output(h, r->history_id, r->dir,
					     &ignored) &&
	    fs_exists(page))
		report_html_write(h, r->history_id, page, &ignored);
	free(page);
}

void nightly_history_add_run(const struct nightly_result *r)
{
	struct history *h = open_history(HISTORY_MODE_WRITE);
	struct history_nightly_run n;
	struct err ignored;

	if (!h)
		return;
	if (r->history_id && r->dir)
		move_build(h, r);
	n = (struct history_nightly_run){
		.name = copy(r->name),
		.start_s = r->began_s,
		.decision = copy(nightly_decision_word(r->decision)),
		.series_key = series_name(r),
		.build_number = r->history_id,
		.status = r->status,
		.commit = copy(r->commit),
		.describe = copy(r->describe),
		.arch = copy(r->arch),
		.config = copy(r->config),
		.toolchain = copy(r->toolchain),
		.dir = copy(r->dir),
		.n_errors = r->n_errors,
		.n_new_errors = r->n_new_errors,
		.n_warnings = r->n_warnings,
		.n_new_warnings = r->n_new_warnings,
	};
	history_nightly_runs_add(h, &n, &ignored);
	history_nightly_runs_release(&n);
	history_db_close(h);
}

void nightly_history_forget_results(const struct nightly_result *r)
{
	struct history *h = r->history_id ? open_history(HISTORY_MODE_WRITE) :
					    NULL;
	struct err ignored;

	if (h)
		history_nightly_runs_set_output(h, r->history_id, NULL,
						&ignored);
	history_db_close(h);
}
