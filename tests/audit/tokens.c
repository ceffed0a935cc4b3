/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Comparison of the scanner's full preprocessing with the compiler's
 * preprocessor: the tokens of a unit, and the time.  A unit counts as refused
 * if the compiler's -E fails.
 */
#include "audit.h"

#include "../lib/scan-tokens.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/spawn.h"
#include "cli/cmd.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* One unit in TIMED is preprocessed again, only to measure the time. */
#define TIMED 8

static void drop(void *ctx, const char *s, size_t len, bool fresh)
{
	(void)ctx;
	(void)s;
	(void)len;
	(void)fresh;
}

/* Measure full preprocessing without the overhead of the comparison. */
static uint64_t time_look(struct audit *a, struct cpp_unit unit)
{
	struct cpp_output none = { NULL, drop };
	uint64_t cpu = clock_cpu_us();
	struct cpp_closure c;

	unit.output = &none;
	cpp_closure_find(a->scan, &unit, &c);
	cpu = clock_cpu_us() - cpu;
	cpp_closure_release(&c);
	return cpu;
}

/* Collect the scanner's tokens.  Returns false if the unit is not scannable. */
static bool scan_tokens(struct audit *a, struct audit_unit *u,
			const struct cli_scan_line *l,
			const struct cli_scan_tool *tool, struct tokens *out)
{
	struct cpp_output output = { out, tokens_take };
	struct cpp_unit unit = { .cwd = l->cwd,
				 .compiler = tool->path,
				 .toolchain = &tool->id,
				 .command = &l->command,
				 .env = environ,
				 .output = &output };
	struct cpp_closure c;

	if ((u - a->units) % TIMED == 0)
		u->exact_us = time_look(a, unit);
	cpp_closure_find(a->scan, &unit, &c);
	if (c.reason) {
		u->state = AUDIT_NOT_SCANNABLE;
		u->why = reason_text(c.reason);
		free(u->detail);
		u->detail = c.detail ? xstrdup(c.detail) : NULL;
	}
	cpp_closure_release(&c);
	return u->state != AUDIT_NOT_SCANNABLE;
}

/* Collect the compiler's tokens.  Returns false if the compiler fails. */
static bool ask_compiler(struct audit *a, struct audit_unit *u,
			 const struct cli_scan_line *l,
			 const struct cli_scan_tool *tool, struct tokens *out)
{
	struct buf printed = { 0 }, said = { 0 };
	struct strv argv = { 0 };
	struct err err = { 0 };
	int ret;

	audit_rule_argv(&argv, l->argv.v, tool->path, "-E");
	strv_add(&argv, "-P");
	/* With -g3, gcc also prints macro definitions. */
	strv_add(&argv, "-g0");
	ret = capture_run(a->stop, l->cwd, argv.v, environ, &printed, &said,
			  &err);
	if (ret) {
		const char *text = said.len ? buf_str(&said) : err.text;

		free(u->detail);
		u->detail = xstrndup(text, strcspn(text, "\n"));
		u->state = AUDIT_REFUSED;
	} else {
		out->glued = strstr(tool->path, "clang");
		tokens_split(out, &printed, tokens_mode(l->argv.v, tool->path));
	}
	strv_release(&argv);
	buf_release(&printed);
	buf_release(&said);
	return !ret;
}

void audit_tokens(struct audit *a, struct audit_marks *marks,
		  struct audit_unit *u)
{
	struct tokens ours = { .lines = u->is_asm };
	struct tokens theirs = { .lines = u->is_asm };
	const struct cli_scan_tool *tool;
	struct cli_scan_line l;
	struct err err = { 0 };
	char *differ;

	(void)marks;
	if (u->state != AUDIT_SCANNED ||
	    cli_scan_line_read(&l, a->what->build, u->file, &err))
		return;
	tool = cli_scan_tools_get(a->tools, l.cwd, l.argv.v[0]);
	if (scan_tokens(a, u, &l, tool, &ours) &&
	    ask_compiler(a, u, &l, tool, &theirs)) {
		differ = tokens_differ(&ours, &theirs);
		if (differ) {
			log_info("differs: %s", u->name);
			strv_own(&u->missed, differ);
		}
		u->n_ids = ours.n;
		u->state = AUDIT_COMPARED;
	}
	buf_release(&ours.text);
	buf_release(&theirs.text);
	cli_scan_line_release(&l);
}

struct sums {
	size_t state[AUDIT_COMPARED + 1];
	size_t differ, tokens, timed;
	uint64_t quick_us, exact_us;
};

static void print_unit(FILE *out, const struct audit_unit *u, struct sums *s)
{
	s->state[u->state]++;
	if (u->state == AUDIT_BROKEN || u->state == AUDIT_REFUSED)
		fprintf(out, "refused: %s: %s\n", u->name, u->detail);
	if (u->state == AUDIT_NOT_SCANNABLE)
		fprintf(out, "not scannable: %s: %s: %s\n", u->name, u->why,
			u->detail ? u->detail : "");
	if (u->state != AUDIT_COMPARED)
		return;
	s->tokens += u->n_ids;
	s->quick_us += u->cpu_us;
	s->exact_us += u->exact_us;
	s->timed += u->exact_us != 0;
	if (u->missed.n) {
		s->differ++;
		fprintf(out, "differs: %s: %s\n", u->name, u->missed.v[0]);
	}
}

int audit_tokens_report(const struct audit *a, FILE *out)
{
	struct sums s = { 0 };
	struct cpp_stats stats;
	size_t n;

	for (size_t i = 0; i < a->n; i++)
		print_unit(out, &a->units[i], &s);
	cpp_scanner_stats(a->scan, &stats);
	n = s.state[AUDIT_COMPARED];
	fprintf(out,
		"compared        %zu units of %.0f tokens on average\n"
		"differ          %zu\n"
		"not scannable   %zu\n"
		"refused         %zu (by the compiler itself)\n"
		"exact looks     %llu of the first %zu scans\n",
		n, n ? (double)s.tokens / (double)n : 0, s.differ,
		s.state[AUDIT_NOT_SCANNABLE],
		s.state[AUDIT_REFUSED] + s.state[AUDIT_BROKEN],
		(unsigned long long)a->exact_looks, a->n);
	if (n)
		fprintf(out,
			"CPU ms a unit   %.2f quick look, %.2f with the exact "
			"one, %.2f for -E\n",
			(double)s.quick_us / 1000 / (double)n,
			s.timed ? (double)s.exact_us / 1000 / (double)s.timed :
				  0,
			(double)a->cc_cpu_us / 1000 / (double)n);
	fprintf(out, "peak memory     %.1f MiB\n", (double)a->peak_kib / 1024);
	return !n ? EXIT_USAGE : s.differ ? EXIT_BUILD : EXIT_OK;
}
