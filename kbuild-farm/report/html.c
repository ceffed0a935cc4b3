/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/html.h"

#include "base/format.h"
#include "base/fs.h"
#include "base/str.h"
#include "base/version.h"
#include "report/page.h"

#include <errno.h>
#include <inttypes.h>

#define MINUTE_MS 60000
#define PAGE_START                                                            \
	"<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n"                       \
	"<meta charset=\"utf-8\" />\n"                                        \
	"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src " \
	"'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action "    \
	"'none'\" />\n"                                                       \
	"<meta name=\"viewport\" content=\"width=device-width, "              \
	"initial-scale=1\" />\n"                                              \
	"<meta name=\"referrer\" content=\"no-referrer\" />\n"

/* --------------------------------------------------------------- header */

static const char *mark_class(const struct history_build *b)
{
	switch (b->state) {
	case HISTORY_GOOD:
		return b->new_warnings > 0 ? "warn" : "good";
	case HISTORY_FAILED:
		return "bad";
	default:
		return "warn";
	}
}

static void head_title(const struct report_page *p)
{
	const struct history_build *b = &p->d->build;

	buf_printf(p->out, "<header>\n<h1><span class=\"mark %s\">%s</span>",
		   mark_class(b), report_data_verdict(p->d));
	report_page_text(p, b->what);
	buf_add_str(p->out, "</h1>\n<p class=\"soft\">");
	buf_printf(p->out, "Build %" PRId64, b->number);
	if (b->arch) {
		buf_add_str(p->out, " &#183; ");
		report_page_text(p, b->arch);
	}
	if (b->config) {
		buf_add_str(p->out, " &#183; ");
		report_page_text(p, b->config);
	}
	if (b->toolchain) {
		buf_add_str(p->out, " &#183; ");
		report_page_text(p, b->toolchain);
	}
	if (b->release) {
		buf_add_str(p->out, " &#183; Linux ");
		report_page_text(p, b->release);
	}
	buf_add_str(p->out, " &#183; ");
	report_data_put_time(p->out, b->began_s);
	buf_add_str(p->out, "</p>\n</header>\n");
}

/* "<b>3:12</b><span>wall</span>", begun with the value open. */
static void begin_tile(const struct report_page *p, const char *class)
{
	buf_printf(p->out, "<div class=\"tile\"><b%s%s%s>",
		   *class ? " class=\"" : "", class, *class ? "\"" : "");
}

static void head_against(const struct report_page *p, int64_t now, int64_t was)
{
	if (!p->d->has_before || was <= 0 || now <= 0)
		return;
	buf_printf(p->out, "%+.0f %% against build %" PRId64,
		   100.0 * (double)(now - was) / (double)was,
		   p->d->before.number);
}

static void head_time_tiles(const struct report_page *p)
{
	const struct history_build *b = &p->d->build, *was = &p->d->before;

	begin_tile(p, "");
	if (b->wall_ms < MINUTE_MS)
		report_data_put_span(p->out, (uint64_t)b->wall_ms);
	else
		format_duration(p->out, (uint64_t)b->wall_ms);
	buf_add_str(p->out, "</b><span>wall</span><span>");
	head_against(p, b->wall_ms, was->wall_ms);
	buf_add_str(p->out, "</span></div>\n");
	begin_tile(p, "");
	format_span(p->out, (uint64_t)b->host_ms);
	buf_add_str(p->out, "</b><span>build host CPU</span><span>");
	head_against(p, b->host_ms, was->host_ms);
	buf_add_str(p->out, "</span></div>\n");
	begin_tile(p, "");
	format_span(p->out, (uint64_t)b->cpu_ms);
	buf_add_str(p->out, "</b><span>all compiles</span><span>");
	if (b->wall_ms > 0 && b->cpu_ms > 0)
		buf_printf(p->out, "%.1f at a time, in the mean",
			   (double)b->cpu_ms / (double)b->wall_ms);
	buf_add_str(p->out, "</span></div>\n");
}

static void head_job_tiles(const struct report_page *p)
{
	const struct history_build *b = &p->d->build;
	unsigned permille = report_data_permille(p->d);

	begin_tile(p, "");
	buf_printf(p->out, "%" PRId64 "</b><span>jobs</span><span>",
		   b->remote + b->local);
	if (b->retried || b->beside)
		buf_printf(p->out,
			   "%" PRId64 " retried, %" PRId64 " duplicated",
			   b->retried, b->beside);
	if (b->steps || b->steps_here)
		buf_printf(p->out,
			   "%s%" PRId64 " steps of kbuild, %" PRId64
			   " on nodes",
			   b->retried || b->beside ? ", " : "",
			   b->steps + b->steps_here, b->steps);
	buf_add_str(p->out, "</span></div>\n");
	begin_tile(p, "");
	if (b->remote + b->local)
		buf_printf(p->out, "%u.%u %%", permille / 10, permille % 10);
	else
		buf_add_str(p->out, "-");
	buf_printf(p->out,
		   "</b><span>on nodes</span><span>%" PRId64
		   " on the build host</span></div>\n",
		   b->local);
}

static void head_diag_tiles(const struct report_page *p)
{
	const struct history_build *b = &p->d->build;

	begin_tile(p, b->new_warnings > 0 ? "warn" : "");
	buf_printf(p->out, "%" PRId64 "</b><span>warnings</span><span>",
		   b->warnings);
	if (b->new_warnings >= 0)
		buf_printf(p->out, "%" PRId64 " new", b->new_warnings);
	if (b->gone > 0)
		buf_printf(p->out, ", %" PRId64 " gone", b->gone);
	buf_add_str(p->out, "</span></div>\n");
	begin_tile(p, b->errors ? "bad" : "");
	buf_printf(p->out, "%" PRId64 "</b><span>errors</span><span>",
		   b->errors);
	if (b->errors && b->new_errors >= 0)
		buf_printf(p->out, "%" PRId64 " new", b->new_errors);
	buf_add_str(p->out, "</span></div>\n");
}

static void head_fact(const struct report_page *p, const char *name,
		      const char *text)
{
	if (!text || !*text)
		return;
	buf_printf(p->out, "<dt>%s</dt><dd>", name);
	report_page_text(p, text);
	buf_add_str(p->out, "</dd>\n");
}

static void head_facts(const struct report_page *p)
{
	const struct history_build *b = &p->d->build;

	buf_add_str(p->out, "<section>\n<dl>\n");
	head_fact(p, "tree", b->tree);
	if (!str_equal(b->tree, b->source))
		head_fact(p, "source", b->source);
	if (b->commit && *b->commit) {
		buf_add_str(p->out, "<dt>commit</dt><dd><code>");
		report_page_text(p, b->commit);
		buf_printf(p->out, "</code>%s</dd>\n",
			   b->dirty ? ", with changes" : "");
	}
	head_fact(p, "built in", b->dir);
	head_fact(p, "output", b->output);
	buf_printf(p->out,
		   "<dt>make</dt><dd>-j %" PRId64 ", %" PRId64
		   " slots on the build host%s</dd>\n",
		   b->make_jobs, b->local_slots,
		   b->fresh ? ", from scratch" : "");
	if (p->d->has_before) {
		buf_printf(p->out,
			   "<dt>compared with</dt><dd>build %" PRId64 " of ",
			   p->d->before.number);
		report_data_put_time(p->out, p->d->before.began_s);
		buf_add_str(p->out, "</dd>\n");
	}
	buf_add_str(p->out, "</dl>\n</section>\n");
}

static void head_all(const struct report_page *p)
{
	head_title(p);
	if (report_data_ended(&p->d->build)) {
		buf_add_str(p->out, "<div class=\"tiles\">\n");
		head_time_tiles(p);
		head_job_tiles(p);
		head_diag_tiles(p);
		buf_add_str(p->out, "</div>\n");
	} else {
		buf_printf(p->out, "<section><p>%s</p></section>\n",
			   report_data_unended(p->d));
	}
	head_facts(p);
}

/* ------------------------------------------------------------- the page */

void report_html(struct buf *out, const struct report_data *d)
{
	struct report_page p = { .out = out, .d = d };

	report_lanes_init(&p.lanes, d);
	buf_add_str(out, PAGE_START "<title>");
	buf_printf(out, "Build %" PRId64 ": %s ", d->build.number,
		   report_data_verdict(d));
	report_page_text(&p, d->build.what);
	buf_add_str(out, "</title>\n<style>\n");
	buf_add_str(out, report_page_style);
	buf_add_str(out, "</style>\n</head>\n<body>\n<main>\n");
	head_all(&p);
	report_page_diags(&p);
	report_page_timeline(&p);
	report_page_nodes(&p);
	report_page_reasons(&p);
	report_page_slowest(&p);
	report_page_sizes(&p);
	buf_add_str(out, "<footer>kfarm " KFARM_VERSION "</footer>\n</main>\n"
			 "</body>\n</html>\n");
	report_lanes_release(&p.lanes);
}

int report_html_write(struct history *h, int64_t number, const char *path,
		      struct err *err)
{
	struct report_data d;
	struct buf page = { 0 };
	int ret = report_data_read(&d, h, number, NULL, err);

	if (!ret && d.build.state == HISTORY_RUNNING)
		ret = err_set(err, EINPROGRESS,
			      "build %" PRId64 " has not ended", number);
	if (!ret) {
		report_html(&page, &d);
		ret = fs_write(path, buf_bytes(&page), 0666, err);
	}
	buf_release(&page);
	report_data_release(&d);
	return ret;
}
