/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nightly/record.h"

#include "base/buf.h"
#include "base/digest.h"
#include "base/fs.h"
#include "base/printable.h"
#include "history/night.h"
#include "report/html.h"

#include <stdlib.h>
#include <string.h>

#define WAIT_MS 500

static struct history *open_history(enum history_use use)
{
	char *path = history_path();
	struct history *h = NULL;
	struct err ignored;

	if (history_open_at(&h, path, use, WAIT_MS, &ignored))
		h = NULL;
	free(path);
	return h;
}

/* ---- what is new ---- */

static unsigned as_count(int64_t n)
{
	return n < 0 ? 0 : n > UINT32_MAX ? UINT32_MAX : (unsigned)n;
}

/* As a compiler writes it, without a column. */
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
	printable_add(&shown, buf_bytes(&line), 0);
	strv_add(&r->said, buf_str(&shown));
	buf_release(&shown);
	buf_release(&line);
}

/* Errors come first. */
static void add_new_lines(struct nightly_result *r,
			  const struct history_details *d, bool errors)
{
	for (size_t i = 0; i < d->n_diags; i++) {
		const struct history_diag *diag = &d->diag[i];
		bool error = !str_equal(diag->severity, "warning");

		if (diag->how == HISTORY_NEW && error == errors &&
		    r->said.n < NIGHTLY_SAID_MAX)
			add_new_diag(r, diag);
	}
}

static void read_new(struct nightly_result *r, struct history *h)
{
	struct history_details d = { 0 };
	struct err ignored;

	if (!history_read_diags(h, r->history, &d, &ignored)) {
		add_new_lines(r, &d, true);
		add_new_lines(r, &d, false);
	}
	history_details_release(&d);
}

void nightly_record_read(struct nightly_result *r, const char *dir)
{
	struct history *h = open_history(HISTORY_READ);
	struct history_build b = { 0 };
	struct err ignored;

	/* Of an earlier night is what was built there before this one began. */
	if (h && !history_build_of_output(h, dir, &b, &ignored) &&
	    b.began_s >= r->began_s) {
		r->history = b.number;
		r->new_errors = as_count(b.new_errors);
		r->new_warnings = as_count(b.new_warnings);
		if (r->end != NIGHTLY_BROKEN)
			read_new(r, h);
	}
	history_build_release(&b);
	history_close(h);
}

/* ---- the night ---- */

/* Of all that it was decided by. */
static char *night_key(const struct nightly_result *r)
{
	char *text = xasprintf("%s %s %s %s %s", r->build, r->commit,
			       r->config_id, r->toolchain_id, r->options_id);
	char hex[DIGEST_HEX];
	struct digest d;

	digest_of(bytes_str(text), &d);
	digest_hex(&d, hex);
	free(text);
	return xstrdup(hex);
}

static char *copy(const char *text)
{
	return text ? xstrdup(text) : NULL;
}

static void add_night(struct history *h, const struct nightly_result *r)
{
	struct history_night n = {
		.name = copy(r->name),
		.began_s = r->began_s,
		.decision = copy(nightly_decision_word(r->decision)),
		.key = night_key(r),
		.build = r->history,
		.status = r->status,
		.commit = copy(r->commit),
		.describe = copy(r->describe),
		.arch = copy(r->arch),
		.config = copy(r->config),
		.toolchain = copy(r->toolchain),
		.dir = copy(r->dir),
		.errors = r->errors,
		.new_errors = r->new_errors,
		.warnings = r->warnings,
		.new_warnings = r->new_warnings,
	};
	struct err ignored;

	history_night_add(h, &n, &ignored);
	history_night_release(&n);
}

/* The page names the place, too. */
static void move_build(struct history *h, const struct nightly_result *r)
{
	char *page = xasprintf("%s/report.html", r->dir);
	struct err ignored;

	if (!history_build_move(h, r->history, r->dir, &ignored) &&
	    fs_exists(page))
		report_html_write(h, r->history, page, &ignored);
	free(page);
}

void nightly_record_night(const struct nightly_result *r)
{
	struct history *h = open_history(HISTORY_WRITE);

	if (!h)
		return;
	if (r->history && r->dir)
		move_build(h, r);
	add_night(h, r);
	history_close(h);
}

void nightly_record_gone(const struct nightly_result *r)
{
	struct history *h = r->history ? open_history(HISTORY_WRITE) : NULL;
	struct err ignored;

	if (h)
		history_build_move(h, r->history, NULL, &ignored);
	history_close(h);
}
