/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/page.h"

#include "base/str.h"
#include "report/escape.h"

#include <inttypes.h>

void report_page_text(const struct report_page *p, const char *text)
{
	report_escape(p->out, text, REPORT_NAME_BYTES);
}

void report_page_cell(const struct report_page *p, const char *class,
		      const char *text)
{
	if (class)
		buf_printf(p->out, "<td class=\"%s\">", class);
	else
		buf_add_str(p->out, "<td>");
	report_page_text(p, text);
	buf_add_str(p->out, "</td>");
}

void report_page_number(const struct report_page *p,
			void (*format)(struct buf *out, uint64_t n), int64_t n)
{
	buf_add_str(p->out, "<td class=\"n\">");
	if (n >= 0)
		format(p->out, (uint64_t)n);
	else
		buf_add_str(p->out, "-");
	buf_add_str(p->out, "</td>");
}

void report_page_bar(const struct report_page *p, const char *class,
		     int64_t part, int64_t whole)
{
	double share = whole > 0 ? 100.0 * (double)part / (double)whole : 0;

	if (part <= 0) {
		buf_add_str(p->out, "<td class=\"b\"></td>");
		return;
	}
	buf_printf(p->out,
		   "<td class=\"b\"><i%s%s%s style=\"width:%.1f%%\"></i></td>",
		   *class ? " class=\"" : "", class, *class ? "\"" : "", share);
}

void report_page_more(const struct report_page *p, size_t n, size_t shown,
		      const char *of)
{
	if (n > shown)
		buf_printf(p->out,
			   "<p class=\"more\">%zu more %s are left out of this "
			   "page; <code>kfarm report %" PRId64
			   " --json</code> has them.</p>\n",
			   n - shown, of, p->d->build.number);
}

void report_page_section(const struct report_page *p, const char *id,
			 const char *title)
{
	buf_printf(p->out, "<section id=\"%s\">\n<h2>%s</h2>\n", id, title);
}

void report_page_section_end(const struct report_page *p)
{
	buf_add_str(p->out, "</section>\n");
}

void report_page_table(const struct report_page *p, const char *headings)
{
	struct strv list = { 0 };

	strv_split(&list, headings, "|");
	buf_add_str(p->out, "<div class=\"scroll\"><table>\n<thead><tr>");
	for (size_t i = 0; i < list.n; i++) {
		bool right = list.v[i][0] == '>';

		buf_printf(p->out, "<th scope=\"col\"%s>%s</th>",
			   right ? " class=\"n\"" : "", list.v[i] + right);
	}
	buf_add_str(p->out, "</tr></thead>\n<tbody>\n");
	strv_release(&list);
}

void report_page_table_end(const struct report_page *p)
{
	buf_add_str(p->out, "</tbody></table></div>\n");
}
