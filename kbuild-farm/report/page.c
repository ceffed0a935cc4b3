/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/page.h"

#include "base/printable.h"

#include <inttypes.h>

void report_escape_plain(struct buf *out, const char *text, size_t max)
{
	size_t len;

	if (!text)
		return;
	len = printable_prefix_len(text, max);
	printable_add_escaped(out, bytes_of(text, len), 0);
	if (text[len])
		buf_add_str(out, "...");
}

static const char *html_reference(uint8_t c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	default:
		return NULL;
	}
}

void report_escape_html(struct buf *out, const char *text, size_t max)
{
	struct buf plain = { 0 };

	report_escape_plain(&plain, text, max);
	for (size_t i = 0; i < plain.len; i++) {
		const uint8_t *c = plain.data + i;
		const char *ref = html_reference(*c);

		if (ref) {
			buf_add_str(out, ref);
		} else if (plain.len - i >= 3 && c[0] == 0xef && c[1] == 0xbf &&
			   c[2] >= 0xbe) {
			/* U+FFFE or U+FFFF, which XML excludes */
			buf_printf(out, "\\xef\\xbf\\x%02x", c[2]);
			i += 2;
		} else {
			buf_add(out, c, 1);
		}
	}
	buf_release(&plain);
}

void report_page_add_text(const struct report_page *p, const char *text)
{
	report_escape_html(p->out, text, REPORT_NAME_BYTES_MAX);
}

void report_page_add_omitted(const struct report_page *p, size_t n,
			     size_t shown, const char *noun)
{
	if (n > shown)
		buf_printf(p->out,
			   "<p class=\"more\">%zu more %s are not shown; "
			   "<code>kfarm report %" PRId64
			   " --json</code> lists all of them.</p>\n",
			   n - shown, noun, p->data->build.number);
}

void report_page_begin_section(const struct report_page *p, const char *id,
			       const char *title)
{
	buf_printf(p->out, "<section id=\"%s\">\n<h2>%s</h2>\n", id, title);
}

void report_page_end_section(const struct report_page *p)
{
	buf_add_str(p->out, "</section>\n");
}

/*
 * Colors follow the color scheme of the browser, light or dark.  Successive
 * units in a slot alternate between two shades, so that each unit is visible.
 * Depending on the width of the screen, the seven tiles form one row, two rows
 * (four and three tiles), or four rows (one tile, then two in each row).
 */
const char report_page_style[] =
	":root{color-scheme:light dark;--bg:#f5f6f8;--card:#fff;--ink:#1b2330;"
	"--soft:#5b6779;--line:#e1e5eb;--good:#177245;--bad:#bf2c2c;"
	"--warn:#9a5b00;--accent:#2c62c4;--r1:#3d74d6;--r2:#6c9ae6;"
	"--l1:#d97b1c;--l2:#eda355;--wait:#c3cad4;--back:#4fae9b;"
	"--chip:#eef1f5;--goodbg:#e3f4ea;--badbg:#fbe6e6;--warnbg:#fdf1dc}\n"
	"@media(prefers-color-scheme:dark){:root{--bg:#11151a;--card:#191f27;"
	"--ink:#e3e8ef;--soft:#97a3b4;--line:#2a323d;--good:#5fcf93;"
	"--bad:#ff8585;--warn:#f0b760;--accent:#83adff;--r1:#4a82e4;"
	"--r2:#7aa6f2;--l1:#e08a33;--l2:#f2b375;--wait:#46505e;--back:#58bfa9;"
	"--chip:#242c37;--goodbg:#15362a;--badbg:#43201f;--warnbg:#3b2e16}}\n"
	"*{box-sizing:border-box}\n"
	"body{margin:0;background:var(--bg);color:var(--ink);font:15px/1.5 "
	"system-ui,-apple-system,\"Segoe UI\",\"DejaVu Sans\",sans-serif}\n"
	"main{max-width:1240px;margin:0 auto;padding:24px 20px 48px}\n"
	"header{margin:0 0 18px}\n"
	"h1{font-size:25px;line-height:1.25;margin:0 0 6px;font-weight:650;"
	"overflow-wrap:anywhere}\n"
	"h2{font-size:17px;margin:0 0 12px;font-weight:650}\n"
	"h3{font-size:14px;margin:16px 0 6px;font-weight:600;"
	"color:var(--soft)}\n"
	"p{margin:0 0 8px}\n"
	".soft{color:var(--soft)}\n"
	".mark{display:inline-block;padding:1px 11px;border-radius:99px;"
	"font-size:14px;font-weight:600;vertical-align:3px;margin-right:10px;"
	"background:var(--chip)}\n"
	".mark.good{background:var(--goodbg);color:var(--good)}\n"
	".mark.bad{background:var(--badbg);color:var(--bad)}\n"
	".mark.warn{background:var(--warnbg);color:var(--warn)}\n"
	"section{background:var(--card);border:1px solid var(--line);"
	"border-radius:10px;padding:18px 20px;margin:0 0 16px}\n"
	".tiles{display:grid;grid-template-columns:repeat(7,minmax(0,1fr));"
	"gap:12px;margin:0 0 16px}\n"
	"@media(max-width:1100px){.tiles{grid-template-columns:"
	"repeat(12,minmax(0,1fr))}.tile{grid-column:span 3}"
	".tile:nth-child(n+5){grid-column:span 4}}\n"
	"@media(max-width:560px){.tiles{grid-template-columns:"
	"repeat(2,minmax(0,1fr))}.tile,.tile:nth-child(n+5){grid-column:auto}"
	".tile:first-child{grid-column:span 2}}\n"
	".tile{background:var(--card);border:1px solid var(--line);"
	"border-radius:10px;padding:12px 16px}\n"
	".tile b{display:block;font-size:24px;font-weight:650;"
	"line-height:1.25;font-variant-numeric:tabular-nums}\n"
	".tile span{color:var(--soft);font-size:13px;display:block}\n"
	".tile .bad,td.bad{color:var(--bad)}.tile .warn,td.warn"
	"{color:var(--warn)}td.good{color:var(--good)}\n"
	"dl{display:grid;grid-template-columns:max-content 1fr;"
	"gap:3px 18px;margin:0}\n"
	"dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}\n"
	".scroll{overflow-x:auto}\n"
	"table{border-collapse:collapse;width:100%;font-size:14px;"
	"font-variant-numeric:tabular-nums}\n"
	"th{text-align:left;font-weight:600;color:var(--soft);font-size:12.5px;"
	"white-space:nowrap;padding:4px 14px 5px 0;"
	"border-bottom:1px solid var(--line)}\n"
	"td{padding:4px 14px 4px 0;border-bottom:1px solid var(--line);"
	"vertical-align:top}\n"
	"tr:last-child td{border-bottom:0}\n"
	"th.n,td.n{text-align:right;white-space:nowrap}\n"
	"td.w{overflow-wrap:anywhere;min-width:220px}\n"
	"td.b{width:26%;min-width:110px;padding-top:10px}\n"
	"td.b i{display:block;height:9px;border-radius:2px;min-width:1px;"
	"background:var(--r1)}td.b i.l{background:var(--l1)}\n"
	"code,.code{font-family:ui-monospace,\"DejaVu Sans Mono\",Menlo,"
	"Consolas,monospace;font-size:13px}\n"
	".tag{display:inline-block;font-size:12px;font-weight:600;"
	"padding:0 7px;border-radius:5px;background:var(--chip);"
	"color:var(--soft)}\n"
	".tag.new{background:var(--badbg);color:var(--bad)}"
	".tag.gone{background:var(--goodbg);color:var(--good)}\n"
	"details{margin:8px 0 0}summary{cursor:pointer;color:var(--accent)}\n"
	"ul{margin:4px 0 8px;padding-left:20px}li{overflow-wrap:anywhere}\n"
	".more{color:var(--soft);font-size:13px;margin:8px 0 0}\n"
	"svg{display:block;width:100%;height:auto;font:11px system-ui,"
	"\"DejaVu Sans\",sans-serif}\n"
	"@media screen and (max-width:900px){.scroll svg{min-width:960px}}\n"
	"svg text{fill:var(--soft)}svg .k{fill:var(--ink);font-weight:600}"
	"svg .o{fill:#fff}\n"
	"svg path{fill:none;stroke-width:5}.big path{stroke-width:9}\n"
	".g{stroke:var(--line);stroke-width:1}\n"
	"svg path.w{stroke:var(--wait);stroke-width:2}svg path.v{"
	"stroke:var(--back);stroke-width:2}path.r0{stroke:var(--r1)}path.r1{stroke:var(--r2)}"
	"path.l0{stroke:var(--l1)}path.l1{stroke:var(--l2)}\n"
	"svg path.ar{fill:var(--r1);stroke:none}svg path.al{fill:var(--l1);"
	"stroke:none}\n"
	".t{fill:transparent}.t:hover{fill:var(--ink);fill-opacity:.25}\n"
	"i.q0{background:#6f5bb0}.p0{fill:#6f5bb0}"
	"i.q1{background:#2f7f6f}.p1{fill:#2f7f6f}"
	"i.q2{background:#a8527a}.p2{fill:#a8527a}"
	"i.q3{background:#5c7d2a}.p3{fill:#5c7d2a}"
	"i.q4{background:#8a5a3a}.p4{fill:#8a5a3a}"
	"i.q5{background:#3a7ca5}.p5{fill:#3a7ca5}"
	"i.q6{background:#b0413e}.p6{fill:#b0413e}"
	"i.q7{background:#4d4d8c}.p7{fill:#4d4d8c}"
	"i.q8{background:#85711e}.p8{fill:#85711e}"
	"i.q9{background:#5a6b78}.p9{fill:#5a6b78}\n"
	"i.kr{background:var(--r1)}i.kl{background:var(--l1)}"
	"i.kw{background:var(--wait)}i.kb{background:var(--back)}\n"
	".key{display:flex;flex-wrap:wrap;gap:4px 18px;margin:10px 0 0;"
	"color:var(--soft);font-size:13px}\n"
	".key i{display:inline-block;width:18px;height:8px;border-radius:2px;"
	"margin-right:6px;vertical-align:1px}\n"
	"footer{color:var(--soft);font-size:13px}\n"
	"@media print{:root{--bg:#fff;--card:#fff;--ink:#000;--soft:#444;"
	"--line:#ccc;--chip:#eee}body{font-size:11px}main{max-width:none;"
	"padding:0}section,.tile{border-radius:0}h2{break-after:avoid}tr,"
	".tile{break-inside:avoid}*{print-color-adjust:exact}"
	"details::details-content{display:block;content-visibility:visible}"
	".t{display:none}}\n";
