/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: nightly */
#include "nightly/store.h"

#include "../lib/tempdir.h"
#include "../lib/test.h"
#include "nightly-put.h"

#define DAY   86400LL
#define TODAY (1700000000LL + 400 * DAY)

/*
 * The runs of a job, oldest first, one word each: the build's letter, G good, F
 * failed or B broken, and its age in days (negative: the clock was ahead).
 * Then the retained results in the same form.
 */
static const struct story {
	const char *nights;
	unsigned days, last, failures;
	const char *retained;
} stories[] = {
	/* By days: a result at the limit is retained, an older one is not. */
	{ "aG15 aG14 aG13 aG1", 14, 1, 0, "aG14 aG13 aG1" },
	{ "aG15", 14, 1, 0, "aG15" },
	/* By count, whatever the result. */
	{ "aG90 aF80 aG70 aF60 aG50", 14, 3, 0, "aG70 aF60 aG50" },
	{ "aG90 aG80 aG70", 14, 10, 0, "aG90 aG80 aG70" },
	/* The last good result is retained, however old it is. */
	{ "aG99 aG90 aF1", 14, 1, 0, "aG90 aF1" },
	/* The first bad result after the last good one is retained, too. */
	{ "aG99 aG90 aF3 aF2 aF1", 14, 1, 0, "aG90 aF3 aF1" },
	{ "aG99 aG90 aB9 aB3 aF2 aF1", 14, 2, 1, "aG90 aB9 aF2 aF1" },
	{ "aF90 bF80 aF70 bF60 aF1", 14, 1, 0, "aF90 bF80 bF60 aF1" },
	/* Failures are counted; their age does not matter. */
	{ "aF90 aF80 aF70 aG1", 14, 1, 2, "aF80 aF70 aG1" },
	{ "aF9 aB8 aF7 aG1", 14, 1, 2, "aB8 aF7 aG1" },
	{ "aF90 aG1", 14, 1, 0, "aG1" },
	/* Each build is counted separately. */
	{ "aG90 bG80 bF2 aF1", 14, 1, 0, "aG90 bG80 bF2 aF1" },
	{ "aG90 bG80 bG70 aG1", 14, 1, 0, "bG70 aG1" },
	/* The job no longer has a build c. */
	{ "cG90 cB80 aG60 cG10 cF9", 14, 9, 9, "aG60 cG10 cF9" },
	/* keep-days 0: only today's, and those retained for other reasons. */
	{ "aG2 aG1 aG0", 0, 1, 0, "aG0" },
	/*
	 * The clock was ahead: a run counts as no newer than the next run and
	 * the present time.
	 */
	{ "aG-900 aG20 aG1", 14, 1, 0, "aG1" },
	{ "aG-900 aG10 aG1", 14, 1, 0, "aG-900 aG10 aG1" },
	{ "aG30 aG-5", 14, 1, 0, "aG-5" },
	/* The clock was set back by a year: older results are still old. */
	{ "aG10 aG400 aG399", 14, 1, 0, "aG399" },
	/* The clock was behind for a night: only this night has a wrong age. */
	{ "aG13 aG12 aG19000 aG1", 14, 1, 0, "aG13 aG12 aG19000 aG1" },
	{ "aG16 aG15 aG19000 aG14 aG1", 14, 1, 0, "aG19000 aG14 aG1" },
	{ "aG16 aG19000 aG15 aG1", 14, 1, 0, "aG1" },
	{ "aG3 aG2 aG19000", 14, 1, 0, "aG3 aG2 aG19000" },
	{ "aG2 aG19000", 14, 1, 0, "aG2 aG19000" },
	{ "cG3 cG19000 cG2 aG1", 14, 1, 0, "cG3 cG19000 cG2 aG1" },
	/* The same every second night, or behind and ahead. */
	{ "aG5 aG19000 aG4 aG18999 aG3", 14, 1, 0,
	  "aG5 aG19000 aG4 aG18999 aG3" },
	{ "aG16 aG-7 aG3 aG19000 aG2", 14, 1, 0, "aG-7 aG3 aG19000 aG2" },
	{ "", 14, 1, 0, "" },
};

static enum nightly_end end_of_letter(char letter)
{
	return letter == 'G' ? NIGHTLY_END_GOOD :
	       letter == 'F' ? NIGHTLY_END_FAILED :
			       NIGHTLY_END_BROKEN;
}

static char dir[TEMPDIR_SIZE];
static struct nightly_job job; /* its builds are a-defconfig, b-defconfig */
static struct nightly_store s;

static void set_up(void)
{
	static const struct nightly_wait at_once;
	struct err err = { 0 };

	tempdir_make(dir);
	job.results_dir = xasprintf("%s/r", dir);
	strv_split(&job.arches, "a b", " ");
	must(nightly_store_open(&s, &job, &at_once, &err));
}

static void tear_down(void)
{
	nightly_store_release(&s);
	free(job.results_dir);
	strv_release(&job.arches);
	tempdir_remove(dir);
}

/* Publish a result for each word; the first one gets number 1. */
static void put_nights(struct strv *words, const char *nights)
{
	strv_split(words, nights, " ");
	for (size_t i = 0; i < words->n; i++) {
		const char *word = words->v[i];
		char *build = xasprintf("%c-defconfig", word[0]);

		put_result(&s, build, end_of_letter(word[1]),
			   TODAY - atol(word + 2) * DAY);
		free(build);
	}
}

/* Append the words of the results that the store has. */
static void add_retained(struct strv *out, const struct strv *words)
{
	for (size_t i = 0; i < s.n_results; i++)
		strv_add(out, words->v[s.results[i]->number - 1]);
}

FIXTURE(set_up, tear_down);

TEST_EACH(pruning_retains_results_by_age_count_and_outcome, stories)
{
	struct strv words = { 0 }, retained = { 0 };
	struct err err = { 0 };
	char *text;

	job.keep_days = row->days;
	job.keep_last = row->last;
	job.keep_failures = row->failures;
	put_nights(&words, row->nights);
	must(nightly_store_prune(&s, &job, TODAY, NULL, NULL, &err));
	add_retained(&retained, &words);
	text = strv_join(&retained, " ");
	ck_assert_str_eq(text, row->retained);
	free(text);
	strv_release(&retained);
	strv_release(&words);
}

TEST(a_result_a_second_older_than_keep_days_is_removed)
{
	struct strv words = { 0 }, retained = { 0 };
	struct err err = { 0 };

	job.keep_days = 14;
	job.keep_last = 1;
	put_nights(&words, "aG14 aG0");
	must(nightly_store_prune(&s, &job, TODAY + 1, NULL, NULL, &err));
	add_retained(&retained, &words);
	ck_assert_uint_eq(retained.n, 1);
	ck_assert_str_eq(retained.v[0], "aG0");
	strv_release(&retained);
	strv_release(&words);
}

static void add_note(void *ctx, const struct nightly_result *r,
		     const char *reason)
{
	struct strv *notes = ctx;

	strv_addf(notes, "%llu %s", (unsigned long long)r->number, reason);
}

/* Results removed for space, in order. */
static const struct space_case {
	const char *nights, *removed;
} space_cases[] = {
	{ "aG3 aF2 aG1 aF0", "aG3 aF2" }, /* aG1 is the last good result */
	{ "aF3 aF2 aF1", "aF2" },         { "aG3 bG2 aF1", "" },
	{ "aG4 bG3 aG2 bG1", "aG4 bG3" }, { "", "" },
};

TEST_EACH(the_oldest_dispensable_results_are_removed_to_free_space, space_cases)
{
	struct strv words = { 0 }, notes = { 0 }, want = { 0 };
	struct err err = { 0 };

	job.keep_days = 900;
	job.keep_last = 9;
	job.keep_free_bytes = UINT64_MAX; /* more than any disk has */
	put_nights(&words, row->nights);
	ck_assert_int_eq(
		nightly_store_prune(&s, &job, TODAY, add_note, &notes, &err),
		-ENOSPC);
	strv_split(&want, row->removed, " ");
	ck_assert_uint_eq(notes.n, want.n);
	for (size_t i = 0; i < notes.n; i++) {
		char *end;
		unsigned long number = strtoul(notes.v[i], &end, 10);

		ck_assert_str_eq(end, " to free space");
		ck_assert_str_eq(words.v[number - 1], want.v[i]);
	}
	strv_release(&want);
	strv_release(&notes);
	strv_release(&words);
}

TEST(pruning_removes_old_results_and_preserves_the_last_good_link)
{
	struct strv notes = { 0 };
	struct err err = { 0 };
	char *good;

	job.keep_days = 14;
	job.keep_last = 1;
	job.keep_failures = 1;
	put_result(&s, "a-defconfig", NIGHTLY_END_GOOD, TODAY - 30 * DAY);
	put_result(&s, "a-defconfig", NIGHTLY_END_GOOD, TODAY - 20 * DAY);
	put_result(&s, "a-defconfig", NIGHTLY_END_FAILED, TODAY - 3 * DAY);
	put_result(&s, "a-defconfig", NIGHTLY_END_FAILED, TODAY - 2 * DAY);
	put_result(&s, "a-defconfig", NIGHTLY_END_FAILED, TODAY - DAY);
	must(nightly_store_prune(&s, &job, TODAY, add_note, &notes, &err));
	ck_assert_uint_eq(notes.n, 2);
	ck_assert_str_eq(notes.v[0], "4 old");
	ck_assert_str_eq(notes.v[1], "1 old");
	ck_assert_uint_eq(s.n_results, 3);
	good = xasprintf("%s/last-good/" NIGHTLY_RESULT_FILE, job.results_dir);
	ck_assert(fs_exists(good));
	/* More than any disk has: the remaining results are never removed. */
	job.keep_free_bytes = UINT64_MAX;
	ck_assert_int_eq(
		nightly_store_prune(&s, &job, TODAY, add_note, &notes, &err),
		-ENOSPC);
	text_has(err.text, "keep-free requires");
	ck_assert_uint_eq(s.n_results, 3);
	ck_assert(fs_exists(good));
	/* After another failure, the earlier one can be removed. */
	put_result(&s, "a-defconfig", NIGHTLY_END_FAILED, TODAY);
	job.keep_failures = 9;
	ck_assert_int_eq(
		nightly_store_prune(&s, &job, TODAY, add_note, &notes, &err),
		-ENOSPC);
	ck_assert_str_eq(notes.v[2], "5 to free space");
	ck_assert(fs_exists(good));
	free(good);
	strv_release(&notes);
}
