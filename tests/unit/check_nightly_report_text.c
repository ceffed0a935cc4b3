/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: nightly */
/*
 * Reports of simulated nightly runs, subject and text, compared with
 * tests/nightly/NAME.txt.
 */
#include "nightly/report-text.h"

#include "../lib/test.h"
#include "golden.h"
#include "nightly-fixture.h"
#include "nightly/notify.h"

static char again[] = "kfarm build --tree mainline --rev "
		      "b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1 -a arm64 -t "
		      "gcc-13.3.0 -k defconfig Image modules";
static struct nightly_result nights[4];
static struct tree_commit_log commits;

static void said(struct nightly_result *r, const char *line)
{
	strv_add(&r->messages, line);
}

static void committed(const char *subject)
{
	struct tree_commit_log_entry *all = xcalloc(commits.n + 1,
						    sizeof(*all));

	if (commits.n)
		memcpy(all, commits.v, commits.n * sizeof(*all));
	all[commits.n].commit = xasprintf(
		"%02zx23456789abcdef0123456789abcdef01234567",
		commits.n + 0xc1);
	all[commits.n].subject = xstrdup(subject);
	free(commits.v);
	commits.v = all;
	commits.n_total = ++commits.n;
}

static void set_up(void)
{
	setenv("TZ", "UTC0", 1);
	for (unsigned i = 0; i < 4; i++)
		nights[i] = play_result(i);
}

static void tear_down(void)
{
	for (unsigned i = 0; i < 4; i++) {
		strv_release(&nights[i].messages);
		strv_release(&nights[i].bisect.candidates);
	}
	tree_commit_log_release(&commits);
}

/* Compare the report of these builds with tests/nightly/NAME.txt. */
static void told(const char *name, const struct nightly_report_build *v,
		 size_t n)
{
	char *path = xasprintf("tests/nightly/%s.txt", name);
	struct nightly_report r = { 0 };
	struct buf all = { 0 };

	ck_assert(nightly_report_write(&r, "mainline", v, n));
	buf_printf(&all, "%s\n\n%s", r.subject, r.text);
	golden_file(path, buf_str(&all));
	/* The result for programs and the subject for users start alike. */
	ck_assert_msg(!strncmp(r.subject + strlen("[kfarm] "), r.result,
			       strlen(r.result)),
		      "%s: %s", r.result, r.subject);
	buf_release(&all);
	nightly_report_release(&r);
	free(path);
}

static void told_one(const char *name, const struct nightly_result *r)
{
	told(name,
	     &(struct nightly_report_build){ r, commits.n ? &commits : NULL },
	     1);
}

FIXTURE(set_up, tear_down);

TEST(the_first_build_is_told)
{
	nights[0].n_warnings = 1;
	said(&nights[0], "mm/slab.c:7:2: warning: unused variable 'x' "
			 "[-Wunused-variable]");
	told_one("first", &nights[0]);
}

/* The report of the night before was not sent. */
TEST(the_first_report_follows_a_good_build)
{
	nights[1].last_good = &nights[0];
	told_one("first-report", &nights[1]);
}

TEST(a_first_build_that_fails_is_told)
{
	play_fail(&nights[0], 1, 0);
	said(&nights[0], "mm/slab.c:7:2: error: 'x' undeclared");
	told_one("first-fails", &nights[0]);
}

static void broken_by_a_commit(void)
{
	play_after(&nights[1], &nights[0]);
	play_fail(&nights[1], 2, 2);
	nights[1].n_warnings = 1;
	nights[1].command = again;
	said(&nights[1], "mm/slab.c:7:2: error: 'x' undeclared");
	said(&nights[1], "mm/slab.c:9:1: error: expected ';' before '}' token");
	committed("mm: slab: use x");
	committed("Merge branch 'fixes'");
}

TEST(a_good_one_that_fails_is_told)
{
	broken_by_a_commit();
	told_one("fails", &nights[1]);
}

TEST(what_a_bisect_found_is_told)
{
	broken_by_a_commit();
	nights[1].bisect.first_bad = commits.v[0].commit;
	nights[1].bisect.subject = commits.v[0].subject;
	nights[1].bisect.n_builds = 4;
	told_one("bisected", &nights[1]);
}

TEST(why_there_was_no_bisect_is_told)
{
	static char why[] = "not bisected: the toolchain has also changed";

	broken_by_a_commit();
	nights[1].bisect.incomplete_reason = why;
	told_one("bisect-not", &nights[1]);
}

TEST(what_a_bisect_left_open_is_told)
{
	static char why[] = "after 8 h";

	broken_by_a_commit();
	strv_add(&nights[1].bisect.candidates, "c123456789ab mm: slab: use x");
	strv_add(&nights[1].bisect.candidates, "c223456789ab mm: slab: add x");
	nights[1].bisect.n_builds = 1;
	nights[1].bisect.incomplete_reason = why;
	told_one("bisect-open", &nights[1]);
}

TEST(another_error_is_told_and_the_same_is_not)
{
	broken_by_a_commit();
	play_after(&nights[2], &nights[1]);
	play_fail(&nights[2], 2, 0);
	ck_assert_int_eq(nightly_notify_reason(&nights[2]),
			 NIGHTLY_NOTIFY_NONE);
	play_after(&nights[3], &nights[2]);
	play_fail(&nights[3], 3, 1);
	said(&nights[3], "fs/open.c:1:1: error: unknown type name 'pathh'");
	committed("fs: open: typo");
	told_one("fails-anew", &nights[3]);
}

TEST(one_that_is_good_again_is_told)
{
	broken_by_a_commit();
	play_after(&nights[2], &nights[1]);
	nights[2].n_warnings = 1;
	tree_commit_log_release(&commits);
	committed("mm: slab: declare x");
	told_one("fixed", &nights[2]);
}

TEST(new_warnings_are_told_and_old_ones_are_not)
{
	play_after(&nights[1], &nights[0]);
	nights[1].n_warnings = 3;
	ck_assert_int_eq(nightly_notify_reason(&nights[1]),
			 NIGHTLY_NOTIFY_NONE);
	nights[1].n_new_warnings = 2;
	said(&nights[1], "mm/slab.c:7:2: warning: unused variable 'x' "
			 "[-Wunused-variable]");
	committed("mm: slab: leave x");
	told_one("warns", &nights[1]);
}

TEST(what_could_not_be_tried_is_told_once)
{
	play_after(&nights[1], &nights[0]);
	nights[1].end = NIGHTLY_END_BROKEN;
	nights[1].status = 1;
	said(&nights[1], "gcc-13.3.0 for arm64 is not installed; see pid 4711");
	told_one("broken", &nights[1]);
	play_after(&nights[2], &nights[1]);
	nights[2].end = NIGHTLY_END_BROKEN;
	nights[2].status = 1;
	said(&nights[2], "gcc-13.3.0 for arm64 is not installed; see pid 815");
	ck_assert_int_eq(nightly_notify_reason(&nights[2]),
			 NIGHTLY_NOTIFY_NONE);
	nights[2].status = 125;
	ck_assert_int_eq(nightly_notify_reason(&nights[2]),
			 NIGHTLY_NOTIFY_BROKEN);
	/* Then the build fails: the last report was not a failure. */
	play_after(&nights[3], &nights[2]);
	play_fail(&nights[3], 1, 0);
	ck_assert_int_eq(nightly_notify_reason(&nights[3]),
			 NIGHTLY_NOTIFY_FAILED);
}

TEST(no_end_in_time_is_told)
{
	play_after(&nights[1], &nights[0]);
	nights[1].end = NIGHTLY_END_BROKEN;
	nights[1].status = 1;
	nights[1].timed_out = true;
	told_one("timed-out", &nights[1]);
}

/* A build that timed out has not failed, but it is built again, too. */
TEST(a_build_that_was_not_completed_is_built_again)
{
	play_after(&nights[1], &nights[0]);
	nights[1].end = NIGHTLY_END_BROKEN;
	nights[1].timed_out = true;
	play_after(&nights[2], &nights[1]);
	nights[2].commit = nights[1].commit;
	nights[2].describe = nights[1].describe;
	nights[2].decision = NIGHTLY_DECISION_RETRY;
	told_one("retried", &nights[2]);
}

TEST(make_may_fail_without_an_error_that_is_known)
{
	play_after(&nights[1], &nights[0]);
	play_fail(&nights[1], 0, 0);
	said(&nights[1], "make: *** No rule to make target 'Imagee'.  Stop.");
	nights[1].decision = NIGHTLY_DECISION_OPTIONS;
	nights[1].commit = nights[0].commit;
	nights[1].describe = nights[0].describe;
	told_one("no-error", &nights[1]);
	play_after(&nights[2], &nights[1]);
	play_fail(&nights[2], 0, 0);
	said(&nights[2], "make: *** No rule to make target 'Imagee'.  Stop.");
	ck_assert_int_eq(nightly_notify_reason(&nights[2]),
			 NIGHTLY_NOTIFY_NONE);
	nights[2].messages.v[0][0] = 'M';
	ck_assert_int_eq(nightly_notify_reason(&nights[2]),
			 NIGHTLY_NOTIFY_FAILED_AGAIN);
}

TEST(a_branch_that_was_rewritten_and_a_long_list_are_told)
{
	broken_by_a_commit();
	for (int i = 0; i < 18; i++)
		committed("more");
	commits.n_total = 4321;
	commits.n_missing = 7;
	nights[1].n_new_errors = nights[1].n_errors = 57;
	told_one("long", &nights[1]);
}

TEST(unchanged_is_no_news_whatever_it_was)
{
	play_after(&nights[1], &nights[0]);
	play_fail(&nights[0], 1, 1);
	nights[1].decision = NIGHTLY_DECISION_UNCHANGED;
	ck_assert_int_eq(nightly_notify_reason(&nights[1]),
			 NIGHTLY_NOTIFY_NONE);
	ck_assert_str_eq(nightly_notify_result_word(&nights[1]), "FAIL");
	ck_assert(!nightly_report_write(
		&(struct nightly_report){ 0 }, "mainline",
		&(struct nightly_report_build){ &nights[1], NULL }, 1));
	ck_assert(!nightly_report_write(&(struct nightly_report){ 0 },
					"mainline", NULL, 0));
}

/* Six builds of a nightly run, one per architecture. */
static char names[6][sizeof("powerpc-defconfig")];
static struct nightly_result before[6], builds[6];
static struct nightly_report_build night[6];

static void matrix(void)
{
	static char *const arches[] = { "arm64",  "arm",  "riscv",
					"x86_64", "i386", "powerpc" };

	for (size_t i = 0; i < 6; i++) {
		before[i] = play_result(0);
		builds[i] = play_result(1);
		before[i].arch = builds[i].arch = arches[i];
		snprintf(names[i], sizeof(names[i]), "%s-defconfig", arches[i]);
		before[i].build = builds[i].build = names[i];
		play_after(&builds[i], &before[i]);
		night[i] = (struct nightly_report_build){ &builds[i], NULL };
	}
	play_fail(&before[3], 1, 1);
	play_fail(&builds[3], 1, 0);
	builds[4].decision = NIGHTLY_DECISION_UNCHANGED;
	play_fail(&builds[2], 2, 2);
	said(&builds[2], "arch/riscv/mm/init.c:1:2: error: no");
}

static void matrix_gone(void)
{
	for (size_t i = 0; i < 6; i++)
		strv_release(&builds[i].messages);
}

TEST(several_builds_are_one_report)
{
	matrix();
	committed("mm: slab: use x");
	night[2].commits = &commits;
	told("matrix", night, 6);
	matrix_gone();
}

TEST(much_news_is_counted)
{
	matrix();
	play_fail(&before[0], 1, 1);
	builds[1].n_warnings = builds[1].n_new_warnings = 1;
	said(&builds[1], "a.c:1:1: warning: no");
	builds[5].end = NIGHTLY_END_BROKEN;
	builds[5].status = 125;
	said(&builds[5], "no node has a compiler for powerpc");
	told("matrix-much", night, 6);
	matrix_gone();
}

TEST(only_the_toolchain_tells_two_builds_apart)
{
	matrix();
	builds[5].arch = builds[2].arch;
	builds[2].build = (char[]){ "riscv-defconfig-gcc-13" };
	builds[5].build = (char[]){ "riscv-defconfig-clang-14" };
	builds[5].toolchain = (char[]){ "clang-14" };
	told("matrix-toolchains", night, 6);
	matrix_gone();
}

TEST(what_others_wrote_steers_nothing)
{
	broken_by_a_commit();
	strv_release(&nights[1].messages);
	said(&nights[1], "a\r\nBcc: victim@example.org\r\n\r\nb: error: "
			 "\033[31m<script>alert(1)</script>\033[m");
	said(&nights[1], "\xe2\x80\xae"
			 "c.\xff\xfe error \xe2\x80\x98"
			 "x\xe2\x80\x99 \xc3\xa4\xc3");
	nights[1].describe = (char[]){ "v1\n\nX-Evil: 1\033]0;t\007" };
	tree_commit_log_release(&commits);
	committed("=?utf-8?q?evil?=\nTo: you\033[2J \xe2\x80\xaegnp.exe");
	nights[1].bisect.first_bad = commits.v[0].commit;
	nights[1].bisect.subject = commits.v[0].subject;
	nights[1].bisect.n_builds = 1;
	nights[1].build = (char[]){ "arm64-def\ttab\nline" };
	told_one("hostile", &nights[1]);
}

TEST(a_line_of_a_megabyte_is_cut)
{
	char *line = xmalloc((1 << 20) + 1);
	struct nightly_report r = { 0 };

	memset(line, 'x', 1 << 20);
	line[1 << 20] = '\0';
	broken_by_a_commit();
	said(&nights[1], line);
	committed(line);
	ck_assert(nightly_report_write(
		&r, "mainline",
		&(struct nightly_report_build){ &nights[1], &commits }, 1));
	ck_assert_uint_lt(strlen(r.text), 4096);
	ck_assert_uint_lt(strlen(r.subject), 200);
	nightly_report_release(&r);
	free(line);
}
