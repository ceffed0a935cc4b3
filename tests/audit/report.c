/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "audit.h"

#include "cli/cmd.h"

#include "base/json.h"
#include "base/vec.h"

#include <stdlib.h>
#include <string.h>

/* Number of units that are not scannable for a reason, with an example. */
struct audit_reason {
	const char *why;
	const struct audit_unit *example;
	size_t n;
};

struct totals {
	size_t state[AUDIT_COMPARED + 1];
	size_t units, c_files, asm_files, hosts; /* compiled by make */
	size_t missed, missed_units, extra, extra_units, respelled, old;
	size_t files, inputs; /* sums over all closures */
	double extra_percent; /* mean over the units compared with -M */
	size_t scanned, half, asked;
	double first_ms, mean_ms, half_ms, cpu_ms, cc_ms, cc_cpu_ms;
	struct audit_reason *reasons;
	size_t n_reasons;
};

static bool was_scanned(const struct audit_unit *u)
{
	return u->state >= AUDIT_SCANNED;
}

static void add_reason(struct totals *t, const struct audit_unit *u)
{
	size_t i = 0;

	while (i < t->n_reasons && strcmp(t->reasons[i].why, u->why))
		i++;
	if (i == t->n_reasons)
		*VEC_ADD(t->reasons,
			 t->n_reasons) = (struct audit_reason){ u->why, u, 0 };
	t->reasons[i].n++;
}

static int by_number(const void *a, const void *b)
{
	const struct audit_reason *x = a, *y = b;

	return x->n < y->n ? 1 : x->n > y->n ? -1 : strcmp(x->why, y->why);
}

static void add_files(struct totals *t, const struct audit_unit *u)
{
	t->missed += u->missed.n;
	t->missed_units += u->missed.n > 0;
	t->extra += u->extra.n;
	t->extra_units += u->extra.n > 0;
	t->respelled += u->respelled;
	t->old += u->old;
	t->files += u->n_ids;
	t->inputs += u->n_inputs;
	if (u->state == AUDIT_COMPARED && u->n_ids)
		t->extra_percent += 100.0 * (double)u->extra.n /
				    (double)u->n_ids;
}

static void add_unit(struct totals *t, const struct audit_unit *u)
{
	t->state[u->state]++;
	if (u->state == AUDIT_WAITING || u->state == AUDIT_OTHER)
		return;
	t->units++;
	t->asm_files += u->is_asm;
	t->hosts += u->is_host;
	if (u->state == AUDIT_NOT_SCANNABLE)
		add_reason(t, u);
	if (!was_scanned(u))
		return;
	if (!t->scanned++)
		t->first_ms = (double)u->us / 1000;
	t->mean_ms += (double)u->us / 1000;
	t->cpu_ms += (double)u->cpu_us / 1000;
	if (u->state > AUDIT_SCANNED) {
		t->cc_ms += (double)u->cc_us / 1000;
		t->asked++;
	}
	add_files(t, u);
}

/* Mean time of the second half of the scans, when all caches are warm. */
static void time_half(struct totals *t, const struct audit *a)
{
	size_t seen = 0;

	for (size_t i = 0; i < a->n; i++) {
		if (was_scanned(&a->units[i]) && seen++ >= t->scanned / 2) {
			t->half_ms += (double)a->units[i].us / 1000;
			t->half++;
		}
	}
}

static double ratio(double sum, size_t n)
{
	return n ? sum / (double)n : 0;
}

static void count(struct totals *t, const struct audit *a)
{
	*t = (struct totals){ 0 };
	for (size_t i = 0; i < a->n; i++)
		add_unit(t, &a->units[i]);
	time_half(t, a);
	t->c_files = t->units - t->asm_files;
	t->extra_percent = ratio(t->extra_percent, t->state[AUDIT_COMPARED]);
	t->mean_ms = ratio(t->mean_ms, t->scanned);
	t->cpu_ms = ratio(t->cpu_ms, t->scanned);
	t->half_ms = ratio(t->half_ms, t->half);
	t->cc_ms = ratio(t->cc_ms, t->asked);
	t->cc_cpu_ms = ratio((double)a->cc_cpu_us / 1000, t->asked);
	if (t->n_reasons)
		qsort(t->reasons, t->n_reasons, sizeof(*t->reasons), by_number);
}

/* ---- as text ---- */

/* A file that is missing or superfluous in a unit's closure. */
struct finding {
	const char *path, *unit;
};

static int by_path(const void *a, const void *b)
{
	const struct finding *x = a, *y = b;
	int d = strcmp(x->path, y->path);

	return d ? d : strcmp(x->unit, y->unit);
}

static size_t collect(const struct audit *a, bool extra, struct finding *out)
{
	size_t n = 0;

	for (size_t i = 0; i < a->n; i++) {
		const struct audit_unit *u = &a->units[i];
		const struct strv *files = extra ? &u->extra : &u->missed;

		for (size_t j = 0; j < files->n; j++)
			out[n++] = (struct finding){ files->v[j], u->name };
	}
	return n;
}

/* Print a line for each file, with one of its units as an example. */
static void print_findings(FILE *out, const struct audit *a, bool extra,
			   size_t n)
{
	struct finding *v = xcalloc(n, sizeof(*v));

	n = collect(a, extra, v);
	if (n)
		qsort(v, n, sizeof(*v), by_path);
	for (size_t i = 0, same; i < n; i += same) {
		for (same = 1; i + same < n; same++) {
			if (strcmp(v[i].path, v[i + same].path))
				break;
		}
		fprintf(out, "%s: %s of %s", extra ? "extra" : "missed",
			v[i].path, v[i].unit);
		if (same > 1)
			fprintf(out, " and %zu more", same - 1);
		putc('\n', out);
	}
	free(v);
}

static void print_failed(FILE *out, const struct audit *a)
{
	for (size_t i = 0; i < a->n; i++) {
		const struct audit_unit *u = &a->units[i];

		if (u->state == AUDIT_BROKEN)
			fprintf(out, "not audited: %s: %s\n", u->name,
				u->detail);
		if (u->state == AUDIT_REFUSED || u->state == AUDIT_LISTED)
			fprintf(out, "refused: %s: %s\n", u->name, u->detail);
	}
}

static void print_reasons(FILE *out, const struct totals *t)
{
	fprintf(out, "not scannable   %zu (%.2f %%)\n",
		t->state[AUDIT_NOT_SCANNABLE],
		100 * ratio((double)t->state[AUDIT_NOT_SCANNABLE], t->units));
	for (size_t i = 0; i < t->n_reasons; i++) {
		const struct audit_unit *u = t->reasons[i].example;

		fprintf(out, "  %zu %s, as %s%s%s\n", t->reasons[i].n,
			t->reasons[i].why, u->name, u->detail ? ": " : "",
			u->detail ? u->detail : "");
	}
}

/* Print lines that are relevant only for a few audits. */
static void print_rest(FILE *out, const struct totals *t)
{
	const struct {
		const char *what;
		size_t n;
		const char *more;
	} rest[] = {
		{ "other spelling", t->respelled, "the same file" },
		{ "old lists", t->old, "in .cmd files, but no longer read" },
		{ "refused", t->state[AUDIT_REFUSED] + t->state[AUDIT_LISTED],
		  "by the compiler itself" },
		{ "not audited", t->state[AUDIT_BROKEN], "see above" },
		{ "not reached",
		  t->state[AUDIT_WAITING] + t->state[AUDIT_SCANNED],
		  "the audit was interrupted" },
	};

	for (size_t i = 0; i < sizeof(rest) / sizeof(*rest); i++) {
		if (rest[i].n)
			fprintf(out, "%-15s %zu (%s)\n", rest[i].what,
				rest[i].n, rest[i].more);
	}
}

static void print_text(FILE *out, const struct audit *a, const struct totals *t)
{
	print_findings(out, a, false, t->missed);
	print_findings(out, a, true, t->extra);
	print_failed(out, a);
	fprintf(out,
		"units           %zu (%zu .c, %zu .S; %zu for this host)\n",
		t->units, t->c_files, t->asm_files, t->hosts);
	fprintf(out, "compared        %zu with -M, %zu with a list alone\n",
		t->state[AUDIT_COMPARED], t->state[AUDIT_LISTED]);
	fprintf(out, "missed          %zu in %zu units\n", t->missed,
		t->missed_units);
	fprintf(out, "extra           %zu in %zu units, mean %.3f %%\n",
		t->extra, t->extra_units, t->extra_percent);
	print_reasons(out, t);
	print_rest(out, t);
	fprintf(out,
		"closure         %.0f files on average, %zu other inputs\n",
		ratio((double)t->files, t->scanned), t->inputs);
	fprintf(out,
		"ms a unit       first %.2f, mean %.2f, second half %.2f "
		"(CPU %.2f)\n",
		t->first_ms, t->mean_ms, t->half_ms, t->cpu_ms);
	fprintf(out, "ms of -M        mean %.2f (CPU %.2f)\n", t->cc_ms,
		t->cc_cpu_ms);
	fprintf(out, "peak memory     %.1f MiB\n", (double)a->peak_kib / 1024);
}

/* ---- as JSON ---- */

static void add_files_json(json_t *to, const char *unit,
			   const struct strv *files)
{
	for (size_t i = 0; i < files->n; i++)
		json_array_append_new(to, json_pack("{so, so}", "unit",
						    json_text(unit), "file",
						    json_text(files->v[i])));
}

static json_t *reasons_json(const struct totals *t)
{
	json_t *list = json_array();

	for (size_t i = 0; i < t->n_reasons; i++) {
		const struct audit_reason *r = &t->reasons[i];

		json_array_append_new(
			list, json_pack("{ss, sI, so, so}", "reason", r->why,
					"units", (json_int_t)r->n, "example",
					json_text(r->example->name), "detail",
					json_text(r->example->detail)));
	}
	return list;
}

static json_t *failed_json(const struct audit *a)
{
	json_t *list = json_array();

	for (size_t i = 0; i < a->n; i++) {
		const struct audit_unit *u = &a->units[i];

		if (u->state != AUDIT_BROKEN && u->state != AUDIT_REFUSED &&
		    u->state != AUDIT_LISTED)
			continue;
		json_array_append_new(list,
				      json_pack("{so, so, sb}", "unit",
						json_text(u->name), "why",
						json_text(u->detail), "refused",
						u->state != AUDIT_BROKEN));
	}
	return list;
}

static json_t *times_json(const struct totals *t)
{
	return json_pack("{sf, sf, sf, sf, sf, sf}", "first", t->first_ms,
			 "mean", t->mean_ms, "second_half", t->half_ms, "cpu",
			 t->cpu_ms, "cc", t->cc_ms, "cc_cpu", t->cc_cpu_ms);
}

static void print_json(FILE *out, const struct audit *a, const struct totals *t)
{
	json_t *missed = json_array(), *extra = json_array(), *made;

	for (size_t i = 0; i < a->n; i++) {
		add_files_json(missed, a->units[i].name, &a->units[i].missed);
		add_files_json(extra, a->units[i].name, &a->units[i].extra);
	}
	made = json_pack(
		"{so, sI, sI, sI, sI, sI, so, so, sf, sI, so, so, so, sI, sb}",
		"build_dir", json_text(a->what->build), "units",
		(json_int_t)t->units, "asm_units", (json_int_t)t->asm_files,
		"host_units", (json_int_t)t->hosts, "compared",
		(json_int_t)t->state[AUDIT_COMPARED], "listed",
		(json_int_t)t->state[AUDIT_LISTED], "missed", missed, "extra",
		extra, "extra_percent", t->extra_percent, "not_scannable",
		(json_int_t)t->state[AUDIT_NOT_SCANNABLE], "reasons",
		reasons_json(t), "failed", failed_json(a), "ms", times_json(t),
		"peak_kib", (json_int_t)a->peak_kib, "interrupted",
		(int)atomic_load(a->stop));
	json_dumpf(made, out, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
	putc('\n', out);
	json_decref(made);
}

int audit_report(const struct audit *a, FILE *out)
{
	struct totals t;
	int status = EXIT_OK;

	count(&t, a);
	if (a->what->json)
		print_json(out, a, &t);
	else
		print_text(out, a, &t);
	/* An audit without any comparison fails. */
	if (!t.state[AUDIT_COMPARED] && !t.state[AUDIT_LISTED])
		status = EXIT_USAGE;
	if (t.missed)
		status = EXIT_BUILD;
	free(t.reasons);
	return status;
}
