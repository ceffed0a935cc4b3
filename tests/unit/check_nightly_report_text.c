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

static char rerun_command[] =
	"kfarm build --tree mainline --rev "
	"b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1 -a arm64 -t "
	"gcc-13.3.0 -k defconfig Image modules";
static struct nightly_result nights[4];
static struct tree_commit_log commits;

static void add_message(struct nightly_result *r, const char *line)
{
	strv_add(&r->messages, line);
}

static void add_commit(const char *subject)
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
static void check_report(const char *name, const struct nightly_report_build *v,
			 size_t n)
{
	char *path = xasprintf("tests/nightly/%s.txt", name);
	struct nightly_report r = { 0 };
	struct buf all = { 0 };

	ck_assert(nightly_report_write(&r, "mainline", v, n));
	buf_printf(&all, "%s\n\n%s", r.subject, r.text);
	golden_file(path, buf_str(&all));
	/* The subject starts with the result. */
	ck_assert_msg(!strncmp(r.subject + strlen("[kfarm] "), r.result,
			       strlen(r.result)),
		      "%s: %s", r.result, r.subject);
	buf_release(&all);
	nightly_report_release(&r);
	free(path);
}

static void check_report_of(const char *name, const struct nightly_result *r)
{
	check_report(name,
		     &(struct nightly_report_build){ r, commits.n ? &commits :
								    NULL },
		     1);
}

FIXTURE(set_up, tear_down);

TEST(the_first_build_is_reported)
{
	nights[0].n_warnings = 1;
	add_message(&nights[0], "mm/slab.c:7:2: warning: unused variable 'x' "
				"[-Wunused-variable]");
	check_report_of("first", &nights[0]);
}

/* No `previous`, because the report of the earlier run was not sent. */
TEST(a_good_build_is_reported_if_no_report_was_sent_before)
{
	nights[1].last_good = &nights[0];
	check_report_of("first-report", &nights[1]);
}

TEST(a_failed_first_build_is_reported)
{
	play_fail(&nights[0], 1, 0);
	add_message(&nights[0], "mm/slab.c:7:2: error: 'x' undeclared");
	check_report_of("first-fails", &nights[0]);
}

static void break_by_a_commit(void)
{
	play_after(&nights[1], &nights[0]);
	play_fail(&nights[1], 2, 2);
	nights[1].n_warnings = 1;
	nights[1].command = rerun_command;
	add_message(&nights[1], "mm/slab.c:7:2: error: 'x' undeclared");
	add_message(&nights[1],
		    "mm/slab.c:9:1: error: expected ';' before '}' token");
	add_commit("mm: slab: use x");
	add_commit("Merge branch 'fixes'");
}

TEST(a_new_failure_is_reported)
{
	break_by_a_commit();
	check_report_of("fails", &nights[1]);
}

TEST(the_first_bad_commit_of_a_bisection_is_reported)
{
	break_by_a_commit();
	nights[1].bisect.first_bad = commits.v[0].commit;
	nights[1].bisect.subject = commits.v[0].subject;
	nights[1].bisect.n_builds = 4;
	check_report_of("bisected", &nights[1]);
}

TEST(the_only_candidate_of_a_bisection_is_reported)
{
	break_by_a_commit();
	nights[1].bisect.first_bad = commits.v[0].commit;
	nights[1].bisect.subject = commits.v[0].subject;
	check_report_of("bisect-only", &nights[1]);
}

TEST(the_reason_for_a_skipped_bisection_is_reported)
{
	static char why[] = "not bisected: the toolchain has also changed";

	break_by_a_commit();
	nights[1].bisect.incomplete_reason = why;
	check_report_of("bisect-not", &nights[1]);
}

TEST(the_candidates_of_an_incomplete_bisection_are_reported)
{
	static char why[] = "after 8 h";

	break_by_a_commit();
	strv_add(&nights[1].bisect.candidates, "c123456789ab mm: slab: use x");
	strv_add(&nights[1].bisect.candidates, "c223456789ab mm: slab: add x");
	nights[1].bisect.n_builds = 1;
	nights[1].bisect.incomplete_reason = why;
	check_report_of("bisect-open", &nights[1]);
}

TEST(a_repeated_failure_is_reported_only_with_new_errors)
{
	break_by_a_commit();
	play_after(&nights[2], &nights[1]);
	play_fail(&nights[2], 2, 0);
	ck_assert_int_eq(nightly_notify_reason(&nights[2]),
			 NIGHTLY_NOTIFY_NONE);
	play_after(&nights[3], &nights[2]);
	play_fail(&nights[3], 3, 1);
	add_message(&nights[3],
		    "fs/open.c:1:1: error: unknown type name 'pathh'");
	add_commit("fs: open: typo");
	check_report_of("fails-anew", &nights[3]);
}

TEST(a_fixed_build_is_reported)
{
	break_by_a_commit();
	play_after(&nights[2], &nights[1]);
	nights[2].n_warnings = 1;
	tree_commit_log_release(&commits);
	add_commit("mm: slab: declare x");
	check_report_of("fixed", &nights[2]);
}

TEST(only_new_warnings_are_reported)
{
	play_after(&nights[1], &nights[0]);
	nights[1].n_warnings = 3;
	ck_assert_int_eq(nightly_notify_reason(&nights[1]),
			 NIGHTLY_NOTIFY_NONE);
	nights[1].n_new_warnings = 2;
	add_message(&nights[1], "mm/slab.c:7:2: warning: unused variable 'x' "
				"[-Wunused-variable]");
	add_commit("mm: slab: leave x");
	check_report_of("warns", &nights[1]);
}

TEST(new_warnings_remain_if_the_previous_result_is_removed)
{
	struct nightly_result r = play_result(1);
	struct nightly_result failed = { .end = NIGHTLY_END_FAILED };

	r.n_warnings = r.n_new_warnings = 1;
	r.previous = &failed;
	ck_assert_str_eq(nightly_notify_result_word(&r), "WARN");
	r.previous = NULL;
	ck_assert_str_eq(nightly_notify_result_word(&r), "WARN");
	r.decision = NIGHTLY_DECISION_FIRST;
	ck_assert_str_eq(nightly_notify_result_word(&r), "PASS");
}

TEST(a_broken_build_is_reported_once_per_cause)
{
	play_after(&nights[1], &nights[0]);
	nights[1].end = NIGHTLY_END_BROKEN;
	nights[1].status = 1;
	add_message(&nights[1],
		    "gcc-13.3.0 for arm64 is not installed; see pid 4711");
	check_report_of("broken", &nights[1]);
	play_after(&nights[2], &nights[1]);
	nights[2].end = NIGHTLY_END_BROKEN;
	nights[2].status = 1;
	add_message(&nights[2],
		    "gcc-13.3.0 for arm64 is not installed; see pid 815");
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

static const struct pair {
	const char *a, *b;
	bool same;
} pairs[] = {
	{ "pid 4711", "pid 815", true },
	{ "Makefile:29: Error 2", "Makefile:3: Error 2", true },
	{ "0.0 % of 7 (7 local)", "12.5 % of 16 (1 local)", true },
	{ "/proc/12/exe: 1.5 GiB", "/proc/7/exe: 20.0 GiB", true },
	{ "exit code -11", "exit code -9", true },
	{ "-11", "-9", true },
	{ "built on 2026-11-28", "built on 2026-11-29", true },
	{ "no answer after 30s", "no answer after 31s", true },
	{ "1.2M of 3.5G are free", "7.0M of 3.1G are free", true },
	{ "Error -12", "Error -13", true },
	{ "at 2026-11-06 02:00", "at 2026-11-07 03:30", true },
	{ "2s1", "3s1", false },
	{ "no 32-bit compiler", "no 64-bit compiler", false },
	{ "x86-64: missing", "x86-32: missing", false },
	{ "glibc 2.36-9", "glibc 2.37-1", false },
	{ "linux 6.1.0-12", "linux 6.1.0-13", false },
	{ "6.1.10-rc2: missing", "6.1.11-rc2: missing", false },
	{ "4K pages", "16K pages", false },
	{ "gcc-13.3.0: missing", "gcc-14.2.0: missing", false },
	{ "gcc-13.3.0: missing", "gcc-13.3.1: missing", false },
	{ "no revision v6.1.10", "no revision v6.1.11", false },
	{ "no revision v6.1.1", "no revision v6.1.11", false },
	{ "node1 is down", "node2 is down", false },
	{ "13th", "14th", false },
	{ "x 1", "x", false },
};

TEST_EACH(only_numbers_outside_words_can_differ_in_equal_causes, pairs)
{
	ck_assert(nightly_notify_is_same_text(row->a, row->b) == row->same);
	ck_assert(nightly_notify_is_same_text(row->b, row->a) == row->same);
}

/* Descriptions of git, and the same without the commit id. */
static const struct {
	char *describe;
	const char *without_id;
} descriptions[] = {
	{ "v6.1-rc3-12-g0123456789ab", "v6.1-rc3-12" },
	{ "v6.1-rc3", "v6.1-rc3" },
	{ "v6.1-google1", "v6.1-google1" },
	{ "v6.1-g", "v6.1-g" },
	{ "-g0123456", "-g0123456" },
};

TEST_EACH(a_short_revision_has_no_commit_id, descriptions)
{
	struct nightly_result r = { .describe = row->describe };
	struct buf out = { 0 };

	nightly_report_add_short_revision(&out, &r);
	ck_assert_str_eq(buf_str(&out), row->without_id);
	buf_release(&out);
}

TEST(a_timeout_is_reported)
{
	play_after(&nights[1], &nights[0]);
	nights[1].end = NIGHTLY_END_BROKEN;
	nights[1].status = 1;
	nights[1].timed_out = true;
	check_report_of("timed-out", &nights[1]);
}

/* A build that timed out has not failed, but is retried as well. */
TEST(a_good_retry_after_a_timeout_is_reported)
{
	play_after(&nights[1], &nights[0]);
	nights[1].end = NIGHTLY_END_BROKEN;
	nights[1].timed_out = true;
	play_after(&nights[2], &nights[1]);
	nights[2].commit = nights[1].commit;
	nights[2].describe = nights[1].describe;
	nights[2].decision = NIGHTLY_DECISION_RETRY;
	check_report_of("retried", &nights[2]);
}

TEST(a_failure_of_make_without_known_errors_is_reported)
{
	play_after(&nights[1], &nights[0]);
	play_fail(&nights[1], 0, 0);
	add_message(&nights[1],
		    "make: *** No rule to make target 'Imagee'.  Stop.");
	nights[1].decision = NIGHTLY_DECISION_OPTIONS;
	nights[1].commit = nights[0].commit;
	nights[1].describe = nights[0].describe;
	check_report_of("no-error", &nights[1]);
	play_after(&nights[2], &nights[1]);
	play_fail(&nights[2], 0, 0);
	add_message(&nights[2],
		    "make: *** No rule to make target 'Imagee'.  Stop.");
	ck_assert_int_eq(nightly_notify_reason(&nights[2]),
			 NIGHTLY_NOTIFY_NONE);
	nights[2].messages.v[0][0] = 'M';
	ck_assert_int_eq(nightly_notify_reason(&nights[2]),
			 NIGHTLY_NOTIFY_FAILED_AGAIN);
}

TEST(a_rewritten_branch_and_a_long_commit_list_are_reported)
{
	break_by_a_commit();
	for (int i = 0; i < 18; i++)
		add_commit("more");
	commits.n_total = 4321;
	commits.n_missing = 7;
	nights[1].n_new_errors = nights[1].n_errors = 57;
	check_report_of("long", &nights[1]);
}

TEST(one_commit_gone_from_a_rewritten_branch_is_reported_in_the_singular)
{
	struct nightly_report r = { 0 };

	break_by_a_commit();
	commits.n_missing = 1;
	ck_assert(nightly_report_write(
		&r, "mainline",
		&(struct nightly_report_build){ &nights[1], &commits }, 1));
	ck_assert_ptr_nonnull(strstr(r.text, ": 1 earlier commit is gone)\n"));
	nightly_report_release(&r);
}

TEST(an_unchanged_build_is_not_reported)
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

static void set_up_matrix(void)
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
	add_message(&builds[2], "arch/riscv/mm/init.c:1:2: error: no");
}

static void release_matrix(void)
{
	for (size_t i = 0; i < 6; i++)
		strv_release(&builds[i].messages);
}

TEST(several_builds_share_one_report)
{
	set_up_matrix();
	add_commit("mm: slab: use x");
	night[2].commits = &commits;
	check_report("matrix", night, 6);
	release_matrix();
}

TEST(a_report_of_many_changes_counts_them)
{
	set_up_matrix();
	play_fail(&before[0], 1, 1);
	builds[1].n_warnings = builds[1].n_new_warnings = 1;
	add_message(&builds[1], "a.c:1:1: warning: no");
	builds[5].end = NIGHTLY_END_BROKEN;
	builds[5].status = 125;
	add_message(&builds[5], "no node has a compiler for powerpc");
	check_report("matrix-much", night, 6);
	release_matrix();
}

TEST(a_report_names_the_toolchains_of_otherwise_equal_builds)
{
	set_up_matrix();
	builds[5].arch = builds[2].arch;
	builds[2].build = (char[]){ "riscv-defconfig-gcc-13" };
	builds[5].build = (char[]){ "riscv-defconfig-clang-14" };
	builds[5].toolchain = (char[]){ "clang-14" };
	check_report("matrix-toolchains", night, 6);
	release_matrix();
}

TEST(hostile_text_in_messages_and_commits_is_escaped)
{
	break_by_a_commit();
	strv_release(&nights[1].messages);
	add_message(&nights[1], "a\r\nBcc: victim@example.org\r\n\r\nb: error: "
				"\033[31m<script>alert(1)</script>\033[m");
	add_message(&nights[1], "\xe2\x80\xae"
				"c.\xff\xfe error \xe2\x80\x98"
				"x\xe2\x80\x99 \xc3\xa4\xc3");
	nights[1].describe = (char[]){ "v1\n\nX-Evil: 1\033]0;t\007" };
	tree_commit_log_release(&commits);
	add_commit("=?utf-8?q?evil?=\nTo: you\033[2J \xe2\x80\xaegnp.exe");
	nights[1].bisect.first_bad = commits.v[0].commit;
	nights[1].bisect.subject = commits.v[0].subject;
	nights[1].bisect.n_builds = 1;
	nights[1].build = (char[]){ "arm64-def\ttab\nline" };
	check_report_of("hostile", &nights[1]);
}

TEST(a_message_and_a_subject_of_1_mib_are_truncated)
{
	char *line = xmalloc((1 << 20) + 1);
	struct nightly_report r = { 0 };

	memset(line, 'x', 1 << 20);
	line[1 << 20] = '\0';
	break_by_a_commit();
	add_message(&nights[1], line);
	add_commit(line);
	ck_assert(nightly_report_write(
		&r, "mainline",
		&(struct nightly_report_build){ &nights[1], &commits }, 1));
	ck_assert_uint_lt(strlen(r.text), 4096);
	ck_assert_uint_lt(strlen(r.subject), 200);
	nightly_report_release(&r);
	free(line);
}
