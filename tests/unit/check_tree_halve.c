/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: tree */
#include "tree/bisect.h"

#include "../lib/random.h"
#include "../lib/shell.h"
#include "../lib/tempdir.h"
#include "../lib/test.h"
#include "tree/log.h"

#define COMMITS 40

/* A synthetic history, in which parents precede their children. */
static struct {
	int parent[COMMITS][2]; /* -1: no parent */
	char id[COMMITS][41];
	/* [a][b]: a is b or a descendant of b */
	bool descends[COMMITS][COMMITS];
} history;

static char dir[TEMPDIR_SIZE];
static void set_up(void)
{
	tempdir_make(dir);
	shell_git_setup(dir);
	setenv("XDG_DATA_HOME", dir, 1);
	setenv("KFARM_CONFIG", "/dev/null", 1);
}

static void tear_down(void)
{
	tempdir_remove(dir);
}

static void record_ancestors(int i)
{
	history.descends[i][i] = true;
	for (int p = 0; p < 2; p++) {
		for (int j = 0; history.parent[i][p] >= 0 && j < i; j++)
			history.descends[i][j] |=
				history.descends[history.parent[i][p]][j];
	}
}

/* Write the history for git fast-import. */
static void write_history(struct buf *out)
{
	for (int i = 0; i < COMMITS; i++) {
		buf_printf(out,
			   "commit refs/heads/x%d\nmark :%d\n"
			   "committer c <c@example.org> %d +0000\n"
			   "data <<END\nnumber %d\nEND\n",
			   i, i + 1, 1700000000 + i, i);
		if (history.parent[i][0] >= 0)
			buf_printf(out, "from :%d\n", history.parent[i][0] + 1);
		if (history.parent[i][1] >= 0)
			buf_printf(out, "merge :%d\n",
				   history.parent[i][1] + 1);
	}
}

static void read_marks(const char *text)
{
	char id[41];
	int mark, used;

	while (sscanf(text, ":%d %40s\n%n", &mark, id, &used) == 2) {
		ck_assert_int_le(mark, COMMITS);
		memcpy(history.id[mark - 1], id, sizeof(id));
		text += used;
	}
}

static void make_tree(void)
{
	struct buf stream = { 0 };
	char *file = xasprintf("%s/stream", dir), *marks;
	struct err err = { 0 };

	write_history(&stream);
	must(fs_write(file, buf_bytes(&stream), 0644, &err));
	shell_run(dir, "rm -rf kfarm; mkdir -p kfarm/trees/t; "
		       "git init -q --bare kfarm/trees/t/repo.git; "
		       "cd kfarm/trees/t/repo.git; "
		       "git fast-import --quiet --export-marks=marks "
		       "<../../../../stream");
	marks = shell_ask(dir, "cat kfarm/trees/t/repo.git/marks");
	read_marks(marks);
	free(marks);
	buf_release(&stream);
	free(file);
}

static int number_of(const char *id)
{
	for (int i = 0; i < COMMITS; i++) {
		if (!strcmp(history.id[i], id))
			return i;
	}
	return -1;
}

/* Bisect until no commit is left to test.  Return the number of builds. */
static unsigned find_first_bad(int good, int bad, int first,
			       const bool *untestable,
			       struct tree_bisect_step *h)
{
	struct strv good_ids = { 0 }, skipped = { 0 };
	char *bad_id = xstrdup(history.id[bad]);
	struct err err = { 0 };
	unsigned builds = 0;

	strv_add(&good_ids, history.id[good]);
	for (;;) {
		int next;

		if (tree_bisect_choose(h, "t", &good_ids, bad_id, &skipped,
				       &err))
			ck_abort_msg("%s", err.text);
		if (!h->next)
			break;
		next = number_of(h->next);
		ck_assert_int_ge(next, 0);
		builds++;
		if (untestable[next]) {
			strv_add(&skipped, h->next);
		} else if (history.descends[next][first]) {
			free(bad_id);
			bad_id = xstrdup(h->next);
		} else {
			strv_add(&good_ids, h->next);
		}
		tree_bisect_step_release(h);
		ck_assert_uint_le(builds, COMMITS);
	}
	free(bad_id);
	strv_release(&good_ids);
	strv_release(&skipped);
	return builds;
}

static void make_linear_history(void)
{
	memset(&history, 0, sizeof(history));
	for (int i = 0; i < COMMITS; i++) {
		history.parent[i][0] = i - 1;
		history.parent[i][1] = -1;
		record_ancestors(i);
	}
	make_tree();
}

FIXTURE(set_up, tear_down);
TIMEOUT(60);

TEST(a_linear_history_of_40_commits_takes_at_most_6_builds)
{
	static const bool untestable[COMMITS];
	struct tree_bisect_step h;

	make_linear_history();
	for (int first = 1; first < COMMITS; first += 7) {
		/* There are 39 candidates, and 2^6 is 64. */
		ck_assert_uint_le(
			find_first_bad(0, COMMITS - 1, first, untestable, &h),
			6);
		ck_assert_uint_eq(h.candidates.n, 1);
		ck_assert_str_eq(h.candidates.v[0], history.id[first]);
		tree_bisect_step_release(&h);
	}
}

TEST(skipped_commits_remain_candidates)
{
	bool untestable[COMMITS] = { 0 };
	struct tree_bisect_step h;
	char *subject;

	make_linear_history();
	for (int i = 17; i < 21; i++)
		untestable[i] = true;
	find_first_bad(0, COMMITS - 1, 19, untestable, &h);
	/* 16 is good, 21 is bad. */
	ck_assert_uint_eq(h.candidates.n, 5);
	for (size_t i = 0; i < h.candidates.n; i++) {
		subject = xasprintf("number %zu", 17 + i);
		ck_assert_str_eq(h.candidates.v[i], history.id[17 + i]);
		ck_assert_str_eq(h.subjects.v[i], subject);
		free(subject);
	}
	tree_bisect_step_release(&h);
}

TEST_RANGE(bisecting_a_random_history_finds_the_first_bad_commit, 0, 3)
{
	static const bool untestable[COMMITS];
	struct tree_bisect_step h;
	unsigned most = 0;

	pick_start((unsigned long)_i + 1);
	memset(&history, 0, sizeof(history));
	for (int i = 0; i < COMMITS; i++) {
		int back = i < 6 ? i : 6;

		history.parent[i][0] = i ? i - 1 - (int)pick((unsigned)back) :
					   -1;
		history.parent[i][1] =
			i > 2 && !pick(3) ? i - 1 - (int)pick((unsigned)back) :
					    -1;
		if (history.parent[i][1] == history.parent[i][0])
			history.parent[i][1] = -1;
		record_ancestors(i);
	}
	make_tree();
	for (int first = 1 + _i; first < COMMITS; first += 3) {
		int bad = COMMITS - 1;

		while (!history.descends[bad][first])
			bad--;
		unsigned builds = find_first_bad(0, bad, first, untestable, &h);

		ck_assert_uint_eq(h.candidates.n, 1);
		ck_assert_str_eq(h.candidates.v[0], history.id[first]);
		most = builds > most ? builds : most;
		tree_bisect_step_release(&h);
	}
	/* git bisect needs no fewer builds in the worst case. */
	ck_assert_uint_le(most, 12);
}

/*
 * The history has too many commits to weigh each of them.  Every tenth commit
 * is a merge.
 */
TEST(a_long_history_is_bisected_along_its_first_parents)
{
	static const char script[] =
		"rm -rf kfarm; mkdir -p kfarm/trees/t; "
		"git init -q --bare kfarm/trees/t/repo.git; "
		"cd kfarm/trees/t/repo.git; "
		"awk 'BEGIN { for (i = 1; i <= 20000; i++) {"
		" printf \"commit refs/heads/x\\nmark :%d\\ncommitter c <c@e>"
		" %d +0000\\ndata 2\\nx\\n\", i, 1700000000 + i;"
		" if (i > 1 && i % 10) printf \"from :%d\\n\", i - 1;"
		" if (i % 10 == 0) printf \"from :%d\\nmerge :%d\\n\","
		" (i > 10 ? i - 10 : 1), i - 1 } }' |"
		" git fast-import --quiet --export-marks=marks 2>&1; "
		"sed -n 's/^:1 //p' marks; sed -n 's/^:20000 //p' marks; "
		"sed -n 's/^:10000 //p' marks";
	struct strv good = { 0 }, none = { 0 }, ids = { 0 };
	struct tree_bisect_step h;
	struct err err = { 0 };
	char *text = shell_ask(dir, script);

	strv_split(&ids, text, "\n");
	ck_assert_uint_eq(ids.n, 3);
	strv_add(&good, ids.v[0]);
	if (tree_bisect_choose(&h, "t", &good, ids.v[1], &none, &err))
		ck_abort_msg("%s", err.text);
	ck_assert_uint_eq(h.n_candidates, 19999);
	ck_assert_str_eq(h.next, ids.v[2]);
	tree_bisect_step_release(&h);
	/* The remaining half is small enough to weigh each commit. */
	strv_add(&good, ids.v[2]);
	must(tree_bisect_choose(&h, "t", &good, ids.v[1], &none, &err));
	ck_assert_uint_eq(h.n_candidates, 10000);
	tree_bisect_step_release(&h);
	strv_release(&ids);
	strv_release(&good);
	free(text);
}

TEST(invalid_good_and_bad_commits_are_rejected)
{
	struct strv good = { 0 }, none = { 0 };
	struct tree_bisect_step h;
	struct err err = { 0 };
	char *expected;

	make_linear_history();
	strv_add(&good, history.id[5]);
	ck_assert_int_eq(
		tree_bisect_choose(&h, "t", &good, history.id[3], &none, &err),
		-EINVAL);
	expected = xasprintf(
		"the bad commit %.12s is an ancestor of a good commit",
		history.id[3]);
	ck_assert_str_eq(err.text, expected);
	ck_assert_int_eq(tree_bisect_choose(&h, "t", &good, "x", &none, &err),
			 -EINVAL);
	ck_assert_int_eq(
		tree_bisect_choose(&h, "t", &good,
				   "0123456789012345678901234567890123456789",
				   &none, &err),
		-ENOENT);
	ck_assert_int_eq(tree_bisect_choose(&h, "nosuch", &good, history.id[9],
					    &none, &err),
			 -ENOENT);
	free(expected);
	strv_release(&good);
}

TEST(a_commit_is_found_described_and_has_a_merge_base)
{
	struct tree_commit c;
	struct err err = { 0 };
	char *text, *base;

	make_linear_history();
	shell_run(dir, "git -C kfarm/trees/t/repo.git tag v1 x3");
	must(tree_commit_find(&c, "t", "x7", &err));
	ck_assert_str_eq(c.id, history.id[7]);
	ck_assert_str_eq(c.subject, "number 7");
	tree_commit_release(&c);
	ck_assert_int_eq(tree_commit_find(&c, "t", "y7", &err), -ENOENT);
	text_has(err.text, "tree t: unknown revision \"y7\"");
	/* A short hexadecimal name is not reported as an ambiguous hash. */
	ck_assert_int_eq(tree_commit_find(&c, "t", "b99", &err), -ENOENT);
	text_has(err.text, "tree t: unknown revision \"b99\"");
	text = tree_commit_describe("t", history.id[3]);
	ck_assert_str_eq(text, "v1");
	free(text);
	text = tree_commit_describe("t", history.id[7]);
	base = xasprintf("v1-4-g%.12s", history.id[7]);
	ck_assert_str_eq(text, base);
	free(base);
	free(text);
	text = tree_commit_describe("t", history.id[1]);
	ck_assert_int_eq(strncmp(text, history.id[1], 12), 0);
	ck_assert_uint_eq(strlen(text), 12);
	free(text);
	must(tree_commit_merge_base("t", history.id[4], history.id[9], &base,
				    &err));
	ck_assert_str_eq(base, history.id[4]);
	free(base);
}
