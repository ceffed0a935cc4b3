/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/format.h"
#include "cli/build.h"
#include "cli/cmd.h"
#include "cli/table.h"
#include "kernel/summary.h"

#include <string.h>

static const char *status_word(const struct build *b)
{
	int status = b->result.status;

	if (b->state == BUILD_WAITS)
		return "not begun";
	if (b->state == BUILD_REFUSED)
		return "refused";
	switch (status) {
	case EXIT_OK:
		return "built";
	case EXIT_WARNINGS:
		return "new warnings";
	case EXIT_USAGE:
		return "error";
	case EXIT_FARM:
		return "not remote";
	case EXIT_INTERRUPTED:
		return "interrupted";
	default:
		return "failed";
	}
}

/* "3 (1 new)" */
static void add_with_new(struct strv *cells, unsigned n, unsigned fresh)
{
	if (fresh)
		strv_addf(cells, "%u (%u new)", n, fresh);
	else
		strv_addf(cells, "%u", n);
}

static void add_figures(struct strv *cells, const struct kernel_result *r)
{
	unsigned share = kernel_summary_permille(r->remote, r->local);
	struct buf time = { 0 };

	format_time(&time, r->wall_ms + 500);
	strv_add(cells, buf_str(&time));
	if (r->remote || r->local)
		strv_addf(cells, "%u.%u %%", share / 10, share % 10);
	else
		strv_add(cells, "-");
	add_with_new(cells, r->warnings, r->new_warnings);
	add_with_new(cells, r->errors, r->new_errors);
	strv_add(cells, r->output);
	buf_release(&time);
}

static void add_refusal(struct strv *cells, const struct build *b)
{
	const char *text = b->err.text;

	for (int i = 0; i < 4; i++)
		strv_add(cells, "-");
	strv_addf(cells, "%.*s", (int)strcspn(text, "\n"), text);
}

void build_table_print(FILE *out, const struct build_list *l)
{
	static const char *const head[] = { "ARCH",     "CONFIG", "TOOLCHAIN",
					    "STATUS",   "TIME",   "REMOTE",
					    "WARNINGS", "ERRORS", "OUTPUT" };
	struct table t = { .align = "llllrrrrl" };

	for (size_t i = 0; i < sizeof(head) / sizeof(*head); i++)
		strv_add(&t.cells, head[i]);
	for (size_t i = 0; i < l->n; i++) {
		const struct build *b = &l->v[i];

		strv_add(&t.cells, b->arch);
		strv_add(&t.cells, b->config);
		strv_add(&t.cells, b->compiler ? b->compiler : "-");
		strv_add(&t.cells, status_word(b));
		if (b->result.output)
			add_figures(&t.cells, &b->result);
		else
			add_refusal(&t.cells, b);
	}
	table_print(out, &t);
}
