/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: diag */
#include "../lib/test.h"

#include "diag/compare.h"

#include "diag/log.h"

/* Parse the diagnostics of a log. */
static struct diag_set found(const char *text)
{
	struct diag_log_sink none = { 0 };
	struct diag_log log;
	struct diag_set set;

	diag_log_init(&log, &none);
	diag_log_feed(&log, bytes_str(text));
	diag_log_end(&log);
	set = log.found;
	log.found = (struct diag_set){ 0 };
	diag_log_release(&log);
	return set;
}

/* The rebuilt objects, surrounded by blanks; all others are unchanged. */
static bool not_made(void *ctx, const struct diag *d)
{
	char *sought = xasprintf(" %s ", d->object ? d->object : "?");
	bool made = !d->object || strstr(ctx, sought);

	free(sought);
	return !made;
}

/* Return "new same gone carried" for `now` compared with `before`. */
static char *changes(const char *before, const char *now, const char *made)
{
	struct diag_set a = found(before), b = found(now);
	struct diag_change c = diag_compare(&b, &a, made ? not_made : NULL,
					    (void *)made);
	char *out = xasprintf(
		"%u %u %u %u",
		c.n_new[DIAG_SEV_WARNING] + c.n_new[DIAG_SEV_ERROR], c.n_same,
		c.n_removed[DIAG_SEV_WARNING] + c.n_removed[DIAG_SEV_ERROR],
		c.n_carried[DIAG_SEV_WARNING]);

	diag_set_release(&a);
	diag_set_release(&b);
	return out;
}

#define A "  CC      a.o\n"
#define B "  CC      b.o\n"
#define X "a.c:1:1: warning: x\n"
#define Y "b.c:1:1: warning: y\n"
#define H "h.h:5:1: warning: h\n"

static const struct {
	const char *before, *now, *made, *changes;
} stories[] = {
	{ "", "", NULL, "0 0 0 0" },
	{ A X, A X, NULL, "0 1 0 0" },
	{ A X, A, NULL, "0 0 1 0" },
	{ A, A X, NULL, "1 0 0 0" },
	/* A unit that is not recompiled keeps its diagnostics. */
	{ A X B Y, B Y, " b.o ", "0 1 0 1" },
	{ A X B Y, B, " b.o ", "0 0 1 1" },
	{ A X B Y, A X B, " a.o b.o ", "0 1 1 0" },
	{ A X B Y, "", " ", "0 0 0 2" },
	{ A X, B Y, " b.o ", "1 0 0 1" },
	/* Lines can move. */
	{ A X, A "a.c:7:1: warning: x\n", " a.o ", "0 1 0 0" },
	{ A "a.c:1:1: warning: x\na.c:9:1: warning: x\n",
	  A "a.c:3:1: warning: x\na.c:5:1: warning: x\na.c:11:1: warning: "
	    "x\n",
	  " a.o ", "1 2 0 0" },
	{ A "a.c:3:1: warning: x\na.c:5:1: warning: x\n",
	  A "a.c:5:1: warning: x\n", " a.o ", "0 1 1 0" },
	/*
	 * Several units report a header's diagnostic; one of them is
	 * recompiled.
	 */
	{ A H B H, B H, " b.o ", "0 1 0 0" },
	{ A H, B H, " b.o ", "0 1 0 0" },
	/* Severity and flag are part of the identity. */
	{ A X, A "a.c:1:1: error: x\n", " a.o ", "1 0 1 0" },
};

TEST_EACH(new_equal_removed_and_carried_diagnostics_are_counted, stories)
{
	char *got = changes(row->before, row->now, row->made);

	ck_assert_msg(!strcmp(got, row->changes), "%d: %s, not %s", _i, got,
		      row->changes);
	free(got);
}

/* The diagnostic is carried over until all of these objects are rebuilt. */
TEST(a_header_diagnostic_lists_its_objects_up_to_a_limit)
{
	struct diag_set s = found(A H B H);
	char many[4096] = "";

	ck_assert_uint_eq(s.n_entries, 1);
	ck_assert_str_eq(s.entries[0]->diag.object, "a.o b.o");
	diag_set_release(&s);
	for (int i = 0; i < 100; i++)
		sprintf(many + strlen(many), "  CC      u%d.o\n" H, i);
	s = found(many);
	ck_assert_uint_eq(s.n_entries, 1);
	ck_assert_uint_eq(s.entries[0]->n_objects, DIAG_OBJECTS_MAX);
	ck_assert_uint_eq(s.n_by_severity[DIAG_SEV_WARNING], 1);
	diag_set_release(&s);
}

/* Ten builds that compile one unit each keep the set complete. */
TEST(diagnostics_of_units_not_rebuilt_are_carried_over)
{
	struct diag_set before = found(A X B Y);

	for (int i = 0; i < 10; i++) {
		struct diag_set now = found(i % 2 ? A X : B Y);
		struct diag_change c = diag_compare(&now, &before, not_made,
						    i % 2 ? " a.o " : " b.o ");

		ck_assert_uint_eq(c.n_new[DIAG_SEV_WARNING], 0);
		ck_assert_uint_eq(c.n_removed[DIAG_SEV_WARNING], 0);
		ck_assert_uint_eq(c.n_same, 1);
		ck_assert_uint_eq(c.n_carried[DIAG_SEV_WARNING], 1);
		ck_assert_uint_eq(now.n_entries, 2);
		diag_set_release(&before);
		before = now;
	}
	diag_set_release(&before);
}

TEST(the_baseline_matches_a_diagnostic_once_per_occurrence)
{
	struct diag_set before = found(A "a.c:1:1: warning: x\n"
					 "a.c:2:1: warning: x\n");
	struct diag_set now = found(A "a.c:4:1: warning: x\n"
				      "a.c:5:1: warning: x\n"
				      "a.c:6:1: warning: x\n"
				      "a.c:6:1: warning: z\n");
	struct diag_baseline known;

	diag_baseline_init(&known, &before);
	ck_assert(diag_baseline_match(&known, &now.entries[0]->diag));
	ck_assert(diag_baseline_match(&known, &now.entries[1]->diag));
	ck_assert(!diag_baseline_match(&known, &now.entries[2]->diag));
	ck_assert(!diag_baseline_match(&known, &now.entries[3]->diag));
	diag_baseline_release(&known);
	diag_set_release(&before);
	diag_set_release(&now);
}

/* In a comparison with a second build, a carried diagnostic is new too. */
TEST(a_second_comparison_includes_carried_diagnostics)
{
	struct diag_set last = found(A X B Y), good = found(B Y);
	struct diag_set now = found(B Y);
	struct diag_change c;

	c = diag_compare(&now, &last, not_made, " b.o ");
	ck_assert_uint_eq(c.n_new[DIAG_SEV_WARNING], 0);
	ck_assert_uint_eq(c.n_carried[DIAG_SEV_WARNING], 1);
	c = diag_compare(&now, &good, NULL, NULL);
	ck_assert_uint_eq(c.n_new[DIAG_SEV_WARNING], 1);
	ck_assert_uint_eq(c.n_same, 1);
	ck_assert_uint_eq(c.n_removed[DIAG_SEV_WARNING], 0);
	diag_set_release(&last);
	diag_set_release(&good);
	diag_set_release(&now);
}

/* The maximum number of equal diagnostics is processed quickly. */
TEST(the_maximum_number_of_equal_diagnostics_is_compared)
{
	struct buf text = { 0 };
	struct diag_set a, b;
	struct diag_change c;

	buf_add_str(&text, A);
	for (int i = 0; i < DIAG_SET_MAX + 1000; i++)
		buf_printf(&text, "a.c:%d:1: warning: x\n", 2 * i + 1);
	a = found(buf_str(&text));
	ck_assert_uint_eq(a.n_entries, DIAG_SET_MAX);
	ck_assert_uint_eq(a.n_by_severity[DIAG_SEV_WARNING],
			  DIAG_SET_MAX + 1000);
	buf_reset(&text);
	buf_add_str(&text, A);
	for (int i = 0; i < DIAG_SET_MAX; i++)
		buf_printf(&text, "a.c:%d:1: warning: x\n", 2 * i + 2);
	b = found(buf_str(&text));
	c = diag_compare(&b, &a, NULL, NULL);
	ck_assert_uint_eq(c.n_same, DIAG_SET_MAX);
	ck_assert_uint_eq(c.n_new[DIAG_SEV_WARNING], 0);
	diag_set_release(&a);
	diag_set_release(&b);
	buf_release(&text);
}
